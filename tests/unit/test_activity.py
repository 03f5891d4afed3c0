"""Speech told from silence, one stream or many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.speech.activity import CHUNK, SileroActivity

pytest.importorskip("onnxruntime")
faster_whisper = pytest.importorskip("faster_whisper")

RECORDINGS = Path(__file__).parents[2] / "samples/recordings/speech"

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def silero() -> SileroActivity:
    return SileroActivity.load()


def chunks(name: str) -> Array:
    audio: Array = faster_whisper.decode_audio(str(RECORDINGS / f"{name}.flac"), sampling_rate=16000)
    return audio[: len(audio) // CHUNK * CHUNK].reshape(-1, CHUNK)


def alone(silero: SileroActivity, sound: Array) -> Array:
    state = silero.fresh[None]
    found = []
    for chunk in sound:
        probability, state = silero.step(chunk[None], state)
        found.append(probability[0])
    return np.array(found)


def test_speech_is_heard_and_silence_is_not(silero: SileroActivity) -> None:
    heard = alone(silero, np.concatenate([np.zeros((30, CHUNK), np.float32), chunks("coffee-order")]))
    assert heard[:30].max() < 0.2
    assert heard.max() > 0.9


def test_noise_is_no_speech(silero: SileroActivity) -> None:
    noise = np.random.default_rng(0).standard_normal((60, CHUNK)).astype(np.float32) * 0.02
    assert alone(silero, noise)[5:].max() < 0.5


def test_a_stream_does_not_depend_on_the_others(silero: SileroActivity) -> None:
    sounds = [chunks(name)[:40] for name in ("LJ001-0002", "coffee-order", "sb_spk1_snt2")]
    expected = [alone(silero, sound) for sound in sounds]
    states = np.stack([silero.fresh] * 3)
    together = []
    for row in zip(*sounds, strict=True):
        probabilities, states = silero.step(np.stack(row), states)
        together.append(probabilities)
    assert np.allclose(np.array(together).T, np.array(expected), atol=1e-4)

"""Noise to measure with: the babble of other people's clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.speech.recognition import Audio

TALKERS: Final = 6

_FRAME: Final = 512


def with_babble(clip: Audio, others: Sequence[Audio], snr_db: float, seed: int) -> Audio:
    """A clip with others talking all the while, ``TALKERS`` of them, each as loud.

    Args:
        snr_db: how much louder the clip's speech is than the babble, in decibels of mean power. Its speech are the
            louder half of its frames of 32 ms, as clips begin and end with silence.
        seed: which others, and where they begin.
    """
    generator = np.random.default_rng(seed)
    babble = np.zeros(len(clip))
    for at in generator.choice(len(others), min(TALKERS, len(others)), replace=False):
        talker = others[at] / np.sqrt(_power(others[at]))
        babble += np.resize(np.roll(talker, -int(generator.integers(len(talker)))), len(clip))
    scale = np.sqrt(_power(clip) / np.mean(np.square(babble)) / 10 ** (snr_db / 10))
    mixed: Audio = (clip + babble * scale).astype(np.float32)
    # No louder than samples can be.
    mixed /= np.float32(max(1.0, float(np.abs(mixed).max())))
    return mixed


def _power(audio: Audio) -> float:
    frames = audio[: len(audio) // _FRAME * _FRAME].reshape(-1, _FRAME)
    powers = np.sort(np.mean(np.square(frames, dtype=np.float64), axis=1))
    return float(np.mean(powers[len(powers) // 2 :])) + 1e-12

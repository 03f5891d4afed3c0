"""What a simulated headset's microphone hears: lines of text, spoken by a synthesizer, in the pieces of a real one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
CHUNK_S: Final = 0.02
"""What is sent at a time."""

QUIET_S: Final = 0.8
"""Heard after each line, so that its end is heard by itself."""

_LOUD: Final = 0.02
_HISS: Final = 2e-4


@dataclass(frozen=True)
class Clip:
    """A line as sound.

    Attributes:
        pcm: 16 bit little-endian, mono, 16 kHz, with a quiet end.
        speech_s: when the speech in it ends, seconds from its beginning.
    """

    pcm: bytes
    speech_s: float

    def chunks(self) -> Iterator[tuple[float, bytes]]:
        """Its pieces: seconds from the beginning, and samples."""
        size = 2 * int(CHUNK_S * RATE)
        for at in range(0, len(self.pcm), size):
            yield at / (2 * RATE), self.pcm[at : at + size]


class Synthesizer:
    """Speaks; each line is made once.

    Raises:
        ImportError: the package ``hibari-tts`` is not installed.
    """

    def __init__(self) -> None:
        try:
            from hibari import SAMPLE_RATE, Hibari
        except ImportError as error:
            text = "headsets cannot speak without hibari-tts; in Genlock's checkout: pip install '.[demo]'"
            raise ImportError(text) from error
        self._speak: Any = Hibari()
        self._rate: int = SAMPLE_RATE
        self._clips: dict[str, Clip] = {}

    def clip(self, text: str) -> Clip:
        """A line as sound. Takes a hundredth of its length the first time."""
        if text not in self._clips:
            self._clips[text] = clip(self._speak(text, seed=0), self._rate)
        return self._clips[text]


def clip(samples: NDArray[np.float32], rate: int) -> Clip:
    """Sound at any rate, float32 ``[n]`` within -1 to 1, as a headset's microphone would send it."""
    from scipy.signal import resample_poly

    common = int(np.gcd(rate, RATE))
    heard = resample_poly(samples, RATE // common, rate // common)
    heard = heard / max(2 * float(np.abs(heard).max(initial=0.0)), 1e-9)
    loud = np.flatnonzero(np.abs(heard) > _LOUD)
    end = int(loud[-1]) + 1 if len(loud) else 0
    quiet = np.concatenate([heard[:end], np.zeros(int(QUIET_S * RATE))])
    hiss = np.random.default_rng(0).normal(0.0, _HISS, len(quiet))
    pcm = np.clip((quiet + hiss) * 32767, -32768, 32767).astype("<i2").tobytes()
    return Clip(pcm, end / RATE)

"""The sound of one microphone as a line of samples, and which moment of the device's clock each has."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.speech.recognition import RATE, Audio

_SAMPLE: Final = 2
_US: Final = 1_000_000
# Between one chunk's end and the next one's beginning this much is the clock's jitter.
_JITTER_US: Final = 30_000
# Of what was lost, no more than this is filled with silence: it ends any utterance.
_FILLED_US: Final = 1_000_000
# What is older than this is no repetition: the clock was set.
_REPEATED_US: Final = 30_000_000


class Track:
    """Samples in the order in which they were said; times in microseconds of the device's clock.

    Attributes:
        begin, end: the first sample that is kept and the one that comes next, counted from the first ever.
    """

    def __init__(self) -> None:
        self.begin = 0
        self.end = 0
        self._samples = bytearray()
        self._anchors: list[tuple[int, int]] = []
        self._next_us = 0

    def add(self, time_us: int, pcm: bytes) -> None:
        """Adds sound, PCM of 16 bits in little-endian order.

        Silence stands for what is missing before it, up to a second; what was there already is left out.

        Args:
            time_us: of the first sample.
        """
        pcm = pcm[: len(pcm) // _SAMPLE * _SAMPLE]
        if not pcm:
            return
        if self._anchors:
            late = time_us - self._next_us
            if late > _JITTER_US or late < -_REPEATED_US:
                self._append(bytes(_SAMPLE * _samples(min(late, _FILLED_US) if late > 0 else _FILLED_US)))
            elif late < -_JITTER_US:
                known = _samples(-late)
                pcm = pcm[known * _SAMPLE :]
                time_us = self._next_us
                if not pcm:
                    return
        self._anchors.append((self.end, time_us))
        self._append(pcm)
        self._next_us = time_us + _us(len(pcm) // _SAMPLE)

    def cut(self, begin: int, end: int) -> Audio:
        """Samples from ``begin`` to before ``end``, of those that are kept."""
        begin, end = max(begin, self.begin), min(end, self.end)
        first, last = (begin - self.begin) * _SAMPLE, (end - self.begin) * _SAMPLE
        whole: NDArray[np.int16] = np.frombuffer(bytes(self._samples[first:last]), "<i2")
        return whole.astype(np.float32) / np.float32(32768)

    def time_us(self, sample: int) -> int:
        """When a sample was said; before the first of them as if there had been sound."""
        anchor = self._anchors[0]
        for one in reversed(self._anchors):
            if one[0] <= sample:
                anchor = one
                break
        return anchor[1] + _us(sample - anchor[0])

    def forget(self, before: int) -> None:
        """Keeps no sample before that one."""
        before = min(max(before, self.begin), self.end)
        del self._samples[: (before - self.begin) * _SAMPLE]
        self.begin = before
        while len(self._anchors) > 1 and self._anchors[1][0] <= before:
            del self._anchors[0]

    def _append(self, pcm: bytes) -> None:
        self._samples += pcm
        self.end += len(pcm) // _SAMPLE


def _samples(us: int) -> int:
    return us * RATE // _US


def _us(samples: int) -> int:
    return samples * _US // RATE

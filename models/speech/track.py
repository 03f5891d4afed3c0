"""The sound of one microphone as a line of samples, and which moment of the device's clock each has."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.speech.recognition import RATE, Audio

_SAMPLE: Final = 2
_US: Final = 1_000_000
# Between one chunk's end and the next one's beginning this much is the clock's jitter.
_JITTER_US: Final = 30_000
# What is older than this is no repetition: the clock was set.
_REPEATED_US: Final = 5_000_000


class Track:
    """Samples in the order in which they were said; times in microseconds of the device's clock.

    Args:
        longest_gap: samples of silence that stand for what is missing, at most. What comes after a longer gap, or after
            the clock was set, does not hang together with what was before.

    Attributes:
        begin, end: the first sample that is kept and the one that comes next, counted from the first ever.
    """

    def __init__(self, longest_gap: int) -> None:
        self._longest_gap_us = _us(longest_gap)
        self.begin = 0
        self.end = 0
        self._samples = bytearray()
        self._anchors: list[tuple[int, int]] = []
        self._next_us = 0

    def add(self, time_us: int, pcm: bytes) -> bool:
        """Adds sound, PCM of 16 bits in little-endian order. What was there already is left out.

        Args:
            time_us: of the first sample.

        Returns:
            Whether it hangs together with what was before.
        """
        pcm = pcm[: len(pcm) // _SAMPLE * _SAMPLE]
        if not pcm:
            return True
        together = True
        if self._anchors:
            late = time_us - self._next_us
            together = -_REPEATED_US <= late <= self._longest_gap_us
            if together and late > _JITTER_US:
                self._append(bytes(_SAMPLE * _samples(late)))
            elif together and late < -_JITTER_US:
                known = _samples(-late)
                pcm = pcm[known * _SAMPLE :]
                time_us = self._next_us
                if not pcm:
                    return True
        self._anchors.append((self.end, time_us))
        self._append(pcm)
        self._next_us = time_us + _us(len(pcm) // _SAMPLE)
        return together

    def cut(self, begin: int, end: int) -> Audio:
        """Samples from ``begin`` to before ``end``, of those that are kept."""
        begin, end = max(begin, self.begin), min(end, self.end)
        first, last = (begin - self.begin) * _SAMPLE, (end - self.begin) * _SAMPLE
        whole: NDArray[np.int16] = np.frombuffer(bytes(self._samples[first:last]), "<i2")
        return whole.astype(np.float32) / np.float32(32768)

    def time_us(self, sample: int) -> int:
        """When a sample was said; before the first of them as if there had been sound."""
        return self._counted(sample, sample)

    def end_us(self, sample: int) -> int:
        """When those before a sample were over, whatever comes after them, and however much later."""
        return self._counted(sample, sample - 1)

    def forget(self, before: int) -> None:
        """Keeps no sample before that one."""
        before = min(max(before, self.begin), self.end)
        del self._samples[: (before - self.begin) * _SAMPLE]
        self.begin = before
        while len(self._anchors) > 1 and self._anchors[1][0] <= before:
            del self._anchors[0]

    def _counted(self, sample: int, from_one_at: int) -> int:
        at = bisect_right(self._anchors, from_one_at, key=itemgetter(0))
        begin, begin_us = self._anchors[max(at - 1, 0)]
        return begin_us + _us(sample - begin)

    def _append(self, pcm: bytes) -> None:
        self._samples += pcm
        self.end += len(pcm) // _SAMPLE


def _samples(us: int) -> int:
    return us * RATE // _US


def _us(samples: int) -> int:
    return samples * _US // RATE

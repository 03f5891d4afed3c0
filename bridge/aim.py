"""What a headset aimed at in the last seconds, so that "that one" is what it was when the words were said."""

from __future__ import annotations

import struct
from collections import deque
from typing import Final, NamedTuple

_EVERY_US: Final = 50_000
_NEAR_US: Final = 500_000


class _Moment(NamedTuple):
    time_us: int
    order: tuple[str, ...]
    probabilities: bytes
    head: bytes


class Aim:
    """The target model's probabilities over the last seconds, twenty a second, and where the head was.

    Kept with the order of targets that they are in, so that they hold when the scene changes meanwhile.

    Attributes:
        kept_us: for how long, microseconds.
    """

    def __init__(self) -> None:
        self.kept_us = 5_000_000
        self._kept: deque[_Moment] = deque()

    def add(self, time_us: int, order: tuple[str, ...], probabilities: bytes, head: bytes = b"") -> None:
        """An answer's probabilities, little-endian float32, one for each of ``order``; the head's pose, if any."""
        kept = self._kept
        if kept and time_us - kept[-1].time_us < _EVERY_US:
            return
        kept.append(_Moment(time_us, order, probabilities, head))
        while time_us - kept[0].time_us > self.kept_us:
            kept.popleft()

    def at(self, time_us: int) -> dict[str, float]:
        """Probabilities by target nearest to a moment; empty where nothing was aimed within half a second of it."""
        nearest = self._nearest(time_us)
        if nearest is None:
            return {}
        data = nearest.probabilities
        return dict(zip(nearest.order, struct.unpack(f"<{len(data) // 4}f", data), strict=False))

    def head(self, time_us: int) -> bytes:
        """The head's pose nearest to a moment, as a frame has it; empty where none was known about then."""
        nearest = self._nearest(time_us)
        return b"" if nearest is None else nearest.head

    def _nearest(self, time_us: int) -> _Moment | None:
        nearest = min(self._kept, key=lambda moment: abs(moment.time_us - time_us), default=None)
        return nearest if nearest is not None and abs(nearest.time_us - time_us) <= _NEAR_US else None

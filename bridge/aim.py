"""What a headset aimed at in the last seconds, so that "that one" is what it was when the words were said."""

from __future__ import annotations

import struct
from collections import deque
from typing import Final

_EVERY_US: Final = 50_000
_KEPT_US: Final = 5_000_000
_NEAR_US: Final = 500_000


class Aim:
    """The target model's probabilities over the last five seconds, twenty a second.

    Kept with the order of targets that they are in, so that they hold when the scene changes meanwhile.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[int, tuple[str, ...], bytes]] = deque()

    def add(self, time_us: int, order: tuple[str, ...], probabilities: bytes) -> None:
        """An answer's probabilities: little-endian float32, one for each target in ``order``."""
        kept = self._kept
        if kept and time_us - kept[-1][0] < _EVERY_US:
            return
        kept.append((time_us, order, probabilities))
        while time_us - kept[0][0] > _KEPT_US:
            kept.popleft()

    def at(self, time_us: int) -> dict[str, float]:
        """Probabilities by target nearest to a moment; empty where nothing was aimed within half a second of it."""
        if not self._kept:
            return {}
        when, order, data = min(self._kept, key=lambda entry: abs(entry[0] - time_us))
        if abs(when - time_us) > _NEAR_US:
            return {}
        return dict(zip(order, struct.unpack(f"<{len(data) // 4}f", data), strict=False))

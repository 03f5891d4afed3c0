"""The search for the most sessions that a server takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.bench.load import LoadFigures

TRIES: Final = 2
"""How often a load may fail before it counts as too much."""


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes:
        sessions: the most that passed; 0 if one was too many already.
        bounded: false if every load passed, so that there may be more.
        points: every load, in order.
    """

    sessions: int
    bounded: bool
    points: tuple[LoadFigures, ...]

    @property
    def at_limit(self) -> LoadFigures | None:
        """The figures at ``sessions``."""
        passed = (point for point in self.points if point.sessions == self.sessions and point.passed)
        return next(passed, None)


def search(
    measure: Callable[[int], LoadFigures], *, start: int, limit: int, growth: float, resolution: float
) -> Search:
    """Finds the most sessions that pass: by a factor of ``growth`` up or down from ``start``, then by halving.

    A load that fails is put on once more and passes if that does, since other work on the machine can only do harm.
    """
    points: list[LoadFigures] = []

    def passes(sessions: int) -> bool:
        for _ in range(TRIES):
            points.append(measure(sessions))
            if points[-1].passed:
                return True
        return False

    low, high = 0, limit + 1
    sessions = min(start, limit)
    while high - low > max(1.0, resolution * low):
        if passes(sessions):
            low = sessions
        else:
            high = sessions
        if low == 0:
            sessions = max(1, int(high / growth))
        elif high > limit:
            sessions = min(limit, int(low * growth) + 1)
        else:
            sessions = (low + high) // 2
    return Search(low, high <= limit, tuple(points))

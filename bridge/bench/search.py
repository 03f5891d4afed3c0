"""The search for the most sessions that a server takes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
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


Loads = Generator[int, LoadFigures, Search]
"""A search under way: yields how many sessions to try, and is sent what came of it."""


def search(*, start: int, limit: int, growth: float, resolution: float) -> Loads:
    """Finds the most sessions that pass: by a factor of ``growth`` up or down from ``start``, then by halving.

    A load that fails is put on once more and passes if that does, since other work on the machine can only do harm.
    """
    points: list[LoadFigures] = []
    low, high = 0, limit + 1
    sessions = min(start, limit)
    while high - low > max(1.0, resolution * low):
        for _ in range(TRIES):
            points.append((yield sessions))
            if points[-1].passed:
                low = sessions
                break
        else:
            high = sessions
        if low == 0:
            sessions = max(1, int(high / growth))
        elif high > limit:
            sessions = min(limit, int(low * growth) + 1)
        else:
            sessions = (low + high) // 2
    return Search(low, high <= limit, tuple(points))


def in_turns(searches: Mapping[str, Loads], measure: Callable[[str, int], LoadFigures]) -> dict[str, Search]:
    """Goes through several searches, a load of each at a time, so that a machine that slows down does so for all.

    Args:
        measure: puts that many sessions on the system of that name.
    """
    found: dict[str, Search] = {}
    # What was sent to a generator before its first load is nothing.
    last: dict[str, LoadFigures | None] = dict.fromkeys(searches)
    while len(found) < len(searches):
        for system, loads in searches.items():
            if system in found:
                continue
            try:
                before = last[system]
                sessions = next(loads) if before is None else loads.send(before)
            except StopIteration as end:
                found[system] = end.value
            else:
                last[system] = measure(system, sessions)
    return found

"""What learning costs: how many sessions are held while everybody's models learn, for each that is held without.

What is looked for is less than a machine's speed drifts. So two staircases are walked at once, a load of each in turn
(Dixon and Mood, "A method for obtaining and analyzing sensitivity data", 1948): up a step after a load that passes,
down one after a load that fails. Each stays where half of the loads pass, and both follow the machine alike.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bridge.bench.frames import BenchOptions, Report, describe_machine, genlock_command, measure
from bridge.bench.servers import running

STAIRCASES: Final = ("with", "without")
"""Learning."""

_START: Final = 48
_FIRST_STEP: Final = 1.5
_STEP: Final = 1.08
_ARRIVED: Final = 2
_PARTS: Final = 5


class Staircase:
    """How many sessions to try next. Steps are large until one fails where the one before passed, or the reverse.

    Args:
        limit: the most that are tried.
    """

    def __init__(self, limit: int) -> None:
        self._turns = 0
        self._limit = limit
        self._exact = float(min(_START, limit))
        self._passed: bool | None = None

    @property
    def sessions(self) -> int:
        """What to try next, from 1 to the limit."""
        return round(self._exact)

    @property
    def arrived(self) -> bool:
        """Whether it is about where half of the loads pass."""
        return self._turns >= _ARRIVED

    def tell(self, passed: bool) -> None:
        """What came of it."""
        if self._passed is not None and passed is not self._passed:
            self._turns += 1
        self._passed = passed
        step = _STEP if self._turns else _FIRST_STEP
        self._exact = min(max(self._exact * (step if passed else 1 / step), 1.0), float(self._limit))


def walk(pairs: int, limit: int, passes: Callable[[str, int], bool]) -> list[tuple[int, int]]:
    """Walks both staircases.

    Args:
        pairs: how many steps of both to take once both have arrived.
        limit: the most sessions that are tried; a staircase that stays there counts as arrived.
        passes: puts a load on, the name of its staircase first; returns whether it was answered in time.

    Returns:
        The sessions that were tried since, with learning and without.
    """
    stairs = {name: Staircase(limit) for name in STAIRCASES}
    found: list[tuple[int, int]] = []
    turn = 0
    while len(found) < pairs:
        tried = {name: stairs[name].sessions for name in STAIRCASES}
        arrived = all(stair.arrived or stair.sessions == limit for stair in stairs.values())
        # Neither is always the one that comes first.
        for name in STAIRCASES if turn % 2 else reversed(STAIRCASES):
            stairs[name].tell(passes(name, tried[name]))
        if arrived:
            found.append((tried["with"], tried["without"]))
        turn += 1
    return found


def bench(options: BenchOptions, pairs: int, report: Report) -> dict[str, Any]:
    """Measures; everything as plain values.

    Raises:
        bridge.bench.servers.ServerError, bridge.bench.client.LoadError: it cannot be.
    """
    machine = describe_machine()
    with tempfile.TemporaryDirectory(prefix="genlock-") as folder:
        command = genlock_command(options, Path(folder) / "profiles.sqlite", options.limit)
        with running("genlock", command) as server:

            def passes(staircase: str, sessions: int) -> bool:
                what, learn = f"{staircase} learning", staircase == "with"
                return measure(options, server, report, what, sessions, learn=learn, stop_early=True).passed

            steps = walk(pairs, options.limit, passes)
    return summary(options, machine, steps)


def summary(options: BenchOptions, machine: dict[str, Any], steps: list[tuple[int, int]]) -> dict[str, Any]:
    """Puts what was found into one document: geometric means, of the ratio also those of each fifth of the steps."""
    ratios = [with_ / without for with_, without in steps]
    cuts = [len(steps) * part // _PARTS for part in range(_PARTS + 1)]
    parts = [ratios[begin:end] for begin, end in pairwise(cuts) if begin < end]
    return {
        "benchmark": "learning",
        "options": asdict(replace(options, recordings=(), systems=("genlock",)))
        | {"recordings": [path.name for path in options.recordings]},
        "machine": machine,
        "sessions": {
            "with": statistics.geometric_mean(with_ for with_, _ in steps),
            "without": statistics.geometric_mean(without for _, without in steps),
        },
        "ratio": statistics.geometric_mean(ratios),
        "ratios_of_fifths": [statistics.geometric_mean(part) for part in parts],
        "steps": steps,
    }

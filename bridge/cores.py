"""Which cores run what, where the system lets a process choose (Linux)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection


def divided(engine_threads: int = 1) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The cores that this process may use, for the engine and for all else.

    An engine under load steps without a pause. Left to itself the system wakes those that wait for its answers on the
    very core that gave them, in the middle of the next step, rather than beside a worker that would give way to them.

    Args:
        engine_threads: how many the engine needs at least; else it gets half.

    Returns:
        The engine's and the others', or nothing where there are too few, or where a process cannot choose.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    many = max(len(cores) // 2, engine_threads)
    return (tuple(cores[:many]), tuple(cores[many:])) if many < len(cores) else None


def keep_to(cores: Collection[int]) -> None:
    """This process, and those that it starts, run on these cores from now on."""
    # Whoever runs a container can take a core away at any time; then any is better than none.
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, cores)

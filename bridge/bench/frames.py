"""How many sessions are answered in time: by Genlock, by a bare echo, and by a naive server."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bridge import __version__
from bridge.bench.load import LATE_SHARE, LoadFigures, LoadOptions
from bridge.bench.search import TRIES, Search, in_turns, search
from bridge.bench.servers import put_load, running
from bridge.frame_path.engine import EngineOptions

SYSTEMS: Final = ("genlock", "echo", "naive")
_STARTS: Final = {"genlock": 48, "echo": 96, "naive": 8}
"""Where the first search begins; only how long it takes depends on it."""

_FIRST_GROWTH: Final = 2.0
_LATER_GROWTH: Final = 1.15
_MEMORY_SESSIONS: Final = 64

Report = Callable[[str, int, LoadFigures | None], None]
"""Is told what is measured and the number of sessions when a load begins, and again with its figures at its end."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """What is measured, and how closely.

    Attributes:
        hz: frames a second of each session.
        rounds: how often everything is measured, the systems in turn, a load of each at a time.
        warm_up_s, measure_s: of each load.
        resolution: how close to each other, as a share, the most sessions that pass and the fewest that do not are.
        limit: the most sessions that are tried.
        models, device: for Genlock and the naive server.
        recordings: whose frames are sent; made-up ones without.
        systems: of ``SYSTEMS``, ``genlock`` among them.
    """

    hz: float = 90.0
    rounds: int = 3
    warm_up_s: float = 1.5
    measure_s: float = 5.0
    resolution: float = 0.04
    limit: int = 512
    models: tuple[str, ...] = EngineOptions.models
    device: str = "auto"
    recordings: tuple[Path, ...] = ()
    systems: tuple[str, ...] = SYSTEMS


def bench(options: BenchOptions, report: Report) -> dict[str, Any]:
    """Measures everything; returns it as plain data, see docs/benchmarks.md.

    Raises:
        ServerError: a server does not start.
        LoadError: a load could not be put on.
    """
    machine = describe_machine()
    searches: dict[str, list[Search]] = {system: [] for system in options.systems}
    with contextlib.ExitStack() as stack:
        profiles = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "profiles.sqlite"
        servers: dict[str, tuple[str, int]] = {}
        for system, command in _commands(options, profiles):
            if system in options.systems:
                servers[system] = stack.enter_context(running(system, command))
        for round_ in range(options.rounds):
            under_way = {}
            for system in options.systems:
                before = max((found.sessions for found in searches[system]), default=0)
                under_way[system] = search(
                    start=before or _STARTS[system],
                    limit=options.limit,
                    growth=_LATER_GROWTH if before else _FIRST_GROWTH,
                    resolution=options.resolution,
                )
            what = f"round {round_ + 1} of {options.rounds}"
            found = in_turns(
                under_way,
                lambda system, sessions, what=what: measure(  # type: ignore[misc]
                    options,
                    servers[system],
                    report,
                    f"{system}, {what}",
                    sessions,
                    echo=system == "echo",
                    stop_early=True,
                ),
            )
            for system, one in found.items():
                searches[system].append(one)
    with tempfile.TemporaryDirectory() as directory:
        memory = _memory(options, Path(directory) / "profiles.sqlite", report)
    return summary(options, machine, searches, memory)


def summary(
    options: BenchOptions,
    machine: Mapping[str, Any],
    searches: Mapping[str, list[Search]],
    memory: Mapping[str, Any],
) -> dict[str, Any]:
    """Puts what was found into one document. Medians are of the rounds; of an even number the lower one."""
    median = {system: statistics.median_low(found.sessions for found in searches[system]) for system in options.systems}
    at_limit = {}
    for system in options.systems:
        figures = next(found for found in searches[system] if found.sessions == median[system]).at_limit
        at_limit[system] = None if figures is None else asdict(figures)
    return {
        "benchmark": "frames",
        "options": asdict(replace(options, recordings=())) | {"recordings": [path.name for path in options.recordings]},
        "period_ms": 1000 / options.hz,
        "in_time_share": 1 - LATE_SHARE,
        "tries_at_a_failing_load": TRIES,
        "machine": dict(machine),
        "sessions": median,
        "ratios": {f"genlock/{other}": _ratio(searches["genlock"], searches[other]) for other in options.systems[1:]},
        "memory": dict(memory),
        "at_limit": at_limit,
        "rounds": [
            {
                system: {
                    "sessions": searches[system][round_].sessions,
                    "bounded": searches[system][round_].bounded,
                    "loads": [{"passed": point.passed, **asdict(point)} for point in searches[system][round_].points],
                }
                for system in options.systems
            }
            for round_ in range(options.rounds)
        ],
    }


def memory_figures(one: LoadFigures, few: LoadFigures, many: LoadFigures) -> dict[str, Any]:
    """What a session takes beyond the first, in bytes.

    Args:
        one: one session in a daemon that has room for one.
        few: one session in a daemon that has room for as many as in ``many``.
        many: that many sessions in the same daemon.
    """
    beyond = many.sessions - 1

    def total(figures: LoadFigures, attribute: str) -> int:
        return sum(getattr(process, attribute) for process in figures.processes if process.name != "load")

    return {
        "sessions": many.sessions,
        "bytes_a_session": (total(many, "own_bytes") - total(one, "own_bytes")) / beyond,
        "bytes_a_session_that_joins": (total(many, "own_bytes") - total(few, "own_bytes")) / beyond,
        "daemon_bytes": {
            "one": total(one, "own_bytes"),
            "few": total(few, "own_bytes"),
            "many": total(many, "own_bytes"),
        },
        "file_bytes": {
            "one": total(one, "file_bytes"),
            "few": total(few, "file_bytes"),
            "many": total(many, "file_bytes"),
        },
    }


def _ratio(ours: list[Search], theirs: list[Search]) -> dict[str, Any]:
    ratios = [a.sessions / b.sessions for a, b in zip(ours, theirs, strict=True) if b.sessions]
    return {"median": statistics.median_low(ratios) if ratios else None, "rounds": ratios}


def _commands(options: BenchOptions, profiles: Path) -> list[tuple[str, list[str]]]:
    slots = max(options.limit, EngineOptions.slots)
    naive = ["-m", "bridge.bench.naive", "--device", options.device, "--slots", str(slots), *options.models]
    return [
        ("genlock", genlock_command(options, profiles, slots)),
        ("echo", ["-m", "bridge.bench.echo"]),
        ("naive", naive),
    ]


def genlock_command(options: BenchOptions, profiles: Path, slots: int) -> list[str]:
    """Arguments to Python that run the daemon, with room for ``slots`` sessions."""
    return [
        *("-m", "bridge", "serve", "--port", "0", "--profiles", str(profiles)),
        *("--device", options.device, "--max-sessions", str(slots)),
        *(argument for model in options.models for argument in ("--frame-model", model)),
    ]


def measure(
    options: BenchOptions,
    server: tuple[str, int],
    report: Report,
    what: str,
    sessions: int,
    *,
    echo: bool = False,
    learn: bool = True,
    stop_early: bool,
) -> LoadFigures:
    """Puts one load on a server, and tells ``report`` before and after.

    Args:
        server: its address and the id of its process.
        what: for ``report``.
        echo: whether the server sends back what it gets.
        learn: whether the apps let something be learned of their users.
        stop_early: whether the load may end once it cannot pass any more.
    """
    url, pid = server
    report(what, sessions, None)
    figures = put_load(
        LoadOptions(
            url=url,
            sessions=sessions,
            hz=options.hz,
            warm_up_s=options.warm_up_s,
            measure_s=options.measure_s,
            echo=echo,
            learn=learn,
            stop_early=stop_early,
            recordings=options.recordings,
            watch=pid,
        )
    )
    report(what, sessions, figures)
    return figures


def _memory(options: BenchOptions, profiles: Path, report: Report) -> dict[str, Any]:
    def loads(*counts: int) -> list[LoadFigures]:
        with running("genlock", genlock_command(options, profiles, max(counts))) as server:
            return [measure(options, server, report, "genlock, memory", count, stop_early=False) for count in counts]

    return memory_figures(*loads(1), *loads(1, _MEMORY_SESSIONS))


def describe_machine() -> dict[str, Any]:
    """What figures are of: processor, cores, load before, and versions."""
    packages = ("torch", "numpy", "websockets", "uvloop", "msgspec", "msgpack")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "genlock": __version__,
        **{package: version(package) for package in packages},
    }


def _cpu() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

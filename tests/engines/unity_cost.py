"""What a frame costs the Unity package on Mono, beside a bare loop over ClientWebSocket.

``python -m tests.engines.unity_cost``. Bytes a frame are collections of the nursery times its size.
Round trips are from handing a frame over to its answer's arrival, with the daemon on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.daemons import served
from tests.engines import mono

NURSERY_BYTES = 128 * 1024


@dataclass
class Cost:
    """Of so many frames, the answers, bytes a frame, and round trips in milliseconds."""

    frames: int
    answers: int
    bytes_a_frame: float
    p50_ms: float
    p99_ms: float


def build(folder: Path) -> Path:
    """Compiles the program that measures."""
    core = mono.compile_csharp(folder / "Genlock.Core.dll", [mono.PACKAGE / "Runtime" / "Core"])
    return mono.compile_csharp(folder / "cost.exe", [mono.HERE / "cost"], [core])


def measure(program: Path, kind: str, url: str, hz: int, frames: int) -> Cost:
    """Runs it against a daemon: ``kind`` is ``package`` or ``bare``."""
    done = subprocess.run(
        ["mono", str(program), kind, url, str(hz), str(frames), str(NURSERY_BYTES)],
        capture_output=True,
        text=True,
        timeout=mono.LIMIT_S,
        env={**os.environ, "MONO_GC_PARAMS": f"nursery-size={NURSERY_BYTES}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sent, answers, size, p50, p99 = done.stdout.split()
    return Cost(int(sent), int(answers), float(size), float(p50), float(p99))


async def compare(hz: int, frames: int, models: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as name:
        program = build(Path(name))
        async with served(Path(name), models=models) as daemon:
            for kind in ("bare", "package"):
                cost = await asyncio.to_thread(measure, program, kind, daemon.url, hz, frames)
                print(
                    f"{kind:8} {cost.frames} frames at {hz} Hz, {cost.answers} answers: "
                    f"{cost.bytes_a_frame:.0f} bytes a frame, "
                    f"round trip p50 {cost.p50_ms:.2f} ms, p99 {cost.p99_ms:.2f} ms"
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--hz", type=int, default=90)
    parser.add_argument("--frames", type=int, default=5400)
    parser.add_argument("--model", action="append", default=[])
    options = parser.parse_args()
    asyncio.run(compare(options.hz, options.frames, tuple(options.model)))

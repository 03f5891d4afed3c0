"""What the Godot addon costs, measured in the engine: ``python -m tests.engines.godot_cost``.

A headset that tracks everything (head, both controllers, both hands) at 90 Hz for 20 seconds, against a real daemon
with its shipped models; and a bare WebSocket echo of frames as long from a second thread of the same engine.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve

from tests.daemons import served
from tests.engines.godot_engine import Project, Ran, find_engine

WORDS = {
    "frame_bytes": "a frame on the wire, bytes",
    "encode_usec": "encoding it, poses to bytes",
    "decode_usec": "decoding it",
    "capture_usec": "main thread, tracked poses to the connection, a frame",
    "signals_usec": "main thread, answers to signals, a frame",
    "round_trip_usec": "round trip to the daemon and its models",
    "echo_usec": "round trip to a bare echo",
}


async def _measure(folder: Path) -> Ran:
    async def echo(client: ServerConnection) -> None:
        async for data in client:
            await client.send(data)

    project = Project.make(find_engine(), folder / "project")
    async with served(folder, models=()) as daemon, serve(echo, "127.0.0.1", 0, compression=None) as echoing:
        address = f"ws://127.0.0.1:{echoing.sockets[0].getsockname()[1]}"
        return await asyncio.to_thread(project.run, "res://cost.tscn", DAEMON=daemon.url, ECHO=address)


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        ran = asyncio.run(_measure(Path(folder)))
    results = ran.results()
    if ran.code or not results:
        raise SystemExit(ran.output)
    for what, figures in results:
        shown = f"p50 {figures[0]:8.0f}   p99 {figures[1]:8.0f}" if len(figures) == 2 else f"    {figures[0]:8.1f}"
        print(f"{WORDS[what]:55} {shown}{' us' if what.endswith('usec') else ''}")


if __name__ == "__main__":
    main()

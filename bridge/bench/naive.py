"""The naive server: ``websockets``' asyncio server, one message, one inference. A process of its own.

What one writes first: the library's server with its defaults but for compression, the default event loop, ``msgpack``,
and the models called in the handler on the one frame that has come. The models and the step are Genlock's own, in
batches of one, so that the comparison is between the servers and not between two ways to call a network.

``python -m bridge.bench.naive --slots N --device cpu MODEL...``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import Any

import msgpack
import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

# This process has no gateway that must stay free of torch.
from bridge.frame_path.batch import Batch
from bridge.frame_path.core import EngineCore
from bridge.frame_path.engine import EngineOptions
from bridge.frame_path.worker import build_core
from bridge.protocol import SUBPROTOCOL, VERSION, Ack, Limits, ModelInfo, Welcome, encode
from bridge.tracking import POSE

_HORIZONS_MS = [50.0, 100.0]


class Naive:
    """Answers the messages of all connections, one at a time."""

    def __init__(self, core: EngineCore) -> None:
        self._core = core
        self._free = list(range(core.slots))
        self._batch = Batch(memoryview(bytearray(Batch.size(1))), 1)

    async def connection(self, connection: ServerConnection) -> None:
        """A connection, from its handshake to its end."""
        slot = self._free.pop()
        try:
            with contextlib.suppress(ConnectionClosed):
                async for data in connection:
                    answer = self.answer(slot, msgpack.unpackb(data))
                    if answer is None:
                        return
                    await connection.send(answer)
        finally:
            self._core.leave(slot)
            self._free.append(slot)

    def answer(self, slot: int, message: dict[str, Any]) -> bytes | None:
        """The answer to a message from the connection that has this slot; nothing when it wants to end."""
        kind = message["type"]
        if kind == "frame":
            return self._frame(slot, message)
        if kind == "hello":
            horizons_ms = message.get("horizons_ms", _HORIZONS_MS)
            self._core.join(slot, 0, [horizon / 1000 for horizon in horizons_ms], {}, gestures=False)
            models = [ModelInfo(name, version) for name, version in self._core.models]
            return encode(
                Welcome(VERSION, "", "", 0, False, 0, models, ["frame", "scene"], Limits(), 0, False, False, 0)
            )
        if kind == "scene":
            boxes = [(*target["position"], *target["size"]) for target in message["targets"]]
            self._core.scene(slot, np.array(boxes, dtype=np.float32).reshape(-1, 6), keep_state=False)
            return encode(Ack(message["id"]))
        return None

    def _frame(self, slot: int, message: dict[str, Any]) -> bytes:
        batch, blob = self._batch, message["d"]
        batch.head[0] = (slot, message["m"], message["t"])
        batch.blob_bytes[: len(blob)] = blob
        self._core.step(batch, 1)
        _, devices, poses, targets, best, _ = batch.result[0].tolist()
        answer = {
            "type": "actions",
            "q": message["q"],
            "t": message["t"],
            "m": devices,
            "f": bytes(batch.forecast_bytes[: 4 * POSE * poses]),
            "k": best,
            "p": bytes(batch.probability_bytes[: 4 * targets]),
        }
        packed: bytes = msgpack.packb(answer)
        return packed


async def run(core: EngineCore) -> None:
    """Serves until it is cancelled."""
    naive = Naive(core)
    protocols = [Subprotocol(SUBPROTOCOL)]
    async with serve(naive.connection, "127.0.0.1", 0, compression=None, subprotocols=protocols) as server:
        host, port = next(iter(server.sockets)).getsockname()
        print(f"listening on ws://{host}:{port}", file=sys.stderr, flush=True)
        await server.serve_forever()


def main() -> None:
    """The process: see the module."""
    parser = argparse.ArgumentParser(prog="python -m bridge.bench.naive", description="One message, one inference.")
    parser.add_argument("models", nargs="*", default=EngineOptions.models)
    parser.add_argument("--device", default=EngineOptions.device)
    parser.add_argument("--slots", type=int, default=EngineOptions.slots)
    options = parser.parse_args()
    try:
        core, _ = build_core(
            EngineOptions(models=tuple(options.models), device=options.device, slots=options.slots),
        )
    except LookupError as error:
        sys.exit(f"naive: {error}")
    asyncio.run(run(core))


if __name__ == "__main__":
    main()

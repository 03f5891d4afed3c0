"""The engine in a process of its own: found ready, replaced when it hangs, and gone when it is stopped."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Sequence
from typing import Any

import msgpack
import pytest
import torch

from bridge.frame_path.batch import Batch
from bridge.frame_path.checkpoint import Checkpoint
from bridge.frame_path.core import EngineCore
from bridge.frame_path.engine import EngineError, EngineInfo, EngineOptions
from bridge.frame_path.process import ProcessEngine
from bridge.frame_path.worker import answer
from tests.doubles import Counting


class Listener:
    """Keeps what an engine says, in order."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def ready(self, info: EngineInfo) -> None:
        self.heard.put_nowait(("ready", info))

    def lost(self, reason: str) -> None:
        self.heard.put_nowait(("lost", reason))

    def reply(self, message: Sequence[Any]) -> None:
        self.heard.put_nowait(("reply", list(message)))

    async def next(self) -> tuple[str, Any]:
        return await asyncio.wait_for(self.heard.get(), 60)


def options(model: str, **settings: Any) -> EngineOptions:
    return EngineOptions(models=(f"tests.doubles:{model}",), device="cpu", slots=4, **settings)


def put_frame(batch: Batch, time: int, y: float) -> None:
    batch.head[0] = (0, 1, time)
    batch.blob_bytes[:28] = struct.pack("<7f", 0, y, 0, 0, 0, 0, 1)


async def test_it_answers_and_ends() -> None:
    engine, listener = ProcessEngine(options("Counting")), Listener()
    info = await engine.start(listener)
    assert info.models == (("counting", "1"),)
    assert await listener.next() == ("ready", info)
    engine.request("join", 0, 5, [0.1], {}, False, False, False, -1)
    assert await listener.next() == ("reply", ["joined", 0, 5, []])
    for count in range(2):
        put_frame(engine.batches[0], 1 + count, 1.6)
        engine.request("step", 0, 1)
        assert await listener.next() == ("reply", ["stepped", 0, ""])
        assert float(engine.batches[0].forecast[0, 0]) == count
    pid = engine.pid
    assert pid is not None
    await engine.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class Gateway:
    """The gateway's end of the stream: asks for one step, and fills the batch anew as soon as that is answered."""

    def __init__(self, batch: Batch, slot: int) -> None:
        self.batch = batch
        self.slot = slot
        self.requests = [msgpack.packb(["step", 0, 1]), b""]

    def recv(self, size: int, flags: int = 0) -> bytes:
        return self.requests.pop(0)

    def sendall(self, data: bytes) -> None:
        assert msgpack.unpackb(data) == ["stepped", 0, ""]
        self.batch.head["slot"][0] = self.slot


def test_a_batch_may_be_filled_anew_as_soon_as_its_step_is_answered() -> None:
    slots, stepped, other = 2, 0, 1
    core = EngineCore([Counting.load()], slots, torch.device("cpu"))
    for slot in (stepped, other):
        core.join(slot, 5 + slot, [0.1], {})
    batch = Batch(memoryview(bytearray(Batch.size(slots))), slots)
    checkpoint = Checkpoint(memoryview(bytearray(Checkpoint.size(slots, core.row_floats))), slots, core.row_floats)
    put_frame(batch, 1, 1.6)
    answer(Gateway(batch, other), core, [batch], checkpoint, 0.0)  # type: ignore[arg-type]
    assert core.restore(checkpoint, stepped)
    assert not core.restore(checkpoint, other)


async def test_one_that_hangs_is_replaced_and_goes_on_from_its_checkpoint() -> None:
    engine, listener = ProcessEngine(options("Hanging", step_timeout_s=0.5)), Listener()
    await engine.start(listener)
    await listener.next()
    engine.request("join", 0, 5, [0.1], {}, False, False, False, -1)
    await listener.next()
    put_frame(engine.batches[0], 1, 1.6)
    engine.request("step", 0, 1)
    await listener.next()
    put_frame(engine.batches[0], 2, 400.0)
    engine.request("step", 0, 1)
    kind, reason = await listener.next()
    assert kind == "lost"
    assert "longer than 0.5 s" in reason
    assert (await listener.next())[0] == "ready"
    engine.request("join", 0, 5, [0.1], {}, True, False, False, -1)
    await listener.next()
    put_frame(engine.batches[0], 3, 1.6)
    engine.request("step", 0, 1)
    await listener.next()
    assert float(engine.batches[0].forecast[0, 0]) == 1.0
    assert engine.counters.restarts == 1
    await engine.stop()


async def test_one_that_cannot_start_says_why() -> None:
    engine = ProcessEngine(options("Nothing"))
    with pytest.raises(EngineError, match="no frame model"):
        await engine.start(Listener())


async def test_one_that_is_not_ready_in_time_is_given_up() -> None:
    engine = ProcessEngine(options("Counting", start_timeout_s=0.01))
    with pytest.raises(EngineError, match=r"not ready after 0\.01 s"):
        await engine.start(Listener())

"""The engine on the gateway's own event loop: the same requests, the same replies, in their order."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from safetensors.torch import save

from bridge.frame_path.engine import EngineError, EngineInfo, EngineOptions
from bridge.frame_path.in_process import InProcessEngine


class Listener:
    """Keeps what an engine says, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.replies: asyncio.Queue[list[Any]] = asyncio.Queue()

    def ready(self, info: EngineInfo) -> None:
        self.heard.append(("ready", info))

    def lost(self, reason: str) -> None:
        self.heard.append(("lost", reason))

    def reply(self, message: Sequence[Any]) -> None:
        self.replies.put_nowait(list(message))

    async def next(self) -> list[Any]:
        return await asyncio.wait_for(self.replies.get(), 20)


def options(model: str = "Counting") -> EngineOptions:
    return EngineOptions(models=(f"tests.doubles:{model}",), device="cpu", slots=4)


async def started(model: str = "Counting") -> tuple[InProcessEngine, Listener]:
    engine, listener = InProcessEngine(options(model)), Listener()
    info = await engine.start(listener)
    assert listener.heard == [("ready", info)]
    assert info.device == "cpu"
    return engine, listener


def put_frame(engine: InProcessEngine, time: int, y: float = 1.6) -> None:
    batch = engine.batches[0]
    batch.head[0] = (2, 1, time)
    batch.blob_bytes[:28] = struct.pack("<7f", 0, y, 0, 0, 0, 0, 1)


async def test_requests_are_carried_out_in_their_order() -> None:
    engine, listener = await started()
    engine.request("join", 2, 9, [0.1], {}, False, False, False, -1)
    engine.request("scene", 2, 9, struct.pack("<12f", *range(12)), False)
    put_frame(engine, 1)
    engine.request("step", 0, 1)
    engine.request("profile", 2, 9)
    engine.request("leave", 2, 9)
    assert listener.replies.empty(), "not before the caller has returned"
    assert [await listener.next() for _ in range(4)] == [
        ["joined", 2, 9, []],
        ["stepped", 0, ""],
        ["profile", 2, 9, {}],
        ["left", 2, 9, {}],
    ]
    assert engine.batches[0].result[0].tolist() == (0, 1, 1, 2, 0, 0)


async def test_a_step_that_fails_is_told_and_the_next_one_is_as_if_it_had_not_been() -> None:
    engine, listener = await started("Failing")
    engine.request("join", 2, 9, [0.1], {}, False, False, False, -1)
    await listener.next()
    for time, y in ((1, 1.6), (2, 150.0), (3, 1.6)):
        put_frame(engine, time, y)
        engine.request("step", 0, 1)
        problem = (await listener.next())[2]
        assert problem == ("RuntimeError: too high" if y > 100 else "")
    assert float(engine.batches[0].forecast[0, 0]) == 1.0


async def test_what_is_asked_of_another_sessions_slot_changes_nothing() -> None:
    engine, listener = await started("Learning")
    mine, other = (save({"bias": torch.tensor([bias])}) for bias in (1.0, 2.0))
    engine.request("join", 2, 9, [0.1], {"learning@1": mine}, False, False, False, -1)
    engine.request("put", 2, 8, {"learning@1": other})
    engine.request("forget", 2, 8)
    engine.request("confirm", 2, 8, 0, b"", 1)
    engine.request("profile", 2, 8)
    engine.request("leave", 2, 8)
    engine.request("profile", 2, 9)
    assert [await listener.next() for _ in range(2)] == [["joined", 2, 9, []], ["profile", 2, 9, {"learning@1": mine}]]


async def test_what_is_asked_of_a_stopped_engine_is_dropped() -> None:
    engine, listener = await started()
    engine.request("join", 0, 1, [0.1], {}, False, False, False, -1)
    await listener.next()
    await engine.stop()
    engine.request("profile", 0, 1)
    await asyncio.sleep(0)
    assert listener.replies.empty()


async def test_one_that_cannot_start_says_why() -> None:
    listener = Listener()
    with pytest.raises(EngineError, match="no frame model"):
        await InProcessEngine(options("Nothing")).start(listener)
    assert listener.heard == []

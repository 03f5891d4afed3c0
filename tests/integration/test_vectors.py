"""The test vectors, sent to a real daemon: what it takes, what it refuses, and how."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bridge.protocol import Ack, Actions, Error, Frame, ServerMessage, Welcome, encode
from bridge.tracking import Part
from tests.daemons import TIMEOUT_S, Client, connected, served

FOLDER = Path(__file__).parents[1] / "vectors"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
LATER = Frame(1_000, 1_100_000, int(Part.HEAD), struct.pack("<7f", 0, 1.6, 0, 0, 0, 0, 1))
"""A frame that follows any of those in the vectors with errors."""


def data(path: str) -> bytes:
    return (FOLDER / f"{path}.msgpack").read_bytes()


def words(path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{path}.json").read_text(encoding="utf-8"))
    return document


async def close_code(client: Client) -> int:
    """Waits until the daemon has closed the connection, which must say nothing more."""
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.socket.recv(), TIMEOUT_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def check_bad(url: str, path: str) -> None:
    told = words(path)
    before = told.get("after", ["hello/minimal"] if told["refused_by"] == "message" else [])
    async with connected(url) as client:
        for earlier in before:
            assert not isinstance(await client.ask(data(earlier)), Error), earlier
        error = await client.ask(data(path))
        assert isinstance(error, Error), error
        assert {key: getattr(error, key) for key in told["error"]} == told["error"]
        assert error.message
        if told["close"] is not None:
            assert await close_code(client) == told["close"]
        else:
            assert isinstance(await client.ask(encode(LATER)), Actions), "the session must go on"


async def answer(url: str, path: str) -> ServerMessage:
    """What a message gets after a hello, or instead of one."""
    async with connected(url) as client:
        if not path.startswith("hello/"):
            assert isinstance(await client.ask(data("hello/minimal")), Welcome)
        return await client.ask(data(path))


async def check_unanswered(url: str, path: str) -> None:
    """Sends what gets no answer by itself; what was wrong inside may be told, and the session is what it was."""
    async with connected(url) as client:
        assert isinstance(await client.ask(data("hello/minimal")), Welcome)
        await client.send(data(path))
        got = await client.ask(LATER)
        if isinstance(got, Error):
            assert (got.code, got.of, got.key) == ("invalid", "image", "data"), path
            got = await client.receive()
        assert isinstance(got, Actions), path


async def test_bad(tmp_path: Path) -> None:
    paths = [entry["path"] for entry in INDEX["bad"]]
    guarded = [path for path in paths if "daemon_token" in words(path)]
    async with served(tmp_path) as daemon:
        for path in paths:
            if path not in guarded:
                try:
                    await check_bad(daemon.url, path)
                except Exception as problem:
                    raise AssertionError(path) from problem
    for path in guarded:
        async with served(tmp_path, "--token", words(path)["daemon_token"]) as daemon:
            await check_bad(daemon.url, path)


async def test_good(tmp_path: Path) -> None:
    async with served(tmp_path) as daemon:
        welcome = await answer(daemon.url, "hello/minimal")
        assert isinstance(welcome, Welcome)
        for entry in INDEX["good"]:
            path, kind = entry["path"], entry["type"]
            if entry["from"] == "daemon" or kind == "bye":
                continue
            told = words(path)["meaning"]
            if kind in ("audio", "image"):
                # Nothing acknowledges these: the session goes on.
                await check_unanswered(daemon.url, path)
                continue
            got = await answer(daemon.url, path)
            if kind not in welcome.serves:
                assert isinstance(got, Error), path
                assert (got.code, got.of, got.id) == ("unsupported", kind, told.get("id", ""))
            elif kind == "hello":
                assert isinstance(got, Welcome), path
            elif kind == "frame":
                assert isinstance(got, Actions), path
                assert (got.q, got.t) == (told["q"], told["t"])
            elif isinstance(got, Error):
                # What is to be learned speaks of actions, targets and messages that this session does not have.
                assert kind in ("teach", "feedback", "profile"), path
                assert got.code in ("invalid", "unsupported"), path
                assert (got.of, got.id) == (kind, told["id"]), path
            else:
                assert isinstance(got, Ack), path
                assert got.id == told["id"], path
        for path in (entry["path"] for entry in INDEX["good"] if entry["type"] == "bye"):
            async with connected(daemon.url) as client:
                assert isinstance(await client.ask(data("hello/minimal")), Welcome)
                await client.send(data(path))
                assert await close_code(client) == 1000

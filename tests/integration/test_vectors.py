"""The test vectors, sent to a real daemon: what it takes, what it refuses, and how."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from bridge.protocol import Ack, Actions, Error, ServerMessage, Welcome
from tests.daemons import TIMEOUT_S, Client, connected, served

FOLDER = Path(__file__).parents[1] / "vectors"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))


def data(path: str) -> bytes:
    return (FOLDER / f"{path}.msgpack").read_bytes()


def words(path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{path}.json").read_text(encoding="utf-8"))
    return document


async def close_code(client: Client) -> int:
    """Waits until the daemon has closed the connection, which must say nothing more."""
    try:
        message = await asyncio.wait_for(client.socket.recv(), TIMEOUT_S)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code
    raise AssertionError(f"not closed: {message!r}")


async def check_bad(url: str, path: str) -> None:
    told = words(path)
    async with connected(url) as client:
        for before in told.get("after", ()):
            assert not isinstance(await client.ask(data(before)), Error), before
        after_hello = bool(told.get("after"))
        if told["refused_by"] == "message" and not after_hello:
            assert isinstance(await client.ask(data("hello/minimal")), Welcome)
            after_hello = True
        error = await client.ask(data(path))
        assert isinstance(error, Error), error
        assert {key: getattr(error, key) for key in told["error"]} == told["error"]
        assert error.message
        if told["close"] is not None:
            assert await close_code(client) == told["close"]
        elif after_hello:
            # The session goes on: its next frame is answered.
            assert isinstance(await client.ask(data("frame/largest_numbers")), Actions | Error)


async def check_good(url: str, path: str) -> ServerMessage | None:
    """Sends a message after a hello and returns the answer; a hello is sent first, a bye closes the connection."""
    async with connected(url) as client:
        if not path.startswith("hello/"):
            assert isinstance(await client.ask(data("hello/minimal")), Welcome)
        if path.startswith("bye/"):
            await client.send(data(path))
            assert await close_code(client) == 1000
            return None
        return await client.ask(data(path))

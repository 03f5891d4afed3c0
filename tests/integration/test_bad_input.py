"""Whatever one client sends, it gets a clear error, and the session next to it keeps every one of its frames."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from bridge.app import App
from bridge.protocol import (
    Audio,
    Bye,
    CloseCode,
    Error,
    ErrorCode,
    Feedback,
    Frame,
    Hello,
    Image,
    Message,
    Profile,
    Scene,
    Target,
    Teach,
    Utterance,
    decode_server,
    encode,
)
from bridge.tracking import Part
from tests.daemons import COUNTING, Client, Served, connected, head_x, hello, served, session

HEAD = struct.pack("<7f", 0, 1.6, 0, 0, 0, 0, 1)

GOOD: tuple[Message, ...] = (
    Hello("1.0", App("a"), "eve", horizons_ms=[10.0, 100.0]),
    Frame(1, 1, int(Part.HEAD), HEAD),
    Scene("s", [Target("a", (0, 1, 2), (1, 1, 1), "A", ["b"])]),
    Scene("t", [Target("a", (0, 1, 2))], replace=False, remove=["b"]),
    Utterance("u", "that one", 5),
    Audio(5, b"\0" * 320, True),
    Image(5, "rgb", 2, 2, b"\0" * 12),
    Teach("v", "phrase", "fire", "zap it"),
    Feedback("w", "correct", 5, "grab", "a"),
    Profile("x", "export"),
    Bye("x"),
)

FATAL = {1002, 1007, 1009, *(int(code) for code in CloseCode)}


def extreme_numbers() -> st.SearchStrategy[Any]:
    return st.sampled_from([-1, 0, 2**31, 2**62, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, float("nan"), float("inf"), -0.0])


def junk() -> st.SearchStrategy[Any]:
    leaves = extreme_numbers() | st.none() | st.booleans() | st.text(max_size=20) | st.binary(max_size=64)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    )


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """A message of some type that is not quite what it should be."""
    fields = msgpack.unpackb(encode(draw(st.sampled_from(GOOD))))
    how = draw(st.sampled_from(["value", "drop", "extra", "type", "key"]))
    key = draw(st.sampled_from(sorted(fields)))
    if how == "value":
        fields[key] = draw(junk())
    elif how == "drop":
        del fields[key]
    elif how == "extra":
        fields[draw(st.text(max_size=8))] = draw(junk())
    elif how == "type":
        fields["type"] = draw(st.sampled_from(["frame", "scene", "hello", "actions", "welcome", "", "x" * 500]))
    else:
        fields[draw(junk().filter(lambda value: isinstance(value, int | str | bytes)))] = fields.pop(key)
    return msgpack.packb(fields)


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """The bytes of a good message, cut, lengthened or flipped."""
    data = bytearray(encode(draw(st.sampled_from(GOOD))))
    for _ in range(draw(st.integers(1, 4))):
        how = draw(st.sampled_from(["flip", "cut", "insert", "double"]))
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        if how == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del data[at:]
        elif how == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        else:
            data += data[at:]
    return bytes(data)


@st.composite
def wild_frames(draw: st.DrawFn) -> bytes:
    """Frames that are frames, with numbers that no headset has."""
    mask = draw(st.integers(0, 1023))
    numbers = draw(st.lists(st.floats(width=32), max_size=60))
    blob = struct.pack(f"<{len(numbers)}f", *numbers)
    if draw(st.booleans()):
        mask, blob = 1, (blob + HEAD)[:28]
    return encode(Frame(draw(st.integers(0, 2**62)), draw(st.integers(0, 2**62)), mask, blob))


def wild() -> st.SearchStrategy[bytes | str]:
    return bent() | torn() | wild_frames() | st.binary(max_size=200) | st.text(max_size=50)


class Neighbours:
    """A well-behaved session and, beside it, a client that is none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, daemon: Served, good: Client) -> None:
        self.loop = loop
        self.daemon = daemon
        self.good = good
        self.answered = 0

    def send(self, messages: list[bytes | str], *, after_hello: bool) -> None:
        self.loop.run_until_complete(asyncio.wait_for(self._send(messages, after_hello), 60))

    async def _send(self, messages: list[bytes | str], after_hello: bool) -> None:
        end = None
        async with connected(self.daemon.url) as bad:
            try:
                if after_hello:
                    await bad.ask(hello("eve"))
                for message in messages:
                    await bad.send(message)
                    await self._a_frame()
                # Whatever came before, this is answered last, or the connection is closed.
                await bad.send(msgpack.packb({"type": "the end"}))
                await self._until_the_end(bad)
            except ConnectionClosed as closed:
                end = closed
        if end is not None:
            assert end.rcvd is not None, "closed without a word"
            assert end.rcvd.code in {1000, *FATAL}, end
            assert end.rcvd.reason, end
        await self._a_frame()

    async def _a_frame(self) -> None:
        answer = await self.good.answer(self.good.frame(x=0.5))
        assert head_x(answer) == 0.5 + self.answered
        self.answered += 1

    async def _until_the_end(self, bad: Client) -> None:
        while True:
            message = decode_server(await bad.socket.recv())  # type: ignore[arg-type]
            if isinstance(message, Error):
                assert message.message, message
                assert message.code in set(ErrorCode), message
                if message.of == "the end":
                    return


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    folder: Path = tmp_path_factory.mktemp("daemon")
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        running = served(folder, "--resume-s", "0", models=[COUNTING])
        daemon = loop.run_until_complete(running.__aenter__())
        good = session(daemon.url, "good")
        client, _ = loop.run_until_complete(good.__aenter__())
        yield Neighbours(loop, daemon, client)
        loop.run_until_complete(good.__aexit__(None, None, None))
        loop.run_until_complete(running.__aexit__(None, None, None))
        assert not [line for line in daemon.log if "Traceback" in line], "\n".join(daemon.log)


@given(messages=st.lists(wild(), min_size=1, max_size=8), after_hello=st.booleans())
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_costs_a_neighbour_a_frame(
    neighbours: Neighbours, messages: list[bytes | str], after_hello: bool
) -> None:
    neighbours.send(messages, after_hello=after_hello)


async def test_bytes_that_are_no_websocket(daemon: Served) -> None:
    host, port = daemon.url.removeprefix("ws://").split(":")
    handshake = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: genlock.v1\r\n\r\n"
    )
    async with session(daemon.url) as (good, _):
        for garbage in (
            b"\0" * 1000,
            b"GET / HTTP/1.1\r\n" + b"x" * 20_000 + b"\r\n\r\n",
            b"POST /metrics HTTP/1.1\r\n\r\n",
            handshake[:50],
            handshake + b"\x82\x05hello",  # not masked
            handshake + b"\x8f\x80\0\0\0\0",  # no such opcode
            handshake + b"\x82\xff" + b"\xff" * 8,  # longer than anything may be
            handshake + b"\x80\x80\0\0\0\0",  # goes on with nothing
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(garbage)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 30)
            writer.close()
            await good.answer(good.frame())


async def test_a_frame_that_cannot_be_keeps_the_last_good_state(daemon: Served) -> None:
    for frame, code, key in (
        (Frame(1, 9, 1, struct.pack("<7f", 0, float("nan"), 0, 0, 0, 0, 1)), "not_finite", "d"),
        (Frame(1, 9, 1, struct.pack("<7f", float("inf"), 0, 0, 0, 0, 0, 1)), "not_finite", "d"),
        (Frame(1, 9, 1, struct.pack("<7f", 0, 0, 0, 0, 0, 0, 0)), "quaternion", "d"),
        (Frame(1, 9, 1, struct.pack("<7f", 2e4, 0, 0, 0, 0, 0, 1)), "invalid", "d"),
        (Frame(1, 9, 3, HEAD), "invalid", "d"),
        (Frame(0, 9, 1, HEAD), "sequence", "q"),
        (Frame(1, 1, 1, HEAD), "time", "t"),
        (Frame(1, 3_600_000_000, 1, HEAD), "time", "t"),
    ):
        async with session(daemon.url) as (client, _):
            assert head_x(await client.answer(Frame(0, 1, 1, HEAD))) == 0.0
            error = await client.ask(frame)
            assert isinstance(error, Error), error
            assert (error.code, error.key, error.of, error.q) == (code, key, "frame", frame.q)
            assert head_x(await client.answer(Frame(2, 100, 1, HEAD))) == 1.0


async def test_a_message_that_is_too_long_closes(daemon: Served) -> None:
    async with session(daemon.url) as (client, _):
        with pytest.raises(ConnectionClosed) as closed:
            await client.ask(b"\0" * (2 * 1024 * 1024))
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_a_long_message_of_a_short_type_is_refused(daemon: Served) -> None:
    async with session(daemon.url) as (client, _):
        error = await client.ask(msgpack.packb({"type": "bye", "reason": "", "padding": b"\0" * 70_000}))
        assert isinstance(error, Error)
        assert (error.code, error.of) == ("too_big", "bye")
        await client.answer(client.frame())


async def test_flooding_closes(daemon: Served) -> None:
    async def flood(client: Client) -> None:
        for _ in range(5000):
            await client.send(msgpack.packb({"type": "?"}))
        while True:
            await client.receive()

    async with session(daemon.url) as (client, _):
        with pytest.raises(ConnectionClosed) as closed:
            await flood(client)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.FLOODING

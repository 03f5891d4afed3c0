"""The WebSocket transport on real loopback sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.protocol import State

from bridge.transport import Connection, Listener, TransportOptions


class Echo:
    """Sends back what it gets, and keeps what it was told."""

    def __init__(self, connection: Connection, world: World) -> None:
        self.connection = connection
        self.world = world
        world.handlers.append(self)
        self.lost_with: tuple[int, str] | None = None
        self.texts = 0
        self.became_writable = 0

    def message(self, data: bytes) -> None:
        self.connection.send(data)

    def text(self) -> None:
        self.texts += 1
        self.connection.send(b"no text")

    def writable(self) -> None:
        self.became_writable += 1
        self.world.changed.set()

    def lost(self, code: int, reason: str) -> None:
        self.lost_with = (code, reason)
        self.world.changed.set()


class World:
    """A listener, its handlers and a way to wait for them."""

    def __init__(self, **options: Any) -> None:
        self.handlers: list[Echo] = []
        self.changed = asyncio.Event()
        self.listener = Listener(lambda connection: Echo(connection, self), self.page, TransportOptions(**options))

    def page(self, path: str) -> tuple[int, str, bytes] | None:
        return (200, "text/plain", b"fine") if path == "/healthz" else None

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def dial(self, path: str = "/", **settings: Any) -> Any:
        chosen: dict[str, Any] = {"subprotocols": ["genlock.v1"], "compression": None, "max_size": None, **settings}
        return connect(self.url + path, **chosen)


@asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    made = World(**options)
    host, port = await made.listener.start("127.0.0.1", 0)
    made.url = f"ws://{host}:{port}"  # type: ignore[attr-defined]
    try:
        yield made
    finally:
        await made.listener.stop(0.2)


async def closed_with(socket: Any) -> tuple[int, str]:
    async def read() -> None:
        while True:
            await asyncio.wait_for(socket.recv(), 20)

    with pytest.raises(ConnectionClosed) as closed:
        await read()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def test_messages_of_every_length_come_through() -> None:
    async with world() as here, here.dial() as socket:
        assert socket.subprotocol == "genlock.v1"
        for length in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
            await socket.send(b"x" * length)
            assert await socket.recv() == b"x" * length


async def test_fragments_are_put_together() -> None:
    async with world() as here, here.dial() as socket:
        await socket.send([b"a", b"", b"bc"])
        assert await socket.recv() == b"abc"
        await socket.send([b"", b"d"])
        assert await socket.recv() == b"d"


async def test_text_is_told_and_dropped() -> None:
    async with world() as here, here.dial() as socket:
        await socket.send("text")
        assert await socket.recv() == b"no text"
        await socket.send(["te", "xt"])
        assert await socket.recv() == b"no text"
        await socket.send(b"still here")
        assert await socket.recv() == b"still here"


async def test_pings_are_answered() -> None:
    async with world() as here, here.dial() as socket:
        await asyncio.wait_for(await socket.ping(), 20)


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"path": "/elsewhere"}, 404),
        ({"subprotocols": ["other"]}, 400),
        ({"subprotocols": None}, 400),
        ({"origin": "https://evil.example"}, 403),
        ({"path": "/healthz"}, 200),
    ],
)
async def test_who_is_not_let_in(settings: dict[str, Any], status: int) -> None:
    async with world() as here:
        with pytest.raises(InvalidStatus) as refused:
            await here.dial(**settings)
        assert refused.value.response.status_code == status
        assert here.handlers == []


async def test_a_page_of_a_known_origin_is_let_in() -> None:
    async with world(origins=("https://mine.example",)) as here, here.dial(origin="https://mine.example") as socket:
        await socket.send(b"x")
        assert await socket.recv() == b"x"


async def test_both_sides_can_close() -> None:
    async with world() as here:
        async with here.dial() as socket:
            await socket.close(4242, "enough")
        await here.until(lambda: here.handlers[0].lost_with == (4242, "enough"))
        async with here.dial() as socket:
            await socket.send(b"x")
            await socket.recv()
            here.handlers[1].connection.close(4001, "é" * 200)
            code, reason = await closed_with(socket)
            assert code == 4001
            assert 0 < len(reason.encode()) <= 123
        assert here.listener.counters.closes == {4242: 1, 4001: 1}
        assert here.listener.counters.open == 0


async def test_what_comes_after_our_own_close_goes_to_nobody() -> None:
    async with world() as here, here.dial() as socket:
        await socket.send(b"x")
        await socket.recv()
        connection = here.handlers[0].connection
        connection.close(4001, "enough")
        # A binary message and a text, sent by who does not know of it yet.
        connection.data_received(b"\x82\x81abcdx" + b"\x81\x81abcdx")
        assert here.listener.counters.messages_in == 1
        assert here.handlers[0].texts == 0
        assert await closed_with(socket) == (4001, "enough")


async def test_a_socket_that_is_cut_is_told_as_1006() -> None:
    async with world() as here, here.dial() as socket:
        await socket.send(b"x")
        await socket.recv()
        socket.transport.abort()
        await here.until(lambda: here.handlers[0].lost_with is not None)
        assert here.handlers[0].lost_with is not None
        assert here.handlers[0].lost_with[0] == 1006


async def test_too_long_closes_with_1009() -> None:
    async with world(max_message_bytes=100) as here:
        async with here.dial() as socket:
            await socket.send(b"x" * 101)
            assert (await closed_with(socket))[0] == 1009
        async with here.dial() as socket:
            await socket.send([b"x" * 60, b"x" * 60])
            assert (await closed_with(socket))[0] == 1009


async def test_flooding_closes() -> None:
    async with world(messages_per_second=10) as here, here.dial() as socket:
        for _ in range(11):
            await socket.send(b"x")
        code, reason = await closed_with(socket)
        assert code == 4005
        assert "10" in reason


async def test_every_second_has_its_own_count() -> None:
    async with world(messages_per_second=2) as here, here.dial() as socket:
        for _ in range(5):
            await socket.send(b"x")
            assert await asyncio.wait_for(socket.recv(), 20) == b"x"
            # As if the second were over.
            here.handlers[0].connection._window_end = 0.0


async def test_who_does_not_answer_pings_is_dropped() -> None:
    async with world(ping_interval_s=0.05) as here:
        host, port = here.url.removeprefix("ws://").split(":")  # type: ignore[attr-defined]
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: genlock.v1\r\n\r\n"
        )
        await here.until(lambda: here.handlers and here.handlers[0].lost_with is not None)
        writer.close()
        del reader


async def test_who_says_something_between_two_pings_is_kept() -> None:
    async with world() as here, here.dial() as socket:
        for _ in range(3):
            await socket.send(b"x")
            assert await asyncio.wait_for(socket.recv(), 20) == b"x"
            # As if it were time for the next one.
            here.handlers[0].connection._ping()


async def test_who_says_nothing_is_dropped() -> None:
    async with world(open_timeout_s=0.05) as here:
        host, port = here.url.removeprefix("ws://").split(":")  # type: ignore[attr-defined]
        reader, writer = await asyncio.open_connection(host, int(port))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 20)
        writer.close()


async def test_a_slow_reader_is_noticed_and_forgiven_when_it_catches_up() -> None:
    async with world() as here, here.dial(max_queue=1) as socket:
        await socket.send(b"x")
        await socket.recv()
        handler = here.handlers[0]
        sent = 0
        while handler.connection.writable:
            handler.connection.send(b"x" * 100_000)
            sent += 1
        for _ in range(sent):
            await asyncio.wait_for(socket.recv(), 20)
        await here.until(lambda: handler.became_writable)
        assert handler.connection.writable


async def test_who_was_slow_for_a_moment_is_not_dropped_later() -> None:
    async with world(slow_reader_s=0) as here, here.dial() as socket:
        await socket.send(b"x")
        await socket.recv()
        connection = here.handlers[0].connection
        connection.pause_writing()
        connection.resume_writing()
        for _ in range(3):
            await socket.send(b"y")
            assert await asyncio.wait_for(socket.recv(), 20) == b"y"


async def test_a_reader_that_stays_slow_is_dropped() -> None:
    async with world(slow_reader_s=0.05) as here, here.dial(max_queue=1) as socket:
        await socket.send(b"x")
        await socket.recv()
        handler = here.handlers[0]

        def fill() -> None:
            while handler.connection.writable and handler.lost_with is None:
                handler.connection.send(b"x" * 100_000)

        # What the kernel still had room for makes it writable again.
        handler.writable = fill  # type: ignore[method-assign]
        fill()
        await here.until(lambda: handler.lost_with is not None)
        handler.connection.send(b"into the void")
        socket.transport.abort()


async def test_a_reader_for_whom_too_much_waits_is_dropped_at_once() -> None:
    async with world(most_unread_bytes=1_000_000) as here, here.dial(max_queue=1) as socket:
        await socket.send(b"x")
        await socket.recv()
        handler = here.handlers[0]
        sent = 0
        while handler.connection._protocol.state is State.OPEN:
            handler.connection.send(bytes(100_000))
            sent += 1
            assert sent < 1000
        await here.until(lambda: handler.lost_with is not None)
        socket.transport.abort()


async def test_there_are_no_more_sockets_than_allowed() -> None:
    async with world(max_connections=2) as here:
        sockets = [await here.dial() for _ in range(2)]
        with pytest.raises((ConnectionError, InvalidMessage)):
            await here.dial()
        await sockets[0].close()
        await here.until(lambda: here.handlers[0].lost_with is not None)
        async with here.dial() as third:
            await third.send(b"x")
            assert await asyncio.wait_for(third.recv(), 20) == b"x"
        await sockets[1].close()


@pytest.mark.parametrize("frame", [b"\x89\x80abcd", b"\x88\x80abcd", b"\x82\x81abcdx"], ids=["ping", "close", "binary"])
async def test_who_does_not_wait_for_the_handshake_is_dropped(frame: bytes) -> None:
    async with world() as here:
        host, _, port = here.url.removeprefix("ws://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13"
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
        writer.write(request.encode() + frame)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 20)
        writer.close()
        assert here.handlers == []


async def test_stopping_closes_everybody() -> None:
    async with world() as here:
        sockets = [await here.dial() for _ in range(3)]
        here.listener.close_all(1001, "the end")
        assert [await closed_with(socket) for socket in sockets] == [(1001, "the end")] * 3
        await here.listener.stop(5)
        with pytest.raises(OSError, match=r"refused|Connect"):
            await here.dial()

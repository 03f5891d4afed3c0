"""WebSockets on the wire: handshake, framing, limits, keepalive and backpressure; and the HTTP endpoints beside them.

The framing is that of ``websockets``' sans-I/O layer, on a plain ``asyncio.Protocol``: half the cost a message of the
same library's asyncio layer, because no task, queue or future stands between the socket and the handler. What a
connection is for is decided by the ``Handler`` that it is given, so a bare echo runs on the very same transport.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from bridge.protocol import MAX_LARGE_MESSAGE_BYTES, SUBPROTOCOL, CloseCode

log = logging.getLogger("genlock.transport")


@dataclass(frozen=True, kw_only=True)
class TransportOptions:
    """How a connection is kept.

    Attributes:
        max_message_bytes: a longer message closes the connection with 1009.
        messages_per_second: more than this, averaged over a second, closes it with ``CloseCode.FLOODING``.
        write_buffer_bytes: above this the reader is slow, and gets the newest answer only.
        slow_reader_s: a reader that stays slow for longer is dropped.
        most_unread_bytes: and one for which more than this waits is at once.
        max_connections: so many sockets are open at most; more are closed unanswered.
        open_timeout_s: time for the HTTP request to arrive.
        close_timeout_s: time for the other side to answer a close.
        ping_interval_s: how often a ping is sent; a peer from which nothing came since the last one is dropped.
        origins: values of the ``Origin`` header that are let in; a client that sends none always is.
    """

    max_message_bytes: int = MAX_LARGE_MESSAGE_BYTES
    messages_per_second: int = 1000
    write_buffer_bytes: int = 64 * 1024
    slow_reader_s: float = 10.0
    most_unread_bytes: int = 8 * 1024 * 1024
    max_connections: int = 1024
    open_timeout_s: float = 10.0
    close_timeout_s: float = 5.0
    ping_interval_s: float = 20.0
    origins: tuple[str, ...] = ()


class Handler(Protocol):
    """What a connection is for. Everything is called on the event loop and must return at once."""

    def message(self, data: bytes) -> None:
        """A whole binary message."""

    def text(self) -> None:
        """A text message came, whose content nobody wants."""

    def writable(self) -> None:
        """The write buffer has drained."""

    def lost(self, code: int, reason: str) -> None:
        """The connection is gone; called once, if the handshake was completed."""


HttpResponder = Callable[[str], tuple[int, str, bytes] | None]
"""From a path to status, content type and body; None where there is no such page."""


@dataclass
class TransportCounters:
    """What passed, since the start."""

    connections: int = 0
    open: int = 0
    messages_in: int = 0
    messages_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    closes: dict[int, int] = field(default_factory=dict)


class Connection(asyncio.Protocol):
    """One socket. Makes its handler when the WebSocket handshake is done."""

    __slots__ = (
        "_alive",
        "_close_timer",
        "_closing",
        "_counters",
        "_fragments",
        "_handler",
        "_http",
        "_loop",
        "_make_handler",
        "_on_change",
        "_options",
        "_ping_timer",
        "_protocol",
        "_slow_timer",
        "_transport",
        "_window_count",
        "_window_end",
        "writable",
    )

    def __init__(
        self,
        make_handler: Callable[[Connection], Handler],
        http: HttpResponder,
        options: TransportOptions,
        counters: TransportCounters,
        on_change: Callable[[Connection, bool], None],
    ) -> None:
        self._make_handler = make_handler
        self._http = http
        self._options = options
        self._counters = counters
        self._on_change = on_change
        self._handler: Handler | None = None
        self._fragments: list[bytes] = []
        self._alive = True
        self._closing = False
        self._window_end = 0.0
        self._window_count = 0
        self._slow_timer: asyncio.TimerHandle | None = None
        self._ping_timer: asyncio.TimerHandle | None = None
        self.writable = True
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(
            origins=[None, *(Origin(origin) for origin in options.origins)],
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            max_size=options.max_message_bytes,
        )
        self._close_timer: asyncio.TimerHandle | None = None

    def send(self, data: bytes) -> None:
        """Sends a binary message; does nothing when the connection is no longer open."""
        protocol = self._protocol
        if protocol.state is State.OPEN:
            protocol.send_binary(data)
            self._counters.messages_out += 1
            self._flush()
            if not self.writable and self._transport.get_write_buffer_size() > self._options.most_unread_bytes:
                self._drop_slow_reader()

    def close(self, code: int, reason: str) -> None:
        """Starts the closing handshake; the reason is cut to what a close frame holds."""
        if self._protocol.state is State.OPEN:
            self._closing = True
            while len(reason.encode()) > 123:
                reason = reason[:-1]
            self._protocol.send_close(code, reason)
            self._flush()

    @property
    def peer(self) -> str:
        """Address and port of the other side."""
        name = self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else str(name or "local")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=self._options.write_buffer_bytes)
        self._close_timer = self._loop.call_later(self._options.open_timeout_s, self._abort)
        self._counters.connections += 1
        self._counters.open += 1
        self._on_change(self, True)
        if self._counters.open > self._options.max_connections:
            log.warning("%s is not let in: %d connections are open", self.peer, self._options.max_connections)
            self._abort()

    def data_received(self, data: bytes) -> None:
        self._alive = True
        self._counters.bytes_in += len(data)
        protocol = self._protocol
        connecting = protocol.state is State.CONNECTING
        protocol.receive_data(data)
        events = protocol.events_received()
        if connecting and len(events) > 1:
            # A client that does not wait for the answer to its handshake would be answered before it.
            self._abort()
            return
        for event in events:
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Request):
                self._open(event)
        if protocol.writes:
            self._flush()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        self.writable = False
        self._slow_timer = self._loop.call_later(self._options.slow_reader_s, self._drop_slow_reader)

    def resume_writing(self) -> None:
        self.writable = True
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None
        if self._handler is not None:
            self._handler.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._close_timer, self._ping_timer, self._slow_timer):
            if timer is not None:
                timer.cancel()
        protocol = self._protocol
        protocol.receive_eof()
        self._counters.open -= 1
        handler, self._handler = self._handler, None
        if handler is not None:
            close = protocol.close_sent if protocol.close_rcvd is None else protocol.close_rcvd
            code, reason = (1006, str(exc or "")) if close is None else (close.code, close.reason)
            self._counters.closes[code] = self._counters.closes.get(code, 0) + 1
            handler.lost(code, reason)
        self._on_change(self, False)

    def _open(self, request: Request) -> None:
        path = request.path.partition("?")[0]
        page = self._http(path)
        if page is not None:
            status, content_type, body = page
            headers = Headers(
                {"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"},
            )
            self._protocol.send_response(Response(status, _PHRASES[status], headers, body))
        elif path != "/":
            self._protocol.send_response(self._protocol.reject(404, f"There is nothing at {path!r}.\n"))
        else:
            self._protocol.send_response(self._protocol.accept(request))
        if self._protocol.state is State.OPEN:
            if self._close_timer is not None:
                self._close_timer.cancel()
                self._close_timer = None
            self._ping_timer = self._loop.call_later(self._options.ping_interval_s, self._ping)
            # Before any message of ours, or a handler that speaks first would speak before the handshake.
            self._flush()
            self._handler = self._make_handler(self)

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if self._handler is None or self._closing or opcode is Opcode.CLOSE:
            # What comes after our own close has nobody to go to; what came before the other side's has.
            return
        now = self._loop.time()
        if now > self._window_end:
            self._window_end = now + 1
            self._window_count = 0
        self._window_count += 1
        if self._window_count > self._options.messages_per_second:
            limit = self._options.messages_per_second
            self.close(CloseCode.FLOODING, f"more than {limit} messages a second")
            return
        if opcode is Opcode.BINARY and frame.fin:
            self._counters.messages_in += 1
            self._handler.message(frame.data)  # type: ignore[arg-type]
        elif opcode is Opcode.TEXT:
            self._counters.messages_in += 1
            self._handler.text()
        elif opcode is Opcode.BINARY:
            self._fragments = [bytes(frame.data)]
        elif opcode is Opcode.CONT and self._fragments:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                data, self._fragments = b"".join(self._fragments), []
                self._counters.messages_in += 1
                self._handler.message(data)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._counters.bytes_out += len(data)
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()
        if self._close_timer is None and self._protocol.close_expected():
            self._close_timer = self._loop.call_later(self._options.close_timeout_s, self._abort)

    def _ping(self) -> None:
        if not self._alive:
            self._protocol.fail(1011, "no answer to a ping")
            self._flush()
            self._abort()
            return
        self._alive = False
        if self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")
            self._flush()
        self._ping_timer = self._loop.call_later(self._options.ping_interval_s, self._ping)

    def _drop_slow_reader(self) -> None:
        log.warning("%s reads too slowly; dropped", self.peer)
        self.close(CloseCode.SLOW_READER, "too little was read for too long")
        self._abort()

    def _abort(self) -> None:
        self._transport.abort()


_PHRASES = {200: "OK", 503: "Service Unavailable"}


class Listener:
    """A listening socket and its connections."""

    def __init__(
        self, make_handler: Callable[[Connection], Handler], http: HttpResponder, options: TransportOptions
    ) -> None:
        self.counters = TransportCounters()
        self._make_handler = make_handler
        self._http = http
        self._options = options
        self._connections: set[Connection] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Listens; returns the address, in which a port of 0 is replaced by the one that was given.

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port, ssl=tls, backlog=1024)
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def stop(self, timeout_s: float) -> None:
        """Accepts no more, and waits for the connections to end; what is left then is cut."""
        if self._server is not None:
            self._server.close()
        try:
            await asyncio.wait_for(self._all_gone.wait(), timeout_s)
        except TimeoutError:
            for connection in list(self._connections):
                connection._abort()
            await self._all_gone.wait()

    def close_all(self, code: int, reason: str) -> None:
        """Starts the closing handshake on every connection."""
        for connection in list(self._connections):
            connection.close(code, reason)

    def _connection(self) -> Connection:
        return Connection(self._make_handler, self._http, self._options, self.counters, self._changed)

    def _changed(self, connection: Connection, open_: bool) -> None:
        if open_:
            self._connections.add(connection)
            self._all_gone.clear()
            return
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()

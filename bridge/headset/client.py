"""A WebSocket client on the sans-I/O layer of ``websockets``, as cheap a message as the daemon's side."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from bridge.protocol import MAX_LARGE_MESSAGE_BYTES, SUBPROTOCOL


class ConnectError(ConnectionError):
    """No connection could be opened; the message says to where and why."""


class NobodyAnswers(ConnectError):
    """Nothing listens there."""


class NotTrusted(ConnectError):
    """The certificate is not accepted."""


class Connection(asyncio.Protocol):
    """An open connection. Made by ``open``.

    Attributes:
        closed: is done when the connection is gone, with the close code and reason.
        writable: false while the other side reads too slowly.
    """

    def __init__(self, url: str, on_message: Callable[[bytes], None]) -> None:
        self._protocol = ClientProtocol(
            parse_uri(url), subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=MAX_LARGE_MESSAGE_BYTES
        )
        self._on_message = on_message
        self._fragments: list[bytes] = []
        self.writable = True
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[tuple[int, str]] = loop.create_future()

    @classmethod
    async def open(
        cls,
        url: str,
        on_message: Callable[[bytes], None],
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
    ) -> Connection:
        """Connects and does the handshake. ``on_message`` gets each binary message, on the event loop.

        Raises:
            NobodyAnswers: nobody listens there.
            NotTrusted: its certificate is not accepted.
            ConnectError: not a Genlock daemon, or it took too long.
        """
        try:
            connection = cls(url, on_message)
        except InvalidURI as error:
            raise ConnectError(f"{url}: not the address of a WebSocket, such as ws://127.0.0.1:8765") from error
        uri = connection._protocol.uri
        context = (tls or ssl.create_default_context()) if uri.secure else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                await loop.create_connection(lambda: connection, uri.host, uri.port, ssl=context)
                await connection._opened
        except TimeoutError as error:
            connection.abort()
            raise ConnectError(f"{url}: no answer within {timeout_s:g} s") from error
        except InvalidMessage as error:
            connection.abort()
            hint = "" if uri.secure else "; a daemon with a certificate is at wss://"
            raise ConnectError(f"{url}: what answers is no WebSocket server{hint}") from error
        except InvalidHandshake as error:
            connection.abort()
            raise ConnectError(f"{url}: {error}") from error
        except ssl.SSLCertVerificationError as error:
            raise NotTrusted(f"{url}: the certificate is not accepted: {error.verify_message}") from error
        except (ssl.SSLError, ConnectionResetError) as error:
            what = "what answers does so without TLS; without it is ws://" if uri.secure else "the connection was cut"
            raise ConnectError(f"{url}: {what}") from error
        except OSError as error:
            raise NobodyAnswers(f"{url}: nobody answers ({error.strerror or error})") from error
        return connection

    def send(self, data: bytes) -> None:
        """Sends a binary message; does nothing when the connection is no longer open."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_binary(data)
            self._flush()

    async def close(self, code: int = 1000, reason: str = "", *, timeout_s: float = 5.0) -> None:
        """The closing handshake; cut off if the other side does not answer it."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush()
        try:
            await asyncio.wait_for(asyncio.shield(self.closed), timeout_s)
        except TimeoutError:
            self.abort()
            await self.closed

    def abort(self) -> None:
        """Drops the connection as a lost network would."""
        transport = getattr(self, "_transport", None)
        if transport is not None:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response) and not self._opened.done():
                if protocol.handshake_exc is None:
                    self._opened.set_result(None)
                else:
                    self._opened.set_exception(_in_words(event, protocol.handshake_exc))
        if protocol.writes:
            self._flush()
        elif protocol.close_expected() and protocol.handshake_exc is not None:
            self._transport.close()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True

    def connection_lost(self, exc: Exception | None) -> None:
        protocol = self._protocol
        protocol.receive_eof()
        if not self._opened.done():
            self._opened.set_exception(protocol.handshake_exc or ConnectionResetError("the connection was cut"))
        close = protocol.close_rcvd or protocol.close_sent
        if not self.closed.done():
            self.closed.set_result((1006, str(exc or "")) if close is None else (close.code, close.reason))

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.BINARY and frame.fin:
            self._on_message(frame.data)  # type: ignore[arg-type]
        elif frame.opcode is Opcode.BINARY:
            self._fragments = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT and self._fragments:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                data, self._fragments = b"".join(self._fragments), []
                self._on_message(data)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()


def _in_words(response: Response, error: Exception) -> Exception:
    body = (response.body or b"").decode("utf-8", "replace").strip().splitlines()
    return InvalidHandshake(f"HTTP {response.status_code}: {body[0]}") if body else error

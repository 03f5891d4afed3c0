"""A WebSocket client for generating load: blocking until connected, then a plain socket and the least framing.

The load must cost less than what it measures, or it would measure itself. The handshake is that of ``websockets``;
after it a frame is put together and taken apart here, at about a fifth of the cost of that library's sans-I/O layer
and without an event loop around it. Messages are unfragmented, as the servers under test send them.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final

from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.speedups import apply_mask
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from bridge.protocol import SUBPROTOCOL

# The key need not be secret: it guards proxies against pages' scripts, and there are neither (RFC 6455, section 10.3).
_KEY: Final = b"\x5a\xa5\x3c\xc3"
_FIN: Final = 0x80
_MASKED: Final = 0x80
_READ: Final = 1 << 16


class LoadError(Exception):
    """The load cannot be put on; the message says why."""


def masked(opcode: int, data: bytes) -> bytes:
    """A client's frame with a payload of less than 64 KiB (RFC 6455, section 5.2)."""
    size = len(data)
    if size < 126:
        head = bytes((_FIN | opcode, _MASKED | size))
    else:
        head = struct.pack("!BBH", _FIN | opcode, _MASKED | 126, size)
    return head + _KEY + apply_mask(data, _KEY)


class Unframer:
    """Takes a server's frames out of a stream of bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The opcode and the payload of each frame that is complete now."""
        buffer = self._rest + data if self._rest else data
        at, size_of_buffer = 0, len(buffer)
        while size_of_buffer - at >= 2:
            size = buffer[at + 1]
            start = at + 2
            if size >= 126:
                start += 2 if size == 126 else 8
                if start > size_of_buffer:
                    break
                size = int.from_bytes(buffer[at + 2 : start], "big")
            end = start + size
            if end > size_of_buffer:
                break
            yield buffer[at] & 0x0F, buffer[start:end]
            at = end
        self._rest = buffer[at:]


class Client:
    """A connected socket. ``send`` and ``receive`` never wait once ``socket`` does not block."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        """Connects and does the handshake.

        Raises:
            LoadError: it cannot.
        """
        uri = parse_uri(url)
        protocol = ClientProtocol(uri, subprotocols=[Subprotocol(SUBPROTOCOL)])
        try:
            self.socket = socket.create_connection((uri.host, uri.port), timeout_s)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            protocol.send_request(protocol.connect())
            self.socket.sendall(b"".join(protocol.data_to_send()))
            while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
                data = self.socket.recv(_READ)
                if not data:
                    raise ConnectionResetError("the connection was cut")
                protocol.receive_data(data)
        except OSError as error:
            raise LoadError(f"{url}: {error}") from error
        if protocol.handshake_exc is not None:
            raise LoadError(f"{url}: {protocol.handshake_exc}") from protocol.handshake_exc
        self._unframer = Unframer()

    def send(self, data: bytes) -> None:
        """Sends a binary message.

        Raises:
            OSError: the connection is gone, or the other side reads so little that the system's buffers are full.
        """
        frame = masked(Opcode.BINARY, data)
        if self.socket.send(frame) != len(frame):
            raise BlockingIOError("the system's buffers are full")

    def receive(self) -> list[bytes]:
        """The binary messages that have arrived; answers pings.

        Raises:
            OSError: the connection is gone.
        """
        data = self.socket.recv(_READ)
        if not data:
            raise ConnectionResetError("the connection was cut")
        messages = []
        for opcode, payload in self._unframer.feed(data):
            if opcode == Opcode.BINARY:
                messages.append(payload)
            elif opcode == Opcode.PING:
                self.socket.send(masked(Opcode.PONG, payload))
            elif opcode == Opcode.CLOSE:
                raise ConnectionResetError(f"closed: {payload[2:].decode()}")
        return messages

    def cut(self) -> None:
        """Ends the connection at once; what was sent and not yet read is thrown away on both sides."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

"""A network between a client and a daemon that a test can cut: relays WebSocket messages and remembers the client's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Data

from bridge.protocol import MAX_LARGE_MESSAGE_BYTES, Ack, ClientMessage, decode_client, decode_server

_OPTIONS = {"subprotocols": ["genlock.v1"], "compression": None, "max_size": 2 * MAX_LARGE_MESSAGE_BYTES}


class Proxy:
    """Relays to ``upstream``, which may change between two connections.

    Attributes:
        url: where it listens.
        upstream: the daemon's URL; a client that connects while that does not answer is dropped.
        messages: what clients sent, a list for each connection.
        acknowledged: the ids of all acknowledgements that were passed on.
    """

    def __init__(self, server: Server, upstream: str) -> None:
        self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.upstream = upstream
        self.messages: list[list[ClientMessage]] = []
        self.acknowledged: list[str] = []
        self._open: list[ServerConnection] = []

    def cut(self) -> None:
        """Drops every connection without a farewell."""
        for connection in self._open:
            connection.transport.abort()

    async def relay(self, client: ServerConnection) -> None:
        """One connection of a client."""
        self._open.append(client)
        said: list[ClientMessage] = []
        try:
            async with connect(self.upstream, **_OPTIONS) as daemon:  # type: ignore[arg-type]
                self.messages.append(said)
                up = asyncio.create_task(self._pass_on(client, daemon.send, said))
                down = asyncio.create_task(self._pass_back(daemon, client))
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
                await client.close(daemon.close_code or 1011, daemon.close_reason or "")
        except (OSError, ConnectionClosed):
            client.transport.abort()
        finally:
            self._open.remove(client)

    async def _pass_on(self, client: ServerConnection, send: object, said: list[ClientMessage]) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for data in client:
                said.append(decode_client(data))  # type: ignore[arg-type]
                await send(data)  # type: ignore[operator]

    async def _pass_back(self, daemon: AsyncIterator[Data], client: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for data in daemon:
                message = decode_server(data)  # type: ignore[arg-type]
                if isinstance(message, Ack):
                    self.acknowledged.append(message.id)
                await client.send(data)


@asynccontextmanager
async def proxy(upstream: str) -> AsyncIterator[Proxy]:
    """A proxy on a free port."""
    made: list[Proxy] = []

    async def relay(client: ServerConnection) -> None:
        await made[0].relay(client)

    async with serve(relay, "127.0.0.1", 0, **_OPTIONS) as server:  # type: ignore[arg-type]
        made.append(Proxy(server, upstream))
        yield made[0]

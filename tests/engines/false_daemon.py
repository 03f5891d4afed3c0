"""What answers as a daemon would, as far as a test needs it: for what the real one does not do, or must never do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bridge.protocol import (
    Bye,
    ClientMessage,
    Hello,
    Limits,
    Message,
    ModelInfo,
    ServerMessage,
    Welcome,
    decode_client,
    encode,
)

WELCOME = Welcome(
    version="1.0",
    session="false",
    resume="secret",
    resume_s=30.0,
    resumed=False,
    last_q=-1,
    models=[ModelInfo("none", "1")],
    serves=["hello", "frame", "scene", "audio", "image", "teach", "feedback", "bye"],
    limits=Limits(messages_per_second=0),
    server_time=1,
    recording=False,
    learning=True,
    sessions=0,
)


M = TypeVar("M", bound=Message)


class FalseDaemon:
    """A connection of a client, in the test's hands.

    Attributes:
        url: where it listens.
        hellos: what the client has said of itself, once a connection.
        inbox: what the client has sent after that.
    """

    def __init__(self, welcome: Welcome) -> None:
        self.url = ""
        self._welcome = welcome
        self.hellos: list[Hello] = []
        self.inbox: asyncio.Queue[ClientMessage] = asyncio.Queue()
        self._client: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def send(self, message: ServerMessage | bytes) -> None:
        """Says something to the client."""
        client = await asyncio.wait_for(self._client, 60)
        await client.send(message if isinstance(message, bytes) else encode(message))

    async def next(self, kind: type[M]) -> M:
        """The next message of a kind; others that come before it are left out."""
        while True:
            message = await asyncio.wait_for(self.inbox.get(), 60)
            if isinstance(message, kind):
                return message

    async def serve(self, client: ServerConnection) -> None:
        """One connection: welcomes it and listens."""
        hello = decode_client(await client.recv())  # type: ignore[arg-type]
        assert isinstance(hello, Hello)
        self.hellos.append(hello)
        await client.send(encode(self._welcome))
        if not self._client.done():
            self._client.set_result(client)
        with contextlib.suppress(ConnectionClosed):
            async for data in client:
                message = decode_client(data)  # type: ignore[arg-type]
                await self.inbox.put(message)
                if isinstance(message, Bye):
                    return


@asynccontextmanager
async def false_daemon(welcome: Welcome = WELCOME) -> AsyncIterator[FalseDaemon]:
    """One that listens on a free port."""
    daemon = FalseDaemon(welcome)
    handler: Callable[[ServerConnection], Awaitable[None]] = daemon.serve
    async with serve(handler, "127.0.0.1", 0, subprotocols=["genlock.v1"], compression=None, max_size=None) as server:  # type: ignore[list-item]
        daemon.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield daemon

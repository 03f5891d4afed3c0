"""The bare echo: what the transport alone can do. A process of its own, ``python -m bridge.bench.echo``.

Every message goes back as it came, undecoded, on the same transport and event loop as the daemon's.
"""

from __future__ import annotations

import asyncio
import gc
import sys

import uvloop

from bridge.transport import Connection, Listener, TransportOptions


class Echo:
    """A ``transport.Handler``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def message(self, data: bytes) -> None:
        """See ``transport.Handler``."""
        self._connection.send(data)

    def text(self) -> None:
        """See ``transport.Handler``."""

    def writable(self) -> None:
        """See ``transport.Handler``."""

    def lost(self, code: int, reason: str) -> None:
        """See ``transport.Handler``."""


async def serve() -> None:
    """Echoes until it is cancelled."""
    listener = Listener(Echo, lambda path: None, TransportOptions())
    host, port = await listener.start("127.0.0.1", 0)
    # As the daemon does.
    gc.collect()
    gc.freeze()
    print(f"listening on ws://{host}:{port}", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())

"""A worker's end of the stream to the gateway, and what every worker process does before its work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from time import perf_counter, process_time
from typing import Any, Final

import msgpack
import torch

from bridge.child import stream_to_gateway

Run = Callable[["Channel"], Coroutine[Any, Any, None]]


class Channel:
    """A stream of msgpack arrays, as ``bridge.child`` carries them."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._packer = msgpack.Packer()
        self._unpacker = msgpack.Unpacker(max_buffer_size=0)

    def say(self, *message: Any) -> None:
        """Tells the gateway something. Blocks: what is said is short, and the gateway always reads."""
        self._stream.setblocking(True)
        self._stream.sendall(self._packer.pack(message))
        self._stream.setblocking(False)

    async def batches(self) -> AsyncIterator[list[Sequence[Any]]]:
        """What the gateway says, all that has come at a time, until it is gone."""
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._stream, 1 << 20):
            self._unpacker.feed(data)
            yield list(self._unpacker)

    def waiting(self) -> list[Sequence[Any]] | None:
        """What has come meanwhile, without waiting for it; nothing when the gateway is gone."""
        with contextlib.suppress(BlockingIOError):
            while data := self._stream.recv(1 << 20):
                self._unpacker.feed(data)
            return None
        return list(self._unpacker)


@contextlib.asynccontextmanager
async def giving_way() -> AsyncIterator[None]:
    """Rests after a piece of work for as long as others kept this process from its core in the meantime.

    Whoever else steps back behind the frames gets that time, and where nobody wants the core there is no rest.
    """
    began, worked = perf_counter(), process_time()
    yield
    kept = (perf_counter() - began) - (process_time() - worked)
    await asyncio.sleep(max(kept, 0.0))


IDLE: Final = 20
"""A niceness beyond the last: runs only where nobody else wants the core (``SCHED_IDLE``, where there is such)."""


def serve(load: Callable[[], tuple[Sequence[Any], Run]], *, threads: int, niceness: int) -> None:
    """A worker's process: loads, says that it is ready, and runs until the gateway is gone.

    Args:
        load: gives what the gateway is told of what was loaded, and what then runs. Raises ``OSError``, ``ImportError``
            or ``ValueError`` with words for people where that cannot be.
        threads: that torch may use for one operation.
        niceness: by how much the process steps back behind the frame path when both want a core: as ``os.nice`` takes
            it, or ``IDLE``.
    """
    _step_back(niceness)
    torch.set_num_threads(threads)
    with stream_to_gateway() as stream:
        channel = Channel(stream)
        try:
            told, run = load()
        except (OSError, ImportError, ValueError) as error:
            channel.say("unable", str(error))
            return
        channel.say("ready", *told)
        stream.setblocking(False)
        asyncio.run(run(channel))


def _step_back(niceness: int) -> None:
    os.nice(min(niceness, IDLE - 1))
    # Whoever is only nice keeps the core to the end of a time slice, some milliseconds, when a frame wants it.
    if niceness >= IDLE and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

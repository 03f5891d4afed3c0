"""An engine in a process of its own, over shared memory: the default.

The gateway owns the memory and the stream, the child only maps them, so the child can die at any moment and another
takes over what it left. One socket pair carries requests, replies and wake-ups.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import mmap
import os
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

import msgpack

from bridge.frame_path.batch import COUNT, Batch
from bridge.frame_path.engine import EngineCounters, EngineError, EngineInfo, EngineListener, EngineOptions

log = logging.getLogger("genlock.engine")

_BACKOFF_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_STABLE_S = 30.0
_EXIT_TIMEOUT_S = 5.0


class ProcessEngine:
    """See ``bridge.frame_path.engine.Engine``."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self.counters = EngineCounters()
        self._batch_fd = _memory_file("genlock-batches")
        self._checkpoint_fd = _memory_file("genlock-checkpoints")
        size = Batch.size(options.slots)
        os.ftruncate(self._batch_fd, COUNT * size)
        memory = memoryview(mmap.mmap(self._batch_fd, COUNT * size))
        self.batches = [Batch(memory[at * size : (at + 1) * size], options.slots) for at in range(COUNT)]
        self._packer = msgpack.Packer()
        self._channel: asyncio.WriteTransport | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._step_deadline = float("inf")
        self.pid: int | None = None

    async def start(self, listener: EngineListener) -> EngineInfo:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        first: asyncio.Future[EngineInfo] = self._loop.create_future()
        self._supervisor = asyncio.create_task(self._supervise(first), name="engine supervisor")
        try:
            return await first
        except BaseException:
            await self.stop()
            raise

    def request(self, *message: Any) -> None:
        if self._channel is not None:
            if message[0] == "step":
                self._step_deadline = self._loop.time() + self._options.step_timeout_s
            self._channel.write(self._packer.pack(message))

    async def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        for fd in (self._batch_fd, self._checkpoint_fd):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._batch_fd = self._checkpoint_fd = -1

    async def _supervise(self, first: asyncio.Future[EngineInfo]) -> None:
        failures = 0
        while True:
            started = self._loop.time()
            try:
                reason = await self._run_one(first)
            except EngineError as error:
                if not first.done():
                    first.set_exception(error)
                    return
                reason = str(error)
            if self._loop.time() - started > _STABLE_S:
                failures = 0
            self.counters.restarts += 1
            self.counters.last_loss = reason
            log.error("the engine is gone: %s", reason)
            self._listener.lost(reason)
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    async def _run_one(self, first: asyncio.Future[EngineInfo]) -> str:
        """Runs one child from its start to its end; returns why it ended."""
        ours, theirs = socket.socketpair()
        fds = (theirs.fileno(), self._batch_fd, self._checkpoint_fd)
        command = [sys.executable, "-m", "bridge.frame_path.worker", *map(str, fds), json.dumps(asdict(self._options))]
        with theirs:
            process = await asyncio.create_subprocess_exec(*command, pass_fds=fds)
        self.pid = process.pid
        stream: _Stream | None = None
        try:
            _, stream = await self._loop.create_connection(_Stream, sock=ours)
            info = await self._until_ready(process, stream)
            self._channel = stream.transport
            stream.on_message = self._replied
            log.info("the engine is ready on %s: %s", info.device, ", ".join(f"{n} {v}" for n, v in info.models))
            self._listener.ready(info)
            if not first.done():
                first.set_result(info)
            return await self._until_gone(process)
        finally:
            self._channel = None
            self._step_deadline = float("inf")
            if stream is not None:
                stream.transport.close()
            await _end(process)
            self.pid = None

    async def _until_ready(self, process: Process, stream: _Stream) -> EngineInfo:
        answer: asyncio.Future[Sequence[Any]] = self._loop.create_future()
        stream.on_message = lambda message: None if answer.done() else answer.set_result(message)
        gone = asyncio.create_task(process.wait())
        try:
            await asyncio.wait((answer, gone), timeout=self._options.start_timeout_s, return_when="FIRST_COMPLETED")
            if answer.done():
                kind, *arguments = answer.result()
                if kind == "ready":
                    models, device = arguments
                    return EngineInfo(tuple((name, version) for name, version in models), device)
                raise EngineError(str(arguments[0]))
            if gone.done():
                raise EngineError(f"the engine's process ended with {gone.result()} before it was ready")
            raise EngineError(f"the engine was not ready after {self._options.start_timeout_s:g} s")
        finally:
            gone.cancel()

    async def _until_gone(self, process: Process) -> str:
        gone = asyncio.create_task(process.wait())
        try:
            while True:
                done, _ = await asyncio.wait((gone,), timeout=1)
                if done:
                    return f"its process ended with {gone.result()}"
                if self._loop.time() > self._step_deadline:
                    process.kill()
                    return f"a step took longer than {self._options.step_timeout_s:g} s"
        finally:
            gone.cancel()

    def _replied(self, message: Sequence[Any]) -> None:
        if message[0] == "stepped":
            self._step_deadline = float("inf")
        self._listener.reply(message)


class _Stream(asyncio.Protocol):
    """Messages from the child."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker()
        self.on_message: Any = lambda message: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._unpacker.feed(data)
        for message in self._unpacker:
            self.on_message(message)


async def _end(process: Process) -> None:
    """Waits for a child whose stream is closed to see that and go; one that does not is killed."""
    try:
        await asyncio.wait_for(process.wait(), _EXIT_TIMEOUT_S)
    except TimeoutError:
        log.warning("the engine's process %d does not end by itself; killed", process.pid)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _memory_file(name: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    with tempfile.TemporaryFile(prefix=name) as file:
        return os.dup(file.fileno())

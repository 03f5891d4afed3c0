"""An engine in a process of its own, over shared memory: the default.

The gateway owns the memory and the stream, the child only maps them, so the child can die at any moment and another
takes over what it left.
"""

from __future__ import annotations

import contextlib
import json
import logging
import mmap
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bridge.child import Child, ChildError
from bridge.frame_path.batch import COUNT, Batch
from bridge.frame_path.engine import EngineCounters, EngineError, EngineInfo, EngineListener, EngineOptions

log = logging.getLogger("genlock.engine")


class ProcessEngine:
    """See ``bridge.frame_path.engine.Engine``."""

    def __init__(self, options: EngineOptions) -> None:
        self.counters = EngineCounters()
        self._options = options
        self._batch_fd = _memory_file("genlock-batches")
        self._checkpoint_fd = _memory_file("genlock-checkpoints")
        size = Batch.size(options.slots)
        os.ftruncate(self._batch_fd, COUNT * size)
        memory = memoryview(mmap.mmap(self._batch_fd, COUNT * size))
        self.batches = [Batch(memory[at * size : (at + 1) * size], options.slots) for at in range(COUNT)]
        self._child = Child(
            "the engine",
            "bridge.frame_path.worker",
            self,
            arguments=(json.dumps(asdict(options)),),
            fds=(self._batch_fd, self._checkpoint_fd),
            start_timeout_s=options.start_timeout_s,
        )

    @property
    def pid(self) -> int | None:
        """The process that steps now."""
        return self._child.pid

    async def start(self, listener: EngineListener) -> EngineInfo:
        self._listener = listener
        self._info = EngineInfo()
        try:
            await self._child.start()
        except ChildError as error:
            await self.stop()
            raise EngineError(str(error)) from None
        return self._info

    def request(self, *message: Any) -> None:
        if message[0] == "step":
            self._child.expect(self._options.step_timeout_s)
        self._child.send(*message)

    async def stop(self) -> None:
        await self._child.stop()
        for fd in (self._batch_fd, self._checkpoint_fd):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._batch_fd = self._checkpoint_fd = -1

    def ready(self, *told: Any) -> None:
        """See ``bridge.child.ChildListener``."""
        models, device = told
        self._info = EngineInfo(tuple((name, version) for name, version in models), device)
        log.info("the engine is ready on %s: %s", device, ", ".join(f"{n} {v}" for n, v in self._info.models))
        self._listener.ready(self._info)

    def lost(self, reason: str) -> None:
        """See ``bridge.child.ChildListener``."""
        self.counters.restarts += 1
        self.counters.last_loss = reason
        self._listener.lost(reason)

    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""
        if message[0] == "stepped":
            self._child.settled()
        self._listener.reply(message)


def _memory_file(name: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    with tempfile.TemporaryFile(prefix=name) as file:
        return os.dup(file.fileno())

"""An engine in the gateway's own process and on its event loop: for tests and for stepping through with a debugger.

It takes the same requests as the engine in a process of its own. While it steps, nothing else runs.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bridge.frame_path.batch import COUNT, Batch
from bridge.frame_path.engine import EngineCounters, EngineError, EngineInfo, EngineListener, EngineOptions


class InProcessEngine:
    """See ``bridge.frame_path.engine.Engine``."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self.batches = [Batch(memoryview(bytearray(Batch.size(options.slots))), options.slots) for _ in range(COUNT)]
        self.counters = EngineCounters()

    async def start(self, listener: EngineListener) -> EngineInfo:
        # Here and not above: whoever runs the engine in a process of its own need not load torch in this one.
        from bridge.frame_path.worker import build_core, execute

        try:
            core, device = build_core(self._options)
        except LookupError as error:
            raise EngineError(str(error)) from error
        self._loop = asyncio.get_running_loop()

        def carry_out(message: tuple[Any, ...]) -> None:
            reply = execute(core, self.batches, None, message)
            if reply is not None:
                listener.reply(reply)

        self._carry_out = carry_out
        info = EngineInfo(tuple(core.models), device)
        listener.ready(info)
        return info

    def request(self, *message: Any) -> None:
        self._loop.call_soon(self._carry_out, message)

    async def stop(self) -> None:
        self._carry_out = lambda message: None

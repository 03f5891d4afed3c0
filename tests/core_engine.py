"""An engine with a real core whose requests are carried out when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from bridge.frame_path.batch import COUNT, Batch
from bridge.frame_path.checkpoint import Checkpoint
from bridge.frame_path.core import EngineCore
from bridge.frame_path.engine import EngineCounters, EngineInfo, EngineListener
from bridge.frame_path.worker import execute
from models.frame_model import FrameModel


class CoreEngine:
    """Its checkpoint, which is taken after every step, outlives the core.

    Args:
        models: what it steps.
        before_step: told the slots of a batch that is stepped next.
    """

    def __init__(
        self,
        slots: int,
        models: Sequence[FrameModel],
        before_step: Callable[[EngineCore, list[int]], None] | None = None,
    ) -> None:
        self.batches = [Batch(memoryview(bytearray(Batch.size(slots))), slots) for _ in range(COUNT)]
        self.counters = EngineCounters()
        self.requests: list[Sequence[Any]] = []
        self.up = False
        self._slots = slots
        self._models = models
        self._before_step = before_step
        self._memory = memoryview(bytearray(Checkpoint.size(slots, self._new_core().row_floats)))

    def _new_core(self) -> EngineCore:
        return EngineCore(self._models, self._slots, torch.device("cpu"))

    async def start(self, listener: EngineListener) -> EngineInfo:
        self._listener = listener
        self.come_up()
        return EngineInfo(tuple(self.core.models), "cpu")

    def come_up(self) -> None:
        self.core = self._new_core()
        self._checkpoint = Checkpoint(self._memory, self._slots, self.core.row_floats)
        self.up = True
        self._listener.ready(EngineInfo(tuple(self.core.models), "cpu"))

    def go_down(self) -> None:
        self.up = False
        self.requests.clear()
        self._listener.lost("test")

    def request(self, *message: Any) -> None:
        assert self.up
        self.requests.append(message)

    async def stop(self) -> None:
        self.up = False

    def work(self, requests: int = 1_000_000) -> None:
        """Carries out the requests that came first."""
        for request in self.requests[:requests]:
            del self.requests[0]
            slots = np.array([], dtype=np.int64)
            if request[0] == "step":
                slots = self.batches[request[1]].head["slot"][: request[2]].astype(np.int64)
                if self._before_step is not None:
                    self._before_step(self.core, slots.tolist())
            reply = execute(self.core, self.batches, self._checkpoint, request)
            if len(slots):
                self.core.checkpoint_rows(self._checkpoint, slots)
            if reply is not None:
                self._listener.reply(reply)

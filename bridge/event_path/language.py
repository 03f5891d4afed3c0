"""The gateway's end of what understands utterances: a worker in a process of its own, started when it is first needed.

Messages are msgpack arrays, as ``bridge.child`` carries them:

=========  ===========================================  =====================================================
to it      app: key, the app                            forget: key
           ask: serial, key, question                   (a question about an app that is not fitted yet waits)
from it    fitted: key, seconds, "" or what went wrong  answer: serial, reading
           failed: serial, what went wrong
=========  ===========================================  =====================================================

Apps, questions and readings are msgpack maps of ``bridge.app.App``, ``Question`` and ``Reading``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from bridge.app import App, digest
from bridge.child import Child, ChildError
from bridge.event_path.questions import QuestionCounters, Questions
from models.language.dialogue import Question, Reading

log = logging.getLogger("genlock.language")

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

    worker: str = "bridge.event_path.language_worker"
    threads: int = 1
    niceness: int = 5
    cache: str = ""
    start_timeout_s: float = 120.0
    answer_timeout_s: float = 60.0


class LanguageError(RuntimeError):
    """Utterances cannot be understood; the message says why."""


@dataclass
class _Declared:
    data: bytes
    holders: int
    problem: str = ""


class Language:
    """Understands utterances for all sessions.

    Args:
        on_change: called with false when the worker is lost and with true when there is one again.
    """

    def __init__(self, options: LanguageOptions, on_change: Callable[[bool], None]) -> None:
        self.counters = QuestionCounters()
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
        self._apps: dict[str, _Declared] = {}
        self._questions = Questions(self._child, self.counters, options.answer_timeout_s)

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
        return self._questions.ask(
            key, _encode(question), answer=lambda told: answer(None if told is None else _decode_reading(told))
        )

    def drop(self, serial: int) -> None:
        """Nobody waits for this answer any more."""
        self._questions.drop(serial)

    def ready(self, *told: Any) -> None:
        """See ``bridge.child.ChildListener``."""
        log.info("the language worker is ready: %s", *told)
        self._up = True
        for key, declared in self._apps.items():
            self._child.send("app", key, declared.data)
        if self._was_up:
            self._on_change(True)
        self._questions.ready()
        self._was_up = True

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
                self._questions.failed(serial)
            else:
                self._questions.answered(serial, told)
        self._questions.still_waiting()

    async def _start(self) -> None:
        try:
            await self._child.start()
        except ChildError as error:
            self._problem = str(error)
            log.error("utterances cannot be understood: %s", error)
            self._questions.hopeless()

"""The gateway's end of what understands utterances: a worker in a process of its own, started when it is first needed.

Messages are msgpack arrays, as ``bridge.child`` carries them:

=========  ===========================================  =====================================================
to it      app: key, the app                            forget: key
           ask: serial, key, question                   (about an app that is not fitted yet it waits, and it fails
                                                        when that is forgotten)
from it    fitted: key, seconds, "" or what went wrong  answer: serial, reading
           failed: serial, what went wrong              fitting: (said every few seconds while it lasts, as a question
                                                        about an app with thousands of phrases may wait for minutes)
=========  ===========================================  =====================================================

Apps, questions and readings are msgpack maps of ``bridge.app.App``, ``Question`` and ``Reading``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bridge.app import App, digest
from bridge.event_path.on_demand import OnDemand, WorkerOptions
from bridge.event_path.questions import QuestionCounters, Questions
from models.language.dialogue import Question, Reading

log = logging.getLogger("genlock.language")

_encode = msgspec.msgpack.Encoder().encode
_decode_reading = msgspec.msgpack.Decoder(Reading).decode


@dataclass(frozen=True, kw_only=True)
class LanguageOptions(WorkerOptions):
    """How utterances are understood.

    Attributes:
        cache: the folder where longer fits of apps are kept; the usual one if empty.
    """

    worker: str = "bridge.event_path.language_worker"
    niceness: int = 20
    cache: str = ""


class LanguageError(RuntimeError):
    """Utterances cannot be understood; the message says why."""


@dataclass
class _Declared:
    name: str
    data: bytes
    holders: int
    problem: str = ""


class Language(OnDemand):
    """Understands utterances for all sessions."""

    def __init__(self, options: LanguageOptions, on_change: Callable[[bool], None]) -> None:
        self.counters = QuestionCounters()
        super().__init__("the language worker", options, self.counters, on_change)
        self._apps: dict[str, _Declared] = {}
        self._questions = Questions(
            "an utterance could not be read", self._child, self.counters, options.answer_timeout_s
        )

    async def start(self) -> None:
        """Starts the worker, if it has not been; returns when it takes questions.

        Raises:
            LanguageError: it cannot be started.
        """
        await asyncio.shield(self.begin())
        if self.problem:
            raise LanguageError(self.problem)

    def declare(self, app: App) -> str:
        """Gets an app ready to be asked about; returns its key, to be released when it is not needed any more."""
        key = digest(app)
        declared = self._apps.get(key)
        if declared is None:
            declared = self._apps[key] = _Declared(app.name, _encode(app), 0)
            self.begin()
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

    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""
        kind, *rest = message
        if kind == "fitted":
            self._fitted(*rest)
        elif kind != "fitting":
            self._questions.replied(kind, *rest)
        self._questions.still_waiting()

    def _fitted(self, key: str, seconds: float, problem: str) -> None:
        # One that is not declared any more is nobody's concern.
        if (declared := self._apps.get(key)) is None:
            return
        if problem:
            log.error("app %r cannot be fitted: %s", declared.name, problem)
        else:
            log.info("app %r is fitted in %.1f s", declared.name, seconds)

    def _ready(self, again: bool, *told: Any) -> None:
        log.info("the language worker is ready: %s", *told)
        for key, declared in self._apps.items():
            self._child.send("app", key, declared.data)
        self._questions.ready()

    def _lost(self) -> None:
        self._questions.lost()

    def _hopeless(self) -> None:
        log.error("utterances cannot be understood: %s", self.problem)
        self._questions.hopeless()

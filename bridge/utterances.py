"""What the user of a session says: one utterance at a time, each with its outcome and one acknowledgement."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final

from bridge.actions import Answers, Phase
from bridge.aim import Aim
from bridge.event_path.language import Language
from bridge.protocol import Ack, Error, ErrorCode, Message, Notice, NoticeCode, Refused, Target, Utterance
from models.language.dialogue import TARGET, Name, Pending, Phrase, Question, Reading
from models.language.references import Candidate, Situation
from models.language.space import Viewpoint

MAX_WAITING: Final = 32
_REMEMBERED: Final = 64
PENDING_S: Final = 10.0
"""How long an action waits for what is missing, and an utterance for its correction, seconds."""

SOURCE: Final = "utterance"


class Utterances:
    """The utterances of a session, in their order.

    Attributes:
        targets: the scene's.
        names: what else the user calls them, by their ``id``.
        phrases: what the user has taught to mean an action.

    Args:
        key: the app's, as ``Language.declare`` gave it.
        aim: what the session aims at.
        answers: what takes the actions.
        learn: keeps what an utterance of an ``id`` taught; then tells what is wrong with it, or nothing if it is kept.
        tell: sends a message to the client.
        flush: sends the actions that wait.
        done: takes the acknowledgement of an utterance when everything that comes of it has been sent.
    """

    def __init__(
        self,
        language: Language,
        key: str,
        aim: Aim,
        answers: Answers,
        *,
        learn: Callable[[str, Phrase | Name, Callable[[str], None]], None],
        tell: Callable[[Message], None],
        flush: Callable[[], None],
        done: Callable[[Ack], None],
    ) -> None:
        self.targets: Sequence[Target] = ()
        self.names: Mapping[str, Sequence[str]] = {}
        self.phrases: tuple[Phrase, ...] = ()
        self._language = language
        self._key = key
        self._aim = aim
        self._answers = answers
        self._learn = learn
        self._tell = tell
        self._flush = flush
        self._done = done
        self._waiting: deque[tuple[Utterance, Viewpoint | None]] = deque()
        self._said: OrderedDict[str, str] = OrderedDict()
        self._serial: int | None = None
        self._last = ""
        self._before = ("", 0.0)
        self._pending: Pending | None = None
        self._pending_of = ""
        self._timer: asyncio.TimerHandle | None = None

    def take(self, utterance: Utterance, viewpoint: Viewpoint | None) -> None:
        """Takes an utterance that was not taken before, said by somebody whose head is there.

        Raises:
            Refused: too many wait already.
        """
        if any(utterance.id == waiting.id for waiting, _ in self._waiting):
            return
        if len(self._waiting) >= MAX_WAITING:
            text = f"utterance: {MAX_WAITING} wait for an answer; send it again when some have been answered"
            raise Refused(Error(ErrorCode.FLOODING, text, "utterance", id=utterance.id))
        self._waiting.append((utterance, viewpoint))
        self._said[utterance.id] = utterance.text
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if len(self._waiting) == 1:
            self._ask()

    def said(self, identifier: str) -> str | None:
        """The words of one of the last utterances, by its ``id``."""
        return self._said.get(identifier)

    def end(self) -> None:
        """The session is over."""
        if self._timer is not None:
            self._timer.cancel()
        if self._serial is not None:
            self._language.drop(self._serial)
        self._waiting.clear()
        self._language.release(self._key)

    def _ask(self) -> None:
        utterance, viewpoint = self._waiting[0]
        probabilities = self._aim.at(utterance.time)
        situation = Situation(
            candidates=tuple(
                Candidate(
                    target.id,
                    target.name,
                    (*target.aliases, *self.names.get(target.id, ())),
                    target.position,
                    target.size,
                )
                for target in self.targets
            ),
            probabilities=tuple(probabilities.get(target.id, 0.0) for target in self.targets)
            if probabilities
            else None,
            viewpoint=viewpoint,
            last=self._last or None,
        )
        before, said_at = self._before
        recent = monotonic() - said_at < PENDING_S
        question = Question(utterance.text, situation, self._pending, self.phrases, before if recent else "")
        self._serial = self._language.ask(self._key, question, self._read)

    def _read(self, reading: Reading | None) -> None:
        utterance, _ = self._waiting[0]
        if reading is None:
            text = "this utterance could not be read; the daemon's log says more"
            self._tell(Notice(NoticeCode.NOT_UNDERSTOOD, text, 0, utterance.id))
        elif not reading.action and not (reading.teaches_phrase or reading.teaches_name):
            self._tell(Notice(NoticeCode.NOT_UNDERSTOOD, reading.problem, 0, utterance.id))
        elif reading.action:
            self._act(utterance.id, reading)
        taught = None if reading is None else reading.teaches_phrase or reading.teaches_name
        if taught is None:
            self._finish(utterance.text)
        else:
            self._learn(utterance.id, taught, lambda problem: self._taught(utterance.id, taught, problem))

    def _taught(self, identifier: str, taught: Phrase | Name, problem: str) -> None:
        if not self._waiting:
            # The session is over.
            return
        if problem:
            self._tell(Notice(NoticeCode.NOT_UNDERSTOOD, problem, 0, identifier))
        elif isinstance(taught, Name):
            self._tell(Notice(NoticeCode.LEARNED, f"{taught.target} is also called {taught.name!r}", 0, identifier))
        else:
            meaning = f"means {taught.action}" if taught.action else "means nothing"
            self._tell(Notice(NoticeCode.LEARNED, f"{taught.text!r} {meaning}", 0, identifier))
        self._finish("")

    def _finish(self, said: str) -> None:
        """An utterance is done with; what it said is what a correction right after it speaks of."""
        utterance, _ = self._waiting[0]
        self._before = (said, monotonic())
        self._done(Ack(utterance.id))
        self._waiting.popleft()
        self._serial = None
        if self._waiting:
            self._ask()

    def _act(self, identifier: str, reading: Reading) -> None:
        if self._pending is not None and not reading.completes:
            self._cancel()
        self._set_pending(None)
        self._last = reading.target or self._last
        phase: Phase = "started" if reading.missing else "performed"
        if not (reading.missing and reading.completes):
            self._answers.add(
                reading.action,
                phase,
                reading.confidence,
                SOURCE,
                identifier=identifier,
                target=reading.target,
                arguments=reading.arguments,
            )
            self._flush()
        if reading.missing:
            pending = Pending(
                reading.action, reading.confidence, reading.missing, reading.target, dict(reading.arguments)
            )
            self._set_pending(pending, identifier)
            code = NoticeCode.WHICH_TARGET if reading.missing[0] == TARGET else NoticeCode.WHICH_ARGUMENT
            self._tell(Notice(code, reading.problem, 0, identifier))

    def _set_pending(self, pending: Pending | None, identifier: str = "") -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pending, self._pending_of = pending, identifier
        if pending is not None:
            self._timer = asyncio.get_running_loop().call_later(PENDING_S, self._cancel)

    def _cancel(self) -> None:
        pending = self._pending
        if pending is not None:
            self._answers.add(
                pending.action,
                "canceled",
                pending.confidence,
                SOURCE,
                identifier=self._pending_of,
                target=pending.target,
                arguments=pending.arguments,
            )
            self._set_pending(None)
            self._flush()

"""What the user of a session says: one utterance at a time, each with its outcome and one acknowledgement."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal

from bridge.actions import Answers, Phase
from bridge.aim import Aim
from bridge.event_path.language import Language
from bridge.protocol import Ack, Error, ErrorCode, Notice, NoticeCode, Refused, SpokenWord, Target
from models.language.dialogue import TARGET, Name, Pending, Phrase, Question, Reading
from models.language.references import Candidate, Situation
from models.language.space import Viewpoint

MAX_WAITING: Final = 32
_REMEMBERED: Final = 64
PENDING_S: Final = 10.0
"""How long an action waits for what is missing, and an utterance for its correction, seconds."""


@dataclass(frozen=True)
class Said:
    """Something that the user said, as text or as speech.

    Attributes:
        id: the message's, or of what was heard.
        time: when it was said, microseconds of the device's clock.
        viewpoint: where the head was.
        source: what actions that come of it say as their source.
        words: of speech, in the order of ``text``, with their times.
    """

    id: str
    text: str
    time: int
    viewpoint: Viewpoint | None
    source: Literal["utterance", "speech"] = "utterance"
    words: Sequence[SpokenWord] = ()


class Utterances:
    """The utterances of a session, in their order.

    Attributes:
        targets: the scene's.
        names: what else the user calls them, by their ``id``.
        phrases: what the user has taught to mean an action.
        seen: what pictures showed lately, and how sure that is.

    Args:
        key: the app's, as ``Language.declare`` gave it.
        aim: what the session aims at.
        answers: what takes the actions.
        learn: keeps what an utterance of an ``id`` taught; then tells what is wrong with it, or nothing if it is kept.
        tell: sends a notice to the client.
        flush: sends the actions that wait.
        done: takes the acknowledgement of an utterance when everything that comes of it has been sent, and the notice
            that was told of it, if any; speech has none.
    """

    def __init__(
        self,
        language: Language,
        key: str,
        aim: Aim,
        answers: Answers,
        *,
        learn: Callable[[str, Phrase | Name, Callable[[str], None]], None],
        tell: Callable[[Notice], None],
        flush: Callable[[], None],
        done: Callable[[Ack, Notice | None], None],
    ) -> None:
        self.targets: Sequence[Target] = ()
        self.names: Mapping[str, Sequence[str]] = {}
        self.phrases: tuple[Phrase, ...] = ()
        self.seen: Callable[[], tuple[tuple[str, float], ...]] = tuple
        self._language = language
        self._key = key
        self._aim = aim
        self._answers = answers
        self._learn = learn
        self._tell = tell
        self._told: Notice | None = None
        self._flush = flush
        self._done = done
        self._waiting: deque[Said] = deque()
        self._said: OrderedDict[str, str] = OrderedDict()
        self._serial: int | None = None
        self._last = ""
        self._before = ("", False, 0.0)
        self._pending: Pending | None = None
        self._pending_of: Said | None = None
        # What else was ordered with the action that waits.
        self._undone: tuple[str, ...] = ()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, said: Said) -> None:
        """Takes what was said, if it was not taken before.

        Raises:
            Refused: too many wait already.
        """
        if any(said.id == waiting.id for waiting in self._waiting):
            return
        if len(self._waiting) >= MAX_WAITING:
            text = f"utterance: {MAX_WAITING} wait for an answer; send it again when some have been answered"
            raise Refused(Error(ErrorCode.FLOODING, text, "utterance", id=said.id))
        self._waiting.append(said)
        self._said[said.id] = said.text
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
        said = self._waiting[0]
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
            probabilities=self._aimed(said.time),
            pointing=self._pointing(said),
            seen=self.seen(),
            viewpoint=said.viewpoint,
            last=self._last or None,
        )
        before, clear, said_at = self._before
        recent = monotonic() - said_at < PENDING_S
        question = Question(said.text, situation, self._pending, self.phrases, before if recent else "", clear)
        self._serial = self._language.ask(self._key, question, self._read)

    def _aimed(self, time: int) -> tuple[float, ...] | None:
        """The probabilities of the targets in their order at a moment; nothing where nothing was aimed then."""
        aimed = self._aim.at(time)
        return tuple(aimed.get(target.id, 0.0) for target in self.targets) if aimed else None

    def _pointing(self, said: Said) -> tuple[tuple[int, tuple[float, ...]], ...]:
        """What was aimed at while each word was said, by the character that it begins with."""
        pointing = []
        start = 0
        for word in said.words:
            found = said.text.find(word.text, start)
            aimed = self._aimed((word.begin + word.end) // 2)
            if found >= 0 and aimed is not None:
                pointing.append((found, aimed))
                start = found + len(word.text)
        return tuple(pointing)

    def _read(self, reading: Reading | None) -> None:
        utterance = self._waiting[0]
        if reading is None:
            text = "this utterance could not be read; the daemon's log says more"
            self._say(Notice(NoticeCode.NOT_UNDERSTOOD, text, 0, utterance.id))
        elif reading.declines:
            self._cancel()
            self._say(Notice(NoticeCode.CANCELED, reading.problem, 0, utterance.id))
        elif not reading.action and not (reading.teaches_phrase or reading.teaches_name):
            self._say(Notice(NoticeCode.NOT_UNDERSTOOD, reading.problem, 0, utterance.id))
        elif reading.action:
            self._act(utterance, reading)
        taught = None if reading is None else reading.teaches_phrase or reading.teaches_name
        if taught is None:
            declined = reading is not None and reading.declines
            self._finish("" if declined else utterance.text, clear=reading is not None and reading.clear)
        else:
            self._learn(utterance.id, taught, lambda problem: self._taught(utterance.id, taught, problem))

    def _taught(self, identifier: str, taught: Phrase | Name, problem: str) -> None:
        if not self._waiting:
            # The session is over.
            return
        if problem:
            self._say(Notice(NoticeCode.NOT_UNDERSTOOD, problem, 0, identifier))
        elif isinstance(taught, Name):
            self._say(Notice(NoticeCode.LEARNED, f"{taught.target} is also called {taught.name!r}", 0, identifier))
        else:
            meaning = f"means {taught.action}" if taught.action else "means nothing"
            self._say(Notice(NoticeCode.LEARNED, f"{taught.text!r} {meaning}", 0, identifier))
        self._finish("")

    def _finish(self, said: str, *, clear: bool = False) -> None:
        """An utterance is done with; what it said is what a correction right after it speaks of."""
        utterance = self._waiting.popleft()
        self._before = (said, clear, monotonic())
        told, self._told = self._told, None
        if utterance.source == "utterance":
            self._done(Ack(utterance.id), told)
        self._serial = None
        if self._waiting:
            self._ask()

    def _say(self, notice: Notice) -> None:
        self._told = notice
        self._tell(notice)

    def _act(self, said: Said, reading: Reading) -> None:
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
                said.source,
                identifier=said.id,
                target=reading.target,
                arguments=reading.arguments,
            )
            self._flush()
        undone = (*(self._undone if reading.completes else ()), *reading.undone)
        self._undone = undone if reading.missing else ()
        if undone and not reading.missing:
            rest = ", ".join(map(repr, undone))
            self._say(Notice(NoticeCode.NOT_UNDERSTOOD, f"only {reading.action} is done, not {rest}", 0, said.id))
        if reading.missing:
            pending = Pending(
                reading.action,
                reading.confidence,
                reading.missing,
                reading.target,
                dict(reading.arguments),
                reading.likely,
            )
            self._set_pending(pending, said)
            code = NoticeCode.WHICH_TARGET if reading.missing[0] == TARGET else NoticeCode.WHICH_ARGUMENT
            self._say(Notice(code, reading.problem, 0, said.id))

    def _set_pending(self, pending: Pending | None, said: Said | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pending, self._pending_of = pending, said
        if pending is not None:
            self._timer = asyncio.get_running_loop().call_later(PENDING_S, self._cancel)

    def _cancel(self) -> None:
        pending, said = self._pending, self._pending_of
        if pending is not None and said is not None:
            self._answers.add(
                pending.action,
                "canceled",
                pending.confidence,
                said.source,
                identifier=said.id,
                target=pending.target,
                arguments=pending.arguments,
            )
            self._set_pending(None)
            self._flush()

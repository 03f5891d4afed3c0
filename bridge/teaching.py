"""What the user of a session teaches, corrects and takes back, in its order; each is acknowledged when it is kept."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time
from typing import Final

from bridge.actions import Answers
from bridge.app import App
from bridge.event_path.seeing import Glimpse, Seeing
from bridge.frame_path.path import FramePath, Seat
from bridge.profiles import gestures, objects, voices
from bridge.profiles.export import BadExport
from bridge.profiles.items import BadItem, Item
from bridge.profiles.store import Mark, StoreError, Superseded, TooMuch
from bridge.protocol import Ack, Error, ErrorCode, Feedback, Profile, Refused, Target, Teach, type_of
from bridge.users import User
from models.gesture.names import NUMBERS
from models.language.dialogue import Name, Phrase
from models.language.mentions import template

log = logging.getLogger("genlock.session")

MAX_WAITING: Final = 64
MAX_UNDONE: Final = 64
"""The last messages of a session that can be taken back."""

Lesson = Teach | Feedback | Profile


@dataclass(frozen=True)
class Surroundings:
    """What teaching needs to know of its session at the moment that it is carried out.

    Attributes:
        seat: where its user sits.
        targets: the scene's, in its order.
        said: the words of an utterance by its ``id``; nothing if it is not remembered.
    """

    seat: Callable[[], Seat]
    targets: Callable[[], list[Target]]
    said: Callable[[str], str | None]


@dataclass(frozen=True)
class _Kept:
    """An item that was kept, in place of the one before or of none."""

    item: Item
    before: Item | None


@dataclass(frozen=True)
class _Selected:
    """A selection that was learned from: of which seat, the target's place in the scene, and the engine's moment."""

    seat: Seat
    place: int
    moment: bytes


class Teaching:
    """The lessons of a session.

    Args:
        scope: names the session to the store, so that a lesson that was kept is not kept again after a crash.
        done: takes the acknowledgement of a lesson that is kept.
        refused: takes the error of one that is not.
    """

    def __init__(
        self,
        user: User,
        app: App,
        path: FramePath,
        seeing: Seeing,
        answers: Answers,
        around: Surroundings,
        scope: bytes,
        *,
        done: Callable[[Ack], None],
        refused: Callable[[Error], None],
    ) -> None:
        self._user = user
        self._app = app
        self._path = path
        self._seeing = seeing
        self._answers = answers
        self._around = around
        self._scope = scope
        self._done = done
        self._refused = refused
        self._waiting: deque[Lesson | Callable[[], Awaitable[None] | None]] = deque()
        self._carrying_out: asyncio.Task[None] | None = None
        self._voices: deque[bytes] = deque()
        self._learning_voice: asyncio.Task[None] | None = None
        self._undo: OrderedDict[str, list[_Kept | _Selected]] = OrderedDict()

    def take(self, lesson: Lesson) -> None:
        """Takes a lesson that is not done with.

        Raises:
            Refused: too many wait already.
        """
        if any(not callable(waiting) and lesson.id == waiting.id for waiting in self._waiting):
            return
        if len(self._waiting) >= MAX_WAITING:
            kind = type_of(lesson)
            text = f"{kind}: {MAX_WAITING} wait to be kept; send it again when some have been acknowledged"
            raise Refused(Error(ErrorCode.FLOODING, text, kind, id=lesson.id))
        self._waiting.append(lesson)
        self._begin()

    def said(self, identifier: str, lesson: Phrase | Name, then: Callable[[str], None]) -> None:
        """Keeps what an utterance taught; ``then`` gets what is wrong with it, or nothing when it is kept."""

        async def keep() -> None:
            problem = ""
            try:
                if not self._may_learn():
                    problem = f"nothing is learned of this user here; {self._why_not()}"
                else:
                    await self._keep(identifier, self._of_words(lesson), Mark(self._scope, identifier))
            except (TooMuch, BadItem, StoreError, Superseded) as fault:
                problem = f"it could not be kept: {fault}"
            then(problem)

        self._waiting.append(keep)
        self._begin()

    def voice(self, embedding: bytes) -> float | None:
        """How probably a voice is the user's, or nothing while that cannot be told; learns it where it seems to be.

        What was said with it does not wait for that.
        """
        known = self._user.items(voices.KIND, "").get(voices.KIND)
        sure = voices.whose(known, embedding)
        if (sure is None or sure >= voices.SURE) and self._may_learn():
            self._voices.append(embedding)
            if self._learning_voice is None:
                self._learning_voice = asyncio.create_task(self._learn_voices(), name="learn a voice")
        return sure

    async def _learn_voices(self) -> None:
        while self._voices:
            embedding = self._voices.popleft()
            try:
                known = self._user.items(voices.KIND, "").get(voices.KIND)
                learned = voices.heard(known, embedding)
                await self._user.put(Item(voices.KIND, "", voices.KIND, learned, time()), None)
            except (StoreError, Superseded, TooMuch) as problem:
                log.error("the voice of user %r is not written down: %s", self._user.name, problem)
            except Exception:
                # Whatever went wrong with one, those that come after it must have their turn.
                log.exception("the voice of user %r could not be learned", self._user.name)
        self._learning_voice = None

    def _of_words(self, lesson: Phrase | Name) -> Item:
        if isinstance(lesson, Name):
            return Item("name", self._app.name, lesson.target, {"name": lesson.name}, time())
        words = " ".join(lesson.text.split())
        data = {
            "text": words, "action": lesson.action, "target": lesson.target, "arguments": dict(lesson.arguments)
        }  # fmt: skip
        return Item("phrase", self._app.name, words.casefold(), data, time())

    def then(self, act: Callable[[], None]) -> bool:
        """Does something when all lessons that were taken are carried out, at once if none waits.

        Returns:
            False where too much waits already, and it is not done.
        """
        if not self._waiting:
            act()
        elif len(self._waiting) >= MAX_WAITING:
            return False
        else:
            self._waiting.append(act)
        return True

    async def end(self) -> None:
        """Returns when all that was taken is kept."""
        for task in (self._carrying_out, self._learning_voice):
            if task is not None:
                await task

    def _begin(self) -> None:
        if self._carrying_out is None:
            self._carrying_out = asyncio.create_task(self._carry_out_all(), name="keep what is taught")

    async def _carry_out_all(self) -> None:
        while self._waiting:
            waiting = self._waiting[0]
            try:
                if not callable(waiting):
                    await self._answer(waiting)
                elif (doing := waiting()) is not None:
                    await doing
            except Exception:
                # Whatever went wrong, what comes after it must have its turn.
                log.exception("what followed a lesson could not be done")
            self._waiting.popleft()
        self._carrying_out = None

    async def _answer(self, lesson: Lesson) -> None:
        kind = type_of(lesson)
        try:
            self._done(await self._carry_out(lesson))
        except Refused as refused:
            self._refused(refused.error)
        except Superseded as problem:
            self._refused(Error(ErrorCode.INVALID, f"{kind}: {problem}; send it again", kind, id=lesson.id))
        except Exception as problem:
            log.exception("a lesson could not be kept")
            self._refused(Error(ErrorCode.INTERNAL, f"{kind}: it could not be kept: {problem}", kind, id=lesson.id))

    async def _carry_out(self, lesson: Lesson) -> Ack:
        mark = Mark(self._scope, lesson.id)
        if isinstance(lesson, Profile):
            return await self._profile(lesson, mark)
        kind = type_of(lesson)
        if not self._may_learn():
            text = f"{kind}: nothing is learned of this user here; {self._why_not()}"
            raise Refused(Error(ErrorCode.LEARNING_OFF, text, kind, id=lesson.id))
        try:
            if isinstance(lesson, Teach):
                await self._teach(lesson, mark)
            else:
                await self._feedback(lesson, mark)
        except (TooMuch, BadItem) as problem:
            raise _invalid(lesson, "", str(problem)) from None
        return Ack(lesson.id)

    def _may_learn(self) -> bool:
        return self._app.learn and self._user.learning and self._around.seat().learning

    def _why_not(self) -> str:
        if not self._app.learn:
            return "the app turned it off"
        if self._user.erased:
            return "the profile was erased"
        return "the user turned it off" if not self._user.learning else "another session of the user learns"

    async def _teach(self, lesson: Teach, mark: Mark) -> None:
        if not lesson.name.strip():
            raise _invalid(lesson, "name", "it says nothing")
        if lesson.kind == "phrase":
            self._check_action(lesson, "name", lesson.name)
            if lesson.target:
                self._place(lesson, lesson.target)
            item = self._phrase(lesson, "phrase", lesson.phrase, lesson.name, lesson.target)
        elif lesson.kind == "name":
            self._place(lesson, lesson.target)
            item = Item("name", self._app.name, lesson.target, {"name": lesson.name.strip()}, time())
        elif lesson.kind == "object":
            item = await self._object(lesson)
        else:
            item = await self._gesture(lesson)
        await self._keep(lesson.id, item, mark)

    async def _gesture(self, lesson: Teach) -> Item:
        version = dict(self._path.info.models).get(gestures.MODEL)
        if version is None:
            text = "teach: this daemon spots no gestures; give it the frame model gesture"
            raise Refused(Error(ErrorCode.UNSUPPORTED, text, "teach", "kind", lesson.id))
        if not lesson.device:
            raise _invalid(lesson, "device", "say what moves: head, left, right, left_hand or right_hand")
        known = list(self._user.items(gestures.KIND, "").values())
        name = lesson.name.strip()
        try:
            data = await asyncio.to_thread(gestures.learn, name, lesson.device, lesson.examples, known, version)
        except gestures.NoRoom as problem:
            raise _invalid(lesson, "kind", str(problem)) from None
        except ValueError as problem:
            raise _invalid(lesson, "examples", str(problem)) from None
        return Item(gestures.KIND, "", name, data, time())

    async def _object(self, lesson: Teach) -> Item:
        if self._seeing.problem:
            text = f"teach: {self._seeing.problem}"
            raise Refused(Error(ErrorCode.UNSUPPORTED, text, "teach", "kind", lesson.id))
        if not lesson.examples:
            raise _invalid(lesson, "examples", "a thing takes 1 to 16 pictures")
        looked: asyncio.Future[list[Glimpse | str] | None] = asyncio.get_running_loop().create_future()
        self._seeing.learn(lesson.examples, looked.set_result)
        found = await looked
        if found is None:
            text = "teach: its pictures could not be looked at; the daemon's log says more"
            raise Refused(Error(ErrorCode.INTERNAL, text, "teach", "examples", lesson.id))
        for at, glimpse in enumerate(found):
            if isinstance(glimpse, str):
                raise _invalid(lesson, f"examples[{at}]", glimpse)
        embeddings = [glimpse.embedding for glimpse in found if isinstance(glimpse, Glimpse)]
        name = lesson.name.strip()
        return Item(objects.KIND, "", name, objects.learn(embeddings, self._seeing.version), time())

    async def _feedback(self, lesson: Feedback, mark: Mark) -> None:
        if lesson.verdict == "undo":
            await self._take_back(lesson, mark)
            return
        place = self._place(lesson, lesson.target) if lesson.target else -1
        if lesson.verdict == "correct" and (lesson.n or lesson.of):
            if lesson.action:
                self._check_action(lesson, "action", lesson.action)
            # What bears the mark counts as all of it: only the last may.
            await self._keep(lesson.id, self._corrected(lesson), mark if place < 0 else None)
        if place >= 0:
            await self._select(lesson.id, place, mark)

    async def _select(self, identifier: str, place: int, mark: Mark) -> None:
        seat = self._around.seat()
        moment = await self._user.confirm(seat, place, mark)
        self._remember(identifier, _Selected(seat, place, moment))

    async def _keep(self, identifier: str, item: Item, mark: Mark | None) -> None:
        self._remember(identifier, _Kept(item, await self._user.put(item, mark)))

    def _remember(self, identifier: str, change: _Kept | _Selected) -> None:
        self._undo.setdefault(identifier, []).append(change)
        self._undo.move_to_end(identifier)
        if len(self._undo) > MAX_UNDONE:
            self._undo.popitem(last=False)

    async def _take_back(self, lesson: Feedback, mark: Mark) -> None:
        identifier = lesson.of or next(reversed(self._undo), "")
        changes = self._undo.get(identifier)
        if changes is None:
            text = (
                f"nothing of the last {MAX_UNDONE} lessons has the id {lesson.of!r}"
                if lesson.of
                else "nothing was taught"
            )
            raise _invalid(lesson, "of", text)
        while changes:
            await self._revert(changes[-1], mark if len(changes) == 1 else None)
            changes.pop()
        del self._undo[identifier]

    async def _revert(self, change: _Kept | _Selected, mark: Mark | None) -> None:
        if isinstance(change, _Selected):
            await self._user.confirm(change.seat, change.place, mark, moment=change.moment)
        elif change.before is not None:
            await self._user.put(change.before, mark)
        else:
            await self._user.remove(change.item.kind, change.item.app, change.item.key, mark)

    def _corrected(self, lesson: Feedback) -> Item:
        """What a correction teaches: of a gesture that there was none, of an utterance what its words mean."""
        identifier = lesson.of
        if lesson.n:
            action = self._answers.action(lesson.n)
            if action is None:
                raise _invalid(lesson, "n", f"there is no action {lesson.n} among the last ones")
            if action.source == "gesture":
                name = str(action.arguments["gesture"])
                known = self._user.items(gestures.KIND, "").get(name)
                if lesson.action or (known is None and name not in NUMBERS):
                    raise _invalid(lesson, "action", "of a gesture only that it was none can be told; leave it empty")
                return Item(gestures.KIND, "", name, gestures.mistaken(name, known), time())
            identifier = action.id
        text = self._around.said(identifier)
        if text is None:
            raise _invalid(lesson, "of", f"no utterance of the id {identifier!r} among the last ones")
        return self._phrase(lesson, "of", text, lesson.action)

    def _phrase(self, lesson: Lesson, key: str, text: str, action: str, target: str = "") -> Item:
        words = " ".join(text.split())
        if not any(letter.isalnum() for letter in words):
            raise _invalid(lesson, key, "it has no words")
        takes_target = any(one.name == action and one.target != "none" for one in self._app.actions)
        if takes_target and not target:
            # What is said of one thing holds for any: it is kept while it is known what is there.
            names = tuple((one.name or one.id, tuple(one.aliases)) for one in self._around.targets())
            words = template(words, names)
        return self._of_words(Phrase(words, action, target))

    def _check_action(self, lesson: Lesson, key: str, name: str) -> None:
        if all(name != action.name for action in self._app.actions):
            known = ", ".join(action.name for action in self._app.actions) or "none"
            raise _invalid(lesson, key, f"{name!r} is no action of this app, which has: {known}")

    def _place(self, lesson: Lesson, target: str) -> int:
        for place, one in enumerate(self._around.targets()):
            if one.id == target:
                return place
        raise _invalid(lesson, "target", f"{target!r} is no target of the scene")

    async def _profile(self, lesson: Profile, mark: Mark) -> Ack:
        user, operation = self._user, lesson.operation
        if user.erased and operation not in ("export", "erase"):
            text = "profile: it was erased; nothing is kept of this user until the next hello"
            raise Refused(Error(ErrorCode.LEARNING_OFF, text, "profile", "operation", lesson.id))
        try:
            if operation == "export":
                return Ack(lesson.id, data=await user.export())
            if operation == "import":
                await user.import_(lesson.data, lesson.kind, mark)
            elif operation == "erase":
                await user.erase(mark)
                self._undo.clear()
            elif operation == "reset":
                await user.reset(lesson.kind, mark)
                self._undo.clear()
            else:
                await user.set_learning(operation == "resume_learning", mark)
        except (TooMuch, BadExport) as problem:
            raise _invalid(lesson, "data", str(problem)) from None
        return Ack(lesson.id)


def _invalid(lesson: Lesson, key: str, text: str) -> Refused:
    kind = type_of(lesson)
    return Refused(Error(ErrorCode.INVALID, f"{kind}{f'.{key}' if key else ''}: {text}", kind, key, lesson.id))

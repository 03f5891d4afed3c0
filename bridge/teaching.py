"""What the user of a session teaches, corrects and takes back, in its order; each is acknowledged when it is kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time
from typing import Final, TypeGuard

from bridge.actions import Answers
from bridge.app import App
from bridge.event_path.seeing import Glimpse, Seeing
from bridge.frame_path.path import FramePath, Seat
from bridge.profiles import gestures, objects, voices
from bridge.profiles.export import BadExport
from bridge.profiles.items import BadItem, Item
from bridge.profiles.store import Mark, StoreError, Superseded, TooMuch
from bridge.protocol import Ack, Error, ErrorCode, Feedback, Profile, Refused, Target, Teach, type_of
from bridge.users import NotLearned, Selection, User
from models.gesture.names import NUMBERS
from models.language.dialogue import Name, Phrase
from models.language.mentions import template

log = logging.getLogger("genlock.session")

MAX_WAITING: Final = 64
MAX_WAITING_BYTES: Final = 4 << 20
"""Of pictures, recordings and exports that wait to be learned from."""
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
    """A selection that was learned from: the target's place in the scene, and the engine's moment.

    Attributes:
        relearned: the user's, when it was kept.
    """

    place: int
    moment: bytes
    relearned: int


@dataclass
class _Taken:
    """A lesson as it came, which may have to wait for those before it.

    Attributes:
        targets: the scene's then; ``scene`` is its number.
        selection: what the engine learns of it.
    """

    lesson: Lesson
    targets: list[Target]
    scene: int
    selection: Selection | None = None

    def place(self, target: str) -> int:
        """Where a target is in the scene's order.

        Raises:
            Refused: it is not there.
        """
        for place, one in enumerate(self.targets):
            if one.id == target:
                return place
        raise _invalid(self.lesson, "target", f"{target!r} is no target of the scene")


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
        self._waiting: deque[_Taken | Callable[[], Awaitable[None] | None]] = deque()
        self._carrying_out: asyncio.Task[None] | None = None
        self._voices: deque[bytes] = deque()
        self._learning_voice: asyncio.Task[None] | None = None
        self._undo: OrderedDict[str, list[_Kept | _Selected]] = OrderedDict()

    def take(self, lesson: Lesson) -> None:
        """Takes a lesson that is not done with.

        Raises:
            Refused: too many wait already.
        """
        waiting = [taken.lesson for taken in self._waiting if isinstance(taken, _Taken)]
        if any(lesson.id == one.id for one in waiting):
            return
        kind = type_of(lesson)
        if len(self._waiting) >= MAX_WAITING:
            text = f"{kind}: {MAX_WAITING} wait to be kept; send it again when some have been acknowledged"
            raise Refused(Error(ErrorCode.FLOODING, text, kind, id=lesson.id))
        if _size(lesson) and sum(map(_size, (lesson, *waiting))) > MAX_WAITING_BYTES:
            text = f"{kind}: too many bytes wait to be kept; send it again when some have been acknowledged"
            raise Refused(Error(ErrorCode.FLOODING, text, kind, id=lesson.id))
        taken = _Taken(lesson, self._around.targets(), self._around.seat().scene)
        if _only_selects(lesson) and self._may_learn() and not any(isinstance(one, Profile) for one in waiting):
            # At once, for the scene that was meant may be another one when its turn comes.
            with contextlib.suppress(Refused):
                taken.selection = self._select(taken, lesson.target)
        self._waiting.append(taken)
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

    @property
    def waits(self) -> bool:
        """Whether something that was taken is not kept yet."""
        return bool(self._waiting)

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
                if isinstance(waiting, _Taken):
                    await self._answer(waiting)
                elif (doing := waiting()) is not None:
                    await doing
            except Exception:
                # Whatever went wrong, what comes after it must have its turn.
                log.exception("what followed a lesson could not be done")
            self._waiting.popleft()
        self._carrying_out = None

    async def _answer(self, taken: _Taken) -> None:
        lesson = taken.lesson
        kind = type_of(lesson)
        try:
            self._done(await self._carry_out(taken))
            return
        except Refused as refused:
            error = refused.error
        except NotLearned as problem:
            error = Error(ErrorCode.INVALID, f"{kind}.target: {problem}", kind, "target", lesson.id)
        except Superseded as problem:
            error = Error(ErrorCode.INVALID, f"{kind}: {problem}; send it again", kind, id=lesson.id)
        except Exception as problem:
            log.exception("a lesson could not be kept")
            error = Error(ErrorCode.INTERNAL, f"{kind}: it could not be kept: {problem}", kind, id=lesson.id)
        # Where there is no engine now, the next one takes it back.
        self._refused(error)
        if taken.selection is not None:
            await self._user.forgo(taken.selection)

    async def _carry_out(self, taken: _Taken) -> Ack:
        lesson = taken.lesson
        mark = Mark(self._scope, lesson.id)
        if isinstance(lesson, Profile):
            return await self._profile(lesson, mark)
        kind = type_of(lesson)
        if not self._may_learn():
            text = f"{kind}: nothing is learned of this user here; {self._why_not()}"
            raise Refused(Error(ErrorCode.LEARNING_OFF, text, kind, id=lesson.id))
        try:
            if isinstance(lesson, Teach):
                await self._teach(taken, lesson, mark)
            else:
                await self._feedback(taken, lesson, mark)
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

    async def _teach(self, taken: _Taken, lesson: Teach, mark: Mark) -> None:
        if not lesson.name.strip():
            raise _invalid(lesson, "name", "it says nothing")
        if lesson.kind == "phrase":
            self._check_action(lesson, "name", lesson.name)
            if lesson.target:
                taken.place(lesson.target)
            item = self._phrase(taken, "phrase", lesson.phrase, lesson.name, lesson.target)
        elif lesson.kind == "name":
            taken.place(lesson.target)
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
        except gestures.BuiltIn as problem:
            raise _invalid(lesson, "name", str(problem)) from None
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

    async def _feedback(self, taken: _Taken, lesson: Feedback, mark: Mark) -> None:
        if lesson.verdict == "undo":
            await self._take_back(taken, lesson, mark)
            return
        if not (lesson.n or lesson.of or lesson.target):
            raise _invalid(lesson, "of", "say what it is about: n, of or target")
        if lesson.action:
            self._check_action(lesson, "action", lesson.action)
        corrects = lesson.verdict == "correct" and (lesson.n or lesson.of)
        item = self._corrected(taken, lesson) if corrects else None
        if lesson.target and taken.selection is None:
            if self._around.seat().scene != taken.scene:
                raise NotLearned("the scene changed before it was its turn")
            taken.selection = self._select(taken, lesson.target)
        if item is not None:
            # What bears the mark counts as all of it: only the last may.
            await self._keep(lesson.id, item, mark if taken.selection is None else None)
        if taken.selection is not None:
            moment = await self._user.keep(taken.selection, mark)
            selected = _Selected(taken.selection.target, moment, taken.selection.relearned)
            self._remember(lesson.id, selected)

    def _select(self, taken: _Taken, target: str) -> Selection:
        return self._user.select(self._around.seat(), taken.place(target))

    async def _keep(self, identifier: str, item: Item, mark: Mark | None) -> None:
        self._remember(identifier, _Kept(item, await self._user.put(item, mark)))

    def _remember(self, identifier: str, change: _Kept | _Selected) -> None:
        self._undo.setdefault(identifier, []).append(change)
        self._undo.move_to_end(identifier)
        if len(self._undo) > MAX_UNDONE:
            self._undo.popitem(last=False)

    async def _take_back(self, taken: _Taken, lesson: Feedback, mark: Mark) -> None:
        identifier = lesson.of or next(reversed(self._undo), "")
        changes = self._undo.get(identifier)
        if changes is None:
            text = (
                f"nothing of the last {MAX_UNDONE} lessons has the id {lesson.of!r}"
                if lesson.of
                else "nothing was taught"
            )
            raise _invalid(lesson, "of", text)
        if not all(map(self._is_there, changes)):
            del self._undo[identifier]
            raise _invalid(lesson, "of", "what was taught then was replaced, reset or imported over since")
        while changes:
            await self._revert(taken, changes[-1], mark if len(changes) == 1 else None)
            changes.pop()
        del self._undo[identifier]

    def _is_there(self, change: _Kept | _Selected) -> bool:
        """Whether what was taught is what counts; else taking it back would bring back what others took away."""
        if isinstance(change, _Selected):
            return change.relearned == self._user.relearned
        kept = self._user.items(change.item.kind, change.item.app).get(change.item.key)
        return kept is not None and kept.when == change.item.when

    async def _revert(self, taken: _Taken, change: _Kept | _Selected, mark: Mark | None) -> None:
        if isinstance(change, _Selected):
            taken.selection = self._user.select(self._around.seat(), change.place, moment=change.moment)
            await self._user.keep(taken.selection, mark)
        elif change.before is not None:
            await self._user.put(change.before, mark)
        else:
            await self._user.remove(change.item.kind, change.item.app, change.item.key, mark)

    def _corrected(self, taken: _Taken, lesson: Feedback) -> Item:
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
        return self._phrase(taken, "of", text, lesson.action)

    def _phrase(self, taken: _Taken, key: str, text: str, action: str, target: str = "") -> Item:
        words = " ".join(text.split())
        if not any(letter.isalnum() for letter in words):
            raise _invalid(taken.lesson, key, "it has no words")
        takes_target = any(one.name == action and one.target != "none" for one in self._app.actions)
        if takes_target and not target:
            # What is said of one thing holds for any: it is kept while it is known what is there.
            names = tuple((one.name or one.id, tuple(one.aliases)) for one in taken.targets)
            words = template(words, names)
        return self._of_words(Phrase(words, action, target))

    def _check_action(self, lesson: Lesson, key: str, name: str) -> None:
        if all(name != action.name for action in self._app.actions):
            known = ", ".join(action.name for action in self._app.actions) or "none"
            raise _invalid(lesson, key, f"{name!r} is no action of this app, which has: {known}")

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
            else:
                await user.set_learning(operation == "resume_learning", mark)
        except (TooMuch, BadExport) as problem:
            raise _invalid(lesson, "data", str(problem)) from None
        return Ack(lesson.id)


def _size(lesson: Lesson) -> int:
    if isinstance(lesson, Teach):
        return sum(map(len, lesson.examples))
    return len(lesson.data) if isinstance(lesson, Profile) else 0


def _only_selects(lesson: Lesson) -> TypeGuard[Feedback]:
    if not isinstance(lesson, Feedback) or not lesson.target or lesson.verdict == "undo":
        return False
    return lesson.verdict == "confirm" or not (lesson.n or lesson.of)


def _invalid(lesson: Lesson, key: str, text: str) -> Refused:
    kind = type_of(lesson)
    return Refused(Error(ErrorCode.INVALID, f"{kind}{f'.{key}' if key else ''}: {text}", kind, key, lesson.id))

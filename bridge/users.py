"""Who is here: what is known of each user, shared by all of their sessions and written down as it changes.

What is taught counts when it is on the disk, and is acknowledged then. What is learned from frames lies in the engine
and is fetched every so often, when a session leaves and when the daemon drains. One change of a user follows the other.
No user waits for another, but that what is written, and so a session that begins, waits while the file is rewritten for
somebody's erase. Nothing here is on the frame path.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from bridge.frame_path.path import FramePath, Profile, Seat
from bridge.profiles import gestures, lessons, voices
from bridge.profiles.export import BadExport, unpack
from bridge.profiles.items import Item, ItemKind
from bridge.profiles.store import Kind, Mark, ProfileStore, StoredProfile, StoreError, Stub, Superseded, TooMuch

log = logging.getLogger("genlock.users")


class Member(Protocol):
    """What a user needs of one of their sessions."""

    seat: Seat
    may_learn: bool
    over: bool
    frames: int
    started: float

    def taken_over(self) -> None:
        """Another session of the user goes on learning."""

    def known_changed(self) -> None:
        """What was taught of phrases, names and objects is not what it was."""


class NotLearned(Exception):
    """Nothing was learned from a selection; the message says why."""


@dataclass(frozen=True)
class Selection:
    """A selection that the engine learns from, or takes back.

    Attributes:
        target: its place in the scene's order.
        weight: 1, or -1 if it is taken back.
        relearned: of the user, when it was made.
        generation: of the user's profile then.
        asked: the number of the question to the engine, as the user counts them.
        learned: as ``FramePath.confirm`` gives it.
    """

    target: int
    weight: int
    relearned: int
    generation: int
    asked: int
    learned: asyncio.Future[tuple[Profile, bytes]]


class User:
    """A user of whom there are sessions.

    Args:
        share: whether sessions at the same time learn together; else the newest one that may learn does alone.

    Attributes:
        name: as ``hello`` gives it.
        profile: what is stored, as far as it is known here.
        erased: nothing is kept of this user any more; who says ``hello`` by that name is somebody new.
        relearned: how often what models learned was replaced; what was learned before then cannot be taken back.
        changing: held while the profile is changed.
        arriving: held while it changes who of the sessions learns; taken before ``changing``.
    """

    def __init__(self, name: str, path: FramePath, store: ProfileStore, *, share: bool = False) -> None:
        self.name = name
        self.profile = StoredProfile()
        self.erased = False
        self.relearned = 0
        self.sessions: list[Member] = []
        self.changing = asyncio.Lock()
        self.arriving = asyncio.Lock()
        self._path = path
        self._store = store
        self._share = share
        self._loaded = False
        # What the sessions go by; another daemon or a command may have changed the setting on the disk since.
        self._followed = True
        self._written: dict[str, bytes] = {}
        # The generation of the profile when a session gave its seat back, and the number of that question.
        self._leaving: dict[Member, tuple[int, int]] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        # Questions to the engine are counted: an answer may be known later than that to a question asked after it.
        self._asked = 0
        self._told: dict[str, int] = {}

    @property
    def learning(self) -> bool:
        """Whether the user lets anything be learned."""
        return self.profile.settings.learning and not self.erased

    def items(self, kind: str, app: str) -> dict[str, Item]:
        """What was taught of a kind in an app, by its key."""
        return {item.key: item for item in self.profile.items if item.kind == kind and item.app == app}

    @property
    def adapters(self) -> Profile:
        """What a session of this user joins the engine with."""
        return {key: data for key, data in {**self.profile.adapters, **self._gestures()}.items() if data}

    @property
    def set_aside(self) -> list[str]:
        """Gestures that were taught to another version of the gesture model."""
        version = dict(self._path.info.models).get(gestures.MODEL)
        items = self.items(gestures.KIND, "").values()
        return [item.key for item in items if item.data.get("version", version) != version]

    def _gestures(self) -> Profile:
        version = dict(self._path.info.models).get(gestures.MODEL)
        if version is None:
            return {}
        return {f"{gestures.MODEL}@{version}": gestures.adapters(self.items(gestures.KIND, "").values(), version)}

    async def begin(self, stub: Stub | None, *, again: bool) -> None:
        """Counts a session that begins, unless it began in an earlier run. The first one reads what is stored.

        Raises:
            StoreError: it cannot be read or written.
        """
        async with self.changing:
            profile = await asyncio.to_thread(self._store.begin, self.name, stub, again=again)
            if not self._loaded:
                self._take(profile)
                self._loaded = True
                self._followed = self.learning
            elif profile.generation != self.profile.generation:
                await self._reload()
            self.profile.statistics = profile.statistics

    async def put(self, item: Item, mark: Mark | None) -> Item | None:
        """Keeps what was taught, in place of what has its key, which is returned.

        Raises:
            TooMuch, BadItem: it is more than may be kept, or what cannot be.
            StoreError: it cannot be written down.
        """
        return await self._change(item.kind, item.app, item.key, item, mark)

    async def remove(self, kind: ItemKind, app: str, key: str, mark: Mark | None) -> None:
        """Forgets something that was taught.

        Raises:
            StoreError: see ``put``.
        """
        await self._change(kind, app, key, None, mark)

    async def _change(self, kind: ItemKind, app: str, key: str, item: Item | None, mark: Mark | None) -> Item | None:
        def write(generation: int) -> int:
            if item is not None:
                return self._store.put_item(self.name, item, generation=generation, mark=mark)
            return self._store.remove_item(self.name, kind, app, key, generation=generation, mark=mark)

        async with self.changing:
            await self._write(write)
            before = self.items(kind, app).get(key)
            self._replace(kind, app, key, item)
        return before

    async def _write(self, write: Callable[[int], int]) -> None:
        """Writes what does not depend on what is known here: once more, if somebody else changed that meanwhile."""
        try:
            self.profile.generation = await asyncio.to_thread(write, self.profile.generation)
        except Superseded:
            await self._reload()
            if self.erased:
                raise
            self.profile.generation = await asyncio.to_thread(write, self.profile.generation)

    def _replace(self, kind: str, app: str, key: str, item: Item | None) -> None:
        kept = [one for one in self.profile.items if (one.kind, one.app, one.key) != (kind, app, key)]
        self.profile.items = kept if item is None else [*kept, item]
        if kind == gestures.KIND:
            for session in self.sessions:
                self._path.put(session.seat, self._gestures())
        elif kind != voices.KIND:
            self._tell_all()

    def select(self, seat: Seat, target: int, *, moment: bytes = b"") -> Selection:
        """Has the engine learn from a selection, or take back that of a moment: see ``FramePath.confirm``."""
        weight, asked = -1 if moment else 1, self._ask()
        learned = self._path.confirm(seat, target, moment, weight)
        return Selection(target, weight, self.relearned, self.profile.generation, asked, learned)

    async def keep(self, selection: Selection, mark: Mark | None) -> bytes:
        """Keeps what is learned from a selection.

        Returns:
            The moment that was learned from.

        Raises:
            NotLearned: the scene changed while there was no engine, or the session is over.
            Superseded: the profile was reset, erased or imported meanwhile, and what was learned is not there any more.
            StoreError: it cannot be written down.
        """
        learned, moment = await selection.learned
        if not moment:
            raise NotLearned("the scene changed before anything could be learned")
        async with self.changing:
            if selection.generation != self.profile.generation:
                raise Superseded(self.name, self.profile.generation)
            # What was asked later has learned from it too.
            latest = {
                key: data if self._told.get(key, 0) < selection.asked else self.profile.adapters[key]
                for key, data in learned.items()
            }
            if not await self._save(latest, mark=mark):
                raise Superseded(self.name, self.profile.generation)
            self._know(learned, selection.asked)
        return moment

    async def forgo(self, selection: Selection) -> None:
        """Takes a selection that could not be kept out of what is learned; what was learned beside and since stays.

        Where no session of the user is left to learn, it stays learned.
        """
        _, moment = await selection.learned
        may_learn = self._may_learn()
        # What was reset, imported over or erased since is not there any more.
        generation = self.profile.generation
        if not (moment and may_learn) or self.erased or generation != selection.generation:
            return
        # Also what was selected in another session is learned where it is learned now.
        asked = self._ask()
        learned, _ = await self._path.confirm(may_learn[-1].seat, selection.target, moment, -selection.weight)
        async with self.changing:
            if generation == self.profile.generation:
                self._know(learned, asked)

    async def set_learning(self, learning: bool, mark: Mark | None) -> None:
        """Whether anything may be learned from now on. What was learned before is kept.

        Raises:
            StoreError: it cannot be written down.
        """
        async with self.arriving:
            async with self.changing:
                await self._write(
                    lambda generation: self._store.set_learning(self.name, learning, generation=generation, mark=mark)
                )
                self.profile.settings.learning = learning
            await self._follow_setting()

    async def _follow_setting(self) -> None:
        """Lets who of the sessions may learn do so, or none where the user does not want it; ``arriving`` is held."""
        self._followed = self.learning
        if not self.learning:
            await self._pause(self._learning())
            return
        may_learn = self._may_learn()
        if not self._share:
            for older in may_learn[:-1]:
                older.taken_over()
        for session in may_learn if self._share else may_learn[-1:]:
            self._path.learn(session.seat, True)

    def _may_learn(self) -> list[Member]:
        """Who of the sessions may learn, and at the end the one that does if one alone can."""
        may_learn = [session for session in self.sessions if session.may_learn and session.seat.left is None]
        # The newest of those that stay; else the newest of those whose lessons are still carried out.
        return sorted(may_learn, key=lambda session: not session.over)

    async def _follow_if_changed(self) -> None:
        async with self.arriving:
            if self.learning != self._followed:
                await self._follow_setting()

    def shared(self, session: Member) -> Seat | None:
        """The seat that a session is to share which is about to begin.

        Where sessions learn together they share from the beginning, even if nothing is learned at the moment.
        """
        if not (self._share and session.may_learn):
            return None
        seats = [one.seat for one in self.sessions if one.may_learn and one.seat.left is None]
        return min(seats, key=lambda seat: seat.shares is not None, default=None)

    @asynccontextmanager
    async def making_way(self, session: Member) -> AsyncIterator[None]:
        """Lets a session begin that has a seat and does not learn yet; ``arriving`` is held.

        Before the block what others learned is known here, and nobody learns. After it the session is one of the
        user's, knows all of that, and goes on learning. Who may not learn waits for nobody, and is told what others
        learned who are leaving. Where sessions learn together, who shares a seat knows everything already. If the
        block raises, the others go on as before.
        """
        alone = session.seat.shares is None
        learning: list[Member] = []
        try:
            if alone and session.may_learn:
                # Also where the user wants nothing learned now: they may want it again before those have left, and
                # what two have learned apart cannot be put together.
                await self._know_of_who_leaves()
                if self.learning:
                    learning = self._learning()
                    await self._pause(learning)
            yield
        except BaseException:
            if self.learning:
                for other in learning:
                    self._path.learn(other.seat, True)
            raise
        self.sessions.append(session)
        if alone:
            self._bring_up_to_date(session.seat)
        if session.may_learn and self.learning:
            for other in learning:
                other.taken_over()
            self._path.learn(session.seat, True)
        # What was taught since it was made, it was not told of.
        session.known_changed()

    def _bring_up_to_date(self, seat: Seat) -> None:
        if self.adapters != seat.profile:
            self._path.put(seat, self._everything())

    def _learning(self) -> list[Member]:
        return [one for one in self.sessions if one.seat.learning and one.seat.left is None]

    async def _pause(self, learning: Sequence[Member]) -> None:
        """Ends learning in sessions, and keeps what they learned."""
        for session in learning:
            self._path.learn(session.seat, False)
        if learning:
            # Where there are several they share what they learned. It is kept also if who waits for it gives up: a
            # session that leaves meanwhile counts as one that learned nothing.
            keeping = asyncio.create_task(self._keep(learning[0].seat), name=f"keep what {self.name!r} learned")
            self._keeping.add(keeping)
            keeping.add_done_callback(self._keeping.discard)
            await asyncio.shield(keeping)

    async def leave(self, session: Member) -> None:
        """Gives the slot of a session back, which is none of the user's then. What it learned is known here.

        It may be asked for more than once, before the session is over and while its lessons are still carried out.
        """
        if session not in self.sessions:
            return
        # What is reset or erased from now on must not come back with it.
        generation, asked = self._leaving.setdefault(session, (self.profile.generation, self._ask()))
        learned = await self._path.leave(session.seat)
        if session not in self.sessions:
            # Another that waited for it was first, and perhaps more has been learned since.
            return
        self.sessions.remove(session)
        del self._leaving[session]
        if session.seat.learning and generation == self.profile.generation:
            self._know(learned, asked)
            for other in self.sessions:
                if not other.may_learn:
                    # It did not wait for this when it began.
                    self._bring_up_to_date(other.seat)

    async def _know_of_who_leaves(self) -> None:
        """Waits for what is learned in sessions that leave; of one that does not learn there is nothing to know."""
        while leaving := [one for one in self.sessions if one.seat.left is not None and one.seat.learning]:
            await self.leave(leaving[0])

    async def reset(self, kind: Kind, mark: Mark | None) -> None:
        """Forgets what was learned of a kind.

        Raises:
            StoreError: it cannot be written down.
        """
        with suppress(TooMuch):
            # What is more than is kept can be forgotten, though not written.
            await self.save()
        async with self.changing:
            await asyncio.to_thread(self._store.reset, self.name, kind, mark=mark)
            await self._reload()

    async def import_(self, data: bytes, kind: Kind, mark: Mark | None) -> None:
        """Replaces what is known by an export.

        Raises:
            BadExport: it is none, or holds what cannot be used.
            TooMuch: with what stays it is more than is kept of a user.
            StoreError: it cannot be written down.
        """
        for at, item in enumerate((await asyncio.to_thread(unpack, data)).profile.items):
            if fault := lessons.problem(item):
                raise BadExport(f"items[{at}].data", fault)
        with suppress(TooMuch):
            # See ``reset``.
            await self.save()
        async with self.changing:
            await asyncio.to_thread(self._store.import_, self.name, data, kind, mark=mark)
            await self._reload()
        await self._follow_if_changed()

    async def export(self) -> bytes:
        """All that is known, as the store exports it.

        Raises:
            StoreError: it cannot be read or written.
        """
        await self.save()
        async with self.changing:
            return await asyncio.to_thread(self._store.export, self.name)

    async def erase(self, mark: Mark | None) -> None:
        """Leaves nothing of the user: not here, not in the engine, not on the disk.

        Raises:
            StoreError: the disk still has it.
        """
        self._vanish()
        async with self.changing:
            await asyncio.to_thread(self._store.erase, self.name, mark=mark)

    def _vanish(self) -> None:
        self.erased = True
        for session in self.sessions:
            self._path.forget(session.seat)
        self._take(StoredProfile())
        self._tell_all()

    async def save(self) -> None:
        """Fetches what the engine has learned, and writes it down if it is not what is there.

        Raises:
            TooMuch: it is more than is kept.
            StoreError: it cannot be written down.
        """
        await self._know_of_who_leaves()
        generation, asked = self.profile.generation, self._ask()
        learning = self._learning()
        learned = await self._path.profile(learning[0].seat) if learning else {}
        async with self.changing:
            if generation == self.profile.generation:
                self._know(learned, asked)
                # Also what is known of who has left, and what could not be written before.
                await self._save(self.profile.adapters)

    async def _keep(self, seat: Seat) -> None:
        """Keeps what was learned in a seat, here at once and on the disk if that can be written."""
        generation, asked = self.profile.generation, self._ask()
        learned = await self._path.profile(seat)
        try:
            async with self.changing:
                # What was reset or erased meanwhile must not come back.
                if generation == self.profile.generation:
                    self._know(learned, asked)
                    await self._save(self.profile.adapters)
        except (StoreError, TooMuch) as error:
            log.error("what was learned of user %r is not written down yet: %s", self.name, error)

    async def refresh(self) -> None:
        """Loads again what somebody else changed on the disk.

        Raises:
            StoreError: it cannot be read.
        """
        async with self.changing:
            generations = {self.name: self.profile.generation}
            changed = await asyncio.to_thread(self._store.superseded, generations)
            if changed and not self.erased:
                await self._reload()
        await self._follow_if_changed()

    async def count(self, session: Member) -> None:
        """Counts the frames of a session that is over and has left, and writes down what it learned at last.

        Raises:
            TooMuch: see ``save``.
            StoreError: it cannot be written down.
        """
        seconds = monotonic() - session.started
        async with self.changing:
            await self._save(self.profile.adapters, frames=session.frames, seconds=seconds)

    def _ask(self) -> int:
        self._asked += 1
        return self._asked

    def _know(self, learned: Profile, asked: int) -> None:
        """Takes what the engine told, of models of which it told nothing that was asked later."""
        for key, data in learned.items():
            if self._told.get(key, 0) < asked:
                self._told[key] = asked
                self.profile.adapters[key] = data

    async def _save(
        self, adapters: Mapping[str, bytes], *, frames: int = 0, seconds: float = 0.0, mark: Mark | None = None
    ) -> bool:
        """Writes down adapters that are new; false if somebody else changed the profile, and they are gone."""
        if self.erased:
            return False
        changed = self._changed(adapters)
        if not (changed or frames or seconds or mark):
            return True

        def save(generation: int, learned: Mapping[str, bytes], marks: Sequence[Mark]) -> int:
            return self._store.save(
                self.name, learned, frames=frames, seconds=seconds, generation=generation, marks=marks
            )

        try:
            self.profile.generation = await asyncio.to_thread(
                save, self.profile.generation, changed, () if mark is None else (mark,)
            )
        except Superseded:
            log.warning("the profile of user %r was changed from outside; what it says now counts", self.name)
            await self._reload()
            if not self.erased and (frames or seconds):
                self.profile.generation = await asyncio.to_thread(save, self.profile.generation, {}, ())
            return False
        self._written.update(changed)
        return True

    def _changed(self, adapters: Mapping[str, bytes]) -> dict[str, bytes]:
        return {
            key: data
            for key, data in adapters.items()
            # What gestures are spotted with is made of what was taught, and that is written down.
            if self._written.get(key) != data and not key.startswith(f"{gestures.MODEL}@")
        }

    def _take(self, profile: StoredProfile) -> None:
        if profile.adapters != self._written:
            self.relearned += 1
        self.profile = profile
        self._written = dict(profile.adapters)
        for item in [item for item in profile.items if lessons.problem(item)]:
            log.warning("a %s of user %r cannot be used: %s", item.kind, self.name, lessons.problem(item))
            profile.items.remove(item)

    async def _reload(self) -> None:
        profile = await asyncio.to_thread(self._store.load, self.name)
        if not profile.generation:
            # Somebody erased it.
            self._vanish()
            return
        self._take(profile)
        for session in self.sessions:
            self._path.put(session.seat, self._everything())
        self._tell_all()

    def _everything(self) -> Profile:
        """What is known for all models that are served: no bytes where nothing is."""
        serving = {f"{name}@{version}": b"" for name, version in self._path.info.models}
        return serving | self.adapters

    def _tell_all(self) -> None:
        for session in self.sessions:
            session.known_changed()


class Users:
    """The users of a daemon.

    Args:
        share: see ``User``.
    """

    def __init__(self, path: FramePath, store: ProfileStore, *, share: bool) -> None:
        self._path = path
        self._store = store
        self._share = share
        self._here: dict[str, User] = {}
        self._holders: dict[User, int] = {}

    async def come(self, name: str, stub: Stub | None = None, *, again: bool = False) -> User:
        """The user of that name, who is here until ``gone`` was called as often.

        Args:
            stub: of the session that wants them; without one it does not go on in another run.
            again: the session began in an earlier run.

        Raises:
            StoreError: the profile cannot be read.
        """
        user = self._here.get(name)
        if user is None or user.erased:
            user = self._here[name] = User(name, self._path, self._store, share=self._share)
            self._holders[user] = 0
        self._holders[user] += 1
        try:
            await user.begin(stub, again=again)
        except BaseException:
            self.gone(user)
            raise
        return user

    def gone(self, user: User) -> None:
        """One who asked for this user needs them no more."""
        self._holders[user] -= 1
        if not self._holders[user]:
            del self._holders[user]
            if self._here.get(user.name) is user:
                del self._here[user.name]

    async def refresh(self) -> None:
        """Loads again what somebody else changed on the disk, of whoever is here.

        Raises:
            StoreError: it cannot be told who that is.
        """
        here = {name: user for name, user in self._here.items() if not user.erased}
        generations = {name: user.profile.generation for name, user in here.items()}
        for name in await asyncio.to_thread(self._store.superseded, generations):
            try:
                await here[name].refresh()
            except Exception:
                # Whatever is wrong with one user, the others are loaded.
                log.exception("what was changed of user %r on the disk is not known here yet", name)

    async def save_all(self) -> int:
        """Writes down what all users have learned since the last time; returns of how many it could not be."""
        failed = 0
        for user in list(self._here.values()):
            try:
                await user.save()
                await user.refresh()
            except StoreError as error:
                failed += 1
                log.error("what was learned of user %r is not written down yet: %s", user.name, error)
            except Exception:
                # Whatever is wrong with one user, the others are saved.
                failed += 1
                log.exception("what was learned of user %r is not written down yet", user.name)
        return failed

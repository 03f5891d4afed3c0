"""All sessions: who is admitted, who may resume, who has left, and how everybody is sent home."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal, TypeVar
from weakref import WeakValueDictionary

import msgspec

from bridge.app import App
from bridge.event_path.workers import EventPath
from bridge.frame_path.path import FramePath, Full, Seat
from bridge.profiles.store import ProfileStore, StoreError, Stub, TooMuch, scope_of, token_of
from bridge.protocol import (
    VERSION,
    VERSION_MAJOR,
    CloseCode,
    Error,
    ErrorCode,
    Hello,
    Limits,
    ModelInfo,
    Notice,
    NoticeCode,
    Welcome,
)
from bridge.session import Session, Sink, new_resume, origin
from bridge.users import Users

log = logging.getLogger("genlock.session")

T = TypeVar("T")
Entry = Literal["new", "resumed", "restored"]
"""How a ``hello`` is let in: to a new session, to one that waited for it, or to one that an earlier run began."""

TRY_AGAIN_LATER: Final = 1013
"""WebSocket close code for a daemon that is full or drains."""
_MISSED_SAVES: Final = 3
INTERNAL_ERROR: Final = 1011
"""WebSocket close code for the daemon's own fault."""


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """How sessions are kept.

    Attributes:
        token: what ``hello`` must carry; empty lets everybody in.
        resume_s: how long a session outlives its socket, and those of an earlier run the start of this one.
        hello_timeout_s: how long a connection may stay silent.
        messages_per_second: told to clients in ``welcome``.
        save_s: how often what was learned from frames is written down.
        look_s: about how often to look whether somebody else changed the profile of a user who is here.
        share_profiles: whether sessions of one user at the same time learn together; else the newest one alone does.
    """

    token: str = ""
    resume_s: float = 30.0
    hello_timeout_s: float = 10.0
    messages_per_second: int = 1000
    save_s: float = 30.0
    look_s: float = 3.0
    share_profiles: bool = False


@dataclass
class SessionCounters:
    """Sessions, since the start.

    Attributes:
        unwritten: those that ended and whose profile could not be written.
        unsaved: how often a profile could not be written while its user was there.
    """

    started: int = 0
    resumed: int = 0
    restored: int = 0
    expired: int = 0
    ended: int = 0
    refused: int = 0
    unwritten: int = 0
    unsaved: int = 0


class Turned(Exception):
    """A ``hello`` that is not let in: the error it gets, and how the connection is closed."""

    def __init__(self, error: Error, close_code: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.close_code = close_code


class Sessions:
    """The sessions of a daemon.

    Args:
        path: the frame path, started.
        store: where profiles are.
        workers: what understands utterances, hears speech and sees pictures.
        apps: manifests by name, for apps that send no actions of their own.
        make_sink: opens what writes a session down, from its ``hello`` and its name; nothing is if it is absent.
    """

    def __init__(
        self,
        path: FramePath,
        store: ProfileStore,
        options: SessionOptions,
        workers: EventPath,
        apps: Mapping[str, App],
        make_sink: Callable[[Hello, str], Sink] | None,
    ) -> None:
        self.options = options
        self.counters = SessionCounters()
        self.errors: dict[str, int] = {}
        self.draining = False
        self._path = path
        self._store = store
        self._users = Users(path, store, share=options.share_profiles)
        self._saving: asyncio.Task[None] | None = None
        self._workers = workers
        self._apps = apps
        self._make_sink = make_sink
        self._sessions: dict[str, Session] = {}
        self._expiry: dict[str, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[object]] = set()
        self._entering: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._born = monotonic()

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def connected(self) -> int:
        """Sessions that have a socket."""
        return sum(session.link is not None for session in self._sessions.values())

    async def admit(self, hello: Hello) -> tuple[Session, Entry]:
        """The session that a ``hello`` begins or goes on with, and which of these it is.

        Raises:
            Turned: it is not let in.
        """
        self._check(hello)
        if not hello.resume:
            return await self._begin(hello), "new"
        # While one connection restores a session, another one with the same token waits and then takes it over.
        async with self._entering.setdefault(hello.resume, asyncio.Lock()):
            session = self._sessions.get(hello.resume)
            if session is not None and session.user.name == hello.user and session.app == hello.app.name:
                self._take_over(session)
                self.counters.resumed += 1
                return session, "resumed"
            stub = await self._stub(hello, hello.resume)
            session = await self._begin(hello, stub)
            if stub is None:
                return session, "new"
            self.counters.restored += 1
            return session, "restored"

    def welcome(self, session: Session, entry: Entry) -> Welcome:
        """What a session is told when it begins or goes on."""
        return Welcome(
            version=VERSION,
            session=session.id,
            resume=session.resume,
            resume_s=self.options.resume_s,
            resumed=entry != "new",
            last_q=session.last_q,
            models=[ModelInfo(name, version) for name, version in self._path.info.models],
            serves=list(session.serves),
            limits=Limits(messages_per_second=self.options.messages_per_second),
            server_time=int(monotonic() * 1e6),
            recording=self._make_sink is not None,
            learning=session.seat.learning,
            sessions=session.user.profile.statistics.sessions,
            restored=entry == "restored",
        )

    def dropped(self, session: Session) -> None:
        """A session lost its socket; it may be resumed for a while."""
        session.detach()
        if session.resume not in self._sessions:
            return
        if self.draining:
            self.leave(session)
            return
        self._expiry[session.resume] = asyncio.get_running_loop().call_later(
            self.options.resume_s, self._expire, session
        )

    def leave(self, session: Session) -> None:
        """A session is over: its slot is given back and its profile written."""
        if self._sessions.pop(session.resume, None) is None:
            return
        timer = self._expiry.pop(session.resume, None)
        if timer is not None:
            timer.cancel()
        session.over = True
        self.counters.ended += 1
        # The sessions that a stopping daemon ends go on in the one that is started after it.
        over = not self.draining
        self._in_background(self._leave(session, over=over), f"leave {session.id}")

    def _in_background(self, work: Coroutine[None, None, T], name: str) -> asyncio.Task[T]:
        """Begins what comes to its end also when the daemon stops."""
        task = asyncio.create_task(work, name=name)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    def tell_all(self, notice: Notice) -> None:
        """Sends a notice to every session."""
        for session in self._sessions.values():
            session.send(notice)

    def count_error(self, code: str) -> None:
        """Counts an error that a client was told of."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def drain(self) -> None:
        """Admits nobody from now on, and tells everybody."""
        self.draining = True
        self.tell_all(Notice(NoticeCode.DRAINING, "the daemon is stopping; connect again in a moment", 1000))

    async def end_all(self, timeout_s: float) -> bool:
        """Ends every session and waits for the profiles; false if one of this run could not be written."""
        if self._saving is not None:
            self._saving.cancel()
        for session in list(self._sessions.values()):
            self.leave(session)
        late: set[asyncio.Task[object]] = set()
        if self._ending:
            _, late = await asyncio.wait(self._ending, timeout=timeout_s)
        for task in late:
            task.cancel()
        return not late and not self.counters.unwritten

    def _check(self, hello: Hello) -> None:
        major = int(hello.version.partition(".")[0])
        if major != VERSION_MAJOR:
            text = f"hello.version: the client speaks {hello.version}, this daemon {VERSION}; update the older one"
            raise self._turned(Error(ErrorCode.VERSION, text, "hello", "version"), CloseCode.VERSION)
        if self.options.token and not hmac.compare_digest(hello.token.encode(), self.options.token.encode()):
            text = "hello.token: wrong or missing; give the token that the daemon was started with"
            raise self._turned(Error(ErrorCode.UNAUTHORIZED, text, "hello", "token"), CloseCode.UNAUTHORIZED)
        self._check_not_draining()

    def _check_not_draining(self) -> None:
        if self.draining:
            raise self._turned(Error(ErrorCode.FULL, "the daemon is stopping", "hello"), TRY_AGAIN_LATER)

    def _turned(self, error: Error, close_code: int) -> Turned:
        self.counters.refused += 1
        return Turned(error, close_code)

    def _take_over(self, session: Session) -> None:
        """Another connection goes on with a session."""
        timer = self._expiry.pop(session.resume, None)
        if timer is not None:
            timer.cancel()
        if session.link is not None:
            old = session.link
            session.detach()
            old.close(CloseCode.RESUMED_ELSEWHERE, "the session goes on in another connection")

    async def _stub(self, hello: Hello, resume: str) -> Stub | None:
        """The stub of the session that an earlier run began, if it may still go on."""
        if monotonic() - self._born > self.options.resume_s:
            return None
        try:
            return await asyncio.to_thread(self._store.stub, hello.user, token_of(resume, hello.app.name))
        except StoreError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: StoreError) -> Turned:
        log.error("a session could not be begun: %s", error)
        text = "the daemon cannot read or write profiles at the moment; its log says why"
        return self._turned(Error(ErrorCode.INTERNAL, text, "hello"), INTERNAL_ERROR)

    async def _begin(self, hello: Hello, again: Stub | None = None) -> Session:
        if self._path.full and not self._expiry:
            # Before anything is written of a session that is not to be.
            raise self._full()
        # Until it is known which models there are, nobody knows what of a profile they can use.
        await self._path.known.wait()
        self._check_not_draining()
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_again_and_again(), name="save what is learned")
        resume = hello.resume if again is not None and hello.resume else new_resume(hello.resume)
        identifier = secrets.token_hex(4) if again is None else again.session
        stub = Stub(token_of(resume, hello.app.name), identifier)
        try:
            scope = scope_of(origin(resume), hello.user, hello.app.name)
            applied = await asyncio.to_thread(self._store.was_applied, scope)
            user = await self._users.come(hello.user, stub, again=again is not None)
        except StoreError as error:
            raise self._unreadable(error) from None
        sink = self._make_sink(hello, identifier) if self._make_sink is not None else None
        app = hello.app if hello.app.actions else self._apps.get(hello.app.name, hello.app)
        if not hello.app.learn:
            app = msgspec.structs.replace(app, learn=False)
        session = Session(
            identifier,
            resume,
            hello,
            self._path,
            sink,
            self._workers,
            app,
            user,
            applied,
            self.count_error,
            0 if again is None else max(0, hello.last_n),
        )
        try:
            await self._enter(session, hello)
        except BaseException:
            await session.end()
            session.close()
            self._users.gone(user)
            raise
        self._sessions[session.resume] = session
        if again is None:
            self.counters.started += 1
        session.seat.joined.add_done_callback(lambda joined: self._joined(session, joined))
        how = "" if again is None else ", goes on from an earlier run"
        log.info("session %s: user %r, app %r%s", session.id, user.name, session.app, how)
        return session

    async def _save_again_and_again(self) -> None:
        looks = max(1, round(self.options.save_s / self.options.look_s))
        # Another daemon on the same profiles, with the same options, has kept its stubs by then, even if it is slow.
        old_s = max(self.options.resume_s, _MISSED_SAVES * self.options.save_s)
        old_stubs = True
        while True:
            for _ in range(looks):
                await asyncio.sleep(self.options.save_s / looks)
                # What is wrong with the disk is told by the next save.
                with contextlib.suppress(StoreError):
                    await self._users.refresh()
            # A write that nobody waits for could come after a later one.
            saving = self._in_background(self._users.save_all(), "save all that is learned")
            self.counters.unsaved += await asyncio.shield(saving)
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(self._store.keep_stubs)
                if old_stubs and monotonic() - self._born > old_s:
                    await asyncio.to_thread(self._store.drop_old_stubs, old_s)
                    old_stubs = False

    async def _enter(self, session: Session, hello: Hello) -> None:
        """Gives a session its seat, and then makes it one of its user's; who is turned away changes nothing."""
        user = session.user
        async with user.arriving:
            session.seat = await self._seat(session, hello)
            try:
                async with user.making_way(session):
                    # The daemon may have begun to stop while what others learned was kept.
                    self._check_not_draining()
            except BaseException:
                self._in_background(self._path.leave(session.seat), f"give back the slot of {session.id}")
                raise

    async def _seat(self, session: Session, hello: Hello) -> Seat:
        horizons_s = [ms / 1000 for ms in hello.horizons_ms]
        while True:
            # The daemon may have begun to stop while the profile was read or room was made.
            self._check_not_draining()
            try:
                return self._path.join(
                    session,
                    horizons_s,
                    session.user.adapters,
                    gestures=session.hears_gestures,
                    # Asked each time: whom it would share with may be who made room.
                    shares=session.user.shared(session),
                )
            except Full:
                if not await self._make_room():
                    raise self._full() from None

    def _full(self) -> Turned:
        text = f"the daemon is full: all of its {self._path.slots} slots are taken"
        return self._turned(Error(ErrorCode.FULL, text, "hello"), TRY_AGAIN_LATER)

    async def _make_room(self) -> bool:
        """Ends the session that has been without a socket for longest; false if all have one."""
        if not self._expiry:
            return False
        longest = self._sessions[next(iter(self._expiry))]
        self.leave(longest)
        # Not when its lessons are done, which may take long.
        await longest.user.leave(longest)
        return True

    def _joined(self, session: Session, joined: asyncio.Future[list[str]]) -> None:
        if joined.cancelled():
            return
        aside = [*joined.result(), *(f"the gesture {name}" for name in session.user.set_aside)]
        if aside:
            text = f"what was learned for {', '.join(aside)} belongs to another version and was set aside"
            session.send(Notice(NoticeCode.PROFILE_SET_ASIDE, text))

    def _expire(self, session: Session) -> None:
        log.info("session %s: not resumed within %g s", session.id, self.options.resume_s)
        self.counters.expired += 1
        self._expiry.pop(session.resume, None)
        self.leave(session)

    async def _leave(self, session: Session, *, over: bool) -> None:
        user = session.user
        if session.is_taught:
            # That may take longer than a stopping daemon waits, and is not to take along what frames taught. What
            # cannot be written is told when it is tried at last.
            with contextlib.suppress(StoreError, TooMuch):
                await user.save()
        try:
            await session.end()
        except Exception:
            # Whatever is wrong with it, its slot and its user must be free again.
            log.exception("session %s: it could not be ended as it should", session.id)
        await user.leave(session)
        try:
            await user.count(session)
            if over:
                await asyncio.to_thread(self._store.drop_stub, token_of(session.resume, session.app))
        except Exception:
            self.counters.unwritten += 1
            log.exception("session %s: the profile of user %r could not be written", session.id, user.name)
        self._users.gone(user)
        await asyncio.to_thread(session.close)
        seconds = monotonic() - session.started
        log.info("session %s: over after %.1f s and %d frames", session.id, seconds, session.frames)

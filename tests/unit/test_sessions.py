"""Who is let in, who goes on, who is sent home, and what is kept of them."""

from __future__ import annotations

import asyncio
import sqlite3
import struct
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from safetensors.torch import load, save

from bridge.app import App
from bridge.frame_path.core import EngineCore
from bridge.frame_path.path import FramePath, Seat
from bridge.profiles.items import Item
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import MAX_ADAPTER_BYTES, StoreError, token_of
from bridge.protocol import VERSION, Ack, CloseCode, Feedback, Hello, ModelInfo, Notice, Profile, Scene, Target, Teach
from bridge.session import Session
from bridge.sessions import TRY_AGAIN_LATER, SessionOptions, Sessions, Turned
from tests.core_engine import CoreEngine
from tests.doubles import Selecting, Watching
from tests.stand_ins import FakeLink, FakePath, FakeWorkers


def hello(user: str = "ada", version: str = VERSION, app: str = "test", **settings: Any) -> Hello:
    return Hello(version, App(app), user, **settings)


class House:
    """Sessions on a real store and a path without an engine."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.path = FakePath()
        self.sessions = self.open()

    def open(self, make_sink: Callable[[Hello, str], Any] | None = None, **options: Any) -> Sessions:
        self.sessions = Sessions(  # type: ignore[arg-type]
            self.path, self.store, SessionOptions(**options), FakeWorkers(), {}, make_sink
        )
        return self.sessions

    async def enter(self, user: str = "ada", **settings: Any) -> tuple[Session, FakeLink]:
        """A session that is connected."""
        session, _ = await self.sessions.admit(hello(user, **settings))
        link = FakeLink()
        session.attach(link)
        return session, link

    async def turned(self, *arguments: Any, **settings: Any) -> Turned:
        with pytest.raises(Turned) as turned:
            await self.sessions.admit(hello(*arguments, **settings))
        assert turned.value.error.of == "hello"
        assert turned.value.error.message
        return turned.value


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = SqliteStore(tmp_path / "profiles.sqlite")
    made = House(store)
    yield made
    await made.sessions.end_all(20)
    store.close()


async def test_a_welcome_says_what_a_client_needs(house: House) -> None:
    sessions = house.open(resume_s=12.5, messages_per_second=77)
    session, _ = await house.enter()
    welcome = sessions.welcome(session, "new")
    assert (welcome.version, welcome.session, welcome.resume) == (VERSION, session.id, session.resume)
    assert (welcome.resume_s, welcome.resumed, welcome.last_q) == (12.5, False, -1)
    assert welcome.models == [ModelInfo("fake", "7")]
    assert welcome.limits.messages_per_second == 77
    served = {"hello", "frame", "scene", "teach", "feedback", "profile", "bye", "audio", "image"}
    assert set(welcome.serves) == served
    assert (welcome.learning, welcome.sessions) == (True, 0)
    assert not welcome.recording
    assert (len(sessions), sessions.connected, sessions.counters.started) == (1, 1, 1)


async def test_no_two_sessions_share_a_secret(house: House) -> None:
    house.path.slots = 50
    entered = [(await house.enter())[0] for _ in range(50)]
    assert len({session.resume for session in entered}) == 50
    assert len({session.id for session in entered}) == 50
    assert all(len(session.resume) >= 32 for session in entered)


@pytest.mark.parametrize("version", ["0.9", "2.0", "10.0"])
async def test_another_major_version_is_turned_away_with_both_named(house: House, version: str) -> None:
    turned = await house.turned(version=version)
    assert (turned.error.code, turned.error.key, turned.close_code) == ("version", "version", CloseCode.VERSION)
    assert version in turned.error.message
    assert VERSION in turned.error.message
    assert house.sessions.counters.refused == 1


async def test_another_minor_version_is_served(house: House) -> None:
    await house.sessions.admit(hello(version="1.999"))
    assert len(house.sessions) == 1


@pytest.mark.parametrize("token", ["", "sesam", "sesame ", "SESAME", "sésame"])
async def test_a_wrong_token_is_turned_away_and_not_repeated(house: House, token: str) -> None:
    house.open(token="sesame")
    turned = await house.turned(token=token)
    assert (turned.error.code, turned.error.key) == ("unauthorized", "token")
    assert turned.close_code == CloseCode.UNAUTHORIZED
    assert "sesame" not in turned.error.message
    assert house.path.seats == []


async def test_a_token_may_hold_any_letters(house: House) -> None:
    house.open(token="sésame")
    await house.sessions.admit(hello(token="sésame"))


async def test_a_token_is_needed_to_go_on_too(house: House) -> None:
    house.open(token="sesame")
    session, _ = await house.enter(token="sesame")
    assert (await house.turned(resume=session.resume)).error.code == "unauthorized"


async def test_what_the_engine_is_told_of_a_session(house: House) -> None:
    house.store.save("ada", {"fake@7": b"stored"})
    session, _ = await house.enter(horizons_ms=[0.0, 50.0, 250.0])
    (seat,) = house.path.seats
    assert session.seat is seat
    assert seat.receiver is session
    assert seat.horizons_s == pytest.approx((0, 0.05, 0.25))
    assert seat.profile == {"fake@7": b"stored"}


async def test_the_newest_session_of_a_user_learns_what_the_others_did(house: House) -> None:
    house.path.learned = {"fake@7": b"learned"}
    old, link = await house.enter()
    new, _ = await house.enter()
    assert [seat.learning for seat in house.path.seats] == [False, True]
    assert new.seat.profile == {"fake@7": b"learned"}
    notice = link.take(Notice)
    assert notice.code == "profile_taken_over"
    assert not house.sessions.welcome(old, True).learning
    house.path.learned = {"fake@7": b"late"}
    house.sessions.leave(old)
    house.sessions.leave(new)
    assert await house.sessions.end_all(20)
    stored = house.store.load("ada")
    assert (stored.statistics.sessions, stored.adapters) == (2, {"fake@7": b"late"})


async def test_sessions_of_a_user_can_learn_together(house: House) -> None:
    house.open(share_profiles=True)
    first, link = await house.enter()
    second, _ = await house.enter()
    other, _ = await house.enter("eve")
    assert [seat.shares for seat in house.path.seats] == [None, first.seat, None]
    assert (first.seat.learning, second.seat.learning, other.seat.learning) == (True, True, True)
    assert link.sent == []


async def told(session: Session, link: FakeLink, operation: Any) -> None:
    session.event(Profile(operation, operation))
    await session._teaching.end()
    assert link.take(Ack).id == operation


async def test_of_sessions_that_began_while_nothing_was_learned_the_newest_goes_on(house: House) -> None:
    house.path.learned = {"fake@7": b"before"}
    first, link = await house.enter()
    await told(first, link, "pause_learning")
    house.path.learned = {"fake@7": b"nobody may learn this"}
    second, heard = await house.enter()
    third, _ = await house.enter()
    silent, _ = await house.sessions.admit(Hello(VERSION, App("test", learn=False), "ada"))
    seats = [session.seat for session in (first, second, third, silent)]
    assert [seat.learning for seat in seats] == [False] * 4
    assert [seat.profile for seat in seats[1:]] == [{"fake@7": b"before"}] * 3
    assert link.sent == heard.sent == []
    second.event(Profile("r", "resume_learning"))
    await second._teaching.end()
    assert [seat.learning for seat in seats] == [False, False, True, False]
    assert link.take(Notice).code == "profile_taken_over"
    notice, ack = heard.sent
    assert isinstance(notice, Notice)
    assert (notice.code, ack) == ("profile_taken_over", Ack("r"))
    heard.sent.clear()
    await told(second, heard, "pause_learning")
    await told(second, heard, "resume_learning")
    assert [seat.learning for seat in seats] == [False, False, True, False]


async def test_sessions_that_began_while_nothing_was_learned_can_learn_together_too(house: House) -> None:
    house.open(share_profiles=True)
    first, link = await house.enter()
    await told(first, link, "pause_learning")
    second, _ = await house.enter()
    assert second.seat.shares is first.seat
    assert not second.seat.learning
    await told(first, link, "resume_learning")
    third, _ = await house.enter()
    assert third.seat.shares is first.seat
    assert [session.seat.learning for session in (first, second, third)] == [True] * 3


async def test_who_lets_nothing_be_learned_takes_nothing_over(house: House) -> None:
    first, link = await house.enter()
    session, _ = await house.sessions.admit(Hello(VERSION, App("test", learn=False), "ada"))
    assert (first.seat.learning, session.seat.learning) == (True, False)
    assert link.sent == []


async def test_what_is_learned_is_written_down_again_and_again(house: House) -> None:
    saved = asyncio.Event()
    sessions = house.open(save_s=0.001)
    write, loop = house.store.save, asyncio.get_running_loop()

    def save(*arguments: Any, **settings: Any) -> int:
        loop.call_soon_threadsafe(saved.set)
        return write(*arguments, **settings)

    house.store.save = save  # type: ignore[method-assign]
    await house.enter()
    await asyncio.wait_for(saved.wait(), 20)
    await sessions._users.save_all()
    assert house.store.load("ada").adapters == {"fake@7": b"learned"}


async def test_what_is_wrong_with_one_user_keeps_nobody_else_from_being_saved(house: House) -> None:
    saved = asyncio.Event()
    house.open(save_s=0.001)
    write, loop, failed = house.store.save, asyncio.get_running_loop(), 0

    def save(user: str, *arguments: Any, **settings: Any) -> int:
        nonlocal failed
        if user == "ada":
            failed += 1
            house.path.learned = {"fake@7": b"learned %d" % failed}
            raise ValueError("what nobody thought of")
        if failed > 2:
            loop.call_soon_threadsafe(saved.set)
        return write(user, *arguments, **settings)

    house.store.save = save  # type: ignore[method-assign]
    await house.enter("ada")
    await house.enter("eve")
    await asyncio.wait_for(saved.wait(), 20)
    assert house.sessions.counters.unsaved >= 2
    assert house.store.load("eve").adapters.keys() == {"fake@7"}


async def test_what_is_wrong_with_one_user_keeps_nobody_else_from_being_loaded_again(house: House) -> None:
    await house.enter("ada")
    eve, _ = await house.enter("eve")
    for user in ("ada", "eve"):
        house.store.reset(user, "all")
    load = house.store.load

    def loads(user: str) -> Any:
        if user == "ada":
            raise ValueError("what nobody thought of")
        return load(user)

    house.store.load = loads  # type: ignore[method-assign]
    await house.sessions._users.refresh()
    assert eve.user.profile.generation == load("eve").generation


async def test_a_user_of_whom_too_much_is_learned_can_begin_another_session(house: House) -> None:
    first, _ = await house.enter()
    house.path.learned = {"fake@7": bytes(MAX_ADAPTER_BYTES + 1)}
    second, _ = await house.enter()
    assert (first.seat.learning, second.seat.learning) == (False, True)


@pytest.mark.parametrize("by", ["save", "pause"])
async def test_what_is_reset_while_it_is_fetched_does_not_come_back(house: House, by: str) -> None:
    session, _ = await house.enter()
    user, resets = session.user, ["all"]

    async def profile(_: Seat) -> dict[str, bytes]:
        if resets:
            resets.clear()
            await user.reset("all", None)
        return {"fake@7": b"learned"}

    house.path.profile = profile  # type: ignore[method-assign]
    await (user.save() if by == "save" else user.set_learning(False, None))
    assert house.store.load("ada").adapters == {}
    assert user.adapters == {}


async def test_what_is_erased_from_outside_is_noticed_before_the_next_save(house: House) -> None:
    noticed = asyncio.Event()
    house.open(save_s=1_000, look_s=0.001)
    forget = house.path.forget

    def forgets(seat: Seat) -> None:
        forget(seat)
        noticed.set()

    house.path.forget = forgets  # type: ignore[method-assign]
    session, _ = await house.enter()
    stays, _ = await house.enter("eve")
    house.store.erase("ada")
    await asyncio.wait_for(noticed.wait(), 20)
    assert house.path.forgotten == [session.seat]
    assert (session.user.learning, stays.user.learning) == (False, True)


@pytest.mark.parametrize("change", ["reset", "erase"])
async def test_what_is_changed_from_outside_counts(house: House, change: str) -> None:
    session, _ = await house.enter()
    await house.sessions._users.save_all()
    if change == "reset":
        house.store.reset("ada", "all")
    else:
        house.store.erase("ada")
    house.path.learned = {"fake@7": b"more"}
    await house.sessions._users.save_all()
    if change == "reset":
        assert house.path.puts[-1] == (session.seat, {"fake@7": b""})
    else:
        assert house.path.forgotten == [session.seat]
    assert house.store.load("ada").adapters == {}
    if change == "erase":
        house.sessions.leave(session)
        assert await house.sessions.end_all(20)
        assert house.store.users() == []


async def test_frames_count_also_where_the_profile_was_changed_from_outside(house: House) -> None:
    session, _ = await house.enter()
    session.frames = 7
    house.store.reset("ada", "all")
    house.sessions.leave(session)
    assert await house.sessions.end_all(20)
    stored = house.store.load("ada")
    assert (stored.statistics.frames, stored.adapters) == (7, {})


async def test_what_gestures_are_spotted_with_is_made_anew_and_not_written_down(house: House) -> None:
    house.path.learned = {"fake@7": b"learned", "gesture@7": b"made of what was taught"}
    await house.enter()
    await house.sessions._users.save_all()
    assert house.store.load("ada").adapters == {"fake@7": b"learned"}


async def test_ids_of_a_session_that_is_no_more_are_known(house: House) -> None:
    session, link = await house.enter()
    session.event(Profile("p1", "pause_learning"))
    await session._teaching.end()
    assert link.take(Ack).id == "p1"
    resume = session.resume
    for _ in range(2):
        # Another run of the daemon, on the same file; and once more.
        house.open()
        session, link = await house.enter(resume=resume)
        session.event(Profile("p1", "resume_learning"))
        await session._teaching.end()
        assert link.take(Ack).id == "p1"
        assert not house.store.load("ada").settings.learning
        resume = session.resume


@pytest.mark.parametrize("other", [{"user": "eve"}, {"app": "other"}])
async def test_ids_of_another_user_or_app_are_not_taken_for_ones_that_were_kept(
    house: House, other: dict[str, Any]
) -> None:
    session, link = await house.enter("ada", app="gallery")
    session.event(Profile("1", "pause_learning"))
    await session._teaching.end()
    assert link.take(Ack).id == "1"
    house.sessions.leave(session)
    settings = {"user": "ada", "app": "gallery", **other}
    next_one, link = await house.enter(resume=session.resume, **settings)
    learns = settings["user"] == "eve"
    next_one.event(Profile("1", "pause_learning" if learns else "resume_learning"))
    await next_one._teaching.end()
    assert link.take(Ack).id == "1"
    assert house.store.load(settings["user"]).settings.learning is not learns


async def test_a_dropped_session_goes_on(house: House) -> None:
    session, _ = await house.enter()
    session.last_q = 41
    house.sessions.dropped(session)
    assert (len(house.sessions), house.sessions.connected) == (1, 0)
    again, entry = await house.sessions.admit(hello(resume=session.resume))
    assert again is session
    assert entry == "resumed"
    assert house.sessions.welcome(again, "resumed").last_q == 41
    assert house.sessions.counters.resumed == 1
    assert len(house.path.seats) == 1


async def test_who_goes_on_is_not_ended_when_the_time_is_up(house: House) -> None:
    house.open(resume_s=0)
    session, _ = await house.enter()
    house.sessions.dropped(session)
    await house.sessions.admit(hello(resume=session.resume))
    session.attach(FakeLink())
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(house.sessions) == 1
    assert house.sessions.counters.expired == 0


async def test_a_connection_that_is_half_open_gives_its_session_up(house: House) -> None:
    session, old = await house.enter()
    again, entry = await house.sessions.admit(hello(resume=session.resume))
    assert again is session
    assert entry == "resumed"
    assert session.link is None
    assert old.closed[0][0] == CloseCode.RESUMED_ELSEWHERE


@pytest.mark.parametrize(
    "other", [{"user": "eve"}, {"app": "other"}, {"resume": "never given"}, {"resume": ""}, {"resume": None}]
)
async def test_everybody_else_begins_anew(house: House, other: dict[str, Any]) -> None:
    session, link = await house.enter()
    begun, entry = await house.sessions.admit(hello(**{"resume": session.resume, **other}))
    assert begun is not session
    assert entry == "new"
    assert session.link is link, "and takes nothing from anybody"
    assert link.closed == []


async def test_a_session_that_is_over_does_not_go_on(house: House) -> None:
    session, _ = await house.enter()
    house.sessions.leave(session)
    begun, entry = await house.sessions.admit(hello(resume=session.resume))
    assert begun is not session
    assert entry == "new"


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Callable[[House], House]]:
    """Starts on the same files what takes the place of a daemon that is gone."""
    stores: list[SqliteStore] = []

    def start_again(house: House) -> House:
        stores.append(SqliteStore(tmp_path / "profiles.sqlite"))
        return House(stores[-1])

    yield start_again
    for store in stores:
        store.close()


async def test_a_session_goes_on_in_a_daemon_that_was_started_again(
    house: House, killed: Callable[[House], House]
) -> None:
    session, _ = await house.enter()
    second = killed(house)
    again, entry = await second.sessions.admit(hello(resume=session.resume, last_n=7))
    assert entry == "restored"
    assert (again.id, again.resume) == (session.id, session.resume)
    welcome = second.sessions.welcome(again, entry)
    assert (welcome.resumed, welcome.restored, welcome.last_q, welcome.sessions) == (True, True, -1, 0)
    assert second.store.load("ada").statistics.sessions == 1, "it is the same session"
    counters = second.sessions.counters
    assert (counters.started, counters.restored) == (0, 1)
    third = killed(second)
    once_more, entry = await third.sessions.admit(hello(resume=session.resume))
    assert (once_more.id, entry) == (session.id, "restored"), "however often"
    assert await second.sessions.end_all(20)
    assert await third.sessions.end_all(20)


async def test_a_session_still_goes_on_when_there_was_no_room_for_it_at_first(
    house: House, killed: Callable[[House], House]
) -> None:
    session, _ = await house.enter()
    second = killed(house)
    second.path.slots = 1
    first, _ = await second.enter("bob")
    assert (await second.turned(resume=session.resume)).error.code == "full"
    second.sessions.leave(first)
    await second.path.asked_to_leave.get()
    again, entry = await second.sessions.admit(hello(resume=session.resume))
    assert (again.id, entry) == (session.id, "restored")
    assert await second.sessions.end_all(20)


async def test_a_session_goes_on_after_a_daemon_that_was_stopped(
    house: House, killed: Callable[[House], House]
) -> None:
    session, _ = await house.enter()
    house.sessions.drain()
    assert await house.sessions.end_all(20)
    second = killed(house)
    _, entry = await second.sessions.admit(hello(resume=session.resume))
    assert entry == "restored"
    assert await second.sessions.end_all(20)


@pytest.mark.parametrize("other", [{"user": "eve"}, {"app": "other"}, {"resume": "never given"}])
async def test_nobody_else_goes_on_in_a_daemon_that_was_started_again(
    house: House, killed: Callable[[House], House], other: dict[str, Any]
) -> None:
    session, _ = await house.enter()
    second = killed(house)
    begun, entry = await second.sessions.admit(hello(**{"resume": session.resume, **other}))
    assert entry == "new"
    assert begun.id != session.id
    assert await second.sessions.end_all(20)


async def test_what_is_over_or_erased_does_not_go_on_in_a_daemon_that_was_started_again(
    house: House, killed: Callable[[House], House]
) -> None:
    gone, _ = await house.enter("ada")
    house.sessions.leave(gone)
    erased, link = await house.enter("eve")
    erased.event(Profile("p", "erase"))
    await erased._teaching.end()
    assert link.take(Ack).id == "p"
    assert await house.sessions.end_all(20)
    second = killed(house)
    for session in (gone, erased):
        _, entry = await second.sessions.admit(hello(session.user.name, resume=session.resume))
        assert entry == "new"
    assert await second.sessions.end_all(20)


async def test_a_daemon_that_was_started_again_waits_for_its_sessions_no_longer_than_for_others(
    house: House, killed: Callable[[House], House]
) -> None:
    session, _ = await house.enter()
    second = killed(house)
    second.open(resume_s=0)
    _, entry = await second.sessions.admit(hello(resume=session.resume))
    assert entry == "new"
    assert await second.sessions.end_all(20)


async def test_sessions_that_nobody_went_on_with_are_forgotten(house: House, killed: Callable[[House], House]) -> None:
    await house.enter()
    second = killed(house)
    second.open(resume_s=0, save_s=0.001)
    dropped, loop = asyncio.Event(), asyncio.get_running_loop()
    drop = second.store.drop_old_stubs

    def drops(age_s: float) -> None:
        drop(age_s)
        loop.call_soon_threadsafe(dropped.set)

    second.store.drop_old_stubs = drops  # type: ignore[method-assign]
    late, _ = await second.enter("eve")
    await asyncio.wait_for(dropped.wait(), 20)
    (session,) = house.sessions._sessions.values()
    assert house.store.stub("eve", token_of(late.resume, "test")) is not None, "this run's own stay"
    assert second.store.stub("ada", token_of(session.resume, "test")) is None
    assert await second.sessions.end_all(20)


async def test_sessions_of_a_daemon_that_serves_at_the_same_time_are_left_alone(
    house: House, killed: Callable[[House], House], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1e9
    monkeypatch.setattr("time.time", lambda: now)
    kept, dropped, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    house.open(resume_s=0, save_s=0.001)
    keep = house.store.keep_stubs

    def keeps() -> None:
        later = now > 1e9
        keep()
        if later:
            loop.call_soon_threadsafe(kept.set)

    house.store.keep_stubs = keeps  # type: ignore[method-assign]
    session, _ = await house.enter()
    now += 1
    await asyncio.wait_for(kept.wait(), 20)
    second = killed(house)
    second.open(resume_s=0, save_s=0.001)
    drop = second.store.drop_old_stubs

    def drops(age_s: float) -> None:
        drop(age_s)
        loop.call_soon_threadsafe(dropped.set)

    second.store.drop_old_stubs = drops  # type: ignore[method-assign]
    await second.enter("eve")
    await asyncio.wait_for(dropped.wait(), 20)
    third = killed(house)
    again, entry = await third.sessions.admit(hello(resume=session.resume))
    assert (again.id, entry) == (session.id, "restored")
    house.sessions.leave(session)
    assert await house.sessions.end_all(20)
    fourth = killed(third)
    _, entry = await fourth.sessions.admit(hello(resume=session.resume))
    assert entry == "restored", "the daemon that it went on in has it"
    for other in (second, third, fourth):
        assert await other.sessions.end_all(20)


async def test_two_connections_that_restore_a_session_get_one(house: House, killed: Callable[[House], House]) -> None:
    session, _ = await house.enter()
    second = killed(house)
    both = await asyncio.gather(*(second.sessions.admit(hello(resume=session.resume)) for _ in range(2)))
    assert [entry for _, entry in both] == ["restored", "resumed"]
    assert both[0][0] is both[1][0]
    assert len(second.path.seats) == 1
    assert await second.sessions.end_all(20)


async def test_a_session_waits_no_longer_than_it_said(house: House) -> None:
    house.open(resume_s=0)
    session, _ = await house.enter()
    house.sessions.dropped(session)
    assert await asyncio.wait_for(house.path.asked_to_leave.get(), 20) is session.seat
    assert len(house.sessions) == 0
    assert house.sessions.counters.expired == 1
    assert await house.sessions.end_all(20)
    assert house.sessions.counters.ended == 1
    assert house.path.seats == []


async def test_what_was_learned_is_written_at_the_end(house: House) -> None:
    session, _ = await house.enter()
    session.frames = 12
    house.sessions.leave(session)
    house.sessions.leave(session)
    assert await house.sessions.end_all(20)
    profile = house.store.load("ada")
    assert profile.adapters == {"fake@7": b"learned"}
    assert (profile.statistics.sessions, profile.statistics.frames) == (1, 12)
    assert house.sessions.counters.ended == 1


async def test_ending_all_reaches_the_dropped_and_the_leaving(house: House) -> None:
    house.path.hold = asyncio.Event()
    connected, _ = await house.enter("ada")
    dropped, _ = await house.enter("bob")
    leaving, _ = await house.enter("cyd")
    house.sessions.dropped(dropped)
    house.sessions.leave(leaving)
    ending = asyncio.create_task(house.sessions.end_all(20))
    await asyncio.sleep(0)
    assert not ending.done()
    house.path.hold.set()
    assert await ending
    for user in ("ada", "bob", "cyd"):
        assert house.store.load(user).statistics.sessions == 1
    assert connected.link is not None


async def test_a_save_that_has_begun_comes_to_its_end_when_the_daemon_stops(house: House) -> None:
    sessions = house.open(save_s=0.001)
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended: list[bool] = []

    async def save_all() -> int:
        begun.set()
        await go_on.wait()
        ended.append(True)
        return 0

    sessions._users.save_all = save_all  # type: ignore[method-assign]
    await house.enter()
    await asyncio.wait_for(begun.wait(), 20)
    ending = asyncio.create_task(sessions.end_all(20))
    await house.path.asked_to_leave.get()
    go_on.set()
    assert await ending
    assert ended == [True]


async def test_an_engine_that_gives_nothing_back_is_not_waited_for_for_ever(house: House) -> None:
    house.path.hold = asyncio.Event()
    await house.enter()
    assert not await house.sessions.end_all(0.01)


async def test_a_profile_that_cannot_be_written_is_said_and_costs_nobody_else(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = house.store.save

    def save(user: str, *arguments: Any, **settings: Any) -> int:
        if user == "ada":
            raise sqlite3.OperationalError("database or disk is full")
        return write(user, *arguments, **settings)

    monkeypatch.setattr(house.store, "save", save)
    closed: list[str] = []

    class Sink:
        def __init__(self, user: str) -> None:
            self.user = user

        def message(self, time_us: int, data: bytes) -> None: ...

        def close(self) -> None:
            closed.append(self.user)

    house.open(lambda hello, session: Sink(hello.user))
    await house.enter("ada")
    await house.enter("bob")
    house.sessions.leave((await house.enter("cyd"))[0])
    assert not await house.sessions.end_all(20)
    assert not await house.sessions.end_all(20), "nor is it forgotten"
    assert house.sessions.counters.unwritten == 1
    assert "ada" in caplog.text
    assert "disk is full" in caplog.text
    assert house.store.load("bob").statistics.sessions == 1
    assert sorted(closed) == ["ada", "bob", "cyd"]


async def test_a_full_daemon_turns_away_and_names_the_reason(house: House) -> None:
    house.path.slots = 1
    session, link = await house.enter()
    turned = await house.turned("bob")
    assert (turned.error.code, turned.close_code) == ("full", TRY_AGAIN_LATER)
    assert session.link is link
    assert len(house.sessions) == 1
    assert house.store.load("bob").statistics.sessions == 0, "it never began"


async def test_a_full_daemon_makes_room_of_who_was_away_longest(house: House) -> None:
    house.path.slots = 3
    entered = {user: (await house.enter(user))[0] for user in ("ada", "bob", "cyd")}
    house.sessions.dropped(entered["ada"])
    house.sessions.dropped(entered["bob"])
    await house.sessions.admit(hello("ada", resume=entered["ada"].resume))
    entered["ada"].attach(FakeLink())
    house.sessions.dropped(entered["ada"])
    await house.enter("dan")
    assert [seat.receiver.user.name for seat in house.path.seats] == ["ada", "cyd", "dan"]  # type: ignore[attr-defined]
    begun, entry = await house.sessions.admit(hello("bob", resume=entered["bob"].resume))
    assert entry == "new", "bob was away longest"
    assert begun is not entered["bob"]
    assert [seat.receiver.user.name for seat in house.path.seats] == ["cyd", "dan", "bob"]  # type: ignore[attr-defined]


async def test_who_is_turned_away_as_full_takes_nothing_over(house: House) -> None:
    house.path.slots = 2
    first, link = await house.enter()
    other, _ = await house.enter("eve")
    house.sessions.dropped(other)
    go_on, begin = threading.Event(), house.store.begin

    def slow(user: str, *arguments: Any, **settings: Any) -> Any:
        assert user != "ada" or go_on.wait(20)
        return begin(user, *arguments, **settings)

    house.store.begin = slow  # type: ignore[method-assign]
    coming = asyncio.create_task(house.turned())
    await asyncio.sleep(0)
    # While the profile is read somebody else takes the slot of who was away.
    await house.enter("bob")
    go_on.set()
    turned = await coming
    assert (first.seat.learning, first.may_learn, link.sent) == (True, True, [])
    assert "2 slots" in turned.error.message


async def test_who_stops_the_daemon_while_a_session_begins_leaves_no_slot_taken(house: House) -> None:
    first, link = await house.enter()
    profile = house.path.profile

    async def drains(seat: Seat) -> dict[str, bytes]:
        house.sessions.draining = True
        return await profile(seat)

    house.path.profile = drains  # type: ignore[method-assign]
    await house.turned()
    await asyncio.wait_for(house.path.asked_to_leave.get(), 20)
    assert house.path.seats == [first.seat]
    assert (first.seat.learning, first.may_learn, link.sent) == (True, True, [])


async def test_who_makes_room_for_another_session_of_the_user_is_not_shared_with(house: House) -> None:
    house.open(share_profiles=True)
    house.path.slots = 1
    first, _ = await house.enter()
    house.sessions.dropped(first)
    house.path.learned = {"fake@7": b"late"}
    second, _ = await house.enter()
    assert second.seat.shares is None
    assert second.seat.profile == {"fake@7": b"late"}
    assert second.seat.learning


async def test_who_makes_room_while_lessons_wait_keeps_what_frames_taught_at_once(house: House) -> None:
    house.path.slots = 1
    first, _ = await house.enter()
    first.event(Teach("t", "object", "mug", examples=[b"jpeg"]))
    house.sessions.dropped(first)
    await house.enter("eve")
    await first.user.save()
    assert house.store.load("ada").adapters == {"fake@7": b"learned"}
    house.sessions._workers.seeing.answer(None)  # type: ignore[attr-defined]


async def test_who_is_taught_and_of_whom_too_much_is_learned_gives_the_slot_back(house: House) -> None:
    session, _ = await house.enter()
    house.path.learned = {"fake@7": bytes(MAX_ADAPTER_BYTES + 1)}
    house.sessions._workers.seeing.at_once = ["it is no picture"]  # type: ignore[attr-defined]
    session.event(Teach("t", "object", "mug", examples=[b"jpeg"]))
    house.sessions.leave(session)
    assert await asyncio.wait_for(house.path.asked_to_leave.get(), 20) is session.seat


async def test_what_is_taught_while_a_session_begins_is_known_to_it(house: House) -> None:
    first, _ = await house.enter()
    profile = house.path.profile
    known: list[list[str]] = []

    async def teaches(seat: Seat) -> dict[str, bytes]:
        await first.user.put(Item("name", "test", "lamp", {"name": "the lamp"}, 1.0), None)
        return await profile(seat)

    class Knowing(Session):
        def known_changed(self) -> None:
            known.append(list(self.user.items("name", "test")))

    house.path.profile = teaches  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.sessions.Session", Knowing)
        await house.enter()
    assert known == [[], ["lamp"]]


async def test_many_may_wait_for_room_at_once(house: House) -> None:
    house.path.slots = 2
    for user in ("ada", "bob"):
        house.sessions.dropped((await house.enter(user))[0])
    house.path.hold = asyncio.Event()
    coming = [asyncio.create_task(house.sessions.admit(hello(user))) for user in ("cyd", "dan", "eve")]
    while len(house.sessions):
        await asyncio.wait_for(house.path.asked_to_leave.get(), 20)
    house.path.hold.set()
    done = await asyncio.gather(*coming, return_exceptions=True)
    assert sum(isinstance(result, Turned) for result in done) == 1
    assert len(house.path.seats) == len(house.sessions) == 2


async def test_a_daemon_that_stops_tells_everybody_and_lets_nobody_in(house: House) -> None:
    dropped, _ = await house.enter("bob")
    house.sessions.dropped(dropped)
    session, link = await house.enter()
    house.sessions.drain()
    assert link.take(Notice).code == "draining"
    turned = await house.turned("eve")
    assert (turned.error.code, turned.close_code) == ("full", TRY_AGAIN_LATER)
    assert (await house.turned(resume=dropped.resume)).close_code == TRY_AGAIN_LATER
    house.sessions.dropped(session)
    assert len(house.sessions) == 1, "who goes now does not come back"


async def test_who_was_on_the_way_in_when_the_daemon_stops_is_turned_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begin = threading.Event(), house.store.begin

    def slow(*asked: Any, **how: Any) -> Any:
        assert go_on.wait(20)
        return begin(*asked, **how)

    monkeypatch.setattr(house.store, "begin", slow)
    coming = asyncio.create_task(house.turned())
    await asyncio.sleep(0)
    house.sessions.drain()
    go_on.set()
    assert (await coming).close_code == TRY_AGAIN_LATER
    assert house.path.seats == []
    assert len(house.sessions) == 0


async def test_a_profile_that_was_set_aside_is_told(house: House) -> None:
    session, link = await house.enter()
    session.seat.joined.set_result(["forecast", "target"])
    await asyncio.sleep(0)
    notice = link.take(Notice)
    assert notice.code == "profile_set_aside"
    assert "forecast, target" in notice.message
    other, quiet = await house.enter("bob")
    other.seat.joined.set_result([])
    await asyncio.sleep(0)
    assert quiet.sent == []


async def test_a_session_is_written_down_from_its_hello_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, str]] = []
    closed: list[str] = []

    class Sink:
        def __init__(self, user: str) -> None:
            self.user = user

        def message(self, time_us: int, data: bytes) -> None: ...

        def close(self) -> None:
            closed.append(self.user)

    def make_sink(hello: Hello, session: str) -> Sink:
        opened.append((hello.user, session))
        return Sink(hello.user)

    house.open(make_sink)
    house.path.slots = 1
    session, _ = await house.enter()
    assert house.sessions.welcome(session, "new").recording
    assert opened == [("ada", session.id)]
    await house.turned("eve")
    assert len(opened) == 1
    # Somebody else takes the last slot while the profile is read.
    monkeypatch.setattr(FakePath, "full", False)
    await house.turned("bob")
    assert closed == ["bob"], "nothing stays open of who did not get in"
    house.sessions.leave(session)
    await house.sessions.end_all(20)
    assert closed == ["bob", "ada"]


async def test_errors_are_counted_by_code(house: House) -> None:
    for code in ("invalid", "time", "invalid"):
        house.sessions.count_error(code)
    session, _ = await house.enter()
    session.refused(1, 1)
    assert house.sessions.errors == {"invalid": 2, "time": 1, "not_finite": 1}


class Disk(ThreadPoolExecutor):
    """Carries out what threads would when told to, in its order."""

    def __init__(self) -> None:
        super().__init__(1)
        self.waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self.waiting.append((done, partial(call, *arguments, **settings)))
        return done

    def work(self, calls: int = 1_000_000) -> None:
        while self.waiting and calls:
            calls -= 1
            done, call = self.waiting.popleft()
            try:
                done.set_result(call())
            except Exception as problem:
                done.set_exception(problem)


KEY = "watching@1"
SELECTED = "selecting@1"
APART = 100_000
OPERATIONS = ("", "", "", "reset", "erase", "pause_learning", "resume_learning", "resume_learning")
NUMBER = {"ada": 1, "eve": 2, "bob": 3}
"""What a user's adapters hold from the beginning, times ``APART``: each frame that is learned from adds one."""


def held(profile: Mapping[str, bytes], key: str = KEY) -> int:
    return int(load(profile[key])["bias"][0]) if profile.get(key) else 0


class Promises(RuleBasedStateMachine):
    """More users than slots come, go, teach and reset in any order, on a real core and store.

    Nobody has what is another's, nothing learned is lost, what is acknowledged is on the disk, what is refused is not
    learned, and what was reset or erased does not come back.
    """

    share = False

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.disk = Disk()
        self.loop.set_default_executor(self.disk)
        self.folder = TemporaryDirectory()
        self.store = SqliteStore(Path(self.folder.name) / "profiles.sqlite")
        self.store._database.execute("PRAGMA synchronous=OFF")
        for user, number in NUMBER.items():
            self.store.save(user, {KEY: save({"bias": torch.tensor([float(APART * number)])})})
        self.engine = CoreEngine(2, [Watching(), Selecting()], self.learns)
        self.path = FramePath(self.engine, slots=2, window_s=1_000, on_engine=lambda up: None)
        self.loop.run_until_complete(self.path.start())
        self.workers = FakeWorkers()
        options = SessionOptions(share_profiles=self.share, save_s=1e6, look_s=1e6)
        self.sessions = Sessions(self.path, self.store, options, self.workers, {}, None)  # type: ignore[arg-type]
        self.tasks: list[asyncio.Task[Any]] = []
        self.learned = dict.fromkeys(NUMBER, 0)
        self.taken_away: set[str] = set()
        self.selected = dict.fromkeys(NUMBER, 0)
        self.told: set[Session] = set()
        self.lessons: dict[str, Any] = {}
        self.fails = 0
        self.store.save, self.write_down = self.full, self.store.save  # type: ignore[method-assign]
        self.q = 0

    def full(self, *arguments: Any, marks: Any = (), **settings: Any) -> int:
        if marks and self.fails:
            self.fails -= 1
            raise StoreError("the disk is full")
        return self.write_down(*arguments, marks=marks, **settings)

    def tell(self, session: Session, lesson: Any) -> None:
        """Has a session take a lesson, and looks at its acknowledgement."""
        if session not in self.told:
            self.told.add(session)
            session._teaching._done = partial(self.acknowledged, session, session._teaching._done)
        self.lessons[lesson.id] = lesson
        self.does(lambda: session.event(lesson))

    def acknowledged(self, session: Session, done: Callable[[Ack], None], ack: Ack) -> None:
        lesson, user = self.lessons[ack.id], session.user.name
        assert ack.id in self.store.was_applied(session._teaching._scope)
        if isinstance(lesson, Feedback):
            self.selected[user] += 1
        elif isinstance(lesson, Profile) and lesson.operation in ("reset", "erase"):
            self.selected[user] = 0
        done(ack)

    def does(self, act: Callable[[], Any], turns: int = 1) -> None:
        async def do() -> None:
            act()
            for _ in range(turns):
                await asyncio.sleep(0)

        self.loop.run_until_complete(do())

    def learns(self, core: EngineCore, slots: list[int]) -> None:
        learning = {int(core._owner[slot]): slot for slot in slots if core._learning[slot]}
        for slot in learning.values():
            self.learned[self.user_in(slot)] += 1

    def user_in(self, slot: int) -> str:
        return self.path._seats[slot].receiver.user.name  # type: ignore[attr-defined, no-any-return]

    def one(self, data: st.DataObject) -> Session | None:
        """One of those that are here."""
        here = list(self.sessions._sessions.values())
        return here[data.draw(st.integers(0, len(here) - 1))] if here else None

    @initialize(users=st.lists(st.sampled_from(list(NUMBER)), min_size=2, max_size=2))
    def begin(self, users: list[str]) -> None:
        for user in users:
            self.come(user)
            self.rest()

    @rule(user=st.sampled_from(list(NUMBER)))
    def come(self, user: str) -> None:
        if sum(not task.done() for task in self.tasks) < 3:
            self.does(lambda: self.tasks.append(asyncio.ensure_future(self.sessions.admit(hello(user)))))

    @rule(data=st.data(), bye=st.booleans())
    def go(self, data: st.DataObject, bye: bool) -> None:
        if (session := self.one(data)) is not None and (bye or session.resume not in self.sessions._expiry):
            self.does(lambda: self.sessions.leave(session) if bye else self.sessions.dropped(session))

    @rule(data=st.data(), count=st.integers(1, 3), answered=st.booleans())
    def frames(self, data: st.DataObject, count: int, answered: bool) -> None:
        if (session := self.one(data)) is None:
            return
        for _ in range(count):
            self.q += 1
            self.does(lambda: self.path.submit(session.seat, self.q, self.q, 1, struct.pack("<7f", *(0,) * 6, 1)))
            if self.engine.up:
                self.does(self.path._publish)
                if answered:
                    self.does(self.engine.work)

    @rule(data=st.data(), operation=st.sampled_from(OPERATIONS))
    def teach(self, data: st.DataObject, operation: Any) -> None:
        """A lesson that takes long, or something that waits for its turn after that."""
        if (session := self.one(data)) is None:
            return
        self.q += 1
        if operation in ("reset", "erase"):
            self.taken_away.add(session.user.name)
        lesson = (
            Profile(str(self.q), operation) if operation else Teach(str(self.q), "object", "mug", examples=[b"jpg"])
        )
        self.tell(session, lesson)

    @rule(data=st.data(), count=st.integers(1, 2), full=st.booleans())
    def select(self, data: st.DataObject, count: int, full: bool) -> None:
        """Selections that come together, of which perhaps the first cannot be written down."""
        if (session := self.one(data)) is None:
            return
        self.fails = int(full)
        for _ in range(count):
            self.q += 1
            self.does(lambda: session.event(Scene(f"scene {self.q}", [Target("a", (0, 0, 0))])))
            self.tell(session, Feedback(str(self.q), "confirm", 0, target="a"))

    @rule()
    def look(self) -> None:
        if self.workers.seeing.asked:
            self.does(lambda: self.workers.seeing.answer(None))

    @rule()
    def save(self) -> None:
        self.does(lambda: self.tasks.append(asyncio.ensure_future(self.sessions._users.save_all())))

    @rule(calls=st.integers(1, 5), turns=st.integers(1, 8))
    def write(self, calls: int, turns: int) -> None:
        self.does(lambda: self.disk.work(calls), turns)

    @rule(requests=st.integers(1, 5), turns=st.integers(1, 8))
    def step(self, requests: int, turns: int) -> None:
        if self.engine.up:
            self.does(lambda: self.engine.work(requests), turns)

    @rule(at_once=st.booleans())
    def lose(self, at_once: bool) -> None:
        """The engine, until another one comes."""
        if self.engine.up:
            self.does(self.engine.go_down)
            if not at_once:
                return
        self.does(self.engine.come_up)

    @rule()
    def rest(self) -> None:
        """All is written and carried out that does not wait for a lesson."""
        for _ in range(6):
            self.disk.work()
            self.does(self.engine.work if self.engine.up else lambda: None, 4)

    @invariant()
    def nobody_has_what_is_anothers(self) -> None:
        for slot, seat in self.path._seats.items() if self.engine.up else ():
            if self.engine.core.holds(slot, seat.serial):
                user, lesson = self.user_in(slot), held(self.engine.core.profile(slot)) // APART
                assert lesson == NUMBER[user] or (lesson == 0 and user in self.taken_away)

    def settle(self) -> None:
        for _ in range(60):
            self.look()
            self.disk.work()
            self.does(self.engine.work, 8)

    def teardown(self) -> None:
        if not self.engine.up:
            self.does(self.engine.come_up)
        self.settle()
        ending = self.loop.create_task(self.sessions.end_all(1_000))
        self.settle()
        assert ending.done()
        assert ending.result()
        assert all(task.done() for task in self.tasks)
        assert not [task for task in self.tasks if task.exception() and not isinstance(task.exception(), Turned)]
        assert not self.path._seats
        for user, number in NUMBER.items():
            assert held(self.store.load(user).adapters, SELECTED) == 1000 * self.selected[user]
            bias = held(self.store.load(user).adapters)
            if user in self.taken_away:
                assert bias < APART
            else:
                assert bias == APART * number + self.learned[user]
        self.loop.run_until_complete(self.path.stop())
        self.loop.close()
        self.store.close()
        self.folder.cleanup()


class SharedPromises(Promises):
    """The same where sessions of a user learn together."""

    share = True


TestPromises = Promises.TestCase
TestSharedPromises = SharedPromises.TestCase
TestPromises.settings = TestSharedPromises.settings = settings(
    max_examples=40, stateful_step_count=60, deadline=None, derandomize=True
)

"""Users, on a real store, with and without an engine: who learns, and what of it is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load

from bridge.frame_path.engine import EngineOptions
from bridge.frame_path.in_process import InProcessEngine
from bridge.frame_path.path import FramePath, Profile, Seat
from bridge.profiles.export import pack
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import MAX_ADAPTER_BYTES, Mark, Settings, StoredProfile, StoreError, Superseded, TooMuch
from bridge.users import NotLearned, Selection, User, Users
from tests.stand_ins import FakePath

MAX_LESSONS = 12


class Member:
    """A session, as far as its user knows it."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.may_learn = True
        self.over = False
        self.frames = 0
        self.started = monotonic()

    def taken_over(self) -> None:
        self.may_learn = False

    def known_changed(self) -> None:
        pass


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "profiles.sqlite")
    yield made
    made.close()


async def come(users: Users, path: FakePath, *, may_learn: bool = True) -> tuple[User, Member]:
    user = await users.come("ada")
    member = Member(path.join(None, [0.1], user.adapters))  # type: ignore[arg-type]
    member.may_learn = may_learn
    async with user.arriving, user.making_way(member):
        pass
    return user, member


async def begin_to_leave(user: User, member: Member, path: FakePath) -> asyncio.Task[None]:
    """Leaves as far as to ask what was learned, which is answered when ``path.hold`` is set."""
    path.hold = asyncio.Event()
    leaving = asyncio.create_task(user.leave(member))
    await path.asked_to_leave.get()
    return leaving


async def test_a_selection_that_is_learned_while_its_kind_is_reset_does_not_come_back(store: SqliteStore) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=True), path)  # type: ignore[arg-type]
    selection = user.select(member.seat, 0)
    await user.reset("target", None)
    with pytest.raises(Superseded):
        await user.keep(selection, None)
    assert "target@7" not in store.load("ada").adapters
    assert await user.keep(user.select(member.seat, 0), None) == b"moment"
    assert store.load("ada").adapters["target@7"] == b"2 0"


async def test_a_selection_that_is_kept_late_does_not_replace_what_was_learned_since(store: SqliteStore) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=True), path)  # type: ignore[arg-type]
    first, second = user.select(member.seat, 0), user.select(member.seat, 1)
    await user.keep(second, None)
    await user.keep(first, None)
    assert store.load("ada").adapters == {"target@7": b"2 1"}
    third = user.select(member.seat, 2)
    path.learned = {"target@7": b"of all three"}
    await user.leave(member)
    await user.keep(third, None)
    assert store.load("ada").adapters == {"target@7": b"of all three"}


async def test_what_is_reset_while_a_slot_is_given_back_does_not_come_back(store: SqliteStore) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=False), path)  # type: ignore[arg-type]
    path.hold = asyncio.Event()
    leaving = [asyncio.create_task(user.leave(member)) for _ in range(2)]
    await path.asked_to_leave.get()
    await asyncio.to_thread(store.reset, "ada", "all")
    await user.refresh()
    path.hold.set()
    await asyncio.gather(*leaving)
    await user.count(member)
    assert store.load("ada").adapters == user.adapters == {}


async def test_who_comes_while_another_leaves_goes_on_with_what_that_learned(store: SqliteStore) -> None:
    for share in (False, True):
        path = FakePath()
        users = Users(path, store, share=share)  # type: ignore[arg-type]
        path.learned = {"fake@7": b"late %d" % share}
        user, older = await come(users, path)
        leaving = await begin_to_leave(user, older, path)
        coming = asyncio.create_task(come(users, path))
        await asyncio.sleep(0)
        path.hold.set()
        _, newer = await coming
        await leaving
        assert newer.seat.profile == {"fake@7": b"late %d" % share}
        assert newer.seat.learning
        assert user.sessions == [newer]


async def test_who_comes_does_not_wait_for_who_leaves_and_did_not_learn(store: SqliteStore) -> None:
    store.save("ada", {"fake@7": b"before"})
    path = FakePath()
    users = Users(path, store, share=False)  # type: ignore[arg-type]
    user, older = await come(users, path)
    path.learned = {"fake@7": b"learned"}
    await user.set_learning(False, None)
    path.learned = {"fake@7": b"not learned"}
    leaving = await begin_to_leave(user, older, path)
    _, newer = await asyncio.wait_for(come(users, path), 20)
    await user.set_learning(True, None)
    path.hold.set()
    await leaving
    assert newer.seat.learning
    assert user.adapters == newer.seat.profile == {"fake@7": b"learned"}


async def test_who_comes_waits_for_who_learned_also_if_nothing_is_to_be_learned_now(store: SqliteStore) -> None:
    path = FakePath()
    user, older = await come(Users(path, store, share=False), path)  # type: ignore[arg-type]
    leaving = await begin_to_leave(user, older, path)
    await user.set_learning(False, None)
    newer = Member(path.join(None, [0.1], user.adapters))  # type: ignore[arg-type]
    making_way = user.making_way(newer)
    async with user.arriving:
        entering = asyncio.create_task(making_way.__aenter__())  # type: ignore[arg-type]
        await asyncio.sleep(0)
        assert not entering.done()
        path.hold.set()
        await entering
        await making_way.__aexit__(None, None, None)
    await leaving
    assert newer.seat.profile == {"fake@7": b"learned"}


@pytest.mark.parametrize("reset", [False, True], ids=["", "and is reset meanwhile"])
async def test_who_may_not_learn_does_not_wait_and_gets_what_who_leaves_learned(
    store: SqliteStore, reset: bool
) -> None:
    path = FakePath()
    users = Users(path, store, share=False)  # type: ignore[arg-type]
    user, older = await come(users, path)
    leaving = await begin_to_leave(user, older, path)
    _, newer = await asyncio.wait_for(come(users, path, may_learn=False), 20)
    assert newer.seat.profile == {}
    if reset:
        await asyncio.to_thread(store.reset, "ada", "all")
        await user.refresh()
    path.hold.set()
    await leaving
    assert not newer.seat.learning
    assert newer.seat.profile == {"fake@7": b"" if reset else b"learned"}
    await user.count(older)
    assert store.load("ada").adapters == ({} if reset else {"fake@7": b"learned"})


async def test_who_does_not_begin_after_all_changes_nothing_for_the_others(store: SqliteStore) -> None:
    path = FakePath()
    user, older = await come(Users(path, store, share=False), path)  # type: ignore[arg-type]
    newer = Member(path.join(None, [0.1], user.adapters))  # type: ignore[arg-type]
    making_way = user.making_way(newer)
    async with user.arriving:
        await making_way.__aenter__()
        assert not older.seat.learning
        assert not await making_way.__aexit__(KeyError, KeyError(), None)
    assert (older.seat.learning, older.may_learn, newer.seat.learning) == (True, True, False)
    assert user.sessions == [older]


async def test_what_is_reset_while_a_session_begins_is_not_what_it_goes_on_with(store: SqliteStore) -> None:
    store.save("ada", {"fake@7": b"before"})
    path = FakePath()
    users = Users(path, store, share=False)  # type: ignore[arg-type]
    user, _ = await come(users, path)
    newer = Member(path.join(None, [0.1], {"fake@7": b"before"}))  # type: ignore[arg-type]
    async with user.arriving, user.making_way(newer):
        await user.reset("all", None)
    assert newer.seat.profile == {"fake@7": b""}


@pytest.mark.parametrize("locked", [False, True], ids=["before it is told", "before it is written"])
async def test_what_who_leaves_learned_is_kept_also_if_who_comes_gives_up(store: SqliteStore, locked: bool) -> None:
    path = FakePath()
    users = Users(path, store, share=False)  # type: ignore[arg-type]
    user, older = await come(users, path)
    asked, tell, profile = asyncio.Event(), asyncio.Event(), path.profile

    async def late(seat: Seat) -> Profile:
        asked.set()
        await tell.wait()
        return await profile(seat)

    path.profile = late  # type: ignore[method-assign]
    coming = asyncio.create_task(come(users, path))
    await asked.wait()
    if locked:
        await user.changing.acquire()
        tell.set()
        await asyncio.sleep(0)
    path.hold = asyncio.Event()
    leaving = asyncio.create_task(user.leave(older))
    await path.asked_to_leave.get()
    coming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await coming
    tell.set()
    path.hold.set()
    await leaving
    if locked:
        user.changing.release()
    await user.count(older)
    assert store.load("ada").adapters == {"fake@7": b"learned"}


async def test_what_who_leaves_learned_while_something_is_written_is_written_too(store: SqliteStore) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=False), path)  # type: ignore[arg-type]
    writing, go_on, loop, save = asyncio.Event(), threading.Event(), asyncio.get_running_loop(), store.save

    def slow(*arguments: Any, **settings: Any) -> int:
        loop.call_soon_threadsafe(writing.set)
        assert go_on.wait(20)
        return save(*arguments, **settings)

    store.save = slow  # type: ignore[method-assign]
    saving = asyncio.create_task(user.save())
    await writing.wait()
    path.learned = {"fake@7": b"late"}
    await user.leave(member)
    go_on.set()
    await saving
    await user.count(member)
    assert store.load("ada").adapters == {"fake@7": b"late"}


async def test_who_leaves_and_did_not_learn_is_not_waited_for(store: SqliteStore) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=False), path)  # type: ignore[arg-type]
    await user.set_learning(False, None)
    path.hold = asyncio.Event()
    leaving = asyncio.create_task(user.leave(member))
    await path.asked_to_leave.get()
    assert b"learned" in await asyncio.wait_for(user.export(), 20)
    await asyncio.wait_for(user.reset("all", None), 20)
    path.hold.set()
    await leaving
    assert user.adapters == {}


async def test_of_who_goes_and_who_stays_the_latter_learns_after_a_pause(store: SqliteStore) -> None:
    path = FakePath()
    users = Users(path, store, share=False)  # type: ignore[arg-type]
    user, stays = await come(users, path)
    await user.set_learning(False, None)
    _, goes = await come(users, path)
    goes.over = True
    await user.set_learning(True, None)
    assert (stays.seat.learning, stays.may_learn, goes.seat.learning) == (True, True, False)


async def test_a_user_of_whom_too_much_is_learned_can_have_it_forgotten(store: SqliteStore) -> None:
    path = FakePath()
    user, _ = await come(Users(path, store, share=False), path)  # type: ignore[arg-type]
    path.learned = {"fake@7": bytes(MAX_ADAPTER_BYTES + 1)}
    with pytest.raises(TooMuch):
        await user.save()
    await user.reset("all", None)
    assert user.adapters == {}


async def test_a_selection_from_which_nothing_is_learned_is_not_kept(store: SqliteStore) -> None:
    path = FakePath()
    user, _ = await come(Users(path, store, share=True), path)  # type: ignore[arg-type]
    nothing: asyncio.Future[tuple[Profile, bytes]] = asyncio.get_running_loop().create_future()
    nothing.set_result(({}, b""))
    with pytest.raises(NotLearned):
        await user.keep(Selection(0, 1, user.relearned, user.profile.generation, 1, nothing), None)


@pytest.mark.parametrize("here", [True, False], ids=["by the session", "from outside"])
async def test_sessions_follow_what_an_import_says_of_learning(store: SqliteStore, here: bool) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=False), path)  # type: ignore[arg-type]
    for learning in (False, True):
        data = pack(StoredProfile(settings=Settings(learning)))
        if here:
            await user.import_(data, "all", None)
        else:
            store.import_("ada", data)
            await user.refresh()
        assert user.learning is learning
        assert member.seat.learning is learning


async def test_who_took_over_learning_goes_on_with_it_after_a_pause(store: SqliteStore) -> None:
    path = FakePath()
    users = Users(path, store, share=False)  # type: ignore[arg-type]
    user, older = await come(users, path)
    _, newer = await come(users, path)
    assert (older.seat.learning, newer.seat.learning) == (False, True)
    await user.set_learning(False, None)
    assert not newer.seat.learning
    await user.set_learning(True, None)
    assert (older.seat.learning, newer.seat.learning) == (False, True)


class Learners:
    """Sessions of a user who share what they learn, or who take it over, on a real core and a disk that can be full."""

    def __init__(self, store: SqliteStore, *, share: bool) -> None:
        self.store = store
        options = EngineOptions(models=("tests.doubles:Selecting",), device="cpu", slots=4)
        self.path = FramePath(InProcessEngine(options), slots=4, window_s=1_000, on_engine=lambda up: None)
        self.users = Users(self.path, store, share=share)

    async def come(self) -> tuple[User, Member]:
        if not self.path.up:
            await self.path.start()
        user = await self.users.come("ada")
        member = Member(None)  # type: ignore[arg-type]
        member.seat = self.path.join(None, [0.1], user.adapters, shares=user.shared(member))  # type: ignore[arg-type]
        async with user.arriving, user.making_way(member):
            pass
        self.path.scene(member.seat, bytes(MAX_LESSONS * 24), keep_state=False)
        return user, member

    async def fails(self, user: User, selection: Selection) -> None:
        """Cannot write a selection, and takes it out again."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.store, "save", self._full)
            with pytest.raises(StoreError):
                await user.keep(selection, Mark(bytes(16), "never"))
        await user.forgo(selection)

    def _full(self, *_: Any, **__: Any) -> int:
        raise StoreError("the disk is full")

    async def learned(self, member: Member) -> tuple[int, int]:
        """What the engine has, and what the disk has: the sum of the targets of all selections, counted from 1."""
        return _sum(await self.path.profile(member.seat)), _sum(self.store.load("ada").adapters)


def _sum(adapters: Mapping[str, bytes]) -> int:
    data = adapters.get("selecting@1")
    return round(float(load(data)["bias"][0]) / 1000) if data else 0


async def test_a_selection_that_was_kept_stays_when_the_one_before_it_cannot_be(store: SqliteStore) -> None:
    learners = Learners(store, share=False)
    user, member = await learners.come()
    first, second = user.select(member.seat, 0), user.select(member.seat, 1)
    await learners.fails(user, first)
    await user.keep(second, None)
    assert await learners.learned(member) == (2, 2)
    await user.save()
    assert await learners.learned(member) == (2, 2)


async def test_a_selection_that_was_kept_stays_when_another_cannot_be_taken_back(store: SqliteStore) -> None:
    learners = Learners(store, share=False)
    user, member = await learners.come()
    moment = await user.keep(user.select(member.seat, 0), None)
    back, second = user.select(member.seat, 0, moment=moment), user.select(member.seat, 1)
    await learners.fails(user, back)
    await user.keep(second, None)
    await user.save()
    assert await learners.learned(member) == (3, 3)


async def test_a_selection_that_was_reset_before_it_could_not_be_kept_is_not_taken_out_twice(
    store: SqliteStore,
) -> None:
    learners = Learners(store, share=False)
    user, member = await learners.come()
    first = user.select(member.seat, 0)
    await user.reset("all", None)
    second = user.select(member.seat, 1)
    with pytest.raises(Superseded):
        await user.keep(first, None)
    await user.forgo(first)
    await user.keep(second, None)
    await user.save()
    assert await learners.learned(member) == (2, 2)


async def test_a_selection_that_cannot_be_kept_is_taken_out_where_another_session_goes_on(store: SqliteStore) -> None:
    learners = Learners(store, share=False)
    user, older = await learners.come()
    first = user.select(older.seat, 0)
    _, newer = await learners.come()
    await user.keep(user.select(newer.seat, 1), None)
    await user.forgo(first)
    await user.save()
    assert await learners.learned(newer) == (2, 2)


async def test_nothing_is_taken_out_for_a_user_who_was_erased(store: SqliteStore) -> None:
    learners = Learners(store, share=False)
    user, member = await learners.come()
    selection = user.select(member.seat, 0)
    await user.erase(None)
    await user.forgo(selection)
    assert await learners.learned(member) == (0, 0)


async def teach(learners: Learners, lessons: list[tuple[int, str]]) -> None:
    user, first = await learners.come()
    members = first, (await learners.come())[1]
    kept: dict[int, bytes] = {}
    waiting: list[tuple[int, Selection, str]] = []
    for target, (who, how) in enumerate(lessons):
        if how == "saved":
            await user.save()
        elif how == "undone" and kept:
            undone, moment = kept.popitem()
            await user.keep(user.select(members[who].seat, undone, moment=moment), None)
        elif how != "undone":
            waiting.append((target, user.select(members[who].seat, target), how))
        while waiting and (not waiting[-1][2].endswith("late") or target == len(lessons) - 1):
            done, selection, how = waiting.pop()
            if how.startswith("kept"):
                kept[done] = await user.keep(selection, None)
            else:
                await learners.fails(user, selection)
    await user.save()
    expected = sum(target + 1 for target in kept)
    assert await learners.learned(first) == (expected, expected)


HOW = ("kept", "kept late", "fails", "fails late", "undone", "saved")


@given(lessons=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(HOW)), max_size=MAX_LESSONS))
@settings(max_examples=30)
def test_of_selections_of_two_who_learn_together_those_count_that_were_kept(lessons: list[tuple[int, str]]) -> None:
    """Each is of another target; what is late waits for those that are not."""
    with TemporaryDirectory() as folder, closing(SqliteStore(Path(folder) / "profiles.sqlite")) as store:
        store._database.execute("PRAGMA synchronous=OFF")
        asyncio.run(teach(Learners(store, share=True), lessons))

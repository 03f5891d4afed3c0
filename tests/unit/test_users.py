"""Users, on a real store and a path without an engine: who learns, and what of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest

from bridge.frame_path.path import Profile, Seat
from bridge.profiles.export import pack
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import MAX_ADAPTER_BYTES, Settings, StoredProfile, Superseded, TooMuch
from bridge.users import NotLearned, Selection, User, Users
from tests.stand_ins import FakePath


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


async def test_what_could_not_be_kept_is_as_it_was_in_the_engine(store: SqliteStore) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=True), path)  # type: ignore[arg-type]
    await user.forgo(user.select(member.seat, 0))
    assert path.puts == [(member.seat, {"target@7": b""})]
    await user.keep(user.select(member.seat, 0), None)
    await user.forgo(user.select(member.seat, 1))
    assert path.puts[-1] == (member.seat, {"target@7": b"2 0"})


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
    user, member = await come(Users(path, store, share=True), path)  # type: ignore[arg-type]
    nothing: asyncio.Future[tuple[Profile, bytes]] = asyncio.get_running_loop().create_future()
    nothing.set_result(({}, b""))
    with pytest.raises(NotLearned):
        await user.keep(Selection(member.seat, user.relearned, user.profile.generation, 1, nothing), None)


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

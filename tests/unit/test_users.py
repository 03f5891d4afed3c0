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
from bridge.profiles.store import Settings, StoredProfile, Superseded
from bridge.users import NotLearned, Selection, User, Users
from tests.stand_ins import FakePath


class Member:
    """A session, as far as its user knows it."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.may_learn = True
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


async def come(users: Users, path: FakePath) -> tuple[User, Member]:
    user = await users.come("ada")
    member = Member(path.join(None, [0.1], user.adapters, learning=True))  # type: ignore[arg-type]
    user.sessions.append(member)
    return user, member


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


async def test_a_selection_from_which_nothing_is_learned_is_not_kept(store: SqliteStore) -> None:
    path = FakePath()
    user, member = await come(Users(path, store, share=True), path)  # type: ignore[arg-type]
    nothing: asyncio.Future[tuple[Profile, bytes]] = asyncio.get_running_loop().create_future()
    nothing.set_result(({}, b""))
    with pytest.raises(NotLearned):
        await user.keep(Selection(member.seat, user.relearned, user.profile.generation, nothing), None)


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
    assert await user.make_way(True) is None
    _, newer = await come(users, path)
    assert (older.seat.learning, newer.seat.learning) == (False, True)
    await user.set_learning(False, None)
    assert not newer.seat.learning
    await user.set_learning(True, None)
    assert (older.seat.learning, newer.seat.learning) == (False, True)

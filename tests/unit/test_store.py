"""The profile store in an SQLite file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.profiles import store as interface
from bridge.profiles.export import BadExport, pack
from bridge.profiles.items import LIMITS, MAX_ITEM_BYTES, BadItem, Item
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import (
    MAX_ADAPTER_BYTES,
    MAX_ADAPTERS,
    MAX_MARKS,
    Mark,
    ProfileStore,
    Settings,
    StoredProfile,
    StoreError,
    Superseded,
    TooMuch,
    scope_of,
)
from tests.daemons import ROOT

SCOPE = scope_of("secret", "ada", "gallery")
PIECE = 12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


def phrase(key: str, action: str = "fire", app: str = "gallery") -> Item:
    return Item("phrase", app, key, {"action": action}, 1.0)


def tensors(*numbers: float) -> bytes:
    return safetensors.numpy.save({"w": np.asarray(numbers, np.float32)})


def keys(profile: interface.StoredProfile) -> list[str]:
    return [item.key for item in profile.items]


def test_somebody_new_has_an_empty_profile(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "new" / "folder" / "p.sqlite")
    profile = store.load("ada")
    store.close()
    assert profile == interface.StoredProfile()


def test_the_file_is_its_owners(path: Path, store: ProfileStore) -> None:
    store.begin("ada")
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0


def over(store: ProfileStore, user: str, frames: int, seconds: float, adapters: dict[str, bytes]) -> None:
    """A session that came and went."""
    store.begin(user)
    store.save(user, adapters, frames=frames, seconds=seconds)


def test_sessions_add_up_and_models_are_kept_apart(path: Path) -> None:
    store = SqliteStore(path)
    over(store, "ada", 10, 1.5, {"forecast@1": b"one", "target@1": b"two"})
    over(store, "ada", 5, 0.5, {"forecast@2": b"three", "target@1": b"four"})
    over(store, "bob", 1, 0.1, {})
    store.close()
    again = SqliteStore(path)
    ada, bob = again.load("ada"), again.load("bob")
    again.close()
    assert (ada.statistics.sessions, ada.statistics.frames, ada.statistics.seconds) == (2, 15, 2.0)
    assert 0 < ada.statistics.first_seen <= ada.statistics.last_seen
    assert ada.adapters == {"forecast@1": b"one", "forecast@2": b"three", "target@1": b"four"}
    assert (bob.statistics.frames, bob.adapters) == (1, {})


def test_a_session_that_begins_is_told_of_those_before(store: ProfileStore) -> None:
    first = store.begin("ada")
    assert first.statistics.sessions == 0
    assert store.save("ada", {"m@1": b"x"}, frames=7, seconds=0.5, generation=first.generation) == first.generation
    second = store.begin("ada")
    assert (second.statistics.sessions, second.statistics.frames) == (1, 7)
    assert second.generation == first.generation
    assert store.load("ada").statistics.sessions == 2


def test_threads_may_share_it(store: ProfileStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: over(store, "ada", n, 0.0, {f"m@{n}": bytes([n])}), range(40)))
    profile = store.load("ada")
    assert profile.statistics.frames == sum(range(40))
    assert profile.adapters == {f"m@{n}": bytes([n]) for n in range(40)}


def test_a_save_is_written_whole_or_not_at_all(store: ProfileStore) -> None:
    over(store, "ada", 1, 1.0, {"a@1": b"before"})
    with pytest.raises(TooMuch):
        store.save("ada", {"a@1": b"after", "b@1": bytes(MAX_ADAPTER_BYTES)}, frames=1)
    profile = store.load("ada")
    assert (profile.statistics.frames, profile.adapters) == (1, {"a@1": b"before"})


def test_other_versions_go_when_there_is_no_room_for_them_longest_unsaved_first(store: ProfileStore) -> None:
    third = MAX_ADAPTER_BYTES // 3
    for version in range(4):
        store.save("ada", {f"m@{version}": bytes(third)})
    assert list(store.load("ada").adapters) == ["m@1", "m@2", "m@3"]


def test_of_more_versions_than_are_kept_the_longest_unsaved_go_first(store: ProfileStore) -> None:
    for version in range(MAX_ADAPTERS + 2):
        store.save("ada", {f"m@{version}": b"x"})
    assert set(store.load("ada").adapters) == {f"m@{version}" for version in range(2, MAX_ADAPTERS + 2)}
    with pytest.raises(TooMuch, match=f"at most {MAX_ADAPTERS} "):
        store.save("ada", {f"n@{version}": b"x" for version in range(MAX_ADAPTERS + 1)})


def test_what_was_taught_is_kept_replaced_and_forgotten(store: ProfileStore) -> None:
    gesture = Item(
        "gesture", "", "loop", {"device": "right", "examples": [b"\0\1"], "more": {"x": [1, 2.5, None]}}, 3.0
    )
    name = Item("name", "gallery", "kettle", {"name": "Bob"}, 2.0)
    generation = store.put_item("ada", phrase("zap it"))
    for item in (gesture, name, phrase("zap it", app="other")):
        assert store.put_item("ada", item, generation=generation) == generation
    assert store.load("ada").items == [phrase("zap it"), phrase("zap it", app="other"), name, gesture]
    store.put_item("ada", phrase("zap it", "reload"))
    store.remove_item("ada", "name", "gallery", "kettle")
    store.remove_item("ada", "name", "gallery", "nothing")
    store.remove_item("nobody", "name", "gallery", "kettle")
    assert store.load("ada").items == [phrase("zap it", "reload"), phrase("zap it", app="other"), gesture]
    assert store.load("nobody").generation == 0


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Item("song", "a", "k", {}), "kind"),  # type: ignore[arg-type]
        (Item("phrase", "", "k", {}), "app: a phrase belongs to an app"),
        (Item("gesture", "a", "k", {}), "app: a gesture belongs to all apps"),
        (Item("phrase", "a", "", {}), "key"),
        (Item("phrase", "a", "\ud800", {}), "key: cannot be written"),
        (Item("phrase", "a", "k", {"x": object()}), "data.x: object is not plain data"),
        (Item("phrase", "a", "k", {"x": float("nan")}), "data.x"),
        (Item("phrase", "a", "k", {"x": bytes(MAX_ITEM_BYTES)}), "data: "),
        (Item("phrase", "a", "k", {}, float("inf")), "when"),
    ],
)
def test_what_is_no_item_is_refused(store: ProfileStore, item: Item, words: str) -> None:
    with pytest.raises(BadItem) as refused:
        store.put_item("ada", item)
    assert words in str(refused.value)
    assert store.users() == []


def test_limits_hold_for_each_kind_and_app(store: ProfileStore) -> None:
    generation = store.begin("ada").generation
    for number in range(LIMITS["gesture"]):
        store.put_item("ada", Item("gesture", "", f"g{number}", {}))
    with pytest.raises(TooMuch, match=f"{LIMITS['gesture']} of kind gesture"):
        store.put_item("ada", Item("gesture", "", "more", {}))
    store.put_item("ada", Item("gesture", "", "g3", {"device": "head"}))
    store.put_item("ada", phrase("zap"), generation=generation)
    assert len(store.load("ada").items) == LIMITS["gesture"] + 1


def test_what_is_kept_of_a_user_always_fits_into_an_export(store: ProfileStore) -> None:
    store.save("ada", {"m@1": tensors(*[1.0] * (MAX_ADAPTER_BYTES // 4 - 100))})
    big = [Item("phrase", "a", f"{number}", {"x": bytes(64 * 1024)}) for number in range(8)]
    for item in big[:-1]:
        store.put_item("ada", item)
    with pytest.raises(TooMuch, match="bytes were taught"):
        store.put_item("ada", big[-1])
    store.import_("bob", store.export("ada"))
    assert store.load("bob").items == store.load("ada").items


def test_many_small_items_fit_into_an_export_too(store: ProfileStore) -> None:
    items = [Item("name", f"{app}", f"{key}", {"name": "B"}, 1.0) for app in range(17) for key in range(LIMITS["name"])]
    store.import_("ada", pack(StoredProfile(items=items)))
    store.import_("bob", store.export("ada"))
    assert len(store.load("bob").items) == len(items)


def test_learning_is_a_setting(store: ProfileStore) -> None:
    generation = store.set_learning("ada", False)
    assert store.load("ada").settings == Settings(learning=False)
    assert store.set_learning("ada", True, generation=generation) == generation
    assert store.load("ada").settings.learning


def test_a_reset_takes_every_version_of_its_model_and_leaves_the_rest(store: ProfileStore) -> None:
    everything = {f"{model}@{version}": b"x" for model in ("forecast", "target", "gesture") for version in "12"}
    store.begin("ada")
    store.save("ada", everything, frames=5)
    store.set_learning("ada", False)
    store.put_item("ada", phrase("zap"))
    store.put_item("ada", Item("gesture", "", "loop", {}))
    store.reset("ada", "forecast")
    assert set(store.load("ada").adapters) == {"target@1", "target@2", "gesture@1", "gesture@2"}
    store.reset("ada", "gesture")
    assert (set(store.load("ada").adapters), keys(store.load("ada"))) == ({"target@1", "target@2"}, ["zap"])
    store.reset("ada", "all")
    profile = store.load("ada")
    assert (profile.adapters, profile.items) == ({}, [])
    assert (profile.statistics.sessions, profile.statistics.frames, profile.settings.learning) == (1, 5, False)
    assert store.reset("nobody", "all") == 0
    assert store.load("nobody").generation == 0


def test_what_was_reset_is_not_saved_again_by_who_still_holds_it(path: Path, store: ProfileStore) -> None:
    ada, bob = store.begin("ada").generation, store.begin("bob").generation
    other = SqliteStore(path)
    now = other.reset("ada", "forecast")
    other.close()
    calls: list[Any] = [
        lambda: store.save("ada", {"forecast@1": b"old"}, generation=ada),
        lambda: store.put_item("ada", phrase("zap"), generation=ada),
        lambda: store.remove_item("ada", "phrase", "gallery", "zap", generation=ada),
        lambda: store.set_learning("ada", False, generation=ada),
    ]
    for call in calls:
        with pytest.raises(Superseded, match="'ada'") as superseded:
            call()
        assert superseded.value.generation == now
    assert store.load("ada").adapters == {}
    assert store.superseded({"ada": ada, "bob": bob, "nobody": 0}) == {"ada": now}
    assert store.save("ada", {"forecast@1": b"new"}, generation=now) == now


def test_who_was_erased_is_nobody_and_comes_back_as_somebody_new(store: ProfileStore) -> None:
    before = store.begin("ada").generation
    assert store.erase("ada") == 0
    assert store.superseded({"ada": before}) == {"ada": 0}
    with pytest.raises(Superseded):
        store.save("ada", {"m@1": b"old"}, generation=before)
    after = store.save("ada", {"m@1": b"new"}, generation=0)
    assert after not in (0, before)
    with pytest.raises(Superseded):
        store.save("ada", {"m@1": b"old"}, generation=before)
    assert store.load("ada").adapters == {"m@1": b"new"}


def test_an_export_is_imported_whole(store: ProfileStore) -> None:
    store.begin("lovelace")
    store.save("lovelace", {"forecast@1": tensors(1, 2), "target@1": tensors(3)}, frames=9, seconds=2.0)
    store.set_learning("lovelace", False)
    store.put_item("lovelace", phrase("zap"))
    exported = store.export("lovelace")
    assert b"lovelace" not in exported
    store.put_item("bob", phrase("boo"))
    bob = store.load("bob").generation
    now = store.import_("bob", exported)
    given, got = store.load("lovelace"), store.load("bob")
    assert now == got.generation != bob
    assert {**asdict(got), "generation": 0} == {**asdict(given), "generation": 0}


def test_one_kind_is_imported_and_the_rest_stays(store: ProfileStore) -> None:
    store.save("ada", {"forecast@1": tensors(1), "target@1": tensors(2)})
    store.put_item("ada", phrase("zap"))
    exported = store.export("ada")
    store.save("bob", {"forecast@9": tensors(3), "target@1": tensors(4)}, frames=3)
    store.put_item("bob", phrase("boo"))
    store.import_("bob", exported, "forecast")
    assert store.load("bob").adapters == {"forecast@1": tensors(1), "target@1": tensors(4)}
    assert keys(store.load("bob")) == ["boo"]
    store.import_("bob", exported, "phrase")
    assert keys(store.load("bob")) == ["zap"]
    assert store.load("bob").statistics.frames == 3


def test_what_is_no_export_changes_nothing(store: ProfileStore) -> None:
    store.put_item("ada", phrase("zap"))
    before = store.load("ada")
    for data in (b"", b"nonsense", store.export("ada")[:-1]):
        with pytest.raises(BadExport):
            store.import_("ada", data)
        with pytest.raises(BadExport):
            store.import_("nobody", data)
    assert store.load("ada") == before
    assert [user.user for user in store.users()] == ["ada"]


def test_what_was_applied_is_applied_once(store: ProfileStore) -> None:
    def mark(number: int) -> Mark:
        return Mark(SCOPE, f"m{number}")

    store.put_item("ada", phrase("zap", "fire"), mark=mark(1))
    store.put_item("ada", phrase("zap", "reload"), mark=mark(1))
    store.remove_item("ada", "phrase", "gallery", "zap", mark=mark(1))
    store.set_learning("ada", False, mark=mark(1))
    generation = store.reset("ada", "all", mark=mark(1))
    assert store.load("ada").items == [phrase("zap", "fire")]
    assert store.load("ada").settings.learning
    exported = store.export("ada")
    store.erase("ada", mark=mark(1))
    assert store.import_("ada", exported, mark=mark(1)) == generation
    store.save("ada", {}, frames=1, marks=[mark(1), mark(2)])
    store.add_marks([mark(3)])
    assert store.load("ada").statistics.frames == 1
    applied = store.was_applied(SCOPE)
    assert [f"m{number}" in applied for number in range(1, 5)] == [True, True, True, False]
    for other in (("another", "ada", "gallery"), ("secret", "eve", "gallery"), ("secret", "ada", "other")):
        assert len(store.was_applied(scope_of(*other))) == 0
    assert scope_of("a", "bc", "d") != scope_of("ab", "c", "d")
    assert None not in applied


def test_a_call_that_changed_nothing_left_no_mark(store: ProfileStore) -> None:
    generation = store.begin("ada").generation
    store.reset("ada", "all")
    with pytest.raises(Superseded):
        store.put_item("ada", phrase("zap"), generation=generation, mark=Mark(SCOPE, "m"))
    with pytest.raises(Superseded):
        store.save("ada", {}, generation=generation, marks=[Mark(SCOPE, "m")])
    assert "m" not in store.was_applied(SCOPE)


def test_marks_are_kept_for_a_day_and_4096_of_them(store: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1e9
    monkeypatch.setattr("time.time", lambda: now)
    store.add_marks([Mark(SCOPE, f"{number}") for number in range(MAX_MARKS + 2)])
    applied = store.was_applied(SCOPE)
    assert len(applied) == MAX_MARKS
    assert ["1" in applied, "2" in applied, f"{MAX_MARKS + 1}" in applied] == [False, True, True]
    now += 86_401
    assert len(store.was_applied(SCOPE)) == 0
    store.add_marks([Mark(SCOPE, "later")])
    now -= 86_401
    assert len(store.was_applied(SCOPE)) == 1


STUB = interface.Stub(interface.token_of("secret", "gallery"), "9f3c01ab")


def test_a_stub_is_there_in_the_next_run_until_its_session_or_its_user_is_gone(path: Path, store: ProfileStore) -> None:
    assert store.begin("ada", STUB).statistics.sessions == 0
    assert store.stub("ada", STUB.token) is None, "nothing goes on in the run that it is in"
    second = SqliteStore(path)
    assert second.stub("ada", STUB.token) == STUB
    assert second.stub("eve", STUB.token) is None
    assert second.stub("ada", interface.token_of("secret", "other")) is None
    again = second.begin("ada", STUB, again=True)
    assert (again.statistics.sessions, second.load("ada").statistics.sessions) == (0, 1)
    assert second.stub("ada", STUB.token) is None
    assert store.stub("ada", STUB.token) == STUB
    second.drop_old_stubs(-1)
    store.drop_stub(STUB.token)
    assert store.stub("ada", STUB.token) == STUB, "it went on in the second run, whose it is"
    second.drop_stub(STUB.token)
    assert store.stub("ada", STUB.token) is None
    store.begin("ada", STUB)
    second.drop_old_stubs(-1)
    assert second.stub("ada", STUB.token) is None
    store.begin("ada", STUB)
    store.erase("ada")
    assert second.stub("ada", STUB.token) is None
    second.close()


def test_stubs_of_a_daemon_that_serves_at_the_same_time_are_left_alone(
    path: Path, store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1e9
    monkeypatch.setattr("time.time", lambda: now)
    gone, gone_stub = SqliteStore(path), interface.Stub(interface.token_of("other", "gallery"), "00000001")
    gone.begin("eve", gone_stub)
    gone.close()
    store.begin("ada", STUB)
    second = SqliteStore(path)
    now += 50
    store.keep_stubs()
    now += 50
    second.drop_old_stubs(90)
    assert second.stub("ada", STUB.token) == STUB
    assert second.stub("eve", gone_stub.token) is None
    now += 100
    second.drop_old_stubs(90)
    assert second.stub("ada", STUB.token) is None
    second.close()


def test_totals(path: Path, store: ProfileStore) -> None:
    over(store, "bob", 10, 2.0, {"m@1": b"1234"})
    over(store, "ada", 5, 1.0, {"m@1": b"12", "m@2": b"3"})
    store.put_item("ada", phrase("zap"))
    ada, bob = store.users()
    assert (ada.user, ada.adapters, dict(ada.items)) == ("ada", {"m@1": 2, "m@2": 1}, {"phrase": 1})
    assert (bob.user, bob.bytes, bob.statistics.frames) == ("bob", 4, 10)
    totals = store.stats()
    assert (totals.users, totals.sessions, totals.frames, totals.seconds) == (2, 2, 15, 3.0)
    assert (dict(totals.adapters), dict(totals.items)) == ({"m@1": 2, "m@2": 1}, {"phrase": 1})
    assert totals.bytes == ada.bytes + bob.bytes
    assert totals.file_bytes > path.stat().st_size
    assert store.check() == []


FILE_BYTES = """
import sys, pathlib
path = pathlib.Path(sys.argv[1])
for file in sorted(path.parent.iterdir()):
    if file.name.startswith(path.name):
        sys.stdout.buffer.write(file.read_bytes())
"""


def all_bytes(path: Path) -> bytes:
    """What is in the database and its journals. Read elsewhere: closing a file ends this process's locks on it."""
    return subprocess.run([sys.executable, "-c", FILE_BYTES, str(path)], capture_output=True, check=True).stdout


def churn(store: SqliteStore, seed: int, victim: str) -> set[bytes]:
    """Rows of all sizes come, go and grow, so that pages split and merge; returns all that was kept of the victim, in
    pieces of ``PIECE`` bytes."""
    chance = np.random.default_rng(seed)
    users = [*(f"user{number}" for number in range(11)), victim]
    pieces: set[bytes] = set()
    for _ in range(600):
        user, key = users[chance.integers(12)], f"phrase {chance.integers(30)}"
        if chance.random() < 0.3:
            store.remove_item(user, "phrase", "a", key)
            continue
        data = chance.bytes(int(chance.integers(20, 1200)))
        adapters = chance.random() < 0.05
        if adapters:
            data *= 8
            store.save(user, {f"m@{chance.integers(3)}": data})
        else:
            store.put_item(user, Item("phrase", "a", key, {"x": data}))
        if user == victim:
            pieces |= {data[at : at + PIECE] for at in range(0, len(data) - PIECE + 1, PIECE)}
    return pieces


def found(pieces: set[bytes], path: Path) -> int:
    data = all_bytes(path)
    return sum(data[at : at + PIECE] in pieces for at in range(len(data) - PIECE + 1))


@pytest.mark.parametrize("seed", range(4))
def test_an_erase_leaves_no_byte_while_others_read_and_write(path: Path, store: SqliteStore, seed: int) -> None:
    victim = "ada-lovelace"
    store._database.execute("PRAGMA synchronous=OFF")
    pieces = churn(store, seed, victim) | {victim.encode()[:PIECE]}
    store.put_item(victim, phrase("zap", app=victim), mark=Mark(SCOPE, victim))
    assert found(pieces, path) > 100

    other, begun, over = SqliteStore(path), threading.Event(), threading.Event()
    other._database.execute("PRAGMA synchronous=OFF")

    def busy() -> None:
        while not over.is_set():
            other.save("user1", {"m@9": b"others go on"})
            assert other.load("user2").items
            begun.set()

    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(busy)
        try:
            assert begun.wait(60)
            store.erase(victim, mark=Mark(SCOPE, f"erase {victim}"))
        finally:
            over.set()
        others.result()
    assert found(pieces, path) == 0
    assert f"erase {victim}" in store.was_applied(SCOPE)
    assert len(store.users()) == 11
    assert other.load("user1").adapters["m@9"] == b"others go on"
    assert store.check() == []
    other.close()


class Rewriting:
    """Holds every rewriting of a file up, at a moment at which nobody else may write, until it is let go."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.writes, self.go = threading.Event(), threading.Event(), threading.Event()
        self.times = 0
        held = self

        class Connection(sqlite3.Connection):
            def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
                if statement == "VACUUM":
                    held.times += 1
                    self.set_progress_handler(held.hold, 1)
                elif statement == "BEGIN IMMEDIATE" and held.begun.is_set():
                    held.writes.set()
                return super().execute(statement, *parameters)

        self._probe = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Connection))

    def hold(self) -> int:
        if not self.go.is_set():
            try:
                self._probe.execute("BEGIN IMMEDIATE")
                self._probe.execute("ROLLBACK")
            except sqlite3.OperationalError:
                self.begun.set()
                self.go.wait(60)
        return 0

    def close(self) -> None:
        self.go.set()
        self._probe.close()


@pytest.fixture
def rewriting(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rewriting]:
    SqliteStore(path).close()
    held = Rewriting(path, monkeypatch)
    yield held
    held.close()


def test_who_reads_does_not_wait_for_an_erase_nor_for_who_waits_for_it(path: Path, rewriting: Rewriting) -> None:
    store = SqliteStore(path)
    store.put_item("ada", phrase("zap"))
    store.put_item("bob", phrase("boo"))
    with ThreadPoolExecutor(3) as pool:
        erase = pool.submit(store.erase, "ada")
        try:
            assert rewriting.begun.wait(60)
            begins = pool.submit(store.begin, "bob")
            assert rewriting.writes.wait(60)
            assert keys(pool.submit(store.load, "bob").result(20)) == ["boo"]
            assert not erase.done()
            assert not begins.done()
        finally:
            rewriting.go.set()
        assert (erase.result(60), keys(begins.result(60))) == (0, ["boo"])
    store.close()
    assert b"zap" not in all_bytes(path)


def test_an_erase_of_nobody_does_not_rewrite_the_file_unless_one_is_unfinished(
    path: Path, rewriting: Rewriting, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewriting.go.set()
    store = SqliteStore(path)
    store.begin("ada")
    store.erase("ada")
    assert rewriting.times == 1
    store.erase("ada", mark=Mark(SCOPE, "again"))
    store.erase("nobody")
    assert rewriting.times == 1
    assert "again" in store.was_applied(SCOPE)
    store.begin("ada")
    with monkeypatch.context() as cut:
        cut.setattr(SqliteStore, "_clean", lambda self: None)
        store.erase("ada")
    store.erase("ada")
    assert rewriting.times == 2
    store.close()


def test_erases_at_once_share_a_rewriting(path: Path, rewriting: Rewriting, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [f"user{number}" for number in range(6)]
    store = SqliteStore(path)
    for user in users:
        store.begin(user)
    with monkeypatch.context() as cut:
        cut.setattr(SqliteStore, "_clean", lambda self: None)
        for user in users[1:]:
            store.erase(user)
    with ThreadPoolExecutor(len(users)) as pool:
        erases = [pool.submit(store.erase, user) for user in users]
        assert rewriting.begun.wait(60)
        rewriting.go.set()
        for erase in erases:
            erase.result(60)
    assert rewriting.times <= 2
    store.close()
    assert not any(user.encode() in all_bytes(path) for user in users)


def test_an_erase_that_was_cut_short_is_finished_when_the_store_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = SqliteStore(path)
    cut.save("ada-lovelace", {"m@1": b"secret" * 100})
    monkeypatch.setattr(SqliteStore, "_clean", lambda self: None)
    cut.erase("ada-lovelace")
    monkeypatch.undo()
    assert b"ada-lovelace" in all_bytes(path)
    store = SqliteStore(path)
    left = all_bytes(path)
    store.close()
    cut.close()
    assert b"ada-lovelace" not in left
    assert b"secret" not in left


NO_ROOM = """
import resource, sys
from pathlib import Path
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import StoreError

# No file may grow beyond what this one has: SQLite is told what it is told on a disk that is full.
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2,) * 2)
store = SqliteStore(path)
assert store.load("bob").adapters["m@1"]
store.begin("cleo")
try:
    store.erase("cleo")
except StoreError as error:
    print(error)
store.close()
"""


def unfinished_erases(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT erased - cleaned FROM counters").fetchone()[0])


def test_an_erase_that_cannot_be_finished_keeps_nobody_from_the_store(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path)
    store.put_item("lovelace", phrase("zap"))
    for user in ("bob", "eve"):
        store.save(user, {"m@1": bytes(400_000)})
    with monkeypatch.context() as cut:
        cut.setattr(SqliteStore, "_clean", lambda self: None)
        store.erase("lovelace")
    store.close()
    full = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert full.returncode == 0, full.stderr
    assert "an erase could not be finished" in full.stdout
    assert "make room on the disk" in full.stderr
    assert unfinished_erases(path) == 2
    SqliteStore(path).close()
    assert unfinished_erases(path) == 0
    assert b"lovelace" not in all_bytes(path)


def test_an_erase_that_a_reader_holds_up_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(path, busy_s=0.01)
    store.begin("lovelace")
    monkeypatch.setattr("bridge.profiles.sqlite._CLEAN_S", 0.0)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM users").fetchall()
    with pytest.raises(StoreError, match="could not be finished"):
        store.erase("lovelace")
    assert store.load("lovelace").generation == 0
    reader.execute("COMMIT")
    reader.close()
    store.erase("lovelace")
    assert b"lovelace" not in all_bytes(path)
    store.close()


VERSION_1 = """
CREATE TABLE users (user TEXT PRIMARY KEY, statistics BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE adapters (
    user TEXT NOT NULL, model TEXT NOT NULL, tensors BLOB NOT NULL, PRIMARY KEY (user, model)
) WITHOUT ROWID;
PRAGMA user_version=1;
"""


def write_version_1(path: Path, statistics: bytes) -> None:
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("PRAGMA journal_mode=WAL")
    old.executescript(VERSION_1)
    old.execute("INSERT INTO users VALUES ('ada', ?)", (statistics,))
    old.execute("INSERT INTO adapters VALUES ('ada', 'm@1', x'01'), ('ada', 'm@2', x'02')")
    old.close()


def test_a_file_of_version_1_is_brought_to_this_version(path: Path) -> None:
    write_version_1(path, msgpack.packb({"sessions": 3, "frames": 40, "seconds": 5.5, "last_seen": 99.0}))
    store = SqliteStore(path)
    profile = store.load("ada")
    store.put_item("ada", phrase("zap"), generation=profile.generation)
    generation = store.begin("bob").generation
    store.close()
    assert asdict(profile.statistics) == {
        "sessions": 3, "frames": 40, "seconds": 5.5, "first_seen": 99.0, "last_seen": 99.0,
    }  # fmt: skip
    assert profile.adapters == {"m@1": b"\1", "m@2": b"\2"}
    assert (profile.settings, profile.items) == (Settings(learning=True), [])
    assert 0 != generation != profile.generation != 0
    again = SqliteStore(path)
    assert (keys(again.load("ada")), again.check()) == (["zap"], [])
    again.close()


def test_a_file_of_version_2_is_brought_to_this_version(path: Path) -> None:
    store = SqliteStore(path)
    store.begin("ada")
    store.put_item("ada", phrase("zap it"))
    store.close()
    old = sqlite3.connect(path)
    old.executescript("DROP TABLE stubs; PRAGMA user_version=2;")
    old.close()
    store = SqliteStore(path)
    store.begin("ada", STUB)
    assert keys(store.load("ada")) == ["zap it"]
    store.close()


def test_a_file_of_version_3_is_brought_to_this_version(path: Path) -> None:
    store = SqliteStore(path)
    store.begin("ada", STUB)
    store.close()
    old = sqlite3.connect(path)
    old.executescript("ALTER TABLE stubs DROP COLUMN seen; PRAGMA user_version=3;")
    old.close()
    store = SqliteStore(path)
    assert store.stub("ada", STUB.token) == STUB
    assert store.begin("ada", STUB, again=True).statistics.sessions == 0
    store.drop_old_stubs(0)
    store.close()
    store = SqliteStore(path)
    assert store.stub("ada", STUB.token) == STUB
    store.close()


def test_a_file_of_version_1_that_cannot_be_read_stays_as_it_is(path: Path) -> None:
    write_version_1(path, b"\xc1")
    with pytest.raises(StoreError, match="'ada', of version 1"):
        SqliteStore(path)
    old = sqlite3.connect(path)
    assert old.execute("PRAGMA user_version").fetchone() == (1,)
    assert old.execute("SELECT statistics FROM users").fetchone() == (b"\xc1",)
    old.close()


def test_many_may_open_a_file_of_version_1_at_once(path: Path) -> None:
    write_version_1(path, msgpack.packb({"sessions": 3, "frames": 40, "seconds": 5.5, "last_seen": 99.0}))
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: SqliteStore(path), range(8)))
    for store in stores:
        assert store.load("ada").statistics.sessions == 3
        store.close()


def test_a_new_file_that_somebody_else_opens_at_the_same_moment_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = []

    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            try:
                return super().execute(statement, *parameters)
            except sqlite3.OperationalError:
                refused.append(statement)
                other.execute("COMMIT")
                raise

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Connection))
        store = SqliteStore(path)
    store.begin("ada")
    store.close()
    other.close()
    assert refused == ["PRAGMA journal_mode=WAL"]


def test_a_new_file_that_somebody_else_keeps_is_not_waited_for_for_ever(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        SqliteStore(path, busy_s=0.01)
    other.close()


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, it is only a text of some length " * 20)
    with pytest.raises(StoreError, match="text"):
        SqliteStore(tmp_path / "text")
    with pytest.raises(StoreError, match="cannot be used"):
        SqliteStore(tmp_path / "text" / "below a file")
    with pytest.raises(StoreError, match="cannot be used"):
        SqliteStore(Path("/proc/no folder can be made here/p.sqlite"))
    with pytest.raises(StoreError, match="no such file"):
        SqliteStore(tmp_path / "absent", create=False)
    assert not (tmp_path / "absent").exists()
    for name, statement in (("newer", "PRAGMA user_version=9"), ("foreign", "CREATE TABLE mine (x)")):
        database = sqlite3.connect(tmp_path / name)
        database.execute(statement)
        database.close()
    with pytest.raises(StoreError, match="version 9"):
        SqliteStore(tmp_path / "newer")
    with pytest.raises(StoreError, match="something else"):
        SqliteStore(tmp_path / "foreign")


def test_a_file_that_was_damaged_is_told(path: Path) -> None:
    store = SqliteStore(path)
    for number in range(50):
        store.save(f"user{number}", {"m@1": bytes(3000)})
    store.close()
    damaged = bytearray(path.read_bytes())
    damaged[8192:] = b"\xa5" * (len(damaged) - 8192)
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match=r"p\.sqlite: cannot be used"):
        SqliteStore(path).users()


def test_a_disk_that_is_full_is_told_and_nothing_is_lost(path: Path, store: SqliteStore) -> None:
    store.save("ada", {"m@1": b"before"})
    # The file may not grow any further, which SQLite tells in the words of a full disk.
    database = store._database
    database.execute("PRAGMA max_page_count=1")
    with pytest.raises(StoreError, match=r"p\.sqlite: .*full"):
        store.save("ada", {"m@1": bytes(MAX_ADAPTER_BYTES)})
    database.execute("PRAGMA max_page_count=100000")
    assert store.load("ada").adapters == {"m@1": b"before"}
    store.save("ada", {"m@1": b"after"})
    assert store.load("ada").adapters == {"m@1": b"after"}


def test_a_file_that_others_hold_is_told(path: Path) -> None:
    store = SqliteStore(path, busy_s=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.begin("ada")
    other.execute("ROLLBACK")
    other.close()
    store.begin("ada")
    store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        SqliteStore(tmp_path / "p.sqlite")
    tmp_path.chmod(0o700)


USERS = st.sampled_from(["ada", "bob", "cleo"])
MODELS = st.sampled_from(["forecast@1", "forecast@2", "target@1", "gesture@1"])
KINDS = st.sampled_from(["all", "forecast", "target", "gesture", "phrase", "name"])
ITEMS = st.builds(
    lambda kind, app, key, number: Item(kind, "" if kind == "gesture" else app, key, {"n": number}, float(number)),
    st.sampled_from(["phrase", "name", "gesture"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["x", "y", "Ünï"]),
    st.integers(0, 9),
)


class Model(RuleBasedStateMachine):
    """Any calls in any order leave what the same calls leave in plain dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "p.sqlite"
        self.store = SqliteStore(self.path)
        self.store._database.execute("PRAGMA synchronous=OFF")
        self.adapters: dict[str, dict[str, bytes]] = {}
        self.items: dict[str, dict[tuple[str, str, str], Item]] = {}
        self.counted: dict[str, list[int]] = {}
        self.learning: dict[str, bool] = {}
        self.held: dict[str, int] = {}
        self.stale: set[str] = set()
        self.exports: list[tuple[bytes, dict[str, bytes], dict[Any, Item], list[int], bool]] = []

    def there(self, user: str) -> None:
        self.adapters.setdefault(user, {})
        self.items.setdefault(user, {})
        self.counted.setdefault(user, [0, 0])
        self.learning.setdefault(user, True)

    @rule(user=USERS)
    def begin(self, user: str) -> None:
        earlier = self.counted.get(user, [0, 0])[0]
        profile = self.store.begin(user)
        assert profile.statistics.sessions == earlier
        self.there(user)
        self.counted[user][0] += 1
        self.held[user] = profile.generation
        self.stale.discard(user)

    @rule(user=USERS, model=MODELS, number=st.integers(0, 9), frames=st.integers(0, 100))
    def save(self, user: str, model: str, number: int, frames: int) -> None:
        generation = self.held.get(user)
        if user in self.stale:
            with pytest.raises(Superseded):
                self.store.save(user, {model: tensors(number)}, frames=frames, generation=generation)
            return
        self.store.save(user, {model: tensors(number)}, frames=frames, generation=generation)
        self.there(user)
        self.adapters[user][model] = tensors(number)
        self.counted[user][1] += frames

    @rule(user=USERS, item=ITEMS)
    def put(self, user: str, item: Item) -> None:
        self.store.put_item(user, item)
        self.there(user)
        self.items[user][item.kind, item.app, item.key] = item

    @rule(user=USERS, item=ITEMS)
    def remove(self, user: str, item: Item) -> None:
        self.store.remove_item(user, item.kind, item.app, item.key)
        self.items.get(user, {}).pop((item.kind, item.app, item.key), None)

    @rule(user=USERS, learning=st.booleans())
    def set_learning(self, user: str, learning: bool) -> None:
        self.store.set_learning(user, learning)
        self.there(user)
        self.learning[user] = learning

    def forget(self, user: str, kind: str) -> None:
        self.adapters[user] = {
            name: data for name, data in self.adapters[user].items() if kind not in ("all", name.split("@")[0])
        }
        self.items[user] = {at: item for at, item in self.items[user].items() if kind not in ("all", item.kind)}

    @rule(user=USERS, kind=KINDS)
    def reset(self, user: str, kind: Any) -> None:
        self.store.reset(user, kind)
        if user in self.adapters:
            self.forget(user, kind)
            self.supersede(user)

    @rule(user=USERS)
    def erase(self, user: str) -> None:
        self.store.erase(user)
        for part in (self.adapters, self.items, self.counted, self.learning):
            part.pop(user, None)  # type: ignore[attr-defined]
        self.supersede(user)

    def supersede(self, user: str) -> None:
        if user in self.held:
            self.stale.add(user)

    @rule(user=USERS)
    def export(self, user: str) -> None:
        if user in self.adapters:
            kept = dict(self.adapters[user]), dict(self.items[user]), list(self.counted[user]), self.learning[user]
            self.exports.append((self.store.export(user), *kept))

    @rule(user=USERS, kind=KINDS, at=st.integers(0, 5))
    def import_(self, user: str, kind: Any, at: int) -> None:
        if not self.exports:
            return
        data, adapters, items, counted, learning = self.exports[at % len(self.exports)]
        self.store.import_(user, data, kind)
        self.there(user)
        self.forget(user, kind)
        self.supersede(user)
        self.adapters[user].update({n: d for n, d in adapters.items() if kind in ("all", n.split("@")[0])})
        self.items[user].update({at: item for at, item in items.items() if kind in ("all", item.kind)})
        if kind == "all":
            self.counted[user], self.learning[user] = list(counted), learning

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path)
        self.store._database.execute("PRAGMA synchronous=OFF")

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        assert [user.user for user in self.store.users()] == sorted(self.adapters)
        for user, adapters in self.adapters.items():
            profile = self.store.load(user)
            assert profile.adapters == adapters
            assert {(item.kind, item.app, item.key): item for item in profile.items} == self.items[user]
            assert [profile.statistics.sessions, profile.statistics.frames] == self.counted[user]
            assert profile.settings.learning == self.learning[user]
        assert set(self.store.superseded(self.held)) == self.stale

    def teardown(self) -> None:
        assert self.store.check() == []
        self.store.close()
        self.folder.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

"""The profile store."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import MAX_ADAPTER_BYTES, StoreError, TooMuch


def test_somebody_new_has_an_empty_profile(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "new" / "folder" / "p.sqlite")
    profile = store.load("ada")
    store.close()
    assert (profile.statistics.sessions, profile.adapters) == (0, {})


def test_sessions_add_up_and_models_are_kept_apart(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "p.sqlite")
    store.add_session("ada", 10, 1.5, {"forecast@1": b"one", "target@1": b"two"})
    store.add_session("ada", 5, 0.5, {"forecast@2": b"three", "target@1": b"four"})
    store.add_session("bob", 1, 0.1, {})
    store.close()
    again = SqliteStore(tmp_path / "p.sqlite")
    ada, bob = again.load("ada"), again.load("bob")
    again.close()
    assert (ada.statistics.sessions, ada.statistics.frames, ada.statistics.seconds) == (2, 15, 2.0)
    assert ada.statistics.last_seen > 0
    assert ada.adapters == {"forecast@1": b"one", "forecast@2": b"three", "target@1": b"four"}
    assert (bob.statistics.frames, bob.adapters) == (1, {})


def test_threads_may_share_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "p.sqlite")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.add_session("ada", n, 0.0, {f"m@{n}": bytes([n])}), range(40)))
    profile = store.load("ada")
    store.close()
    assert profile.statistics.frames == sum(range(40))
    assert profile.adapters == {f"m@{n}": bytes([n]) for n in range(40)}


def test_a_session_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "p.sqlite")
    store.add_session("ada", 1, 1.0, {"a@1": b"before"})
    with pytest.raises(TooMuch):
        store.add_session("ada", 1, 1.0, {"a@1": b"after", "b@1": bytes(MAX_ADAPTER_BYTES)})
    profile = store.load("ada")
    store.close()
    assert (profile.statistics.sessions, profile.adapters) == (1, {"a@1": b"before"})


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, it is only a text of some length " * 20)
    with pytest.raises(StoreError, match="text"):
        SqliteStore(tmp_path / "text")
    with pytest.raises(StoreError, match="cannot be used"):
        SqliteStore(tmp_path / "text" / "below a file")
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version=9")
    newer.close()
    with pytest.raises(StoreError, match="version 9"):
        SqliteStore(tmp_path / "newer")

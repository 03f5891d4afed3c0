"""Where profiles are kept: an SQLite database, one transaction a change.

What is stored of a user is data only: adapters as safetensors, kept apart by model and version, and statistics as
msgpack. Every call opens no more than a transaction and may block on the disk, so none is made on the event loop.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (user TEXT PRIMARY KEY, statistics BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS adapters (
    user TEXT NOT NULL, model TEXT NOT NULL, tensors BLOB NOT NULL, PRIMARY KEY (user, model)
) WITHOUT ROWID;
"""
_VERSION = 1


class StoreError(RuntimeError):
    """The store cannot be used; the message says which file and why."""


@dataclass
class Statistics:
    """What is counted of a user: sessions, answered frames, seconds connected, Unix time of the last leave."""

    sessions: int = 0
    frames: int = 0
    seconds: float = 0.0
    last_seen: float = 0.0


@dataclass
class StoredProfile:
    """All that is stored of a user; ``adapters`` maps ``model@version`` to safetensors."""

    statistics: Statistics = field(default_factory=Statistics)
    adapters: dict[str, bytes] = field(default_factory=dict)


class ProfileStore:
    """Profiles in one file. Threads may share it.

    Args:
        path: made, with its folder, if it is not there.

    Raises:
        StoreError: the file is no store of this version, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise StoreError(f"{path}: a profile store of version {version}; this daemon reads version {_VERSION}")
            self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: cannot be used as a profile store: {error}") from error

    def load(self, user: str) -> StoredProfile:
        """A user's profile, an empty one for somebody new."""
        with self._lock:
            row = self._database.execute("SELECT statistics FROM users WHERE user = ?", (user,)).fetchone()
            adapters = dict(
                self._database.execute("SELECT model, tensors FROM adapters WHERE user = ?", (user,)).fetchall()
            )
        return StoredProfile(Statistics(**msgpack.unpackb(row[0])) if row else Statistics(), adapters)

    def add_session(self, user: str, frames: int, seconds: float, adapters: Mapping[str, bytes]) -> None:
        """Counts a session, and replaces the adapters of the models that it learned for, all or nothing."""
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            row = self._database.execute("SELECT statistics FROM users WHERE user = ?", (user,)).fetchone()
            statistics = Statistics(**msgpack.unpackb(row[0])) if row else Statistics()
            statistics.sessions += 1
            statistics.frames += frames
            statistics.seconds += seconds
            statistics.last_seen = time.time()
            self._database.execute(
                "INSERT OR REPLACE INTO users VALUES (?, ?)", (user, msgpack.packb(asdict(statistics)))
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO adapters VALUES (?, ?, ?)",
                [(user, model, tensors) for model, tensors in adapters.items()],
            )

    def close(self) -> None:
        """Ends use of the file."""
        with self._lock:
            self._database.close()

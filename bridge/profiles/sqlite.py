"""Profiles in one SQLite file: WAL, synced at each commit, what is deleted is overwritten."""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgpack

from bridge.profiles import export
from bridge.profiles.items import ITEM_BYTES, LIMITS, MAX_ITEMS_BYTES, Item, ItemKind, check
from bridge.profiles.store import (
    MARKS_LAST_S,
    MAX_ADAPTER_BYTES,
    MAX_ADAPTERS,
    MAX_MARKS,
    Applied,
    Kind,
    Mark,
    Settings,
    Statistics,
    StoredProfile,
    StoreError,
    Stub,
    Superseded,
    TooMuch,
    Totals,
    UserSummary,
    digest,
)

log = logging.getLogger("genlock.profiles")

VERSION: Final = 4
"""``PRAGMA user_version`` of the files that this module writes."""

_USERS: Final = """
CREATE TABLE users (
    user TEXT PRIMARY KEY, generation INTEGER NOT NULL, learning INTEGER NOT NULL, sessions INTEGER NOT NULL,
    frames INTEGER NOT NULL, seconds REAL NOT NULL, first_seen REAL NOT NULL, last_seen REAL NOT NULL
) WITHOUT ROWID
"""
_ADAPTERS: Final = """
CREATE TABLE adapters (
    user TEXT NOT NULL, model TEXT NOT NULL, tensors BLOB NOT NULL, saved REAL NOT NULL, PRIMARY KEY (user, model)
) WITHOUT ROWID
"""
_REST: Final = (
    """
    CREATE TABLE items (
        user TEXT NOT NULL, kind TEXT NOT NULL, app TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL,
        taught REAL NOT NULL, PRIMARY KEY (user, kind, app, key)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE marks (number INTEGER PRIMARY KEY, scope BLOB NOT NULL, digest BLOB NOT NULL UNIQUE, at REAL)",
    "CREATE INDEX marks_scope ON marks (scope)",
    "CREATE INDEX marks_at ON marks (at)",
    # erased counts erases, cleaned is the last of them after which the file was rewritten.
    "CREATE TABLE counters (generation INTEGER NOT NULL, erased INTEGER NOT NULL, cleaned INTEGER NOT NULL)",
    "INSERT INTO counters VALUES (0, 0, 0)",
)
_STUBS: Final = """
CREATE TABLE stubs (
    token BLOB PRIMARY KEY, user TEXT NOT NULL, session TEXT NOT NULL, run TEXT NOT NULL, seen REAL NOT NULL
) WITHOUT ROWID
"""
_ITEM_SIZE: Final = f"length(CAST(app AS BLOB)) + length(CAST(key AS BLOB)) + length(data) + {ITEM_BYTES}"
_CLEAN_S: Final = 30.0
_CHECKPOINT_MS: Final = 100
_AGAIN_S: Final = 0.01
_TABLES: Final = ("users", "adapters", "items", "stubs")


class SqliteStore:
    """A ``bridge.profiles.store.ProfileStore`` in one file, which other processes may use at the same time.

    Args:
        path: made, with its folder, if it is not there; readable by its owner only. A file of an earlier version is
            brought to this one.
        create: whether it is made.
        busy_s: how long a call waits for other processes, seconds.

    Raises:
        StoreError: the file is no store of a version that is known, or cannot be written. An erase that was not
            finished and cannot be now is no such fault; it is logged.
    """

    def __init__(self, path: Path, *, create: bool = True, busy_s: float = 30.0) -> None:
        self._path = path
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._reading_lock = threading.Lock()
        self._cleaning = threading.Lock()
        self._run = secrets.token_hex(8)
        with self._told():
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
                # An existing file must not be opened here: closing it again would end all locks of this process on it.
                with suppress(FileExistsError):
                    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            elif not path.exists():
                raise StoreError(f"{path}: there is no such file")
            self._database = self._connect()
            # Of its own: who writes may wait for other processes, or while the file is rewritten; who reads need not.
            self._reader = self._connect()
        try:
            with self._told():
                self._set_up()
            if self._erased() is not None:
                self._finish_erase()
        except BaseException:
            self.close()
            raise

    def load(self, user: str) -> StoredProfile:
        """See ``ProfileStore``, as for all that follows."""
        with self._reading() as database:
            return self._load(database, user)

    def begin(self, user: str, stub: Stub | None = None, *, again: bool = False) -> StoredProfile:
        """See ``ProfileStore``."""
        with self._writing() as database:
            profile = self._load(database, user)
            profile.generation = self._count(database, user, sessions=0 if again else 1)
            if stub is not None:
                database.execute(
                    "INSERT OR REPLACE INTO stubs VALUES (?, ?, ?, ?, ?)",
                    (stub.token, user, stub.session, self._run, time.time()),
                )
        if again:
            profile.statistics.sessions = max(0, profile.statistics.sessions - 1)
        return profile

    def stub(self, user: str, token: bytes) -> Stub | None:
        """See ``ProfileStore``."""
        with self._reading() as database:
            row = database.execute(
                "SELECT session FROM stubs WHERE token = ? AND user = ? AND run != ?", (token, user, self._run)
            ).fetchone()
        return None if row is None else Stub(token, row[0])

    def drop_stub(self, token: bytes) -> None:
        """See ``ProfileStore``."""
        with self._writing() as database:
            database.execute("DELETE FROM stubs WHERE token = ? AND run = ?", (token, self._run))

    def keep_stubs(self) -> None:
        """See ``ProfileStore``."""
        with self._writing() as database:
            database.execute("UPDATE stubs SET seen = ? WHERE run = ?", (time.time(), self._run))

    def drop_old_stubs(self, age_s: float) -> None:
        """See ``ProfileStore``."""
        with self._writing() as database:
            database.execute("DELETE FROM stubs WHERE run != ? AND seen < ?", (self._run, time.time() - age_s))

    def save(
        self,
        user: str,
        adapters: Mapping[str, bytes],
        *,
        frames: int = 0,
        seconds: float = 0.0,
        generation: int | None = None,
        marks: Iterable[Mark] = (),
    ) -> int:
        """See ``ProfileStore``."""
        with self._writing() as database:
            self._compare(database, user, generation)
            now = self._count(database, user, frames=frames, seconds=seconds)
            self._put_adapters(database, user, adapters)
            for mark in marks:
                self._mark(database, mark)
        return now

    def put_item(self, user: str, item: Item, *, generation: int | None = None, mark: Mark | None = None) -> int:
        """See ``ProfileStore``."""
        packed = check(item)
        with self._writing() as database:
            self._compare(database, user, generation)
            now = self._make(database, user)
            if self._mark(database, mark):
                self._insert_item(database, user, item, packed)
                self._check_items(database, user)
        return now

    def remove_item(
        self,
        user: str,
        kind: ItemKind,
        app: str,
        key: str,
        *,
        generation: int | None = None,
        mark: Mark | None = None,
    ) -> int:
        """See ``ProfileStore``."""
        with self._writing() as database:
            now = self._compare(database, user, generation)
            if self._mark(database, mark):
                database.execute(
                    "DELETE FROM items WHERE user = ? AND kind = ? AND app = ? AND key = ?", (user, kind, app, key)
                )
        return now

    def set_learning(
        self, user: str, learning: bool, *, generation: int | None = None, mark: Mark | None = None
    ) -> int:
        """See ``ProfileStore``."""
        with self._writing() as database:
            self._compare(database, user, generation)
            now = self._make(database, user)
            if self._mark(database, mark):
                database.execute("UPDATE users SET learning = ? WHERE user = ?", (learning, user))
        return now

    def reset(self, user: str, kind: Kind, *, mark: Mark | None = None) -> int:
        """See ``ProfileStore``."""
        with self._writing() as database:
            now = self._generation(database, user)
            if self._mark(database, mark) and now:
                self._forget(database, user, kind)
                now = self._renew(database, user)
        return now

    def erase(self, user: str, *, mark: Mark | None = None) -> int:
        """See ``ProfileStore``."""
        with self._writing() as database:
            if self._mark(database, mark):
                gone = [database.execute(f"DELETE FROM {table} WHERE user = ?", (user,)).rowcount for table in _TABLES]
                if any(gone):
                    database.execute("UPDATE counters SET erased = erased + 1")
            now = self._generation(database, user)
        if self._erased() is not None:
            self._clean()
        return now

    def export(self, user: str) -> bytes:
        """See ``ProfileStore``."""
        return export.pack(self.load(user))

    def import_(self, user: str, data: bytes, kind: Kind = "all", *, mark: Mark | None = None) -> int:
        """See ``ProfileStore``."""
        unpacked = export.unpack(data)
        profile = unpacked.profile
        with self._writing() as database:
            now = self._make(database, user)
            if not self._mark(database, mark):
                return now
            self._forget(database, user, kind)
            adapters = {name: tensors for name, tensors in profile.adapters.items() if _is_of(name, kind)}
            self._put_adapters(database, user, adapters)
            for item, packed in zip(profile.items, unpacked.packed, strict=True):
                if kind in ("all", item.kind):
                    self._insert_item(database, user, item, packed)
            self._check_items(database, user)
            if kind == "all":
                counted = profile.statistics
                database.execute(
                    "UPDATE users SET learning = ?, sessions = ?, frames = ?, seconds = ?, first_seen = ?,"
                    " last_seen = ? WHERE user = ?",
                    (
                        profile.settings.learning,
                        counted.sessions,
                        counted.frames,
                        counted.seconds,
                        counted.first_seen,
                        counted.last_seen,
                        user,
                    ),
                )
            return self._renew(database, user)

    def was_applied(self, scope: bytes) -> Applied:
        """See ``ProfileStore``."""
        with self._reading() as database:
            rows = database.execute(
                "SELECT digest FROM marks WHERE scope = ? AND at >= ?", (scope, time.time() - MARKS_LAST_S)
            ).fetchall()
        return Applied(scope, (row[0] for row in rows))

    def add_marks(self, marks: Iterable[Mark]) -> None:
        """See ``ProfileStore``."""
        with self._writing() as database:
            for mark in marks:
                self._mark(database, mark)

    def superseded(self, generations: Mapping[str, int]) -> dict[str, int]:
        """See ``ProfileStore``."""
        with self._reading() as database:
            present = {user: self._generation(database, user) for user in generations}
        return {user: now for user, now in present.items() if now != generations[user]}

    def users(self) -> list[UserSummary]:
        """See ``ProfileStore``."""
        with self._reading() as database:
            users = database.execute(
                "SELECT user, learning, sessions, frames, seconds, first_seen, last_seen FROM users ORDER BY user"
            ).fetchall()
            adapters = database.execute("SELECT user, model, length(tensors) FROM adapters").fetchall()
            items = database.execute(
                f"SELECT user, kind, count(*), sum({_ITEM_SIZE}) FROM items GROUP BY user, kind"
            ).fetchall()
        by_user: dict[str, UserSummary] = {}
        sizes: Counter[str] = Counter()
        for user, _, bytes_ in adapters:
            sizes[user] += bytes_
        for user, _, _, bytes_ in items:
            sizes[user] += bytes_
        for user, learning, *counted in users:
            by_user[user] = UserSummary(user, Statistics(*counted), Settings(bool(learning)), {}, {}, sizes[user])
        for user, model, bytes_ in adapters:
            by_user[user].adapters[model] = bytes_
        for user, kind, count, _ in items:
            by_user[user].items[kind] = count
        return list(by_user.values())

    def stats(self) -> Totals:
        """See ``ProfileStore``."""
        users = self.users()
        adapters: Counter[str] = Counter()
        items: Counter[str] = Counter()
        for user in users:
            adapters.update(user.adapters.keys())
            items.update(user.items)
        file_bytes = 0
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                file_bytes += Path(f"{self._path}{suffix}").stat().st_size
        return Totals(
            users=len(users),
            sessions=sum(user.statistics.sessions for user in users),
            frames=sum(user.statistics.frames for user in users),
            seconds=sum(user.statistics.seconds for user in users),
            adapters=dict(adapters),
            items=dict(items),
            bytes=sum(user.bytes for user in users),
            file_bytes=file_bytes,
        )

    def check(self) -> list[str]:
        """See ``ProfileStore``."""
        with self._reading() as database:
            words = [str(row[0]) for row in database.execute("PRAGMA integrity_check(20)").fetchall()]
        return [] if words == ["ok"] else words

    def close(self) -> None:
        """See ``ProfileStore``."""
        with self._cleaning, self._lock, self._reading_lock, self._told():
            self._reader.close()
            self._database.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=self._busy_s, check_same_thread=False, isolation_level=None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Faults of the disk and of SQLite in words."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: cannot be used as a profile store: {error}") from error
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be used as a profile store: {error.strerror or error}") from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One view of the file, whatever others write meanwhile."""
        with self._transaction(self._reader, self._reading_lock, "BEGIN") as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All that is changed within, or nothing."""
        with self._transaction(self._database, self._lock, "BEGIN IMMEDIATE") as database:
            yield database

    @contextmanager
    def _transaction(
        self, database: sqlite3.Connection, lock: threading.Lock, begin: str
    ) -> Iterator[sqlite3.Connection]:
        with lock, self._told():
            database.execute(begin)
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                # A full disk may have ended the transaction already.
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def _set_up(self) -> None:
        database = self._database
        self._keep_journal(database)
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA secure_delete=ON")
        # Held while the version is read: another process may be bringing the file to this version.
        database.execute("BEGIN IMMEDIATE")
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if not 0 <= version <= VERSION:
                raise StoreError(
                    f"{self._path}: a profile store of version {version}; this daemon reads versions 1 to {VERSION}"
                )
            if version == 0 and database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                raise StoreError(f"{self._path}: a database of something else, not a profile store")
            if version == 1:
                _migrate(database, self._path)
            elif version == 0:
                database.execute(_USERS)
                database.execute(_ADAPTERS)
            if version < 2:
                for statement in _REST:
                    database.execute(statement)
                database.execute("UPDATE counters SET generation = (SELECT count(*) FROM users)")
            if version < 3:
                database.execute(_STUBS)
            elif version == 3:
                database.execute("ALTER TABLE stubs ADD COLUMN seen REAL NOT NULL DEFAULT 0")
            if version < VERSION:
                database.execute(f"PRAGMA user_version={VERSION}")
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _keep_journal(self, database: sqlite3.Connection) -> None:
        """Makes the file one with a write-ahead log, which it stays.

        Where another process opens a new file at the same moment SQLite gives up at once, however long it may wait.
        """
        deadline = time.monotonic() + self._busy_s
        while True:
            try:
                database.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(_AGAIN_S)

    def _erased(self) -> int | None:
        """The number of the last erase, if the file was not rewritten since."""
        with self._reading() as database:
            erased, cleaned = database.execute("SELECT erased, cleaned FROM counters").fetchone()
        return int(erased) if erased > cleaned else None

    def _finish_erase(self) -> None:
        """Does what an erase had no time or no room for. Where it cannot, what is there is of use nonetheless."""
        try:
            self._clean()
        except StoreError as error:
            log.error(
                "%s; bytes of who was erased may still be in the file. The next erase and the next opening of the file"
                " try again: make room on the disk, and end what reads the file for long",
                error,
            )

    def _clean(self) -> None:
        """Rewrites the file and empties its journal, if nobody did since the last erase.

        Overwriting what is deleted is not enough: where SQLite moves rows between pages, it leaves old copies of them
        in the pages' free space. Who writes waits meanwhile, who reads does not.
        """
        with self._cleaning:
            erased = self._erased()
            if erased is None:
                return
            deadline = time.monotonic() + _CLEAN_S
            try:
                with closing(self._connect()) as database:
                    database.execute("PRAGMA synchronous=FULL")
                    database.execute("VACUUM")
                    # While this waits for readers nobody writes, so it waits for moments.
                    database.execute(f"PRAGMA busy_timeout={_CHECKPOINT_MS}")
                    while database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                        if time.monotonic() > deadline:
                            raise StoreError(
                                f"{self._path}: an erase could not be finished: another process reads it all the time"
                            )
                        time.sleep(_CHECKPOINT_MS / 1000)
            except sqlite3.Error as error:
                raise StoreError(f"{self._path}: an erase could not be finished: {error}") from error
            with self._writing() as database:
                database.execute("UPDATE counters SET cleaned = max(cleaned, ?)", (erased,))

    def _load(self, database: sqlite3.Connection, user: str) -> StoredProfile:
        row = database.execute(
            "SELECT generation, learning, sessions, frames, seconds, first_seen, last_seen FROM users WHERE user = ?",
            (user,),
        ).fetchone()
        if row is None:
            return StoredProfile()
        generation, learning, *counted = row
        adapters = database.execute(
            "SELECT model, tensors FROM adapters WHERE user = ? ORDER BY model", (user,)
        ).fetchall()
        items = database.execute(
            "SELECT kind, app, key, data, taught FROM items WHERE user = ? ORDER BY taught, kind, app, key", (user,)
        ).fetchall()
        return StoredProfile(
            Statistics(*counted),
            dict(adapters),
            Settings(bool(learning)),
            [Item(kind, app, key, self._unpacked(data), when) for kind, app, key, data, when in items],
            generation,
        )

    def _unpacked(self, data: bytes) -> dict[str, Any]:
        try:
            unpacked = msgpack.unpackb(data)
        except (ValueError, msgpack.UnpackException) as problem:
            raise StoreError(f"{self._path}: something that was taught cannot be read: {problem}") from problem
        if not isinstance(unpacked, dict):
            raise StoreError(f"{self._path}: something that was taught is not a map")
        return unpacked

    def _generation(self, database: sqlite3.Connection, user: str) -> int:
        row = database.execute("SELECT generation FROM users WHERE user = ?", (user,)).fetchone()
        return int(row[0]) if row else 0

    def _compare(self, database: sqlite3.Connection, user: str, generation: int | None) -> int:
        now = self._generation(database, user)
        if generation is not None and generation != now:
            raise Superseded(user, now)
        return now

    def _next_generation(self, database: sqlite3.Connection) -> int:
        return int(
            database.execute("UPDATE counters SET generation = generation + 1 RETURNING generation").fetchall()[0][0]
        )

    def _make(self, database: sqlite3.Connection, user: str) -> int:
        """The generation of a user, who is there from now on."""
        now = self._generation(database, user)
        if not now:
            now = self._next_generation(database)
            seen = time.time()
            database.execute("INSERT INTO users VALUES (?, ?, 1, 0, 0, 0, ?, ?)", (user, now, seen, seen))
        return now

    def _renew(self, database: sqlite3.Connection, user: str) -> int:
        now = self._next_generation(database)
        database.execute("UPDATE users SET generation = ? WHERE user = ?", (now, user))
        return now

    def _count(
        self, database: sqlite3.Connection, user: str, *, sessions: int = 0, frames: int = 0, seconds: float = 0.0
    ) -> int:
        now = self._make(database, user)
        database.execute(
            "UPDATE users SET sessions = sessions + ?, frames = frames + ?, seconds = seconds + ?, last_seen = ?"
            " WHERE user = ?",
            (sessions, frames, seconds, time.time(), user),
        )
        return now

    def _put_adapters(self, database: sqlite3.Connection, user: str, adapters: Mapping[str, bytes]) -> None:
        total, count = sum(map(len, adapters.values())), sum(map(bool, adapters.values()))
        if total > MAX_ADAPTER_BYTES:
            raise TooMuch(f"{total} bytes of adapters; at most {MAX_ADAPTER_BYTES} are kept of a user")
        if count > MAX_ADAPTERS:
            raise TooMuch(f"{count} adapters; at most {MAX_ADAPTERS} are kept of a user")
        database.executemany(
            "INSERT OR REPLACE INTO adapters VALUES (?, ?, ?, ?)",
            [(user, model, tensors, time.time()) for model, tensors in adapters.items() if tensors],
        )
        database.executemany(
            "DELETE FROM adapters WHERE user = ? AND model = ?",
            [(user, model) for model, tensors in adapters.items() if not tensors],
        )
        if not adapters:
            return
        others = database.execute(
            "SELECT model, length(tensors) FROM adapters WHERE user = ? ORDER BY saved DESC, model", (user,)
        ).fetchall()
        for model, bytes_ in others:
            if model in adapters:
                continue
            total += bytes_
            count += 1
            if total > MAX_ADAPTER_BYTES or count > MAX_ADAPTERS:
                database.execute("DELETE FROM adapters WHERE user = ? AND model = ?", (user, model))

    def _insert_item(self, database: sqlite3.Connection, user: str, item: Item, packed: bytes) -> None:
        database.execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?)",
            (user, item.kind, item.app, item.key, packed, item.when),
        )

    def _check_items(self, database: sqlite3.Connection, user: str) -> None:
        counts = database.execute(
            "SELECT kind, max(n) FROM (SELECT kind, count(*) AS n FROM items WHERE user = ?"
            " GROUP BY kind, app) GROUP BY kind",
            (user,),
        ).fetchall()
        for kind, count in counts:
            if count > LIMITS[kind]:
                raise TooMuch(f"at most {LIMITS[kind]} of kind {kind} are kept of a user for one app")
        (total,) = database.execute(
            f"SELECT coalesce(sum({_ITEM_SIZE}), 0) FROM items WHERE user = ?", (user,)
        ).fetchone()
        if total > MAX_ITEMS_BYTES:
            raise TooMuch(f"{total} bytes were taught; at most {MAX_ITEMS_BYTES} are kept of a user")

    def _forget(self, database: sqlite3.Connection, user: str, kind: Kind) -> None:
        if kind == "all":
            database.execute("DELETE FROM adapters WHERE user = ?", (user,))
            database.execute("DELETE FROM items WHERE user = ?", (user,))
            return
        models = database.execute("SELECT model FROM adapters WHERE user = ?", (user,)).fetchall()
        database.executemany(
            "DELETE FROM adapters WHERE user = ? AND model = ?",
            [(user, model) for (model,) in models if _is_of(model, kind)],
        )
        database.execute("DELETE FROM items WHERE user = ? AND kind = ?", (user, kind))

    def _mark(self, database: sqlite3.Connection, mark: Mark | None) -> bool:
        """Leaves a mark; false if it is there already."""
        if mark is None:
            return True
        now = time.time()
        database.execute("DELETE FROM marks WHERE at < ?", (now - MARKS_LAST_S,))
        new = database.execute(
            "INSERT OR IGNORE INTO marks (scope, digest, at) VALUES (?, ?, ?)", (mark.scope, digest(mark), now)
        ).rowcount
        database.execute(
            "DELETE FROM marks WHERE scope = ? AND number <="
            " (SELECT number FROM marks WHERE scope = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (mark.scope, mark.scope, MAX_MARKS),
        )
        return bool(new)


def _is_of(model: str, kind: Kind) -> bool:
    return kind in ("all", model.partition("@")[0])


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    """Version 1 had statistics as msgpack, adapters without a time, and nothing else."""
    users = database.execute("SELECT user, statistics FROM users ORDER BY user").fetchall()
    database.execute("DROP TABLE users")
    database.execute("ALTER TABLE adapters RENAME TO adapters_1")
    database.execute(_USERS)
    database.execute(_ADAPTERS)
    for generation, (user, packed) in enumerate(users, 1):
        try:
            counted = msgpack.unpackb(packed)
            sessions, frames = int(counted["sessions"]), int(counted["frames"])
            seconds, last_seen = float(counted["seconds"]), float(counted["last_seen"])
        except (ValueError, KeyError, TypeError, msgpack.UnpackException) as problem:
            raise StoreError(
                f"{path}: the statistics of {user!r}, of version 1, cannot be read: {problem}"
            ) from problem
        database.execute(
            "INSERT INTO users VALUES (?, ?, 1, ?, ?, ?, ?, ?)",
            (user, generation, sessions, frames, seconds, last_seen, last_seen),
        )
    database.execute(
        "INSERT INTO adapters SELECT user, model, tensors, coalesce((SELECT last_seen FROM users"
        " WHERE users.user = adapters_1.user), 0) FROM adapters_1 WHERE user IN (SELECT user FROM users)"
    )
    database.execute("DROP TABLE adapters_1")

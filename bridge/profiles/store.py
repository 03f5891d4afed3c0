"""What is kept of a user, and what keeps it has to do: the interface of profile stores.

Data only: adapters as safetensors, kept apart by model and version; items that were taught; settings; statistics.
Every call may block on the disk, so none is made on the event loop; threads may share a store. A call that changes
something is one transaction, and returns when that is durable.

**Generations.** ``reset``, ``erase`` and ``import_`` take away what a session may hold in memory, perhaps called by
another process. So each of them gives the user a new generation, and a session's calls carry the one that it loaded. If
that is no longer the user's, they raise ``Superseded`` and change nothing; the session then drops what it learned and
loads again. ``superseded`` finds sessions that have nothing to save. A user of whom nothing is kept has generation 0;
no other generation is ever given twice.

**Stubs.** A session outlives the daemon: its stub is kept from its beginning to its end, so that a daemon that is
started again, even after it was killed, can tell whose session a resume token belongs to. It holds a hash of the token
and the names of user and session, never the secret; what the session has done is in the profile and the marks. Several
daemons may use one store, so a run says every so often that its stubs are those of sessions that last; a stub that none
speaks for is one of a daemon that is gone.

**Marks.** A message that a client may send again, after its acknowledgement was lost, is applied once: the call that
applies it leaves a mark, in the same transaction. A call whose mark is there already changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

from bridge.profiles.items import Item, ItemKind

Kind = Literal["all", "forecast", "target", "gesture", "phrase", "name", "object", "voice"]
"""What can be reset or imported by itself: adapters of the model of that name, in every version, and such items."""

MAX_ADAPTER_BYTES: Final = 512 * 1024
"""The most that all adapters of a user take; beyond it those of other versions go, longest unsaved first."""
MAX_ADAPTERS: Final = 64
"""The most adapters of a user; beyond them the same go."""
MAX_MARKS: Final = 4096
"""The most marks that are kept of a scope; beyond it the first go."""
MARKS_LAST_S: Final = 86_400.0
"""How long a mark is kept, seconds."""


class StoreError(RuntimeError):
    """The store cannot be used; the message says which file and why."""


class Superseded(Exception):
    """Another generation of the user's profile came meanwhile; nothing was changed.

    Attributes:
        user: whose.
        generation: the present one; 0 if nothing is kept of the user.
    """

    def __init__(self, user: str, generation: int) -> None:
        super().__init__(f"the profile of {user!r} was reset, erased or imported meanwhile")
        self.user = user
        self.generation = generation


class TooMuch(ValueError):
    """More than is kept of one user; the message says of what, and the limit."""


@dataclass
class Statistics:
    """What is counted of a user: sessions, answered frames, seconds connected, Unix times of first and last save."""

    sessions: int = 0
    frames: int = 0
    seconds: float = 0.0
    first_seen: float = 0.0
    last_seen: float = 0.0


@dataclass
class Settings:
    """What a user decided: whether anything may be learned."""

    learning: bool = True


@dataclass
class StoredProfile:
    """All that is stored of a user.

    Attributes:
        adapters: ``model@version`` to safetensors, of every version that there is.
        items: what was taught, in the order in which it was.
        generation: see the module; 0 for somebody new.
    """

    statistics: Statistics = field(default_factory=Statistics)
    adapters: dict[str, bytes] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    items: list[Item] = field(default_factory=list)
    generation: int = 0


class Mark(NamedTuple):
    """Says that the message ``id`` of a client was applied; ``scope`` is ``scope_of`` its session."""

    scope: bytes
    id: str


def scope_of(origin: str, user: str, app: str) -> bytes:
    """The scope of a session's marks: whose it is, in which app, and what its resume token begins with.

    A hash of these, so that neither secret nor name is stored. Another user or app that goes on with the same token has
    another scope: what was applied for one was not applied for the other.
    """
    parts = (hashlib.sha256(part.encode()).digest() for part in (origin, user, app))
    return hashlib.sha256(b"genlock scope " + b"".join(parts)).digest()[:16]


class Stub(NamedTuple):
    """What is kept of a session: ``token`` is ``token_of`` its resume token and app, ``session`` its name."""

    token: bytes
    session: str


def token_of(resume: str, app: str) -> bytes:
    """What is stored in place of a resume token: a hash of it and of the app that it is good for."""
    return hashlib.sha256(b"genlock resume " + resume.encode() + b"\0" + app.encode()).digest()


class Applied:
    """The ids of the messages of one scope that were applied, as hashes: ``id in applied``."""

    def __init__(self, scope: bytes, digests: Iterable[bytes]) -> None:
        self._scope = scope
        self._digests = frozenset(digests)

    def __contains__(self, identifier: object) -> bool:
        return isinstance(identifier, str) and digest(Mark(self._scope, identifier)) in self._digests

    def __len__(self) -> int:
        return len(self._digests)


def digest(mark: Mark) -> bytes:
    """What is stored of a mark: 16 bytes. A client's ids may hold its user's name, which must not outlive an erase."""
    return hashlib.sha256(mark.scope + mark.id.encode()).digest()[:16]


@dataclass(frozen=True)
class UserSummary:
    """One user in a list.

    Attributes:
        adapters: bytes by ``model@version``.
        items: how many by kind.
        bytes: of adapters and items together.
    """

    user: str
    statistics: Statistics
    settings: Settings
    adapters: dict[str, int]
    items: dict[str, int]
    bytes: int


@dataclass(frozen=True)
class Totals:
    """A store as a whole.

    Attributes:
        adapters: how many users have some, by ``model@version``.
        items: how many by kind.
        bytes: of adapters and items together.
        file_bytes: of the store on the disk, with its journal.
    """

    users: int
    sessions: int
    frames: int
    seconds: float
    adapters: dict[str, int]
    items: dict[str, int]
    bytes: int
    file_bytes: int


class ProfileStore(Protocol):
    """Keeps profiles. Every call may raise ``StoreError``; then nothing was changed, unless it says otherwise.

    ``generation`` is that of the caller's ``StoredProfile``, or None not to compare; a call that takes it may raise
    ``Superseded``. What returns an int returns the user's generation after the call.
    """

    def load(self, user: str) -> StoredProfile:
        """A user's profile, an empty one for somebody new; nothing is written."""

    def begin(self, user: str, stub: Stub | None = None, *, again: bool = False) -> StoredProfile:
        """Counts a session that begins, and makes a profile for somebody new, so that an erase meanwhile is noticed.

        Its stub is kept until it is dropped or the user erased. A session that begins ``again``, in another run, was
        counted before. Returns the profile with the statistics of before: ``statistics.sessions`` are earlier ones.
        """

    def stub(self, user: str, token: bytes) -> Stub | None:
        """The stub of a session of this user that is another run's and did not end, as far as that run said.

        That run may be a daemon that serves at the same time. Who begins the session ``again`` has its stub then.
        """

    def drop_stub(self, token: bytes) -> None:
        """A session of this run is over, and will not go on in another one; if it did already, nothing is changed."""

    def keep_stubs(self) -> None:
        """The sessions of this run last."""

    def drop_old_stubs(self, age_s: float) -> None:
        """Sessions of other runs that began and were kept last more than that many seconds ago will not go on."""

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
        """Replaces the adapters that are named ``model@version``, adds to the statistics, and leaves marks.

        No bytes remove adapters.

        Unlike those of other calls, its marks hold nothing back.

        Raises:
            TooMuch: the adapters together are over ``MAX_ADAPTER_BYTES``, or more than ``MAX_ADAPTERS``.
        """

    def put_item(self, user: str, item: Item, *, generation: int | None = None, mark: Mark | None = None) -> int:
        """Keeps what was taught; replaces the one of the same kind, app and key.

        Raises:
            BadItem: it is not what an item may be.
            TooMuch: there are ``LIMITS`` of that kind and app, or all items are over ``MAX_ITEMS_BYTES``.
        """

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
        """Forgets what was taught; it need not be there."""

    def set_learning(
        self, user: str, learning: bool, *, generation: int | None = None, mark: Mark | None = None
    ) -> int:
        """Whether anything may be learned of the user from now on."""

    def reset(self, user: str, kind: Kind, *, mark: Mark | None = None) -> int:
        """Forgets what was learned of one kind, or all; statistics and settings stay. A new generation."""

    def erase(self, user: str, *, mark: Mark | None = None) -> int:
        """Leaves no byte of the user in the store's files: profile, free space and journal. Generation 0.

        Rewrites the file, so takes as long as that is large; one rewriting serves all erases that wait for it. Others
        may read meanwhile, but who writes waits, in this process and in others. A user of whom nothing is kept costs
        nothing, unless an earlier erase was not finished.

        Raises:
            StoreError: if it says that the erase could not be finished, the profile is gone, but bytes of it may still
                be in the files; that is tried again by the next erase, and when the store is opened next.
        """

    def export(self, user: str) -> bytes:
        """All that is kept of a user, as ``bridge.profiles.export`` packs it; at most 1 MiB."""

    def import_(self, user: str, data: bytes, kind: Kind = "all", *, mark: Mark | None = None) -> int:
        """Replaces what is kept of a user, or one kind of it, by what was exported. A new generation.

        ``all`` replaces statistics and settings as well.

        Raises:
            BadExport: it is no such export; the message says where.
            TooMuch: one kind of it does not fit beside what was taught of other kinds.
        """

    def was_applied(self, scope: bytes) -> Applied:
        """Which messages of a scope were applied, within the last day."""

    def add_marks(self, marks: Iterable[Mark]) -> None:
        """Leaves marks of messages that change nothing here."""

    def superseded(self, generations: Mapping[str, int]) -> dict[str, int]:
        """Of users and the generations of them that a caller holds: those that have another by now, with that."""

    def users(self) -> list[UserSummary]:
        """Everybody, by name."""

    def stats(self) -> Totals:
        """The store as a whole."""

    def check(self) -> list[str]:
        """What is wrong with the file, in words; empty if it is sound. Reads all of it."""

    def close(self) -> None:
        """Ends use of the store."""

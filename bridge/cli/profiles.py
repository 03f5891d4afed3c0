"""``genlock profiles``: look at, take along and erase what is kept of users. A daemon may run meanwhile."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args

import typer
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.cli.errors import fail
from bridge.cli.serve import default_profiles
from bridge.profiles.export import MAX_BYTES, BadExport
from bridge.profiles.items import KINDS, Item
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import Kind, ProfileStore, StoredProfile, StoreError, TooMuch, UserSummary

app = typer.Typer(help="Look at, take along and erase what is kept of users.", no_args_is_help=True)

Profiles = Annotated[
    Path | None,
    typer.Option(
        "--profiles", envvar="GENLOCK_PROFILES", help="The file that keeps what is learned of users.", dir_okay=False
    ),
]
User = Annotated[str, typer.Argument(help="A user, as apps name them in hello.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

_LONGEST_USER = 128
_KINDS: tuple[Kind, ...] = get_args(Kind)
_ALL_KINDS = ", ".join(_KINDS)
# Persian, Indic scripts and emoji cannot be written without them.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_LEAST_USER_WIDTH = 16
# Cells at the edges of a table and between two columns, and where the terminal is narrow, which columns go last.
_EDGES = 2
_BETWEEN = 2
_BY_IMPORTANCE = ("last seen", "taught", "sessions", "minutes", "learning", "KiB")
_NUMBERS = ("sessions", "minutes", "KiB")


@app.command("list")
def list_(profiles: Profiles = None, as_json: Json = False) -> None:
    """List users with how often and how long they were there, and what they taught."""
    with _store(profiles) as store:
        users = store.users()
    if as_json:
        typer.echo(json.dumps([asdict(user) for user in users], indent=2))
        return
    console = Console()
    console.print(_table(users, console.width))


@app.command()
def show(user: User, profiles: Profiles = None, as_json: Json = False) -> None:
    """Show what is kept of a user."""
    with _store(profiles) as store:
        profile = _known(store, user, profiles)
    sizes = {name: len(tensors) for name, tensors in profile.adapters.items()}
    if as_json:
        about = {
            "user": user,
            "statistics": asdict(profile.statistics),
            "settings": asdict(profile.settings),
            "adapters": sizes,
            "items": [{**asdict(item), "data": _without_bytes(item.data)} for item in profile.items],
        }
        typer.echo(json.dumps(about, indent=2))
        return
    counted = profile.statistics
    typer.echo(_shown(user))
    sessions = _counted(counted.sessions, "session")
    typer.echo(f"  {sessions}, {counted.seconds / 60:.1f} minutes, {counted.frames} frames answered")
    typer.echo(f"  first seen {_day(counted.first_seen)}, last seen {_day(counted.last_seen)}")
    typer.echo(f"  learning is {_on(profile.settings.learning)}")
    _print_part("models, by version", [f"{_shown(name)}: {size / 1024:.1f} KiB" for name, size in sizes.items()])
    for kind in KINDS:
        _print_part(f"{kind}s", [_words(item) for item in profile.items if item.kind == kind])


@app.command()
def export(
    user: User,
    out: Annotated[Path, typer.Argument(help="The file that is written, must not exist; - is standard output.")],
    profiles: Profiles = None,
) -> None:
    """Write all that is kept of a user into a file, to be imported elsewhere."""
    with _store(profiles) as store:
        _known(store, user, profiles)
        data = store.export(user)
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        _write_new(out, data)
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror or error}")
    typer.echo(f"{out}: {len(data)} bytes")


@app.command("import")
def import_(
    user: User,
    file: Annotated[Path, typer.Argument(help="What was exported.", dir_okay=False)],
    kind: Annotated[str, typer.Option(help=f"What is replaced; the rest stays: {_ALL_KINDS}.")] = "all",
    profiles: Profiles = None,
) -> None:
    """Replace what is kept of a user by what was exported. The profile file is made if there is none."""
    _check_user(user)
    chosen = _kind(kind)
    try:
        with file.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror or error}")
    with _store(profiles, create=True) as store:
        try:
            store.import_(user, data, chosen)
        except (BadExport, TooMuch) as error:
            fail(f"{file}: {error}")
    typer.echo(f"{_shown(user)}: imported ({chosen})")


@app.command()
def erase(user: User, profiles: Profiles = None, yes: Yes = False) -> None:
    """Erase a user: nothing of them is left in the file. A session under way goes on as one of somebody new."""
    with _store(profiles) as store:
        profile = _known(store, user, profiles)
        if not yes:
            sessions = _counted(profile.statistics.sessions, "session")
            taught = _counted(len(profile.items), "thing")
            typer.confirm(f"Erase {_shown(user)!r} ({sessions}, {taught} taught) for good?", abort=True, err=True)
        store.erase(user)
    typer.echo(f"{_shown(user)}: erased")


@app.command()
def reset(
    user: User,
    kind: Annotated[str, typer.Argument(help=f"What is forgotten: {_ALL_KINDS}.")],
    profiles: Profiles = None,
) -> None:
    """Forget what was learned of one kind, or all; counts and settings stay."""
    chosen = _kind(kind)
    with _store(profiles) as store:
        _known(store, user, profiles)
        store.reset(user, chosen)
    typer.echo(f"{_shown(user)}: reset ({chosen})")


@app.command()
def stats(profiles: Profiles = None, as_json: Json = False) -> None:
    """Say how much is kept of how many, and whether the file is sound; exits with 1 if it is not."""
    with _store(profiles) as store:
        totals, faults = store.stats(), store.check()
    if as_json:
        typer.echo(json.dumps({**asdict(totals), "faults": faults}, indent=2))
    else:
        table = Table(show_header=False)
        table.add_row("users", str(totals.users))
        table.add_row("sessions", str(totals.sessions))
        table.add_row("hours", f"{totals.seconds / 3600:.1f}")
        table.add_row("frames answered", str(totals.frames))
        for kind in KINDS:
            table.add_row(f"{kind}s", str(totals.items.get(kind, 0)))
        for model, users in sorted(totals.adapters.items()):
            table.add_row(Text(f"users with {_shown(model)}"), str(users))
        table.add_row("KiB of users", f"{totals.bytes / 1024:.1f}")
        table.add_row("KiB on the disk", f"{totals.file_bytes / 1024:.1f}")
        table.add_row("the file", "; ".join(faults) or "is sound")
        Console().print(table)
    if faults:
        raise typer.Exit(1)


def _write_new(path: Path, data: bytes) -> None:
    """Writes a file that must not exist; one that cannot be written whole is removed."""
    file = path.open("xb")
    try:
        with file:
            file.write(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _table(users: Sequence[UserSummary], width: int) -> Table:
    """Users, with as many of the columns as there is room for."""
    names = [_shown(user.user) for user in users]
    columns = {
        "last seen": [_day(user.statistics.last_seen) for user in users],
        "learning": [_on(user.settings.learning) for user in users],
        "sessions": [str(user.statistics.sessions) for user in users],
        "minutes": [f"{user.statistics.seconds / 60:.1f}" for user in users],
        "KiB": [f"{user.bytes / 1024:.1f}" for user in users],
        "taught": [
            "\n".join(_counted(count, kind) for kind in KINDS if (count := user.items.get(kind, 0))) for user in users
        ],
    }
    left = width - _EDGES - min(_LEAST_USER_WIDTH, max(map(cell_len, ("user", *names))))
    shown = []
    for name in _BY_IMPORTANCE:
        left -= _BETWEEN + max(cell_len(line) for cell in (name, *columns[name]) for line in cell.split("\n"))
        if left < 0:
            break
        shown.append(name)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("user", overflow="fold")
    chosen = {name: cells for name, cells in columns.items() if name in shown}
    for name in chosen:
        table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=True)
    for user, *cells in zip(names, *chosen.values(), strict=True):
        table.add_row(Text(user), *cells)
    return table


@contextmanager
def _store(profiles: Path | None, *, create: bool = False) -> Iterator[ProfileStore]:
    path = _path(profiles)
    try:
        store = SqliteStore(path, create=create)
        try:
            yield store
        finally:
            store.close()
    except StoreError as error:
        # SQLite has its journal beside the file, also for those who only read.
        read_only = path.exists() and not os.access(path.parent, os.W_OK)
        fail(f"{error}{'; its folder is read-only, copy the file elsewhere' if read_only else ''}")


def _path(profiles: Path | None) -> Path:
    return profiles or default_profiles()


def _known(store: ProfileStore, user: str, profiles: Path | None) -> StoredProfile:
    _check_user(user)
    profile = store.load(user)
    if not profile.generation:
        _nobody(user, profiles)
    return profile


def _nobody(user: str, profiles: Path | None) -> NoReturn:
    fail(f"{_path(profiles)}: nobody is called {_shown(user)!r}; genlock profiles list shows who is there")


def _kind(text: str) -> Kind:
    found = next((kind for kind in _KINDS if kind == text), None)
    if found is None:
        fail(f"there is no kind {_shown(text)!r}; there are {_ALL_KINDS}")
    return found


def _check_user(user: str) -> None:
    try:
        user.encode()
    except UnicodeEncodeError:
        fail("the user's name is not UTF-8")
    if not 1 <= len(user) <= _LONGEST_USER:
        fail(f"a user's name has 1 to {_LONGEST_USER} characters")


def _print_part(title: str, lines: list[str]) -> None:
    typer.echo(f"  {title}: {'' if lines else 'none'}".rstrip())
    for line in lines:
        typer.echo(f"    {line}")


def _words(item: Item) -> str:
    """An item in words; whatever its data lacks is left out."""
    key = _shown(item.key)
    match item.kind:
        case "phrase":
            text = f"{key!r} means {_shown(item.data.get('action', '?'))}"
        case "name":
            text = f"{key} is called {_shown(item.data.get('name', '?'))!r}"
        case "gesture":
            text = f"{key} ({_shown(item.data.get('device', '?'))})"
        case "object":
            examples = item.data.get("examples")
            text = f"{key} ({_counted(len(examples), 'example')})" if isinstance(examples, list) else key
        case _:
            text = key
    return f"{_shown(item.app)}: {text}" if item.app else text


def _shown(text: object) -> str:
    """What users named, without what a terminal would obey."""
    return "".join(
        letter if letter.isprintable() or letter in _JOINERS else "\N{REPLACEMENT CHARACTER}" for letter in str(text)
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what if count == 1 else what + 's'}"


def _without_bytes(value: Any) -> Any:
    match value:
        case bytes():
            return f"{len(value)} bytes"
        case dict():
            return {key: _without_bytes(part) for key, part in value.items()}
        case list():
            return [_without_bytes(part) for part in value]
        case _:
            return value


def _day(when: float) -> str:
    return datetime.fromtimestamp(when).strftime("%Y-%m-%d %H:%M") if when else "never"


def _on(learning: bool) -> str:
    return "on" if learning else "off"

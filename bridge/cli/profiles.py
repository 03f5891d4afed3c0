"""``genlock profiles``: look at, take along and erase what is kept of users. A daemon may run meanwhile."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.cli.errors import fail
from bridge.cli.serve import default_profiles
from bridge.profiles.export import MAX_BYTES, BadExport
from bridge.profiles.items import Item
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import ProfileStore, StoredProfile, StoreError, TooMuch

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
_PLURALS = {"phrase": "phrases", "name": "names", "gesture": "gestures", "object": "objects", "voice": "voices"}


class Kind(StrEnum):
    """What can be reset or imported by itself."""

    ALL = "all"
    FORECAST = "forecast"
    TARGET = "target"
    GESTURE = "gesture"
    PHRASE = "phrase"
    NAME = "name"
    OBJECT = "object"
    VOICE = "voice"


@app.command("list")
def list_(profiles: Profiles = None, as_json: Json = False) -> None:
    """List users with how often and how long they were there, and what they taught."""
    with _store(profiles) as store:
        users = store.users()
    if as_json:
        typer.echo(json.dumps([asdict(user) for user in users], indent=2))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("user", overflow="fold")
    for name in ("last seen", "learning"):
        table.add_column(name, no_wrap=True)
    for name in ("sessions", "minutes", "KiB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("taught")
    for user in users:
        table.add_row(
            Text(_shown(user.user)),
            _day(user.statistics.last_seen),
            _on(user.settings.learning),
            str(user.statistics.sessions),
            f"{user.statistics.seconds / 60:.1f}",
            f"{user.bytes / 1024:.1f}",
            "\n".join(
                f"{count} {kind if count == 1 else plural}"
                for kind, plural in _PLURALS.items()
                if (count := user.items.get(kind, 0))
            ),
        )
    Console().print(table)


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
    typer.echo(f"  {counted.sessions} sessions, {counted.seconds / 60:.1f} minutes, {counted.frames} frames answered")
    typer.echo(f"  first seen {_day(counted.first_seen)}, last seen {_day(counted.last_seen)}")
    typer.echo(f"  learning is {_on(profile.settings.learning)}")
    _print_part("models, by version", [f"{_shown(name)}: {size / 1024:.1f} KiB" for name, size in sizes.items()])
    for kind, title in _PLURALS.items():
        _print_part(title, [_words(item) for item in profile.items if item.kind == kind])


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
        return
    try:
        with out.open("xb") as file:
            file.write(data)
    except OSError as error:
        fail(f"{out}: cannot be written: {error.strerror or error}")
    typer.echo(f"{out}: {len(data)} bytes")


@app.command("import")
def import_(
    user: User,
    file: Annotated[Path, typer.Argument(help="What was exported.", dir_okay=False)],
    kind: Annotated[Kind, typer.Option(help="What is replaced; the rest stays.")] = Kind.ALL,
    profiles: Profiles = None,
) -> None:
    """Replace what is kept of a user by what was exported. The profile file is made if there is none."""
    _check_user(user)
    try:
        with file.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror or error}")
    with _store(profiles, create=True) as store:
        try:
            store.import_(user, data, kind.value)
        except (BadExport, TooMuch) as error:
            fail(f"{file}: {error}")
    typer.echo(f"{_shown(user)}: imported ({kind.value})")


@app.command()
def erase(user: User, profiles: Profiles = None, yes: Yes = False) -> None:
    """Erase a user: nothing of them is left in the file. A session under way goes on as one of somebody new."""
    with _store(profiles) as store:
        profile = _known(store, user, profiles)
        if not yes:
            sessions, taught = profile.statistics.sessions, len(profile.items)
            typer.confirm(
                f"Erase {_shown(user)!r} ({sessions} sessions, {taught} things taught) for good?", abort=True, err=True
            )
        store.erase(user)
    typer.echo(f"{_shown(user)}: erased")


@app.command()
def reset(
    user: User,
    kind: Annotated[Kind, typer.Argument(help="What is forgotten.")],
    profiles: Profiles = None,
) -> None:
    """Forget what was learned of one kind, or all; counts and settings stay."""
    with _store(profiles) as store:
        _known(store, user, profiles)
        store.reset(user, kind.value)
    typer.echo(f"{_shown(user)}: reset ({kind.value})")


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
        for kind, title in _PLURALS.items():
            table.add_row(title, str(totals.items.get(kind, 0)))
        for model, users in sorted(totals.adapters.items()):
            table.add_row(Text(f"users with {_shown(model)}"), str(users))
        table.add_row("KiB of users", f"{totals.bytes / 1024:.1f}")
        table.add_row("KiB on the disk", f"{totals.file_bytes / 1024:.1f}")
        table.add_row("the file", "; ".join(faults) or "is sound")
        Console().print(table)
    if faults:
        raise typer.Exit(1)


@contextmanager
def _store(profiles: Path | None, *, create: bool = False) -> Iterator[ProfileStore]:
    try:
        store = SqliteStore(_path(profiles), create=create)
        try:
            yield store
        finally:
            store.close()
    except StoreError as error:
        fail(str(error))


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
        case _:
            text = f"{key} ({_shown(item.data.get('device', '?'))})"
    return f"{_shown(item.app)}: {text}" if item.app else text


def _shown(text: object) -> str:
    """What users named, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text))


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

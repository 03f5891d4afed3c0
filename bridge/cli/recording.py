"""``genlock recording``: look at, cut and make recordings."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bridge.cli.errors import fail
from bridge.protocol import ClientMessage, Refused, Scene, decode_client, type_of
from bridge.recording.format import MARK, MESSAGE, SUFFIX, Entry, Recording, RecordingError, RecordingWriter

app = typer.Typer(help="Look at, cut and make recordings.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A recording.", dir_okay=False)]


@app.command()
def info(file: File, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is in a recording."""
    recording = _open(file)
    kinds: Counter[str] = Counter()
    marks = 0
    try:
        for entry in recording.entries():
            if entry.kind == MESSAGE:
                kinds[_type_of(entry)] += 1
            else:
                marks += 1
    except RecordingError as error:
        fail(str(error))
    hello, header = recording.header.hello, recording.header
    seconds = recording.duration_us / 1e6
    about: dict[str, Any] = {
        "file": str(file),
        "bytes": file.stat().st_size,
        "user": hello.get("user", ""),
        "app": _name(hello.get("app")),
        "device": _name(hello.get("device")),
        "refresh_hz": hello.get("refresh_hz", 90.0),
        "seconds": round(seconds, 3),
        "messages": dict(kinds),
        "marks": marks,
        "created": header.created,
        "source": header.source,
        "licence": header.licence,
        "complete": recording.complete,
    }
    if as_json:
        typer.echo(json.dumps(about, indent=2))
        return
    table = Table(show_header=False)
    for key, value in about.items():
        shown = ", ".join(f"{count} {kind}" for kind, count in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(key, shown)
    Console().print(table)


@app.command()
def cut(
    file: File,
    out: Annotated[Path, typer.Argument(help="Where the piece goes; must not exist.")],
    from_s: Annotated[float, typer.Option("--from", help="Where it begins, in seconds.", min=0)] = 0.0,
    to_s: Annotated[float | None, typer.Option("--to", help="Where it ends; else at the end.", min=0)] = None,
) -> None:
    """Take a piece out of a recording. Its times begin at 0, and the scene that was in force comes with it."""
    recording = _open(file)
    from_us = round(from_s * 1e6)
    to_us = None if to_s is None else round(to_s * 1e6)
    end_us = recording.duration_us if to_us is None else min(to_us, recording.duration_us)
    if from_us > end_us:
        until = "on" if to_s is None else f"to {to_s:g} s"
        why = recording.damage or f"{file} is {recording.duration_us / 1e6:.1f} s long"
        fail(f"there is nothing from {from_s:g} s {until}; {why}")
    try:
        with RecordingWriter(out, recording.header) as writer:
            for entry in _in_force(recording, from_us):
                _write(writer, Entry(0, entry.kind, entry.payload))
            count = 0
            for entry in recording.entries(from_us, to_us):
                _write(writer, Entry(entry.time_us - from_us, entry.kind, entry.payload))
                count += 1
    except RecordingError as error:
        fail(str(error))
    typer.echo(f"{out}: {count} entries, {(end_us - from_us) / 1e6:.1f} s")


@app.command("import")
def import_(
    data: Annotated[Path, typer.Argument(help="A folder in the format of vr_objects.", file_okay=False)],
    out: Annotated[Path, typer.Argument(help="The folder that the recordings go to.", file_okay=False)],
    users: Annotated[str | None, typer.Option(help="Whose, as u15,u16; else everybody's.")] = None,
    sessions: Annotated[str | None, typer.Option(help="Which sessions, as 1,2; else all.")] = None,
    trials: Annotated[str | None, typer.Option(help="Which trials of each session, as 1-3; else all.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Only trials that are there from their beginning.")] = False,
) -> None:
    """Make a recording of each user and session in a folder of vr_objects."""
    # Reading the data set takes torch, which takes seconds to load.
    from bridge.recording.importer import write_recording
    from models import vr_objects

    try:
        dataset = vr_objects.load(data)
        out.mkdir(parents=True, exist_ok=True)
        wanted_users = set(users.split(",")) if users else set(dataset.users)
        if missing := wanted_users - set(dataset.users):
            fail(f"{data}: nobody is called {', '.join(sorted(missing))}; there are {', '.join(dataset.users)}")
        wanted_sessions, wanted_trials = _numbers(sessions), _numbers(trials)
        groups: dict[tuple[str, int], list[vr_objects.Trial]] = {}
        for trial in dataset.of(wanted_users):
            if (
                (wanted_sessions is None or trial.session in wanted_sessions)
                and (wanted_trials is None or trial.number in wanted_trials)
                and (trial.whole or not whole)
            ):
                groups.setdefault((trial.user, trial.session), []).append(trial)
        if not groups:
            fail(f"{data}: no trial is left with these options")
        with Progress(transient=True) as progress:
            for (user, session), those in progress.track(groups.items(), description="importing"):
                write_recording(out / f"{user}-{session}{SUFFIX}", dataset, those)
    except (RecordingError, ValueError, OSError) as error:
        fail(str(error))
    typer.echo(f"{out}: {len(groups)} recordings")


def _open(file: Path) -> Recording:
    try:
        return Recording(file)
    except RecordingError as error:
        fail(str(error))


def _in_force(recording: Recording, before_us: int) -> list[Entry]:
    """What came before and still holds: the scenes since the last that replaced all others, and the last mark.

    Damage is told and passed over: what comes after it can be read all the same.
    """
    scenes: list[Entry] = []
    mark: list[Entry] = []

    def passed_over(damage: str) -> None:
        # Marks change with each second or so, scenes seldom.
        mark.clear()
        typer.echo(f"{damage}\nif the scene was changed there, the piece has it as it was before", err=True)

    for entry in recording.entries(0, before_us - 1, passed_over=passed_over):
        if entry.kind == MARK:
            mark[:] = [entry]
            continue
        message = _message(entry)
        if isinstance(message, Scene):
            scenes = [entry] if message.replace else [*scenes, entry]
    return [*scenes, *mark]


def _message(entry: Entry) -> ClientMessage | None:
    """A message, or None if it is none of this version."""
    try:
        return decode_client(entry.payload)
    except Refused:
        return None


def _type_of(entry: Entry) -> str:
    message = _message(entry)
    return "unknown" if message is None else type_of(message)


def _name(part: object) -> str:
    return str(part.get("name", "")) if isinstance(part, dict) else ""


def _write(writer: RecordingWriter, entry: Entry) -> None:
    if entry.kind == MESSAGE:
        writer.message(entry.time_us, entry.payload)
    else:
        writer.mark(entry.time_us, entry.payload)


def _numbers(text: str | None) -> set[int] | None:
    if text is None:
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            found |= set(range(int(first), int(last or first) + 1))
        except ValueError:
            raise ValueError(f"{text!r}: numbers look like 1,2 or 1-8") from None
    return found

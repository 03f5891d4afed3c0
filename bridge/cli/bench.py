"""``genlock bench``: how much this machine takes."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from bridge.bench import learning as learning_
from bridge.bench import mixed
from bridge.bench import utterances as speech
from bridge.bench.client import LoadError
from bridge.bench.frames import SYSTEMS, BenchOptions, bench
from bridge.bench.load import LoadFigures
from bridge.bench.servers import ServerError
from bridge.bench.workload import tracks
from bridge.cli.errors import fail
from bridge.cli.manifests import manifest_at
from bridge.cli.samples import gallery, pictures, recordings
from bridge.cli.signals import ending
from bridge.frame_path.engine import EngineOptions
from bridge.manifest import Manifest
from bridge.recording.format import RecordingError

app = typer.Typer(help="Measure how much this machine takes.", no_args_is_help=True)

Spoken = Annotated[
    Path | None,
    typer.Option(
        "--app",
        help="Whose actions and targets are spoken of; else those of samples/apps/gallery.toml.",
        dir_okay=False,
    ),
]

_INTERRUPTED = 130
_TERMINATED = 143


@app.command()
def frames(
    hz: Annotated[float, typer.Option(help="Frames a second of each session.", min=10, max=240)] = 90.0,
    rounds: Annotated[int, typer.Option(help="How often everything is measured; medians are reported.", min=1)] = 3,
    seconds: Annotated[float, typer.Option(help="For how long each load is measured.", min=1)] = 5.0,
    limit: Annotated[int, typer.Option(help="The most sessions to try.", min=1, max=900)] = 512,
    frame_model: Annotated[
        list[str] | None, typer.Option(help="A frame model, by name or as module:Class. May be given again.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the models run: auto, cpu or cuda.")] = "auto",
    recording: Annotated[
        list[Path] | None,
        typer.Option(help="Whose frames are sent. May be given again; else those in samples/recordings, if any."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help=f"Beside what: {', '.join(SYSTEMS[1:])}. May be given again; else all of them."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One coarse round of short loads.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Find the most sessions of which 99 % of frames are answered within one frame period.

    For Genlock with its frame models, for a bare echo on the same transport, and for a naive server that runs the same
    models on one message at a time. All on this machine, which should have nothing else to do: takes about six minutes.
    """
    if unknown := set(against or ()) - set(SYSTEMS[1:]):
        fail(f"--against {min(unknown)}: there are {', '.join(SYSTEMS[1:])}")
    options = BenchOptions(
        hz=hz,
        rounds=1 if quick else rounds,
        warm_up_s=1.0 if quick else BenchOptions.warm_up_s,
        measure_s=min(seconds, 2.0) if quick else seconds,
        resolution=0.1 if quick else BenchOptions.resolution,
        limit=limit,
        models=tuple(frame_model or EngineOptions.models),
        device=device,
        recordings=tuple(recording or recordings()),
        systems=tuple(one for one in SYSTEMS if one == "genlock" or not against or one in against),
    )
    try:
        tracks(options.recordings)
    except RecordingError as error:
        fail(str(error))
    console = Console(stderr=True)
    with _measuring(console) as status:

        def report(what: str, sessions: int, figures: LoadFigures | None) -> None:
            if figures is None:
                status.update(f"{what}: {sessions} sessions")
            else:
                console.print(_line(what, figures), highlight=False, soft_wrap=True)

        result = bench(options, report)
    _tell(result, as_json, _print)


@app.command()
def learning(
    hz: Annotated[float, typer.Option(help="Frames a second of each session.", min=10, max=240)] = 90.0,
    pairs: Annotated[int, typer.Option(help="How many loads with and without.", min=5)] = 40,
    seconds: Annotated[float, typer.Option(help="For how long each load is measured.", min=1)] = 2.0,
    limit: Annotated[int, typer.Option(help="The most sessions to try.", min=1, max=900)] = 512,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Find how many sessions are held while everybody's models learn, for each that is held without.

    Loads with learning and without in turns, each a little larger when the one before was answered in time and else a
    little smaller. On this machine, which should have nothing else to do: takes about six minutes.
    """
    options = BenchOptions(hz=hz, warm_up_s=1.0, measure_s=seconds, limit=limit, recordings=recordings())
    with _measuring(Console(stderr=True)) as status:

        def report(what: str, sessions: int, figures: LoadFigures | None) -> None:
            if figures is None:
                status.update(f"{what}: {sessions} sessions")
            else:
                status.console.print(_line(what, figures), highlight=False, soft_wrap=True)

        result = learning_.bench(options, pairs, report)
    _tell(result, as_json, _print_learning)


@app.command()
def utterances(
    manifest: Spoken = None,
    count: Annotated[int, typer.Option(help="Utterances when nobody else is there.", min=20)] = 300,
    sessions: Annotated[int, typer.Option(help="Headsets beside the speaker.", min=1, max=900)] = 32,
    hz: Annotated[float, typer.Option(help="Frames a second of each.", min=10, max=240)] = 90.0,
    per_second: Annotated[float, typer.Option(help="Utterances a second beside them.", min=0.1, max=50)] = 4.0,
    rounds: Annotated[int, typer.Option(help="How often, with speech and without.", min=1)] = 3,
    seconds: Annotated[float, typer.Option(help="For how long each time.", min=1)] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Find how long it takes from text to action, and what speech costs the frames of the others.

    First alone, with the whole daemon on one core; then beside headsets, in turns with and without speech. On this
    machine, which should have nothing else to do: takes about a minute and a half.
    """
    options = speech.UtteranceOptions(
        app=_spoken_of(manifest),
        utterances=count,
        sessions=sessions,
        hz=hz,
        per_second=per_second,
        rounds=rounds,
        measure_s=seconds,
        recordings=recordings(),
    )
    with _measuring(Console(stderr=True)) as status:
        result = speech.bench(options, status.update)
    _tell(result, as_json, _print_utterances)


@app.command("mixed")
def mixed_(
    manifest: Spoken = None,
    sessions: Annotated[int, typer.Option(help="Headsets in all.", min=1, max=900)] = 32,
    hz: Annotated[float, typer.Option(help="Frames a second of each.", min=10, max=240)] = 90.0,
    speaking: Annotated[int, typer.Option(help="So many of them speak without a pause.", min=1, max=64)] = 4,
    showing: Annotated[int, typer.Option(help="So many others send ten pictures a second.", min=0, max=64)] = 4,
    rounds: Annotated[int, typer.Option(help="How often, with and without.", min=1)] = 3,
    seconds: Annotated[float, typer.Option(help="For how long each time.", min=1)] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Find what speech and sight cost the frames, and how long it takes from the end of what was said to its action.

    Frames in turns with and without, then speech alone, by one and by several at once. On this machine, which should
    have nothing else to do: takes about four minutes. Needs the extra demo.
    """
    if speaking + showing > sessions:
        fail(f"--speaking {speaking} and --showing {showing} are more than --sessions {sessions}")
    options = mixed.MixedOptions(
        app=_spoken_of(manifest),
        pictures=tuple(sorted(pictures("say --showing 0").glob("*.jpg"))) if showing else (),
        sessions=sessions,
        hz=hz,
        speaking=speaking,
        showing=showing,
        rounds=rounds,
        measure_s=seconds,
        recordings=recordings(),
    )
    with _measuring(Console(stderr=True)) as status:
        result = mixed.bench(options, status.update)
    _tell(result, as_json, _print_mixed)


def _spoken_of(path: Path | None) -> Manifest:
    """The app that is spoken of; ends the command if it names nothing to speak of."""
    manifest = manifest_at(path or gallery("name an app with --app"))
    if not manifest.targets:
        fail(f"{manifest.path}: has no [[targets]]; what is said names one of them")
    return manifest


def _tell(result: dict[str, Any], as_json: bool, show: Callable[[dict[str, Any], Console], None]) -> None:
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        show(result, Console())


@contextmanager
def _measuring(console: Console) -> Iterator[Status]:
    """Shows what is under way, and ends the command in words when it cannot go on."""
    # Ended like this, what is open is closed, and that ends the servers.
    for number in ending():
        signal.signal(number, _terminated)
    try:
        with console.status("starting the servers") as status:
            yield status
    except (ServerError, LoadError, speech.SpeechError, ConnectionError, ImportError) as error:
        fail(str(error), code=1)
    except KeyboardInterrupt:
        fail("interrupted; nothing is left running", code=_INTERRUPTED)


def _print_learning(result: dict[str, Any], console: Console) -> None:
    held = result["sessions"]
    parts = ", ".join(f"{ratio:.2f}" for ratio in result["ratios_of_fifths"])
    console.print(
        f"{held['with']:.0f} sessions with learning and {held['without']:.0f} without, geometric means of "
        f"{len(result['steps'])} loads each: {result['ratio']:.2f} times as many ({parts} in each fifth of the time)",
        highlight=False,
        soft_wrap=True,
    )


def _print_utterances(result: dict[str, Any], console: Console) -> None:
    table = Table(title="From text to action")
    for column in ("", "utterances", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(column, justify="left" if column == "" else "right")
    beside = f"beside {result['options']['sessions']} sessions at {result['options']['hz']:g} Hz"
    for name, key in (("alone, on one core", "alone_on_one_core"), (beside, "beside_frames")):
        row = result[key]
        table.add_row(name, str(row["utterances"]), *(f"{row[p]:.1f}" for p in ("p50_ms", "p95_ms", "p99_ms")))
    console.print(table)
    rounds = " ".join(
        f"{_number(one['silent']['p99_ms'], 1)} -> {_number(one['spoken']['p99_ms'], 1)}" for one in result["frames"]
    )
    ratio = _number(result["frame_p99_ratio"], 2) or "not known: more than 1 % of frames were never answered"
    console.print(f"p99 of the frames without and with speech, ms: {rounds}; ratio {ratio}", highlight=False)


def _print_mixed(result: dict[str, Any], console: Console) -> None:
    told = result["options"]
    table = Table(title="From the end of what was said to its action")
    for column in ("", "utterances", "p50 ms", "p95 ms", "partial words", "sights", "dropped"):
        table.add_column(column, justify="left" if column == "" else "right")
    beside = (
        f"{told['speaking']}, among {told['sessions']} sessions at {told['hz']:g} Hz of which {told['showing']} show"
    )
    for name, key in (("one", "one"), (f"{told['speaking']} at once", "several"), (beside, "beside_frames")):
        row = result["speech"][key]
        latency = [_number(row.get(f"end_to_action_p{share}_ms"), 0) for share in (50, 95)]
        counts = [str(row[count]) for count in ("partials", "sights", "busy")]
        table.add_row(name, str(row["utterances"]), *latency, *counts)
    console.print(table)
    rounds = " ".join(
        f"{_number(one['plain']['p99_ms'], 1)} -> {_number(one['mixed']['p99_ms'], 1)}" for one in result["frames"]
    )
    ratio = _number(result["frame_p99_ratio"], 2) or "not known: more than 1 % of frames were never answered"
    console.print(f"p99 of the frames without and with, ms: {rounds}; ratio {ratio}", highlight=False)


def _terminated(number: int, frame: object) -> NoReturn:
    raise SystemExit(_TERMINATED)


def _line(what: str, figures: LoadFigures) -> str:
    share = 100 * figures.in_time / max(figures.frames, 1)
    p99 = "never" if figures.p99_ms is None else f"{figures.p99_ms:.1f} ms"
    verdict = "[green]passes[/]" if figures.passed else "[red]fails[/]"
    early = ", ended early" if figures.stopped_early else ""
    return f"{what}: {figures.sessions:4d} sessions {verdict}: {share:5.1f} % in time, p99 {p99}{early}"


def _print(result: dict[str, Any], console: Console) -> None:
    options = result["options"]
    table = Table(title=f"Sessions at {options['hz']:g} Hz, 99 % of frames within {result['period_ms']:.1f} ms")
    for column in ("", "sessions", "rounds", "p50 ms", "p99 ms", "cores: load", "server", "engine"):
        table.add_column(column, justify="left" if column == "" else "right")
    for system in result["sessions"]:
        found = [round_[system] for round_ in result["rounds"]]
        rounds = " ".join(f"{one['sessions']}{'' if one['bounded'] else '+'}" for one in found)
        figures = result["at_limit"][system] or {"p50_ms": None, "p99_ms": None, "processes": []}
        cores = {process["name"]: process["cores"] for process in figures["processes"]}
        table.add_row(
            system,
            str(result["sessions"][system]),
            rounds,
            *(_number(figures[key], 2) for key in ("p50_ms", "p99_ms")),
            *(_number(cores.get(name), 2) for name in ("load", "server", "engine")),
        )
    console.print(table)
    for name, ratio in result["ratios"].items():
        rounds = " ".join(_number(value, 2) for value in ratio["rounds"])
        console.print(f"{name}: {_number(ratio['median'], 2)} (rounds: {rounds})", highlight=False)
    memory = result["memory"]
    console.print(
        f"memory a session beyond the first, at {memory['sessions']} sessions:"
        f" {memory['bytes_a_session'] / 1024:.1f} KiB, of which it takes"
        f" {memory['bytes_a_session_that_joins'] / 1024:.1f} KiB when it joins",
        highlight=False,
    )
    machine = result["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, torch {machine['torch']};"
        f" load average before: {machine['load_average']:.2f}",
        highlight=False,
    )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"

"""``genlock simulate``: headsets that replay recordings to a daemon, here or on another machine."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.live import Live

from bridge.cli.errors import fail
from bridge.cli.headset_table import HeadsetTable, wide_console
from bridge.cli.manifests import manifest_at
from bridge.cli.samples import gallery
from bridge.headset.camera import Shot
from bridge.headset.camera import load as load_shots
from bridge.headset.client import ConnectError, NobodyAnswers, NotTrusted
from bridge.headset.simulated import HeadsetOptions, Refusal, SimulatedHeadset
from bridge.headset.sound import Synthesizer
from bridge.headset.track import Track, load_track
from bridge.recording.format import RecordingError

Url = Annotated[str, typer.Argument(help="The daemon, as ws://127.0.0.1:8765 or wss://...")]


def simulate(
    url: Url,
    recording: Annotated[
        list[Path], typer.Option(help="What to replay. May be given again; sessions take turns.", dir_okay=False)
    ],
    sessions: Annotated[int, typer.Option(help="How many headsets.", min=1, max=4096)] = 1,
    hz: Annotated[float, typer.Option(help="Frames a second of each.", min=1, max=240)] = 90.0,
    duration: Annotated[float | None, typer.Option(help="Seconds; else until Ctrl-C.", min=0.1)] = None,
    app: Annotated[
        Path | None, typer.Option(help="A manifest that the headsets declare; else only its recordings' name.")
    ] = None,
    select: Annotated[
        bool, typer.Option("--select", help="Tell the daemon what was selected in each trial, to learn pointing from.")
    ] = False,
    speak: Annotated[
        bool, typer.Option("--speak", help="Say something in each trial; without --app with that of the gallery.")
    ] = False,
    sound: Annotated[
        bool, typer.Option("--sound", help="Say it aloud, by microphone; needs the extra demo, and the daemon speech.")
    ] = False,
    show: Annotated[
        Path | None,
        typer.Option(help="A folder of photographs to show, with a labels.tsv, as samples/pictures.", file_okay=False),
    ] = None,
    horizons_ms: Annotated[str, typer.Option(help="Forecast horizons, 0 to 250 ms.")] = "50,100",
    token: Annotated[str, typer.Option(envvar="GENLOCK_TOKEN", help="For daemons that want one.")] = "",
    loop: Annotated[bool, typer.Option(help="Begin again when the recording ends.")] = True,
    jitter: Annotated[bool, typer.Option(help="Send as unevenly as a real headset.")] = True,
    drop: Annotated[float, typer.Option(help="Share of frames that are not sent.", min=0, max=1)] = 0.0,
    reconnect_every: Annotated[
        float | None, typer.Option(help="Lose the network every so many seconds.", min=0.5)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    ca: Annotated[Path | None, typer.Option(help="Certificate to trust, for wss with one of your own (PEM).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON at the end and nothing before.")] = False,
) -> None:
    """Connect simulated headsets to a daemon and report how it answers them."""
    try:
        horizons = tuple(float(part) for part in horizons_ms.split(",") if part.strip())
    except ValueError:
        fail(f"--horizons-ms {horizons_ms!r}: milliseconds look like 50,100")
    if app is None and (speak or sound or show is not None):
        app = gallery("name an app with --app")
    declared = manifest_at(app).app if app is not None else None
    options = HeadsetOptions(
        app=declared,
        speak=speak or sound,
        synthesizer=synthesizer() if sound else None,
        shots=photographs(show) if show is not None else (),
        select=select,
        token=token,
        horizons_ms=horizons,
        loop=loop,
        jitter=jitter,
        drop=drop,
        seed=seed,
        tls=_trust(ca),
    )
    headsets = make_headsets(url, load_tracks(recording, hz), sessions, options)
    for headset in headsets:
        headset.rehearse()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_simulate(headsets, duration, reconnect_every, show=not as_json))
    except KeyboardInterrupt:
        pass
    except NobodyAnswers as error:
        fail(f"{error}; start a daemon with: genlock serve", code=1)
    except NotTrusted as error:
        fail(f"{error}; one of your own is trusted with --ca", code=1)
    except ConnectError as error:
        fail(str(error), code=1)
    except Refusal as error:
        fail(f"the daemon refused this: {error}", code=1)
    if as_json:
        typer.echo(json.dumps(summary(headsets), indent=2))
    else:
        wide_console().print(HeadsetTable(headsets))


def synthesizer() -> Synthesizer:
    """What headsets speak with; ends the command if there is nothing."""
    try:
        return Synthesizer()
    except ImportError as error:
        fail(str(error))


def photographs(folder: Path) -> tuple[Shot, ...]:
    """What headsets show; ends the command if there is nothing in the folder."""
    try:
        return tuple(load_shots(folder))
    except (OSError, ValueError) as error:
        fail(str(error))


def load_tracks(recordings: Sequence[Path], hz: float) -> list[Track]:
    """Recordings ready for replay; ends the command if one is none."""
    try:
        return [load_track(path, hz) for path in recordings]
    except RecordingError as error:
        fail(str(error))


def make_headsets(url: str, tracks: Sequence[Track], sessions: int, options: HeadsetOptions) -> list[SimulatedHeadset]:
    """Headsets that take turns with the tracks. Those that share one have users of their own and begin elsewhere."""
    headsets = []
    for number in range(sessions):
        track = tracks[number % len(tracks)]
        round_ = number // len(tracks)
        of_this_track = -(-(sessions - number % len(tracks)) // len(tracks))
        mine = replace(
            options,
            user=track.user if round_ == 0 else f"{track.user}-{round_ + 1}",
            start_s=track.duration_s * round_ / of_this_track,
            seed=options.seed + number,
        )
        headsets.append(SimulatedHeadset(url, track, mine))
    names = [headset.user for headset in headsets]
    for number, headset in enumerate(headsets):
        if names.index(headset.user) != number:
            headset.user = f"{headset.track.name}-{number + 1}"
    return headsets


def summary(headsets: Sequence[SimulatedHeadset]) -> dict[str, Any]:
    """All that was counted, ready for JSON; what is not known is null."""
    rows = []
    for headset in headsets:
        counted = headset.statistics
        p50, p99 = counted.round_trip_ms(50, 99)
        rows.append(
            {
                "user": headset.user,
                "recording": headset.track.name,
                "sent": counted.sent,
                "answered": counted.answered,
                "late": counted.late,
                "missing": counted.missing,
                "unsent": counted.unsent,
                "errors": counted.errors,
                "reconnects": counted.reconnects,
                "resumed": counted.resumed,
                "round_trip_p50_ms": _known(p50),
                "round_trip_p99_ms": _known(p99),
                "hand_forecast_100ms_mm": _known(headset.forecasts.error_mm),
                "constant_velocity_100ms_mm": _known(headset.forecasts.baseline_mm),
                "target_right_percent": _known(headset.targets.percent),
                "said": headset.speech.said,
                "understood_right_percent": _known(headset.speech.percent),
                "shown": headset.sights.shown,
                "seen_right": headset.sights.right,
            }
        )
    total = {
        key: sum(getattr(headset.statistics, key) for headset in headsets)
        for key in ("sent", "answered", "late", "missing", "unsent")
    }
    return {"headsets": rows, "total": total}


async def _simulate(
    headsets: Sequence[SimulatedHeadset], duration_s: float | None, reconnect_every: float | None, *, show: bool
) -> None:
    opened: list[SimulatedHeadset] = []
    try:
        for headset in headsets:
            await headset.connect()
            opened.append(headset)
        _tell_what_is_not_served(headsets[0])
        async with asyncio.TaskGroup() as tasks:
            playing = [
                tasks.create_task(play_out_of_step(headset, number, len(headsets), duration_s))
                for number, headset in enumerate(headsets)
            ]
            shown = tasks.create_task(_show(headsets)) if show else None
            losing = tasks.create_task(_lose(headsets, reconnect_every)) if reconnect_every is not None else None
            await asyncio.wait(playing)
            for task in (shown, losing):
                if task is not None:
                    task.cancel()
    finally:
        await asyncio.gather(*(headset.close() for headset in opened))


def _tell_what_is_not_served(headset: SimulatedHeadset) -> None:
    served = headset.welcome.serves
    if headset.options.synthesizer is not None and "audio" not in served:
        typer.echo("genlock: the daemon does not hear; what is said is sent as text", err=True)
    if headset.options.shots and "image" not in served:
        typer.echo("genlock: the daemon does not see; nothing is shown", err=True)


async def play_out_of_step(headset: SimulatedHeadset, number: int, of: int, duration_s: float | None) -> None:
    """Plays with a phase of its own, since real headsets' clocks do not tick together."""
    await asyncio.sleep(number / of / headset.track.hz)
    await headset.play(duration_s)


async def _lose(headsets: Sequence[SimulatedHeadset], every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        for headset in headsets:
            headset.drop_socket()


async def _show(headsets: Sequence[SimulatedHeadset]) -> None:
    console = wide_console()
    if not console.is_terminal:
        return
    with Live(HeadsetTable(headsets), console=console, refresh_per_second=4, transient=True) as live:
        while True:
            await asyncio.sleep(0.5)
            live.update(HeadsetTable(headsets))


def _known(value: float) -> float | None:
    return round(value, 3) if value == value else None


def _trust(ca: Path | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        fail(f"cannot use the certificate {ca}: {error}")

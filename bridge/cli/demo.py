"""``genlock demo``: a daemon and simulated headsets, started, shown and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import uvloop
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from bridge.cli.errors import fail
from bridge.cli.headset_table import HeadsetTable, wide_console
from bridge.cli.manifests import manifest_at
from bridge.cli.samples import gallery, pictures, recordings
from bridge.cli.signals import ending
from bridge.cli.simulate import (
    load_tracks,
    make_headsets,
    photographs,
    play_out_of_step,
    synthesizer,
)
from bridge.headset.client import ConnectError
from bridge.headset.simulated import HeadsetOptions, Refusal, SimulatedHeadset
from bridge.headset.track import Track

_READY_TIMEOUT_S = 180.0
_EXIT_TIMEOUT_S = 20.0
_PLAIN_EVERY_S = 10.0
_INTERRUPTED = 130
_INSTEAD = "replay recordings of your own with: genlock simulate"


class DaemonFailed(RuntimeError):
    """The daemon did not become ready, or did not stop as it should; the message has its last words."""


def demo(
    duration: Annotated[float, typer.Option(help="Seconds.", min=1)] = 60.0,
    sessions: Annotated[int, typer.Option(help="How many headsets.", min=1, max=512)] = 4,
    hz: Annotated[float, typer.Option(help="Frames a second of each.", min=1, max=240)] = 90.0,
    recording: Annotated[
        list[Path] | None, typer.Option(help="What to replay; else samples/recordings.", dir_okay=False)
    ] = None,
    device: Annotated[str, typer.Option(help="Where the models run: auto, cpu or cuda.")] = "auto",
    sound: Annotated[bool, typer.Option(help="Speak by microphone, not as text.")] = True,
) -> None:
    """Start a daemon, connect simulated headsets that replay real recordings, and watch."""
    app = gallery(_INSTEAD)
    replayed = recording or recordings()
    if not replayed:
        fail("there are no recordings in samples/recordings; name one with --recording")
    tracks = load_tracks(replayed, hz)
    speaking = HeadsetOptions(
        app=manifest_at(app).app,
        speak=True,
        select=True,
        synthesizer=synthesizer() if sound else None,
        shots=photographs(pictures(_INSTEAD)),
    )
    with tempfile.TemporaryDirectory(prefix="genlock-") as folder:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_demo(tracks, sessions, speaking, duration, _command(app, device, Path(folder))))
        except (KeyboardInterrupt, asyncio.CancelledError):
            fail("interrupted; nothing is left running", code=_INTERRUPTED)
        except (DaemonFailed, ConnectError, Refusal) as error:
            fail(str(error), code=1)


async def _demo(
    tracks: Sequence[Track], sessions: int, options: HeadsetOptions, duration_s: float, command: Sequence[str]
) -> None:
    console = wide_console()
    _stop_the_daemon_first()
    async with _daemon(console, command) as (url, hears):
        headsets = make_headsets(url, tracks, sessions, options)
        with console.status("the headsets rehearse ..."):
            for headset in headsets:
                headset.rehearse()
        try:
            for headset in headsets:
                await headset.connect()
            if options.synthesizer is not None and "audio" in headsets[0].welcome.serves:
                with console.status("loading what hears speech ..."):
                    await asyncio.wait((asyncio.ensure_future(hears.wait()),), timeout=_READY_TIMEOUT_S)
            await _play(console, url, headsets, duration_s)
        finally:
            await asyncio.gather(*(headset.close() for headset in headsets))
    console.print(HeadsetTable(headsets))
    answered = sum(headset.statistics.answered for headset in headsets)
    late = sum(headset.statistics.late for headset in headsets)
    share = f", {100 * late / answered:.2f} % of them late" if answered else ""
    said, right = (sum(getattr(one.speech, name) for one in headsets) for name in ("said", "right"))
    latency = np.concatenate([np.frombuffer(one.speech.latency_s) for one in headsets])
    took = f", half of them within {1000 * float(np.median(latency)):.0f} ms" if len(latency) else ""
    console.print(f"{right} of {said} utterances became the right action with the right target{took}.")
    shown, seen = (sum(getattr(one.sights, name) for one in headsets) for name in ("shown", "right"))
    if shown:
        console.print(f"{seen} of {shown} things that were shown were seen for what they are.")
    console.print(f"{answered} frames answered{share}. The daemon has stopped; nothing is left running.")


def _command(app: Path, device: str, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--device", device]
    return [*command, "--profiles", str(folder / "profiles.sqlite"), "--app", str(app)]


def _stop_the_daemon_first() -> None:
    """Whoever ends the demo, be it by closing the terminal, ends its daemon with it."""
    task = asyncio.current_task()
    assert task is not None
    for number in ending():
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _play(console: Console, url: str, headsets: Sequence[SimulatedHeadset], duration_s: float) -> None:
    models = ", ".join(f"{model.name} {model.version}" for model in headsets[0].welcome.models)
    began = time.monotonic()

    def view() -> Group:
        left = max(0.0, duration_s - (time.monotonic() - began))
        about = Text.assemble(("Genlock", "bold"), f"  {url}  {models}  {left:.0f} s left")
        return Group(about, HeadsetTable(headsets))

    playing = asyncio.gather(
        *(play_out_of_step(headset, number, len(headsets), duration_s) for number, headset in enumerate(headsets))
    )
    if console.is_terminal:
        with Live(view(), console=console, refresh_per_second=8, transient=True) as live:
            while not playing.done():
                await asyncio.wait((playing,), timeout=0.25)
                live.update(view())
    else:
        while not playing.done():
            await asyncio.wait((playing,), timeout=_PLAIN_EVERY_S)
            if not playing.done():
                console.print(view())
    await playing


@asynccontextmanager
async def _daemon(console: Console, command: Sequence[str]) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A daemon in a process of its own, and when it hears; stopped at the end, whatever happens."""
    # A session of its own: Ctrl-C is for this process, which then stops the daemon in order.
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, start_new_session=True)
    log: deque[str] = deque(maxlen=20)
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    hears = asyncio.Event()
    reading = asyncio.create_task(_read(process, log, url, hears))
    try:
        with console.status("loading the models ..."):
            await asyncio.wait((url, reading), timeout=_READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if not url.done():
            raise DaemonFailed("the daemon did not become ready; its last words:\n" + "\n".join(log))
        yield url.result(), hears
        process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(process.wait(), _EXIT_TIMEOUT_S)
        except TimeoutError as error:
            raise DaemonFailed(f"the daemon did not stop within {_EXIT_TIMEOUT_S:g} s of SIGTERM; killed") from error
        if code:
            raise DaemonFailed(f"the daemon ended with {code}; its last words:\n" + "\n".join(log))
    finally:
        if process.returncode is None:
            with console.status("stopping the daemon ..."):
                await _end(process)
        await reading


async def _read(process: Process, log: deque[str], url: asyncio.Future[str], hears: asyncio.Event) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode("utf-8", "replace").rstrip()
        log.append(text)
        if "listening on " in text and not url.done():
            url.set_result(text.rpartition("listening on ")[2])
        if "the hearing worker is ready" in text or "speech cannot be heard" in text:
            hears.set()


async def _end(process: Process) -> None:
    """Ends a daemon that runs, also if this one is being stopped."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _EXIT_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

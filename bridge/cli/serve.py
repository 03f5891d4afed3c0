"""``genlock serve``: the daemon."""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import logging
import os
import resource
import signal
import ssl
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from bridge import logs
from bridge.app import App
from bridge.cli.errors import fail
from bridge.cli.manifests import manifest_at
from bridge.cli.signals import ending
from bridge.cores import divided, keep_to
from bridge.daemon import Daemon, DaemonOptions
from bridge.event_path.hearing import EXTRA, NOT_INSTALLED, HearingOptions
from bridge.event_path.language import LanguageError, LanguageOptions
from bridge.event_path.seeing import SeeingOptions
from bridge.event_path.workers import EventPathOptions
from bridge.frame_path.engine import EngineError, EngineOptions
from bridge.manifest import Manifest
from bridge.profiles.store import StoreError
from bridge.protocol import Hello
from bridge.recording.format import RecordingError
from bridge.recording.recorder import Recorder
from bridge.session import Sink
from bridge.sessions import SessionOptions
from bridge.transport import TransportOptions
from models.speech.whisper import check as check_speech_model

log = logging.getLogger("genlock.daemon")

# Pages of metrics, and who does not get in.
_OTHER_CONNECTIONS = 64
# Profiles, weights, sockets of the children.
_OTHER_FILES = 256


class Device(StrEnum):
    """Where the models run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class EngineKind(StrEnum):
    """Where the engine runs."""

    PROCESS = "process"
    IN_PROCESS = "in-process"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def default_profiles() -> Path:
    """Where profiles are kept if nothing else is said, by the XDG base directory specification."""
    try:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError:
        fail("there is no home directory to keep profiles in; give --profiles FILE")
    return Path(state) / "genlock" / "profiles.sqlite"


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8765,
    token: Annotated[
        str, typer.Option(envvar="GENLOCK_TOKEN", help="What clients must send in hello. Needed beyond this machine.")
    ] = "",
    allow_anonymous: Annotated[
        bool, typer.Option("--allow-anonymous", help="Serve other machines without a token.")
    ] = False,
    profiles: Annotated[
        Path | None, typer.Option(envvar="GENLOCK_PROFILES", help="The file that keeps what is learned of users.")
    ] = None,
    share_profiles: Annotated[
        bool,
        typer.Option("--share-profiles", help="Sessions of one user at once learn together, not the newest alone."),
    ] = False,
    app: Annotated[
        list[Path] | None, typer.Option(help="A manifest of an app: what its utterances mean. May be given again.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="The folder that keeps longer fits of apps; else the user's cache folder.")
    ] = None,
    speech_model: Annotated[
        str, typer.Option(help="What recognizes speech: a faster-whisper model by name or folder; off hears nothing.")
    ] = "",
    no_sight: Annotated[bool, typer.Option("--no-sight", help="Look at no pictures.")] = False,
    device: Annotated[Device, typer.Option(help="Where the models run.")] = Device.AUTO,
    frame_model: Annotated[
        list[str] | None, typer.Option(help="A frame model, by name or as module:Class. May be given again.")
    ] = None,
    engine: Annotated[EngineKind, typer.Option(help="A process of its own, or this one.")] = EngineKind.PROCESS,
    engine_threads: Annotated[int, typer.Option(help="Threads for one operation of torch.", min=1)] = 1,
    divide_cores: Annotated[
        bool,
        typer.Option(
            "--divide-cores/--share-cores",
            help="The engine has half of the cores to itself and all else the others (Linux), or all have all.",
        ),
    ] = True,
    max_sessions: Annotated[int, typer.Option(help="The most sessions at a time.", min=1, max=4096)] = 512,
    resume_s: Annotated[float, typer.Option(help="Seconds that a session outlives its socket.", min=0)] = 30.0,
    window_ms: Annotated[
        float, typer.Option(help="How long the first frame of a batch waits for others.", min=0, max=10)
    ] = 0.0,
    record: Annotated[
        Path | None, typer.Option(help="Write down what every headset sends, a file a session, into this folder.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Let in browsers' pages of this origin. May be given again.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate with its full chain (PEM), for wss.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    drain_s: Annotated[float, typer.Option(help="Seconds that clients have to close when it stops.", min=0)] = 5.0,
    log_level: Annotated[LogLevel, typer.Option(help="How much to log.")] = LogLevel.INFO,
) -> None:
    """Run the daemon: listen for headsets and answer their frames."""
    logs.begin(log_level.upper())
    logging.getLogger("websockets").setLevel(logging.WARNING)
    if not token and not allow_anonymous and not _is_loopback(host):
        fail(f"--host {host} can be reached from other machines: set GENLOCK_TOKEN or --token, or --allow-anonymous")
    apps = _apps(app or ())
    hearing = _hearing(speech_model)
    # Beside each session one that is being opened, and one that has just been taken over.
    connections = 2 * max_sessions + _OTHER_CONNECTIONS
    # A session may have a recording too.
    _allow_open_files(connections + max_sessions + _OTHER_FILES)
    cores = divided(engine_threads) if divide_cores and engine is EngineKind.PROCESS else None
    options = DaemonOptions(
        host=host,
        port=port,
        profiles=profiles or default_profiles(),
        in_process=engine is EngineKind.IN_PROCESS,
        window_s=window_ms / 1000,
        tls=_tls(tls_cert, tls_key),
        drain_s=drain_s,
        apps=apps,
        engine=EngineOptions(
            models=tuple(frame_model or EngineOptions.models),
            device=device,
            threads=engine_threads,
            cores=cores[0] if cores is not None else (),
            slots=max_sessions,
        ),
        workers=EventPathOptions(
            language=LanguageOptions(cache=str(cache.absolute()) if cache is not None else ""),
            hearing=hearing,
            seeing=SeeingOptions(off=no_sight),
        ),
        sessions=SessionOptions(token=token, resume_s=resume_s, share_profiles=share_profiles),
        transport=TransportOptions(origins=tuple(origin or ()), max_connections=connections),
    )
    try:
        recorder = Recorder(record) if record is not None else None
    except RecordingError as error:
        fail(str(error))
    if cores is not None:
        keep_to(cores[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        complete = runner.run(_run(options, recorder.open if recorder is not None else None, cores))
    if recorder is not None:
        recorder.close()
    raise typer.Exit(0 if complete else 1)


def _allow_open_files(wanted: int) -> None:
    """As many at a time, or as many as the system lets anybody have."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _run(
    options: DaemonOptions,
    make_sink: Callable[[Hello, str], Sink] | None,
    cores: tuple[tuple[int, ...], tuple[int, ...]] | None,
) -> bool:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, *ending()):
        loop.add_signal_handler(number, stop.set)
    try:
        daemon = Daemon(options, make_sink)
        starting = asyncio.create_task(daemon.start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            log.info("stopping before all was started")
            starting.cancel()
            await asyncio.wait((starting,))
            return True
        starting.result()
    except StoreError as error:
        fail(str(error))
    except EngineError as error:
        fail(f"the engine cannot be started: {error}", code=1)
    except LanguageError as error:
        fail(f"utterances cannot be understood: {error}", code=1)
    except OSError as error:
        way_out = "; another one is chosen with --port" if error.errno == errno.EADDRINUSE else ""
        fail(f"cannot listen on {options.host}:{options.port}: {error.strerror or error}{way_out}")
    # What is alive now lives as long as the daemon; without it a collection has next to nothing to look at.
    gc.collect()
    gc.freeze()
    if cores is not None:
        log.info("the engine has cores %s, all else %s", *(", ".join(map(str, some)) for some in cores))
    for senses in (daemon.workers.hearing, daemon.workers.seeing):
        if senses.problem:
            log.info("%s", senses.problem)
    log.info("listening on %s", daemon.url)
    await stopping
    log.info("stopping: %d sessions", len(daemon.sessions))
    return await daemon.drain()


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None:
        fail("--tls-key needs --tls-cert")
    # What the ssl module says of a file that is not there names no file.
    texts = {path: _read(path) for path in (certificate, key) if path is not None}
    if key is None and b"PRIVATE KEY" not in texts[certificate]:
        fail("--tls-cert needs --tls-key, unless the key is in the same file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        fail(f"cannot use the certificate {certificate}{f' with the key {key}' if key is not None else ''}: {error}")
    return context


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path}: cannot be read: {error.strerror or error}")


def _apps(paths: Sequence[Path]) -> tuple[App, ...]:
    manifests: dict[str, Manifest] = {}
    for path in paths:
        manifest = manifest_at(path)
        other = manifests.setdefault(manifest.app.name, manifest)
        if other is not manifest:
            fail(f"{other.path} and {path} are both of the app {manifest.app.name!r}; each app has one manifest")
    return tuple(manifest.app for manifest in manifests.values())


def _hearing(model: str) -> HearingOptions:
    if model not in ("", "off"):
        if find_spec(EXTRA) is None:
            fail(f"--speech-model {model}: {NOT_INSTALLED}")
        try:
            check_speech_model(model)
        except ValueError as error:
            fail(f"--speech-model {error}")
    return HearingOptions(model=model)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

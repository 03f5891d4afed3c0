"""The load: sessions that each send a frame a period, whatever comes back. A process of its own.

``python -m bridge.bench.load URL --sessions N`` puts the load on, and prints what it measured as one line of JSON.

The sessions take turns, so that their frames are spread evenly over the period: frame ``n`` of all is due at
``n / (sessions * hz)`` and is sent then, also if nothing was answered before (an open loop). The time to an answer is
counted from when its frame was due and not from when it was sent: a load that falls behind, or a server that makes it
fall behind, shows in the figures instead of thinning out the load (Tene, "How NOT to Measure Latency", 2013).
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import json
import math
import select
import selectors
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec
import psutil

from bridge.app import App
from bridge.bench.client import Client, LoadError
from bridge.bench.media import Camera, MediaFigures, Microphone, Speech
from bridge.bench.workload import Track, tracks
from bridge.cores import divided, keep_to
from bridge.manifest import ManifestError
from bridge.manifest import load as load_manifest
from bridge.protocol import (
    VERSION,
    Ack,
    Actions,
    Bye,
    Error,
    Frame,
    Hello,
    Message,
    Welcome,
    decode_client,
    decode_server,
    encode,
)
from bridge.recording.format import RecordingError

LATE_SHARE: Final = 0.01
"""A load at which more than this share of frames is not answered within a period is more than a server can take."""

_TICK_S: Final = 0.00025
"""How long the load sleeps when nothing is due: what comes meanwhile is handled together, up to that much later."""

_COOL_DOWN_PERIODS: Final = 20
"""How much longer the load stays on, so that the last measured frames are answered under it too."""

_START_S: Final = 0.05
_CLOSE_S: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """What load is put on.

    Attributes:
        url: the server.
        sessions: how many.
        hz: frames a second of each.
        warm_up_s, measure_s: for how long the load is on before it is measured, and then while it is.
        echo: the server sends everything back and knows no ``hello``.
        learn: whether the app lets anything be learned.
        stop_early: end as soon as too many frames are late for the rest to make up.
        recordings: whose frames are sent.
        watch: a process of which, and of whose children, CPU time and memory are measured.
        speaking: so many of the sessions speak without a pause, as the file ``sound`` has it (``bench.media.Speech``).
        showing: so many of the others send ten pictures a second, the JPEG files ``pictures`` in turn.
        app: the manifest of the app that those declare.
    """

    url: str
    sessions: int
    hz: float = 90.0
    warm_up_s: float = 1.5
    measure_s: float = 5.0
    echo: bool = False
    learn: bool = True
    stop_early: bool = False
    recordings: tuple[Path, ...] = ()
    watch: int | None = None
    speaking: int = 0
    showing: int = 0
    sound: Path | None = None
    pictures: tuple[Path, ...] = ()
    app: Path | None = None


@dataclass(frozen=True)
class ProcessFigures:
    """A process: cores it used while it was measured, and the memory it holds with the sessions still on.

    Memory is the proportional set size, in which a page that several processes map counts in parts for each
    (``/proc/PID/smaps_rollup``; 0 where there is none). ``own_bytes`` is what the process allocated, by itself or as
    shared memory. ``file_bytes`` is programs and libraries; it changes when somebody else maps the same ones.
    """

    name: str
    cores: float
    own_bytes: int
    file_bytes: int


@dataclass(frozen=True, kw_only=True)
class LoadFigures:
    """What was measured.

    Attributes:
        sessions: how many there were.
        frames: frames that were due while it was measured.
        answered: of these, those that were answered at all before the load ended.
        in_time: of these, those that were answered within a period of when they were due.
        p50_ms, p99_ms: of the time from when a frame was due to its answer, over all frames; nothing if the frame at
            that place was never answered.
        lag_p99_ms, lag_max_ms: how much later than due the load itself sent.
        unexpected: messages that were not the answer to a frame, or not the next one.
        lost: sessions whose connection broke.
        stopped_early: whether the load ended before its time, with ``in_time`` too low already.
        processes: ``load`` itself, the ``server`` and its ``engine``, as far as there are such.
        media: what came of what was said and shown; nothing if nothing was.
    """

    sessions: int
    frames: int
    answered: int
    in_time: int
    p50_ms: float | None
    p99_ms: float | None
    lag_p99_ms: float
    lag_max_ms: float
    unexpected: int = 0
    lost: int = 0
    stopped_early: bool = False
    processes: tuple[ProcessFigures, ...] = ()
    media: MediaFigures | None = None

    @property
    def passed(self) -> bool:
        """Whether the server could take this load."""
        return not self.stopped_early and self.frames - self.in_time <= LATE_SHARE * self.frames


def quantile(values: Sequence[float], total: int, share: float) -> float:
    """The nearest-rank quantile of ``total`` values of which the missing ones are infinite; ``values`` is sorted."""
    rank = max(math.ceil(share * total), 1)
    return values[rank - 1] if rank <= len(values) else math.inf


class Schedule:
    """When which frame is due, counted from the start of the load.

    Attributes:
        first, last: the frames that are measured, from and up to; whole rounds over all sessions.
        end: how many frames are sent in all.
    """

    def __init__(self, options: LoadOptions) -> None:
        self.sessions = options.sessions
        self.rate = options.sessions * options.hz
        self.first = self._round(options.warm_up_s * options.hz)
        self.last = self.first + max(self._round(options.measure_s * options.hz), self.sessions)
        self.end = self.last + _COOL_DOWN_PERIODS * self.sessions

    def due(self, n: int) -> float:
        """Seconds from the start at which frame ``n`` of all is due."""
        return n / self.rate

    def due_before(self, seconds: float) -> int:
        """How many frames are due until then."""
        return int(seconds * self.rate)

    def _round(self, periods: float) -> int:
        return round(periods) * self.sessions


class _Usage:
    """CPU time and memory of this process, and of another and its children."""

    def __init__(self, pid: int | None) -> None:
        self._processes = [("load", psutil.Process())]
        if pid is not None:
            server = psutil.Process(pid)
            self._processes += [("server", server), *(("engine", child) for child in server.children())]
        self._since: list[float] = []
        self._cores: list[float] = []

    def begin(self) -> None:
        self._began = perf_counter()
        self._since = self._seconds()

    def end(self) -> None:
        wall = perf_counter() - self._began
        self._cores = [(now - then) / wall for now, then in zip(self._seconds(), self._since, strict=True)]

    def figures(self) -> tuple[ProcessFigures, ...]:
        return tuple(
            ProcessFigures(name, cores, *_memory(process.pid))
            for (name, process), cores in zip(self._processes, self._cores, strict=True)
        )

    def _seconds(self) -> list[float]:
        return [times.user + times.system for _, process in self._processes for times in (process.cpu_times(),)]


@dataclass
class _Session:
    """One connection of the load, and the last frame that was answered on it."""

    client: Client
    track: Track
    media: Microphone | Camera | None = None
    answered_q: int = 0


class Load:
    """A load on a server that is there. Frame ``q`` of session ``at`` is frame ``(q - 1) * sessions + at`` of all."""

    def __init__(self, options: LoadOptions) -> None:
        self._options = options
        self._schedule = Schedule(options)
        self._decode: Callable[[bytes], object] = decode_client if options.echo else decode_server
        self._answer = Frame if options.echo else Actions
        self._selector = selectors.DefaultSelector()
        self._sessions: dict[int, _Session] = {}
        self._latencies: list[float] = []
        self._lags: list[float] = []
        self._in_time = 0
        self._unexpected = 0
        self._media = MediaFigures()

    def run(self) -> LoadFigures:
        """Connects, puts the load on, and takes it off again.

        Raises:
            LoadError: the server is not there, or does not let the sessions in.
            RecordingError: a recording cannot be read.
        """
        played = tracks(self._options.recordings)
        media = self._make_media()
        try:
            for at in range(self._options.sessions):
                self._connect(at, played[at % len(played)], media[at] if at < len(media) else None)
            # Nothing here makes cycles, and a collection would be a pause that looks like the server's.
            gc.collect()
            gc.disable()
            figures = self._measure()
            if not self._options.echo:
                self._leave()
            return figures
        finally:
            gc.enable()
            for session in self._sessions.values():
                session.client.cut()
            self._selector.close()

    def _make_media(self) -> list[Microphone | Camera]:
        options = self._options
        made: list[Microphone | Camera] = []
        if options.speaking and options.sound is not None:
            speech = Speech.load(options.sound)
            made += [Microphone(speech, number) for number in range(options.speaking)]
        pictures = [path.read_bytes() for path in options.pictures]
        made += [Camera(pictures, number) for number in range(options.showing)]
        return made

    def _connect(self, at: int, track: Track, media: Microphone | Camera | None) -> None:
        client = Client(self._options.url)
        self._sessions[at] = _Session(client, track, media)
        if not self._options.echo:
            app = App("benchmark", learn=self._options.learn)
            if media is not None and self._options.app is not None:
                app = load_manifest(self._options.app).app
            hello = Hello(VERSION, app, f"benchmark {at}", refresh_hz=self._options.hz)
            self._ask(client, hello, Welcome)
            self._ask(client, track.scene, Ack)
        client.socket.setblocking(False)
        self._selector.register(client.socket, selectors.EVENT_READ, at)

    def _ask(self, client: Client, question: Message, answer: type[Message]) -> None:
        try:
            client.send(encode(question))
            replies: list[bytes] = []
            while not replies:
                replies = client.receive()
            reply = decode_server(replies[0])
        except (OSError, msgspec.DecodeError) as error:
            raise LoadError(f"{self._options.url}: {error}") from error
        if not isinstance(reply, answer):
            text = reply.message if isinstance(reply, Error) else f"{type(reply).__name__} instead of {answer.__name__}"
            raise LoadError(f"{self._options.url}: {text}")

    def _measure(self) -> LoadFigures:
        options, schedule = self._options, self._schedule
        usage = _Usage(options.watch)
        allowed = LATE_SHARE * (schedule.last - schedule.first)
        wake = (self._selector.fileno(),)
        self._start = start = perf_counter() + _START_S
        hopeless = False
        n = 0
        while n < schedule.end and not hopeless:
            now = perf_counter() - start
            while n < schedule.end and schedule.due(n) <= now:
                if n == schedule.first:
                    usage.begin()
                elif n == schedule.last:
                    usage.end()
                self._send(n, now)
                n += 1
                now = perf_counter() - start
            # Those still to come can be late or not, but these are.
            late = min(schedule.due_before(now - 1 / options.hz), schedule.last) - schedule.first - self._in_time
            hopeless = options.stop_early and late > allowed
            select.select(wake, (), (), max(schedule.due(n) - now, _TICK_S))
            for key, _ in self._selector.select(0):
                self._receive(key.data)
        if n <= schedule.last:
            usage.end()
        frames = min(n, schedule.last) - schedule.first
        latencies, lags = sorted(self._latencies), sorted(self._lags)
        return LoadFigures(
            sessions=options.sessions,
            frames=frames,
            answered=len(latencies),
            in_time=self._in_time,
            p50_ms=_milliseconds(quantile(latencies, frames, 0.5)),
            p99_ms=_milliseconds(quantile(latencies, frames, 0.99)),
            lag_p99_ms=1000 * quantile(lags, len(lags), 0.99),
            lag_max_ms=1000 * lags[-1],
            unexpected=self._unexpected,
            lost=options.sessions - len(self._sessions),
            stopped_early=hopeless,
            processes=usage.figures(),
            media=self._media if options.speaking or options.showing else None,
        )

    def _send(self, n: int, now: float) -> None:
        schedule = self._schedule
        round_, at = divmod(n, schedule.sessions)
        session = self._sessions.get(at)
        due = schedule.due(n)
        if schedule.first <= n < schedule.last:
            self._lags.append(now - due)
        if session is None:
            return
        frames = session.track.frames
        # Another place in the track for each session, or all would move as one.
        mask, blob = frames[(97 * at + round_) % len(frames)]
        try:
            session.client.send(encode(Frame(round_ + 1, _microseconds(due), mask, blob)))
            if session.media is not None and (beside := session.media.message(due)) is not None:
                session.client.send(encode(beside))
        except OSError:
            self._lose(at)

    def _receive(self, at: int) -> None:
        session = self._sessions[at]
        try:
            messages = session.client.receive()
        except OSError:
            self._lose(at)
            return
        now = perf_counter() - self._start
        schedule = self._schedule
        for data in messages:
            reply = self._decode(data)
            if session.media is not None and isinstance(reply, Message):
                if not isinstance(reply, Actions) or reply.a:
                    session.media.heard(reply, now, self._media)
                if not isinstance(reply, Actions) or reply.q < 0:
                    continue
            if not isinstance(reply, self._answer) or reply.q <= session.answered_q:
                self._unexpected += 1
                continue
            n = (reply.q - 1) * schedule.sessions + at
            due = schedule.due(n)
            if reply.t != _microseconds(due):
                self._unexpected += 1
                continue
            session.answered_q = reply.q
            if schedule.first <= n < schedule.last:
                self._latencies.append(now - due)
                self._in_time += now - due <= 1 / self._options.hz

    def _lose(self, at: int) -> None:
        session = self._sessions.pop(at)
        self._selector.unregister(session.client.socket)
        session.client.cut()

    def _leave(self) -> None:
        for at, session in list(self._sessions.items()):
            try:
                session.client.send(encode(Bye()))
            except OSError:
                self._lose(at)
        deadline = perf_counter() + _CLOSE_S
        while self._sessions and (left := deadline - perf_counter()) > 0:
            for key, _ in self._selector.select(left):
                try:
                    self._sessions[key.data].client.receive()
                except OSError:
                    self._lose(key.data)


def _memory(pid: int) -> tuple[int, int]:
    kibibytes: dict[str, int] = {}
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.startswith("Pss_"):
                kibibytes[key] = int(value.split()[0])
    own = kibibytes.get("Pss_Anon", 0) + kibibytes.get("Pss_Shmem", 0)
    return 1024 * own, 1024 * kibibytes.get("Pss_File", 0)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def _milliseconds(seconds: float) -> float | None:
    return 1000 * seconds if math.isfinite(seconds) else None


def main() -> None:
    """The process: see the module."""
    parser = argparse.ArgumentParser(prog="python -m bridge.bench.load", description="Put load on a server.")
    parser.add_argument("url")
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--hz", type=float, default=LoadOptions.hz)
    parser.add_argument("--warm-up-s", type=float, default=LoadOptions.warm_up_s)
    parser.add_argument("--measure-s", type=float, default=LoadOptions.measure_s)
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--no-learn", dest="learn", action="store_false")
    parser.add_argument("--stop-early", action="store_true")
    parser.add_argument("--recordings", type=Path, nargs="*", default=())
    parser.add_argument("--watch", type=int)
    parser.add_argument("--speaking", type=int, default=0)
    parser.add_argument("--showing", type=int, default=0)
    parser.add_argument("--sound", type=Path)
    parser.add_argument("--pictures", type=Path, nargs="*", default=())
    parser.add_argument("--app", type=Path)
    options = LoadOptions(**vars(parser.parse_args()))
    if cores := divided():
        # Headsets are elsewhere and take nothing from a server's engine.
        keep_to(cores[1])
    try:
        figures = Load(options).run()
    except (LoadError, RecordingError, ManifestError, msgspec.DecodeError) as error:
        sys.exit(f"load: {error}")
    print(json.dumps(dataclasses.asdict(figures)))


if __name__ == "__main__":
    main()

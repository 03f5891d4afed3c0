"""The daemon: makes the parts, starts them, and stops them so that nothing is lost."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge import __version__
from bridge.app import App, is_spoken_to
from bridge.event_path.workers import EventPath, EventPathOptions
from bridge.frame_path.engine import Engine, EngineOptions
from bridge.frame_path.in_process import InProcessEngine
from bridge.frame_path.path import FramePath
from bridge.frame_path.process import ProcessEngine
from bridge.metrics import CONTENT_TYPE, Metrics
from bridge.profiles.sqlite import SqliteStore
from bridge.protocol import Hello, Notice, NoticeCode
from bridge.session import Sink
from bridge.sessions import SessionOptions, Sessions
from bridge.transport import Connection, Listener, TransportOptions
from bridge.visit import Visit

log = logging.getLogger("genlock.daemon")

GOING_AWAY = 1001


@dataclass(frozen=True, kw_only=True)
class DaemonOptions:
    """All that a daemon can be told.

    Attributes:
        host, port: where it listens; port 0 takes a free one.
        profiles: the file of the profile store.
        in_process: steps the engine on the gateway's own event loop.
        window_s: how long the first frame of a batch waits for others when the engine is free; what arrives while it
            is not makes the next batch by itself.
        tls: for wss.
        drain_s: how long sessions have, when the daemon stops, to close by themselves.
        apps: what apps can do that do not say so in ``hello``; the language worker is started at once if one of
            them is spoken to.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    profiles: Path
    in_process: bool = False
    window_s: float = 0.0
    tls: ssl.SSLContext | None = None
    drain_s: float = 5.0
    apps: tuple[App, ...] = ()
    engine: EngineOptions = field(default_factory=EngineOptions)
    workers: EventPathOptions = field(default_factory=EventPathOptions)
    sessions: SessionOptions = field(default_factory=SessionOptions)
    transport: TransportOptions = field(default_factory=TransportOptions)


class Daemon:
    """A running daemon, as made by ``running``.

    Attributes:
        address: host and port that it listens on.
        engine, path, workers, sessions, listener: its parts.
    """

    def __init__(self, options: DaemonOptions, make_sink: Callable[[Hello, str], Sink] | None) -> None:
        self.options = options
        self.address = (options.host, options.port)
        self.engine: Engine = (InProcessEngine if options.in_process else ProcessEngine)(options.engine)
        self._store = SqliteStore(options.profiles)
        self.path = FramePath(
            self.engine, slots=options.engine.slots, window_s=options.window_s, on_engine=self._engine_changed
        )
        self.workers = EventPath(options.workers, lambda notice: self.sessions.tell_all(notice))
        apps = {app.name: app for app in options.apps}
        # What clients are told is what the transport enforces.
        told = replace(options.sessions, messages_per_second=options.transport.messages_per_second)
        self.sessions = Sessions(self.path, self._store, told, self.workers, apps, make_sink)
        self.listener = Listener(self._visit, self._page, options.transport)
        self._metrics = Metrics(self.path, self.engine.counters, self.sessions, self.workers, self.listener.counters)

    @property
    def url(self) -> str:
        """Where clients connect."""
        host = f"[{self.address[0]}]" if ":" in self.address[0] else self.address[0]
        return f"{'wss' if self.options.tls else 'ws'}://{host}:{self.address[1]}"

    async def start(self) -> None:
        """Listens and loads the models; ``/readyz`` says 503 until they are.

        Raises:
            OSError: the address cannot be had.
            EngineError: the engine cannot be started.
            LanguageError: an app is spoken to, and what understands utterances cannot be started.
        """
        self.address = await self.listener.start(self.options.host, self.options.port, self.options.tls)
        try:
            spoken_to = [app for app in self.options.apps if is_spoken_to(app)]
            for app in spoken_to:
                self.workers.language.declare(app)
            await self.path.start()
            if spoken_to:
                await self.workers.language.start()
        except BaseException:
            await self.path.stop()
            await self.workers.stop()
            await self.listener.stop(0)
            self._store.close()
            raise

    async def drain(self) -> bool:
        """Sends everybody home, writes their profiles and stops; false if something could not be written in time."""
        self.sessions.drain()
        self.listener.close_all(GOING_AWAY, "the daemon is stopping")
        await self.listener.stop(self.options.drain_s)
        complete = await self.sessions.end_all(self.options.drain_s)
        await self.path.stop()
        await self.workers.stop()
        self._store.close()
        if not complete:
            log.error("not every profile could be written within %g s", self.options.drain_s)
        return complete

    def _visit(self, connection: Connection) -> Visit:
        return Visit(connection, self.sessions)

    def _page(self, path: str) -> tuple[int, str, bytes] | None:
        if path == "/metrics":
            return 200, CONTENT_TYPE, self._metrics.render()
        if path == "/healthz":
            return 200, "application/json", json.dumps({"status": "ok", "version": __version__}).encode()
        if path == "/readyz":
            state = "draining" if self.sessions.draining else "ready" if self.path.up else "loading"
            return 200 if state == "ready" else 503, "application/json", json.dumps({"status": state}).encode()
        return None

    def _engine_changed(self, up: bool) -> None:
        if up:
            self.sessions.tell_all(Notice(NoticeCode.ENGINE_BACK, "frames are answered again"))
        else:
            text = "the engine is being restarted; frames are not answered until it is back"
            self.sessions.tell_all(Notice(NoticeCode.ENGINE_LOST, text, 1000))


@asynccontextmanager
async def running(
    options: DaemonOptions, make_sink: Callable[[Hello, str], Sink] | None = None
) -> AsyncIterator[Daemon]:
    """A daemon that is ready, and drained at the end."""
    daemon = Daemon(options, make_sink)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.drain()

"""A headset without a head: replays a recording to a daemon in real time, as a real one would send it.

Also for tests and for whoever builds on the daemon::

    async with SimulatedHeadset("ws://127.0.0.1:8765", load_track(path, 90)) as headset:
        await headset.play(duration_s=10)
        print(headset.statistics.round_trip_ms(50, 99))
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, Self

import numpy as np

from bridge.app import App
from bridge.headset.camera import Camera, Shot, SightScore
from bridge.headset.client import ConnectError, Connection
from bridge.headset.sound import Clip, Synthesizer
from bridge.headset.speech import Line, SpeechScore, Voice
from bridge.headset.statistics import ForecastScore, Statistics, TargetScore
from bridge.headset.track import Track, without
from bridge.protocol import (
    VERSION,
    Ack,
    Actions,
    Audio,
    Bye,
    DeviceInfo,
    Error,
    Feedback,
    Frame,
    Hello,
    Image,
    Message,
    Notice,
    Profile,
    Scene,
    ServerMessage,
    Teach,
    Transcript,
    Utterance,
    Welcome,
    decode_server,
    encode,
)
from bridge.tracking import POSE, Part

JITTER_S: Final = 0.0004
"""Standard deviation of when a frame is sent."""
HICCUP: Final = 0.01
"""Share of frames that are held up by 2 to 4 ms more."""
ROUND_GAP_S: Final = 1.5
"""Between the rounds of a recording that is looped, so that nothing is carried over."""
BACKOFF_S: Final = (0.1, 5.0)
"""The first and the longest wait before connecting again; doubled each time, with jitter."""
SHOW_S: Final = 5.0
"""For how long the same thing is before the camera, which takes two pictures a second of it."""
FORECAST_HORIZON_MS: Final = 100.0
"""Of the forecasts that are compared with what came."""

_RIGHT_HAND: Final = 4

Identified = Scene | Utterance | Teach | Feedback | Profile


class Refusal(RuntimeError):
    """The daemon refused something; ``error`` is what it said."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error


@dataclass(frozen=True, kw_only=True)
class HeadsetOptions:
    """How a headset behaves.

    Attributes:
        user: who wears it; else the recording's.
        token: for daemons that want one.
        app: what it says that it can do; else nothing, under the recording's name.
        speak: says something in each trial of the recording, as ``bridge.headset.speech`` has it.
        synthesizer: says it aloud, by microphone, to a daemon that hears; else it is sent as text.
        shots: photographs that it shows, one after the other, ``SHOW_S`` each, if the daemon sees.
        select: tells the daemon what was selected where the recording knows it, as an app does from whose selections
            pointing is to be learned.
        horizons_ms: which forecasts it asks for.
        loop: begins again when the recording ends.
        start_s: where in the recording it begins.
        jitter: whether frames are sent as unevenly as by a real one.
        drop: share of frames that are not sent.
        seed: of all that is random.
        tls: for wss with a certificate of one's own.
    """

    user: str = ""
    token: str = ""
    app: App | None = None
    speak: bool = False
    synthesizer: Synthesizer | None = None
    shots: tuple[Shot, ...] = ()
    select: bool = False
    horizons_ms: tuple[float, ...] = (50.0, 100.0)
    loop: bool = True
    start_s: float = 0.0
    jitter: bool = True
    drop: float = 0.0
    seed: int = 0
    tls: ssl.SSLContext | None = None


class SimulatedHeadset:
    """A session with a daemon. Survives its socket as a plugin does: connects again, resumes, sends again what was
    not acknowledged.

    Args:
        url: of the daemon.
        track: what it replays.
        on_message: is given every message from the daemon, after it was counted.
        clock, sleep: for tests.

    Attributes:
        welcome: the daemon's last welcome.
        statistics, forecasts, targets, speech, sights: what was counted.
        picked, probability: the most probable target's id at last, empty before the first, and how probable it is.
        frame: which frame of the track was sent last.
    """

    def __init__(
        self,
        url: str,
        track: Track,
        options: HeadsetOptions | None = None,
        *,
        on_message: Callable[[ServerMessage], None] = lambda message: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.url = url
        self.track = track
        self.options = options or HeadsetOptions()
        self.user = self.options.user or track.user
        self.statistics = Statistics()
        self.targets = TargetScore()
        self.speech = SpeechScore()
        self.sights = SightScore()
        self.picked = ""
        self.probability = 0.0
        self.frame = 0
        self.welcome: Welcome
        horizons = self.options.horizons_ms
        self._scored_horizon = horizons.index(FORECAST_HORIZON_MS) if FORECAST_HORIZON_MS in horizons else -1
        self.forecasts = ForecastScore(track, FORECAST_HORIZON_MS / 1000)
        self._voice = Voice(track) if self.options.speak else None
        self._speaking = asyncio.Lock()
        hz = track.hz
        shots = self.options.shots
        self._camera = Camera(shots, every=round(hz / 2), each=round(hz * SHOW_S)) if shots else None
        self._frames = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._last_n = 0
        self._on_message = on_message
        self._clock = clock
        self._sleep = sleep
        self._random = random.Random(self.options.seed)
        self._connection: Connection | None = None
        self._reconnecting: asyncio.Task[None] | None = None
        self._welcomed: asyncio.Future[Welcome] | None = None
        self._resume: str | None = None
        self._unacknowledged: dict[str, tuple[Identified, asyncio.Future[None]]] = {}
        self._target_ids: list[str] = []
        self._q = 0
        self._waiting: dict[int, tuple[float, int]] = {}
        self._base_us = self._random.randrange(10**9, 10**12)
        self._stalled_until = 0.0
        self._lost = Part(0)
        self._lost_until = 0.0
        self._closing = False

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connects, says hello and shows the recording's scenes.

        Raises:
            ConnectError: there is no daemon, or it closed the connection.
            Refusal: it does not want this session.
        """
        await self._open()
        for scene in self.track.scenes:
            await self.send(scene)

    async def close(self) -> None:
        """Says bye and closes."""
        self._closing = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.gather(self._reconnecting, return_exceptions=True)
        if self._connection is not None:
            self._connection.send(encode(Bye()))
            await self._connection.close()
        for _, acknowledged in self._unacknowledged.values():
            acknowledged.cancel()
        for sending in self._sending:
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        self.speech.end()

    async def send(self, message: Identified) -> None:
        """Sends what must not be lost, until it is acknowledged, over as many connections as that takes.

        Raises:
            Refusal: the daemon does not want it.
        """
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unacknowledged[message.id] = (message, acknowledged)
        if isinstance(message, Scene):
            self._show(message)
        self._send_now(message)
        await acknowledged

    async def say(self, text: str) -> None:
        """Says something; returns when all that comes of it has come.

        Raises:
            Refusal: the daemon does not understand speech.
        """
        await self.send(self._utterance(text))

    def drop_socket(self) -> None:
        """Loses the network; the headset connects again by itself."""
        if self._connection is not None:
            self._connection.abort()

    def stall(self, seconds: float) -> None:
        """Sends no frames for a while, as an app that hangs."""
        self._stalled_until = self._clock() + seconds

    def lose_tracking(self, seconds: float, parts: Part) -> None:
        """Leaves parts out of the frames for a while."""
        self._lost, self._lost_until = parts, self._clock() + seconds

    async def play(self, duration_s: float | None = None) -> None:
        """Replays the recording: once, or, with ``loop``, until the time is up.

        Deadlines are absolute, so frames that go out late make no later ones late.
        """
        track, options = self.track, self.options
        began = self._clock()
        first = int(np.searchsorted(track.time, options.start_s))
        end = began + duration_s if duration_s is not None else None
        offset = began - float(track.time[min(first, len(track) - 1)])
        while True:
            for frame in range(first, len(track)):
                due = offset + float(track.time[frame])
                if end is not None and due >= end:
                    return
                await self._wait_until(due + self._unevenness())
                self._send_frame(frame, due)
                if self._camera is not None:
                    self._look(self._camera.shot(self._frames))
                self._frames += 1
                if self._voice is not None:
                    self._speak(self._voice.line(frame))
                if options.select and (target := track.selected(frame)):
                    self._select(target, due)
            if not options.loop:
                return
            offset += track.duration_s + ROUND_GAP_S
            first = 0

    def _unevenness(self) -> float:
        if not self.options.jitter:
            return 0.0
        hiccup = self._random.uniform(0.002, 0.004) if self._random.random() < HICCUP else 0.0
        return abs(self._random.gauss(0.0, JITTER_S)) + hiccup

    async def _wait_until(self, when: float) -> None:
        wait = when - self._clock()
        # Also when it is late already, or a headset that cannot keep up would starve all others.
        await self._sleep(max(wait, 0.0))

    def _send_frame(self, frame: int, due: float) -> None:
        self.frame = frame
        now = self._clock()
        connection = self._connection
        if connection is None or now < self._stalled_until or self._random.random() < self.options.drop:
            self.statistics.unsent += 1
            return
        mask, blob = self.track.masks[frame], self.track.blobs[frame]
        if now < self._lost_until:
            mask, blob = without(mask, blob, self._lost)
        self._q += 1
        self._waiting[self._q] = (now, frame)
        self.statistics.sent += 1
        connection.send(encode(Frame(self._q, self._device_us(due), mask, blob)))

    def _look(self, shot: Shot | None) -> None:
        if shot is not None and self._connection is not None and "image" in self.welcome.serves:
            self.sights.show(shot)
            self._send_now(Image(self._device_us(self._clock()), "jpeg", shot.width, shot.height, shot.data))

    def _select(self, target: str, when: float) -> None:
        if self._connection is not None and self.welcome.learning:
            self._q += 1
            selected = Feedback(f"selection {self._q}", "confirm", self._device_us(when), target=target)
            self._in_background(self._send_or_forget(selected))

    def _in_background(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_or_forget(self, message: Identified) -> None:
        # A daemon that learns nothing of this user says so, and the headset goes on all the same.
        with contextlib.suppress(Refusal):
            await self.send(message)

    def rehearse(self) -> None:
        """Makes the sound of all that can be said, which would hold up frames when it is said. Takes seconds."""
        if self._voice is not None and self.options.synthesizer is not None:
            for text in self._voice.lines():
                self.options.synthesizer.clip(text)

    def _speak(self, line: Line | None) -> None:
        if line is None or self._connection is None:
            return
        if self.options.synthesizer is not None and "audio" in self.welcome.serves:
            self._in_background(self._say_aloud(line, self.options.synthesizer.clip(line.text)))
        elif "utterance" in self.welcome.serves:
            utterance = self._utterance(line.text)
            self.speech.say(utterance.id, line, self._clock())
            self._in_background(self._say(utterance))

    async def _say_aloud(self, line: Line, clip: Clip) -> None:
        async with self._speaking:
            began = self._clock()
            ended = began + clip.speech_s
            self.speech.say_aloud(line, self._device_us(began), self._device_us(ended), ended)
            for at, pcm in clip.chunks():
                await self._wait_until(began + at)
                self._send_now(Audio(self._device_us(began + at), pcm))

    async def _say(self, utterance: Utterance) -> None:
        try:
            await self.send(utterance)
        except Refusal as refusal:
            self.speech.explain(utterance.id, refusal.error.message)

    def _utterance(self, text: str) -> Utterance:
        self._q += 1
        return Utterance(f"utterance {self._q}", text, self._device_us(self._clock()))

    def _device_us(self, when: float) -> int:
        return self._base_us + round(when * 1e6)

    def _received(self, data: bytes) -> None:
        message = decode_server(data)
        if isinstance(message, Actions):
            self._answered(message)
        elif isinstance(message, Ack):
            self._settle(message.id, None)
        elif isinstance(message, Error):
            self._refused(message)
        elif isinstance(message, Transcript):
            self.speech.hear(message)
        elif isinstance(message, Notice):
            self.speech.explain(message.id, message.message)
        elif isinstance(message, Welcome) and self._welcomed is not None and not self._welcomed.done():
            self._welcomed.set_result(message)
        self._on_message(message)

    def _answered(self, actions: Actions) -> None:
        statistics = self.statistics
        for action in actions.a:
            if action.n > self._last_n:
                self._last_n = action.n
                self.speech.act(action, self._clock())
                self.sights.act(action)
        waiting = self._waiting.pop(actions.q, None)
        if waiting is None:
            return
        # Answers come in order: whoever was overtaken is never answered.
        while self._waiting and (oldest := next(iter(self._waiting))) < actions.q:
            del self._waiting[oldest]
            statistics.missing += 1
        sent, frame = waiting
        took = self._clock() - sent
        statistics.answered += 1
        statistics.round_trip_s.append(took)
        if took > 1 / self.track.hz:
            statistics.late += 1
        if 0 <= actions.k < len(self._target_ids):
            self.picked = self._target_ids[actions.k]
            self.probability = float(np.frombuffer(actions.p, "<f4", 1, 4 * actions.k)[0])
            if self.track.phase[frame] in ("response", "confirm"):
                self.targets.add(self.picked, self.track.target[frame])
        if actions.m & _RIGHT_HAND and self._scored_horizon >= 0:
            devices_before = (actions.m & (_RIGHT_HAND - 1)).bit_count()
            at = (devices_before * len(self.options.horizons_ms) + self._scored_horizon) * POSE
            self.forecasts.add(frame, np.frombuffer(actions.f, "<f4", 3, 4 * at))

    def _refused(self, error: Error) -> None:
        self.statistics.errors[error.code] = self.statistics.errors.get(error.code, 0) + 1
        if error.q >= 0:
            self._waiting.pop(error.q, None)
        if error.id:
            self._settle(error.id, Refusal(error))
        elif error.of == "hello" and self._welcomed is not None and not self._welcomed.done():
            self._welcomed.set_exception(Refusal(error))

    def _settle(self, identifier: str, problem: Refusal | None) -> None:
        _, acknowledged = self._unacknowledged.pop(identifier, (None, None))
        if acknowledged is not None and not acknowledged.done():
            if problem is None:
                acknowledged.set_result(None)
            else:
                acknowledged.set_exception(problem)

    def _show(self, scene: Scene) -> None:
        removed = set(scene.remove)
        ids = [] if scene.replace else [known for known in self._target_ids if known not in removed]
        self._target_ids = ids + [target.id for target in scene.targets if target.id not in set(ids)]

    def _send_now(self, message: Message) -> None:
        if self._connection is not None:
            self._connection.send(encode(message))

    async def _open(self) -> None:
        self._welcomed = asyncio.get_running_loop().create_future()
        connection = await Connection.open(self.url, self._received, tls=self.options.tls)
        connection.send(encode(self._hello()))
        closed = connection.closed
        await asyncio.wait((self._welcomed, closed), return_when=asyncio.FIRST_COMPLETED, timeout=10)
        if not self._welcomed.done():
            connection.abort()
            why = "{0[1]} (close code {0[0]})".format(closed.result()) if closed.done() else "no welcome within 10 s"
            raise ConnectError(f"{self.url}: {why}")
        try:
            self.welcome = self._welcomed.result()
        except Refusal:
            await connection.close()
            raise
        self._connection = connection
        self._resume = self.welcome.resume
        closed.add_done_callback(self._lost_connection)

    def _hello(self) -> Hello:
        recorded = self.track.hello
        app, device = recorded.get("app", {}), recorded.get("device", {})
        return Hello(
            version=VERSION,
            app=self.options.app or App(app.get("name", "simulated"), app.get("version", "")),
            user=self.user,
            token=self.options.token,
            device=DeviceInfo(device.get("name", ""), device.get("runtime", ""), "simulated headset"),
            refresh_hz=self.track.hz,
            streams=self._streams(),
            horizons_ms=list(self.options.horizons_ms),
            resume=self._resume,
            last_n=self._last_n,
        )

    def _streams(self) -> list[Literal["frame", "image", "audio"]]:
        streams: list[Literal["frame", "image", "audio"]] = ["frame"]
        if self.options.synthesizer is not None:
            streams.append("audio")
        if self.options.shots:
            streams.append("image")
        return streams

    def _lost_connection(self, closed: asyncio.Future[tuple[int, str]]) -> None:
        self._connection = None
        self.statistics.missing += len(self._waiting)
        self._waiting.clear()
        if not self._closing:
            self._reconnecting = asyncio.create_task(self._reconnect())

    async def _reconnect(self) -> None:
        wait, longest = BACKOFF_S
        while True:
            await self._sleep(wait * self._random.uniform(0.5, 1.0))
            wait = min(2 * wait, longest)
            try:
                await self._open()
            except (ConnectError, Refusal):
                continue
            break
        self.statistics.reconnects += 1
        if self.welcome.resumed:
            self.statistics.resumed += 1
        else:
            # A session that begins anew counts its actions anew.
            self._last_n = 0
        if self.welcome.restored or not self.welcome.resumed:
            for scene in self.track.scenes:
                self._send_now(scene)
        for message, _ in list(self._unacknowledged.values()):
            self._send_now(message)

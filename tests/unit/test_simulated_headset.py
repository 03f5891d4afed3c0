"""The simulated headset against a daemon made of a few lines: pacing, counting, losing the network and coming back."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from bridge.headset.client import ConnectError, Connection
from bridge.headset.simulated import HeadsetOptions, Refusal, SimulatedHeadset
from bridge.headset.track import Track, load_track, without
from bridge.protocol import (
    Ack,
    Actions,
    Error,
    Frame,
    Hello,
    Limits,
    Scene,
    Target,
    Utterance,
    Welcome,
    decode_client,
    encode,
)
from bridge.recording.format import Header, RecordingError, RecordingWriter
from bridge.tracking import Part

MASK = int(Part.HEAD | Part.RIGHT_AIM)


def blob(x: float) -> bytes:
    return struct.pack("<14f", 0, 1.6, 0, 0, 0, 0, 1, x, 1, 0, 0, 0, 0, 1)


def write_track(path: Path, seconds: float = 2.0, speed: float = 1.0, hz: float = 90.0) -> Path:
    """A hand that moves along x, with a target that is pointed at in the second half."""
    writer = RecordingWriter(path, Header({"user": "ada", "app": {"name": "test"}}))
    writer.message(0, encode(Scene("s", [Target("a", (0, 0, 0)), Target("b", (1, 0, 0))])))
    for at in range(round(seconds * hz)):
        time_us = round(at / hz * 1e6)
        if at == round(seconds * hz / 2):
            writer.mark(time_us, {"phase": "response", "target": "b"})
        writer.message(time_us, encode(Frame(at + 1, time_us, MASK, blob(speed * at / hz))))
    writer.close()
    return path


@pytest.fixture
def track(tmp_path: Path) -> Track:
    return load_track(write_track(tmp_path / "a.genlock"), 90)


class Turnstile:
    """Waits for something to become true, looked at anew after each step."""

    def __init__(self) -> None:
        self._step = asyncio.Event()

    def step(self, _: object = None) -> None:
        self._step.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._step.clear()
                await self._step.wait()


class FakeDaemon:
    """Answers frames and acknowledges what has an id, and keeps what it was sent."""

    def __init__(self) -> None:
        self.hellos: list[Hello] = []
        self.frames: list[Frame] = []
        self.events: list[Any] = []
        self.sockets: list[ServerConnection] = []
        self.url = ""
        self.resumes = True
        self.acknowledges = True
        self.arrived = Turnstile()
        self.until = self.arrived.until
        self.reply: Callable[[Frame], Any] = lambda frame: Actions(
            frame.q, frame.t, 5, struct.pack("<28f", *[0.0] * 28), 1, struct.pack("<2f", 0.25, 0.75)
        )

    async def handle(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        async for data in socket:
            message = decode_client(data)  # type: ignore[arg-type]
            if isinstance(message, Hello):
                self.hellos.append(message)
                resumed = self.resumes and message.resume == "again"
                welcome = Welcome("1.0", "1", "again", 30, resumed, 0, [], [], Limits(), 0, False, True, 0)
                await socket.send(encode(welcome))
            elif isinstance(message, Frame):
                self.frames.append(message)
                if (answer := self.reply(message)) is not None:
                    await socket.send(encode(answer))
            else:
                self.events.append(message)
                if self.acknowledges and hasattr(message, "id"):
                    await socket.send(encode(Ack(message.id)))
            self.arrived.step()


@asynccontextmanager
async def fake_daemon() -> AsyncIterator[FakeDaemon]:
    daemon = FakeDaemon()
    async with serve(daemon.handle, "127.0.0.1", 0, subprotocols=["genlock.v1"], compression=None) as server:  # type: ignore[list-item]
        port = server.sockets[0].getsockname()[1]
        daemon.url = f"ws://127.0.0.1:{port}"
        yield daemon


class Clock:
    """Time that passes only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Listening(SimulatedHeadset):
    """A headset whose test can wait for what it hears."""

    heard: Turnstile


def headset(daemon: FakeDaemon, track: Track, clock: Clock | None = None, **options: Any) -> Listening:
    clock, heard = clock or Clock(), Turnstile()
    chosen = HeadsetOptions(**{"jitter": False, "loop": False, **options})
    made = Listening(daemon.url, track, chosen, on_message=heard.step, clock=clock, sleep=clock.sleep)
    made.heard = heard
    return made


async def test_frames_go_out_at_the_recorded_times(track: Track) -> None:
    async with fake_daemon() as daemon:
        async with headset(daemon, track) as one:
            await one.play()
            await daemon.until(lambda: len(daemon.frames) == one.statistics.sent)
        times = np.diff([frame.t for frame in daemon.frames])
        assert len(daemon.frames) == len(track)
        assert set(times.tolist()) <= {11_111, 11_112}
        assert [frame.q for frame in daemon.frames] == list(range(1, len(track) + 1))


async def test_a_late_frame_makes_no_later_one_late(track: Track) -> None:
    clock = Clock()
    async with fake_daemon() as daemon, headset(daemon, track, clock) as one:
        began = clock.now
        await one.play(duration_s=1.0)
        assert clock.now - began == pytest.approx(1.0, abs=0.012)
        clock.slept.clear()
        clock.now += 0.5
        await one.play(duration_s=0.2)
        assert max(clock.slept) < 0.012


async def test_jitter_is_small_and_does_not_add_up(track: Track) -> None:
    clock = Clock()
    async with fake_daemon() as daemon, headset(daemon, track, clock, jitter=True, seed=3) as one:
        began = clock.now
        await one.play()
        assert clock.now - began == pytest.approx(track.duration_s, abs=0.005)
        gaps = np.array([gap for gap in clock.slept if gap > 0])
        assert 0.0002 < gaps.std() < 0.002


async def test_looping_leaves_a_gap_and_goes_on_counting(track: Track) -> None:
    async with fake_daemon() as daemon, headset(daemon, track, loop=True) as one:
        await one.play(duration_s=track.duration_s + 2.0)
        await daemon.until(lambda: len(daemon.frames) == one.statistics.sent)
        gaps = np.diff([frame.t for frame in daemon.frames])
        assert gaps.max() > 1_000_000
        assert len(daemon.frames) > len(track)
        assert (np.diff([frame.q for frame in daemon.frames]) == 1).all()


async def test_dropping_stalling_and_losing_tracking(track: Track) -> None:
    clock = Clock()
    async with fake_daemon() as daemon:
        async with headset(daemon, track, clock, drop=0.3, seed=1) as one:
            await one.play()
            assert 20 < one.statistics.unsent < 90
            assert one.statistics.sent + one.statistics.unsent == len(track)
        async with headset(daemon, track, clock) as two:
            two.stall(1.0)
            await two.play()
            assert two.statistics.unsent == pytest.approx(90, abs=2)
        daemon.frames.clear()
        async with headset(daemon, track, clock) as three:
            three.lose_tracking(1.0, Part.RIGHT_AIM)
            await three.play()
            await daemon.until(lambda: len(daemon.frames) == len(track))
        masks = [frame.m for frame in daemon.frames]
        assert masks.count(int(Part.HEAD)) == pytest.approx(90, abs=2)
        assert masks[-1] == MASK
        assert len(daemon.frames[0].d) == 28


async def test_it_counts_answers_and_misses(track: Track) -> None:
    async with fake_daemon() as daemon:
        answer = daemon.reply
        daemon.reply = lambda frame: answer(frame) if frame.q % 10 else None
        async with headset(daemon, track) as one:
            await one.play()
            await daemon.until(lambda: len(daemon.frames) == len(track))
            await one.heard.until(lambda: one.statistics.answered + one.statistics.missing == 179)
        counted = one.statistics
        assert (counted.sent, counted.answered, counted.missing) == (180, 162, 18)
        assert (one.picked, one.probability) == ("b", 0.75)
        assert one.targets.percent == 100


async def test_forecasts_are_scored_beside_constant_velocity(tmp_path: Path) -> None:
    track = load_track(write_track(tmp_path / "a.genlock", speed=0.5), 90)
    async with fake_daemon() as daemon:

        def reply(frame: Frame) -> Actions:
            x = struct.unpack_from("<f", frame.d, 28)[0]
            right = [x + 0.05 + 0.003, 1, 0, 0, 0, 0, 1]
            return Actions(frame.q, frame.t, 5, struct.pack("<28f", *[0.0] * 14, *[0.0] * 7, *right), -1, b"")

        daemon.reply = reply
        async with headset(daemon, track) as one:
            await one.play()
            await daemon.until(lambda: len(daemon.frames) == len(track))
            await one.heard.until(lambda: one.statistics.answered == len(track))
        assert one.forecasts.error_mm == pytest.approx(3.0, abs=0.01)
        assert one.forecasts.baseline_mm == pytest.approx(0.0, abs=0.01)
        assert one.forecasts.count == pytest.approx(180 - 9 - 5, abs=1)


async def test_a_lost_network_is_found_again_and_what_was_not_acknowledged_is_sent_again(track: Track) -> None:
    async with fake_daemon() as daemon, headset(daemon, track) as one:
        daemon.acknowledges = False
        saying = asyncio.create_task(one.say("that one"))
        await daemon.until(lambda: len(daemon.events) == 2)
        daemon.acknowledges = True
        one.drop_socket()
        await asyncio.wait_for(saying, 20)
        said = [event for event in daemon.events if isinstance(event, Utterance)]
        assert len(said) == 2
        assert said[0].id == said[1].id
        assert daemon.hellos[1].resume == "again"
        assert (one.statistics.reconnects, one.statistics.resumed) == (1, 1)
        one.drop_socket()
        await daemon.until(lambda: len(daemon.hellos) == 3)
        assert len([event for event in daemon.events if isinstance(event, Utterance)]) == 2


async def test_a_session_that_begins_anew_is_shown_the_scene_again(track: Track) -> None:
    async with fake_daemon() as daemon, headset(daemon, track) as one:
        daemon.resumes = False
        one.drop_socket()
        await daemon.until(lambda: len(daemon.events) == 2)
        assert [type(event) for event in daemon.events] == [Scene, Scene]


async def test_a_refusal_is_raised_where_it_was_asked_for(track: Track) -> None:
    async with fake_daemon() as daemon, headset(daemon, track) as one:
        daemon.acknowledges = False
        saying = asyncio.create_task(one.say("that one"))
        await daemon.until(lambda: len(daemon.events) == 2)
        await daemon.sockets[0].send(encode(Error("unsupported", "no ears", "utterance", id=daemon.events[1].id)))
        with pytest.raises(Refusal, match="no ears"):
            await saying


async def test_nobody_there_and_nobody_of_ours() -> None:
    with pytest.raises(ConnectError, match="nobody answers"):
        await Connection.open("ws://127.0.0.1:9", lambda data: None)
    with pytest.raises(ConnectError, match="not the address"):
        await Connection.open("http://127.0.0.1:9", lambda data: None)
    async with serve(lambda socket: socket.wait_closed(), "127.0.0.1", 0, subprotocols=["other"]) as server:  # type: ignore[list-item]
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectError, match=str(port)):
            await Connection.open(f"ws://127.0.0.1:{port}", lambda data: None)


async def test_a_daemon_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConnectError, match="no answer within"):
            await Connection.open(f"ws://127.0.0.1:{port}", lambda data: None, timeout_s=0.05)


@pytest.mark.parametrize("hz", [72.0, 90.0, 120.0])
def test_a_track_has_the_rate_that_was_asked_for(tmp_path: Path, hz: float) -> None:
    track = load_track(write_track(tmp_path / "a.genlock"), hz)
    assert np.diff(track.time) == pytest.approx(1 / hz)
    np.testing.assert_allclose(track.hand[:, 0], track.time, atol=1e-5)
    np.testing.assert_allclose(track.truth(0.1)[:50, 0], track.time[:50] + 0.1, atol=1e-5)
    np.testing.assert_allclose(track.constant_velocity(0.1)[50:90, 0], track.time[50:90] + 0.1, atol=1e-4)
    assert np.isnan(track.truth(0.1)[-1]).all()
    assert track.target[0] == ""
    assert track.target[-1] == "b"


def test_gaps_are_not_filled(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "a", Header({"user": "ada"}))
    for at in (0.0, 0.01, 0.02, 1.0, 1.01, 1.02):
        writer.message(round(at * 1e6), encode(Frame(1 + round(at * 100), round(at * 1e6), MASK, blob(at))))
    writer.close()
    track = load_track(tmp_path / "a", 90)
    assert len(track) == 4
    assert np.diff(track.time).max() > 0.9


def test_a_recording_without_frames_cannot_be_replayed(tmp_path: Path) -> None:
    RecordingWriter(tmp_path / "a", Header({})).close()
    with pytest.raises(RecordingError, match="two or more"):
        load_track(tmp_path / "a", 90)


def test_parts_are_taken_out_of_a_frame() -> None:
    mask, left = without(MASK, blob(3.0), Part.HEAD)
    assert mask == Part.RIGHT_AIM
    assert struct.unpack("<7f", left)[0] == 3.0
    assert without(MASK, blob(3.0), Part.GAZE) == (MASK, blob(3.0))

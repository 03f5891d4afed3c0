"""The Godot addon in the real engine, headless, against real daemons."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import math
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import numpy as np
import PIL.Image
import pytest
from websockets.exceptions import ConnectionClosed

from bridge.app import App, Mistake, check
from bridge.protocol import (
    Ack,
    Action,
    Actions,
    Audio,
    Bye,
    Error,
    ErrorCode,
    Feedback,
    Frame,
    Image,
    Notice,
    Scene,
    SpokenWord,
    Teach,
    Transcript,
    decode_client,
    encode,
)
from bridge.recording.format import MESSAGE, Header, Recording, RecordingWriter
from bridge.tracking import Part
from tests.daemons import served
from tests.engines.false_daemon import WELCOME, false_daemon
from tests.engines.godot_engine import ADDON, CACHE, ROOT, RUNNERS, NoEngine, Project, find_engine
from tests.engines.headset import Headset, headset
from tests.engines.msgpack_cases import BROKEN, CASES, DECODED_ONLY, Extension
from tests.engines.proxy import proxy

VECTORS = ROOT / "tests" / "vectors"


@pytest.fixture(scope="session")
def engine() -> Path:
    """The engine; without it the tests are skipped, but where ``GENLOCK_ENGINES=required`` they fail."""
    try:
        return find_engine()
    except NoEngine as error:
        if os.environ.get("GENLOCK_ENGINES") == "required":
            pytest.fail(f"Godot cannot be had: {error}")
        pytest.skip(f"NOT TESTED: the Godot addon, because the engine cannot be had: {error}")


@pytest.fixture(scope="session")
def project(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the addon, in which every warning of a script is an error."""
    return Project.make(engine, tmp_path_factory.mktemp("godot") / "project")


def typed_json(value: Any) -> Any:
    """A value for ``Checks.typed``: JSON has neither bytes nor integers of 64 bits."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Extension):
        return {"extension": [str(value.type), value.data.hex()]}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": struct.pack("<d", value).hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return {"list": [typed_json(item) for item in value]}
    return {"map": [[typed_json(key), typed_json(item)] for key, item in value.items()]}


def _with_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else {k: _with_bytes(v) for k, v in value.items()}
    return [_with_bytes(item) for item in value] if isinstance(value, list) else value


def _is_msgpack(data: bytes) -> bool:
    try:
        msgpack.unpackb(data, strict_map_key=False, unicode_errors="replace")
    except (ValueError, msgpack.UnpackException):
        return False
    return True


def _codec_cases() -> dict[str, Any]:
    index = json.loads((VECTORS / "index.json").read_text())
    vectors = []
    for entry in index["good"]:
        path = VECTORS / entry["path"]
        vector = json.loads(path.with_suffix(".json").read_text())
        vectors.append(
            {
                "path": entry["path"],
                "bytes": path.with_suffix(".msgpack").read_bytes().hex(),
                "canonical": vector["canonical"],
                "meaning": typed_json(_with_bytes(vector["meaning"])),
                "decoded": vector.get("decoded"),
            }
        )
    bad = []
    for entry in index["bad"]:
        path = VECTORS / entry["path"]
        data = path.with_suffix(".msgpack").read_bytes()
        bad.append({"path": entry["path"], "bytes": data.hex(), "is_msgpack": _is_msgpack(data)})
    cases = [
        {"value": typed_json(value), "encodings": encodings, "canonical": canonical}
        for canonical, group in ((True, CASES), (False, DECODED_ONLY))
        for value, encodings in group
    ]
    return {"msgpack": cases, "broken": BROKEN, "vectors": vectors, "bad": bad}


def run_checks(project: Project, runner: str, at_least: int, **environment: str) -> None:
    """Runs a script of checks; fails with what it printed."""
    ran = project.run("--script", f"res://{runner}", **environment)
    assert ran.code == 0, ran.output
    assert not ran.mistakes, ran.output
    (result,) = ran.results()
    assert result["wrong"] == 0, ran.output
    assert result["checked"] >= at_least, ran.output


def test_every_vector_and_every_format_of_msgpack(project: Project, tmp_path: Path) -> None:
    cases = _codec_cases()
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    run_checks(project, "codec.gd", at_least=3 * len(cases["vectors"]) + 400, CASES=str(tmp_path / "cases.json"))


APP = {
    "name": "gallery",
    "actions": [
        {
            "name": "take",
            "phrases": ["pick up {target}", "take {target}", "grab {target}", "give me {target}", "hand me {target}"],
            "target": "required",
            "gestures": ["pull"],
        },
        {
            "name": "paint",
            "phrases": [
                "paint {target} {colour}",
                "make {target} {colour}",
                "change the colour of {target} to {colour}",
            ],
            "target": "required",
            "arguments": [{"name": "colour", "values": ["red", "blue"], "required": True}],
        },
        {"name": "help", "phrases": ["help", "what can I say", "how does this work", "show me the commands"]},
    ],
}
RECORDING = ROOT / "samples" / "recordings" / "u15-1.genlock"


def text(words: str) -> dict[str, str]:
    """An argument for ``Headset.ask``."""
    return {"text": words}


def _room() -> list[dict[str, Any]]:
    entries = Recording(RECORDING).entries()
    messages = (decode_client(entry.payload) for entry in entries if entry.kind == MESSAGE)
    scene = next(message for message in messages if isinstance(message, Scene))
    return [
        {"id": target.id, "name": target.name, "position": target.position, "size": target.size}
        for target in scene.targets
    ]


async def _dress(worn: Headset, url: str) -> None:
    await worn.do("set", values={"url": url, "user": "ada"})
    await worn.do("app", app=APP)
    assert (await worn.event("problems"))["problems"] == []
    await worn.do("targets", targets=_room())
    await worn.do("replay", path=str(RECORDING), start_s=4.0)


async def test_a_minute_with_a_daemon_that_is_cut_off_and_killed(project: Project, tmp_path: Path) -> None:
    kettle = next(target["id"] for target in _room() if target["name"] == "Kettle")
    async with (
        served(tmp_path, models=()) as first,
        proxy(first.url) as network,
        headset(project) as worn,
    ):
        await _dress(worn, network.url)
        await worn.do("connect")
        await worn.event("connected")
        await worn.event("welcomed")
        await worn.event("forecast")
        taken = await worn.ask("say", text("take the kettle"))
        await worn.event("finished", id=taken, done=True)
        painted = await worn.ask("say", text("paint the kettle"))
        await worn.event("finished", id=painted, done=True)
        helped = await worn.ask("say", text("what can I say"))
        await worn.event("finished", id=helped, done=True)
        await worn.frames(1800)

        network.cut()
        await worn.event("reconnecting")
        await worn.event("resumed")
        await worn.frames(2700)

        first.process.kill()
        await first.process.wait()
        await worn.event("reconnecting")
        said = [await worn.ask("say", text(words)) for words in ("take the kettle", "help", "take the plant")]
        async with served(tmp_path, models=()) as second:
            network.upstream = second.url
            await worn.event("welcomed", restored=True)
            await worn.event("resumed")
            for one in said:
                await worn.event("finished", id=one, done=True)
            await worn.frames(5400)
            await worn.do("halt")
            counted = await worn.count()
            # The thread's counts are some moments behind.
            while counted["frames_sent"] + counted["frames_dropped"] < counted["session_frames"]:
                counted = await worn.count()
            await worn.do("disconnect")
            await worn.event("disconnected")
            await worn.quit()
            assert await second.stop() == 0

    performed = [(event["id"], event["name"], event["target"]) for event in worn.happened("action_performed")]
    assert performed[:2] == [(taken, "take", kettle), (helped, "help", "")]
    assert [(one, name) for one, name, _ in performed[2:]] == list(zip(said, ("take", "help", "take"), strict=True))
    assert [event["id"] for event in worn.happened("action_started")] == [painted]
    assert [event["id"] for event in worn.happened("action_canceled")] == [painted]
    assert worn.happened("notice", code="which_argument", id=painted)
    assert all(event["node"] for event in worn.happened("action_performed", name="take"))
    assert worn.happened("target_changed")

    # Nothing is lost and nothing comes twice: every request was answered once, every frame that was sent arrived.
    asked = [event["id"] for event in worn.happened("asked")]
    assert sorted(event["id"] for event in worn.happened("finished")) == sorted(asked)
    acknowledged = [identifier for identifier in network.acknowledged if identifier in asked]
    assert sorted(acknowledged) == sorted(asked)
    assert len(network.messages) == 3
    arrived = [message.q for said_ in network.messages for message in said_ if isinstance(message, Frame)]
    assert arrived == sorted(set(arrived))
    for connection in network.messages:
        numbers = [message.q for message in connection if isinstance(message, Frame)]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), "no gaps"
    assert counted["frames_sent"] + counted["frames_dropped"] == counted["session_frames"]
    # Two were cut in flight at most: what was on its way when the network was cut and the daemon was killed.
    assert counted["frames_sent"] - len(arrived) < 90
    # The whole scene was shown again to the daemon that had none.
    assert len(next(message for message in network.messages[2] if isinstance(message, Scene)).targets) == len(_room())
    print({key: value for key, value in counted.items() if key != "what"})


async def test_wss_with_a_certificate_of_its_own(project: Project, tmp_path: Path) -> None:
    certificates = ROOT / "tests" / "integration"
    options = ("--tls-cert", str(certificates / "localhost.pem"), "--tls-key", str(certificates / "localhost-key.pem"))
    async with served(tmp_path, *options) as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("connect")
        refused = await worn.event("failed", code="unreachable")
        assert "certificate" in refused["message"]
        await worn.do("disconnect")
        await worn.event("disconnected")
        await worn.do("trust", path=str(certificates / "localhost.pem"))
        await worn.do("connect")
        await worn.event("welcomed")
        await worn.event("forecast")
        await worn.quit(expected=["mbedtls", "TLS handshake error"])


async def test_what_is_refused_is_told_in_words(project: Project, tmp_path: Path) -> None:
    async with served(tmp_path, "--token", "open sesame") as daemon, headset(project) as worn:
        await worn.do("targets", targets=[{"id": "a", "position": [0, 0, -1]}])
        await worn.do("set", values={"url": daemon.url, "token": "wrong"})
        await worn.do("connect")
        assert "genlock/connection/token" in (await worn.event("failed", code="unauthorized"))["message"]
        await worn.event("disconnected")

        await worn.do("set", values={"token": "open sesame"})
        await worn.do("connect_as", version="2.0")
        words = (await worn.event("failed", code="version"))["message"]
        assert "2.0" in words
        assert "1.0" in words
        await worn.event("disconnected")

        await worn.do("connect")
        await worn.event("welcomed")
        await worn.event("target_changed")
        told = await worn.ask("say", text("a" * 70_000))
        assert "65536" in (await worn.event("failed", code="too_big"))["message"]
        assert (await worn.event("finished", id=told))["code"] == "too_big"
        long = await worn.ask("say", text("a" * 3_000))
        assert "text" in (await worn.event("finished", id=long, code="invalid", done=False))["message"]
        await worn.event("failed", code="invalid")

        await worn.do("large_image", bytes=2_000_000)
        assert "1052672" in (await worn.event("failed", code="too_big"))["message"]
        await worn.event("resumed")

        # A daemon that does not read: what is not sent piles up in the client.
        os.kill(daemon.process.pid, signal.SIGSTOP)
        for _ in range(12):
            await worn.do("large_image", bytes=1_000_000)
        assert "frames are left out" in (await worn.event("failed", code="peer_full"))["message"]
        os.kill(daemon.process.pid, signal.SIGCONT)
        # What is in them is no picture, and more came than can wait.
        await worn.event("notice", code="busy")
        assert "no JPEG" in (await worn.event("failed", code="invalid"))["message"]

        await worn.do("disconnect")
        await worn.event("disconnected")
        late = await worn.ask("say", text("help"))
        await worn.event("finished", id=late, code="not_connected")
        await worn.do("set", values={"url": "nowhere"})
        await worn.do("connect")
        assert "ws://" in (await worn.event("failed", code="url"))["message"]
        await worn.quit()


async def test_a_failed_handler_may_leave_or_try_again(project: Project, tmp_path: Path) -> None:
    async with served(tmp_path, "--token", "open sesame") as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url, "token": "wrong"})
        await worn.do("when_failed")
        await worn.do("connect")
        await worn.event("disconnected")
        await worn.do("when_failed", values={"token": "open sesame"})
        await worn.do("connect")
        await worn.event("disconnected")
        await worn.event("welcomed")
        await worn.event("forecast")
        assert [event["code"] for event in worn.happened("failed")] == ["unauthorized", "unauthorized"]
        assert len(worn.happened("disconnected")) == 2
        await worn.quit()


async def test_another_scene_brings_its_own_app(project: Project) -> None:
    kettle = [{"id": "kettle", "position": [0, 0, -1]}]
    async with false_daemon() as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("targets", targets=kettle)
        await worn.do("scene", app=APP)
        await worn.event("welcomed")
        scene = await daemon.next(Scene)
        await daemon.send(Ack(scene.id, scene=1))
        # The same app: the session goes on.
        await worn.do("scene", app=APP)
        assert (await daemon.next(Scene)).remove == ["kettle"]
        assert [target.id for target in (await daemon.next(Scene)).targets] == ["kettle"]
        assert len(daemon.hellos) == 1
        await worn.do("scene", app=APP | {"actions": APP["actions"][:1]})
        await worn.event("disconnected")
        await worn.event("welcomed")
        # What the scene before took with it comes first.
        while not (scene := await daemon.next(Scene)).targets:
            pass
        assert [target.id for target in scene.targets] == ["kettle"]
        assert [len(hello.app.actions) for hello in daemon.hellos] == [3, 1]
        assert daemon.hellos[1].resume is None
        await worn.quit()
    assert worn.happened("failed") == []


async def test_speech_is_streamed_and_what_was_heard_comes_back(project: Project) -> None:
    async with false_daemon() as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("connect")
        await worn.event("welcomed")
        await worn.do("microphone")
        pieces: list[Audio] = []
        while not pieces or not pieces[-1].end:
            message = await asyncio.wait_for(daemon.inbox.get(), 60)
            if isinstance(message, Audio):
                pieces.append(message)
            if len(pieces) == 10:
                await worn.do("release")
        await daemon.send(Transcript("pick up", False, 1))
        await daemon.send(Transcript("pick up the kettle", True, 1))
        await worn.event("transcript", text="pick up", final=False)
        await worn.event("transcript", text="pick up the kettle", final=True)
        arguments = {"gesture": "pull", "device": "right", "start": 1, "end": 2}
        pulled = Action(1, "take", "performed", 0.9, "gesture", arguments=arguments)
        for _ in range(2):
            await daemon.send(Actions(-1, 0, 0, b"", -1, b"", a=[pulled]))
        await daemon.send(Notice("draining", "the daemon stops", retry_ms=100))
        await worn.event("notice", code="draining")
        # The client may be gone before all of it is sent.
        with contextlib.suppress(ConnectionClosed):
            await daemon.send(bytes(3 << 20))
        await worn.event("reconnecting")
        await worn.quit()
    assert [event["gesture"] for event in worn.happened("gesture")] == ["pull"]
    assert len(worn.happened("action_performed")) == 1
    assert all(len(piece.pcm) == 3200 for piece in pieces[:-1])
    samples = np.frombuffer(b"".join(piece.pcm for piece in pieces[:10]), "<i2").astype(float)
    # Skips the beginning, where the engine had not mixed the tone yet.
    spectrum = np.abs(np.fft.rfft(samples[1600:] * np.hanning(len(samples) - 1600)))
    frequencies = np.fft.rfftfreq(len(samples) - 1600, 1 / 16_000)
    assert abs(frequencies[spectrum.argmax()] - 440) < 2
    off = spectrum[np.abs(frequencies - 440) > 20]
    assert off.max() < spectrum.max() / 30, "nothing but the tone"
    assert 10_000 < np.abs(samples).max() < 17_000
    steps = np.diff([piece.time for piece in pieces[:10]])
    assert (steps > 0).all()
    assert abs(steps.mean() - 100_000) < 20_000


async def test_no_sound_goes_to_a_daemon_that_hears_nothing(project: Project) -> None:
    deaf = msgspec.structs.replace(WELCOME, serves=["hello", "frame", "scene", "bye"])
    async with false_daemon(deaf) as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("connect")
        await worn.event("welcomed")
        await worn.do("microphone")
        told = await worn.event("failed", code="unsupported")
        assert "speech model" in told["message"]
        await worn.event("pieces")
        await worn.quit()
        while not isinstance(message := await asyncio.wait_for(daemon.inbox.get(), 60), Bye):
            assert not isinstance(message, Audio)
    assert len(worn.happened("failed")) == 1


# Without a sound card the engine mixes so much at once: no time of a sample is known better than that.
BLOCK_US = 4096 / 44_100 * 1e6
SPEECH = Path(__file__).with_name("lj001_0002.wav")


def _heard_in(pieces: list[Audio], spoken: np.ndarray) -> tuple[float, float]:
    """Where a recording lies in what was streamed: the device's time of its first sample in microseconds, and how
    alike the two are there, as a correlation."""
    stream = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2").astype(float)
    size = len(stream) + len(spoken)
    alike = np.fft.irfft(np.fft.rfft(stream, size) * np.conj(np.fft.rfft(spoken, size)), size)
    first = int(alike[: len(stream) - len(spoken)].argmax())
    there = stream[first : first + len(spoken)]
    return pieces[0].time + first / 16_000 * 1e6, float(np.corrcoef(there, spoken)[0, 1])


async def test_real_speech_goes_from_the_capture_bus_to_the_daemon(project: Project) -> None:
    with wave.open(str(SPEECH)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        spoken = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    async with false_daemon() as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("connect")
        await worn.event("welcomed")
        await worn.do("microphone", path=str(SPEECH))
        began = (await worn.event("microphone"))["time"]
        pieces: list[Audio] = []
        while not pieces or not pieces[-1].end:
            message = await asyncio.wait_for(daemon.inbox.get(), 60)
            if isinstance(message, Audio):
                pieces.append(message)
                if len(pieces) == math.ceil(len(spoken) / 1_600) + 10:
                    await worn.do("release")
        ended = (await worn.event("released"))["time"]
        await worn.quit()
    assert all(len(piece.pcm) == 3_200 and not piece.end for piece in pieces[:-1])
    assert len(pieces[-1].pcm) <= 3_200
    # Each piece begins where the one before ended, to the microsecond.
    assert all(abs(step - 100_000) <= 1 for step in np.diff([piece.time for piece in pieces[:-1]]))
    assert began - BLOCK_US < pieces[0].time
    assert pieces[-1].time + len(pieces[-1].pcm) / 2 / 16_000 * 1e6 < ended + BLOCK_US
    first_us, correlation = _heard_in(pieces, spoken)
    assert correlation > 0.98, correlation
    # It was played as soon as the microphone was there.
    assert began - BLOCK_US < first_us < ended - len(spoken) / 16_000 * 1e6


async def test_a_real_daemon_hears_what_the_microphone_hears(project: Project, tmp_path: Path) -> None:
    async with served(tmp_path, models=()) as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("connect")
        await worn.event("welcomed")
        await worn.do("microphone", path=str(SPEECH))
        began = (await worn.event("microphone"))["time"]
        heard = await worn.event("heard")
        await worn.do("release")
        await worn.event("released")
        await worn.quit()
    assert heard["text"].lower().rstrip(".") == "in being comparatively modern"
    assert heard["id"] == f"speech:{heard['begins'][0]}"
    assert [word.lower().rstrip(".") for word in heard["words"]] == ["in", "being", "comparatively", "modern"]
    assert began - BLOCK_US < heard["begins"][0] < heard["ends"][-1] < began + 4e6
    assert worn.happened("transcript")[-1]["final"]


async def test_pictures_are_seen_and_things_are_taught(project: Project) -> None:
    app = {
        "name": "look",
        "actions": [{"name": "greet", "sees": ["badge"]}, {"name": "note", "sees": ["*"]}],
        "bystanders": "ignored",
        "objects": [{"name": "badge", "pictures": [[1024, 768], [64, 64]]}],
    }
    async with false_daemon() as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("app", app=app)
        assert (await worn.event("problems"))["problems"] == []
        await worn.do("image", size=[64, 64])
        assert not (await worn.event("image"))["sent"], "not without a daemon"
        await worn.do("send_images")
        await worn.do("connect")
        await worn.event("welcomed")
        (hello,) = daemon.hellos
        assert hello.streams == ["frame", "image"]
        assert hello.app.bystanders == "ignored"
        assert [action.sees for action in hello.app.actions] == [["badge"], ["*"]]
        assert [_size(example) for example in hello.app.objects[0].examples] == [(256, 192), (64, 64)]

        before = (await worn.count())["now"]
        await worn.do("image", size=[2048, 1024])
        assert (await worn.event("image"))["sent"]
        picture = await daemon.next(Image)
        assert before <= picture.time <= (await worn.count())["now"]
        assert (picture.format, picture.width, picture.height) == ("jpeg", 512, 256)
        with PIL.Image.open(io.BytesIO(picture.data)) as shown:
            assert shown.size == (512, 256)
            left, right = shown.getpixel((128, 128)), shown.getpixel((384, 128))
        assert np.abs(np.subtract((left, right), ((0, 0, 255), (255, 0, 0)))).max() < 8

        # Fifteen frames at 90 Hz are longer than the pause between two pictures.
        await worn.frames((await worn.count())["session_frames"] + 15)
        await worn.do("image", size=[64, 64])
        assert (await worn.event("image"))["sent"]
        await daemon.next(Image)

        # More than the daemon takes: none is sent until it wants more.
        await daemon.send(Notice("busy", "image: two wait already; dropped", retry_ms=600_000))
        await worn.event("notice", code="busy")
        await worn.frames((await worn.count())["session_frames"] + 15)
        await worn.do("image", size=[64, 64])
        assert not (await worn.event("image"))["sent"]

        seen = Action(1, "greet", "performed", 0.9, "image", arguments={"seen": "badge", "time": 123_456})
        await daemon.send(Actions(-1, 0, 0, b"", -1, b"", a=[seen]))
        told = await worn.event("seen")
        assert (told["thing"], told["time"], told["action"]) == ("badge", 123_456, "greet")

        asked = await worn.ask("teach_object", text("my mug"), {"pictures": [[640, 480], [300, 400], [100, 100]]})
        taught = await daemon.next(Teach)
        assert (taught.id, taught.kind, taught.name) == (asked, "object", "my mug")
        assert [_size(example) for example in taught.examples] == [(256, 192), (192, 256), (100, 100)]
        await daemon.send(Ack(asked))
        await worn.event("finished", id=asked, done=True)
        await worn.do("disconnect")
        await worn.event("disconnected")
        late = await worn.ask("teach_object", text("my mug"), {"pictures": [[64, 64]]})
        await worn.event("finished", id=late, code="not_connected")
        await worn.quit()


def _size(file: bytes) -> tuple[int, int]:
    with PIL.Image.open(io.BytesIO(file)) as picture:
        picture.load()
        assert picture.format == "JPEG"
        return picture.size


async def test_what_was_heard_comes_with_its_words(project: Project) -> None:
    async with false_daemon() as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("connect")
        await worn.event("welcomed")
        words = [SpokenWord("take", 10, 20), SpokenWord("that", 30, 2**40)]
        await daemon.send(Transcript("take", False, 10))
        await daemon.send(Transcript("take that", True, 10, "speech:1", words, 0.75))
        heard = await worn.event("heard")
        assert {key: value for key, value in heard.items() if key != "what"} == {
            "id": "speech:1",
            "text": "take that",
            "words": ["take", "that"],
            "begins": [10, 30],
            "ends": [20, 2**40],
            "speaker": 0.75,
        }
        assert len(worn.happened("transcript")) == 2
        assert len(worn.happened("heard")) == 1
        taken = Action(1, "take", "performed", 0.9, "speech", "speech:1")
        await daemon.send(Actions(-1, 0, 0, b"", -1, b"", a=[taken]))
        assert (await worn.event("action_performed"))["id"] == "speech:1"
        corrected = await worn.ask("correct_speech", {"speech": True}, text("drop"))
        feedback = await daemon.next(Feedback)
        assert (feedback.id, feedback.verdict, feedback.of, feedback.action) == (
            corrected, "correct", "speech:1", "drop",
        )  # fmt: skip
        for code in ("hearing_lost", "hearing_back", "seeing_lost", "seeing_back"):
            await daemon.send(Notice(code, "words"))
            await worn.event("notice", code=code)
        # As a daemon does that knows neither words nor voices.
        await daemon.send(Transcript("again", True, 10))
        assert (await worn.event("heard"))["speaker"] == -1
        await worn.quit()


def test_what_is_tracked_becomes_the_wires_numbers(project: Project, tmp_path: Path) -> None:
    cases = {
        "vectors": _codec_cases()["vectors"],
        "spaces": json.loads((VECTORS / "spaces.json").read_text()),
        "recording": str(RECORDING),
    }
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    run_checks(project, "tracking.gd", at_least=1500, CASES=str(tmp_path / "cases.json"))


def test_what_client_and_daemon_say_to_each_other(project: Project) -> None:
    run_checks(project, "conversation.gd", at_least=160)


def test_sound_is_resampled(project: Project) -> None:
    run_checks(project, "sound.gd", at_least=60)


def test_what_is_told_of_targets(project: Project) -> None:
    run_checks(project, "targets.gd", at_least=30)


async def test_a_target_that_is_refused_takes_no_other_with_it(project: Project) -> None:
    async with false_daemon() as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url})
        await worn.do("targets", targets=[{"id": name, "position": [0, 0, -1]} for name in ("kettle", "plant", "mug")])
        await worn.do("connect")
        first = await daemon.next(Scene)
        assert [target.id for target in first.targets] == ["kettle", "plant", "mug"]
        await daemon.send(Error(ErrorCode.INVALID, "no", "scene", "targets[1].name", first.id))
        await worn.event("failed", code="invalid")
        second = await daemon.next(Scene)
        assert [target.id for target in second.targets] == ["kettle", "mug"]
        await daemon.send(Ack(second.id, scene=1))
        await worn.do("targets", targets=[{"id": "lamp", "position": [0, 0, -1]}])
        third = await daemon.next(Scene)
        assert ([target.id for target in third.targets], third.replace) == (["lamp"], False)
        await daemon.send(Ack(third.id, scene=2))
        await worn.quit()
    assert len(worn.happened("failed")) == 1


def _zigzag() -> list[list[float]]:
    """Three examples of a gesture of the right hand: half a second from left to right and back, twice."""
    examples = []
    for size in (0.2, 0.22, 0.24):
        moments = []
        for step in range(46):
            seconds = step / 90
            x = 0.3 + size * math.sin(8 * math.pi * seconds)
            moments += [seconds, x, 1.2 + 0.2 * seconds, -0.4, 0.0, 0.0, 0.0, 1.0]
        examples.append(moments)
    return examples


async def test_users_teach_correct_and_take_their_profile_along(project: Project, tmp_path: Path) -> None:
    async with served(tmp_path, models=()) as daemon, headset(project) as worn:
        await _dress(worn, daemon.url)
        await worn.do("connect")
        await worn.event("welcomed")
        await worn.event("forecast")

        async def done(method: str, *arguments: Any) -> str:
            asked = await worn.ask(method, *arguments)
            finished = await worn.event("finished", id=asked)
            assert finished["done"], (method, finished)
            return asked

        async def means(words: str) -> str:
            before = len(worn.happened("action_performed"))
            await done("say", text(words))
            return "".join(event["name"] for event in worn.happened("action_performed")[before:])

        kettle = next(target["id"] for target in _room() if target["name"] == "Kettle")
        assert await means("yoink the kettle quick") != "help"
        taught = await done("teach_phrase", text("help"), text("yoink the kettle quick"))
        assert await means("yoink the kettle quick") == "help"
        await done("undo", {"request": taught})
        assert await means("yoink the kettle quick") != "help"
        await done("teach_name", text(kettle), text("Wuzzle"))
        assert await means("take the wuzzle") == "take"
        assert worn.happened("action_performed")[-1]["target"] == kettle
        await done("confirm_action", {"last_action": True})
        assert await means("paint the kettle blue") == "paint"
        await done("correct_action", {"last_action": True}, text("take"))
        assert await means("paint the kettle blue") == "take"
        await done("confirm_target", text(kettle))
        await done("teach_gesture", text("zigzag"), text("right"), {"examples": _zigzag()})
        exported = await done("export_profile")
        (finished,) = worn.happened("finished", id=exported)
        assert finished["bytes"] > 100
        await done("pause_learning")
        refused = await worn.ask("confirm_target", text(kettle))
        assert (await worn.event("finished", id=refused))["code"] == "learning_off"
        await done("resume_learning")
        await done("confirm_target", text(kettle))
        await done("reset_profile", text("name"))
        assert await means("take the wuzzle") == ""
        await done("import_profile", {"data_of": exported})
        assert await means("take the wuzzle") == "take"
        await done("erase_profile")
        assert await means("take the wuzzle") == ""
        await worn.quit()


def _shaking_head(path: Path) -> None:
    """Writes a recording of a head that is still, is shaken, and is still again."""
    with RecordingWriter(path, Header(hello={"user": "ada"})) as writer:
        for number in range(5 * 90):
            seconds = number / 90
            turn = 0.35 * math.sin(2 * math.pi * 1.6 * (seconds - 1.5)) if 1.5 < seconds < 3.375 else 0.0
            head = struct.pack("<7f", 0, 1.6, 0, 0, math.sin(turn / 2), 0, math.cos(turn / 2))
            time_us = round(seconds * 1e6)
            writer.message(time_us, encode(Frame(number, time_us, int(Part.HEAD), head)))


async def test_a_gesture_that_is_made_arrives_as_its_action(project: Project, tmp_path: Path) -> None:
    _shaking_head(tmp_path / "shake.genlock")
    app = {"name": "asks", "actions": [{"name": "refuse", "phrases": ["no way"], "gestures": ["shake"]}]}
    async with served(tmp_path, models=()) as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url, "user": "ada"})
        await worn.do("app", app=app)
        await worn.do("connect")
        await worn.event("welcomed")
        await worn.do("replay", path=str(tmp_path / "shake.genlock"))
        made = await worn.event("gesture")
        assert (made["gesture"], made["device"], made["action"]) == ("shake", "head", "refuse")
        await worn.quit()


def _action(**keys: Any) -> dict[str, Any]:
    return {"name": "paint", "phrases": ["paint it"], **keys}


def _argument(**keys: Any) -> dict[str, Any]:
    return _action(arguments=[{"name": "colour", "values": ["red"], **keys}])


def _number(**keys: Any) -> dict[str, Any]:
    return _argument(kind="number", values=[], **keys)


REFUSED = [
    [_action(phrases=[])],
    [_action(), _action()],
    [_action(phrases=["paint {target}"])],
    [_action(phrases=["paint it {colour}"])],
    [_action(phrases=["paint {}"])],
    [_action(phrases=["paint {it"])],
    [_action(phrases=["paint it}"])],
    [_action(phrases=["paint {{colour}}"], arguments=[{"name": "colour", "values": ["red"]}])],
    [_action(phrases=["?!"])],
    [_action(gestures=["nod", "nod"])],
    [_action(gestures=["nod"]), _action(name="drop", phrases=["drop it"], gestures=["nod"])],
    [_action(sees=["mug"]), _action(name="drop", phrases=["drop it"], sees=["Mug"])],
    [_action(), _action(name="drop", phrases=["Paint it!"])],
    [_argument(values=[])],
    [_argument(name="a colour")],
    [_argument(name="1st")],
    [_argument(name="target")],
    [_argument(kind="text")],
    [_argument(synonyms={"blue": ["navy"]})],
    [_argument(default="blue")],
    [_argument(default="red", required=True)],
    [_number(minimum=2, maximum=1)],
    [_number(minimum=1, maximum=2, default=3)],
    [_action(arguments=[{"name": "colour", "values": ["red"]}, {"name": "colour", "values": ["blue"]}])],
]
TAKEN = [
    [_action(phrases=["paint it", "Paint it!"]), _action(name="drop", phrases=["drop it"])],
    [_action(target="optional", phrases=["paint {target}", "塗って"], gestures=["nod", "*"], sees=["mug"])],
    [_argument(synonyms={"red": ["crimson"]}, default="red")],
    [_number(minimum=1, maximum=2, default=1.5)],
    [_argument(kind="text", values=[], default="anything")],
]


async def test_an_app_is_told_what_the_daemon_would_refuse(project: Project) -> None:
    async with headset(project) as worn:
        for actions in REFUSED + TAKEN:
            with pytest.raises(Mistake) if actions in REFUSED else contextlib.nullcontext():
                check(msgspec.convert({"name": "shop", "actions": actions}, App))
            await worn.do("app", app={"name": "shop", "actions": actions})
            problems = (await worn.event("problems"))["problems"]
            assert bool(problems) == (actions in REFUSED), (actions, problems)
        await worn.quit()


def test_nodes_tell_what_they_lack(project: Project) -> None:
    run_checks(project, "warnings.gd", at_least=20)


def _without_autoload(engine: Path, folder: Path, more: str = "") -> Project:
    """A new developer's project: the addon was copied into it and nothing else was done."""
    return Project.make(engine, folder, more=more, autoload=False)


async def test_the_editor(engine: Path, tmp_path: Path) -> None:
    enabled = '\n[editor_plugins]\n\nenabled=PackedStringArray("res://addons/driver/plugin.cfg")\n'
    project = _without_autoload(engine, tmp_path / "project", enabled)
    async with served(tmp_path, models=()) as daemon:
        drive = {"DRIVE": "1", "DAEMON": daemon.url, "RECORDING": str(RECORDING)}
        ran = await asyncio.to_thread(project.run, "--editor", **drive)
    assert ran.code == 0, ran.output
    assert not ran.mistakes, ran.output
    autoload, url, connected, disconnected, game = ran.results()[0]
    assert autoload.startswith("autoload: *")
    assert url == "url: ws://127.0.0.1:8765"
    assert "welcomed by version 1.0, models: forecast, target" in connected
    assert "round trip" in connected
    assert "not connected" in disconnected
    assert "12345 frames" in game
    assert "action: take" in game


SCENE = """[gd_scene format=3]

[ext_resource type="Script" path="res://main.gd" id="main"]
[ext_resource type="Script" path="res://addons/genlock/nodes/genlock_session.gd" id="session"]
[ext_resource type="Script" path="res://addons/genlock/nodes/genlock_target.gd" id="target"]
[ext_resource type="Script" path="res://addons/genlock/resources/genlock_actions.gd" id="actions"]
[ext_resource type="Script" path="res://addons/genlock/resources/genlock_action.gd" id="action"]

[sub_resource type="Resource" id="take"]
script = ExtResource("action")
name = "take"
target = 2
phrases = PackedStringArray({phrases})

[sub_resource type="Resource" id="app"]
script = ExtResource("actions")
app_name = "first"
actions = Array[ExtResource("action")]([SubResource("take")])

[sub_resource type="BoxMesh" id="box"]
size = Vector3(0.3, 0.3, 0.3)

[node name="Main" type="Node3D"]
script = ExtResource("main")

[node name="XROrigin3D" type="XROrigin3D" parent="."]

[node name="XRCamera3D" type="XRCamera3D" parent="XROrigin3D"]
transform = Transform3D(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1.6, 0)

[node name="GenlockSession" type="Node" parent="XROrigin3D"]
script = ExtResource("session")
actions = SubResource("app")

[node name="Kettle" type="MeshInstance3D" parent="."]
transform = Transform3D(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1.4, -2)
mesh = SubResource("box")

[node name="GenlockTarget" type="Node" parent="Kettle"]
script = ExtResource("target")
"""


async def test_the_readmes_first_action(engine: Path, tmp_path: Path) -> None:
    steps = (ADDON / "README.md").read_text().split("## The first action in five minutes")[1].split("## Nodes")[0]
    script = textwrap.dedent(re.search(r" *```gdscript\n(.*?)```", steps, re.S).group(1))  # type: ignore[union-attr]
    phrases = ", ".join(f'"{phrase}"' for phrase in re.findall(r"`([^`]*\{target\})`", steps))
    assert phrases.count("{target}") == 5
    folder = tmp_path / "project"
    project = Project.make(engine, folder)
    (folder / "main.gd").write_text(script)
    (folder / "main.tscn").write_text(SCENE.replace("{phrases}", phrases))
    async with served(tmp_path, models=()) as daemon:
        running = await project.start("res://main.tscn", GENLOCK_URL=daemon.url)
        try:
            assert await running.line("take") == "take Kettle"
            assert "ERROR" not in running.output()
        finally:
            await running.kill()


@pytest.fixture
def screen() -> Path | None:
    """The engine with a virtual screen and a renderer, if it was fetched (``make godot SCREEN=--screen``)."""
    engine = CACHE.with_name("godot--screen") / "xvfb-godot"
    return engine if engine.exists() else None


async def test_the_gallery(engine: Path, screen: Path | None, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    shutil.copytree(ROOT / "samples" / "godot_gallery", folder, ignore=shutil.ignore_patterns(".godot"))
    for runner in RUNNERS.glob("gallery_check.*"):
        shutil.copy(runner, folder)
    with (folder / "project.godot").open("a") as settings:
        settings.write("\n[xr]\n\nopenxr/enabled=false\n")
    project = Project.adopt(engine, folder)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    async with served(tmp_path, models=()) as daemon:
        environment = {"GENLOCK_URL": daemon.url} | ({"PICTURES": str(pictures)} if screen else {})
        shown = replace(project, engine=screen, options=()) if screen else project
        ran = await asyncio.to_thread(shown.run, "res://gallery_check.tscn", timeout_s=400, **environment)
    assert ran.code == 0, ran.output
    assert not [line for line in ran.mistakes if "SCRIPT" in line or "USER" in line], ran.output
    (seen,) = ran.results()
    assert seen["performed"] == ["paint", "take", "put_down", "hide"]
    assert seen["blue"]
    assert seen["home"]
    assert seen["hidden"]
    assert seen["ghost"]
    assert abs(seen["held"] - 0.3) < 0.05
    if screen:
        for name in ("meant", "held"):
            assert (pictures / f"{name}.png").stat().st_size > 10_000


def test_every_script_compiles_without_a_warning(project: Project) -> None:
    run_checks(project, "compile.gd", at_least=20)


def test_every_script_has_its_uid() -> None:
    scripts = sorted(ADDON.rglob("*.gd"))
    assert len(scripts) > 20
    assert [script.name for script in scripts if not script.with_name(script.name + ".uid").exists()] == []


def test_scripts_are_formatted_and_linted() -> None:
    gallery = sorted(map(str, (ROOT / "samples" / "godot_gallery").glob("*.gd")))
    scripts = [str(ADDON), str(RUNNERS), *gallery]
    for command in (["gdformat", "--check"], ["gdlint"]):
        checked = subprocess.run(
            [str(Path(sys.executable).with_name(command[0])), *command[1:], *scripts],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout + checked.stderr

"""Pictures to a real daemon with its real worker: from files to actions, and things taught by them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image as Photograph

from bridge.app import ActionInfo, App
from bridge.headset.camera import Shot, load
from bridge.protocol import Ack, Action, Actions, Error, Hello, Image, Notice, Profile, Teach, Welcome
from bridge.protocol import decode_server as decode
from tests.daemons import ROOT, TIMEOUT_S, Client, Served, connected, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = App("zoo", actions=[ActionInfo("note", sees=["*"])])
SECOND = 1_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("daemon")) as one:
        yield one


@pytest.fixture(scope="module")
def shots() -> dict[str, Shot]:
    return {shot.shows[0]: shot for shot in load(ROOT / "samples" / "pictures")}


async def began(client: Client, user: str, app: App = APP) -> Welcome:
    welcome = await client.ask(Hello("1.0", app, user, streams=["frame", "image"]))
    assert isinstance(welcome, Welcome)
    return welcome


async def show(client: Client, shot: Shot, seconds: float) -> None:
    await client.send(Image(round(seconds * SECOND), "jpeg", shot.width, shot.height, shot.data))


async def action(client: Client) -> Action:
    """The next one."""
    while True:
        message = decode(await asyncio.wait_for(client.socket.recv(), TIMEOUT_S))  # type: ignore[arg-type]
        assert not isinstance(message, Error)
        if isinstance(message, Actions) and message.a:
            return message.a[0]


def turned(shot: Shot, degrees: float) -> bytes:
    """The photograph a little turned and cut, as another photograph of the same thing."""
    with Photograph.open(BytesIO(shot.data)) as image:
        width, height = image.size
        box = (width // 10, height // 10, width - width // 10, height - height // 10)
        file = BytesIO()
        image.rotate(degrees).crop(box).save(file, "jpeg", quality=90)
    return file.getvalue()


async def test_what_a_picture_shows_is_an_action(daemon: Served, shots: dict[str, Shot]) -> None:
    async with connected(daemon.url) as client:
        assert "image" in (await began(client, "ada")).serves
        await show(client, shots["espresso"], 1)
        seen = await action(client)
        assert (seen.name, seen.phase, seen.source) == ("note", "performed", "image")
        assert seen.arguments == {"seen": "espresso", "time": SECOND}
        assert seen.confidence > 0.5


async def test_what_was_taught_is_seen_also_by_the_next_session(daemon: Served, shots: dict[str, Shot]) -> None:
    cup = shots["espresso"]
    async with connected(daemon.url) as client:
        await began(client, "ben")
        lesson = Teach("t", "object", "grandma's cup", examples=[turned(cup, degrees) for degrees in (-8, 0, 8)])
        assert await client.ask(lesson) == Ack("t")
        await show(client, cup, 1)
        assert (await action(client)).arguments["seen"] == "grandma's cup"
    async with connected(daemon.url) as client:
        await began(client, "ben")
        await show(client, cup, 1)
        assert (await action(client)).arguments["seen"] == "grandma's cup"
        assert await client.ask(Profile("p", "reset", kind="object")) == Ack("p")
        await show(client, cup, 20)
        assert (await action(client)).arguments["seen"] == "espresso"


async def test_pictures_that_are_none_are_refused_in_words(daemon: Served, shots: dict[str, Shot]) -> None:
    async with connected(daemon.url) as client:
        await began(client, "eve")
        error = await client.ask(Image(1, "jpeg", 320, 240, b"\xff\xd8 this is no picture"))
        assert isinstance(error, Error)
        assert (error.code, error.of, error.key) == ("invalid", "image", "data")
        error = await client.ask(Image(1, "rgb", 10, 10, bytes(10)))
        assert isinstance(error, Error)
        assert error.message == "image.data: 10 x 10 pixels of rgb are 300 bytes, and there are 10"
        error = await client.ask(Teach("t", "object", "nothing", examples=[b"no picture"]))
        assert isinstance(error, Error)
        assert (error.code, error.key, error.id) == ("invalid", "examples[0]", "t")
        await show(client, shots["espresso"], 2)
        assert (await action(client)).arguments["seen"] == "espresso"


async def test_a_worker_that_dies_is_replaced_and_what_it_was_asked_is_seen(
    daemon: Served, shots: dict[str, Shot]
) -> None:
    async with connected(daemon.url) as client:
        await began(client, "zoe")
        await show(client, shots["espresso"], 1)
        await action(client)
        os.kill(daemon.child_pid("seeing_worker"), signal.SIGKILL)
        codes: list[str] = []
        while "seeing_lost" not in codes:
            message = decode(await asyncio.wait_for(client.socket.recv(), TIMEOUT_S))  # type: ignore[arg-type]
            codes += [message.code] if isinstance(message, Notice) else []
        await show(client, shots["tripod"], 10)
        assert (await action(client)).arguments["seen"] == "tripod"


async def test_without_what_sees_images_are_refused(tmp_path: Path, shots: dict[str, Shot]) -> None:
    async with served(tmp_path, "--no-sight") as daemon, connected(daemon.url) as client:
        assert "image" not in (await began(client, "ada")).serves
        shot = shots["espresso"]
        error = await client.ask(Image(0, "jpeg", shot.width, shot.height, shot.data))
        assert isinstance(error, Error)
        assert (error.code, error.message) == ("unsupported", "image: sight is turned off")

"""Utterances to a real daemon with its real language worker: from words to actions, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.app import ActionInfo, App, Argument
from bridge.protocol import (
    Ack,
    Action,
    Actions,
    Error,
    Feedback,
    Hello,
    Notice,
    Scene,
    ServerMessage,
    Target,
    Teach,
    Utterance,
    Welcome,
    decode_server,
)
from tests.daemons import ROOT, TIMEOUT_S, Client, Served, connected, served

SHOP = App(
    "shop",
    actions=[
        ActionInfo(
            "take", ["pick up {target}", "take {target}", "grab {target}", "give me {target}"], target="required"
        ),
        ActionInfo(
            "paint",
            ["paint {target} {colour}", "make {target} {colour}", "change the colour of {target} to {colour}"],
            target="required",
            arguments=[Argument("colour", values=["red", "blue"], required=True)],
        ),
        ActionInfo("undo", ["undo", "take that back", "revert the last change"]),
    ],
)
SCENE = Scene(
    "s",
    [
        Target("k", (0, 1, -1), name="Kettle"),
        Target("m1", (1, 1, -1), name="Red mug"),
        Target("m2", (-1, 1, -1), name="Blue mug"),
    ],
)


# One daemon for all: loading the language model takes seconds.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("daemon")) as one:
        yield one


async def began(client: Client, **settings: object) -> Welcome:
    welcome = await client.ask(Hello("1.0", SHOP, "ada", **settings))  # type: ignore[arg-type]
    assert isinstance(welcome, Welcome)
    return welcome


async def until(client: Client, identifier: str) -> tuple[list[Action], list[Notice]]:
    """Everything up to the acknowledgement of an utterance."""
    actions: list[Action] = []
    notices: list[Notice] = []
    while True:
        message: ServerMessage = decode_server(await asyncio.wait_for(client.socket.recv(), TIMEOUT_S))  # type: ignore[arg-type]
        if isinstance(message, Actions):
            actions += message.a
        elif isinstance(message, Notice):
            notices.append(message)
        else:
            assert message == Ack(identifier)
            return actions, notices


async def say(client: Client, identifier: str, text: str) -> tuple[list[Action], list[Notice]]:
    await client.send(Utterance(identifier, text, client.q * 11_111))
    return await until(client, identifier)


async def test_words_become_actions(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        welcome = await began(client)
        assert "utterance" in welcome.serves
        assert await client.ask(SCENE) == Ack("s", scene=1)
        await client.answer(client.frame())
        (took,), notices = await say(client, "u1", "could you pick up the kettle")
        assert (took.n, took.name, took.phase, took.target, took.source, took.id) == (
            1, "take", "performed", "k", "utterance", "u1",
        )  # fmt: skip
        assert took.confidence > 0.5
        assert not notices
        (painted,), _ = await say(client, "u2", "paint it blue")
        assert (painted.name, painted.target, painted.arguments) == ("paint", "k", {"colour": "blue"})
        nothing, (why,) = await say(client, "u3", "what is the weather like in paris")
        assert (nothing, why.code, why.id) == ([], "not_understood", "u3")


async def test_what_is_missing_is_asked_for_and_given(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        await began(client)
        await client.ask(SCENE)
        (started,), (which,) = await say(client, "u1", "paint the red mug")
        assert (started.phase, started.target, which.code) == ("started", "m1", "which_argument")
        (performed,), notices = await say(client, "u2", "blue")
        assert (performed.phase, performed.target, performed.arguments) == ("performed", "m1", {"colour": "blue"})
        assert not notices
        (started,), (which,) = await say(client, "u3", "grab the mug")
        assert (started.phase, started.target, which.code) == ("started", "", "which_target")
        (canceled, undone), _ = await say(client, "u4", "undo")
        assert (canceled.name, canceled.phase, canceled.id) == ("take", "canceled", "u3")
        assert (undone.name, undone.phase) == ("undo", "performed")


async def test_what_a_user_teaches_holds_for_the_next_utterance_and_for_nobody_else(daemon: Served) -> None:
    async with connected(daemon.url) as client, connected(daemon.url) as other:
        await began(client)
        await other.ask(Hello("1.0", SHOP, "eve"))
        for one in (client, other):
            await one.ask(SCENE)
        await client.send(Teach("t1", "phrase", "undo", phrase="zorble"))
        await client.send(Teach("t2", "name", "Bob", target="k"))
        assert [await client.receive(), await client.receive()] == [Ack("t1"), Ack("t2")]
        (undone,), _ = await say(client, "u1", "zorble")
        assert (undone.name, undone.phase) == ("undo", "performed")
        (took,), _ = await say(client, "u2", "pick up bob")
        assert (took.name, took.target) == ("take", "k")
        nothing, (why,) = await say(other, "u1", "zorble")
        assert (nothing, why.code) == ([], "not_understood")
        nothing, (why,) = await say(client, "u3", "quiddle the wumpus")
        assert (nothing, why.code) == ([], "not_understood")
        assert await client.ask(Feedback("f1", "correct", 0, "undo", of="u3")) == Ack("f1")
        (undone,), _ = await say(client, "u4", "quiddle the wumpus")
        assert undone.name == "undo"
        assert await client.ask(Feedback("f2", "undo", 0)) == Ack("f2")
        assert (await say(client, "u5", "quiddle the wumpus"))[0] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "?!",
        "a" * 2000,
        "the " * 500,
        "\ud83d\udc4d".encode("utf-16", "surrogatepass").decode("utf-16"),
        "wie spät ist es",
        "asdf qwer zxcv",
        "今日はいい天気ですね",
        "\x00\x01",
    ],
)
async def test_nonsense_means_nothing_and_breaks_nothing(daemon: Served, text: str) -> None:
    async with connected(daemon.url) as client:
        await began(client)
        actions, (why,) = await say(client, "u", text)
        assert (actions, why.code, why.id) == ([], "not_understood", "u")
        assert why.message


async def test_a_scene_without_targets_is_said(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        await began(client)
        (started,), (why,) = await say(client, "u", "pick that up")
        assert (started.phase, started.target, why.code) == ("started", "", "which_target")
        assert "the scene has none" in why.message


async def test_an_app_without_actions_is_told_so(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        welcome = await client.ask(Hello("1.0", App("bare"), "ada"))
        assert isinstance(welcome, Welcome)
        assert "utterance" not in welcome.serves
        error = await client.ask(Utterance("u", "hello", 0))
        assert isinstance(error, Error)
        assert (error.code, error.of, error.id) == ("unsupported", "utterance", "u")


async def test_said_again_is_acknowledged_again_and_done_once(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        welcome = await began(client)
        await client.ask(SCENE)
        await say(client, "u1", "take the kettle")
        assert await client.ask(Utterance("u1", "take the kettle", 0)) == Ack("u1")
        await client.send(Utterance("u2", "undo", 0))
        client.socket.transport.abort()
    async with connected(daemon.url) as again:
        await again.send(Hello("1.0", SHOP, "ada", resume=welcome.resume, last_n=1))
        resumed = decode_server(await asyncio.wait_for(again.socket.recv(), TIMEOUT_S))  # type: ignore[arg-type]
        assert isinstance(resumed, Welcome)
        assert resumed.resumed
        actions, _ = await say(again, "u2", "undo")
        assert [(action.n, action.name) for action in actions] == [(2, "undo")]
        assert await again.ask(Utterance("u2", "undo", 0)) == Ack("u2")


async def test_actions_that_did_not_arrive_come_again(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        welcome = await began(client)
        await client.ask(SCENE)
        for number, text in enumerate(("take the kettle", "undo"), start=1):
            await say(client, f"u{number}", text)
        client.socket.transport.abort()
    async with connected(daemon.url) as again:
        assert isinstance(await again.ask(Hello("1.0", SHOP, "ada", resume=welcome.resume, last_n=0)), Welcome)
        lost = await again.receive()
        assert isinstance(lost, Actions)
        assert [(action.n, action.name) for action in lost.a] == [(1, "take"), (2, "undo")]


async def test_no_utterance_is_lost_when_the_worker_dies(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        await began(client)
        await client.ask(SCENE)
        await say(client, "u0", "undo")
        pid = daemon.child_pid("event_path.language_worker")
        os.kill(pid, signal.SIGSTOP)
        for number in range(1, 4):
            await client.send(Utterance(f"u{number}", "take the kettle", 0))
        os.kill(pid, signal.SIGKILL)
        numbers, codes = [], []
        for number in range(1, 4):
            actions, notices = await until(client, f"u{number}")
            numbers += [action.n for action in actions]
            codes += [notice.code for notice in notices]
        assert numbers == [2, 3, 4]
        assert codes == ["language_lost", "language_back"]


async def test_too_many_at_once_are_refused_and_the_others_answered(daemon: Served) -> None:
    async with connected(daemon.url) as client:
        await began(client)
        await say(client, "first", "undo")
        pid = daemon.child_pid("event_path.language_worker")
        os.kill(pid, signal.SIGSTOP)
        try:
            for number in range(33):
                await client.send(Utterance(f"u{number}", "undo", 0))
            error = await client.receive()
        finally:
            os.kill(pid, signal.SIGCONT)
        assert isinstance(error, Error)
        assert (error.code, error.id) == ("flooding", "u32")
        for number in range(32):
            await until(client, f"u{number}")


async def test_a_manifest_on_the_daemons_side(tmp_path: Path) -> None:
    async with served(tmp_path, "--app", str(ROOT / "samples" / "apps" / "gallery.toml")) as daemon:
        assert await daemon.metric("genlock_language_up") == 1
        async with connected(daemon.url) as client:
            welcome = await client.ask(Hello("1.0", App("gallery"), "ada"))
            assert isinstance(welcome, Welcome)
            assert "utterance" in welcome.serves
            (action,), _ = await say(client, "u", "let us move on to the next room")
            assert (action.name, action.phase) == ("next_room", "performed")
        assert await daemon.metric('genlock_utterances_total{fate="answered"}') == 1
        assert await daemon.stop() == 0


async def test_a_manifest_of_gestures_needs_nothing_that_reads_utterances(tmp_path: Path) -> None:
    manifest = tmp_path / "nods.toml"
    manifest.write_text('name = "nods"\n[[actions]]\nname = "take"\ngestures = ["nod"]\n')
    async with served(tmp_path, "--app", str(manifest)) as daemon:
        assert await daemon.metric("genlock_language_up") == 0
        async with connected(daemon.url) as client:
            welcome = await client.ask(Hello("1.0", App("nods"), "ada"))
            assert isinstance(welcome, Welcome)
            assert "utterance" not in welcome.serves
        assert await daemon.stop() == 0
    assert "Traceback" not in "\n".join(daemon.log)

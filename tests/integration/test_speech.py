"""Sound to a real daemon with its real workers: from samples to transcripts and actions, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.headset.sound import Synthesizer
from bridge.protocol import Action, Actions, Audio, Error, Hello, Notice, ServerMessage, Transcript, Welcome
from bridge.protocol import decode_server as decode
from tests.daemons import TIMEOUT_S, Client, Served, connected, served
from tests.integration.test_utterances import SCENE, SHOP

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = 1_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("daemon")) as one:
        yield one


@pytest.fixture(scope="module")
def voice() -> Synthesizer:
    return Synthesizer()


class Speaker:
    """A session with a microphone."""

    def __init__(self, client: Client, voice: Synthesizer) -> None:
        self.client = client
        self.transcripts: list[Transcript] = []
        self.actions: list[Action] = []
        self.notices: list[Notice] = []
        self._voice = voice
        self._time = 5 * SECOND

    async def begin(self, user: str = "ada") -> Welcome:
        welcome = await self.client.ask(Hello("1.0", SHOP, user, streams=["frame", "audio"]))
        assert isinstance(welcome, Welcome)
        await self.client.ask(SCENE)
        return welcome

    async def say(self, text: str, share: tuple[float, float] = (0.0, 1.0)) -> None:
        """Says something, or the part of it between two shares of its length."""
        chunks = list(self._voice.clip(text).chunks())
        first, last = (round(part * len(chunks)) for part in share)
        for at, pcm in chunks[first:last]:
            await self.client.send(Audio(self._time + round(at * SECOND), pcm))
        if last == len(chunks):
            self._time += 10 * SECOND

    async def receive(self) -> ServerMessage:
        data = await asyncio.wait_for(self.client.socket.recv(), TIMEOUT_S)
        message = decode(data)  # type: ignore[arg-type]
        if isinstance(message, Transcript):
            self.transcripts.append(message)
        elif isinstance(message, Actions):
            self.actions += message.a
        elif isinstance(message, Notice):
            self.notices.append(message)
        return message

    async def action(self) -> Action:
        """The next one."""
        before = len(self.actions)
        while len(self.actions) == before:
            assert not isinstance(await self.receive(), Error)
        return self.actions[-1]


async def test_what_is_said_becomes_transcripts_and_an_action(daemon: Served, voice: Synthesizer) -> None:
    async with connected(daemon.url) as client:
        speaker = Speaker(client, voice)
        assert "audio" in (await speaker.begin()).serves
        await speaker.say("could you pick up the kettle please")
        action = await speaker.action()
        assert (action.name, action.phase, action.target, action.source) == ("take", "performed", "k", "speech")
        *partial, final = speaker.transcripts
        assert all(not one.final and one.id == "" for one in partial)
        assert final.final
        assert final.id == action.id == f"speech:{final.time}"
        assert "pick up the kettle" in final.text.casefold()
        begins = [word.begin for word in final.words]
        assert begins == sorted(begins)
        assert 5 * SECOND <= begins[0] < final.words[-1].end < 8 * SECOND
        assert " ".join(word.text for word in final.words) == final.text


async def test_several_speak_at_once(daemon: Served, voice: Synthesizer) -> None:
    lines = {"ada": "pick up the kettle", "ben": "paint the red mug blue", "eve": "revert the last change"}

    async def one(user: str, text: str) -> tuple[str, str]:
        async with connected(daemon.url) as client:
            speaker = Speaker(client, voice)
            await speaker.begin(user)
            await speaker.say(text)
            action = await speaker.action()
            return action.name, action.target

    found = await asyncio.gather(*(one(user, text) for user, text in lines.items()))
    assert found == [("take", "k"), ("paint", "m1"), ("undo", "")]


async def test_nothing_that_was_said_is_lost_or_done_twice_when_the_worker_dies(
    daemon: Served, voice: Synthesizer
) -> None:
    async with connected(daemon.url) as client:
        speaker = Speaker(client, voice)
        await speaker.begin()
        await speaker.say("pick up the kettle")
        assert (await speaker.action()).name == "take"
        await speaker.say("could you paint the red mug blue please", (0.0, 0.4))
        pid = daemon.child_pid("hearing_worker")
        os.kill(pid, signal.SIGKILL)
        while "hearing_lost" not in [notice.code for notice in speaker.notices]:
            await speaker.receive()
        await speaker.say("could you paint the red mug blue please", (0.4, 1.0))
        action = await speaker.action()
        assert (action.name, action.target, action.arguments) == ("paint", "m1", {"colour": "blue"})
        await speaker.say("revert the last change")
        assert (await speaker.action()).name == "undo"
        assert [action.n for action in speaker.actions] == [1, 2, 3]
        assert daemon.child_pid("hearing_worker") != pid
        assert await daemon.metric("genlock_hearing_restarts_total") == 1


async def test_without_what_hears_audio_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, "--speech-model", "off") as daemon, connected(daemon.url) as client:
        welcome = await client.ask(Hello("1.0", SHOP, "ada", streams=["frame", "audio"]))
        assert isinstance(welcome, Welcome)
        assert "audio" not in welcome.serves
        error = await client.ask(Audio(0, bytes(320)))
        assert isinstance(error, Error)
        assert (error.code, error.message) == ("unsupported", "audio: speech is turned off")


async def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / name).write_bytes(b"no model")
    async with served(tmp_path, "--speech-model", str(folder)) as daemon, connected(daemon.url) as client:
        await client.ask(Hello("1.0", SHOP, "ada", streams=["frame", "audio"]))
        await client.send(Audio(0, bytes(320)))
        notice = await asyncio.wait_for(client.socket.recv(), TIMEOUT_S)
        assert decode(notice) == Notice(
            "not_understood", "what was said could not be heard; the daemon's log says more"
        )  # type: ignore[arg-type]
        error = await client.ask(Audio(1, bytes(320)))
        assert isinstance(error, Error)
        assert error.code == "unsupported"
        assert "'none' cannot be loaded" in error.message

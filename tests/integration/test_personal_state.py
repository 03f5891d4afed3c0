"""Personal state in a real daemon: who comes back is known, and nothing acknowledged is lost, whatever dies when."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import msgpack
import pytest
from safetensors.numpy import load
from websockets.exceptions import ConnectionClosed

from bridge.app import ActionInfo, App
from bridge.protocol import Ack, Actions, Bye, Error, Feedback, Hello, Profile, Scene, Target, Teach, Welcome
from tests.daemons import Client, Served, connected, head_x, served, session

LEARNING = "tests.doubles:Learning"
SELECTING = "tests.doubles:Selecting"
SHOP = App("shop", actions=[ActionInfo("fire", gestures=["nod"])])
SCENE = Scene("scene", [Target(f"target-{number}", (float(number), 1, -2)) for number in range(8)])
KILLS = 24
LESSONS = 400
AHEAD = 8


async def enter(client: Client, user: str = "ada", **settings: object) -> Welcome:
    """Begins a session of an app with actions, and a scene."""
    welcome = await client.ask(Hello("1.0", SHOP, user, **settings))  # type: ignore[arg-type]
    assert isinstance(welcome, Welcome), welcome
    assert isinstance(await client.ask(SCENE), Ack)
    return welcome


async def done(client: Client, message: Teach | Feedback | Profile) -> Ack:
    """Sends a lesson; its acknowledgement."""
    ack = await client.ask(message)
    assert isinstance(ack, Ack), ack
    assert ack.id == message.id
    return ack


async def learned(client: Client) -> float:
    """What the double has learned of this client's user: it shows in the forecast of a frame."""
    export = msgpack.unpackb((await done(client, Profile(f"e{client.q}", "export"))).data)
    adapters = {key.partition("@")[0]: data for key, data in export["adapters"].items()}
    return float(load(adapters["learning"])["bias"][0]) if "learning" in adapters else 0.0


async def test_who_comes_back_is_known(tmp_path: Path) -> None:
    async with served(tmp_path, models=[LEARNING]) as daemon:
        async with connected(daemon.url) as client:
            first = await enter(client)
            assert (first.learning, first.sessions) == (True, 0)
            for _ in range(5):
                await client.answer(client.frame())
            assert await learned(client) == 5
            await client.send(Bye())
            with pytest.raises(ConnectionClosed):
                await client.receive()
        assert await daemon.stop() == 0
    async with served(tmp_path, models=[LEARNING]) as daemon, connected(daemon.url) as client:
        again = await enter(client)
        assert (again.learning, again.sessions) == (True, 1)
        assert head_x(await client.answer(client.frame())) == 5
        async with session(daemon.url, "eve") as (eve, _):
            assert head_x(await eve.answer(eve.frame())) == 0


async def test_the_newest_session_of_a_user_takes_over(tmp_path: Path) -> None:
    async with served(tmp_path, models=[LEARNING]) as daemon, session(daemon.url) as (old, _):
        for _ in range(3):
            await old.answer(old.frame())
        async with session(daemon.url) as (new, welcome):
            assert welcome.learning
            await old.notice("profile_taken_over")
            assert head_x(await new.answer(new.frame())) == 3, "it has what the other one learned"
            for _ in range(4):
                await old.answer(old.frame())
            refused = await old.ask(Feedback("f", "confirm", 0))
            assert isinstance(refused, Error)
            assert refused.code == "learning_off"
            assert await learned(new) == 4
            await old.send(Bye())
            with pytest.raises(ConnectionClosed):
                await old.receive()
            assert await learned(new) == 4


async def test_sessions_of_a_user_can_learn_together(tmp_path: Path) -> None:
    async with served(tmp_path, "--share-profiles", models=[LEARNING]) as daemon, session(daemon.url) as (one, _):
        await one.answer(one.frame())
        async with session(daemon.url) as (other, _):
            for _ in range(3):
                await one.answer(one.frame())
                await other.answer(other.frame())
            assert await learned(one) == await learned(other) == 7
            await one.send(Bye())
            with pytest.raises(ConnectionClosed):
                await one.receive()
            await other.answer(other.frame())
            assert await learned(other) == 8


async def test_what_is_learned_survives_an_engine_that_dies(tmp_path: Path) -> None:
    async with served(tmp_path, models=[SELECTING]) as daemon, connected(daemon.url) as client:
        await enter(client)
        await client.answer(client.frame())
        await done(client, Feedback("f1", "confirm", 0, target="target-1"))
        os.kill(daemon.engine_pid(), signal.SIGKILL)
        await client.notice("engine_lost")
        await client.send(Feedback("f2", "confirm", 0, target="target-0"))
        await client.notice("engine_back")
        assert await client.receive() == Ack("f2")
        # A frame that was refused or lost meanwhile has no answer; the state may begin anew.
        answer = await client.answer(client.frame())
        assert head_x(answer) in (3000, 3001)
        await done(client, Feedback("f3", "undo", 0, of="f1"))
        assert head_x(await client.answer(client.frame())) in (1001, 1002)


async def test_an_app_hears_of_gestures_that_it_asked_for(tmp_path: Path) -> None:
    app = App("shop", actions=[ActionInfo("wave", gestures=["*"])])
    async with served(tmp_path, models=[LEARNING]) as daemon, connected(daemon.url) as client:
        assert isinstance(await client.ask(Hello("1.0", app, "ada")), Welcome)
        answer = await client.answer(client.frame(y=60))
        (action,) = answer.a
        assert (action.n, action.name, action.phase, action.source) == (1, "wave", "performed", "gesture")
        assert action.arguments == {
            "gesture": "swipe_left", "device": "right", "start": answer.t - 500_000, "end": answer.t - 250_000
        }  # fmt: skip


async def test_a_session_outlives_a_daemon_that_is_killed(tmp_path: Path) -> None:
    app = App("shop", actions=[ActionInfo("wave", gestures=["*"])])
    async with served(tmp_path, models=[LEARNING]) as daemon, connected(daemon.url) as client:
        first = await client.ask(Hello("1.0", app, "ada"))
        assert isinstance(first, Welcome)
        assert [action.n for action in (await client.answer(client.frame(y=60))).a] == [1]
        daemon.process.kill()
        await daemon.process.wait()
    async with served(tmp_path, models=[LEARNING]) as daemon, connected(daemon.url) as client:
        again = await client.ask(Hello("1.0", app, "ada", resume=first.resume, last_n=1))
        assert isinstance(again, Welcome)
        assert (again.resumed, again.restored) == (True, True)
        assert (again.session, again.resume, again.sessions) == (first.session, first.resume, 0)
        answer = await client.answer(client.frame(y=60))
        assert [action.n for action in answer.a] == [2]
        assert answer.p == b"", "it has no scene"
        await done(client, SCENE)
        await client.send(Bye())
        with pytest.raises(ConnectionClosed):
            await client.receive()
        assert await daemon.stop() == 0
    async with served(tmp_path, models=[LEARNING]) as daemon, connected(daemon.url) as client:
        over = await client.ask(Hello("1.0", app, "ada", resume=first.resume))
        assert isinstance(over, Welcome)
        assert (over.resumed, over.sessions) == (False, 1), "it was said good-bye to"


async def test_nothing_is_left_of_who_is_erased(tmp_path: Path) -> None:
    user = "Augusta-Ada"
    async with served(tmp_path, models=[SELECTING]) as daemon, connected(daemon.url) as client:
        await enter(client, user)
        await client.answer(client.frame())
        await done(client, Feedback("f1", "confirm", 0, target="target-1"))
        await done(client, Teach("t1", "name", "Babbage", target="target-2"))
        await done(client, Teach("t2", "phrase", "fire", phrase="weave algebraical patterns"))
        await done(client, Profile("p1", "erase"))
        assert left_of(tmp_path, user, "Babbage", "algebraical") == []
        assert head_x(await client.answer(client.frame())) in (0, 1), "the slot is nobody's"
        await client.send(Bye())
        with pytest.raises(ConnectionClosed):
            await client.receive()
        async with connected(daemon.url) as again:
            assert (await enter(again, user)).sessions == 0
            await done(again, Profile("p2", "erase"))
        assert await daemon.stop() == 0
    assert left_of(tmp_path, user, "Babbage", "algebraical") == []


def left_of(folder: Path, *words: str) -> list[tuple[str, str]]:
    """The files of the store that have any of the words."""
    files = [file for file in folder.iterdir() if file.is_file()]
    return [(file.name, word) for file in files for word in words if word.encode() in file.read_bytes()]


class Pupil:
    """A client that teaches without waiting, and knows what was acknowledged to it."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.number = 0
        self.sent: dict[str, Teach | Feedback] = {}
        self.acknowledged: set[str] = set()
        self.resume: str | None = None

    def lesson(self) -> Teach | Feedback:
        self.number += 1
        identifier, kind = f"{self.user}-{self.number}", self.number % 3
        if kind == 0:
            return Teach(identifier, "name", f"name-{self.number}", target=f"target-{self.number % 8}")
        if kind == 1:
            # No more than 256 phrases may be taught; so they come again, with another action each time.
            return Teach(identifier, "phrase", "fire", phrase=f"words {self.number % 200}")
        return Feedback(identifier, "confirm", 0, target="target-0")

    @property
    def open(self) -> list[Teach | Feedback]:
        """What was sent and not acknowledged, in its order."""
        return [lesson for key, lesson in self.sent.items() if key not in self.acknowledged]

    async def run(self, daemon: Served, lessons: int = LESSONS) -> None:
        """Sends again what is open, and teaches until the daemon is gone or everything is acknowledged."""
        with suppress(ConnectionClosed, ConnectionError, OSError):
            async with connected(daemon.url) as client:
                hello = Hello("1.0", SHOP, self.user, resume=self.resume)
                await client.send(hello)
                while not isinstance(welcome := await client.receive(), Welcome):
                    pass
                assert welcome.restored == (self.resume is not None), "a session outlives the daemon"
                self.resume = welcome.resume
                await client.send(SCENE)
                self._ahead = asyncio.Semaphore(AHEAD)
                for message in self.open:
                    await self._ahead.acquire()
                    await client.send(message)
                sending = asyncio.create_task(self._send(client, lessons))
                try:
                    while not sending.done() or self.open:
                        message = await client.receive()
                        if isinstance(message, Actions):
                            continue
                        assert isinstance(message, Ack), message
                        if message.id in self.sent:
                            self.acknowledged.add(message.id)
                            self._ahead.release()
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, client: Client, lessons: int) -> None:
        for _ in range(lessons):
            await self._ahead.acquire()
            lesson = self.lesson()
            self.sent[lesson.id] = lesson
            await client.send(lesson)
            await client.send(client.frame())


async def test_nothing_acknowledged_is_lost_or_counted_twice_however_often_the_daemon_is_killed(
    tmp_path: Path,
) -> None:
    """The daemon is killed at random moments while two users teach and send frames, and started again on its files."""
    chance = random.Random(20260101)
    pupils = [Pupil("ada"), Pupil("eve")]
    for _ in range(KILLS):
        async with served(tmp_path, models=[SELECTING]) as daemon:
            running = [asyncio.create_task(pupil.run(daemon)) for pupil in pupils]
            enough = sum(len(pupil.acknowledged) for pupil in pupils) + chance.randrange(1, 60)
            while sum(len(pupil.acknowledged) for pupil in pupils) < enough and not all(one.done() for one in running):
                await asyncio.wait(running, timeout=0.001, return_when=asyncio.FIRST_COMPLETED)
            daemon.process.kill()
            await daemon.process.wait()
            await asyncio.gather(*running)
    assert sum(len(pupil.acknowledged) for pupil in pupils) > KILLS
    async with served(tmp_path, models=[SELECTING]) as daemon:
        for pupil in pupils:
            async with connected(daemon.url) as client:
                await enter(client, pupil.user)
                export = msgpack.unpackb((await done(client, Profile("last", "export"))).data)
            check(pupil, export, whole=False)
            await pupil.run(daemon, lessons=0)
            async with connected(daemon.url) as client:
                await enter(client, pupil.user)
                export = msgpack.unpackb((await done(client, Profile("last", "export"))).data)
            check(pupil, export, whole=True)


def check(pupil: Pupil, export: dict[str, object], *, whole: bool) -> None:
    """All that was acknowledged is there, as it was last; selections count once each.

    Args:
        whole: everything has been acknowledged.
    """
    items = {(item["kind"], item["key"]): item["data"] for item in export["items"]}  # type: ignore[attr-defined]
    possible = list(pupil.sent.values())
    for lesson in possible:
        if lesson.id not in pupil.acknowledged or isinstance(lesson, Feedback):
            continue
        if lesson.kind == "phrase":
            assert items["phrase", lesson.phrase]["action"] == "fire"
        else:
            named = [one.name for one in possible if isinstance(one, Teach) and one.target == lesson.target]
            assert items["name", lesson.target]["name"] in named[named.index(lesson.name) :], lesson
    selections = [one for one in possible if isinstance(one, Feedback)]
    sure = sum(one.id in pupil.acknowledged for one in selections)
    adapters = {key.partition("@")[0]: data for key, data in export["adapters"].items()}  # type: ignore[attr-defined]
    bias = float(load(adapters["selecting"])["bias"][0]) if "selecting" in adapters else 0.0
    assert 1000 * sure <= bias <= 1000 * len(selections), (sure, bias, len(selections))
    assert not whole or sure == len(selections)

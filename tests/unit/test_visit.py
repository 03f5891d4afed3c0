"""A connection from its first message to its last: what it is answered, and when it is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from bridge.app import App
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import StoreError
from bridge.protocol import (
    MAX_MESSAGE_BYTES,
    Ack,
    Actions,
    Audio,
    Bye,
    CloseCode,
    Error,
    Feedback,
    Frame,
    Hello,
    Image,
    Message,
    Profile,
    Scene,
    Target,
    Teach,
    Utterance,
    Welcome,
    encode,
    type_of,
)
from bridge.session import Session
from bridge.sessions import SessionOptions, Sessions
from bridge.tracking import BLOB_BYTES
from bridge.users import User
from bridge.visit import Visit
from tests.stand_ins import FakeLink, FakePath, FakeWorkers

HELLO = Hello("1.0", App("test"), "ada")
FRAME = Frame(1, 1, 1, bytes(BLOB_BYTES[1]))
SCENE = Scene("s", [Target("a", (0, 0, 0))])
BEYOND_HELLO = (
    FRAME,
    SCENE,
    Utterance("id", "that one", 1),
    Audio(1, b""),
    Image(1, "jpeg", 1, 1, b""),
    Teach("id", "phrase", "fire"),
    Feedback("id", "undo", 1),
    Profile("id", "export"),
    Bye(),
)


class Door:
    """Connections to sessions on a path without an engine."""

    def __init__(self, store: SqliteStore) -> None:
        self.path = FakePath()
        self.store = store
        self.sessions = self.open()

    def open(self, **options: Any) -> Sessions:
        self.sessions = Sessions(  # type: ignore[arg-type]
            self.path, self.store, SessionOptions(**options), FakeWorkers(), {}, None
        )
        return self.sessions

    def connect(self) -> tuple[Visit, FakeLink]:
        link = FakeLink()
        return Visit(link, self.sessions), link

    async def enter(self, hello: Hello = HELLO) -> tuple[Visit, FakeLink, Welcome]:
        visit, link = self.connect()
        visit.message(encode(hello))
        await settled(visit)
        return visit, link, link.take(Welcome)


async def settled(visit: Visit) -> None:
    assert visit._admission is not None
    await asyncio.wait_for(asyncio.shield(visit._admission), 20)


def refusal(link: FakeLink, code: str, *, close: int | None) -> Error:
    """The error that was sent, and how the connection was closed; the reason is the error's."""
    error = link.take(Error)
    assert error.code == code
    assert error.message
    assert link.closed == ([] if close is None else [(close, error.message)])
    return error


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    store = SqliteStore(tmp_path / "profiles.sqlite")
    made = Door(store)
    yield made
    await made.sessions.end_all(20)
    store.close()


async def test_hello_is_answered_with_welcome_and_frames_go_on_to_the_path(door: Door) -> None:
    visit, link, welcome = await door.enter()
    assert (welcome.version, welcome.resumed) == ("1.0", False)
    visit.message(encode(FRAME))
    (seat, q, t, mask, _) = door.path.frames[0]
    assert (q, t, mask) == (1, 1, 1)
    seat.receiver.answered(1, 1, 1, b"", -1, b"")
    assert link.take(Actions).q == 1
    visit.message(encode(SCENE))
    assert link.take(Ack).id == "s"


@pytest.mark.parametrize("message", BEYOND_HELLO, ids=type_of)
async def test_hello_comes_first(door: Door, message: Message) -> None:
    visit, link = door.connect()
    visit.message(encode(message))
    error = refusal(link, "hello_expected", close=CloseCode.HELLO_EXPECTED)
    assert error.of == type_of(message)
    visit.lost(CloseCode.HELLO_EXPECTED, "")
    assert len(door.sessions) == 0


@pytest.mark.parametrize("message", [*BEYOND_HELLO, HELLO], ids=type_of)
async def test_what_comes_before_welcome_is_refused_and_costs_nothing_else(door: Door, message: Message) -> None:
    visit, link = door.connect()
    visit.message(encode(HELLO))
    visit.message(encode(message))
    assert refusal(link, "hello_expected", close=None).of == type_of(message)
    await settled(visit)
    link.take(Welcome)
    assert (len(door.sessions), door.path.frames) == (1, [])


async def test_a_second_hello_is_refused(door: Door) -> None:
    visit, link, _ = await door.enter()
    visit.message(encode(HELLO))
    refusal(link, "invalid", close=None)
    assert len(door.sessions) == 1


async def test_who_says_no_hello_is_sent_home(door: Door) -> None:
    door.open(hello_timeout_s=0)
    _, link = door.connect()
    async with asyncio.timeout(20):
        while not link.closed:  # noqa: ASYNC110, a fake link has nothing to wait for
            await asyncio.sleep(0)
    refusal(link, "hello_expected", close=CloseCode.TIMEOUT)


async def test_who_has_said_hello_is_not_sent_home_while_it_is_answered(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begin = threading.Event(), door.store.begin

    def slow(*asked: Any, **how: Any) -> Any:
        assert go_on.wait(20)
        return begin(*asked, **how)

    monkeypatch.setattr(door.store, "begin", slow)
    door.open(hello_timeout_s=0)
    visit, link = door.connect()
    visit.message(encode(HELLO))
    for _ in range(5):
        await asyncio.sleep(0)
    assert link.sent == []
    go_on.set()
    await settled(visit)
    link.take(Welcome)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81\xa4type"])
async def test_what_is_no_msgpack_closes(door: Door, data: bytes) -> None:
    visit, link, _ = await door.enter()
    visit.message(data)
    refusal(link, "not_msgpack", close=CloseCode.NOT_MSGPACK)


@pytest.mark.parametrize(
    ("fields", "code", "of", "key"),
    [
        ({"type": "dance"}, "unknown_type", "dance", "type"),
        ({"q": 1}, "invalid", "", "type"),
        ({"type": "welcome"}, "unknown_type", "welcome", "type"),
        ({"type": "frame", "q": 1, "t": 1, "m": 1}, "invalid", "frame", "d"),
        ({"type": "frame", "q": -1, "t": 1, "m": 0, "d": b""}, "invalid", "frame", "q"),
        (
            {"type": "scene", "id": "s", "targets": [{"id": "a", "position": [0, 0]}]},
            "invalid", "scene", "targets[0].position",
        ),
    ],
)  # fmt: skip
async def test_what_is_no_message_is_said_by_name_and_key(
    door: Door, fields: dict[str, Any], code: str, of: str, key: str
) -> None:
    visit, link, _ = await door.enter()
    visit.message(msgpack.packb(fields))
    error = refusal(link, code, close=None)
    assert (error.of, error.key) == (of, key)
    assert door.sessions.errors == {code: 1}
    visit.message(encode(FRAME))
    assert len(door.path.frames) == 1


async def test_text_is_refused(door: Door) -> None:
    visit, link, _ = await door.enter()
    visit.text()
    refusal(link, "text_message", close=None)


async def test_a_fault_of_ours_is_told_logged_and_stays_in_its_session(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def submit(*arguments: Any) -> None:
        raise RuntimeError("a secret of ours")

    visit, link, _ = await door.enter()
    with monkeypatch.context() as patch:
        patch.setattr(door.path, "submit", submit)
        visit.message(encode(FRAME))
    error = refusal(link, "internal", close=None)
    assert "secret" not in error.message
    assert "a secret of ours" in caplog.text
    visit.message(encode(Frame(2, 2, 1, FRAME.d)))
    assert len(door.path.frames) == 1


async def test_a_store_that_cannot_be_read_is_told(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load(*arguments: object, **settings: object) -> None:
        raise OSError("the disk is on fire")

    monkeypatch.setattr(door.store, "begin", load)
    visit, link = door.connect()
    visit.message(encode(HELLO))
    await settled(visit)
    error = refusal(link, "internal", close=1011)
    assert "fire" not in error.message
    assert "the disk is on fire" in caplog.text
    assert len(door.sessions) == 0


async def test_who_is_turned_away_is_told_why(door: Door) -> None:
    visit, link = door.connect()
    visit.message(encode(Hello("2.0", App("test"), "ada")))
    await settled(visit)
    assert refusal(link, "version", close=CloseCode.VERSION).key == "version"
    assert door.sessions.errors == {"version": 1}


async def test_bye_ends_the_session_and_nothing_more_is_taken(door: Door) -> None:
    visit, link, _ = await door.enter()
    visit.message(encode(Bye()))
    assert link.closed == [(1000, "bye")]
    assert len(door.sessions) == 0
    visit.message(encode(FRAME))
    assert door.path.frames == []
    visit.lost(1000, "bye")
    assert await door.sessions.end_all(20)
    assert door.store.load("ada").statistics.sessions == 1


async def test_a_lost_socket_leaves_a_session_that_can_be_resumed(door: Door) -> None:
    visit, _, welcome = await door.enter()
    visit.message(encode(FRAME))
    visit.lost(1006, "")
    assert (len(door.sessions), door.sessions.connected) == (1, 0)
    again, _, resumed = await door.enter(Hello("1.0", App("test"), "ada", resume=welcome.resume))
    assert (resumed.resumed, resumed.session, resumed.last_q) == (True, welcome.session, 1)
    again.message(encode(Frame(2, 2, 1, FRAME.d)))
    assert [frame[1] for frame in door.path.frames] == [1, 2]


async def test_a_connection_that_lost_its_session_to_another_does_not_drop_it(door: Door) -> None:
    old, _, welcome = await door.enter()
    _, link, _ = await door.enter(Hello("1.0", App("test"), "ada", resume=welcome.resume))
    old.lost(CloseCode.RESUMED_ELSEWHERE, "")
    assert door.sessions.connected == 1
    door.path.seats[0].receiver.answered(1, 1, 1, b"", -1, b"")
    assert link.take(Actions).q == 1


async def test_what_waited_for_the_old_socket_is_not_for_the_one_that_takes_over(door: Door) -> None:
    _, link, welcome = await door.enter()
    link.writable = False
    door.path.seats[0].receiver.answered(1, 1, 1, b"", -1, b"")
    _, again, entered = await door.enter(Hello("1.0", App("test"), "ada", resume=welcome.resume))
    assert entered.resumed
    assert (link.sent, again.sent) == ([], [])


async def test_before_the_welcome_messages_are_short(door: Door) -> None:
    visit, link = door.connect()
    visit.message(msgpack.packb({"type": "hello", "x": bytes(MAX_MESSAGE_BYTES)}))
    assert "before the welcome" in refusal(link, "too_big", close=CloseCode.HELLO_EXPECTED).message
    visit.lost(1000, "")


async def test_a_session_that_cannot_be_ended_as_it_should_gives_its_place_back(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(session: Session) -> None:
        raise ValueError("no end")

    visit, _, _ = await door.enter()
    monkeypatch.setattr(Session, "end", broken)
    visit.message(encode(Bye()))
    assert await door.sessions.end_all(20)
    assert door.path.seats == []
    assert "no end" in caplog.text


async def test_what_frames_taught_is_written_before_lessons_that_may_take_long(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[dict[str, bytes]] = []

    async def end(session: Session) -> None:
        written.append(door.store.load("ada").adapters)

    await door.enter()
    monkeypatch.setattr(Session, "is_taught", True)
    monkeypatch.setattr(Session, "end", end)
    assert await door.sessions.end_all(20)
    assert written == [door.path.learned]


async def test_a_session_ends_as_it_should_also_where_nothing_can_be_written(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Session] = []

    async def fail(user: User) -> None:
        raise StoreError("disk full")

    async def end(session: Session) -> None:
        ended.append(session)

    await door.enter()
    monkeypatch.setattr(User, "save", fail)
    monkeypatch.setattr(Session, "is_taught", True)
    monkeypatch.setattr(Session, "end", end)
    await door.sessions.end_all(20)
    assert len(ended) == 1
    assert door.path.seats == []


async def test_who_goes_before_the_welcome_can_be_resumed_and_is_forgotten_in_time(door: Door) -> None:
    door.open(resume_s=0)
    visit, link = door.connect()
    visit.message(encode(HELLO))
    visit.lost(1006, "")
    await settled(visit)
    assert link.sent == []
    await asyncio.wait_for(door.path.asked_to_leave.get(), 20)
    assert len(door.sessions) == 0


async def test_who_goes_before_a_hello_leaves_nothing(door: Door) -> None:
    door.open(hello_timeout_s=0)
    visit, link = door.connect()
    visit.lost(1006, "")
    for _ in range(5):
        await asyncio.sleep(0)
    assert (link.sent, link.closed) == ([], [])


async def test_a_reader_that_has_caught_up_gets_what_waited(door: Door) -> None:
    visit, link, _ = await door.enter()
    link.writable = False
    door.path.seats[0].receiver.answered(1, 1, 1, b"", -1, b"")
    assert link.sent == []
    link.writable = True
    visit.writable()
    assert link.take(Actions).q == 1


async def test_becoming_writable_before_hello_is_nothing(door: Door) -> None:
    visit, link = door.connect()
    visit.writable()
    assert link.sent == []
    visit.lost(1006, "")


async def test_a_hello_that_cannot_be_used_ends_the_connection(door: Door) -> None:
    visit, link = door.connect()
    wrong = {"type": "hello", "version": "1.0", "user": "ada", "app": {"name": "a", "actions": [{"name": "x"}]}}
    visit.message(msgpack.packb(wrong))
    assert refusal(link, "invalid", close=CloseCode.HELLO_EXPECTED).key == "app.actions[0].phrases"
    visit.lost(1000, "")


async def test_who_comes_while_the_models_load_waits_until_it_is_known_which_they_are(door: Door) -> None:
    door.path.known.clear()
    info, door.path.info = door.path.info, type(door.path.info)()
    visit, link = door.connect()
    visit.message(encode(HELLO))
    await asyncio.to_thread(door.store.users)
    assert link.sent == []
    assert door.path.seats == []
    door.path.info = info
    door.path.known.set()
    await settled(visit)
    assert [model.name for model in link.take(Welcome).models] == ["fake"]


async def test_who_waits_for_the_models_is_turned_away_when_the_daemon_stops(door: Door) -> None:
    door.path.known.clear()
    visit, link = door.connect()
    visit.message(encode(HELLO))
    door.sessions.drain()
    door.path.known.set()
    await settled(visit)
    refusal(link, "full", close=1013)

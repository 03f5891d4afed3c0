"""One headset's life: what it may send, what it is told, and what is left of what it may not."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest

from bridge.app import ActionInfo, App
from bridge.device_clock import MAX_AHEAD_S
from bridge.frame_path.batch import FAILED, GAP
from bridge.profiles.store import Applied
from bridge.protocol import (
    Ack,
    Actions,
    Audio,
    ClientMessage,
    Error,
    Frame,
    Hello,
    Image,
    Notice,
    Refused,
    Scene,
    Target,
    Teach,
    Utterance,
    type_of,
)
from bridge.session import Session
from bridge.tracking import BLOB_BYTES, Fault, Part
from models.language.dialogue import Reading
from models.limits import MAX_TARGETS
from tests.stand_ins import FakeLink, FakePath, FakeWorkers, somebody

HEAD = int(Part.HEAD)
SECOND = 1_000_000
SPOKEN = App("shop", actions=[ActionInfo("fire", ["fire"])])


class Clock:
    """Time that passes when the test says so, seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("bridge.session.monotonic", clock)
    return clock


class Room:
    """A session with its path and its link."""

    def __init__(self, sink: Any = None, app: App = App("test")) -> None:  # noqa: B008
        self.path = FakePath()
        self.link = FakeLink()
        self.counted: list[str] = []
        self.workers = FakeWorkers()
        hello = Hello("1.0", app, "ada")
        self.session = Session(
            "id",
            "secret",
            hello,
            self.path,
            sink,
            self.workers,
            hello.app,
            somebody(self.path),
            Applied(b"", ()),
            self.counted.append,  # type: ignore[arg-type]
        )
        self.session.seat = self.path.join(self.session, [0.1], {})
        self.session.attach(self.link)

    def frame(self, q: int, t: int, mask: int = HEAD, blob: bytes | None = None) -> None:
        self.session.frame(Frame(q, t, mask, bytes(BLOB_BYTES[mask]) if blob is None else blob))

    def refused(self, *arguments: Any, **settings: Any) -> Error:
        """Sends a frame that is not taken."""
        with pytest.raises(Refused) as refused:
            self.frame(*arguments, **settings)
        assert not refused.value.fatal
        return refused.value.error

    def scene(self, identifier: str, *targets: str, **settings: Any) -> None:
        self.session.event(Scene(identifier, [target(name) for name in targets], **settings))

    def boxes(self) -> tuple[list[float], bool]:
        """The x of the targets that the path was last told of, and whether they are those of before."""
        _, data, keep_state = self.path.scenes[-1]
        numbers = struct.unpack(f"<{len(data) // 4}f", data)
        return list(numbers[::6]), keep_state

    def answer(self, q: int) -> None:
        self.session.answered(q, 10 * q, 1, b"poses", 0, b"odds")


@pytest.fixture
async def room() -> Room:
    return Room()


def target(name: str) -> Target:
    """A target whose x tells its name."""
    return Target(name, (float(ord(name[0])), 0, 0))


async def test_a_frame_goes_to_its_own_seat(room: Room) -> None:
    blob = bytes(range(28))
    room.frame(0, 0, blob=blob)
    assert room.path.frames == [(room.session.seat, 0, 0, HEAD, blob)]
    assert room.session.last_q == 0


@pytest.mark.parametrize(
    ("mask", "off_by"),
    [(0, 4), *((mask, off_by) for mask in (HEAD, HEAD | Part.LEFT_HAND, 1023) for off_by in (-4, -1, 1, 4))],
)
async def test_a_blob_is_as_long_as_its_parts(room: Room, mask: int, off_by: int) -> None:
    room.frame(1, 1, mask)
    length = BLOB_BYTES[mask] + off_by
    error = room.refused(2, 2, mask, blob=bytes(length))
    assert (error.code, error.of, error.key, error.q) == ("invalid", "frame", "d", 2)
    assert str(length) in error.message
    assert str(BLOB_BYTES[mask]) in error.message


@pytest.mark.parametrize(
    ("q", "t", "code", "key"),
    [(5, 6, "sequence", "q"), (4, 6, "sequence", "q"), (6, 5, "time", "t"), (6, 4, "time", "t")],
)
async def test_sequence_numbers_and_times_grow(room: Room, q: int, t: int, code: str, key: str) -> None:
    room.frame(5, 5)
    error = room.refused(q, t)
    assert (error.code, error.of, error.key, error.q) == (code, "frame", key, q)
    room.frame(6, 6)
    assert [frame[1] for frame in room.path.frames] == [5, 6]


async def test_a_device_s_clock_runs_as_ours_does(clock: Clock, room: Room) -> None:
    room.frame(1, 50 * SECOND)
    clock.now += 2
    ahead = int((2 + MAX_AHEAD_S) * SECOND)
    error = room.refused(2, 50 * SECOND + ahead + SECOND)
    assert (error.code, error.key, error.q) == ("time", "t", 2)
    room.frame(3, 50 * SECOND + ahead)
    clock.now += 3600
    room.frame(4, 3600 * SECOND)


async def test_what_was_refused_leaves_the_session_as_it_was(clock: Clock, room: Room) -> None:
    room.frame(1, SECOND)
    for _ in range(3):
        room.refused(9, 3600 * SECOND)
        room.refused(9, 2 * SECOND, blob=b"")
        room.refused(9, SECOND)
    assert room.session.last_q == 1
    room.frame(2, SECOND + 1)


async def test_an_answer_goes_out_and_is_counted(room: Room) -> None:
    room.answer(4)
    assert room.link.take(Actions) == Actions(4, 40, 1, b"poses", 0, b"odds")
    assert room.session.frames == 1


async def test_an_answer_under_way_outlives_any_number_of_scenes() -> None:
    room = Room(app=App("shop", actions=[ActionInfo("take", ["take {target}"], target="required")]))
    room.scene("s0", "a", "b")
    room.path.stepping = True
    for number in range(1, 30):
        room.scene(f"s{number}", "c", replace=number % 2 == 0)
    room.link.sent.clear()
    room.session.answered(1, 10, 1, b"poses", 1, struct.pack("<2f", 0.2, 0.8))
    assert room.link.take(Actions).q == 1
    assert room.session._aim.at(10) == pytest.approx({"a": 0.2, "b": 0.8})


async def test_an_export_is_made_anew_and_not_remembered(room: Room) -> None:
    room.session._finish(Ack("kept"))
    room.session._finish(Ack("exported", data=bytes(1000)))
    assert room.session._acknowledged("kept")
    assert not room.session._acknowledged("exported")


async def test_what_was_told_of_an_utterance_is_told_again_with_its_acknowledgement() -> None:
    room = Room(app=SPOKEN)
    said = Utterance("u1", "hm", 0)
    room.session.event(said)
    room.workers.language.answer(Reading("", 0.9, problem="no idea"))
    told = room.link.sent
    assert [type_of(message) for message in told] == ["notice", "ack"]
    room.link.sent = []
    room.session.event(said)
    assert room.link.sent == told


async def test_a_slow_reader_has_an_action_before_its_utterance_is_acknowledged() -> None:
    room = Room(app=SPOKEN)
    room.link.writable = False
    room.session.event(Utterance("u1", "fire", 0))
    room.workers.language.answer(Reading("fire", 0.9))
    assert [type_of(message) for message in room.link.sent] == ["actions", "ack"]


async def test_an_utterance_that_is_sent_again_while_it_waits_for_a_lesson_is_carried_out_once() -> None:
    room = Room(app=SPOKEN)
    for _ in range(2):
        room.session.event(Teach("t1", "phrase", "fire", phrase="zap"))
        room.session.event(Utterance("u1", "fire", 0))
    assert room.workers.language.asked == {}
    await room.session._teaching.end()
    room.workers.language.answer(Reading("fire", 0.9))
    assert room.workers.language.asked == {}
    assert [type_of(message) for message in room.link.sent] == ["error", "actions", "ack"]
    room.session.event(Utterance("u1", "fire", 0))
    assert [type_of(message) for message in room.link.sent[3:]] == ["ack"]


async def test_an_utterance_that_is_answered_while_it_waits_once_more_is_carried_out_once() -> None:
    room = Room(app=SPOKEN)
    # So that a lesson takes as long as it is tried to write it.
    room.session.seat.learning = True
    for lesson in ("t1", "t2"):
        room.session.event(Teach(lesson, "phrase", "fire", phrase="zap"))
        room.session.event(Utterance("u1", "fire", 0))
    async with asyncio.timeout(20):
        while not room.workers.language.asked:  # noqa: ASYNC110, a fake worker has nothing to wait for
            await asyncio.sleep(0)
    room.workers.language.answer(Reading("fire", 0.9))
    await room.session._teaching.end()
    assert room.workers.language.asked == {}
    assert [type_of(message) for message in room.link.sent] == ["error", "actions", "ack", "error", "ack"]


async def test_a_slow_reader_gets_the_newest_answer_when_it_has_caught_up(room: Room) -> None:
    room.link.writable = False
    room.answer(1)
    room.answer(2)
    assert room.link.sent == []
    room.link.writable = True
    room.session.writable()
    assert room.link.take(Actions).q == 2
    room.session.writable()
    assert room.link.sent == []


async def test_what_waited_for_a_lost_socket_is_not_for_the_next_one(room: Room) -> None:
    room.link.writable = False
    room.answer(1)
    room.session.detach()
    room.answer(2)
    room.session.writable()
    room.session.refused(3, FAILED)
    again = FakeLink()
    room.session.attach(again)
    room.session.writable()
    assert again.sent == []
    room.answer(4)
    assert again.take(Actions).q == 4
    assert room.link.sent == []


@pytest.mark.parametrize(
    ("status", "code", "key"),
    [
        (Fault.NOT_FINITE, "not_finite", "d"),
        (Fault.TOO_FAR, "invalid", "d"),
        (Fault.QUATERNION, "quaternion", "d"),
        (GAP, "time", "t"),
        (FAILED, "internal", ""),
    ],
)
async def test_what_the_engine_refuses_is_told_and_counted(room: Room, status: int, code: str, key: str) -> None:
    room.session.refused(8, status)
    error = room.link.take(Error)
    assert (error.code, error.of, error.key, error.q) == (code, "frame", key, 8)
    assert error.message
    assert room.counted == [code]


async def test_a_scene_is_told_to_the_engine_and_acknowledged(room: Room) -> None:
    room.session.event(Scene("s", [Target("a", (1, 2, 3), (4, 5, 6)), Target("b", (7, 8, 9))]))
    assert room.link.take(Ack) == Ack("s", scene=1)
    seat, boxes, keep_state = room.path.scenes[0]
    assert seat is room.session.seat
    assert not keep_state
    assert struct.unpack("<12f", boxes) == pytest.approx((1, 2, 3, 4, 5, 6, 7, 8, 9, 0.1, 0.1, 0.1))


async def test_a_scene_replaces_the_one_before(room: Room) -> None:
    room.scene("1", "a", "b")
    room.scene("2", "c")
    assert room.boxes() == ([ord("c")], False)
    room.scene("3")
    assert room.boxes() == ([], False)


async def test_a_scene_can_be_changed_by_id(room: Room) -> None:
    room.scene("1", "a", "b", "c")
    room.session.event(Scene("2", [target("d"), Target("b", (5, 0, 0))], replace=False, remove=["a", "never there"]))
    assert room.boxes() == ([5, ord("c"), ord("d")], False)
    room.session.event(Scene("3", [target("b")], replace=False, remove=["b"]))
    assert room.boxes() == ([ord("c"), ord("d"), ord("b")], False)


async def test_targets_that_only_move_keep_what_is_remembered_of_them(room: Room) -> None:
    room.scene("1", "a", "b")
    room.session.event(Scene("2", [Target("b", (5, 0, 0))], replace=False))
    assert room.boxes() == ([ord("a"), 5], True)
    room.scene("3", "a", "b")
    assert room.boxes() == ([ord("a"), ord("b")], True)
    room.scene("4", "b", "a")
    assert room.boxes() == ([ord("b"), ord("a")], False), "another order is another scene"


async def test_a_scene_holds_only_so_many(room: Room) -> None:
    half = [Target(f"{at}", (0, 0, 0)) for at in range(MAX_TARGETS // 2)]
    more = [Target(f"more {at}", (0, 0, 0)) for at in range(MAX_TARGETS // 2)]
    room.session.event(Scene("1", half))
    room.session.event(Scene("2", more, replace=False))
    room.link.sent.clear()
    for adding in (
        Scene("3", [target("x")], replace=False),
        Scene("3", [*more[:1], target("x")], replace=False),
    ):
        with pytest.raises(Refused) as refused:
            room.session.event(adding)
        assert (refused.value.error.key, refused.value.error.id) == ("targets", "3")
        assert str(MAX_TARGETS) in refused.value.error.message
    room.session.event(Scene("4", [target("x")], replace=False, remove=["0"]))
    assert room.link.take(Ack).id == "4"
    assert len(room.boxes()[0]) == MAX_TARGETS


@pytest.mark.parametrize(
    ("scene", "key"),
    [
        (Scene("2", [target("x"), target("y"), target("x")]), "targets[2].id"),
        (Scene("2", [target("x")], remove=["a"]), "remove"),
    ],
)
async def test_a_scene_that_cannot_be_changes_nothing_and_may_be_mended(room: Room, scene: Scene, key: str) -> None:
    room.scene("1", "a")
    with pytest.raises(Refused) as refused:
        room.session.event(scene)
    error = refused.value.error
    assert (error.code, error.of, error.key, error.id) == ("invalid", "scene", key, "2")
    assert len(room.path.scenes) == 1
    room.scene("2", "b", replace=False)
    assert room.boxes() == ([ord("a"), ord("b")], False)


async def test_an_id_is_applied_once_and_acknowledged_each_time(room: Room) -> None:
    for _ in range(3):
        room.scene("same", "a")
        assert room.link.take(Ack) == Ack("same", scene=1)
    assert len(room.path.scenes) == 1


async def test_ids_are_remembered_for_long_but_not_for_ever(room: Room) -> None:
    for number in range(4097):
        room.scene(str(number), "a")
    applied = len(room.path.scenes)
    room.scene("1", "a")
    assert len(room.path.scenes) == applied
    room.scene("0", "a")
    assert len(room.path.scenes) == applied + 1


@pytest.mark.parametrize(
    "message",
    [
        Audio(1, b""),
        Image(1, "jpeg", 1, 1, b""),
    ],
)
async def test_what_is_not_served_is_said_by_name(room: Room, message: ClientMessage) -> None:
    room.workers.hearing.problem = room.workers.seeing.problem = "pip install it"
    assert not {"audio", "image"} & set(room.session.serves)
    with pytest.raises(Refused) as refused:
        room.session.event(message)
    error = refused.value.error
    assert not refused.value.fatal
    assert (error.code, error.id) == ("unsupported", getattr(message, "id", ""))
    assert error.of == type(message).__name__.lower()
    assert error.of in error.message
    assert "pip install it" in error.message


async def test_an_app_without_actions_is_told_that_it_has_none(room: Room) -> None:
    with pytest.raises(Refused) as refused:
        room.session.event(Utterance("id", "that one", 1))
    error = refused.value.error
    assert (error.code, error.of, error.id) == ("unsupported", "utterance", "id")
    assert "'test' has no phrases" in error.message


async def test_a_second_hello_is_refused(room: Room) -> None:
    with pytest.raises(Refused) as refused:
        room.session.event(Hello("1.0", App("test"), "ada"))
    assert (refused.value.error.code, refused.value.error.of) == ("invalid", "hello")


async def test_what_is_sent_is_written_down_with_its_time(clock: Clock) -> None:
    class Sink:
        def __init__(self) -> None:
            self.messages: list[tuple[int, bytes]] = []
            self.closes = 0

        def message(self, time_us: int, data: bytes) -> None:
            self.messages.append((time_us, data))

        def close(self) -> None:
            self.closes += 1

    sink = Sink()
    room = Room(sink)
    room.session.record(b"first")
    clock.now += 0.5
    room.session.record(b"second")
    room.session.close()
    assert sink.messages == [(0, b"first"), (SECOND // 2, b"second")]
    assert sink.closes == 1


async def test_without_a_socket_or_a_sink_nothing_happens(room: Room) -> None:
    room.session.detach()
    room.session.send(Notice("x", "y"))
    room.session.record(b"x")
    await room.session.end()
    assert room.link.sent == []

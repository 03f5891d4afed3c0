"""The gateway's end of the frame path against an engine that answers when the test says so."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from safetensors.torch import load, save

from bridge.frame_path.batch import COUNT, Batch
from bridge.frame_path.engine import EngineCounters, EngineInfo, EngineListener
from bridge.frame_path.path import FramePath, Full, Profile, Seat
from tests.core_engine import CoreEngine
from tests.doubles import Learning

SLOTS = 4
BLOB = struct.pack("<7f", *range(7))


class ManualEngine:
    """Carries out requests when told to. An answer's first number is the frame's x; ``seen`` is who was stepped."""

    def __init__(self, slots: int = SLOTS) -> None:
        self.batches = [Batch(memoryview(bytearray(Batch.size(slots))), slots) for _ in range(COUNT)]
        self.counters = EngineCounters()
        self.requests: list[Sequence[Any]] = []
        self.owner: dict[int, int] = {}
        self.statuses: dict[int, int] = {}
        self.step_with_gesture = 0
        self.up = False
        self.asked = asyncio.Event()

    async def start(self, listener: EngineListener) -> EngineInfo:
        self.listener = listener
        self.come_up()
        return EngineInfo((("manual", "1"),), "cpu")

    def come_up(self) -> None:
        self.up = True
        self.listener.ready(EngineInfo((("manual", "1"),), "cpu"))

    def go_down(self) -> None:
        self.up = False
        self.requests.clear()
        self.owner.clear()
        self.listener.lost("test")

    def request(self, *message: Any) -> None:
        assert self.up
        self.requests.append(message)
        self.asked.set()

    async def stop(self) -> None:
        self.up = False

    def work(self) -> None:
        """Carries out all requests that are waiting."""
        for _ in range(len(self.requests)):
            self.work_once()

    def work_once(self) -> None:
        """Carries out the request that waits for longest."""
        kind, *arguments = self.requests.pop(0)
        if kind not in ("step", "join"):
            assert self.owner[arguments[0]] == arguments[1], "nothing is asked of another session's slot"
        if kind == "step":
            self._step(*arguments)
        elif kind == "join":
            slot, serial, *_ = arguments
            assert slot not in self.owner
            self.owner[slot] = serial
            self.listener.reply(["joined", slot, serial, []])
        elif kind == "leave":
            slot, serial = arguments
            assert self.owner.pop(slot) == serial
            self.listener.reply(["left", slot, serial, {"manual@1": b"learned"}])
        elif kind == "profile":
            self.listener.reply(["profile", *arguments, {"manual@1": b"so far"}])
        elif kind in ("put", "forget"):
            self.listener.reply(["changed", *arguments[:2]])
        elif kind == "confirm":
            slot, serial, target, moment, _ = arguments
            learned = {"manual@1": str(target).encode() + moment}
            self.listener.reply(["confirmed", slot, serial, learned, b" then"])

    def _step(self, index: int, rows: int) -> None:
        batch = self.batches[index]
        slots = batch.head["slot"][:rows].tolist()
        assert len(set(slots)) == len(slots), "a slot is in a batch once"
        for row, slot in enumerate(slots):
            assert slot in self.owner, "nobody is stepped who has no seat"
            batch.result[row] = (self.statuses.get(slot, 0), 1, 1, 2, 1, self.step_with_gesture)
            batch.forecast[row, 0] = batch.blobs[row, 0]
        self.listener.reply(["stepped", index, ""])


class Person:
    """A receiver that keeps what it is told."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, int, float]] = []
        self.refusals: list[tuple[int, int]] = []

    def answered(self, q: int, t: int, devices: int, forecast: bytes, best: int, probabilities: bytes) -> None:
        assert (devices, len(forecast), best, len(probabilities)) == (1, 28, 1, 8)
        self.answers.append((q, t, struct.unpack_from("<f", forecast)[0]))

    def gesture(self, number: int, device: int, confidence: float, start: int, end: int) -> None:
        raise AssertionError("nobody gestures here")

    def refused(self, q: int, status: int) -> None:
        self.refusals.append((q, status))


def blob(x: float) -> bytes:
    return struct.pack("<7f", x, 0, 0, 0, 0, 0, 1)


async def started(window_s: float = 100.0, slots: int = SLOTS) -> tuple[FramePath, ManualEngine, list[bool]]:
    engine, changes = ManualEngine(slots), []
    path = FramePath(engine, slots=slots, window_s=window_s, on_engine=changes.append)
    await path.start()
    return path, engine, changes


async def test_one_session_does_not_wait_for_anybody() -> None:
    path, engine, _ = await started()
    person = Person()
    seat = path.join(person, [0.1], {})
    path.submit(seat, 7, 70, 1, blob(3))
    engine.work()
    assert person.answers == [(7, 70, 3.0)]


async def test_the_newest_frame_wins() -> None:
    path, engine, _ = await started()
    one, two = Person(), Person()
    seat, _ = path.join(one, [], {}), path.join(two, [], {})
    for q in (1, 2, 3):
        path.submit(seat, q, q, 1, blob(q))
    assert path.counters.overtaken == 2
    path._publish()
    engine.work()
    assert one.answers == [(3, 3, 3.0)]
    assert two.answers == []


async def test_a_batch_waits_for_others_no_longer_than_the_window() -> None:
    path, engine, _ = await started(window_s=0.001)
    person = Person()
    seat, _ = path.join(person, [], {}), path.join(Person(), [], {})
    path.submit(seat, 1, 1, 1, blob(1))
    engine.work()
    assert person.answers == []
    engine.asked.clear()
    await asyncio.wait_for(engine.asked.wait(), 20)
    engine.work()
    assert person.answers == [(1, 1, 1.0)]


async def test_while_one_batch_is_stepped_the_other_fills() -> None:
    path, engine, _ = await started()
    person = Person()
    seat = path.join(person, [], {})
    path.submit(seat, 1, 1, 1, blob(1))
    path.submit(seat, 2, 2, 1, blob(2))
    path.submit(seat, 3, 3, 1, blob(3))
    engine.work()
    path._publish()
    engine.work()
    assert person.answers == [(1, 1, 1.0), (3, 3, 3.0)]


async def test_what_came_while_a_batch_was_stepped_does_not_wait_for_more_to_come() -> None:
    path, engine, _ = await started(window_s=0.0)
    person = Person()
    seat = path.join(person, [], {})
    for q in (1, 2):
        path.submit(seat, q, q, 1, blob(q))
    engine.asked.clear()
    engine.work()
    await asyncio.wait_for(engine.asked.wait(), 20)
    engine.work()
    assert person.answers == [(1, 1, 1.0), (2, 2, 2.0)]


async def test_an_answer_speaks_of_the_scene_that_was_there_when_its_step_began() -> None:
    class Looker(Person):
        def answered(self, *answer: Any) -> None:
            spoken_of.append(seat.answering)

    path, engine, _ = await started()
    spoken_of: list[int] = []
    seat = path.join(Looker(), [], {})
    for q in (1, 2):
        path.scene(seat, bytes(24 * q), keep_state=False)
        path.submit(seat, q, q, 1, blob(q))
    engine.work()
    path._publish()
    engine.work()
    assert spoken_of == [1, 2]


async def test_everybody_is_told_their_own_probabilities() -> None:
    class Looker(Person):
        def answered(self, q: int, t: int, devices: int, forecast: bytes, best: int, probabilities: bytes) -> None:
            self.probabilities = struct.unpack("<2f", probabilities)

    path, engine, _ = await started()
    lookers = Looker(), Looker()
    seats = [path.join(looker, [], {}) for looker in lookers]
    for seat in seats:
        path.submit(seat, 1, 1, 1, blob(1))
    engine.batches[0].probabilities[:2, :2] = [[0.25, 0.75], [1.0, 0.0]]
    engine.work()
    assert [looker.probabilities for looker in lookers] == [(0.25, 0.75), (1.0, 0.0)]


async def test_a_refused_frame_is_told_to_its_own_session() -> None:
    path, engine, _ = await started()
    one, two = Person(), Person()
    seats = [path.join(one, [], {}), path.join(two, [], {})]
    engine.statuses[seats[0].slot] = 3
    for q, seat in enumerate(seats):
        path.submit(seat, q, 1, 1, blob(1))
    engine.work()
    assert (one.refusals, one.answers) == ([(0, 3)], [])
    assert (two.refusals, len(two.answers)) == ([], 1)


async def test_what_a_receiver_raises_costs_nobody_else_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Person):
        def answered(self, *answer: Any) -> None:
            raise KeyError(61)

    path, engine, _ = await started()
    other = Person()
    for q, seat in enumerate([path.join(Broken(), [], {}), path.join(other, [], {})]):
        path.submit(seat, q, 1, 1, blob(1))
    engine.work()
    assert len(other.answers) == 1
    assert path.counters.answered == 2
    assert "KeyError: 61" in caplog.text


async def test_who_leaves_with_a_frame_under_way_is_not_stepped() -> None:
    path, engine, _ = await started()
    gone, other = Person(), Person()
    seat, stays = path.join(gone, [], {}), path.join(other, [], {})
    path.submit(seat, 1, 1, 1, blob(1))
    leaving = asyncio.create_task(path.leave(seat))
    await asyncio.sleep(0)
    engine.work()
    assert await leaving == {"manual@1": b"learned"}
    newcomer = Person()
    assert path.join(newcomer, [], {}).slot == seat.slot
    path.submit(stays, 1, 1, 1, blob(2))
    path._publish()
    engine.work()
    assert (gone.answers, newcomer.answers, len(other.answers)) == ([], [], 1)


async def test_who_comes_finds_room_in_the_batch_that_the_one_who_left_had_a_frame_in() -> None:
    path, engine, _ = await started(slots=2)
    gone, other, newcomer = Person(), Person(), Person()
    seat, stays = path.join(gone, [], {}), path.join(other, [], {})
    for q in (1, 2):
        for x, one in enumerate((seat, stays)):
            path.submit(one, q, q, 1, blob(x))
    leaving = asyncio.create_task(path.leave(seat))
    await asyncio.sleep(0)
    engine.work()
    await leaving
    path.submit(path.join(newcomer, [], {}), 1, 1, 1, blob(7))
    engine.work()
    assert other.answers == [(1, 1, 1.0), (2, 2, 1.0)]
    assert newcomer.answers == [(1, 1, 7.0)]
    assert gone.answers == []
    assert (path.counters.received, path.counters.answered, path.counters.lost) == (5, 3, 2)


async def test_who_has_left_sends_nothing_more() -> None:
    path, engine, _ = await started()
    gone = path.join(Person(), [], {})
    leaving = asyncio.create_task(path.leave(gone))
    await asyncio.sleep(0)
    engine.work()
    await leaving
    newcomer = Person()
    seat = path.join(newcomer, [], {})
    path.submit(gone, 1, 1, 1, blob(6))
    path.submit(seat, 1, 1, 1, blob(7))
    path._publish()
    engine.work()
    assert newcomer.answers == [(1, 1, 7.0)]


async def test_nothing_is_done_to_a_seat_that_was_left() -> None:
    path, engine, _ = await started()
    gone = path.join(Person(), [], {})
    leaving = asyncio.create_task(path.leave(gone))
    await asyncio.sleep(0)
    for _ in range(2):
        path.put(gone, {"manual@1": b"x"})
        path.learn(gone, True)
        path.scene(gone, bytes(24), keep_state=False)
        path.forget(gone)
        assert [request[0] for request in engine.requests if request[0] not in ("join", "leave")] == []
        engine.work()
        assert await path.profile(gone) == await leaving == {"manual@1": b"learned"}
        path.join(Person(), [], {})
    assert (gone.learning, gone.scene) == (False, 0)


async def test_a_seat_that_was_left_is_not_shared() -> None:
    path, engine, _ = await started()
    gone = path.join(Person(), [], {})
    leaving = asyncio.create_task(path.leave(gone))
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="left"):
        path.join(Person(), [], {}, shares=gone)
    engine.work()
    await leaving


async def test_when_all_slots_are_taken() -> None:
    path, engine, _ = await started()
    seats = [path.join(Person(), [], {}) for _ in range(SLOTS)]
    with pytest.raises(Full):
        path.join(Person(), [], {})
    leaving = asyncio.create_task(path.leave(seats[1]))
    await asyncio.sleep(0)
    with pytest.raises(Full):
        path.join(Person(), [], {})
    engine.work()
    await leaving
    assert path.join(Person(), [], {}).slot == seats[1].slot


async def test_an_engine_that_is_lost_costs_the_batch_under_way() -> None:
    path, engine, changes = await started()
    person = Person()
    seat = path.join(person, [0.1], {"manual@1": b"x"})
    path.scene(seat, b"boxes", keep_state=False)
    engine.work()
    assert seat.joined.done()
    path.submit(seat, 1, 1, 1, blob(1))
    engine.go_down()
    path.submit(seat, 2, 2, 1, blob(2))
    path.submit(seat, 3, 3, 1, blob(3))
    leaving = asyncio.create_task(path.profile(seat))
    await asyncio.sleep(0)
    engine.come_up()
    kinds = [request[0] for request in engine.requests]
    assert kinds == ["join", "scene", "profile", "step"]
    assert engine.requests[0][5] is True, "to be restored"
    assert engine.requests[1][3:] == (b"boxes", True), "what was remembered of the targets is theirs"
    engine.work()
    assert person.answers == [(3, 3, 3.0)]
    assert await leaving == {"manual@1": b"so far"}
    assert changes == [False, True]
    assert (path.counters.lost, path.counters.answered) == (1, 1)


async def test_who_leaves_while_there_is_no_engine_loses_nothing() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {})
    engine.work()
    engine.go_down()
    leaving = asyncio.create_task(path.leave(seat))
    await asyncio.sleep(0)
    assert not leaving.done()
    engine.come_up()
    engine.work()
    assert await leaving == {"manual@1": b"learned"}


async def test_a_selection_is_learned_once_an_engine_has_it() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {"other@1": b"x"})
    engine.work()
    first = path.confirm(seat, 3)
    engine.work()
    assert await first == ({"manual@1": b"3"}, b" then")
    second = path.confirm(seat, 3, b" then", -1)
    engine.go_down()
    engine.come_up()
    assert [request[0] for request in engine.requests] == ["join", "confirm"]
    assert engine.requests[1][3:] == (3, b" then", -1)
    assert engine.requests[0][4] == {"other@1": b"x", "manual@1": b"3"}, "what was learned before is known again"
    engine.work()
    assert await second == ({"manual@1": b"3 then"}, b" then")


async def test_what_one_of_those_who_share_learned_or_was_given_is_known_to_the_next_engine() -> None:
    path, engine, _ = await started()
    first = path.join(Person(), [], {"other@1": b"x"})
    second = path.join(Person(), [], {}, shares=first)
    path.confirm(second, 3)
    path.put(second, {"another@1": b"y"})
    engine.work()
    engine.go_down()
    engine.come_up()
    assert engine.requests[0][4] == {"other@1": b"x", "manual@1": b"3", "another@1": b"y"}
    leaving = asyncio.create_task(path.leave(first))
    third = path.join(Person(), [], {}, shares=second)
    await asyncio.sleep(0)
    engine.work()
    await leaving
    path.confirm(third, 4)
    engine.work()
    engine.go_down()
    engine.come_up()
    assert (engine.requests[0][1], engine.requests[0][4]) == (second.slot, {"manual@1": b"4"})


async def test_a_selection_in_a_scene_that_is_no_more_is_not_learned_by_the_next_engine() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {})
    path.scene(seat, bytes(24), keep_state=False)
    engine.work()
    engine.go_down()
    old = path.confirm(seat, 0)
    taken_back = path.confirm(seat, 0, b" then", -1)
    path.scene(seat, bytes(48), keep_state=False)
    new = path.confirm(seat, 1)
    engine.come_up()
    assert old.result() == ({}, b"")
    engine.work()
    assert await taken_back == ({"manual@1": b"0 then"}, b" then")
    assert await new == ({"manual@1": b"1"}, b" then")


async def test_what_was_put_or_forgotten_holds_after_a_loss() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {"a@1": b"x", "b@1": b"y"}, learning=True)
    engine.work()
    path.put(seat, {"a@1": b"z"})
    path.learn(seat, False)
    assert [request[0] for request in engine.requests] == ["put", "learn"]
    engine.work()
    engine.go_down()
    engine.come_up()
    (join,) = engine.requests
    assert (join[4], join[6]) == ({"a@1": b"z", "b@1": b"y"}, False)
    engine.work()
    path.forget(seat)
    engine.work()
    engine.go_down()
    engine.come_up()
    (join,) = engine.requests
    assert join[4] == {}


async def test_what_was_put_or_forgotten_and_not_carried_out_is_asked_again() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {"a@1": b"x"})
    engine.work()
    path.forget(seat)
    engine.go_down()
    path.put(seat, {"a@1": b"z"})
    for _ in range(2):
        engine.come_up()
        assert [request[0] for request in engine.requests] == ["join", "forget", "put", "learn"]
        assert engine.requests[2][3] == {"a@1": b"z"}
        engine.go_down()
    engine.come_up()
    engine.work()
    engine.go_down()
    engine.come_up()
    assert [request[0] for request in engine.requests] == ["join"]


async def test_what_is_put_again_and_again_while_there_is_no_engine_is_asked_once() -> None:
    path, engine, _ = await started()
    first = path.join(Person(), [], {})
    second = path.join(Person(), [], {}, shares=first)
    engine.work()
    path.put(first, {"a@1": b"before"})
    engine.go_down()
    path.put(first, {"b@1": b"kept"})
    for n in range(3):
        for seat in (first, second):
            path.put(seat, {"a@1": b"%d" % n})
    path.put(first, {"a@1": b"last", "c@1": b""})
    engine.come_up()
    asked = [request for request in engine.requests if request[0] != "join"]
    assert [(request[0], request[1], request[3]) for request in asked] == [
        ("put", first.slot, {"b@1": b"kept"}),
        ("put", second.slot, {"a@1": b"2"}),
        ("put", first.slot, {"a@1": b"last", "c@1": b""}),
        ("learn", first.slot, False),
        ("learn", second.slot, False),
    ]
    assert engine.requests[0][4] == first.profile == {"a@1": b"last", "b@1": b"kept", "c@1": b""}
    engine.work()
    engine.go_down()
    engine.come_up()
    assert [request[0] for request in engine.requests] == ["join", "join"]


async def test_what_was_told_before_something_was_put_is_not_what_is_known() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {"manual@1": b"x"})
    telling = asyncio.create_task(path.profile(seat))
    await asyncio.sleep(0)
    path.put(seat, {"manual@1": b""})
    engine.work()
    assert await telling == {"manual@1": b"so far"}
    assert seat.profile == {"manual@1": b""}


async def test_each_question_has_its_own_answer() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {})
    first, second = (asyncio.create_task(path.profile(seat)) for _ in range(2))
    await asyncio.sleep(0)
    path.reply(["profile", seat.slot, seat.serial, {"manual@1": b"before"}])
    assert await first == {"manual@1": b"before"}
    assert not second.done()
    engine.go_down()
    engine.come_up()
    engine.work()
    assert await second == {"manual@1": b"so far"}


@pytest.mark.parametrize("up", [True, False], ids=["before a loss", "while there is no engine"])
async def test_what_was_not_answered_is_asked_again_in_the_order_in_which_it_was_asked(up: bool) -> None:
    path, engine, _ = await started()
    first = path.join(Person(), [], {})
    second = path.join(Person(), [], {}, shares=first)
    third = path.join(Person(), [], {}, shares=first)
    engine.work()
    if not up:
        engine.go_down()
    path.confirm(third, 0)
    tasks = [asyncio.create_task(path.profile(first))]
    await asyncio.sleep(0)
    path.confirm(second, 1)
    tasks.append(asyncio.create_task(path.leave(second)))
    await asyncio.sleep(0)
    path.confirm(first, 2)
    tasks.append(asyncio.create_task(path.profile(third)))
    await asyncio.sleep(0)
    if up:
        engine.go_down()
    engine.come_up()
    asked = [(request[0], request[1]) for request in engine.requests if request[0] != "join"]
    assert asked == [
        ("confirm", third.slot),
        ("profile", first.slot),
        ("confirm", second.slot),
        ("leave", second.slot),
        ("confirm", first.slot),
        ("profile", third.slot),
    ]
    engine.work()
    await asyncio.gather(*tasks)


async def test_what_was_selected_before_something_was_put_does_not_outlive_it_after_a_loss() -> None:
    path, engine, _ = await started()
    seat = path.join(Person(), [], {})
    engine.work()
    before = path.confirm(seat, 1)
    path.put(seat, {"manual@1": b""})
    after = path.confirm(seat, 2)
    engine.go_down()
    engine.come_up()
    assert [request[0] for request in engine.requests] == ["join", "confirm", "put", "confirm", "learn"]
    engine.work()
    assert (await before, await after) == (({"manual@1": b"1"}, b" then"), ({"manual@1": b"2"}, b" then"))


async def test_who_leaves_hands_over_after_a_loss_too() -> None:
    path, engine, _ = await started()
    first = path.join(Person(), [], {})
    path.join(Person(), [], {}, shares=first)
    engine.go_down()
    leaving = asyncio.create_task(path.leave(first))
    await asyncio.sleep(0)
    engine.come_up()
    assert [request[0] for request in engine.requests] == ["join", "join", "leave"]
    engine.work()
    await leaving


async def test_whose_row_is_shared_joins_the_next_engine_before_the_others() -> None:
    path, engine, _ = await started()
    gone, first = (path.join(Person(), [], {}) for _ in range(2))
    other = path.join(Person(), [], {}, shares=first)
    await left(path, engine, gone)
    heir = path.join(Person(), [], {}, shares=first)
    await left(path, engine, first)
    assert other.shares is heir
    engine.go_down()
    engine.come_up()
    assert [(request[1], request[8]) for request in engine.requests] == [(heir.slot, -1), (other.slot, heir.slot)]


async def left(path: FramePath, engine: ManualEngine, seat: Seat) -> None:
    leaving = asyncio.create_task(path.leave(seat))
    await asyncio.sleep(0)
    engine.work()
    await leaving


async def test_who_came_while_a_shared_seat_was_being_left_shares_the_heirs() -> None:
    path, engine, _ = await started()
    first = path.join(Person(), [], {})
    second, third = (path.join(Person(), [], {}, shares=first) for _ in range(2))
    leaving = asyncio.create_task(path.leave(first))
    await asyncio.sleep(0)
    late = path.join(Person(), [], {}, shares=third)
    engine.work()
    await leaving
    assert (second.shares, third.shares, late.shares) == (None, second, second)
    assert late.profile == {"manual@1": b"learned"}


async def test_who_shares_inherits_when_the_other_leaves() -> None:
    path, engine, _ = await started()
    first = path.join(Person(), [], {})
    second, third = (path.join(Person(), [], {}, shares=first) for _ in range(2))
    assert [request[8] for request in engine.requests] == [-1, first.slot, first.slot]
    engine.work()
    leaving = asyncio.create_task(path.leave(first))
    await asyncio.sleep(0)
    engine.work()
    assert await leaving == {"manual@1": b"learned"}
    heir, other = sorted((second, third), key=lambda seat: seat.slot)
    assert (heir.shares, other.shares) == (None, heir)
    assert heir.profile == {"manual@1": b"learned"}


async def test_who_inherits_has_the_lowest_slot_whoever_came_first() -> None:
    path, engine, _ = await started()
    gone, first = (path.join(Person(), [], {}) for _ in range(2))
    second = path.join(Person(), [], {}, shares=first)
    leaving = asyncio.create_task(path.leave(gone))
    await asyncio.sleep(0)
    engine.work()
    await leaving
    third = path.join(Person(), [], {}, shares=first)
    assert third.slot < second.slot
    leaving = asyncio.create_task(path.leave(first))
    await asyncio.sleep(0)
    engine.work()
    await leaving
    assert (third.shares, second.shares) == (None, third), "as the engine does it"


async def test_a_gesture_is_told_in_the_time_of_the_device() -> None:
    class Waver(Person):
        def gesture(self, number: int, device: int, confidence: float, start: int, end: int) -> None:
            assert not self.answers, "before the answer, which carries the action"
            self.told = (number, device, confidence, start, end)

    path, engine, _ = await started()
    waver = Waver()
    seat = path.join(waver, [], {})
    path.submit(seat, 1, 2_000_000, 1, blob(1))
    engine.requests.pop(0)
    _, index, rows = engine.requests.pop()
    engine.owner[seat.slot] = seat.serial
    engine.batches[index].spans[0] = (1, 0.5, 0.75, 0.25)
    engine.step_with_gesture = 9
    engine._step(index, rows)
    assert waver.told == (9, 1, 0.5, 1_250_000, 1_750_000)
    assert len(waver.answers) == 1


async def test_a_step_that_failed_is_counted() -> None:
    path, engine, _ = await started()
    person = Person()
    seat = path.join(person, [], {})
    path.submit(seat, 1, 1, 1, blob(1))
    engine.requests.pop()
    path.reply(["stepped", 0, "RuntimeError: no"])
    assert (path.counters.lost, person.answers) == (1, [])
    path.submit(seat, 2, 2, 1, blob(2))
    path._publish()
    engine.work()
    assert len(person.answers) == 1


KEY = "learning@1"
APART = 100_000


def taught(lesson: int) -> bytes:
    """Adapters from which it can be told which these are, whatever is learned on top."""
    return save({"bias": torch.tensor([float(APART * lesson)])})


def lesson_of(profile: Mapping[str, bytes]) -> int:
    return int(load(profile[KEY])["bias"][0]) // APART if profile.get(KEY) else 0


class Onlooker(Person):
    """A receiver whose answers are the core's."""

    def answered(self, *answer: Any) -> None:
        self.answers.append(answer[:3])


async def test_what_was_put_is_not_undone_by_an_older_checkpoint() -> None:
    engine = CoreEngine(SLOTS, [Learning()])
    path = FramePath(engine, slots=SLOTS, window_s=100, on_engine=lambda up: None)
    await path.start()
    seat = path.join(Onlooker(), [0.1], {KEY: taught(1)}, learning=True)
    path.submit(seat, 1, 1, 1, blob(0))
    engine.work()
    path.put(seat, {KEY: taught(2)})
    engine.work()
    engine.go_down()
    engine.come_up()
    telling = asyncio.create_task(path.profile(seat))
    await asyncio.sleep(0)
    engine.work()
    assert lesson_of(await telling) == 2


class Owners(RuleBasedStateMachine):
    """Any order of what is done to the seats of some users, and of losses: everybody has only their own adapters.

    A user's sessions share them. What was put last is what they are, with what was learned since.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = CoreEngine(SLOTS, [Learning()])
        self.path = FramePath(self.engine, slots=SLOTS, window_s=100, on_engine=lambda up: None)
        self.loop.run_until_complete(self.path.start())
        self.here: dict[str, list[Seat]] = {}
        self.left: list[Seat] = []
        self.lessons: dict[str, list[int]] = {"ada": [], "bob": []}
        self.q = 0
        self.told: list[tuple[asyncio.Future[Any], str, int]] = []

    def does(self, act: Callable[[], Any]) -> Any:
        async def do() -> Any:
            done = act()
            await asyncio.sleep(0)
            return done

        return self.loop.run_until_complete(do())

    def asks(self, question: Callable[[], Coroutine[Any, Any, Profile]], user: str) -> None:
        asked = len(self.lessons[user]) - 1
        self.told.append((self.does(lambda: asyncio.ensure_future(question())), user, asked))

    def new_lesson(self, user: str) -> bytes:
        lesson = 1 + max(max(lessons, default=0) for lessons in self.lessons.values())
        self.lessons[user].append(lesson)
        return taught(lesson)

    @rule(user=st.sampled_from(["ada", "bob"]))
    def join(self, user: str) -> None:
        if self.path.full:
            return
        seats = self.here.setdefault(user, [])
        # What is joined with counts where nobody is there to share with.
        known = {} if seats else {KEY: self.new_lesson(user)}
        shares = min(seats, key=lambda seat: seat.shares is not None, default=None)
        seats.append(self.does(lambda: self.path.join(Onlooker(), [0.1], known, learning=True, shares=shares)))

    @rule(user=st.sampled_from(["ada", "bob"]), forget=st.booleans())
    def change(self, user: str, forget: bool) -> None:
        """As when a profile is reset, imported or erased."""
        if not (seats := self.here.get(user)):
            return
        if forget:
            self.lessons[user].append(0)
            self.does(lambda: [self.path.forget(seat) for seat in seats])
        else:
            lesson = self.new_lesson(user)
            self.does(lambda: [self.path.put(seat, {KEY: lesson}) for seat in seats])

    @precondition(lambda self: self.left)
    @rule(data=st.data(), kind=st.sampled_from(["put", "forget", "learn", "scene", "confirm"]))
    def too_late(self, data: st.DataObject, kind: str) -> None:
        """What was on its way when a session left comes after it."""
        seat = data.draw(st.sampled_from(self.left))
        acts: dict[str, Callable[[], Any]] = {
            "put": lambda: self.path.put(seat, {KEY: taught(99)}),
            "forget": lambda: self.path.forget(seat),
            "learn": lambda: self.path.learn(seat, True),
            "scene": lambda: self.path.scene(seat, bytes(24), keep_state=False),
            "confirm": lambda: self.path.confirm(seat, 0),
        }
        self.does(acts[kind])

    @rule(data=st.data(), kind=st.sampled_from(["frame", "scene", "confirm", "learn", "ask"]))
    def act(self, data: st.DataObject, kind: str) -> None:
        if not (users := sorted(user for user, seats in self.here.items() if seats)):
            return
        user = data.draw(st.sampled_from(users))
        seat = data.draw(st.sampled_from(self.here[user]))
        self.q += 1
        if kind == "frame":
            self.does(lambda: self.path.submit(seat, self.q, self.q, 1, blob(0)))
        elif kind == "scene":
            self.does(lambda: self.path.scene(seat, bytes(24), keep_state=False))
        elif kind == "confirm":
            self.does(lambda: self.path.confirm(seat, 0))
        elif kind == "learn":
            self.does(lambda: self.path.learn(seat, data.draw(st.booleans())))
        else:
            self.asks(lambda: self.path.profile(seat), user)

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        if not (users := sorted(user for user, seats in self.here.items() if seats)):
            return
        user = data.draw(st.sampled_from(users))
        seat = data.draw(st.sampled_from(self.here[user]))
        self.here[user].remove(seat)
        self.left.append(seat)
        self.asks(lambda: self.path.leave(seat), user)

    @rule(requests=st.integers(1, 4))
    def work(self, requests: int) -> None:
        if self.engine.up:
            self.does(self.path._publish)
            self.does(lambda: self.engine.work(requests))

    @rule()
    def lose(self) -> None:
        if self.engine.up:
            self.does(self.engine.go_down)
        else:
            self.does(self.engine.come_up)

    @invariant()
    def all_that_is_told_is_ones_own(self) -> None:
        for answer, user, asked in self.told:
            if answer.done():
                # Perhaps newer, if the engine was lost meanwhile, but nothing from before.
                assert lesson_of(answer.result()) in self.lessons[user][asked:]

    def teardown(self) -> None:
        if not self.engine.up:
            self.does(self.engine.come_up)
        for user, seats in self.here.items():
            for seat in seats:
                self.asks(lambda seat=seat: self.path.profile(seat), user)
        for _ in range(4):
            self.does(self.engine.work)
        assert all(answer.done() for answer, *_ in self.told)
        self.all_that_is_told_is_ones_own()
        self.does(lambda: None)
        self.loop.close()


TestOwners = Owners.TestCase
TestOwners.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)


class Interleavings(RuleBasedStateMachine):
    """Any order of joins, frames, steps, leaves and losses: everybody gets only their own answers, newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.seats: dict[int, tuple[Seat, Person]] = {}
        self.gone: list[tuple[Person, int]] = []
        self.left: list[Seat] = []
        self.q = 0

    @initialize(slots=st.integers(1, 3))
    def start(self, slots: int) -> None:
        self.path, self.engine, _ = self.loop.run_until_complete(started(slots=slots))

    def run(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))

    @precondition(lambda self: not self.path.full)
    @rule(frames=st.integers(0, 2))
    def join(self, frames: int) -> None:
        async def join() -> None:
            person = Person()
            seat = self.path.join(person, [], {})
            self.seats[seat.serial] = (seat, person)
            for _ in range(frames):
                self._submit(seat)

        self.loop.run_until_complete(join())

    @precondition(lambda self: self.seats)
    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        serials = data.draw(st.lists(st.sampled_from(sorted(self.seats)), min_size=1, max_size=6))

        async def submit() -> None:
            for serial in serials:
                self._submit(self.seats[serial][0])

        self.loop.run_until_complete(submit())

    def _submit(self, seat: Seat) -> None:
        self.q += 1
        self.path.submit(seat, self.q, self.q, 1, blob(seat.serial))

    @precondition(lambda self: self.path._rows)
    @rule()
    def publish(self) -> None:
        async def publish() -> None:
            self.path._publish()

        self.loop.run_until_complete(publish())

    @precondition(lambda self: self.engine.requests)
    @rule(most=st.integers(1, 8))
    def work(self, most: int) -> None:
        async def work() -> None:
            for _ in range(min(most, len(self.engine.requests))):
                self.engine.work_once()

        self.loop.run_until_complete(work())

    @precondition(lambda self: self.seats)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        serial = data.draw(st.sampled_from(sorted(self.seats)))
        seat, person = self.seats.pop(serial)
        self.gone.append((person, len(person.answers)))
        self.left.append(seat)

        async def leave() -> None:
            task = asyncio.ensure_future(self.path.leave(seat))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.loop.run_until_complete(leave())

    @rule(data=st.data())
    def teach(self, data: st.DataObject) -> None:
        """Something is done to a seat, perhaps of who has left."""
        if not (seats := [*(seat for seat, _ in self.seats.values()), *self.left]):
            return
        seat = data.draw(st.sampled_from(seats))
        kind = data.draw(st.sampled_from(["put", "forget", "learn", "scene", "confirm"]))

        async def teach() -> None:
            if kind == "put":
                self.path.put(seat, {"manual@1": b"put"})
            elif kind == "forget":
                self.path.forget(seat)
            elif kind == "learn":
                self.path.learn(seat, True)
            elif kind == "scene":
                self.path.scene(seat, bytes(24), keep_state=False)
            else:
                self.path.confirm(seat, 0)

        self.loop.run_until_complete(teach())

    @precondition(lambda self: self.engine.up)
    @rule()
    def lose(self) -> None:
        self.engine.go_down()

    @precondition(lambda self: not self.engine.up)
    @rule()
    def return_(self) -> None:
        async def come_up() -> None:
            self.engine.come_up()

        self.loop.run_until_complete(come_up())

    @invariant()
    def answers_are_ones_own_and_in_order(self) -> None:
        for serial, (_, person) in self.seats.items():
            assert all(x == serial for _, _, x in person.answers)
            qs = [q for q, _, _ in person.answers]
            assert qs == sorted(set(qs))
        for person, count in self.gone:
            assert len(person.answers) == count

    @invariant()
    def every_frame_is_accounted_for(self) -> None:
        counted = self.path.counters
        settled = counted.overtaken + counted.answered + counted.refused + counted.lost
        waiting = len(self.path._rows) + len(self.path._stepping or ())
        assert settled + waiting == counted.received

    def teardown(self) -> None:
        self.run()
        self.loop.close()


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=100, stateful_step_count=40, deadline=None, derandomize=True)

"""Questions to a worker, with a worker that the test plays."""

from __future__ import annotations

from typing import Any

from bridge.event_path.questions import QuestionCounters, Questions
from tests.stand_ins import FakeChild


class Room:
    """Questions, and what came back of them."""

    def __init__(self) -> None:
        self.child = FakeChild()
        self.counters = QuestionCounters()
        self.questions = Questions("on purpose", self.child, self.counters, 60)  # type: ignore[arg-type]
        self.told: list[Any] = []
        self.questions.ready()

    def ask(self, text: str) -> int:
        return self.questions.ask(text, answer=self.told.append)

    def reply(self, kind: str, serial: int, told: str) -> None:
        self.questions.replied(kind, serial, told)
        self.questions.still_waiting()

    def crash(self) -> None:
        self.questions.lost()
        self.child.settled()
        self.child.sent.clear()
        self.questions.ready()


def test_nothing_is_expected_of_a_worker_that_has_replied_to_all() -> None:
    room = Room()
    serial = room.ask("a")
    assert room.child.expecting
    room.questions.drop(serial)
    room.reply("failed", serial, "its app was forgotten")
    assert not room.child.expecting
    assert room.told == []
    assert room.counters.given_up == 0


def test_suspects_go_on_when_one_that_nobody_waits_for_fails() -> None:
    room = Room()
    first, second = room.ask("a"), room.ask("b")
    room.crash()
    room.questions.drop(first)
    third = room.ask("c")
    assert room.child.sent == [("ask", first, "a")]
    room.reply("failed", first, "its app was forgotten")
    room.reply("answer", second, "B")
    room.reply("answer", third, "C")
    assert room.child.sent[1:] == [("ask", second, "b"), ("ask", third, "c")]
    assert room.told == ["B", "C"]
    assert not room.child.expecting


def test_who_goes_on_asking_gives_a_worker_that_hangs_no_more_time() -> None:
    room = Room()
    serial = room.ask("a")
    room.ask("b")
    assert room.child.expected == [60]
    room.reply("answer", serial, "A")
    assert room.child.expected == [60, 60], "it said something, and has its time again for what is left"
    room.crash()
    assert room.child.expected == [60, 60, 60]


def test_what_fails_is_given_up() -> None:
    room = Room()
    room.reply("failed", room.ask("a"), "on purpose")
    assert room.told == [None]
    assert (room.counters.given_up, room.counters.answered) == (1, 0)

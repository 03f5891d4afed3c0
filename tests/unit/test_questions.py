"""Questions to a worker, with a worker that the test plays."""

from __future__ import annotations

from typing import Any

from bridge.event_path.questions import QuestionCounters, Questions

TIMEOUT_S = 60.0


class FakeChild:
    """A worker of which the test sees what it is told and whether it is expected to say something."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.expecting = False
        self.expected = 0

    def send(self, *message: Any) -> None:
        self.sent.append(message)

    def expect(self, within_s: float) -> None:
        assert within_s == TIMEOUT_S
        self.expecting = True
        self.expected += 1

    def settled(self) -> None:
        self.expecting = False


class Room:
    """Questions, and what came back of them."""

    def __init__(self) -> None:
        self.child = FakeChild()
        self.counters = QuestionCounters()
        self.questions = Questions("on purpose", self.child, self.counters, TIMEOUT_S)  # type: ignore[arg-type]
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


def test_what_fails_is_given_up() -> None:
    room = Room()
    room.reply("failed", room.ask("a"), "on purpose")
    assert room.told == [None]
    assert (room.counters.given_up, room.counters.answered) == (1, 0)

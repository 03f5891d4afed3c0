"""Which answer goes out, and that no action is lost on the way."""

from __future__ import annotations

from bridge.actions import Answers
from bridge.protocol import Action, Actions, decode_server

GRAB = Action("grab", "performed", 0.9, "gesture")
DROP = Action("drop", "started", 0.5, "phrase")


def answer(answers: Answers, q: int, *, writable: bool = True) -> Actions | None:
    return decoded(answers.answer(q, 10 * q, 1, b"poses", 0, b"odds", writable=writable))


def decoded(data: bytes | None) -> Actions | None:
    if data is None:
        return None
    message = decode_server(data)
    assert isinstance(message, Actions)
    return message


def test_an_answer_is_the_frames_own() -> None:
    assert answer(Answers(), 3) == Actions(3, 30, 1, b"poses", 0, b"odds")


def test_a_slow_reader_gets_the_newest_answer_once() -> None:
    answers = Answers()
    assert [answer(answers, q, writable=False) for q in (1, 2, 3)] == [None, None, None]
    held = decoded(answers.held())
    assert held is not None
    assert held.q == 3
    assert answers.held() is None


def test_an_answer_in_time_replaces_the_one_that_waits() -> None:
    answers = Answers()
    answer(answers, 1, writable=False)
    sent = answer(answers, 2)
    assert sent is not None
    assert sent.q == 2
    assert answers.held() is None


def test_actions_are_sent_once_in_their_order() -> None:
    answers = Answers()
    answers.add(GRAB)
    answers.add(DROP)
    first, second = answer(answers, 1), answer(answers, 2)
    assert first is not None
    assert second is not None
    assert (first.a, second.a) == ([GRAB, DROP], [])


def test_actions_outlive_answers_that_are_never_sent() -> None:
    answers = Answers()
    answers.add(GRAB)
    answer(answers, 1, writable=False)
    answers.add(DROP)
    answer(answers, 2, writable=False)
    answers.forget_held()
    assert answers.held() is None
    sent = answer(answers, 3)
    assert sent is not None
    assert sent.a == [GRAB, DROP]


def test_an_answer_that_waited_carries_the_actions() -> None:
    answers = Answers()
    answer(answers, 1, writable=False)
    answers.add(GRAB)
    held = decoded(answers.held())
    assert held is not None
    assert held.a == [GRAB]

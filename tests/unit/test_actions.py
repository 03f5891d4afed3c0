"""Which answer goes out, and that no action is lost on the way."""

from __future__ import annotations

import pytest

from bridge.actions import Answers
from bridge.protocol import MAX_MESSAGE_BYTES, Action, Actions, decode_server, encode


def answer(answers: Answers, q: int, *, writable: bool = True) -> Actions | None:
    return decoded(answers.answer(q, 10 * q, 1, b"poses", 0, b"odds", 2, writable=writable))


def decoded(data: bytes | None) -> Actions | None:
    if data is None:
        return None
    message = decode_server(data)
    assert isinstance(message, Actions)
    return message


def numbers(message: Actions | None) -> list[int]:
    assert message is not None
    return [action.n for action in message.a]


def grab(answers: Answers, times: int = 1) -> None:
    for _ in range(times):
        answers.add("grab", "performed", 0.9, "gesture")


def test_an_answer_is_the_frames_own() -> None:
    assert answer(Answers(), 3) == Actions(3, 30, 1, b"poses", 0, b"odds", 2)


def test_numbers_go_on_from_an_earlier_run() -> None:
    answers = Answers(41)
    grab(answers)
    answers.again_after(41)
    assert numbers(answer(answers, 3)) == [42]


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
    answers.add("set", "performed", 0.5, "utterance", identifier="u", target="lamp", arguments={"level": 3})
    grab(answers)
    first, second = answer(answers, 1), answer(answers, 2)
    assert first is not None
    assert first.a == [
        Action(1, "set", "performed", 0.5, "utterance", "u", "lamp", {"level": 3}),
        Action(2, "grab", "performed", 0.9, "gesture"),
    ]
    assert numbers(second) == []


def test_actions_need_no_frame() -> None:
    answers = Answers()
    assert answers.news() is None
    grab(answers)
    assert decoded(answers.news()) == Actions(
        -1, 0, 0, b"", -1, b"", 0, [Action(1, "grab", "performed", 0.9, "gesture")]
    )
    assert answers.news() is None


def test_actions_outlive_answers_that_are_never_sent() -> None:
    answers = Answers()
    grab(answers)
    answer(answers, 1, writable=False)
    grab(answers)
    answer(answers, 2, writable=False)
    answers.forget_held()
    assert numbers(answer(answers, 3)) == [1, 2]


def test_an_answer_that_waited_carries_the_actions() -> None:
    answers = Answers()
    answer(answers, 1, writable=False)
    grab(answers)
    held = decoded(answers.held())
    assert held is not None
    assert (held.q, numbers(held)) == (1, [1])
    grab(answers)
    assert numbers(decoded(answers.held())) == [2]


@pytest.mark.parametrize(("arrived", "again"), [(0, [1, 2, 3, 4]), (2, [3, 4]), (4, []), (9, [])])
def test_what_did_not_arrive_is_sent_again(arrived: int, again: list[int]) -> None:
    answers = Answers()
    grab(answers, 2)
    answer(answers, 1)
    grab(answers, 1)
    answers.news()
    grab(answers, 1)
    answers.again_after(arrived)
    # The fourth was never sent, so it comes whatever the client says.
    assert numbers(answer(answers, 2)) == (again or [4])
    assert numbers(answer(answers, 3)) == []


def test_many_long_actions_come_in_several_messages_in_their_order() -> None:
    answers = Answers()
    for _ in range(100):
        answers.add("note", "performed", 0.9, "speech", arguments={"words": "x" * 2000})
    messages = [answer(answers, 1)]
    while (more := decoded(answers.news())) is not None:
        messages.append(more)
    assert [n for message in messages for n in numbers(message)] == list(range(1, 101))
    assert all(message is not None and len(encode(message)) < MAX_MESSAGE_BYTES for message in messages)
    assert len(messages) < 10


def test_an_action_that_is_too_long_for_a_message_with_others_comes_alone() -> None:
    answers = Answers()
    for _ in range(3):
        answers.add("note", "performed", 0.9, "speech", arguments={"words": "x" * 40_000})
    assert [numbers(answer(answers, q)) for q in (1, 2, 3)] == [[1], [2], [3]]

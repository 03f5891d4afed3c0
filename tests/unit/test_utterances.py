"""What a session's utterances come to: actions, questions back and acknowledgements, in their order."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.app import ActionInfo, App
from bridge.profiles.store import Applied
from bridge.protocol import Ack, Action, Actions, Error, Frame, Hello, Notice, Scene, Target, Utterance
from bridge.session import Session
from bridge.tracking import Part
from bridge.utterances import MAX_WAITING
from models.language.dialogue import Pending, Reading
from tests.stand_ins import FakeLink, FakePath, FakeWorkers, somebody

APP = App("shop", actions=[ActionInfo("take", ["take {target}"], target="required"), ActionInfo("undo", ["undo"])])
TAKE = Reading("take", 0.75, "kettle", 0.875)
UNDO = Reading("undo", 0.5)
WHICH = Reading("take", 0.75, missing=("target",), problem="which one?", likely=("kettle", "pot"))


class Room:
    """A session with actions, whose language is understood by the test."""

    def __init__(self) -> None:
        self.workers = FakeWorkers()
        self.language = self.workers.language
        self.link = FakeLink()
        self.path = FakePath()
        hello = Hello("1.0", APP, "ada")
        self.session = Session(
            "id",
            "secret",
            hello,
            self.path,
            None,
            self.workers,
            APP,
            somebody(self.path),
            Applied(b"", ()),
            lambda code: None,  # type: ignore[arg-type]
        )
        self.session.seat = self.path.join(self.session, [], {})
        self.session.attach(self.link)

    def say(self, identifier: str, text: str = "words", time: int = 0) -> None:
        self.session.event(Utterance(identifier, text, time))

    def took(self) -> tuple[list[Action], list[Notice], list[str]]:
        """What was sent since the last time: actions, notices, acknowledged ids; the acknowledgement comes last."""
        sent, self.link.sent = self.link.sent, []
        actions = [action for message in sent if isinstance(message, Actions) for action in message.a]
        acks = [message.id for message in sent if isinstance(message, Ack)]
        if acks and len(sent) > 1:
            assert isinstance(sent[-1], Ack)
        return actions, [message for message in sent if isinstance(message, Notice)], acks


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    yield made
    await made.session.end()
    assert made.language.declared == []
    assert made.language.asked == {}


async def test_an_action_comes_before_its_acknowledgement(room: Room) -> None:
    room.say("u1")
    assert room.took() == ([], [], [])
    room.language.answer(TAKE)
    action = Action(1, "take", "performed", 0.75, "utterance", "u1", "kettle")
    assert room.took() == ([action], [], ["u1"])


async def test_what_means_nothing_is_said(room: Room) -> None:
    room.say("u1")
    room.language.answer(Reading("", 0.9, problem="none of them"))
    assert room.took() == ([], [Notice("not_understood", "none of them", 0, "u1")], ["u1"])
    room.say("u2")
    room.language.answer(None)
    _, (notice,), acks = room.took()
    assert (notice.code, notice.id, acks) == ("not_understood", "u2", ["u2"])


async def test_one_after_the_other_in_their_order(room: Room) -> None:
    for identifier in ("u1", "u2", "u3"):
        room.say(identifier, identifier)
    heard = []
    for _ in range(3):
        heard.append(room.language.question().text)
        room.language.answer(UNDO)
    actions, _, acks = room.took()
    assert heard == acks == ["u1", "u2", "u3"]
    assert [action.n for action in actions] == [1, 2, 3]


async def test_a_question_has_what_was_said_before_and_whether_that_was_clear(room: Room) -> None:
    room.say("u1", "undo")
    room.language.answer(Reading("undo", 0.99, clear=True))
    room.say("u2", "zap it")
    assert (room.language.question().before, room.language.question().clear) == ("undo", True)
    room.language.answer(None)
    room.say("u3", "no, I meant take it")
    assert (room.language.question().before, room.language.question().clear) == ("zap it", False)
    room.language.answer(TAKE)


async def test_sent_again_it_is_done_once(room: Room) -> None:
    room.say("u1")
    room.say("u1")
    room.language.answer(UNDO)
    assert room.language.asked == {}
    room.say("u1")
    actions, _, acks = room.took()
    assert len(actions) == 1
    assert acks == ["u1", "u1"]


async def test_too_many_are_refused(room: Room) -> None:
    for number in range(MAX_WAITING):
        room.say(str(number))
    room.say("one more")
    (error,) = room.link.sent
    assert isinstance(error, Error)
    assert (error.code, error.id) == ("flooding", "one more")
    room.link.sent.clear()
    room.language.answer(UNDO)
    room.say("one more")


async def test_an_action_waits_for_what_is_missing(room: Room) -> None:
    room.say("u1")
    room.language.answer(WHICH)
    (started,), (notice,), _ = room.took()
    assert (started.phase, started.id, started.target) == ("started", "u1", "")
    assert notice == Notice("which_target", "which one?", 0, "u1")
    room.say("u2")
    assert room.language.question().pending == Pending("take", 0.75, ("target",), likely=("kettle", "pot"))
    room.language.answer(Reading("take", 0.75, "kettle", 0.875, completes=True))
    (performed,), notices, _ = room.took()
    assert (performed.phase, performed.id, performed.target, notices) == ("performed", "u2", "kettle", [])
    room.say("u3")
    assert room.language.question().pending is None


async def test_what_is_still_missing_is_asked_for_without_starting_again(room: Room) -> None:
    room.say("u1")
    room.language.answer(WHICH)
    room.took()
    room.say("u2")
    room.language.answer(Reading("take", 0.75, "kettle", 0.875, missing=("how",), problem="how?", completes=True))
    actions, (notice,), _ = room.took()
    assert (actions, notice.code, notice.id) == ([], "which_argument", "u2")
    room.say("u3")
    assert room.language.question().pending == Pending("take", 0.75, ("how",), "kettle")


async def test_another_action_cancels_the_one_that_waits(room: Room) -> None:
    room.say("u1")
    room.language.answer(WHICH)
    room.took()
    room.say("u2")
    room.language.answer(Reading("", 0.9, problem="none of them"))
    assert room.took()[0] == [], "what is not understood changes nothing"
    room.say("u3")
    room.language.answer(UNDO)
    canceled, undone = room.took()[0]
    assert (canceled.phase, canceled.id, canceled.n) == ("canceled", "u1", 2)
    assert (undone.name, undone.phase, undone.n) == ("undo", "performed", 3)


async def test_who_declines_cancels_what_waits(room: Room) -> None:
    room.say("u1")
    room.language.answer(WHICH)
    room.took()
    room.say("u2", "never mind")
    room.language.answer(Reading("", 1.0, problem="take is called off", declines=True))
    (canceled,), notices, acks = room.took()
    assert (canceled.name, canceled.phase, canceled.id) == ("take", "canceled", "u1")
    assert (notices, acks) == ([Notice("canceled", "take is called off", 0, "u2")], ["u2"])
    room.say("u3")
    question = room.language.question()
    assert (question.pending, question.before) == (None, ""), "there is nothing to correct"


async def test_what_is_not_done_of_an_utterance_is_told(room: Room) -> None:
    room.say("u1", "take the kettle and then hide it")
    room.language.answer(Reading("take", 0.75, "kettle", 0.875, undone=("hide it",)))
    (performed,), notices, acks = room.took()
    assert (performed.name, performed.phase) == ("take", "performed")
    assert (notices, acks) == ([Notice("not_understood", "only take is done, not 'hide it'", 0, "u1")], ["u1"])


async def test_what_is_not_done_is_told_when_what_was_asked_for_has_come(room: Room) -> None:
    room.say("u1", "take that and then hide it")
    room.language.answer(replace(WHICH, undone=("hide it",)))
    room.took()
    room.say("u2", "the kettle, and turn it")
    room.language.answer(Reading("take", 0.75, "kettle", 0.875, completes=True, undone=("turn it",)))
    assert room.took()[1] == [Notice("not_understood", "only take is done, not 'hide it', 'turn it'", 0, "u2")]
    room.say("u3", "take the lamp")
    room.language.answer(Reading("take", 0.75, "lamp", 0.875))
    assert room.took()[1] == []


async def test_an_action_does_not_wait_for_ever(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.utterances.PENDING_S", 0.0)
    room.say("u1")
    room.language.answer(WHICH)
    room.took()
    async with asyncio.timeout(20):
        while not room.link.sent:  # noqa: ASYNC110, a fake link has nothing to wait for
            await asyncio.sleep(0)
    ((canceled,), _, _) = room.took()
    assert (canceled.phase, canceled.id) == ("canceled", "u1")
    room.say("u2")
    assert room.language.question().pending is None


async def test_an_action_that_waits_for_an_answer_is_not_canceled_when_the_time_of_one_before_is_up(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.utterances.PENDING_S", 0.0)
    room.say("u1")
    room.language.answer(WHICH)
    monkeypatch.setattr("bridge.utterances.PENDING_S", 100.0)
    room.say("u2")
    room.language.answer(WHICH)
    room.took()
    for _ in range(5):
        await asyncio.sleep(0)
    assert room.link.sent == []


async def test_what_was_told_of_one_utterance_is_not_told_again_of_the_next(room: Room) -> None:
    room.say("u1")
    room.language.answer(Reading("", 0.9, problem="none of them"))
    room.say("u2")
    room.language.answer(UNDO)
    room.took()
    room.say("u2")
    assert room.took() == ([], [], ["u2"])


async def test_a_question_has_what_was_aimed_at_when_it_was_said(room: Room) -> None:
    boxes = [Target("kettle", (0, 1, -2), name="Kettle", aliases=["pot"]), Target("mug", (1, 1, -2))]
    room.session.event(Scene("s", boxes))
    head = struct.pack("<7f", 0.5, 1.5, 0, 0, 0, 0, 1)
    for q, share in ((1, 0.25), (2, 0.75)):
        t = q * 1_000_000
        room.session.frame(Frame(q, t, int(Part.HEAD), head))
        room.session.answered(q, t, 0, b"", 0, struct.pack("<2f", share, 1 - share))
    room.say("u", time=1_000_000)
    situation = room.language.question().situation
    assert situation.probabilities == (0.25, 0.75)
    assert situation.viewpoint == ((0.5, 1.5, 0.0), (0.0, 0.0, 0.0, 1.0))
    assert [(one.id, one.name, one.aliases) for one in situation.candidates] == [
        ("kettle", "Kettle", ("pot",)),
        ("mug", "", ()),
    ]
    assert situation.last is None
    room.language.answer(TAKE)
    room.say("u2", time=9_000_000)
    situation = room.language.question().situation
    assert (situation.probabilities, situation.last) == (None, "kettle")


async def test_a_question_has_what_was_said_right_before_and_not_long_ago(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.say("u1", "zap it")
    assert room.language.question().before == ""
    room.language.answer(UNDO)
    room.say("u2", "no, take it")
    assert room.language.question().before == "zap it"
    room.language.answer(UNDO)
    monkeypatch.setattr("bridge.utterances.PENDING_S", 0.0)
    room.say("u3")
    assert room.language.question().before == ""


async def test_nothing_is_answered_after_the_end(room: Room) -> None:
    room.say("u1")
    room.say("u2")
    made = Room()
    made.say("u1")
    await made.session.end()
    assert made.language.asked == {}
    assert made.language.declared == []
    assert made.link.sent == []


async def test_without_a_socket_the_action_waits_for_the_next(room: Room) -> None:
    room.say("u1")
    room.session.detach()
    room.language.answer(UNDO)
    again = FakeLink()
    room.session.attach(again, last_n=0)
    room.session.writable()
    ((action,),) = [message.a for message in again.sent if isinstance(message, Actions)]
    assert (action.n, action.id) == (1, "u1")
    room.link = again
    again.sent.clear()
    room.say("u1")
    assert room.took() == ([], [], ["u1"])

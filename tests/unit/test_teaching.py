"""What a user teaches: it counts at once, is acknowledged when it is on the disk, and can be taken back."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.app import ActionInfo, App
from bridge.event_path.seeing import Glimpse
from bridge.profiles.lessons import problem
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.voices import ENROLLED, SURE, heard, whose
from bridge.protocol import (
    Ack,
    Actions,
    Error,
    Feedback,
    Hello,
    Message,
    Notice,
    Profile,
    Refused,
    Scene,
    Target,
    Teach,
    Utterance,
)
from bridge.session import Session
from bridge.teaching import MAX_WAITING, MAX_WAITING_BYTES
from bridge.users import Users
from models.gesture.names import NUMBERS
from models.language.dialogue import Name, Phrase, Reading
from tests.stand_ins import FakeLink, FakePath, FakeWorkers

TAKE = ActionInfo("take", ["take {target}"], target="required")
FIRE = ActionInfo("fire", ["fire"], gestures=["nod", "zigzag"])
APP = App("shop", actions=[TAKE, FIRE])


class Room:
    """A session on a real store, with a path without an engine."""

    def __init__(self, folder: Path, app: App = APP) -> None:
        self.file = folder / "profiles.sqlite"
        self.store = SqliteStore(self.file)
        self.path = FakePath()
        self.path.info = type(self.path.info)((("gesture", "1"), ("target", "7")), "cpu")
        self.users = Users(self.path, self.store, share=False)  # type: ignore[arg-type]
        self.workers = FakeWorkers()
        self.language = self.workers.language
        self.app = app
        self.counted: list[str] = []

    async def enter(self, user: str = "ada", **settings: Any) -> tuple[Session, FakeLink]:
        known = await self.users.come(user)
        app = self.app
        hello = Hello("1.0", app, user)
        session = Session(
            "id",
            "secret",
            hello,
            self.path,
            None,
            self.workers,
            app,
            known,
            settings.get("done", ()),
            self.counted.append,  # type: ignore[arg-type]
        )
        session.seat = self.path.join(session, [0.1], known.adapters, learning=app.learn and known.learning)
        known.sessions.append(session)
        link = FakeLink()
        session.attach(link)
        return session, link


async def settle(session: Session, link: FakeLink, message: Message) -> Message:
    """Sends a message; what came back when it was carried out."""
    session.event(message)  # type: ignore[arg-type]
    await session._teaching.end()
    return link.sent.pop()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path)
    yield made
    made.store.close()


def phrase(identifier: str, words: str = "zap it", action: str = "fire") -> Teach:
    return Teach(identifier, "phrase", action, phrase=words)


GLIMPSE = Glimpse((), np.zeros(1280, dtype=np.float32))


def voice(number: int) -> bytes:
    """The embedding of a voice that is like no other."""
    return np.eye(256, dtype="<f4")[number].tobytes()


def movement(scale: float = 1.0) -> bytes:
    """A zigzag of the right controller, ninety moments in a second."""
    times = np.linspace(0, 1, 90)
    x = scale * 0.3 * np.abs((times * 3) % 2 - 1)
    rows = np.stack((times, x, times * 0.3, x * 0, x * 0, x * 0, x * 0, x * 0 + 1), axis=1)
    return rows.astype("<f4").tobytes()


async def test_a_phrase_counts_for_the_next_utterance(room: Room) -> None:
    session, link = await room.enter()
    session.event(phrase("t1"))
    session.event(Utterance("u1", "zap it", 0))
    await session._teaching.end()
    assert [(one.text, one.action) for one in room.language.question().phrases] == [("zap it", "fire")]
    assert link.sent == [Ack("t1")]
    assert [item.key for item in room.store.load("ada").items] == ["zap it"]


async def test_what_was_taught_is_there_for_the_next_session_and_for_nobody_else(room: Room) -> None:
    session, link = await room.enter()
    await settle(session, link, phrase("t1"))
    again, _ = await room.enter()
    eve, _ = await room.enter("eve")
    for one, expected in ((again, ["zap it"]), (eve, [])):
        one.event(Utterance("u", "x", 0))
        assert [known.text for known in room.language.question().phrases] == expected
        room.language.answer(None)


@pytest.mark.parametrize(
    ("lesson", "key"),
    [
        (phrase("t", action="dance"), "name"),
        (phrase("t", words=" ?! "), "phrase"),
        (Teach("t", "phrase", " ", phrase="x"), "name"),
        (Teach("t", "name", "Bob", target="nobody"), "target"),
        (Teach("t", "gesture", "zigzag", examples=[movement()]), "device"),
        (Teach("t", "gesture", "zigzag", device="right"), "examples"),
        (Teach("t", "gesture", "zigzag", device="right", examples=[b"12345"]), "examples"),
        (Teach("t", "gesture", "zigzag", device="right_hand", examples=[movement()]), "examples"),
        (Teach("t", "gesture", "nod", device="head", examples=[movement()]), "name"),
        (Feedback("t", "undo", 0), "of"),
        (Feedback("t", "undo", 0, of="t0"), "of"),
        (Feedback("t", "confirm", 0, target="nobody"), "target"),
        (Feedback("t", "correct", 0, "fire", n=7), "n"),
        (Feedback("t", "correct", 0, "fire", of="u0"), "of"),
        (Feedback("t", "correct", 0, "dance", of="u0"), "action"),
        (Profile("t", "import", data=b"nonsense"), "data"),
    ],
)
async def test_what_cannot_be_learned_is_refused_by_its_key(room: Room, lesson: Message, key: str) -> None:
    session, link = await room.enter()
    error = await settle(session, link, lesson)
    assert isinstance(error, Error)
    assert (error.code, error.key, error.id) == ("invalid", key, "t")
    assert error.message.startswith(f"{error.of}.{key}: ")
    assert room.counted == ["invalid"]
    assert room.store.load("ada").items == []


async def test_an_object_is_learned_from_pictures(room: Room) -> None:
    session, link = await room.enter()
    seeing = room.workers.seeing
    seeing.at_once = [Glimpse((), row) for row in np.eye(1280, dtype=np.float32)[:2]]
    lesson = Teach("t", "object", " badge ", examples=[b"one", b"two"])
    assert await settle(session, link, lesson) == Ack("t")
    assert seeing.asked[1][0] == [b"one", b"two"]
    (item,) = room.store.load("ada").items
    assert (item.kind, item.app, item.key, item.data["version"]) == ("object", "", "badge", "eyes")
    kept = np.frombuffer(item.data["examples"], "<f2").reshape(2, 1280)
    assert kept[:, :2].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("examples", "seen", "key"),
    [([], [], "examples"), ([b"a", b"b"], [GLIMPSE, "it is no picture"], "examples[1]")],
)
async def test_an_object_that_cannot_be_learned(
    room: Room, examples: list[bytes], seen: list[Glimpse | str], key: str
) -> None:
    session, link = await room.enter()
    room.workers.seeing.at_once = seen
    error = await settle(session, link, Teach("t", "object", "badge", examples=examples))
    assert isinstance(error, Error)
    assert (error.code, error.key, error.id) == ("invalid", key, "t")
    assert room.store.load("ada").items == []


async def test_objects_need_eyes(room: Room) -> None:
    session, link = await room.enter()
    room.workers.seeing.problem = "pip install them"
    error = await settle(session, link, Teach("t", "object", "badge", examples=[b"a"]))
    assert isinstance(error, Error)
    assert (error.code, error.message) == ("unsupported", "teach: pip install them")


async def test_a_voice_is_learned_from_what_is_heard_and_told_from_others(room: Room) -> None:
    session, _ = await room.enter()
    own, other = voice(0), voice(1)
    told = []
    for _ in range(ENROLLED):
        told.append(session._teaching.voice(own))
        await session._teaching.end()
    assert told == [None] * ENROLLED
    sure, doubtful = session._teaching.voice(own), session._teaching.voice(other)
    assert sure is not None
    assert doubtful is not None
    assert sure > SURE > doubtful
    await session._teaching.end()
    (item,) = room.store.load("ada").items
    assert (item.kind, item.app, item.data["count"]) == ("voice", "", ENROLLED + 1)
    assert problem(item) == ""
    older = replace(item, data={**item.data, "version": "another model's"})
    assert (whose(older, own), heard(older, own)["count"]) == (None, 1)
    session.event(Profile("p", "reset", kind="voice"))
    await session._teaching.end()
    assert room.store.load("ada").items == []
    assert session._teaching.voice(other) is None


async def test_a_voice_that_cannot_be_learned_keeps_no_other_from_it(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session, _ = await room.enter()
    put = session.user.put
    faults = [RuntimeError("on purpose")]

    async def failing(*args: Any) -> Any:
        if faults:
            raise faults.pop()
        return await put(*args)

    monkeypatch.setattr(session.user, "put", failing)
    # Of the first one nothing can be made, and the second one is not kept.
    for embedding in (bytes(4 * 256), voice(0), voice(0)):
        session._teaching.voice(embedding)
    await session._teaching.end()
    assert caplog.text.count("could not be learned") == 2
    (item,) = room.store.load("ada").items
    assert item.data["count"] == 1
    session._teaching.voice(voice(0))
    await session._teaching.end()
    (item,) = room.store.load("ada").items
    assert item.data["count"] == 2


async def test_no_voice_is_learned_where_nothing_is(room: Room) -> None:
    session, link = await room.enter()
    await settle(session, link, Profile("p", "pause_learning"))
    for _ in range(ENROLLED + 1):
        assert session._teaching.voice(voice(0)) is None
    await session._teaching.end()
    assert room.store.load("ada").items == []


async def test_a_phrase_about_one_thing_holds_for_any(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("k", (0, 0, 0), name="Kettle")]))
    await settle(session, link, phrase("t1", words="zap the kettle", action="take"))
    await settle(session, link, Teach("t2", "phrase", "take", phrase="zap it all", target="k"))
    assert [item.data["text"] for item in room.store.load("ada").items] == ["zap {target}", "zap it all"]


async def test_a_name_is_an_alias_of_its_target(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("lamp-1", (0, 0, 0), name="Lamp"), Target("cup", (1, 0, 0))]))
    await settle(session, link, Teach("t", "name", "Bob", target="lamp-1"))
    session.event(Utterance("u", "take bob", 0))
    candidates = room.language.question().situation.candidates
    assert [one.aliases for one in candidates] == [("Bob",), ()]


async def test_a_lesson_is_carried_out_once(room: Room) -> None:
    session, link = await room.enter()
    session.event(phrase("t1"))
    session.event(phrase("t1", action="take"))
    await session._teaching.end()
    session.event(phrase("t1", action="take"))
    assert link.sent == [Ack("t1"), Ack("t1")]
    assert room.store.load("ada").items[0].data["action"] == "fire"


async def test_a_lesson_of_a_session_that_is_no_more_is_not_carried_out_again(room: Room) -> None:
    session, link = await room.enter(done=["t1"])
    assert await settle(session, link, phrase("t1")) == Ack("t1")
    assert room.store.load("ada").items == []


async def test_a_correction_teaches_the_words_of_the_utterance(room: Room) -> None:
    session, link = await room.enter()
    session.event(Utterance("u1", "Zap  it", 0))
    room.language.answer(Reading("take", 0.9, missing=("target",), problem="which?"))
    link.sent.clear()
    assert await settle(session, link, Feedback("f1", "correct", 0, "fire", n=1)) == Ack("f1")
    assert room.store.load("ada").items[0].data == {"text": "Zap it", "action": "fire", "target": "", "arguments": {}}
    assert await settle(session, link, Feedback("f2", "correct", 0, of="u1")) == Ack("f2")
    assert room.store.load("ada").items[0].data == {"text": "Zap it", "action": "", "target": "", "arguments": {}}
    assert await settle(session, link, Feedback("f3", "undo", 0)) == Ack("f3")
    assert room.store.load("ada").items[0].data["action"] == "fire"
    assert await settle(session, link, Feedback("f4", "undo", 0, of="f1")) == Ack("f4")
    assert room.store.load("ada").items == []


async def test_what_is_said_can_teach(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("lamp-1", (0, 0, 0), name="Lamp")]))
    link.sent.clear()
    session.event(Utterance("u1", "when I say zap it I mean fire", 0))
    session.event(Utterance("u2", "this is Bob", 0))
    room.language.answer(Reading("", 1.0, teaches_phrase=Phrase("zap it", "fire")))
    await session._teaching.end()
    notice, ack = link.sent
    assert isinstance(notice, Notice)
    assert (notice.code, notice.id, ack) == ("learned", "u1", Ack("u1"))
    assert room.language.question().phrases == (Phrase("zap it", "fire"),)
    assert room.language.question().before == "", "a lesson is not what is corrected"
    room.language.answer(Reading("", 1.0, teaches_name=Name("Bob", "lamp-1")))
    await session._teaching.end()
    assert {item.kind: item.key for item in room.store.load("ada").items} == {"phrase": "zap it", "name": "lamp-1"}
    assert await settle(session, link, Feedback("f1", "undo", 0, of="u1")) == Ack("f1")
    assert [item.kind for item in room.store.load("ada").items] == ["name"]


async def test_what_is_said_right_after_corrects(room: Room) -> None:
    session, link = await room.enter()
    session.event(Utterance("u1", "zap it", 0))
    room.language.answer(Reading("", 0.9, problem="no idea"))
    session.event(Utterance("u2", "no, I meant fire", 0))
    assert (room.language.question().before, room.language.question().clear) == ("zap it", False)
    link.sent.clear()
    room.language.answer(Reading("fire", 0.8, teaches_phrase=Phrase("zap it", "fire")))
    await session._teaching.end()
    acted, notice, ack = link.sent
    assert isinstance(acted, Actions)
    assert [action.name for action in acted.a] == ["fire"]
    assert isinstance(notice, Notice)
    assert (notice.code, ack) == ("learned", Ack("u2"))


async def test_what_is_said_teaches_nothing_where_learning_is_off(room: Room) -> None:
    room.app = App("shop", actions=APP.actions, learn=False)
    session, link = await room.enter()
    session.event(Utterance("u1", "when I say zap it I mean fire", 0))
    room.language.answer(Reading("", 1.0, teaches_phrase=Phrase("zap it", "fire")))
    await session._teaching.end()
    notice, ack = link.sent
    assert isinstance(notice, Notice)
    assert (notice.code, ack) == ("not_understood", Ack("u1"))
    assert room.store.load("ada").items == []


async def test_a_selection_is_learned_and_taken_back(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0)), Target("b", (1, 0, 0))]))
    assert await settle(session, link, Feedback("f1", "confirm", 5, target="b")) == Ack("f1")
    assert room.path.confirmed == [(session.seat, 1, b"", 1)]
    assert room.store.load("ada").adapters == {"target@7": b"1 1"}
    assert await settle(session, link, Feedback("f2", "undo", 6)) == Ack("f2")
    assert room.path.confirmed[-1] == (session.seat, 1, b"moment", -1)
    assert room.store.load("ada").adapters == {"target@7": b"2 1"}


async def test_a_gesture_is_taught_spotted_and_made_stricter(room: Room) -> None:
    session, link = await room.enter()
    assert session.seat.profile == {}, "who has taught nothing brings nothing"
    taught = Teach("t1", "gesture", "zigzag", device="right", examples=[movement(), movement(1.1)])
    assert await settle(session, link, taught) == Ack("t1")
    seat, adapters = room.path.puts[-1]
    assert seat is session.seat
    assert len(adapters["gesture@1"]) > 1000
    first = len(NUMBERS) + 1
    session.gesture(first, 2, 0.75, 1_000, 2_000)
    session.answered(1, 2_000, 0, b"", -1, b"")
    answer = link.sent.pop()
    assert isinstance(answer, Actions)
    (action,) = answer.a
    assert (action.name, action.source, action.confidence) == ("fire", "gesture", 0.75)
    assert action.arguments == {"gesture": "zigzag", "device": "right", "start": 1_000, "end": 2_000}
    assert await settle(session, link, Feedback("f1", "correct", 0, n=action.n)) == Ack("f1")
    assert room.path.puts[-1][1] != adapters
    session.gesture(first + 1, 2, 0.75, 1_000, 2_000)
    session.answered(2, 3_000, 0, b"", -1, b"")
    assert link.sent.pop().a == []  # type: ignore[union-attr]
    assert await settle(session, link, Profile("p", "reset", kind="gesture")) == Ack("p")
    assert room.path.puts[-1][1]["gesture@1"] == b""


async def test_a_movement_that_is_taught_already_is_refused_by_its_name(room: Room) -> None:
    session, link = await room.enter()

    def taught(identifier: str, name: str, device: str = "right") -> Teach:
        return Teach(identifier, "gesture", name, device=device, examples=[movement()])

    for number, (name, device) in enumerate((("zigzag", "right"), ("zigzag", "right"), ("other hand", "left"))):
        assert await settle(session, link, taught(f"t{number}", name, device)) == Ack(f"t{number}")
    error = await settle(session, link, taught("t3", "lightning"))
    assert isinstance(error, Error)
    assert (error.code, error.key) == ("invalid", "examples")
    assert "the movement of 'zigzag'" in error.message
    assert {item.key for item in room.store.load("ada").items} == {"zigzag", "other hand"}


async def test_a_gesture_may_need_a_target(room: Room) -> None:
    take = ActionInfo("take", ["take {target}"], target="required", gestures=["*"])
    room.app = App("shop", actions=[take, FIRE])
    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0)), Target("b", (1, 0, 0))]))
    link.sent.clear()
    session.gesture(NUMBERS["push"], 1, 0.5, 0, 1)
    session.answered(1, 2_000_000, 0, b"", 1, struct.pack("<2f", 0.25, 0.75))
    session.answered(2, 2_400_000, 0, b"", 0, struct.pack("<2f", 0.75, 0.25))
    session.gesture(NUMBERS["push"], 1, 0.5, 2_000_000, 2_500_000)
    session.answered(3, 2_600_000, 0, b"", 0, struct.pack("<2f", 0.75, 0.25))
    *before, last = link.sent
    assert [answer.a for answer in before] == [[], []]  # type: ignore[union-attr]
    (action,) = last.a  # type: ignore[union-attr]
    assert (action.name, action.target) == ("take", "b"), "what was aimed at when it began"


@pytest.mark.parametrize("lesson", [phrase("t"), Feedback("t", "confirm", 0)])
async def test_where_learning_is_off_nothing_is_learned(room: Room, lesson: Message) -> None:
    session, link = await room.enter()
    assert await settle(session, link, Profile("p", "pause_learning")) == Ack("p")
    error = await settle(session, link, lesson)
    assert isinstance(error, Error)
    assert error.code == "learning_off"
    assert await settle(session, link, Profile("p2", "resume_learning")) == Ack("p2")
    assert await settle(session, link, phrase("t2")) == Ack("t2")


async def test_a_session_that_was_taken_over_teaches_nothing(room: Room) -> None:
    session, link = await room.enter()
    room.path.learn(session.seat, False)
    error = await settle(session, link, phrase("t1"))
    assert isinstance(error, Error)
    assert error.code == "learning_off"
    assert "another session" in error.message
    assert room.store.load("ada").items == []


async def test_an_app_can_turn_learning_off(room: Room) -> None:
    room.app = App("shop", actions=APP.actions, learn=False)
    session, link = await room.enter()
    error = await settle(session, link, phrase("t"))
    assert isinstance(error, Error)
    assert error.code == "learning_off"
    assert not session.seat.learning


async def test_nothing_is_left_of_who_is_erased(room: Room) -> None:
    session, link = await room.enter("ada-lovelace")
    await settle(session, link, phrase("t", words="zap the difference engine"))
    assert await settle(session, link, Profile("p", "erase")) == Ack("p")
    assert room.path.forgotten == [session.seat]
    for file in room.file.parent.iterdir():
        data = file.read_bytes()
        assert b"lovelace" not in data
        assert b"difference engine" not in data
    error = await settle(session, link, phrase("t2"))
    assert isinstance(error, Error)
    assert error.code == "learning_off"
    for operation in ("pause_learning", "resume_learning", "reset", "import"):
        refused = await settle(session, link, Profile(operation, operation, kind="all"))
        assert isinstance(refused, Error)
        assert refused.code == "learning_off"
    room.path.learned = {"target@7": b"late"}
    await session.user.leave(session)
    await session.user.count(session)
    assert room.store.load("ada-lovelace").adapters == {}
    assert all(b"lovelace" not in file.read_bytes() for file in room.file.parent.iterdir())
    assert await room.users.come("ada-lovelace") is not session.user, "who comes by that name is somebody new"


async def test_an_export_can_be_imported_by_somebody_else(room: Room) -> None:
    room.path.learned = {}
    session, link = await room.enter()
    await settle(session, link, phrase("t"))
    ack = await settle(session, link, Profile("p", "export"))
    assert isinstance(ack, Ack)
    eve, heard = await room.enter("eve")
    assert await settle(eve, heard, Profile("p", "import", data=ack.data)) == Ack("p")
    eve.event(Utterance("u", "zap it", 0))
    assert [one.text for one in room.language.question().phrases] == ["zap it"]


async def test_too_many_lessons_at_once_are_put_off(room: Room) -> None:
    session, link = await room.enter()
    for number in range(70):
        try:
            session.event(phrase(f"t{number}", words=f"word{number}"))
        except Exception as refused:
            link.sent.append(refused.error)  # type: ignore[attr-defined]
    await session._teaching.end()
    errors = [message for message in link.sent if isinstance(message, Error)]
    assert [(error.code, error.id) for error in errors] == [("flooding", f"t{number}") for number in range(64, 70)]
    assert len(room.store.load("ada").items) == 64


async def test_a_lesson_that_cannot_be_written_down_is_refused_and_forgotten(room: Room) -> None:
    session, link = await room.enter()
    room.store.close()
    error = await settle(session, link, phrase("t"))
    assert isinstance(error, Error)
    assert (error.code, error.id) == ("internal", "t")
    session.event(Utterance("u", "zap it", 0))
    assert room.language.question().phrases == ()
    room.store = SqliteStore(room.file)


async def test_who_is_there_at_the_same_time_knows_it_too(room: Room) -> None:
    first, link = await room.enter()
    second, _ = await room.enter()
    await settle(first, link, phrase("t"))
    second.event(Utterance("u", "x", 0))
    assert [one.text for one in room.language.question().phrases] == ["zap it"]


async def test_what_was_taught_anew_is_not_taken_back_with_what_it_replaced(room: Room) -> None:
    session, link = await room.enter()
    for identifier in ("t1", "t2"):
        assert await settle(session, link, phrase(identifier)) == Ack(identifier)
    error = await settle(session, link, Feedback("f1", "undo", 0, of="t1"))
    assert isinstance(error, Error)
    assert (error.code, error.key) == ("invalid", "of")
    assert [item.key for item in room.store.load("ada").items] == ["zap it"]


async def test_a_correction_that_also_selected_is_taken_back_whole(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0)), Target("b", (1, 0, 0))]))
    session.event(Utterance("u1", "zap it", 0))
    room.language.answer(Reading("", 0.9, problem="no idea"))
    assert await settle(session, link, Feedback("f1", "correct", 0, "fire", target="b", of="u1")) == Ack("f1")
    assert [item.key for item in room.store.load("ada").items] == ["zap it"]
    assert await settle(session, link, Feedback("f2", "undo", 0)) == Ack("f2")
    assert room.path.confirmed[-1] == (session.seat, 1, b"moment", -1)
    assert room.store.load("ada").items == []


async def test_a_correction_that_was_half_kept_is_kept_whole_when_it_is_sent_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*selection: Any) -> None:
        raise ConnectionError("the daemon dies")

    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0)), Target("b", (1, 0, 0))]))
    session.event(Utterance("u1", "zap it", 0))
    room.language.answer(Reading("", 0.9, problem="no idea"))
    monkeypatch.setattr(session.user, "keep", crash)
    assert isinstance(await settle(session, link, Feedback("f1", "correct", 0, "fire", target="b", of="u1")), Error)
    assert "f1" not in room.store.was_applied(session._teaching._scope)


async def test_what_a_lesson_speaks_of_is_what_was_there_when_it_came(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s1", [Target("a", (0, 0, 0)), Target("b", (1, 0, 0))]))
    link.sent.clear()
    session.event(Teach("t1", "name", "Bob", target="b"))
    session.event(Feedback("f1", "confirm", 0, target="b"))
    assert room.path.confirmed == [(session.seat, 1, b"", 1)], "the engine has the selection before the next scene"
    session.event(Scene("s2", [Target("a", (0, 0, 0))]))
    session.event(Feedback("f2", "confirm", 0, target="b"))
    await session._teaching.end()
    done = {message.id: message for message in link.sent if isinstance(message, Ack | Error)}
    assert done["t1"] == Ack("t1")
    assert done["f1"] == Ack("f1")
    assert isinstance(done["f2"], Error)
    assert done["f2"].key == "target"


async def test_a_selection_that_waits_for_a_reset_is_learned_after_it_or_not_at_all(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s1", [Target("a", (0, 0, 0))]))
    session.event(Profile("p1", "reset", "target"))
    session.event(Feedback("f1", "confirm", 0, target="a"))
    assert room.path.confirmed == []
    await session._teaching.end()
    assert link.sent[-2:] == [Ack("p1"), Ack("f1")]
    session.event(Profile("p2", "reset", "target"))
    session.event(Feedback("f2", "confirm", 0, target="a"))
    session.event(Scene("s2", [Target("b", (0, 0, 0)), Target("a", (1, 0, 0))]))
    await session._teaching.end()
    refused = link.sent[-1]
    assert isinstance(refused, Error)
    assert (refused.id, refused.key) == ("f2", "target")
    assert len(room.path.confirmed) == 1


async def test_a_selection_that_cannot_be_written_down_is_not_learned_either(room: Room) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0))]))
    room.store.close()
    refused = await settle(session, link, Feedback("f1", "confirm", 0, target="a"))
    assert isinstance(refused, Error)
    assert room.path.confirmed == [(session.seat, 0, b"", 1), (session.seat, 0, b"moment", -1)]


async def test_a_refusal_does_not_wait_until_the_engine_has_taken_back_what_it_learned(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0))]))
    room.store.close()
    confirm, asked = room.path.confirm, asyncio.Event()
    taken_back: asyncio.Future[tuple[dict[str, bytes], bytes]] = asyncio.get_running_loop().create_future()

    def without_an_engine(seat: Any, target: int, moment: bytes = b"", weight: int = 1) -> Any:
        if weight > 0:
            return confirm(seat, target, moment, weight)
        asked.set()
        return taken_back

    monkeypatch.setattr(room.path, "confirm", without_an_engine)
    session.event(Feedback("f1", "confirm", 0, target="a"))
    await asked.wait()
    assert isinstance(link.sent[-1], Error)
    taken_back.set_result(({}, b"moment"))
    await session._teaching.end()


@pytest.mark.parametrize("again", [True, False], ids=["taught anew", "gone"])
async def test_what_others_reset_is_not_brought_back_by_taking_back(room: Room, again: bool) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0))]))
    for lesson in (phrase("t1"), phrase("t2", action="take"), Feedback("f1", "confirm", 0, target="a")):
        assert await settle(session, link, lesson) == Ack(lesson.id)
    room.store.reset("ada", "all")
    await session.user.refresh()
    if again:
        assert await settle(session, link, phrase("t3")) == Ack("t3")
    for identifier in ("f1", "t2"):
        refused = await settle(session, link, Feedback(f"undo {identifier}", "undo", 0, of=identifier))
        assert isinstance(refused, Error)
        assert (refused.code, refused.key) == ("invalid", "of")
    assert [item.data["action"] for item in room.store.load("ada").items] == (["fire"] if again else [])


async def test_a_reset_of_another_kind_leaves_what_can_be_taken_back(room: Room) -> None:
    session, link = await room.enter()
    assert await settle(session, link, phrase("t1")) == Ack("t1")
    assert await settle(session, link, Profile("p1", "reset", "voice")) == Ack("p1")
    assert await settle(session, link, Feedback("f1", "undo", 0)) == Ack("f1")
    assert room.store.load("ada").items == []


@pytest.mark.parametrize(
    ("lesson", "key"),
    [
        (Feedback("f", "confirm", 0), "of"),
        (Feedback("f", "correct", 0, "fire"), "of"),
        (Feedback("f", "correct", 0, "dance", target="a"), "action"),
    ],
)
async def test_a_feedback_that_says_nothing_is_refused(room: Room, lesson: Feedback, key: str) -> None:
    session, link = await room.enter()
    session.event(Scene("s", [Target("a", (0, 0, 0))]))
    refused = await settle(session, link, lesson)
    assert isinstance(refused, Error)
    assert (refused.code, refused.key) == ("invalid", key)


async def test_of_large_lessons_only_so_many_wait(room: Room) -> None:
    session, link = await room.enter()
    large = bytes(MAX_WAITING_BYTES // 2)
    session.event(Teach("t1", "gesture", "a", device="left", examples=[large]))
    session.event(Profile("p1", "import", data=large))
    session.event(phrase("small"))
    with pytest.raises(Refused, match="too many bytes wait") as refused:
        session.event(Profile("p2", "import", data=b"x"))
    assert refused.value.error.code == "flooding"
    await session._teaching.end()
    assert link.sent.pop() == Ack("small")
    assert isinstance(await settle(session, link, Profile("p2", "import", data=b"x")), Error)


async def test_what_follows_a_lesson_is_bounded_too(room: Room) -> None:
    session, link = await room.enter()
    session.event(phrase("t"))
    for number in range(100):
        session.event(Utterance(f"u{number}", "zap it", 0))
    refused = [message for message in link.sent if isinstance(message, Error)]
    assert len(refused) == 100 - (MAX_WAITING - 1)
    assert {message.code for message in refused} == {"flooding"}
    assert refused[-1].id == "u99"
    await session._teaching.end()

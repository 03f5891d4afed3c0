"""What a session hears and sees: transcripts, actions of what was said, and of what came into sight."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from bridge.app import ActionInfo, App, ObjectInfo
from bridge.event_path.seeing import Glimpse
from bridge.profiles.items import Item
from bridge.profiles.objects import learn
from bridge.profiles.store import Applied
from bridge.protocol import (
    Action,
    Actions,
    Audio,
    Error,
    Frame,
    Hello,
    Image,
    Notice,
    Refused,
    Scene,
    SpokenWord,
    Target,
    Transcript,
)
from bridge.session import Session
from bridge.sights import GONE_US, MAX_A_SECOND, MAX_WAITING
from bridge.tracking import Part
from bridge.users import User
from models.language.dialogue import Reading
from models.speech.heard import Heard, Word
from models.speech.voice import VERSION
from tests.stand_ins import FakeLink, FakePath, FakeWorkers, somebody

APP = App(
    "shop",
    actions=[
        ActionInfo("take", ["take {target}"], target="required", sees=["kettle"]),
        ActionInfo("note", ["note that"], sees=["*"]),
    ],
)
SECOND = 1_000_000
VOICE = np.eye(256, dtype="<f4")[0].tobytes()


class Room:
    """A session with a microphone and a camera, and workers that the test plays."""

    def __init__(self, app: App = APP, user: User | None = None, streams: tuple[str, ...] = ("frame", "audio")) -> None:
        self.workers = FakeWorkers()
        self.link = FakeLink()
        self.path = FakePath()
        self.user = user or somebody(self.path)
        hello = Hello("1.0", app, "ada", streams=list(streams))  # type: ignore[arg-type]
        self.session = Session(
            "id",
            "secret",
            hello,
            self.path,
            None,
            self.workers,
            app,
            self.user,
            Applied(b"", ()),
            lambda code: None,  # type: ignore[arg-type]
        )
        self.session.seat = self.path.join(self.session, [], {})
        self.session.attach(self.link)
        self._q = 0
        self._t = 0

    def scene(self, *names: str) -> None:
        targets = [Target(name, (0, 1, -2), name=name.title()) for name in names]
        self.session.event(Scene(f"scene {len(self.path.scenes)}", targets))
        self.link.sent.clear()

    def aim(self, *probabilities: float, seconds: float = 1.0, x: float = 0.0) -> None:
        """Looks there for a while, from x."""
        for _ in range(round(seconds * 10)):
            self._q += 1
            self._t += SECOND // 10
            self.session.frame(Frame(self._q, self._t, int(Part.HEAD), struct.pack("<7f", x, 0, 0, 0, 0, 0, 1)))
            odds = struct.pack(f"<{len(probabilities)}f", *probabilities)
            self.session.answered(self._q, self._t, 0, b"", 0, odds)
        self.link.sent.clear()

    def hear(self, text: str, *words: tuple[str, float, float], voice: bytes = b"", final: bool = True) -> None:
        """The worker hears something, its words at these seconds."""
        (ear,) = self.workers.hearing.ears
        spoken = tuple(Word(word, int(begin * SECOND), int(end * SECOND), 0.9) for word, begin, end in words)
        begin_us = spoken[0].begin_us if spoken else 0
        ear.heard(Heard(1, text, final, begin_us, begin_us, spoken, voice, 0))

    def show(self, *labels: tuple[str, float], time: float = 0.0, embedding: float = 0.0) -> None:
        """A picture, and what the worker sees in it."""
        self.session.event(Image(int(time * SECOND), "jpeg", 4, 4, b"..."))
        self.workers.seeing.answer(Glimpse(labels, np.full(1280, embedding, dtype=np.float32)))

    def actions(self) -> list[Action]:
        """Those that came since the last time."""
        sent, self.link.sent = self.link.sent, []
        return [action for message in sent if isinstance(message, Actions) for action in message.a]


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_words_so_far_and_final_ones(room: Room) -> None:
    room.hear("take", final=False)
    assert room.link.take(Transcript) == Transcript("take", False, 0)
    room.hear("take that", ("take", 1, 1.2), ("that", 1.2, 1.5))
    words = [SpokenWord("take", SECOND, 1_200_000), SpokenWord("that", 1_200_000, 1_500_000)]
    assert room.link.take(Transcript) == Transcript("take that", True, SECOND, "speech:1000000", words)
    room.hear("", final=True)
    assert room.link.sent == []


async def test_what_was_said_becomes_an_action_with_what_was_aimed_at_at_each_word(room: Room) -> None:
    room.scene("mug", "kettle")
    room.aim(0.9, 0.1, x=1.0)
    room.aim(0.2, 0.8, x=2.0)
    room.aim(0.5, 0.5, x=3.0)
    room.hear("put that there", ("put", 0.4, 0.6), ("that", 0.7, 1.2), ("there", 1.8, 2.5))
    situation = room.workers.language.question().situation
    first, last = pytest.approx((0.9, 0.1)), pytest.approx((0.5, 0.5))
    assert situation.pointing == ((0, first), (4, first), (9, last)), "in the middle of each"
    assert situation.probabilities == first
    assert situation.viewpoint == ((1.0, 0, 0), (0, 0, 0, 1)), "where the head was when it was said"
    room.link.sent.clear()
    room.workers.language.answer(Reading("take", 0.75, "kettle", 0.9))
    # Nobody waits for an acknowledgement of what came by microphone.
    assert room.actions() == [Action(1, "take", "performed", 0.75, "speech", "speech:400000", "kettle")]


async def test_it_is_told_which_words_are_likely(room: Room) -> None:
    (ear,) = room.workers.hearing.ears
    assert ear.words == ((), ("take", "note that"))
    room.scene("mug", "kettle")
    assert ear.words == (("Mug", "Kettle"), ("take Mug", "take Kettle", "note that"))
    room.show(("teapot", 0.9))
    assert ear.words[0] == ("Mug", "Kettle", "teapot")


async def test_who_has_no_microphone_costs_no_look_at_what_is_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    monkeypatch.setattr("bridge.likely.filled", lambda *asked: looked.append(asked) or ())
    room = Room(streams=("frame",))
    room.scene("mug", "kettle")
    room.session.known_changed()
    room.show(("teapot", 0.9))
    assert looked == []
    room.session.event(Audio(0, b"ab", False))
    assert looked
    (ear,) = room.workers.hearing.ears
    assert ear.words[0] == ("Mug", "Kettle", "teapot")


async def test_a_target_that_moves_changes_nothing_of_what_is_likely(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.scene("mug", "kettle")
    (ear,) = room.workers.hearing.ears
    before = ear.words
    looked: list[object] = []
    monkeypatch.setattr("bridge.likely.filled", lambda *asked: looked.append(asked) or ())
    moved = Target("mug", (5, 1, -2), name="Mug")
    room.session.event(Scene("moved", [moved], replace=False))
    assert looked == []
    assert all(one is other for one, other in zip(ear.words, before, strict=True))
    room.session.event(Scene("called", [Target("mug", (5, 1, -2), name="Cup")], replace=False))
    assert len(looked) == 1, "only of the phrases that have targets"
    assert ear.words[0] == ("Cup", "Kettle")


async def test_bystanders_may_be_ignored() -> None:
    path = FakePath()
    user = somebody(path)
    known = {"mean": VOICE, "count": 10, "version": VERSION}
    user.profile.items.append(Item("voice", "", "voice", known))
    app = App("shop", actions=APP.actions, bystanders="ignored")
    room = Room(app, user)
    stranger = np.eye(256, dtype="<f4")[1].tobytes()
    room.hear("note that", ("note", 0, 1), voice=stranger)
    transcript = room.link.take(Transcript)
    assert transcript.speaker is not None
    assert transcript.speaker < 0.5
    assert room.workers.language.asked == {}
    heard = Room(APP, user)
    heard.hear("note that", ("note", 0, 1), voice=stranger)
    assert heard.workers.language.question().text == "note that"


async def test_too_much_sound_is_dropped_and_that_is_said_once(room: Room) -> None:
    (ear,) = room.workers.hearing.ears
    room.session.event(Audio(0, b"ab", False))
    ear.full = True
    for time in (1, 2):
        room.session.event(Audio(time, b"ab", False))
    notice = room.link.take(Notice)
    assert (notice.code, notice.retry_ms) == ("busy", 1000)
    ear.full = False
    room.session.event(Audio(3, b"cd", True))
    assert ear.taken == [(0, b"ab", False), (3, b"cd", True)]
    ear.lost()
    assert room.link.take(Notice).code == "not_understood"
    await room.session.end()
    assert ear.closed


async def test_of_what_was_dropped_in_part_nothing_comes_and_that_is_said(room: Room) -> None:
    (ear,) = room.workers.hearing.ears
    ear.heard(Heard(1, "note that", True, 0, SECOND, (Word("note", 0, SECOND, 0.9),), b"", 0, cut=True))
    transcript, notice = room.link.sent
    assert isinstance(transcript, Transcript)
    assert isinstance(notice, Notice)
    assert (notice.code, notice.id) == ("not_understood", transcript.id)
    assert "note that" in notice.message
    assert room.workers.language.asked == {}


async def test_times_that_cannot_be_the_sound_s_are_refused(room: Room) -> None:
    room.session.event(Audio(5 * SECOND, bytes(3200), False))
    for end in (False, True):
        with pytest.raises(Refused) as refused:
            room.session.event(Audio(SECOND, bytes(3200), end))
        error = refused.value.error
        assert (error.code, error.of, error.key) == ("time", "audio", "time")
    (ear,) = room.workers.hearing.ears
    assert (len(ear.taken), ear.missed) == (1, [False, True]), "what was said ends also with a part that is refused"
    room.session.event(Audio(SECOND, b"", True))
    assert ear.taken[-1] == (SECOND, b"", True), "where there are no samples the time says nothing"


async def test_half_a_sample_is_refused(room: Room) -> None:
    with pytest.raises(Refused) as refused:
        room.session.event(Audio(0, bytes(641), False))
    error = refused.value.error
    assert (error.code, error.of, error.key) == ("invalid", "audio", "pcm")
    assert error.message == "audio.pcm: 641 bytes; samples take two"
    (ear,) = room.workers.hearing.ears
    assert ear.taken == []


async def test_a_microphone_that_nobody_announced_is_heard_from_its_first_sample_on() -> None:
    room = Room(streams=("frame",))
    assert room.workers.hearing.ears == []
    room.session.event(Audio(0, b"ab", False))
    (ear,) = room.workers.hearing.ears
    assert ear.taken == [(0, b"ab", False)]


async def test_something_comes_into_sight_once(room: Room) -> None:
    room.scene("mug", "kettle")
    room.show(("Kettle", 0.8), ("pan", 0.1), time=1)
    action = Action(1, "take", "performed", 0.8, "image", target="kettle", arguments={"seen": "Kettle", "time": SECOND})
    assert room.actions() == [action]
    room.show(("Kettle", 0.9), time=2)
    assert room.actions() == []
    room.show(("pan", 0.6), time=3)
    assert [(one.name, one.target, one.arguments["seen"]) for one in room.actions()] == [("note", "", "pan")]
    room.show(("Kettle", 0.7), time=2.1 + GONE_US / SECOND)
    assert [one.name for one in room.actions()] == ["take"]


async def test_what_no_picture_was_without_did_not_leave_sight(room: Room) -> None:
    room.scene("kettle")
    for time in (1, 1 + 2 * GONE_US / SECOND, 100):
        room.show(("kettle", 0.8), time=time)
    assert [one.arguments["time"] for one in room.actions()] == [SECOND]
    room.show(time=101)
    room.show(("kettle", 0.8), time=101.5)
    assert room.actions() == []
    for without in (102, 110):
        room.show(time=without)
    room.show(("kettle", 0.8), time=110.5)
    assert [one.name for one in room.actions()] == ["take"]


async def test_a_picture_with_a_wrong_time_costs_no_more_than_itself(room: Room) -> None:
    room.scene("kettle")
    for time in (10, 10.5, 4000, 11, 11.5):
        room.show(("kettle", 0.8), time=time)
    assert [one.arguments["time"] for one in room.actions()] == [10 * SECOND]
    room.show(("teapot", 0.75), time=4000)
    room.show(("kettle", 0.8), time=12)
    room.hear("take it", ("take", 12, 13))
    assert room.workers.language.question().situation.seen == (("kettle", 0.8),)


async def test_what_is_needed_and_not_there_does_nothing(room: Room) -> None:
    room.show(("kettle", 0.8))
    assert room.actions() == [], "take needs a target, and no target is called kettle"


async def test_what_was_seen_helps_to_know_what_is_meant(room: Room) -> None:
    room.show(("teapot", 0.75), time=1)
    room.hear("take it", ("take", 1, 2))
    assert room.workers.language.question().situation.seen == (("teapot", 0.75),)


async def test_what_was_taught_comes_before_what_the_app_brought_and_what_the_model_knows() -> None:
    path = FakePath()
    user = somebody(path)
    app = App("shop", actions=[ActionInfo("note", sees=["*"])], objects=[ObjectInfo("sign", [b"picture"])])
    room = Room(app, user)
    assert room.workers.seeing.asked[1][0] == [b"picture"]
    one, other = np.eye(1280, dtype=np.float32)[:2]
    room.workers.seeing.answer([Glimpse((), one)])

    def sees(embedding: np.ndarray, time: int) -> str:
        room.session.event(Image(time * SECOND, "jpeg", 4, 4, b"..."))
        room.workers.seeing.answer(Glimpse((("teapot", 0.9),), embedding))
        (action,) = room.actions()
        return str(action.arguments["seen"])

    assert sees(one, 0) == "sign"
    assert sees(other, 10) == "teapot"
    user.profile.items.append(Item("object", "", "badge", learn([one], "eyes")))
    user.profile.items.append(Item("object", "", "another model's", learn([other], "other eyes")))
    room.session.known_changed()
    assert sees(one, 20) == "badge"
    assert sees(other, 30) == "teapot"


async def test_what_is_wrong_with_what_the_app_brought_is_told_once_there_is_a_connection() -> None:
    app = App("shop", actions=[ActionInfo("note", sees=["*"])], objects=[ObjectInfo("sign", [b"picture"])])
    room = Room(app)
    room.session.detach()
    room.workers.seeing.answer(["the JPEG file is broken"])
    assert room.link.sent == []
    room.session.attach(room.link)
    room.session.writable()
    error = room.link.take(Error)
    assert (error.code, error.of, error.key) == ("invalid", "hello", "app.objects[0].examples[0]")
    room.session.writable()
    assert room.link.sent == []
    await room.session.end()


async def test_a_picture_that_is_none_is_refused_in_words(room: Room) -> None:
    room.session.event(Image(0, "jpeg", 4, 4, b"..."))
    room.workers.seeing.answer("the JPEG file is broken")
    error = room.link.take(Error)
    assert (error.code, error.of, error.key) == ("invalid", "image", "data")
    assert error.message == "image.data: the JPEG file is broken"
    room.session.event(Image(0, "jpeg", 4, 4, b"..."))
    room.workers.seeing.answer(None)
    assert room.link.take(Error).code == "internal"


async def test_more_pictures_than_can_be_seen_are_dropped_and_that_is_said_once(room: Room) -> None:
    for _ in range(MAX_WAITING + 2):
        room.session.event(Image(0, "jpeg", 4, 4, b"..."))
    notice = room.link.take(Notice)
    assert notice.code == "busy"
    assert "2 wait already" in notice.message
    assert len(room.workers.seeing.asked) == MAX_WAITING


async def test_no_more_pictures_a_second_than_are_allowed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("bridge.sights.monotonic", lambda: now[0])
    for _ in range(MAX_A_SECOND):
        room.show()
    room.session.event(Image(0, "jpeg", 4, 4, b"..."))
    assert f"more than {MAX_A_SECOND} a second" in room.link.take(Notice).message
    now[0] += 1
    room.show(("teapot", 0.9))
    assert [one.arguments["seen"] for one in room.actions()] == ["teapot"]


async def test_nothing_is_seen_of_a_session_that_is_over(room: Room) -> None:
    room.session.event(Image(0, "jpeg", 4, 4, b"..."))
    await room.session.end()
    assert room.workers.seeing.asked == {}


async def test_without_ears_and_eyes_both_are_refused(room: Room) -> None:
    room.workers.hearing.problem = room.workers.seeing.problem = "pip install them"
    for message in (Audio(0, b"", False), Image(0, "rgb", 1, 1, b"...")):
        with pytest.raises(Refused, match="pip install them"):
            room.session.event(message)

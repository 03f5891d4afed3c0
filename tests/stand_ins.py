"""What stands in for a session's neighbours, so that a test sees what is asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bridge.app import App
from bridge.event_path.hearing import Behind, HearingCounters
from bridge.event_path.objects import AppObjects
from bridge.event_path.questions import QuestionCounters
from bridge.event_path.seeing import Glimpse, Picture
from bridge.frame_path.engine import EngineInfo
from bridge.frame_path.path import FrameCounters, Full, Profile, Receiver, Seat
from bridge.protocol import Message, ServerMessage, decode_server
from bridge.users import User
from models.language.dialogue import Question, Reading
from models.speech.heard import Heard

M = TypeVar("M", bound=Message)


class FakeLink:
    """A connection that keeps what is sent over it."""

    def __init__(self) -> None:
        self.writable = True
        self.sent: list[ServerMessage] = []
        self.closed: list[tuple[int, str]] = []

    def send(self, data: bytes) -> None:
        self.sent.append(decode_server(data))

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    def take(self, kind: type[M]) -> M:
        """The one message that was sent since the last time, which is of this type."""
        (message,), self.sent = self.sent, []
        assert isinstance(message, kind), message
        return message


class FakeChild:
    """A worker's process that is none: a test sees what it is told, and what it was given how many seconds for."""

    pid = None

    def __init__(self, *_: Any, **__: Any) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.expecting = False
        self.expected: list[float] = []

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def send(self, *message: Any) -> None:
        self.sent.append(message)

    def expect(self, within_s: float) -> None:
        self.expecting = True
        self.expected.append(within_s)

    def settled(self) -> None:
        self.expecting = False


class FakeLanguage:
    """Understands nothing by itself: a test reads what was asked and answers it."""

    def __init__(self) -> None:
        self.counters = QuestionCounters()
        self.up = False
        self.declared: list[str] = []
        self.asked: dict[int, tuple[str, Question, Callable[[Reading | None], None]]] = {}
        self._serial = 0

    def declare(self, app: App) -> str:
        self.declared.append(app.name)
        return app.name

    def release(self, key: str) -> None:
        self.declared.remove(key)

    def ask(self, key: str, question: Question, answer: Callable[[Reading | None], None]) -> int:
        self._serial += 1
        self.asked[self._serial] = (key, question, answer)
        return self._serial

    def drop(self, serial: int) -> None:
        self.asked.pop(serial, None)

    def question(self) -> Question:
        """The one question that waits."""
        ((_, question, _),) = self.asked.values()
        return question

    def answer(self, reading: Reading | None) -> None:
        """Answers it."""
        ((_, _, answer),) = self.asked.values()
        self.asked.clear()
        answer(reading)


class FakeEar:
    """A microphone that keeps what is sent to it."""

    def __init__(self, heard: Callable[[Heard], None], lost: Callable[[], None]) -> None:
        self.heard = heard
        self.lost = lost
        self.taken: list[tuple[int, bytes, bool]] = []
        self.missed: list[bool] = []
        self.words: tuple[Sequence[str], Sequence[str]] = ((), ())
        self.full = False
        self.closed = False

    def hear(self, time_us: int, pcm: bytes, end: bool) -> None:
        if self.full:
            raise Behind(1000)
        self.taken.append((time_us, pcm, end))

    def miss(self, end: bool) -> None:
        self.missed.append(end)

    def bias(self, words: Sequence[str], phrases: Sequence[str]) -> None:
        self.words = (words, phrases)

    def close(self) -> None:
        self.closed = True


class FakeHearing:
    """Hears nothing by itself: a test says what was heard."""

    def __init__(self) -> None:
        self.counters = HearingCounters()
        self.problem = ""
        self.up = False
        self.waiting_s = 0.0
        self.ears: list[FakeEar] = []

    def open(self, heard: Callable[[Heard], None], lost: Callable[[], None]) -> FakeEar:
        self.ears.append(FakeEar(heard, lost))
        return self.ears[-1]


class FakeSeeing:
    """Sees nothing by itself: a test reads what was asked and answers it, or says what is always seen."""

    def __init__(self) -> None:
        self.counters = QuestionCounters()
        self.problem = ""
        self.version = "eyes"
        self.up = False
        self.begun = False
        self.at_once: list[Glimpse | str] | None = None
        self.asked: dict[int, tuple[Picture | list[bytes], Callable[[Any], None]]] = {}
        self._serial = 0

    def begin(self) -> None:
        self.begun = True

    def look(self, picture: Picture, answer: Callable[[Glimpse | str | None], None]) -> int:
        return self._ask(picture, answer)

    def learn(self, files: Sequence[bytes], answer: Callable[[list[Glimpse | str] | None], None]) -> int:
        return self._ask(list(files), answer)

    def _ask(self, shown: Picture | list[bytes], answer: Callable[[Any], None]) -> int:
        self._serial += 1
        self.asked[self._serial] = (shown, answer)
        if self.at_once is not None:
            asyncio.get_running_loop().call_soon(answer, self.at_once)
        return self._serial

    def drop(self, serial: int) -> None:
        self.asked.pop(serial, None)

    def answer(self, found: Glimpse | str | list[Glimpse | str] | None) -> None:
        """Answers what was asked first."""
        _, answer = self.asked.pop(next(iter(self.asked)))
        answer(found)


class FakeWorkers:
    """The workers, none of which does anything by itself."""

    def __init__(self) -> None:
        self.language = FakeLanguage()
        self.hearing = FakeHearing()
        self.seeing = FakeSeeing()
        self.objects = AppObjects(self.seeing)  # type: ignore[arg-type]


class FakePath:
    """A frame path without an engine. Profiles are learned at once, unless ``hold`` says that leaving takes time.

    Answers speak of the newest scene, unless ``stepping`` says that a batch from before it is under way.
    """

    def __init__(self, slots: int = 4) -> None:
        self.info = EngineInfo((("fake", "7"),), "cpu")
        self.known = asyncio.Event()
        self.known.set()
        self.counters = FrameCounters()
        self.up = True
        self.slots = slots
        self.seats: list[Seat] = []
        self._serial = 0
        self.frames: list[tuple[Seat, int, int, int, bytes]] = []
        self.scenes: list[tuple[Seat, bytes, bool]] = []
        self.learned: dict[str, bytes] = {"fake@7": b"learned"}
        self.confirmed: list[tuple[Seat, int, bytes, int]] = []
        self.puts: list[tuple[Seat, Profile]] = []
        self.forgotten: list[Seat] = []
        self.hold: asyncio.Event | None = None
        self.stepping = False
        self.asked_to_leave: asyncio.Queue[Seat] = asyncio.Queue()

    @property
    def full(self) -> bool:
        return len(self.seats) == self.slots

    def join(
        self,
        receiver: Receiver,
        horizons_s: Sequence[float],
        profile: Profile,
        *,
        learning: bool = False,
        gestures: bool = False,
        shares: Seat | None = None,
    ) -> Seat:
        if len(self.seats) == self.slots:
            raise Full
        joined: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._serial += 1
        seat = Seat(
            min({*range(self.slots)} - {seat.slot for seat in self.seats}),
            self._serial,
            receiver,
            tuple(horizons_s),
            profile,
            joined,
            learning,
            gestures,
            shares,
        )
        self.seats.append(seat)
        return seat

    def submit(self, seat: Seat, q: int, t: int, mask: int, blob: bytes) -> None:
        self.frames.append((seat, q, t, mask, blob))

    def scene(self, seat: Seat, boxes: bytes, *, keep_state: bool) -> None:
        self.scenes.append((seat, boxes, keep_state))
        seat.scene += 1
        if not self.stepping:
            seat.answering = seat.scene

    def confirm(
        self, seat: Seat, target: int, moment: bytes = b"", weight: int = 1
    ) -> asyncio.Future[tuple[Profile, bytes]]:
        self.confirmed.append((seat, target, moment, weight))
        learned: asyncio.Future[tuple[Profile, bytes]] = asyncio.get_running_loop().create_future()
        learned.set_result(({"target@7": f"{len(self.confirmed)} {target}".encode()}, b"moment"))
        return learned

    def put(self, seat: Seat, profile: Profile) -> None:
        if seat.left is None:
            seat.profile = {**seat.profile, **profile}
            self.puts.append((seat, dict(profile)))

    def learn(self, seat: Seat, learning: bool) -> None:
        if seat.left is None:
            seat.learning = learning

    def forget(self, seat: Seat) -> None:
        if seat.left is None:
            seat.learning = False
            self.forgotten.append(seat)

    async def profile(self, seat: Seat) -> Profile:
        return dict(self.learned)

    async def leave(self, seat: Seat) -> Profile:
        if seat.left is None:
            seat.left = asyncio.get_running_loop().create_future()
            self.asked_to_leave.put_nowait(seat)
        if self.hold is not None:
            await self.hold.wait()
        if seat in self.seats:
            self.seats.remove(seat)
        return self.learned


def somebody(path: FakePath, name: str = "ada") -> User:
    """A user of whom nothing is stored, and nothing can be."""
    return User(name, path, None)  # type: ignore[arg-type]

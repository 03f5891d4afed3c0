"""The gateway's end of the hearing worker: a real process, without a model in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.event_path.hearing import KEPT_US, Behind, Ear, Hearing, HearingOptions
from models.speech.heard import Heard
from tests.stand_ins import FakeChild


class Microphone:
    """One that words are said into."""

    def __init__(self, hearing: Hearing) -> None:
        self.heard: asyncio.Queue[Heard | None] = asyncio.Queue()
        self.ear: Ear = hearing.open(self.heard.put_nowait, lambda: self.heard.put_nowait(None))
        self._time = 0

    def say(self, *words: str, end: bool = True) -> None:
        """A tenth of a second a word."""
        for word in words:
            last = end and word == words[-1]
            self.ear.hear(self._time, word.encode().ljust(3200), last)
            self._time += 100_000

    def pause(self, seconds: int) -> None:
        """Nothing comes for so long, as when the headset is taken off."""
        self._time += seconds * 1_000_000

    async def hears(self) -> str | None:
        """The next words that are final; nothing if they could not be heard."""
        async with asyncio.timeout(60):
            while (heard := await self.heard.get()) is not None:
                if heard.final:
                    return heard.text
        return None


class Listener:
    """The hearing of a daemon."""

    def __init__(self, **options: object) -> None:
        self.changes: asyncio.Queue[bool] = asyncio.Queue()
        self.hearing = Hearing(
            HearingOptions(worker="tests.hearing_worker", **options),  # type: ignore[arg-type]
            self.changes.put_nowait,
        )

    def microphone(self) -> Microphone:
        return Microphone(self.hearing)


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def one(**options: object) -> Listener:
        made.append(Listener(**options))
        return made[-1]

    yield one
    for listener in made:
        await listener.hearing.stop()


async def test_each_microphone_is_heard_also_what_came_before_it_was_ready(make: Callable[..., Listener]) -> None:
    listener = make()
    first, second = listener.microphone(), listener.microphone()
    first.say("pick", "it", "up")
    second.say("hello")
    assert [await first.hears(), await second.hears()] == ["pick it up", "hello"]
    first.say("again")
    assert await first.hears() == "again"
    assert listener.hearing.up
    assert listener.hearing.waiting_s == 0
    assert listener.hearing.counters.finals == 3


async def test_it_is_told_what_is_likely(make: Callable[..., Listener]) -> None:
    listener = make()
    microphone = listener.microphone()
    microphone.ear.bias(("kettle",), ())
    microphone.say("a")
    assert await microphone.hears() == "a kettle"
    microphone.ear.bias(("mug",), ())
    microphone.say("b")
    assert await microphone.hears() == "b mug"


async def test_what_was_being_said_when_it_died_is_heard_by_the_next_one(make: Callable[..., Listener]) -> None:
    listener = make()
    first, second = listener.microphone(), listener.microphone()
    second.say("once")
    assert await second.hears() == "once"
    second.ear.bias(("mug",), ())
    second.say("pick", "up", end=False)
    third = listener.microphone()
    third.say("die")
    assert await listener.changes.get() is False
    second.say("the")
    first.say("meanwhile")
    # The third one's sound kills the next worker too; then it is given up.
    assert await third.hears() is None
    assert await second.hears() == "pick up the mug"
    assert await first.hears() == "meanwhile"
    third.say("alive")
    assert await third.hears() == "alive"
    counters = listener.hearing.counters
    assert (counters.restarts, counters.given_up, counters.finals) == (2, 1, 4)


async def test_one_that_hangs_is_replaced(make: Callable[..., Listener]) -> None:
    listener = make(answer_timeout_s=0.5)
    first = listener.microphone()
    first.say("hang")
    assert await first.hears() is None
    first.say("alive")
    assert await first.hears() == "alive"


async def test_who_goes_on_speaking_gives_one_that_hangs_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    child = FakeChild()
    monkeypatch.setattr("bridge.event_path.on_demand.Child", lambda *_, **__: child)
    hearing = Hearing(HearingOptions(answer_timeout_s=60), lambda up: None)
    microphone = Microphone(hearing)
    hearing.ready("fake")
    microphone.say("one", end=False)
    microphone.say("two", end=False)
    assert child.expected == [60]
    hearing.message(("idle", 1))
    assert child.expected == [60, 60], "it said something, and has its time again for what is left"
    hearing.message(("idle", 2))
    assert not child.expecting
    await hearing.stop()


async def test_more_than_can_be_heard_is_refused(make: Callable[..., Listener]) -> None:
    listener = make()
    microphone = listener.microphone()
    with pytest.raises(Behind):
        microphone.say(*["word"] * (KEPT_US // 100_000 + 1))
    assert listener.hearing.counters.dropped == 1
    assert listener.hearing.waiting_s == KEPT_US / 1e6


async def test_empty_sound_is_not_kept_without_bound(make: Callable[..., Listener]) -> None:
    microphone = make().microphone()
    for _ in range(KEPT_US // 1000):
        microphone.ear.hear(0, b"", False)
    with pytest.raises(Behind):
        microphone.ear.hear(0, b"", False)


async def test_who_pauses_in_mid_speech_is_heard_again(make: Callable[..., Listener]) -> None:
    microphone = make().microphone()
    microphone.say("pick", "it", end=False)
    microphone.pause(60)
    microphone.say("up")
    assert await microphone.hears() == "pick it up"
    # All that room is there again.
    microphone.say(*["word"] * (KEPT_US // 100_000), end=False)


async def test_a_microphone_that_is_gone_is_not_heard(make: Callable[..., Listener]) -> None:
    listener = make()
    first, second = listener.microphone(), listener.microphone()
    first.say("bye")
    first.ear.close()
    second.say("still here")
    assert await second.hears() == "still here"
    assert first.heard.empty()


async def test_when_it_cannot_be_started_everybody_is_told(make: Callable[..., Listener]) -> None:
    listener = make(model="unable")
    microphone = listener.microphone()
    microphone.say("hello")
    assert await microphone.hears() is None
    assert listener.hearing.problem == "no ears"


def test_it_may_be_turned_off() -> None:
    assert Hearing(HearingOptions(model="off"), lambda up: None).problem == "speech is turned off"

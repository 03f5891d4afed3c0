"""The gateway's end of the hearing worker: a real process, without a model in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from bridge.event_path.hearing import FILLED_US, KEPT_US, LOOK_S, TURN_S, Behind, Ear, Hearing, HearingOptions
from models.speech.heard import Heard
from models.speech.listening import ListeningOptions
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


class Faked:
    """Hearing whose worker and timers are played by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.child = FakeChild()
        self.now = 1000.0
        self.later: list[Callable[[], None]] = []
        monkeypatch.setattr("bridge.event_path.on_demand.Child", lambda *_, **__: self.child)
        monkeypatch.setattr("bridge.event_path.hearing.monotonic", lambda: self.now)
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", self._call_later)
        self.hearing = Hearing(HearingOptions(answer_timeout_s=60), lambda up: None)
        self.hearing.ready("fake")

    def microphone(self) -> Microphone:
        return Microphone(self.hearing)

    def wait(self, seconds: float) -> None:
        """So long passes, and whoever is to look meanwhile does."""
        for _ in range(round(seconds / LOOK_S)):
            self.now += LOOK_S
            self.look()

    def look(self) -> None:
        """Who waits to look does."""
        due, self.later = self.later, []
        for call in due:
            call()

    def hears(self, microphone: Microphone, *, done: int) -> None:
        """The worker is done with so much."""
        heard = Heard(microphone.ear.stream, "", False, 0, 0, (), b"", done)
        self.hearing.message(("heard", msgspec.msgpack.encode(heard)))

    def die(self) -> None:
        """The worker dies, and there is another one, which is told everything anew."""
        self.hearing.lost("dead")
        self.child.sent.clear()
        self.hearing.ready("fake")

    def told(self, kind: str) -> list[str]:
        """What the worker was told of this kind, as words."""
        return [
            message[3].decode().strip() if kind == "audio" else "" for message in self.child.sent if message[0] == kind
        ]

    def _call_later(self, delay: float, call: Callable[[], None]) -> FakeTimer:
        self.later.append(call)
        return FakeTimer(self.later, call)


class FakeTimer:
    """What a loop gives for a call to come."""

    def __init__(self, later: list[Callable[[], None]], call: Callable[[], None]) -> None:
        self._later = later
        self._call = call

    def cancel(self) -> None:
        self._later.remove(self._call)


@pytest.fixture
async def faked(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Faked]:
    one = Faked(monkeypatch)
    yield one
    await one.hearing.stop()


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


async def test_who_speaks_on_keeps_nobody_else_waiting_when_it_died(faked: Faked) -> None:
    first, second, third = (faked.microphone() for _ in range(3))
    for one in (first, second, third):
        one.say("before", "it died", end=False)
    faked.die()
    assert faked.told("audio") == ["before", "it died"], "one stream after the other"
    second.say("and on", end=False)
    first.say("and on", end=False)
    assert faked.told("audio") == ["before", "it died", "and on"]
    faked.hears(first, done=1)
    assert faked.told("audio") == ["before", "it died", "and on"]
    faked.hears(first, done=1)
    assert faked.told("audio")[3:] == ["before", "it died", "and on"], "though there was no moment when all was heard"
    faked.now += TURN_S / 2
    faked.hears(second, done=0)
    faked.hears(first, done=1)
    assert len(faked.told("audio")) == 6
    faked.now += TURN_S / 2
    faked.hears(first, done=0)
    assert len(faked.told("audio")) == 8, "nor was all of the second one's heard by then"


async def test_who_closes_when_it_died_keeps_nobody_else_waiting(faked: Faked) -> None:
    first, second, third = (faked.microphone() for _ in range(3))
    for one in (first, second, third):
        one.say("before", end=False)
    faked.die()
    first.ear.close()
    faked.hears(third, done=0)
    assert faked.told("audio") == ["before", "before"]


async def test_sound_that_kills_slowly_is_found(faked: Faked) -> None:
    killer, other = faked.microphone(), faked.microphone()
    for deaths in (1, 2):
        killer.say("die", end=False)
        other.say(f"{deaths}", end=False)
        faked.die()
        faked.now += TURN_S
        faked.hears(killer, done=0)
    assert faked.told("audio")[-1] == "die", "this time it is waited for"
    assert len(killer.ear.kept) == 2
    faked.die()
    assert not killer.ear.kept


async def test_one_that_hangs_is_replaced(make: Callable[..., Listener]) -> None:
    listener = make(answer_timeout_s=0.5)
    first = listener.microphone()
    first.say("hang")
    assert await first.hears() is None
    first.say("alive")
    assert await first.hears() == "alive"


async def test_who_goes_on_speaking_gives_one_that_hangs_no_more_time(faked: Faked) -> None:
    hearing, child = faked.hearing, faked.child
    microphone = faked.microphone()
    microphone.say("one", end=False)
    microphone.say("two", end=False)
    assert child.expected == [60]
    hearing.message(("idle", 1))
    assert child.expected == [60, 60], "it said something, and has its time again for what is left"
    hearing.message(("idle", 2))
    assert not child.expecting
    hearing.lull(microphone.ear)
    assert child.expecting, "what ends when nothing more comes has to be heard as well"


async def test_more_than_can_be_heard_is_refused(make: Callable[..., Listener]) -> None:
    listener = make()
    microphone = listener.microphone()
    with pytest.raises(Behind):
        microphone.say(*["word"] * (KEPT_US // 100_000 + 1))
    assert listener.hearing.counters.dropped == 1
    assert listener.hearing.waiting_s == KEPT_US / 1e6


async def test_of_what_is_dropped_the_end_is_kept_and_that_some_is_missing(faked: Faked) -> None:
    microphone = faked.microphone()
    microphone.say(*["word"] * (KEPT_US // 100_000), end=False)
    for last in (False, True):
        with pytest.raises(Behind):
            microphone.say("lost", end=last)
    assert len(faked.told("audio")) == KEPT_US // 100_000 + 1
    assert faked.child.sent[-1][3:] == (b"", True, True)
    with pytest.raises(Behind):
        microphone.say("lost altogether")
    assert faked.child.sent[-1][3:] == (b"", True, True)
    faked.hears(microphone, done=KEPT_US // 100_000 + 1)
    microphone.say("whole")
    assert faked.child.sent[-1][4:] == (True, False)


async def test_what_goes_on_after_some_was_dropped_is_marked(faked: Faked) -> None:
    microphone = faked.microphone()
    microphone.say(*["word"] * (KEPT_US // 100_000), end=False)
    with pytest.raises(Behind):
        microphone.say("lost", end=False)
    faked.hears(microphone, done=10)
    microphone.say("on", "and on", end=False)
    assert [message[5] for message in faked.child.sent[-2:]] == [True, False]


async def test_what_is_said_around_what_is_not_taken_is_marked(faked: Faked) -> None:
    microphone = faked.microphone()
    microphone.say("this", end=False)
    microphone.ear.miss(False)
    microphone.say("and that", end=False)
    assert faked.child.sent[-1][5]
    microphone.ear.miss(True)
    assert faked.child.sent[-1][3:] == (b"", True, True)
    microphone.say("whole", end=False)
    assert not faked.child.sent[-1][5]
    for _ in range(6):
        microphone.ear.miss(False)
        faked.wait(LOOK_S)
    assert faked.child.sent[-1][3:] == (b"", True, True), "it is over though more comes that is not taken"
    microphone.ear.miss(False)
    faked.wait(LOOK_S)
    microphone.say("whole", end=False)
    assert not faked.child.sent[-1][5]


async def test_what_is_said_after_some_was_given_up_is_marked(faked: Faked) -> None:
    first, second = faked.microphone(), faked.microphone()
    first.say("die", end=False)
    faked.die()
    faked.die()
    second.say("die")
    faked.die()
    faked.die()
    first.say("on", end=False)
    assert faked.child.sent[-1][5]
    second.say("whole", end=False)
    assert not faked.child.sent[-1][5]


async def test_what_is_said_after_all_that_was_given_up_was_over_is_whole(faked: Faked) -> None:
    microphone = faked.microphone()
    microphone.say("die", end=False)
    faked.wait(1.5)
    faked.die()
    faked.die()
    assert await microphone.hears() is None
    microphone.pause(60)
    microphone.say("whole", end=False)
    assert not faked.child.sent[-1][5]


async def test_what_was_dropped_is_not_forgotten_when_what_was_before_it_is_given_up(faked: Faked) -> None:
    microphone = faked.microphone()
    microphone.say("die", *["word"] * (KEPT_US // 100_000 - 2), "over")
    with pytest.raises(Behind):
        microphone.say("lost", end=False)
    faked.die()
    faked.die()
    assert not microphone.ear.kept
    microphone.say("on", end=False)
    assert faked.child.sent[-1][5]


async def test_whose_sound_was_given_up_gets_no_longer_turns_than_others(faked: Faked) -> None:
    killer, other = faked.microphone(), faked.microphone()
    for one in (killer, other):
        one.say("before", end=False)
    faked.die()
    faked.now += TURN_S
    faked.hears(killer, done=0)
    faked.hears(other, done=1)
    faked.die()
    faked.die()
    assert not killer.ear.kept
    for one in (killer, other):
        one.say("after", end=False)
    faked.die()
    assert faked.told("audio") == ["after"]
    faked.now += TURN_S
    faked.hears(killer, done=0)
    assert faked.told("audio") == ["after", "after"]


async def test_when_nothing_more_comes_what_was_said_is_over(
    make: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.event_path.hearing.LOOK_S", 0)
    monkeypatch.setattr("bridge.event_path.hearing.QUIET_S", 0)
    microphone = make().microphone()
    microphone.say("pick", "it", "up", end=False)
    assert await microphone.hears() == "pick it up"


async def test_it_is_over_once_no_more_has_come_for_a_while(faked: Faked) -> None:
    microphone = faked.microphone()
    microphone.say("pick", end=False)
    faked.wait(1.25)
    microphone.say("it", end=False)
    faked.wait(1.25)
    assert faked.told("lull") == []
    faked.wait(LOOK_S)
    assert len(faked.told("lull")) == 1
    assert faked.later == [], "nobody looks at a microphone that nobody speaks into"
    microphone.say("up")
    faked.wait(1.5)
    assert len(faked.told("lull")) == 1, "that was over already"
    assert faked.later == []
    microphone.say("put", end=False)
    microphone.ear.close()
    assert faked.later == []


async def test_a_daemon_that_stood_still_takes_what_it_could_not_read_for_no_silence(faked: Faked) -> None:
    microphone = faked.microphone()
    for word in ("pick", "it"):
        microphone.say(word, end=False)
        faked.wait(0.75)
        faked.now += 60
        faked.look()
        faked.wait(LOOK_S)
    assert faked.told("lull") == []
    faked.wait(LOOK_S)
    assert len(faked.told("lull")) == 1


async def test_what_comes_late_goes_on_also_when_it_died(faked: Faked) -> None:
    first, second = faked.microphone(), faked.microphone()
    for one in (first, second):
        one.say("pick", "it", end=False)
    faked.wait(1.5)
    assert len(faked.told("lull")) == 2
    faked.hearing.lost("dead")
    first.say("up", end=False)
    faked.hearing.ready("fake")
    faked.hears(first, done=3)
    assert faked.told("audio")[-5:] == ["pick", "it", "up", "pick", "it"]
    assert [message[1] for message in faked.child.sent if message[0] == "lull"][2:] == [second.ear.stream]


async def test_what_was_said_before_some_was_dropped_is_over_and_marked_when_nothing_more_comes(faked: Faked) -> None:
    microphone = faked.microphone()
    microphone.say(*["word"] * (KEPT_US // 100_000), end=False)
    with pytest.raises(Behind):
        microphone.say("lost", end=False)
    faked.wait(1.5)
    assert faked.child.sent[-1][3:] == (b"", True, True)
    with pytest.raises(Behind):
        microphone.say("lost altogether", end=False)
    faked.wait(1.5)
    faked.hears(microphone, done=KEPT_US // 100_000 + 1)
    microphone.say("whole", end=False)
    assert not faked.child.sent[-1][5]


async def test_short_sound_is_not_kept_without_bound(make: Callable[..., Listener]) -> None:
    microphone = make().microphone()
    for _ in range(KEPT_US // 1000):
        microphone.ear.hear(0, b"..", False)
    with pytest.raises(Behind):
        microphone.ear.hear(0, b"..", False)


async def test_silence_that_is_filled_in_takes_room(make: Callable[..., Listener]) -> None:
    microphone = make().microphone()
    assert ListeningOptions.silence_ms * 1000 == FILLED_US
    times = [number * FILLED_US for number in range(KEPT_US // FILLED_US)]
    for time in times:
        microphone.ear.hear(time, b"..", False)
    with pytest.raises(Behind):
        microphone.ear.hear(times[-1] + FILLED_US, b"..", False)
    microphone.ear.close()
    microphone = make().microphone()
    for time in times:
        microphone.ear.hear(2 * time, b"..", False)


async def test_what_says_nothing_is_not_kept(make: Callable[..., Listener]) -> None:
    listener = make()
    microphone = listener.microphone()
    microphone.ear.hear(0, b"..", True)
    for _ in range(10):
        microphone.ear.hear(0, b"", True)
        microphone.ear.hear(0, b"", False)
    assert len(microphone.ear.kept) == 1


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

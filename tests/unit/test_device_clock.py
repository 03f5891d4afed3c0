"""Times of sound that grow as its samples do, and those that do not."""

from __future__ import annotations

import contextlib

import pytest

from bridge.device_clock import MAX_AHEAD_S, MAX_BEHIND_US, SET_AHEAD_US, SET_BACK_US, SoundTimes
from bridge.protocol import Audio, Refused
from models.speech.recognition import RATE
from models.speech.track import Track

SECOND = 1_000_000


class Sound:
    """Sound whose time the test says. Real time passes as its samples do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.track = Track(RATE // 2)
        self._times = SoundTimes()
        monkeypatch.setattr("bridge.device_clock.monotonic", lambda: self.now)

    def come(self, time_us: float, ms: int = 20) -> None:
        self.now += ms * 1e-3
        pcm = bytes(RATE * ms // 1000 * 2)
        self._times.take(Audio(round(time_us), pcm))
        self.track.add(round(time_us), pcm)

    def refused(self, time_us: float, ms: int = 20) -> str:
        with pytest.raises(Refused) as refused:
            self.come(time_us, ms)
        error = refused.value.error
        assert (error.code, error.of, error.key) == ("time", "audio", "time")
        return error.message


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Sound:
    return Sound(monkeypatch)


@pytest.mark.parametrize("rate", [0.998, 1.0, 1.002])
def test_a_clock_may_drift_from_the_sound_s(sound: Sound, rate: float) -> None:
    for number in range(20_000):
        sound.come(5 * SECOND + rate * 20_000 * number)


def test_sound_may_be_stamped_late_and_in_bursts(sound: Sound) -> None:
    for number in range(1000):
        sound.come(number // 5 * 100_000 + number % 5)


@pytest.mark.parametrize("ms", [10, 20, 100, 200])
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.5])
def test_times_that_do_not_grow_as_samples_do_are_refused(sound: Sound, ms: int, rate: float) -> None:
    taken = 0
    for number in range(10_000 // ms):
        with contextlib.suppress(Refused):
            sound.come(rate * 1000 * ms * number, ms)
            taken += ms
    assert taken < (2000 if rate < 0.5 else 7000)


def test_milliseconds_and_nanoseconds_are_told(sound: Sound) -> None:
    sound.come(0)
    told = sound.refused(20_000 * 1000)
    assert "20.0 s after" in told
    assert "only 0.0 s have passed" in told
    assert "microseconds" in told


def test_after_a_pause_time_has_passed_for_both(sound: Sound) -> None:
    sound.come(0)
    sound.now += 3600
    sound.come(3600 * SECOND)
    sound.come((3600 + MAX_AHEAD_S) * SECOND)


def test_what_was_refused_changes_nothing(sound: Sound) -> None:
    sound.come(20 * SECOND)
    for _ in range(100):
        sound.refused(15 * SECOND)
        sound.refused(60 * SECOND)
    sound.come(20 * SECOND + 20_000)


@pytest.mark.parametrize("back_us", [SET_BACK_US + SECOND, 27 * SECOND, 3600 * SECOND])
def test_after_a_clock_was_set_back_sound_goes_on_at_once(sound: Sound, back_us: int) -> None:
    begin = 2 * 3600 * SECOND
    for number in range(100):
        sound.come(begin + 20_000 * number)
    before = sound.track.end
    for number in range(100):
        sound.come(begin - back_us + 20_000 * number)
    assert sound.track.end == 2 * before, "all of it is heard"


@pytest.mark.parametrize("ms", [20, 200])
@pytest.mark.parametrize("rate", [0.7, 1.0, 1.3])
@pytest.mark.parametrize("ahead_us", [11 * SECOND, 60 * SECOND, 2**61])
def test_after_a_clock_was_set_ahead_sound_goes_on_when_a_second_of_it_came(
    sound: Sound, ahead_us: int, rate: float, ms: int
) -> None:
    sound.come(0)
    chunks = SET_AHEAD_US // (1000 * ms)
    times = [ahead_us + round(rate * 1000 * ms * number) for number in range(2 * chunks)]
    for time in times[:chunks]:
        assert "s after the sound that came before" in sound.refused(time, ms)
    before = sound.track.end
    for time in times[chunks:]:
        sound.come(time, ms)
    assert sound.track.end - before >= 0.7 * RATE


def test_a_clock_that_was_set_ahead_is_believed_over_the_pauses_between_sentences(sound: Sound) -> None:
    sound.come(0)
    times = [3600 * SECOND + 3 * SECOND * sentence + 20_000 * number for sentence in range(3) for number in range(40)]
    for at, time in enumerate(times):
        if at and at % 40 == 0:
            sound.now += 2.2
        if at < 50:
            sound.refused(time)
        else:
            sound.come(time)


@pytest.mark.parametrize("ms", [20, 200])
@pytest.mark.parametrize("rate", [0.0, 0.4, 1.6, 1000.0])
def test_what_is_too_late_and_does_not_go_on_as_sound_does_stays_refused(sound: Sound, rate: float, ms: int) -> None:
    sound.come(0)
    for number in range(10_000 // ms):
        sound.refused(60 * SECOND + rate * 1000 * ms * number, ms)


def test_whatever_is_taken_is_heard_but_for_what_comes_again(sound: Sound) -> None:
    begin = 3600 * SECOND
    for back_us in range(0, 2 * SET_BACK_US, 100_000):
        sound.come(begin, 200)
        before = sound.track.end
        try:
            for number in range(20):
                sound.come(begin - back_us + 200_000 * number, 200)
        except Refused:
            assert sound.track.end == before
        assert back_us <= MAX_BEHIND_US or sound.track.end in (before, before + 20 * RATE // 5)
        begin += 3600 * SECOND
        sound.now += 2 * 3600

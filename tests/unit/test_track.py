"""Sound as a line of samples, and the device's clock."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.speech.recognition import RATE
from models.speech.track import Track

GAP = RATE // 2


def pcm(*levels: int) -> bytes:
    """160 samples, 10 ms, of each level."""
    return np.repeat(np.array(levels, "<i2"), 160).tobytes()


def test_samples_come_back_as_they_were() -> None:
    track = Track(GAP)
    track.add(1_000_000, pcm(100, 200))
    track.add(1_020_000, pcm(300))
    assert track.end == 480
    assert np.array_equal(track.cut(0, 480)[::160] * 32768, [100, 200, 300])
    assert track.time_us(320) == 1_020_000


def test_what_is_lost_is_silence() -> None:
    track = Track(GAP)
    track.add(0, pcm(100))
    track.add(210_000, pcm(100))
    assert track.end == 22 * 160
    assert not track.cut(160, 21 * 160).any()
    assert track.time_us(21 * 160) == 210_000


def test_after_a_long_break_time_goes_on_where_the_sound_does() -> None:
    track = Track(GAP)
    assert track.add(0, pcm(100))
    assert track.add(510_000, pcm(100)), "the longest gap that is filled"
    assert track.end == 320 + GAP
    assert not track.add(3_600_000_000, pcm(100))
    assert track.end == 480 + GAP, "of this one nothing is kept"
    assert track.time_us(320 + GAP) == 3_600_000_000
    assert track.end_us(320 + GAP) == 520_000


def test_sound_that_comes_again_is_left_out() -> None:
    track = Track(GAP)
    track.add(0, pcm(*range(1, 21)))
    track.add(100_000, pcm(*range(11, 31)))
    assert track.end == 30 * 160
    assert np.array_equal(track.cut(0, track.end)[::160] * 32768, range(1, 31))
    track.add(0, pcm(*range(1, 21)))
    assert track.end == 30 * 160


def test_a_clock_that_was_set_back_begins_again() -> None:
    track = Track(GAP)
    track.add(3_600_000_000, pcm(100))
    assert not track.add(3_594_000_000, pcm(200))
    assert track.end == 320
    assert track.time_us(160) == 3_594_000_000


def test_what_is_forgotten_is_gone_and_the_rest_stays() -> None:
    track = Track(GAP)
    for at in range(10):
        track.add(at * 10_000, pcm(at + 1))
    track.forget(5 * 160)
    assert track.begin == 5 * 160
    assert np.array_equal(track.cut(0, 10 * 160)[::160] * 32768, range(6, 11))
    assert track.time_us(7 * 160) == 70_000


def test_half_a_sample_is_none() -> None:
    track = Track(GAP)
    track.add(0, b"\1")
    track.add(0, b"\1\2\3")
    assert track.end == 1


@given(st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(0, 2000)), max_size=20))
def test_any_times_are_taken(chunks: list[tuple[int, int]]) -> None:
    track = Track(GAP)
    for time_us, samples in chunks:
        before = track.end
        track.add(time_us, bytes(2 * samples))
        assert before <= track.end <= before + samples + GAP

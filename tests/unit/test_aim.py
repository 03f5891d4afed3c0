"""What was aimed at, by the moment that is asked for."""

from __future__ import annotations

import struct

from bridge.aim import Aim

SECOND = 1_000_000


def odds(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def test_nothing_was_aimed_at_before_the_first_answer() -> None:
    assert Aim().at(0) == {}


def test_it_is_the_answer_nearest_to_the_moment() -> None:
    aim = Aim()
    for at in range(10):
        aim.add(at * SECOND // 10, ("a", "b"), odds(at / 16, 1 - at / 16))
    assert aim.at(SECOND // 2) == {"a": 5 / 16, "b": 11 / 16}
    assert aim.at(SECOND // 2 + 40_000) == {"a": 5 / 16, "b": 11 / 16}
    assert aim.at(SECOND // 2 + 60_000) == {"a": 6 / 16, "b": 10 / 16}


def test_a_moment_without_an_answer_near_it_has_none() -> None:
    aim = Aim()
    aim.add(10 * SECOND, ("a",), odds(1))
    assert aim.at(10 * SECOND + SECOND // 2) == {"a": 1}
    assert aim.at(10 * SECOND + SECOND // 2 + 1) == {}
    assert aim.at(9 * SECOND) == {}


def test_five_seconds_are_kept_and_no_more() -> None:
    aim = Aim()
    for at in range(90 * 20):
        aim.add(at * SECOND // 90, (str(at),), odds(1))
    last = (90 * 20 - 1) * SECOND // 90
    assert aim.at(last - 5 * SECOND + 60_000)
    assert aim.at(last - 6 * SECOND) == {}


def test_each_answer_has_the_order_of_its_own_scene() -> None:
    aim = Aim()
    aim.add(0, ("a", "b"), odds(0.25, 0.75))
    aim.add(SECOND, ("b", "c"), odds(0.5, 0.5))
    assert aim.at(0) == {"a": 0.25, "b": 0.75}
    assert aim.at(SECOND) == {"b": 0.5, "c": 0.5}

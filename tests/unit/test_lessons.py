"""What a user teaches, as it is kept, can be used when it is loaded again."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.profiles import gestures, lessons
from bridge.profiles.items import Item
from models.gesture.names import NUMBERS


@pytest.mark.parametrize("times", [1, 999, 1000, 1001, 1500])
def test_however_often_a_built_in_gesture_is_corrected_its_corrections_are_kept(times: int) -> None:
    name = next(iter(NUMBERS))
    item = None
    for _ in range(times):
        item = Item(gestures.KIND, "", name, gestures.mistaken(name, item))
    assert item is not None
    assert lessons.problem(item) == ""
    assert item.data["mistaken"] == min(times, 1000)


@pytest.mark.parametrize("also", [{"target": "lamp"}, {"arguments": {"colour": "red"}}])
def test_a_phrase_that_means_nothing_has_nothing_to_do_it_with(also: dict[str, Any]) -> None:
    assert "no target and no arguments" in lessons.problem(
        Item("phrase", "app", "x", {"text": "x", "action": "", **also}, 0.0)
    )
    assert not lessons.problem(Item("phrase", "app", "x", {"text": "x", "action": "take", **also}, 0.0))

"""What of one utterance is not done, because one action comes of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language.several import undone, verbs

KNOWN = verbs(
    {
        "take": ["take the object", "could you get the object"],
        "hide": ["hide the object", "the object please"],
        "give": ["give of", "draw up of", "get me some"],
        "help": ["help", "what is this"],
        "show": ["go to the object", "take a look at the object", "don't lose the object", "leave the object"],
    }
)


def spans(text: str, pattern: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(pattern, text)]


def test_verbs_are_what_phrases_begin_with() -> None:
    assert {
        "take": {"take", "show"},
        "get": {"take", "give"},
        "hide": {"hide"},
        "give": {"give"},
        "draw": {"give"},
        "go": {"show"},
        "don": {"show"},
        "leave": {"show"},
    } == KNOWN


@pytest.mark.parametrize(
    ("text", "action", "left"),
    [
        ("take the mug", "take", []),
        ("take the mug and then hide it", "take", ["hide it"]),
        ("take the mug, and could you please hide it?", "take", ["could you please hide it"]),
        ("take the mug and hide it", "hide", ["take the mug"]),
        ("take the mug and the lamp", "take", ["the lamp"]),
        ("take the mug and then the lamp and the kettle", "take", ["the lamp"]),
        ("take the mug from between the kettle and the lamp", "take", []),
        ("take the mug and look at the lamp", "take", []),
        ("go and get the mug", "take", []),
        ("draw up and give 2", "give", []),
        ("give 2 and draw up it", "give", []),
        ("draw up the mug and give 2", "give", []),
        ("hide the mug and give 2", "give", ["hide the mug"]),
        ("take the mug and get it", "take", []),
        ("take the mug and get the lamp", "take", ["get the lamp"]),
        ("take the mug and the lamp too, please", "take", ["the lamp too, please"]),
        ("take the mug and the lamp stays here", "take", []),
        ("go ahead and hide the mug", "hide", []),
        ("go to the mug and hide the lamp", "hide", ["go to the mug"]),
        ("please take a look at the mug and hide it", "hide", []),
        ("hide the mug and don't hide the lamp", "hide", []),
        ("hide the mug and leave the lamp", "hide", []),
        ("leave the mug and take the lamp", "show", ["take the lamp"]),
        ("the mug, and hide the lamp", "take", ["hide the lamp"]),
        ("2, please, and hide the lamp", "give", ["hide the lamp"]),
        ("pour 2 and get it", "hide", []),
        ("give 2 and take the mug and hide the lamp", "give", ["take the mug", "hide the lamp"]),
        ("give salt and pepper", "give", []),
        ("", "take", []),
    ],
)
def test_what_is_ordered_beside_the_action_is_left(text: str, action: str, left: list[str]) -> None:
    targets = spans(text, r"the (?:mug|lamp|kettle)|\bit\b")
    assert undone(text, action, KNOWN, targets, spans(text, r"\d|salt and pepper")) == left


@given(st.lists(st.sampled_from(["take", "hide", "give", "the mug", "it", "and", "then", "2", ","])).map(" ".join))
def test_what_is_left_is_part_of_the_text(text: str) -> None:
    for left in undone(text, "take", KNOWN, spans(text, r"the mug|\bit\b"), spans(text, r"\d")):
        assert left in text

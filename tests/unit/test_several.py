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
    }
)


def spans(text: str, pattern: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(pattern, text)]


def test_verbs_are_what_phrases_begin_with() -> None:
    assert {
        "take": {"take"},
        "get": {"take", "give"},
        "hide": {"hide"},
        "give": {"give"},
        "draw": {"give"},
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
        ("give 2 and draw up 3", "give", ["draw up 3"]),
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

"""Misheard words are put right by what is expected, and what was right stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.speech.recognition import SpokenWord
from models.speech.repair import repair
from models.speech.sounds import likeness, sounds
from models.speech.vocabulary import Vocabulary

KITCHEN = Vocabulary(
    ("kettle", "red mug", "iced tea", "teapot", "eight ounce", "dark roast"),
    ("paint the {target} red", "pick up the kettle", "pour eight ounce of dark roast", "turn the lamp around"),
)


def said(text: str, probability: float = 0.6) -> list[SpokenWord]:
    return [SpokenWord(word, at, at + 0.5, probability) for at, word in enumerate(text.split())]


def repaired(text: str, probability: float = 0.6, expected: Vocabulary = KITCHEN) -> str:
    return " ".join(word.text for word in repair(said(text, probability), expected))


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("pick up the cattle", "pick up the kettle"),
        ("pick up the cattle.", "pick up the kettle."),
        ("pour 8 ounce of dark rose", "pour 8 ounce of dark roast"),
        ("pick up the red mag", "pick up the red mug"),
        ("pour the ice tea", "pour the iced tea"),
        ("Turn the lump around", "Turn the lamp around"),
        ("turn the tea pot around", "turn the teapot around"),
    ],
)
def test_what_sounds_like_something_expected_is_that(heard: str, meant: str) -> None:
    assert repaired(heard) == meant


@pytest.mark.parametrize(
    "text",
    [
        "pick up the kettle",
        "paint the red mug red",
        "pour 8 ounces of dark roast",
        "what is on my to do list",
        "I saw a rose in the garden of my mother",
        "how far away is the moon tonight",
        "we had cattle and sheep on that farm",
        "paint it",
        "",
        "... !",
    ],
)
def test_what_is_something_else_stays(text: str) -> None:
    assert repaired(text) == text


def test_what_the_recognizer_is_sure_of_stays() -> None:
    assert repaired("pick up the cattle", probability=0.99) == "pick up the cattle"


def test_nothing_is_expected_of_nobody() -> None:
    assert repaired("pick up the cattle", expected=Vocabulary()) == "pick up the cattle"


def test_words_keep_their_times() -> None:
    found = repair(said("pick up the cattle"), KITCHEN)
    assert [(word.begin, word.end) for word in found] == [(0, 0.5), (1, 1.5), (2, 2.5), (3, 3.5)]


def test_words_that_were_parted_otherwise_share_the_time() -> None:
    found = repair(said("turn the tea pot around"), KITCHEN)
    assert [(word.text, word.begin, word.end) for word in found][2] == ("teapot", 2, 3.5)


@given(
    st.lists(
        st.sampled_from(
            ["pick", "up", "the", "kettle", "paint", "red", "mug", "pour", "eight", "ounce", "dark", "lamp"]
        ),
        max_size=9,
    )
)
def test_expected_words_stay_in_any_order(words: list[str]) -> None:
    assert repaired(" ".join(words)) == " ".join(words)


@given(st.text(max_size=60))
def test_any_text_is_taken(text: str) -> None:
    assert len(repair(said(text), KITCHEN)) >= 0


@pytest.mark.parametrize(
    ("one", "other"),
    [("mocha", "mocker"), ("night", "nite"), ("phone", "fone"), ("rite", "right")],
)
def test_words_that_sound_alike_have_the_same_sounds(one: str, other: str) -> None:
    assert likeness(sounds(one), sounds(other)) > 0.95


def test_like_sounds_are_nearer_than_others() -> None:
    assert likeness(sounds("pat"), sounds("bat")) > likeness(sounds("pat"), sounds("cat"))
    assert likeness(sounds("rose"), sounds("rows")) > likeness(sounds("rose"), sounds("lamp"))


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_is_the_same_both_ways_and_between_0_and_1(one: str, other: str) -> None:
    some, others = sounds(one), sounds(other)
    assert 0 <= likeness(some, others) <= 1
    assert likeness(some, others) == pytest.approx(likeness(others, some))
    assert likeness(some, some) == 1

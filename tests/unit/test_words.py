"""When two words are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language.words import alike, plain, words


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("kettle", "kettle"),
        ("kettles", "kettle"),
        ("boxes", "box"),
        ("berries", "berry"),
        ("ketle", "kettle"),
        ("kettel", "kettle"),
        ("kettlle", "kettle"),
        ("kextle", "kettle"),
    ],
)
def test_alike(said: str, meant: str) -> None:
    assert alike(said, meant)
    assert alike(meant, said)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("mug", "rug"), ("flight", "light"), ("book", "look"), ("kettle", "bottle"), ("glass", "glas"), ("bus", "bu")],
)
def test_not_alike(said: str, meant: str) -> None:
    assert not alike(said, meant)


def test_case_accents_and_width_do_not_matter() -> None:
    assert plain("ÖLLÄMPCHEN") == plain("ollampchen")
    assert plain("Ｍｕｇ") == "mug"
    assert [word.text for word in words("What's the Café?")] == ["what", "s", "the", "cafe"]


@given(st.text())
def test_words_stand_where_they_are_said_to(text: str) -> None:
    at = 0
    for word in words(text):
        assert at <= word.start < word.end <= len(text)
        assert word.text == plain(text[word.start : word.end])
        at = word.end


@given(st.text(max_size=8))
def test_a_word_is_like_itself(word: str) -> None:
    assert alike(plain(word), plain(word))

"""What is expected to be said, and what a recognizer is told of it."""

from __future__ import annotations

import itertools

from models.speech.vocabulary import Vocabulary, filled


def test_phrases_have_each_value_at_least_once() -> None:
    found = filled(["paint the {target} {colour}"], {"target": ["mug", "lamp"], "colour": ["red", "green", "blue"]})
    assert all(any(value in text for text in found) for value in ("mug", "lamp", "red", "green", "blue"))
    assert "{" not in " ".join(found)


def test_a_place_without_values_is_left_out() -> None:
    assert filled(["put {target} away", "{words}"], {}) == ("put away",)


def test_the_prompt_has_as_many_words_as_fit_and_whole_commands_last() -> None:
    vocabulary = Vocabulary(("kettle", "mug"), ("paint the kettle red", "paint the mug red"))
    assert {"kettle", "mug", "paint", "red"} <= set(vocabulary.prompt.lower().replace(".", "").split())
    assert vocabulary.prompt.split(". ")[-1].startswith("Paint the")


def test_the_prompt_is_short_whatever_is_expected() -> None:
    names = ["".join(some) for some in itertools.product("bdgklm", "aeiou", "nprst", "aeo")]
    vocabulary = Vocabulary(tuple(names), tuple(f"fetch {name} now" for name in names))
    assert 40 <= len(vocabulary.prompt.split()) <= 80


def test_nothing_expected_is_no_prompt() -> None:
    assert Vocabulary().prompt == ""
    assert Vocabulary(("",), ("{words}", " ")).prompt == ""


def test_strange_words_are_neither_expected_nor_common() -> None:
    vocabulary = Vocabulary(("red mug",), ("pick up the {target}",))
    assert vocabulary.strange("pick up the red mug please") == 0
    assert vocabulary.strange("pick up the red bokeh") == 1
    assert vocabulary.familiar("pick up the red bokeh") == 2

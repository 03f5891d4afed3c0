"""What is said for an action's arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language.arguments import Choice, FreeText, Number, describe, extract, numbers

COLOUR = Choice("colour", {"red": ("crimson",), "blue": (), "light blue": ("sky blue",), "green": ()}, required=True)
VOLUME = Number("volume", 0, 100, "percent", required=True)
MINUTES = Number("minutes", 1, 90, "minutes")
DOSE = Number("dose", 0, 1000, "milligrams")
WORDS = FreeText("words", required=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("3.5 please", 3.5),
        ("-4", -4),
        ("zero", 0),
        ("twelve", 12),
        ("twenty five", 25),
        ("twenty-five", 25),
        ("a hundred", 100),
        ("one hundred and five", 105),
        ("two hundred and fifty five thousand", 255_000),
        ("minus three", -3),
        ("half", 0.5),
        ("three quarters", 0.75),
        ("set it to one", 1),
    ],
)
def test_numbers(text: str, value: float) -> None:
    ((_, found),) = numbers(text)
    assert found == value


@pytest.mark.parametrize("text", ["", "that one", "the other one", "and", "hundred", "anyone"])
def test_what_is_no_number(text: str) -> None:
    assert numbers(text) == []


def test_several_numbers_stand_where_they_are_said() -> None:
    text = "give five milligrams every 10 minutes"
    assert [(text[start:end], value) for (start, end), value in numbers(text)] == [("five", 5), ("10", 10)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("paint that red", "red"),
        ("paint it light blue", "light blue"),
        ("Sky Blue please", "light blue"),
        ("make it CRIMSON", "red"),
        ("greens", "green"),
        ("not the red, the blue", "blue"),
        ("purple", None),
        ("", None),
    ],
)
def test_choices(text: str, value: str | None) -> None:
    found = extract(text, [COLOUR])
    assert found.values.get("colour") == value
    assert found.missing == (() if value else ("colour",))


def test_what_means_something_else_is_not_read() -> None:
    text = "paint the red mug"
    assert extract(text, [COLOUR], taken=[(6, 17)]).missing == ("colour",)
    assert extract(text + " blue", [COLOUR], taken=[(6, 17)]).values == {"colour": "blue"}


def test_units_and_phrases_tell_numbers_apart() -> None:
    templates = ["give {dose} milligrams every {minutes} minutes"]
    found = extract("every 10 minutes give 5 milligrams", [MINUTES, DOSE], templates=templates)
    assert found.values == {"minutes": 10, "dose": 5}


def test_a_number_beyond_its_limits_is_asked_for_again() -> None:
    found = extract("volume 300 percent", [VOLUME])
    assert (found.values, found.missing) == ({}, ("volume",))
    assert found.problems == ("volume: 300 is more than 100",)
    optional = Number("percent", 10, 500)
    assert extract("to 700", [optional]).missing == ("percent",)
    assert extract("bigger", [optional]).missing == ()


def test_defaults_hold_where_nothing_is_said() -> None:
    turn = Number("degrees", -360, 360, default=90)
    assert extract("turn it", [turn]).values == {"degrees": 90}
    assert extract("turn it by 45", [turn]).values == {"degrees": 45}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("write hello class on the board", "hello class"),
        ("Please write E = mc² on the board!", "E = mc²"),
        ("write my name", "my name"),
        ("draw a cat", None),
    ],
)
def test_whatever_a_phrase_leaves_open(text: str, value: str | None) -> None:
    templates = ["write {words} on the board", "write {words}"]
    assert extract(text, [WORDS], templates=templates).values.get("words") == value


def test_descriptions_say_what_may_be_said() -> None:
    assert describe(COLOUR) == "colour: red, blue, light blue, green"
    assert describe(VOLUME) == "volume: a number from 0 to 100 percent"
    assert describe(Number("n")) == "n: a number"
    assert describe(WORDS) == "words: some words"


ANY = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["one", "hundred", "and", "a", "red", "light", "blue", "to", "5", "half"]), max_size=9
    ).map(" ".join),
)


@given(ANY, st.lists(st.text(max_size=20), max_size=3))
def test_any_text_has_values_that_can_be(text: str, templates: list[str]) -> None:
    arguments = [COLOUR, VOLUME, WORDS]
    found = extract(text, arguments, templates=["write {words}", "to {volume}", *templates])
    assert set(found.values) | set(found.missing) == {"colour", "volume", "words"}
    assert not set(found.values) & set(found.missing)
    if "volume" in found.values:
        assert 0 <= float(found.values["volume"]) <= 100
    if "colour" in found.values:
        assert found.values["colour"] in COLOUR.values
    for name, (start, end) in found.said.items():
        assert 0 <= start < end <= len(text), name


@given(st.integers(0, 999_999))
def test_any_whole_number_in_words(number: int) -> None:
    assert [value for _, value in numbers(spelled(number))] == [number]


def spelled(number: int) -> str:
    """As people say it, with "and" after hundreds."""
    teens = [f"{part}teen" for part in ("thir", "four", "fif", "six", "seven", "eigh", "nine")]
    low = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    names = [*low, *teens]
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if number < 20:
        return names[number]
    if number < 100:
        return tens[number // 10] + (f"-{names[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{names[number // 100]} hundred" + (f" and {spelled(number % 100)}" if number % 100 else "")
    rest = number % 1000
    return f"{spelled(number // 1000)} thousand" + (f" {spelled(rest)}" if rest else "")

"""Words as they are said aloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language.arguments import Choice, extract
from models.language.spoken import same, spoken
from models.language.words import words


def aloud(text: str) -> list[str]:
    return [word.text for word in spoken(words(text))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("16oz", "sixteen ounce"),
        ("a 12-ounce cup", "a twelve ounce cup"),
        ("8 oz", "eight ounce"),
        ("20", "twenty"),
        ("21", "twenty one"),
        ("110", "one hundred ten"),
        ("2005", "two thousand five"),
        ("0", "zero"),
        ("007", "007"),
        ("123456", "123456"),
        ("mug", "mug"),
        ("", ""),
    ],
)
def test_digits_and_units_are_read_out(text: str, said: str) -> None:
    assert aloud(text) == said.split()


def test_a_part_of_a_number_is_not_what_was_said() -> None:
    assert not same(spoken(words("21 mugs")), 1, ["one", "mugs"])
    assert not same(spoken(words("21 mugs")), 0, ["twenty"])
    assert same(spoken(words("21 mugs")), 0, ["twenty", "one", "mug"])


@given(st.text(max_size=80))
def test_any_text_is_read_and_stands_where_it_stood(text: str) -> None:
    said = words(text)
    assert {(word.start, word.end) for word in spoken(said)} <= {(word.start, word.end) for word in said}


SIZE = Choice("size", {"eight ounce": (), "twelve ounce": (), "large": ()})
ROAST = Choice("roast", {"light roast": (), "dark roast": ()})
SHOTS = Choice("shots", {"single shot": (), "double shot": ()})
DRINK = Choice("drink", {"latte": (), "mocha": (), "iced mocha": (), "coffee": (), "house coffee": ()})
MILK = Choice("milk", {"milk": (), "cream": (), "soy milk": (), "a bit of soy milk": (), "lots of cream": ()})
SUGAR = Choice("sugar", {"sugar": (), "brown sugar": (), "a bit of brown sugar": ()})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "get me a large light roast double shot latte with cream and brown sugar",
            {"size": "large", "roast": "light roast", "shots": "double shot", "drink": "latte", "milk": "cream",
             "sugar": "brown sugar"},
        ),
        ("brew an 8oz iced mocha", {"size": "eight ounce", "drink": "iced mocha"}),
        ("a 12-ounce house coffee with a bit of soy milk", {"size": "twelve ounce", "drink": "house coffee",
                                                            "milk": "a bit of soy milk"}),
        ("a mocha with a bit of brown sugar and lots of cream", {"drink": "mocha", "sugar": "a bit of brown sugar",
                                                                 "milk": "lots of cream"}),
    ],
)  # fmt: skip
def test_an_order_says_many_things_at_once(text: str, values: dict[str, str]) -> None:
    assert extract(text, [SIZE, ROAST, SHOTS, DRINK, MILK, SUGAR]).values == values

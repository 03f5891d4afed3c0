"""What is said for an action's arguments."""

from __future__ import annotations

import itertools
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language.arguments import Argument, Choice, FreeText, Number, Value, describe, extract, numbers

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
    whole = extract("turn it", [Number("degrees", default=90.0)]).values["degrees"]
    assert (whole, type(whole)) == (90, int)
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


PAINTS = Choice("colour", {"red": (), "blue": ("navy",), "light blue": ("sky",), "turquoise": ()}, required=True)
ANGLE = Number("angle", -360, 360, "degrees")
DISTANCE = Number("distance", 0, 10, "metres")
SOURCE = Choice("source", {"red": (), "blue": ()})
GOAL = Choice("goal", {"red": (), "blue": ()})
X = Number("x", 0, 10)
Y = Number("y", 0, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", [5]),
        ("-3", [-3]),
        ("−3", [-3]),
        ("minus three", [-3]),
        ("negative 4", [-4]),
        ("2.5", [2.5]),
        ("2,5", [2.5]),
        (".5", [0.5]),
        ("1,000", [1000]),
        ("12,345,678", [12345678]),
        ("50%", [50]),
        ("90deg", [90]),
        ("10-20", [10, 20]),
        ("٣", [3]),
        ("twenty five", [25]),
        ("twenty-five", [25]),
        ("twenty twenty", [20, 20]),
        ("ten five", [10, 5]),
        ("five six", [5, 6]),
        ("one hundred", [100]),
        ("a hundred", [100]),
        ("a hundred and five", [105]),
        ("two hundred and fifty six", [256]),
        ("a thousand five", [1005]),
        ("two thousand and twenty", [2020]),
        ("three hundred and twenty one thousand", [321000]),
        ("2 million", [2000000]),
        ("half", [0.5]),
        ("a half", [0.5]),
        ("minus a half", [-0.5]),
        ("a quarter", [0.25]),
        ("three quarters", [0.75]),
        ("one and a half", [1.5]),
        ("2 and a half", [2.5]),
        ("two and three quarters", [2.75]),
        ("two point five", [2.5]),
        ("zero point two five", [0.25]),
        ("minus two point five", [-2.5]),
        ("a couple of", [2]),
        ("a dozen", [12]),
        ("set it to one", [1]),
        ("rotate it one degree", [1]),
        ("one", [1]),
        ("that one", []),
        ("the other one", []),
        ("the third lamp", []),
        ("a", []),
        ("a hundred lamps and two mugs", [100, 2]),
        ("point at it", []),
        ("minus", []),
        ("and a", []),
        ("²", []),
        ("", []),
    ],
)
def test_numbers_in_digits_and_words(text: str, expected: list[float]) -> None:
    assert [value for _, value in numbers(text)] == pytest.approx(expected)


def test_a_number_too_long_for_a_float_is_a_problem() -> None:
    found = extract("set it to " + "9" * 400, [VOLUME])
    assert found.missing == ("volume",)
    assert found.problems == ("volume: inf is more than 100",)
    boundless = Number("n", minimum=float("-inf"), maximum=float("inf"))
    assert extract("9" * 400, [boundless]).problems == ("n: inf is no number to work with",)


SET = ["set the volume to {volume}"]
MOVE = ["rotate it by {angle} and move it by {distance}"]
PAINT = ["paint the {target} {colour}"]
FADE = ["fade from {source} to {goal}"]
WRITE = ["write {words} on the board"]
GIVE = ["give {dose} milligrams"]


@pytest.mark.parametrize(
    ("text", "arguments", "templates", "expected"),
    [
        ("set the volume to ten percent", [VOLUME], SET, {"volume": 10}),
        ("volume 30", [VOLUME], SET, {"volume": 30}),
        ("set the volume to half", [VOLUME], SET, {"volume": 50}),
        ("set the volume to three quarters", [VOLUME], SET, {"volume": 75}),
        ("make it 12.5 %", [VOLUME], SET, {"volume": 12.5}),
        ("rotate it 90 degrees and move it two metres", [ANGLE, DISTANCE], MOVE, {"angle": 90, "distance": 2}),
        ("move it two metres and rotate it 90 degrees", [ANGLE, DISTANCE], MOVE, {"angle": 90, "distance": 2}),
        ("rotate it minus forty five degrees", [ANGLE], MOVE, {"angle": -45}),
        ("move it half a metre", [DISTANCE], MOVE, {"distance": 0.5}),
        ("move it a metre", [DISTANCE], MOVE, {"distance": 1}),
        ("move it one metre", [DISTANCE], MOVE, {"distance": 1}),
        ("count from 2 to 8", [X, Y], ["count from {x} to {y}"], {"x": 2, "y": 8}),
        ("count to eight from two", [X, Y], ["count from {x} to {y}"], {"x": 2, "y": 8}),
        ("2 by 3", [X, Y], ["{x} by {y}"], {"x": 2, "y": 3}),
        ("3, 4", [X, Y], ["{x} {y}"], {"x": 3, "y": 4}),
        ("3, 4", [X, Y], ["{y} {x}"], {"y": 3, "x": 4}),
        ("paint it blue", [PAINTS], PAINT, {"colour": "blue"}),
        ("paint it NAVY!", [PAINTS], PAINT, {"colour": "blue"}),
        ("paint it light blue", [PAINTS], PAINT, {"colour": "light blue"}),
        ("paint it light-blue", [PAINTS], PAINT, {"colour": "light blue"}),
        ("paint it turqoise", [PAINTS], PAINT, {"colour": "turquoise"}),
        ("paint it red, no, blue", [PAINTS], PAINT, {"colour": "blue"}),
        ("paint it blue, not red", [PAINTS], PAINT, {"colour": "blue"}),
        ("paint it bread", [PAINTS], PAINT, {}),
        ("fade from red to blue", [SOURCE, GOAL], FADE, {"source": "red", "goal": "blue"}),
        ("fade to blue from red", [SOURCE, GOAL], FADE, {"source": "red", "goal": "blue"}),
        ("fade red blue", [SOURCE, GOAL], FADE, {"source": "red", "goal": "blue"}),
        ("fade to blue", [SOURCE, GOAL], FADE, {"goal": "blue"}),
        ("write hello there on the board", [WORDS], WRITE, {"words": "hello there"}),
        ("please write Hello, World! on the board.", [WORDS], WRITE, {"words": "Hello, World"}),
        ("write the end on a board", [WORDS], WRITE, {"words": "the end"}),
        ("write 😀 on the board", [WORDS], WRITE, {"words": "😀"}),
        ("write on the board on the board", [WORDS], WRITE, {"words": "on the board"}),
        ("write on the board", [WORDS], WRITE, {}),
        ("erase the board", [WORDS], WRITE, {}),
        ("write 5 apples on the board", [WORDS, X], WRITE, {"words": "5 apples"}),
        ("say good morning", [WORDS], ["say {words}"], {"words": "good morning"}),
        ("anything at all", [WORDS], ["{words}"], {"words": "anything at all"}),
    ],
)
def test_arguments_by_their_phrases(
    text: str, arguments: list[Argument], templates: list[str], expected: dict[str, Value]
) -> None:
    found = extract(text, arguments, templates=templates)
    assert found.values == expected
    assert found.problems == ()
    assert set(found.missing) == {one.name for one in arguments if one.required} - set(expected)


HOLES = Number("count", 1, 20, "holes")
SIZE = Number("size", 1, 50, "millimetres")
DRILL = ["drill {count} holes in {target}", "drill {count} holes of {size} millimetres in {target}"]
HEADING = Number("heading", 0, 360, "degrees")
STEER = ["turn to {heading} degrees", "steer {heading}"]
OVEN = Number("heat", 50, 300, "degrees")


@pytest.mark.parametrize(
    ("text", "arguments", "templates", "expected"),
    [
        ("give one fifty milligrams", [DOSE], GIVE, {"dose": 150}),
        ("give two twenty-five", [DOSE], GIVE, {"dose": 225}),
        ("give nine ten", [DOSE], GIVE, {"dose": 910}),
        ("give two oh five milligrams", [DOSE], GIVE, {"dose": 205}),
        ("give one fifty, no, two hundred", [DOSE], GIVE, {"dose": 200}),
        ("give three, fifty in all", [DOSE], GIVE, {"dose": 3}),
        ("rotate it minus one eighty degrees", [ANGLE], MOVE, {"angle": -180}),
        ("rotate it one eighty degrees", [ANGLE, DISTANCE], MOVE, {"angle": 180}),
        ("bake it at one eighty", [OVEN, MINUTES], ["bake it at {heat} for {minutes} minutes"], {"heat": 180}),
        (
            "bake it at one eighty for twenty minutes",
            [OVEN, MINUTES],
            ["bake it at {heat} for {minutes} minutes"],
            {"heat": 180, "minutes": 20},
        ),
        ("drill two ten millimetre holes", [HOLES, SIZE], DRILL, {"count": 2, "size": 10}),
        ("drill one ten millimetre hole", [HOLES, SIZE], DRILL, {"count": 1, "size": 10}),
        ("two ten", [HOLES, SIZE], DRILL, {"count": 2, "size": 10}),
        ("turn to two two five", [HEADING], STEER, {"heading": 225}),
        ("turn to three one five degrees", [HEADING], STEER, {"heading": 315}),
        ("turn to two seven one", [HEADING], STEER, {"heading": 271}),
        ("turn to zero nine oh", [HEADING], STEER, {"heading": 90}),
        ("put it at one two three", [X, Y, Number("z", 0, 100)], ["put it at {x} {y} {z}"], {"x": 1, "y": 2, "z": 3}),
        ("put it at three forty", [X, Number("z", 0, 100)], ["put it at {x} {z}"], {"x": 3, "z": 40}),
        ("scale it twenty twenty percent", [VOLUME], [], {"volume": 20}),
        ("set the volume to fifty uh fifty", [VOLUME], SET, {"volume": 50}),
    ],
)
def test_hundreds_without_the_word(
    text: str, arguments: list[Argument], templates: list[str], expected: dict[str, Value]
) -> None:
    found = extract(text, arguments, templates=templates)
    assert (found.values, found.problems) == (expected, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("set the volume to nineteen fifty", "volume: 19 or 50"),
        ("set the volume to five six percent", "volume: 5 or 6"),
        ("set the volume to ten, um, twenty", "volume: 10 or 20"),
        ("set the volume to six thirty", "volume: 630 is more than 100"),
        ("set the volume to one two three", "volume: 123 is more than 100"),
    ],
)
def test_numbers_side_by_side_are_asked_about(text: str, problem: str) -> None:
    found = extract(text, [VOLUME], templates=SET)
    assert (found.values, found.problems) == ({}, (problem,))


def test_a_thing_that_may_be_part_of_the_number_beside_it_is_asked_about() -> None:
    found = extract("rotate that one eighty", [ANGLE], taken=[(7, 15)], templates=MOVE)
    assert (found.values, found.problems) == ({}, ("angle: 80 or 180",))
    assert extract("rotate that one eighty degrees", [ANGLE], taken=[(7, 15)], templates=MOVE).values == {"angle": 80}
    assert extract("rotate that one by eighty degrees", [ANGLE], taken=[(7, 15)]).values == {"angle": 80}
    assert extract("make that one fifty", [VOLUME], taken=[(5, 13)]).values == {"volume": 50}, "150 cannot be"


@given(st.integers(1, 9), st.integers(10, 99))
def test_any_hundreds_without_the_word(many: int, rest: int) -> None:
    found = extract(f"give {spelled(many)} {spelled(rest)} milligrams", [DOSE], templates=GIVE)
    assert found.values == {"dose": 100 * many + rest}


@given(st.lists(st.integers(0, 9), min_size=3, max_size=6))
def test_any_figures_one_by_one(figures: list[int]) -> None:
    found = extract(f"dial {' '.join(map(spelled, figures))}", [Number("number")])
    assert found.values == {"number": int("".join(map(str, figures)))}


BEATS = Number("rate", 30, 200, "beats")


@pytest.mark.parametrize(
    ("text", "arguments", "templates", "expected"),
    [
        ("give 2, no, 3 milligrams", [DOSE], GIVE, {"dose": 3}),
        ("give 3 milligrams, no 2", [DOSE], GIVE, {"dose": 2}),
        ("give 3 mg, sorry, 2, I mean 1", [DOSE], GIVE, {"dose": 1}),
        ("give two milligrams, no, one", [DOSE], GIVE, {"dose": 1}),
        ("half a milligram please, no, one please", [DOSE], GIVE, {"dose": 1}),
        ("two milligrams, sorry, one", [DOSE], GIVE, {"dose": 1}),
        ("one point five, wait, one", [DOSE], GIVE, {"dose": 1}),
        ("give two milligrams, no, that one", [DOSE], GIVE, {"dose": 2}),
        ("give two milligrams, no, the red one", [DOSE], GIVE, {"dose": 2}),
        ("give two milligrams, no, one by one", [DOSE], GIVE, {"dose": 2}),
        ("give two milligrams, wait, three", [DOSE], GIVE, {"dose": 3}),
        ("give two milligrams, wait three minutes", [DOSE], GIVE, {"dose": 2}),
        ("mix for five minutes, wait two minutes", [MINUTES], [], {"minutes": 5}),
        ("paint it red, wait, blue", [PAINTS], PAINT, {"colour": "blue"}),
        ("give two milligrams of red, no, one", [DOSE, PAINTS], GIVE, {"dose": 1, "colour": "red"}),
        ("give 2 milligrams of red, no, 3 of blue", [DOSE, PAINTS], GIVE, {"dose": 3, "colour": "blue"}),
        ("give red 2 milligrams, no, blue", [DOSE, PAINTS], GIVE, {"dose": 2, "colour": "blue"}),
        ("give 2 milligrams of red and 3 of blue", [DOSE, PAINTS], GIVE, {"dose": 2, "colour": "red"}),
        ("give 500 micrograms, no, 1 milligram", [DOSE], GIVE, {"dose": 1}),
        ("80 beats, no, make it 90", [BEATS], ["{rate} beats"], {"rate": 90}),
        ("rotate it by 30, no, by 60 degrees", [ANGLE], MOVE, {"angle": 60}),
        ("paint it light blue, no, red", [PAINTS], PAINT, {"colour": "red"}),
        ("fade from red, no, light blue", [PAINTS], ["fade from {colour}"], {"colour": "light blue"}),
        ("fade from red, sorry, blue to red", [SOURCE, GOAL], FADE, {"source": "blue", "goal": "red"}),
        ("paint it red and that one blue", [PAINTS], PAINT, {"colour": "red"}),
        ("give 2 milligrams, not 3", [DOSE], GIVE, {"dose": 2}),
    ],
)
def test_the_first_value_counts_until_it_is_corrected(
    text: str, arguments: list[Argument], templates: list[str], expected: dict[str, Value]
) -> None:
    assert extract(text, arguments, templates=templates).values == expected


def test_what_names_a_target_is_no_argument() -> None:
    text = "paint the red mug blue"
    assert extract(text, [PAINTS], taken=[(6, 17)], templates=PAINT).values == {"colour": "blue"}
    assert extract("paint the red mug", [PAINTS], taken=[(6, 17)], templates=PAINT).missing == ("colour",)
    assert extract("rotate lamp 2", [ANGLE], taken=[(7, 13)]).values == {}


def test_a_value_that_is_all_of_a_mention_counts_where_nothing_else_does() -> None:
    mode = Choice("mode", {"light": (), "dark": ()})
    assert extract("switch to the light", [mode], taken=[(10, 19)]).values == {"mode": "light"}
    assert extract("make the light dark", [mode], taken=[(5, 14)]).values == {"mode": "dark"}


def test_what_a_phrase_leaves_open_beside_a_target() -> None:
    before, after = ["label {target} {words}"], ["stick {words} {target}"]
    assert extract("label the mug hot stuff", [WORDS], taken=[(6, 13)], templates=before).values == {
        "words": "hot stuff"
    }
    assert extract("stick a note the mug", [WORDS], taken=[(13, 20)], templates=after).values == {"words": "a note"}


PERSON = Choice("person", {"Anna": (), "Ben": ("Benny",), "the whole team": ()}, required=True)
TELL = ["tell {person} {words}", "message {person} {words}", "send a message to {person}", "tell {person} that {words}"]
REMIND = ["remind {words} {person}"]


@pytest.mark.parametrize(
    ("text", "templates", "expected"),
    [
        ("tell anna dinner is ready", TELL, {"person": "Anna", "words": "dinner is ready"}),
        ("tell Benny: dinner is ready", TELL, {"person": "Ben", "words": "dinner is ready"}),
        ("tell the whole team hello", TELL, {"person": "the whole team", "words": "hello"}),
        ("tell anna that ben is here", TELL, {"person": "Anna", "words": "ben is here"}),
        ("message ben anna is here", TELL, {"person": "Ben", "words": "anna is here"}),
        ("tell dinner is ready", TELL, {}),
        ("message ben", TELL, {"person": "Ben"}),
        ("tell ben please", TELL, {"person": "Ben"}),
        ("send a message to ben", TELL, {"person": "Ben"}),
        ("please send a message to ben", ["message {words}", *TELL], {"person": "Ben"}),
        (
            "remind dinner is ready the whole team please",
            REMIND,
            {"person": "the whole team", "words": "dinner is ready"},
        ),
        ("remind ben dinner is ready", REMIND, {"person": "Ben"}),
        ("remind ben", REMIND, {"person": "Ben"}),
    ],
)
def test_what_a_phrase_leaves_open_beside_another_argument(
    text: str, templates: list[str], expected: dict[str, Value]
) -> None:
    assert extract(text, [PERSON, WORDS], templates=templates).values == expected


def test_a_mention_in_what_a_phrase_leaves_open_stays_there() -> None:
    found = extract("write kettle on the board", [WORDS], taken=[(6, 12)], templates=WRITE)
    assert found.values == {"words": "kettle"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("set the volume to 300", "volume: 300 is more than 100"),
        ("set the volume to minus five", "volume: -5 is less than 0"),
    ],
)
def test_numbers_out_of_range_are_missing_with_a_reason(text: str, problem: str) -> None:
    found = extract(text, [VOLUME], templates=SET)
    assert (found.values, found.missing, found.problems) == ({}, ("volume",), (problem,))


SECONDS = Number("seconds", 0, 60, "seconds")
TIMER = ["set a timer for {minutes} minutes"]


@pytest.mark.parametrize(
    ("text", "argument", "templates", "unit"),
    [
        ("give 500 micrograms", DOSE, GIVE, "micrograms"),
        ("give 500 µg", DOSE, GIVE, "microgram"),
        ("give 1 gram", DOSE, GIVE, "gram"),
        ("give one to two grams", DOSE, GIVE, "grams"),
        ("give 10ml", DOSE, GIVE, "millilitre"),
        ("rotate it 50 %", ANGLE, MOVE, "percent"),
        ("rotate it half a turn", ANGLE, MOVE, "turn"),
        ("set a timer for 90 seconds", MINUTES, TIMER, "seconds"),
        ("set a timer for half an hour", MINUTES, TIMER, "hour"),
        ("set a timer for one and a half hours", MINUTES, TIMER, "hours"),
        ("set a timer for 1 hour and 10 minutes", MINUTES, TIMER, "hour"),
        ("set a timer for 5 minutes 30 seconds", MINUTES, TIMER, "seconds"),
    ],
)
def test_other_units_are_asked_about(text: str, argument: Number, templates: list[str], unit: str) -> None:
    found = extract(text, [argument], templates=templates)
    assert (found.values, found.missing) == ({}, (argument.name,))
    assert found.problems == (f"{argument.name}: in {argument.unit}, not {unit}",)


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("give 5 mg", [DOSE], {"dose": 5}),
        ("give 5mg every 10 min", [DOSE], {"dose": 5}),
        ("give 2 milligrams in 3 minutes", [DOSE, MINUTES], {"dose": 2, "minutes": 3}),
        ("5 minutes and 30 seconds", [MINUTES, SECONDS], {"minutes": 5, "seconds": 30}),
        ("that one, turn it by 45", [ANGLE], {"angle": 45}),
        ("set it to 45, turn it on", [ANGLE], {"angle": 45}),
        ("make groups of 3, minutes matter", [X], {"x": 3}),
    ],
)
def test_units_of_other_arguments_and_of_none_are_no_problem(
    text: str, arguments: list[Argument], expected: dict[str, Value]
) -> None:
    found = extract(text, arguments, templates=["{angle}", *GIVE, *TIMER])
    assert (found.values, found.missing) == (expected, ())


def test_defaults_stand_in_for_what_was_not_said() -> None:
    assert extract("louder", [Number("step", 1, 10, default=5)]).values == {"step": 5}
    # What was said and cannot be is not replaced in silence.
    assert extract("louder by 50", [Number("step", 1, 10, default=5)]).missing == ("step",)


def work(text: str) -> int:
    """How many calls and returns it takes to extract arguments from a text."""
    templates = ["write {words} to {target} about {topic} on the board", "write {words} to {a} to {b} to {c}"]
    before, counted = sys.getprofile(), itertools.count()
    sys.setprofile(lambda *_: next(counted))
    try:
        extract(text, [PAINTS, VOLUME, WORDS], templates=templates)
    finally:
        sys.setprofile(before)
    return next(counted)


@pytest.mark.parametrize("text", ["write a to b " * 75, "a " * 500, "twenty " * 140, "blue" * 250, "1" * 1000])
def test_not_every_way_through_a_long_text_is_searched(text: str) -> None:
    assert work(text * 2) <= 4 * work(text), "no more than the square of its length"


TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            re.findall(
                r"\S+",
                "set to one two a hundred and half quarters minus point 3 -4.5 1,000 % light blue red not write on the "
                "board from {x} twenty couple of thousand",
            )
        ),
        max_size=20,
    ).map(" ".join),
)
ARGUMENTS: list[Argument] = [PAINTS, VOLUME, ANGLE, X, Y, SOURCE, GOAL, WORDS]


@given(TEXTS, st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=3), st.lists(TEXTS, max_size=3))
def test_no_two_arguments_share_words(text: str, taken: list[tuple[int, int]], templates: list[str]) -> None:
    found = extract(text, ARGUMENTS, taken=taken, templates=[*templates, "write {words} {x}", *SET, *FADE])
    assert set(found.said) == set(found.values)
    assert set(found.values).isdisjoint(found.missing)
    spans = sorted(found.said.values())
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    for argument in (VOLUME, ANGLE, X, Y):
        value = found.values.get(argument.name)
        assert value is None or argument.minimum <= float(value) <= argument.maximum
    assert found.values.get("colour", "red") in PAINTS.values


@given(st.integers(-999_999, 999_999))
def test_digits_are_read_as_written(number: int) -> None:
    assert [value for _, value in numbers(f"set it to {number} now")] == [number]
    assert [value for _, value in numbers(f"set it to {number:,} now")] == [number]

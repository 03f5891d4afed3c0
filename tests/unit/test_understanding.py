"""From an utterance to an action, with the real encoder and the gallery's manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.app import App
from bridge.event_path.apps import understand
from bridge.manifest import load
from models.intent import background
from models.intent.adapted import adapted
from models.intent.model import Prediction
from models.language import heard
from models.language.app_actions import Action, PhraseIntents, Understanding, expanded
from models.language.arguments import Choice, Extracted, FreeText, Number, extract
from models.language.dialogue import TARGET, Name, Pending, Phrase, Question, Reading
from models.language.encoder import Encoder
from models.language.references import Candidate, Situation
from models.language.understanding import read

APPS = Path(__file__).parents[2] / "samples" / "apps"
GALLERY = load(APPS / "gallery.toml")
THINGS = tuple(Candidate(one.id, one.name, tuple(one.aliases), one.position, one.size) for one in GALLERY.targets)
WORDS = FreeText("words", required=True)
COLOUR = Pending("paint", 0.9, ("colour",), "clock")
DOSE = Pending("give_drug", 0.9, ("dose",), "", {"drug": "adrenaline"})


class Listener:
    """Reads what is said while somebody looks at the lamp and has spoken of the kettle."""

    def __init__(self, app: App = GALLERY.app) -> None:
        self.encoder = Encoder.load(adapted())
        self.understanding = understand(app, self.encoder, self.encoder.encode(background.texts()).numpy())

    def hear(
        self,
        text: str,
        *,
        looked: str = "lamp",
        pending: Pending | None = None,
        phrases: tuple[Phrase, ...] = (),
        before: str = "",
        clear: bool = False,
    ) -> Reading:
        odds = tuple(0.82 if one.id == looked else 0.02 for one in THINGS) if looked else None
        question = Question(text, Situation(THINGS, odds, None, "kettle"), pending, phrases, before, clear)
        return read(self.encoder, [(self.understanding, question)])[0]


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def ward() -> Listener:
    return Listener(load(APPS / "medicine.toml").app)


@pytest.fixture(scope="module")
def workshop() -> Listener:
    """Its values hold names of things, and its actions take two numbers or any words."""
    places = Choice("place", {"on the table": ("onto the table",), "in the kettle": ()}, required=True)
    count = Number("count", 1, 20, "holes", required=True)
    size = Number("size", 1, 50, "millimetres", required=True)
    strength = Choice("strength", {"weak": (), "strong": ()}, required=True)
    actions = [
        Action(
            "put", ("put {target} {place}", "move {target} {place}", "put {target} somewhere"), "required", (places,)
        ),
        Action(
            "drill",
            ("drill {count} holes in {target}", "drill {count} holes of {size} millimetres", "drill into {target}"),
            "required",
            (count, size),
        ),
        Action("note", ("note {words}", "write down {words}", "make a note"), arguments=(WORDS,)),
        Action("add", ("add {count} of salt", "buy some salt", "put in salt"), arguments=(Number("count", 1, 99),)),
        Action("brew", ("make {strength} tea", "brew some {strength} tea", "make tea"), arguments=(strength,)),
        Action("take", ("take {target}", "pick up {target}", "give me {target}"), "required"),
    ]
    listener = Listener()
    around = listener.encoder.encode(background.texts()).numpy()
    listener.understanding = Understanding(actions, PhraseIntents(actions, listener.encoder, around), 0.5)
    return listener


@pytest.fixture(scope="module")
def school() -> Listener:
    return Listener(load(APPS / "classroom.toml").app)


@pytest.mark.parametrize(
    ("text", "action", "target", "arguments"),
    [
        ("pick up the kettle", "take", "kettle", {}),
        ("get the kettle", "take", "kettle", {}),
        ("get the radio bigger", "resize", "radio", {"change": "bigger"}),
        ("could you pass me the radio please", "take", "radio", {}),
        ("that one", "select", "lamp", {}),
        ("Kettle", "select", "kettle", {}),
        ("what is this", "describe", "lamp", {}),
        ("paint that red", "paint", "lamp", {"colour": "red"}),
        ("make it crimson", "paint", "kettle", {"colour": "red"}),
        ("paint the red mug behind the kettle blue", "paint", "mug-red", {"colour": "blue"}),
        ("make the lamp bigger", "resize", "lamp", {"change": "bigger"}),
        ("scale the plant to fifty percent", "resize", "plant", {"percent": 50}),
        ("rotate it by 45 degrees", "rotate", "kettle", {"degrees": 45}),
        ("rotate the kettle 30 degrees and turn the lamp by 60 degrees", "rotate", "kettle", {"degrees": 30}),
        ("paint the kettle red and the lamp light blue", "paint", "kettle", {"colour": "red"}),
        ("paint the kettle and the lamp red", "paint", "kettle", {"colour": "red"}),
        ("spin the clock", "rotate", "clock", {"degrees": 90}),
        ("take the red uh blue mug", "take", "mug-blue", {}),
        ("paint the red no the blue mug green", "paint", "mug-blue", {"colour": "green"}),
        ("get rid of the stool", "hide", "footstool", {}),
        ("oops, revert that", "undo", "", {}),
        ("let's see the next exhibition room", "next_room", "", {}),
    ],
)
def test_what_is_meant(
    listener: Listener, text: str, action: str, target: str, arguments: dict[str, str | int | float]
) -> None:
    reading = listener.hear(text)
    assert (reading.action, reading.target, reading.arguments, reading.missing) == (action, target, arguments, ())
    assert reading.confidence >= 0.5
    assert reading.why


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "?!...",
        "asdf qwer zxcv",
        "x" * 2000,
        "what is the weather like in paris",
        "how do I cook rice",
        "wie spät ist es",
        "今日はいい天気ですね",
        "привет как дела",
        "my bank account is empty",
        "\x00\x1b[31m",
    ],
)
def test_what_means_nothing_here(listener: Listener, text: str) -> None:
    reading = listener.hear(text)
    assert reading.action == ""
    assert reading.problem


def test_what_is_missing_is_said(listener: Listener) -> None:
    which = listener.hear("hand me the mug", looked="")
    assert (which.action, which.target, which.missing) == ("take", "", (TARGET,))
    assert "Red mug" in which.problem
    assert "Blue mug" in which.problem
    colour = listener.hear("paint the clock")
    assert (colour.action, colour.target, colour.missing) == ("paint", "clock", ("colour",))
    assert "colour: red, blue" in colour.problem
    beyond = listener.hear("scale the plant to 700 percent")
    assert (beyond.action, beyond.missing) == ("resize", ("percent",))
    assert "700 is more than 500" in beyond.problem


def test_what_is_not_there_is_not_guessed(listener: Listener) -> None:
    reading = listener.hear("pick up the trombone")
    assert reading.target == ""
    if reading.action:
        assert reading.missing == (TARGET,)
        assert "nothing here is called 'trombone'" in reading.problem


@pytest.mark.parametrize(
    "text",
    [
        "hide everything except the kettle",
        "hide everything except the kettle, the clock and the radio",
        "take anything but the kettle",
        "take all but the kettle and the clock",
        "take everything other than the kettle",
        "paint not the kettle red",
        "paint everything apart from the red mug green",
    ],
)
def test_what_is_excluded_is_not_taken(listener: Listener, text: str) -> None:
    for looked in ("", "lamp", "kettle"):
        reading = listener.hear(text, looked=looked)
        assert reading.target == ""
        assert reading.action == "" or (TARGET in reading.missing and "is said not to be it" in reading.problem)
        assert reading.arguments.get("colour") in (None, "red" if "paint not" in text else "green")


def test_what_is_said_beside_what_is_excluded_is_taken(listener: Listener) -> None:
    for text in ("hide the lamp, not the kettle", "not the kettle, hide the lamp", "hide nothing but the lamp"):
        assert listener.hear(text).target == "lamp"
    answer = listener.hear("the blue mug, not the kettle", pending=Pending("take", 0.9, (TARGET,)))
    assert (answer.completes, answer.target) == (True, "mug-blue")


def test_nothing_that_was_tracked_is_nothing_to_point_at(listener: Listener) -> None:
    reading = listener.hear("grab that", looked="")
    assert (reading.action, reading.missing) == ("take", (TARGET,))
    assert "nothing was tracked" in reading.problem


def test_an_answer_completes_what_waits(listener: Listener) -> None:
    pending = Pending("take", 0.9, (TARGET,))
    reading = listener.hear("the kettle", pending=pending)
    assert (reading.completes, reading.action, reading.target, reading.missing) == (True, "take", "kettle", ())
    reading = listener.hear("that one", pending=pending)
    assert (reading.completes, reading.target) == (True, "lamp")
    colour = Pending("paint", 0.9, ("colour",), "clock")
    reading = listener.hear("blue please", pending=colour)
    assert (reading.completes, reading.action, reading.target) == (True, "paint", "clock")
    assert reading.arguments == {"colour": "blue"}


@pytest.mark.parametrize(
    "said", ["two", "2 milligrams", "two milligrams", "two milligrams please", "give two milligrams"]
)
def test_an_amount_with_its_unit_completes_what_waits(ward: Listener, said: str) -> None:
    pending = Pending("give_drug", 0.9, ("dose",), arguments={"drug": "adrenaline"})
    reading = ward.hear(said, pending=pending)
    assert (reading.completes, reading.action, reading.missing) == (True, "give_drug", ())
    assert reading.arguments == {"drug": "adrenaline", "dose": 2}


def test_another_order_of_the_same_action_is_no_answer(ward: Listener) -> None:
    pending = Pending("give_drug", 0.9, ("dose",), arguments={"drug": "adrenaline"})
    reading = ward.hear("give one milligram of atropine", pending=pending)
    assert not reading.completes
    assert reading.arguments == {"drug": "atropine", "dose": 1}


def test_an_answer_about_another_target_is_none(listener: Listener) -> None:
    reading = listener.hear("the kettle red", pending=Pending("paint", 0.9, ("colour",), "clock"))
    assert not reading.completes
    assert reading.target != "clock"


@pytest.mark.parametrize("said", ["photosynthesis", " hello world ", "the mitochondria is the powerhouse of the cell"])
def test_what_is_said_is_what_a_phrase_left_open(school: Listener, said: str) -> None:
    reading = school.hear(said, pending=Pending("write", 0.9, ("words",)))
    assert (reading.completes, reading.action, reading.missing) == (True, "write", ())
    assert reading.arguments == {"words": said.strip()}


@pytest.mark.parametrize("words", ["never mind", "no wait", "on second thought"])
def test_what_a_phrase_leaves_open_takes_nothing_back(school: Listener, words: str) -> None:
    reading = school.hear(f"write {words} on the board")
    assert (reading.action, reading.arguments) == ("write", {"words": words})
    assert school.hear(f"write {words}").action == "write"


def test_a_text_is_told_to_the_one_who_is_named_before_it(listener: Listener) -> None:
    person = Choice("person", {"Anna": (), "Ben": ()}, required=True)
    send = Action("send", ("tell {person} {words}", "send a message to {person}"), "none", (person, WORDS))
    actions = [send, Action("undo", ("undo", "take that back"))]
    around = listener.encoder.encode(background.texts()).numpy()
    app = Understanding(actions, PhraseIntents(actions, listener.encoder, around), 0.5)

    def meant(text: str) -> Reading:
        return read(listener.encoder, [(app, Question(text, Situation()))])[0]

    told = meant("tell anna the barbecue is off, never mind")
    assert (told.action, told.missing) == ("send", ())
    assert told.arguments == {"person": "Anna", "words": "the barbecue is off, never mind"}
    assert (meant("send a message to ben").arguments, meant("tell ben").missing) == ({"person": "Ben"}, ("words",))
    assert (meant("tell carla hello").action, meant("tell carla hello").missing) == ("send", ("person", "words"))


def test_another_action_is_not_what_a_phrase_left_open(school: Listener) -> None:
    reading = school.hear("next slide please", pending=Pending("write", 0.9, ("words",)))
    assert (reading.completes, reading.action) == (False, "next_slide")


def waiting(listener: Listener, school: Listener) -> list[tuple[Listener, Pending]]:
    """Actions that wait for words, for one of some values, and for a target."""
    return [
        (school, Pending("write", 0.9, ("words",))),
        (listener, Pending("paint", 0.9, ("colour",), "clock")),
        (listener, Pending("take", 0.9, (TARGET,))),
    ]


@pytest.mark.parametrize(
    "said",
    ["no", "never mind", "No, thank you.", "cancel that please", "uh, never mind", "stop", "forget it", "wait, no"],
)
def test_who_declines_what_is_asked_ends_it(listener: Listener, school: Listener, said: str) -> None:
    for hearer, pending in waiting(listener, school):
        reading = hearer.hear(said, pending=pending)
        assert (reading.declines, reading.completes, reading.action) == (True, False, "")
        assert f"{pending.action} is called off" in reading.problem


@pytest.mark.parametrize(
    "said",
    ["what?", "hmm", "I don't know yet", "hold on", "let me think", "no wait", "sorry, what?", "can you hear me"],
)
def test_who_hesitates_is_asked_again(listener: Listener, school: Listener, said: str) -> None:
    for hearer, pending in waiting(listener, school):
        reading = hearer.hear(said, pending=pending)
        assert (reading.completes, reading.action, reading.target) == (True, pending.action, pending.target)
        assert (reading.arguments, reading.missing) == ({}, pending.missing)
        assert f"{pending.action} needs " in reading.problem


def test_what_an_app_calls_so_declines_nothing() -> None:
    fan = Choice("speed", {"none": (), "stop": ("halt",), "full": ()}, required=True)
    actions = (
        Action("fan", ("set the fan to {speed}", "change the fan"), arguments=(fan,)),
        Action("freeze", ("cancel", "freeze everything")),
    )
    encoder = Encoder.load(adapted())
    background_ = encoder.encode(background.texts()).numpy()
    understanding = Understanding(actions, PhraseIntents(actions, encoder, background_), 0.5)
    pending = Pending("fan", 0.9, ("speed",))
    for said, action, arguments in (
        ("none", "fan", {"speed": "none"}),
        ("stop", "fan", {"speed": "stop"}),
        ("cancel", "freeze", {}),
    ):
        (reading,) = read(encoder, [(understanding, Question(said, Situation(), pending))])
        assert (reading.action, reading.arguments, reading.declines) == (action, arguments, False)


def test_something_else_is_no_answer(listener: Listener) -> None:
    pending = Pending("take", 0.9, (TARGET,))
    for text, action in (("undo that", "undo"), ("paint the clock red", "paint"), ("what is the weather", "")):
        reading = listener.hear(text, pending=pending)
        assert (reading.completes, reading.action) == (False, action), text


@pytest.mark.parametrize(
    ("waits", "said", "action", "target"),
    [
        ("take", "throw out the lamp", "hide", "lamp"),
        ("take", "make the clock bigger", "resize", "clock"),
        ("take", "drop it", "put_down", ""),
        ("hide", "get the lamp", "take", "lamp"),
        ("hide", "make the lamp gold", "paint", "lamp"),
        ("hide", "leave the red one alone", "", ""),
        ("hide", "don't hide the red one", "", ""),
    ],
)
def test_another_order_is_no_answer_to_what_target(
    listener: Listener, waits: str, said: str, action: str, target: str
) -> None:
    pending = Pending(waits, 0.9, (TARGET,), likely=("mug-red", "mug-blue"))
    reading = listener.hear(said, looked="", pending=pending)
    assert (reading.completes, reading.action, reading.target) == (False, action, target)


@pytest.mark.parametrize(
    "said", ["the lamp please", "no, the lamp", "maybe the lamp", "I mean the lamp", "hide the lamp"]
)
def test_words_that_go_with_an_answer_leave_it_one(listener: Listener, said: str) -> None:
    reading = listener.hear(said, looked="", pending=Pending("hide", 0.9, (TARGET,)))
    assert (reading.completes, reading.action, reading.target) == (True, "hide", "lamp")


MUGS = Pending("take", 0.9, (TARGET,), likely=("mug-red", "mug-blue"))


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("the left one", "mug-red"),
        ("on the left", "mug-red"),
        ("the one on the right please", "mug-blue"),
        ("blue please", "mug-blue"),
        ("I want the blue one", "mug-blue"),
        ("take the left one", "mug-red"),
        ("the first", "mug-red"),
        ("the second one", "mug-blue"),
        ("the last one", "mug-blue"),
        ("the nearest one", "mug-blue"),
        ("not the red one", "mug-blue"),
        ("not red", "mug-blue"),
        ("that one", "lamp"),
        ("the kettle", "kettle"),
        ("the left lamp", "lamp"),
    ],
)
def test_of_what_was_asked_about_few_words_tell_one_apart(listener: Listener, said: str, target: str) -> None:
    for looked in ("table", "lamp") if said != "that one" else ("lamp",):
        reading = listener.hear(said, looked=looked, pending=MUGS)
        assert (reading.completes, reading.action, reading.target) == (True, "take", target)


@pytest.mark.parametrize("said", ["the bigger one", "both", "either of them", "the mug"])
def test_what_tells_none_of_them_apart_is_asked_again(listener: Listener, said: str) -> None:
    reading = listener.hear(said, looked="table", pending=MUGS)
    assert (reading.completes, reading.action, reading.target) == (True, "take", "")
    assert (reading.missing, reading.likely) == ((TARGET,), MUGS.likely)
    assert "which one: Red mug or Blue mug" in reading.problem


def test_a_question_for_a_target_carries_whom_it_names(listener: Listener) -> None:
    which = listener.hear("paint the mug", looked="lamp")
    assert (which.missing, which.likely) == ((TARGET, "colour"), ("mug-red", "mug-blue"))
    pending = Pending("paint", which.confidence, which.missing, likely=which.likely)
    coloured = listener.hear("red", looked="lamp", pending=pending)
    assert (coloured.target, coloured.arguments) == ("", {"colour": "red"}), "a colour that is asked for is no mug"
    assert (coloured.missing, coloured.likely) == ((TARGET,), which.likely)
    named = listener.hear("the blue one", looked="lamp", pending=pending)
    assert (named.target, named.arguments, named.missing, named.likely) == ("mug-blue", {}, ("colour",), ())


def test_what_is_known_is_kept_when_a_target_is_named(listener: Listener) -> None:
    pending = Pending("rotate", 0.9, (TARGET,), arguments={"degrees": 30}, likely=MUGS.likely)
    assert listener.hear("the red one", pending=pending).arguments == {"degrees": 30}, "a default is not said"
    beyond = Pending("resize", 0.9, (TARGET, "percent"), likely=MUGS.likely)
    assert listener.hear("the red one", pending=beyond).missing == ("percent",)


def test_an_answer_that_cannot_be_is_asked_for_again(listener: Listener, ward: Listener) -> None:
    dose = Pending("give_drug", 0.9, ("dose",), arguments={"drug": "adrenaline"})
    colour = Pending("paint", 0.9, ("colour",), "clock")
    for hearer, said, pending, problem in (
        (ward, "two grams", dose, "dose: in milligrams, not grams"),
        (ward, "five thousand", dose, "dose: 5000 is more than 1000"),
        (ward, "the usual", dose, "'the usual' is none; give_drug needs dose"),
        (listener, "pink", colour, "'pink' is none; paint needs colour: red, blue"),
        (listener, "not red", colour, "'not red' is none; paint needs colour: red, blue"),
    ):
        reading = hearer.hear(said, pending=pending)
        assert (reading.completes, reading.action, reading.target) == (True, pending.action, pending.target)
        assert (reading.arguments, reading.missing) == (pending.arguments, pending.missing)
        assert problem in reading.problem


def test_an_answer_that_is_taken_back_is_asked_for_again(listener: Listener, ward: Listener) -> None:
    dose = Pending("give_drug", 0.9, ("dose",), arguments={"drug": "adrenaline"})
    colour = Pending("paint", 0.9, ("colour",), "clock")
    mug = Pending("take", 0.9, (TARGET,), likely=("mug-red", "mug-blue"))
    for hearer, said, pending in (
        (ward, "two milligrams no wait", dose),
        (listener, "blue, no", colour),
        (listener, "the red one, no", mug),
    ):
        reading = hearer.hear(said, pending=pending)
        assert (reading.completes, reading.action, reading.missing) == (True, pending.action, pending.missing)
    assert ward.hear("no, two", pending=dose).arguments == {"drug": "adrenaline", "dose": 2}
    assert listener.hear("the red one, no, the blue one", pending=mug).target == "mug-blue"


def test_an_order_with_another_unit_is_no_answer(ward: Listener) -> None:
    dose = Pending("give_drug", 0.9, ("dose",), arguments={"drug": "adrenaline"})
    reading = ward.hear("shock at two hundred joules", pending=dose)
    assert (reading.completes, reading.action, reading.arguments) == (False, "shock", {"energy": 200})


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("five", {"count": 2, "size": 5}),
        ("five millimetres", {"count": 2, "size": 5}),
        ("on five", {"count": 2, "size": 5}),
    ],
)
def test_a_bare_number_is_what_is_asked_for(workshop: Listener, said: str, arguments: dict[str, int]) -> None:
    reading = workshop.hear(said, pending=Pending("drill", 0.9, ("size",), "table", {"count": 2}))
    assert (reading.completes, reading.arguments, reading.missing) == (True, arguments, ())
    other = workshop.hear("five holes", pending=Pending("drill", 0.9, ("size",), "table", {"count": 2}))
    assert "size" not in other.arguments


@pytest.mark.parametrize("said", ["on the table", "onto the table please"])
def test_a_value_that_holds_a_name_is_no_target(workshop: Listener, said: str) -> None:
    reading = workshop.hear(said, pending=Pending("put", 0.9, ("place",), "clock"))
    assert (reading.completes, reading.target, reading.arguments) == (True, "clock", {"place": "on the table"})


@pytest.mark.parametrize("said", ["buy ten eggs and salt", "take the kettle home tomorrow"])
def test_words_that_are_asked_for_may_be_like_an_order(workshop: Listener, said: str) -> None:
    pending = Pending("note", 0.9, ("words",))
    reading = workshop.hear(said, pending=pending)
    assert (reading.completes, reading.action, reading.arguments) == (True, "note", {"words": said})
    order = workshop.hear("take the kettle", pending=pending)
    assert (order.completes, order.action, order.target) == (False, "take", "kettle")
    again = workshop.hear("write down buy some salt", pending=pending)
    assert (again.completes, again.arguments) == (True, {"words": "buy some salt"})


@pytest.mark.parametrize(
    ("text", "action", "left"),
    [
        ("paint the lamp red and then hide it", "paint", ("hide it",)),
        ("take the red mug and paint it green", "paint", ("take the red mug",)),
        ("hide the lamp and the kettle", "hide", ("the kettle",)),
        ("paint the kettle blue and the lamp red", "paint", ("the lamp red",)),
        ("paint the kettle and make it blue", "paint", ()),
        ("take the kettle and give it to me", "take", ()),
        ("go ahead and delete the radio", "hide", ()),
        ("pick up the kettle and the lamp stays here", "take", ()),
        ("go and get the kettle", "take", ()),
        ("hide the lamp", "hide", ()),
    ],
)
def test_what_else_is_ordered_is_not_forgotten(
    listener: Listener, text: str, action: str, left: tuple[str, ...]
) -> None:
    reading = listener.hear(text)
    assert (reading.action, reading.undone) == (action, left)


@pytest.mark.parametrize(
    ("text", "action", "left"),
    [
        ("charge to three sixty and shock him", "shock", ()),
        ("draw up one milligram of epi and give it", "give_drug", ()),
        ("get the mask and put it on him", "attach", ()),
        ("give two milligrams of adrenaline and shock at 200 joules", "give_drug", ("shock at 200 joules",)),
    ],
)
def test_nothing_is_asked_for_that_was_done(ward: Listener, text: str, action: str, left: tuple[str, ...]) -> None:
    reading = ward.hear(text)
    assert (reading.action, reading.missing, reading.undone) == (action, (), left)


def test_what_is_ordered_with_an_answer_is_not_forgotten(listener: Listener, ward: Listener) -> None:
    dose = ward.hear("one milligram and start compressions", pending=DOSE)
    assert (dose.completes, dose.arguments["dose"], dose.undone) == (True, 1, ("start compressions",))
    colour = listener.hear("blue and hide the lamp", pending=COLOUR)
    assert (colour.completes, colour.target, colour.undone) == (True, "clock", ("hide the lamp",))


@pytest.mark.parametrize("said", ["blue, like the kettle", "blue and the lamp too", "blue, same as the lamp"])
def test_what_is_said_after_a_value_goes_with_it(listener: Listener, said: str) -> None:
    reading = listener.hear(said, pending=COLOUR)
    assert (reading.completes, reading.action, reading.target) == (True, "paint", "clock")
    assert reading.arguments == {"colour": "blue"}


@pytest.mark.parametrize("said", ["on the table with the clock", "in the kettle and the clock too"])
def test_a_place_beside_another_thing_is_an_answer(workshop: Listener, said: str) -> None:
    reading = workshop.hear(said, pending=Pending("put", 0.9, ("place",), "lamp"))
    assert (reading.completes, reading.target) == (True, "lamp")


def test_a_value_said_first_is_an_answer(workshop: Listener) -> None:
    pending = Pending("drill", 0.9, ("count",), "lamp", {"size": 2})
    reading = workshop.hear("five, and the clock too", pending=pending)
    assert (reading.completes, reading.target, reading.arguments) == (True, "lamp", {"size": 2, "count": 5})


@pytest.mark.parametrize("said", ["the lamp blue", "blue, no, the lamp"])
def test_what_is_said_before_a_value_or_corrects_is_meant(listener: Listener, said: str) -> None:
    reading = listener.hear(said, pending=COLOUR)
    assert (reading.completes, reading.target) == (False, "lamp")


def test_who_repeats_an_order_is_asked_again(workshop: Listener) -> None:
    reading = workshop.hear("make tea", pending=Pending("brew", 0.9, ("strength",)))
    assert (reading.action, reading.completes, reading.problem) == ("brew", True, "brew needs strength: weak, strong")


def test_a_text_is_searched_once_for_what_is_asked(ward: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []

    def counted(*args: Any, **options: Any) -> Extracted:
        searched.append([argument.name for argument in args[1]])
        return extract(*args, **options)

    monkeypatch.setattr(heard, "extract", counted)
    ward.hear("two fifty", pending=DOSE)
    assert len(searched) == len({tuple(names) for names in searched})


def test_a_phrase_that_joins_is_one_order(ward: Listener) -> None:
    reading = ward.hear("look listen and feel for breathing")
    assert (reading.action, reading.undone) == ("check_breathing", ())


def test_many_at_once_are_as_each_alone(listener: Listener) -> None:
    texts = ["pick up the kettle", "", "that one", "how do I cook rice", "paint the clock", "undo"]
    situation = Situation(THINGS, None, None, None)
    together = read(listener.encoder, [(listener.understanding, Question(text, situation)) for text in texts])
    for text, reading in zip(texts, together, strict=True):
        alone = read(listener.encoder, [(listener.understanding, Question(text, situation))])[0]
        assert (alone.action, alone.target, alone.missing) == (reading.action, reading.target, reading.missing)
        assert alone.confidence == pytest.approx(reading.confidence, abs=1e-3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=120))
def test_any_text_has_a_reading(listener: Listener, text: str) -> None:
    reading = listener.hear(text)
    assert 0 <= reading.confidence <= 1 + 1e-9
    assert bool(reading.action) != bool(reading.problem) or reading.missing


def test_every_phrase_of_the_samples_means_its_action(listener: Listener) -> None:
    wrong = [
        (action.name, phrase)
        for action in GALLERY.app.actions
        for phrase in action.phrases
        if "{" not in phrase and listener.hear(phrase).action != action.name
    ]
    assert wrong == []


def test_only_the_first_mention_may_be_the_target(listener: Listener) -> None:
    actions = [
        Action("bring", ("bring {target} over here", "carry {target} to me"), "required"),
        Action("put", ("put {target} over there", "carry {target} away"), "required"),
    ]
    around = listener.encoder.encode(background.texts()[:100]).numpy()
    app = Understanding(actions, PhraseIntents(actions, listener.encoder, around), 0.5)
    for text, action in (("bring the lamp over here", "bring"), ("put the lamp over there", "put")):
        reading = read(listener.encoder, [(app, Question(text, Situation(THINGS)))])[0]
        assert (reading.action, reading.target) == (action, "lamp")
        assert reading.ranking[0][1] >= 0.99


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("write down the homework for monday", "the homework for monday"),
        ("please write down don't forget your books", "don't forget your books"),
        ("write erase everything on the board", "erase everything"),
    ],
)
def test_whatever_a_phrase_leaves_open_does_not_matter(listener: Listener, text: str, words: str) -> None:
    actions = [
        Action("write", ("write {words} on the board", "write down {words}"), arguments=(WORDS,)),
        Action("erase", ("erase the board", "delete what I wrote", "wipe it all out")),
        Action("tell", ("{words}",), arguments=(WORDS,)),
    ]
    around = listener.encoder.encode(background.texts()[:100]).numpy()
    app = Understanding(actions, PhraseIntents(actions, listener.encoder, around), 0.5)

    def meant(said: str) -> Reading:
        return read(listener.encoder, [(app, Question(said, Situation()))])[0]

    reading = meant(text)
    assert (reading.action, reading.arguments) == ("write", {"words": words})
    assert meant("delete what I wrote").action == "erase"
    assert meant("please wipe it all out").action == "erase"


@pytest.mark.parametrize(
    ("text", "action"),
    [("enlarge", "resize"), ("please enlarge", "resize"), ("tint blue", "paint"), ("conceal", "hide")],
)
def test_a_lone_verb_is_no_thing(listener: Listener, text: str, action: str) -> None:
    reading = listener.hear(text)
    assert (reading.action, reading.target) == (action, "lamp")


def test_phrases_are_expanded_with_and_without_arguments() -> None:
    colour, size = Choice("colour", {"red": (), "blue": ()}), Number("size", 2, 10)
    action = Action(
        "a",
        ("make {target} {colour}", "groups of {size}", "{colour} please", "write {words}", "go"),
        "required",
        (colour, size, WORDS),
    )
    assert expanded(action) == [
        "make the object red", "make the object blue", "make the object",
        "groups of 6", "groups of 4",
        "red please", "blue please",
        "write something",
        "go",
    ]  # fmt: skip


def test_an_app_may_be_less_sure(listener: Listener) -> None:
    sure = Understanding(list(listener.understanding.actions.values()), listener.understanding.intents, 1.0)
    reading = read(listener.encoder, [(sure, Question("could you take it", Situation(THINGS)))])[0]
    assert reading.action == ""
    assert "nearest is take" in reading.problem


def test_phrases_are_taught_by_saying_so(listener: Listener) -> None:
    for text, phrase in (
        ("when I say zap it I mean pick up the kettle", Phrase("zap {target}", "take")),
        ("when I say zap I mean take", Phrase("zap", "take")),
        ("when I say boil I mean describe the kettle", Phrase("boil", "describe", "kettle")),
        ("when I say crimson tide I mean paint it red", Phrase("crimson tide", "paint", "", {"colour": "red"})),
        ("when I say hello I mean nothing", Phrase("hello")),
    ):
        reading = listener.hear(text)
        assert (reading.action, reading.problem, reading.teaches_phrase) == ("", "", phrase)
        assert reading.why
    unknown = listener.hear("when I say foo I mean fly me to the moon")
    assert (unknown.action, unknown.teaches_phrase) == ("", None)
    assert "'foo' cannot be taught" in unknown.problem


def test_what_teaches_a_phrase_does_nothing_however_near_it_is_to_an_action(ward: Listener) -> None:
    for text, phrase in (
        ("when I say go I mean start compressions", Phrase("go", "start_compressions")),
        (
            "by full dose I mean give 3 mg of adrenaline",
            Phrase("full dose", "give_drug", "", {"drug": "adrenaline", "dose": 3}),
        ),
    ):
        reading = ward.hear(text, before="check the pulse")
        assert (reading.action, reading.teaches_phrase) == ("", phrase)


def test_a_phrase_of_the_app_teaches_nothing(listener: Listener) -> None:
    actions = [
        Action("agree", ("by that I mean yes", "yes")),
        Action("rule", ("when I say {words} I mean business", "let's make rules"), "none", (WORDS,)),
    ]
    around = listener.encoder.encode(background.texts()[:100]).numpy()
    app = Understanding(actions, PhraseIntents(actions, listener.encoder, around), 0.5)
    for text, action in (("By that I mean yes.", "agree"), ("when I say jump I mean business", "rule")):
        reading = read(listener.encoder, [(app, Question(text, Situation()))])[0]
        assert (reading.action, reading.teaches_phrase) == (action, None)


def test_names_are_taught_by_saying_so(listener: Listener) -> None:
    for text, name in (
        ("this is Bob", Name("Bob", "lamp")),
        ("call it Bob", Name("Bob", "kettle")),
        ("call the red mug Sir Lancelot", Name("Sir Lancelot", "mug-red")),
    ):
        reading = listener.hear(text)
        assert (reading.action, reading.problem, reading.teaches_name) == ("", "", name)
    unclear = listener.hear("call the mug Bob")
    assert (unclear.action, unclear.teaches_name) == ("", None)
    assert "Red mug" in unclear.problem


@pytest.mark.parametrize("text", ["call that one Bob", "name the lamp Bob", "the lamp is called Bob"])
def test_a_name_said_plainly_is_no_action_that_is_a_little_like_it(listener: Listener, text: str) -> None:
    around = listener.encoder.encode(background.texts()).numpy()

    def hear(*actions: Action) -> Reading:
        app = Understanding(actions, PhraseIntents(actions, listener.encoder, around), 0.5)
        return read(listener.encoder, [(app, Question(text, Situation(THINGS, odds)))])[0]

    odds = tuple(0.82 if one.id == "lamp" else 0.02 for one in THINGS)
    student = Choice("student", {"Ada": (), "Grace": ()}, required=True)
    call_help = Action("call_help", ("call for help", "call a code blue", "call the anaesthetist", "get help now"))
    handing = ("give {target} to {student}", "pass {target} to {student}", "it is {student}'s turn with {target}")
    assert hear(call_help, Action("pass", handing, "required", (student,))).teaches_name == Name("Bob", "lamp")
    # Such an action of an app's own goes before it.
    naming = ("call {target} {name}", "name {target} {name}", "{target} is called {name}")
    rename = Action("rename", naming, "required", (FreeText("name", required=True),))
    assert hear(call_help, rename).action == "rename"


def test_a_correction_does_what_was_meant_and_teaches_it(listener: Listener) -> None:
    reading = listener.hear("no, I meant hide the kettle", before="zap the kettle")
    assert (reading.action, reading.target) == ("hide", "kettle")
    assert reading.teaches_phrase == Phrase("zap {target}", "hide")
    assert listener.hear("no, I meant hide the kettle").teaches_phrase is None
    # Which one was meant says nothing of what was to be done.
    assert listener.hear("I meant the red mug", before="take the mug").teaches_phrase is None


def test_who_corrects_what_was_clear_corrects_himself(listener: Listener) -> None:
    reading = listener.hear("no, I meant hide it", before="paint the lamp red", clear=True)
    assert (reading.action, reading.target, reading.teaches_phrase) == ("hide", "kettle", None)
    assert reading.clear, "nor does what corrects this one"


def test_what_may_have_been_misread_is_taught(listener: Listener) -> None:
    turned = listener.hear("turn the radio")
    assert turned.missing == ("colour",)
    reading = listener.hear("no, I meant spin the radio", before="turn the radio", clear=turned.clear)
    assert reading.teaches_phrase == Phrase("turn {target}", "rotate")


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ("paint the lamp red", True),
        ("make the lamp gold", True),
        ("paint the lamp", True),
        ("turn the radio", False),
        ("could you hide the lamp please", True),
        ("don't hide the lamp", True),
        ("zap the lamp", False),
        ("nuke the kettle", False),
        ("", False),
    ],
)
def test_what_is_beyond_doubt_is_clear(listener: Listener, text: str, clear: bool) -> None:
    assert listener.hear(text).clear == clear


def test_an_answer_is_clear(listener: Listener) -> None:
    assert listener.hear("blue", pending=Pending("paint", 0.7, ("colour",), "lamp")).clear


@pytest.mark.parametrize(
    "text",
    ["don't pick up the kettle", "Please don’t hide the lamp", "no, do not take it", "never delete the painting"],
)
def test_what_is_forbidden_is_not_done(listener: Listener, text: str) -> None:
    reading = listener.hear(text)
    assert (reading.action, reading.missing) == ("", ())
    assert "says what not to do" in reading.problem


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("did you paint the table red", "asks"),
        ("I already painted the table red", "tells"),
        ("unhide the kettle", "says 'unhide', the opposite"),
        ("take me to the previous room", "says 'previous', the opposite"),
        ("hide the lamp scratch that", "is taken back"),
        ("do that again", "says to do something again"),
        ("paint the lamp red, no, don't", "is taken back"),
    ],
)
def test_what_is_no_order_is_not_done(listener: Listener, text: str, instead: str) -> None:
    reading = listener.hear(text)
    assert (reading.action, reading.missing) == ("", ())
    assert instead in reading.problem


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("who made the clock", "describe"),
        ("could you paint the table red", "paint"),
        ("I found it, the kettle", "select"),
    ],
)
def test_what_an_apps_phrases_ask_or_tell_is_done(listener: Listener, text: str, action: str) -> None:
    assert listener.hear(text).action == action


def test_what_apps_and_users_call_so_is_no_ban(listener: Listener) -> None:
    reading = listener.hear("I don't want to see the clock")
    assert (reading.action, reading.target) == ("hide", "clock")
    assert listener.hear("don't move", phrases=(Phrase("don't move", "take"),)).action == "take"
    zap = (Phrase("zap {target}", "hide"),)
    assert [listener.hear(f"{text} the lamp", phrases=zap).action for text in ("zap", "don't zap")] == ["hide", ""]
    assert "is taken back" in listener.hear("zap the lamp never mind", phrases=zap).problem
    actions = [
        Action("freeze", ("don't move", "hold still")),
        Action("type", ("{words} into the chat",), "none", (WORDS,)),
    ]
    around = listener.encoder.encode(background.texts()[:100]).numpy()
    app = Understanding(actions, PhraseIntents(actions, listener.encoder, around), 0.5)

    def meant(text: str) -> Reading:
        return read(listener.encoder, [(app, Question(text, Situation()))])[0]

    assert meant("don't move please").action == "freeze"
    # What a phrase leaves open forbids nothing, whatever it says.
    assert meant("don't panic into the chat").arguments == {"words": "don't panic"}


class Classified:
    """Intents of an app whose classifier has learned what each text means."""

    fitted = None

    def predict_texts(self, texts: Sequence[str], embeddings: NDArray[np.float32]) -> list[Prediction]:
        return [Prediction("freeze", 0.9, (("freeze", 0.9),)) for _ in texts]


def test_a_classifier_knows_what_a_ban_and_a_verb_mean(listener: Listener) -> None:
    app = Understanding([Action("freeze", target="required")], Classified(), 0.5)
    odds = tuple(0.82 if one.id == "lamp" else 0.02 for one in THINGS)
    for text in ("don't move it", "freeze"):
        reading = read(listener.encoder, [(app, Question(text, Situation(THINGS, odds, last="lamp")))])[0]
        assert (reading.action, reading.target) == ("freeze", "lamp")


def test_what_answers_a_question_teaches_nothing(listener: Listener) -> None:
    reading = listener.hear("this one", pending=Pending("take", 0.9, (TARGET,)))
    assert (reading.completes, reading.target, reading.teaches_name) == (True, "lamp", None)

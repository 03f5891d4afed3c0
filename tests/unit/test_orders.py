"""What is ordered, and what is forbidden, asked, told or the opposite."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language.orders import Orders

SHOCK = ("shock the patient", "deliver a shock", "everybody clear, shocking now", "I need a shock")
NEXT = ("next room", "let's move on", "show me another room")
HIDE = ("hide {target}", "get rid of {target}", "I don't want to see {target}")
QUIET = ("quiet please", "stop talking", "turn it off")
REPORT = ("what are the vitals", "how is the patient doing")
OVER = ("end the lesson", "the lesson is finished")
FORBIDDEN = [
    "don't shock the patient",
    "Don’t shock the patient!",
    "dont shock",
    "do not shock",
    "please do not shock him",
    "wait, don't shock yet",
    "no, no, please don't",
    "never shock him",
    "you must not shock",
    "we mustn't shock him",
    "you shouldn't shock him",
    "I would not shock him",
    "no shock",
    "no shock please",
    "no more shocks",
    "no need to shock him",
    "cancel the shock",
    "without a shock",
    "skip the shock",
    "refrain from shocking",
    "leave the patient alone",
    "don't shock him, deliver oxygen",
]
ASKED = [
    "did you shock the patient",
    "have we shocked him yet",
    "should we shock again",
    "why did you shock the patient?",
    "when was the last shock",
    "who has shocked him",
    "how many shocks were that",
    "do we need to shock him",
    "hey, is it time to shock him",
]
TOLD = [
    "I already shocked him",
    "we gave a shock five minutes ago",
    "he has been shocked three times",
    "we've just shocked her",
    "the patient was shocked twice",
    "the last shock had no effect",
    "ok, so they shocked him",
]


REPEATED = [
    "again",
    "Do that again!",
    "can you do it once more please",
    "repeat that",
    "ok, one more time",
    "do the same",
]
TAKEN_BACK = [
    "shock at two hundred no don't",
    "shock the patient no wait",
    "Shock the patient! No, wait!",
    "shock him, cancel that",
    "shock him never mind",
    "shock him actually no",
    "shock him scratch that please",
    "could you shock him uh no sorry",
    "shock him, no. Stop.",
    "shock him but not yet",
    "shock him, I changed my mind",
    "shock him on second thought",
    "shock him, just kidding",
    "shock him, no, I'm kidding",
    "shock him, or no, wait",
    "shock him, hold on",
    "don't wait, shock him, no, don't do it",
]
PASSING = [
    "hold on a second",
    "wait a minute please",
    "give me a second",
    "let me think",
    "take your time",
]


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        *((text, "says what not to do") for text in FORBIDDEN),
        *((text, "is taken back") for text in TAKEN_BACK),
        *((text, "is said in passing") for text in PASSING),
        *((text, "says to do something again, and not what") for text in REPEATED),
        *((text, "asks, and does not order") for text in ASKED),
        *((text, "tells what is done already, and does not order") for text in TOLD),
    ],
)
def test_what_is_not_ordered(text: str, instead: str) -> None:
    assert Orders(SHOCK).unordered(text) == instead


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shock the patient",
        "shock now",
        "no, shock him",
        "no, not yet. now shock him",
        "can you shock him",
        "could somebody shock the patient?",
        "why don't we shock him",
        "do you mind shocking him",
        "how about a shock",
        "shall we shock",
        "have him shocked",
        "don't you want to shock the patient",
        "shouldn't we shock",
        "do nothing",
        "never mind",
        "don't forget to shock the patient",
        "no, not like that",
        "I wanted to shock him",
        "I was hoping you could shock him",
        "what I want is a shock",
        "are you ready for a shock",
        "who is ready for a shock",
        "that painted one",
        "wait a minute, now shock him",
        "give me a shock",
        "is he dead? shock the patient",
        "the pulse was weak, so deliver a shock",
        "there was a pulse and now I need a shock",
        "shock no the patient",
        "shock him, no, her",
        "no wait shock him",
        "shock him and wait",
        "shock him again",
        "once more, shock him",
        "oh no",
        "shock him, I'm not kidding",
        "shock him, no kidding",
        "shock him, I am not just kidding",
        "shock him, yes or no",
        "let's forget it",
        "could you please cancel that",
    ],
)
def test_what_is_ordered(text: str) -> None:
    assert Orders(SHOCK).unordered(text) == ""


@pytest.mark.parametrize(
    ("text", "phrases", "word"),
    [
        ("previous room", NEXT, "previous"),
        ("unhide the kettle", HIDE, "unhide"),
        ("close the quiz", ("open the quiz", "time for a test"), "close"),
        ("please unmute everybody", ("mute everybody",), "unmute"),
    ],
)
def test_the_opposite_is_not_ordered(text: str, phrases: tuple[str, ...], word: str) -> None:
    assert Orders(phrases).unordered(text) == f"says {word!r}, the opposite"


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("next room", NEXT),
        ("not the last room but the next", NEXT),
        ("not the previous room but the next", NEXT),
        ("how is she doing", REPORT),
        ("did the pulse come back", REPORT),
        ("we are finished", OVER),
        ("that was all for today", OVER),
        ("goodbye, you can start cleaning up, class is over", OVER),
        ("the light is on", ("switch off the light",)),
        ("stop pushing on his chest", ("hands off the chest", "stop pushing")),
        ("dim it a bit more", ("less light please", "dim the light")),
        ("put down the unit", ("put it down",)),
        ("skip song", ("skip this song", "next track")),
        ("forget it", ("cancel that", "undo that")),
        ("start the debrief, stop the simulation", ("stop the simulation",)),
        ("what is in my bag", ("open my bag",)),
        ("leave me alone", ("go away",)),
        ("have everybody be silent", QUIET),
        ("is it possible to get a shock", SHOCK),
        ("do you think we can shock him", SHOCK),
        ("we are finished with the exercise", ("end the scenario",)),
        ("give them a minute", ("give them minutes",)),
        ("I don't want to see the lamp", HIDE),
        ("cancel the noise", QUIET),
        ("no more talking", QUIET),
        ("don't talk", QUIET),
        ("please do not talk now", QUIET),
        ("never move", ("stop moving",)),
        ("you mustn't run", ("please stop running",)),
        ("take a photo of me", ("take a photo of the object",)),
        ("the machine, no, stop", ("stop",)),
        ("do that again", ("say that again please", "repeat the question")),
        ("I want to undo it, take that back", ("undo", "take that back")),
    ],
)
def test_an_action_whose_phrases_say_it_so_is_meant(text: str, phrases: tuple[str, ...]) -> None:
    assert Orders(phrases).unordered(text) == ""


HOLD = ("stop compressions", "hold compressions", "pause CPR", "hands off the chest", "stop pushing")
HALT = ("all stop", "full stop", "stop the engines")
UNDO = ("undo", "take that back", "go back one step", "oops")


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("hands off the chest, stop", HOLD),
        ("stop pushing, stop!", HOLD),
        ("hold compressions, wait", HOLD),
        ("pause CPR, hold on", HOLD),
        ("full stop, wait", HALT),
        ("all stop, hold on", HALT),
        ("stop the engines, I changed my mind", HALT),
        ("undo that, I changed my mind", UNDO),
        ("go back one step, I changed my mind", UNDO),
        ("put it down, I changed my mind", ("put it down", "drop it")),
        ("oops, forget it", UNDO),
        ("oops no", UNDO),
    ],
)
def test_an_order_to_stop_or_undo_is_not_taken_back_by_saying_it_again_or_why(
    text: str, phrases: tuple[str, ...]
) -> None:
    assert Orders(phrases).unordered(text) == ""


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("hold compressions, no wait", HOLD),
        ("stop the engines, no, wait", HALT),
        ("undo that, never mind", UNDO),
        ("stop pushing, cancel that", HOLD),
        ("put it down, wait", ("put it down", "drop it")),
        ("give her the book, wait", ("give her the book", "let her hold the book")),
        ("I want to hold it, wait", ("I want to hold it", "get it")),
        ("get it, I changed my mind", ("get it", "bring it back")),
    ],
)
def test_what_else_ends_so_is_taken_back(text: str, phrases: tuple[str, ...]) -> None:
    assert Orders(phrases).unordered(text) == "is taken back"


@pytest.mark.parametrize("text", ["don't stop talking", "don't move", "don't turn it off", "do not"])
def test_what_is_forbidden_is_ordered_only_if_a_phrase_says_to_stop_that(text: str) -> None:
    assert Orders(QUIET).unordered(text) == "says what not to do"


def test_a_value_is_no_opposite() -> None:
    assert Orders(["go to the next room", "go there"]).unordered("go to the previous room", "previous") == ""
    assert Orders(["open the door", "do that to the door"]).unordered("close the door", "close") == ""


def test_a_value_takes_nothing_back() -> None:
    assert Orders(["set the answer to"]).unordered("set the answer to no", "no") == ""
    assert Orders(["set the answer to"]).unordered("set the answer to yes no wait", "yes") == "is taken back"


@given(st.lists(st.text(max_size=20), max_size=8), st.integers(0, 7))
def test_a_phrase_orders_its_own_action(phrases: list[str], at: int) -> None:
    if phrases:
        assert Orders(phrases).unordered(phrases[at % len(phrases)]) == ""

"""What is taught by saying so, and that nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.manifest import load
from models.intent import background
from models.language.teaching import (
    MAX_CHARACTERS,
    MAX_WORDS,
    NameTeaching,
    PhraseTeaching,
    correction,
    name_teaching,
    phrase_teaching,
)

NAMES = (("Kettle", ()), ("Desk lamp", ("light",)), ("Red mug", ()))
APPS = [load(path).app for path in sorted((Path(__file__).parents[2] / "samples" / "apps").glob("*.toml"))]
COMMANDS = [phrase for app in APPS for action in app.actions for phrase in action.phrases]
THINGS = st.sampled_from(["it", "this", "that one", "the kettle", "the desk lamp", "the red mug", "him", "Kettle"])
BEFORE = st.sampled_from(["", "please ", "could you ", "ok, ", "no, ", "I said ", "when I say so ", "from now on "])
AFTER = st.sampled_from(["", " please", " now", ", I mean it", " when I say so", " for me", "!", " by name"])


@pytest.mark.parametrize(
    ("text", "said", "meant"),
    [
        ("when I say zap it I mean pick up the kettle", "zap it", "pick up the kettle"),
        ("When I say 'zap it', I mean pick up the kettle.", "zap it", "pick up the kettle"),
        ("ok, whenever I say kaboom then I want undo", "kaboom", "undo"),
        ("if I say go it means start", "go", "start"),
        ("From now on boil means turn on the kettle!", "boil", "turn on the kettle"),
        ("by zap I mean take", "zap", "take"),
        ("let zap mean take", "zap", "take"),
        ("when I say hello I mean nothing", "hello", ""),
    ],
)
def test_phrases(text: str, said: str, meant: str) -> None:
    assert phrase_teaching(text) == PhraseTeaching(said, meant)


@pytest.mark.parametrize(
    ("text", "mention", "name"),
    [
        ("this is Bob", "this", "Bob"),
        ("This is Bob the Great.", "this", "Bob the Great"),
        ("call that one bob", "that one", "bob"),
        ("please call the red mug Sir Lancelot", "the red mug", "Sir Lancelot"),
        ("let's call it Bob", "it", "Bob"),
        ("call this Bob", "this", "Bob"),
        ("rename the kettle to Bob", "the kettle", "Bob"),
        ("the desk lamp is called Lumière", "the desk lamp", "Lumière"),
        ("the light is named bob", "the light", "bob"),
    ],
)
def test_names(text: str, mention: str, name: str) -> None:
    plainly = not text.lower().startswith("this is")
    assert name_teaching(text, NAMES) == NameTeaching(mention, name, plainly=plainly)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "this is great",
        "this is broken",
        "THIS IS GREAT",
        "this is the Kettle",
        "this is Bob speaking",
        "This is what I mean",
        "call me Bob",
        "call Bob",
        "call it a day",
        "call it off",
        "call it quits",
        "call the unicorn Bob",
        "name this tune",
        "what is this called",
        "name it",
        "rename the kettle",
        "call the kettle red",
        "call this number",
        "when I say",
        "when I say so",
        "when I say jump you jump",
        "I mean it",
        "what do you mean by zap",
        "by the way I mean well",
        "let me see",
        "zap means take",
        "from now on be quiet",
        "when I say take I mean take",
        "when I say " + "so " * (MAX_WORDS + 1) + "I mean take",
        "when I say zap I mean " + "take " * MAX_CHARACTERS,
    ],
)
def test_what_teaches_nothing(text: str) -> None:
    assert (name_teaching(text, NAMES), phrase_teaching(text)) == (None, None)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("no, I meant take it", "take it"),
        ("I meant take it", "take it"),
        ("sorry, not that, I meant to say undo", "undo"),
        ("no I mean undo", "undo"),
        ("I mean undo", ""),
        ("no", ""),
        ("undo", ""),
        ("what I meant was undo", ""),
    ],
)
def test_corrections(text: str, meant: str) -> None:
    assert correction(text) == meant


def test_nothing_that_people_say_elsewhere_teaches() -> None:
    texts = background.texts()
    assert len(texts) > 400
    assert [text for text in texts if phrase_teaching(text) or name_teaching(text, NAMES) or correction(text)] == []


@settings(max_examples=300)
@given(st.sampled_from(COMMANDS), THINGS, BEFORE, AFTER)
def test_commands_are_never_taken_for_teaching(command: str, thing: str, before: str, after: str) -> None:
    text = before + command.replace("{target}", thing).replace("{", "").replace("}", "") + after
    assert phrase_teaching(text) is None
    assert name_teaching(text, NAMES) is None
    # "No, I mean it" is a correction, whatever an app makes of "I mean it".
    assert correction(text) == "" or (before, command) == ("no, ", "I mean {target}")


@settings(max_examples=200)
@given(st.text(max_size=MAX_CHARACTERS + 20))
def test_any_text_is_answered(text: str) -> None:
    for found in (phrase_teaching(text), phrase_teaching(f"when I say {text} I mean {text}")):
        assert found is None or (found.said and len(found.said) <= MAX_CHARACTERS)
    name = name_teaching(f"this is {text}", NAMES)
    assert name is None or name.name

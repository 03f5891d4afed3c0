"""What is likely to be said to an app."""

from __future__ import annotations

from bridge.app import ActionInfo, App, Argument
from bridge.likely import Vocabulary

SIZE = Argument("size", "choice", values=["small", "large"], synonyms={"large": ["big"]})
APP = App(
    "shop",
    actions=[
        ActionInfo("take", ["take {target}"], target="required"),
        ActionInfo("order", ["a {size} one", "a {size} {target}"], target="optional", arguments=[SIZE]),
        ActionInfo("undo", ["undo"]),
    ],
)


def test_names_values_and_what_is_in_sight_are_likely_words() -> None:
    words, _ = Vocabulary(APP).likely(["mug", "cup"], [], ["teapot", "cup"])
    assert words == ("mug", "cup", "small", "large", "big", "teapot")


def test_commands_are_the_users_own_and_the_apps_with_names_and_values_in_their_places() -> None:
    _, commands = Vocabulary(APP).likely(["mug", "cup"], ["zap it", "undo"], [])
    assert commands[:2] == ("zap it", "undo")
    assert {"take mug", "take cup", "a small one", "a large one"} <= set(commands)
    assert {"a small mug", "a large cup"} & set(commands)
    assert len(set(commands)) == len(commands)
    assert not any("{" in command for command in commands)


def test_where_nothing_is_there_commands_are_likely_without_targets() -> None:
    _, commands = Vocabulary(APP).likely([], [], [])
    assert set(commands) == {"take", "a small", "a large", "a small one", "a large one", "undo"}


def test_it_follows_each_change() -> None:
    vocabulary = Vocabulary(APP)
    first = vocabulary.likely(["mug"], [], [])
    assert vocabulary.likely(["mug"], [], []) is first
    assert vocabulary.likely(["mug"], ["zap it"], [])[1] == ("zap it", *first[1])
    assert vocabulary.likely(["mug"], [], ["teapot"]) == ((*first[0], "teapot"), first[1])
    assert "take cup" in vocabulary.likely(["cup"], [], [])[1]
    assert vocabulary.likely(["mug"], [], []) == first

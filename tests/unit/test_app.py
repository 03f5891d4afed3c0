"""What can be in an app, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bridge.app import ActionInfo, App, Mistake, check, digest, is_spoken_to


def app(**action: Any) -> App:
    return msgspec.convert({"name": "a", "actions": [{"name": "x", "phrases": ["do it"], **action}]}, App)


def argument(**keys: Any) -> App:
    return app(arguments=[{"name": "n", **keys}])


def test_what_is_right_passes() -> None:
    check(App("bare"))
    check(app())
    check(
        app(
            phrases=["take {target}", "make {target} {n}"],
            target="optional",
            arguments=[{"name": "n", "values": ["a"]}],
        )
    )
    check(argument(kind="number", minimum=1, maximum=3, default=2))
    check(argument(kind="text", default="words"))
    check(msgspec.convert({"name": "a", "classifier": "file", "actions": [{"name": "x"}]}, App))


@pytest.mark.parametrize(
    ("wrong", "path", "words"),
    [
        (app(phrases=[]), "actions[0].phrases", "at least one phrase"),
        (app(phrases=["ok", "take {target}"]), "actions[0].phrases[1]", 'say target = "required"'),
        (app(phrases=["make it {colour}"]), "actions[0].phrases[0]", "no argument of this action; it has: none"),
        (app(phrases=["make {target} {c}"], target="required"), "actions[0].phrases[0]", "it has: {target}"),
        (app(phrases=["make { it"]), "actions[0].phrases[0]", "brace"),
        (app(phrases=["?!"]), "actions[0].phrases[0]", "no words"),
        (argument(name="two words", values=["a"]), "actions[0].arguments[0].name", "letters"),
        (argument(name="target", values=["a"]), "actions[0].arguments[0].name", "not 'target'"),
        (argument(), "actions[0].arguments[0].values", "nothing to choose from"),
        (argument(kind="number", values=["a"]), "actions[0].arguments[0].values", "only a choice"),
        (argument(values=["a"], synonyms={"b": ["c"]}), "actions[0].arguments[0].synonyms", "none of the values: a"),
        (argument(kind="number", minimum=2, maximum=1), "actions[0].arguments[0].minimum", "more than the maximum"),
        (argument(kind="number", maximum=1, default=2), "actions[0].arguments[0].default", "to 1 was expected"),
        (argument(kind="number", default="two"), "actions[0].arguments[0].default", "a number from"),
        (argument(values=["a"], default="b"), "actions[0].arguments[0].default", "none of the values"),
        (argument(kind="text", default=3), "actions[0].arguments[0].default", "a string"),
        (argument(kind="text", default="a", required=True), "actions[0].arguments[0].default", "leave out one"),
        (argument(kind="number", default=0, required=True), "actions[0].arguments[0].default", "leave out one"),
    ],
)
def test_mistakes_are_told_with_their_place(wrong: App, path: str, words: str) -> None:
    with pytest.raises(Mistake) as caught:
        check(wrong)
    assert caught.value.path == path
    assert words in caught.value.text


def test_an_app_of_gestures_is_not_spoken_to() -> None:
    assert is_spoken_to(app())
    assert is_spoken_to(msgspec.convert({"name": "a", "classifier": "file", "actions": [{"name": "x"}]}, App))
    assert not is_spoken_to(app(phrases=[], gestures=["nod"]))
    assert not is_spoken_to(App("bare"))


def test_names_are_there_once() -> None:
    twice = App("a", actions=[*app().actions, *app().actions])
    with pytest.raises(Mistake, match="twice") as caught:
        check(twice)
    assert caught.value.path == "actions[1].name"
    both = app(arguments=[{"name": "n", "values": ["a"]}] * 2)
    with pytest.raises(Mistake, match="twice"):
        check(both)


def test_a_digest_is_of_what_is_meant() -> None:
    assert digest(App("a", "1", actions=app().actions)) == digest(App("a", "2", actions=app().actions))
    assert digest(app()) != digest(app(phrases=["do that"]))
    assert digest(app()) != digest(msgspec.structs.replace(app(), confidence=0.7))


def test_a_phrase_means_one_action() -> None:
    both = [
        ActionInfo("take", ["take it", "Pick up {target}!", "pick up {target}"], target="required"),
        ActionInfo("grab", ["grab {target}", "pick  UP {target}"], target="required"),
    ]
    with pytest.raises(Mistake, match=r"'pick  UP \{target\}' means 'take' already") as caught:
        check(App("a", actions=both))
    assert caught.value.path == "actions[1].phrases[1]"
    check(App("a", actions=both, classifier="file"))
    both[1].phrases[1] = "pick it up {target}"
    check(App("a", actions=both))


def test_a_label_means_one_action() -> None:
    both = [ActionInfo("take", labels=["pick", "grab"]), ActionInfo("hold", labels=["keep", "grab"])]
    with pytest.raises(Mistake, match="the label 'grab' means 'take' already; a label means one action") as caught:
        check(App("a", actions=both, classifier="file"))
    assert caught.value.path == "actions[1].labels[1]"
    named = [ActionInfo("take", labels=["hold", "hold"]), ActionInfo("hold")]
    with pytest.raises(Mistake, match="the label 'hold' means 'take' already") as caught:
        check(App("a", actions=named, classifier="file"))
    assert caught.value.path == "actions[1].name"
    both[1].labels.pop()
    check(App("a", actions=both, classifier="file"))

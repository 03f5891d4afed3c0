"""What an utterance is that gives nothing of what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language import english as en
from models.language.answers import aside, beside, pick, takes_back
from models.language.references import Candidate, Situation


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("no", "declines"),
        ("oh no, never mind", "declines"),
        ("Wait... no!", "declines"),
        ("stop please", "declines"),
        ("I mean, forget about it", "declines"),
        ("no wait", "hesitates"),
        ("never mind, let me think", "hesitates"),
        ("um", "hesitates"),
        ("I don't know yet", "hesitates"),
        ("", ""),
        ("?!", ""),
        ("no, the kettle", ""),
        ("never mind the kettle", ""),
        ("stop the machine", ""),
        ("two", ""),
        ("yes", ""),
    ],
)
def test_what_gives_nothing(text: str, how: str) -> None:
    assert aside(text) == how


@given(st.lists(st.sampled_from([phrase for some in en.ASIDES.values() for phrase in some])))
def test_of_what_gives_nothing_the_last_counts(phrases: list[tuple[tuple[str, ...], str]]) -> None:
    # A stop keeps two phrases from being read as one.
    assert aside(", please, ".join(" ".join(words) for words, _ in phrases)) == (phrases[-1][1] if phrases else "")


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert aside(text) in ("", "declines", "hesitates")


SCREWDRIVERS = tuple(
    Candidate(name, f"{name.capitalize()} screwdriver", position=(x, 1.0, -1.0))
    for x, name in enumerate(("short", "long", "broken"))
)


@pytest.mark.parametrize(
    ("said", "picked"),
    [
        ("the long one", "long"),
        ("long", "long"),
        ("the short screwdriver", "short"),
        ("the one on the right", "broken"),
        ("left", "short"),
        ("the second", "short"),
        ("the second from the left", "long"),
        ("last", "broken"),
        ("the fourth", ""),
        ("the screwdriver", ""),
        ("the long hammer", None),
        ("that one", None),
        ("", None),
    ],
)
def test_a_few_words_tell_apart_what_was_named(said: str, picked: str | None) -> None:
    found = pick(said, ("long", "short", "broken"), Situation(SCREWDRIVERS))
    assert (None if found is None else found[0]) == picked


def test_who_is_gone_is_not_picked() -> None:
    assert pick("the blue one", ("blue",), Situation(SCREWDRIVERS)) is None


@given(st.text())
def test_any_text_picks_one_of_those_named_or_none(text: str) -> None:
    target, sure = pick(text, ("long", "short"), Situation(SCREWDRIVERS)) or ("", 0.0)
    assert target in ("", "long", "short")
    assert 0 <= sure <= 1


def test_what_goes_with_an_answer_is_not_beside_it() -> None:
    assert beside("well, please make it on the mm", ("millimetres",)) == ["make", "it"]


@pytest.mark.parametrize("rest", [" milligrams, no, wait", " mg no", ", oh, never mind", " uh don't"])
def test_what_follows_an_answer_may_take_it_back(rest: str) -> None:
    assert takes_back(rest, ("milligrams",))


@pytest.mark.parametrize("rest", ["", " milligrams please", ", I mean", " milligrams, no, three"])
def test_what_goes_with_an_answer_takes_nothing_back(rest: str) -> None:
    assert not takes_back(rest, ("milligrams",))

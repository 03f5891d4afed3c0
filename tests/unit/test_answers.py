"""What an utterance is that gives nothing of what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language import english as en
from models.language.answers import aside


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

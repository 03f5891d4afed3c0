"""What is said not to be done."""

from __future__ import annotations

import pytest

from models.language.forbidding import forbids


@pytest.mark.parametrize(
    "text",
    [
        "don't shock the patient",
        "Don’t shock the patient!",
        "dont shock",
        "do not shock",
        "please do not give adrenaline",
        "wait, don't intubate yet",
        "no, no, please don't",
        "never delete the painting",
        "you must not shock",
        "we mustn't stop",
        "you shouldn't paint the table red",
    ],
)
def test_what_forbids(text: str) -> None:
    assert forbids(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shock the patient",
        "don't you want to shock the patient",
        "shouldn't we shock",
        "do nothing",
        "never mind",
        "don't forget to shock the patient",
        "I don't want to see the lamp",
        "no, not like that",
        "write don't panic on the board",
    ],
)
def test_what_does_not(text: str) -> None:
    assert not forbids(text)

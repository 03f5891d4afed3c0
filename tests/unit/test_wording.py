"""What knows examples by their words."""

from __future__ import annotations

import numpy as np
import pytest

from models.intent.wording import Wording

TEXTS = ["top up my card", "a top up please", "transfer money", "make a transfer", "freeze it", "please freeze"]
LABELS = ["top", "top", "move", "move", "freeze", "freeze"]


def test_it_knows_texts_by_words_of_the_examples_in_the_order_of_sorted_labels() -> None:
    found = Wording(TEXTS, LABELS).likelihoods(["another transfer", "top up", "to freeze"])
    assert [("freeze", "move", "top")[at] for at in found.argmax(1)] == ["move", "top", "freeze"]
    assert np.allclose(np.exp(found).sum(1), 1)


def test_two_labels_will_do() -> None:
    found = Wording(TEXTS[:4], LABELS[:4]).likelihoods(["transfer", "top"])
    assert found.shape == (2, 2)
    assert [("move", "top")[at] for at in found.argmax(1)] == ["move", "top"]


@pytest.mark.parametrize("text", ["", "?", "x", "你好", "\x00", "word " * 400])
def test_any_text_will_do(text: str) -> None:
    assert np.isfinite(Wording(TEXTS, LABELS).likelihoods([text])).all()
    assert np.isfinite(Wording([text, "other"], ["a", "b"]).likelihoods(["other"])).all()

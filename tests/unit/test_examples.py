"""Names of labels as examples."""

from __future__ import annotations

from models.intent.examples import with_names


def test_names_come_after_the_texts_in_words_once_a_label() -> None:
    texts, labels = with_names(["b", "a", "c"], ["put_down", "Pay-bill?", "put_down"])
    assert texts == ["b", "a", "c", "pay bill", "put down"]
    assert labels == ["put_down", "Pay-bill?", "put_down", "Pay-bill?", "put_down"]


def test_a_name_without_words_is_no_example() -> None:
    assert with_names(["x"], ["_?"]) == (["x"], ["_?"])

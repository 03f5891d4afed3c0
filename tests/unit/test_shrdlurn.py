"""The logs of SHRDLURN and what is measured on them, on logs made up here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from models import shrdlurn
from models.intent.personal_evaluation import LABELS, evaluate, nearest_neighbour, replay
from models.shrdlurn import DataError, Order, label

COLOURS = ("cyan", "brown", "red", "orange")


@pytest.mark.parametrize(
    ("start", "target", "expected"),
    [
        ([[1], [2]], [[1], []], ("remove", 2)),
        ([[1], [2]], [[1, 3, 3], [2]], ("add", 3)),
        ([[1, 2], [2, 2]], [[1], []], ("remove", 2)),
        ([[1]], [[1], [0]], ("add", 0)),
        ([[1], [2]], [[1], [2]], None),
        ([[1], [2]], [[], []], None),
        ([[1]], [[2]], None),
        ([[1, 2]], [[1, 3]], None),
        ([[2, 1]], [[1]], None),
    ],
)
def test_labels(start: list[list[int]], target: list[list[int]], expected: tuple[str, int] | None) -> None:
    assert label(start, target) == expected


def write(folder: Path, lines: list[dict[str, object]]) -> Path:
    (folder / "shrdlurn.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    return folder


def line(user: str, text: str, verb: str, colour: int) -> dict[str, object]:
    less, more = [[0]], [[0, colour]]
    start, target = (less, more) if verb == "add" else (more, less)
    return {"user": user, "utterance": text, "start": start, "target": target, "time": "", "rank": 0}


def test_orders_are_read_by_player_and_what_is_no_order_is_left_out(tmp_path: Path) -> None:
    nothing = {"user": "a", "utterance": "hm", "start": [[1]], "target": [[1]]}
    players = shrdlurn.load(write(tmp_path, [line("a", "x", "add", 1), line("b", "y", "remove", 2), nothing]))
    assert players.orders == {"a": [Order("x", "add", 1)], "b": [Order("y", "remove", 2)]}
    assert players.left_out == 1


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no shrdlurn\.jsonl"):
        shrdlurn.load(tmp_path)
    (tmp_path / "shrdlurn.jsonl").write_text('{"user": "a"}\n')
    with pytest.raises(DataError, match="line 1"):
        shrdlurn.load(tmp_path)
    (tmp_path / "shrdlurn.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="gz"):
        shrdlurn.load(tmp_path)


def test_the_nearest_neighbour_knows_only_what_was_before() -> None:
    said = [Order("rm red", "remove", 2), Order("rm red", "add", 1), Order("RM red!", "add", 1), Order("?", "add", 0)]
    found = nearest_neighbour(said)
    assert found[0] == -1
    assert LABELS[found[1]] == ("remove", 2)
    assert LABELS[found[2]] == ("add", 1)


def test_a_prediction_never_depends_on_its_own_answer_or_later_ones() -> None:
    chance = np.random.default_rng(0)
    said = [Order(f"w{at % 3} {at % 4}", *LABELS[int(chance.integers(8))]) for at in range(12)]
    embeddings = chance.normal(size=(12, 384)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    prior = np.full((12, 8), 1 / 8)
    found = replay(said, embeddings, prior)
    other = [*said[:6], *(Order(one.text, "add", 0) for one in said[6:])]
    assert (replay(other, embeddings, prior)[:7] == found[:7]).all()
    assert found[0] == prior[0].argmax()


def test_players_with_words_of_their_own_are_learned(tmp_path: Path) -> None:
    lines = []
    for player in range(6):
        for at in range(24):
            verb, colour = shrdlurn.VERBS[at % 2], at // 2 % 4
            # Everybody has other words for the colours.
            lines.append(line(f"p{player}", f"{verb} {COLOURS[(colour + player) % 4]}", verb, colour))
    result = evaluate(write(tmp_path, lines), progress=False, threads=1)
    figures = result["players"]["second_half"]
    assert figures["personal"] > 90
    assert figures["gain"] == round(figures["personal"] - max(figures["shared"], figures["nearest"]), 1)
    assert figures["shared"] < 60
    assert figures["orders"] == 72
    assert evaluate(tmp_path, progress=False, threads=1) == result


def test_too_few_players_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="players"):
        evaluate(write(tmp_path, [line("a", "x", "add", 1)]), progress=False, threads=1)

"""The head on the encoder, on embeddings whose neighbours are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.intent import background
from models.intent.adapted import adapted, adapted_without
from models.intent.evaluation import _threshold, evaluate, table
from models.intent.model import RANKED, IntentModel
from models.language.encoder import WIDTH

Array = NDArray[np.float32]


def near(centres: Array, count: int, spread: float, seed: int) -> Array:
    """Embeddings around each centre, ``count`` each."""
    noise = np.random.default_rng(seed).standard_normal((len(centres) * count, WIDTH)) * spread / WIDTH**0.5
    found = np.repeat(centres, count, axis=0) + noise
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def somewhere(count: int, seed: int) -> Array:
    found = np.random.default_rng(seed).standard_normal((count, WIDTH))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


CENTRES = somewhere(4, 1)
LABELS = [name for name in ("take", "drop", "paint", "undo") for _ in range(8)]
AROUND = somewhere(200, 2)


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return IntentModel.fit(near(CENTRES, 8, 0.7, 3), LABELS, AROUND)


def test_what_is_near_to_examples_is_of_their_label(model: IntentModel) -> None:
    found = model.predict(near(CENTRES, 5, 0.7, 4))
    assert [one.label for one in found] == [name for name in ("take", "drop", "paint", "undo") for _ in range(5)]
    for one in found:
        assert one.ranking[0] == (one.label, one.confidence)
        assert 0.5 <= one.confidence <= 1
        assert len(one.ranking) <= RANKED
        assert sum(share for _, share in one.ranking) <= 1 + 1e-9


def test_of_no_texts_there_are_no_probabilities(model: IntentModel) -> None:
    inside, probabilities = model.probabilities(somewhere(0, 1))
    assert (inside.shape, probabilities.shape) == ((0,), (0, 4))


def test_a_set_of_one_label_without_out_of_scope_texts_to_fit_to_is_measured(tmp_path: Path) -> None:
    parts = {
        "train": [[f"take the {thing}", "take"] for thing in ("cup", "kettle", "lamp")],
        "val": [["take the clock", "take"]],
        "oos_val": [["what is the weather like", "oos"]],
    }
    (tmp_path / "data.json").write_text(json.dumps(parts))
    found = evaluate(tmp_path, draws=1, progress=False, threads=1)
    assert "longer" not in found["few_shot"]
    assert (found["few_shot"]["baseline"], found["whole"]["baseline"]) == (None, None)
    assert (found["whole"]["accuracy"], found["whole"]["threshold"]) == (100, 0.5)
    assert table(found).row_count == 6


def test_what_is_near_to_none_is_none_of_them(model: IntentModel) -> None:
    found = model.predict(somewhere(50, 5))
    assert sum(one.label is None for one in found) >= 48
    for one in found:
        if one.label is None:
            assert one.confidence > 0.5
            assert one.ranking[0][1] < 0.5


def test_an_example_that_is_just_like_a_background_text_still_counts() -> None:
    examples = near(CENTRES, 8, 0.7, 3)
    model = IntentModel.fit(examples, LABELS, np.concatenate((AROUND, examples[:4])))
    assert [one.label for one in model.predict(examples[:4])] == ["take"] * 4


def test_what_is_told_to_be_outside_is_outside(model: IntentModel) -> None:
    beside = (CENTRES[:1] + somewhere(1, 7) * 1.2).astype(np.float32)
    beside /= np.linalg.norm(beside)
    told = IntentModel.fit(near(CENTRES, 8, 0.7, 3), LABELS, AROUND, near(beside, 60, 0.5, 8))
    spoken = near(beside, 20, 0.5, 9)
    assert told.probabilities(spoken)[0].mean() < model.probabilities(spoken)[0].mean() - 0.2


@pytest.mark.parametrize("counts", [(1,), (2,), (1, 1), (5, 1), (1, 2, 3)])
def test_few_examples_will_do(counts: tuple[int, ...]) -> None:
    centres = CENTRES[: len(counts)]
    examples = np.concatenate([near(centres[at : at + 1], count, 0.5, at) for at, count in enumerate(counts)])
    labels = [str(at) for at, count in enumerate(counts) for _ in range(count)]
    model = IntentModel.fit(examples, labels, AROUND)
    inside, probabilities = model.probabilities(near(centres, 3, 0.5, 9))
    found = [model.labels[at] for at in probabilities.argmax(1)]
    assert found == [label for label in sorted(set(labels)) for _ in range(3)]
    assert np.isfinite(inside).all()
    assert np.allclose(probabilities.sum(1), 1)


def test_the_same_examples_make_the_same_model(model: IntentModel) -> None:
    again = IntentModel.fit(near(CENTRES, 8, 0.7, 3), LABELS, AROUND)
    assert again.predict(near(CENTRES, 2, 0.9, 6)) == model.predict(near(CENTRES, 2, 0.9, 6))


def test_nothing_to_predict_is_nothing(model: IntentModel) -> None:
    assert model.predict(np.zeros((0, WIDTH), np.float32)) == []


def test_a_longer_fit_says_of_what_is_unsure_to_which_label_but_not_whether_to_any(model: IntentModel) -> None:
    between = (CENTRES[:1] + CENTRES[1:2]) / np.linalg.norm(CENTRES[0] + CENTRES[1])
    embeddings = np.concatenate((CENTRES[:1], between, somewhere(2, 12)))
    quick_inside, quick = model.probabilities(embeddings)
    unsure = [at for at in range(4) if quick[at].max() < 0.9]
    assert unsure == [1, 2, 3]
    asked: list[int] = []

    def longer(rows: Sequence[int]) -> np.ndarray:
        asked.extend(rows)
        return np.log(np.tile((0.01, 0.01, 0.01, 0.97), (len(rows), 1)))

    inside, probabilities = model.probabilities(embeddings, longer)
    assert asked == unsure
    assert np.array_equal(inside, quick_inside)
    assert np.array_equal(probabilities[0], quick[0])
    assert {model.labels[at] for at in probabilities[unsure].argmax(1)} == {model.labels[3]}
    assert np.allclose(probabilities.sum(1), 1)
    labels = [one.label for one in model.predict(embeddings, longer)]
    assert labels[2:] == [None, None]
    assert labels[0] == model.predict(CENTRES[:1])[0].label


def test_where_a_longer_fit_cannot_tell_the_quick_one_does(model: IntentModel) -> None:
    embeddings = np.concatenate((0.6 * CENTRES[:1] + 0.4 * CENTRES[1:2], somewhere(3, 12)))
    quick = model.probabilities(embeddings)[1]
    both = model.probabilities(embeddings, lambda rows: np.zeros((len(rows), len(model.labels))))[1]
    assert np.array_equal(both.argmax(1), quick.argmax(1))
    assert (both.max(1) > 1 / len(model.labels)).all()


def test_the_background_can_do_without_a_set() -> None:
    whole = background.texts()
    assert len(whole) > 400
    assert "" in whole
    for name in background.SETS:
        assert len(background.texts(without=name)) < len(whole)


def test_a_set_is_measured_with_an_encoder_that_did_not_see_it() -> None:
    assert adapted().is_file()
    for name in ("clinc150", "banking77", "hwu64", "snips"):
        path = adapted_without(name)
        assert path is None or (path.is_file() and name in path.name and path != adapted())
    assert adapted_without("a set of one's own") == adapted()


def test_the_threshold_refuses_a_standard_error_more_than_is_wanted() -> None:
    known = np.arange(101) / 100
    assert _threshold(known) == pytest.approx(0.6 + (0.24 / 101) ** 0.5)
    assert _threshold(known[:1]) == 0
    assert _threshold(known[:0]) == 0.5

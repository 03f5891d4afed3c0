"""Sentence embeddings: the real weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from models.intent.adapted import adapted
from models.language.encoder import WIDTH, Encoder, Remembered, weights_folder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load(adapted())


def test_what_means_the_same_is_near(encoder: Encoder) -> None:
    take, grab, weather = encoder.encode(["pick up the kettle", "take the kettle", "what is the weather like"]).numpy()
    assert take @ grab > 0.7
    assert take @ weather < 0.3


def test_it_is_the_mean_of_the_published_models_hidden_states() -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = weights_folder()
    tokens = AutoTokenizer.from_pretrained(folder)("pick up the kettle", return_tensors="pt")
    with torch.inference_mode():
        mean = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state[0].mean(0)
    assert torch.allclose(Encoder.load(None).encode(["pick up the kettle"])[0], mean / mean.norm(), atol=1e-5)


@pytest.mark.parametrize("text", ["", " ", "a", "x" * 2000, "word " * 400, "👍", "\x00", "Привет", "你好"])
def test_any_text_has_an_embedding_of_unit_length(encoder: Encoder, text: str) -> None:
    found = encoder.encode([text])
    assert found.shape == (1, WIDTH)
    assert found.dtype == torch.float32
    assert float(found.norm()) == pytest.approx(1, abs=1e-5)


def test_no_texts_have_no_embeddings(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, WIDTH)


def test_a_batch_is_as_each_alone_in_the_order_given(encoder: Encoder) -> None:
    texts = ["the", "pick up the red kettle on the table", "", "undo that", *("again " * n for n in range(70))]
    together = encoder.encode(texts)
    for at in (0, 1, 2, 3, 20, 73):
        assert torch.allclose(together[at], encoder.encode([texts[at]])[0], atol=1e-5)


def test_the_adapted_weights_are_other_weights_and_say_what_they_saw(encoder: Encoder) -> None:
    plain = Encoder.load(None)
    assert encoder.version != plain.version
    assert encoder.version.startswith(plain.version)
    text = ["turn the lights off in the kitchen"]
    assert not np.allclose(plain.encode(text), encoder.encode(text), atol=1e-3)
    with safe_open(adapted(), framework="pt") as file:
        about = json.loads(file.metadata()["genlock"])
    assert about["adapted_on"] == ["clinc150", "hwu64", "banking77", "snips"]


def test_changes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    changes = load_file(adapted())
    name = sorted(changes)[0]
    wrong = tmp_path / "wrong.safetensors"
    save_file({**changes, name: changes[name][:, :-1].contiguous()}, wrong)
    with pytest.raises(ValueError, match="does not fit"):
        Encoder.load(wrong)
    save_file({"nowhere.a": torch.zeros(2, 2), "nowhere.b": torch.zeros(2, 2)}, wrong)
    with pytest.raises(ValueError, match="nowhere does not fit"):
        Encoder.load(wrong)


def test_a_changed_encoder_is_another_and_shares_what_does_not_change(encoder: Encoder) -> None:
    names = list(encoder.tunable())
    assert len(names) == 2 * 6 * 6
    before = encoder.encode(["undo that"])
    changed = encoder.changed({names[0]: torch.full_like(encoder.tunable()[names[0]], 0.01).half()})
    assert not torch.allclose(changed.encode(["undo that"]), before, atol=1e-4)
    assert torch.equal(encoder.encode(["undo that"]), before)
    assert changed.tunable()[names[1]] is encoder.tunable()[names[1]]
    copied = encoder.changed({}, copied=True)
    assert torch.equal(copied.encode(["undo that"]), before)
    assert copied.tunable()[names[1]] is not encoder.tunable()[names[1]]


def test_changes_of_another_shape_or_name_are_refused(encoder: Encoder) -> None:
    name, weight = next(iter(encoder.tunable().items()))
    for wrong in ({name: weight[:-1]}, {name: weight[None]}, {"nowhere.weight": weight}, {"": weight}):
        with pytest.raises(ValueError, match="does not fit"):
            encoder.changed(wrong)


def test_a_packed_encoder_gives_the_same_and_is_left_alone_by_changes(encoder: Encoder) -> None:
    packed = encoder.packed()
    texts = ["undo that", "", "take the blue mug over there and put it onto the table " * 5]
    before = encoder.encode(texts)
    assert torch.allclose(packed.encode(texts), before, atol=1e-5)
    assert torch.allclose(packed.encode(texts[:1]), before[:1], atol=1e-5)
    assert packed.version == encoder.version
    assert torch.equal(encoder.encode(texts), before)
    if packed.network is not encoder.network:
        assert packed.tunable() == {}


def test_what_is_asked_for_again_is_remembered(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    encode = Encoder.encode

    def counted(self: Encoder, texts: Sequence[str]) -> torch.Tensor:
        asked.append(list(texts))
        return encode(self, texts)

    monkeypatch.setattr(Encoder, "encode", counted)
    names = Remembered(2)
    first = names.encode(encoder, ["mug", "kettle", "mug"])
    assert np.array_equal(first[0], first[2])
    assert np.allclose(first[:2], encode(encoder, ["mug", "kettle"]), atol=1e-6)
    names.encode(encoder, ["kettle"])
    names.encode(encoder, ["plant"])
    names.encode(encoder, ["mug", "kettle"])
    assert asked == [["mug", "kettle"], ["plant"], ["mug"]], "the mug was longest not asked for"

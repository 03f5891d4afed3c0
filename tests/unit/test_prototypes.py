"""Things that were taught by a few pictures are told from each other and from what was not taught."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.vision.pictures import decode_file
from models.vision.prototypes import NUMBERS, Prototypes, packed, unpacked
from models.vision.sight import Sight

ROOT = Path(__file__).parents[2]
Floats = NDArray[np.float32]


def unit(vectors: NDArray[np.floating]) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def around(seed: int, count: int, spread: float = 0.5) -> Floats:
    """Embeddings of one thing: all as far from its own direction as ``spread``; things have nothing in common."""
    chance = np.random.default_rng(seed)
    return unit(unit(chance.normal(size=NUMBERS)) + spread * unit(chance.normal(size=(count, NUMBERS))))


def test_nothing_taught_is_nothing_found() -> None:
    assert Prototypes({}).match(around(0, 1)[0]) is None
    assert Prototypes({}).names == ()


@pytest.mark.parametrize("examples", [1, 3, 5])
def test_what_was_taught_is_found_and_what_was_not_is_none(examples: int) -> None:
    things = {f"thing {seed}": around(seed, examples + 4) for seed in range(8)}
    taught = Prototypes({name: one[:examples] for name, one in things.items()})
    assert taught.names == tuple(things)
    for name, one in things.items():
        for picture in one[examples:]:
            match = taught.match(picture)
            assert match is not None
            assert match[0] == name
            assert 0.5 <= match[1] <= 1
    assert [taught.match(picture) for seed in range(8, 16) for picture in around(seed, 2)] == [None] * 16


def test_one_thing_alone_is_found_and_others_are_none() -> None:
    known = around(0, 5)
    taught = Prototypes({"mug": known[:1]})
    assert taught.match(known[1]) is not None
    assert taught.match(around(1, 1)[0]) is None


def test_what_is_halfway_between_two_things_is_less_sure() -> None:
    one, other = around(0, 3), around(1, 3)
    taught = Prototypes({"one": one, "other": other})
    clear, torn = taught.match(one[0]), taught.match(unit(one[0] + 0.9 * other[0]))
    assert clear is not None
    assert torn is None or torn[1] < clear[1]


def test_a_background_that_all_share_does_not_decide() -> None:
    chance = np.random.default_rng(0)
    rooms = unit(chance.normal(size=(6, NUMBERS)))
    mug, pen = unit(chance.normal(size=(2, NUMBERS)))
    taught = Prototypes(
        {
            "mug": unit(0.6 * mug + rooms[[0, 1, 2]]),
            "pen": unit(0.6 * pen + rooms[[0, 1, 3]]),
        }
    )
    # A mug in the room in which only the pen was seen.
    found = taught.scores(unit(0.6 * mug + rooms[3])[None])[0]
    assert taught.names[int(found.argmax())] == "mug"


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        (np.zeros((0, NUMBERS), np.float32), "1 to 16 pictures, not 0"),
        (around(0, 17), "1 to 16 pictures, not 17"),
        (around(0, 2)[:, :-1], "1280 numbers"),
        (np.full((1, NUMBERS), np.nan, np.float32), "1280 numbers and unit length"),
        (2 * around(0, 2), "unit length"),
    ],
)
def test_what_is_no_example_is_refused(examples: Floats, words: str) -> None:
    with pytest.raises(ValueError, match=f"mug: .*{words}"):
        Prototypes({"mug": examples})


@given(st.integers(0, 100), st.integers(1, 16))
def test_examples_are_kept_nearly_as_they_are(seed: int, count: int) -> None:
    examples = around(seed, count)
    data = packed(examples)
    assert len(data) == 2560 * count
    assert np.abs(unpacked(data) - examples).max() < 1e-3
    assert packed(unpacked(data)) == packed(unpacked(packed(unpacked(data))))


@given(st.binary(max_size=6000))
def test_any_bytes_are_examples_or_refused(data: bytes) -> None:
    try:
        found = unpacked(data)
    except ValueError:
        return
    assert found.shape == (len(data) // 2560, NUMBERS)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("length", [1, 2559, 2561, 5119])
def test_examples_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"2560 bytes each, and there are {length}"):
        unpacked(bytes([60]) * length)


def test_spoilt_examples_are_refused() -> None:
    for value in (0.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="finite, and not all 0"):
            unpacked(np.full(NUMBERS, value, "<f2").tobytes())


def test_it_does_without_torch() -> None:
    code = "import sys, models.vision.prototypes, models.vision.pictures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_photographs_are_known_again_in_other_light_nearer_and_mirrored() -> None:
    sight = Sight.load()
    pictures = {
        name: decode_file((ROOT / "samples" / "pictures" / f"{name}.jpg").read_bytes())
        for name in ("cat", "espresso", "tripod")
    }
    taught = Prototypes({name: sight.examples([pictures[name]]) for name in ("cat", "espresso")})

    def changed(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        dark = (picture * 0.5).astype(np.uint8)
        return [dark, picture[20:210, 40:300], picture[:, ::-1], dark[10:230, ::-1]]

    for name in ("cat", "espresso"):
        matches = [taught.match(seen.embedding) for seen in sight.look(changed(pictures[name]))]
        assert [match and match[0] for match in matches] == [name] * 4
    assert [taught.match(seen.embedding) for seen in sight.look(changed(pictures["tripod"]))] == [None] * 4

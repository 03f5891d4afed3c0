"""From recordings to prototypes, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.gesture import taught
from models.gesture.past import MOMENTS, Looker
from models.gesture.shape import NUMBERS, POINTS, RATE_HZ, WINDOWS
from models.gesture.taught import LIKENESS, PROTOTYPE, columns, described, prototype, seen, stricter

Floats = NDArray[np.float32]


def recorded(seconds: float = 1.0, size: float = 0.3, rate_hz: float = 90.0, turns: float = 1.0) -> Floats:
    """Once round, with rest before and after."""
    count = round(seconds * rate_hz)
    phase = np.concatenate((np.zeros(20), np.linspace(0, 2 * np.pi * turns, count), np.full(20, 2 * np.pi * turns)))
    made = np.zeros((len(phase), 8), dtype=np.float32)
    made[:, 0] = np.arange(len(phase)) / rate_hz
    made[:, 1], made[:, 2], made[:, 7] = size * np.cos(phase), 1.2 + size * np.sin(phase), 1
    return made


def test_rest_at_either_end_does_not_count() -> None:
    short = recorded()
    long = np.concatenate((np.repeat(short[:1], 90, axis=0), short, np.repeat(short[-1:], 90, axis=0)))
    long[:, 0] = np.arange(len(long)) / 90
    a, b = prototype([short], "right"), prototype([long], "right")
    assert a.shape == (PROTOTYPE,)
    assert a.dtype == np.float32
    assert float(a[:NUMBERS] @ b[:NUMBERS]) > 0.99


def test_rate_and_size_hardly_count() -> None:
    first = prototype([recorded()], "right")
    for other in (recorded(rate_hz=72), recorded(rate_hz=120), recorded(size=0.2)):
        assert float(first[:NUMBERS] @ prototype([other], "right")[:NUMBERS]) > 0.99
    assert float(first[:NUMBERS] @ prototype([recorded(turns=-1)], "right")[:NUMBERS]) < 0.8


def test_a_false_activation_makes_a_prototype_stricter() -> None:
    known = prototype([recorded()], "right")
    once = stricter(known)
    assert known[LIKENESS] < once[LIKENESS] < stricter(once)[LIKENESS] < 1
    assert np.array_equal(once[:NUMBERS], known[:NUMBERS])


def broken(change: str) -> Floats:
    made = recorded()
    if change == "still":
        made[:, 1:3] = 0
    elif change == "nan":
        made[3, 2] = np.nan
    elif change == "backwards":
        made[5, 0] = made[4, 0]
    elif change == "gap":
        made[60:, 0] += 1
    elif change == "quaternion":
        made[:, 7] = 0.2
    elif change == "wide":
        made = np.zeros((90, 183), dtype=np.float32)
    elif change == "flat":
        made = made[:, 0]
    elif change == "short":
        made = made[:10]
    elif change == "empty":
        made = made[:0]
    elif change == "long":
        made[:, 0] *= 4
    else:
        made[:, 0] *= 40
    return made


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("still", "hardly moves"),
        ("nan", "not finite"),
        ("backwards", "times must increase"),
        ("gap", "ten moments a second"),
        ("quaternion", "unit quaternions"),
        ("wide", "has 8 numbers"),
        ("flat", "has 8 numbers"),
        ("short", r"record 0\.27 to 30 s"),
        ("empty", "send 2 to"),
        ("long", r"at most 2\.4 s"),
        ("longest", "ten moments a second|record"),
    ],
)
def test_recordings_that_teach_nothing_are_refused(change: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"example 2.*({words})"):
        prototype([recorded(), broken(change)], "right")


def test_examples_have_to_be_alike_and_of_the_right_number() -> None:
    with pytest.raises(ValueError, match="1 to 5 examples, not 0"):
        prototype([], "right")
    with pytest.raises(ValueError, match="not 6"):
        prototype([recorded()] * 6, "right")
    line = recorded()
    line[:, 2] = 1.2
    line[:, 1] = np.linspace(0, 0.5, len(line))
    with pytest.raises(ValueError, match="example 3 is not like the others"):
        prototype([recorded(), recorded(), line], "right")
    with pytest.raises(ValueError, match="'foot' is none of head, left"):
        prototype([recorded()], "foot")


def test_columns_name_their_slots() -> None:
    known = prototype([recorded()], "left")
    made = columns({2: (known, "left")}, {1: 1})
    assert {name: value.shape for name, value in made.items()} == taught.ADAPTERS
    assert made["spotting"][:, 0].tolist() == [0, 0, 1] + [0] * 13
    assert made["stricter"][0] > 0
    assert not any(value.any() for value in columns({}).values())
    for gestures, wrong in (
        ({16: (known, "left")}, {}),
        ({0: (known, "foot")}, {}),
        ({0: (known[1:], "left")}, {}),
        ({}, {0: 1}),
    ):
        with pytest.raises(ValueError, match=r"slot|number"):
            columns(gestures, wrong)


def test_the_running_stream_is_described_as_recordings_are() -> None:
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(MOMENTS, 3, 7)).astype(np.float32)
    poses[..., 3:] /= np.linalg.norm(poses[..., 3:], axis=2, keepdims=True)
    past = torch.zeros(1, MOMENTS, 3 * 7 + 16)
    past[0, :, :21] = torch.from_numpy(poses.reshape(MOMENTS, -1))
    found = Looker().poses(past)
    for window, count in enumerate(WINDOWS):
        places = np.linspace(MOMENTS - count, MOMENTS - 1, POINTS)
        for mover in range(3):
            moments = seen(poses[:, mover], None)
            even = np.stack([np.interp(places, np.arange(MOMENTS), column) for column in moments.T], axis=1)
            wanted = described(even.astype(np.float32))[: found.shape[3]]
            assert found[0, mover, window].numpy() == pytest.approx(wanted, abs=1e-4)
    assert WINDOWS[-1] >= RATE_HZ * taught.LONGEST_S


def test_teaching_does_without_torch() -> None:
    code = "import sys, models.gesture.taught, models.gesture.names; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

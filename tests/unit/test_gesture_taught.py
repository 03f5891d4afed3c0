"""From recordings to prototypes, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.frame_model import FrameBatch
from models.gesture import taught
from models.gesture.evaluation import lesson
from models.gesture.names import FIRST_TAUGHT
from models.gesture.past import MOMENTS, Looker
from models.gesture.replay import spot_hands
from models.gesture.shape import NUMBERS, PALM, POINTS, POSE_NUMBERS, RATE_HZ, SCATTER, TELLING, WINDOWS
from models.gesture.spotter import Gesture
from models.gesture.synthetic import INVENTED
from models.gesture.taught import (
    LIKENESS,
    PLAIN,
    PROTOTYPE,
    columns,
    described,
    prototype,
    seen,
    stricter,
    telling,
    told_apart,
)

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
    assert a.shape == (PLAIN,)
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
    joints = np.zeros((MOMENTS, 2, 26, 7), dtype=np.float32)
    joints[..., :3] = rng.normal(size=(MOMENTS, 2, 26, 3))
    joints[:, :, PALM] = poses[:, 1:]
    batch = FrameBatch.blank(MOMENTS)
    batch.head, batch.jointed = torch.from_numpy(poses[:, 0]), torch.ones(MOMENTS, 2, dtype=torch.bool)
    batch.hands = torch.from_numpy(joints)
    looker = Looker()
    past = looker.moment(batch, torch.arange(MOMENTS)).unsqueeze(0)
    courses, heading = looker.poses(past)
    around = looker.joints_of(past)
    opened, told = looker.opened(around), looker.telling(around, courses[:, 1:], heading[:, 1:])
    for window, count in enumerate(WINDOWS):
        places = np.linspace(MOMENTS - count, MOMENTS - 1, POINTS)
        for mover in range(3):
            moments = seen(poses[:, mover], joints[:, mover - 1] if mover else None)
            even = np.stack([np.interp(places, np.arange(MOMENTS), column) for column in moments.T], axis=1)
            wanted = described(even.astype(np.float32))
            assert courses[0, mover, window].numpy() == pytest.approx(wanted[:POSE_NUMBERS], abs=1e-4)
            if mover:
                assert opened[0, mover - 1, window].numpy() == pytest.approx(wanted[POSE_NUMBERS:], abs=1e-4)
                wanted = telling(even.astype(np.float32), (count - 1) / RATE_HZ)
                assert told[0, mover - 1, window].numpy() == pytest.approx(wanted, abs=1e-4)
    assert WINDOWS[-1] >= RATE_HZ * taught.LONGEST_S


def hand(closing: float, rising: float, seed: int, side: int = 0) -> Floats:
    """A left hand, or a right one (``side`` 1), that closes by a share and rises, with some tremor: ``[n, 183]``."""
    rng = np.random.default_rng(seed)
    share = np.concatenate((np.zeros(10), np.sin(np.pi * np.linspace(0, 1, 40)) ** 2, np.zeros(10)))
    joints = np.zeros((len(share), 26, 7), dtype=np.float32)
    joints[..., 6] = 1
    joints[..., 1] = 1.2 + rising * share[:, None]
    joints[:, 1, 2] = 0.05
    for finger, tip in enumerate((5, 10, 15, 20, 25)):
        joints[:, tip, 0] = 0.02 * (finger - 2) * (1 - 2 * side)
        joints[:, tip, 2] = -0.12 + 0.08 * closing * share
    joints[:, 12, 2] = -0.04
    joints[..., :3] += rng.normal(0, 0.0005, joints[..., :3].shape)
    times = np.arange(len(share), dtype=np.float32)[:, None] / 30
    return np.concatenate((times, joints.reshape(len(share), -1)), axis=1).astype(np.float32)


def test_gestures_of_a_hand_are_told_apart_by_all_their_examples() -> None:
    kinds = ((1.0, 0.0), (0.5, 0.1), (0.0, 0.2))
    known = [prototype([hand(*kind, seed) for seed in range(3)], "left_hand") for kind in kinds]
    assert {one.shape for one in known} == {(PROTOTYPE,)}
    weights, scatter = told_apart(known)
    assert scatter.shape == (SCATTER, TELLING)
    assert weights.shape == (3, TELLING + 1)
    for number, kind in enumerate(kinds):
        for seed in range(10, 14):
            seen_of_it = taught.movement(hand(*kind, seed), "left_hand").tellings[0]
            assert int((weights @ np.append(seen_of_it, 1)).argmax()) == number
    made = columns({0: (known[0], "left_hand"), 3: (known[1], "left_hand"), 4: (known[2], "right_hand")})
    assert made["telling"].any(1).nonzero()[0].tolist() == [0, 3, 4]
    assert np.array_equal(made["telling"][[0, 3]], told_apart(known[:2])[0])


@torch.inference_mode()
def test_gestures_of_a_hand_are_spotted_in_running_frames_until_they_were_false_too_often() -> None:
    kinds = ((1.0, 0.0), (0.5, 0.1), (0.0, 0.2))
    known = [prototype([hand(*kind, seed, 1) for seed in range(3)], "right_hand") for kind in kinds]
    made = [hand(*kind, seed, 1) for kind in kinds for seed in range(10, 13)]
    lessons = columns({slot: (one, "right_hand") for slot, one in enumerate(known)})
    found = spot_hands(Gesture.load(), made, 30.0, lessons, (30, 15))
    own = [[one for one in some if one.number >= FIRST_TAUGHT] for some in found]
    assert [[one.number - FIRST_TAUGHT for one in some] for some in own] == [[0]] * 3 + [[1]] * 3 + [[2]] * 3
    assert {one.device for some in own for one in some} == {2}
    assert max(one.reported for some in own for one in some) < 50 / 30 + 0.15
    for _ in range(60):
        known = [stricter(one) for one in known]
    lessons = columns({slot: (one, "right_hand") for slot, one in enumerate(known)})
    found = spot_hands(Gesture.load(), made, 30.0, lessons, (30, 15))
    assert not [one for some in found for one in some if one.number >= FIRST_TAUGHT]


def test_a_hand_s_odd_example_is_refused() -> None:
    turned = hand(0.0, 0.2, 3)
    joints = turned[:, 1:].reshape(-1, 26, 7)
    joints[:, 1:, :3] = 2 * joints[:, :1, :3] - joints[:, 1:, :3]
    with pytest.raises(ValueError, match="example 3 is not like the others"):
        prototype([hand(0.0, 0.2, 1), hand(0.0, 0.2, 2), turned], "left_hand")


def test_one_example_of_one_gesture_and_zeros_do_for_telling_apart() -> None:
    for known in (prototype([hand(1.0, 0.0, 0)], "left_hand"), np.zeros(PROTOTYPE, dtype=np.float32)):
        assert all(np.isfinite(made).all() for made in told_apart([known]))


def test_what_was_taught_before_joints_told_apart_still_works() -> None:
    known = prototype([hand(1.0, 0.0, seed) for seed in range(3)], "left_hand")
    made = columns({0: (known[:PLAIN], "left_hand"), 1: (known, "left_hand")})
    assert np.array_equal(made["taught"][0], made["taught"][1])
    assert np.array_equal(made["spotting"][0], made["spotting"][1])
    assert not made["telling"][0].any()


def mirrored(recording: Floats) -> Floats:
    made = recording.copy()
    made[:, 1] *= -1
    return made


def test_the_same_movement_made_anew_is_the_same_and_others_are_others() -> None:
    known = prototype([recorded()], "right")
    again = prototype([recorded(seconds=1.1, size=0.27, rate_hz=72)], "right")
    assert taught.same_movement(known, again)
    assert taught.same_movement(again, known)
    others = (recorded(turns=-1), recorded(size=0.1), recorded(seconds=2.2), recorded(turns=0.5), mirrored(recorded()))
    for other in others:
        assert not taught.same_movement(known, prototype([other], "right"))
    for _ in range(60):
        known = stricter(known)
    assert not taught.same_movement(known, again)


def test_movements_of_a_hand_are_the_same_only_where_joints_and_way_are() -> None:
    kinds = ((1.0, 0.0), (0.5, 0.1), (0.0, 0.2), (0.0, 0.1))
    known = [prototype([hand(*kind, seed) for seed in range(3)], "left_hand") for kind in kinds]
    again = [prototype([hand(*kind, seed) for seed in range(3, 6)], "left_hand") for kind in kinds]
    assert [[taught.same_movement(a, b) for b in again] for a in known] == np.eye(len(kinds), dtype=bool).tolist()
    assert not taught.same_movement(known[0], known[0][:PLAIN])


@pytest.mark.parametrize("name", INVENTED)
def test_no_invented_movement_is_another_one(name: str) -> None:
    assert [other for other in INVENTED if taught.same_movement(lesson(name), lesson(other))] == [name]


def test_teaching_does_without_torch() -> None:
    code = "import sys, models.gesture.taught, models.gesture.names; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

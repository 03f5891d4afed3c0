"""The gesture frame model, on movements that are made up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.profiles.gestures import BuiltIn, learn, name_of
from bridge.profiles.items import Item
from models import rotations
from models.frame_model import FrameBatch
from models.gesture import taught
from models.gesture.names import BUILT_IN, FIRST_TAUGHT, HEAD_GESTURES, NUMBERS, TAUGHT_SLOTS
from models.gesture.replay import Piece, Spotted, spot
from models.gesture.spotter import Gesture
from models.gesture.synthetic import Performance, perform

RATE_HZ = 90.0
LATEST_S = 0.15
"""By when a gesture has to be spotted after its end, plus a frame; the end itself is known to a moment only."""


def piece(made: Performance) -> Piece:
    return Piece("", made.head, made.left, made.right)


def clear(name: str, rate_hz: float = RATE_HZ, seed: int = 2, device: str | None = None) -> Performance:
    return perform(name, rate_hz, np.random.default_rng(seed), device, person=7)


def moved(poses: NDArray[np.float32], heading: float, by: tuple[float, float, float]) -> NDArray[np.float32]:
    """The same, made elsewhere and facing elsewhere."""
    turn = rotations.from_rotation_vector(torch.tensor([0.0, heading, 0.0])).expand(len(poses), 4)
    given_poses = torch.from_numpy(poses)
    place = rotations.rotate(turn, given_poses[:, :3]) + torch.tensor(by)
    return torch.cat((place, rotations.multiply(turn, given_poses[:, 3:])), dim=1).numpy()


def told(found: list[Spotted]) -> list[tuple[int, int]]:
    return [(one.number, one.device) for one in found]


def recording(made: Performance, rate_hz: float = RATE_HZ, margin: int = 10) -> NDArray[np.float32]:
    """What a client sends of a performance to teach it: the gesture with a little rest before and after."""
    poses = {"head": made.head, "left": made.left, "right": made.right}[made.device]
    part = poses[made.start - margin : made.end + margin]
    return np.column_stack((np.arange(len(part)) / rate_hz, part)).astype(np.float32)


def lesson(name: str, device: str, examples: int = 3) -> NDArray[np.float32]:
    return taught.prototype([recording(clear(name, seed=seed, device=device)) for seed in range(examples)], device)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_gestures_are_reported_once_and_in_time(name: str) -> None:
    made = [clear(name, seed=seed) for seed in range(12)]
    found = spot(Gesture.load(), [piece(one) for one in made], RATE_HZ)
    right = 0
    for number, one in enumerate(made):
        expected = (NUMBERS[name], ("head", "left", "right").index(one.device))
        hits = [each for each in found if each.piece == number and (each.number, each.device) == expected]
        assert len(hits) <= 1
        for hit in hits:
            right += hit.reported - one.end / RATE_HZ <= LATEST_S + 1 / RATE_HZ and hit.end > one.start / RATE_HZ
            assert one.start / RATE_HZ - 0.3 < hit.start < hit.end <= hit.reported
            assert 0.5 <= hit.confidence <= 1
    assert right >= 8


@pytest.mark.parametrize("rate_hz", [72.0, 90.0, 120.0])
@pytest.mark.parametrize("name", ["nod", "swipe_left", "circle"])
def test_headsets_of_any_rate_are_served(name: str, rate_hz: float) -> None:
    made = [clear(name, rate_hz, seed) for seed in range(10)]
    found = spot(Gesture.load(), [piece(one) for one in made], rate_hz)
    assert len({one.piece for one in found if one.number == NUMBERS[name]}) >= 7


@settings(max_examples=8, deadline=None)
@given(heading=st.floats(-3.1, 3.1), x=st.floats(-20, 20), z=st.floats(-20, 20), name=st.sampled_from(BUILT_IN))
def test_it_makes_no_difference_where_one_stands_and_faces(heading: float, x: float, z: float, name: str) -> None:
    made = clear(name)
    there = Piece("", *(moved(poses, heading, (x, 0.3, z)) for poses in (made.head, made.left, made.right)))
    here, elsewhere = spot(Gesture.load(), [piece(made)], RATE_HZ), spot(Gesture.load(), [there], RATE_HZ)
    assert here
    assert told(here) == told(elsewhere)
    for a, b in zip(here, elsewhere, strict=True):
        assert a.reported == b.reported
        assert a.confidence == pytest.approx(b.confidence, abs=0.01)


def test_a_session_is_served_the_same_alone_and_among_others() -> None:
    model = Gesture.load()
    made = [clear(name, seed=number) for number, name in enumerate(BUILT_IN)]
    known = taught.columns({0: (lesson("triangle", "right"), "right")})
    together = spot(model, [piece(one) for one in made], RATE_HZ, known)
    assert together
    for number, one in enumerate(made):
        alone = spot(model, [piece(one)], RATE_HZ, known)
        beside = [each for each in together if each.piece == number]
        assert told(alone) == told(beside)
        for a, b in zip(alone, beside, strict=True):
            assert a.confidence == pytest.approx(b.confidence, abs=1e-4)
            assert (a.start, a.end, a.reported) == pytest.approx((b.start, b.end, b.reported), abs=1e-4)


def test_who_has_taught_nothing_does_not_notice_who_has() -> None:
    model = Gesture.load()
    made = clear("triangle", device="right")
    lessons = taught.columns({3: (lesson("triangle", "right"), "right")})
    known = {
        name: torch.stack((torch.zeros(shape), torch.from_numpy(lessons[name])))
        for name, shape in model.adapters.items()
    }
    state = {name: torch.zeros(2, *shape) for name, shape in model.state.items()}
    numbers: list[list[float]] = []
    for frame in range(len(made.head)):
        batch = FrameBatch.blank(2)
        batch.tracked[:, [0, 2, 3]] = True
        batch.head, batch.left, batch.right = (
            torch.from_numpy(poses[frame]).expand(2, 7) for poses in (made.head, made.left, made.right)
        )
        batch.dt.fill_(1 / RATE_HZ if frame else 0.0)
        batch.fresh.fill_(frame == 0)
        outputs, state, learned = model.step(batch, state, known)
        assert learned == {}
        numbers.append(outputs["gesture"][:, 0].tolist())
    assert FIRST_TAUGHT + 3 in {row[1] for row in numbers}
    assert FIRST_TAUGHT + 3 not in {row[0] for row in numbers}


def test_state_and_adapters_are_not_written_to() -> None:
    model = Gesture.load()
    state = {name: torch.rand(4, *shape) for name, shape in model.state.items()}
    known = {name: torch.rand(4, *shape) for name, shape in model.adapters.items()}
    before = [{name: value.clone() for name, value in rows.items()} for rows in (state, known)]
    batch = FrameBatch.blank(4)
    batch.dt.fill_(1 / RATE_HZ)
    batch.tracked[:] = True
    outputs, after, _ = model.step(batch, state, known)
    assert outputs["gesture"].shape == (4, 5)
    assert {name: tuple(value.shape[1:]) for name, value in after.items()} == dict(model.state)
    for rows, kept in zip((state, known), before, strict=True):
        assert all(torch.equal(rows[name], kept[name]) for name in rows)


def test_nothing_is_spotted_in_stillness_and_tremor() -> None:
    rng = np.random.default_rng(0)
    still = np.tile(np.array([0.2, 1.2, -0.3, 0, 0, 0, 1], dtype=np.float32), (900, 1))
    trembling = still.copy()
    trembling[:, :3] += rng.normal(0, 0.002, (900, 3)).astype(np.float32)
    known = taught.columns({0: (lesson("knock", "right"), "right"), 1: (lesson("twist", "left"), "left")})
    for poses in (still, trembling):
        assert spot(Gesture.load(), [Piece("", poses, poses, poses)], RATE_HZ, known) == []


def test_a_device_that_is_lost_and_found_elsewhere_did_not_swipe() -> None:
    model = Gesture.load()
    state = {name: torch.zeros(1, *shape) for name, shape in model.state.items()}
    known = {name: torch.zeros(1, *shape) for name, shape in model.adapters.items()}
    for frame in range(400):
        batch = FrameBatch.blank(1)
        batch.tracked[:, 0] = True
        batch.tracked[:, 3] = not 100 < frame < 130 and not 250 < frame < 252
        batch.right[:, 0] = 0.4 if 130 <= frame < 252 else 0.0
        batch.dt.fill_(1 / RATE_HZ if frame else 0.0)
        batch.fresh.fill_(frame == 0)
        outputs, state, _ = model.step(batch, state, known)
        assert not outputs["gesture"].any()


def test_who_moved_while_no_gesture_was_wanted_did_not_swipe_when_one_is() -> None:
    model = Gesture.load()
    state = {name: torch.zeros(1, *shape) for name, shape in model.state.items()}
    known = {name: torch.zeros(1, *shape) for name, shape in model.adapters.items()}
    for frame in range(400):
        batch = FrameBatch.blank(1)
        batch.tracked[:, [0, 3]] = True
        batch.right[:, 0] = 0.0 if frame < 150 else 0.4
        batch.gesturing[:] = not 140 < frame < 170
        batch.dt.fill_(1 / RATE_HZ if frame else 0.0)
        batch.fresh.fill_(frame == 0)
        outputs, state, _ = model.step(batch, state, known)
        assert not outputs["gesture"].any()
        if frame == 170:
            assert state["seen"][0, :3].tolist() == [1, 0, 1]


@pytest.mark.parametrize("name", ["zigzag", "triangle", "eight", "twist"])
def test_a_taught_gesture_is_spotted_and_others_are_not_taken_for_it(name: str) -> None:
    known = taught.columns({5: (lesson(name, "right"), "right")})
    made = [clear(name, seed=seed, device="right") for seed in range(20, 30)]
    others = [clear(other, seed=seed) for other in ("circle", "swipe_left", "wave", "check") for seed in range(20, 24)]
    found = spot(Gesture.load(), [piece(one) for one in (*made, *others)], RATE_HZ, known)
    hits = [one for one in found if one.number == FIRST_TAUGHT + 5]
    spotted = [one.piece for one in hits]
    assert len(spotted) == len(set(spotted))
    assert len([number for number in spotted if number < len(made)]) >= 8
    assert len([number for number in spotted if number >= len(made)]) <= 1
    assert all(one.device == 2 for one in hits)
    for one in hits:
        if one.piece < len(made):
            assert one.reported - made[one.piece].end / RATE_HZ <= LATEST_S + 1 / RATE_HZ


def test_a_gesture_that_was_falsely_spotted_is_spotted_more_strictly() -> None:
    made = [clear("swipe_left", seed=seed) for seed in range(20)]
    counts = []
    for times in (0, 2, 8):
        known = taught.columns({}, {NUMBERS["swipe_left"]: times})
        found = spot(Gesture.load(), [piece(one) for one in made], RATE_HZ, known)
        counts.append(len({one.piece for one in found if one.number == NUMBERS["swipe_left"]}))
    assert counts[0] > counts[1] > counts[2]


def test_fingers_alone_make_a_gesture() -> None:
    model = Gesture.load()

    def hand(closed: NDArray[np.float64]) -> NDArray[np.float32]:
        """A hand at rest whose fingers close, ``closed`` from 0 to 1."""
        joints = np.zeros((len(closed), 26, 7), dtype=np.float32)
        joints[..., 6] = 1
        for finger in range(5):
            first = 2 if finger == 0 else 6 + 5 * (finger - 1)
            count = 4 if finger == 0 else 5
            for joint in range(count):
                out = 0.03 * (joint + 1) * (1 - (0.6 if joint > 1 else 0) * closed)
                joints[:, first + joint, 0] = 0.02 * (finger - 2)
                joints[:, first + joint, 2] = -0.04 - out
        joints[:, 1, 2] = 0.05
        return joints

    def closing(seconds: float) -> NDArray[np.float64]:
        share = np.linspace(0, 1, round(seconds * RATE_HZ))
        return np.concatenate((np.zeros(30), np.sin(np.pi * share) ** 2, np.zeros(30)))

    examples = []
    for seconds in (0.6, 0.7, 0.8):
        joints = hand(closing(seconds))
        flat = joints.reshape(len(joints), -1)
        examples.append(np.column_stack((np.arange(len(flat)) / RATE_HZ, flat)).astype(np.float32))
    known = {
        name: torch.from_numpy(value)[None]
        for name, value in taught.columns({0: (taught.prototype(examples, "left_hand"), "left_hand")}).items()
    }
    joints = hand(np.concatenate((np.zeros(200), closing(0.65), np.zeros(60))))
    state = {name: torch.zeros(1, *shape) for name, shape in model.state.items()}
    numbers = []
    for frame in range(len(joints)):
        batch = FrameBatch.blank(1)
        batch.tracked[:, [0, 2]] = True
        batch.jointed[:, 0] = True
        batch.hands = torch.zeros(1, 2, 26, 7)
        batch.hands[..., 6] = 1
        batch.hands[0, 0] = torch.from_numpy(joints[frame])
        batch.dt.fill_(1 / RATE_HZ if frame else 0.0)
        batch.fresh.fill_(frame == 0)
        outputs, state, _ = model.step(batch, state, known)
        number, device = outputs["gesture"][0, :2].tolist()
        numbers += [(number, device)] if number else []
    assert numbers == [(FIRST_TAUGHT, 1)]


def test_numbers_mean_one_gesture_each() -> None:
    assert sorted(NUMBERS.values()) == list(range(1, FIRST_TAUGHT))
    assert set(HEAD_GESTURES) < set(BUILT_IN)
    taught = [Item("gesture", "", f"own {slot}", {"slot": slot}, 0.0) for slot in range(1, TAUGHT_SLOTS)]
    known = [Item("gesture", "", "nod", {"mistaken": 1}, 0.0), *taught]
    names = [name_of(number, known) for number in range(1, FIRST_TAUGHT + TAUGHT_SLOTS)]
    assert names == [*BUILT_IN, "", *(item.key for item in taught)]


def test_a_built_in_gesture_s_name_is_not_to_be_had() -> None:
    with pytest.raises(BuiltIn, match="'nod' is built in"):
        learn("nod", "head", [], [], "1")

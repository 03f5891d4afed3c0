"""A batch of blobs taken apart: the same as taking each frame apart by itself, and every bad number found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.tracking import BLOB_BYTES, BUTTONS, JOINTS, POSE, ROW, WIDTH, Fault, Part, Tracking, unpack

IDENTITY = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
SOURCES = {
    "head": (Part.HEAD,),
    "gaze": (Part.GAZE,),
    "left": (Part.LEFT_AIM, Part.LEFT_GRIP, Part.LEFT_HAND),
    "right": (Part.RIGHT_AIM, Part.RIGHT_GRIP, Part.RIGHT_HAND),
}
BUTTON_PARTS = (Part.LEFT_BUTTONS, Part.RIGHT_BUTTONS)


@dataclass
class One:
    """One frame taken apart without any batching: what ``unpack`` must agree with, row by row."""

    fault: Fault = Fault.NONE
    poses: dict[str, list[float]] = field(default_factory=dict)
    buttons: list[list[float]] = field(default_factory=lambda: [[0.0] * BUTTONS, [0.0] * BUTTONS])


def take_apart(mask: int, numbers: list[float]) -> One:
    parts: dict[Part, list[float]] = {}
    at = 0
    for part in Part:
        if mask & part:
            parts[part] = numbers[at : at + WIDTH[part]]
            at += WIDTH[part]
    assert at == len(numbers)
    poses = [
        part[start : start + POSE]
        for name, part in parts.items()
        if name not in BUTTON_PARTS
        for start in range(0, len(part), POSE)
    ]
    if not all(math.isfinite(number) for number in numbers):
        return One(Fault.NOT_FINITE)
    if any(abs(number) > 10_000 for pose in poses for number in pose[:3]):
        return One(Fault.TOO_FAR)
    if any(abs(sum(number * number for number in pose[3:]) - 1) > 0.1 for pose in poses):
        return One(Fault.QUATERNION)
    one = One()
    for name, sources in SOURCES.items():
        for source in sources:
            if source in parts:
                x, y, z, *quaternion = parts[source][:POSE]
                length = math.hypot(*quaternion)
                one.poses[name] = [x, y, z, *(number / length for number in quaternion)]
                break
    for side, part in enumerate(BUTTON_PARTS):
        if part in parts:
            one.buttons[side] = parts[part]
    return one


def batch(frames: list[tuple[int, list[float]]]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    masks = np.array([mask for mask, _ in frames], dtype=np.int32)
    # What stands behind a blob is what the last frame in that row left there.
    blobs = np.full((len(frames), ROW), np.nan, dtype=np.float32)
    for row, (_, numbers) in enumerate(frames):
        blobs[row, : len(numbers)] = numbers
    return masks, blobs


def some(mask: int, seed: int) -> list[float]:
    """Numbers of a frame without faults, as float32 holds them."""
    random = np.random.default_rng(seed)
    numbers: list[float] = []
    for part in Part:
        if mask & part and part in BUTTON_PARTS:
            numbers.extend(random.uniform(-1, 1, BUTTONS).astype(np.float32).tolist())
        elif mask & part:
            for _ in range(WIDTH[part] // POSE):
                quaternion = random.normal(size=4)
                quaternion *= random.uniform(0.98, 1.02) / np.linalg.norm(quaternion)
                numbers.extend(np.append(random.uniform(-9, 9, 3), quaternion).astype(np.float32).tolist())
    return numbers


def equal(found: Tracking, row: int, one: One) -> None:
    assert found.fault[row] == one.fault
    for column, (name, poses) in enumerate(
        (("head", found.head), ("gaze", found.gaze), ("left", found.left), ("right", found.right))
    ):
        assert found.tracked[row, column] == (name in one.poses)
        np.testing.assert_allclose(poses[row], one.poses.get(name, IDENTITY), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.buttons[row], np.array(one.buttons, dtype=np.float32))


MASKS = st.integers(0, 1023)
SPOILT = st.sampled_from([math.nan, math.inf, -math.inf, 10_001.0, -1e30, 9_999.0, 0.0, 2.0])


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, list[float]]:
    mask = draw(MASKS)
    numbers = some(mask, draw(st.integers(0, 2**32 - 1)))
    for at in draw(st.lists(st.integers(0, max(len(numbers) - 1, 0)), max_size=2)) if numbers else ():
        numbers[at] = float(np.float32(draw(SPOILT)))
    return mask, numbers


@given(batched=st.lists(frames(), min_size=1, max_size=12))
def test_a_batch_is_its_frames(batched: list[tuple[int, list[float]]]) -> None:
    found = unpack(*batch(batched))
    for row, (mask, numbers) in enumerate(batched):
        equal(found, row, take_apart(mask, numbers))


@given(mask=MASKS, seeds=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=6), spoilt=st.integers(0, 5))
def test_a_batch_of_one_mask_is_its_frames(mask: int, seeds: list[int], spoilt: int) -> None:
    batched = [(mask, some(mask, seed)) for seed in seeds]
    if mask:
        batched[spoilt % len(batched)][1][0] = math.nan
    found = unpack(*batch(batched))
    for row, (_, numbers) in enumerate(batched):
        equal(found, row, take_apart(mask, numbers))


@pytest.mark.parametrize("part", list(Part), ids=lambda part: part.name.lower())
def test_one_part_alone(part: Part) -> None:
    numbers = some(part, 1)
    equal(unpack(*batch([(part, numbers)])), 0, take_apart(part, numbers))


class TestSources:
    """What stands for a hand: the aim pose before the grip pose before the palm."""

    @pytest.mark.parametrize(
        ("parts", "best"),
        [
            (Part.LEFT_AIM | Part.LEFT_GRIP | Part.LEFT_HAND, Part.LEFT_AIM),
            (Part.LEFT_AIM | Part.LEFT_HAND, Part.LEFT_AIM),
            (Part.LEFT_GRIP | Part.LEFT_HAND, Part.LEFT_GRIP),
            (Part.LEFT_HAND, Part.LEFT_HAND),
            (Part.RIGHT_AIM | Part.RIGHT_GRIP | Part.RIGHT_HAND, Part.RIGHT_AIM),
            (Part.RIGHT_GRIP | Part.RIGHT_HAND, Part.RIGHT_GRIP),
            (Part.RIGHT_HAND, Part.RIGHT_HAND),
        ],
        ids=lambda parts: parts.name.lower().replace("|", " "),
    )
    def test_order(self, parts: Part, best: Part) -> None:
        numbers: list[float] = []
        for part in Part:
            if parts & part:
                for joint in range(WIDTH[part] // POSE):
                    numbers.extend((part.bit_length(), joint, 0, 0, 0, 0, 1))
        found = unpack(*batch([(int(parts), numbers)]))
        left = bool(parts & (Part.LEFT_AIM | Part.LEFT_GRIP | Part.LEFT_HAND))
        assert found.tracked[0].tolist() == [False, False, left, not left]
        pose = (found.left if left else found.right)[0]
        # The part's bit tells where x came from, and y is 0 for the palm, joint 0.
        assert pose.tolist() == [best.bit_length(), 0, 0, 0, 0, 0, 1]


class TestFaults:
    def head(self, *numbers: float) -> Fault:
        found = unpack(*batch([(Part.HEAD, list(numbers))]))
        assert found.tracked.any() == (found.fault[0] == Fault.NONE)
        return Fault(int(found.fault[0]))

    def test_none(self) -> None:
        assert self.head(0, 1, 0, 0, 0, 0, 1) == Fault.NONE
        assert self.head(10_000, -10_000, 0, 0, 0, 0, -1) == Fault.NONE

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("at", range(POSE))
    def test_not_finite(self, at: int, bad: float) -> None:
        numbers = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        numbers[at] = bad
        assert self.head(*numbers) == Fault.NOT_FINITE

    @pytest.mark.parametrize("at", range(3))
    def test_too_far(self, at: int) -> None:
        numbers = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        numbers[at] = 10_001
        assert self.head(*numbers) == Fault.TOO_FAR

    @pytest.mark.parametrize(
        ("length", "fault"),
        [(0.0, Fault.QUATERNION), (0.94, Fault.QUATERNION), (0.96, Fault.NONE), (1.04, Fault.NONE),
         (1.06, Fault.QUATERNION), (1e30, Fault.QUATERNION)],
    )  # fmt: skip
    def test_quaternion(self, length: float, fault: Fault) -> None:
        assert self.head(0, 1, 0, 0.6 * length, 0, 0, 0.8 * length) == fault

    def test_joints_count_though_only_the_palm_is_used(self) -> None:
        numbers = [*IDENTITY] * JOINTS
        numbers[-1] = 0.0
        found = unpack(*batch([(Part.RIGHT_HAND, numbers)]))
        assert found.fault[0] == Fault.QUATERNION

    def test_buttons_have_no_orientation(self) -> None:
        found = unpack(*batch([(Part.LEFT_BUTTONS, [0.0] * BUTTONS)]))
        assert found.fault[0] == Fault.NONE
        found = unpack(*batch([(Part.LEFT_BUTTONS, [0.0] * 7 + [math.nan])]))
        assert found.fault[0] == Fault.NOT_FINITE

    def test_a_bad_row_leaves_its_neighbours_alone(self) -> None:
        good = some(Part.HEAD | Part.RIGHT_BUTTONS, 3)
        bad = [math.nan, *good[1:]]
        found = unpack(*batch([(int(Part.HEAD | Part.RIGHT_BUTTONS), numbers) for numbers in (good, bad, good)]))
        assert found.fault.tolist() == [Fault.NONE, Fault.NOT_FINITE, Fault.NONE]
        assert found.tracked[:, 0].tolist() == [True, False, True]
        assert found.head[1].tolist() == list(IDENTITY)
        assert not found.buttons[1].any()
        np.testing.assert_array_equal(found.head[0], found.head[2])
        assert found.buttons[0].any()


class TestWidths:
    def test_of_each_mask(self) -> None:
        assert len(BLOB_BYTES) == 1024
        assert BLOB_BYTES[0] == 0
        assert BLOB_BYTES[Part.HEAD] == 28
        assert BLOB_BYTES[Part.LEFT_BUTTONS] == 32
        assert BLOB_BYTES[Part.RIGHT_HAND] == 26 * 28
        assert BLOB_BYTES[1023] == 4 * ROW == 1_688

    @given(a=MASKS, b=MASKS)
    def test_parts_add_up(self, a: int, b: int) -> None:
        assert BLOB_BYTES[a | b] + BLOB_BYTES[a & b] == BLOB_BYTES[a] + BLOB_BYTES[b]

    def test_an_empty_batch(self) -> None:
        found = unpack(np.zeros(0, dtype=np.int32), np.zeros((0, ROW), dtype=np.float32))
        assert found.head.shape == (0, POSE)
        assert found.fault.shape == (0,)

"""Coordinate conventions: numbers worked out by hand, and that every way has its way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge import spaces

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "spaces.json").read_text(encoding="utf-8"))


def cases(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES[kind]]


def rotate(pose: NDArray[np.float32], vector: list[float]) -> NDArray[np.float64]:
    """A vector turned by a pose's orientation, as q v q* written out by its matrix."""
    x, y, z, w = (float(number) for number in pose[3:])
    matrix = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return matrix @ np.array(vector)


def some_poses() -> NDArray[np.float32]:
    poses = np.random.default_rng(7).normal(size=(5, 26, 7))
    poses[..., 3:] /= np.linalg.norm(poses[..., 3:], axis=-1, keepdims=True)
    return poses.astype(np.float32)


@pytest.mark.parametrize("case", cases("unity"))
def test_unity(case: dict[str, list[float]]) -> None:
    unity, openxr = np.array(case["unity"]), np.array(case["openxr"])
    np.testing.assert_allclose(spaces.unity_pose_to_openxr(unity), openxr, atol=1e-7)
    np.testing.assert_allclose(spaces.openxr_pose_to_unity(openxr), unity, atol=1e-7)


@pytest.mark.parametrize("case", cases("unity"))
def test_what_unity_turns_goes_where_the_mirror_says(case: dict[str, list[float]]) -> None:
    mirror = np.array([1, 1, -1])
    for axis in np.eye(3):
        # The matrix of a quaternion is the same formula in a left-handed space.
        in_unity = rotate(np.array(case["unity"]), axis.tolist())
        in_openxr = rotate(np.array(case["openxr"]), (axis * mirror).tolist())
        np.testing.assert_allclose(in_openxr, in_unity * mirror, atol=1e-7)


@pytest.mark.parametrize("case", cases("godot_joint"))
def test_godot_joint(case: dict[str, list[float]]) -> None:
    godot, openxr = np.array(case["godot"]), np.array(case["openxr"])
    np.testing.assert_allclose(spaces.godot_joint_to_openxr(godot), openxr, atol=1e-6)
    np.testing.assert_allclose(spaces.openxr_joint_to_godot(openxr), godot, atol=1e-6)


def test_godot_bones_lie_along_y_with_the_back_of_the_hand_at_minus_z() -> None:
    for openxr in some_poses().reshape(-1, 7):
        godot = spaces.openxr_joint_to_godot(openxr)
        np.testing.assert_allclose(rotate(godot, [0, 1, 0]), rotate(openxr, [0, 0, -1]), atol=1e-6)
        np.testing.assert_allclose(rotate(godot, [0, 0, -1]), rotate(openxr, [0, 1, 0]), atol=1e-6)


def test_there_and_back() -> None:
    poses = some_poses()
    np.testing.assert_array_equal(spaces.openxr_pose_to_unity(spaces.unity_pose_to_openxr(poses)), poses)
    np.testing.assert_allclose(spaces.openxr_joint_to_godot(spaces.godot_joint_to_openxr(poses)), poses, atol=1e-6)


def test_the_argument_is_left_alone() -> None:
    poses = some_poses()
    before = poses.copy()
    spaces.godot_joint_to_openxr(poses)
    spaces.unity_pose_to_openxr(poses)
    np.testing.assert_array_equal(poses, before)

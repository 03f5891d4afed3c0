"""Directions of turned things, against quaternion arithmetic, and mirroring."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models import rotations
from models.coordinates import forward, unity_pose_to_openxr, up

numbers = st.floats(-1, 1, width=32)


@given(st.lists(numbers, min_size=4, max_size=4).filter(lambda q: sum(x * x for x in q) > 0.01))
def test_forward_and_up_are_those_axes_turned(parts: list[float]) -> None:
    q = np.array(parts) / np.linalg.norm(parts)
    for found, axis in ((forward(q), (0.0, 0.0, -1.0)), (up(q), (0.0, 1.0, 0.0))):
        expected = rotations.rotate(torch.tensor(q), torch.tensor(axis, dtype=torch.float64))
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-12)


def test_many_are_turned_at_once_in_their_own_precision() -> None:
    q = np.zeros((5, 26, 4), np.float32)
    q[..., 3] = 1
    assert forward(q).shape == up(q).shape == (5, 26, 3)
    assert forward(q).dtype == up(q).dtype == np.float32


@given(st.lists(numbers, min_size=7, max_size=7))
def test_mirroring_twice_changes_nothing(pose: list[float]) -> None:
    once = unity_pose_to_openxr(np.array(pose))
    np.testing.assert_array_equal(unity_pose_to_openxr(once), np.array(pose, dtype=np.float32))

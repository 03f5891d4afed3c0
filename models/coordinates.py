"""Coordinate conventions, and the way from other engines' into OpenXR's.

Everything in this project is OpenXR: right-handed, +Y up, -Z forward, metres, quaternions x, y, z, w.
A pose is seven numbers: position x, y, z, then orientation x, y, z, w.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POSE = 7
"""Numbers in a pose."""

_UNITY_SIGNS = np.array([1, 1, -1, -1, -1, 1, 1], dtype=np.float32)


def unity_pose_to_openxr(pose: NDArray[np.floating]) -> NDArray[np.float32]:
    """Poses from Unity's left-handed space (+Z forward) in OpenXR's, and the other way round.

    Mirroring z negates z and those quaternion parts whose axis turns with it:
    ``(x, y, z) -> (x, y, -z)`` and ``(qx, qy, qz, qw) -> (-qx, -qy, qz, qw)``.
    The map is its own inverse.

    Args:
        pose: ``[..., 7]``, metres and unit quaternions.
    """
    return np.asarray(pose, dtype=np.float32) * _UNITY_SIGNS


def unity_position_to_openxr(position: NDArray[np.floating]) -> NDArray[np.float32]:
    """The same for bare positions or directions, ``[..., 3]``."""
    return np.asarray(position, dtype=np.float32) * _UNITY_SIGNS[:3]


def forward(orientations: NDArray[np.floating]) -> NDArray[np.floating]:
    """Where what is turned so faces: ``[..., 3]`` of unit length, for unit quaternions ``[..., 4]``."""
    x, y, z, w = np.moveaxis(orientations, -1, 0)
    return np.stack((-2 * (x * z + w * y), 2 * (w * x - y * z), 2 * (x * x + y * y) - 1), axis=-1)


def up(orientations: NDArray[np.floating]) -> NDArray[np.floating]:
    """Where the top of what is turned so is: ``[..., 3]`` of unit length, for unit quaternions ``[..., 4]``."""
    x, y, z, w = np.moveaxis(orientations, -1, 0)
    return np.stack((2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)), axis=-1)

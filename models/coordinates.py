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

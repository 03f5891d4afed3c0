"""From the coordinates of game engines to the wire's, which are OpenXR's, and back.

Unity mirrors OpenXR's z (``models.coordinates``). Godot has OpenXR's axes, and every pose is the same in both, but for
hand joints: its ``XRHandTracker`` gives joints whose orientation is turned to fit the bones of a humanoid skeleton.

The plugins do the same in their own languages; ``tests/vectors/spaces.json`` holds all of them to the same numbers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.coordinates import unity_pose_to_openxr

__all__ = ["godot_joint_to_openxr", "openxr_joint_to_godot", "openxr_pose_to_unity", "unity_pose_to_openxr"]

# Godot gives q * (0, -s, s, 0) with s = sqrt(1/2): half a turn about an axis halfway between the joint's own -y and +z,
# so that +y runs along the bone and -z out of the back of the hand (Godot 4.3 and up,
# modules/openxr/extensions/openxr_hand_tracking_extension.cpp). A row x, y, z, w times the matrix is that product.
_TURN: Final = np.sqrt(0.5) * np.array(
    [
        [0, -1, -1, 0],
        [1, 0, 0, 1],
        [1, 0, 0, -1],
        [0, -1, 1, 0],
    ]
)
_TURN_BACK: Final = _TURN.T


def openxr_pose_to_unity(pose: NDArray[np.floating]) -> NDArray[np.float32]:
    """Poses in Unity's left-handed space (+Z forward): the same mirror as the other way.

    Args:
        pose: ``[..., 7]``, OpenXR, metres and unit quaternions.
    """
    return unity_pose_to_openxr(pose)


def godot_joint_to_openxr(joint: NDArray[np.floating]) -> NDArray[np.float32]:
    """Hand joints as ``XRHandTracker.get_hand_joint_transform`` gives them, as OpenXR gave them to Godot.

    Positions are the same, and so is the order of the joints.

    Args:
        joint: ``[..., 7]``, Godot, metres (not multiplied by the world scale) and unit quaternions.
    """
    return _turned(joint, _TURN_BACK)


def openxr_joint_to_godot(joint: NDArray[np.floating]) -> NDArray[np.float32]:
    """The inverse of ``godot_joint_to_openxr``.

    Args:
        joint: ``[..., 7]``, OpenXR, metres and unit quaternions.
    """
    return _turned(joint, _TURN)


def _turned(joint: NDArray[np.floating], product: NDArray[np.float64]) -> NDArray[np.float32]:
    turned = np.array(joint, dtype=np.float32)
    turned[..., 3:] = turned[..., 3:] @ product
    return turned

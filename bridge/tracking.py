"""The numbers in a frame: which parts there are, how long each is, and a whole batch of them taken apart at once.

A frame's blob holds the parts named in its bitmask, in the order of their bits, as little-endian float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

POSE: Final = 7
JOINTS: Final = 26
BUTTONS: Final = 8
MAX_COORDINATE: Final = 10_000.0
"""Metres. What is further away is no tracking but a mistake of units."""

# Of a quaternion's squared length.
_UNIT_TOLERANCE: Final = 0.1


class Part(IntFlag):
    """Bits of a frame's ``m``. Poses are in the stage, as OpenXR gives them.

    ``GAZE`` is a pose whose -Z is the line of sight. Aim and grip are OpenXR's poses of those names. Buttons are
    trigger, squeeze, thumbstick x, thumbstick y, thumbstick click, primary, secondary, menu. Hands are 26 joint poses
    in the order of XR_EXT_hand_tracking: palm, wrist, then thumb to little finger from metacarpal to tip.
    """

    HEAD = 1 << 0
    GAZE = 1 << 1
    LEFT_AIM = 1 << 2
    RIGHT_AIM = 1 << 3
    LEFT_GRIP = 1 << 4
    RIGHT_GRIP = 1 << 5
    LEFT_BUTTONS = 1 << 6
    RIGHT_BUTTONS = 1 << 7
    LEFT_HAND = 1 << 8
    RIGHT_HAND = 1 << 9


WIDTH: Final[dict[Part, int]] = {
    Part.HEAD: POSE,
    Part.GAZE: POSE,
    Part.LEFT_AIM: POSE,
    Part.RIGHT_AIM: POSE,
    Part.LEFT_GRIP: POSE,
    Part.RIGHT_GRIP: POSE,
    Part.LEFT_BUTTONS: BUTTONS,
    Part.RIGHT_BUTTONS: BUTTONS,
    Part.LEFT_HAND: JOINTS * POSE,
    Part.RIGHT_HAND: JOINTS * POSE,
}
"""Float32 numbers in each part."""

ROW: Final = sum(WIDTH.values())
"""Numbers in a frame that has every part."""
ROW_BYTES: Final = 4 * ROW

BLOB_BYTES: Final[tuple[int, ...]] = tuple(
    4 * sum(width for part, width in WIDTH.items() if mask & part) for mask in range(1 << len(WIDTH))
)
"""The length of a blob in bytes, by bitmask."""

_BUTTONS: Final = (Part.LEFT_BUTTONS, Part.RIGHT_BUTTONS)
_HANDS: Final = (Part.LEFT_HAND, Part.RIGHT_HAND)
# What may stand in each column, the best first; of a hand it is the palm, which is joint 0.
_SOURCES: Final = (
    (0, (Part.HEAD,)),
    (1, (Part.GAZE,)),
    (2, (Part.LEFT_AIM, Part.LEFT_GRIP, Part.LEFT_HAND)),
    (3, (Part.RIGHT_AIM, Part.RIGHT_GRIP, Part.RIGHT_HAND)),
)


class Fault(IntEnum):
    """Why a row was refused; 0 means that it was not."""

    NONE = 0
    NOT_FINITE = 1
    TOO_FAR = 2
    QUATERNION = 3


@dataclass
class Tracking:
    """What the frame models look at, a row a frame. Poses ``[N, 7]`` float32, the identity where not tracked.

    Attributes:
        tracked: ``[N, 4]`` bool: head, gaze, left, right.
        buttons: ``[N, 2, 8]`` float32, left and right.
        jointed: ``[N, 2]`` bool, whether the joints of the left and right hand are there.
        hands: ``[N, 2, 26, 7]`` float32 poses of joints, as sent; the identity where not ``jointed``. Nothing where no
            row has any.
        fault: ``[N]`` int32, a ``Fault`` each. Rows with one hold identities and are tracked nowhere.
    """

    tracked: NDArray[np.bool_]
    head: NDArray[np.float32]
    gaze: NDArray[np.float32]
    left: NDArray[np.float32]
    right: NDArray[np.float32]
    buttons: NDArray[np.float32]
    jointed: NDArray[np.bool_]
    hands: NDArray[np.float32] | None
    fault: NDArray[np.int32]


def unpack(masks: NDArray[np.int32], blobs: NDArray[np.float32]) -> Tracking:
    """Takes a batch of blobs apart and checks every number in it.

    Rows with the same parts are handled together, and few sets of parts are in use at a time, so this costs a handful
    of array operations a batch and nothing a frame.

    Args:
        masks: ``[N]``, each below 1024.
        blobs: ``[N, ROW]``; of row ``i`` the first ``BLOB_BYTES[masks[i]] / 4`` numbers count.
    """
    n = len(masks)
    poses = np.zeros((4, n, POSE), dtype=np.float32)
    poses[:, :, 6] = 1
    tracked = np.zeros((n, 4), dtype=np.bool_)
    buttons = np.zeros((n, 2, BUTTONS), dtype=np.float32)
    jointed = np.zeros((n, 2), dtype=np.bool_)
    hands: NDArray[np.float32] | None = None
    fault = np.zeros(n, dtype=np.int32)
    alike = bool((masks == masks[:1]).all())
    for mask in masks[:1].tolist() if alike else np.unique(masks).tolist():
        rows: slice | NDArray[np.intp] = slice(None) if alike else np.flatnonzero(masks == mask)
        layout = _layout(mask)
        numbers = blobs[rows, : layout.width]
        found = _faults(numbers, layout)
        good = found == Fault.NONE
        if not good.all():
            fault[rows] = found
            numbers = np.where(good[:, None], numbers, layout.neutral)
        for column, start in layout.poses:
            poses[column, rows] = numbers[:, start : start + POSE]
            tracked[rows, column] = good
        for side, start in layout.buttons:
            buttons[rows, side] = numbers[:, start : start + BUTTONS]
        for side, start in layout.hands:
            if hands is None:
                hands = np.zeros((n, 2, JOINTS, POSE), dtype=np.float32)
                hands[..., 6] = 1
            hands[rows, side] = numbers[:, start : start + JOINTS * POSE].reshape(-1, JOINTS, POSE)
            jointed[rows, side] = good
    orientation = poses[:, :, 3:]
    orientation /= np.sqrt(np.einsum("dni,dni->dn", orientation, orientation))[:, :, None]
    return Tracking(tracked, poses[0], poses[1], poses[2], poses[3], buttons, jointed, hands, fault)


@dataclass(frozen=True)
class _Layout:
    """Where things stand in the blobs of one bitmask.

    ``poses`` pairs a column of ``Tracking.tracked`` with where its pose starts, ``buttons`` and ``hands`` a side with
    where they start. ``quaternions`` is ``[Q, 4]`` and ``positions`` ``[Q * 3]`` indices of all of either, joints
    included; ``neutral`` is a blob in which every pose is the identity.
    """

    width: int
    poses: tuple[tuple[int, int], ...]
    buttons: tuple[tuple[int, int], ...]
    hands: tuple[tuple[int, int], ...]
    quaternions: NDArray[np.intp]
    positions: NDArray[np.intp]
    neutral: NDArray[np.float32]


@cache
def _layout(mask: int) -> _Layout:
    start: dict[Part, int] = {}
    width = 0
    origins: list[int] = []
    for part, length in WIDTH.items():
        if mask & part:
            start[part] = width
            if part not in _BUTTONS:
                origins.extend(range(width, width + length, POSE))
            width += length
    poses = [(column, next((start[part] for part in sources if part in start), -1)) for column, sources in _SOURCES]
    at = np.array(origins, dtype=np.intp)[:, None]
    neutral = np.zeros(width, dtype=np.float32)
    neutral[at[:, 0] + 6] = 1
    return _Layout(
        width=width,
        poses=tuple((column, at) for column, at in poses if at >= 0),
        buttons=tuple((side, start[part]) for side, part in enumerate(_BUTTONS) if part in start),
        hands=tuple((side, start[part]) for side, part in enumerate(_HANDS) if part in start),
        quaternions=at + np.arange(3, 7),
        positions=(at + np.arange(3)).ravel(),
        neutral=neutral,
    )


def _faults(numbers: NDArray[np.float32], layout: _Layout) -> NDArray[np.int32]:
    with np.errstate(all="ignore"):
        quaternions = numbers[:, layout.quaternions]
        square = np.einsum("nqi,nqi->nq", quaternions, quaternions)
        crooked = (np.abs(square - 1) > _UNIT_TOLERANCE).any(axis=1)
        far = (np.abs(numbers[:, layout.positions]) > MAX_COORDINATE).any(axis=1)
        broken = ~np.isfinite(numbers).all(axis=1)
    return np.select((broken, far, crooked), (Fault.NOT_FINITE, Fault.TOO_FAR, Fault.QUATERNION), Fault.NONE).astype(
        np.int32
    )

"""The sizes that what is taught and what is seen have in common. Free of torch."""

from __future__ import annotations

from typing import Final

RATE_HZ: Final = 24
"""Movements are looked at this often, whatever the headset's own rate."""

POINTS: Final = 10
"""Moments, evenly spaced, that a movement of any duration is described by."""

POSE_CHANNELS: Final = 9
"""Of a moment: position, and where the device's forward (-Z) and up (+Y) directions point, three numbers each."""

JOINT_CHANNELS: Final = 8
"""Of a moment of a hand whose joints are tracked: how open it is, see ``JOINT_PAIRS``."""

POSE_NUMBERS: Final = POINTS * POSE_CHANNELS
JOINT_NUMBERS: Final = POINTS * JOINT_CHANNELS
NUMBERS: Final = POSE_NUMBERS + JOINT_NUMBERS
"""Of a movement."""

POSE_WEIGHTS: Final = (4.0, 4.0, 4.0, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7)
"""What a metre and a unit of direction count: a hand's way of 25 cm about as much as turning it by a radian."""

JOINT_WEIGHT: Final = 0.35
"""What a change by the length of the palm counts in the distance of two joints."""

JOINT_PAIRS: Final = ((5, 1), (10, 1), (15, 1), (20, 1), (25, 1), (5, 10), (5, 15), (10, 25))
"""Joints, in the order of XR_EXT_hand_tracking, whose distance counts: each tip and the wrist, the tips of thumb and
index, thumb and middle, index and little finger."""

PALM: Final = 0
"""The joint whose pose is the hand's."""

RULER: Final = (1, 12)
"""Wrist and knuckle of the middle finger: the distance that others are measured in."""

SHORTEST_S: Final = 0.27
LONGEST_S: Final = 2.4
"""Movements that take longer, or less than ``SHORTEST_S``, are not spotted."""

WINDOWS: Final = (7, 9, 11, 14, 18, 22, 28, 35, 45, 58)
"""Durations, in moments at ``RATE_HZ``, that are looked at; every other duration lies within 14 % of one of them."""

STRICTER: Final = 0.25
"""By how much of what is still allowed a false activation lessens it."""

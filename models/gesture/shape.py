"""The sizes that what is taught and what is seen have in common. Free of torch."""

from __future__ import annotations

from typing import Final

RATE_HZ: Final = 24
"""Movements are looked at this often, whatever the headset's own rate."""

POINTS: Final = 10
"""Moments, evenly spaced, that a movement of any duration is described by."""

POSE_CHANNELS: Final = 9
"""Of a moment: position, and where the device's forward (-Z) and up (+Y) directions point, three numbers each."""

JOINTS: Final = (1, 12, 5, 10, 15, 20, 25)
"""Joints of a hand, in the order of XR_EXT_hand_tracking, that are looked at: wrist, knuckle of the middle finger, and
the tips from the thumb to the little finger."""

JOINT_CHANNELS: Final = 3 * len(JOINTS)
"""Of a moment of a hand whose joints are tracked: where ``JOINTS`` lie, less where the palm lies."""

JOINT_PAIRS: Final = ((2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (2, 3), (2, 4), (3, 6))
"""Places in ``JOINTS`` whose distance tells how open a hand is: each tip and the wrist, the tips of thumb and index,
thumb and middle, index and little finger."""

RULER: Final = (0, 1)
"""Places in ``JOINTS`` of wrist and knuckle: the distance that others are measured in."""

POSE_NUMBERS: Final = POINTS * POSE_CHANNELS
JOINT_NUMBERS: Final = POINTS * len(JOINT_PAIRS)
NUMBERS: Final = POSE_NUMBERS + JOINT_NUMBERS
"""Of a movement."""

POSE_WEIGHTS: Final = (4.0, 4.0, 4.0, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7)
"""What a metre and a unit of direction count: a hand's way of 25 cm about as much as turning it by a radian."""

JOINT_WEIGHT: Final = 0.35
"""What a change by the length of the palm counts in the distance of two joints."""

PALM: Final = 0
"""The joint whose pose is the hand's."""

STAGES: Final = 5
"""Stretches of a hand's movement, ``POINTS / STAGES`` moments each, over which what tells gestures apart is averaged.
"""

TELLING_WEIGHTS: Final = (1.0, 1.0, 1.0, 1.0, 0.4, 0.4, 1.0)
"""What each of ``JOINTS`` counts where gestures are told apart: the tips of middle and ring finger are seen less
well."""

DURATION_WEIGHT: Final = 0.3
EXTENT_WEIGHT: Final = 0.3
"""What the logarithms of a movement's duration and of the palm's way count beside the joints' places of unit length."""

LEAST_EXTENT_M: Final = 0.01
"""Added to the way before its logarithm is taken, so that a palm at rest counts as one that hardly moves."""

TELLING: Final = STAGES * JOINT_CHANNELS + 2
"""Numbers by which movements of a hand are told apart."""

SCATTER: Final = 6
"""Directions in which examples of the same gesture differ most."""

FARTHEST: Final = 0.14
"""The squared distance within which a hand's movement is taken for a taught gesture; of one that is to be spotted more
strictly it is less."""

USUAL_LEAST: Final = 0.84
"""The least likeness that is ever asked for; that of each gesture of a hand, until it is spotted falsely."""

SLOWED: Final = 0.2
"""A hand's taught gesture is over when the hand slows to this share of its pace in the gesture."""

SHORTEST_S: Final = 0.27
LONGEST_S: Final = 2.4
"""Movements that take longer, or less than ``SHORTEST_S``, are not spotted."""

WINDOWS: Final = (7, 9, 11, 14, 18, 22, 28, 35, 45, 58)
"""Durations, in moments at ``RATE_HZ``, that are looked at; every other duration lies within 14 % of one of them."""

STRICTER: Final = 0.25
"""By how much of what is still allowed a false activation lessens it."""

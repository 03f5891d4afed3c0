"""The gestures that nobody need teach, and how gestures are numbered. Free of torch and numpy.

A gesture's number is what a frame answers: 0 is none, then come the built-in ones, then those that the user taught.
"""

from __future__ import annotations

from typing import Final

HEAD_GESTURES: Final = ("nod", "shake")
"""Made with the head."""

HAND_GESTURES: Final = ("swipe_left", "swipe_right", "swipe_up", "swipe_down", "push", "pull", "circle", "wave")
"""Made with either hand or controller. Directions are the user's own: as seen by who faces where the head does."""

BUILT_IN: Final = (*HEAD_GESTURES, *HAND_GESTURES)
"""In the order of their numbers, the first is 1."""

NUMBERS: Final = {name: number for number, name in enumerate(BUILT_IN, start=1)}
"""From a built-in gesture's name to its number."""

FIRST_TAUGHT: Final = len(BUILT_IN) + 1
"""The number of the gesture in the user's first slot."""

TAUGHT_SLOTS: Final = 16
"""Gestures that one user may have taught at a time."""

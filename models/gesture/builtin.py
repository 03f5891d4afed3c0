"""What the built-in gestures look like: short courses of one quantity that a movement is compared with.

The head's quantity is its forward direction, a unit vector; a hand's is its position relative to the head, in metres.
Both are given in the heading frame: +X to the user's right, +Y up, -Z ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Course = Callable[[Floats], Floats]
"""From shares of the movement ``[k]``, 0 where it begins and 1 where it ends, to the quantity ``[k, 3]``, that goes one
unit from end to end."""

LEAD_S: Final = 0.1
TAIL_S: Final = 0.06
"""Before a single stroke and after it one rests for so long: what goes on or turns back at once is part of something
else."""

_RIGHT, _UP, _BACK = (np.eye(3)[axis] for axis in range(3))


@dataclass(frozen=True)
class Template:
    """One way in which a gesture is made.

    Attributes:
        name: of the gesture.
        course: what moves how.
        quadrature: the same a quarter of a cycle later, where the phase does not matter.
        extent: how far the movement goes from end to end, least and most, metres or units of direction.
        speed: the least extent a second.
        window_s: the shortest and the longest window.
        likeness: the least cosine between the movement and the course (and its quadrature).
        rests: whether one rests before and after.
    """

    name: str
    course: Course
    quadrature: Course | None
    extent: tuple[float, float]
    speed: float
    window_s: tuple[float, float]
    likeness: float
    rests: bool = False

    def moments(self, course: Course, count: int, rate_hz: float) -> Floats:
        """``[count, 3]``: a course over a window, less its mean."""
        seconds = np.arange(count) / rate_hz
        lead, tail = (LEAD_S, TAIL_S) if self.rests else (0.0, 0.0)
        found = course(((seconds - lead) / (seconds[-1] - lead - tail)).clip(0, 1))
        return np.asarray(found - found.mean(0))


OPPOSITES: Final = {
    "swipe_left": "swipe_right",
    "swipe_right": "swipe_left",
    "swipe_up": "swipe_down",
    "swipe_down": "swipe_up",
    "push": "pull",
    "pull": "push",
}
"""What a hand seems to do when it comes back from a stroke."""


def head_templates() -> list[Template]:
    """Nods and shakes."""
    single = Template("nod", _bump(-_UP), None, (0.16, 0.9), 0.2, (0.4, 1.1), 0.93, rests=True)
    nods = _swings("nod", _UP, (1.5, 2.0, 2.5, 3.0), (0.08, 0.6), 0.0, (1.1, 3.0), 0.93)
    shakes = _swings("shake", _RIGHT, (1.5, 2.0, 2.5, 3.0), (0.1, 0.8), 0.0, (1.1, 3.0), 0.925)
    return [single, *nods, *shakes]


def hand_templates() -> list[Template]:
    """Swipes, pushes, circles and waves."""
    strokes = {
        "swipe_left": -_RIGHT,
        "swipe_right": _RIGHT,
        "swipe_up": _UP,
        "swipe_down": -_UP,
        "push": -_BACK,
        "pull": _BACK,
    }
    found = [
        Template(name, _stroke(way), None, (0.25, 1.4), 1.6, (0.3, 0.9), 0.96, rests=True)
        for name, way in strokes.items()
    ]
    for sense in (1.0, -1.0):
        for pace in (_even, least_jerk):
            course, quadrature = _round(sense, pace)
            found.append(Template("circle", course, quadrature, (0.12, 1.2), 0.15, (0.6, 2.4), 0.935))
    return [*found, *_swings("wave", _RIGHT, (2.0, 2.5, 3.0, 4.0), (0.08, 0.6), 0.0, (1.2, 3.2), 0.9)]


def least_jerk(share: Floats) -> Floats:
    """From 0 to 1 as a hand goes (Flash and Hogan, "The coordination of arm movements", 1985)."""
    return np.asarray(share**3 * (10 - 15 * share + 6 * share**2))


def _even(share: Floats) -> Floats:
    return share


def _stroke(way: Floats) -> Course:
    return lambda share: least_jerk(share)[:, None] * way


def _bump(way: Floats) -> Course:
    return lambda share: (1 - np.cos(2 * np.pi * share))[:, None] / 2 * way


def _swings(
    name: str,
    way: Floats,
    cycles: Sequence[float],
    extent: tuple[float, float],
    speed: float,
    hertz: tuple[float, float],
    likeness: float,
) -> list[Template]:
    def swing(count: float, phase: float) -> Course:
        return lambda share: np.cos(2 * np.pi * count * share + phase)[:, None] / 2 * way

    return [
        Template(
            name,
            swing(count, 0),
            swing(count, np.pi / 2),
            extent,
            speed,
            (count / hertz[1], count / hertz[0]),
            likeness,
        )
        for count in cycles
    ]


def _round(sense: float, pace: Callable[[Floats], Floats]) -> tuple[Course, Course]:
    """Once round in the plane across the line of sight; ``sense`` is 1 for counterclockwise as the user sees it."""

    def around(quarter: float) -> Course:
        def course(share: Floats) -> Floats:
            phase = 2 * np.pi * pace(share) + quarter
            return np.asarray((np.cos(phase)[:, None] * _RIGHT + sense * np.sin(phase)[:, None] * _UP) / 2)

        return course

    return around(0), around(np.pi / 2)

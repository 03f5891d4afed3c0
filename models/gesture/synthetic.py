"""Made-up movements to measure spotting with, since nobody has recorded people who make the built-in gestures.

How they vary (size, pace, the form of the speed, arcs instead of lines, tremor, posture, where one stands and faces) is
drawn from ranges of their own, with other formulas than the templates of the gesture model have: speeds are lognormal
in time as in Plamondon, "A kinematic theory of rapid human movements", 1995, paths are arcs, swings fade. They stand
for no real person.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from models import rotations
from models.gesture.names import BUILT_IN, HEAD_GESTURES

Floats = NDArray[np.float64]

INVENTED: Final = ("zigzag", "triangle", "eight", "check", "twist", "spiral", "knock")
"""Movements of a hand that no built-in gesture is, to be taught."""

_WAYS: Final = {
    "swipe_left": (-1.0, 0.0, 0.0),
    "swipe_right": (1.0, 0.0, 0.0),
    "swipe_up": (0.0, 1.0, 0.0),
    "swipe_down": (0.0, -1.0, 0.0),
    "push": (0.0, 0.0, -1.0),
    "pull": (0.0, 0.0, 1.0),
}
_CORNERS: Final = {
    "zigzag": ((0, 0), (1, 0), (0, -1), (1, -1)),
    "triangle": ((0, 0), (0.5, -0.9), (-0.5, -0.9), (0, 0)),
    "check": ((0, 0), (0.35, -0.5), (1.0, 0.6)),
}


@dataclass(frozen=True)
class Movement:
    """What one device does: ``[T, 3]`` metres away from where it was, ``[T, 3]`` rotation vectors in radians, both in
    the frame of who faces -Z, over a stretch at an even rate."""

    places: Floats
    turns: Floats


@dataclass(frozen=True)
class Performance:
    """Somebody who rests, makes a gesture and rests: ``head``, ``left`` and ``right`` are ``[T, 7]`` float32 poses, of
    which the gesture is in the frames from ``start`` to ``end``."""

    name: str
    device: str
    head: NDArray[np.float32]
    left: NDArray[np.float32]
    right: NDArray[np.float32]
    start: int
    end: int


def perform(
    name: str, rate_hz: float, rng: np.random.Generator, device: str | None = None, person: int | None = None
) -> Performance:
    """One performance of a built-in or invented gesture, anywhere and facing anywhere.

    The same ``person`` has the same height and holds devices in about the same way; without it, it is anybody.
    """
    habits = rng if person is None else np.random.default_rng(person)
    if device is None:
        device = "head" if name in HEAD_GESTURES else ("left", "right")[int(rng.integers(2))]
    made = movement(name, rate_hz, rng)
    before, after = int(rng.uniform(0.8, 1.6) * rate_hz), int(rng.uniform(0.15, 0.5) * rate_hz)
    back = int(rng.uniform(0.7, 1.4) * rate_hz)
    rest = int(1.2 * rate_hz)
    length = before + len(made.places) + after + back + rest
    heading = rng.uniform(-np.pi, np.pi)
    stand = np.array([rng.uniform(-3, 3), 0.0, rng.uniform(-3, 3)])
    height = habits.uniform(1.1, 1.85)
    poses = {
        "head": (np.array([0.0, height, 0.0]), np.array([rng.uniform(-0.4, 0.2), rng.uniform(-0.2, 0.2), 0.0])),
        "left": (_hand(height, -1, rng), habits.uniform(-0.6, 0.6, 3) + rng.normal(0, 0.12, 3)),
        "right": (_hand(height, 1, rng), habits.uniform(-0.6, 0.6, 3) + rng.normal(0, 0.12, 3)),
    }
    tracked = {}
    for each, (place, turn) in poses.items():
        places, turns = _sway(length, rate_hz, rng), _sway(length, rate_hz, rng)
        if each == device:
            places += _placed(made.places, before, after, back, length)
            turns += _placed(made.turns, before, after, back, length)
        tracked[each] = _poses(places + place, turns, turn, heading, stand, rng)
    return Performance(name, device, **tracked, start=before, end=before + len(made.places) - 1)


def movement(name: str, rate_hz: float, rng: np.random.Generator) -> Movement:
    """The movement alone, with nothing before and after it.

    Raises:
        ValueError: there is no such gesture.
    """
    if name in HEAD_GESTURES:
        return _shaken(name, rate_hz, rng)
    if name in _WAYS:
        return _stroke(np.array(_WAYS[name]), rate_hz, rng)
    if name == "circle":
        return _circle(rate_hz, rng)
    if name == "wave":
        return _wave(rate_hz, rng)
    if name in INVENTED:
        return _invented(name, rate_hz, rng)
    raise ValueError(f"{name!r} is none of {', '.join((*BUILT_IN, *INVENTED))}")


def _shaken(name: str, rate_hz: float, rng: np.random.Generator) -> Movement:
    cycles = int(rng.integers(2, 4)) if name == "shake" or rng.random() < 0.7 else 1
    hertz = rng.uniform(1.3, 2.6)
    size = rng.uniform(0.14, 0.4) if name == "shake" else rng.uniform(0.1, 0.35)
    share = _shares(cycles / hertz, rate_hz)
    fading = 1 - rng.uniform(0, 0.4) * share
    phase = 2 * np.pi * cycles * (share + rng.uniform(-0.03, 0.03) * np.sin(2 * np.pi * share))
    # A nod goes down and comes back; a shake goes to both sides.
    swing = np.sin(phase) / 2 if name == "shake" else -(1 - np.cos(phase)) / 2
    turns = np.zeros((len(share), 3))
    axis = 1 if name == "shake" else 0
    turns[:, axis] = size * fading * swing * rng.choice((-1, 1) if name == "shake" else (1,))
    turns[:, 1 - axis] = turns[:, axis] * rng.uniform(-0.15, 0.15)
    # The eyes lie ahead of the neck that the head turns about.
    places = np.stack((-0.1 * turns[:, 1], 0.1 * turns[:, 0], np.zeros(len(share))), axis=1)
    return Movement(places, turns)


def _stroke(way: Floats, rate_hz: float, rng: np.random.Generator) -> Movement:
    size, seconds = rng.uniform(0.28, 0.65), rng.uniform(0.28, 0.55)
    share = _paced(seconds, rate_hz, rng)
    aside = rng.normal(size=3)
    aside -= way * (aside @ way)
    aside /= np.linalg.norm(aside)
    bend, off = rng.uniform(0, 0.2), rng.normal(0, 0.12)
    along = way * np.cos(off) + np.cross(way, aside) * np.sin(off)
    places = size * (share[:, None] * along + bend * np.sin(np.pi * share)[:, None] * aside)
    return Movement(places, _turning(places, rng))


def _circle(rate_hz: float, rng: np.random.Generator) -> Movement:
    size, seconds = rng.uniform(0.18, 0.5), rng.uniform(0.7, 1.5)
    share = (_paced(seconds, rate_hz, rng) + _shares(seconds, rate_hz)) / 2
    phase = rng.choice((-1, 1)) * 2 * np.pi * rng.uniform(0.93, 1.08) * share + rng.uniform(0, 2 * np.pi)
    squeeze, tilt = rng.uniform(0.75, 1.3), rng.normal(0, 0.2)
    x, y = np.cos(phase) / 2, squeeze * np.sin(phase) / 2
    return _drawn(np.stack((x * np.cos(tilt), y, x * np.sin(tilt)), axis=1) * size, rng)


def _wave(rate_hz: float, rng: np.random.Generator) -> Movement:
    cycles, hertz, size = rng.uniform(2, 4), rng.uniform(1.4, 2.6), rng.uniform(0.12, 0.35)
    share = _shares(cycles / hertz, rate_hz)
    swelling = np.minimum(1, 4 * np.minimum(share, 1 - share) + 0.5)
    swing = size * swelling * np.sin(2 * np.pi * cycles * share) / 2
    places = np.stack((swing, -np.abs(swing) * rng.uniform(0, 0.4), swing * rng.normal(0, 0.15)), axis=1)
    turns = np.zeros((len(share), 3))
    turns[:, 2] = -swing * rng.uniform(1, 3)
    return Movement(places - places[0], turns)


def _invented(name: str, rate_hz: float, rng: np.random.Generator) -> Movement:
    size, pace = rng.uniform(0.8, 1.25), rng.uniform(0.8, 1.25)
    if name in _CORNERS:
        corners = np.array(_CORNERS[name], dtype=float) * 0.3
        parts = []
        for a, b in pairwise(corners):
            share = _paced(pace * (0.2 + 0.6 * float(np.linalg.norm(b - a))), rate_hz, rng)[:, None]
            parts.append(a + share * (b - a))
        flat = np.concatenate(parts)
        return _drawn(size * np.column_stack((flat, np.zeros(len(flat)))), rng)
    share = _shares(pace * {"eight": 1.4, "twist": 0.6, "spiral": 1.6, "knock": 0.7}[name], rate_hz)
    places, turns = np.zeros((len(share), 3)), np.zeros((len(share), 3))
    if name == "eight":
        places[:, 0] = 0.18 * np.sin(2 * np.pi * share)
        places[:, 1] = 0.1 * np.sin(4 * np.pi * share)
    elif name == "spiral":
        places[:, 0] = 0.16 * share * np.sin(4 * np.pi * share)
        places[:, 1] = 0.16 * share * np.cos(4 * np.pi * share)
    elif name == "knock":
        places[:, 2] = -0.06 * (1 - np.cos(4 * np.pi * share))
    else:
        turns[:, 2] = -1.4 * np.sin(np.pi * share) ** 2
    return _drawn(places * size, rng, turns)


def _drawn(places: Floats, rng: np.random.Generator, turns: Floats | None = None) -> Movement:
    places = places - places[0]
    return Movement(places, _turning(places, rng) + (0 if turns is None else turns))


def _turning(places: Floats, rng: np.random.Generator) -> Floats:
    """A hand turns with where the arm takes it: a little up and to the side."""
    much = rng.uniform(0.2, 1.2)
    return np.stack((places[:, 1], -places[:, 0], np.zeros(len(places))), axis=1) * much


def _shares(seconds: float, rate_hz: float) -> Floats:
    return np.linspace(0, 1, max(2, round(seconds * rate_hz) + 1))


def _paced(seconds: float, rate_hz: float, rng: np.random.Generator) -> Floats:
    """Shares of a way, whose speed rises faster than it falls or the other way round."""
    times = np.linspace(0, 1, max(3, round(seconds * rate_hz) + 1))
    width, middle = rng.uniform(0.25, 0.5), rng.uniform(0.35, 0.5)
    speed = np.exp(-(np.log((times + 0.1) / (middle + 0.1)) ** 2) / (2 * width**2)) * np.sin(np.pi * times) ** 0.5
    way = np.concatenate(([0.0], np.cumsum((speed[1:] + speed[:-1]) / 2)))
    return np.asarray(way / way[-1])


def _placed(moved: Floats, before: int, after: int, back: int, length: int) -> Floats:
    """A movement after a rest; some time after it one comes back more slowly."""
    found = np.zeros((length, 3))
    end = before + len(moved)
    found[before:end] = moved
    found[end : end + after] = moved[-1]
    share = np.linspace(0, 1, back)
    found[end + after : end + after + back] = moved[-1] * (1 - (3 * share**2 - 2 * share**3))[:, None]
    return found


def _hand(height: float, side: int, rng: np.random.Generator) -> Floats:
    return np.array([side * rng.uniform(0.05, 0.35), height - rng.uniform(0.15, 0.6), -rng.uniform(0.2, 0.55)])


def _sway(length: int, rate_hz: float, rng: np.random.Generator) -> Floats:
    """Nobody holds still: slow drift, in metres or radians."""
    times = np.arange(length)[:, None] / rate_hz
    found = np.zeros((length, 3))
    for hertz in (0.2, 0.6, 1.3):
        found += rng.normal(0, 0.006 / (1 + hertz), 3) * np.sin(2 * np.pi * (hertz * times + rng.random(3)))
    return found


def _poses(
    places: Floats, turns: Floats, posture: Floats, heading: float, stand: Floats, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Where and how in the stage, with the noise of tracking."""
    facing = rotations.from_rotation_vector(torch.tensor([0.0, heading, 0.0], dtype=torch.float64))
    turned = rotations.from_rotation_vector(torch.from_numpy(turns + rng.normal(0, 0.001, turns.shape)))
    held = rotations.from_rotation_vector(torch.from_numpy(posture)).expand_as(turned)
    facing = facing.expand_as(turned)
    orientation = rotations.multiply(facing, rotations.multiply(turned, held)).numpy()
    placed = rotations.rotate(facing, torch.from_numpy(places + rng.normal(0, 0.0005, places.shape))).numpy()
    return np.concatenate((placed + stand, orientation), axis=1).astype(np.float32)


def inserted(
    name: str, poses: NDArray[np.float32], head: NDArray[np.float32], rate_hz: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], int, int] | None:
    """A real recording of one device in which a made-up movement comes on top of what is done anyway.

    Args:
        poses: ``[T, 7]`` of the device that makes the gesture.
        head: ``[T, 7]``, whose heading when it begins tells which way is ahead.

    Returns:
        the poses, and the gesture's first and last frame; nothing where the recording is too short.
    """
    made = movement(name, rate_hz, rng)
    after, back = int(rng.uniform(0.15, 0.5) * rate_hz), int(rng.uniform(0.7, 1.4) * rate_hz)
    lead, tail = int(1.2 * rate_hz), int(0.5 * rate_hz)
    room = len(poses) - lead - len(made.places) - after - back - tail
    if room <= 0:
        return None
    start = lead + int(rng.integers(room))
    x, _, z = rotations.forward(torch.from_numpy(head[start : start + 1, 3:]))[0].tolist()
    facing = rotations.from_rotation_vector(torch.tensor([0.0, float(np.arctan2(-x, -z)), 0.0], dtype=torch.float64))
    facing = facing.expand(len(poses), 4)
    places = torch.from_numpy(_placed(made.places, start, after, back, len(poses)))
    turns = torch.from_numpy(_placed(made.turns, start, after, back, len(poses)))
    turned = rotations.from_rotation_vector(rotations.rotate(facing, turns))
    found = torch.from_numpy(poses).double()
    moved = torch.cat(
        (found[:, :3] + rotations.rotate(facing, places), rotations.multiply(turned, found[:, 3:])), dim=1
    )
    return moved.float().numpy(), start, start + len(made.places) - 1

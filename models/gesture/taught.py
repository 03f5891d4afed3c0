"""Gestures that users teach: from a few recordings to a prototype, and from prototypes to what frames are matched with.

Free of torch, so that a process that serves no frames can teach. A prototype is a vector of float32 numbers. The first
``PLAIN`` are all that there are of a device without joints: the movement as ``described`` gives it (of unit length),
then the least likeness, the movement's strength and its duration in seconds, whether joints count, and of how many
examples it is the mean. Of a hand's joints there follow the mean of ``telling`` and by what the examples differ from
it: ``PROTOTYPE`` numbers in all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import coordinates
from models.gesture.names import BUILT_IN, TAUGHT_SLOTS
from models.gesture.shape import (
    DURATION_WEIGHT,
    EXTENT_WEIGHT,
    FARTHEST,
    JOINT_CHANNELS,
    JOINT_PAIRS,
    JOINT_WEIGHT,
    JOINTS,
    LEAST_EXTENT_M,
    LONGEST_S,
    NUMBERS,
    PALM,
    POINTS,
    POSE_WEIGHTS,
    RATE_HZ,
    RULER,
    SCATTER,
    SHORTEST_S,
    STAGES,
    STRICTER,
    TELLING,
    TELLING_WEIGHTS,
    USUAL_LEAST,
)
from models.limits import DEVICES

Floats = NDArray[np.float32]
Times = NDArray[np.float64]

EXAMPLES: Final = (1, 5)
"""How many recordings a gesture is taught by, at least and at most."""

PLAIN: Final = NUMBERS + 5
"""Numbers of a prototype of a device without joints."""

LIKENESS, _STRENGTH, _SECONDS, _JOINTED, _COUNT = range(NUMBERS, PLAIN)

_VARIED: Final = (
    (0.08, 1.0, 0.0, 0.0),
    (0.0, 0.92, 0.0, 0.0),
    (0.0, 1.0, 0.07, 0.0),
    (0.0, 1.0, -0.07, 0.0),
    (0.0, 1.0, 0.0, 0.2),
    (0.0, 1.0, 0.0, -0.2),
)
"""How else an example could have come: from which share of the time to which, how much its middle is put off, and by
how many radians it is turned. What such changes alter says little about which gesture it is."""

_VARIED_WEIGHT: Final = 0.375
_RIDGE: Final = 0.15
"""What is added to the scatter in all other directions, as a share of its mean."""

_SPREAD: Final = EXAMPLES[1] + len(_VARIED)

PROTOTYPE: Final = PLAIN + (1 + _SPREAD) * TELLING
"""Numbers of a prototype of a hand's joints."""

ADAPTERS: Final = {
    "taught": (TAUGHT_SLOTS, NUMBERS),
    "telling": (TAUGHT_SLOTS, TELLING + 1),
    "scatter": (2, SCATTER, TELLING),
    "spotting": (TAUGHT_SLOTS, 8),
    "stricter": (len(BUILT_IN),),
}
"""The adapter columns of the gesture model."""

_DEVICE_OF: Final = {"head": 0, "left": 1, "right": 2, "left_hand": 1, "right_hand": 2}
_POSE, _JOINTS = 8, 1 + 26 * 7
_MOST_MOMENTS: Final = 20_000
_LONGEST_RECORDING_S: Final = 30.0

_USUAL_LIKENESS: Final = 0.9
_LIKENESS_BETWEEN: Final = (USUAL_LEAST, 0.94)
_LEAST_STRENGTH: Final = 0.12
_STRENGTH_BETWEEN: Final = (0.5, 2.0)
_SECONDS_BETWEEN: Final = (0.62, 1.6)
_STILL: Final = 0.15
_ALIKE: Final = 0.5
_ALIKE_JOINTED: Final = 0.95
"""From this margin on, as the spotter has it, two gestures are the same movement. Of a hand's joints it is higher: what
is much nearer than what is spotted may still be told apart, as a fist and half a fist are."""


@dataclass(frozen=True)
class Movement:
    """What moves in a recording.

    Attributes:
        course: ``[NUMBERS]`` float32, as ``described`` gives it; zeros for joints not tracked.
        seconds: how long it takes.
        tellings: ``[7, TELLING]`` float32, as ``telling`` gives it: as it was, then as if it had come a little
            otherwise; ``[0, TELLING]`` without joints.
    """

    course: Floats
    seconds: float
    tellings: Floats


def prototype(recordings: Sequence[Floats], device: str) -> Floats:
    """What the recordings of one gesture have in common.

    Args:
        recordings: one to five. Each ``[n, 8]`` float32 for ``head``, ``left`` and ``right``: seconds, then a pose in
            the stage; or ``[n, 183]`` for ``left_hand`` and ``right_hand``: seconds, then the poses of 26 joints. What
            is still at either end is left out.
        device: ``head``, ``left``, ``right``, ``left_hand`` or ``right_hand``.

    Returns:
        ``[PROTOTYPE]`` float32 of a hand's joints, else ``[PLAIN]``.

    Raises:
        ValueError: something is wrong with a recording, or they have too little in common; the message says what.
    """
    if not EXAMPLES[0] <= len(recordings) <= EXAMPLES[1]:
        raise ValueError(f"a gesture takes {EXAMPLES[0]} to {EXAMPLES[1]} examples, not {len(recordings)}")
    found = [_spottable(recording, device, f"example {n}") for n, recording in enumerate(recordings, start=1)]
    alike = _alike(found)
    if alike.min() < 0.5:
        odd = int(alike.argmin()) + 1
        raise ValueError(f"example {odd} is not like the others; record it again, or teach it as a gesture of its own")
    return common(found)


def common(movements: Sequence[Movement]) -> Floats:
    """The prototype of one to five movements, all with or all without joints, however little they have in common."""
    mean = np.sum([_unit(one.course) for one in movements], axis=0)
    tellings = np.stack([one.tellings for one in movements])
    jointed = tellings.size > 0
    likeness = _USUAL_LIKENESS if len(movements) == 1 else float(_alike(movements).min()) - 0.03
    made = np.zeros(PROTOTYPE if jointed else PLAIN, dtype=np.float32)
    made[:NUMBERS] = _unit(mean)
    made[LIKENESS] = USUAL_LEAST if jointed else np.clip(likeness, *_LIKENESS_BETWEEN)
    made[_STRENGTH] = np.mean([np.linalg.norm(one.course) for one in movements])
    made[_SECONDS] = np.mean([one.seconds for one in movements])
    made[_JOINTED] = jointed
    made[_COUNT] = len(movements)
    if jointed:
        rows = made[PLAIN:].reshape(1 + _SPREAD, TELLING)
        rows[0] = tellings[:, 0].mean(0)
        rows[1 : 1 + len(tellings)] = tellings[:, 0] - rows[0]
        rows[1 + EXAMPLES[1] :] = (tellings[:, 1:] - tellings[:, :1]).mean(0)
    return made


def _alike(movements: Sequence[Movement]) -> Floats:
    """The cosine of each and the mean of the others, since it is in the mean of all: ``[n]``."""
    # Where a hand is and how it is held is more alike than what moves of it, as far as trackers can tell.
    seen_of = [one.tellings[0, : STAGES * JOINT_CHANNELS] if one.tellings.size else one.course for one in movements]
    directions = np.stack([_unit(vector) for vector in seen_of])
    if len(directions) == 1:
        return np.ones(1, dtype=np.float32)
    others = directions.sum(0) - directions
    others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-9)
    return np.asarray((directions * others).sum(1))


def told_apart(prototypes: Sequence[Floats]) -> tuple[Floats, Floats]:
    """What tells the gestures of one hand apart: how far a movement is from each, where it counts.

    The scatter within gestures is that of all examples about their gesture's mean, and of what would have come of them
    a little earlier, later, faster or turned. Along the ``SCATTER`` directions where it is largest a difference counts
    for less, as in a linear discriminant analysis whose scatter is shrunk; in all others it counts alike. See Hastie,
    Tibshirani and Friedman, "The Elements of Statistical Learning", 2009, section 4.3.

    Args:
        prototypes: ``[PROTOTYPE]`` float32 each, at least one.

    Returns:
        ``[k, TELLING + 1]`` and ``[SCATTER, TELLING]`` float32. Of a movement's ``telling`` x, the squared distance to
        each gesture is x less its part along the second, squared, less twice the score by the first, whose last numbers
        are to be added. The highest score is that of the nearest.
    """
    parts = np.stack([known[PLAIN:].reshape(1 + _SPREAD, TELLING) for known in prototypes]).astype(np.float64)
    means, spread = parts[:, 0], parts[:, 1:]
    examples, varied = spread[:, : EXAMPLES[1]].reshape(-1, TELLING), spread[:, EXAMPLES[1] :].reshape(-1, TELLING)
    free = sum(float(known[_COUNT]) for known in prototypes) - len(prototypes)
    within = examples.T @ examples / max(free, 1.0) + _VARIED_WEIGHT / len(prototypes) * (varied.T @ varied)
    sizes, directions = np.linalg.eigh(within)
    large = sizes[-SCATTER:].clip(0)
    # What a profile holds came from outside: it may be all zeros.
    rest = sizes[:-SCATTER].mean() + _RIDGE * np.trace(within) / TELLING + 1e-9
    scatter = (directions[:, -SCATTER:] * np.sqrt(large / (large + rest))).T
    weights = means - means @ scatter.T @ scatter
    scores = np.column_stack((weights, -0.5 * (weights * means).sum(1)))
    return scores.astype(np.float32), scatter.astype(np.float32)


def same_movement(one: Floats, other: Floats) -> bool:
    """Whether two prototypes of one device are so like each other that the spotter could not tell which is meant."""
    if len(one) != len(other):
        return False
    strength, seconds = one[_STRENGTH] / max(other[_STRENGTH], 1e-6), one[_SECONDS] / max(other[_SECONDS], 1e-6)
    if not (
        _STRENGTH_BETWEEN[0] <= strength <= _STRENGTH_BETWEEN[1]
        and _SECONDS_BETWEEN[0] <= seconds <= _SECONDS_BETWEEN[1]
    ):
        return False
    # What a profile holds came from outside.
    wanted = min(float(max(one[LIKENESS], other[LIKENESS])), 1.0)
    if len(one) == PLAIN:
        return (float(one[:NUMBERS] @ other[:NUMBERS]) - wanted) / (1.001 - wanted) >= _ALIKE
    between = (one - other)[PLAIN : PLAIN + TELLING]
    along = told_apart([one, other])[1] @ between
    farthest = max(FARTHEST / (1 - USUAL_LEAST) * (1 - wanted), 1e-6)
    return 1 - float(between @ between - along @ along) / farthest >= _ALIKE_JOINTED


def stricter(known: Floats) -> Floats:
    """A prototype after a false activation: what is not quite so like it is no longer spotted."""
    made = known.copy()
    made[LIKENESS] += STRICTER * (1 - made[LIKENESS])
    return made


def columns(
    gestures: Mapping[int, tuple[Floats, str]], false_activations: Mapping[int, int] | None = None
) -> dict[str, Floats]:
    """One user's adapter columns.

    Args:
        gestures: from the slot, 0 to 15, to the prototype and the device it was taught with.
        false_activations: from the number of a built-in gesture to how often it was spotted where there was none.

    Returns:
        for each of ``ADAPTERS`` an array of its shape.

    Raises:
        ValueError: no such slot, number or device, or not a prototype.
    """
    made = {name: np.zeros(shape, dtype=np.float32) for name, shape in ADAPTERS.items()}
    for slot, (known, device) in gestures.items():
        if not 0 <= slot < TAUGHT_SLOTS or device not in _DEVICE_OF:
            raise ValueError(
                f"slot {slot} and device {device!r}: slots are 0 to {TAUGHT_SLOTS - 1}, devices {_names()}"
            )
        if known.shape not in ((PLAIN,), (PROTOTYPE,)) or not np.isfinite(known).all():
            raise ValueError(f"slot {slot}: a prototype has {PLAIN} or {PROTOTYPE} numbers, all finite")
        strength, seconds = float(known[_STRENGTH]), float(known[_SECONDS])
        made["taught"][slot] = known[:NUMBERS]
        made["spotting"][slot] = (
            1.0,
            _DEVICE_OF[device],
            known[_JOINTED],
            known[LIKENESS],
            strength * _STRENGTH_BETWEEN[0],
            strength * _STRENGTH_BETWEEN[1],
            seconds * _SECONDS_BETWEEN[0],
            seconds * _SECONDS_BETWEEN[1],
        )
    for hand in ("left_hand", "right_hand"):
        slots = [slot for slot, (known, device) in gestures.items() if device == hand and len(known) == PROTOTYPE]
        if slots:
            telling_of, scatter = told_apart([gestures[slot][0] for slot in slots])
            made["telling"][slots] = telling_of
            made["scatter"][_DEVICE_OF[hand] - 1] = scatter
    for number, times in (false_activations or {}).items():
        if not 1 <= number <= len(BUILT_IN):
            raise ValueError(f"{number} is not a built-in gesture's number")
        made["stricter"][number - 1] = 1 - (1 - STRICTER) ** times
    return made


def seen(poses: Floats, joints: Floats | None) -> Floats:
    """What is seen of the moments of a movement: position and forward and up direction, in that order.

    Args:
        poses: ``[n, 7]`` of the device.
        joints: ``[n, 26, 7]`` of the hand, or nothing.

    Returns:
        ``[n, 30]`` float32, not yet weighted: then where ``JOINTS`` lie, less where the palm does, or zeros.
    """
    around = np.zeros((len(poses), JOINT_CHANNELS), dtype=np.float32)
    if joints is not None:
        around = (joints[:, JOINTS, :3] - joints[:, PALM, None, :3]).reshape(len(poses), -1)
    facing = (coordinates.forward(poses[:, 3:]), coordinates.up(poses[:, 3:]))
    return np.concatenate((poses[:, :3], *facing, around), axis=1).astype(np.float32)


def described(moments: Floats) -> Floats:
    """A movement as a vector ``[NUMBERS]`` that is the same wherever it was made and whichever way one faced.

    Args:
        moments: ``[POINTS, 30]`` as ``seen`` gives them, evenly spaced in time.
    """
    heading = heading_of(moments[:, 3:6].mean(0), moments[:, 6:9].mean(0))
    vectors = (moments - moments.mean(0))[:, :9].reshape(POINTS, 3, 3)
    turned = _turned(vectors, heading).reshape(POINTS, 9) * np.array(POSE_WEIGHTS)
    opened = _opened(moments)
    opened = (opened - opened.mean(0)) * JOINT_WEIGHT
    return np.concatenate((turned.ravel(), opened.ravel())).astype(np.float32)


def telling(moments: Floats, seconds: float, turned_by: float = 0.0) -> Floats:
    """By what a hand's movement is told from others, ``[TELLING]``: wherever it was made and whichever way one faced.

    Where the joints lie, less where the palm lies on average, over ``STAGES`` of the movement, of unit length; then
    logarithms of its duration and of the palm's way. Unlike ``described`` it knows how a hand is held that does not
    change.

    Args:
        moments: ``[POINTS, 30]`` as ``seen`` gives them, evenly spaced in time.
        turned_by: radians about the vertical.
    """
    heading = heading_of(moments[:, 3:6].mean(0), moments[:, 6:9].mean(0)).astype(np.float64)
    sine, cosine = np.sin(turned_by), np.cos(turned_by)
    heading = np.array([cosine * heading[0] - sine * heading[1], sine * heading[0] + cosine * heading[1]])
    palm = moments[:, None, :3] - moments[:, :3].mean(0)
    places = moments[:, 9:].reshape(POINTS, len(JOINTS), 3) + palm
    stages = places.reshape(STAGES, POINTS // STAGES, len(JOINTS), 3).mean(1)
    weighted = _turned(stages, heading) * np.array(TELLING_WEIGHTS)[:, None]
    extent = np.sqrt((palm**2).sum() / POINTS) + LEAST_EXTENT_M
    sizes = DURATION_WEIGHT * np.log(max(seconds, 1e-3)), EXTENT_WEIGHT * np.log(extent)
    return np.concatenate((_unit(weighted.ravel()), sizes)).astype(np.float32)


def _opened(moments: Floats) -> Floats:
    """Distances of joints, measured in the palm's length: ``[n, 8]``."""
    places = moments[:, 9:].reshape(len(moments), len(JOINTS), 3)
    a, b = np.array(JOINT_PAIRS).T
    ruler = np.linalg.norm(places[:, RULER[0]] - places[:, RULER[1]], axis=1, keepdims=True)
    return np.asarray(np.linalg.norm(places[:, a] - places[:, b], axis=2) / np.maximum(ruler, 0.01))


def _turned(vectors: Floats, heading: Floats | Times) -> Floats:
    """Vectors ``[..., 3]`` in the frame whose -Z is the heading."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack((heading[0] * z - heading[1] * x, y, -(heading[0] * x + heading[1] * z)), axis=-1)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def heading_of(forward: Floats, up: Floats) -> Floats:
    """Which way, horizontally, a device faces: ``[2]``, x and z of a unit vector.

    Where it points upwards or downwards, forward has no horizontal part; there its right side tells.
    """
    right = np.cross(forward, up)
    level = forward[[0, 2]]
    share = max(0.0, 1 - float(np.linalg.norm(level)))
    towards = level + share * np.array([right[2], -right[0]])
    # Straight ahead where nothing can be told.
    towards = towards + np.array([0.0, -1e-6])
    return np.asarray(towards / np.linalg.norm(towards), dtype=np.float32)


def movement(recording: Floats, device: str, which: str = "the recording") -> Movement:
    """What moves in a recording.

    Raises:
        ValueError: as ``prototype``, but any duration goes; ``which`` names the recording in what it says.
    """
    times, moments = _moments(recording, device, which)
    first, last = _moving(times, moments, which)
    start, seconds = float(times[first]), float(times[last] - times[first])
    share = np.linspace(0, 1, POINTS)
    even = _at(times, moments, start + seconds * share)
    course = described(even)
    if float(np.linalg.norm(course)) < _LEAST_STRENGTH:
        raise ValueError(f"{which} hardly moves; make the gesture larger")
    if not device.endswith("_hand"):
        return Movement(course, seconds, np.zeros((0, TELLING), dtype=np.float32))
    tellings = [telling(even, seconds)]
    for a, b, put_off, turned_by in _VARIED:
        wanted = a + (b - a) * (share + put_off * np.sin(np.pi * share))
        tellings.append(telling(_at(times, moments, start + seconds * wanted), seconds * (b - a), turned_by))
    return Movement(course, seconds, np.stack(tellings))


def _spottable(recording: Floats, device: str, which: str) -> Movement:
    found = movement(recording, device, which)
    if found.seconds < SHORTEST_S:
        raise ValueError(f"{which} moves for {found.seconds:.2f} s; a gesture takes at least {SHORTEST_S} s")
    if found.seconds > LONGEST_S:
        raise ValueError(f"{which} moves for {found.seconds:.1f} s; a gesture takes at most {LONGEST_S} s")
    return found


def _moments(recording: Floats, device: str, which: str) -> tuple[Times, Floats]:
    if device not in _DEVICE_OF:
        raise ValueError(f"device {device!r} is none of {_names()}")
    width = _JOINTS if device.endswith("_hand") else _POSE
    if recording.ndim != 2 or recording.shape[1] != width:
        raise ValueError(f"{which}: a moment of {device} has {width} numbers; got shape {recording.shape}")
    if not 2 <= len(recording) <= _MOST_MOMENTS:
        raise ValueError(f"{which} has {len(recording)} moments; send 2 to {_MOST_MOMENTS}")
    if not np.isfinite(recording).all():
        raise ValueError(f"{which} has numbers that are not finite")
    times = recording[:, 0].astype(np.float64)
    if not (np.diff(times) > 0).all():
        raise ValueError(f"{which}: times must increase")
    if np.diff(times).max() > 0.2:
        raise ValueError(f"{which} has a gap of {np.diff(times).max():.2f} s; record at least ten moments a second")
    if not SHORTEST_S <= times[-1] - times[0] <= _LONGEST_RECORDING_S:
        raise ValueError(
            f"{which} lasts {times[-1] - times[0]:.2f} s; record {SHORTEST_S} to {_LONGEST_RECORDING_S:.0f} s"
        )
    poses = recording[:, 1:].reshape(len(recording), -1, 7).astype(np.float32)
    lengths = np.linalg.norm(poses[..., 3:], axis=2, keepdims=True)
    if (np.abs(lengths - 1) > 0.1).any() or np.abs(poses[..., :3]).max() > 1e4:
        raise ValueError(f"{which}: orientations must be unit quaternions and positions metres")
    poses[..., 3:] /= lengths
    joints = poses if device.endswith("_hand") else None
    return times, seen(poses[:, PALM], joints)


def _moving(times: Times, moments: Floats, which: str) -> tuple[int, int]:
    """The first and the last moment of what moves."""
    weights = np.array([*POSE_WEIGHTS, *(JOINT_WEIGHT for _ in JOINT_PAIRS)])
    even = np.arange(times[0], times[-1] + 1e-6, 1 / RATE_HZ)
    counted = np.concatenate((moments[:, :9], _opened(moments)), axis=1) * weights
    speed = np.linalg.norm(np.diff(_at(times, counted, even), axis=0), axis=1)
    if len(speed) < 3 or speed.max() * RATE_HZ < 2 * _LEAST_STRENGTH:
        raise ValueError(f"{which} hardly moves; make the gesture larger")
    moving = np.flatnonzero(speed > _STILL * np.quantile(speed, 0.95))
    start = int(np.searchsorted(times, even[moving[0]]))
    end = int(np.searchsorted(times, even[moving[-1] + 1] - 1e-9))
    return start, min(end, len(times) - 1)


def _at(times: Times, moments: Floats, wanted: Times) -> Floats:
    after = np.searchsorted(times, wanted).clip(1, len(times) - 1)
    share = ((wanted - times[after - 1]) / (times[after] - times[after - 1])).clip(0, 1)[:, None]
    return np.asarray(moments[after - 1] * (1 - share) + moments[after] * share, dtype=np.float32)


def _names() -> str:
    assert set(DEVICES) <= set(_DEVICE_OF)
    return ", ".join(_DEVICE_OF)

"""Gestures that users teach: from a few recordings to a prototype, and from prototypes to what frames are matched with.

Free of torch, so that a process that serves no frames can teach. A prototype is a vector of ``PROTOTYPE`` float32
numbers: the movement at ``POINTS`` moments as ``seen`` describes it (of unit length), then the least likeness, the
movement's strength and its duration in seconds, whether joints count, and of how many examples it is the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.gesture.names import BUILT_IN, TAUGHT_SLOTS
from models.gesture.shape import (
    JOINT_PAIRS,
    JOINT_WEIGHT,
    LONGEST_S,
    NUMBERS,
    PALM,
    POINTS,
    POSE_NUMBERS,
    POSE_WEIGHTS,
    RATE_HZ,
    RULER,
    SHORTEST_S,
    STRICTER,
)
from models.limits import DEVICES

Floats = NDArray[np.float32]
Times = NDArray[np.float64]

EXAMPLES: Final = (1, 5)
"""How many recordings a gesture is taught by, at least and at most."""

PROTOTYPE: Final = NUMBERS + 5
"""Numbers of a prototype."""

LIKENESS, _STRENGTH, _SECONDS, _JOINTED, _COUNT = range(NUMBERS, PROTOTYPE)

ADAPTERS: Final = {"taught": (TAUGHT_SLOTS, NUMBERS), "spotting": (TAUGHT_SLOTS, 8), "stricter": (len(BUILT_IN),)}
"""The adapter columns of the gesture model."""

_DEVICE_OF: Final = {"head": 0, "left": 1, "right": 2, "left_hand": 1, "right_hand": 2}
_POSE, _JOINTS = 8, 1 + 26 * 7
_MOST_MOMENTS: Final = 20_000
_LONGEST_RECORDING_S: Final = 30.0

_USUAL_LIKENESS: Final = 0.9
_LIKENESS_BETWEEN: Final = (0.84, 0.94)
_LEAST_STRENGTH: Final = 0.12
_STRENGTH_BETWEEN: Final = (0.5, 2.0)
_SECONDS_BETWEEN: Final = (0.62, 1.6)
_STILL: Final = 0.15


def prototype(recordings: Sequence[Floats], device: str) -> Floats:
    """What the recordings of one gesture have in common.

    Args:
        recordings: one to five. Each ``[n, 8]`` float32 for ``head``, ``left`` and ``right``: seconds, then a pose in
            the stage; or ``[n, 183]`` for ``left_hand`` and ``right_hand``: seconds, then the poses of 26 joints. What
            is still at either end is left out.
        device: ``head``, ``left``, ``right``, ``left_hand`` or ``right_hand``.

    Returns:
        ``[PROTOTYPE]`` float32.

    Raises:
        ValueError: something is wrong with a recording, or they have too little in common; the message says what.
    """
    if not EXAMPLES[0] <= len(recordings) <= EXAMPLES[1]:
        raise ValueError(f"a gesture takes {EXAMPLES[0]} to {EXAMPLES[1]} examples, not {len(recordings)}")
    found = [_spottable(recording, device, f"example {n}") for n, recording in enumerate(recordings, start=1)]
    directions = np.stack([vector / np.linalg.norm(vector) for vector, _ in found])
    mean = directions.sum(0)
    mean /= np.linalg.norm(mean)
    # Each beside the mean of the others, since it is in the mean of all.
    others = directions.sum(0) - directions
    others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-9)
    alike = (directions * others).sum(1) if len(found) > 1 else np.array([1.0])
    if alike.min() < 0.5:
        odd = int(alike.argmin()) + 1
        raise ValueError(f"example {odd} is not like the others; record it again, or teach it as a gesture of its own")
    likeness = _USUAL_LIKENESS if len(found) == 1 else float(alike.min()) - 0.03
    made = np.zeros(PROTOTYPE, dtype=np.float32)
    made[:NUMBERS] = mean
    made[LIKENESS] = np.clip(likeness, *_LIKENESS_BETWEEN)
    made[_STRENGTH] = np.mean([np.linalg.norm(vector) for vector, _ in found])
    made[_SECONDS] = np.mean([seconds for _, seconds in found])
    made[_JOINTED] = device in ("left_hand", "right_hand")
    made[_COUNT] = len(found)
    return made


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
        if known.shape != (PROTOTYPE,) or not np.isfinite(known).all():
            raise ValueError(f"slot {slot}: a prototype has {PROTOTYPE} numbers, all finite")
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
        ``[n, 17]`` float32, not yet weighted; the last eight are zeros without joints.
    """
    x, y, z, w = poses[:, 3:].T
    forward = np.stack((-2 * (x * z + w * y), 2 * (w * x - y * z), 2 * (x * x + y * y) - 1), axis=1)
    up = np.stack((2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)), axis=1)
    opened = np.zeros((len(poses), len(JOINT_PAIRS)), dtype=np.float32)
    if joints is not None:
        places = joints[..., :3]
        a, b = np.array(JOINT_PAIRS).T
        ruler = np.linalg.norm(places[:, RULER[0]] - places[:, RULER[1]], axis=1, keepdims=True)
        opened = np.linalg.norm(places[:, a] - places[:, b], axis=2) / np.maximum(ruler, 0.01)
    return np.concatenate((poses[:, :3], forward, up, opened), axis=1).astype(np.float32)


def described(moments: Floats) -> Floats:
    """A movement as a vector ``[NUMBERS]`` that is the same wherever it was made and whichever way one faced.

    Args:
        moments: ``[POINTS, 17]`` as ``seen`` gives them, evenly spaced in time.
    """
    heading = heading_of(moments[:, 3:6].mean(0), moments[:, 6:9].mean(0))
    vectors = (moments - moments.mean(0))[:, :9].reshape(POINTS, 3, 3)
    right = -heading[1] * vectors[..., 0] + heading[0] * vectors[..., 2]
    ahead = heading[0] * vectors[..., 0] + heading[1] * vectors[..., 2]
    turned = np.stack((right, vectors[..., 1], -ahead), axis=2).reshape(POINTS, 9) * np.array(POSE_WEIGHTS)
    opened = (moments - moments.mean(0))[:, 9:] * JOINT_WEIGHT
    return np.concatenate((turned.ravel(), opened.ravel())).astype(np.float32)


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


def movement(recording: Floats, device: str, which: str = "the recording") -> tuple[Floats, float]:
    """What moves in a recording, described, and the seconds that it takes: ``[NUMBERS]``, zeros for joints not tracked.

    Raises:
        ValueError: as ``prototype``, but any duration goes; ``which`` names the recording in what it says.
    """
    times, moments = _moments(recording, device, which)
    start, end = _moving(times, moments, which)
    even = np.linspace(times[start], times[end], POINTS)
    vector = described(_at(times, moments, even))
    if not device.endswith("_hand"):
        vector[POSE_NUMBERS:] = 0
    strength = float(np.linalg.norm(vector))
    if strength < _LEAST_STRENGTH:
        raise ValueError(f"{which} hardly moves; make the gesture larger")
    return vector, float(times[end] - times[start])


def _spottable(recording: Floats, device: str, which: str) -> tuple[Floats, float]:
    vector, seconds = movement(recording, device, which)
    if seconds < SHORTEST_S:
        raise ValueError(f"{which} moves for {seconds:.2f} s; a gesture takes at least {SHORTEST_S} s")
    if seconds > LONGEST_S:
        raise ValueError(f"{which} moves for {seconds:.1f} s; a gesture takes at most {LONGEST_S} s")
    return vector, seconds


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
    speed = np.linalg.norm(np.diff(_at(times, moments * weights, even), axis=0), axis=1)
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

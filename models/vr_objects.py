"""The recordings "vr_objects": head, gaze and right controller of people who look for, then point at, a named object.

Reads any folder in the format of Schuetz, Baltaretu and Fiehler, "Where was this thing again?", Journal of Vision
24(7):10, 2024 (public at github.com/ischtz/jov2023-vr-objects, MIT), as packed into ``trials.tsv.gz``, ``objects.tsv``
and ``frames.npz``. What comes out is OpenXR: right-handed, +Y up, -Z forward, metres, seconds, quaternions x, y, z, w.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.typing import NDArray

from models import rotations
from models.coordinates import unity_pose_to_openxr, unity_position_to_openxr

SOURCE = "github.com/ischtz/jov2023-vr-objects"
LICENSE = "MIT"

_TRIGGER, _GAZE_VALID = 2, 4
_POSITION_STEP, _UNIT_STEP = 1 / 5000, 1 / 32767
# The published box centre of the desk lamp is wrong; its pivot is at its foot.
_BOX_CENTRE_FROM_PIVOT = {"O02_L06"}


class DataError(ValueError):
    """A folder that is not in the format of vr_objects; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Target:
    """An object of a scene. ``centre`` and ``size`` are ``[3]`` float32, metres, of the box along the world's axes."""

    id: str
    name: str
    centre: NDArray[np.float32]
    size: NDArray[np.float32]


@dataclass(frozen=True)
class Trial:
    """One search for one named object.

    ``time`` is ``[T]`` float64 seconds from the trial's start, not evenly spaced; ``head``, ``gaze`` and ``hand`` are
    ``[T, 7]`` float32 poses in the stage (gaze: at the head's position, -Z along the line of sight; hand: the right
    controller, -Z out of its tip); ``gaze_valid`` and ``trigger`` are ``[T]`` bool. Where ``whole`` is false only the
    last second before the confirm is there. Times named ``*_start`` and ``*_end`` are seconds on the same clock:
    in the preview the object is looked for; the response ends with the confirm.
    """

    user: str
    scene: str
    mode: str
    session: int
    number: int
    target: str
    label: str
    whole: bool
    preview_start: float
    preview_end: float
    response_start: float
    confirm: float
    time: NDArray[np.float64]
    head: NDArray[np.float32]
    gaze: NDArray[np.float32]
    hand: NDArray[np.float32]
    gaze_valid: NDArray[np.bool_]
    trigger: NDArray[np.bool_]


@dataclass(frozen=True)
class Dataset:
    """All of a folder: ``scenes`` from a scene's name to its targets in the order of the file, and the ``trials``."""

    scenes: dict[str, tuple[Target, ...]]
    trials: tuple[Trial, ...]

    @property
    def users(self) -> tuple[str, ...]:
        return tuple(sorted({trial.user for trial in self.trials}))

    def of(self, users: set[str] | frozenset[str]) -> Iterator[Trial]:
        """The trials of some users, in the order of the file."""
        return (trial for trial in self.trials if trial.user in users)


def load(folder: Path) -> Dataset:
    """Reads a folder.

    Raises:
        DataError: a file is missing or is not in the format.
    """
    for name in ("objects.tsv", "trials.tsv.gz", "frames.npz"):
        if not (folder / name).is_file():
            raise DataError(f"{folder}: no {name}; this folder is not in the format of vr_objects")
    try:
        with open(folder / "objects.tsv", encoding="utf-8", newline="") as file:
            scenes = _scenes(file)
        with gzip.open(folder / "trials.tsv.gz", "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        with np.load(folder / "frames.npz") as arrays:
            pose = np.cumsum(arrays["dpose"], axis=1, dtype=np.int16).T
            time, flags, offsets = arrays["t"], arrays["flags"], arrays["offsets"]
        if len(offsets) != len(rows) + 1 or offsets[-1] != len(pose):
            raise DataError(f"{folder}: trials.tsv.gz has {len(rows)} rows, frames.npz {len(offsets) - 1} trials")
        trials = tuple(
            _trial(row, pose[a:b], time[a:b], flags[a:b])
            for row, a, b in zip(rows, offsets[:-1], offsets[1:], strict=True)
        )
    except (KeyError, ValueError, OSError, csv.Error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{folder}: not in the format of vr_objects: {error!r}") from error
    return Dataset(scenes, trials)


def part(trial: Trial, frames: slice | NDArray[np.intp]) -> Trial:
    """A trial with some of its frames only; what else is known of it stays as it is."""
    return replace(
        trial,
        time=trial.time[frames],
        head=trial.head[frames],
        gaze=trial.gaze[frames],
        hand=trial.hand[frames],
        gaze_valid=trial.gaze_valid[frames],
        trigger=trial.trigger[frames],
    )


def unbroken(trial: Trial, gap_s: float, longer_than_s: float) -> Iterator[Trial]:
    """A trial in parts, cut where frames are missing for more than ``gap_s``; only those of more than some seconds."""
    cuts = np.flatnonzero(np.diff(trial.time) > gap_s) + 1
    for frames in np.split(np.arange(len(trial.time)), cuts):
        if len(frames) > 1 and trial.time[frames[-1]] - trial.time[frames[0]] > longer_than_s:
            yield part(trial, frames)


def resampled(trial: Trial, rate_hz: float) -> Trial:
    """A trial as a headset with a steady frame clock would have sent it.

    The frames lie ``1 / rate_hz`` apart from the first one on; the last one is at most one period before the trial's
    last. Positions are linear between the two neighbours, orientations are the normalized chord of the shorter way
    round (off the great arc by under 0.01 degrees for the turns of one frame), booleans are the nearest neighbour's.

    Raises:
        ValueError: ``rate_hz`` is not positive and finite, or the trial has no frames.
    """
    if not (0 < rate_hz < float("inf")):
        raise ValueError(f"rate_hz must be positive and finite, is {rate_hz}")
    if not len(trial.time):
        raise ValueError(f"trial {trial.number} of {trial.user} has no frames")
    # the small addition keeps the last frame of a trial whose length is a whole number of periods
    steps = int((trial.time[-1] - trial.time[0]) * rate_hz + 1e-6)
    time = trial.time[0] + np.arange(steps + 1) / rate_hz
    after = np.searchsorted(trial.time, time).clip(min(1, len(trial.time) - 1), len(trial.time) - 1)
    before = np.maximum(after - 1, 0)
    span = np.maximum(trial.time[after] - trial.time[before], 1e-9)
    share = ((time - trial.time[before]) / span).clip(0, 1).astype(np.float32)
    nearest = np.where(share < 0.5, before, after)

    def between(pose: NDArray[np.float32]) -> NDArray[np.float32]:
        a, b = pose[before], pose[after].copy()
        b[:, 3:] *= np.where((a[:, 3:] * b[:, 3:]).sum(1, keepdims=True) < 0, np.float32(-1), np.float32(1))
        mixed: NDArray[np.float32] = a + share[:, None] * (b - a)
        mixed[:, 3:] /= np.linalg.norm(mixed[:, 3:], axis=1, keepdims=True).clip(1e-6)
        return mixed

    return replace(
        trial,
        time=time,
        head=between(trial.head),
        gaze=between(trial.gaze),
        hand=between(trial.hand),
        gaze_valid=trial.gaze_valid[nearest],
        trigger=trial.trigger[nearest],
    )


def _scenes(file: IO[str]) -> dict[str, tuple[Target, ...]]:
    scenes: dict[str, tuple[Target, ...]] = {}
    for row in csv.DictReader(file, delimiter="\t"):
        size = np.array([row[f"target_bbox_size_{axis}"] for axis in "xyz"], dtype=np.float32)
        if row["target"] in _BOX_CENTRE_FROM_PIVOT:
            centre = np.array([row[f"target_pos_{axis}"] for axis in "xyz"], dtype=np.float32)
            centre[1] += size[1] / 2
        else:
            centre = np.array([row[f"target_bbox_center_{axis}"] for axis in "xyz"], dtype=np.float32)
        target = Target(row["target"], row["preview_label"], unity_position_to_openxr(centre), size)
        scenes[row["scene"]] = (*scenes.get(row["scene"], ()), target)
    return scenes


def _trial(row: dict[str, str], pose: NDArray[np.int16], time: NDArray[np.float32], flags: NDArray[np.uint8]) -> Trial:
    head = _pose(pose[:, 0:3], pose[:, 3:7])
    hand = _pose(pose[:, 7:10], pose[:, 10:14])
    sight = torch.from_numpy(unity_position_to_openxr(pose[:, 14:17] * np.float32(_UNIT_STEP)))
    sight = torch.nn.functional.normalize(sight, dim=-1)
    turned = rotations.between(torch.tensor([0.0, 0.0, -1.0]).expand_as(sight), sight)
    gaze = head.copy()
    gaze[:, 3:] = rotations.multiply(torch.from_numpy(head[:, 3:]), turned).numpy()
    return Trial(
        user=row["user"],
        scene=row["scene"],
        mode=row["mode"],
        session=int(row["session"]),
        number=int(row["trial"]),
        target=row["target"],
        label=row["label"],
        whole=row["kept"] == "full",
        preview_start=float(row["t_preview_start"]),
        preview_end=float(row["t_preview_end"]),
        response_start=float(row["t_response_start"]),
        confirm=float(row["t_response_end"]),
        time=time.astype(np.float64),
        head=head,
        gaze=gaze,
        hand=hand,
        gaze_valid=(flags & _GAZE_VALID) != 0,
        trigger=(flags & _TRIGGER) != 0,
    )


def _pose(position: NDArray[np.int16], orientation: NDArray[np.int16]) -> NDArray[np.float32]:
    raw = np.concatenate((position * np.float32(_POSITION_STEP), orientation * np.float32(_UNIT_STEP)), axis=1)
    pose = unity_pose_to_openxr(raw)
    pose[:, 3:] /= np.linalg.norm(pose[:, 3:], axis=1, keepdims=True).clip(1e-6)
    return pose

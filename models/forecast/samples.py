"""Recordings made ready for training and evaluation: an even rate, what was seen, and what came next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models import rotations
from models.forecast.motion import STATE, Observer, Seen
from models.vr_objects import Dataset, Trial, resampled, unbroken

BASELINE_S: Final = 0.045
"""Over which the constant velocity is taken that forecasts are compared with."""

_MAX_GAP_S: Final = 0.1
_ROWS: Final = 128


def pieces(dataset: Dataset, users: Collection[str], rate_hz: float, *, whole_only: bool) -> list[Trial]:
    """The trials of some users at an even rate, split where the recording has gaps of more than 0.1 s."""
    found = []
    for trial in dataset.of(frozenset(users)):
        if whole_only and not trial.whole:
            continue
        found += [resampled(part, rate_hz) for part in unbroken(trial, _MAX_GAP_S, longer_than_s=2 * _MAX_GAP_S)]
    return found


def padded(trials: Sequence[Trial], column: Callable[[Trial], np.ndarray]) -> Tensor:
    """A column of several trials ``[M, T, ...]``; the shorter ones go on with their last value."""
    length = max(len(trial.time) for trial in trials)
    columns = [torch.from_numpy(np.ascontiguousarray(column(trial))) for trial in trials]
    return torch.stack([torch.cat((c, c[-1:].expand(length - len(c), *c.shape[1:]))) for c in columns])


@dataclass(frozen=True)
class Examples:
    """Frames of many pieces, one after the other.

    Attributes:
        features: ``[S, FEATURES]``.
        velocity: ``[S, 2, 6]``, see ``motion.Observed``.
        truth: ``[S, 2, K, 6]`` how head and hand moved and turned in their own frames until each horizon.
        known: ``[S, K]`` bool, whether the piece goes on for that long.
        starts, ends: ``[M]`` of each piece.
    """

    features: Tensor
    velocity: Tensor
    truth: Tensor
    known: Tensor
    starts: Tensor
    ends: Tensor


def examples(trials: Sequence[Trial], rate_hz: float, horizons_s: Sequence[float]) -> Examples:
    """What the network sees of recordings at an even rate, made by the code that serves."""
    found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    lengths: list[int] = []
    for some in _batches(trials):
        features, velocity = _observed(some, rate_hz)
        for row, trial in enumerate(some):
            n = len(trial.time)
            poses = torch.from_numpy(np.stack((trial.head, trial.hand), axis=1))
            truth, known = _departures(poses, rate_hz, horizons_s)
            found.append((features[row, :n], velocity[row, :n], truth, known))
            lengths.append(n)
    ends = torch.tensor(lengths).cumsum(0)
    features, velocity, truth, known = (torch.cat(column) for column in zip(*found, strict=True))
    return Examples(features, velocity, truth, known, ends - torch.tensor(lengths), ends)


def pose_at(poses: Tensor, frames: Tensor) -> Tensor:
    """Poses ``[T, D, 7]`` at fractional frame numbers ``[K]``, on the line and the chord between two frames."""
    left = frames.floor().clamp(0, len(poses) - 2).long()
    share = (frames - left).view(-1, 1, 1).float()
    a, b = poses[left], poses[left + 1]
    turn = torch.where((a[..., 3:] * b[..., 3:]).sum(-1, keepdim=True) < 0, -b[..., 3:], b[..., 3:])
    mixed = torch.lerp(a, torch.cat((b[..., :3], turn), dim=-1), share)
    return torch.cat((mixed[..., :3], torch.nn.functional.normalize(mixed[..., 3:], dim=-1)), dim=-1)


def _batches(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    # Of like length together, or most of a batch would be padding.
    ordered = sorted(trials, key=lambda trial: len(trial.time))
    for at in range(0, len(ordered), _ROWS):
        yield ordered[at : at + _ROWS]


@torch.inference_mode()
def _observed(trials: Sequence[Trial], rate_hz: float) -> tuple[Tensor, Tensor]:
    observer = Observer()
    poses = torch.stack((padded(trials, lambda t: t.head), padded(trials, lambda t: t.hand)), dim=2)
    gaze = padded(trials, lambda t: t.gaze[:, 3:])
    valid = padded(trials, lambda t: t.gaze_valid)
    trigger = padded(trials, lambda t: t.trigger).float()
    rows, length = poses.shape[:2]
    state = torch.zeros(rows, STATE)
    features, velocity = [], []
    for at in range(length):
        tracked = torch.stack((torch.ones(rows, dtype=torch.bool), torch.ones(rows, dtype=torch.bool), valid[:, at]), 1)
        buttons = torch.stack((trigger[:, at], torch.zeros(rows)), 1)
        dt = torch.full((rows,), 1 / rate_hz if at else 0.0)
        observed, state = observer.observe(Seen(poses[:, at], tracked, gaze[:, at], buttons, dt), state)
        features.append(observed.features)
        velocity.append(observed.velocity)
    return torch.stack(features, 1).clone(), torch.stack(velocity, 1).clone()


def _departures(poses: Tensor, rate_hz: float, horizons_s: Sequence[float]) -> tuple[Tensor, Tensor]:
    now = torch.arange(len(poses), dtype=torch.float64)
    truth, known = [], []
    for horizon in horizons_s:
        then = now + horizon * rate_hz
        later = pose_at(poses, then)
        back = rotations.conjugate(poses[..., 3:])
        moved = rotations.rotate(back, later[..., :3] - poses[..., :3])
        turned = rotations.to_rotation_vector(rotations.multiply(back, later[..., 3:]))
        truth.append(torch.cat((moved, turned), dim=-1))
        known.append(then <= len(poses) - 1)
    return torch.stack(truth, dim=2), torch.stack(known, dim=1)

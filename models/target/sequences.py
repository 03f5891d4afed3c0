"""Recorded trials as what sessions would have sent: sequences of frame batches with a trial a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.frame_model import GAZE, HEAD, RIGHT, FrameBatch
from models.vr_objects import Target, Trial

RATE_HZ = 90.0
"""What trials are resampled to."""


@dataclass(frozen=True)
class Sequences:
    """``B`` sequences of up to ``T`` frames at an even rate, each in a scene of its own.

    Attributes:
        dt: seconds between frames.
        head: ``[T, B, 7]`` poses as in ``FrameBatch``; so are ``gaze``, ``left`` and ``right``.
        tracked: ``[T, B, 4]`` bool.
        targets: ``[B, K, 6]`` boxes as in ``FrameBatch``.
        present: ``[B, K]`` bool.
        meant: ``[T, B]`` int64, the target that the user is after.
    """

    dt: float
    head: Tensor
    gaze: Tensor
    left: Tensor
    right: Tensor
    tracked: Tensor
    targets: Tensor
    present: Tensor
    meant: Tensor

    def __len__(self) -> int:
        return self.head.shape[0]

    def frame(self, index: int) -> FrameBatch:
        """What all sessions send at ``index``. The first frame has no ``dt``, whatever was recorded before it."""
        batch = FrameBatch.blank(self.present.shape[0])
        identity = batch.head
        batch.dt = torch.full_like(batch.dt, self.dt if index else 0.0)
        batch.fresh = torch.full_like(batch.fresh, index == 0)
        batch.tracked = self.tracked[index]
        recorded = (self.head, self.gaze, self.left, self.right)
        batch.head, batch.gaze, batch.left, batch.right = (
            torch.where(batch.tracked[:, device, None], poses[index], identity) for device, poses in enumerate(recorded)
        )
        batch.targets, batch.present = self.targets, self.present
        return batch


def boxes(scene: Sequence[Target]) -> Tensor:
    """``[K, 6]`` float32, centre and size of each target."""
    return torch.from_numpy(np.stack([np.concatenate((target.centre, target.size)) for target in scene]))


def sequences(trials: Sequence[Trial], scenes: dict[str, tuple[Target, ...]]) -> Sequences:
    """Trials that were resampled to ``RATE_HZ``, from their first frames on; a trial that ends early stands still."""
    frames = np.arange(max(len(trial.time) for trial in trials))

    def column(values: list[NDArray[Any]]) -> Tensor:
        return torch.from_numpy(np.stack([value[frames.clip(max=len(value) - 1)] for value in values], axis=1))

    found = [boxes(scenes[trial.scene]) for trial in trials]
    meant = torch.tensor([[target.id for target in scenes[trial.scene]].index(trial.target) for trial in trials])
    tracked = torch.zeros(len(frames), len(trials), 4, dtype=torch.bool)
    tracked[..., [HEAD, RIGHT]] = True
    tracked[..., GAZE] = column([trial.gaze_valid for trial in trials])
    head = column([trial.head for trial in trials])
    left = torch.zeros_like(head)
    left[..., 6] = 1
    return Sequences(
        dt=1 / RATE_HZ,
        head=head,
        gaze=column([trial.gaze for trial in trials]),
        left=left,
        right=column([trial.hand for trial in trials]),
        tracked=tracked,
        targets=torch.nn.utils.rnn.pad_sequence(found, batch_first=True),
        present=torch.nn.utils.rnn.pad_sequence([torch.ones(len(x), dtype=torch.bool) for x in found], True),
        meant=meant.expand(len(frames), -1),
    )

"""What a frame model is: the contract between a network and the engine that steps it for all sessions at once.

A frame model is stepped with one row a session that has a new frame, never with one session alone. It keeps nothing
between steps itself: what it must remember of a session goes in and out as tensors with a row a session, and what it
has learned of a user comes in as adapters with a row a session. So one network serves everybody, and no session can
see another's row.

To add a model, write the members below and name the class to ``genlock serve --frame-model``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from models.limits import DEVICES, MAX_HORIZON_S, MAX_HORIZONS, MAX_TARGETS

__all__ = [
    "DEVICES",
    "GAZE",
    "HEAD",
    "LEFT",
    "MAX_HORIZONS",
    "MAX_HORIZON_S",
    "MAX_TARGETS",
    "RIGHT",
    "Columns",
    "FrameBatch",
    "FrameModel",
    "LearnsSelections",
    "Rows",
]

HEAD, GAZE, LEFT, RIGHT = range(4)
"""Columns of ``FrameBatch.tracked``."""

Columns = Mapping[str, tuple[int, ...]]
Rows = dict[str, Tensor]


@dataclass
class FrameBatch:
    """The newest frame of ``N`` sessions. Poses are OpenXR's (stage space, metres, quaternions x, y, z, w, unit).

    Attributes:
        dt: ``[N]`` float32, seconds since this session's previous frame; 0 where ``fresh``.
        fresh: ``[N]`` bool, the first frame, or the first after a gap that makes the state stale. The state rows of
            such sessions are zeros.
        tracked: ``[N, 4]`` bool in the order head, gaze, left, right. The pose of what is not tracked is the identity.
        head: ``[N, 7]`` float32.
        gaze: ``[N, 7]`` float32, -Z along the line of sight.
        left: ``[N, 7]`` float32, the left aim pose; where there is none the grip pose, else the palm's.
        right: ``[N, 7]`` float32, likewise.
        buttons: ``[N, 2, 8]`` float32 in 0 to 1, left then right: trigger, squeeze, thumbstick x and y (-1 to 1),
            thumbstick click, primary, secondary, menu. Zeros where a controller is absent.
        horizons: ``[N, H]`` float32 seconds in 0 to 0.25, which forecasts each client asked for; ``H`` is the largest
            number of them in this batch, at most 8, and unused ones are 0.
        targets: ``[N, K, 6]`` float32, centre x, y, z and size x, y, z of each target's box along the stage's axes, in
            metres; ``K`` is the largest number of targets in this batch, at most 64, and may be 0.
        present: ``[N, K]`` bool, which of those are targets and not padding.
        learning: ``[N]`` bool, of whom the models may learn.
        gesturing: ``[N]`` bool, of whom somebody wants to know gestures.
        beat: whether what may wait some hundredths of a second, as learning, is to be done in this step. The engine
            says so at most a hundred times a second, however many steps there are.
        jointed: ``[N, 2]`` bool, whose left and right hand is tracked joint by joint.
        hands: ``[N, 2, 26, 7]`` float32 poses of the joints in the order of XR_EXT_hand_tracking, left and right, the
            identity where not ``jointed``. Nothing where no hand in the batch is.
    """

    dt: Tensor
    fresh: Tensor
    tracked: Tensor
    head: Tensor
    gaze: Tensor
    left: Tensor
    right: Tensor
    buttons: Tensor
    horizons: Tensor
    targets: Tensor
    present: Tensor
    learning: Tensor
    gesturing: Tensor
    jointed: Tensor
    hands: Tensor | None = None
    beat: bool = True

    def __len__(self) -> int:
        return self.dt.shape[0]

    @staticmethod
    def blank(rows: int, targets: int = 0, device: torch.device | str = "cpu") -> FrameBatch:
        """A batch in which nothing is tracked and no scene is known; training and tests fill in what they have."""
        identity = torch.tensor([0.0, 0, 0, 0, 0, 0, 1], device=device)
        return FrameBatch(
            dt=torch.zeros(rows, device=device),
            fresh=torch.zeros(rows, dtype=torch.bool, device=device),
            tracked=torch.zeros(rows, 4, dtype=torch.bool, device=device),
            head=identity.repeat(rows, 1),
            gaze=identity.repeat(rows, 1),
            left=identity.repeat(rows, 1),
            right=identity.repeat(rows, 1),
            buttons=torch.zeros(rows, 2, 8, device=device),
            horizons=torch.zeros(rows, MAX_HORIZONS, device=device),
            targets=torch.zeros(rows, targets, 6, device=device),
            present=torch.zeros(rows, targets, dtype=torch.bool, device=device),
            learning=torch.zeros(rows, dtype=torch.bool, device=device),
            gesturing=torch.ones(rows, dtype=torch.bool, device=device),
            jointed=torch.zeros(rows, 2, dtype=torch.bool, device=device),
        )


class FrameModel(Protocol):
    """A network that is stepped once a batch of frames."""

    name: str
    """Short and unique: ``forecast``, ``target``."""

    version: str
    """Changes with the weights; adapters of another version are set aside."""

    state: Columns
    """What is remembered of a session: name to shape of one row, float32. Zeros mean nothing is remembered."""

    adapters: Columns
    """What is learned of a user: name to shape of one row, float32. Zeros mean nothing is learned."""

    learns: bool
    """Whether ``step`` learns; else adapters change only by what is taught, selected or taken away."""

    only_gesturing: bool
    """Whether it matters to nobody who does not want to know gestures; then it is not stepped where nobody does."""

    remembers_scene: bool
    """Whether the state speaks of the scene's targets. If so it is zeroed when the scene is replaced."""

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        """Takes ``N`` frames; returns the outputs, the new state and what was learned.

        Args:
            batch: the frames.
            state: each of ``self.state`` as ``[N, *shape]``. Must not be written to.
            adapters: each of ``self.adapters`` as ``[N, *shape]``. Must not be written to.

        Returns:
            outputs: any of ``forecast``, ``[N, 3, H, 7]`` float32 poses by device and horizon (rows of what is not
            tracked are never read), ``target``, ``[N, K]`` float32 probabilities (0 where not ``present``), and
            ``gesture``, ``[N, 5]`` float32: the number of the gesture that was just over, or 0; the device that made it
            (0 head, 1 left, 2 right); the confidence; how many seconds ago it began, and ended.
            state: each of ``self.state`` as ``[N, *shape]``.
            learned: empty where nothing was; else each of ``self.adapters`` as ``[N, *shape]``, unchanged in the rows
            that are not ``learning``.
        """
        ...


@runtime_checkable
class LearnsSelections(Protocol):
    """A frame model that also learns from what users select; stepped between frames, one session at a time."""

    def confirm(self, state: Rows, adapters: Rows, targets: Tensor, chosen: int, weight: float) -> Rows:
        """What is learned of a user who meant ``targets[:, chosen]`` just now.

        Args:
            state: each of the model's ``state`` as ``[1, *shape]``. Must not be written to.
            adapters: each of ``adapters`` as ``[1, *shape]``. Must not be written to.
            targets: ``[1, K, 6]`` float32 boxes, as in ``FrameBatch.targets``.
            weight: 1, or -1 to take an equal selection back.

        Returns:
            each of ``adapters`` as ``[1, *shape]``.
        """
        ...

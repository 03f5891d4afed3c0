"""What a frame says about targets, before any learned weight: where they lie relative to head, gaze and hand.

Within this folder what belongs to targets has them in the last dimension, ``[N, channels, K]``, unless said otherwise:
sums over coordinates are several times faster so.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from models import rotations
from models.frame_model import FrameBatch

CUES = 5
"""Ways in which a target can be meant: being near the ray of the head, of the gaze, of the hand, near the ray from the
head through the hand, and near the hand itself."""

_TOUCHING_M = 0.001
"""Distances under this one count as this, so that nothing is divided by zero."""


class Devices(NamedTuple):
    """Head, gaze and the hand that counts.

    Attributes:
        positions: ``[N, 3, 3]`` metres.
        rays: ``[N, 4, 3]`` unit directions of the three, and from the head to the hand.
    """

    positions: Tensor
    rays: Tensor


def held(batch: FrameBatch) -> Tensor:
    """``[N, 3, 7]`` poses of head, gaze and the hand that counts.

    Of two tracked hands the one held higher counts: the other one is at rest more often than not.
    """
    _, _, left, right = batch.tracked.unbind(1)
    use_left = left & ~(right & (batch.right.select(1, 1) > batch.left.select(1, 1)))
    hand = torch.where(use_left.unsqueeze(1), batch.left, batch.right)
    return torch.stack((batch.head, batch.gaze, hand), dim=1)


def devices(poses: Tensor, pointing: Tensor) -> Devices:
    """Positions and rays of the devices, as corrected for this user.

    Args:
        poses: ``[N, 3, 7]``, as ``held`` returns them.
        pointing: ``[N, 3, 2]`` radians, added to the rays of head, gaze and hand towards the right and up in the
            device's own frame; small.
    """
    positions, orientations = torch.split_with_sizes(poses, (3, 4), dim=-1)
    rays = rotations.rotate(orientations, F.pad(pointing, (0, 1), value=-1.0))
    rays = F.normalize(torch.cat((rays, positions[:, 2:] - positions[:, :1]), dim=1), dim=-1)
    return Devices(positions, rays)


class Cues(NamedTuple):
    """Where the targets lie, cue by cue.

    Attributes:
        miss: ``[N, 5, K]`` how far a target's centre lies off a ray (chord between unit directions: about radians) or
            off the hand (metres).
        height: ``[N, 3, K]`` how far the target lies above the rays of the devices (difference of the unit directions'
            heights).
        distance: ``[N, 1, K]`` of the target from the head, metres.
    """

    miss: Tensor
    height: Tensor
    distance: Tensor


def cues(centres: Tensor, found: Devices) -> Cues:
    """Where each target, ``[N, 3, K]``, lies relative to head, gaze and hand."""
    origins = torch.cat((found.positions, found.positions[:, :1]), dim=1)
    offset = centres.unsqueeze(1) - origins.unsqueeze(3)
    distance = (offset * offset).sum(2).sqrt().clamp_min(_TOUCHING_M)
    off = offset / distance.unsqueeze(2) - found.rays.unsqueeze(3)
    chord = (off * off).sum(2).sqrt()
    return Cues(torch.cat((chord, distance[:, 2:3]), dim=1), off[:, :3, 1], distance[:, :1])

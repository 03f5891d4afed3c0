"""The recent past of a session: the moments that are kept of it, and what they look like from now."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import rotations
from models.frame_model import FrameBatch
from models.gesture.shape import (
    DURATION_WEIGHT,
    EXTENT_WEIGHT,
    JOINT_CHANNELS,
    JOINT_PAIRS,
    JOINT_WEIGHT,
    JOINTS,
    LEAST_EXTENT_M,
    PALM,
    POINTS,
    POSE_WEIGHTS,
    RATE_HZ,
    RULER,
    SLOWED,
    STAGES,
    TELLING_WEIGHTS,
    WINDOWS,
)

MOVERS: Final = 3
"""Head, left and right hand or controller."""

CHANNELS: Final = MOVERS * 7 + 2 * JOINT_CHANNELS
"""Numbers kept of a moment: poses, then where joints of both hands lie, less where the palms do."""

MOMENTS: Final = WINDOWS[-1]
"""Moments kept."""

_FACING: Final = RATE_HZ
"""Moments over which it is averaged which way the head faces."""

_PACE: Final = 2
"""Moments over which it is told how fast a hand moves."""

_JUST: Final = 2
"""Moments that a hand may have been slow for: what is told later is told too late."""


class Looker(nn.Module):
    """Turns frames into moments, and the past into what gestures are spotted in. Has constants and no weights."""

    before: Tensor
    after: Tensor
    share: Tensor
    weights: Tensor
    joints: Tensor
    joints_a: Tensor
    joints_b: Tensor
    telling_weights: Tensor
    durations: Tensor
    spans: Tensor
    ahead: Tensor

    def __init__(self) -> None:
        super().__init__()
        # The window of w moments reaches from the w-th last to the last.
        places = torch.cat([torch.linspace(MOMENTS - w, MOMENTS - 1, POINTS) for w in WINDOWS])
        before = places.floor().clamp_max(MOMENTS - 2)
        paces = torch.arange(MOMENTS - _PACE)
        a, b = zip(*JOINT_PAIRS, strict=True)
        constants = {
            "before": before.long(),
            "after": before.long() + 1,
            "share": (places - before).view(-1, 1),
            "weights": torch.tensor(POSE_WEIGHTS).view(3, 3),
            "joints": torch.tensor(JOINTS),
            "joints_a": torch.tensor((*a, RULER[0])),
            "joints_b": torch.tensor((*b, RULER[1])),
            "telling_weights": torch.tensor(TELLING_WEIGHTS).view(-1, 1),
            "durations": DURATION_WEIGHT * ((torch.tensor(WINDOWS) - 1) / RATE_HZ).log().view(-1, 1),
            "spans": torch.stack([(paces >= MOMENTS - w) / (w - _PACE) for w in WINDOWS], dim=1),
            # Where nothing can be told of which way somebody faces, it is straight ahead.
            "ahead": torch.tensor([0.0, -1e-6]),
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    def moment(self, batch: FrameBatch, rows: Tensor) -> Tensor:
        """``[n, CHANNELS]`` of some rows' newest frames."""
        poses = torch.stack((batch.head, batch.left, batch.right), dim=1).index_select(0, rows)
        if batch.hands is None:
            return F.pad(poses.flatten(1), (0, 2 * JOINT_CHANNELS))
        hands = batch.hands.index_select(0, rows)
        jointed = batch.jointed.index_select(0, rows).unsqueeze(2)
        palms = torch.where(jointed, hands[:, :, PALM], poses[:, 1:])
        places = hands[..., :3]
        around = (places.index_select(2, self.joints) - places[:, :, PALM : PALM + 1]).flatten(2) * jointed
        return torch.cat((poses[:, 0], palms.flatten(1), around.flatten(1)), dim=1)

    def courses(self, past: Tensor) -> Tensor:
        """``[n, 3, MOMENTS, 3]``: of the head its forward direction, of the hands their position relative to the head,
        in the heading frame of the head, less what they are now.

        Args:
            past: ``[n, MOMENTS, CHANNELS]``, the newest last.
        """
        head, orientation, left, _, right, _ = torch.split_with_sizes(past[..., :21], (3, 4, 3, 4, 3, 4), dim=2)
        forward = rotations.forward(orientation)
        moving = torch.stack((forward, left - head, right - head), dim=1)
        moving = moving - moving[:, :, -1:]
        facing = forward[:, -_FACING:].sum(1)[:, (0, 2)]
        return _turned(moving, F.normalize(facing + self.ahead, dim=1).view(-1, 1, 1, 2))

    def poses(self, past: Tensor) -> tuple[Tensor, Tensor]:
        """Windows of each of ``WINDOWS`` that end now, as ``models.gesture.taught.described`` has them of poses.

        Returns:
            ``[n, 3, W, POINTS * 9]`` by mover, and which way each faced meanwhile, ``[n, 3, W, 2]``.
        """
        n = len(past)
        poses = past[..., : MOVERS * 7].view(n, MOMENTS, MOVERS, 7).transpose(1, 2)
        orientation = poses[..., 3:]
        vectors = self._windows(
            torch.cat((poses[..., :3], rotations.forward(orientation), rotations.up(orientation)), dim=3)
        )
        # [n, mover, window, point, vector, axis]
        vectors = vectors.view(*vectors.shape[:4], 3, 3)
        mean = vectors.mean(3)
        heading = _heading(mean[..., 1, :], mean[..., 2, :], self.ahead)
        moved = _turned(vectors - mean.unsqueeze(3), heading[..., None, None, :])
        return (moved * self.weights).flatten(3), heading

    def joints_of(self, past: Tensor) -> Tensor:
        """Where joints of left and right hand lie, less where the palm does: ``[n, 2, W, POINTS, JOINTS, 3]``."""
        joints = past[..., MOVERS * 7 :].view(len(past), MOMENTS, 2, JOINT_CHANNELS).transpose(1, 2)
        found = self._windows(joints)
        return found.view(*found.shape[:4], -1, 3)

    def slowed(self, past: Tensor) -> Tensor:
        """Whether a hand has just slowed to ``SLOWED`` of its pace in a window, joints and all: ``[n, 2, W]`` bool."""
        n = len(past)
        joints = past[..., MOVERS * 7 :].view(n, MOMENTS, 2, len(JOINTS), 3)
        placed = joints + past[..., : MOVERS * 7].view(n, MOMENTS, MOVERS, 7)[:, :, 1:, None, :3]
        squares = (placed[:, _PACE:] - placed[:, :-_PACE]).square().sum((3, 4)).transpose(1, 2)
        slow = SLOWED**2 * (squares @ self.spans)
        return (squares[..., -1:] <= slow) & (squares[..., -1 - _JUST : -1].amax(2, keepdim=True) > slow)

    def opened(self, joints: Tensor) -> Tensor:
        """Of ``joints_of``, as ``models.gesture.taught.described`` has it: ``[n, 2, W, POINTS * 8]``."""
        apart = joints.index_select(4, self.joints_a) - joints.index_select(4, self.joints_b)
        lengths = torch.linalg.vector_norm(apart, dim=5)
        opened: Tensor = lengths[..., :-1] / lengths[..., -1:].clamp_min(0.01)
        return ((opened - opened.mean(3, keepdim=True)) * JOINT_WEIGHT).flatten(3)

    def telling(self, joints: Tensor, poses: Tensor, heading: Tensor) -> Tensor:
        """As ``models.gesture.taught.telling``: ``[n, 2, W, TELLING]``.

        Args:
            joints: what ``joints_of`` gave.
            poses, heading: what ``poses`` gave of left and right hand, ``[n, 2, W, ...]``.
        """
        windows = poses.shape[:3]
        palm = poses.view(*windows, POINTS, 3, 3)[..., 0, :] / self.weights[0]
        stages = joints.view(*windows, STAGES, -1, *joints.shape[4:]).mean(4)
        moved = palm.view(*windows, STAGES, -1, 3).mean(4)
        placed = (_turned(stages, heading[..., None, None, :]) + moved.unsqueeze(4)) * self.telling_weights
        extent = (palm * palm).sum((3, 4)).div(POINTS).sqrt().add(LEAST_EXTENT_M).log().unsqueeze(3)
        places = F.normalize(placed.flatten(3), dim=3)
        return torch.cat((places, self.durations.expand_as(extent), EXTENT_WEIGHT * extent), dim=3)

    def _windows(self, courses: Tensor) -> Tensor:
        """``[n, k, MOMENTS, c]`` to ``[n, k, W, POINTS, c]``."""
        found = torch.lerp(courses.index_select(2, self.before), courses.index_select(2, self.after), self.share)
        return found.view(*courses.shape[:2], len(WINDOWS), POINTS, -1)


def _turned(vectors: Tensor, heading: Tensor) -> Tensor:
    """Vectors ``[..., 3]`` in the frame whose -Z is the heading ``[..., 2]`` (x and z, a unit vector)."""
    x, y, z = vectors.unbind(-1)
    hx, hz = heading.unbind(-1)
    return torch.stack((hx * z - hz * x, y, -(hx * x + hz * z)), dim=-1)


def _heading(forward: Tensor, up: Tensor, ahead: Tensor) -> Tensor:
    """As ``models.gesture.taught.heading_of``."""
    fx, fy, fz = forward.unbind(-1)
    ux, uy, uz = up.unbind(-1)
    level = torch.stack((fx, fz), dim=-1)
    aside = torch.stack((fx * uy - fy * ux, fz * uy - fy * uz), dim=-1)
    share = (1 - torch.linalg.vector_norm(level, dim=-1, keepdim=True)).clamp_min(0)
    return F.normalize(level + share * aside + ahead, dim=-1)

"""The recent past of a session: the moments that are kept of it, and what they look like from now."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.frame_model import FrameBatch
from models.gesture.shape import (
    JOINT_CHANNELS,
    JOINT_PAIRS,
    JOINT_WEIGHT,
    PALM,
    POINTS,
    POSE_WEIGHTS,
    RATE_HZ,
    RULER,
    WINDOWS,
)

MOVERS: Final = 3
"""Head, left and right hand or controller."""

CHANNELS: Final = MOVERS * 7 + 2 * JOINT_CHANNELS
"""Numbers kept of a moment: poses, then what is seen of the joints of both hands."""

MOMENTS: Final = WINDOWS[-1]
"""Moments kept."""

_FACING: Final = RATE_HZ
"""Moments over which it is averaged which way the head faces."""


class Looker(nn.Module):
    """Turns frames into moments, and the past into what gestures are spotted in. Has constants and no weights."""

    before: Tensor
    after: Tensor
    share: Tensor
    weights: Tensor
    joints_a: Tensor
    joints_b: Tensor
    ahead: Tensor

    def __init__(self) -> None:
        super().__init__()
        # The window of w moments reaches from the w-th last to the last.
        places = torch.cat([torch.linspace(MOMENTS - w, MOMENTS - 1, POINTS) for w in WINDOWS])
        before = places.floor().clamp_max(MOMENTS - 2)
        a, b = zip(*JOINT_PAIRS, strict=True)
        constants = {
            "before": before.long(),
            "after": before.long() + 1,
            "share": (places - before).view(-1, 1),
            "weights": torch.tensor(POSE_WEIGHTS).view(3, 3),
            "joints_a": torch.tensor((*a, RULER[0])),
            "joints_b": torch.tensor((*b, RULER[1])),
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
        apart = places.index_select(2, self.joints_a) - places.index_select(2, self.joints_b)
        lengths = torch.linalg.vector_norm(apart, dim=3)
        opened = lengths[..., :-1] / lengths[..., -1:].clamp_min(0.01) * jointed
        return torch.cat((poses[:, 0], palms.flatten(1), opened.flatten(1)), dim=1)

    def courses(self, past: Tensor) -> Tensor:
        """``[n, 3, MOMENTS, 3]``: of the head its forward direction, of the hands their position relative to the head,
        in the heading frame of the head, less what they are now.

        Args:
            past: ``[n, MOMENTS, CHANNELS]``, the newest last.
        """
        head, orientation, left, _, right, _ = torch.split_with_sizes(past[..., :21], (3, 4, 3, 4, 3, 4), dim=2)
        forward = _forward(orientation)
        moving = torch.stack((forward, left - head, right - head), dim=1)
        moving = moving - moving[:, :, -1:]
        facing = forward[:, -_FACING:].sum(1)[:, (0, 2)]
        return _turned(moving, F.normalize(facing + self.ahead, dim=1).view(-1, 1, 1, 2))

    def poses(self, past: Tensor) -> Tensor:
        """Windows of each of ``WINDOWS`` that end now, as ``models.gesture.taught.described`` has them of poses.

        ``[n, 3, W, POINTS * 9]`` by mover.
        """
        n = len(past)
        poses = past[..., : MOVERS * 7].view(n, MOMENTS, MOVERS, 7).transpose(1, 2)
        orientation = poses[..., 3:]
        vectors = self._windows(torch.cat((poses[..., :3], _forward(orientation), _up(orientation)), dim=3))
        # [n, mover, window, point, vector, axis]
        vectors = vectors.view(*vectors.shape[:4], 3, 3)
        mean = vectors.mean(3, keepdim=True)
        moved = _turned(vectors - mean, _heading(mean[..., 1, :], mean[..., 2, :], self.ahead).unsqueeze(4))
        return (moved * self.weights).flatten(3)

    def opened(self, past: Tensor) -> Tensor:
        """The same of the joints of left and right hand: ``[n, 2, W, POINTS * 8]``."""
        joints = past[..., MOVERS * 7 :].view(len(past), MOMENTS, 2, JOINT_CHANNELS).transpose(1, 2)
        opened = self._windows(joints)
        return ((opened - opened.mean(3, keepdim=True)) * JOINT_WEIGHT).flatten(3)

    def _windows(self, courses: Tensor) -> Tensor:
        """``[n, k, MOMENTS, c]`` to ``[n, k, W, POINTS, c]``."""
        found = torch.lerp(courses.index_select(2, self.before), courses.index_select(2, self.after), self.share)
        return found.view(*courses.shape[:2], len(WINDOWS), POINTS, -1)


def _forward(q: Tensor) -> Tensor:
    x, y, z, w = q.unbind(-1)
    return torch.stack((-2 * (x * z + w * y), 2 * (w * x - y * z), 2 * (x * x + y * y) - 1), dim=-1)


def _up(q: Tensor) -> Tensor:
    x, y, z, w = q.unbind(-1)
    return torch.stack((2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)), dim=-1)


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

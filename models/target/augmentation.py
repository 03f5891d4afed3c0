"""What recordings lack: left-handed people, hands at rest, devices that are not tracked, other scenes."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from models import rotations
from models.frame_model import LEFT, RIGHT
from models.target.sequences import Sequences

_IDLE_HAND = 0.4
_UNTRACKED = (0.05, 0.12, 0.12)
_REMOVED = 0.15
_ADDED = 6
_APART_M = 0.5

_MIRROR = torch.tensor([-1.0, 1, 1, 1, -1, -1, 1])


def augmented(recorded: Sequences, rng: torch.Generator) -> Sequences:
    """The same sequences, of other users in other scenes. What was meant stays meant; other targets come and go."""
    return _with_other_targets(_with_devices_lost(_mirrored(_with_idle_hand(recorded, rng), rng), rng), rng)


def _with_idle_hand(recorded: Sequences, rng: torch.Generator) -> Sequences:
    """Some users hold a controller in the left hand too, that hangs at their side or rests in front of them."""
    rows = recorded.present.shape[0]

    def between(low: float, high: float) -> Tensor:
        return low + torch.rand(rows, generator=rng) * (high - low)

    ahead = rotations.forward(recorded.head[..., 3:])
    yaw = torch.atan2(-ahead[..., 0], -ahead[..., 2])
    none = torch.zeros_like(yaw)
    turned = rotations.from_rotation_vector(torch.stack((none, yaw, none), dim=-1))
    place = torch.stack((between(-0.35, -0.05), between(-0.75, -0.35), between(-0.3, 0.2)), dim=-1)
    droop = torch.stack((between(-1.3, 0.1), between(-0.5, 0.5), torch.zeros(rows)), dim=-1)
    orientation = rotations.multiply(turned, rotations.from_rotation_vector(droop).expand_as(turned))
    position = recorded.head[..., :3] + rotations.rotate(turned, place.expand_as(recorded.head[..., :3]))
    tracked = recorded.tracked.clone()
    tracked[..., LEFT] = torch.rand(rows, generator=rng) < _IDLE_HAND
    return replace(recorded, left=torch.cat((position, orientation), dim=-1), tracked=tracked)


def _mirrored(recorded: Sequences, rng: torch.Generator) -> Sequences:
    """Half of the sequences as in a mirror: right hands become left hands."""
    rows = recorded.present.shape[0]
    chosen = (torch.rand(rows, generator=rng) < 0.5).unsqueeze(1)

    def seen(pose: Tensor, other: Tensor) -> Tensor:
        return torch.where(chosen, other * _MIRROR, pose)

    swapped = recorded.tracked[..., [0, 1, RIGHT, LEFT]]
    targets = recorded.targets.clone()
    targets[..., 0] = torch.where(chosen, -targets[..., 0], targets[..., 0])
    return replace(
        recorded,
        head=seen(recorded.head, recorded.head),
        gaze=seen(recorded.gaze, recorded.gaze),
        left=seen(recorded.left, recorded.right),
        right=seen(recorded.right, recorded.left),
        tracked=torch.where(chosen, swapped, recorded.tracked),
        targets=targets,
    )


def _with_devices_lost(recorded: Sequences, rng: torch.Generator) -> Sequences:
    """Head, gaze or both hands are missing throughout, never all of them."""
    rows = recorded.present.shape[0]
    lost = torch.rand(rows, 3, generator=rng) < torch.tensor(_UNTRACKED)
    lost &= ~lost.all(1, keepdim=True)
    return replace(recorded, tracked=recorded.tracked & ~lost[:, [0, 1, 2, 2]])


def _with_other_targets(recorded: Sequences, rng: torch.Generator) -> Sequences:
    """Some targets that were not meant are gone, and in most sequences there are up to ``_ADDED`` made-up ones."""
    rows, count = recorded.present.shape
    kept = recorded.present & (torch.rand(rows, count, generator=rng) >= _REMOVED)
    kept = kept.scatter(1, recorded.meant.t(), True)
    room = torch.tensor([5.0, 2.0, 5.0])
    centre = torch.rand(rows, _ADDED, 3, generator=rng) * room - torch.tensor([2.5, 0.0, 2.5])
    size = 0.05 + 0.6 * torch.rand(rows, _ADDED, 3, generator=rng)
    meant = recorded.targets[torch.arange(rows), recorded.meant, :3]
    apart = ((centre - meant.unsqueeze(2)).norm(dim=-1) > _APART_M).all(0)
    crowd = torch.rand(rows, 1, generator=rng) * 1.1 - 0.4
    added = apart & (torch.rand(rows, _ADDED, generator=rng) < crowd)
    return replace(
        recorded,
        targets=torch.cat((recorded.targets, torch.cat((centre, size), dim=-1)), dim=1),
        present=torch.cat((kept, added), dim=1),
    )

"""What is seen of a moving head and hand: velocities over several windows, in frames that turn with the body.

Everything here is invariant to where in the room somebody stands and which way they face. All quantities are carried
over from frame to frame in a state with a row a person, so the same code makes the training data, a row a recording.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from models import rotations

HEAD: Final = 0
HAND: Final = 1
DEVICES: Final = 2

WINDOWS_S: Final = (0.02, 0.06, 0.15)
"""Time constants of the smoothed velocities."""

_SPEEDS: Final = 1 + len(WINDOWS_S)
_DEVICE_STATE: Final = 7 + 1 + 6 * len(WINDOWS_S)
STATE: Final = DEVICES * _DEVICE_STATE
"""Numbers that are carried over: of each device the pose before, the frames since it appeared and its velocities."""

FEATURES: Final = DEVICES * (6 * _SPEEDS + 9) + 6 + 2 + 4 + 1
"""Numbers that ``observe`` makes of a frame."""

# L(q) with q * r = L(q) r, its entries linear in q (Solà 2017, arXiv:1711.02508, equation 18, in x, y, z, w order).
_LEFT: Final = (
    ("w", "-z", "y", "x"),
    ("z", "w", "-x", "y"),
    ("-y", "x", "w", "z"),
    ("-x", "-y", "-z", "w"),
)
# The rotation matrix, its nine entries linear in the products of two of q (the same, equation 117).
_TURN: Final = (
    ("xx-yy-zz+ww", "2xy-2zw", "2xz+2yw"),
    ("2xy+2zw", "yy-xx-zz+ww", "2yz-2xw"),
    ("2xz-2yw", "2yz+2xw", "zz-xx-yy+ww"),
)


class Seen(NamedTuple):
    """One frame of ``M`` people.

    Attributes:
        poses: ``[M, 2, 7]`` head and hand in the stage; the identity where not tracked.
        tracked: ``[M, 3]`` bool: head, hand, gaze.
        gaze: ``[M, 4]`` orientation of the line of sight.
        buttons: ``[M, 2]`` trigger and squeeze.
        dt: ``[M]`` seconds since the frame before, 0 for the first.
    """

    poses: Tensor
    tracked: Tensor
    gaze: Tensor
    buttons: Tensor
    dt: Tensor


class Observed(NamedTuple):
    """What a frame looks like to the network.

    Attributes:
        features: ``[M, FEATURES]``.
        velocity: ``[M, 2, 6]`` of each device in its own frame, smoothed over the shortest window: m/s, then rad/s.
        left: ``[M, 2, 4, 4]`` the matrices that multiply by the devices' orientations from the left.
        turn: ``[M, 2, 3, 3]`` the devices' rotation matrices.
    """

    features: Tensor
    velocity: Tensor
    left: Tensor
    turn: Tensor


class Observer(torch.nn.Module):
    """Turns frames into features. Has constants and no weights."""

    to_left: Tensor
    to_turn: Tensor
    windows: Tensor
    down: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("to_left", _linear(_LEFT), persistent=False)
        self.register_buffer("to_turn", _quadratic(_TURN), persistent=False)
        self.register_buffer("windows", torch.tensor(WINDOWS_S), persistent=False)
        self.register_buffer("down", torch.tensor([0.0, -1.0, 0.0]), persistent=False)

    def observe(self, seen: Seen, state: Tensor) -> tuple[Observed, Tensor]:
        """Features of a frame, and the state ``[M, STATE]`` after it; zeros are the state of nothing seen yet."""
        people = seen.poses.shape[0]
        before = state.view(people, DEVICES, _DEVICE_STATE)
        age = before[..., 7:8]
        there = seen.tracked.float()
        tracked = there[:, :DEVICES].unsqueeze(2)
        moved = tracked * ((age > 0) & (seen.dt > 0).view(-1, 1, 1))
        position, orientation = seen.poses[..., :3], seen.poses[..., 3:]
        dt = seen.dt.view(-1, 1, 1).clamp_min(1e-3)

        left = (orientation.reshape(-1, 4) @ self.to_left).view(people, DEVICES, 4, 4)
        products = orientation.unsqueeze(3) * orientation.unsqueeze(2)
        turn = (products.view(-1, 16) @ self.to_turn).view(people, DEVICES, 3, 3)

        # L(q)^T multiplies by the conjugate of q, so this is the turn since the frame before, backwards.
        back = (left * before[..., 3:7].unsqueeze(3)).sum(2)
        # Between frames a device turns so little that the logarithm is twice the vector part, up to its sign.
        turned = back[..., :3] * (back[..., 3:].sign() * -2.0)
        speed = torch.cat((position - before[..., :3], turned), dim=2) * (moved / dt)
        share = torch.maximum(1 - torch.exp(dt / -self.windows), 1 / age.clamp_min(1.0)).unsqueeze(3)
        smooth = before[..., 8:].view(people, DEVICES, len(WINDOWS_S), 6)
        smooth = torch.lerp(smooth, speed.unsqueeze(2), share) * moved.unsqueeze(3)
        speeds = torch.cat((speed.unsqueeze(2), smooth), dim=2)

        hand = there[:, 0:1] * there[:, 1:2]
        sight = rotations.forward(seen.gaze) * there[:, 2:3]
        world = torch.stack(
            (
                self.down.expand(people, 3),
                (position[:, HAND] - position[:, HEAD]) * hand,
                sight,
                turn[:, HAND, :, 1] * hand,
                turn[:, HAND, :, 2] * hand,
            ),
            dim=1,
        )
        vectors = torch.cat((speeds[..., :3], world.unsqueeze(1).expand(-1, DEVICES, -1, -1)), dim=2)
        local = torch.bmm(vectors.view(people * DEVICES, -1, 3), turn.view(-1, 3, 3)).view(people, DEVICES, -1)
        local = local * tracked
        features = torch.cat(
            (
                local[..., : 3 * _SPEEDS + 9].reshape(people, -1),
                local[:, HEAD, 3 * _SPEEDS + 9 :],
                speeds[..., 3:].reshape(people, -1),
                seen.buttons,
                there,
                hand,
                seen.dt.unsqueeze(1) * 90,
            ),
            dim=1,
        )
        velocity = torch.cat((local[..., 3:6], speeds[:, :, 1, 3:]), dim=2)
        after = torch.cat((seen.poses, age + 1, smooth.view(people, DEVICES, -1)), dim=2) * tracked
        return Observed(features, velocity, left, turn), after.view(people, STATE)


def _linear(rows: Sequence[Sequence[str]]) -> Tensor:
    """``[4, entries]``: a product with x, y, z, w gives the entries."""
    entries = [entry for row in rows for entry in row]
    matrix = torch.zeros(4, len(entries))
    for column, entry in enumerate(entries):
        matrix["xyzw".index(entry[-1]), column] = -1.0 if entry[0] == "-" else 1.0
    return matrix


def _quadratic(rows: Sequence[Sequence[str]]) -> Tensor:
    """``[16, entries]``: a product with all products of two of x, y, z, w gives the entries."""
    entries = [entry for row in rows for entry in row]
    matrix = torch.zeros(16, len(entries))
    for column, entry in enumerate(entries):
        for sign, factor, first, second in re.findall(r"([+-]?)(2?)([xyzw])([xyzw])", entry):
            value = (-1.0 if sign == "-" else 1.0) * (2.0 if factor else 1.0)
            matrix[4 * "xyzw".index(first) + "xyzw".index(second), column] = value
    return matrix

"""Quaternion arithmetic on batches.

All quaternions are ``[..., 4]`` float tensors, x, y, z, w, of unit length unless said otherwise; they turn vectors from
the frame they belong to into the frame that they are given in (``v_world = rotate(q, v_local)``). Rotation vectors are
``[..., 3]``: axis times angle in radians. Formulas: Joan Solà, "Quaternion kinematics for the error-state Kalman
filter", 2017, arXiv:1711.02508, sections 1 and 2.
"""

from __future__ import annotations

import torch
from torch import Tensor


def conjugate(q: Tensor) -> Tensor:
    """The inverse rotation of unit quaternions."""
    return torch.cat((-q[..., :3], q[..., 3:]), dim=-1)


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """The Hamilton product: first turned by ``b``, then by ``a``."""
    av, aw = a[..., :3], a[..., 3:]
    bv, bw = b[..., :3], b[..., 3:]
    vector = aw * bv + bw * av + torch.linalg.cross(av, bv)
    scalar = aw * bw - (av * bv).sum(-1, keepdim=True)
    return torch.cat((vector, scalar), dim=-1)


def rotate(q: Tensor, v: Tensor) -> Tensor:
    """Vectors ``[..., 3]`` turned by ``q``."""
    u = q[..., :3]
    t = 2.0 * torch.linalg.cross(u, v)
    turned: Tensor = v + q[..., 3:] * t + torch.linalg.cross(u, t)
    return turned


def from_rotation_vector(r: Tensor) -> Tensor:
    """The exponential map, exact and differentiable at zero."""
    half = 0.5 * torch.linalg.vector_norm(r, dim=-1, keepdim=True)
    # sinc is sin(pi x) / (pi x), and smooth at zero
    return torch.cat((0.5 * r * torch.sinc(half / torch.pi), torch.cos(half)), dim=-1)


def to_rotation_vector(q: Tensor) -> Tensor:
    """The logarithmic map, of the shorter way round (angle at most pi)."""
    q = torch.where(q[..., 3:] < 0, -q, q)
    vector, scalar = q[..., :3], q[..., 3:]
    sine = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    angle = 2.0 * torch.atan2(sine, scalar)
    scale = torch.where(sine > 1e-6, angle / sine.clamp_min(1e-6), 2.0 / scalar.clamp_min(1e-6))
    turned: Tensor = vector * scale
    return turned


def angle_between(a: Tensor, b: Tensor) -> Tensor:
    """The angle ``[...]`` of the rotation that takes ``a`` to ``b``, radians in 0 to pi."""
    angle: Tensor = torch.linalg.vector_norm(to_rotation_vector(multiply(conjugate(a), b)), dim=-1)
    return angle


def forward(q: Tensor) -> Tensor:
    """Where -Z points, ``[..., 3]``: the forward direction of an OpenXR pose, as ``rotate(q, (0, 0, -1))``."""
    x, y, z, w = q.unbind(-1)
    return torch.stack((-2 * (x * z + w * y), 2 * (w * x - y * z), 2 * (x * x + y * y) - 1), dim=-1)


def up(q: Tensor) -> Tensor:
    """Where +Y points, ``[..., 3]``: the upward direction of an OpenXR pose, as ``rotate(q, (0, 1, 0))``."""
    x, y, z, w = q.unbind(-1)
    return torch.stack((2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)), dim=-1)


def between(a: Tensor, b: Tensor) -> Tensor:
    """The shortest rotation that turns unit vectors ``a`` into unit vectors ``b``, both ``[..., 3]``, not opposite."""
    scalar = 1.0 + (a * b).sum(-1, keepdim=True)
    q = torch.cat((torch.linalg.cross(a, b), scalar), dim=-1)
    return torch.nn.functional.normalize(q, dim=-1)

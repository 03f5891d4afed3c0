"""Recorded sequences of hand skeletons in the format of the SHREC'17 track, and how they are varied in training.

De Smedt et al., "SHREC'17 Track: 3D Hand Gesture Recognition Using a Depth and Skeletal Dataset", 3DOR 2017: 22 joints
(wrist, palm, four of each finger from the thumb on) in the frame of a depth camera, packed into ``shrec2017.npz``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

JOINTS: Final = 22
GRID: Final = 96
"""Frames that every sequence is brought to, from which training takes its varied ones."""

_FILE: Final = "shrec2017.npz"
_COLUMNS: Final = ("gesture", "finger", "subject", "trial", "label14", "label28", "split", "frames")
_METRES: Final = 1e-4
_RATE_HZ: Final = 30.0


class DataError(ValueError):
    """A folder that is not in the format; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Sequences:
    """Sequences of skeletons.

    Attributes:
        joints: for each ``[frames, 22, 3]`` float32, metres, +Y up.
        person: ``[N]`` who made it.
        of14, of28: ``[N]`` class, from 0 on.
        test: ``[N]`` bool, whether the publishers put it in their test split.
    """

    joints: list[NDArray[np.float32]]
    person: NDArray[np.int64]
    of14: NDArray[np.int64]
    of28: NDArray[np.int64]
    test: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.joints)

    def pick(self, chosen: NDArray[np.bool_]) -> Sequences:
        """Some of them."""
        return Sequences(
            [joints for joints, wanted in zip(self.joints, chosen, strict=True) if wanted],
            self.person[chosen],
            self.of14[chosen],
            self.of28[chosen],
            self.test[chosen],
        )


def load(folder: Path) -> Sequences:
    """Reads a folder.

    Raises:
        DataError: the file is missing or is not in the format.
    """
    path = folder / _FILE
    if not path.is_file():
        raise DataError(f"{folder}: no {_FILE}; this folder is not in the format of the SHREC'17 skeletons")
    try:
        with np.load(path) as arrays:
            frames, offsets, meta = arrays["frames"], arrays["offsets"], arrays["meta"]
        if meta.shape != (len(offsets) - 1, len(_COLUMNS)) or frames.shape != (offsets[-1], JOINTS * 3):
            raise DataError(f"{path}: arrays of shapes {frames.shape}, {offsets.shape} and {meta.shape} do not belong")
    except (KeyError, ValueError, OSError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not in the format of the SHREC'17 skeletons: {error!r}") from error
    places = (frames.reshape(-1, JOINTS, 3) * np.float32(_METRES)).astype(np.float32)
    columns = {name: meta[:, place].astype(np.int64) for place, name in enumerate(_COLUMNS)}
    return Sequences(
        [places[a:b] for a, b in pairwise(offsets)],
        columns["subject"],
        columns["label14"] - 1,
        columns["label28"] - 1,
        columns["split"] == 1,
    )


def recording(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """A sequence ``[n, 22, 3]`` as a client would send it to teach a right hand's gesture: ``[n, 183]`` float32.

    The palm points from the wrist to the middle finger's knuckle (-Z), its back is up (+Y). What the format lacks, the
    feet of the four fingers in the palm, is put between wrist and knuckle; other joints have no orientation.
    """
    n = len(joints)
    poses = np.zeros((n, 26, 7), dtype=np.float32)
    poses[..., 6] = 1
    poses[:, 0, :3], poses[:, 1, :3], poses[:, 2:6, :3] = joints[:, 1], joints[:, 0], joints[:, 2:6]
    for finger in range(4):
        given, foot = 6 + 4 * finger, 6 + 5 * finger
        poses[:, foot + 1 : foot + 5, :3] = joints[:, given : given + 4]
        poses[:, foot, :3] = (2 * joints[:, 0] + joints[:, given]) / 3
    back = _unit(joints[:, 0] - joints[:, 10])
    right = joints[:, 18] - joints[:, 6]
    right = _unit(right - (right * back).sum(1, keepdims=True) * back)
    axes = np.stack((right, np.cross(back, right), back), axis=2)
    poses[:, 0, 3:] = _quaternions(axes)
    times = np.arange(n, dtype=np.float32)[:, None] / _RATE_HZ
    return np.concatenate((times, poses.reshape(n, -1)), axis=1).astype(np.float32)


def on_grid(joints: list[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """Sequences brought to ``GRID`` frames, ``[N, GRID, 22, 3]``, and how many frames each had, ``[N]``."""
    made = [
        F.interpolate(
            torch.from_numpy(sequence.reshape(1, len(sequence), -1)).transpose(1, 2),
            size=GRID,
            mode="linear",
            align_corners=True,
        )[0].t()
        for sequence in joints
    ]
    return torch.stack(made).view(-1, GRID, JOINTS, 3), torch.tensor([float(len(sequence)) for sequence in joints])


def at(grid: Tensor, places: Tensor) -> Tensor:
    """``[B, GRID, 22, 3]`` at fractional places ``[B, T]``: ``[B, T, 22, 3]``."""
    before = places.floor().clamp(0, GRID - 2)
    share = (places - before)[..., None, None]
    rows = torch.arange(len(grid)).unsqueeze(1)
    first = before.long()
    return torch.lerp(grid[rows, first], grid[rows, first + 1], share)


def evenly(rows: int, frames: int, start: float = 0.0, end: float = 1.0) -> Tensor:
    """Places ``[rows, frames]`` from one share of a sequence to another."""
    return torch.linspace(start * (GRID - 1), end * (GRID - 1), frames).expand(rows, frames)


def varied(grid: Tensor, frames: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same gestures as other people might have made them: ``[B, frames, 22, 3]``, and the share of the time taken.

    Other hands, sizes, directions, beginnings and ends, other pace within, and some noise.
    """
    rows = len(grid)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(rows, *shape, generator=rng)

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(rows, *shape, generator=rng)

    start, end = between(0, 0.1, 1), between(0.9, 1, 1)
    share = torch.linspace(0, 1, frames).expand(rows, frames)
    bend = between(-0.12, 0.12, 1) * torch.sin(torch.pi * share) + between(-0.05, 0.05, 1) * torch.sin(
        2 * torch.pi * share
    )
    joints = at(grid, (start + (end - start) * (share + bend)).clamp(0, 1) * (GRID - 1))

    palm = joints[:, :, 1:2]
    joints = joints - palm
    # Hands differ in the length of fingers and in how they are held.
    lengths = 1 + 0.08 * drawn(1, JOINTS, 1)
    palm = palm * between(0.75, 1.3, 1, 1, 1)
    joints = joints * between(0.85, 1.15, 1, 1, 1) * lengths + palm
    joints = joints + 0.002 * drawn(1, JOINTS, 3) + 0.001 * drawn(frames, JOINTS, 3)
    return joints @ _turns(0.2 * drawn(3)).unsqueeze(1), end - start


def _quaternions(axes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of rotation matrices ``[n, 3, 3]``: squares of all parts are linear in the diagonal, signs are in the rest."""
    x, y, z = axes[:, 0, 0], axes[:, 1, 1], axes[:, 2, 2]
    squares = np.stack((1 + x - y - z, 1 - x + y - z, 1 - x - y + z, 1 + x + y + z), axis=1) / 4
    rest = axes - axes.transpose(0, 2, 1)
    signs = np.stack((rest[:, 2, 1], rest[:, 0, 2], rest[:, 1, 0], np.ones(len(axes))), axis=1)
    made = np.copysign(np.sqrt(squares.clip(0)), signs)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-6))


def _turns(axes: Tensor) -> Tensor:
    """Rotation matrices ``[B, 3, 3]`` of rotation vectors ``[B, 3]``."""
    x, y, z = axes.unbind(1)
    still = torch.zeros_like(x)
    cross = torch.stack((still, -z, y, z, still, -x, -y, x, still), dim=1).view(-1, 3, 3)
    turns: Tensor = torch.linalg.matrix_exp(cross)
    return turns

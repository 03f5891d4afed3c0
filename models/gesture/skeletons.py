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


def _turns(axes: Tensor) -> Tensor:
    """Rotation matrices ``[B, 3, 3]`` of rotation vectors ``[B, 3]``."""
    x, y, z = axes.unbind(1)
    still = torch.zeros_like(x)
    cross = torch.stack((still, -z, y, z, still, -x, -y, x, still), dim=1).view(-1, 3, 3)
    turns: Tensor = torch.linalg.matrix_exp(cross)
    return turns

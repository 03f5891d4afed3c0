"""Recognizes whole sequences of hand skeletons: several small networks of two kinds that vote.

What a network sees of a frame: the distances between joints and the motion at two speeds, as in Yang et al., "Make
Skeleton-based Action Recognition Model Smaller, Faster and Better", 2019, arXiv:1907.09658, and beside them where the
joints lie around the palm and where the palm has gone. It says both what was done and with how many fingers, and learns
from what others vary: see ``models.gesture.skeletons.varied``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.gesture.skeletons import JOINTS, evenly, varied
from models.gesture.skeletons import at as sequence_at

FRAMES: Final = 32
_PAIRS: Final = JOINTS * (JOINTS - 1) // 2
_STREAMS: Final = (_PAIRS, JOINTS * 3, JOINTS * 3, JOINTS * 3 + 4)
_PALM: Final = 1

_SCALES: Final = (10.0, 40.0, 20.0, 10.0)
"""What brings distances, motions and places to about one."""

_VIEWS: Final = ((0.0, 1.0), (0.04, 1.0), (0.0, 0.96))
"""Shares of a sequence that are looked at in turn when it is recognized."""


@dataclass(frozen=True)
class Recipe:
    """How networks are trained; the defaults were chosen by cross-validation over training people."""

    convolutions: int = 2
    recurrent: int = 2
    width: int = 48
    epochs: int = 40
    rows: int = 64
    rate: float = 2e-3
    decay: float = 0.02
    smoothing: float = 0.1
    average: float = 0.995


class Streams(nn.Module):
    """Frames to features, ``[B, T, width]`` for each of four streams, concatenated."""

    pairs: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = torch.triu_indices(JOINTS, JOINTS, 1)
        self.register_buffer("pairs", first * JOINTS + second, persistent=False)
        self.embed = nn.ModuleList(
            nn.Sequential(_convolution(size, width, 1), nn.Dropout1d(0.1), _convolution(width, width, 3))
            for size in _STREAMS
        )

    def forward(self, joints: Tensor, length: Tensor) -> Tensor:
        """``[B, T, 22, 3]`` metres and frames recorded ``[B]`` to ``[B, 4 * width, T]``."""
        rows, frames = joints.shape[:2]
        distances = torch.cdist(joints, joints).flatten(2).index_select(2, self.pairs)
        slow = F.pad(joints[:, 1:] - joints[:, :-1], (0, 0, 0, 0, 0, 1)).flatten(2)
        fast = F.pad(joints[:, 2:] - joints[:, :-2], (0, 0, 0, 0, 1, 1)).flatten(2)
        palm = joints[:, :, _PALM]
        around = (joints - palm.unsqueeze(2)).flatten(2)
        went = palm - palm.mean(1, keepdim=True)
        took = (length.log() - 4).view(rows, 1, 1).expand(rows, frames, 1) / 10
        seen = (distances, slow, fast, torch.cat((around, went, took), dim=2))
        embedded = [
            embed((one * scale).transpose(1, 2)) for embed, one, scale in zip(self.embed, seen, _SCALES, strict=True)
        ]
        return torch.cat(embedded, dim=1)


class Convolutions(nn.Module):
    """Three stages of convolutions over time, each at half the rate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = (4 * width, 2 * width, 3 * width, 4 * width)
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(a, b, 3), nn.Dropout1d(0.1), _convolution(b, b, 3)) for a, b in pairwise(sizes)
        )
        self.size = 2 * sizes[-1]

    def forward(self, seen: Tensor) -> Tensor:
        for number, stage in enumerate(self.stages):
            seen = stage(F.max_pool1d(seen, 2) if number else seen)
        return torch.cat((seen.amax(2), seen.mean(2)), dim=1)


class Recurrence(nn.Module):
    """A recurrent network that reads forwards and backwards."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(4 * width, 2 * width, batch_first=True, bidirectional=True)
        self.size = 8 * width

    def forward(self, seen: Tensor) -> Tensor:
        states, _ = self.gru(F.avg_pool1d(seen, 2).transpose(1, 2))
        return torch.cat((states.amax(1), states.mean(1)), dim=1)


class Recognizer(nn.Module):
    """One network; ``forward`` gives scores ``[B, 14]``, ``[B, 28]`` and the embedding they come from."""

    def __init__(self, width: int, recurrent: bool) -> None:
        super().__init__()
        self.streams = Streams(width)
        self.body: Convolutions | Recurrence = Recurrence(width) if recurrent else Convolutions(width)
        self.embed = nn.Sequential(nn.Dropout(0.4), nn.Linear(self.body.size, 128), nn.BatchNorm1d(128), nn.SiLU())
        self.drop = nn.Dropout(0.4)
        self.of14, self.of28 = nn.Linear(128, 14), nn.Linear(128, 28)

    def forward(self, joints: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embedding = self.embed(self.body(self.streams(joints, length)))
        dropped = self.drop(embedding)
        return self.of14(dropped), self.of28(dropped), embedding


def train(
    grid: Tensor,
    length: Tensor,
    of14: Tensor,
    of28: Tensor,
    recipe: Recipe,
    seed: int,
    passed: Callable[[float], None] = lambda loss: None,
) -> list[Recognizer]:
    """Trains the networks of a recipe, one after the other; ``passed`` is told the loss of each epoch.

    Args:
        grid, length: what ``models.gesture.skeletons.on_grid`` gave.
        of14, of28: ``[N]`` classes.
        seed: the same one gives the same networks on the same machine with as many threads.
    """
    kinds = [False] * recipe.convolutions + [True] * recipe.recurrent
    return [
        _train_one(grid, length, of14, of28, recipe, recurrent, seed + number, passed)
        for number, recurrent in enumerate(kinds)
    ]


def _train_one(
    grid: Tensor,
    length: Tensor,
    of14: Tensor,
    of28: Tensor,
    recipe: Recipe,
    recurrent: bool,
    seed: int,
    passed: Callable[[float], None],
) -> Recognizer:
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Recognizer(recipe.width, recurrent)
        averaged = deepcopy(network).eval().requires_grad_(False)
        optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
        steps = recipe.epochs * (len(grid) // recipe.rows)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=steps, pct_start=0.15)
        for _ in range(recipe.epochs):
            network.train()
            losses = []
            # Of what is left over, too little for a batch, other ones are left over in the next epoch.
            order = torch.randperm(len(grid), generator=rng)[: len(grid) // recipe.rows * recipe.rows]
            for rows in torch.split(order, recipe.rows):
                joints, share = varied(grid[rows], FRAMES, rng)
                scores14, scores28, _ = network(joints, length[rows] * share[:, 0])
                loss = F.cross_entropy(scores14, of14[rows], label_smoothing=recipe.smoothing)
                loss = loss + F.cross_entropy(scores28, of28[rows], label_smoothing=recipe.smoothing)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(network.parameters(), 2.0)
                optimizer.step()
                rate.step()
                _follow(averaged, network, recipe.average)
                losses.append(loss.item())
            passed(math.fsum(losses) / len(losses))
    return averaged


@torch.no_grad()
def recognized(networks: Sequence[Recognizer], grid: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean log probabilities ``[N, 14]`` and ``[N, 28]``, and the embeddings ``[N, networks * 128]``."""
    of14, of28, embeddings = [], [], []
    for network in networks:
        embedded = []
        for start, end in _VIEWS:
            joints = sequence_at(grid, evenly(len(grid), FRAMES, start, end))
            scores14, scores28, embedding = network(joints, length * (end - start))
            of14.append(F.log_softmax(scores14, dim=1))
            of28.append(F.log_softmax(scores28, dim=1))
            embedded.append(embedding)
        embeddings.append(F.normalize(torch.stack(embedded).mean(0), dim=1))
    return torch.stack(of14).mean(0), torch.stack(of28).mean(0), torch.cat(embeddings, dim=1)


@torch.no_grad()
def _follow(averaged: Recognizer, network: Recognizer, share: float) -> None:
    for slow, fast in zip(averaged.parameters(), network.parameters(), strict=True):
        slow.lerp_(fast, 1 - share)
    for kept, newest in zip(averaged.buffers(), network.buffers(), strict=True):
        kept.copy_(newest)


def _convolution(inner: int, outer: int, reach: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inner, outer, reach, padding=reach // 2, bias=False), nn.BatchNorm1d(outer), nn.LeakyReLU(0.1)
    )

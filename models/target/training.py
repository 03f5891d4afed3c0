"""Trains the target frame model on recordings in the format of vr_objects."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional as F

from models import vr_objects
from models.target.augmentation import augmented
from models.target.network import Network, Origin, Shape, write_weights
from models.target.sequences import RATE_HZ, Sequences, sequences
from models.vr_objects import Dataset, Trial

TRAINED_ON = tuple(f"u{number:02d}" for number in range(6, 15))
"""Whom the shipped weights are trained on."""

CALIBRATED_ON = ("u13", "u14")
"""Those of them on whom the temperature is found, by weights that never saw them."""

_TAIL_S = 1.0
"""What most trials were cut to, before the confirm."""

_WINDOW_S = 3.0

_STRIDES = (2, 3, 4)
"""Every so many frames are trained on: the steps go by ``dt``, and fewer are faster."""

_POINTING_SPREAD = (0.02, 0.015, 0.05)
"""Radians by which the rays of head, gaze and hand are off, as in other headsets and other hands."""


class TrainingDataError(ValueError):
    """The folder has not what it takes to train; the message says what is missing."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn."""

    epochs: int = 60
    rows: int = 256
    rate: float = 4e-3
    decay: float = 1e-2


@dataclass(frozen=True)
class _Examples:
    """Sequences of one length with what is known of each: ``weight`` is ``[T, B]``, ``user`` ``[B]``."""

    sequences: Sequences
    weight: Tensor
    user: Tensor

    def __len__(self) -> int:
        return self.user.shape[0]

    def pick(self, rows: Tensor, stride: int, phase: int) -> tuple[Sequences, Tensor]:
        """Some rows, at every ``stride``-th frame from ``phase`` on."""
        whole = self.sequences
        part = Sequences(
            dt=whole.dt * stride,
            head=whole.head[phase::stride, rows],
            gaze=whole.gaze[phase::stride, rows],
            left=whole.left[phase::stride, rows],
            right=whole.right[phase::stride, rows],
            tracked=whole.tracked[phase::stride, rows],
            targets=whole.targets[rows],
            present=whole.present[rows],
            meant=whole.meant[phase::stride, rows],
        )
        return part, self.weight[phase::stride, rows]


def train(
    data: Path,
    out: Path,
    *,
    epochs: int = 60,
    seed: int = 0,
    threads: int = 1,
    users: Collection[str] = TRAINED_ON,
    calibrated_on: Collection[str] = CALIBRATED_ON,
) -> None:
    """Trains twice: without ``calibrated_on``, to find on them how far to trust the scores, then on all ``users``.

    Args:
        data: a folder in the format of vr_objects.
        out: the file to write, whole or not at all.
        epochs: passes over the trials, in each of the two trainings.
        seed: the same seed, data and threads give the same weights.
        threads: that torch may use.
        users: whom to train on.
        calibrated_on: some but not all of them.

    Raises:
        DataError: the folder is not in the format.
        TrainingDataError: it has not all of ``users`` or too little of them, or ``calibrated_on`` leaves none.
    """
    dataset = vr_objects.load(data)
    missing = set(users) - set(dataset.users)
    first = set(users) - set(calibrated_on)
    if missing or not first or not set(calibrated_on) & set(users):
        raise TrainingDataError(
            f"{data}: cannot train on {', '.join(sorted(users))} calibrated on {', '.join(sorted(calibrated_on))}; "
            f"missing: {', '.join(sorted(missing)) or 'none'}"
        )
    torch.set_num_threads(threads)
    schedule = Schedule(epochs=epochs)
    with Progress() as bar:
        task = bar.add_task("target", total=2 * epochs)

        def passed(loss: float) -> None:
            bar.update(task, advance=1, description=f"target, loss {loss:.3f}")

        held_out = fit(dataset, first, schedule, seed, passed)
        found = temperature(held_out, dataset, set(users) & set(calibrated_on))
        network = fit(dataset, users, schedule, seed, passed)
    with torch.no_grad():
        network.score.div_(found)
    training = {**asdict(schedule), "seed": seed, "temperature": round(found, 4)}
    origin = Origin(tuple(sorted(users)), vr_objects.SOURCE, vr_objects.LICENSE, training)
    write_weights(network, origin, out)


def fit(
    dataset: Dataset,
    users: Collection[str],
    schedule: Schedule,
    seed: int,
    passed: Callable[[float], None],
    shape: Shape | None = None,
) -> Network:
    """A network that was trained on ``users``; ``passed`` is told the loss of each epoch."""
    rng = torch.Generator().manual_seed(seed)
    tails, windows = _tails(dataset, users), _windows(dataset, users)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(shape or Shape())
    optimizer = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
    steps = schedule.epochs * (math.ceil(len(tails) / schedule.rows) + 2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.rate, total_steps=steps, pct_start=0.1)
    for _ in range(schedule.epochs):
        losses = []
        for picked, weight in _epoch(tails, windows, schedule.rows, rng):
            loss = _loss(network, augmented(picked, rng), weight, rng)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            rate.step()
            losses.append(loss.item())
        passed(sum(losses) / len(losses))
    return network


def temperature(network: Network, dataset: Dataset, users: Collection[str]) -> float:
    """What to divide the scores by, so that probabilities fit how often ``users`` meant what was picked.

    By maximum likelihood over the last second (Guo et al., 2017, arXiv:1706.04599, section 4.2).
    """
    held_out = _tails(dataset, users).sequences
    with torch.no_grad():
        scores = scores_of(network, held_out).flatten(0, 1)
    candidates = torch.logspace(-0.7, 0.7, 141)
    losses = torch.stack([F.cross_entropy(scores / each, held_out.meant.flatten()) for each in candidates])
    return float(candidates[losses.argmin()])


def scores_of(network: Network, recorded: Sequences, pointing: Tensor | None = None) -> Tensor:
    """``[T, B, K]``, from nothing remembered; ``pointing`` as in ``devices``, none by default."""
    rows = recorded.present.shape[0]
    state = {name: torch.zeros(rows, *shape) for name, shape in network.state.items()}
    adapters = {name: torch.zeros(rows, *shape) for name, shape in network.adapters.items()}
    if pointing is not None:
        adapters["pointing"] = pointing
    scores = []
    for index in range(len(recorded)):
        found, state = network(recorded.frame(index), state, adapters)
        scores.append(found)
    return torch.stack(scores)


def _loss(network: Network, recorded: Sequences, weight: Tensor, rng: torch.Generator) -> Tensor:
    pointing = torch.randn(recorded.present.shape[0], 3, 2, generator=rng) * torch.tensor(_POINTING_SPREAD)[:, None]
    scores = scores_of(network, recorded, pointing)
    losses = F.cross_entropy(scores.flatten(0, 1), recorded.meant.flatten(), reduction="none")
    return (losses * weight.flatten()).sum() / weight.sum()


def _epoch(tails: _Examples, windows: _Examples, rows: int, rng: torch.Generator) -> Iterator[tuple[Sequences, Tensor]]:
    """All last seconds once, then two batches more: longer windows, and last seconds that follow upon another of the
    same user's, since what was meant before must not be held on to."""
    order = torch.randperm(len(tails), generator=rng)
    for chosen in torch.split(order, rows):
        yield tails.pick(chosen, *_stride(rng))
    yield windows.pick(torch.randperm(len(windows), generator=rng)[:rows], *_stride(rng))
    chosen = torch.randperm(len(tails), generator=rng)[:rows]
    stride = _stride(rng)
    lots = torch.rand(len(chosen), len(tails), generator=rng)
    lots[tails.user[chosen][:, None] != tails.user] = -1
    yield _one_after_the_other(tails.pick(lots.argmax(1), *stride), tails.pick(chosen, *stride))


def _stride(rng: torch.Generator) -> tuple[int, int]:
    stride = _STRIDES[int(torch.randint(len(_STRIDES), (), generator=rng))]
    return stride, int(torch.randint(stride, (), generator=rng))


def _one_after_the_other(first: tuple[Sequences, Tensor], second: tuple[Sequences, Tensor]) -> tuple[Sequences, Tensor]:
    a, b = first[0], second[0]
    joined = replace(
        b,
        head=torch.cat((a.head, b.head)),
        gaze=torch.cat((a.gaze, b.gaze)),
        left=torch.cat((a.left, b.left)),
        right=torch.cat((a.right, b.right)),
        tracked=torch.cat((a.tracked, b.tracked)),
        meant=torch.cat((a.meant, b.meant)),
    )
    weight = second[1].clone()
    # what a user has just turned to cannot be known at once
    weight[: len(b) // 4] *= 0.3
    return joined, torch.cat((first[1], weight))


def _tails(dataset: Dataset, users: Collection[str]) -> _Examples:
    pieces = [
        piece
        for trial in dataset.of(frozenset(users))
        if (piece := _piece(vr_objects.resampled(trial, RATE_HZ), trial.confirm, _TAIL_S))
    ]
    return _examples(pieces, dataset, [np.ones(len(piece.time)) for piece in pieces])


def _windows(dataset: Dataset, users: Collection[str]) -> _Examples:
    """The ends of the searches and of the answers of trials that were kept whole."""
    pieces, weights = [], []
    for trial in dataset.of(frozenset(users)):
        if not trial.whole:
            continue
        even = vr_objects.resampled(trial, RATE_HZ)
        if search := _piece(even, trial.preview_end, _WINDOW_S):
            pieces.append(search)
            weights.append(np.where(search.time > trial.preview_end - _TAIL_S, 0.5, 0.0))
        if answer := _piece(even, trial.confirm, _WINDOW_S):
            pieces.append(answer)
            early = np.where(answer.time >= trial.response_start, 0.3, 0.0)
            weights.append(np.where(answer.time > trial.confirm - _TAIL_S, 1.0, early))
    return _examples(pieces, dataset, weights)


def _examples(pieces: list[Trial], dataset: Dataset, weights: list[np.ndarray]) -> _Examples:
    if not pieces:
        raise TrainingDataError("too few frames: some trials must be kept whole, and last longer than a few seconds")
    users = sorted({piece.user for piece in pieces})
    return _Examples(
        sequences(pieces, dataset.scenes),
        torch.from_numpy(np.stack(weights, axis=1)).float(),
        torch.tensor([users.index(piece.user) for piece in pieces]),
    )


def _piece(trial: Trial, end: float, seconds: float) -> Trial | None:
    """The last ``seconds`` before ``end``; nothing where that is not there in whole."""
    stop = int(np.searchsorted(trial.time, end, side="right"))
    start = stop - int(seconds * RATE_HZ)
    return vr_objects.part(trial, slice(start, stop)) if start >= 0 else None

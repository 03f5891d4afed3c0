"""Trains the forecast network on recordings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save
from torch import Tensor

from models import vr_objects, weight_files
from models.forecast.network import ForecastNetwork, displacement
from models.forecast.samples import Examples, examples, pieces

TRAINED_ON: Final = ("u06", "u07", "u08", "u09", "u10", "u11", "u12", "u13", "u14")
"""Whom the shipped weights were trained on."""

HORIZONS_S: Final = (0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25)

VARIANTS: Final = (
    (90.0, 90.0, 0.44),
    (72.0, 72.0, 0.13),
    (120.0, 120.0, 0.13),
    (75.0, 90.0, 0.15),
    (106.0, 90.0, 0.15),
)
"""How often a recording is sampled a second, how often it is said to be, and the share of such batches. Where the two
differ people are faster or slower than they were."""

_HORIZON_WEIGHTS: Final = (0.5, 1.0, 1.0, 3.0, 1.0, 1.0, 0.5)
_NOISE: Final = 0.01
_WINDOW: Final = 112
_BURN_IN: Final = 16
_BATCH: Final = 96
_AVERAGING: Final = 0.998
_SMALL: Final = 1e-4


def train(
    data: Path,
    out: Path,
    *,
    epochs: int = 50,
    seed: int = 0,
    threads: int = 1,
    users: Collection[str] = TRAINED_ON,
    learning_rate: float = 2e-3,
) -> None:
    """Trains on some users of a folder of vr_objects, and writes the weights when it is done.

    Raises:
        models.vr_objects.DataError: the folder is not in the format.
        ValueError: it has none of the users.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    dataset = vr_objects.load(data)
    known = sorted(set(users) & set(dataset.users))
    if not known:
        raise ValueError(f"{data}: has none of {', '.join(sorted(users))}; there are {', '.join(dataset.users)}")
    with _progress() as progress:
        preparing = progress.add_task("preparing", total=len(VARIANTS), loss="")
        sets = []
        for sampled_hz, rate_hz, _ in VARIANTS:
            sets.append(examples(pieces(dataset, known, sampled_hz, whole_only=False), rate_hz, HORIZONS_S))
            progress.advance(preparing)
        training = progress.add_task("training", total=epochs, loss="")

        def passed(epoch: int, loss: float) -> None:
            progress.update(training, completed=epoch, loss=f"loss {loss:.4f}")

        network = fit(sets, epochs=epochs, learning_rate=learning_rate, seed=seed, passed=passed)
    _write(network, out, known, epochs=epochs, seed=seed, learning_rate=learning_rate)


def fit(
    sets: Sequence[Examples], *, epochs: int, learning_rate: float, seed: int, passed: Callable[[int, float], None]
) -> ForecastNetwork:
    """Trains a network on examples of each of ``VARIANTS``; the weights are averaged over the last steps."""
    network = ForecastNetwork()
    network.mean.copy_(sets[0].features.mean(0))
    network.scale.copy_(1 / sets[0].features.std(0).clamp_min(0.05))
    scale = _scale(sets[0])
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-2)
    generator = torch.Generator().manual_seed(seed)
    frames = int((sets[0].ends - sets[0].starts).sum())
    steps = epochs * math.ceil(frames / ((_WINDOW - _BURN_IN) * _BATCH))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.1)
    average = {name: value.clone() for name, value in network.state_dict().items()}
    shares = torch.tensor([share for *_, share in VARIANTS])
    running = 0.0
    for step in range(steps):
        variant = int(torch.multinomial(shares, 1, generator=generator))
        loss = _loss(network, sets[variant], scale, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        keep = min(_AVERAGING, step / (step + 10))
        for name, value in network.state_dict().items():
            average[name].lerp_(value, 1 - keep)
        running += (loss.item() - running) * max(0.02, 1 / (step + 1))
        if step % 20 == 19 or step == steps - 1:
            passed(epochs * (step + 1) // steps, running)
    network.load_state_dict(average)
    return network


def _loss(network: ForecastNetwork, data: Examples, scale: Tensor, generator: torch.Generator) -> Tensor:
    lengths = (data.ends - data.starts).float()
    piece = torch.multinomial(lengths, _BATCH, replacement=True, generator=generator)
    room = (lengths[piece] - _WINDOW).clamp_min(0)
    start = data.starts[piece] + (torch.rand(_BATCH, generator=generator) * room).long()
    index = start[:, None] + torch.arange(_WINDOW)
    inside = index < data.ends[piece][:, None]
    index = torch.minimum(index, data.ends[piece][:, None] - 1)
    features = data.features[index]
    noise = torch.randn(features.shape, generator=generator) * (_NOISE / network.scale)
    coefficients, _ = network(features + noise)
    late = index[:, _BURN_IN:]
    moved = displacement(data.velocity[late], coefficients[:, _BURN_IN:], torch.tensor(HORIZONS_S))
    wrong = moved - data.truth[late]
    squared = torch.stack(((wrong[..., :3] ** 2).sum(-1), (wrong[..., 3:] ** 2).sum(-1)), dim=-1)
    relative = ((squared + _SMALL**2).sqrt() / scale).sum(dim=(2, 4))
    weight = (data.known[late] & inside[:, _BURN_IN:, None]) * torch.tensor(_HORIZON_WEIGHTS)
    return (relative * weight).sum() / (weight.sum() * 4)


def _scale(data: Examples) -> Tensor:
    """How wrong constant velocity is, ``[2, K, 2]``: by device and horizon, metres and radians."""
    sizes = []
    for at, horizon in enumerate(HORIZONS_S):
        wrong = (data.velocity * horizon - data.truth[:, :, at])[data.known[:, at]]
        sizes.append(torch.stack((wrong[..., :3].norm(dim=-1).mean(0), wrong[..., 3:].norm(dim=-1).mean(0)), dim=-1))
    return torch.stack(sizes, dim=1)


def _write(network: ForecastNetwork, out: Path, users: Sequence[str], **recipe: float) -> None:
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    metadata = {
        "model": "forecast",
        "version": hashlib.sha256(save(tensors)).hexdigest()[:12],
        "trained_on": ",".join(users),
        "source": vr_objects.SOURCE,
        "licence": vr_objects.LICENSE,
        **{name: str(value) for name, value in recipe.items()},
    }
    weight_files.write(out, tensors, metadata)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )

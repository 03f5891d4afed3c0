"""Forecasts beside constant velocity and holding still, on people the weights were not trained on.

Trials that were recorded from their beginning are brought to an even 90 Hz and replayed through the very ``step`` that
serves, all at once. Every frame counts that has 250 ms of recording before and after it. An error is the mean over
frames of the distance in millimetres, or of the angle in degrees, between the forecast and what was recorded that much
later. Constant velocity goes on as from 45 ms ago to now, in a straight line and about a fixed axis.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

from models import rotations, vr_objects
from models.forecast.network import WEIGHTS, Forecast, read_metadata
from models.forecast.samples import BASELINE_S, padded, pieces, pose_at
from models.frame_model import GAZE, HEAD, RIGHT, FrameBatch, Rows
from models.limits import MAX_HORIZONS
from models.vr_objects import Trial

RATE_HZ: Final = 90.0
HORIZONS_MS: Final = (25, 50, 100, 150, 200, 250)
PARTS: Final = ("head", "hand")
METHODS: Final = ("model", "constant_velocity", "hold")

_MARGIN: Final = 23
_ROWS: Final = 64


def evaluate(
    data: Path, *, weights: Path | None = None, users: Collection[str] | None = None, progress: bool = True
) -> dict[str, Any]:
    """Measures weights on a folder of vr_objects.

    Args:
        data: the folder.
        weights: the shipped ones if absent.
        users: whom to measure on; everybody that the weights were not trained on if absent.
        progress: shows a progress bar.

    Raises:
        models.vr_objects.DataError: the folder is not in the format.
        ValueError: nobody is left to measure on.
    """
    weights = weights or WEIGHTS
    model = Forecast.load(weights)
    trained_on = tuple(filter(None, read_metadata(weights).get("trained_on", "").split(",")))
    dataset = vr_objects.load(data)
    chosen = sorted(set(dataset.users) - set(trained_on) if users is None else set(dataset.users) & set(users))
    if not chosen:
        known = ", ".join(dataset.users)
        raise ValueError(
            f"{data}: nobody here that the weights were not trained on; of {known}, name some with --users"
        )
    trials = sorted(pieces(dataset, chosen, RATE_HZ, whole_only=True), key=lambda trial: len(trial.time))
    errors: dict[str, list[Tensor]] = {user: [] for user in chosen}
    with Progress(disable=not progress, transient=True) as bar:
        for at in bar.track(range(0, len(trials), _ROWS), description="replaying"):
            some = trials[at : at + _ROWS]
            forecasts = _replay(model, some)
            for row, trial in enumerate(some):
                if len(trial.time) > 2 * _MARGIN:
                    errors[trial.user].append(_errors(trial, forecasts[row, : len(trial.time)]))
    measured = {user: torch.cat(found) for user, found in errors.items() if found}
    if not measured:
        raise ValueError(f"{data}: no trial of {', '.join(chosen)} is there from its beginning")
    return {
        "model": model.name,
        "version": model.version,
        "data": str(data),
        "users": sorted(measured),
        "trained_on": list(trained_on),
        "frames": sum(len(found) for found in measured.values()),
        "baseline": f"constant velocity over {1000 * BASELINE_S:.0f} ms",
        "figures": _figures(torch.cat(list(measured.values()))),
        "by_user": {user: _figures(found) for user, found in sorted(measured.items())},
    }


def table(result: dict[str, Any]) -> Table:
    """The figures of ``evaluate`` for people."""
    shown = Table(
        title=f"forecast {result['version']} on {', '.join(result['users'])} ({result['frames']} frames)",
        title_justify="left",
    )
    for heading in ("", "ahead", "model", "constant velocity", "hold", "better than constant velocity by"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for row in result["figures"]:
        unit = "mm" if row["quantity"] == "position" else "°"
        digits = 1 if unit == "mm" else 2
        shown.add_row(
            f"{row['part']} {row['quantity']}",
            f"{row['horizon_ms']} ms",
            *(f"{row[method]:.{digits}f} {unit}" for method in METHODS),
            f"{row['improvement_percent']:.1f} %",
        )
    return shown


@torch.inference_mode()
def _replay(model: Forecast, trials: Sequence[Trial]) -> Tensor:
    """Forecasts ``[M, T, 2, K, 7]`` of head and right hand at ``HORIZONS_MS``."""
    head, hand = padded(trials, lambda t: t.head), padded(trials, lambda t: t.hand)
    gaze, valid = padded(trials, lambda t: t.gaze), padded(trials, lambda t: t.gaze_valid)
    trigger = padded(trials, lambda t: t.trigger).float()
    rows, length = head.shape[:2]
    state: Rows = {name: torch.zeros(rows, *shape) for name, shape in model.state.items()}
    adapters: Rows = {name: torch.zeros(rows, *shape) for name, shape in model.adapters.items()}
    horizons = torch.zeros(rows, MAX_HORIZONS)
    horizons[:, : len(HORIZONS_MS)] = torch.tensor(HORIZONS_MS) / 1000
    found = []
    for at in range(length):
        batch = FrameBatch.blank(rows)
        batch.head, batch.right, batch.gaze = head[:, at], hand[:, at], gaze[:, at]
        batch.tracked[:, (HEAD, RIGHT)] = True
        batch.tracked[:, GAZE] = valid[:, at]
        batch.buttons[:, 1, 0] = trigger[:, at]
        batch.horizons = horizons
        batch.dt.fill_(1 / RATE_HZ if at else 0.0)
        batch.fresh.fill_(at == 0)
        outputs, state, _ = model.step(batch, state, adapters)
        found.append(outputs["forecast"][:, (0, 2), : len(HORIZONS_MS)])
    return torch.stack(found, dim=1)


def _errors(trial: Trial, forecasts: Tensor) -> Tensor:
    """``[T, method, part, K, 2]``: millimetres and degrees."""
    poses = torch.stack((torch.from_numpy(trial.head), torch.from_numpy(trial.hand)), dim=1)
    now = torch.arange(_MARGIN, len(poses) - _MARGIN, dtype=torch.float64)
    here = poses[_MARGIN:-_MARGIN]
    before = pose_at(poses, now - BASELINE_S * RATE_HZ)
    turned = rotations.multiply(rotations.conjugate(before[..., 3:]), here[..., 3:])
    turning = rotations.to_rotation_vector(turned) / BASELINE_S
    moving = (here[..., :3] - before[..., :3]) / BASELINE_S
    errors = []
    for at, horizon_ms in enumerate(HORIZONS_MS):
        horizon = horizon_ms / 1000
        truth = pose_at(poses, now + horizon * RATE_HZ)
        onward = rotations.multiply(here[..., 3:], rotations.from_rotation_vector(turning * horizon))
        straight = torch.cat((here[..., :3] + moving * horizon, onward), dim=-1)
        guesses = torch.stack((forecasts[_MARGIN:-_MARGIN, :, at], straight, here), dim=1)
        wrong = guesses - truth.unsqueeze(1)
        angle = rotations.angle_between(guesses[..., 3:], truth.unsqueeze(1)[..., 3:].expand_as(guesses[..., 3:]))
        errors.append(torch.stack((1000 * wrong[..., :3].norm(dim=-1), torch.rad2deg(angle)), dim=-1))
    return torch.stack(errors, dim=3)


def _figures(errors: Tensor) -> list[dict[str, Any]]:
    mean = errors.double().mean(0)
    rows = []
    for part, part_name in enumerate(PARTS):
        for kind, quantity in enumerate(("position", "rotation")):
            for at, horizon in enumerate(HORIZONS_MS):
                values = mean[:, part, at, kind].tolist()
                row: dict[str, Any] = {"part": part_name, "quantity": quantity, "horizon_ms": horizon}
                row["unit"] = "mm" if kind == 0 else "degrees"
                row |= {method: round(value, 4) for method, value in zip(METHODS, values, strict=True)}
                row["improvement_percent"] = round(100 * (1 - values[0] / values[1]), 2)
                rows.append(row)
    return rows

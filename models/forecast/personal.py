"""What learning from a user is worth: own forecasts beside the shared ones, on people the weights never saw.

A user's recordings are replayed at an even 90 Hz, in the order of sessions and trials, through the very ``step`` that
serves: once with learning, once without, what is learned going on from trial to trial. Each trial, and what follows a
gap within one, begins afresh, as a session does after a gap.

Of most trials only the last second was published, of the first eight of each of a user's four sessions all. So "two
minutes" are two minutes of recordings strung together, the first five to eight trials and the ends of some more; what
was done between recordings is neither learned from nor measured. An error is the mean over frames of the distance in
millimetres, or of the angle in degrees, between the forecast and what was recorded that much later. All frames count
whose truth is in their recording.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

from models import rotations, vr_objects
from models.forecast.network import WEIGHTS, Forecast, read_metadata
from models.forecast.samples import pieces, pose_at
from models.frame_model import GAZE, HEAD, RIGHT, FrameBatch, Rows
from models.limits import MAX_HORIZONS
from models.vr_objects import Dataset

RATE_HZ: Final = 90.0
HORIZONS_MS: Final = (50, 100, 200)
PARTS: Final = ("head", "hand")
QUANTITIES: Final = ("position", "rotation")
AFTER_S: Final = 120.0
BIN_S: Final = 30.0


def evaluate(
    data: Path,
    *,
    weights: Path | None = None,
    users: Collection[str] | None = None,
    after_s: float = AFTER_S,
    bin_s: float = BIN_S,
    progress: bool = True,
) -> dict[str, Any]:
    """Measures learning on a folder of vr_objects.

    Args:
        data: the folder.
        weights: the shipped ones if absent.
        users: whom to measure on; everybody that the weights were not trained on if absent.
        after_s: from when on the figures count.
        bin_s: length of the pieces that the worst is looked for among.
        progress: shows a progress bar.

    Raises:
        models.vr_objects.DataError: the folder is not in the format.
        ValueError: nobody is left to measure on, or nobody has recordings of more than ``after_s`` and ``bin_s``.
    """
    weights = weights or WEIGHTS
    model = Forecast.load(weights)
    trained_on = set(filter(None, read_metadata(weights).get("trained_on", "").split(",")))
    dataset = vr_objects.load(data)
    chosen = sorted(set(dataset.users) - trained_on if users is None else set(dataset.users) & set(users))
    recordings = [_recording(dataset, user) for user in chosen]
    recordings = [recording for recording in recordings if len(recording.starts) > (after_s + bin_s) * RATE_HZ]
    if not recordings:
        raise ValueError(
            f"{data}: no recordings of more than {after_s + bin_s:.0f} s of anybody who is new to the weights"
        )
    forecasts = _replay(model, recordings, progress)
    errors = [_errors(recording, found) for recording, found in zip(recordings, forecasts, strict=True)]
    late = [found[int(after_s * RATE_HZ) :] for found in errors]
    binned = [_pieces(found, bin_s) for found in errors]
    return {
        "model": model.name,
        "version": model.version,
        "data": str(data),
        "users": [recording.user for recording in recordings],
        "trained_on": sorted(trained_on),
        "recorded_s": {recording.user: round(len(recording.starts) / RATE_HZ, 1) for recording in recordings},
        "baseline": "the shared model",
        "after_s": after_s,
        "figures": _figures(_means(torch.cat(late))),
        "by_user": {r.user: _figures(_means(found)) for r, found in zip(recordings, late, strict=True)},
        "by_half_minute": {
            recording.user: [
                {"from_s": bin_s * at, "figures": _figures(means, horizons=(100,))} for at, means in enumerate(bins)
            ]
            for recording, bins in zip(recordings, binned, strict=True)
        },
        "worst_half_minute": _worst([recording.user for recording in recordings], binned, bin_s),
    }


def table(result: dict[str, Any]) -> Table:
    """The figures of ``evaluate`` for people."""
    shown = Table(
        title=f"forecast {result['version']}: {', '.join(result['users'])} after {result['after_s']:.0f} s",
        title_justify="left",
    )
    for heading in ("", "ahead", "shared", "personal", "better by", "at worst"):
        shown.add_column(heading, justify="left" if not heading else "right")
    worst = {(row["part"], row["quantity"], row["horizon_ms"]): row for row in result["worst_half_minute"]}
    for row in result["figures"]:
        least = worst[row["part"], row["quantity"], row["horizon_ms"]]
        shown.add_row(
            f"{row['part']} {row['quantity']}",
            f"{row['horizon_ms']} ms",
            *(f"{row[which]:.2f} {row['unit']}" for which in ("shared", "personal")),
            f"{row['improvement_percent']:.1f} %",
            f"{least['improvement_percent']:.1f} % ({least['user']} from {least['from_s']:.0f} s)",
        )
    return shown


@dataclass(frozen=True)
class _Recording:
    """All of a user: ``poses`` ``[T, 3, 7]`` of head, hand and gaze, and which frames begin a piece (``starts``)."""

    user: str
    poses: Tensor
    gaze_valid: Tensor
    trigger: Tensor
    starts: Tensor


def _recording(dataset: Dataset, user: str) -> _Recording:
    trials = sorted(pieces(dataset, [user], RATE_HZ, whole_only=False), key=lambda t: (t.session, t.number, t.time[0]))
    columns = [
        (
            torch.stack([torch.from_numpy(pose) for pose in (trial.head, trial.hand, trial.gaze)], dim=1),
            torch.from_numpy(trial.gaze_valid),
            torch.from_numpy(trial.trigger).float(),
            torch.arange(len(trial.time)) == 0,
        )
        for trial in trials
    ]
    return _Recording(user, *(torch.cat(column) for column in zip(*columns, strict=True)))


@torch.inference_mode()
def _replay(model: Forecast, recordings: list[_Recording], progress: bool) -> list[Tensor]:
    """Forecasts ``[T, 2, 2, K, 7]`` of each user: personal and shared, of head and hand at ``HORIZONS_MS``."""
    people = len(recordings)
    rows = 2 * people
    length = max(len(recording.starts) for recording in recordings)
    # Whoever has no more frames stands still.
    ways = [torch.arange(length).clamp_max(len(recording.starts) - 1) for recording in recordings]
    pairs = list(zip(recordings, ways, strict=True))
    poses = torch.stack([recording.poses[way] for recording, way in pairs] * 2, dim=1)
    valid = torch.stack([recording.gaze_valid[way] for recording, way in pairs] * 2, dim=1)
    trigger = torch.stack([recording.trigger[way] for recording, way in pairs] * 2, dim=1)
    starts = torch.stack([recording.starts[way] for recording, way in pairs] * 2, dim=1)
    state: Rows = {name: torch.zeros(rows, *shape) for name, shape in model.state.items()}
    adapters: Rows = {name: torch.zeros(rows, *shape) for name, shape in model.adapters.items()}
    horizons = torch.zeros(rows, MAX_HORIZONS)
    horizons[:, : len(HORIZONS_MS)] = torch.tensor(HORIZONS_MS) / 1000
    learning = torch.arange(rows) < people
    found = torch.empty(length, rows, 2, len(HORIZONS_MS), 7)
    with Progress(disable=not progress, transient=True) as bar:
        for at in bar.track(range(length), description="replaying"):
            batch = FrameBatch.blank(rows)
            batch.head, batch.right, batch.gaze = poses[at].unbind(1)
            batch.tracked[:, (HEAD, RIGHT)] = True
            batch.tracked[:, GAZE] = valid[at]
            batch.buttons[:, 1, 0] = trigger[at]
            batch.horizons, batch.learning, batch.fresh = horizons, learning, starts[at]
            batch.dt = torch.where(starts[at], 0.0, 1 / RATE_HZ)
            if bool(starts[at].any()):
                state = {name: value.index_fill(0, starts[at].nonzero()[:, 0], 0.0) for name, value in state.items()}
            outputs, state, learned = model.step(batch, state, adapters)
            adapters = learned or adapters
            found[at] = outputs["forecast"][:, (0, 2), : len(HORIZONS_MS)]
    return [
        torch.stack((found[: len(recording.starts), row], found[: len(recording.starts), people + row]), dim=1)
        for row, recording in enumerate(recordings)
    ]


def _errors(recording: _Recording, forecasts: Tensor) -> Tensor:
    """``[T, 2, 2, K, 2]``: personal and shared, head and hand, millimetres and degrees; NaN where nothing is known."""
    poses = recording.poses[:, :2]
    now = torch.arange(len(poses), dtype=torch.float64)
    piece = recording.starts.cumsum(0)
    columns = []
    for at, horizon_ms in enumerate(HORIZONS_MS):
        then = now + horizon_ms / 1000 * RATE_HZ
        truth = pose_at(poses, then).unsqueeze(1)
        made = forecasts[:, :, :, at]
        angle = rotations.angle_between(made[..., 3:], truth[..., 3:].expand_as(made[..., 3:])).rad2deg()
        wrong = torch.stack(((made[..., :3] - truth[..., :3]).norm(dim=-1) * 1000, angle), dim=-1)
        last = then.ceil().long()
        known = (last < len(poses)) & (piece[last.clamp_max(len(poses) - 1)] == piece)
        columns.append(torch.where(known.view(-1, 1, 1, 1), wrong, torch.nan))
    return torch.stack(columns, dim=3)


def _means(errors: Tensor) -> Tensor:
    return errors.double().nanmean(0)


def _pieces(errors: Tensor, seconds: float) -> list[Tensor]:
    """Means over each half minute, or other length; what is left over at the end goes to the last one."""
    size = int(seconds * RATE_HZ)
    count = len(errors) // size
    return [_means(errors[at * size : (at + 1) * size if at + 1 < count else None]) for at in range(count)]


def _figures(means: Tensor, horizons: Collection[int] = HORIZONS_MS) -> list[dict[str, Any]]:
    return [
        {
            "part": part,
            "quantity": quantity,
            "horizon_ms": horizon_ms,
            "unit": ("mm", "°")[kind],
            "personal": round(float(means[0, device, at, kind]), 4),
            "shared": round(float(means[1, device, at, kind]), 4),
            "improvement_percent": round(_improvement(means[:, device, at, kind]), 2),
        }
        for device, part in enumerate(PARTS)
        for kind, quantity in enumerate(QUANTITIES)
        for at, horizon_ms in enumerate(HORIZONS_MS)
        if horizon_ms in horizons
    ]


def _improvement(pair: Tensor) -> float:
    return 100 * (1 - float(pair[0] / pair[1]))


def _worst(users: list[str], binned: list[list[Tensor]], bin_s: float) -> list[dict[str, Any]]:
    """Of each figure the user's half minute in which learning helped least, or did most harm."""
    found = []
    for device, part in enumerate(PARTS):
        for kind, quantity in enumerate(QUANTITIES):
            for at, horizon_ms in enumerate(HORIZONS_MS):
                least, user, bin = min(
                    (_improvement(means[:, device, at, kind]), user, bin)
                    for user, bins in zip(users, binned, strict=True)
                    for bin, means in enumerate(bins)
                )
                where = {"user": user, "from_s": bin_s * bin, "improvement_percent": round(least, 2)}
                found.append({"part": part, "quantity": quantity, "horizon_ms": horizon_ms, **where})
    return found

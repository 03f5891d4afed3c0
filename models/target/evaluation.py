"""Measures the target frame model on recordings in the format of vr_objects, against the best single ray."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

from models import rotations, vr_objects
from models.calibration import expected_calibration_error
from models.target.network import TargetPicker
from models.target.sequences import RATE_HZ, Sequences, sequences
from models.vr_objects import Dataset, Trial

OFFSETS_S = (0.0, 0.25, 0.5, 1.0)
"""Seconds before the confirm at which the model is asked."""

RAYS = ("gaze", "head", "hand")

_SEARCH_S = 1.0
_BINS = 15
_ROWS = 64


class NobodyLeftError(ValueError):
    """There is no user to measure on; the message names those in the folder."""


@dataclass(frozen=True)
class _Answer:
    """What was answered about one trial at one moment.

    ``probability`` is what the model gave the target that was meant, ``confidence`` what it gave the one it picked;
    ``right`` says whether that was the one, and ``rays`` the same of each of ``RAYS``.
    """

    trial: Trial
    probability: float
    confidence: float
    right: bool
    rays: tuple[bool, ...]


def evaluate(
    data: Path,
    *,
    weights: Path | None = None,
    users: Collection[str] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Replays trials from their first frame on at ``RATE_HZ`` through the very step that is served.

    Each ray picks the target whose centre is at the smallest angle from it; the best one is chosen for each figure
    afresh, with the truth at hand. ``end_of_search`` is about the trials that were kept whole: the model is asked in
    the last frame of the preview, the rays pick by their mean angle over its last second.

    Args:
        data: a folder in the format of vr_objects.
        weights: a file that ``write_weights`` wrote; without it, the weights that Genlock ships.
        users: whom to measure on; without it, everybody in the folder whom the weights were not trained on.

    Returns:
        what ``json.dumps`` takes. Accuracies are shares of the trials, ``nll`` is the mean negative log likelihood of
        the target that was meant in nats, ``ece`` the expected calibration error of the picked target's probability
        over 15 even bins (Guo et al., "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599).

    Raises:
        DataError: the folder is not in the format.
        WeightsError: the file does not hold weights of this model.
        NobodyLeftError: nobody in the folder is left to measure on.
    """
    model = TargetPicker.load(weights)
    dataset = vr_objects.load(data)
    chosen = unseen(model, dataset, users)
    before: dict[float, list[_Answer]] = {offset: [] for offset in OFFSETS_S}
    search: list[_Answer] = []
    for answers, at_end_of_search in _replayed(model, dataset, chosen, progress):
        for offset, answer in zip(OFFSETS_S, answers, strict=True):
            before[offset].append(answer)
        search += at_end_of_search
    return {
        "model": model.name,
        "version": model.version,
        "trained_on": list(model.origin.trained_on),
        "users": sorted(chosen),
        "trials": len(before[OFFSETS_S[0]]),
        "rate_hz": RATE_HZ,
        "offsets_s": list(OFFSETS_S),
        "overall": _figures(before),
        "by_mode": _figures_by(before, lambda trial: trial.mode),
        "by_scene": _figures_by(before, lambda trial: trial.scene),
        "by_user": _figures_by(before, lambda trial: trial.user),
        "end_of_search": _figure(search) if search else None,
    }


def unseen(model: TargetPicker, dataset: Dataset, users: Collection[str] | None) -> frozenset[str]:
    """Those of ``users`` who are there; without any named, everybody whom the weights were not trained on.

    Raises:
        NobodyLeftError: there is nobody.
    """
    wanted = set(users) if users is not None else set(dataset.users) - set(model.origin.trained_on)
    chosen = frozenset(wanted & set(dataset.users))
    if not chosen:
        raise NobodyLeftError(
            f"no user to measure on; there are {', '.join(dataset.users)}, "
            f"the weights were trained on {', '.join(model.origin.trained_on) or 'nobody'}"
        )
    return chosen


def frame_at(trial: Trial, time: float) -> int:
    """The newest frame at ``time``, or the first one."""
    newest = int(np.searchsorted(trial.time, time + 1e-6, side="right")) - 1
    return max(newest, 0)


def table(result: dict[str, Any]) -> list[Table]:
    """What ``evaluate`` returned, for people: a table of all trials, and one for each way to divide them."""
    groups = {"all trials": {"all": result["overall"]}}
    groups |= {f"by {name}": result[f"by_{name}"] for name in ("mode", "scene", "user")}
    users = ", ".join(result["users"])
    tables = []
    for title, figures in groups.items():
        made = Table(title=f"target {result['version']} on {users}: {title}")
        for column in ("", "before confirm", "trials", "model", "best ray", *RAYS, "NLL", "ECE"):
            made.add_column(column, justify="right")
        for name, rows in figures.items():
            for offset, figure in zip(result["offsets_s"], rows, strict=True):
                made.add_row(name, f"{offset:.2f} s", *_cells(figure))
        tables.append(made)
    if result["end_of_search"]:
        tables[0].add_row("all", "search ends", *_cells(result["end_of_search"]))
    return tables


def _cells(figure: dict[str, Any]) -> list[str]:
    return [
        str(figure["trials"]),
        f"{figure['accuracy']:.1%}",
        f"{figure['best_ray_accuracy']:.1%} {figure['best_ray']}",
        *(f"{figure['rays'][ray]:.1%}" for ray in RAYS),
        f"{figure['nll']:.3f}",
        f"{figure['ece']:.3f}",
    ]


def _replayed(
    model: TargetPicker, dataset: Dataset, users: frozenset[str], progress: bool
) -> Iterator[tuple[list[_Answer], list[_Answer]]]:
    """By trial: the answers at each of ``OFFSETS_S``, and the one at the end of the search, if that was kept."""
    trials = [vr_objects.resampled(trial, RATE_HZ) for trial in dataset.of(users)]
    # trials of about one length go together, so that few rows wait for the longest
    trials.sort(key=lambda trial: len(trial.time))
    chunks = [list(chunk) for _, chunk in groupby(enumerate(trials), lambda item: item[0] // _ROWS)]
    with Progress(disable=not progress) as bar:
        task = bar.add_task("target", total=sum(len(chunk[-1][1].time) for chunk in chunks))
        for chunk in chunks:
            part = [trial for _, trial in chunk]
            recorded = sequences(part, dataset.scenes)
            probabilities = _probabilities(model, recorded, lambda: bar.advance(task))
            for row, trial in enumerate(part):
                moments = [frame_at(trial, trial.confirm - offset) for offset in OFFSETS_S]
                answers = [_answer(trial, recorded, probabilities, row, frame, frame) for frame in moments]
                searched = []
                if trial.whole:
                    first, last = (frame_at(trial, trial.preview_end - seconds) for seconds in (_SEARCH_S, 0.0))
                    searched.append(_answer(trial, recorded, probabilities, row, first, last))
                yield answers, searched


def _probabilities(model: TargetPicker, recorded: Sequences, stepped: Callable[[], None]) -> Tensor:
    """``[T, B, K]``, from nothing remembered and nothing learned."""
    rows = recorded.present.shape[0]
    state = {name: torch.zeros(rows, *shape) for name, shape in model.state.items()}
    adapters = {name: torch.zeros(rows, *shape) for name, shape in model.adapters.items()}
    found = torch.empty(len(recorded), *recorded.present.shape)
    with torch.inference_mode():
        for index in range(len(recorded)):
            outputs, state, _ = model.step(recorded.frame(index), state, adapters)
            found[index] = outputs["target"]
            stepped()
    return found


def _answer(trial: Trial, recorded: Sequences, probabilities: Tensor, row: int, first: int, last: int) -> _Answer:
    meant = int(recorded.meant[last, row])
    given = probabilities[last, row]
    picked = int(given.argmax())
    there = recorded.present[row]
    centres = recorded.targets[row, there, :3]
    right = []
    for poses in (recorded.gaze, recorded.head, recorded.right):
        part = poses[first : last + 1, row]
        towards = torch.nn.functional.normalize(centres - part[:, None, :3], dim=-1)
        cosine = (towards * rotations.forward(part[:, 3:])[:, None]).sum(-1)
        right.append(int(cosine.clamp(-1, 1).acos().mean(0).argmin()) == meant)
    return _Answer(trial, float(given[meant]), float(given[picked]), picked == meant, tuple(right))


def _figures(before: dict[float, list[_Answer]]) -> list[dict[str, Any]]:
    return [{"before_confirm_s": offset, **_figure(answers)} for offset, answers in before.items()]


def _figures_by(before: dict[float, list[_Answer]], of: Callable[[Trial], str]) -> dict[str, list[dict[str, Any]]]:
    names = sorted({of(answer.trial) for answers in before.values() for answer in answers})
    return {
        name: _figures({offset: [x for x in answers if of(x.trial) == name] for offset, answers in before.items()})
        for name in names
    }


def _figure(answers: Sequence[_Answer]) -> dict[str, Any]:
    right = np.array([answer.right for answer in answers])
    confidence = np.array([answer.confidence for answer in answers])
    probability = np.array([answer.probability for answer in answers])
    rays = {ray: float(np.mean([answer.rays[i] for answer in answers])) for i, ray in enumerate(RAYS)}
    best = max(RAYS, key=lambda ray: rays[ray])
    return {
        "trials": len(answers),
        "accuracy": float(right.mean()),
        "best_ray": best,
        "best_ray_accuracy": rays[best],
        "rays": rays,
        "nll": float(-np.log(probability.clip(1e-12)).mean()),
        "ece": expected_calibration_error(confidence, right, _BINS),
    }

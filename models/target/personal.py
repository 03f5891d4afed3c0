"""Measures what the target frame model learns from a user's selections, on recordings in the format of vr_objects."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

from models import vr_objects
from models.frame_model import Rows
from models.target.evaluation import OFFSETS_S, frame_at, unseen
from models.target.network import TargetPicker
from models.target.sequences import RATE_HZ, boxes, sequences
from models.vr_objects import Dataset, Trial

CONFIRMS = (0, 10, 25, 50, 100, 150)
"""Where the groups by number of selections before begin."""


@dataclass(frozen=True)
class _Answer:
    """Who was right about one trial at one moment, and the probability of what was meant: shared, then personal."""

    trial: Trial
    before: int
    right: tuple[bool, bool]
    probability: tuple[float, float]


def evaluate(
    data: Path,
    *,
    weights: Path | None = None,
    users: Collection[str] | None = None,
    mistaken: float = 0.0,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Replays each user's trials in the order in which they were made, twice side by side through the very model that
    is served: shared, of which nothing learns, and personal, which is told after each trial what was meant.

    A trial is replayed from its first kept frame on at ``RATE_HZ``, from nothing remembered. The models are asked
    ``OFFSETS_S`` before the confirm; then the personal one learns from the state at the confirm.

    Args:
        data: a folder in the format of vr_objects.
        weights: a file that ``write_weights`` wrote; without it, the weights that Genlock ships.
        users: whom to measure on; without it, everybody in the folder whom the weights were not trained on.
        mistaken: share of the trials after which another target, at random, is said to have been meant.
        seed: of those.

    Returns:
        what ``json.dumps`` takes. In each figure ``gained`` and ``lost`` count the trials that only the personal model,
        or only the shared one, had right; ``p`` is the probability of at least so uneven counts if both were as good
        (two-sided exact sign test, trials taken as independent, which those of one user are not quite).

    Raises:
        DataError: the folder is not in the format.
        WeightsError: the file does not hold weights of this model.
        NobodyLeftError: nobody in the folder is left to measure on.
    """
    model = TargetPicker.load(weights)
    dataset = vr_objects.load(data)
    chosen = unseen(model, dataset, users)
    answers = _replayed(model, dataset, chosen, mistaken, torch.Generator().manual_seed(seed), progress)
    return {
        "model": model.name,
        "version": model.version,
        "trained_on": list(model.origin.trained_on),
        "users": sorted(chosen),
        "mistaken": mistaken,
        "offsets_s": list(OFFSETS_S),
        "overall": _figures(answers),
        "by_session": _figures_by(answers, lambda answer: answer.trial.session),
        "by_confirms_before": _figures_by(answers, lambda answer: max(x for x in CONFIRMS if x <= answer.before)),
        "by_mode": _figures_by(answers, lambda answer: answer.trial.mode),
        "by_user": _figures_by(answers, lambda answer: answer.trial.user),
    }


def table(result: dict[str, Any]) -> list[Table]:
    """What ``evaluate`` returned, for people: a table of all trials, and one for each way to divide them."""
    groups = {"all trials": {"all": result["overall"]}}
    groups |= {f"by {name.replace('_', ' ')}": result[f"by_{name}"] for name in _WAYS}
    users = ", ".join(result["users"])
    tables = []
    for title, figures in groups.items():
        made = Table(title=f"target {result['version']}, personal, on {users}: {title}")
        for column in ("", "before confirm", "trials", "shared", "personal", "gained", "lost", "p", "NLL", "NLL"):
            made.add_column(column, justify="right")
        for name, rows in figures.items():
            for figure in rows:
                made.add_row(
                    str(name),
                    f"{figure['before_confirm_s']:.2f} s",
                    str(figure["trials"]),
                    f"{figure['shared']:.1%}",
                    f"{figure['personal']:.1%}",
                    str(figure["gained"]),
                    str(figure["lost"]),
                    f"{figure['p']:.3f}",
                    f"{figure['nll_shared']:.3f}",
                    f"{figure['nll_personal']:.3f}",
                )
        tables.append(made)
    return tables


_WAYS = ("session", "confirms_before", "mode", "user")


def _replayed(
    model: TargetPicker,
    dataset: Dataset,
    users: frozenset[str],
    mistaken: float,
    rng: torch.Generator,
    progress: bool,
) -> list[list[_Answer]]:
    """By trial, the answers at each of ``OFFSETS_S``."""
    in_order = [sorted(dataset.of({user}), key=lambda trial: (trial.session, trial.number)) for user in sorted(users)]
    own = [_zeros(model.adapters, 1) for _ in in_order]
    answers = []
    with Progress(disable=not progress) as bar:
        task = bar.add_task("target, personal", total=max(len(trials) for trials in in_order))
        for before, at_once in enumerate(zip_longest(*in_order)):
            who = [user for user, trial in enumerate(at_once) if trial is not None]
            trials = [vr_objects.resampled(at_once[user], RATE_HZ) for user in who]
            given, states = _stepped(model, trials, dataset, [own[user] for user in who])
            for row, (user, trial) in enumerate(zip(who, trials, strict=True)):
                scene = dataset.scenes[trial.scene]
                meant = [target.id for target in scene].index(trial.target)
                answers.append([_Answer(trial, before, *_compared(moment[row], meant)) for moment in given])
                said = meant
                if float(torch.rand((), generator=rng)) < mistaken:
                    said = (meant + int(torch.randint(1, len(scene), (), generator=rng))) % len(scene)
                with torch.inference_mode():
                    own[user] = model.confirm(states[row], own[user], boxes(scene).unsqueeze(0), said, 1.0)
            bar.advance(task)
    return answers


def _stepped(
    model: TargetPicker, trials: list[Trial], dataset: Dataset, own: list[Rows]
) -> tuple[list[Tensor], list[Rows]]:
    """For each of ``OFFSETS_S`` the probabilities ``[B, 2, K]``, shared and personal; and by trial the personal state
    at the confirm."""
    rows = len(trials)
    recorded = sequences([trial for trial in trials for _ in range(2)], dataset.scenes)
    adapters = {
        name: torch.cat([x for each in own for x in (torch.zeros_like(each[name]), each[name])]) for name in own[0]
    }
    state = _zeros(model.state, 2 * rows)
    moments = np.array([[frame_at(trial, trial.confirm - offset) for trial in trials] for offset in OFFSETS_S])
    given = [torch.zeros(rows, 2, recorded.present.shape[1]) for _ in OFFSETS_S]
    at_confirm: list[Rows] = [{} for _ in trials]
    with torch.inference_mode():
        for index in range(int(moments.max()) + 1):
            outputs, state, _ = model.step(recorded.frame(index), state, adapters)
            for moment, row in np.argwhere(moments == index).tolist():
                given[moment][row] = outputs["target"][2 * row : 2 * row + 2]
                if moment == 0:
                    personal = slice(2 * row + 1, 2 * row + 2)
                    at_confirm[row] = {name: value[personal].clone() for name, value in state.items()}
    return given, at_confirm


def _zeros(columns: Any, rows: int) -> Rows:
    return {name: torch.zeros(rows, *shape) for name, shape in columns.items()}


def _compared(given: Tensor, meant: int) -> tuple[tuple[bool, bool], tuple[float, float]]:
    shared, personal = given
    right = int(shared.argmax()) == meant, int(personal.argmax()) == meant
    return right, (float(shared[meant]), float(personal[meant]))


def _figures(answers: Sequence[Sequence[_Answer]]) -> list[dict[str, Any]]:
    return [
        {"before_confirm_s": offset, **_figure([each[moment] for each in answers])}
        for moment, offset in enumerate(OFFSETS_S)
    ]


def _figures_by(
    answers: Sequence[Sequence[_Answer]], of: Callable[[_Answer], str | int]
) -> dict[str, list[dict[str, Any]]]:
    names = {of(each[0]) for each in answers}
    return {
        str(name): _figures([each for each in answers if of(each[0]) == name])
        for name in sorted(names, key=lambda name: (isinstance(name, str), name))
    }


def _figure(answers: Sequence[_Answer]) -> dict[str, Any]:
    right = np.array([answer.right for answer in answers])
    nll = -np.log(np.array([answer.probability for answer in answers]).clip(1e-12)).mean(axis=0)
    gained = int((right[:, 1] & ~right[:, 0]).sum())
    lost = int((right[:, 0] & ~right[:, 1]).sum())
    return {
        "trials": len(answers),
        "shared": float(right[:, 0].mean()),
        "personal": float(right[:, 1].mean()),
        "gained": gained,
        "lost": lost,
        "p": _sign_test(gained, lost),
        "nll_shared": float(nll[0]),
        "nll_personal": float(nll[1]),
    }


def _sign_test(gained: int, lost: int) -> float:
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    return min(1.0, float(tail * 2 / 2**n))

"""Measures gestures: how well they are recognized and spotted, and how often something is spotted that was none.

A folder of the SHREC'17 skeletons tells how well whole sequences are recognized, from many people and from three
examples of the same person. A folder of vr_objects, in which nobody gestures, tells how often that is taken for a
gesture, and how well made-up movements are spotted in it. Nothing that is fitted here is shipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

from models import vr_objects
from models.gesture import recognition, skeletons, taught
from models.gesture.names import BUILT_IN, FIRST_TAUGHT, HEAD_GESTURES, NUMBERS
from models.gesture.recognition import Recipe
from models.gesture.replay import Piece, Spotted, pieces, spot, spot_hands
from models.gesture.skeletons import Sequences
from models.gesture.spotter import Gesture
from models.gesture.synthetic import INVENTED, Performance, inserted, perform

RATES_HZ: Final = (72.0, 90.0, 120.0)
TUNED_ON: Final = tuple(f"u{number:02}" for number in range(6, 15))
"""People of vr_objects on whom the bounds of the built-in gestures were set."""

PUBLISHED: Final = {"14": 94.6, "28": 91.9}
"""DD-Net on the official split (arXiv:1907.09658, table 4)."""

WANTED: Final = {"14": 95.0, "28": 92.5, "few": 85.0, "an_hour": 6.0}

_HELD_OUT: Final = 5
_SEED: Final = 0
_NEIGHBOUR_FRAMES: Final = 32
_SHOTS: Final = 3
_SKELETONS_HZ: Final = 30.0
_HELD_STILL: Final = (20, 15)
_DRAWS: Final = 20
_RATE_HZ: Final = 90.0
_LATEST_S: Final = 0.15
_PERFORMANCES: Final = 40
_LESSONS: Final = 5
"""Of the invented movements, how many are taught at a time."""


class NothingToMeasureError(ValueError):
    """The folder has nothing that can be measured on; the message says what it lacks."""


def evaluate(
    data: Path,
    *,
    background: Path | None = None,
    recipe: Recipe | None = None,
    held_out: int = _HELD_OUT,
    performances: int = _PERFORMANCES,
    threads: int = 2,
    progress: bool = True,
) -> dict[str, Any]:
    """Measures what a folder allows.

    Args:
        data: a folder of the SHREC'17 skeletons, or of vr_objects.
        background: another folder, of vr_objects, if ``data`` is not.
        recipe: how the networks that are measured on skeletons are trained.
        held_out: people to test on where the folder has no test split.
        performances: made-up ones of each gesture.
        threads: that torch may use.

    Returns:
        what ``json.dumps`` takes: ``sequences`` and ``few_examples`` of skeletons, ``false_activations``, ``synthetic``
        and ``inserted`` of recordings. Accuracies are in percent.

    Raises:
        models.gesture.skeletons.DataError, models.vr_objects.DataError: a folder is not in its format.
        NothingToMeasureError: there are too few people in it.
    """
    torch.set_num_threads(threads)
    is_background = (data / "trials.tsv.gz").is_file()
    found: dict[str, Any] = {"model": Gesture.name, "version": Gesture.version}
    if not is_background:
        found |= _on_skeletons(skeletons.load(data), recipe or Recipe(), held_out, progress)
    recordings = data if is_background else background
    if recordings is not None:
        found |= on_recordings(vr_objects.load(recordings), performances, progress)
    return found


def table(result: dict[str, Any]) -> list[Table]:
    """What ``evaluate`` returned, for people."""
    tables = []
    if "sequences" in result:
        tables += _skeleton_tables(result)
    if "false_activations" in result:
        tables += _recording_tables(result)
    return tables


def _skeleton_tables(result: dict[str, Any]) -> list[Table]:
    whole = Table(title=f"sequences of {result['people']['test']}, trained on {len(result['people']['train'])} others")
    for column in ("classes", "accuracy", "1-NN, same run", "DD-Net, published", "wanted"):
        whole.add_column(column, justify="right")
    for classes, row in result["sequences"].items():
        whole.add_row(classes, *(f"{row[key]:.1f}" for key in ("accuracy", "nearest", "published", "wanted")))
    few = Table(title=f"{_SHOTS} examples a class of the same person, 14 classes")
    for column in ("", "accuracy", "wanted"):
        few.add_column(column, justify="right")
    for name, accuracy in result["few_examples"]["accuracy"].items():
        few.add_row(name, f"{accuracy:.1f}", f"{WANTED['few']:.1f}")
    spotted = Table(title="the same, taught and spotted in running frames, in %")
    for name in result["few_examples"]["spotted"]:
        spotted.add_column(name, justify="right")
    spotted.add_row(*(f"{share:.1f}" for share in result["few_examples"]["spotted"].values()))
    return [whole, few, spotted]


def _recording_tables(result: dict[str, Any]) -> list[Table]:
    false = Table(title="false activations an hour")
    for column in ("people", "hours", "built in", "taught, each", "most often"):
        false.add_column(column, justify="right")
    for name, row in result["false_activations"].items():
        often = ", ".join(f"{gesture} {count}" for gesture, count in list(row["by_gesture"].items())[:3])
        false.add_row(name, f"{row['hours']:.2f}", f"{row['an_hour']:.1f}", f"{row['taught_an_hour']:.2f}", often)
    spotted = Table(title="spotted of made-up movements, in %")
    rates = list(result["synthetic"])
    for column in ("gesture", *(f"{rate} Hz" for rate in rates), "late", "as another", "in real recordings"):
        spotted.add_column(column, justify="right")
    for gesture in result["synthetic"][rates[0]]:
        rows = [result["synthetic"][rate][gesture] for rate in rates]
        last = result["inserted"].get(gesture)
        spotted.add_row(
            gesture,
            *(f"{row['spotted']:.0f}" for row in rows),
            f"{max(row['late'] for row in rows):.0f}",
            f"{max(row['as_another'] for row in rows):.0f}",
            f"{last['spotted']:.0f}" if last else "",
        )
    return [false, spotted]


def _on_skeletons(whole: Sequences, recipe: Recipe, held_out: int, progress: bool) -> dict[str, Any]:
    test = whole.test
    if not test.any():
        people = np.unique(whole.person)
        if len(people) <= held_out:
            raise NothingToMeasureError(f"{len(people)} people are too few to hold out {held_out}")
        test = np.isin(whole.person, np.random.default_rng(_SEED).permutation(people)[:held_out])
    known, new = whole.pick(~test), whole.pick(test)
    if not len(known):
        raise NothingToMeasureError("every sequence is of the test split; there are none to train on")
    grid, length = skeletons.on_grid(known.joints)
    new_grid, new_length = skeletons.on_grid(new.joints)
    with Progress(disable=not progress) as bar:
        task = bar.add_task("gesture", total=(recipe.convolutions + recipe.recurrent) * recipe.epochs)
        networks = recognition.train(
            grid,
            length,
            torch.from_numpy(known.of14),
            torch.from_numpy(known.of28),
            recipe,
            _SEED,
            lambda loss: bar.update(task, advance=1, description=f"gesture, loss {loss:.2f}"),
        )
    of14, of28, embeddings = recognition.recognized(networks, new_grid, new_length)
    neighbour = _nearest(_flat(grid), _flat(new_grid))
    figures = {}
    for classes, scores, truth, labels in (
        ("14", of14, new.of14, known.of14),
        ("28", of28, new.of28, known.of28),
    ):
        figures[classes] = {
            "accuracy": _percent(scores.argmax(1).numpy() == truth),
            "nearest": _percent(labels[neighbour] == truth),
            "published": PUBLISHED[classes],
            "wanted": WANTED[classes],
        }
    few = {
        "shipped teaching": _shipped_from_few(new),
        "embedding trained on other people": _from_few(embeddings.numpy(), new),
        "raw frames": _from_few(_flat(new_grid).numpy(), new),
    }
    return {
        "people": {"train": np.unique(known.person).tolist(), "test": np.unique(new.person).tolist()},
        "sequences": figures,
        "few_examples": {"shots": _SHOTS, "draws": _DRAWS, "accuracy": few, "spotted": _spotted_from_few(new)},
    }


def _flat(grid: Tensor) -> Tensor:
    """``[N, 32 * 66]``: places about the mean place of the palm."""
    frames = skeletons.at(grid, skeletons.evenly(len(grid), _NEIGHBOUR_FRAMES))
    return (frames - frames[:, :, 1:2].mean(1, keepdim=True)).flatten(1)


def _nearest(known: Tensor, new: Tensor) -> NDArray[np.int64]:
    return torch.cdist(new, known).argmin(1).numpy()


def _shipped_from_few(sequences: Sequences) -> float:
    """As ``_from_few``, of what tells taught gestures apart in the spotter; sequences may take any time."""
    movements = [taught.movement(skeletons.recording(joints), "right_hand") for joints in sequences.joints]
    tellings = np.stack([one.tellings[0] for one in movements])
    right = []
    for classes, shots, rest in _draws(sequences):
        weights, _ = taught.told_apart([taught.common([movements[row] for row in some]) for some in shots])
        scores = tellings[rest] @ weights[:, :-1].T + weights[:, -1]
        right.append(classes[scores.argmax(1)] == sequences.of14[rest])
    return _percent(np.concatenate(right))


def _spotted_from_few(sequences: Sequences) -> dict[str, float]:
    """Of the sequences that are left in one draw a person, replayed through the spotter: percent that was spotted first
    as what it is (``right``), as another taught gesture (``other``), and not at all (``missed``); and of ``right`` how
    much was told more than 150 ms after the end (``late``). Sequences that take too long to be spotted count, too."""
    model = Gesture.load()
    recordings = [skeletons.recording(joints) for joints in sequences.joints]
    movements = [taught.movement(recording, "right_hand") for recording in recordings]
    right, other, late, missed = 0, 0, 0, 0
    for classes, shots, rest in _draws(sequences, 1):
        if not len(rest):
            continue
        known = {
            slot: (taught.common([movements[row] for row in some]), "right_hand") for slot, some in enumerate(shots)
        }
        found = spot_hands(model, [recordings[row] for row in rest], _SKELETONS_HZ, taught.columns(known), _HELD_STILL)
        for row, spotted in zip(rest, found, strict=True):
            own = [one for one in spotted if one.number >= FIRST_TAUGHT]
            if not own:
                missed += 1
            elif classes[own[0].number - FIRST_TAUGHT] == sequences.of14[row]:
                right += 1
                late += own[0].reported > len(recordings[row]) / _SKELETONS_HZ + _LATEST_S
            else:
                other += 1
    whole = max(1, right + other + missed)
    counts = {"right": right, "other": other, "missed": missed, "late": late}
    return {name: round(100 * count / whole, 2) for name, count in counts.items()}


def _from_few(vectors: NDArray[np.float32], sequences: Sequences) -> float:
    """Percent right when each class is the mean of ``_SHOTS`` sequences of the same person, over several draws."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    right = []
    for classes, shots, rest in _draws(sequences):
        means = np.stack([unit[some].mean(0) for some in shots])
        means /= np.linalg.norm(means, axis=1, keepdims=True).clip(1e-9)
        right.append(classes[(unit[rest] @ means.T).argmax(1)] == sequences.of14[rest])
    return _percent(np.concatenate(right))


def _draws(
    sequences: Sequences, draws: int = _DRAWS
) -> Iterator[tuple[NDArray[np.int64], list[NDArray[np.int64]], NDArray[np.int64]]]:
    """For each person and draw the classes, the rows that each is taught by, and those that are left."""
    rng = np.random.default_rng(_SEED)
    for person in np.unique(sequences.person):
        own = np.flatnonzero(sequences.person == person)
        for _ in range(draws):
            order = rng.permutation(own)
            classes = np.unique(sequences.of14[own])
            shots = [order[sequences.of14[order] == one][:_SHOTS] for one in classes]
            yield classes, shots, np.setdiff1d(own, np.concatenate(shots))


def _percent(right: NDArray[np.bool_]) -> float:
    return round(100 * float(np.mean(right)), 2)


def on_recordings(dataset: vr_objects.Dataset, performances: int, progress: bool) -> dict[str, Any]:
    """``false_activations``, ``synthetic`` and ``inserted``, see ``evaluate``.

    Raises:
        NothingToMeasureError: no trial is there whole.
    """
    model = Gesture.load()
    groups = {
        "tuned on": [user for user in dataset.users if user in TUNED_ON],
        "held out": [user for user in dataset.users if user not in TUNED_ON],
    }
    groups["all"] = [*groups["tuned on"], *groups["held out"]]
    stretches = {user: pieces(dataset, {user}, _RATE_HZ) for user in groups["all"]}
    frames = sum(len(piece) for some in stretches.values() for piece in some)
    if not frames:
        raise NothingToMeasureError("no trial of the recordings is there whole")
    lessons = taught.columns({slot: (lesson(name), "right") for slot, name in enumerate(INVENTED[:_LESSONS])})
    with Progress(disable=not progress) as bar:
        task = bar.add_task("replaying", total=2 * frames)

        def replayed(adapters: dict[str, NDArray[np.float32]] | None) -> dict[str, list[Spotted]]:
            return {
                user: spot(model, some, _RATE_HZ, adapters, lambda count: bar.advance(task, count))
                for user, some in stretches.items()
            }

        plain, with_lessons = replayed(None), replayed(lessons)
    return {
        "false_activations": {
            name: _false(users, stretches, plain, with_lessons) for name, users in groups.items() if users
        },
        "synthetic": {f"{rate:.0f}": _synthetic(model, rate, performances) for rate in RATES_HZ},
        "inserted": _inserted(model, [piece for some in stretches.values() for piece in some], performances),
    }


def lesson(name: str) -> NDArray[np.float32]:
    """A prototype of an invented movement of the right hand, from three made-up recordings of one person."""
    recordings = []
    for seed in range(_SHOTS):
        made = perform(name, _RATE_HZ, np.random.default_rng([1, seed]), "right", person=1)
        part = made.right[made.start - 10 : made.end + 10]
        recordings.append(np.column_stack((np.arange(len(part)) / _RATE_HZ, part)).astype(np.float32))
    return taught.prototype(recordings, "right")


def _false(
    users: Collection[str],
    stretches: dict[str, list[Piece]],
    plain: dict[str, list[Spotted]],
    with_lessons: dict[str, list[Spotted]],
) -> dict[str, Any]:
    hours = sum(len(piece) for user in users for piece in stretches[user]) / _RATE_HZ / 3600
    numbers = [one.number for user in users for one in plain[user]]
    counts = {name: numbers.count(NUMBERS[name]) for name in BUILT_IN if NUMBERS[name] in numbers}
    own = sum(one.number >= FIRST_TAUGHT for user in users for one in with_lessons[user])
    return {
        "users": sorted(users),
        "hours": round(hours, 3),
        "an_hour": round(len(numbers) / hours, 2),
        "taught_an_hour": round(own / hours / _LESSONS, 2),
        "taught": _LESSONS,
        "wanted": WANTED["an_hour"],
        "by_gesture": dict(sorted(counts.items(), key=lambda item: -item[1])),
    }


def _synthetic(model: Gesture, rate_hz: float, performances: int) -> dict[str, dict[str, float]]:
    """By gesture, built in or taught: percent of performances spotted, spotted too late, and taken for another."""
    rng = np.random.default_rng(_SEED)
    lessons = taught.columns({slot: (lesson(name), "right") for slot, name in enumerate(INVENTED)})
    found = {}
    for names, adapters, device, person in (
        (BUILT_IN, None, None, None),
        (INVENTED, lessons, "right", 1),
    ):
        made = [perform(name, rate_hz, rng, device, person) for name in names for _ in range(performances)]
        spotted = spot(model, [Piece("", one.head, one.left, one.right) for one in made], rate_hz, adapters)
        for name in names:
            rows = {number: one for number, one in enumerate(made) if one.name == name}
            number = FIRST_TAUGHT + INVENTED.index(name) if name in INVENTED else NUMBERS[name]
            found[name] = _judged(rows, [one for one in spotted if one.piece in rows], number, rate_hz)
    return found


def _judged(rows: dict[int, Performance], spotted: list[Spotted], number: int, rate_hz: float) -> dict[str, float]:
    first: dict[int, Spotted] = {}
    others = set()
    for one in spotted:
        made = rows[one.piece]
        device = ("head", "left", "right").index(made.device)
        if (one.number, one.device) == (number, device) and one.end > made.start / rate_hz:
            first.setdefault(one.piece, one)
        elif one.number != number:
            others.add(one.piece)
    delays = np.array([one.reported - rows[piece].end / rate_hz for piece, one in first.items()] or [0.0])
    return {
        "spotted": 100 * len(first) / len(rows),
        "late": 100 * float((delays > _LATEST_S).sum()) / len(rows),
        "as_another": 100 * len(others) / len(rows),
        "median_delay_s": round(float(np.median(delays)), 3),
        "p95_delay_s": round(float(np.quantile(delays, 0.95)), 3),
    }


def _inserted(model: Gesture, stretches: list[Piece], performances: int) -> dict[str, dict[str, float]]:
    """Percent of made-up movements that are spotted where they come on top of what real people do."""
    rng = np.random.default_rng(_SEED)
    found: dict[str, dict[str, float]] = {}
    for name in BUILT_IN:
        mover = 0 if name in HEAD_GESTURES else 2
        made: list[Piece] = []
        spans: list[tuple[int, int]] = []
        for number in rng.permutation(len(stretches)):
            piece = stretches[number]
            assert piece.head is not None
            assert piece.right is not None
            changed = inserted(name, piece.head if mover == 0 else piece.right, piece.head, _RATE_HZ, rng)
            if changed is not None and len(made) < performances:
                poses, start, end = changed
                cut = slice(max(0, start - 200), end + 60)
                head = poses if mover == 0 else piece.head
                right = piece.right if mover == 0 else poses
                made.append(Piece(piece.user, head[cut], None, right[cut]))
                spans.append((start - cut.start, end - cut.start))
        hits = {
            one.piece
            for one in spot(model, made, _RATE_HZ)
            if (one.number, one.device) == (NUMBERS[name], mover)
            and spans[one.piece][0] / _RATE_HZ < one.end < spans[one.piece][1] / _RATE_HZ + _LATEST_S
        }
        if made:
            found[name] = {"spotted": 100 * len(hits) / len(made), "performances": len(made)}
    return found

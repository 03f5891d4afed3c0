"""Sight on a folder of pictures with their names: the likeliest names, and what is recognized from five examples.

The folder holds ``labels.tsv``, a line a picture: its path in the folder, a tab, and its label, which is a class of
ILSVRC 2012 by index (0 to 999), by number of WordNet (``n02124075``) or by name, or any other word. A first line that
names the columns ``file`` and ``label`` may stand before. Pictures that cannot be decoded are named in the result and
left out; pictures of things that are none of the thousand count for the examples only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table

from models.vision.labels import Labels
from models.vision.pictures import decode_file
from models.vision.prototypes import Prototypes
from models.vision.sight import Seen, Sight

PUBLISHED_TOP1: Final = 75.1
"""EfficientNet-Lite0 in 32 bit floats on the validation part of ILSVRC 2012, as the README of TensorFlow's TPU models
(``models/official/efficientnet/lite``) has it. No top-5 is published there."""

SHOTS: Final = 5
DRAWS: Final = 10

# What is measured on did not come over the wire, so it may be larger.
_MOST_BYTES: Final = 64 << 20
_MOST_PIXELS_A_SIDE: Final = 20_000
_LISTED: Final = 20


class DataError(ValueError):
    """A folder that is not in the format, or has nothing to measure; the message says what is wrong and where."""


@dataclass
class _Pictures:
    """What was seen: all lists are as long."""

    files: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def evaluate(
    data: Path, *, shots: int = SHOTS, draws: int = DRAWS, threads: int = 2, progress: bool = True
) -> dict[str, Any]:
    """Measures on a folder.

    Args:
        shots: examples a class.
        draws: of the examples, by the seeds 0, 1 and so on, over which figures are averaged.
        threads: that torch may use.

    Returns:
        what ``json.dumps`` takes; shares are in percent. ``few_shot`` is None without two classes that have more than
        ``shots`` pictures, ``top_1`` and ``top_5`` are where no picture is of one of the thousand.

    Raises:
        DataError: the folder is not in the format, or no picture can be measured.
        ImportError: the extra ``sight`` is not installed.
    """
    torch.set_num_threads(threads)
    rows = _rows(data)
    sight, labels = Sight.load(), Labels.load()
    pictures = _looked(sight, data, rows, progress)
    if not pictures.seen:
        raise DataError(f"none of the {len(rows)} pictures of {data} can be decoded")
    result: dict[str, Any] = {
        "model": "vision",
        "version": sight.version,
        "data": str(data),
    }
    named = _named(pictures, labels)
    result["measured_on"] = f"{len(pictures.seen)} pictures, {len(set(pictures.labels))} labels"
    result |= named
    result["few_shot"] = _few_shot(sight, data, pictures, shots, draws, progress)
    result["broken"] = {"pictures": len(pictures.broken), "files": pictures.broken}
    return result


def table(result: dict[str, Any]) -> list[Table]:
    """The figures of ``evaluate`` for people."""
    shown = Table(title=f"vision on {result['measured_on']}", title_justify="left")
    shown.add_column("")
    for heading in ("model", "beside"):
        shown.add_column(heading, justify="right")
    shown.add_column("which is")
    if result["top_1"] is not None:
        shown.add_row("the likeliest name", _percent(result["top_1"]), _percent(result["baseline"]), "as published")
        shown.add_row("one of the likeliest five", _percent(result["top_5"]), "", "")
    if unknown := result["not_known"]["pictures"]:
        shown.add_row("pictures of none of the thousand", str(unknown), "", "")
    if few := result["few_shot"]:
        of = f"{few['shots']} examples each of {few['classes']}"
        shown.add_row(of, _percent(few["accuracy"]), _percent(few["baseline"]), "the nearest single example")
        shown.add_row("", "", _percent(few["nearest_mean"]), "the nearest mean of them")
        shown.add_row("", "", _percent(few["chance"]), "chance")
        if rejection := few["none_of_these"]:
            shown.add_row("with half of them taught: right", _percent(rejection["taught_right"]), "", "")
            shown.add_row("others told to be none", _percent(rejection["others_refused"]), "", "")
    tables = [shown]
    if broken := result["broken"]["files"]:
        title = f"left out of all figures, as they cannot be decoded: {len(broken)}"
        listed = Table(title=title, title_justify="left", show_header=False)
        for name, why in list(broken.items())[:_LISTED]:
            listed.add_row(name, why)
        tables.append(listed)
    return tables


def _percent(share: float) -> str:
    return f"{share:.2f} %"


def _rows(data: Path) -> list[tuple[str, str]]:
    path = data / "labels.tsv"
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{data} has no labels.tsv") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error
    cells = [
        (number, [cell.strip() for cell in line.split("\t")]) for number, line in enumerate(lines, 1) if line.strip()
    ]
    file_at, label_at = 0, 1
    if cells and {"file", "label"} <= (heading := {cell.lower(): at for at, cell in enumerate(cells[0][1])}).keys():
        file_at, label_at = heading["file"], heading["label"]
        cells = cells[1:]
    rows = []
    for number, row in cells:
        if len(row) <= max(file_at, label_at) or not row[file_at] or not row[label_at]:
            raise DataError(f"{path}, line {number}: a file, a tab and a label are wanted")
        rows.append((row[file_at], row[label_at]))
    if not rows:
        raise DataError(f"{path} names no picture")
    return rows


def _decoded(data: Path, file: str) -> NDArray[np.uint8]:
    return decode_file((data / file).read_bytes(), most_bytes=_MOST_BYTES, most_pixels_a_side=_MOST_PIXELS_A_SIDE)


def _looked(sight: Sight, data: Path, rows: Sequence[tuple[str, str]], progress: bool) -> _Pictures:
    found = _Pictures()
    with Progress(disable=not progress, transient=True) as bar:
        for file, label in bar.track(rows, description="looking"):
            try:
                picture = _decoded(data, file)
            except (ValueError, OSError) as error:
                found.broken[file] = str((isinstance(error, OSError) and error.strerror) or error)
                continue
            found.files.append(file)
            found.labels.append(label)
            found.seen += sight.look([picture])
    return found


def _named(pictures: _Pictures, labels: Labels) -> dict[str, Any]:
    """Of what is one of the thousand; ``labels`` of ``pictures`` become their names where they are."""
    ranks, not_known = [], {}
    for at, (label, seen) in enumerate(zip(pictures.labels, pictures.seen, strict=True)):
        try:
            name = labels.names[labels.index(label)]
        except ValueError as error:
            not_known[label] = str(error)
            continue
        pictures.labels[at] = name
        names = [one for one, _ in seen.labels]
        ranks.append(names.index(name) if name in names else len(names))
    found = np.array(ranks)
    return {
        "top_1": round(100 * float((found == 0).mean()), 2) if len(found) else None,
        "top_5": round(100 * float((found < 5).mean()), 2) if len(found) else None,
        "of_pictures": len(found),
        "baseline": PUBLISHED_TOP1,
        "baseline_is": "top-1 as published, on the whole validation part of ILSVRC 2012",
        "not_known": {"pictures": len(pictures.labels) - len(found), "labels": not_known},
    }


def _few_shot(
    sight: Sight, data: Path, pictures: _Pictures, shots: int, draws: int, progress: bool
) -> dict[str, Any] | None:
    by_label: dict[str, list[int]] = defaultdict(list)
    for at, label in enumerate(pictures.labels):
        by_label[label].append(at)
    classes = sorted(label for label, members in by_label.items() if len(members) > shots)
    if len(classes) < 2:
        return None
    seen = np.stack([one.embedding for one in pictures.seen])
    learned: dict[int, NDArray[np.float32]] = {}

    def example(at: int) -> NDArray[np.float32]:
        if at not in learned:
            learned[at] = sight.examples([_decoded(data, pictures.files[at])])[0]
        return learned[at]

    right, nearest, means, taught_right, refused = [], [], [], [], []
    with Progress(disable=not progress, transient=True) as bar:
        for seed in bar.track(range(draws), description="learning from few"):
            chance = np.random.default_rng(seed)
            orders = {label: chance.permutation(by_label[label]) for label in classes}
            taught = {label: [example(int(at)) for at in order[:shots]] for label, order in orders.items()}
            measured = np.concatenate([order[shots:] for order in orders.values()])
            truth = np.repeat(np.arange(len(classes)), [len(order) - shots for order in orders.values()])
            prototypes = Prototypes(taught)
            right.append(100 * float((prototypes.scores(seen[measured]).argmax(1) == truth).mean()))
            mean = np.stack([np.mean(one, axis=0) for one in taught.values()])
            mean /= np.linalg.norm(mean, axis=1, keepdims=True)
            means.append(100 * float(((seen[measured] @ mean.T).argmax(1) == truth).mean()))
            singles = seen[np.concatenate([order[:shots] for order in orders.values()])]
            nearest.append(100 * float(((seen[measured] @ singles.T).argmax(1) // shots == truth).mean()))
            if len(classes) >= 4:
                half = set(chance.permutation(classes)[: len(classes) // 2].tolist())
                known = Prototypes({label: taught[label] for label in classes if label in half})
                for at, of in zip(measured, truth, strict=True):
                    match = known.match(seen[at])
                    if classes[of] in half:
                        taught_right.append(match is not None and match[0] == classes[of])
                    else:
                        refused.append(match is None)
    return {
        "shots": shots,
        "draws": draws,
        "classes": len(classes),
        "pictures": len(measured),
        "accuracy": round(float(np.mean(right)), 2),
        "accuracy_by_seed": [round(one, 2) for one in right],
        "baseline": round(float(np.mean(nearest)), 2),
        "baseline_is": "the nearest single example, each seen once as it is",
        "nearest_mean": round(float(np.mean(means)), 2),
        "chance": round(100 / len(classes), 2),
        "none_of_these": {
            "taught_right": round(100 * float(np.mean(taught_right)), 2),
            "others_refused": round(100 * float(np.mean(refused)), 2),
        }
        if refused
        else None,
    }

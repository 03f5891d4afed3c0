"""A trained text classifier on a published set: accuracy, precision, recall and F1, and what it takes for what.

Averages named macro count each label alike, of those that a text has or was taken for. Baselines in the same run:
always the most frequent label, and logistic regression on words and pairs of words weighted by TF-IDF. Figures of
others are beside them with their source.
"""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from sklearn.pipeline import make_pipeline

from models import labelled_texts, output_folder
from models.labelled_texts import Texts
from models.text.classifier import TextClassifier

PUBLISHED: Final = {"clinc150": {"CNN (Larson et al. 2019)": 91.2}}

_CONFUSED: Final = 10
_INCHES_A_LABEL: Final = 0.16
_NAMED: Final = 300
"""So many labels have room for their names in the picture; of more, only every so manieth is named."""


def evaluate(data: Path, *, weights: Path, picture: Path | None = None, progress: bool = True) -> dict[str, Any]:
    """Measures a classifier on a folder as ``models.labelled_texts`` reads it.

    Args:
        weights: the classifier's file.
        picture: where to draw the confusion matrix, as PNG; nowhere if absent.

    Raises:
        models.labelled_texts.DataError: the folder is in no known format.
        OSError: a file cannot be read or written.
        ValueError: the file is no classifier, or it was trained on other texts than those that may be fitted to.
    """
    if picture is not None:
        output_folder.prepare(picture.parent)
    texts = labelled_texts.load(data)
    classifier = TextClassifier.load(weights)
    if classifier.about.get("trained_on") != labelled_texts.fingerprint(texts.fit):
        raise ValueError(
            f"{weights}: was trained on other texts than those of {data} that figures are not on; train it anew with:"
            f" genlock train text --arch {classifier.arch} --data {quote(str(data))} --out {quote(str(weights))}"
        )
    truth = np.array([example.label for example in texts.measured])
    with Progress(disable=not progress, transient=True) as bar:
        task = bar.add_task("reading and fitting baselines", total=2)
        probabilities = classifier.probabilities([example.text for example in texts.measured]).numpy()
        bar.advance(task)
        baselines = _baselines(texts, truth)
        bar.advance(task)
    labels = sorted({*classifier.labels, *truth.tolist()})
    found = np.array(classifier.labels)[probabilities.argmax(1)]
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(matrix, (np.searchsorted(labels, truth), np.searchsorted(labels, found)), 1)
    if picture is not None:
        draw(matrix, labels, picture)
    return {
        "model": "text",
        "arch": classifier.arch,
        "weights": str(weights),
        "training": classifier.about,
        "data": str(data),
        "set": texts.name,
        "format": texts.format,
        "measured_on": texts.measured_on(len(labels)),
        **figures(truth, found, labels),
        "confused": _confused(matrix, labels),
        "baselines": baselines,
        "published": PUBLISHED.get(texts.name, {}),
    }


def figures(truth: NDArray[np.str_], found: NDArray[np.str_], labels: list[str]) -> dict[str, Any]:
    """Accuracy, and precision, recall and F1 of each label and on the average, all in percent.

    The average is over the labels that are in ``truth`` or in ``found``: of others there is nothing to tell.
    """
    precision, recall, f1, support = precision_recall_fscore_support(truth, found, labels=labels, zero_division=0)
    met = np.isin(labels, np.union1d(truth, found))
    return {
        "accuracy": _percent(accuracy_score(truth, found)),
        "macro": {
            "precision": _percent(precision[met].mean()),
            "recall": _percent(recall[met].mean()),
            "f1": _percent(f1[met].mean()),
        },
        "by_label": {
            label: {
                "precision": _percent(precision[at]),
                "recall": _percent(recall[at]),
                "f1": _percent(f1[at]),
                "texts": int(support[at]),
            }
            for at, label in enumerate(labels)
        },
    }


def table(result: dict[str, Any]) -> list[Table]:
    """The figures of ``evaluate`` for people."""
    title = f"{result['arch']} on {result['set']} ({result['measured_on']})"
    whole = Table(title=title, title_justify="left")
    for heading in ("", "accuracy", "precision", "recall", "F1"):
        whole.add_column(heading, justify="left" if not heading else "right")
    macro = result["macro"]
    whole.add_row(result["arch"], *(f"{one:.2f} %" for one in (result["accuracy"], *macro.values())))
    for name, accuracy in {**result["baselines"], **result["published"]}.items():
        whole.add_row(name, f"{accuracy:.2f} %")
    known = {label: row for label, row in result["by_label"].items() if row["texts"]}
    left_out = len(result["by_label"]) - len(known)
    note = f" ({left_out} more have no text in what is measured on)" if left_out else ""
    worst = Table(title=f"the labels with the lowest F1{note}", title_justify="left")
    for heading in ("label", "precision", "recall", "F1", "texts"):
        worst.add_column(heading, justify="left" if heading == "label" else "right")
    for label, row in sorted(known.items(), key=lambda item: item[1]["f1"])[:_CONFUSED]:
        worst.add_row(label, *(f"{row[key]:.1f} %" for key in ("precision", "recall", "f1")), str(row["texts"]))
    confused = Table(title="taken for each other", title_justify="left")
    for heading in ("is", "was taken for", "times"):
        confused.add_column(heading, justify="right" if heading == "times" else "left")
    for row in result["confused"]:
        confused.add_row(row["is"], row["taken_for"], str(row["times"]))
    return [whole, worst, confused]


def draw(matrix: NDArray[np.int64], labels: list[str], path: Path) -> None:
    """Draws a confusion matrix, each row in shares of its label, as PNG."""
    # It takes a second to load, and only a picture needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    inches = max(6.0, _INCHES_A_LABEL * min(len(labels), _NAMED) + 2)
    figure = Figure(figsize=(inches, inches), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="magma_r", vmin=0, vmax=1)
    step = max(1, math.ceil(len(labels) / _NAMED))
    # A label is no formula, whatever dollars it has.
    places, names = range(0, len(labels), step), labels[::step]
    axes.set_xticks(places, names, rotation=90, fontsize=6, parse_math=False)
    axes.set_yticks(places, names, fontsize=6, parse_math=False)
    axes.set_xlabel("was taken for")
    axes.set_ylabel("is")
    figure.colorbar(image, ax=axes, shrink=0.5, label="share of the label's texts")
    figure.savefig(path, format="png", dpi=110)


def _baselines(texts: Texts, truth: NDArray[np.str_]) -> dict[str, float]:
    fit, labels = [example.text for example in texts.fit], [example.label for example in texts.fit]
    measured = [example.text for example in texts.measured]
    found = {"most frequent label": _percent(DummyClassifier().fit(fit, labels).score(measured, truth))}
    words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=20, max_iter=200)
    )
    # It makes nothing of texts without a word of two letters.
    with suppress(ValueError):
        words.fit(fit, labels)
        found["TF-IDF and logistic regression"] = _percent(words.score(measured, truth))
    return found


def _confused(matrix: NDArray[np.int64], labels: list[str]) -> list[dict[str, Any]]:
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSED]
    pairs = [np.unravel_index(int(at), wrong.shape) for at in order]
    return [
        {"is": labels[row], "taken_for": labels[column], "times": int(wrong[row, column])}
        for row, column in pairs
        if wrong[row, column]
    ]


def _percent(share: float) -> float:
    return round(100 * float(share), 2)

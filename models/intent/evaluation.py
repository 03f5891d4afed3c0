"""The intent model on a published set: from a few examples a label, and from all; and what it does with the rest.

The encoder is one that was not adapted on the set in question. Fitting sees ``Texts.fit`` alone, and so does the choice
of the threshold below which a text belongs to no label. From a few examples there are two figures, as an app is served
with two fits: the quick one, seconds after its examples are known, and the longer one behind it. Baselines in the same
run: the encoder as it was published, with a logistic regression. Figures of others are beside them with their source.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models import labelled_texts
from models.calibration import expected_calibration_error
from models.intent import background
from models.intent.adapted import adapted_without
from models.intent.examples import with_names
from models.intent.model import Array, IntentModel
from models.intent.tuned import Tuned
from models.intent.tuning import tune
from models.labelled_texts import Labelled, Texts
from models.language.encoder import Encoder

SHOTS: Final = 10
DRAWS: Final = 3
"""Of the few examples, over which figures are averaged."""
OUTSIDE_WANTED: Final = 0.6
"""Of texts that are out of scope this share at least shall be refused, with as few refusals of others as may be. The
threshold is where the share of those in the training part is this and one standard error more: they are a sample."""

PUBLISHED: Final[dict[str, dict[str, Any]]] = {
    "clinc150": {
        "few_shot": {"CPFT, 10 examples (arXiv 2109.06349)": 94.18},
        "whole": {
            "BERT, in scope / out-of-scope recall (Larson et al. 2019)": (96.2, 52.3),
            "MLP on USE (Larson et al. 2019)": (93.5, 47.4),
            "CNN (Larson et al. 2019)": (91.2, None),
        },
    },
    "banking77": {"few_shot": {"CPFT, 10 examples (arXiv 2109.06349)": 87.20}},
    "hwu64": {"few_shot": {"CPFT, 10 examples (arXiv 2109.06349)": 87.13}},
}

# Weaker regularisation than scikit-learn's 1, which is poor on embeddings of unit length.
_BASELINE_STRENGTH: Final = 10.0
_BINS: Final = 10


def evaluate(
    data: Path, *, quick: bool = False, draws: int = DRAWS, progress: bool = True, threads: int = 2
) -> dict[str, Any]:
    """Measures the intent model on a folder as ``models.labelled_texts`` reads it.

    Args:
        quick: leaves out the longer fit, which takes minutes.
        draws: of the few examples, by the seeds 0, 1 and so on, over which figures are averaged.

    Raises:
        models.labelled_texts.DataError: the folder is in no known format.
    """
    torch.set_num_threads(threads)
    texts = labelled_texts.load(data)
    # What has the format of a set may be a part of it.
    path = adapted_without(texts.format)
    with Progress(disable=not progress, transient=True) as bar:
        task = bar.add_task("embedding", total=2 * (len(texts.fit) + len(texts.measured)))

        def embedded(encoder: Encoder, examples: Sequence[str]) -> Array:
            found = [np.zeros((0, 384), np.float32)]
            for start in range(0, len(examples), 256):
                found.append(encoder.encode(examples[start : start + 256]).numpy())
                bar.advance(task, len(found[-1]))
            return np.concatenate(found)

        encoder = Encoder.load(path)
        own = _Embedded(encoder, texts, embedded)
        plain = own if path is None else _Embedded(Encoder.load(None), texts, embedded)
    result: dict[str, Any] = {
        "model": "intent",
        "encoder": own.version,
        "adapted_on": [] if path is None else [name for name in background.SETS if name != texts.format],
        "data": str(data),
        "set": texts.name,
        "format": texts.format,
        "measured_on": texts.measured_on(len(texts.labels)),
        "published": PUBLISHED.get(texts.name, {}),
        "examples": "the chosen ones, and the name of each label",
        "few_shot": _few_shot(own, plain, None if quick else encoder, draws, progress),
    }
    result["whole"] = _whole(own, plain)
    return result


class _Embedded:
    """A set as an encoder sees it."""

    def __init__(self, encoder: Encoder, texts: Texts, embedded: Any) -> None:
        self.version = encoder.version
        self.texts = texts
        self.fit = embedded(encoder, [example.text for example in texts.fit])
        self.measured = embedded(encoder, [example.text for example in texts.measured])
        self.names = encoder.encode(with_names([], texts.labels)[0]).numpy()
        self.outside_fit = encoder.encode(texts.outside_fit).numpy()
        self.outside = encoder.encode(texts.outside_measured).numpy()
        self.around = encoder.encode(background.texts(without=texts.format)).numpy()
        self.truth = np.array([example.label for example in texts.measured])
        self._rows = {example: row for row, example in enumerate(texts.fit)}

    def rows(self, examples: Sequence[Labelled]) -> Array:
        """Embeddings of some of ``fit``."""
        return np.asarray(self.fit[[self._rows[example] for example in examples]])


class _Scores:
    """What was measured with each choice of the examples."""

    def __init__(self) -> None:
        self._accuracy: list[float] = []
        self._errors: list[float] = []

    def add(self, model: IntentModel, probabilities: NDArray[np.float64], truth: NDArray[np.str_]) -> None:
        right = np.array(model.labels)[probabilities.argmax(1)] == truth
        self._accuracy.append(100 * float(right.mean()))
        self._errors.append(100 * expected_calibration_error(probabilities.max(1), right, _BINS))

    def result(self) -> dict[str, Any]:
        return {
            "accuracy": round(float(np.mean(self._accuracy)), 2),
            "accuracy_by_seed": [round(one, 2) for one in self._accuracy],
            "calibration_error": round(float(np.mean(self._errors)), 2),
        }


def _few_shot(own: _Embedded, plain: _Embedded, encoder: Encoder | None, draws: int, progress: bool) -> dict[str, Any]:
    """With the longer fit if there is the encoder for it and more than one label."""
    quick, longer, baseline, seconds = _Scores(), _Scores(), [], []
    if len(own.texts.labels) < 2:
        encoder = None
    measured = [example.text for example in own.texts.measured]
    with Progress(disable=not progress, transient=True) as bar:
        for seed in bar.track(range(draws), description="fitting"):
            chosen = labelled_texts.shots(own.texts.fit, SHOTS, seed)
            drawn = [example.label for example in chosen]
            texts, labels = with_names([example.text for example in chosen], drawn)
            model = IntentModel.fit(np.concatenate((own.rows(chosen), own.names)), labels, own.around)
            quick.add(model, model.probabilities(own.measured)[1], own.truth)
            if (percent := _baseline(plain, plain.rows(chosen), drawn, 1000)) is not None:
                baseline.append(percent)
            if encoder is not None:
                began = time.monotonic()
                tuned = Tuned(encoder, tune(encoder, texts, labels), texts, labels)
                seconds.append(time.monotonic() - began)
                by_rows = partial(_likelihoods, tuned, measured)
                longer.add(model, model.probabilities(own.measured, by_rows)[1], own.truth)
    found = {"shots": SHOTS, "quick": quick.result()}
    if encoder is not None:
        found["longer"] = longer.result() | {"seconds": round(float(np.mean(seconds)))}
    return found | {
        "baseline": round(float(np.mean(baseline)), 2) if baseline else None,
        "baseline_is": f"the encoder as published, with scikit-learn's logistic regression, C={_BASELINE_STRENGTH:g}",
    }


def _baseline(plain: _Embedded, fit: Array, labels: Sequence[str], rounds: int) -> float | None:
    """How many percent it gets right; nothing where there is one label only, of which it makes nothing."""
    if len(set(labels)) < 2:
        return None
    head = LogisticRegression(C=_BASELINE_STRENGTH, max_iter=rounds).fit(fit, labels)
    return 100 * float((head.predict(plain.measured) == plain.truth).mean())


def _likelihoods(tuned: Tuned, texts: Sequence[str], rows: Sequence[int]) -> NDArray[np.float64]:
    return tuned.likelihoods([texts[row] for row in rows])


def _whole(own: _Embedded, plain: _Embedded) -> dict[str, Any]:
    labels = [example.label for example in own.texts.fit]
    named = with_names([example.text for example in own.texts.fit], labels)[1]
    model = IntentModel.fit(
        np.concatenate((own.fit, own.names)),
        named,
        own.around,
        own.outside_fit if len(own.outside_fit) else None,
    )
    inside, probabilities = model.probabilities(own.measured)
    right = np.array(model.labels)[probabilities.argmax(1)] == own.truth
    baseline = _baseline(plain, plain.fit, labels, 300)
    found: dict[str, Any] = {
        "accuracy": round(100 * float(right.mean()), 2),
        "calibration_error": round(100 * expected_calibration_error(probabilities.max(1), right, _BINS), 2),
        "baseline": None if baseline is None else round(baseline, 2),
    }
    if len(own.outside):
        outside, _ = model.probabilities(own.outside)
        known, _ = model.probabilities(own.outside_fit)
        threshold = _threshold(known)
        belongs = np.repeat((1, 0), (len(inside), len(outside)))
        found |= {
            "threshold": round(threshold, 4),
            "in_scope_accuracy": round(100 * float((right & (inside >= threshold)).mean()), 2),
            "out_of_scope_recall": round(100 * float((outside < threshold).mean()), 2),
            "out_of_scope_texts": len(outside),
            "auroc": round(100 * float(roc_auc_score(belongs, np.concatenate((inside, outside)))), 2),
        }
    return found


def _threshold(known: NDArray[np.float64]) -> float:
    """From the probabilities with which texts that belong to no label are said to; without any, as in service."""
    if not len(known):
        return 0.5
    error = (OUTSIDE_WANTED * (1 - OUTSIDE_WANTED) / len(known)) ** 0.5
    return float(np.quantile(known, min(OUTSIDE_WANTED + error, 1.0)))


def table(result: dict[str, Any]) -> Table:
    """The figures of ``evaluate`` for people."""
    shown = Table(title=f"intent on {result['set']} ({result['measured_on']})", title_justify="left")
    shown.add_column("")
    for heading in ("model", "baseline", "published"):
        shown.add_column(heading, justify="right")
    few, whole, published = result["few_shot"], result["whole"], result["published"]
    best = max(published.get("few_shot", {}).values(), default=None)
    shot = f"from {few['shots']} examples a label"
    others = _shown(best)
    for key, name in (("quick", "the quick fit"), ("longer", "the longer fit")):
        if key in few:
            of, base = few[key], _shown(few["baseline"])
            shown.add_row(f"accuracy {shot}, {name}", f"{of['accuracy']:.2f} %", base, others)
            shown.add_row("calibration error of that", f"{of['calibration_error']:.2f} %", "", "")
    shown.add_row("accuracy from all examples", f"{whole['accuracy']:.2f} %", _shown(whole["baseline"]), "")
    if "in_scope_accuracy" in whole:
        whole_others = next(iter(published.get("whole", {}).values()), (None, None))
        for key, name, other in (
            ("in_scope_accuracy", "in scope, with none of them allowed", whole_others[0]),
            ("out_of_scope_recall", "out-of-scope recall", whole_others[1]),
            ("auroc", "area under the ROC curve", None),
        ):
            shown.add_row(name, f"{whole[key]:.2f} %", "", "" if other is None else f"{other:.1f} %")
    return shown


def _shown(percent: float | None) -> str:
    return "" if percent is None else f"{percent:.2f} %"

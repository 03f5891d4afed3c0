"""The head on the encoder: which label a text belongs to, and whether to any.

Two parts. A multinomial logistic regression says to which label, its probabilities softened by a temperature that was
chosen on texts left out in turn (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). A gate says
whether to any: a logistic regression on how near the nearest examples are and how sure the first part is, between
examples left out in turn and texts of a background that belong to none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

Array = NDArray[np.float32]

Longer = Callable[[Sequence[int]], NDArray[np.float64]]
"""From rows of texts to what a longer fit makes of them, ``[rows, labels]``, as ``Tuned.likelihoods`` says."""

RANKED: Final = 5
_STRENGTH: Final = 30.0
_FOLDS: Final = 4
_NEIGHBOURS: Final = 3
_ROWS: Final = 1024
# A text of the background that is nearer than this to an example may well mean what the example means.
_TOO_NEAR: Final = 0.6
# Of the longer fit, whose examples tell nothing of how sure it may be: it has seen them all. Chosen on parts of the
# published sets' training parts that were not fitted to.
_TUNED_TEMPERATURE: Final = 1.5
# How much the quick fit has to say beside the longer one, chosen with the temperature.
_QUICK: Final = 0.5
# What the quick fit is surer of than this, the longer one would not change: see CARD.md.
_SURE: Final = 0.9
_TEMPERATURES: Final = tuple(float(value) for value in np.geomspace(0.2, 5.0, 33))


@dataclass(frozen=True)
class Prediction:
    """What a text belongs to.

    Attributes:
        label: the likeliest label, or nothing where none of them is likelier.
        confidence: the probability of that, 0 to 1.
        ranking: the likeliest labels and their probabilities, best first, at most ``RANKED``; what they lack to 1 is
            that of none of them and of the rest.
    """

    label: str | None
    confidence: float
    ranking: tuple[tuple[str, float], ...]


class Intents(Protocol):
    """What tells an app's actions apart."""

    @property
    def fitted(self) -> Hashable:
        """What predictions are made with, something else as soon as they may be others."""

    def predict_texts(self, texts: Sequence[str], embeddings: Array) -> list[Prediction]:
        """One prediction a text, whose labels are names of actions. ``embeddings`` are theirs, ``[N, 384]``."""


class IntentModel:
    """A head that was fitted; ``fit`` makes one.

    Attributes:
        labels: sorted.
    """

    def __init__(
        self,
        labels: Sequence[str],
        examples: Array,
        classes: NDArray[np.int64],
        head: Any,
        temperature: float,
        gate: Any,
    ) -> None:
        self.labels = tuple(labels)
        self._examples = examples
        self._classes = classes
        self._head = head
        self._temperature = temperature
        self._gate = gate

    @classmethod
    def fit(cls, embeddings: Array, labels: Sequence[str], around: Array, outside: Array | None = None) -> IntentModel:
        """Fits a head to examples. All embeddings are ``[N, 384]`` of unit length.

        Args:
            embeddings: of the examples; at least one.
            labels: what they belong to.
            around: of a background of texts that belong to none of them, but for what is too near to an example.
            outside: of texts that are known to belong to no label, however near.
        """
        names = sorted(set(labels))
        classes = np.array([names.index(label) for label in labels])
        around = around[(around @ embeddings.T).max(1) < _TOO_NEAR]
        beyond = around if outside is None else np.concatenate((outside, around))
        head = _fit_head(embeddings, classes, len(names))
        left_out = _left_out(embeddings, classes, len(names))
        temperature = _temperature(left_out, classes)
        inside = _features(embeddings, classes, embeddings, _softened(left_out, temperature), leave_out=True)
        probabilities = _softened(_logits(head, beyond, len(names)), temperature)
        beside = _features(embeddings, classes, beyond, probabilities, leave_out=False)
        gate = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000)
        gate.fit(np.concatenate((inside, beside)), np.repeat((1, 0), (len(inside), len(beside))))
        return cls(names, embeddings, classes, head, temperature, gate)

    def predict(self, embeddings: Array, longer: Longer | None = None) -> list[Prediction]:
        """What texts of these embeddings, ``[N, 384]`` of unit length, belong to.

        Args:
            longer: a longer fit, which is asked for those of which this one is not sure.
        """
        if not len(embeddings):
            return []
        inside, probabilities = self.probabilities(embeddings, longer)
        predictions = []
        for belongs, row in zip(inside.tolist(), probabilities, strict=True):
            best = np.argsort(-row, kind="stable")[:RANKED]
            ranking = tuple((self.labels[at], float(row[at]) * belongs) for at in best)
            if belongs >= 0.5:
                predictions.append(Prediction(ranking[0][0], ranking[0][1], ranking))
            else:
                predictions.append(Prediction(None, 1 - belongs, ranking))
        return predictions

    def probabilities(
        self, embeddings: Array, longer: Longer | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities ``[N]`` that a text belongs to any label, and ``[N, labels]`` of each if it does.

        Args:
            longer: see ``predict``.
        """
        if not len(embeddings):
            return np.zeros(0), np.zeros((0, len(self.labels)))
        logits = _logits(self._head, embeddings, len(self.labels))
        probabilities = _softened(logits, self._temperature)
        features = _features(self._examples, self._classes, embeddings, probabilities, leave_out=False)
        inside = self._gate.predict_proba(features)[:, 1]
        if longer is not None:
            unsure = np.flatnonzero(probabilities.max(1) < _SURE)
            if len(unsure):
                both = longer(unsure.tolist()) + _QUICK * log_softmax(logits[unsure], axis=1)
                probabilities[unsure] = _softened(both, _TUNED_TEMPERATURE)
        return inside, probabilities


def _fit_head(embeddings: Array, classes: NDArray[np.int64], count: int) -> Any:
    if count == 1:
        return None
    return LogisticRegression(C=_STRENGTH, max_iter=300).fit(embeddings, classes)


def _logits(head: Any, embeddings: Array, count: int) -> NDArray[np.float64]:
    """``[N, count]``; of a class that the head never saw, far below the others."""
    if head is None:
        return np.zeros((len(embeddings), count))
    scores = head.decision_function(embeddings)
    if scores.ndim == 1:
        scores = np.stack((-scores / 2, scores / 2), axis=1)
    logits = np.full((len(embeddings), count), -20.0)
    logits[:, head.classes_] = scores
    return logits


def _left_out(embeddings: Array, classes: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Logits of each example by a head that was fitted without it and its fold."""
    sizes = np.bincount(classes, minlength=count)
    folds = int(min(_FOLDS, sizes.max()))
    logits = np.zeros((len(embeddings), count))
    if count == 1 or folds < 2:
        return logits
    # Labels with fewer examples than folds are there in some folds only, which is well.
    order = np.argsort(classes, kind="stable")
    fold = np.empty(len(classes), int)
    fold[order] = np.arange(len(classes)) % folds
    for number in range(folds):
        held = fold == number
        if len(np.unique(classes[~held])) > 1:
            logits[held] = _logits(_fit_head(embeddings[~held], classes[~held], count), embeddings[held], count)
    return logits


def _softened(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    scaled = logits / temperature
    scaled = np.exp(scaled - scaled.max(1, keepdims=True))
    softened: NDArray[np.float64] = scaled / scaled.sum(1, keepdims=True)
    return softened


def _temperature(logits: NDArray[np.float64], classes: NDArray[np.int64]) -> float:
    """The one of ``_TEMPERATURES`` under which the true labels are likeliest."""
    rows = np.arange(len(classes))
    losses = [-np.log(_softened(logits, one)[rows, classes] + 1e-9).mean() for one in _TEMPERATURES]
    return _TEMPERATURES[int(np.argmin(losses))]


def _features(
    examples: Array,
    classes: NDArray[np.int64],
    embeddings: Array,
    probabilities: NDArray[np.float64],
    *,
    leave_out: bool,
) -> NDArray[np.float64]:
    """``[N, 4]``: cosine to the nearest example, mean of the three nearest, of the likeliest label's nearest, and the
    probability of that label. With ``leave_out`` the embeddings are the examples, and none is near to itself."""
    best = probabilities.argmax(1)
    sure = probabilities.max(1)
    found = np.empty((len(embeddings), 4))
    for start in range(0, len(embeddings), _ROWS):
        rows = slice(start, start + _ROWS)
        near = embeddings[rows] @ examples.T
        if leave_out:
            near[np.arange(len(near)), np.arange(start, start + len(near))] = -1.0
        top = -np.partition(-near, min(_NEIGHBOURS, near.shape[1]) - 1, axis=1)[:, :_NEIGHBOURS]
        own = np.where(classes[None, :] == best[rows, None], near, -1.0).max(1)
        nearest = (top.max(1), np.maximum(top, 0).mean(1), np.maximum(own, 0), sure[rows])
        found[rows] = np.stack(nearest, axis=1)
    return found

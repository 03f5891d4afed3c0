"""A trained classifier in the place of an app's phrases."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.intent.model import RANKED, Prediction
from models.text.classifier import TextClassifier

log = logging.getLogger("genlock.language")


class ClassifierIntents:
    """Tells actions apart by a classifier's labels. See ``models.intent.model.Intents``.

    Args:
        labels: which label means which action; the others mean none.

    Raises:
        ValueError: none of the classifier's labels means an action.
    """

    fitted: Hashable = None
    """See ``Intents``; never anything else."""

    def __init__(self, classifier: TextClassifier, labels: Mapping[str, str]) -> None:
        self._classifier = classifier
        self._actions = tuple(labels.get(label, "") for label in classifier.labels)
        if not any(self._actions):
            known = ", ".join(classifier.labels[:8])
            raise ValueError(f"no action has a label of the classifier, which knows {known}, ...; list them in labels")

    @classmethod
    def load(cls, path: Path, labels: Mapping[str, str]) -> ClassifierIntents:
        """The same from a file. Labels that it lacks are logged, but for the names of actions, which nobody listed.

        Raises:
            OSError, ValueError: as ``TextClassifier.load`` does.
        """
        classifier = TextClassifier.load(path)
        for label, action in labels.items():
            if label in (*classifier.labels, action):
                continue
            near = difflib.get_close_matches(label, classifier.labels, 1)
            hint = f"did you mean {near[0]!r}?" if near else "nothing that is said comes to it"
            log.warning("%s: has no label %r, which is to mean %r; %s", path, label, action, hint)
        return cls(classifier, labels)

    def predict_texts(self, texts: Sequence[str], embeddings: NDArray[np.float32]) -> list[Prediction]:
        """See ``Intents``. A text without a word that the classifier was fitted to means none, whatever it guesses."""
        del embeddings
        predictions = []
        for text, row in zip(texts, self._classifier.probabilities(texts).tolist(), strict=True):
            sums: dict[str, float] = {}
            for action, probability in zip(self._actions, row, strict=True):
                sums[action] = sums.get(action, 0.0) + probability
            known = self._classifier.knows(text)
            none = sums.pop("", 0.0) if known else 1.0
            ranking = tuple(sorted(sums.items(), key=lambda item: -item[1])[:RANKED])
            if not known or none > ranking[0][1]:
                predictions.append(Prediction(None, none, ranking))
            else:
                predictions.append(Prediction(*ranking[0], ranking))
        return predictions

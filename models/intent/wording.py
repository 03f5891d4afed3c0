"""Which label a text belongs to by its very words, which sentence embeddings pass over: "a top up" or "a transfer"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import FeatureUnion

SCALE: Final = 8.0
"""By this a score of the ridge regression, which aims at 1 and -1, becomes a logit."""


class Wording:
    """A ridge regression on words, pairs of words and pieces of words of the examples, by how rare they are.

    Args:
        labels: of the texts; two different ones at least.
    """

    def __init__(self, texts: Sequence[str], labels: Sequence[str]) -> None:
        # One letter and signs are words too: else a text may have none, and examples of such alone could not be fitted.
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\w+|[^\w\s]+")
        pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        self._seen = FeatureUnion([("words", words), ("pieces", pieces)])
        self._head = RidgeClassifier(alpha=1.0).fit(self._seen.fit_transform(texts), labels)

    def likelihoods(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """``[N, labels]``: logarithms of the probabilities, in the order of the sorted labels."""
        scores = self._head.decision_function(self._seen.transform(texts))
        if scores.ndim == 1:
            scores = np.stack((-scores, scores), axis=1)
        likelihoods: NDArray[np.float64] = log_softmax(SCALE * scores, axis=1)
        return likelihoods

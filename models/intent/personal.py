"""What one user means by his words: a layer on an app's intents, from a few examples of that user's own.

Each text gives each meaning a score, added to the logarithm of what the app's intents say. The scores are a Gaussian
process: a text's are near those of texts like it, and they are zero, so that the app alone decides, for a text that is
like none. Texts are compared by words, pairs of words, letters, and their embeddings. Meanings are compared too: who
has said "rm" for removing red has told something of removing blue. Older examples weigh less, as private languages
drift. The scores of the examples are the mode of the posterior under a multinomial likelihood, found by Böhning's
bound on its curvature ("Multinomial logistic regression algorithm", Ann. Inst. Statist. Math. 44, 1992).
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.language.words import plain

Array = NDArray[np.float64]
Meaning = Mapping[str, Hashable]
"""What a text can mean, in parts by name, as ``{"action": "paint", "colour": "red"}``. What means nothing has none."""

MAX_EXAMPLES: Final = 256
"""Of a user's examples, as many are used."""

# How much alike two texts are: shares of words, pairs of words, words by their place, beginnings, letters, of what
# embeddings say, and of being the same. They add up to 1.
_SHARES: Final = {"words": 0.1, "pairs": 0.18, "places": 0.18, "beginnings": 0.18, "letters": 0.18}
_MEANT: Final = 0.1
_SAME: Final = 0.08
_MEANT_POWER: Final = 6
# The same of what the app says of them: who means one action where the app hears another will do so again.
_HEARD: Final = 0.45
# Variance of the scores, and how much of it is a meaning's own and not its parts'.
_VARIANCE: Final = 20.0
_OWN: Final = 0.05
# An example weighs so much less with each that follows, but never less than the second of these.
_FORGETTING: Final = 0.98
_KEPT: Final = 0.5
_FLOOR: Final = 0.1
_STEPS: Final = 12
# A text that is less like every example than the first is like none of them; from the second on it is like one.
_UNLIKE: Final = 0.15
_LIKE: Final = 0.35
# Beside the latest exact repeat, which has weight 1, what the scores say has this weight.
_DOUBT: Final = 0.1
# Of each kind of feature; two words in one of so many places would be the same word.
_WIDTH: Final = 1 << 14
_COLUMNS: Final = _WIDTH * len(_SHARES)
_PLACES: Final = 4
_APART: Final = 3
# Signs are words of some private languages; those that end a sentence depend on who wrote it down.
_TOKEN: Final = re.compile(r"\w+|[^\w\s.,;:!?\"'…]")


@dataclass(frozen=True)
class Text:
    """A text as it is compared.

    Attributes:
        key: the same for texts that say the same.
        columns, features: where its features are not zero, and what they are there. Their dot product is a share of how
            much alike two texts are.
        embedding: ``[384]`` of unit length.
    """

    key: str
    columns: NDArray[np.int32]
    features: NDArray[np.float32]
    embedding: NDArray[np.float32]


def compared(said: str, embedding: NDArray[np.float32]) -> Text:
    """Prepares a text.

    Args:
        said: what is compared of it. What any text may have, such as a stand-in for what it speaks of, is better left
            out.
    """
    key = " ".join(_TOKEN.findall(plain(said))) or said.strip()
    return Text(key, *_features(key), embedding)


class Personal:
    """What a user's examples make of an app's intents.

    Args:
        meanings: what a text can mean, C of them.
        examples: the latest last, N of them, at most ``MAX_EXAMPLES``.
        meant: which of ``meanings`` each example means.
        prior: ``[N, C]``, the probabilities of meanings of the examples according to the app.
    """

    def __init__(
        self, meanings: Sequence[Meaning], examples: Sequence[Text], meant: Sequence[int], prior: Array
    ) -> None:
        self._examples = examples
        self._meant = np.array(meant, dtype=int)
        self._features = _rows(self._examples)
        self._embeddings = np.array([one.embedding for one in self._examples])
        self._keys = np.array([one.key for one in self._examples])
        ages = np.arange(len(self._examples) - 1, -1, -1, dtype=np.float64)
        self._weights = np.maximum(_FORGETTING**ages, _KEPT)
        self._between = _between(meanings)
        self._named = np.array([bool(meaning) for meaning in meanings])
        self._heard = np.sqrt(prior[:, self._named])
        alike = np.stack([self._likeness(one) for one in self._examples]) + _HEARD * self._heard @ self._heard.T
        truth = np.eye(len(meanings))[self._meant]
        self._pull = _mode(alike, self._between, self._weights, truth, _logits(prior))

    def probabilities(self, forms: Sequence[Text], prior: Array) -> tuple[Array, int | None]:
        """The probabilities ``[C]`` of meanings, and which example is likest, if any is like the text at all.

        Args:
            forms: the text in one or more forms; for each example the one that is likest counts.
            prior: ``[C]``, the probabilities according to the app. They come back where no example is like the text.
        """
        alike = np.max([self._likeness(one) for one in forms], axis=0)
        # Of equals, the latest.
        nearest = len(alike) - 1 - int(alike[::-1].argmax())
        share = min(max((float(alike[nearest]) - _UNLIKE) / (_LIKE - _UNLIKE), 0.0), 1.0)
        if share == 0:
            return prior, None
        alike += _HEARD * self._heard @ np.sqrt(prior[self._named])
        scores = self._between @ (_VARIANCE * (alike @ self._pull))
        found = (1 - share) * prior + share * _softmax(_logits(prior) + scores)
        repeats = self._repeats(forms)
        if repeats.any():
            weights = np.where(repeats, self._weights, 0.0) / self._weights[repeats][-1]
            told = np.bincount(self._meant, weights, len(prior))
            found = (told + _DOUBT * found) / (told.sum() + _DOUBT)
        return found, nearest

    def knows(self, forms: Sequence[Text]) -> bool:
        """Whether an example says exactly this."""
        return bool(self._repeats(forms).any())

    def _repeats(self, forms: Sequence[Text]) -> NDArray[np.bool_]:
        return np.isin(self._keys, [one.key for one in forms])

    def _likeness(self, said: Text) -> Array:
        """``[N]``: 1 for the same text, 0 for one that has nothing in common with it."""
        features = np.zeros(_COLUMNS, np.float32)
        features[said.columns] = said.features
        meant = np.maximum(self._embeddings @ said.embedding, 0) ** _MEANT_POWER
        found: Array = self._features @ features + _MEANT * meant + _SAME * (self._keys == said.key)
        return found


def _mode(alike: Array, between: Array, weights: Array, truth: Array, prior: Array) -> Array:
    """``[N, C]``: by how much each example pulls the scores of the meanings. ``prior`` are logits."""
    strength, turn = np.linalg.eigh(between)
    root = np.sqrt(weights)[:, None]
    spread, basis = np.linalg.eigh(root * alike * root.T)
    shrink = 1 + 0.5 * _VARIANCE * np.maximum(spread, 0)[:, None] * np.maximum(strength, 0)
    scores = np.zeros_like(truth)
    pull = scores
    for _ in range(_STEPS):
        wanted = 0.5 * scores + truth - _softmax(prior + scores)
        pull = root * (basis @ ((basis.T @ (root * wanted) @ turn) / shrink)) @ turn.T
        scores = _VARIANCE * alike @ pull @ between
    return pull


def _between(meanings: Sequence[Meaning]) -> Array:
    """``[C, C]``: how much of what is told about one meaning holds for another."""
    found = _OWN * np.eye(len(meanings))
    for one, other in itertools.product(range(len(meanings)), repeat=2):
        if one == other and not meanings[one]:
            found[one, one] += 1
        for part, value in meanings[one].items():
            found[one, other] += part in meanings[other] and meanings[other][part] == value
    return found


@lru_cache(maxsize=1 << 13)
def _features(key: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    said = key.split()
    letters = f" {key} "
    groups = {
        "words": said,
        "pairs": [f"{one} {other}" for at, one in enumerate(said) for other in said[at + 1 : at + 1 + _APART]],
        "places": [f"{at} {word}" for at, word in enumerate(said[:_PLACES])],
        "beginnings": [" ".join(said[:size]) for size in range(1, min(len(said), _PLACES) + 1)],
        "letters": [letters[at : at + size] for size in (2, 3, 4) for at in range(len(letters) - size + 1)],
    }
    # One word has no pair; it is as like itself as any.
    whole = groups["pairs"] or said
    columns, values = [], []
    for at, (name, found) in enumerate(groups.items()):
        hashed, signs = _hashed(found or whole)
        columns.append(hashed + at * _WIDTH)
        values.append(_SHARES[name] ** 0.5 * signs)
    return np.concatenate(columns), np.concatenate(values)


def _hashed(found: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Which of some things are there, by hash, as a sparse vector of unit length (the hashing trick)."""
    signs: dict[int, int] = {}
    for one in set(found):
        number = zlib.crc32(one.encode())
        signs[number % _WIDTH] = signs.get(number % _WIDTH, 0) + 1 - 2 * (number >> 31)
    vector = np.array(list(signs.values()), np.float32)
    norm = float(np.linalg.norm(vector))
    return np.array(list(signs), np.int32), vector / norm if norm else vector


def _rows(texts: Sequence[Text]) -> csr_array:
    """``[N, _COLUMNS]``: the features of texts."""
    ends = np.cumsum([0, *(len(one.columns) for one in texts)])
    values = np.concatenate([one.features for one in texts])
    columns = np.concatenate([one.columns for one in texts])
    return csr_array((values, columns, ends), shape=(len(texts), _COLUMNS))


def _logits(probabilities: Array) -> Array:
    return np.asarray(np.log(probabilities + _FLOOR))


def _softmax(logits: Array) -> Array:
    scaled = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(scaled / scaled.sum(-1, keepdims=True))

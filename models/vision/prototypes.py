"""Things that were taught by a few pictures, and which of them a picture shows, if any.

Free of torch. Which thing is likest is told by ridge regression from embeddings to things: with a few pictures of each
it tells what things differ in from what only their backgrounds do, and comes out ahead of the nearest mean. Whether
that thing is meant at all is told by its prototype, the mean of its examples (Snell et al., "Prototypical Networks for
Few-shot Learning", NeurIPS 2017): how like the picture is to it, as a cosine, and how much liker than to the next. A
logistic regression on these two makes the probability; ``CARD.md`` tells where its constants come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

EXAMPLES: Final = (1, 16)
"""By how many pictures a thing is taught, at least and at most."""
NUMBERS: Final = 1280
"""Of an embedding."""

_RIDGE: Final = 0.1
_BIAS: Final = -5.1
_LIKENESS: Final = 7.07
_AHEAD: Final = 7.72
# About the likeness of pictures that have nothing to do with each other; the next one's where one thing was taught.
_UNRELATED: Final = 0.3
_KEPT: Final = np.dtype("<f2")


class Prototypes:
    """The things that somebody taught. Not to be changed once made.

    Attributes:
        names: of the things, each once.
        examples: of each thing by name, ``[n, 1280]`` float32 of unit length.
    """

    def __init__(self, examples: Mapping[str, Sequence[Floats] | Floats]) -> None:
        """From examples as ``Sight.examples`` makes them.

        Args:
            examples: of each thing by name, one to 16, each ``[1280]`` of unit length.

        Raises:
            ValueError: a thing has too few or too many examples, or one is no embedding.
        """
        self.names = tuple(examples)
        checked = {name: _checked(name, one) for name, one in examples.items()}
        if not self.names:
            return
        each = list(checked.values())
        means = np.stack([one.mean(0) for one in each])
        self._prototypes = means / np.linalg.norm(means, axis=1, keepdims=True)
        rows = np.concatenate(each)
        self._middle = rows.mean(0)
        rows = rows - self._middle
        belongs = np.repeat(np.eye(len(each), dtype=np.float32), [len(one) for one in each], axis=0) - 1 / len(each)
        self._weights = rows.T @ np.linalg.solve(rows @ rows.T + _RIDGE * np.eye(len(rows)), belongs)

    def scores(self, embeddings: Floats) -> NDArray[np.float64]:
        """Which things pictures show: the more, the more likely. At least one thing was taught.

        Args:
            embeddings: ``[N, 1280]`` of unit length.

        Returns:
            ``[N, things]``.
        """
        scores: NDArray[np.float64] = (embeddings - self._middle) @ self._weights
        return scores

    def match(self, embedding: Floats) -> tuple[str, float] | None:
        """The thing that a picture shows and how probable that is, or None if it more probably shows none of them.

        Args:
            embedding: ``[1280]`` of unit length.
        """
        if not self.names:
            return None
        name, likeness, ahead = self.evidence(embedding)
        probability = 1 / (1 + math.exp(-(_BIAS + _LIKENESS * likeness + _AHEAD * ahead)))
        return (name, probability) if probability >= 0.5 else None

    def evidence(self, embedding: Floats) -> tuple[str, float, float]:
        """What ``match`` decides by: the likest thing, the cosine to its prototype, and how far that is ahead of the
        next. At least one thing was taught."""
        likeness = self._prototypes @ embedding
        best = int(self.scores(embedding[None])[0].argmax())
        next_best = max(float(np.delete(likeness, best).max(initial=-1.0)), _UNRELATED)
        return self.names[best], float(likeness[best]), float(likeness[best]) - next_best


def packed(examples: Sequence[Floats] | Floats) -> bytes:
    """Examples of one thing as they are kept: 2560 bytes each, float16, little-endian."""
    return np.asarray(examples).astype(_KEPT).tobytes()


def unpacked(data: bytes) -> Floats:
    """``[n, 1280]`` float32 from what ``packed`` made.

    Raises:
        ValueError: it is of another length, or the numbers in it are no embeddings.
    """
    if len(data) % (NUMBERS * _KEPT.itemsize):
        raise ValueError(f"examples take {NUMBERS * _KEPT.itemsize} bytes each, and there are {len(data)}")
    found = np.frombuffer(data, _KEPT).reshape(-1, NUMBERS).astype(np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not np.isfinite(found).all() or not (lengths > 0).all():
        raise ValueError("the numbers of an example are finite, and not all 0")
    unit: Floats = found / lengths
    return unit


def _checked(name: str, examples: Sequence[Floats] | Floats) -> Floats:
    if not EXAMPLES[0] <= len(examples) <= EXAMPLES[1]:
        raise ValueError(f"{name}: a thing takes {EXAMPLES[0]} to {EXAMPLES[1]} pictures, not {len(examples)}")
    stacked = np.asarray(examples, np.float32)
    lengths = np.linalg.norm(stacked, axis=-1)
    if stacked.shape[1:] != (NUMBERS,) or not np.isfinite(stacked).all() or not np.allclose(lengths, 1, atol=1e-2):
        raise ValueError(f"{name}: an example has {NUMBERS} numbers and unit length")
    return stacked

"""Things that were taught by a few pictures, and which of them a picture shows, if any.

Free of torch. A thing's prototype is the mean of its examples (Snell et al., "Prototypical Networks for Few-shot
Learning", NeurIPS 2017), the likeness a cosine. Whether the likest thing is meant at all is decided by how like it is
and by how much liker than the next: a logistic regression on both, whose constants ``CARD.md`` tells the origin of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

EXAMPLES: Final = (1, 16)
"""By how many pictures a thing is taught, at least and at most."""

PROTOTYPE: Final = 1281
"""Numbers of a prototype: the mean of its examples, then how many they were."""

_BIAS: Final = 0.0
_LIKENESS: Final = 1.0
_AHEAD: Final = 1.0
_FEW: Final = 1.0
_UNRELATED: Final = 0.3
"""The likeness of pictures that have nothing to do with each other; the next one's where only one thing was taught."""


def prototype(examples: Sequence[Floats]) -> Floats:
    """What the pictures of one thing have in common.

    Args:
        examples: one to 16, each ``[1280]`` of unit length, as ``Sight.examples`` makes them.

    Returns:
        ``[PROTOTYPE]`` float32.

    Raises:
        ValueError: too few or too many examples, or one is no embedding.
    """
    if not EXAMPLES[0] <= len(examples) <= EXAMPLES[1]:
        raise ValueError(f"a thing takes {EXAMPLES[0]} to {EXAMPLES[1]} pictures, not {len(examples)}")
    stacked = np.stack(examples)
    if stacked.shape[1:] != (PROTOTYPE - 1,) or not np.isfinite(stacked).all():
        raise ValueError(f"an example has {PROTOTYPE - 1} numbers, all finite")
    return np.append(stacked.mean(0), len(examples)).astype(np.float32)


@dataclass(frozen=True)
class Prototypes:
    """The things that somebody taught.

    Attributes:
        names: of each, none twice.
        embeddings: ``[things, 1280]`` float32, each the mean of its examples.
        examples: ``[things]`` how many they were.
    """

    names: tuple[str, ...]
    embeddings: Floats
    examples: Floats

    @classmethod
    def stored(cls, prototypes: Mapping[str, Floats]) -> Prototypes:
        """From what ``prototype`` made.

        Raises:
            ValueError: one is no prototype.
        """
        for name, known in prototypes.items():
            if known.shape != (PROTOTYPE,) or not np.isfinite(known).all() or known[-1] < 1 or not known[:-1].any():
                raise ValueError(f"{name}: a prototype has {PROTOTYPE} numbers, all finite, of one example or more")
        rows = np.array(list(prototypes.values()), np.float32).reshape(-1, PROTOTYPE)
        return cls(tuple(prototypes), rows[:, :-1], rows[:, -1])

    @classmethod
    def of(cls, examples: Mapping[str, Sequence[Floats]]) -> Prototypes:
        """From examples of each thing. Raises as ``prototype`` does."""
        return cls.stored({name: prototype(one) for name, one in examples.items()})

    def on_top_of(self, below: Prototypes) -> Prototypes:
        """These and those of ``below`` whose names are not among them: the user's on top of the app's."""
        kept = [at for at, name in enumerate(below.names) if name not in self.names]
        return Prototypes(
            self.names + tuple(below.names[at] for at in kept),
            np.concatenate((self.embeddings, below.embeddings[kept])),
            np.concatenate((self.examples, below.examples[kept])),
        )

    def likeness(self, embeddings: Floats) -> Floats:
        """How like pictures are to things.

        Args:
            embeddings: ``[N, 1280]`` of unit length.

        Returns:
            ``[N, things]`` cosines.
        """
        directions = self.embeddings / np.linalg.norm(self.embeddings, axis=1, keepdims=True)
        likeness: Floats = embeddings @ directions.T
        return likeness

    def match(self, embedding: Floats) -> tuple[str, float] | None:
        """The thing that a picture shows and how probable that is, or None if it more probably shows none of them.

        Args:
            embedding: ``[1280]`` of unit length.
        """
        if not self.names:
            return None
        likeness = self.likeness(embedding[None])[0]
        best = int(likeness.argmax())
        probability = _probability(likeness, best, float(self.examples[best]))
        return (self.names[best], probability) if probability >= 0.5 else None


def _probability(likeness: Floats, best: int, examples: float) -> float:
    others = np.delete(likeness, best)
    ahead = likeness[best] - max(float(others.max(initial=-1.0)), _UNRELATED)
    score = _BIAS + _LIKENESS * float(likeness[best]) + _AHEAD * float(ahead) + _FEW / examples
    return float(1 / (1 + np.exp(-score)))

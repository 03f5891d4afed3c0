"""Things that were shown in a few pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Prototypes:
    """PLACEHOLDER."""

    def __init__(self, names: Sequence[str], embeddings: NDArray[np.float32]) -> None:
        self.names = tuple(names)
        self.embeddings = embeddings

    @classmethod
    def of(cls, examples: Mapping[str, Sequence[NDArray[np.float32]]]) -> Self:
        means = np.stack([np.mean(some, axis=0) for some in examples.values()])
        return cls(list(examples), (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32))

    def match(self, embedding: NDArray[np.float32]) -> tuple[str, float] | None:
        likeness = self.embeddings @ embedding
        best = int(likeness.argmax())
        return (self.names[best], float(likeness[best])) if likeness[best] > 0.5 else None

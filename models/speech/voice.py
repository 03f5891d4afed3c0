"""One user's voice, and whether it was they who spoke. Free of torch: the gateway keeps it.

Thresholds are where voices of the few people that there are data of part best (see the card); the more was heard of the
user, the nearer what they say is to their mean, and the higher the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = "resemblyzer 0.1.4"
"""Of what makes the embeddings: those of another are not to be compared with these."""
SIZE: Final = 256
MOST: Final = 50
"""Utterances after which the mean moves as if there had been no more: voices change."""

# By the number of utterances heard.
_THRESHOLDS: Final = ((1, 0.70), (2, 0.72), (4, 0.74))
_SLOPE: Final = 40.0


@dataclass(frozen=True)
class Voice:
    """A voice as heard so far.

    Attributes:
        mean: ``[256]`` float32, the mean of the embeddings of utterances; zeros of none.
        count: of how many.
    """

    mean: NDArray[np.float32]
    count: int

    @classmethod
    def none(cls) -> Voice:
        """Nothing was heard."""
        return cls(np.zeros(SIZE, np.float32), 0)

    def with_utterance(self, embedding: NDArray[np.float32]) -> Voice:
        """The voice with one more utterance, as ``models.speech.listening.Heard.voice`` has it.

        Raises:
            ValueError: that is no embedding: another shape, no numbers, or nothing at all.
        """
        one = _unit(embedding)
        count = min(self.count + 1, MOST)
        return Voice((self.mean + (one - self.mean) / np.float32(count)).astype(np.float32), count)

    def similarity(self, embedding: NDArray[np.float32]) -> float:
        """The cosine of the two, -1 to 1; 0 if nothing was heard of either.

        Raises:
            ValueError: as in ``with_utterance``, but for zeros.
        """
        if not np.any(embedding) or not np.any(self.mean):
            return 0.0
        return float(np.clip(_unit(embedding) @ _unit(self.mean), -1.0, 1.0))

    def is_user(self, embedding: NDArray[np.float32]) -> float:
        """How likely it is that they spoke, 0 to 1, if anybody is as likely to speak; 0.5 if nothing was heard yet."""
        if self.count == 0 or not np.any(embedding):
            return 0.5
        threshold = [value for count, value in _THRESHOLDS if count <= self.count][-1]
        return float(1 / (1 + np.exp(-_SLOPE * (self.similarity(embedding) - threshold))))

    def packed(self) -> dict[str, Any]:
        """The voice in plain data."""
        return {"mean": self.mean.astype("<f4").tobytes(), "count": self.count}

    @classmethod
    def unpacked(cls, data: dict[str, Any]) -> Voice:
        """What ``packed`` gave.

        Raises:
            ValueError: it is none.
        """
        try:
            mean, count = np.frombuffer(data["mean"], "<f4"), int(data["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no voice: {error}") from error
        # Of numbers that are finite but too large or too small, the length is not, or is nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            length = np.linalg.norm(mean)
        usable = bool(np.isfinite(length)) and bool(length > 0 or not np.any(mean))
        if mean.shape != (SIZE,) or not usable or not 0 <= count <= MOST:
            raise ValueError(f"this is no voice: {mean.shape[0]} numbers, {count} utterances")
        return cls(mean.astype(np.float32), count)


def _unit(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(embedding))
    if embedding.shape != (SIZE,) or not np.isfinite(length) or length == 0:
        raise ValueError(f"an embedding has {SIZE} numbers, not all of them 0")
    return embedding / np.float32(length)

"""What turns the sound of an utterance into words: the interface that recognizers have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.speech.vocabulary import Vocabulary

RATE: Final = 16000
"""Samples a second of all audio."""

MISSING: Final = "speech is not installed; in Genlock's checkout: pip install '.[speech]'"

Audio = NDArray[np.float32]
"""``[S]``, mono, -1 to 1, ``RATE`` samples a second."""


@dataclass(frozen=True)
class SpokenWord:
    """A word, and when it was said: seconds from the beginning of the audio."""

    text: str
    begin: float
    end: float
    probability: float


@dataclass(frozen=True)
class Transcript:
    """What was said.

    Attributes:
        text: with case and punctuation as the recognizer writes them; empty if there was no speech.
        words: of ``text``, in their order.
    """

    text: str
    words: tuple[SpokenWord, ...] = ()


class Recognizer(Protocol):
    """Hears words. A result depends on nothing but the arguments of the call."""

    @property
    def version(self) -> str:
        """Tells it from others."""

    def quick(self, audio: Audio) -> str:
        """The words of an utterance that goes on, as fast as they can be had."""

    def careful(self, audio: Audio, expected: Vocabulary) -> Transcript:
        """The words of a whole utterance.

        Args:
            expected: what is likely to be said.
        """

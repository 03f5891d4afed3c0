"""Where utterances begin and end, from how likely there is speech in each chunk of sound."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.speech.activity import CHUNK
from models.speech.recognition import RATE

BEFORE: Final = 8 * CHUNK
"""Samples before speech was noticed that belong to an utterance: quiet beginnings."""
PAUSE: Final = 6 * CHUNK
"""Samples of silence after which an utterance may be over. They belong to it."""
SILENCE: Final = RATE // 2
"""Samples of silence after which it is, if nothing else is wanted."""
LONGEST: Final = 15 * RATE
"""Samples after which an utterance is cut."""

_SPEECH: Final = 0.5
_NO_SPEECH: Final = 0.35
# Clicks and knocks are shorter than any word.
_LEAST: Final = 3
# Others who talk in the background are speech as well. What has been no louder than the quietest moment of late, by
# about this ratio of powers, and much less loud than the utterance, is they.
_WINDOW: Final = 16
_LATELY: Final = 6 * RATE // CHUNK
_BACKGROUND: Final = 10**0.5
_MUCH_LESS: Final = 10**-1.5
_CUT_WITHIN: Final = 5 * RATE
_AROUND: Final = 2


@dataclass(frozen=True)
class Utterance:
    """Samples ``begin`` to before ``end`` of a stream; there is speech from ``speech_begin`` to ``speech_end``."""

    begin: int
    end: int
    speech_begin: int
    speech_end: int


class Endpointer:
    """Follows one stream.

    Args:
        at: the sample with which it begins.
        silence: samples of silence after which an utterance is over.

    Attributes:
        at: the next sample that is to be seen.
    """

    def __init__(self, at: int = 0, silence: int = SILENCE) -> None:
        self.at = at
        self._silence = silence
        self._earliest = at
        self._begin = -1
        self._speech_begin = 0
        self._speech_end = 0
        self._voiced: list[bool] = []
        self._loudness: list[float] = []
        self._window: deque[float] = deque(maxlen=_WINDOW)
        self._powers: deque[float] = deque(maxlen=_LATELY)
        self._loudest = 0.0

    @property
    def begin(self) -> int | None:
        """The first sample of the utterance that goes on, if one does."""
        return self._begin if self._begin >= 0 else None

    @property
    def needed(self) -> int:
        """The first sample that an utterance may still have."""
        return self._begin if self._begin >= 0 else max(self.at - BEFORE, self._earliest)

    @property
    def quiet(self) -> int:
        """For how many samples nobody has spoken in the utterance that goes on."""
        return self.at - self._speech_end if self._begin >= 0 else 0

    @property
    def spoken(self) -> bool:
        """Whether the utterance that goes on has enough speech for a word."""
        return sum(self._voiced) >= _LEAST

    @property
    def so_far(self) -> Utterance:
        """The utterance that goes on, as if it were over."""
        return Utterance(self._begin, min(self._speech_end + PAUSE, self.at), self._speech_begin, self._speech_end)

    def step(self, probability: float, loudness: float) -> Utterance | None:
        """One more chunk.

        Args:
            probability: that there is speech in it.
            loudness: the root of the chunk's mean power. By it those who talk in the background are told, and too long
                an utterance is cut where it is least.

        Returns:
            An utterance that is over with this chunk, if one is.
        """
        quiet = self.quiet
        self.at += CHUNK
        background = self._is_background(loudness)
        if self._begin < 0:
            if probability < _SPEECH:
                return None
            self._speech_begin = self.at - CHUNK
            self._begin = max(self._speech_begin - BEFORE, self._earliest)
            self._speech_end = self.at
            self._voiced, self._loudness = [True], [loudness]
            self._loudest = 0.0
            return None
        # In between it stays what it was.
        voiced = probability >= _SPEECH or (probability >= _NO_SPEECH and quiet == 0)
        if voiced and not background:
            self._speech_end = self.at
        self._voiced.append(voiced and not background)
        self._loudness.append(loudness)
        if self.quiet >= self._silence:
            return self.finish()
        if self.at - self._speech_begin >= LONGEST:
            return self._halved()
        return None

    def finish(self) -> Utterance | None:
        """Ends what goes on."""
        over = self.so_far if self._begin >= 0 and self.spoken else None
        if self._begin >= 0:
            self._earliest = self.so_far.end
        self._begin = -1
        return over

    def _is_background(self, loudness: float) -> bool:
        self._window.append(loudness**2)
        if len(self._window) < _WINDOW:
            return False
        power = sum(self._window) / _WINDOW
        self._powers.append(power)
        self._loudest = max(self._loudest, power)
        return power < _BACKGROUND * min(self._powers) and power < _MUCH_LESS * self._loudest

    def _halved(self) -> Utterance:
        """Ends the utterance where it is quietest, late in it, and goes on with another one from there."""
        loudness = np.convolve(np.pad(self._loudness, _AROUND, mode="edge"), np.ones(2 * _AROUND + 1), "valid")
        first = len(loudness) - _CUT_WITHIN // CHUNK
        chunk = first + int(np.argmin(loudness[first:]))
        cut = self._speech_begin + chunk * CHUNK
        over = Utterance(self._begin, cut, self._speech_begin, cut)
        self._begin = self._speech_begin = self._earliest = cut
        self._voiced, self._loudness = self._voiced[chunk:], self._loudness[chunk:]
        self._speech_end = max(self._speech_end, cut)
        return over

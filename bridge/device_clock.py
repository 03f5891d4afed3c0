"""What the times of a device's clock are held to, where more than one message says them."""

from __future__ import annotations

from time import monotonic
from typing import Final

from bridge.event_path.hearing import RATE
from bridge.protocol import Audio, Error, ErrorCode, Refused

MAX_AHEAD_S: Final = 10.0
"""How much faster than ours a device's clock may have run since the last message that told it."""

MAX_BEHIND_US: Final = 1_000_000
"""How much earlier sound may be than the end of the sound before it: it is stamped late, or comes again."""

SET_BACK_US: Final = 10_000_000
"""What is earlier by more is of a clock that was set. Much more than ``models.speech.track`` takes for a repetition, so
that it thinks the same of whatever is taken."""


class SoundTimes:
    """The times of one microphone's sound. They grow about as its samples do."""

    def __init__(self) -> None:
        self._reached_us = -1
        self._came = 0.0

    def take(self, audio: Audio) -> None:
        """Takes the time of some samples; where there are none it does not matter.

        Raises:
            Refused: it cannot be theirs; all is as if they had not come.
        """
        if not audio.pcm:
            return
        now = monotonic()
        long_us = len(audio.pcm) // 2 * 1_000_000 // RATE
        late_us = audio.time - self._reached_us
        if self._reached_us < 0 or late_us < -SET_BACK_US:
            self._reached_us = audio.time + long_us
        elif late_us < -MAX_BEHIND_US:
            raise _refused(f"{audio.time} is {-late_us * 1e-6:.1f} s before the end of the sound that came before")
        elif late_us * 1e-6 > now - self._came + MAX_AHEAD_S:
            raise _refused(
                f"{audio.time} is {late_us * 1e-6:.1f} s after the sound that came before, but only"
                f" {now - self._came:.1f} s have passed"
            )
        else:
            # Of times that stand still while samples come, more and more is missing.
            self._reached_us = max(audio.time + long_us, self._reached_us + long_us * 9 // 10)
        self._came = now


def _refused(text: str) -> Refused:
    text = f"audio.time: {text}; it is that of the first sample, microseconds of one monotonic clock"
    return Refused(Error(ErrorCode.TIME, text, "audio", "time"))

"""What the times of a device's clock are held to, where more than one message says them."""

from __future__ import annotations

from time import monotonic
from typing import Final

from bridge.event_path.hearing import length_us
from bridge.protocol import Audio, Error, ErrorCode, Refused

MAX_AHEAD_S: Final = 10.0
"""How much faster than ours a device's clock may have run since the last message that told it."""

MAX_BEHIND_US: Final = 1_000_000
"""How much earlier sound may be than the end of the sound before it: it is stamped late, or comes again."""

SET_BACK_US: Final = 10_000_000
"""What is earlier by more is of a clock that was set. Much more than ``models.speech.track`` takes for a repetition, so
that it thinks the same of whatever is taken."""


SET_AHEAD_US: Final = 1_000_000
"""So much sound that is too late, but whose times grow as its own samples do, is of a clock that was set."""

_SET_WITHIN_US: Final = 500_000
"""How far those times may be from what its samples say, or this daemon's clock: there are pauses between sentences."""


class SoundTimes:
    """The times of one microphone's sound. They grow about as its samples do."""

    def __init__(self) -> None:
        self._reached_us = -1
        self._came = 0.0
        # When the sound began that is too late and goes on, and how much of it came.
        self._late_from_us = 0
        self._late_since = 0.0
        self._late_us = 0

    def take(self, audio: Audio) -> None:
        """Takes the time of some samples; where there are none it does not matter.

        Raises:
            Refused: it cannot be theirs; all is as if they had not come, unless enough of such sound follows.
        """
        if not audio.pcm:
            return
        now = monotonic()
        long_us = length_us(audio.pcm)
        late_us = audio.time - self._reached_us
        if self._reached_us < 0 or late_us < -SET_BACK_US:
            self._reached_us = audio.time + long_us
        elif late_us < -MAX_BEHIND_US:
            raise _refused(f"{audio.time} is {-late_us * 1e-6:.1f} s before the end of the sound that came before")
        elif late_us * 1e-6 > now - self._came + MAX_AHEAD_S and not self._goes_on(audio.time, long_us, now):
            raise _refused(
                f"{audio.time} is {late_us * 1e-6:.1f} s after the sound that came before, but only"
                f" {now - self._came:.1f} s have passed"
            )
        else:
            # Of times that stand still while samples come, more and more is missing.
            self._reached_us = max(audio.time + long_us, self._reached_us + long_us * 9 // 10)
        self._came = now

    def _goes_on(self, time_us: int, long_us: int, now: float) -> bool:
        """Whether what is too late has gone on for so long, before this, that the clock was set."""
        since_us = time_us - self._late_from_us
        off_us = min(abs(since_us - self._late_us), abs(since_us - (now - self._late_since) * 1e6))
        if off_us > _SET_WITHIN_US:
            self._late_from_us, self._late_since, self._late_us = time_us, now, 0
        went_on = self._late_us >= SET_AHEAD_US
        self._late_us += long_us
        return went_on


def _refused(text: str) -> Refused:
    text = f"audio.time: {text}; it is that of the first sample, microseconds of one monotonic clock"
    return Refused(Error(ErrorCode.TIME, text, "audio", "time"))

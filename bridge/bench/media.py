"""What sessions of a load send beside their frames: speech without a pause, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from bridge.headset.sound import QUIET_S, RATE, Clip
from bridge.protocol import Actions, Audio, Image, Message, Notice, Transcript

PICTURES_A_SECOND: Final = 10.0

_CHUNK_S: Final = 0.02
_SLACK_S: Final = 0.4


@dataclass(frozen=True)
class Speech:
    """Lines one after the other, to be said in a circle.

    Attributes:
        pcm: ``[n]`` int16 at 16 kHz.
        begins, ends: when the speech in each line begins and ends, seconds.
    """

    pcm: NDArray[np.int16]
    begins: NDArray[np.float64]
    ends: NDArray[np.float64]

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> Self:
        """Lines with their quiet ends."""
        lengths = np.array([len(clip.pcm) / (2 * RATE) for clip in clips])
        begins = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        pcm = np.frombuffer(b"".join(clip.pcm for clip in clips), dtype="<i2")
        return cls(pcm, begins, begins + np.array([clip.speech_s for clip in clips]))

    def save(self, path: Path) -> None:
        """Writes a file for ``load``."""
        np.savez(path, pcm=self.pcm, begins=self.begins, ends=self.ends)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what ``save`` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["pcm"], arrays["begins"], arrays["ends"])

    @property
    def length_s(self) -> float:
        """Of a round."""
        return len(self.pcm) / RATE


@dataclass
class MediaFigures:
    """What came of it.

    Attributes:
        finals, partials: transcripts.
        busy: notices that something was dropped.
        sights: actions of what came into sight.
        errors: everything else that is no answer to a frame.
        latency_s: from the end of each line to its action, or to the notice that there is none.
    """

    finals: int = 0
    partials: int = 0
    busy: int = 0
    sights: int = 0
    errors: int = 0
    latency_s: list[float] = field(default_factory=list)


class Microphone:
    """Somebody who says one line after the other. Each begins elsewhere in the circle.

    Args:
        number: whose microphone this is.
    """

    def __init__(self, speech: Speech, number: int) -> None:
        self._speech = speech
        self._first = int(speech.begins[(3 * number) % len(speech.begins)] * RATE)
        self._sent = 0
        self._ended: dict[str, float] = {}

    def message(self, seconds: float) -> Audio | None:
        """The next piece, if one is due so many seconds after the start."""
        due = int(seconds * RATE)
        if due - self._sent < _CHUNK_S * RATE:
            return None
        at = (self._first + self._sent + np.arange(due - self._sent)) % len(self._speech.pcm)
        time_us = self._sent * 1_000_000 // RATE
        self._sent = due
        return Audio(time_us, self._speech.pcm[at].tobytes())

    def heard(self, message: Message, now: float, figures: MediaFigures) -> None:
        """Counts what came back."""
        if isinstance(message, Transcript):
            figures.finals += message.final
            figures.partials += not message.final
            end = self._end(message.time / 1e6)
            if message.final and end is not None:
                self._ended[message.id] = end
        elif isinstance(message, Notice) and message.code == "busy":
            figures.busy += 1
        elif isinstance(message, Notice | Actions):
            ids = [message.id] if isinstance(message, Notice) else [action.id for action in message.a]
            for identifier in ids:
                ended = self._ended.pop(identifier, None)
                if ended is not None:
                    figures.latency_s.append(now - ended)
        else:
            figures.errors += 1

    def _end(self, begin_s: float) -> float | None:
        """When the line ends that begins about then, on the load's clock."""
        speech = self._speech
        place = (self._first / RATE + begin_s + _SLACK_S) % speech.length_s
        line = int(np.searchsorted(speech.begins, place, side="right")) - 1
        left = speech.ends[line] - place + _SLACK_S
        return begin_s + left if left > -QUIET_S else None


class Camera:
    """Somebody who shows pictures in turn."""

    def __init__(self, pictures: Sequence[bytes], number: int) -> None:
        self._pictures = pictures
        self._sent = number
        self._next = number / (PICTURES_A_SECOND * 7)

    def message(self, seconds: float) -> Image | None:
        """The next picture, if one is due so many seconds after the start."""
        if seconds < self._next:
            return None
        self._next += 1 / PICTURES_A_SECOND
        self._sent += 1
        data = self._pictures[self._sent % len(self._pictures)]
        return Image(round(seconds * 1e6), "jpeg", *jpeg_size(data), data)

    def heard(self, message: Message, now: float, figures: MediaFigures) -> None:
        """Counts what came back."""
        del now
        if isinstance(message, Actions):
            figures.sights += sum(action.source == "image" for action in message.a)
        elif isinstance(message, Notice) and message.code == "busy":
            figures.busy += 1
        else:
            figures.errors += 1


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height as a JPEG file says them in its frame header (ITU-T T.81, B.2.2).

    Raises:
        ValueError: there is none.
    """
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + size
    raise ValueError("no frame header: this is no JPEG file")

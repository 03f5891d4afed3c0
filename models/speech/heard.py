"""What is heard, in plain data that can travel between processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A word, when it began and ended in microseconds of the device's clock, and how sure the recognizer is, 0 to 1."""

    text: str
    begin_us: int
    end_us: int
    probability: float


@dataclass(frozen=True)
class Heard:
    """What was heard of a stream so far.

    Attributes:
        stream: whose microphone it is.
        text: the words; empty with ``final`` where a sound was no speech, and empty without where nobody speaks.
        final: whether the words will not change any more.
        begin_us, end_us: when the speech began and ended, microseconds of the device's clock.
        words: of a final one, in the order of ``text``.
        voice: of a final one, the embedding of who spoke: little-endian float32 ``[256]`` of unit length; empty where
            the speech is too short to tell.
        done: how many more of the pieces of sound that were fed are needed no more, the oldest first.
        cut: of a final one, whether sound that belonged to it, or may have, is missing or was told before it.
    """

    stream: int
    text: str
    final: bool
    begin_us: int
    end_us: int
    words: tuple[Word, ...]
    voice: bytes
    done: int
    cut: bool = False

"""What the sessions of a benchmark send: real people's frames from recordings, or made-up ones where there are none."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.protocol import Frame, Refused, Scene, Target, decode_client
from bridge.recording.format import MESSAGE, Recording, RecordingError
from bridge.tracking import Part

TARGETS: Final = 10
PARTS: Final = Part.HEAD | Part.GAZE | Part.RIGHT_AIM | Part.RIGHT_BUTTONS

_FRAMES: Final = 2700
"""Of a recording, which is 30 s at 90 Hz: longer than a measurement."""


@dataclass(frozen=True)
class Track:
    """A scene, and a person's frames in it as bitmask and blob; played in a circle."""

    scene: Scene
    frames: Sequence[tuple[int, bytes]]


def tracks(recordings: Sequence[Path]) -> list[Track]:
    """One track a recording, or a made-up one if there are no recordings.

    Raises:
        RecordingError: a file is no recording, or has no scene or no frame in it.
    """
    return [_recorded(path) for path in recordings] or [made_up()]


def made_up() -> Track:
    """Somebody who looks and points along a row of targets 2 m ahead, over and over, for ten seconds."""
    targets = [
        Target(id=f"target {at}", position=(0.4 * (at - (TARGETS - 1) / 2), 1.2, -2.0), size=(0.2, 0.2, 0.2))
        for at in range(TARGETS)
    ]
    frames = []
    for at in range(900):
        angle = 0.7 * math.sin(2 * math.pi * at / 900)
        turn = (0.0, math.sin(angle / 2), 0.0, math.cos(angle / 2))
        head = (0.05 * math.sin(angle), 1.6, 0.0, *turn)
        hand = (0.2, 1.2 + 0.02 * math.cos(7 * angle), -0.4, *turn)
        buttons = (float(at % 90 < 9), *(0.0,) * 7)
        frames.append((int(PARTS), struct.pack("<29f", *head, *head, *hand, *buttons)))
    return Track(Scene("scene", targets), frames)


def _recorded(path: Path) -> Track:
    scene: Scene | None = None
    frames: list[tuple[int, bytes]] = []
    for entry in Recording(path).entries():
        if entry.kind != MESSAGE:
            continue
        try:
            message = decode_client(entry.payload)
        except Refused as refused:
            raise RecordingError(f"{path}: {refused}") from refused
        if isinstance(message, Scene) and scene is None:
            scene = message
        elif isinstance(message, Frame):
            frames.append((message.m, message.d))
            if len(frames) == _FRAMES:
                break
    if scene is None or not frames:
        raise RecordingError(f"{path}: there must be a scene and frames in it")
    return Track(scene, frames)

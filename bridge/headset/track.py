"""A recording made ready for replay: an even stream of frames, and what is known to be true of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge import tracking
from bridge.protocol import Frame, Refused, Scene, decode_client
from bridge.recording.format import MARK, Recording, RecordingError
from bridge.tracking import BLOB_BYTES, BUTTONS, POSE, WIDTH, Part

MAX_GAP_S: Final = 0.1
"""Samples further apart are not joined; no frame is sent between them."""

BASELINE_S: Final = 0.045
"""Over which the constant velocity is taken that forecasts are compared with."""

_TRUE_PHASES: Final = ("preview", "response", "confirm")


@dataclass(frozen=True)
class Track:
    """Frames at an even rate. ``N`` frames, of which frame ``k`` is due at ``time[k]``.

    Attributes:
        name: of the recording's file.
        hello: what the recording's session began with, as a map.
        scenes: its scenes, those before the first frame; the last one has the targets that ``target`` names.
        hz: frames a second.
        time: ``[N]`` float64 seconds from the beginning; even but where the recording has gaps.
        masks, blobs: what is sent.
        hand: ``[N, 3]`` float32 metres, the right hand's position, NaN where not tracked.
        target: ``[N]``, the id of the target that the person was asked for, empty when it was none at that time.
        phase: ``[N]``, what the person was doing, empty if it is not known.
    """

    name: str
    hello: dict[str, Any]
    scenes: tuple[Scene, ...]
    hz: float
    time: NDArray[np.float64]
    masks: list[int]
    blobs: list[bytes]
    hand: NDArray[np.float32]
    target: list[str]
    phase: list[str]

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def duration_s(self) -> float:
        return float(self.time[-1])

    @property
    def user(self) -> str:
        return str(self.hello.get("user", self.name))

    def selected(self, frame: int) -> str:
        """The target that the person selected at a frame; empty where none was."""
        began = self.phase[frame] == "confirm" and (frame == 0 or self.phase[frame - 1] != "confirm")
        return self.target[frame] if began else ""

    def truth(self, horizon_s: float) -> NDArray[np.float32]:
        """``[N, 3]``: where the right hand was that much later; NaN where that is not known."""
        return _at(self.time, self.hand, self.time + horizon_s)

    def constant_velocity(self, horizon_s: float) -> NDArray[np.float32]:
        """``[N, 3]``: where the right hand would be if it went on as over the last ``BASELINE_S``."""
        before = _at(self.time, self.hand, self.time - BASELINE_S)
        return (self.hand + (self.hand - before) * (horizon_s / BASELINE_S)).astype(np.float32)


def load_track(path: Path, hz: float) -> Track:
    """Reads a recording and resamples it: positions linearly, orientations along the chord, in gaps not at all.

    Raises:
        RecordingError: the file is no recording, or has fewer than two frames.
    """
    recording = Recording(path)
    scenes: list[Scene] = []
    frames: list[Frame] = []
    due: list[float] = []
    marks: list[tuple[float, dict[str, Any]]] = []
    for entry in recording.entries():
        if entry.kind == MARK:
            marks.append((entry.time_us / 1e6, entry.payload))
            continue
        try:
            message = decode_client(entry.payload)
        except Refused as refused:
            raise RecordingError(f"{path}: at {entry.time_us / 1e6:.3f} s: {refused}") from refused
        if isinstance(message, Frame):
            frames.append(message)
            due.append(entry.time_us / 1e6)
        elif isinstance(message, Scene) and not frames:
            scenes = [message] if message.replace else [*scenes, message]
    if len(frames) < 2:
        raise RecordingError(f"{path}: has {len(frames)} frames; a replay needs two or more")
    raw = np.zeros((len(frames), tracking.ROW), dtype=np.float32)
    masks = np.array([frame.m for frame in frames], dtype=np.int32)
    for row, frame in zip(raw, frames, strict=True):
        row[: len(frame.d) // 4] = np.frombuffer(frame.d, dtype="<f4")
    recorded = np.array(due)
    grid, left, share = _grid(recorded, hz)
    numbers = _between(raw, masks, left, share)
    kept = masks[np.where(share < 0.5, left, left + 1)]
    seen = tracking.unpack(kept, numbers)
    hand = np.where(seen.tracked[:, 3:], seen.right[:, :3], np.float32(np.nan)).astype(np.float32)
    targets, phases = _labels(grid, marks)
    return Track(
        name=path.stem,
        hello=recording.header.hello,
        scenes=tuple(scenes),
        hz=hz,
        time=grid - grid[0],
        masks=kept.tolist(),
        blobs=[row[: BLOB_BYTES[mask] // 4].tobytes() for row, mask in zip(numbers, kept.tolist(), strict=True)],
        hand=hand,
        target=targets,
        phase=phases,
    )


def without(mask: int, blob: bytes, lost: Part) -> tuple[int, bytes]:
    """A frame without some of its parts."""
    kept, at = [], 0
    for part, width in WIDTH.items():
        if mask & part:
            if not part & lost:
                kept.append(blob[at : at + 4 * width])
            at += 4 * width
    return mask & ~int(lost), b"".join(kept)


def _grid(
    recorded: NDArray[np.float64], hz: float
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Even times, the sample before each, and how far each is on the way to the next sample (0 to 1)."""
    grid = np.arange(recorded[0], recorded[-1], 1 / hz)
    left = np.clip(np.searchsorted(recorded, grid, side="right") - 1, 0, len(recorded) - 2)
    gap = recorded[left + 1] - recorded[left]
    joined = gap <= MAX_GAP_S
    share = (grid - recorded[left]) / np.maximum(gap, 1e-9)
    return grid[joined], left[joined], share[joined]


def _between(
    raw: NDArray[np.float32], masks: NDArray[np.int32], left: NDArray[np.intp], share: NDArray[np.float64]
) -> NDArray[np.float32]:
    nearest = raw[np.where(share < 0.5, left, left + 1)]
    alike = masks[left] == masks[left + 1]
    blended = nearest.copy()
    for mask in np.unique(masks[left[alike]]).tolist():
        rows = np.flatnonzero(alike & (masks[left] == mask))
        first, second = raw[left[rows]], raw[left[rows] + 1].copy()
        weight = share[rows, None].astype(np.float32)
        for at in _orientations(mask):
            q = second[:, at : at + 4]
            q *= np.where((first[:, at : at + 4] * q).sum(1, keepdims=True) < 0, -1, 1)
        mixed = first + weight * (second - first)
        for at in _orientations(mask):
            mixed[:, at : at + 4] /= np.linalg.norm(mixed[:, at : at + 4], axis=1, keepdims=True)
        for at in _buttons(mask):
            mixed[:, at : at + BUTTONS] = nearest[rows, at : at + BUTTONS]
        blended[rows] = mixed
    return blended


def _starts(mask: int) -> Iterator[tuple[Part, int]]:
    at = 0
    for part, width in WIDTH.items():
        if mask & part:
            yield part, at
            at += width


def _orientations(mask: int) -> list[int]:
    return [
        at + offset + 3
        for part, at in _starts(mask)
        if part not in (Part.LEFT_BUTTONS, Part.RIGHT_BUTTONS)
        for offset in range(0, WIDTH[part], POSE)
    ]


def _buttons(mask: int) -> list[int]:
    return [at for part, at in _starts(mask) if part in (Part.LEFT_BUTTONS, Part.RIGHT_BUTTONS)]


def _labels(grid: NDArray[np.float64], marks: list[tuple[float, dict[str, Any]]]) -> tuple[list[str], list[str]]:
    times = np.array([time for time, _ in marks])
    targets, phases = [], []
    for at in (np.searchsorted(times, grid, side="right") - 1).tolist():
        mark = marks[at][1] if at >= 0 else {}
        phase = str(mark.get("phase", ""))
        phases.append(phase)
        targets.append(str(mark.get("target", "")) if phase in _TRUE_PHASES else "")
    return targets, phases


def _at(time: NDArray[np.float64], values: NDArray[np.float32], when: NDArray[np.float64]) -> NDArray[np.float32]:
    """``values`` at other times, linearly between samples; NaN beyond the ends and in gaps."""
    left = np.clip(np.searchsorted(time, when, side="right") - 1, 0, len(time) - 2)
    gap = time[left + 1] - time[left]
    share = (when - time[left]) / np.maximum(gap, 1e-9)
    known = (share >= -1e-6) & (share <= 1 + 1e-6) & (gap <= MAX_GAP_S)
    found = values[left] + share[:, None] * (values[left + 1] - values[left])
    return np.where(known[:, None], found, np.nan).astype(np.float32)

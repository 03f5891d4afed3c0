"""Recordings of the format of vr_objects as the gesture model would have seen them, and what it spots in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from models import vr_objects
from models.frame_model import HEAD, RIGHT, FrameBatch
from models.gesture.shape import PALM
from models.gesture.spotter import Gesture
from models.gesture.taught import Floats
from models.vr_objects import Dataset

_MAX_GAP_S: Final = 0.2
_ROWS: Final = 256


@dataclass(frozen=True)
class Spotted:
    """A gesture that was spotted: in which piece, which one, by what device, and when.

    ``start`` and ``end`` are those that were reported and ``reported`` when, in seconds from the piece's first frame.
    """

    piece: int
    number: int
    device: int
    confidence: float
    start: float
    end: float
    reported: float


@dataclass(frozen=True)
class Piece:
    """A stretch of frames at an even rate: ``head``, ``left`` and ``right`` are ``[T, 7]`` poses, or nothing."""

    user: str
    head: NDArray[np.float32] | None
    left: NDArray[np.float32] | None
    right: NDArray[np.float32] | None

    def __len__(self) -> int:
        return max(len(poses) for poses in (self.head, self.left, self.right) if poses is not None)


def pieces(dataset: Dataset, users: Collection[str], rate_hz: float) -> list[Piece]:
    """The trials of some users that are there whole, split where frames are missing for more than 0.2 s."""
    found = []
    for trial in dataset.of(frozenset(users)):
        if not trial.whole:
            continue
        for part in vr_objects.unbroken(trial, _MAX_GAP_S, longer_than_s=1):
            even = vr_objects.resampled(part, rate_hz)
            found.append(Piece(trial.user, even.head, None, even.hand))
    return found


@torch.inference_mode()
def spot(
    model: Gesture,
    some: Sequence[Piece],
    rate_hz: float,
    adapters: dict[str, Floats] | None = None,
    stepped: Callable[[int], None] = lambda frames: None,
) -> list[Spotted]:
    """Replays pieces through the very step that is served, all with the same adapters, if any.

    Args:
        stepped: is told how many frames have been replayed.
    """
    found: list[Spotted] = []
    order = sorted(range(len(some)), key=lambda piece: len(some[piece]))
    for at in range(0, len(order), _ROWS):
        rows = order[at : at + _ROWS]
        found += _spot(model, [some[row] for row in rows], rows, rate_hz, adapters)
        stepped(sum(len(some[row]) for row in rows))
    return sorted(found, key=lambda one: (one.piece, one.reported))


def _spot(
    model: Gesture, some: list[Piece], names: list[int], rate_hz: float, adapters: dict[str, Floats] | None
) -> list[Spotted]:
    lengths = torch.tensor([len(piece) for piece in some])
    poses = torch.zeros(int(lengths.max()), len(some), 3, 7)
    poses[..., 6] = 1
    tracked = torch.zeros(len(some), 4, dtype=torch.bool)
    for row, piece in enumerate(some):
        for mover, column, recorded in ((0, HEAD, piece.head), (1, 2, piece.left), (2, RIGHT, piece.right)):
            if recorded is not None:
                poses[: len(recorded), row, mover] = torch.from_numpy(recorded)
                tracked[row, column] = True
    state = {name: torch.zeros(len(some), *shape) for name, shape in model.state.items()}
    known = {
        name: torch.from_numpy(adapters[name]).expand(len(some), *shape) if adapters else torch.zeros(len(some), *shape)
        for name, shape in model.adapters.items()
    }
    found = []
    for frame in range(len(poses)):
        on = frame < lengths
        batch = FrameBatch.blank(len(some))
        batch.head, batch.left, batch.right = poses[frame].unbind(1)
        batch.tracked = tracked & on.unsqueeze(1)
        batch.dt.fill_(1 / rate_hz if frame else 0.0)
        batch.fresh.fill_(frame == 0)
        outputs, state, _ = model.step(batch, state, known)
        told = outputs["gesture"]
        for row in (told[:, 0] * on).nonzero()[:, 0].tolist():
            number, device, confidence, start, end = told[row].tolist()
            now = frame / rate_hz
            found.append(Spotted(names[row], int(number), int(device), confidence, now - start, now - end, now))
    return found


@torch.inference_mode()
def spot_hands(
    model: Gesture, some: Sequence[Floats], rate_hz: float, adapters: dict[str, Floats], still: tuple[int, int]
) -> list[list[Spotted]]:
    """Replays recordings of a right hand through the step that is served; of each what is spotted.

    Args:
        some: ``[n, 183]`` each, as they are taught by, at an even rate.
        adapters: of the one user whose recordings they are.
        still: for how many frames the hand is held before and after, with some tremor and drift, since such recordings
            are cut where the gesture begins and ends.
    """
    rng = np.random.default_rng(0)
    before, after = still
    lengths = torch.tensor([before + len(recording) + after for recording in some])
    hands = np.zeros((int(lengths.max()), len(some), 26, 7), dtype=np.float32)
    for row, recording in enumerate(some):
        joints = recording[:, 1:].reshape(-1, 26, 7)
        end = before + len(joints)
        hands[:before, row], hands[before:end, row], hands[end:, row] = joints[0], joints, joints[-1]
        late = len(hands) - end
        drift = np.arange(late)[:, None, None] / rate_hz * rng.normal(0, 0.004, 3)
        hands[:before, row, :, :3] += rng.normal(0, 0.001, (before, 26, 3))
        hands[end:, row, :, :3] += rng.normal(0, 0.001, (late, 26, 3)) + drift
    poses = torch.from_numpy(hands)
    state = {name: torch.zeros(len(some), *shape) for name, shape in model.state.items()}
    known = {name: torch.from_numpy(value).expand(len(some), *value.shape) for name, value in adapters.items()}
    found: list[list[Spotted]] = [[] for _ in some]
    for frame, now in enumerate(poses):
        batch = FrameBatch.blank(len(some))
        batch.tracked[:, RIGHT] = True
        batch.jointed[:, 1] = True
        batch.hands = batch.right[:, None, None].repeat(1, 2, 26, 1)
        batch.hands[:, 1] = now
        batch.right = now[:, PALM]
        batch.dt.fill_(1 / rate_hz if frame else 0.0)
        batch.fresh.fill_(frame == 0)
        outputs, state, _ = model.step(batch, state, known)
        told = outputs["gesture"]
        for row in (told[:, 0] * (frame < lengths)).nonzero()[:, 0].tolist():
            number, device, confidence, start, end = told[row].tolist()
            at = (frame - before) / rate_hz
            found[row].append(Spotted(row, int(number), int(device), confidence, at - start, at - end, at))
    return found

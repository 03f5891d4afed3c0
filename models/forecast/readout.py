"""What is learned of one user: a small readout beside the shared one, fitted to where they really went.

Every twentieth of a second a frame is kept as a sample: what the network made of it, where the devices were and what
was forecast. Two samples later, about a tenth of a second, the truth is there, and the readout is corrected by
recursive least squares. Of how the forecast was wrong in the device's own frame,

    correction(h) = trust * rise(h) * weights^T x,    rise(h) = 2 s^2 / (1 + s^2),    s = h / 0.1,

where ``x`` are the directions of the network's inner units that its own readout hears best. The recursion is that of a
Kalman filter whose state drifts back to "nothing learned" (Särkkä, "Bayesian Filtering and Smoothing", 2013, chapter
3), so the covariance never exceeds the prior's and old habits fade. A sample counts less the further off the shared
forecast was, which makes the fit one of distances rather than of squares (iteratively reweighted least squares).

``trust``, by device and by position and rotation, is how far one should have followed the readout of late to have been
right, from nothing to all of the way: before each sample is learned from, it tests what was learned before.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.forecast.motion import DEVICES, Observer

DIRECTIONS: Final = 24
"""Numbers that the readout hears, the first of them constant."""

OUT: Final = DEVICES * 6
LEARNED: Final = (DIRECTIONS, DIRECTIONS + OUT)
"""Shape of what is learned: by how much the covariance shrank, as a share of the prior's, then the weights."""

TRUST: Final = (3, DEVICES * 2)
"""Shape: agreement and length of late corrections, and the trust that follows."""

_Array = NDArray[np.float32]

_EVERY_S: Final = 0.049
_UNIT_S: Final = 0.1
_POWERS: Final = 4
_CONSTANT: Final = 0.1

_POSES: Final = DEVICES
_COEFFICIENTS: Final = _POSES + 7 * DEVICES
_HEARD: Final = _COEFFICIENTS + DEVICES * _POWERS * 6
_SAMPLE: Final = _HEARD + DIRECTIONS
# The age of the newer sample in seconds, and by how much the other one is older.
_CLOCK, _GAP, _NEWER = 0, 1, 2
_OLDER: Final = _NEWER + _SAMPLE

SAMPLES: Final = _OLDER + _SAMPLE
"""Numbers of the two samples that wait for their truth."""

_PRIOR: Final = 1 / 0.6
_KEPT: Final = 1 - 1 / (18 * 600)
_TRUST_KEPT: Final = 1 - 1 / (18 * 10)
_TRUST_PRIOR: Final = 0.3
_USUAL: Final = (0.003, 0.003, 0.003, 0.013, 0.013, 0.013, 0.006, 0.006, 0.006, 0.045, 0.045, 0.045)
"""How wrong shared forecasts usually are after a tenth of a second: head and hand, metres and radians. The unit of all
that is learned."""

_FLOOR: Final = 0.2
_WILD: Final = 100.0
_MOST: Final = 20.0
_DIVERGED: Final = 1e4


class Readout:
    """The arithmetic of it, in few calls. Keeps nothing of anybody.

    ``out`` ``[COEFFICIENTS, READOUT]`` are the weights of the shared readout.

    Attributes:
        directions: ``[READOUT, DIRECTIONS]`` and
        constant: ``[DIRECTIONS]``: ``inner @ directions + constant`` is what the readout hears.
    """

    def __init__(self, out: Tensor, observer: Observer) -> None:
        device = out.device
        _, _, directions = torch.linalg.svd(out.double().cpu(), full_matrices=False)
        directions = directions[: DIRECTIONS - 1].t()
        # A direction's sign is arbitrary, but what was learned on one machine must mean the same on another.
        largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
        self.directions = nn.functional.pad(directions * largest.sign(), (1, 0)).float().to(device)
        self.constant = torch.zeros(DIRECTIONS, device=device)
        self.constant[0] = _CONSTANT
        self._usual = torch.tensor(_USUAL, device=device)
        self._per_usual = 1 / np.array(_USUAL, dtype=np.float32)
        self._to_left: _Array = observer.to_left.cpu().numpy()
        self._to_turn: _Array = observer.to_turn.cpu().numpy()

    def correction(self, heard: Tensor, horizons_s: Tensor, learned: Tensor, trust: Tensor) -> Tensor:
        """``[N, 2, K, 6]`` metres and rotation vectors, to be added to the shared displacement at ``[N, K]``."""
        told = torch.bmm(heard.unsqueeze(1), learned[:, :, DIRECTIONS:]).view(-1, DEVICES * 2, 3)
        told = (told * trust[:, 2].unsqueeze(2)).clamp(-_MOST, _MOST).view(-1, OUT) * self._usual
        return told.view(-1, DEVICES, 1, 6) * _rise(horizons_s / _UNIT_S)[:, None, :, None]

    def wait(self, dt: Tensor, learning: Tensor, samples: Tensor) -> Tensor:
        """The samples of ``learn`` after a frame that is neither truth nor sample."""
        later = samples.clone()
        later[:, _CLOCK].addcmul_(dt, learning)
        return later

    def learn(
        self, frame: Tensor, dt: Tensor, learning: Tensor, samples: Tensor, learned: Tensor, trust: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Takes a frame as the truth of an older sample, and perhaps as a new sample.

        Args:
            frame: ``[N, _SAMPLE]``: of head and hand 1 where it is tracked, their poses, the coefficients of the shared
                forecast's powers of ``s`` ``[2, 4, 6]``, the velocity among them, and what the readout hears.
            dt: ``[N]`` seconds.
            learning: ``[N]`` bool.
            samples: ``[N, SAMPLES]``. Zeros hold none.
            learned: ``[N, *LEARNED]``.
            trust: ``[N, *TRUST]``.

        Returns:
            the samples, zeros in rows that do not learn; and ``learned`` and ``trust``, or nothing if they stay.
        """
        samples = torch.where(learning.unsqueeze(1), samples, 0.0)
        clock = samples[:, _CLOCK].addcmul_(dt, learning)
        ripe = np.flatnonzero(clock.cpu().numpy() >= _EVERY_S)
        if not len(ripe):
            return samples, None
        due = torch.from_numpy(ripe).to(samples.device)

        def rows(of: Tensor) -> _Array:
            chosen: _Array = of.cpu().numpy()[ripe]
            return chosen

        def put(into: Tensor, values: _Array) -> Tensor:
            return into.index_copy(0, due, torch.from_numpy(values).to(into.device))

        now, before = rows(frame), rows(samples)
        older, age_s = before[:, _OLDER:], before[:, _CLOCK, None] + before[:, _GAP, None]
        # The few rows whose time has come are done with numpy, whose calls cost a quarter of torch's on small arrays.
        with np.errstate(all="ignore"):
            wrong, usable = self._wrong(older, age_s, now)
            found, trusted = _corrected(older[:, _HEARD:], wrong, usable, rows(learned), rows(trust))
        waiting = np.concatenate((np.zeros_like(age_s), before[:, :1], now, before[:, _NEWER:_OLDER]), axis=1)
        return put(samples, waiting), (put(learned, found), put(trust, trusted))

    def _wrong(self, sample: _Array, age_s: _Array, now: _Array) -> tuple[_Array, _Array]:
        """By how much the shared forecast was wrong, as if after 0.1 s, ``[M, 4, 3]``; and where that is known."""
        before = sample[:, _POSES:_COEFFICIENTS].reshape(-1, DEVICES, 7)
        poses = now[:, _POSES:_COEFFICIENTS].reshape(-1, DEVICES, 7)
        orientation = before[..., 3:]
        left = (orientation @ self._to_left).reshape(-1, DEVICES, 4, 4)
        products = (orientation[..., :, None] * orientation[..., None, :]).reshape(-1, DEVICES, 16)
        turn = (products @ self._to_turn).reshape(-1, DEVICES, 3, 3)
        moved = ((poses - before)[..., None, :3] @ turn)[..., 0, :]
        turned = (poses[..., None, 3:] @ left)[..., 0, :]
        # The first two terms of the logarithm's series: right to 1 % for turns of 80 degrees.
        vector = turned[..., :3] * (np.sign(turned[..., 3:]) * 2)
        vector += vector * (_squares(vector, vector)[..., None] / 24)
        s = age_s / _UNIT_S
        powers = np.concatenate((s, s**2, s**3, s**4), axis=1)
        coefficients = sample[:, _COEFFICIENTS:_HEARD].reshape(-1, DEVICES, _POWERS, 6)
        forecast = np.einsum("mp,mdpi->mdi", powers, coefficients)
        wrong = (np.concatenate((moved, vector), axis=2) - forecast).reshape(-1, OUT) * self._per_usual
        wrong = (wrong / np.maximum(2 * s**2 / (1 + s**2), 0.01)).reshape(-1, DEVICES * 2, 3)
        there = sample[:, :_POSES] * now[:, :_POSES] * (s < 2)
        usable = there.repeat(2, axis=1) * (np.abs(wrong).max(axis=2) < _WILD)
        return np.where(usable[..., None] > 0, wrong, np.float32(0)), usable


def _corrected(heard: _Array, wrong: _Array, usable: _Array, learned: _Array, trust: _Array) -> tuple[_Array, _Array]:
    size = np.sqrt(_squares(wrong, wrong))
    both = (heard[:, None, :] @ learned)[:, 0]
    told = both[:, DIRECTIONS:].reshape(-1, DEVICES * 2, 3)
    # Covariances as shares of the prior's.
    spread = heard - both[:, :DIRECTIONS]
    counted = usable.sum(axis=1, keepdims=True)
    noise = (size.sum(axis=1, keepdims=True) / np.maximum(counted, 1) + _FLOOR) / _PRIOR
    gain = spread * ((counted > 0) / (noise + np.maximum(_squares(heard, spread)[:, None], 0)))
    surprise = (wrong - told * usable[..., None]).reshape(-1, OUT)
    found = gain[:, :, None] * np.concatenate((spread, surprise), axis=1)[:, None, :]
    found += learned * _KEPT

    share = usable / (size + _FLOOR)
    agreed = trust[:, 0] * _TRUST_KEPT + _squares(wrong, told) * share
    length = trust[:, 1] * _TRUST_KEPT + _squares(told, told) * share
    trusted = np.stack((agreed, length, np.clip(agreed / (length + _TRUST_PRIOR), 0, 1)), axis=1)

    # What is not a number is not smaller either.
    sound = (np.abs(found).max(axis=(1, 2)) < _DIVERGED) & (np.abs(trusted).max(axis=(1, 2)) < _DIVERGED)
    if not sound.all():
        found[~sound] = 0
        trusted[~sound] = 0
    return found.astype(np.float32, copy=False), trusted.astype(np.float32, copy=False)


def _squares(a: _Array, b: _Array) -> _Array:
    """Sums of products over the last axis."""
    summed: _Array = np.einsum("...i,...i->...", a, b)
    return summed


def _rise(s: Tensor) -> Tensor:
    square = s * s
    return 2 * square / (1 + square)

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

import torch
from torch import Tensor, nn

from models.forecast.motion import DEVICES, Observer

DIRECTIONS: Final = 24
"""Numbers that the readout hears, the first of them constant."""

OUT: Final = DEVICES * 6
LEARNED: Final = (DIRECTIONS, DIRECTIONS + OUT)
"""Shape of what is learned: by how much the covariance shrank, as a share of the prior's, then the weights."""

TRUST: Final = (3, DEVICES * 2)
"""Shape: agreement and length of late corrections, and the trust that follows."""

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
        self._observer = observer
        self._powers = torch.arange(1.0, _POWERS + 1, device=device)
        self._usual = torch.tensor(_USUAL, device=device)
        self._per_usual = 1 / self._usual

    def correction(self, heard: Tensor, horizons_s: Tensor, learned: Tensor, trust: Tensor) -> Tensor:
        """``[N, 2, K, 6]`` metres and rotation vectors, to be added to the shared displacement at ``[N, K]``."""
        told = torch.bmm(heard.unsqueeze(1), learned[:, :, DIRECTIONS:]).view(-1, DEVICES * 2, 3)
        told = (told * trust[:, 2].unsqueeze(2)).clamp(-_MOST, _MOST).view(-1, OUT) * self._usual
        return told.view(-1, DEVICES, 1, 6) * _rise(horizons_s / _UNIT_S)[:, None, :, None]

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
        due = (clock >= _EVERY_S).nonzero().squeeze(1)
        if not len(due):
            return samples, None
        now = frame.index_select(0, due)
        before = samples.index_select(0, due)
        wrong, usable = self._wrong(before[:, _OLDER:], before[:, : _GAP + 1].sum(1, keepdim=True), now)
        new = torch.cat((before.new_zeros(len(due), 1), before[:, :1], now, before[:, _NEWER:_OLDER]), dim=1)
        found, trusted = self._corrected(
            before[:, _OLDER + _HEARD :], wrong, usable, learned.index_select(0, due), trust.index_select(0, due)
        )
        samples.index_copy_(0, due, new)
        return samples, (learned.index_copy(0, due, found), trust.index_copy(0, due, trusted))

    def _corrected(
        self, heard: Tensor, wrong: Tensor, usable: Tensor, learned: Tensor, trust: Tensor
    ) -> tuple[Tensor, Tensor]:
        size = wrong.norm(dim=2)
        both = torch.bmm(heard.unsqueeze(1), learned).squeeze(1)
        told = both[:, DIRECTIONS:].view(-1, DEVICES * 2, 3)
        # Covariances as shares of the prior's.
        spread = heard - both[:, :DIRECTIONS]
        counted = usable.sum(1, keepdim=True)
        noise = (size.sum(1, keepdim=True) / counted + _FLOOR) / _PRIOR
        # With nothing to count the noise is no number; there the gain is 0.
        gain = torch.where(counted > 0, spread / (noise + (heard * spread).sum(1, keepdim=True).clamp_min(0)), 0.0)
        surprise = (wrong - told * usable.unsqueeze(2)).flatten(1)
        found = torch.baddbmm(learned, gain.unsqueeze(2), torch.cat((spread, surprise), 1).unsqueeze(1), beta=_KEPT)

        share = (usable / (size + _FLOOR)).unsqueeze(1)
        late = (torch.stack((wrong, told), dim=1) * told.unsqueeze(1)).sum(3)
        late = torch.addcmul(trust[:, :2] * _TRUST_KEPT, late, share)
        follow = (late[:, :1] / (late[:, 1:] + _TRUST_PRIOR)).clamp(0, 1)
        trusted = torch.cat((late, follow), dim=1)

        # What is not a number is not smaller either.
        sound = (torch.cat((found.flatten(1), trusted.flatten(1)), 1).abs().amax(1) < _DIVERGED).view(-1, 1, 1)
        return torch.where(sound, found, 0.0), torch.where(sound, trusted, 0.0)

    def _wrong(self, sample: Tensor, age_s: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        """By how much the shared forecast was wrong, as if after 0.1 s, ``[M, 4, 3]``; and where that is known."""
        before = sample[:, _POSES:_COEFFICIENTS].view(-1, DEVICES, 7)
        poses = now[:, _POSES:_COEFFICIENTS].view(-1, DEVICES, 1, 7)
        left, turn = self._observer.matrices(before[..., 3:])
        moved = torch.matmul(poses[..., :3] - before[..., None, :3], turn)
        turned = torch.matmul(poses[..., 3:], left)
        # The first two terms of the logarithm's series: right to 1 % for turns of 80 degrees.
        vector = turned[..., :3] * (turned[..., 3:].sign() * 2)
        vector = vector + vector * ((vector * vector).sum(3, keepdim=True) / 24)
        s = age_s / _UNIT_S
        coefficients = sample[:, _COEFFICIENTS:_HEARD].view(-1, DEVICES, _POWERS, 6)
        forecast = torch.matmul((s**self._powers).view(-1, 1, 1, _POWERS), coefficients)
        wrong = (torch.cat((moved, vector), dim=3) - forecast).view(-1, OUT) * self._per_usual
        wrong = (wrong / _rise(s).clamp_min(0.01)).view(-1, DEVICES * 2, 3)
        there = (sample[:, :_POSES] * now[:, :_POSES] * (s < 2)).repeat_interleave(2, dim=1)
        usable = there * (wrong.abs().amax(2) < _WILD)
        return torch.where(usable.unsqueeze(2) > 0, wrong, 0.0), usable


def _rise(s: Tensor) -> Tensor:
    square = s * s
    return 2 * square / (1 + square)

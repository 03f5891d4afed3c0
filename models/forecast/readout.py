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

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from models.forecast.motion import DEVICES, Observer

DIRECTIONS: Final = 24
"""Numbers that the readout hears, the first of them constant."""

OUT: Final = DEVICES * 6
LEARNED: Final = (DIRECTIONS, DIRECTIONS + OUT)
"""Shape of what is learned: by how much the covariance shrank, then the weights."""

TRUST: Final = (3, DEVICES * 2)
"""Shape: agreement and length of late corrections, and the trust that follows."""

_EVERY_S: Final = 0.049
_UNIT_S: Final = 0.1
_POWERS: Final = 4
_CONSTANT: Final = 0.1

_CLOCK, _THERE, _POSES, _HEARD = 0, 1, 1 + DEVICES, 1 + DEVICES + 7 * DEVICES
_COEFFICIENTS: Final = _HEARD + DIRECTIONS
_SAMPLE: Final = _COEFFICIENTS + DEVICES * _POWERS * 6

SAMPLES: Final = (2, _SAMPLE)
"""Shape of the samples that wait for their truth, the newer one first."""

_PRIOR: Final = 1 / 0.6
_KEPT: Final = 1 - 1 / (18 * 600)
_TRUST_KEPT: Final = 1 - 1 / (18 * 10)
_TRUST_PRIOR: Final = 0.3
_USUAL: Final = (0.003, 0.013, 0.006, 0.045)
"""How wrong shared forecasts usually are after a tenth of a second: head and hand, metres and radians."""

_FLOOR: Final = 0.2
_WILD: Final = 1.0
_MOST: Final = 0.1
_DIVERGED: Final = 100.0


class Frame(NamedTuple):
    """What is to be known of ``N`` frames to learn from them.

    Attributes:
        poses: ``[N, 2, 7]`` head and hand.
        tracked: ``[N, 2]`` float, 1 where a device is tracked.
        dt: ``[N]`` seconds.
        heard: ``[N, DIRECTIONS]``, see ``Readout.hear``.
        coefficients: ``[N, 2, 4, 6]`` of the shared forecast's powers of ``s``, the velocity among them.
        learning: ``[N]`` bool.
    """

    poses: Tensor
    tracked: Tensor
    dt: Tensor
    heard: Tensor
    coefficients: Tensor
    learning: Tensor


class Readout:
    """The arithmetic of it. Keeps nothing of anybody.

    ``out`` ``[COEFFICIENTS, READOUT]`` are the weights of the shared readout.
    """

    def __init__(self, out: Tensor, observer: Observer) -> None:
        device = out.device
        _, _, directions = torch.linalg.svd(out.double().cpu(), full_matrices=False)
        directions = directions[: DIRECTIONS - 1].t()
        # A direction's sign is arbitrary, but what was learned on one machine must mean the same on another.
        largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
        directions = nn.functional.pad(directions * largest.sign(), (1, 0))
        self._directions = directions.float().to(device)
        self._constant = torch.zeros(DIRECTIONS, device=device)
        self._constant[0] = _CONSTANT
        self._observer = observer
        self._powers = torch.arange(1.0, _POWERS + 1, device=device)
        self._usual = torch.tensor(_USUAL, device=device)

    def hear(self, inner: Tensor) -> Tensor:
        """``[N, READOUT]`` inner units to the ``[N, DIRECTIONS]`` that the readout hears."""
        return torch.addmm(self._constant, inner, self._directions)

    def correction(self, heard: Tensor, horizons_s: Tensor, learned: Tensor, trust: Tensor) -> Tensor:
        """``[N, 2, K, 6]`` metres and rotation vectors, to be added to the shared displacement at ``[N, K]``."""
        told = torch.bmm(heard.unsqueeze(1), learned[:, :, DIRECTIONS:])
        told = told.view(-1, DEVICES * 2, 3) * trust[:, 2].unsqueeze(2)
        told = told.clamp(-_MOST, _MOST).view(-1, DEVICES, 1, 6)
        return told * _rise(horizons_s / _UNIT_S)[:, None, :, None]

    def learn(
        self, frame: Frame, samples: Tensor, learned: Tensor, trust: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Takes a frame as the truth of an older sample, and perhaps as a new sample.

        Args:
            samples: ``[N, *SAMPLES]``. Zeros hold none.
            learned: ``[N, *LEARNED]``.
            trust: ``[N, *TRUST]``.

        Returns:
            the samples, zeros in rows that do not learn; and ``learned`` and ``trust``, or nothing if they stay.
        """
        samples = torch.where(frame.learning.view(-1, 1, 1), samples, 0.0)
        samples[:, :, _CLOCK] += (frame.dt * frame.learning).unsqueeze(1)
        samples[:, :, _THERE:_POSES] *= frame.tracked.unsqueeze(1)
        due = (samples[:, 0, _CLOCK] >= _EVERY_S).nonzero().squeeze(1)
        if not len(due):
            return samples, None
        poses = frame.poses[due]
        newer, older = samples[due].unbind(1)
        new = torch.cat(
            (
                torch.zeros_like(newer[:, :1]),
                frame.tracked[due],
                poses.flatten(1),
                frame.heard[due],
                frame.coefficients[due].flatten(1),
            ),
            dim=1,
        )
        samples[due] = torch.stack((new, newer), dim=1)
        found, trusted = self._corrected(older, poses, learned[due], trust[due])
        return samples, (learned.index_copy(0, due, found), trust.index_copy(0, due, trusted))

    def _corrected(self, sample: Tensor, poses: Tensor, learned: Tensor, trust: Tensor) -> tuple[Tensor, Tensor]:
        wrong, usable = self._wrong(sample, poses)
        heard = sample[:, _HEARD:_COEFFICIENTS]
        size = wrong.norm(dim=2) / self._usual
        both = torch.bmm(heard.unsqueeze(1), learned).squeeze(1)
        told = both[:, DIRECTIONS:].view(-1, DEVICES * 2, 3)
        spread = heard * _PRIOR - both[:, :DIRECTIONS]
        counted = usable.sum(1)
        noise = (size.sum(1) / counted.clamp_min(1)) + _FLOOR
        gain = spread / (noise + (heard * spread).sum(1).clamp_min(0)).unsqueeze(1)
        gain = gain * (counted > 0).unsqueeze(1)
        surprise = ((wrong - told) * usable.unsqueeze(2)).flatten(1)
        found = torch.baddbmm(learned, gain.unsqueeze(2), torch.cat((spread, surprise), 1).unsqueeze(1), beta=_KEPT)

        share = usable / ((size + _FLOOR) * self._usual**2)
        late = torch.stack(((wrong * told).sum(2), (told * told).sum(2)), dim=1) * share.unsqueeze(1)
        late = trust[:, :2] * _TRUST_KEPT + late
        follow = (late[:, 0] / (late[:, 1] + _TRUST_PRIOR)).clamp(0, 1)
        trusted = torch.cat((late, follow.unsqueeze(1)), dim=1)

        # Not a number is not smaller either.
        sound = (found.abs().amax((1, 2)) < _DIVERGED) & trusted.isfinite().all(2).all(1)
        sound = sound.view(-1, 1, 1)
        return torch.where(sound, found, 0.0), torch.where(sound, trusted, 0.0)

    def _wrong(self, sample: Tensor, poses: Tensor) -> tuple[Tensor, Tensor]:
        """By how much the shared forecast was wrong, as if after 0.1 s, ``[M, 4, 3]``; and where that is known."""
        before = sample[:, _POSES:_HEARD].view(-1, DEVICES, 7)
        left, turn = self._observer.matrices(before[..., 3:])
        moved = torch.matmul((poses[..., :3] - before[..., :3]).unsqueeze(2), turn).squeeze(2)
        turned = torch.matmul(poses[..., 3:].unsqueeze(2), left).squeeze(2)
        sine = turned[..., :3].norm(dim=2, keepdim=True)
        angle = 2 * torch.atan2(sine, turned[..., 3:].abs()) * turned[..., 3:].sign()
        turned = turned[..., :3] * (angle / sine.clamp_min(1e-9))
        s = (sample[:, _CLOCK] / _UNIT_S).view(-1, 1)
        coefficients = sample[:, _COEFFICIENTS:].view(-1, DEVICES, _POWERS, 6)
        forecast = torch.matmul((s**self._powers).view(-1, 1, 1, _POWERS), coefficients).squeeze(2)
        wrong = (torch.cat((moved, turned), dim=2) - forecast).view(-1, DEVICES * 2, 3)
        wrong = wrong / _rise(s.clamp_min(0.1)).unsqueeze(2)
        there = sample[:, _THERE:_POSES].repeat_interleave(2, dim=1) > 0
        usable = there & (wrong.abs().amax(2) < _WILD) & (s < 2)
        return torch.where(usable.unsqueeze(2), wrong, 0.0), usable.float()


def _rise(s: Tensor) -> Tensor:
    square = s * s
    return 2 * square / (1 + square)

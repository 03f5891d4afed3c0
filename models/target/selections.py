"""What confirmed selections say about a user: how far the rays are off, and what weighs more or less than usual.

A user's own numbers ``w`` (``pointing`` and ``readout``) have a normal prior around zero, the shared model. A selection
is a softmax choice among the targets whose scores are linear in ``w`` close to the shared model, so the posterior's
mode after one Newton step from there is ``w = (1 + H)^-1 g``: in units of the prior's spread, ``g`` is the sum over the
selections of how far what was chosen lies from the mean of what the shared model expected, and ``H`` the sum of the
covariances of that (Laplace's approximation; Bishop, "Pattern Recognition and Machine Learning", 2006, section 4.5).
Both are sums over selections that do not depend on ``w``. So their order does not matter and one can be taken back.

Some selections are mistakes. Each counts as much as it is likely to have been meant, where one in ten is of
any target at random; so what the shared model thinks impossible is hardly learned from.
"""

from __future__ import annotations

import torch
from torch import Tensor

POINTING_SPREAD = 0.04
"""Of the prior, in radians. Like the two below it was found on people whom the weights in use had not seen."""

READOUT_SPREAD = 0.2

_MISTAKEN = 0.1

_LARGEST = 4.0
"""In spreads. What lies farther from the mean counts as this far: no selection outweighs all others."""

_REMEMBERED = 256
"""Selections. When there are so many, all count half: old habits fade, and the sums stay within bounds."""

_GRAIN = 2.0**-12
"""Sums are multiples of this. ``_REMEMBERED`` selections of at most ``_LARGEST`` squared are below 2**24 grains, so
that float32 adds and subtracts them without error."""

_STEEPEST = _REMEMBERED * _LARGEST**2

POINTING_BOUND = 0.15
"""Radians."""

READOUT_BOUND = 0.5


def size(hidden: int) -> int:
    """Of the sums: how many selections there were, ``g``, and the lower triangle of ``H``."""
    own = 6 + hidden
    return 1 + own + own * (own + 1) // 2


def added(sums: Tensor, scores: Tensor, slopes: Tensor, chosen: int, weight: float) -> Tensor:
    """The sums after one more selection, or without it again.

    Args:
        sums: ``[size]``.
        scores: ``[K]``, the shared model's.
        slopes: ``[K, 6 + hidden]``, how they change with pointing (1/radian: head, gaze, hand, each right and up) and
            with the readout.
        chosen: which of the targets was meant.
        weight: 1, or -1 to take an equal one back.

    Returns:
        ``[size]``; the same as ``sums`` if there is nothing to learn from, or nothing to take back.
    """
    count = sums[0] + weight
    spreads = torch.full_like(slopes[0], READOUT_SPREAD)
    spreads[:6] = POINTING_SPREAD
    expected = torch.softmax(scores, dim=0)
    off = slopes * spreads
    off = (off - expected @ off).clamp(-_LARGEST, _LARGEST)
    meant = (1 - _MISTAKEN) * expected[chosen]
    meant = meant / (meant + _MISTAKEN / len(scores))
    curvature = (off * expected.unsqueeze(1)).T @ off
    rows, columns = torch.tril_indices(len(spreads), len(spreads), device=sums.device)
    grains = torch.round(meant / _GRAIN * torch.cat((off[chosen], curvature[rows, columns])))
    if not bool(grains.isfinite().all()) or count < 0:
        return sums
    new = torch.cat((count.unsqueeze(0), (sums[1:] + weight * _GRAIN * grains).clamp(-_STEEPEST, _STEEPEST)))
    if count >= _REMEMBERED:
        new = torch.cat((torch.floor(count / 2).unsqueeze(0), torch.round(new[1:] / (2 * _GRAIN)) * _GRAIN))
    return new


def learned(sums: Tensor, hidden: int) -> tuple[Tensor, Tensor]:
    """The user's own numbers as the sums, ``[size]``, tell them: pointing ``[3, 2]`` radians, readout ``[hidden]``."""
    own = 6 + hidden
    within = sums.clamp(-_STEEPEST, _STEEPEST)
    pull, packed = within[1 : 1 + own], within[1 + own :]
    rows, columns = torch.tril_indices(own, own, device=sums.device)
    curvature = torch.zeros(own, own, device=sums.device)
    curvature[rows, columns] = packed
    # Of what is taken back after it was halved more is taken than there is: no direction may count less than nothing.
    steepness, directions = torch.linalg.eigh(curvature)
    found = directions @ ((directions.T @ pull) / (1 + steepness.clamp_min(0)))
    pointing = (found[:6] * POINTING_SPREAD).clamp(-POINTING_BOUND, POINTING_BOUND)
    readout = (found[6:] * READOUT_SPREAD).clamp(-READOUT_BOUND, READOUT_BOUND)
    return pointing.view(3, 2), readout

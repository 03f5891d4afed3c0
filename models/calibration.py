"""Whether probabilities are as they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int) -> float:
    """How far confidence and accuracy are apart on average, in even bins of confidence.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599.

    Args:
        confidence: ``[N]``, the probability of each answer, 0 to 1.
        right: ``[N]``, whether it was right.

    Returns:
        From 0, the best, to 1.
    """
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(which, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))

"""PLACEHOLDER."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = "0"


def probability(total: NDArray[np.float32], embedding: NDArray[np.float32]) -> float:
    return float(total @ embedding / max(float(np.linalg.norm(total)), 1e-9) > 0.7)

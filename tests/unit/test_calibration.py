"""Expected calibration error, by hand and against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import expected_calibration_error


def test_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    right = np.array([True, False, True, True])
    assert expected_calibration_error(confidence, right, 10) == pytest.approx((0.45 + 0.45) / 2)
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([True, True]), 10) == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.integers(1, 20))
def test_it_is_the_mean_gap_of_the_bins(answers: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = np.array([one for one, _ in answers]), np.array([one for _, one in answers])
    total = 0.0
    for number in range(bins):
        inside = [one for one in answers if min(int(one[0] * bins), bins - 1) == number]
        if inside:
            total += abs(
                sum(one[0] for one in inside) / len(inside) - sum(one[1] for one in inside) / len(inside)
            ) * len(inside)
    assert expected_calibration_error(confidence, right, bins) == pytest.approx(total / len(answers))

"""Where things are to each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.language.space import EXTREMES, RELATIONS, Viewpoint, extreme, relation

AHEAD: Viewpoint = ((0.0, 1.6, 0.0), (0.0, 0.0, 0.0, 1.0))
BEHIND: Viewpoint = ((0.0, 1.6, -4.0), (0.0, 1.0, 0.0, 0.0))
"""From the other side, turned round."""
RIGHTWARD: Viewpoint = ((0.0, 1.6, 0.0), (0.0, -math.sqrt(0.5), 0.0, math.sqrt(0.5)))

ANCHOR = (0.0, 1.0, -2.0)
BOX = np.full((2, 3), 0.2)


def fits(name: str, place: tuple[float, float, float], viewpoint: Viewpoint | None = AHEAD) -> float:
    """How well a thing at a place stands so to one at ``ANCHOR``."""
    return float(relation(name, np.array([place, ANCHOR]), BOX, viewpoint)[0, 1])


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("left", (-1.0, 1.0, -2.0)),
        ("right", (1.0, 1.0, -2.0)),
        ("behind", (0.0, 1.0, -3.0)),
        ("front", (0.0, 1.0, -1.0)),
        ("above", (0.0, 2.0, -2.0)),
        ("below", (0.0, 0.2, -2.0)),
        ("on", (0.0, 1.2, -2.0)),
        ("near", (0.2, 1.0, -2.1)),
    ],
)
def test_each_relation_fits_its_place_best(name: str, place: tuple[float, float, float]) -> None:
    own = fits(name, place)
    assert own > 0.2
    for opposite in {"left": "right", "right": "left", "behind": "front", "front": "behind", "above": "below",
                     "below": "above", "on": "below", "near": ""}[name].split():  # fmt: skip
        assert fits(opposite, place) == 0


def test_left_and_behind_are_the_viewers() -> None:
    assert fits("left", (-1.0, 1.0, -2.0), AHEAD) == pytest.approx(fits("right", (-1.0, 1.0, -2.0), BEHIND), abs=1e-6)
    assert fits("behind", (0.0, 1.0, -3.0), AHEAD) > 0.2
    assert fits("behind", (0.0, 1.0, -3.0), BEHIND) == 0
    assert fits("left", (-1.0, 1.0, -2.0), None) == fits("left", (-1.0, 1.0, -2.0), AHEAD)


def test_what_stands_on_a_thing_touches_it() -> None:
    assert fits("on", (0.0, 1.2, -2.0)) > 5 * fits("on", (0.0, 2.2, -2.0))
    assert fits("above", (0.0, 2.2, -2.0)) > 0.2


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("left", [0, 1, 2]),
        ("right", [2, 1, 0]),
        ("nearest", [1, 0, 2]),
        ("farthest", [2, 0, 1]),
        ("biggest", [2, 1, 0]),
        ("smallest", [0, 1, 2]),
        ("highest", [0, 2, 1]),
        ("lowest", [1, 2, 0]),
    ],
)
def test_extremes_are_in_order(name: str, order: list[int]) -> None:
    positions = np.array([(-1.0, 2.0, -2.0), (0.0, 1.0, -1.0), (1.0, 1.5, -3.0)])
    sizes = np.array([(0.1,) * 3, (0.2,) * 3, (0.3,) * 3])
    fit = extreme(name, positions, sizes, AHEAD, [True] * 3)
    assert np.argsort(-fit).tolist() == order
    assert fit.max() == 1


def test_only_some_are_compared_and_the_head_may_be_turned() -> None:
    positions = np.array([(1.0, 1.0, -2.0), (1.0, 1.0, 0.0), (1.0, 1.0, 2.0)])
    sizes = np.full((3, 3), 0.1)
    assert extreme("left", positions, sizes, RIGHTWARD, [True] * 3).argmax() == 0
    fit = extreme("left", positions, sizes, RIGHTWARD, [False, True, True])
    assert fit[0] == 0
    assert fit.argmax() == 1


@given(
    st.sampled_from(RELATIONS),
    arrays(np.float64, (4, 3), elements=st.floats(-5, 5)),
    arrays(np.float64, (4, 3), elements=st.floats(0, 2)),
)
def test_relations_are_shares_and_never_to_oneself(name: str, positions: np.ndarray, sizes: np.ndarray) -> None:
    fit = relation(name, positions, sizes, AHEAD)
    assert np.isfinite(fit).all()
    assert (fit >= 0).all()
    assert (fit <= 1 + 1e-9).all()
    assert (np.diagonal(fit) == 0).all()


@given(st.sampled_from(EXTREMES), arrays(np.float64, (5, 3), elements=st.floats(-5, 5)))
def test_extremes_always_have_one(name: str, positions: np.ndarray) -> None:
    fit = extreme(name, positions, np.ones((5, 3)), AHEAD, [True] * 5)
    assert fit.max() == 1
    assert (fit > 0).all()


def test_of_two_that_are_alike_none_is_the_biggest() -> None:
    sizes = np.array([[0.1, 0.1, 0.1], [0.2, 0.1, 0.1], [0.1, 0.1, 0.2]])
    fit = extreme("biggest", np.zeros((3, 3)), sizes, AHEAD, [True] * 3)
    assert fit[1] == fit[2] == 1
    assert 0 < fit[0] < 1

"""Recordings replayed, movements made up and put into them, and what is counted of that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.gesture import evaluation
from models.gesture.names import BUILT_IN, HAND_GESTURES, HEAD_GESTURES, NUMBERS
from models.gesture.replay import Piece, pieces, spot
from models.gesture.spotter import Gesture
from models.gesture.synthetic import INVENTED, inserted, movement, perform
from models.vr_objects import Dataset, Trial

RATE_HZ = 90.0


def trial(user: str, seconds: float = 20.0, seed: int = 0) -> Trial:
    """Somebody who stands nearly still, facing +X."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    head = np.tile(np.array([0, 1.7, 0, 0, -np.sqrt(0.5), 0, np.sqrt(0.5)], dtype=np.float32), (len(time), 1))
    hand = head.copy()
    hand[:, :3] = np.array([0.4, 1.3, 0.2]) + rng.normal(0, 0.001, (len(time), 3))
    no = np.zeros(len(time), dtype=bool)
    return Trial(
        user, "S", "laser", 1, 1, "T", "thing", True, 0, 1, 2, 3, time, head, head.copy(), hand, ~no, no.copy()
    )


def dataset(*trials: Trial) -> Dataset:
    return Dataset({}, trials)


def test_pieces_are_whole_trials_cut_at_gaps() -> None:
    gap = trial("u06")
    gap = replace(gap, time=gap.time + np.where(np.arange(len(gap.time)) >= 900, 1.0, 0.0))
    found = pieces(dataset(gap, replace(trial("u06"), whole=False), trial("u07")), {"u06"}, RATE_HZ)
    assert [piece.user for piece in found] == ["u06", "u06"]
    assert [round(len(piece), -2) for piece in found] == [900, 900]
    assert found[0].left is None


@pytest.mark.parametrize("name", HAND_GESTURES)
def test_a_movement_put_into_a_recording_is_the_users_own_left_and_right(name: str) -> None:
    still = pieces(dataset(trial("u06")), {"u06"}, RATE_HZ)[0]
    assert still.head is not None
    assert still.right is not None
    made = []
    for seed in range(12):
        changed = inserted(name, still.right, still.head, RATE_HZ, np.random.default_rng(seed))
        assert changed is not None
        made.append(Piece("", still.head, None, changed[0]))
    found = spot(Gesture.load(), made, RATE_HZ)
    assert len({one.piece for one in found if (one.number, one.device) == (NUMBERS[name], 2)}) >= 6


def test_a_recording_too_short_takes_no_movement() -> None:
    short = np.zeros((100, 7), dtype=np.float32)
    short[:, 6] = 1
    assert inserted("circle", short, short, RATE_HZ, np.random.default_rng(0)) is None


@pytest.mark.parametrize("name", [*BUILT_IN, *INVENTED])
def test_movements_vary_and_are_sound(name: str) -> None:
    first, again, other = (perform(name, RATE_HZ, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.head, again.head)
    assert not np.array_equal(first.right[:50], other.right[:50])
    assert first.device == "head" if name in HEAD_GESTURES else first.device in ("left", "right")
    for poses in (first.head, first.left, first.right):
        assert poses.shape == (len(first.head), 7)
        assert np.linalg.norm(poses[:, 3:], axis=1) == pytest.approx(1, abs=1e-4)
        assert float(np.abs(np.diff(poses[:, :3], axis=0)).max()) < 0.1
    assert 0 < first.start < first.end < len(first.head)


def test_only_known_movements_are_made() -> None:
    with pytest.raises(ValueError, match="'jump' is none of nod"):
        movement("jump", RATE_HZ, np.random.default_rng(0))


def test_figures_of_recordings_count_what_is_there() -> None:
    circling = trial("u15")
    found = inserted("circle", circling.hand, circling.head, RATE_HZ, np.random.default_rng(3))
    assert found is not None
    given = dataset(trial("u06"), replace(circling, hand=found[0]))
    result = evaluation.on_recordings(given, 1, progress=False)
    tuned, held = result["false_activations"]["tuned on"], result["false_activations"]["held out"]
    assert (tuned["users"], tuned["an_hour"]) == (["u06"], 0)
    assert (held["users"], held["by_gesture"]) == (["u15"], {"circle": 1})
    assert held["an_hour"] == pytest.approx(3600 / 20, rel=0.01)
    assert set(result["synthetic"]) == {"72", "90", "120"}
    assert set(result["synthetic"]["90"]) == {*BUILT_IN, *INVENTED}
    assert all(row["performances"] == 1 for row in result["inserted"].values())
    assert [table.row_count for table in evaluation.table(result)] == [3, len(BUILT_IN) + len(INVENTED)]
    with pytest.raises(evaluation.NothingToMeasureError, match="no trial"):
        evaluation.on_recordings(dataset(replace(trial("u06"), whole=False)), 2, progress=False)

"""What the target model learns from selections, and how that is measured."""

from __future__ import annotations

import json
import math
from io import StringIO
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from torch import Tensor

from models import rotations
from models.frame_model import GAZE, HEAD, FrameBatch, Rows
from models.target import selections
from models.target.evaluation import OFFSETS_S, NobodyLeftError
from models.target.network import TargetPicker
from models.target.personal import evaluate, table
from tests.recordings import USERS, write_recordings

AHEAD = torch.tensor([0.0, 0, -1])
EYES = torch.tensor([0.0, 1.6, 0.0])
APART = 0.12
"""Radians between neighbours."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model() -> TargetPicker:
    return TargetPicker.load()


def zeros(columns: dict[str, tuple[int, ...]], rows: int = 1) -> Rows:
    return {name: torch.zeros(rows, *shape) for name, shape in columns.items()}


def same(a: Rows, b: Rows) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def direction(across: float, up: float) -> Tensor:
    """``[3]``, so many radians right of and above straight ahead."""
    return torch.tensor([math.sin(across) * math.cos(up), math.sin(up), -math.cos(across) * math.cos(up)])


def wall() -> Tensor:
    """``[1, 15, 6]``: five by three small targets, two metres away, ``APART`` from each other."""
    places = [((column - 2) * APART, (row - 1) * APART) for row in range(3) for column in range(5)]
    boxes = [torch.cat((EYES + 2 * direction(*place), torch.full((3,), 0.1))) for place in places]
    return torch.stack(boxes).unsqueeze(0)


def looking(meant: int, off: tuple[float, float]) -> FrameBatch:
    """One user who looks at a target of the wall, by head and gaze that are measured ``off`` to the right and up."""
    batch = FrameBatch.blank(1, 15)
    batch.targets, batch.present = wall(), torch.ones(1, 15, dtype=torch.bool)
    batch.dt[:] = 1 / 90
    batch.tracked[:, [HEAD, GAZE]] = True
    towards = direction((meant % 5 - 2) * APART + off[0], (meant // 5 - 1) * APART + off[1])
    batch.head = batch.gaze = torch.cat((EYES, rotations.between(AHEAD, towards))).unsqueeze(0)
    return batch


def looked(model: TargetPicker, meant: int, off: tuple[float, float], own: Rows) -> tuple[Tensor, Rows]:
    """After half a second: probabilities ``[15]`` and the state."""
    state, batch = zeros(model.state), looking(meant, off)
    with torch.inference_mode():
        for _ in range(45):
            outputs, state, _ = model.step(batch, state, own)
    return outputs["target"][0], state


def told(model: TargetPicker, meant: list[int], off: tuple[float, float], said: list[int] | None = None) -> Rows:
    """What is learned from a user who means one after another, and says so (or says something else)."""
    own = zeros(model.adapters)
    for each, instead in zip(meant, said or meant, strict=True):
        _, state = looked(model, each, off, own)
        own = model.confirm(state, own, wall(), instead, 1.0)
    return own


def right(model: TargetPicker, off: tuple[float, float], own: Rows) -> int:
    """How many of the 15 are picked when they are meant."""
    return sum(int(looked(model, each, off, own)[0].argmax()) == each for each in range(15))


def order(count: int) -> list[int]:
    return torch.randint(15, (count,), generator=torch.Generator().manual_seed(0)).tolist()


@pytest.mark.parametrize("off", [(0.08, 0.0), (-0.07, 0.03), (0.0, -0.08)])
def test_a_user_whose_rays_are_off_is_picked_better_after_some_selections(
    model: TargetPicker, off: tuple[float, float]
) -> None:
    before = right(model, off, zeros(model.adapters))
    own = told(model, order(20), off)
    assert before <= 9
    assert right(model, off, own) >= before + 4
    # what has to be added to rays that are measured too far one way is the other way
    corrected = own["pointing"][0, [HEAD, GAZE]].sum(0)
    for axis in range(2):
        if off[axis]:
            assert corrected[axis] * off[axis] < 0
    assert right(model, (0.0, 0.0), zeros(model.adapters)) == 15


def test_a_user_whose_rays_are_true_is_picked_as_well_as_before(model: TargetPicker) -> None:
    own = told(model, order(20), (0.0, 0.0))
    assert right(model, (0.0, 0.0), own) == 15
    assert own["pointing"].abs().max() < 0.01


def test_what_the_state_remembers_is_the_frame_that_was_answered(model: TargetPicker) -> None:
    given_, state = looked(model, 7, (0.03, 0.02), zeros(model.adapters))
    scores, slopes = model.network.look_back(state, wall())
    assert torch.allclose(torch.softmax(scores, 0), given_, atol=1e-5)
    assert torch.allclose(slopes[:, 6:] @ model.network.score, scores, atol=1e-4)


def test_slopes_are_what_pointing_changes(model: TargetPicker) -> None:
    """A step from nothing remembered, with and without a small correction: the memory's own share is not looked at."""
    batch = looking(6, (0.02, 0.03))
    found = []
    for nudge in (0.0, 1e-3):
        own = zeros(model.adapters)
        own["pointing"][0, GAZE, 0] = nudge
        with torch.inference_mode():
            scores, state = model.network(batch, zeros(model.state), own)
        found.append(scores[0])
    _, slopes = model.network.look_back(state, wall())
    expected = (found[1] - found[0]) / 1e-3
    assert torch.nn.functional.cosine_similarity(slopes[:, 2], expected, dim=0) > 0.9


def test_sums_alone_change_no_answer(model: TargetPicker) -> None:
    """A new user's zeros and nothing learned are one and the same, to the last bit."""
    own = zeros(model.adapters)
    plain, state = looked(model, 3, (0.05, 0.0), own)
    own["selections"] += 5
    summed, other = looked(model, 3, (0.05, 0.0), own)
    assert torch.equal(plain, summed)
    assert same(state, other)


def test_a_selection_changes_its_own_row_only(model: TargetPicker) -> None:
    own = told(model, order(5), (0.08, 0.0))
    batch = looking(4, (0.08, 0.0))
    three = FrameBatch(**{name: value.repeat(3, *[1] * (value.dim() - 1)) for name, value in _tensors(batch)})
    adapters = zeros(model.adapters, 3)
    plain, _, _ = model.step(three, zeros(model.state, 3), adapters)
    for name in adapters:
        adapters[name][1] = own[name][0]
    found, _, learned = model.step(three, zeros(model.state, 3), adapters)
    assert torch.equal(found["target"][[0, 2]], plain["target"][[0, 2]])
    assert not torch.equal(found["target"][1], plain["target"][1])
    assert learned == {}


def _tensors(batch: FrameBatch) -> list[tuple[str, Tensor]]:
    return [(name, value) for name, value in vars(batch).items() if isinstance(value, Tensor)]


def test_selections_are_taken_back_exactly_in_any_order(model: TargetPicker) -> None:
    own = zeros(model.adapters)
    taught = []
    for meant in order(12):
        _, state = looked(model, meant, (0.06, -0.02), own)
        taught.append((state, meant, own))
        own = model.confirm(state, own, wall(), meant, 1.0)
    assert own["pointing"].abs().max() > 0.01
    state, meant, before = taught[-1]
    assert same(model.confirm(state, own, wall(), meant, -1.0), before)
    for at in torch.randperm(12, generator=torch.Generator().manual_seed(1)).tolist():
        state, meant, _ = taught[at]
        own = model.confirm(state, own, wall(), meant, -1.0)
    assert same(own, zeros(model.adapters))


def test_what_was_never_learned_is_not_taken_back(model: TargetPicker) -> None:
    own = zeros(model.adapters)
    _, state = looked(model, 3, (0.05, 0.0), own)
    assert same(model.confirm(state, own, wall(), 3, -1.0), own)


def test_one_wrong_selection_changes_little(model: TargetPicker) -> None:
    """What was all but impossible moves the corrections less than what was likely to be meant."""
    off, meant = (0.05, 0.0), order(20)
    own = told(model, meant, off)
    _, state = looked(model, 0, off, own)
    wrong = model.confirm(state, own, wall(), 14, 1.0)
    assert (wrong["pointing"] - own["pointing"]).abs().max() < 0.005
    assert right(model, off, wrong) >= right(model, off, own) - 1


def test_a_tenth_of_wrong_selections_still_leaves_a_user_better_off(model: TargetPicker) -> None:
    off, meant = (0.08, 0.0), order(30)
    said = [(each + 7) % 15 if at % 10 == 3 else each for at, each in enumerate(meant)]
    own = told(model, meant, off, said)
    assert right(model, off, own) >= right(model, off, zeros(model.adapters)) + 3


def test_nothing_tracked_or_nothing_to_choose_from_teaches_nothing(model: TargetPicker) -> None:
    own = zeros(model.adapters)
    assert same(model.confirm(zeros(model.state), own, wall(), 3, 1.0), own)
    _, state = looked(model, 0, (0.05, 0.0), own)
    alone = model.confirm(state, own, wall()[:, :1], 0, 1.0)
    assert not alone["pointing"].any()
    assert not alone["readout"].any()


def test_inputs_are_not_written_to(model: TargetPicker) -> None:
    own = told(model, order(3), (0.05, 0.0))
    _, state = looked(model, 3, (0.05, 0.0), own)
    before = [{name: value.clone() for name, value in rows.items()} for rows in (state, own)]
    model.confirm(state, own, wall(), 3, 1.0)
    assert same(state, before[0])
    assert same(own, before[1])


def test_hundreds_of_selections_stay_within_bounds_and_the_newest_count_most(model: TargetPicker) -> None:
    own = zeros(model.adapters)
    states = [looked(model, 7, (off, 0.0), own)[1] for off in (0.06, -0.06)]
    corrections = []
    for state in states:
        for _ in range(400):
            own = model.confirm(state, own, wall(), 7, 1.0)
        corrections.append(float(own["pointing"][0, GAZE, 0]))
        assert own["selections"][0, 0] < 256
        assert all(value.isfinite().all() for value in own.values())
    assert corrections[0] < 0 < corrections[1]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([0.0, 1e-3, 1.0, 100.0, 1e6, 1e18, 3e38]),
    targets=st.integers(1, 64),
    weights=st.lists(st.sampled_from([1.0, -1.0]), min_size=1, max_size=6),
    imported=st.booleans(),
)
def test_what_is_learned_is_always_finite_and_bounded(
    model: TargetPicker, seed: int, size: float, targets: int, weights: list[float], imported: bool
) -> None:
    rng = torch.Generator().manual_seed(seed)
    own = zeros(model.adapters)
    if imported:
        own = {name: (torch.rand(value.shape, generator=rng) - 0.5) * size for name, value in own.items()}
    for weight in weights:
        state = {name: torch.randn(1, *shape, generator=rng).clamp(-1, 1) for name, shape in model.state.items()}
        wild = {name: value * size for name, value in state.items() if name != "tracked"}
        state = {**wild, "tracked": (state["tracked"] > 0).float()}
        boxes = torch.rand(1, targets, 6, generator=rng) * size
        chosen = int(torch.randint(targets, (), generator=rng))
        found = model.confirm(state, own, boxes, chosen, weight)
        assert {name: tuple(value.shape[1:]) for name, value in found.items()} == model.adapters
        assert all(value.isfinite().all() for value in found.values())
        if not same(found, own):
            assert found["pointing"].abs().max() <= selections.POINTING_BOUND
            assert found["readout"].abs().max() <= selections.READOUT_BOUND
        own = found


def test_states_that_are_not_numbers_teach_nothing(model: TargetPicker) -> None:
    own = told(model, order(3), (0.05, 0.0))
    _, state = looked(model, 3, (0.05, 0.0), own)
    state["memory"] = state["memory"] * math.nan
    after = model.confirm(state, own, wall(), 3, 1.0)
    assert torch.equal(after["selections"], own["selections"])
    assert torch.allclose(after["pointing"], own["pointing"])


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The later session is written first; all rays are so far off that another target is nearly as likely."""
    folder = tmp_path_factory.mktemp("recordings")
    write_recordings(folder, sessions=(2, 1), off=0.9)
    return folder


def test_evaluation_goes_in_the_order_of_the_sessions(recordings: Path) -> None:
    result = evaluate(recordings, progress=False)
    assert json.loads(json.dumps(result)) == result
    alone = [evaluate(recordings, users=["u01"], progress=False) for _ in range(2)]
    assert alone[0] == alone[1]
    for figure, among_others in zip(alone[0]["overall"], result["by_user"]["u01"], strict=True):
        assert figure == pytest.approx(among_others, abs=1e-5)
    assert result["users"] == list(USERS)
    assert [figure["before_confirm_s"] for figure in result["overall"]] == list(OFFSETS_S)
    assert [figure["trials"] for figure in result["overall"]] == [24] * 4
    assert {name: rows[0]["trials"] for name, rows in result["by_session"].items()} == {"1": 12, "2": 12}
    assert {name: rows[0]["trials"] for name, rows in result["by_confirms_before"].items()} == {"0": 24}
    gains = {name: rows[0]["nll_shared"] - rows[0]["nll_personal"] for name, rows in result["by_session"].items()}
    # in the first trial of the first session nothing is learned yet
    assert 0 < gains["1"] < gains["2"]
    for figure in result["overall"]:
        assert figure["personal"] - figure["shared"] == pytest.approx((figure["gained"] - figure["lost"]) / 24)
        assert 0 < figure["p"] <= 1
    printed = StringIO()
    for made in table(result):
        Console(width=200, file=printed).print(made)
    assert all(word in printed.getvalue() for word in ("u03", "laser", "by session", "by confirms before"))


def test_evaluation_can_be_told_wrong(recordings: Path) -> None:
    told_right, told_wrong = (
        evaluate(recordings, users=["u01"], mistaken=share, progress=False)["overall"][0] for share in (0.0, 1.0)
    )
    assert told_right["nll_shared"] == told_wrong["nll_shared"]
    assert told_right["nll_personal"] < told_wrong["nll_personal"]


def test_evaluation_says_who_is_there_when_nobody_is_left(recordings: Path) -> None:
    with pytest.raises(NobodyLeftError, match="u01, u02, u03"):
        evaluate(recordings, users=["u99"], progress=False)

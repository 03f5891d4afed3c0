"""The engine's core: what is in a slot is that session's, whoever else is in the batch."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from bridge.frame_path.batch import FAILED, GAP, Batch
from bridge.frame_path.checkpoint import Checkpoint
from bridge.frame_path.core import EngineCore, load_model
from bridge.frame_path.worker import execute
from bridge.tracking import BLOB_BYTES, ROW_BYTES, Fault, Part
from models.forecast.network import Forecast
from models.frame_model import FrameModel
from models.target.network import TargetPicker
from tests.doubles import Counting, Learning, Selecting

CPU = torch.device("cpu")
SLOTS = 6
EVERYTHING = int(Part.HEAD | Part.GAZE | Part.LEFT_AIM | Part.RIGHT_AIM)


def new_batch() -> Batch:
    return Batch(memoryview(bytearray(Batch.size(SLOTS))), SLOTS)


def pose(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> bytes:
    return struct.pack("<7f", x, y, z, 0, 0, 0, 1)


def step(core: EngineCore, rows: list[tuple[int, int, int, bytes]], batch: Batch | None = None) -> Batch:
    """Steps rows of slot, time in microseconds, mask and blob."""
    batch = batch or new_batch()
    for at, (slot, time, mask, blob) in enumerate(rows):
        batch.head[at] = (slot, mask, time)
        batch.blob_bytes[at * ROW_BYTES : at * ROW_BYTES + len(blob)] = blob
    core.step(batch, len(rows))
    return batch


def counting(slots: int = SLOTS) -> EngineCore:
    return EngineCore([Counting()], slots, CPU)


def checkpoint_of(core: EngineCore) -> Checkpoint:
    return Checkpoint(memoryview(bytearray(Checkpoint.size(SLOTS, core.row_floats))), SLOTS, core.row_floats)


def seen_x(batch: Batch, row: int = 0) -> float:
    return float(batch.forecast[row, 0])


def joined(core: EngineCore, *slots: int, horizons: tuple[float, ...] = (0.05, 0.1)) -> EngineCore:
    for slot in slots:
        assert core.join(slot, slot + 1, list(horizons), {}) == []
    return core


def test_a_row_is_laid_out_as_it_goes_on_the_wire() -> None:
    core = joined(counting(), 0)
    core.scene(0, np.ones((3, 6), np.float32), keep_state=False)
    batch = step(core, [(0, 1, int(Part.HEAD | Part.RIGHT_GRIP), pose(1) + pose(2))])
    assert batch.result[0].tolist() == (0, 0b101, 4, 3, 0, 0)
    assert batch.forecast[0, :28].reshape(2, 2, 7)[..., 0].tolist() == [[1, 1], [2, 2]]
    assert batch.probabilities[0, :3].tolist() == pytest.approx([1 / 3] * 3)


def test_without_horizons_or_devices_or_targets_there_is_nothing() -> None:
    core = joined(joined(counting(), 0, horizons=()), 1)
    batch = step(core, [(0, 1, int(Part.HEAD), pose()), (1, 1, 0, b"")])
    assert batch.result[:2].tolist() == [(0, 0, 0, 0, -1, 0), (0, 0, 0, 0, -1, 0)]


def test_a_gap_makes_a_state_stale_and_a_short_one_does_not() -> None:
    core = joined(counting(), 0)
    found = [seen_x(step(core, [(0, time, 1, pose())])) for time in (1, 10_000, 1_010_000, 2_010_001, 2_020_000)]
    assert found == [0, 1, 2, 0, 1]


def test_a_model_is_told_how_many_seconds_passed_since_the_frame_before() -> None:
    class Watching(Counting):
        def step(self, batch: Any, state: Any, adapters: Any) -> Any:
            self.told = batch.dt.tolist(), batch.fresh.tolist()
            return super().step(batch, state, adapters)

    model = Watching()
    core = joined(EngineCore([model], SLOTS, CPU), 0, 1, 2)
    step(core, [(0, 2_000_000, 1, pose()), (1, 2_000_000, 1, pose())])
    step(core, [(0, 2_015_625, 1, pose()), (1, 3_500_000, 1, pose()), (2, 9, 1, pose())])
    assert model.told == ([0.015625, 0, 0], [False, True, True])


@pytest.mark.parametrize(
    ("blob", "fault"),
    [
        (struct.pack("<7f", float("nan"), 0, 0, 0, 0, 0, 1), Fault.NOT_FINITE),
        (struct.pack("<7f", 1e5, 0, 0, 0, 0, 0, 1), Fault.TOO_FAR),
        (struct.pack("<7f", 0, 0, 0, 0, 0, 0, 0), Fault.QUATERNION),
    ],
)
def test_a_fault_changes_nothing_but_its_status(blob: bytes, fault: Fault) -> None:
    core = joined(counting(), 0, 1)
    step(core, [(0, 1, 1, pose()), (1, 1, 1, pose())])
    batch = step(core, [(0, 2, 1, blob), (1, 2, 1, pose())])
    assert batch.result["status"][:2].tolist() == [fault, 0]
    batch = step(core, [(0, 3, 1, pose()), (1, 3, 1, pose())])
    assert [seen_x(batch, 0), seen_x(batch, 1)] == [1, 2]


def test_time_that_stands_still() -> None:
    core = joined(counting(), 0)
    step(core, [(0, 5, 1, pose())])
    batch = step(core, [(0, 5, 1, pose())])
    assert batch.result["status"][0] == GAP


@pytest.mark.parametrize("output", ["forecast", "target", "gesture"])
def test_what_breaks_a_model_does_not_stay(output: str) -> None:
    class Breaking(Learning):
        def step(self, batch: Any, state: Any, adapters: Any) -> Any:
            outputs, new, learned = super().step(batch, state, adapters)
            outputs[output][batch.head[:, 1] > 5, ..., -1] = torch.nan
            return outputs, new, learned

    core = joined(EngineCore([Breaking()], SLOTS, CPU), 0, 1)
    for slot in (0, 1):
        core.scene(slot, boxes(2), keep_state=False)
    step(core, [(0, 1, 1, pose()), (1, 1, 1, pose())])
    batch = step(core, [(0, 2, 1, pose(y=9)), (1, 2, 1, pose())])
    assert batch.result["status"][:2].tolist() == [FAILED, 0]
    batch = step(core, [(0, 3, 1, pose()), (1, 3, 1, pose())])
    assert [seen_x(batch, 0), seen_x(batch, 1)] == [0, 2]


def test_a_slot_is_empty_for_who_comes_next() -> None:
    core = joined(counting(), 0)
    core.scene(0, np.ones((2, 6), np.float32), keep_state=False)
    for time in (1, 2, 3):
        step(core, [(0, time, 1, pose())])
    assert core.leave(0) == {}
    joined(core, 0)
    batch = step(core, [(0, 1, 1, pose())])
    assert seen_x(batch) == 0
    assert batch.result["targets"][0] == 0


@pytest.mark.parametrize(("remembers", "keep_state", "seen"), [(False, False, 1), (True, False, 0), (True, True, 1)])
def test_a_scene_that_is_replaced_is_forgotten_and_nothing_else(remembers: bool, keep_state: bool, seen: int) -> None:
    class Placed(Counting):
        remembers_scene = remembers

    core = joined(EngineCore([Placed()], SLOTS, CPU), 0)
    step(core, [(0, 1, 1, pose())])
    core.scene(0, np.ones((2, 6), np.float32), keep_state=keep_state)
    assert seen_x(step(core, [(0, 2, 1, pose())])) == seen


def test_adapters_come_with_a_profile_and_go_with_it() -> None:
    giver = EngineCore([Forecast.load()], SLOTS, CPU)
    giver.join(2, 1, [0.1], {})
    giver._models[0].adapters.put(2, torch.arange(giver._models[0].adapters.width).float())
    profile = giver.leave(2)
    assert list(profile) == [f"forecast@{Forecast.load().version}"]
    taker = EngineCore([Forecast.load()], SLOTS, CPU)
    assert taker.join(4, 9, [0.1], profile) == []
    assert taker.profile(4) == profile
    assert taker.profile(3) == {}


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", b"\xff" * 20, save({"bias": torch.tensor([torch.nan])}), save({"bias": torch.ones(2)})],
    ids=["empty", "nonsense", "no length", "not a number", "another shape"],
)
def test_adapters_that_cannot_be_used_are_set_aside(data: bytes) -> None:
    core = counting()
    assert core.join(0, 1, [], {"counting@1": data}) == ["counting"]
    assert core.join(1, 2, [], {"counting@0": data, "other@1": data}) == ["counting"]
    assert seen_x(step(joined(core, 1), [(1, 1, 1, pose())])) == 0


def test_a_checkpoint_is_of_one_session_only() -> None:
    core = joined(counting(), 0, 1)
    memory = memoryview(bytearray(Checkpoint.size(SLOTS, core.row_floats)))
    checkpoint = Checkpoint(memory, SLOTS, core.row_floats)
    for time in (1, 2):
        step(core, [(0, time, 1, pose()), (1, time, 1, pose())])
    core.checkpoint_rows(checkpoint, np.array([0, 1]))
    other = joined(counting(), 0)
    assert other.join(1, 77, [0.05], {}) == []
    assert other.restore(checkpoint, 0)
    assert not other.restore(checkpoint, 1)
    batch = step(other, [(0, 3, 1, pose()), (1, 3, 1, pose())])
    assert [seen_x(batch, 0), seen_x(batch, 1)] == [2, 0]


def bias(core: EngineCore, slot: int) -> float:
    """What the double has learned of the user in a slot."""
    found = core.profile(slot).get("learning@1") or core.profile(slot).get("selecting@1")
    return 0.0 if found is None else float(load(found)["bias"])


def test_it_learns_only_of_whom_it_may() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    core.join(0, 1, [0.1], {}, learning=True)
    core.join(1, 2, [0.1], {})
    for time in (1, 2, 3):
        step(core, [(0, time, 1, pose()), (1, time, 1, pose())])
    assert (bias(core, 0), bias(core, 1)) == (3, 0)
    core.learn(0, False)
    core.learn(1, True)
    step(core, [(0, 4, 1, pose()), (1, 4, 1, pose())])
    assert (bias(core, 0), bias(core, 1)) == (3, 1)


def test_a_selection_is_learned_and_taken_back() -> None:
    core = EngineCore([Selecting()], SLOTS, CPU)
    core.join(2, 1, [0.1], {})
    core.scene(2, boxes(3), keep_state=False)
    learned, moment = core.confirm(2, 1)
    assert load(learned["selecting@1"])["bias"].tolist() == [2000]
    assert core.confirm(2, 3) == ({}, b""), "the scene has three targets"
    core.confirm(2, 0)
    step(core, [(2, 1, 1, pose())])
    core.scene(2, boxes(1), keep_state=False)
    assert core.confirm(2, 1, moment, -1)[1] == moment
    assert bias(core, 2) == 1000, "the other selection stays"
    core.confirm(2, 1, moment)
    assert bias(core, 2) == 3000


def test_sessions_that_share_learn_together_and_each_in_its_turn() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    core.join(0, 1, [0.1], {}, learning=True)
    core.join(3, 2, [0.1], {}, learning=True, with_slot=0)
    core.join(1, 3, [0.1], {}, learning=True)
    for time in (1, 2):
        batch = step(core, [(0, time, 1, pose()), (3, time, 1, pose()), (1, time, 1, pose())])
    assert [seen_x(batch, row) for row in range(3)] == [2, 2, 2]
    assert (bias(core, 0), bias(core, 3), bias(core, 1)) == (2, 2, 2)
    learned = core.leave(0)
    assert core.profile(3) == learned, "who stays keeps what both learned"
    core.join(0, 4, [0.1], {}, learning=True)
    step(core, [(3, 3, 1, pose()), (0, 3, 1, pose())])
    assert (bias(core, 3), bias(core, 0)) == (3, 1)


def test_all_who_shared_with_one_who_left_share_with_the_heir_and_not_with_who_comes_next() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    core.join(0, 1, [0.1], {}, learning=True)
    for slot in (1, 2):
        core.join(slot, slot + 1, [0.1], {}, learning=True, with_slot=0)
    step(core, [(0, 1, 1, pose())])
    core.leave(0)
    core.join(0, 9, [0.1], {"learning@1": save({"bias": torch.tensor([50.0])})})
    step(core, [(2, 1, 1, pose())])
    assert [bias(core, slot) for slot in (0, 1, 2)] == [50, 2, 2]


def test_of_two_that_share_neither_is_always_passed_over() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    core.join(0, 1, [0.1], {}, learning=True)
    core.join(1, 2, [0.1], {}, with_slot=0)
    for time in range(1, 9):
        step(core, [(0, time, 1, pose()), (1, time, 1, pose())])
    assert bias(core, 0) == 4, "of the one that may learn half of the frames count"


def test_a_gesture_goes_out_with_the_frame_that_ended_it() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    core.join(0, 1, [0.1], {})
    core.join(1, 2, [0.1], {})
    batch = step(core, [(0, 1, 1, pose(y=60)), (1, 1, 1, pose())])
    assert batch.result["gesture"][:2].tolist() == [3, 0]
    assert batch.spans[0].tolist() == [2, 0.75, 0.5, 0.25]


def test_what_a_batch_held_before_is_not_told_again() -> None:
    class Gesturing(Learning):
        only_gesturing = True

    core = EngineCore([Gesturing()], SLOTS, CPU)
    core.join(0, 1, [0.1], {})
    core.join(1, 2, [0.1], {}, gestures=False)
    core.scene(0, boxes(2), keep_state=False)
    batch = step(core, [(0, 1, 1, pose(y=60))])
    assert batch.result[0].tolist() == (0, 1, 1, 2, 0, 3)
    step(core, [(1, 1, 1, pose(y=60))], batch)
    assert batch.result[0].tolist() == (0, 0, 0, 0, -1, 0)


def test_what_was_put_holds_and_other_versions_are_left_alone() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    core.join(0, 1, [0.1], {}, learning=True)
    step(core, [(0, 1, 1, pose())])
    kept = core.profile(0)
    step(core, [(0, 2, 1, pose())])
    core.put(0, {"learning@0": b"", "other@1": b""})
    assert bias(core, 0) == 2
    core.put(0, kept)
    assert bias(core, 0) == 1
    core.put(0, {"learning@1": b""})
    assert core.profile(0) == {}


def test_nothing_is_left_of_who_is_forgotten() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    checkpoint = checkpoint_of(core)
    for slot in (0, 1):
        core.join(slot, slot + 1, [0.1], {}, learning=True)
    for time in (1, 2):
        step(core, [(0, time, 1, pose()), (1, time, 1, pose())])
    core.checkpoint_rows(checkpoint, np.array([0, 1]))
    core.forget(0, checkpoint)
    assert not core._models[0].state.matrix[0].any()
    assert not core._models[0].adapters.matrix[0].any()
    assert not core.restore(checkpoint, 0)
    step(core, [(0, 3, 1, pose()), (1, 3, 1, pose())])
    assert (bias(core, 0), bias(core, 1)) == (0, 3)


def carry_out(core: EngineCore, checkpoint: Checkpoint, *request: Any) -> None:
    execute(core, [], checkpoint, request)


def share(core: EngineCore, checkpoint: Checkpoint, *slots: int, restore: bool) -> None:
    """Sessions begin that share the row of the first."""
    for slot in slots:
        with_slot = -1 if slot == slots[0] else slots[0]
        carry_out(core, checkpoint, "join", slot, 10 + slot, [0.1], {}, restore, True, False, with_slot)


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("first", [0, 1], ids=["the owner comes first", "the other does"])
def test_of_those_who_share_the_newest_checkpoint_counts(last: int, first: int) -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    checkpoint = checkpoint_of(core)
    share(core, checkpoint, 0, 1, restore=False)
    for time, slot in enumerate((last, 1 - last, last), start=1):
        step(core, [(slot, time, 1, pose())])
        core.checkpoint_rows(checkpoint, np.array([slot]))
    assert bias(core, 0) == 3
    after = EngineCore([Learning()], SLOTS, CPU)
    share(after, checkpoint, first, 1 - first, restore=True)
    assert bias(after, 0) == bias(after, 1) == 3


def test_who_inherits_has_what_was_learned_since_its_own_checkpoint() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    checkpoint = checkpoint_of(core)
    share(core, checkpoint, 0, 1, restore=False)
    step(core, [(1, 1, 1, pose())])
    core.checkpoint_rows(checkpoint, np.array([1]))
    for time in (1, 2, 3):
        step(core, [(0, time, 1, pose())])
    carry_out(core, checkpoint, "leave", 0, 10)
    after = EngineCore([Learning()], SLOTS, CPU)
    share(after, checkpoint, 1, restore=True)
    assert bias(after, 1) == 4


def test_nothing_is_left_of_who_leaves() -> None:
    core = EngineCore([Learning()], SLOTS, CPU)
    core.join(0, 1, [0.1], {}, learning=True)
    step(core, [(0, 1, 1, pose())])
    assert core.holds(0, 1)
    core.leave(0)
    assert not core.holds(0, 1)
    assert not core._models[0].state.matrix[0].any()
    assert not core._models[0].adapters.matrix[0].any()


@pytest.mark.parametrize(("model", "expected"), [(Learning, 2), (Selecting, 1000)])
def test_what_frames_teach_comes_from_the_checkpoint_and_selections_from_the_profile(model: Any, expected: int) -> None:
    core = EngineCore([model()], SLOTS, CPU)
    checkpoint = checkpoint_of(core)
    core.join(0, 1, [0.1], {}, learning=True)
    core.scene(0, boxes(2), keep_state=False)
    for time in (1, 2):
        step(core, [(0, time, 1, pose())])
    core.checkpoint_rows(checkpoint, np.array([0]))
    known, _ = core.confirm(0, 0)
    after = EngineCore([model()], SLOTS, CPU)
    after.join(0, 1, [0.1], known, learning=True)
    assert after.restore(checkpoint, 0)
    assert bias(after, 0) == expected


def test_models_are_found_by_name_and_by_class() -> None:
    assert load_model("target", CPU).name == "target"
    assert load_model("tests.doubles:Counting", CPU).name == "counting"
    for wrong in ("nothing", "tests.doubles:Nothing", "no.such.module:X", ""):
        with pytest.raises(LookupError, match="forecast, target"):
            load_model(wrong, CPU)


def answer(batch: Batch, row: int) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    result = batch.result[row].tolist()
    return result, batch.forecast[row, : 7 * result[2]].copy(), batch.probabilities[row, : result[3]].copy()


def boxes(count: int) -> np.ndarray:  # type: ignore[type-arg]
    """As many boxes around the origin, always the same."""
    at = np.arange(count, dtype=np.float32)
    return np.stack((np.sin(at), at * 0.1, np.cos(at), at * 0 + 0.2, at * 0 + 0.2, at * 0 + 0.2), axis=1)


moves = st.lists(
    st.tuples(
        st.sampled_from(["frame"] * 8 + ["join", "leave", "scene"]),
        st.integers(0, SLOTS - 1),
        st.integers(1, 2**31),
    ),
    min_size=5,
    max_size=60,
)


@pytest.fixture(
    scope="module",
    params=[lambda: [Counting()], lambda: [Forecast.load(), TargetPicker.load()]],
    ids=["counting", "shipped"],
)
def models(request: pytest.FixtureRequest) -> list[FrameModel]:
    loaded: list[FrameModel] = request.param()
    return loaded


@given(moves=moves, sizes=st.lists(st.integers(1, SLOTS), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_session_gets_what_it_would_get_alone(models: list[FrameModel], moves: Any, sizes: list[int]) -> None:
    """Sessions that join, leave and change scenes at random in shared batches, each then run again by itself."""
    together = EngineCore(models, SLOTS, CPU)
    lives: dict[int, list[Any]] = {}
    done: list[list[Any]] = []
    pending: dict[int, tuple[int, int, int, bytes]] = {}
    serial, clock = 0, 0

    def flush() -> None:
        if pending:
            rows = list(pending.values())
            batch = step(together, rows)
            for row, (slot, *frame) in enumerate(rows):
                lives[slot].append(("frame", frame, answer(batch, row)))
            pending.clear()

    for number, (move, slot, seed) in enumerate(moves):
        clock += 11_111 if seed % 17 else 1_500_000
        generator = np.random.default_rng(seed)
        if move == "frame" and slot in lives:
            mask = EVERYTHING & int(generator.integers(0, 16))
            numbers = generator.normal(size=(BLOB_BYTES[mask] // 28, 7)).astype("<f4")
            numbers[:, 3:] /= np.linalg.norm(numbers[:, 3:], axis=1, keepdims=True)
            pending[slot] = (slot, clock, mask, numbers.tobytes())
            if len(pending) >= sizes[number % len(sizes)]:
                flush()
            continue
        flush()
        if move == "join" or (move == "frame" and slot not in lives):
            if slot not in lives:
                serial += 1
                together.join(slot, serial, [0.03, 0.1], {})
                lives[slot] = []
        elif slot in lives and move == "leave":
            together.leave(slot)
            done.append(lives.pop(slot))
        elif slot in lives:
            count = seed % 12
            together.scene(slot, boxes(count), keep_state=False)
            lives[slot].append(("scene", count, None))
    flush()

    for life in [*done, *lives.values()]:
        alone = EngineCore(models, SLOTS, CPU)
        alone.join(1, 1, [0.03, 0.1], {})
        for kind, what, expected in life:
            if kind == "scene":
                alone.scene(1, boxes(what), keep_state=False)
                continue
            result, forecast, probabilities = answer(step(alone, [(1, *what)]), 0)
            assert result[:4] == expected[0][:4]
            np.testing.assert_allclose(forecast, expected[1], atol=2e-4)
            np.testing.assert_allclose(probabilities, expected[2], atol=1e-4)

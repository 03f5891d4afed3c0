"""The target frame model, its recordings, training and evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from models import rotations, vr_objects
from models.frame_model import GAZE, HEAD, LEFT, MAX_TARGETS, RIGHT, FrameBatch, Rows
from models.target.augmentation import augmented
from models.target.evaluation import OFFSETS_S, RAYS, NobodyLeftError, evaluate, table
from models.target.network import Network, Origin, Shape, TargetPicker, WeightsError, write_weights
from models.target.sequences import Sequences, sequences
from models.target.training import TrainingDataError, train
from models.vr_objects import Trial, resampled
from tests.recordings import USERS, write_recordings

UP = torch.tensor([0.0, 1, 0])


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model() -> TargetPicker:
    return TargetPicker.load()


def random_batch(rows: int, targets: int, seed: int) -> FrameBatch:
    rng = torch.Generator().manual_seed(seed)
    batch = FrameBatch.blank(rows, targets)
    batch.dt[:] = 1 / 90
    batch.tracked[:] = True
    for name, height in (("head", 1.6), ("gaze", 1.6), ("left", 1.0), ("right", 1.1)):
        pose = torch.randn(rows, 7, generator=rng)
        pose[:, :3] = pose[:, :3] * 0.2 + UP * height
        pose[:, 3:] = torch.nn.functional.normalize(pose[:, 3:], dim=-1)
        setattr(batch, name, pose)
    batch.targets[..., :3] = torch.randn(rows, targets, 3, generator=rng) + UP
    batch.targets[..., 3:] = torch.rand(rows, targets, 3, generator=rng) * 0.5
    batch.present[:] = True
    return batch


def rows_of(batch: FrameBatch, change: Callable[[Tensor], Tensor]) -> FrameBatch:
    return FrameBatch(**{name: change(value) for name, value in vars(batch).items() if isinstance(value, Tensor)})


def blank(columns: dict[str, tuple[int, ...]], rows: int) -> Rows:
    return {name: torch.zeros(rows, *shape) for name, shape in columns.items()}


def stepped(model: TargetPicker, batches: list[FrameBatch], adapters: Rows | None = None) -> tuple[Tensor, Rows]:
    """The last frame's probabilities and the state after it."""
    state = blank(model.state, len(batches[0]))
    adapters = adapters or blank(model.adapters, len(batches[0]))
    with torch.inference_mode():
        for batch in batches:
            outputs, state, _ = model.step(batch, state, adapters)
    return outputs["target"], state


def moving(rows: int, targets: int) -> list[FrameBatch]:
    """Five frames in which hands, head and gaze move and the targets do not."""
    batches = [random_batch(rows, targets, seed) for seed in range(5)]
    return [replace(batch, targets=batches[0].targets, present=batches[0].present) for batch in batches]


def test_outputs_and_state_have_the_declared_shapes(model: TargetPicker) -> None:
    found, state = stepped(model, moving(3, 7))
    assert found.shape == (3, 7)
    assert found.dtype == torch.float32
    assert {name: tuple(value.shape[1:]) for name, value in state.items()} == model.state
    assert sum(4 * math.prod(shape) for shape in model.state.values()) < 8192
    assert model.remembers_scene


def test_probabilities_add_up_to_one_over_what_is_present(model: TargetPicker) -> None:
    batches = moving(3, 6)
    batches[0].present[1, 2:] = False
    batches[0].present[2] = False
    found, state = stepped(model, batches)
    assert torch.allclose(found.sum(1), torch.tensor([1.0, 1.0, 0.0]), atol=1e-6)
    assert (found[~batches[0].present] == 0).all()
    assert all(value.isfinite().all() for value in state.values())


def test_a_batch_without_any_target_is_answered(model: TargetPicker) -> None:
    found, state = stepped(model, moving(2, 0))
    assert found.shape == (2, 0)
    assert all(value.isfinite().all() for value in state.values())


def test_the_largest_scene_is_answered(model: TargetPicker) -> None:
    found, _ = stepped(model, moving(2, MAX_TARGETS))
    assert torch.allclose(found.sum(1), torch.ones(2), atol=1e-6)


def test_a_batch_is_what_each_of_its_rows_is_alone(model: TargetPicker) -> None:
    batches = moving(9, 10)
    for batch in batches:
        batch.tracked[:] = torch.rand(9, 4, generator=torch.Generator().manual_seed(1)) < 0.7
    together, state = stepped(model, batches)
    for row in range(9):
        alone, state_alone = stepped(model, [rows_of(batch, lambda x, row=row: x[row : row + 1]) for batch in batches])
        assert torch.allclose(together[row], alone[0], atol=1e-5)
        for name, value in state.items():
            assert torch.allclose(value[row], state_alone[name][0], atol=1e-5), name


def test_targets_may_come_in_any_order(model: TargetPicker) -> None:
    batches = moving(4, 10)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    shuffled = [replace(x, targets=x.targets[:, order], present=x.present[:, order]) for x in batches]
    assert torch.allclose(stepped(model, batches)[0][:, order], stepped(model, shuffled)[0], atol=1e-6)


def test_padding_changes_nothing(model: TargetPicker) -> None:
    batches = moving(4, 5)
    nowhere, absent = torch.full((4, 7, 6), 3.0), torch.zeros(4, 7, dtype=torch.bool)
    padded = [
        replace(x, targets=torch.cat((x.targets, nowhere), 1), present=torch.cat((x.present, absent), 1))
        for x in batches
    ]
    alone, together = stepped(model, batches)[0], stepped(model, padded)[0]
    assert torch.allclose(alone, together[:, :5], atol=1e-6)
    assert (together[:, 5:] == 0).all()


@pytest.mark.parametrize("degrees", [37.0, 90.0, 180.0])
def test_the_world_may_be_turned_and_moved(model: TargetPicker, degrees: float) -> None:
    batches = moving(6, 8)
    turn = rotations.from_rotation_vector(UP * math.radians(degrees))
    shift = torch.tensor([1.5, 0.3, -2.0])

    def place(position: Tensor) -> Tensor:
        return rotations.rotate(turn.expand(*position.shape[:-1], 4), position) + shift

    def pose(value: Tensor) -> Tensor:
        return torch.cat((place(value[:, :3]), rotations.multiply(turn.expand(len(value), 4), value[:, 3:])), dim=-1)

    turned = []
    for batch in batches:
        size = batch.targets[..., 3:]
        size = size[..., [2, 1, 0]] if degrees == 90.0 else size
        boxes = torch.cat((place(batch.targets[..., :3]), size), dim=-1)
        poses = {name: pose(getattr(batch, name)) for name in ("head", "gaze", "left", "right")}
        turned.append(replace(batch, targets=boxes, **poses))
    assert torch.allclose(stepped(model, batches)[0], stepped(model, turned)[0], atol=1e-4)


@pytest.mark.parametrize("hand", [LEFT, RIGHT])
def test_a_hand_is_a_hand_whichever_it_is(model: TargetPicker, hand: int) -> None:
    batches = moving(4, 6)
    swapped = [replace(x, left=x.right, right=x.left, tracked=x.tracked.clone()) for x in batches]
    for batch in batches:
        batch.tracked[:, hand] = False
    for batch in swapped:
        batch.tracked[:, LEFT + RIGHT - hand] = False
    assert torch.allclose(stepped(model, batches)[0], stepped(model, swapped)[0], atol=1e-6)


def looking(at: Tensor, origin: Tensor) -> Tensor:
    """``[N, 7]`` poses at ``origin``, -Z towards ``at``."""
    ahead = torch.tensor([0.0, 0, -1]).expand_as(at)
    return torch.cat((origin, rotations.between(ahead, torch.nn.functional.normalize(at - origin, dim=-1))), dim=-1)


def pointing_at(devices: list[int]) -> FrameBatch:
    """Ten users amid a ring of ten targets, each of whom means another; what is tracked points there."""
    rows = 10
    batch = FrameBatch.blank(rows, rows)
    around = torch.arange(rows) * (2 * math.pi / rows)
    batch.targets[..., 0], batch.targets[..., 2] = 2 * around.cos(), 2 * around.sin()
    batch.targets[..., 1], batch.targets[..., 3:] = 1.0, 0.2
    batch.present[:] = True
    batch.tracked[:, devices] = True
    batch.dt[:] = 1 / 90
    at = batch.targets[torch.arange(rows), torch.arange(rows), :3]
    eyes = torch.tensor([0.05, 1.6, 0.0]).expand(rows, 3)
    for device, (name, drop) in enumerate((("head", 0.0), ("gaze", 0.0), ("left", 0.4), ("right", 0.4))):
        if device in devices:
            setattr(batch, name, looking(at, eyes - UP * drop))
    return batch


@pytest.mark.parametrize("devices", [[HEAD], [HEAD, GAZE], [GAZE], [LEFT], [RIGHT], [HEAD, LEFT], [0, 1, 2, 3]])
def test_what_all_tracked_rays_hit_is_picked(model: TargetPicker, devices: list[int]) -> None:
    found, _ = stepped(model, 30 * [pointing_at(devices)])
    assert found.argmax(1).tolist() == list(range(10))


def test_what_was_meant_before_is_let_go(model: TargetPicker) -> None:
    first = pointing_at([HEAD, GAZE, RIGHT])
    poses = {name: getattr(first, name).roll(3, 0) for name in ("head", "gaze", "right")}
    found, _ = stepped(model, 90 * [first] + 45 * [replace(first, **poses)])
    assert found.argmax(1).tolist() == [(row - 3) % 10 for row in range(10)]


def test_rate_hardly_matters(model: TargetPicker) -> None:
    batch = random_batch(6, 8, 0)
    found = {}
    for rate in (72, 90, 120):
        each = replace(batch, dt=torch.full((6,), 1 / rate))
        found[rate], _ = stepped(model, [replace(batch, dt=torch.zeros(6))] + (rate // 2) * [each])
    assert torch.allclose(found[72], found[120], atol=0.02)
    assert torch.allclose(found[90], found[120], atol=0.02)


def test_adapters_change_their_own_row_only(model: TargetPicker) -> None:
    batches = moving(3, 6)
    plain, _ = stepped(model, batches)
    for name in ("pointing", "readout"):
        adapters = blank(model.adapters, 3)
        adapters[name][1] = 0.2
        found, _ = stepped(model, batches, adapters)
        assert torch.equal(found[[0, 2]], plain[[0, 2]])
        assert (found[1] - plain[1]).abs().max() > 1e-4, name


def test_pointing_turns_the_rays_right_and_up(model: TargetPicker) -> None:
    """A user whose gaze is measured too far left and too low is answered, once corrected, as if it were not."""
    batch = random_batch(4, 6, 3)
    batch.tracked[:, [LEFT, RIGHT]] = False
    off = torch.tensor([math.tan(0.05), math.tan(0.03), -1.0])
    turn = rotations.between(torch.tensor([0.0, 0, -1]), torch.nn.functional.normalize(off, dim=-1))
    true = torch.cat((batch.gaze[:, :3], rotations.multiply(batch.gaze[:, 3:], turn.expand(4, 4))), dim=-1)
    adapters = blank(model.adapters, 4)
    adapters["pointing"][:, GAZE] = off[:2]
    corrected, _ = stepped(model, [batch], adapters)
    assert torch.allclose(corrected, stepped(model, [replace(batch, gaze=true)])[0], atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_answers_the_same(model: TargetPicker) -> None:
    batches = moving(5, 10)
    there = TargetPicker.load(device="cuda")
    on_device = [rows_of(batch, lambda x: x.cuda()) for batch in batches]
    state = {name: value.cuda() for name, value in blank(there.state, 5).items()}
    adapters = {name: value.cuda() for name, value in blank(there.adapters, 5).items()}
    with torch.inference_mode():
        for batch in on_device:
            outputs, state, _ = there.step(batch, state, adapters)
    assert torch.allclose(stepped(model, batches)[0], outputs["target"].cpu(), atol=1e-4)


def test_inputs_are_not_written_to(model: TargetPicker) -> None:
    batches = moving(3, 6)
    _, state = stepped(model, batches)
    before = {name: value.clone() for name, value in state.items()}
    model.step(batches[0], state, blank(model.adapters, 3))
    assert all(torch.equal(before[name], state[name]) for name in state)


def test_weights_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"no weights")
    for path in (wrong, tmp_path / "missing.safetensors"):
        with pytest.raises(WeightsError, match=path.name):
            TargetPicker.load(path)


def test_weights_are_written_and_read_and_their_version_is_theirs(tmp_path: Path) -> None:
    versions = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        network = Network(Shape(hidden=8, memory=4))
        write_weights(network, Origin(("u01",), "source", "MIT", {"seed": seed}), tmp_path / "weights")
        read = TargetPicker.load(tmp_path / "weights")
        assert read.network.shape == Shape(hidden=8, memory=4)
        assert read.origin.trained_on == ("u01",)
        assert all(torch.equal(value, read.network.state_dict()[name]) for name, value in network.state_dict().items())
        versions.append(read.version)
    assert versions[0] == versions[1] != versions[2]
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    write_recordings(folder)
    return folder


def test_training_twice_gives_the_same_weights(recordings: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(recordings, tmp_path / name, epochs=1, users=("u01", "u02"), calibrated_on=("u02",))
    a, b = TargetPicker.load(tmp_path / "a"), TargetPicker.load(tmp_path / "b")
    assert a.version == b.version
    assert a.origin.trained_on == ("u01", "u02")
    assert a.origin.training["epochs"] == 1
    assert all(value.isfinite().all() for value in a.network.state_dict().values())


@pytest.mark.parametrize(
    ("users", "calibrated_on"), [(("u01", "u09"), ("u01",)), (("u01",), ("u01",)), (("u01", "u02"), ("u03",))]
)
def test_training_needs_its_users(
    recordings: Path, tmp_path: Path, users: tuple[str, ...], calibrated_on: tuple[str, ...]
) -> None:
    with pytest.raises(TrainingDataError):
        train(recordings, tmp_path / "out", epochs=1, users=users, calibrated_on=calibrated_on)
    assert not list(tmp_path.iterdir())


def test_evaluation_measures_whom_the_weights_were_not_trained_on(recordings: Path, tmp_path: Path) -> None:
    write_weights(TargetPicker.load().network, Origin(("u01",)), tmp_path / "weights")
    result = evaluate(recordings, weights=tmp_path / "weights", progress=False)
    assert json.loads(json.dumps(result)) == result
    assert (result["users"], result["trained_on"], result["trials"]) == (["u02", "u03"], ["u01"], 8)
    assert [figure["before_confirm_s"] for figure in result["overall"]] == list(OFFSETS_S)
    for figure in (*result["overall"], result["end_of_search"]):
        assert figure["accuracy"] == 1.0
        assert figure["rays"] == dict.fromkeys(RAYS, 1.0)
        assert 0 <= figure["ece"] < 1
        assert 0 <= figure["nll"] < math.log(3)
    assert result["end_of_search"]["trials"] == 4
    printed = StringIO()
    for made in table(result):
        Console(width=200, file=printed).print(made)
    assert all(word in printed.getvalue() for word in ("u02", "u03", "laser", "gaze", "search ends"))


def test_evaluation_says_who_is_there_when_nobody_is_left(recordings: Path, tmp_path: Path) -> None:
    write_weights(Network(Shape()), Origin(USERS), tmp_path / "weights")
    with pytest.raises(NobodyLeftError, match="u01, u02, u03"):
        evaluate(recordings, weights=tmp_path / "weights", progress=False)
    with pytest.raises(NobodyLeftError):
        evaluate(recordings, users=["u99"], progress=False)


def trial(time: list[float], position: list[float], turn: list[float]) -> Trial:
    """A trial whose poses all stand at ``position`` along x and are turned by ``turn`` radians about the vertical."""
    orientation = rotations.from_rotation_vector(torch.tensor(turn)[:, None] * UP)
    pose = np.zeros((len(time), 7), np.float32)
    pose[:, 0], pose[:, 3:] = position, orientation.numpy()
    flags = np.array([i % 2 == 1 for i in range(len(time))])
    text = dict.fromkeys(("user", "scene", "mode", "target", "label"), "x")
    times = {"preview_start": 0.0, "preview_end": 0.0, "response_start": 0.0, "confirm": 0.0}
    arrays = {"head": pose, "gaze": pose, "hand": pose, "gaze_valid": flags, "trigger": flags}
    return Trial(**text, **times, **arrays, session=1, number=1, whole=True, time=np.array(time))


def test_resampled_lies_between_the_neighbours() -> None:
    even = resampled(trial([1.0, 1.12, 1.42], [0.0, 1.2, 4.2], [0.0, 0.12, 0.12]), 20)
    assert np.allclose(even.time, 1 + np.arange(9) / 20)
    assert np.allclose(even.head[:, 0], np.arange(9) / 2, atol=1e-5)
    turned = rotations.to_rotation_vector(torch.from_numpy(even.hand[:, 3:]))[:, 1]
    assert np.allclose(turned, [0, 0.05, 0.1, *(6 * [0.12])], atol=1e-5)
    assert even.trigger.tolist() == [False, False, True, True, True, True, False, False, False]


def test_resampled_takes_the_shorter_way_round() -> None:
    uneven = trial([0.0, 1.0], [0.0, 1.0], [0.0, 0.2])
    uneven.head[1, 3:] *= -1
    turned = rotations.to_rotation_vector(torch.from_numpy(resampled(uneven, 2).head[:, 3:]))[:, 1]
    assert np.allclose(turned, [0, 0.1, 0.2], atol=1e-5)


def test_resampled_keeps_one_frame_and_refuses_none() -> None:
    assert resampled(trial([5.0], [1.0], [0.0]), 90).head[:, 0].tolist() == [1.0]
    with pytest.raises(ValueError, match="no frames"):
        resampled(trial([], [], []), 90)
    for rate in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="rate_hz"):
            resampled(trial([0.0], [0.0], [0.0]), rate)


def some_sequences(recordings: Path) -> Sequences:
    data = vr_objects.load(recordings)
    return sequences([resampled(each, 90) for each in data.trials if not each.whole], data.scenes)


def test_augmentation_keeps_what_is_meant_and_never_loses_all_devices(recordings: Path) -> None:
    recorded = some_sequences(recordings)
    for seed in range(20):
        other = augmented(recorded, torch.Generator().manual_seed(seed))
        rows = torch.arange(other.present.shape[0])
        assert other.present[rows, other.meant[0]].all()
        assert other.tracked.any(-1).all()
        assert torch.allclose(other.left[..., 3:].norm(dim=-1), torch.ones(other.left.shape[:2]), atol=1e-4)


def test_what_is_not_tracked_is_the_identity(recordings: Path) -> None:
    other = augmented(some_sequences(recordings), torch.Generator().manual_seed(0))
    batch = other.frame(3)
    poses = torch.stack((batch.head, batch.gaze, batch.left, batch.right), dim=1)
    assert not other.tracked.all()
    assert (poses[~batch.tracked] == torch.tensor([0.0, 0, 0, 0, 0, 0, 1])).all()
    assert torch.equal(batch.head[batch.tracked[:, HEAD]], other.head[3][batch.tracked[:, HEAD]])


def test_augmentation_leaves_geometry_alone(recordings: Path) -> None:
    """However it is mirrored, the gaze still meets what is meant."""
    other = augmented(some_sequences(recordings), torch.Generator().manual_seed(0))
    rows = torch.arange(other.present.shape[0])
    towards = other.targets[rows, other.meant[0], :3] - other.gaze[0, :, :3]
    towards = torch.nn.functional.normalize(towards, dim=-1)
    assert torch.allclose(rotations.forward(other.gaze[0, :, 3:]), towards, atol=1e-3)

"""The forecast model: its arithmetic, its independence of the batch, and its training and evaluation end to end."""

from __future__ import annotations

import gzip
import math
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from bridge.cli import app as commands
from models import rotations
from models.forecast import evaluation, personal, training
from models.forecast.motion import FEATURES, STATE, Observer, Seen
from models.forecast.network import Forecast, ForecastNetwork, displacement, read_metadata
from models.frame_model import GAZE, HEAD, LEFT, RIGHT, FrameBatch, Rows
from models.vr_objects import DataError


def random_network(seed: int = 0) -> ForecastNetwork:
    torch.manual_seed(seed)
    network = ForecastNetwork()
    torch.nn.init.normal_(network.out.weight, std=0.02)
    return network


@pytest.fixture(scope="module")
def model() -> Forecast:
    return Forecast(random_network(), "test")


def poses(generator: torch.Generator, rows: int) -> Tensor:
    position = torch.randn(rows, 3, generator=generator)
    orientation = torch.nn.functional.normalize(torch.randn(rows, 4, generator=generator), dim=1)
    return torch.cat((position, orientation), dim=1)


def walk(rows: int, frames: int, seed: int = 1, dt: float = 1 / 90) -> list[FrameBatch]:
    """People who move smoothly, each in their own way."""
    generator = torch.Generator().manual_seed(seed)
    starts = [poses(generator, rows) for _ in range(4)]
    moves = [torch.randn(rows, 3, generator=generator) for _ in range(4)]
    turns = [torch.randn(rows, 3, generator=generator) for _ in range(4)]
    batches = []
    for at in range(frames):
        batch = FrameBatch.blank(rows)
        for name, start, move, turn in zip(("head", "gaze", "left", "right"), starts, moves, turns, strict=True):
            turned = rotations.multiply(start[:, 3:], rotations.from_rotation_vector(turn * at * dt))
            setattr(batch, name, torch.cat((start[:, :3] + move * at * dt, turned), dim=1))
        batch.tracked[:] = True
        batch.dt.fill_(dt if at else 0.0)
        batch.fresh.fill_(at == 0)
        batch.horizons[:, :3] = torch.tensor([0.0, 0.05, 0.1])
        batches.append(batch)
    return batches


def blank(model: Forecast, rows: int) -> tuple[Rows, Rows]:
    def zeros(columns: object) -> Rows:
        return {name: torch.zeros(rows, *shape) for name, shape in columns.items()}  # type: ignore[attr-defined]

    return zeros(model.state), zeros(model.adapters)


@torch.inference_mode()
def run(model: Forecast, batches: list[FrameBatch], adapters: Rows | None = None) -> Tensor:
    state, zeros = blank(model, len(batches[0]))
    found = []
    for batch in batches:
        outputs, state, _ = model.step(batch, state, zeros if adapters is None else adapters)
        found.append(outputs["forecast"])
    return torch.stack(found)


def row_of(batch: FrameBatch, row: int) -> FrameBatch:
    return FrameBatch(
        **{name: value[row : row + 1] for name, value in vars(batch).items() if isinstance(value, Tensor)}
    )


def test_the_forecast_for_now_is_the_pose_itself(model: Forecast) -> None:
    batches = walk(3, 5)
    forecast = run(model, batches)[-1]
    for device, name in enumerate(("head", "left", "right")):
        torch.testing.assert_close(forecast[:, device, 0], getattr(batches[-1], name), atol=1e-5, rtol=0)


def test_orientations_are_of_unit_length(model: Forecast) -> None:
    torch.testing.assert_close(run(model, walk(3, 5))[..., 3:].norm(dim=-1), torch.ones(5, 3, 3, 8), atol=1e-4, rtol=0)


def test_without_coefficients_it_goes_straight_on() -> None:
    straight = Forecast(ForecastNetwork(), "test")
    batches = walk(4, 40)
    forecast = run(straight, batches)[30]
    later = batches[39]
    for device, name in enumerate(("head", "left", "right")):
        torch.testing.assert_close(forecast[:, device, 2, :3], getattr(later, name)[:, :3], atol=2e-3, rtol=0)
        angle = rotations.angle_between(forecast[:, device, 2, 3:], getattr(later, name)[:, 3:])
        assert float(angle.max()) < 2e-3


def test_a_batch_is_its_rows_one_by_one(model: Forecast) -> None:
    batches = walk(6, 12)
    for batch in batches:
        batch.tracked[1, LEFT] = False
        batch.tracked[2, RIGHT] = False
        batch.tracked[3, HEAD] = False
        batch.tracked[4, (GAZE, LEFT)] = False
    together = run(model, batches)
    for row in range(6):
        alone = run(model, [row_of(batch, row) for batch in batches])
        seen = [device for device, column in enumerate((HEAD, LEFT, RIGHT)) if batches[0].tracked[row, column]]
        torch.testing.assert_close(together[:, row : row + 1, seen], alone[:, :, seen], atol=1e-5, rtol=0)


def test_training_sees_what_serving_sees() -> None:
    network = random_network()
    model = Forecast(network, "test")
    batches = walk(2, 30)
    observer, state = Observer(), torch.zeros(2, STATE)
    features = []
    for batch in batches:
        seen = Seen(
            torch.stack((batch.head, batch.right), 1), batch.tracked[:, (0, 3, 1)], batch.gaze[:, 3:],
            batch.buttons[:, 1, :2], batch.dt,
        )  # fmt: skip
        observed, state = observer.observe(seen, state)
        features.append(observed.features)
    with torch.inference_mode():
        coefficients, _ = network(torch.stack(features, 1))
        moved = displacement(observed.velocity, coefficients[:, -1], torch.tensor([0.1]))
    served = run(model, batches)[-1][:, 2, 2, :3]
    hand = batches[-1].right
    expected = hand[:, :3] + rotations.rotate(hand[:, 3:], moved[:, 1, 0, :3])
    torch.testing.assert_close(served, expected, atol=1e-5, rtol=0)


def test_a_left_hand_is_a_right_one_in_a_mirror(model: Forecast) -> None:
    mirror = torch.tensor([-1.0, 1, 1, 1, -1, -1, 1])
    batches, mirrored = walk(3, 10), walk(3, 10)
    for batch, image in zip(batches, mirrored, strict=True):
        image.head, image.gaze = batch.head * mirror, batch.gaze * mirror
        image.left, image.right = batch.right * mirror, batch.left * mirror
    forecast, image = run(model, batches), run(model, mirrored)
    torch.testing.assert_close(forecast[:, :, 2, 1:3], image[:, :, 1, 1:3] * mirror, atol=1e-5, rtol=0)


def test_where_somebody_stands_and_faces_changes_nothing(model: Forecast) -> None:
    batches, elsewhere = walk(3, 10), walk(3, 10)
    yaw = torch.tensor([0.0, math.sin(0.6), 0.0, math.cos(0.6)])
    shift = torch.tensor([3.0, 0.0, -5.0])

    def moved(pose: Tensor) -> Tensor:
        turn = yaw.expand(*pose.shape[:-1], 4)
        return torch.cat((rotations.rotate(turn, pose[..., :3]) + shift, rotations.multiply(turn, pose[..., 3:])), -1)

    for batch in elsewhere:
        for name in ("head", "gaze", "left", "right"):
            setattr(batch, name, moved(getattr(batch, name)))
    here, there = run(model, batches), run(model, elsewhere)
    torch.testing.assert_close(moved(here[:, :, :, :3]), there[:, :, :, :3], atol=2e-4, rtol=0)


def test_a_hand_that_comes_back_brings_no_old_velocity(model: Forecast) -> None:
    batches = walk(1, 12)
    for batch in batches[4:8]:
        batch.tracked[:, RIGHT] = False
        batch.right = torch.tensor([[0.0, 0, 0, 0, 0, 0, 1]])
    observer, state = Observer(), torch.zeros(1, STATE)
    for at, batch in enumerate(batches[:9]):
        tracked = batch.tracked[:, (0, 3, 1)]
        seen = Seen(torch.stack((batch.head, batch.right), 1), tracked, batch.gaze[:, 3:], torch.zeros(1, 2), batch.dt)
        observed, state = observer.observe(seen, state)
        if at >= 4:
            assert float(observed.velocity[:, 1].abs().max()) == 0.0


@pytest.mark.parametrize("rate", [72.0, 90.0, 120.0])
def test_velocities_do_not_depend_on_the_rate(rate: float) -> None:
    observer, state = Observer(), torch.zeros(2, STATE)
    for batch in walk(2, int(rate), dt=1 / rate):
        seen = Seen(
            torch.stack((batch.head, batch.right), 1), batch.tracked[:, (0, 3, 1)], batch.gaze[:, 3:],
            torch.zeros(2, 2), batch.dt,
        )  # fmt: skip
        observed, state = observer.observe(seen, state)
    last = walk(2, 1, dt=1 / rate)
    speed = observed.velocity[:, 1, :3].norm(dim=1)
    generator = torch.Generator().manual_seed(1)
    [poses(generator, 2) for _ in range(4)]
    moves = [torch.randn(2, 3, generator=generator) for _ in range(4)]
    torch.testing.assert_close(speed, moves[3].norm(dim=1), atol=1e-2, rtol=0)
    assert observed.features.shape == (2, FEATURES)
    assert len(last) == 1


def write_people(folder: Path, users: tuple[str, ...]) -> None:
    """A folder in the format of vr_objects: people who wave, a trial each."""
    generator = np.random.default_rng(5)
    frames = 200
    columns = [
        "user",
        "scene",
        "mode",
        "session",
        "trial",
        "target",
        "label",
        "kept",
        "t_start_pos",
        "t_preview_start",
        "t_preview_end",
    ]
    columns += ["t_response_start", "t_response_end"]
    rows, deltas, times = [], [], []
    for user in users:
        time = np.arange(frames) / 90
        pose = np.zeros((frames, 17))
        phase = generator.uniform(0, 6, 17)
        pose[:, 0:3] = 0.05 * np.sin(3 * time[:, None] + phase[:3]) + (0, 1.6, 0)
        pose[:, 7:10] = 0.2 * np.sin(6 * time[:, None] + phase[7:10]) + (0.2, 1.2, 0.4)
        yaw = 0.3 * np.sin(2 * time + phase[4])
        for at in (3, 10):
            pose[:, at + 1], pose[:, at + 3] = np.sin(yaw / 2), np.cos(yaw / 2)
        pose[:, 16] = 1
        scale = np.where(np.isin(np.arange(17), (0, 1, 2, 7, 8, 9)), 5000, 32767)
        whole = np.round(pose * scale).astype(np.int16)
        deltas.append(whole)
        times.append(time)
        rows.append([user, "S", "laser", 1, 1, "T1", "Thing", "full", 0, 0.1, 1.0, 1.2, 2.1])
    total = np.concatenate(deltas)
    dpose = np.diff(total, axis=0, prepend=np.zeros((1, 17), np.int16)).astype(np.int16).T
    np.savez(
        folder / "frames.npz",
        dpose=dpose,
        t=np.concatenate(times).astype(np.float32),
        flags=np.full(len(total), 4, np.uint8),
        offsets=(np.arange(len(users) + 1) * frames).astype(np.int32),
    )
    with gzip.open(folder / "trials.tsv.gz", "wt") as file:
        file.write("\n".join("\t".join(map(str, row)) for row in [columns, *rows]) + "\n")
    names = ["scene", "target", "target_label", "preview_label"]
    names += [f"target_{what}_{axis}" for what in ("pos", "bbox_center", "bbox_size") for axis in "xyz"]
    (folder / "objects.tsv").write_text(
        "\t".join(names) + "\n" + "\t".join(["S", "T1", "thing", "Thing", *["0.5"] * 9]) + "\n"
    )


def test_training_and_evaluation_end_to_end(tmp_path: Path) -> None:
    write_people(tmp_path, ("a", "b", "c"))
    weights = tmp_path / "weights.safetensors"
    training.train(tmp_path, weights, epochs=2, users=("a", "b"), threads=1)
    assert read_metadata(weights)["trained_on"] == "a,b"
    result = evaluation.evaluate(tmp_path, weights=weights, progress=False)
    assert result["users"] == ["c"]
    assert len(result["figures"]) == len(evaluation.PARTS) * 2 * len(evaluation.HORIZONS_MS)
    at_100 = {(row["part"], row["quantity"]): row for row in result["figures"] if row["horizon_ms"] == 100}
    hand = at_100["hand", "position"]
    # 0.2 m at 6 rad/s in each of three axes: a hold of 100 ms is off by 0.2 * 2 sin(0.3) * |cos| in each.
    assert 40 < hand["hold"] < 160
    assert hand["constant_velocity"] < hand["hold"]
    assert evaluation.table(result).row_count == len(result["figures"])


def test_learning_is_measured_on_who_was_not_trained_on(tmp_path: Path) -> None:
    write_people(tmp_path, ("a", "b", "c"))
    weights = tmp_path / "weights.safetensors"
    training.train(tmp_path, weights, epochs=1, users=("a",), threads=1)
    result = personal.evaluate(tmp_path, weights=weights, after_s=1.0, bin_s=0.5, progress=False)
    assert result["users"] == ["b", "c"]
    assert personal.table(result).row_count == 12
    assert result["recorded_s"] == {"b": 2.2, "c": 2.2}
    assert len(result["figures"]) == len(result["worst_half_minute"]) == 12
    assert [row["from_s"] for row in result["by_half_minute"]["b"]] == [0.0, 0.5, 1.0, 1.5]
    at_100 = {(row["part"], row["quantity"]): row for row in result["figures"] if row["horizon_ms"] == 100}
    # Whoever waves evenly, before a network that has hardly been trained, is soon known better.
    assert at_100["hand", "position"]["personal"] < at_100["hand", "position"]["shared"]
    assert result == personal.evaluate(tmp_path, weights=weights, after_s=1.0, bin_s=0.5, progress=False)
    with pytest.raises(ValueError, match="no recordings of more than 150 s"):
        personal.evaluate(tmp_path, weights=weights, progress=False)


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    write_people(tmp_path, ("a",))
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        training.train(tmp_path, tmp_path / name, epochs=1, seed=seed, users=("a",), threads=1)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    # Adapters of one network must not be taken for another's of the same day.
    assert read_metadata(tmp_path / "one")["version"] != read_metadata(tmp_path / "other")["version"]
    one, two = (Forecast.load(tmp_path / name) for name in ("one", "two"))
    batches = walk(2, 5)
    torch.testing.assert_close(run(one, batches), run(two, batches), atol=0, rtol=0)


def test_on_the_command_line_what_to_try_next_is_whole(tmp_path: Path) -> None:
    write_people(tmp_path, ("a",))
    out = tmp_path / "one's own"
    train = ["train", "forecast", "--data", str(tmp_path), "--out", str(out), "--users", "a", "--epochs", "1"]
    run = CliRunner().invoke(commands, [*train, "--threads", "1"])
    assert run.exit_code == 0, run.output
    told = shlex.split(run.output.partition("Try it with: ")[2])
    assert told == ["genlock", "evaluate", "forecast", "--data", str(tmp_path), "--weights", str(out)]


def test_nobody_to_measure_on_is_said(tmp_path: Path) -> None:
    write_people(tmp_path, ("a",))
    training.train(tmp_path, tmp_path / "w", epochs=1, users=("a",), threads=1)
    with pytest.raises(ValueError, match="--users"):
        evaluation.evaluate(tmp_path, weights=tmp_path / "w", progress=False)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"objects\.tsv"):
        training.train(tmp_path, tmp_path / "w", users=("a",))

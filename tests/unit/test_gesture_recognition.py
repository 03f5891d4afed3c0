"""Whole sequences of skeletons: reading them, varying them, and recognizing them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import rotations
from models.gesture import evaluation
from models.gesture.recognition import FRAMES, Recipe, Recognizer, recognized, train
from models.gesture.skeletons import GRID, DataError, evenly, load, on_grid, recording, varied
from models.gesture.skeletons import at as sequence_at
from models.gesture.taught import prototype

TINY = Recipe(convolutions=1, recurrent=1, width=8, epochs=6, rows=16)
TINIEST = replace(TINY, epochs=1)


def hand() -> np.ndarray:
    """A right hand, flat and pointing ahead, ``[22, 3]``."""
    joints = np.zeros((22, 3), dtype=np.float32)
    joints[1] = (0, 0, -0.04)
    for finger in range(5):
        for joint in range(4):
            joints[2 + 4 * finger + joint] = (0.02 * (finger - 2), 0, -0.06 - 0.02 * joint)
    return joints


def made(kind: int, rng: np.random.Generator) -> np.ndarray:
    """One of 14 directions that a hand goes into, and back."""
    count = int(rng.integers(20, 60))
    way = np.array([np.cos(kind / 14 * 2 * np.pi), np.sin(kind / 14 * 2 * np.pi), 0])
    along = np.sin(np.linspace(0, np.pi, count))[:, None, None] * way * rng.uniform(0.2, 0.4)
    return (hand() + along + rng.normal(0, 0.002, (count, 22, 3)) + 0.3).astype(np.float32)


def folder(path: Path, test_people: tuple[int, ...] = ()) -> Path:
    rng = np.random.default_rng(0)
    sequences, meta = [], []
    for person in range(1, 5):
        for kind in range(14):
            for trial in range(4):
                sequences.append(np.round(made(kind, rng) * 1e4).astype(np.int16).reshape(-1, 66))
                finger = trial % 2
                split = int(person in test_people)
                length = len(sequences[-1])
                meta.append((kind + 1, finger + 1, person, trial, kind + 1, 2 * kind + finger + 1, split, length))
    offsets = np.cumsum([0, *(len(one) for one in sequences)]).astype(np.int32)
    np.savez(path / "shrec2017.npz", frames=np.concatenate(sequences), offsets=offsets, meta=np.array(meta, np.int32))
    return path


def test_a_folder_is_read(tmp_path: Path) -> None:
    found = load(folder(tmp_path, (2,)))
    assert len(found) == 4 * 14 * 4
    assert set(found.of14.tolist()) == set(range(14))
    assert set(found.of28.tolist()) == set(range(28))
    assert np.unique(found.person[found.test]).tolist() == [2]
    assert found.joints[0].shape[1:] == (22, 3)
    assert float(np.abs(found.joints[0] - 0.3).max()) < 0.6


def test_folders_that_are_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no shrec2017\.npz"):
        load(tmp_path)
    np.savez(tmp_path / "shrec2017.npz", frames=np.zeros((3, 66), np.int16))
    with pytest.raises(DataError, match="not in the format"):
        load(tmp_path)
    arrays = {"offsets": np.array([0, 3]), "meta": np.zeros((1, 8), np.int32)}
    np.savez(tmp_path / "shrec2017.npz", frames=np.zeros((4, 66), np.int16), **arrays)
    with pytest.raises(DataError, match="do not belong"):
        load(tmp_path)


def test_the_grid_keeps_beginning_and_end() -> None:
    sequence = made(3, np.random.default_rng(1))
    grid, length = on_grid([sequence])
    assert grid.shape == (1, GRID, 22, 3)
    assert length.tolist() == [len(sequence)]
    even = sequence_at(grid, evenly(1, 5))[0].numpy()
    assert even[[0, -1]] == pytest.approx(sequence[[0, -1]], abs=1e-5)


def test_varying_keeps_what_it_is_and_how_long_it_took() -> None:
    grid, _ = on_grid([made(kind, np.random.default_rng(kind)) for kind in range(14)])
    joints, share = varied(grid, FRAMES, torch.Generator().manual_seed(0))
    again, _ = varied(grid, FRAMES, torch.Generator().manual_seed(0))
    assert torch.equal(joints, again)
    assert joints.shape == (14, FRAMES, 22, 3)
    assert bool(((share > 0.79) & (share <= 1)).all())
    plain = sequence_at(grid, evenly(14, FRAMES))
    moved = (joints - joints.mean((1, 2), keepdim=True)).flatten(1)
    known = (plain - plain.mean((1, 2), keepdim=True)).flatten(1)
    assert float(torch.nn.functional.cosine_similarity(moved, known).min()) > 0.6


def test_a_skeleton_makes_a_recording_that_can_be_taught() -> None:
    sequence = made(0, np.random.default_rng(2))
    found = recording(sequence)
    assert found.shape == (len(sequence), 183)
    palm = torch.from_numpy(found[:, 1:8])
    assert palm[:, :3].numpy() == pytest.approx(sequence[:, 1])
    assert float(rotations.forward(palm[:, 3:])[:, 2].max()) < -0.9
    assert float(rotations.rotate(palm[:, 3:], torch.tensor([0.0, 1.0, 0.0]).expand(len(palm), 3))[:, 1].min()) > 0.9
    assert np.isfinite(prototype([found], "right_hand")).all()


def test_recognition_learns_and_the_seed_decides() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(14), 8)
    grid, length = on_grid([made(kind, rng) for kind in kinds])
    of14 = torch.from_numpy(kinds)
    losses: list[float] = []
    networks = train(grid, length, of14, 2 * of14, TINY, 0, losses.append)
    assert len(networks) == 2
    assert len(losses) == 2 * TINY.epochs
    assert losses[TINY.epochs - 1] < losses[0] - 0.2
    found14, found28, embeddings = recognized(networks, grid, length)
    assert found14.shape == (112, 14)
    assert found28.shape == (112, 28)
    assert embeddings.shape == (112, 256)
    same = train(grid, length, of14, 2 * of14, TINY, 0)
    assert torch.equal(recognized(same, grid, length)[0], found14)


def test_what_is_recognized_does_not_depend_on_the_batch_or_on_where_it_was_done() -> None:
    torch.manual_seed(0)
    network = Recognizer(8, recurrent=True).eval()
    grid, length = on_grid([made(kind, np.random.default_rng(kind)) for kind in range(6)])
    together = recognized([network], grid, length)[0]
    alone = torch.cat([recognized([network], grid[row : row + 1], length[row : row + 1])[0] for row in range(6)])
    moved = recognized([network], grid + torch.tensor([1.0, -2.0, 0.5]), length)[0]
    assert torch.allclose(together, alone, atol=1e-4)
    assert torch.allclose(together, moved, atol=1e-3)


def test_people_are_disjoint_and_the_publishers_split_is_kept(tmp_path: Path) -> None:
    split = evaluation.evaluate(folder(tmp_path, (2,)), recipe=TINIEST, threads=1, progress=False)
    assert split["people"] == {"train": [1, 3, 4], "test": [2]}
    assert split["sequences"]["14"]["nearest"] > 90
    assert set(split["few_examples"]["accuracy"]) == {
        "shipped teaching",
        "embedding trained on other people",
        "raw frames",
    }
    # Each of the 14 directions is made by everybody alike.
    assert split["few_examples"]["accuracy"]["raw frames"] > 90
    spotted = split["few_examples"]["spotted"]
    assert spotted["right"] + spotted["other"] + spotted["missed"] == pytest.approx(100, abs=0.05)
    assert 0 <= spotted["late"] <= spotted["right"]
    assert [table.row_count for table in evaluation.table(split)] == [2, 3, 1]
    held = evaluation.evaluate(folder(tmp_path), recipe=TINIEST, held_out=1, threads=1, progress=False)
    assert len(held["people"]["test"]) == 1
    assert not set(held["people"]["test"]) & set(held["people"]["train"])
    with pytest.raises(evaluation.NothingToMeasureError, match="too few"):
        evaluation.evaluate(tmp_path, recipe=TINIEST, held_out=4, threads=1, progress=False)

"""The longer fit, with the real weights and few examples."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models import weight_files
from models.intent import tuned as tuned_module
from models.intent.adapted import adapted
from models.intent.tuned import KEPT, Cache, Tuned, default_cache
from models.intent.tuning import PROTOTYPES, Task, _batches, digest, tune
from models.language.encoder import WIDTH, Encoder

TEXTS = ["pick it up", "take the object", "grab that", "let go of it", "drop the object", "put it down"]
LABELS = ["take", "take", "take", "drop", "drop", "drop"]
SAID = ["pick that thing up", "please drop it now"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load(adapted())


@pytest.fixture(scope="module")
def changes(encoder: Encoder) -> dict[str, Tensor]:
    return tune(encoder, TEXTS, LABELS)


def test_it_tells_labels_apart_and_leaves_the_encoder_as_it_was(encoder: Encoder) -> None:
    before = encoder.encode(SAID)
    seen: list[bool] = []
    state = torch.get_rng_state()
    changes = tune(encoder, TEXTS, LABELS, stepped=lambda: seen.append(True))
    assert seen
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(encoder.encode(SAID), before)
    assert not any(weight.requires_grad and weight.grad is not None for weight in encoder.network.parameters())
    own = encoder.changed({name: one for name, one in changes.items() if name != PROTOTYPES})
    found = own.encode(TEXTS)
    apart = (encoder.encode(TEXTS)[:3] @ encoder.encode(TEXTS)[3:].T).mean() - (found[:3] @ found[3:].T).mean()
    assert float(apart) > 0.05


def test_the_same_examples_come_to_the_same(encoder: Encoder, changes: dict[str, Tensor]) -> None:
    again = tune(encoder, TEXTS, LABELS)
    assert again.keys() == changes.keys()
    assert all(torch.equal(again[name], one) for name, one in changes.items())


def test_one_example_a_label_will_do(encoder: Encoder) -> None:
    found = tune(encoder, ["stop", ""], ["stop", "nothing"])
    assert all(torch.isfinite(one).all() for one in found.values())


def test_a_batch_has_labels_that_are_near_to_each_other_and_an_epoch_has_all_rows_once() -> None:
    labels = [row % 40 for row in range(430)]
    # On a circle, so that the near ones are those beside.
    angles = torch.arange(40) * 2 * torch.pi / 40
    batches = _batches(labels, torch.stack((angles.cos(), angles.sin()), dim=1), random.Random(0))
    assert sorted(row for batch in batches for row in batch) == list(range(430))
    assert sorted(map(len, batches)) == [430 % 48, *[48] * (430 // 48)]
    spreads = []
    for batch in batches:
        there = sorted({labels[row] for row in batch})
        assert len(there) < len(batch)
        gaps = [(after - before) % 40 for before, after in zip(there, [*there[1:], there[0]], strict=True)]
        spreads.append(40 - max(gaps))
    # Sixteen labels side by side spread over 15 while there are all, and by chance over 36.
    assert min(spreads) == 15
    assert np.median(spreads) < 25


@pytest.mark.parametrize("counts", [(1,), (1, 1), (60, 2), (100,), (3, 3, 3)])
def test_few_labels_fill_batches_too(counts: tuple[int, ...]) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    batches = _batches(labels, torch.eye(len(counts), 8), random.Random(1))
    assert sorted(row for batch in batches for row in batch) == list(range(len(labels)))
    assert len(batches) == -(-len(labels) // 48)


def test_what_stands_on_it_tells_labels_apart(encoder: Encoder, changes: dict[str, Tensor]) -> None:
    found = Tuned(encoder, changes, TEXTS, LABELS).likelihoods(SAID)
    assert found.shape == (2, 2)
    assert [("drop", "take")[at] for at in found.argmax(1)] == ["take", "drop"]


def test_what_does_not_fit_is_refused(encoder: Encoder, changes: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="3 labels"):
        Tuned(encoder, changes, [*TEXTS, "undo"], [*LABELS, "undo"])
    with pytest.raises(ValueError, match="nowhere"):
        Tuned(encoder, {**changes, "nowhere.weight": torch.zeros(2)}, TEXTS, LABELS)
    name = next(name for name in changes if name.endswith("query.weight"))
    with pytest.raises(ValueError, match="does not fit"):
        Tuned(encoder, {**changes, name: torch.zeros(1, 2, WIDTH, WIDTH)}, TEXTS, LABELS)


def test_a_digest_is_of_examples_and_encoder(encoder: Encoder) -> None:
    first = digest(encoder, TEXTS, LABELS)
    assert first == digest(encoder, list(TEXTS), list(LABELS))
    assert first != digest(encoder, TEXTS, LABELS[::-1])
    assert first != digest(encoder, [*TEXTS[:-1], "put it"], LABELS)
    assert first != digest(Encoder.load(None), TEXTS, LABELS)


def test_the_cache_gives_what_was_written_and_makes_nothing_of_what_is_broken(
    encoder: Encoder, changes: dict[str, Tensor], tmp_path: Path
) -> None:
    cache = Cache(tmp_path / "deep" / "folder")
    assert cache.load(encoder, TEXTS, LABELS) is None
    path = cache.path(encoder, TEXTS, LABELS)
    weight_files.write(path, changes)
    assert [one.name for one in cache.folder.iterdir()] == [path.name]
    kept = cache.load(encoder, TEXTS, LABELS)
    assert kept is not None
    assert np.array_equal(kept.likelihoods(SAID), Tuned(encoder, changes, TEXTS, LABELS).likelihoods(SAID))
    path.write_bytes(path.read_bytes()[:-100])
    assert cache.load(encoder, TEXTS, LABELS) is None
    save_file({PROTOTYPES: torch.zeros(3, 5)}, path)
    assert cache.load(encoder, TEXTS, LABELS) is None


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        path = tmp_path / f"{number}.safetensors"
        path.touch()
        os.utime(path, (number, number))
    Cache(tmp_path).tidy()
    assert {path.stem for path in tmp_path.iterdir()} == {str(number) for number in range(3, KEPT + 3)}
    Cache(tmp_path / "nowhere").tidy()


def test_the_usual_folder_is_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "genlock" / "intent"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(tuned_module.Path, "home", lambda: tmp_path)
    assert default_cache() == tmp_path / ".cache" / "genlock" / "intent"


@pytest.mark.usefixtures("no_home")
def test_without_a_home_directory_there_is_no_usual_folder() -> None:
    assert default_cache() is None


def test_the_process_writes_what_the_function_returns(changes: dict[str, Tensor], tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    command = [sys.executable, "-m", "models.intent.tuning"]
    subprocess.run(command, input=Task(TEXTS, LABELS, str(out)).encoded(), check=True, cwd=Path(__file__).parents[2])
    written = load_file(out)
    assert written.keys() == changes.keys()
    assert all(torch.allclose(written[name], one, atol=1e-4) for name, one in changes.items())

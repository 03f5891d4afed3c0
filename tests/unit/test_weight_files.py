"""Files of weights: who may read them, and what is said where none can be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from typer.testing import CliRunner

from bridge.cli import app
from models import weight_files

TENSORS = {"a": torch.arange(3.0)}


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_they_are_as_readable_as_any_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "new" / "weights.safetensors"
    before = os.umask(umask)
    try:
        weight_files.write(path, TENSORS, {"about": "x"})
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode
    assert torch.equal(load_file(path)["a"], TENSORS["a"])


def test_the_same_makes_the_same_bytes_and_says_the_same(tmp_path: Path) -> None:
    metadata = {name: f"{name}, süß" for name in "bcadefgh"}
    for name in ("one", "other"):
        weight_files.write(tmp_path / name, TENSORS | {"b": torch.ones(3, dtype=torch.uint8)}, metadata)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert load_file(tmp_path / "one")["b"].tolist() == [1, 1, 1]
    with safe_open(tmp_path / "one", framework="pt") as file:
        assert file.metadata() == metadata
    weight_files.write(tmp_path / "bare", TENSORS)
    assert torch.equal(load_file(tmp_path / "bare")["a"], TENSORS["a"])


def test_what_cannot_be_written_is_told_with_its_file_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    for path, words in (("folder", "Is a directory"), ("folder/file/below", "File exists")):
        with pytest.raises(OSError, match=f"{tmp_path / path}: cannot be written: {words}"):
            weight_files.write(tmp_path / path, TENSORS)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "file"]


@pytest.mark.parametrize("what", ["forecast", "target", "text", "encoder"])
def test_a_training_that_could_not_write_does_not_begin(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").touch()
    for out in ("/proc/weights", str(tmp_path / "file" / "weights")):
        done = CliRunner().invoke(app, ["train", what, "--data", str(tmp_path), "--out", out])
        assert done.exit_code == 2
        assert f"genlock: {out}: cannot be written: " in done.output

"""What is measured on a folder of pictures, and what is said of one that is none."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from rich.console import Console
from typer.testing import CliRunner

from bridge.cli import app as commands
from models.vision import evaluation
from models.vision.evaluation import DataError

PICTURES = Path(__file__).parents[2] / "samples" / "pictures"
SHAPES = ("ellipse", "rectangle", "line", "polygon")


def draw(path: Path, shape: str, seed: int) -> None:
    """A shape of its own colour, at any place and of any size, on a background of any brightness."""
    chance = np.random.default_rng(seed)
    image = Image.new("RGB", (160, 120), tuple([int(chance.integers(0, 256))] * 3))
    left, top = (int(chance.integers(10, side)) for side in (70, 40))
    size = int(chance.integers(40, 70))
    pen = ImageDraw.Draw(image)
    corners = [(left, top), (left + size, top + size)]
    if shape == "polygon":
        pen.polygon([*corners, (left, top + size)], fill="orange")
    elif shape == "line":
        pen.line(corners, fill="green", width=8)
    else:
        getattr(pen, shape)(corners, fill={"ellipse": "red", "rectangle": "blue"}[shape])
    image.save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("pictures")
    rows = []
    for shape in SHAPES:
        (data / shape).mkdir()
        for number in range(7):
            draw(data / shape / f"{number}.png", shape, number)
            rows.append((f"{shape}/{number}.png", shape))
    for name in ("cat", "espresso", "tripod"):
        shutil.copy(PICTURES / f"{name}.jpg", data)
    (data / "cut.jpg").write_bytes((PICTURES / "cat.jpg").read_bytes()[:5000])
    (data / "text.jpg").write_text("not a picture")
    rows += [("cat.jpg", "285"), ("espresso.jpg", "espresso"), ("tripod.jpg", "n04485082"), ("tripod.jpg", "teapot")]
    rows += [("cut.jpg", "285"), ("text.jpg", "285"), ("gone.jpg", "285")]
    lines = ["file\tlabel", *("\t".join(row) for row in rows)]
    (data / "labels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return data


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    return evaluation.evaluate(folder, draws=2, threads=1, progress=False)


def test_the_likeliest_names_are_measured_on_what_is_one_of_the_thousand(result: dict[str, Any]) -> None:
    assert result["of_pictures"] == 4
    assert (result["top_1"], result["top_5"]) == (75.0, 75.0)
    assert result["baseline"] == 75.1
    assert result["not_known"]["pictures"] == 28
    assert set(result["not_known"]["labels"]) == set(SHAPES)


def test_broken_pictures_are_named_and_counted(result: dict[str, Any]) -> None:
    broken = result["broken"]
    assert broken["pictures"] == 3
    assert set(broken["files"]) == {"cut.jpg", "text.jpg", "gone.jpg"}
    assert "cut off" in broken["files"]["cut.jpg"]
    assert "neither" in broken["files"]["text.jpg"]
    assert "No such file" in broken["files"]["gone.jpg"]
    assert result["measured_on"].startswith("32 pictures")


def test_few_examples_are_enough_for_what_looks_different(result: dict[str, Any]) -> None:
    few = result["few_shot"]
    assert (few["shots"], few["draws"], few["classes"], few["pictures"], few["chance"]) == (5, 2, 4, 8, 25.0)
    assert few["accuracy"] > 70
    assert len(few["accuracy_by_seed"]) == 2
    assert 25 < few["baseline"] <= 100
    assert 25 < few["nearest_mean"] <= 100
    assert set(few["none_of_these"]) == {"taught_right", "others_refused"}


def test_it_comes_out_the_same_again(folder: Path, result: dict[str, Any]) -> None:
    assert evaluation.evaluate(folder, draws=2, threads=1, progress=False) == result


def test_people_are_told_the_same(folder: Path, result: dict[str, Any]) -> None:
    shown = StringIO()
    console = Console(width=160, file=shown)
    for one in evaluation.table(result):
        console.print(one)
    for words in ("75.00 %", "75.10 %", "5 examples each of 4", "chance", "cut.jpg", "text.jpg", "gone.jpg"):
        assert words in shown.getvalue()


def test_the_command_prints_json(tmp_path: Path) -> None:
    shutil.copy(PICTURES / "espresso.jpg", tmp_path)
    (tmp_path / "labels.tsv").write_text("espresso.jpg\t967\n")
    done = CliRunner().invoke(commands, ["evaluate", "vision", "--data", str(tmp_path), "--threads", "1", "--json"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["model"], found["top_1"], found["few_shot"]) == ("vision", 100.0, None)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, "has no labels.tsv"),
        ("", "names no picture"),
        ("file\tlabel\n", "names no picture"),
        ("cat.jpg 285\n", "line 1: a file, a tab and a label"),
        ("file\tlabel\ncat.jpg\t285\n\ncat.jpg\t\n", "line 4: a file, a tab and a label"),
        ("gone.jpg\t285\n", "none of the 1 pictures .* can be decoded"),
    ],
)
def test_a_folder_that_is_none_is_refused_in_words(tmp_path: Path, labels: str | None, words: str) -> None:
    if labels is not None:
        (tmp_path / "labels.tsv").write_text(labels)
    with pytest.raises(DataError, match=words):
        evaluation.evaluate(tmp_path, threads=1, progress=False)


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    shutil.copy(PICTURES / "espresso.jpg", tmp_path)
    (tmp_path / "labels.tsv").write_text("label\twho\tfile\nespresso\tRachel\tespresso.jpg\n")
    assert evaluation.evaluate(tmp_path, threads=1, progress=False)["top_1"] == 100.0


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    done = CliRunner().invoke(commands, ["evaluate", "vision", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "has no labels.tsv" in done.stderr

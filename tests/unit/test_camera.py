"""What simulated headsets show, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.headset.camera import Camera, Shot, load
from models.vision.pictures import Picture, decode
from models.vision.sight import Sight
from tests.daemons import ROOT


def test_the_samples_are_pictures_of_what_they_say() -> None:
    shots = load(ROOT / "samples" / "pictures")
    assert len(shots) == 3
    pictures = [decode(Picture("jpeg", shot.width, shot.height, shot.data)) for shot in shots]
    for shot, picture, seen in zip(shots, pictures, Sight.load().look(pictures), strict=True):
        assert picture.shape == (240, 320, 3)
        assert len(shot.data) < 16_000
        assert shot.is_right(seen.labels[0][0])


def test_a_name_is_right_in_any_case() -> None:
    shot = Shot(b"", 1, 1, ("tabby", "Egyptian cat"))
    assert shot.is_right("TABBY")
    assert shot.is_right("egyptian cat")
    assert not shot.is_right("dog")


def test_every_few_frames_one_thing_after_another_is_taken() -> None:
    one, two = Shot(b"1", 1, 1, ("one",)), Shot(b"2", 1, 1, ("two",))
    camera = Camera([one, two], every=3, each=6)
    sent = [camera.shot(frame) for frame in range(18)]
    assert [frame for frame, shot in enumerate(sent) if shot] == [0, 3, 6, 9, 12, 15]
    assert [shot for shot in sent if shot] == [one, one, two, two, one, one]
    assert camera.looks_at(5) == one
    assert camera.looks_at(6) == two


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column also, file, height, label, width"),
        ("file\tlabel\n", "no column also, height, width"),
        ("file\tlabel\talso\twidth\theight\n", "names no picture"),
        ("file\tlabel\talso\twidth\theight\ncat.jpg\tcat\n", "line 2"),
        ("file\tlabel\talso\twidth\theight\ncat.jpg\tcat\t\twide\t240\n", "line 2"),
        ("file\tlabel\talso\twidth\theight\ncat.jpg\tcat\t\t320\t240\tmore\n", "line 2"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "labels.tsv").write_text(text)
    (tmp_path / "cat.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=words):
        load(tmp_path)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("file\tlabel\talso\twidth\theight\ngone.jpg\tcat\t\t320\t240\n")
    with pytest.raises(OSError, match=r"gone\.jpg"):
        load(tmp_path)


def test_a_folder_without_labels_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nosuch"):
        with pytest.raises(ValueError, match=r"no folder with a labels\.tsv") as caught:
            load(folder)
        assert str(folder) in str(caught.value)

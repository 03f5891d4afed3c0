"""Folders that are to be written into."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import output_folder


def test_a_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    for _ in range(2):
        output_folder.prepare(tmp_path / "a" / "b")
    assert not list((tmp_path / "a" / "b").iterdir())


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("file", "{0}/file is a file and no folder"),
        ("file/below", "{0}/file/below cannot be made: Not a directory"),
        ("/proc", "/proc: nothing can be written into it: No such file or directory"),
    ],
)
def test_what_cannot_be_written_into_is_told_with_its_reason(tmp_path: Path, folder: str, words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=f"^{words.format(tmp_path)}$"):
        output_folder.prepare(tmp_path / folder)
    assert (tmp_path / "file").is_file()

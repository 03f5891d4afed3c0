"""What a simulated headset shows its daemon: photographs one after another, each many times, and what they show."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.protocol import Action

_COLUMNS: Final = {"file", "label", "also", "width", "height"}


@dataclass(frozen=True)
class Shot:
    """A picture to send.

    Attributes:
        data: a JPEG file.
        width, height: pixels.
        shows: what it may be said to show, the best name first.
    """

    data: bytes
    width: int
    height: int
    shows: tuple[str, ...]

    def is_right(self, name: str) -> bool:
        """Whether it shows what somebody took it for."""
        return name.casefold() in {one.casefold() for one in self.shows}


def load(folder: Path) -> list[Shot]:
    """The pictures of a folder, in the order of its ``labels.tsv``.

    That is what ``genlock evaluate vision`` reads, with the further columns ``also`` (other names that are right,
    between commas), ``width`` and ``height``.

    Raises:
        ValueError: there is no ``labels.tsv``, or it lacks a column, or has a line that makes no sense.
        OSError: a file is missing.
    """
    path = folder / "labels.tsv"
    if not path.is_file():
        raise ValueError(f"{folder} is no folder with a labels.tsv, as samples/pictures is")
    shots = []
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        if missing := _COLUMNS - set(rows.fieldnames or ()):
            raise ValueError(f"{path} has no column {', '.join(sorted(missing))}")
        for row in rows:
            if None in row or None in row.values() or not row["width"].isdecimal() or not row["height"].isdecimal():
                raise ValueError(f"{path}, line {rows.line_num}: there are not {len(_COLUMNS)} cells that make sense")
            names = (name.strip() for name in (row["label"], *row["also"].split(",")))
            data = (folder / row["file"]).read_bytes()
            shots.append(Shot(data, int(row["width"]), int(row["height"]), tuple(filter(None, names))))
    if not shots:
        raise ValueError(f"{path} names no picture")
    return shots


@dataclass
class SightScore:
    """What came of what was shown.

    Attributes:
        shown: how many things were.
        right: of which the daemon said what they are, at first sight.
        seen: what it saw last.
    """

    shown: int = 0
    right: int = 0
    seen: str = ""
    _waiting: Shot | None = None
    _told: bool = False

    def show(self, shot: Shot) -> None:
        """A picture is sent."""
        if shot is not self._waiting:
            self._waiting = shot
            self.shown += 1
            self._told = False

    def act(self, action: Action) -> None:
        """Something came into sight."""
        if action.source != "image":
            return
        self.seen = str(action.arguments["seen"])
        if self._waiting is not None and not self._told:
            self._told = True
            self.right += self._waiting.is_right(self.seen)


class Camera:
    """Takes a picture every few frames, of one thing after another."""

    def __init__(self, shots: Sequence[Shot], *, every: int, each: int) -> None:
        """Begins with the first.

        Args:
            shots: at least one.
            every: frames from picture to picture.
            each: frames for which the same thing is looked at.
        """
        self._shots = tuple(shots)
        self._every = every
        self._each = each

    def shot(self, frame: int) -> Shot | None:
        """The picture to send at a frame, counted from 0, if it is time for one."""
        return self.looks_at(frame) if frame % self._every == 0 else None

    def looks_at(self, frame: int) -> Shot:
        """What is before the camera at a frame."""
        return self._shots[frame // self._each % len(self._shots)]

"""What learning of each user brings: every part of personal state on the recordings that it is measured with.

Each part has its own evaluation; this finds their data in one folder, and runs those that it has data for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from models.forecast import personal as forecast
from models.gesture import evaluation as gesture
from models.intent import personal_evaluation as phrase
from models.target import personal as target

_RECORDINGS: Final = "frames.npz"
_PARTS: Final[dict[str, tuple[str, Callable[..., dict[str, Any]], Callable[[dict[str, Any]], Any]]]] = {
    "forecast": (_RECORDINGS, forecast.evaluate, forecast.table),
    "target": (_RECORDINGS, target.evaluate, target.table),
    "phrase": ("shrdlurn.jsonl.gz", phrase.evaluate, phrase.table),
    "gesture": ("shrec2017.npz", gesture.evaluate, gesture.table),
}
"""By part: a file that tells its data, what measures it, and what shows that."""

PARTS: Final = tuple(_PARTS)


class NothingToMeasure(ValueError):
    """A folder without any of the data; the message says what was looked for."""


def evaluate(data: Path, *, parts: tuple[str, ...] = PARTS, progress: bool = True) -> dict[str, Any]:
    """Measures the parts whose data is in a folder or in a folder right below it.

    Gestures are also measured for false activations where there are recordings.

    Raises:
        NothingToMeasure: there is data for none of them.
        ValueError: some data is not in its format.
    """
    found = {part: folder for part in parts if (folder := _folder(data, _PARTS[part][0])) is not None}
    if not found:
        files = ", ".join(sorted({_PARTS[part][0] for part in parts}))
        raise NothingToMeasure(f"{data}: none of {files} is here or in a folder right below")
    result: dict[str, Any] = {"evaluation": "personal", "data": str(data)}
    for part, folder in found.items():
        settings = {"background": _folder(data, _RECORDINGS)} if part == "gesture" else {}
        result[part] = _PARTS[part][1](folder, progress=progress, **settings)
    return result


def table(result: dict[str, Any]) -> list[Table]:
    """The figures of ``evaluate`` for people."""
    tables: list[Table] = []
    for part, (_, _, show) in _PARTS.items():
        if part in result:
            shown = show(result[part])
            tables += shown if isinstance(shown, list) else [shown]
    return tables


def _folder(data: Path, file: str) -> Path | None:
    folders = [data, *sorted(path for path in data.iterdir() if path.is_dir())] if data.is_dir() else []
    return next((folder for folder in folders if (folder / file).is_file()), None)

"""What a checkout has beside the package, to try commands with: an app, recordings, photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.cli.errors import fail
from bridge.recording.format import SUFFIX

_FOLDER: Final = Path(__file__).resolve().parents[2] / "samples"


def gallery(instead: str) -> Path:
    """The manifest of the app that commands speak of when they are told no other.

    Args:
        instead: what whoever has no checkout can do; it is said when the command ends for lack of it. So for all here.
    """
    return _there("apps/gallery.toml", instead)


def pictures(instead: str) -> Path:
    """A folder of photographs, with their ``labels.tsv``."""
    return _there("pictures", instead)


def recordings() -> tuple[Path, ...]:
    """Recordings of people; none where there is no checkout."""
    return tuple(sorted((_FOLDER / "recordings").glob(f"*{SUFFIX}")))


def _there(name: str, instead: str) -> Path:
    path = _FOLDER / name
    if not path.exists():
        fail(f"{path} is not there: samples come with a checkout and are not installed; run this in one, or {instead}")
    return path

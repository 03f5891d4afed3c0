"""The encoders that ship: adapted to short commands on published sets, each without one of them."""

from __future__ import annotations

from pathlib import Path

from models.intent import background

FOLDER = Path(__file__).with_name("encoders")


def adapted() -> Path:
    """The weights for apps: adapted on all sets."""
    return FOLDER / "all.safetensors"


def adapted_without(name: str) -> Path | None:
    """The weights to measure with on a set: adapted on the others; nothing where only the published ones will do."""
    if name not in background.SETS:
        return adapted()
    path = FOLDER / f"without-{name}.safetensors"
    return path if path.is_file() else None

"""The manifests that commands are given."""

from __future__ import annotations

from pathlib import Path

from bridge.cli.errors import fail
from bridge.manifest import Manifest, ManifestError, load


def manifest_at(path: Path) -> Manifest:
    """What a file says of an app; ends the command with what is wrong with it."""
    try:
        return load(path)
    except ManifestError as error:
        fail(str(error))

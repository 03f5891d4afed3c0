"""Folders that are written into later: whether they can be is found out before the work whose results they get."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile


def prepare(folder: Path) -> None:
    """Makes a folder if need be, and a file in it that is gone again.

    Raises:
        OSError: nothing can be written into it; the message names it and says why.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OSError(f"{folder} is a file and no folder") from error
    except OSError as error:
        raise OSError(f"{folder} cannot be made: {error.strerror or error}") from error
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"{folder}: nothing can be written into it: {error.strerror or error}") from error

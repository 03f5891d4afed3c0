"""Files of weights, as trainings write them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a safetensors file, whole or not at all, as readable as any new file; its folder is made if need be.

    Raises:
        OSError: it cannot be written; the message names the file.
    """
    data = save(dict(tensors), None if metadata is None else dict(metadata))
    # Several processes may write one file.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise OSError(f"{path}: cannot be written: {problem.strerror or problem}") from None

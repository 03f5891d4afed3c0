"""Files of weights, as trainings write them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a safetensors file, whole or not at all, as readable as any new file; its folder is made if need be.

    The same tensors and metadata make the same bytes.

    Raises:
        OSError: it cannot be written; the message names the file.
    """
    data = _in_order(save(dict(tensors), None if metadata is None else dict(metadata)))
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


def _in_order(data: bytes) -> bytes:
    """The same file with its metadata by name, which safetensors writes in any order."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    told = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    # Tensors begin at whole eights, as the format has it.
    told += b" " * (-len(told) % 8)
    return len(told).to_bytes(8, "little") + told + data[end:]

"""Objects that a user taught by pictures: as items of a profile, and as what pictures are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.profiles.items import Item
from models.vision.prototypes import EXAMPLES, Prototypes, packed, unpacked

KIND: Final = "object"
"""Of the items. They belong to all apps."""


def learn(embeddings: Sequence[NDArray[np.float32]], version: str) -> dict[str, Any]:
    """What is kept of an object: its pictures' embeddings ``[1280]``, and the version of the model that made them.

    Raises:
        ValueError: there are too few pictures or too many.
    """
    least, most = EXAMPLES
    if not least <= len(embeddings) <= most:
        raise ValueError(f"a thing takes {least} to {most} pictures, not {len(embeddings)}")
    return {"examples": packed(embeddings), "version": version}


def taught(items: Iterable[Item], version: str) -> Prototypes | None:
    """What pictures are compared with; nothing where nothing was taught. Leaves out what another version saw."""
    known = {item.key: unpacked(item.data["examples"]) for item in items if item.data["version"] == version}
    return Prototypes(known) if known else None

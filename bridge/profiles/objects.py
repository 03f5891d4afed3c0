"""Objects that a user taught by pictures: as items of a profile, and as what pictures are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.profiles.items import Item
from models.vision.prototypes import Prototypes, prototype

KIND: Final = "object"
"""Of the items. They belong to all apps."""


def learn(embeddings: Sequence[NDArray[np.float32]], version: str) -> dict[str, Any]:
    """What is kept of an object: what its pictures have in common, and the version of the model that saw them.

    Raises:
        ValueError: see ``models.vision.prototypes.prototype``.
    """
    return {"prototype": prototype(embeddings).astype("<f4").tobytes(), "version": version}


def taught(items: Iterable[Item], version: str) -> Prototypes | None:
    """What pictures are compared with; nothing where nothing was taught. Leaves out what another version saw."""
    known = {
        item.key: np.frombuffer(item.data["prototype"], dtype="<f4")
        for item in items
        if item.data["version"] == version
    }
    return Prototypes.stored(known) if known else None

"""Objects that a user taught by pictures: as items of a profile, and as what pictures are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.profiles.items import Item
from models.limits import SIGHT
from models.vision.prototypes import Prototypes

KIND: Final = "object"
"""Of the items. They belong to all apps."""

MAX_EXAMPLES: Final = 5


def learn(embeddings: Sequence[NDArray[np.float32]], version: str) -> dict[str, Any]:
    """What is kept of an object: the embeddings of its pictures, float32 ``[1280]`` each, and the model's version."""
    return {"embeddings": np.stack(embeddings).astype("<f2").tobytes(), "version": version}


def taught(items: Iterable[Item], version: str) -> Prototypes | None:
    """What pictures are compared with; nothing where nothing was taught. Leaves out what another version saw."""
    examples = {
        item.key: list(np.frombuffer(item.data["embeddings"], dtype="<f2").reshape(-1, SIGHT).astype(np.float32))
        for item in items
        if item.data["version"] == version
    }
    return Prototypes.of(examples) if examples else None

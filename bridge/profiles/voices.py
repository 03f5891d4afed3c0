"""A user's voice, as an item of a profile: learned from what is heard, and told from those of others."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bridge.profiles.items import Item
from models.speech.voice import VERSION, probability

KIND: Final = "voice"
"""Of the item. It belongs to all apps, and its key is its kind."""

ENROLLED: Final = 3
"""So much of a voice must have been heard to tell it from others: the first utterances are taken for the user's."""

SURE: Final = 0.5
"""From this probability on, a voice is taken for the user's."""

_LATELY: Final = 64


def whose(known: Item | None, embedding: bytes) -> float | None:
    """How probably an utterance is the user's, by the embedding of its voice; nothing while that cannot be told."""
    if known is None or known.data["version"] != VERSION or known.data["count"] < ENROLLED:
        return None
    return probability(_floats(known.data["total"]), _floats(embedding))


def heard(known: Item | None, embedding: bytes) -> dict[str, Any]:
    """What is kept of a voice after another utterance of it; what is long ago counts less and less."""
    if known is None or known.data["version"] != VERSION:
        return {"total": embedding, "count": 1, "version": VERSION}
    count = known.data["count"]
    total = _floats(known.data["total"]) * min(1.0, (_LATELY - 1) / count) + _floats(embedding)
    return {"total": total.astype("<f4").tobytes(), "count": min(count + 1, _LATELY), "version": VERSION}


def _floats(blob: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.frombuffer(blob, dtype="<f4")

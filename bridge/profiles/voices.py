"""A user's voice, as an item of a profile: learned from what is heard, and told from those of others."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bridge.profiles.items import Item
from models.speech.voice import VERSION, Voice

KIND: Final = "voice"
"""Of the item. It belongs to all apps, and its key is its kind."""

ENROLLED: Final = 3
"""So much of a voice must have been heard to tell it from others: the first utterances are taken for the user's."""

SURE: Final = 0.5
"""From this probability on, a voice is taken for the user's."""


def whose(known: Item | None, embedding: bytes) -> float | None:
    """How probably an utterance is the user's, by the embedding of its voice; nothing while that cannot be told."""
    voice = _voice(known)
    return voice.is_user(np.frombuffer(embedding, dtype="<f4")) if voice.count >= ENROLLED else None


def heard(known: Item | None, embedding: bytes) -> dict[str, Any]:
    """What is kept of a voice after another utterance of it; what another model heard is not gone on with."""
    voice = _voice(known).with_utterance(np.frombuffer(embedding, dtype="<f4"))
    return {**voice.packed(), "version": VERSION}


def _voice(known: Item | None) -> Voice:
    if known is None or known.data["version"] != VERSION:
        return Voice.none()
    return Voice.unpacked(known.data)

"""What the data of each kind of item must be for a session to use it; the store itself takes any plain data."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
import numpy as np

from bridge.profiles.gestures import MAX_MISTAKEN
from bridge.profiles.items import Item
from models.gesture.names import NUMBERS, TAUGHT_SLOTS
from models.gesture.taught import PLAIN, PROTOTYPE
from models.speech import voice as known
from models.vision.prototypes import Prototypes, unpacked


class Phrase(msgspec.Struct, forbid_unknown_fields=True):
    """Of a phrase: the words, the action that they mean or nothing, and the target and arguments that go with it."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    action: Annotated[str, msgspec.Meta(max_length=256)]
    target: Annotated[str, msgspec.Meta(max_length=256)] = ""
    arguments: dict[str, str | int | float | bool] = {}


class Name(msgspec.Struct, forbid_unknown_fields=True):
    """Of a name."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Gesture(msgspec.Struct, forbid_unknown_fields=True):
    """Of a gesture: what makes it, its slot, its prototype as a float32 blob, and the model's version."""

    device: Annotated[str, msgspec.Meta(pattern="^(head|left|right|left_hand|right_hand)$")]
    slot: Annotated[int, msgspec.Meta(ge=0, lt=TAUGHT_SLOTS)]
    prototype: bytes
    version: Annotated[str, msgspec.Meta(max_length=64)]


class Mistaken(msgspec.Struct, forbid_unknown_fields=True):
    """Of a built-in gesture: how often it was spotted where there was none, as far as that is counted."""

    mistaken: Annotated[int, msgspec.Meta(ge=1, le=MAX_MISTAKEN)]


class Object(msgspec.Struct, forbid_unknown_fields=True):
    """Of an object: its pictures' embeddings, and the version of the model that made them."""

    examples: bytes
    version: Annotated[str, msgspec.Meta(max_length=64)]


class Voice(msgspec.Struct, forbid_unknown_fields=True):
    """Of a voice: the mean of the embeddings of what was heard as float32, of how many, and the model's version."""

    mean: bytes
    count: Annotated[int, msgspec.Meta(ge=1)]
    version: Annotated[str, msgspec.Meta(max_length=64)]


_KINDS: Final[dict[str, Any]] = {
    "phrase": Phrase, "name": Name, "gesture": Gesture, "object": Object, "voice": Voice
}  # fmt: skip


def problem(item: Item) -> str:
    """What keeps an item from being used, in words; empty if nothing does."""
    kind = Mistaken if item.kind == "gesture" and item.key in NUMBERS else _KINDS[item.kind]
    try:
        data = msgspec.convert(item.data, kind)
    except msgspec.ValidationError as error:
        return str(error)
    if isinstance(data, Phrase) and not data.action and (data.target or data.arguments):
        return "a phrase that means no action has no target and no arguments"
    if isinstance(data, Gesture) and not any(_finite(data.prototype, count) for count in (PLAIN, PROTOTYPE)):
        return f"a prototype is {PLAIN} or {PROTOTYPE} finite float32 numbers"
    if isinstance(data, Object):
        try:
            Prototypes({item.key: unpacked(data.examples)})
        except ValueError as error:
            return str(error)
    if isinstance(data, Voice):
        try:
            known.Voice.unpacked(item.data)
        except ValueError as error:
            return str(error)
    return ""


def _finite(blob: bytes, count: int) -> bool:
    return len(blob) == 4 * count and bool(np.isfinite(np.frombuffer(blob, dtype="<f4")).all())

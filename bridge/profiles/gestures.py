"""Gestures that a user taught: as items of a profile, and as the adapters that the gesture model spots them with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from safetensors.numpy import save

from bridge.profiles.items import Item
from models.gesture.names import BUILT_IN, FIRST_TAUGHT, NUMBERS, TAUGHT_SLOTS
from models.gesture.taught import columns, prototype, same_movement, stricter

MODEL: Final = "gesture"
"""Name of the frame model that spots them."""

KIND: Final = "gesture"
"""Of the items. They belong to all apps."""

MAX_MISTAKEN: Final = 1000
"""How many corrections of a built-in gesture are counted."""

_JOINTED: Final = ("left_hand", "right_hand")
_NUMBERS: Final = {True: 1 + 26 * 7, False: 1 + 7}


class NoRoom(ValueError):
    """As many gestures as a user may have are taught already."""


class BuiltIn(ValueError):
    """A gesture of the name is built in."""


def learn(name: str, device: str, examples: Sequence[bytes], known: Iterable[Item], version: str) -> dict[str, Any]:
    """What is kept of a gesture. May take some milliseconds.

    Args:
        examples: float32 blobs, as ``protocol.Teach`` has them.
        known: the user's gestures; one of this name is replaced.
        version: the gesture model's.

    Raises:
        ValueError: the examples cannot be learned from, or are another gesture's movement; the message says why.
        NoRoom, BuiltIn: see there.
    """
    if name in NUMBERS:
        raise BuiltIn(f"{name!r} is built in; give it another name")
    width = _NUMBERS[device in _JOINTED]
    recordings = []
    for number, example in enumerate(examples, start=1):
        if not example or len(example) % (4 * width):
            raise ValueError(f"example {number} has {len(example)} bytes; a moment of {device!r} takes {4 * width}")
        recordings.append(np.frombuffer(example, dtype="<f4").reshape(-1, width))
    made = prototype(recordings, device)
    taught = [item for item in known if item.key not in NUMBERS]
    for item in taught:
        alike = item.key != name and (item.data["device"], item.data["version"]) == (device, version)
        if alike and same_movement(np.frombuffer(item.data["prototype"], dtype="<f4"), made):
            raise ValueError(f"this is the movement of {item.key!r}, which would be spotted in its place; make another")
    slots = {item.key: item.data["slot"] for item in taught}
    free = (slot for slot in range(TAUGHT_SLOTS) if slot not in slots.values())
    slot = slots.get(name, next(free, -1))
    if slot < 0:
        raise NoRoom(f"{TAUGHT_SLOTS} gestures are taught already; reset some first")
    return {"device": device, "slot": slot, "prototype": made.astype("<f4").tobytes(), "version": version}


def mistaken(name: str, known: Item | None) -> dict[str, Any]:
    """What is kept of a gesture that was spotted where there was none: from then on it takes more."""
    if name in NUMBERS:
        return {"mistaken": min(MAX_MISTAKEN, 1 + (known.data["mistaken"] if known is not None else 0))}
    assert known is not None
    made = stricter(np.frombuffer(known.data["prototype"], dtype="<f4").copy())
    return {**known.data, "prototype": made.astype("<f4").tobytes()}


def adapters(items: Iterable[Item], version: str) -> bytes:
    """The gesture model's adapters as safetensors. What was taught to another version is left out."""
    gestures, mistakes = {}, {}
    for item in items:
        if item.key in NUMBERS:
            mistakes[NUMBERS[item.key]] = int(item.data["mistaken"])
        elif item.data["version"] == version:
            known = np.frombuffer(item.data["prototype"], dtype="<f4")
            gestures[int(item.data["slot"])] = (known, str(item.data["device"]))
    if not gestures and not mistakes:
        return b""
    return save(columns(gestures, mistakes))


def name_of(number: int, items: Iterable[Item]) -> str:
    """A gesture's name by its number in the engine's answer; empty for one that is not taught any more."""
    if number < FIRST_TAUGHT:
        return BUILT_IN[number - 1]
    return next((item.key for item in items if item.data.get("slot") == number - FIRST_TAUGHT), "")

"""What a user taught, and what is known of the user's voice: each a map of plain data under a key."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import msgpack

ItemKind = Literal["phrase", "name", "gesture", "object", "voice"]
KINDS: Final[tuple[ItemKind, ...]] = get_args(ItemKind)

LIMITS: Final[Mapping[ItemKind, int]] = {"phrase": 256, "name": 256, "gesture": 26, "object": 32, "voice": 1}
"""The most items of a kind that a user has for one app: of gestures 16, and corrections of the ten built-in ones."""
OF_ALL_APPS: Final[frozenset[ItemKind]] = frozenset({"gesture", "object", "voice"})
"""Kinds that belong to the user in any app."""
MAX_ITEM_BYTES: Final = 128 * 1024
"""The longest ``data`` of an item, packed."""
MAX_ITEMS_BYTES: Final = 480 * 1024
"""The most that all items of a user take, with ``ITEM_BYTES`` each for what comes with ``data``."""
ITEM_BYTES: Final = 64

_MAX_DEPTH: Final = 8
_MAX_KEY: Final = 2000
_MAX_APP: Final = 128
_MAX_INT: Final = 2**63


class BadItem(ValueError):
    """What cannot be an item. ``path`` leads there, as ``data.examples[2]``."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.text = text


@dataclass(frozen=True)
class Item:
    """One thing that was taught.

    Attributes:
        kind: what it is.
        app: the app that it belongs to; empty for what belongs to all.
        key: one of its kind and app has it: the phrase, the id of the target, the name of the gesture or object.
        data: plain data with text keys: null, bool, int, finite float, text, bytes, and lists and maps of those.
            Of a phrase ``action``, of a name ``name`` and of a gesture ``device`` are shown to people.
        when: Unix time of the teaching.
    """

    kind: ItemKind
    app: str
    key: str
    data: dict[str, Any]
    when: float = field(default_factory=time.time)


def check(item: Item) -> bytes:
    """Packs the ``data`` of an item.

    Raises:
        BadItem: there is something in it that is not kept.
    """
    if item.kind not in KINDS:
        raise BadItem("kind", f"one of {', '.join(KINDS)} is meant")
    _check_text("key", item.key, 1, _MAX_KEY)
    _check_text("app", item.app, 0, _MAX_APP)
    if (item.kind in OF_ALL_APPS) != (item.app == ""):
        raise BadItem("app", f"a {item.kind} belongs to {'all apps' if item.app else 'an app'}")
    if not math.isfinite(item.when) or item.when < 0:
        raise BadItem("when", "a time is a finite number and not negative")
    if not isinstance(item.data, dict):
        raise BadItem("data", "a map with text keys is meant")
    _check_plain("data", item.data, _MAX_DEPTH)
    packed: bytes = msgpack.packb(item.data)
    if len(packed) > MAX_ITEM_BYTES:
        raise BadItem("data", f"{len(packed)} bytes; at most {MAX_ITEM_BYTES} are kept")
    return packed


def size(app: str, key: str, packed: bytes) -> int:
    """What an item counts towards ``MAX_ITEMS_BYTES``, bytes."""
    return len(app.encode()) + len(key.encode()) + len(packed) + ITEM_BYTES


def _check_text(path: str, text: object, least: int, most: int) -> None:
    if not isinstance(text, str) or not least <= len(text) <= most:
        raise BadItem(path, f"a text of {least} to {most} characters is meant")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadItem(path, "cannot be written as UTF-8") from None


def _check_plain(path: str, value: object, depth: int) -> None:
    match value:
        case None | bool() | bytes():
            return
        case int():
            if not -_MAX_INT <= value < _MAX_INT:
                raise BadItem(path, "a whole number needs more than 64 bits")
        case float():
            if not math.isfinite(value):
                raise BadItem(path, "a number is NaN or infinite")
        case str():
            _check_text(path, value, 0, MAX_ITEM_BYTES)
        case list() | dict():
            if not depth:
                raise BadItem(path, f"lists and maps more than {_MAX_DEPTH} deep")
            if isinstance(value, list):
                for at, part in enumerate(value):
                    _check_plain(f"{path}[{at}]", part, depth - 1)
                return
            for key, part in value.items():
                _check_text(f"{path}, a key", key, 0, _MAX_KEY)
                _check_plain(f"{path}.{key[:40]}", part, depth - 1)
        case _:
            raise BadItem(path, f"{type(value).__name__} is not plain data")

"""What a user takes along: a profile as one msgpack map, and the way back, which believes nothing.

``docs/profiles.md`` tells the format. ``when``, ``first_seen`` and ``last_seen`` are Unix times, seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from bridge.profiles.items import ITEM_BYTES, LIMITS, MAX_ITEMS_BYTES, BadItem, Item, ItemKind, check, size
from bridge.profiles.store import MAX_ADAPTER_BYTES, MAX_ADAPTERS, Settings, Statistics, StoredProfile

FORMAT: Final = "genlock-profile"
VERSION: Final = 1
MAX_BYTES: Final = 1024 * 1024
"""The longest export. What is kept of a user fits into it, by the limits of ``store`` and ``items``."""

_ADAPTER: Final = re.compile(r"[A-Za-z0-9_.:+-]{1,64}@[A-Za-z0-9_.:+-]{1,64}")
_MAX_TENSORS: Final = 64
_TENSOR: Final = re.compile(r"[A-Za-z0-9_./:+-]{1,128}")
_MAX_AXES: Final = 8
# However small they are, no more of them fit into what is kept.
_MAX_ITEMS: Final = MAX_ITEMS_BYTES // ITEM_BYTES
_LONGEST_FAULT: Final = 200

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=2**53)]


class BadExport(ValueError):
    """What is offered is no export that can be taken. ``path`` leads to what is wrong, as ``items[3].data``."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}" if path else text)
        self.path = path
        self.text = text


class _Header(msgspec.Struct):
    format: str
    version: int


class _Statistics(msgspec.Struct, forbid_unknown_fields=True):
    sessions: _Count
    frames: _Count
    seconds: _Seconds
    first_seen: _Seconds
    last_seen: _Seconds


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    learning: bool


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    kind: ItemKind
    app: str
    key: str
    data: dict[str, Any]
    when: _Seconds


class _Export(_Header, forbid_unknown_fields=True):
    statistics: _Statistics
    settings: _Settings
    adapters: Annotated[dict[str, bytes], msgspec.Meta(max_length=MAX_ADAPTERS)]
    items: Annotated[list[_Item], msgspec.Meta(max_length=_MAX_ITEMS)]


@dataclass(frozen=True)
class Unpacked:
    """A profile that was exported, checked, and its items' ``data`` packed in their order."""

    profile: StoredProfile
    packed: list[bytes]


def pack(profile: StoredProfile) -> bytes:
    """A profile as bytes, without the user's name."""
    counted, items = profile.statistics, profile.items
    return msgspec.msgpack.encode(
        _Export(
            format=FORMAT,
            version=VERSION,
            statistics=_Statistics(
                counted.sessions, counted.frames, counted.seconds, counted.first_seen, counted.last_seen
            ),
            settings=_Settings(profile.settings.learning),
            adapters=profile.adapters,
            items=[_Item(item.kind, item.app, item.key, item.data, item.when) for item in items],
        )
    )


def unpack(data: bytes) -> Unpacked:
    """A profile from bytes; its generation is 0.

    Raises:
        BadExport: it is no export of this version, or something in it is not as it must be.
    """
    if len(data) > MAX_BYTES:
        raise BadExport("", f"{len(data)} bytes; an export has at most {MAX_BYTES}")
    header = _decode(data, _Header)
    if header.format != FORMAT:
        raise BadExport("format", f"not an exported profile: {header.format[:40]!r} instead of {FORMAT!r}")
    if header.version != VERSION:
        raise BadExport("version", f"an export of version {header.version}; this one reads version {VERSION}")
    export = _decode(data, _Export)
    _check_adapters(export.adapters)
    counted = export.statistics
    profile = StoredProfile(
        Statistics(counted.sessions, counted.frames, counted.seconds, counted.first_seen, counted.last_seen),
        export.adapters,
        Settings(export.settings.learning),
        [Item(item.kind, item.app, item.key, item.data, item.when) for item in export.items],
    )
    return Unpacked(profile, _check_items(profile.items))


def _decode(data: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except msgspec.ValidationError as problem:
        text, _, place = str(problem).partition(" - at `")
        path = place.rpartition("$")[2].removesuffix("`").lstrip(".")
        raise BadExport(path, f"{'' if path else 'not an exported profile: '}{text[:_LONGEST_FAULT]}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadExport("", f"not an exported profile: {str(problem)[:_LONGEST_FAULT]}") from None


def _check_adapters(adapters: dict[str, bytes]) -> None:
    total = sum(map(len, adapters.values()))
    if total > MAX_ADAPTER_BYTES:
        raise BadExport("adapters", f"{total} bytes; at most {MAX_ADAPTER_BYTES} are kept")
    for name, data in adapters.items():
        if not _ADAPTER.fullmatch(name):
            raise BadExport("adapters", f"{name[:80]!r} is no model@version")
        _check_tensors(f"adapters.{name}", data)


def _check_tensors(path: str, data: bytes) -> None:
    try:
        tensors = safetensors.numpy.load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as problem:
        raise BadExport(path, f"not safetensors: {str(problem)[:_LONGEST_FAULT]}") from None
    if len(tensors) > _MAX_TENSORS:
        raise BadExport(path, f"{len(tensors)} tensors; at most {_MAX_TENSORS} are kept")
    for name, tensor in tensors.items():
        if not _TENSOR.fullmatch(name):
            raise BadExport(path, f"{name[:80]!r} is no name of a tensor")
        if tensor.ndim > _MAX_AXES:
            raise BadExport(f"{path}.{name}", f"{tensor.ndim} axes; at most {_MAX_AXES} are kept")
        if tensor.dtype.kind not in "fiub" or not np.isfinite(tensor).all():
            raise BadExport(f"{path}.{name}", "a tensor holds finite numbers")


def _check_items(items: list[Item]) -> list[bytes]:
    packed: list[bytes] = []
    seen: set[tuple[str, str, str]] = set()
    counts: dict[tuple[ItemKind, str], int] = {}
    for at, item in enumerate(items):
        path = f"items[{at}]"
        try:
            packed.append(check(item))
        except BadItem as bad:
            raise BadExport(f"{path}.{bad.path}", bad.text) from None
        if (item.kind, item.app, item.key) in seen:
            raise BadExport(path, f"the {item.kind} {item.key[:40]!r} is there twice")
        seen.add((item.kind, item.app, item.key))
        count = counts[item.kind, item.app] = counts.get((item.kind, item.app), 0) + 1
        if count > LIMITS[item.kind]:
            raise BadExport(path, f"more than {LIMITS[item.kind]} of kind {item.kind} for one app")
    total = sum(size(item.app, item.key, data) for item, data in zip(items, packed, strict=True))
    if total > MAX_ITEMS_BYTES:
        raise BadExport("items", f"{total} bytes; at most {MAX_ITEMS_BYTES} are kept")
    return packed

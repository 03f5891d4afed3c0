"""What msgspec finds wrong with a message or a manifest, in words for those who wrote it, who need not know Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")
"""A step of a path as msgspec gives it: a key, or a place in an array, which is ``...`` where it is any."""

_KINDS: Final = {
    "str": "a string", "int": "a whole number", "float": "a number", "bool": "true or false", "bytes": "bytes",
    "array": "a list", "null": "nothing", "None": "nothing",
}  # fmt: skip
_UNITS: Final = {"str": "character", "bytes": "byte", "array": "item"}
_BOUNDS: Final = {"": "exactly", ">=": "at least", "<=": "at most"}
_LONGEST_VALUE: Final = 64

_OTHER_KIND: Final = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_LENGTH: Final = re.compile(r"Expected `([^`]+)` of length (>=|<=|) ?(\d+)(?:, got (\d+))?")
_BOUND: Final = re.compile(r"Expected `([^`]+)` ([<>]=? .+)")
_CHOICE: Final = re.compile(r"Invalid enum value (.+)", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `([^`]+)`")


def in_words(text: str, of: type, path: str, *, table: str) -> str:
    """A fault in words.

    Args:
        text: what msgspec says without the place.
        of: what was to be made.
        path: the place in it, as ``app.actions[0].target``.
        table: what is said for a map with keys.
    """
    kinds = {**_KINDS, "object": table}

    def named(some: str) -> str:
        return " or ".join(kinds.get(kind, kind) for kind in some.split(" | "))

    if found := _OTHER_KIND.fullmatch(text):
        return f"expected {named(found[1])}, got {named(found[2])}"
    if (found := _LENGTH.fullmatch(text)) and found[1] in _UNITS:
        many = f"{_BOUNDS[found[2]]} {found[3]} {_UNITS[found[1]]}{'' if found[3] == '1' else 's'}"
        got = f", got {found[4]}" if found[4] else ""
        return f"expected {many if found[1] == 'bytes' else f'{named(found[1])} of {many}'}{got}"
    if found := _BOUND.fullmatch(text):
        return f"expected {named(found[1])} {found[2]}"
    if found := _MISSING.fullmatch(text):
        return f"the key `{found[1]}` is missing"
    if found := _CHOICE.fullmatch(text):
        said, choices = found[1], ", ".join(map(str, _choices(of, path)))
        said = said if len(said) <= _LONGEST_VALUE else f"{said[:_LONGEST_VALUE]}..."
        return f"{said} is not one of: {choices}" if choices else f"{said} cannot be here"
    return text


_type_info = lru_cache(msgspec.inspect.type_info)


def _choices(of: type, path: str) -> Sequence[Any]:
    kind: msgspec.inspect.Type = _type_info(of)
    for step in STEP.finditer(path):
        match kind:
            case msgspec.inspect.StructType(fields=fields) if step[1] is not None:
                kind = next((field.type for field in fields if field.encode_name == step[1]), msgspec.inspect.AnyType())
            case msgspec.inspect.ListType(item_type=inner) | msgspec.inspect.DictType(value_type=inner):
                kind = inner
            case _:
                return ()
    return tuple(one for one in kind.values if one != "") if isinstance(kind, msgspec.inspect.LiteralType) else ()

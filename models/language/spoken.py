"""Words of a text as they are said aloud: "16oz" is sixteen ounce, in whichever way it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from models.language.words import Word, alike

_PARTS: Final = re.compile(r"\d+|[^\W\d_]+")
_ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS: Final = {
    "oz": "ounce", "lb": "pound", "lbs": "pound", "kg": "kilogram", "g": "gram", "mg": "milligram", "mcg": "microgram",
    "μg": "microgram", "cm": "centimetre", "mm": "millimetre", "km": "kilometre", "ft": "foot", "ml": "millilitre",
    "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "hr": "hour", "hrs": "hour", "deg": "degree",
    "pct": "percent",
}  # fmt: skip
_LIMIT: Final = 10_000


def spoken(said: Sequence[Word]) -> list[Word]:
    """What is said aloud for each word, one or more words that stand where it stands."""
    return [Word(part, word.start, word.end) for word in said for part in _aloud(word.text)]


def same(said: Sequence[Word], at: int, wanted: Sequence[str]) -> bool:
    """Whether these words are said from ``at`` on, and no part of a number is left over.

    Args:
        said: as ``spoken`` gives them.
    """
    end = at + len(wanted)
    if not wanted or end > len(said):
        return False
    begins = at == 0 or said[at - 1].start != said[at].start
    ends = end == len(said) or said[end].start != said[end - 1].start
    return begins and ends and all(alike(word.text, want) for word, want in zip(said[at:end], wanted, strict=True))


@lru_cache(maxsize=4096)
def _aloud(word: str) -> tuple[str, ...]:
    parts: list[str] = _PARTS.findall(word)
    if not any(part.isdigit() for part in parts):
        return (_UNITS.get(word, word),)
    found: list[str] = []
    for part in parts:
        if not part.isdigit():
            found.append(_UNITS.get(part, part))
        elif len(part) < 5 and int(part) < _LIMIT and (part == "0" or part[0] != "0"):
            found += _number(int(part))
        else:
            found.append(part)
    return tuple(found)


def _number(number: int) -> list[str]:
    if number < len(_ONES):
        return [_ONES[number]]
    if number < 100:
        tens, ones = divmod(number, 10)
        return [_TENS[tens - 2], *([_ONES[ones]] if ones else [])]
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            many, rest = divmod(number, size)
            return [*_number(many), name, *(_number(rest) if rest else [])]
    raise AssertionError

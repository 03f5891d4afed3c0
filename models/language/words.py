"""Words of a text, as they are compared: without case, accents and small slips."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"\w+", re.UNICODE)
_FUZZY_FROM: Final = 5


@dataclass(frozen=True)
class Word:
    """A word of a text: how it is compared, and where it stands."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text in their order; an apostrophe parts words ("what's" is two)."""
    return [Word(plain(found.group()), found.start(), found.end()) for found in _WORD.finditer(text)]


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with as many spaces in place of what stands in each of the spans, start and end."""
    rest = list(text)
    for start, end in spans:
        rest[start:end] = " " * (end - start)
    return "".join(rest)


def word_set(text: str) -> frozenset[str]:
    """The words that a text lists."""
    return frozenset(text.split())


@lru_cache(maxsize=4096)
def plain(word: str) -> str:
    """A word without case, accents and compatibility forms."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", word).casefold())
    return unicodedata.normalize("NFC", "".join(letter for letter in folded if not unicodedata.combining(letter)))


@lru_cache(maxsize=1 << 14)
def alike(said: str, meant: str) -> bool:
    """Whether two plain words are the same but for number, or one slip in words of five letters and more."""
    if said == meant:
        return True
    singular = _singular(said)
    if singular == _singular(meant):
        return True
    # The first letter is rarely wrong, and "flight" is no "light".
    return (
        min(len(said), len(meant)) >= _FUZZY_FROM
        and said[0] == meant[0]
        and (_one_slip(said, meant) or _one_slip(singular, meant))
    )


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _one_slip(a: str, b: str) -> bool:
    """Whether a letter more, less, another, or two swapped make one of the other (Damerau's distance is 1)."""
    if abs(len(a) - len(b)) > 1:
        return False
    at = 0
    while at < min(len(a), len(b)) and a[at] == b[at]:
        at += 1
    rest_a, rest_b = a[at:], b[at:]
    return (
        rest_a[1:] == rest_b[1:]
        or rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    )

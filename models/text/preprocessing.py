"""From a text to numbers: cleaning, tokens, a vocabulary of words and of pieces of words.

A word is known by its own number and by its character n-grams, hashed into buckets (Bojanowski et al., "Enriching Word
Vectors with Subword Information", TACL 2017), so that a word that training never saw still means something.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

MAX_TOKENS: Final = 64
"""Of a text, what is beyond these is not looked at."""
MAX_WORD: Final = 40
PAD: Final = 0
UNKNOWN: Final = 1
BUCKETS: Final = 16384

_SPECIAL: Final = 2
_SHORTEST, _LONGEST = 3, 5
# Vowel signs and the like, which re takes for no part of a word; those beyond are of no script's words.
_MARKS: Final = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.category(chr(code)).startswith("M"))
_WORD: Final = rf"[^\W\d_](?:[^\W\d_]|[{_MARKS}])*"
_TOKEN: Final = re.compile(rf"\d+|{_WORD}(?:'{_WORD})?|[^\w\s]")
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana and Han.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_DIGIT: Final = re.compile(r"\d")


def clean(text: str) -> str:
    """A text without what does not matter: case, compatibility forms, control characters, runs of space, digits."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    printable = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in folded)
    return " ".join(_DIGIT.sub("0", printable).split())


def tokenize(text: str) -> list[str]:
    """Words, numbers and marks of a text, cleaned, at most ``MAX_TOKENS``."""
    return [found.group()[:MAX_WORD] for _, found in zip(range(MAX_TOKENS), _TOKEN.finditer(clean(text)), strict=False)]


def pieces(token: str) -> list[int]:
    """Buckets of a token's n-grams of three to five characters, its ends marked; at least one."""
    marked = f"<{token}>"
    grams = [
        marked[at : at + length] for length in range(_SHORTEST, _LONGEST + 1) for at in range(len(marked) - length + 1)
    ]
    # CRC-32 and not hash(): it is the same in every process.
    return [zlib.crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS for gram in grams or [marked]]


def _pairs(token: str) -> list[str]:
    return [token[at : at + 2] for at in range(len(token) - 1)]


class Vocabulary:
    """Numbers of words: 0 pads, 1 is any word that is not known.

    Args:
        known: the words that have a number.
        rare: further ones that are in the texts.
    """

    def __init__(self, known: Sequence[str], rare: Iterable[str] = ()) -> None:
        self.words = tuple(known)
        self._rare = frozenset(rare)
        self._pairs = frozenset(
            pair for word in (*self.words, *self._rare) if _UNSPACED.match(word) for pair in _pairs(word)
        )
        self._numbers = {word: number for number, word in enumerate(self.words, start=_SPECIAL)}
        if len(self._numbers) != len(self.words):
            raise ValueError("a word is in the vocabulary twice")

    def __len__(self) -> int:
        return len(self.words) + _SPECIAL

    @classmethod
    def build(cls, texts: Iterable[str], *, at_least: int = 2) -> Vocabulary:
        """The words that occur so often in texts, the most frequent first; the others are rare."""
        counts = Counter(token for text in texts for token in tokenize(text))
        kept = [word for word, count in counts.items() if count >= at_least]
        return cls(sorted(kept, key=lambda word: (-counts[word], word)), counts.keys() - {*kept})

    def number(self, token: str) -> int:
        """A token's number."""
        return self._numbers.get(token, UNKNOWN)

    def has_met(self, token: str) -> bool:
        """Whether a token is in the texts, be it once, or begins with one that is: "opening", after "open".

        Of a script without spaces it is enough that two letters stood side by side.
        """
        starts = (token, *(token[:end] for end in range(_SHORTEST, len(token))))
        if any(start in self._numbers or start in self._rare for start in starts):
            return True
        return _UNSPACED.match(token) is not None and not self._pairs.isdisjoint(_pairs(token))

    def to_json(self) -> dict[str, list[str]]:
        """As plain values, for ``from_json``."""
        return {"known": list(self.words), "rare": sorted(self._rare)}

    @classmethod
    def from_json(cls, value: Any) -> Vocabulary:
        """From what ``to_json`` gave.

        Raises:
            ValueError: it is something else.
        """
        parts = [value.get("known"), value.get("rare")] if isinstance(value, dict) else [None]
        if not all(isinstance(part, list) and all(isinstance(word, str) for word in part) for part in parts):
            raise ValueError("a vocabulary is two lists of words, known and rare")
        return cls(*parts)

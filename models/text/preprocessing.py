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
_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)?|[^\w\s]", re.UNICODE)
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


class Vocabulary:
    """Numbers of words: 0 pads, 1 is any word that is not known."""

    def __init__(self, known: Sequence[str]) -> None:
        self.words = tuple(known)
        self._numbers = {word: number for number, word in enumerate(self.words, start=_SPECIAL)}
        if len(self._numbers) != len(self.words):
            raise ValueError("a word is in the vocabulary twice")

    def __len__(self) -> int:
        return len(self.words) + _SPECIAL

    @classmethod
    def build(cls, texts: Iterable[str], *, at_least: int = 2) -> Vocabulary:
        """The words that occur so often in texts, the most frequent first."""
        counts = Counter(token for text in texts for token in tokenize(text))
        kept = [word for word, count in counts.items() if count >= at_least]
        return cls(sorted(kept, key=lambda word: (-counts[word], word)))

    def number(self, token: str) -> int:
        """A token's number."""
        return self._numbers.get(token, UNKNOWN)

    def to_json(self) -> list[str]:
        """As plain values, for ``from_json``."""
        return list(self.words)

    @classmethod
    def from_json(cls, value: Any) -> Vocabulary:
        """From what ``to_json`` gave.

        Raises:
            ValueError: it is something else.
        """
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise ValueError("a vocabulary is a list of words")
        return cls(value)

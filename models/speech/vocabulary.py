"""What is likely to be said to an app: its phrases, the names of what is there, the user's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from models.language.english import FUNCTION_WORDS, NUMBERS
from models.language.spoken import spoken
from models.language.words import words
from models.speech.sounds import sounds

_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")
# A recognizer forgets what it was told too long ago, and takes longer the more it was told.
_PROMPT_WORDS: Final = 80
_APART: Final = 4
_FILLINGS: Final = 3
_TELLING: Final = 4


@dataclass(frozen=True)
class Term:
    """Something to be meant, in words as they are said, and all their sounds."""

    words: tuple[str, ...]
    sounds: str


@dataclass(frozen=True)
class Vocabulary:
    """Words and phrases.

    Attributes:
        words: names and values, each of one word or more: "mug", "light roast".
        phrases: whole commands, best with values in their places; ``{name}`` stands for anything.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()

    @cached_property
    def known(self) -> frozenset[str]:
        """All words that are in it, plain and as they are said aloud."""
        return frozenset(word for text in (*self.words, *self.phrases) for word in aloud(_PLACEHOLDER.sub(" ", text)))

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """What there is to be meant: names, values, and telling words of phrases."""
        listed = [tuple(aloud(text)) for text in self.words]
        listed += [(word,) for word in sorted(self.known) if word not in FUNCTION_WORDS and len(word) >= _TELLING]
        return tuple(Term(words, "".join(map(sounds, words))) for words in dict.fromkeys(listed) if words)

    @cached_property
    def prompt(self) -> str:
        """Phrases and words with as many different words as a short text can have, the phrases last."""
        chosen: list[str] = []
        told: set[str] = set()
        left = [(text, _telling(text)) for text in map(_plainly, (*self.words, *self.phrases)) if text]
        length = 0
        while left:
            left = [(text, its) for text, its in left if its - told and length + len(text.split()) <= _PROMPT_WORDS]
            if left:
                text, its = max(left, key=lambda one: _gain(one[0], one[1], told))
                chosen.append(text)
                told |= its
                length += len(text.split())
        # What was said right before counts most, and most of what is said is a whole command.
        chosen.sort(key=lambda text: len(text.split()))
        return ". ".join(text[:1].upper() + text[1:] for text in chosen)

    def strange(self, text: str) -> int:
        """How many words of a text are neither in it nor so common that anybody says them."""
        return sum(word not in self.known and word not in FUNCTION_WORDS for word in aloud(text))

    def familiar(self, text: str) -> int:
        """How many words of a text are in it and are said of little else."""
        return sum(word in self.known and word not in FUNCTION_WORDS and word not in NUMBERS for word in aloud(text))


def filled(phrases: Sequence[str], values: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Phrases of an action with values in their places: each phrase, and each value of what it has, at least once.

    Args:
        values: of arguments and targets, by what stands for them in phrases. Placeholders without any are left out.
    """
    found: dict[str, None] = {}
    turn = 0
    for phrase in phrases:
        names = _PLACEHOLDER.findall(phrase)
        for _ in range(_FILLINGS if any(values.get(name) for name in names) else 1):
            text = phrase
            for name in names:
                some = values.get(name) or ("",)
                text = text.replace(f"{{{name}}}", some[turn % len(some)])
            found.setdefault(" ".join(text.split()))
            turn += 1
    return tuple(filter(None, found))


def aloud(text: str) -> list[str]:
    """The plain words of a text as they are said."""
    return [word.text for word in spoken(words(text))]


def _telling(text: str) -> frozenset[str]:
    return frozenset(word for word in aloud(text) if word not in FUNCTION_WORDS)


def _gain(text: str, its: frozenset[str], told: set[str]) -> float:
    """How much news there is, by the length: a long phrase tells also how its words follow each other."""
    return len(its - told) / (len(text.split()) + _APART)


def _plainly(phrase: str) -> str:
    return " ".join(_PLACEHOLDER.sub(" ", phrase).split())

"""How users teach by saying so: "when I say zap it I mean take it", "call that one Bob", "no, I meant hide it".

Only whole texts of a few strict forms teach. Everything else is a command, or nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from models.language import english as en
from models.language.mentions import Names, find_mentions
from models.language.words import word_set, words

MAX_WORDS: Final = 12
"""Of a phrase."""
MAX_NAME_WORDS: Final = 4
MAX_CHARACTERS: Final = 300
"""A longer text teaches nothing."""

_START: Final = r"(?:(?:ok|okay|hey|listen|please|remember|so|and|no|genlock)[\s,:]+)*"
_QUOTES: Final = " \t\n\"'“”‘’«».,;:!"
_MEAN: Final = r"(?:i(?:'d)? (?:really |actually )?(?:mean|meant|want)|(?:it|that) (?:should )?means?|it should mean)"
_PHRASES: Final = tuple(
    re.compile(_START + pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(?:when(?:ever)?|if|each time|every time) i (?:say|tell you) (?P<said>.+?)[\s,]+(?:then )?"
        rf"{_MEAN} (?P<meant>.+)",
        r"by (?P<said>.+?)[\s,]+i mean (?P<meant>.+)",
        r"from now on[\s,]+(?P<said>.+?) (?:means|will mean|shall mean|should mean) (?P<meant>.+)",
        r"let (?P<said>.+?) mean (?P<meant>.+)",
    )
)
_CORRECTION: Final = re.compile(
    r"(?:(?:(?:no|nope|wrong|sorry|not that)[\s,.!]+)+i mean|(?:(?:no|nope|wrong|sorry|not that)[\s,.!]+)*i meant)"
    r"(?: to say)?[\s,]+(?P<meant>.+)",
    re.IGNORECASE | re.DOTALL,
)
_NAMINGS: Final = (
    re.compile(_START + r"(?P<verb>this is) (?P<rest>.+)", re.IGNORECASE),
    re.compile(_START + r"(?:let'?s |from now on[\s,]+)?(?P<verb>call|name|rename) (?P<rest>.+)", re.IGNORECASE),
    re.compile(
        _START + r"(?P<called>.+?) (?:is|'s|shall be|should be) (?P<verb>called|named) (?P<rest>.+)", re.IGNORECASE
    ),
)
_NOTHING: Final = frozenset(("nothing", "nothing at all"))
_IDIOMS: Final = word_set("quits even done good fine nice great names yourself myself")
_SMALL_IN_NAMES: Final = frozenset(("the", "of", "de", "von", "van"))
# "I mean it", "when I say so": neither phrase nor order.
_EMPTY: Final = en.UNNAMEABLE | en.POLITE | frozenset(("well", "so"))
# A name of these words alone tells nothing apart, or was meant otherwise.
_NO_NAME: Final = en.FUNCTION_WORDS | en.PREDICATES | _IDIOMS | en.GREETINGS


@dataclass(frozen=True)
class PhraseTeaching:
    """That some words mean what others do; these are empty where they mean nothing at all."""

    said: str
    meant: str


@dataclass(frozen=True)
class NameTeaching:
    """That a target, which the words ``mention`` speak of, has another name.

    Attributes:
        plainly: whether nothing else can be meant, as by "call it Bob"; "this is Bob" may be said of anything.
    """

    mention: str
    name: str
    plainly: bool = True


def phrase_teaching(text: str) -> PhraseTeaching | None:
    """What phrase a text teaches, if it does nothing else."""
    for pattern in _PHRASES if len(text) <= MAX_CHARACTERS else ():
        found = pattern.fullmatch(text.strip(_QUOTES))
        if found is not None:
            said, meant = found["said"].strip(_QUOTES), found["meant"].strip(_QUOTES)
            telling = all(any(word.text not in _EMPTY for word in words(part)) for part in (said, meant))
            if telling and len(words(said)) <= MAX_WORDS and said.casefold() != meant.casefold():
                return PhraseTeaching(said, "" if meant.casefold() in _NOTHING else meant)
    return None


def correction(text: str) -> str:
    """What was meant by what was said before, if a text says so and nothing else; else nothing."""
    found = _CORRECTION.fullmatch(text.strip(_QUOTES)) if len(text) <= MAX_CHARACTERS else None
    return found["meant"].strip(_QUOTES) if found is not None else ""


def name_teaching(text: str, names: Names) -> NameTeaching | None:
    """What name a text teaches, if it does nothing else.

    Args:
        names: of what is there, as ``find_mentions`` takes them.
    """
    for pattern in _NAMINGS if len(text) <= MAX_CHARACTERS else ():
        found = pattern.fullmatch(text.strip(_QUOTES))
        if found is None:
            continue
        verb, rest = found["verb"].casefold(), found["rest"].strip(_QUOTES)
        if verb == "this is":
            parted = [("this", rest)]
        elif verb in ("called", "named"):
            parted = [(found["called"], rest)]
        else:
            parted = list(_parted(rest, verb))
        for mention, name in parted:
            # Without a capital "this is broken" and "name this tune" are no names.
            last = words(mention)[-1:]
            unclear = bool(last) and last[0].text in en.DEMONSTRATIVES
            if _is_mention(mention, names) and _is_name(name, capital=unclear):
                return NameTeaching(mention, name, plainly=verb != "this is")
    return None


def _parted(rest: str, verb: str) -> list[tuple[str, str]]:
    """What is named and its name, in all ways to part the words, the longest mention first."""
    said = words(rest)
    parted = []
    for at in range(len(said) - 1, 0, -1):
        mention, name = rest[: said[at - 1].end], rest[said[at].start :]
        if said[at].text in ("to", "as") and verb == "rename" and at + 1 < len(said):
            name = rest[said[at + 1].start :]
        parted.append((mention, name.strip(_QUOTES)))
    return parted


def _is_mention(text: str, names: Names) -> bool:
    found = find_mentions(text, names)
    return len(found) == 1 and not found[0][1].unknown and _whole(text, found[0][0].start, found[0][0].end)


def _whole(text: str, start: int, end: int) -> bool:
    return not words(text[:start]) and not words(text[end:])


def _is_name(name: str, *, capital: bool) -> bool:
    said = words(name)
    if not 0 < len(said) <= MAX_NAME_WORDS or said[0].text in en.DETERMINERS:
        return False
    if any(sign in name for sign in ",;:?!"):
        return False
    if all(word.text in _NO_NAME or word.text.isdecimal() for word in said):
        return False
    return not capital or _capitals(name)


def _capitals(name: str) -> bool:
    parts = [part for part in name.split() if part.casefold() not in _SMALL_IN_NAMES]
    shouted = len(name) > 2 and name == name.upper()
    return bool(parts) and not shouted and all(part[0].isupper() or part[0].isdecimal() for part in parts)

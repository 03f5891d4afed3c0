"""What in an utterance may answer a question: whether it gives nothing, and what is said beside the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from models.language import english as en
from models.language.references import Situation, resolve
from models.language.spoken import spoken
from models.language.words import alike, words

_SURE: Final = 0.5
_TELLS_NOTHING: Final = en.ANSWERING | en.DETERMINERS | en.DUMMIES | frozenset(("me", "from"))

Aside = Literal["", "declines", "hesitates"]


def aside(text: str) -> Aside:
    """What a text does that gives nothing of what was asked for; empty if it says more than that.

    It declines ("no", "oh, never mind") or hesitates ("hmm", "no wait", "sorry, what?"); what comes last counts.
    """
    phrases = _asides([word.text for word in words(text)])
    if phrases is None or not words(text):
        return ""
    return "declines" if phrases and phrases[-1] == "declines" else "hesitates"


def takes_back(rest: str, units: Sequence[str]) -> bool:
    """Whether what follows an answer takes it back: "two milligrams, no, wait".

    Args:
        units: as ``beside`` takes them.
    """
    known = _unit_words(units)
    return bool(
        _asides([word.text for word in spoken(words(rest)) if not any(alike(word.text, unit) for unit in known)])
    )


def _asides(said: Sequence[str]) -> list[str] | None:
    """What each phrase in words does that gives nothing; nothing at all if they say more."""
    found: list[str] = []
    at = 0
    while at < len(said):
        phrases = en.ASIDES.get(said[at], ())
        phrase, name = next((one for one in phrases if tuple(said[at : at + len(one[0])]) == one[0]), ((), ""))
        if phrase:
            found.append(name)
        elif said[at] not in en.FILLERS:
            return None
        at += len(phrase) or 1
    return found


def _unit_words(units: Sequence[str]) -> list[str]:
    return [word.text for unit in units for word in spoken(words(unit))]


def beside(rest: str, units: Sequence[str]) -> list[str]:
    """Of what is left of a text without an answer, the words that are more than what goes with one.

    Args:
        units: of what is asked for; their words are said with it.
    """
    known = _unit_words(units)
    left = [word.text for word in spoken(words(rest)) if word.text not in en.ANSWERING]
    return [word for word in left if not any(alike(word, unit) for unit in known)]


def content(text: str) -> list[str]:
    """The words of a text that could be a thing or a value."""
    return [word.text for word in words(text) if word.text not in _TELLS_NOTHING]


def pick(said: str, likely: Sequence[str], situation: Situation) -> tuple[str, float] | None:
    """Which of the targets that a question named is told apart by a few words: "the left one", "blue", "the second".

    Args:
        said: the words, of which none is negated.
        likely: the ``id`` of each target that was named, in that order.

    Returns:
        The target and how sure it is; an empty one where the words do not tell, and nothing where they speak of more.
    """
    by_id = {candidate.id: candidate for candidate in situation.candidates}
    some = [by_id[name] for name in likely if name in by_id]
    rest = content(said)
    known = {word.text for one in some for name in (one.name or one.id, *one.aliases) for word in words(name)}
    if not some or not rest or not known.union(en.EXTREME_WORDS, en.ORDINALS, ("other",)).issuperset(rest):
        return None
    if len(rest) == 1 and rest[0] in en.ORDINALS:
        # Who was told of two counts them as they were told.
        number = en.ORDINALS[rest[0]]
        at = number - 1 if number > 0 else len(some) - 1
        return (some[at].id, 1.0) if at < len(some) else ("", 0.0)
    # Where they are looked and pointed at is what left them alike.
    among = replace(situation, candidates=tuple(some), probabilities=None, pointing=())
    found = resolve(said, among) or resolve(f"the {' '.join(rest)} one", among)
    (best, sure), *_ = found[0].ranking if found and found[0].ranking else (("", 0.0),)
    return (best, sure) if sure >= _SURE else ("", 0.0)

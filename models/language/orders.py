"""Whether a text orders what it speaks of: "did you shock the patient" and "don't shock the patient" do not.

To an intent model, which weighs what a text is about, both are near to the order itself. Told apart they are by the
words with which an English clause begins, and by words that are each other's opposite; where one of an action's own
phrases is of the same kind, as "what is {target}" is a question, such a text may mean that action.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from functools import lru_cache
from typing import Final

from models.language.english import AUXILIARIES, OPPOSITES
from models.language.words import word_set, words

_BREAK: Final = re.compile(r"[,.;:!?]+")
_JOINTS: Final = frozenset((",", "and", "but", "so", "then"))
_START: Final = (
    "(?:(?:please|kindly|no|nope|yes|yeah|wait|stop|halt|ok|okay|hey|hi|oh|well|so|and|but|now|just|then|sorry|actually|"
    "listen|everybody|everyone|you|,) )*"
)
_FILLED: Final = re.compile(f"^{_START}")
_SOMEBODY: Final = "i|you|he|she|we|they|it|somebody|someone|anybody|anyone|everybody|everyone|nobody"
_ADVERBS: Final = "(?:(?:just|already|only|also|never|finally|once|really|all|both|now|not|always) )*"
_PARTICIPLE: Final = (
    r"\w\w+[^\We]ed|been|begun|broken|brought|built|done|drawn|driven|eaten|fallen|found|given|gone|hidden|known|left|lost|"
    "made|moved|seen|sent|set|shown|spoken|taken|taught|thrown|turned|won|written"
)
_PAST: Final = (
    r"\w\w+[^\We]ed|was|were|did|had|began|broke|brought|built|came|drew|drove|fell|found|gave|hid|left|lost|made|saw|sent|"
    "spoke|taught|threw|took|went|won|wrote"
)
# What is said so politely that it is in the past, and what is no past.
_POLITELY: Final = (
    "(?!(?:needed|wanted|wished|wondered|hoped|asked|preferred|meant|(?:was|were) (?:wondering|hoping|thinking|going)|"
    "had (?:a|to|some|better)|hundred)\\b)"
)

# "I don't want to see it" and "we don't need it" ask for something, "don't you think" asks, and who is not to forget
# something is to do it.
_FORBIDDING: Final = re.compile(
    rf"{_START}(?:"
    r"(?:do not|don t|dont|never|(?:(?:you|we) )?(?:must not|mustn t|mustnt|should not|shouldn t|shouldnt))\b"
    r"(?! (?:you|we|mind|forget|hesitate)\b)"
    r"|(?:i|we|you) (?:would not|wouldn t|will not|won t|need not|needn t)\b"
    r"|(?:avoid|refrain from|hold off|forget)(?: \w|$)|leave (?:\w+ )+alone\b|no need\b"
    r"|skip (?!to\b|ahead\b|forward\b|it\b|this\b|that\b|one\b)\w)"
)
_REFUSING: Final = re.compile(
    rf"{_START}(?:"
    r"(?:stop|cancel|abort|without|ignore)(?: \w|$)"
    r"|no (?:more|further)\b"
    r"|no \w+(?: (?:please|now|yet|today|for \w+|thanks|thank you))*$)"
)
# "Stop the music" may well mean the action whose phrase is "turn it off".
_ENDING: Final = word_set(
    "abort away cancel close cut decline delete discard dismiss don drop end enough erase exit finish halt hang hide "
    "kill mute never no not off out pause quiet quit reject release remove reset revert rid silence silent stop undo "
    "without"
)
_ASKING: Final = re.compile(
    rf"{_START}(?:"
    r"why\b(?! (?:don t|not)\b)|(?:who|whom|whose|which)\b"
    r"|what\b(?! (?:about|(?:i|we) (?:want|need))\b)|how\b(?! about\b)"
    r"|(?:when|where) (?:did|do|does|is|are|was|were|have|has|had|will|would|should|can|could|am|s|d|shall)\b"
    r"|(?:did|does|was|were|is|are|am)(?:n t)?\b"
    rf"|do (?:{_SOMEBODY}|people)\b(?<!do it)(?! (?:mind|think you|want to)\b)"
    rf"|(?:have|haven t) (?:{_SOMEBODY})\b(?<!have it)"
    rf"|(?:has|had|hasn t|hadn t) (?:{_SOMEBODY}|the|this|that|my|your)\b"
    rf"|(?:should|must) (?:{_SOMEBODY}|the|this|that)\b|shall i\b)"
)
_TELLING: Final = re.compile(
    rf"{_START}(?:"
    rf"(?:{_SOMEBODY}|this|that|there) {_ADVERBS}{_POLITELY}(?:{_PAST})\b"
    rf"|(?:{_SOMEBODY}|this|that) (?:have|has|had|ve|s|is|are|m|am|re|d) {_ADVERBS}{_POLITELY}(?:{_PARTICIPLE})\b"
    r"|(?:the|a|an|my|your|his|her|its|our|their|this|that|these|those|all|both)"
    r"(?: (?!(?:that|which|who|what|where|i|you|we|he|she|they|was|were|had|has|is|are)\b)\w+){1,4}"
    rf" (?:was|were|had|has {_ADVERBS}(?:{_PARTICIPLE})|(?:is|are) {_ADVERBS}(?:{_PARTICIPLE}|over))\b"
    r"|(?:\w+ ){1,3}(?:is|are) (?:over|finished|done)\b)"
)
_NEGATING: Final = ("un", "dis")


def unordered(text: str, phrases: Sequence[str], named: Set[str] = frozenset()) -> str:
    """Why a text does not order the action that it seems to mean.

    Args:
        text: what was said, without the free text of its arguments.
        phrases: those of the action.
        named: words of the things that the text mentions.

    Returns:
        What the text does instead, to be read after its subject; empty if it may be an order.
    """
    said = _clauses(text)
    own = tuple(map(_clauses, phrases))
    if _only(_forbids, said, own):
        return "says what not to do"
    used = {word for phrase in own for word in phrase.split()}
    if _REFUSING.match(said) and not used & _ENDING:
        return "says what not to do"
    if opposite := _opposite(said, named, used):
        return f"says {opposite!r}, the opposite"
    if _goes_on(said, own):
        return ""
    if _only(_asks, said, own):
        return "asks, and does not order"
    if _only(_tells, said, own):
        return "tells what is done already, and does not order"
    return ""


def _forbids(said: str) -> bool:
    return _FORBIDDING.match(said) is not None


def _asks(said: str) -> bool:
    return _ASKING.match(said) is not None


def _tells(said: str) -> bool:
    return _TELLING.match(said) is not None


def _only(kind: Callable[[str], bool], said: str, own: Sequence[str]) -> bool:
    return kind(said) and not any(map(kind, own))


def _goes_on(said: str, own: Sequence[str]) -> bool:
    """Whether a later clause begins as one of the phrases does: "is anybody there? I need help"."""
    begins = {phrase.split()[0] for phrase in own if phrase} - AUXILIARIES
    listed = said.split()
    later = (" ".join(listed[at:]) for at, word in enumerate(listed, 1) if word in _JOINTS)
    return any(_FILLED.sub("", clause).split(" ", 1)[0] in begins for clause in later)


def _opposite(said: str, named: Set[str], used: set[str]) -> str:
    """A word that no phrase has, whose opposite one has: "previous room" is not "next room"."""
    listed = said.split()
    for word in listed:
        if word in used or word in named:
            continue
        if any(word.removeprefix(prefix) in used for prefix in _NEGATING if word.startswith(prefix)):
            return word
        if (others := OPPOSITES.get(word)) and others & used and not others & set(listed):
            return word
    return ""


@lru_cache(maxsize=1024)
def _clauses(text: str) -> str:
    """Plain words with a space between, and a comma as a word where a clause ends."""
    parts = (" ".join(word.text for word in words(part)) for part in _BREAK.split(text))
    return " , ".join(part for part in parts if part)

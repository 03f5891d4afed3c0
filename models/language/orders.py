"""Whether a text orders what it speaks of: "did you shock the patient" and "don't shock the patient" do not.

To an intent model, which weighs what a text is about, both are near to the order itself. Told apart they are by the
words with which an English clause begins, and by words that are each other's opposite; where one of an action's own
phrases is of the same kind, as "what is {target}" is a question, such a text may mean that action.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
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
    r"why\b(?! (?:don t|not)\b)|(?:who|whom|whose|which)\b(?! (?:is|s|wants) (?:ready|to)\b)"
    r"|what\b(?! (?:about|(?:i|we) (?:want|need))\b)|how\b(?! about\b)"
    r"|(?:when|where) (?:did|do|does|is|are|was|were|have|has|had|will|would|should|can|could|am|s|d|shall)\b"
    r"|(?:did|does|was|were|is|are|am)(?:n t)?\b(?! (?:you|we|everybody|everyone) ready\b)"
    rf"|do (?:{_SOMEBODY}|people)\b(?<!do it)(?! (?:mind|think you|want to)\b)"
    rf"|(?:have|haven t) (?:{_SOMEBODY})\b(?<!have it)"
    rf"|(?:has|had|hasn t|hadn t) (?:{_SOMEBODY}|the|this|that|my|your)\b"
    rf"|(?:should|must) (?:{_SOMEBODY}|the|this|that)\b|shall i\b)"
)
_TELLING: Final = re.compile(
    rf"{_START}(?:"
    rf"(?:{_SOMEBODY}) {_ADVERBS}{_POLITELY}(?:{_PAST})\b|(?:this|that|there) {_ADVERBS}(?:was|were|did|had)\b"
    rf"|(?:{_SOMEBODY}|this|that) (?:have|has|had|ve|s|is|are|m|am|re|d) {_ADVERBS}{_POLITELY}(?:{_PARTICIPLE})\b"
    r"|(?:the|a|an|my|your|his|her|its|our|their|this|that|these|those|all|both)"
    r"(?: (?!(?:that|which|who|what|where|i|you|we|he|she|they|was|were|had|has|is|are)\b)\w+){1,4}"
    rf" (?:was|were|had|has {_ADVERBS}(?:{_PARTICIPLE})|(?:is|are) {_ADVERBS}(?:{_PARTICIPLE}|over))\b"
    r"|(?:\w+ ){1,3}(?:is|are) (?:over|finished|done)\b)"
)
_PASSING: Final = re.compile(
    rf"{_START}(?:"
    r"(?:hold|hang) on(?: (?:a|one|just a) \w+)?|(?:give (?:me|us) |let me have |just )?a (?:second|sec|minute|moment)"
    r"|one (?:second|sec|moment)|give (?:me|us) a break|let me (?:think|see)|come (?:here|on)"
    r"|take (?:care|it easy|your time|a seat|a (?:picture|photo) of (?:the )?\w+)"
    r")(?: (?:please|now|everybody|everyone))*$"
)
_NEGATING: Final = ("un", "dis")


class Orders:
    """How an action is ordered.

    Args:
        phrases: those of the action, without its arguments and with some thing for its target.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        own = list(map(_clauses, phrases))
        self._words = frozenset(word for phrase in own for word in phrase.split())
        self._begins = {phrase.split()[0] for phrase in own if phrase} - AUXILIARIES
        kinds = (_FORBIDDING, _PASSING, _ASKING, _TELLING)
        self._own_kinds = {kind for kind in kinds if any(map(kind.match, own))}

    def unordered(self, text: str, named: Set[str] = frozenset()) -> str:
        """Why a text does not order the action that it is about.

        Args:
            text: what was said, without the free text of the action's arguments.
            named: words of the things that the text mentions.

        Returns:
            What the text does instead, to be read after its subject; empty if it may be an order.
        """
        said = _clauses(text)
        if self._is_only(_FORBIDDING, said) or (_REFUSING.match(said) and not self._words & _ENDING):
            return "says what not to do"
        if self._is_only(_PASSING, said):
            return "is said in passing"
        if opposite := self._opposite(said.split(), named):
            return f"says {opposite!r}, the opposite"
        if self._goes_on(said.split()):
            return ""
        if self._is_only(_ASKING, said):
            return "asks, and does not order"
        if self._is_only(_TELLING, said):
            return "tells what is done already, and does not order"
        return ""

    def _is_only(self, kind: re.Pattern[str], said: str) -> bool:
        """Whether a text begins so, and no phrase does."""
        return kind not in self._own_kinds and kind.match(said) is not None

    def _opposite(self, said: Sequence[str], named: Set[str]) -> str:
        """A word that no phrase has, whose opposite one has: "previous room" is not "next room"."""
        for word in said:
            if word in self._words or word in named:
                continue
            if any(word.removeprefix(prefix) in self._words for prefix in _NEGATING if word.startswith(prefix)):
                return word
            if (others := OPPOSITES.get(word)) and others & self._words and not others & set(said):
                return word
        return ""

    def _goes_on(self, said: Sequence[str]) -> bool:
        """Whether a later clause begins as one of the phrases does: "is anybody there? I need help"."""
        later = (" ".join(said[at:]) for at, word in enumerate(said, 1) if word in _JOINTS)
        return any(_FILLED.sub("", clause).split(" ", 1)[0] in self._begins for clause in later)


def _clauses(text: str) -> str:
    """Plain words with a space between, and a comma as a word where a clause ends."""
    parts = (" ".join(word.text for word in words(part)) for part in _BREAK.split(text))
    return " , ".join(part for part in parts if part)

"""Whether a text orders what it speaks of: "did you shock the patient" and "don't shock the patient" do not.

To an intent model, which weighs what a text is about, both are near to the order itself. Told apart they are by the
words with which an English clause begins, by words that are each other's opposite, and by the end, where people take
back what they said ("shock the patient, no wait"). Where one of an action's own phrases is of the same kind, as "what
is {target}" is a question, such a text may mean that action.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Final

from models.language.english import AUXILIARIES, OPPOSITE_PLACES, OPPOSITE_VERBS, REQUESTING
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
    r"\w\w+[^\We]ed|been|begun|broken|brought|built|drawn|driven|eaten|fallen|found|given|gone|hidden|known|left|lost|made|"
    "moved|seen|sent|shown|spoken|taken|taught|thrown|turned|won|written"
)
_PAST: Final = (
    r"\w\w+[^\We]ed|was|were|did|had|began|broke|brought|built|came|drew|drove|fell|found|gave|hid|left|lost|made|saw|sent|"
    "spoke|taught|threw|took|went|won|wrote"
)
# What is said so politely that it is in the past, what is said at the end of something, and what is no past.
_POLITELY: Final = (
    "(?!(?:needed|wanted|wished|wondered|hoped|asked|preferred|meant|finished|hundred|"
    "(?:was|were) (?:wondering|hoping|thinking|going)|had (?:a|to|some|better))\\b)"
)

# "I don't want to see it" and "we don't need it" ask for something, "don't you think" asks, and who is not to forget
# something is to do it.
_FORBIDDING: Final = re.compile(
    rf"{_START}(?:"
    r"(?:do not|don t|dont|never|(?:(?:you|we) )?(?:must not|mustn t|mustnt|should not|shouldn t|shouldnt))\b"
    r"(?! (?:you|we|mind|forget|hesitate)\b)"
    r"|(?:i|we|you) (?:would not|wouldn t|will not|won t|need not|needn t)\b"
    r"|(?:avoid|refrain from|hold off)(?: \w|$)|no need\b|leave (?!me\b|us\b)(?:\w+ )+alone\b)"
)
_STOPPED: Final = re.compile(r"\bstop (\w\w+)ing\b")
# Of what such texts speak of, an app may have the very action: "stop the music", "skip the song".
_REFUSING: Final = re.compile(
    rf"{_START}(?:"
    r"(?P<verb>stop|cancel|abort|without|ignore|forget|skip|leave)(?: \w|$)(?<!\bforget it)"
    r"|no (?:more|further)\b"
    r"|no \w+(?: (?:please|now|yet|today|for \w+|thanks|thank you))*$)"
)
_ENDING: Final = word_set(
    "abort away cancel close cut decline delete discard dismiss don drop end enough erase exit finish freeze halt hang "
    "hide kill mute never no not off out pause quiet quit reject release remove reset revert rid silence silent skip "
    "stay still stop undo wait without"
)
_ASKING: Final = re.compile(
    rf"{_START}(?:"
    r"why\b(?! (?:don t|not)\b)|(?:who|whom|whose)\b(?! (?:is|s|wants) (?:ready|to)\b)|how\b(?! about\b)"
    # Of what is now and where, an app may well tell by an action.
    r"|(?:what|which|where) (?:did|was|were|has|had|happens|happened|if)\b"
    r"|when (?:did|do|does|is|are|was|were|have|has|had|will|would|should|can|could|am|s|d|shall)\b"
    r"|(?:did|does|was|were|is|are|am)(?:n t)?\b"
    r"(?! (?:(?:you|we|everybody|everyone) ready|you able|it (?:possible|ok|okay|all right|alright))\b)"
    r"|do (?:i|you|we|they|he|she|people)\b(?! (?:mind|think|want to|have)\b)"
    r"|(?:have|haven t) (?:i|you|we|they)\b(?! got\b)"
    rf"|(?:has|had|hasn t|hadn t) (?:{_SOMEBODY}|the|this|that|my|your)\b"
    rf"|(?:should|must) (?:{_SOMEBODY}|the|this|that)\b|shall i\b)"
)
_TELLING: Final = re.compile(
    rf"{_START}(?:"
    rf"(?:{_SOMEBODY}) {_ADVERBS}{_POLITELY}(?:{_PAST})\b"
    r"|(?:this|that|there) (?:was|were|did|had)\b(?! (?:all|it|enough)\b)"
    rf"|(?:{_SOMEBODY}) (?:have|has|had|ve|d) {_ADVERBS}{_POLITELY}(?:{_PARTICIPLE})\b|(?:{_SOMEBODY}) s been\b"
    r"|(?:the|a|an|my|your|his|her|its|our|their|this|that|these|those|all|both)"
    r"(?: (?!(?:that|which|who|what|where|i|you|we|he|she|they|was|were|had|has|is|are)\b)\w+){1,4}"
    rf" (?:was|were|had|has {_ADVERBS}(?:{_PARTICIPLE}))\b)"
)
_PASSING: Final = re.compile(
    rf"{_START}(?:"
    r"(?:(?P<wait>hold|hang) on |give (?:me|us) |let me have |just )?(?:just )?(?:a|one)"
    r" (?P<key>second|sec|minute|moment)|give (?:me|us) a (?P<pause>break)|let me (?P<thought>think)"
    r"|take (?:it )?(?P<ease>easy|care)|take your (?P<time>time))(?: (?:please|now|everybody|everyone))*$"
)
# Only at the very end: "the kettle, no, the mug" corrects.
_TAKING_BACK: Final = re.compile(
    r"(?P<ordered>.*?\w) (?:, )?(?P<ending>(?:(?:oh|uh|um|no|nope|wait|actually|but|please|,) ){0,5}(?:"
    r"(?<!\bor )(?:no|nope)|(?:no|nope|oh|uh|um|wait|actually|,) (?:wait|stop)"
    r"|(?:do not|don t|dont)(?: do)?(?: it| that| this)?"
    r"|(?:maybe|perhaps|actually|better|rather|probably) not|not (?:yet|now)|(?:hold|hang) on|never mind|nevermind"
    r"|(?:cancel|scratch|strike|forget|ignore|belay) (?:it|that|this)|(?:forget|never mind) about (?:it|that)"
    r"|take (?:it|that) back|no cancel|on second thoughts?|(?:i )?changed? my mind"
    # "No kidding" and "I'm not kidding" insist.
    r"|(?:i m |i am )?(?:(?<!\bno )(?<!\bnot )(?<!\bjust )kidding|(?<!\bnot )just kidding)"
    r"))(?: (?:please|sorry|thanks|thank you|ok|okay|now|after all|,)){0,3}$"
)
# With these a phrase begins that stops or undoes something; "full stop" ends with it.
_STOPPING: Final = word_set("stop halt hold hands pause freeze interrupt quit cancel undo revert oops")
# After such an order it says the same once more, or why: "hold compressions, wait", "undo that, I changed my mind".
_INSISTING: Final = re.compile(
    r"(?!.*\bno(?:pe)? (?:, )?wait\b)"
    r"(?:(?:oh|no|nope|stop|wait|please|,|(?:hold|hang) on|forget it|(?:i )?changed? my mind)(?: |$))+"
)
# What goes back or down is often so because somebody thought better of it.
_RETURNING: Final = word_set("back down")
# After these it is what is ordered: "let's forget it", "go and take it back".
_LEADING_TO: Final = word_set("to and we s should can could")
_REPEATING: Final = re.compile(
    rf"{_START}(?:(?:can|could|would|will|let) (?:you|us|s|we) )?(?:(?:"
    r"(?:(?:do|say|try) )?(?:(?:it|that|this|the same(?: thing)?) )?(?:once again|again|once more|one more time)"
    r"|do (?:the )?same(?: thing)?|(?:repeat|redo)(?: it| that| this)?)(?: |$))+(?:(?:please|now|thanks)(?: |$))*"
)
_AGAIN: Final = word_set("again more repeat redo same")


class Orders:
    """How an action is ordered.

    Args:
        phrases: those of the action, without its arguments and with some thing for its target.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        own = self._own = list(map(_clauses, phrases))
        self._words = frozenset(word for phrase in own for word in phrase.split())
        self._begins = {phrase.split()[0] for phrase in own if phrase} - AUXILIARIES
        self._verbs = frozenset(map(_verb, own))
        self._stopping = self._begins & _STOPPING | self._words & {"stop"}
        stopped = {stem for phrase in own for stem in _STOPPED.findall(phrase)}
        self._stopped = {verb for stem in stopped for verb in (stem, f"{stem}e", _undoubled(stem))}
        kinds = (_FORBIDDING, _ASKING, _TELLING)
        self._own_kinds = {kind for kind in kinds if any(map(kind.match, own))}

    def unordered(self, text: str, values: str = "") -> str:
        """Why a text does not order the action that it is about.

        Args:
            text: what was said, without the free text of the action's arguments.
            values: what of it stands for the action's other arguments.

        Returns:
            What the text does instead, to be read after its subject; empty if it may be an order.
        """
        said = _clauses(text)
        if self._takes_back(said, word_set(_clauses(values))):
            return "is taken back"
        if self._is_only(_FORBIDDING, said) and not self._stops(said):
            return "says what not to do"
        if self._goes_on(said.split()):
            return ""
        if self._refuses(said):
            return "says what not to do"
        if self._passes(said):
            return "is said in passing"
        if _REPEATING.fullmatch(said) and not self._words & _AGAIN:
            return "says to do something again, and not what"
        if opposite := self._opposite(said, word_set(_clauses(values))):
            return f"says {opposite!r}, the opposite"
        if self._is_only(_ASKING, said):
            return "asks, and does not order"
        if self._is_only(_TELLING, said):
            return "tells what is done already, and does not order"
        return ""

    def _is_only(self, kind: re.Pattern[str], said: str) -> bool:
        """Whether a text begins so, and no phrase does."""
        return kind not in self._own_kinds and kind.match(said) is not None

    def _takes_back(self, said: str, values: Set[str]) -> bool:
        """Whether a text takes back at its end what it orders before, and no phrase ends so."""
        found = _TAKING_BACK.fullmatch(said)
        if found is None or not _verb(f"{found['ordered']} ") or word_set(found["ending"]) <= values:
            return False
        if found["ordered"].split()[-1] in _LEADING_TO:
            return False
        if self._insists(found["ending"], word_set(found["ordered"])):
            return False
        ending = f" {found['ending']}"
        return not any(
            phrase and (f" {phrase}".endswith(ending) or ending.endswith(f" {phrase}")) for phrase in self._own
        )

    def _insists(self, ending: str, ordered: Set[str]) -> bool:
        """Whether an ending repeats or explains that something is to be stopped or undone."""
        explains = "mind" in ending.split() and self._words & _RETURNING & ordered
        return bool(explains or self._stopping & ordered) and _INSISTING.fullmatch(ending) is not None

    def _stops(self, said: str) -> bool:
        """Whether a text forbids what a phrase says to stop: "don't talk" is "stop talking"."""
        rest = _FORBIDDING.sub("", said, count=1).split()
        return bool(rest) and rest[0] in self._stopped

    def _refuses(self, said: str) -> bool:
        found = _REFUSING.match(said)
        return found is not None and found["verb"] not in self._words and not self._words & _ENDING

    def _passes(self, said: str) -> bool:
        found = _PASSING.match(said)
        return found is not None and not self._words & set(found.groupdict().values())

    def _opposite(self, said: str, values: Set[str]) -> str:
        """A word that no phrase has, whose opposite one has: "previous room" is not "next room"."""
        verb = _verb(said)
        against = {verb.removeprefix("un")} if verb.startswith("un") else OPPOSITE_VERBS.get(verb, frozenset())
        if against & self._verbs and verb not in self._words | values:
            return verb
        for word in set(said.split()) - self._words - values:
            if (others := OPPOSITE_PLACES.get(word)) and others & self._words and not others & set(said.split()):
                return word
        return ""

    def _goes_on(self, said: Sequence[str]) -> bool:
        """Whether a later clause begins as one of the phrases does: "is anybody there? I need help"."""
        later = (" ".join(said[at:]) for at, word in enumerate(said, 1) if word in _JOINTS)
        # "Stop" fills a gap or is an order.
        starts = (one.split(" ", 1)[0] for clause in later for one in (clause, _FILLED.sub("", clause)))
        return not self._begins.isdisjoint(starts)


def _undoubled(stem: str) -> str:
    """What is left of "running" without its ending as the verb has it."""
    return stem[:-1] if stem[-1] == stem[-2] else stem


def _verb(said: str) -> str:
    """The word with which clauses begin to say what to do; empty for none."""
    return next((word for word in _FILLED.sub("", said).split() if word not in REQUESTING), "")


def _clauses(text: str) -> str:
    """Plain words with a space between, and a comma as a word where a clause ends."""
    parts = (" ".join(word.text for word in words(part)) for part in _BREAK.split(text))
    return " , ".join(part for part in parts if part)

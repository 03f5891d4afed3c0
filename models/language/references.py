"""Which target an utterance speaks of: names, pointing words and places, together with the target model.

A text is searched for *mentions*: a name or alias of a target ("the red mug"), a pointing word ("that one", "there"),
or a word for what was spoken of before ("it"). Each is resolved to probabilities over the targets. The score of a
target is a product of likelihoods, taken as independent: how well the name fits, times how well it stands as was said
("behind it"), times a power of what the target model says that the user looks and points at. Scores are normalized
beside a share for "none of these things".

English is what is understood; in other languages names are still found. Nothing here raises for any text.
Coordinates are the stage's: metres, right-handed, +Y up, -Z ahead.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.language import space
from models.language.space import Viewpoint
from models.language.words import Word, alike, plain, word_set, words

__all__ = [
    "MAX_CHARACTERS",
    "Candidate",
    "Mention",
    "Reference",
    "Situation",
    "Unknown",
    "Viewpoint",
    "resolve",
    "unknown_things",
    "unknown_words",
    "without_mentions",
]

Array = NDArray[np.float64]
Kind = Literal["name", "deixis", "anaphora"]
_Names = tuple[tuple[str, tuple[str, ...]], ...]
_Phrases = Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]

MAX_CHARACTERS: Final = 2000
"""Of a text, as many are read; nothing is mentioned after them."""

DETERMINERS: Final = word_set("the a an my your his her its our their this that these those some any another")
_DEMONSTRATIVES: Final = frozenset(("this", "that", "these", "those"))
_DUMMIES: Final = word_set("one ones thing things object objects item items stuff")
_PLACES: Final = frozenset(("here", "there"))
_PRONOUNS: Final = frozenset(("it", "them", "him", "her"))
_SUBJECTS: Final = word_set("i you he she we they it what who which")
_AUXILIARIES: Final = word_set(
    "is are was were be been will would shall should can could may might must has have had do does did s t isn "
    "ll d re ve m means makes sounds seems looks feels said says happened works"
)
# After these "that" begins a clause or points at nothing.
_CLAUSE: Final = word_set(
    "think thought know knew say said says told tell hope believe feel felt sure so guess suppose mean "
    "means hear heard wish now given provided except all like than repeat catch caught thanks"
)
# Before a complement: "make that glow", "see that move".
_CAUSING: Final = word_set("make let have see watch keep leave get help")
_IDLE_BEFORE: Final = word_set("if like how forget got when because while until")
_IDLE_AFTER: Final = word_set("going rain raining snow snowing getting late time hot cold true possible ok okay")
_CONJUNCTIONS: Final = word_set("and but because when that if so then")
_GREETINGS: Final = frozenset(("hi", "hello", "hey"))
# Their "on" and "next to" say where to, not which.
_PLACING: Final = word_set(
    "put place move drop set bring hang lean stack carry drag throw slide push leave lay stick mount aim toss pour"
)
_TURNING: Final = word_set("turn rotate spin tilt shift scroll pan swing flip twist nudge")
# They have no name of their own, or are part of what has one.
_PARTS_OF_ROOMS: Final = word_set("area space spot place floor wall ground room corner side top bottom end middle back")
_TOWARDS: Final = frozenset(("to", "into", "onto", "towards", "toward"))
_PARTICLES: Final = word_set("on off up down in out over away back around")
_POLITE: Final = word_set("please now just then thanks")
_ARTICLES: Final = frozenset(("the", "a", "an"))
_INFINITIVE_BEFORE: Final = word_set("want need going like have me you us try how way time love wish about")
_CORRECTIONS: Final = frozenset(("no", "sorry", "mean", "rather", "actually"))
_CORRECTION_FILLERS: Final = _CORRECTIONS | word_set("i oh wait or uh um er ah not well")
_EXCLUDING: Final = frozenset(("not", "except"))
# Words that tell nothing apart.
_EMPTY: Final = word_set(
    "very really nice beautiful lovely pretty good whole entire actual damn stupid old little that is"
)
_BEFORE_RELATION: Final = word_set(
    "standing lying sitting hanging placed located just directly right which that is s are"
)
# Verbs and adjectives as well as things: without an article they are seldom the thing.
_AMBIGUOUS: Final = word_set(
    "book iron light clock plant water watch play time paint hammer lock fan record phone ring park match train point "
    "present drink mirror button screw drill brush box table head face hand switch tape cut cook fire fish saw nail "
    "plug pump rock stick stamp ship shop plane place photograph picture pin pipe poster sink spray store tie trash "
    "treat vacuum wrench whistle wheel work track trap target sound sign shower salt roll rope rest post oil note "
    "model map mark mask lift lever key kick hook heat guard glue flower floor file exit cover copy call board block "
    "bell bag back right left open stop start clear clean change"
)

_COLOURS: Final = word_set(
    "red green blue yellow orange purple violet pink black white grey gray brown turquoise cyan magenta gold golden "
    "silver beige teal navy crimson maroon olive lime indigo scarlet lavender bronze"
)
_NUMBERS: Final = word_set(
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy "
    "eighty ninety hundred thousand half quarter twice once percent degrees degree metres meters metre meter times"
)
# What something can be made, or how: it follows a thing without naming one.
_PREDICATES: Final = (
    _COLOURS
    | _NUMBERS
    | word_set(
        "bigger smaller larger louder quieter brighter darker dimmer faster slower higher lower longer shorter wider "
        "warmer colder softer harder taller lighter heavier closer nearer further farther bright dark dim loud quiet "
        "big small large tall open closed visible invisible transparent light clockwise counterclockwise anticlockwise "
        "upside sideways forward forwards backward backwards upward upwards downward downwards left right again "
        "together quickly slowly carefully gently immediately slightly completely fast slow more less much bit lot "
        "first last next later today tomorrow instead also alone soon"
    )
)
_FUNCTION_WORDS: Final = (
    DETERMINERS
    | _DUMMIES
    | _PLACES
    | _PRONOUNS
    | _SUBJECTS
    | _AUXILIARIES
    | _PARTICLES
    | _TOWARDS
    | _POLITE
    | word_set(
        "of at by for from with under above below behind beside near between through across along or and but if than "
        "as like me us not no yes ok okay hey hi hello so too also again right left very really kindly want need let "
        "lets go get um uh er ah oh well where when why how both all every each"
    )
)
_NEVER_SLIPS: Final = _FUNCTION_WORDS | word_set("looking pointing facing standing lying sitting")
_UNNAMEABLE: Final = DETERMINERS | _DUMMIES | _PLACES | _PRONOUNS | _SUBJECTS


def _phrases(by_name: Mapping[str, str]) -> _Phrases:
    """Phrases parted by ``|`` for each name, by their first word, the longest first."""
    listed: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, joined in by_name.items():
        for phrase in joined.split("|"):
            listed.setdefault(phrase.split()[0], []).append((tuple(phrase.split()), name))
    return {first: tuple(sorted(found, key=lambda one: -len(one[0]))) for first, found in listed.items()}


_RELATIONS: Final = _phrases(
    {
        "left": "left of|to the left of|on the left of|on the left side of|left from",
        "right": "right of|to the right of|on the right of|on the right side of|right from",
        "behind": "behind|in back of",
        "front": "in front of|before",
        "above": "above|over",
        "below": "below|under|beneath|underneath",
        "on": "on|on top of|upon",
        "near": "next to|near|beside|by|close to|closest to|nearest to|near to|closest|nearest|at|inside|in",
    }
)
# Of these, a thing's parts and settings are said as well: "the timer in the kettle".
_LOOSE: Final = frozenset({("at",), ("in",), ("inside",), ("by",), ("over",), ("before",)})
_EXTREMES: Final = _phrases(
    {
        "left": "on the left|to the left|to my left|on my left|on the left side|leftmost|"
        "furthest to the left|farthest to the left|furthest left",
        "right": "on the right|to the right|to my right|on my right|on the right side|rightmost|"
        "furthest to the right|farthest to the right|furthest right",
        "nearest": "nearest to me|closest to me|next to me|near me",
        "farthest": "farthest away|furthest away|farthest from me|in the back|at the back|in the distance|far away",
        "highest": "at the top|on top",
        "lowest": "at the bottom",
        "middle": "in the middle|in the center|in the centre",
        "behind me": "behind me|at my back",
        "ahead of me": "in front of me|ahead of me|straight ahead",
    }
)
_FROM: Final = _phrases({"left": "from the left|from left", "right": "from the right|from right"})
_EXTREME_WORDS: Final = {
    word: name
    for name, listed in {
        "left": "left leftmost",
        "right": "right rightmost",
        "nearest": "nearest closest nearer closer",
        "farthest": "farthest furthest",
        "biggest": "biggest largest bigger larger big large tallest",
        "smallest": "smallest smaller small tiny shortest",
        "highest": "highest topmost upper top",
        "lowest": "lowest lower bottom bottommost",
        "middle": "middle central",
    }.items()
    for word in listed.split()
}
_SUPERLATIVES: Final = frozenset(word for word in _EXTREME_WORDS if word.endswith(("est", "most")))
_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "last": -1}
_LOOKING: Final = _phrases(
    {
        "looking": "|".join(
            f"{start}{who} {verb}"
            for start in ("", "that ", "which ")
            for who in ("i am", "i m", "im")
            for verb in ("looking at", "pointing at", "pointing to", "looking", "pointing", "facing")
        )
    }
)

_SPELLED: Final = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10",
}  # fmt: skip

# How well a name fits whose word was not said, one beside which an unknown word was said, and one of which both holds.
_UNSAID: Final = 0.6
_UNNAMED: Final = 0.15
_CONFLICT: Final = 0.3
_SLIP: Final = 0.8
# The share of "none of these things" beside what fits wholly, and beside what was told apart by an unknown word.
_NONE: Final = 0.03
_NONE_IF_UNNAMED: Final = 0.09
# What the target model can do against words: never rule a thing out.
_POINTING_FLOOR: Final = 0.05
_POINTING_POWER: Final = 0.75
_LAST: Final = 0.9
_LAST_POWER: Final = 0.25
# Of the things that are pointed at, those are compared ("the left one") that come this near to the likeliest.
_PLAUSIBLE: Final = 0.1
_NEXT_IN_ORDER: Final = 0.15
_FAR_M: Final = 3.0
_WORLD_M: Final = 1e4
_KEPT: Final = 1e-4

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|_")
_STOPS: Final = re.compile(r"[,;:!?()\"\n。、！？]|\.\s")
_ASCII_RUN: Final = re.compile(r"[!-~]+")
# Scripts that write no spaces between words, or join particles to them.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Candidate:
    """A target that can be meant.

    Attributes:
        name: what it is called; its ``id`` where it is empty.
        position: of its centre, metres, in the stage.
        size: along the stage's axes, metres.
    """

    id: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size: tuple[float, float, float] = (0.1, 0.1, 0.1)


@dataclass(frozen=True)
class Situation:
    """All that helps to know what is meant.

    Attributes:
        candidates: the scene's targets.
        probabilities: the target model's, one a candidate, at the time of the words; nothing if nothing was tracked.
            Numbers that are no probabilities count as 0; another count than the candidates' counts as nothing.
        viewpoint: the speaker's head, where it is known.
        last: the ``id`` of the target that was spoken of last.
    """

    candidates: tuple[Candidate, ...] = ()
    probabilities: tuple[float, ...] | None = None
    viewpoint: Viewpoint | None = None
    last: str | None = None


@dataclass(frozen=True)
class Mention:
    """Words that speak of a target: ``text[start:end]``, with their article and what tells them apart."""

    start: int
    end: int
    kind: Kind
    text: str


@dataclass(frozen=True)
class Reference:
    """What a mention means.

    Attributes:
        ranking: ids of targets and their probabilities, best first; what they lack to 1 is that of none of them.
        why: how that came about, for developers.
    """

    mention: Mention
    ranking: tuple[tuple[str, float], ...]
    why: str


@dataclass(frozen=True)
class Unknown:
    """Words, ``text[start:end]``, that could name a thing which the scene does not have."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Form:
    """A name as it is matched: its head, the words before it in any order, and the words after it."""

    row: int
    before: tuple[str, ...]
    head: str
    after: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True)
class _Lexicon:
    """The names of a scene.

    Attributes:
        heads: by their first letter, each with the names of which it is the head.
        joined: names in one word, however they are written.
        known: all words of each candidate's names.
        unspaced: finds names in scripts without spaces.
    """

    rows: int
    heads: Mapping[str, Mapping[str, Sequence[_Form]]]
    joined: Mapping[str, Sequence[_Form]]
    known: tuple[frozenset[str], ...]
    unspaced: re.Pattern[str] | None


@dataclass(frozen=True)
class _Said:
    """A text in words; ``stops`` are the numbers of words before which a part of the sentence ends."""

    words: tuple[Word, ...]
    plain: tuple[str, ...]
    stops: frozenset[int]

    def before(self, at: int) -> str:
        return self.plain[at - 1] if at > 0 and at not in self.stops else ""

    def after(self, end: int) -> str:
        return self.plain[end] if end < len(self.plain) and end not in self.stops else ""


@dataclass
class _Found:
    """A mention in words: from ``first`` to before ``end``, how well each candidate's name fits, and what else is said.

    Attributes:
        none: the share of "none of these things".
        extreme, ordinal: as the leftmost, or the second from the left; a last one is -1.
    """

    first: int
    end: int
    kind: Kind
    fit: Array
    none: float = _NONE
    named: str = ""
    pronoun: bool = False
    pointed: bool = False
    other: bool = False
    same: bool = False
    extreme: str = ""
    ordinal: int = 0
    relation: str = ""
    anchor: _Found | None = field(default=None, repr=False)
    unknown: bool = False


@dataclass(frozen=True)
class _Modifiers:
    """What stands between an article and its noun."""

    other: bool = False
    same: bool = False
    extreme: str = ""
    ordinal: int = 0
    unnamed: tuple[str, ...] = ()


def resolve(text: str, situation: Situation, literal: Sequence[str] = ()) -> list[Reference]:
    """What a text speaks of, in its order. The first is what an action is about, a second one where it leads.

    Args:
        text: anything; no more than ``MAX_CHARACTERS`` of it are read.
        literal: phrases whose words name nothing here, such as an action's values: in "paint that mauve" the "mauve"
            else reads as the name of an unknown thing.
    """
    lexicon = _lexicon(tuple((candidate.name or candidate.id, candidate.aliases) for candidate in situation.candidates))
    said = _said(text[:MAX_CHARACTERS], lexicon.unspaced)
    ordinary = _literal_words(tuple(literal))
    found = _with_unknown(said, _find(said, lexicon, ordinary), ordinary, lexicon)
    found = _corrected(said, _attached(said, found))
    if not found:
        return []
    scene = _Scene(situation)
    references = []
    for one in found:
        start, end = said.words[one.first].start, said.words[one.end - 1].end
        posterior, why = scene.posterior(one)
        order = np.argsort(-posterior, kind="stable")
        ranking = tuple((scene.ids[at], float(posterior[at])) for at in order if posterior[at] > _KEPT)
        references.append(Reference(Mention(start, end, one.kind, text[start:end]), ranking, why))
    return references


def without_mentions(text: str, mentions: Sequence[Mention], stand_in: str = "the object") -> str:
    """The text with the same words for whatever is mentioned, so that it means the same in any scene.

    Args:
        mentions: of this text, in its order.
    """
    parts, at = [], 0
    for mention in mentions:
        parts += [text[at : mention.start], stand_in]
        at = mention.end
    return "".join([*parts, text[at:]])


def unknown_things(text: str, mentions: Sequence[Mention], literal: Sequence[str] = ()) -> list[Unknown]:
    """Words of a text that could name a thing that the scene does not have, the likeliest first.

    Those after an article come first, in their order, then the others, the last one first.

    Args:
        mentions: of this text; their words are known.
        literal: phrases whose words name nothing, because they say what to do.
    """
    said = _said(text[:MAX_CHARACTERS])
    ordinary = _literal_words(tuple(literal)) | _FUNCTION_WORDS | _PLACING
    led: list[Unknown] = []
    bare: list[Unknown] = []
    for first, end in _runs(said, mentions, ordinary):
        while end - first > 1 and said.plain[end - 1] in _PREDICATES:
            end -= 1
        article = said.before(first) in DETERMINERS
        # An imperative's verb stands first: "grab unicorn".
        if first == 0 and end - first > 1 and said.plain[0] not in _PREDICATES:
            first = 1
        if end - first == 1 and said.plain[first] in _PREDICATES and not article:
            continue
        start, stop = said.words[first].start, said.words[end - 1].end
        (led if article else bare).append(Unknown(start, stop, text[start:stop]))
    return led + bare[::-1]


def unknown_words(text: str, mentions: Sequence[Mention], literal: Sequence[str]) -> str:
    """The likeliest of ``unknown_things`` as text; empty if there are none."""
    return next((unknown.text for unknown in unknown_things(text, mentions, literal)), "")


def _runs(said: _Said, mentions: Sequence[Mention], ordinary: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Words in a row of which none is mentioned, ordinary, or a number."""
    first = 0
    for at, word in enumerate(said.words):
        if at in said.stops and first < at:
            yield first, at
            first = at
        mentioned = any(mention.start < word.end and word.start < mention.end for mention in mentions)
        if mentioned or word.text in _NUMBERS or word.text.isdecimal() or _is_any(word.text, ordinary):
            if first < at:
                yield first, at
            first = at + 1
    if first < len(said.words):
        yield first, len(said.words)


def _is_any(word: str, others: frozenset[str]) -> bool:
    return word in others or (len(word) > 3 and any(word[0] == other[0] and alike(word, other) for other in others))


@lru_cache(maxsize=64)
def _literal_words(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.text for phrase in phrases for word in words(re.sub(r"\{\w*\}", " ", phrase)) if word.text)


@lru_cache(maxsize=64)
def _lexicon(names: _Names) -> _Lexicon:
    """Prepares a scene's names; they change far less often than what is said about them."""
    heads: dict[str, dict[str, list[_Form]]] = {}
    joined: dict[str, list[_Form]] = {}
    known = []
    unspaced = set()
    for row, (name, aliases) in enumerate(names):
        known_here: set[str] = set()
        for one in dict.fromkeys((name, *aliases)):
            listed = _name_words(one)
            if not listed:
                continue
            form = _form(row, listed)
            heads.setdefault(form.head[0], {}).setdefault(form.head, []).append(form)
            joined.setdefault("".join(listed), []).append(_Form(row, (), "".join(listed)))
            known_here.update(listed)
            if _UNSPACED.search(form.head):
                unspaced.add(form.head)
        known.append(frozenset(known_here))
    longest_first = sorted(unspaced, key=lambda one: (-len(one), one))
    pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
    return _Lexicon(len(names), heads, joined, tuple(known), pattern)


def _name_words(name: str) -> list[str]:
    """The words of a name without its article; none if they could be said of anything."""
    listed = [word.text for word in _said(_CAMEL.sub(" ", name[:MAX_CHARACTERS])).words]
    while len(listed) > 1 and listed[0] in _ARTICLES:
        del listed[0]
    return [] if len(listed) == 1 and listed[0] in _UNNAMEABLE else listed


def _form(row: int, listed: Sequence[str]) -> _Form:
    ends = (at for at in range(1, len(listed)) if listed[at] in ("of", "for", "with", "in", "on"))
    head = next(ends, len(listed)) - 1
    while head > 0 and _is_designator(listed[head]):
        head -= 1
    lone_letter = len(listed[head]) == 1 and listed[head].isascii()
    whole = lone_letter or listed[head] in _FUNCTION_WORDS
    return _Form(row, tuple(listed[:head]), listed[head], tuple(listed[head + 1 :]), whole)


def _is_designator(word: str) -> bool:
    """What numbers things of one kind: "Lamp 2", "Cube B"."""
    return word.isdecimal() or (len(word) == 1 and word.isascii()) or word in _NUMBERS


def _said(text: str, unspaced: re.Pattern[str] | None = None) -> _Said:
    listed = words(text)
    if not text.isascii():
        listed = [part for word in _with_marks(text, listed) for part in _parted(text, word, unspaced)]
    listed = [word for word in listed if word.text]
    stops = frozenset(
        at for at in range(1, len(listed)) if _STOPS.search(text, listed[at - 1].end, listed[at].start) is not None
    )
    return _Said(tuple(listed), tuple(word.text for word in listed), stops)


def _with_marks(text: str, listed: Sequence[Word]) -> Iterator[Word]:
    """Words with the marks on their letters, at which ``words`` parts them (as Devanagari's vowels)."""
    at = 0
    while at < len(listed):
        first, end = listed[at], listed[at].end
        at += 1
        while True:
            while end < len(text) and unicodedata.category(text[end])[0] == "M":
                end += 1
            if end == listed[at - 1].end or at == len(listed) or listed[at].start != end:
                break
            end = listed[at].end
            at += 1
        yield first if end == first.end else Word(plain(text[first.start : end]), first.start, end)


def _parted(text: str, word: Word, unspaced: re.Pattern[str] | None) -> Iterator[Word]:
    """A word of a script without spaces, parted where a name stands in it and where another script begins."""
    if not _UNSPACED.search(word.text):
        yield word
        return
    # Where each letter comes from: a letter may lose its marks or become two.
    origin = [at for at in range(word.start, word.end) for _ in plain(text[at])]
    letters = "".join(plain(text[at]) for at in range(word.start, word.end))
    cuts = {0, len(letters)}
    for found in _ASCII_RUN.finditer(letters):
        cuts.update(found.span())
    for found in unspaced.finditer(letters) if unspaced is not None else ():
        cuts.update(found.span())
    for first, end in itertools.pairwise(sorted(cuts)):
        stop = origin[end] if end < len(letters) else word.end
        if origin[first] < stop:
            yield Word(letters[first:end], origin[first], stop)


def _find(said: _Said, lexicon: _Lexicon, literal: frozenset[str]) -> list[_Found]:
    named = {one.first: one for one in _names(said, lexicon)}
    every = np.ones(lexicon.rows)
    found: list[_Found] = []
    at = 0
    while at < len(said.plain):
        one = named.get(at) or _pointing(said, at, every, lexicon, literal)
        # A name is surer than a pointing word that reaches into it.
        if one is None or (not one.named and any(at < first < one.end for first in named)):
            at += 1
        else:
            found.append(one)
            at = one.end
    return found


def _names(said: _Said, lexicon: _Lexicon) -> list[_Found]:
    """Mentions by name; where they overlap, the longest."""
    heads = {head: rows for head in range(len(said.plain)) if (rows := _named_at(said, head, lexicon))}
    spans = {
        head: (min(first for first, _, _ in rows.values()), max(end for _, end, _ in rows.values()))
        for head, rows in heads.items()
    }
    taken: list[_Found] = []
    for head, (first, end) in sorted(spans.items(), key=lambda item: (item[1][0] - item[1][1], item[0])):
        # "Desk lamp" is a lamp, where "desk" is another thing.
        compound = end in spans and end not in said.stops and end - first == 1 and spans[end][0] == end
        if compound or any(first < other.end and other.first < end for other in taken):
            continue
        if _is_noun(said, first, end):
            taken.append(_named(said, first, end, heads[head], lexicon))
    return sorted(taken, key=lambda one: one.first)


def _named_at(said: _Said, head: int, lexicon: _Lexicon) -> dict[int, tuple[int, int, float]]:
    """Of each candidate with a name whose head stands here: where the name begins and ends, and how well it fits."""
    rows: dict[int, tuple[int, int, float]] = {}
    for first, form in _forms_at(said, head, lexicon):
        begin, end, fit = _match(said, first, head, form)
        if fit > rows.get(form.row, (0, 0, 0.0))[2]:
            rows[form.row] = (begin, end, fit)
    return rows


def _forms_at(said: _Said, last: int, lexicon: _Lexicon) -> Iterator[tuple[int, _Form]]:
    """Names whose head ends here, and where it begins: a recogniser may part a name, as "book shelf", or join one."""
    word, previous = said.plain[last], said.before(last)
    for head, forms in lexicon.heads.get(word[0], {}).items():
        if word == head or (word not in _NEVER_SLIPS and _same(word, head)):
            yield from ((last, form) for form in forms)
    yield from ((last, form) for form in lexicon.joined.get(word, ()) if len(word) > 1)
    if previous and previous not in DETERMINERS and (len(previous) == 1 or previous not in _FUNCTION_WORDS):
        yield from ((last - 1, form) for form in lexicon.joined.get(previous + word, ()))


def _match(said: _Said, first: int, last: int, form: _Form) -> tuple[int, int, float]:
    """Where a name whose head is said from ``first`` to ``last`` begins and ends, and how well it fits."""
    exact = "".join(said.plain[first : last + 1]) == form.head
    end = last + 1
    missing = list(form.before)
    while missing:
        hit = next((word for word in missing if _same(said.before(first), word)), None)
        if hit is None:
            break
        missing.remove(hit)
        first -= 1
    after = [said.after(end + offset) for offset in range(len(form.after))]
    if all(_same(word, wanted) for word, wanted in zip(after, form.after, strict=True)):
        end += len(form.after)
    else:
        # Of "Lamp 2" one word was not said; of "Box of Cookies" it is one as well.
        missing.append("")
    if form.whole and missing:
        return first, end, 0.0
    return first, end, _UNSAID ** len(missing) * (1.0 if exact else _SLIP)


def _same(said: str, meant: str) -> bool:
    if not said:
        return False
    if said == meant:
        return True
    # "Lamp7" is no slip for "lamp9".
    if said[-1].isdecimal() or meant[-1].isdecimal():
        return _digits(said) == _digits(meant)
    return alike(said, meant)


def _digits(word: str) -> str:
    return str(int(word)) if word.isdecimal() and len(word) < 20 else _SPELLED.get(word, word)


def _is_noun(said: _Said, first: int, end: int) -> bool:
    """Whether a name is one here, not what to do: "book a table", "light it"."""
    before, after, word = said.before(first), said.after(end), said.plain[first]
    if before in DETERMINERS:
        return True
    if end - first == 1 and word in _FUNCTION_WORDS:
        return len(said.plain) == 1
    verbal = not before or before in _SUBJECTS | _AUXILIARIES | _POLITE | _CONJUNCTIONS | {"to"}
    ambiguous = end - first == 1 and word in _AMBIGUOUS
    if after in DETERMINERS | _PRONOUNS and (verbal or ambiguous):
        return False
    if not ambiguous:
        return before not in _SUBJECTS
    if before in _SUBJECTS | _AUXILIARIES or (before == "to" and said.before(first - 1) in _INFINITIVE_BEFORE):
        return False
    if not before:
        return not after or after in _POLITE or (after in ("on", "off") and end + 1 == len(said.plain))
    return not after or after in _FUNCTION_WORDS


def _named(said: _Said, first: int, end: int, rows: Mapping[int, tuple[int, int, float]], lexicon: _Lexicon) -> _Found:
    begin = _opened(said, first)
    modifiers = _modifiers(said.plain[begin:first])
    fit = np.zeros(lexicon.rows)
    some_unnamed = True
    for row, (from_here, to_here, own) in rows.items():
        uncovered = len(modifiers.unnamed) + sum(
            said.plain[at] not in _FUNCTION_WORDS | _EMPTY for at in (*range(first, from_here), *range(to_here, end))
        )
        fit[row] = own * _UNNAMED**uncovered * (_CONFLICT if uncovered and own <= _UNSAID else 1.0)
        some_unnamed = some_unnamed and uncovered > 0
    return _Found(
        begin,
        end,
        "name",
        fit,
        none=_NONE_IF_UNNAMED if some_unnamed else _NONE,
        named=" ".join(said.plain[first:end]),
        pointed=bool(_DEMONSTRATIVES.intersection(said.plain[begin:first])),
        other=modifiers.other,
        same=modifiers.same,
        extreme=modifiers.extreme,
        ordinal=modifiers.ordinal,
    )


def _opened(said: _Said, first: int) -> int:
    """Where the phrase begins whose noun begins here: at its article, past at most three words that tell apart."""
    at = first
    for _ in range(4):
        if said.before(at) in DETERMINERS:
            at -= 1
            # "The other", "that same": articles in a row belong together.
            return at - 1 if said.before(at) in DETERMINERS and said.plain[at] == "another" else at
        word = said.before(at)
        if not word or (word in _FUNCTION_WORDS and word not in _EXTREME_WORDS and word not in _EMPTY):
            break
        at -= 1
    at = first
    while said.before(at) in _SUPERLATIVES | {"other", "same"}:
        at -= 1
    return at


def _modifiers(between: Sequence[str]) -> _Modifiers:
    """What an article and the words after it say, up to the noun."""
    found = _Modifiers()
    unnamed = []
    for word in between:
        if word in ("other", "another"):
            found = replace(found, other=True)
        elif word == "same":
            found = replace(found, same=True)
        elif word in _EXTREME_WORDS:
            found = replace(found, extreme=_EXTREME_WORDS[word])
        elif word in _ORDINALS:
            found = replace(found, ordinal=_ORDINALS[word])
        elif word not in DETERMINERS and word not in _EMPTY:
            unnamed.append(word)
    return replace(found, unnamed=tuple(unnamed))


def _pointing(said: _Said, at: int, every: Array, lexicon: _Lexicon, literal: frozenset[str]) -> _Found | None:
    """A mention without a name that begins here."""
    word, before, after = said.plain[at], said.before(at), said.after(at + 1)
    if word in ("what", "where", "whatever"):
        phrase, _ = _phrase_at(said, at + 1, _LOOKING)
        return _Found(at, at + 1 + len(phrase), "deixis", every, pointed=True) if phrase else None
    if word in _DEMONSTRATIVES:
        return _demonstrative(said, at, every, lexicon, literal)
    if word in DETERMINERS or (word in ("other", *_SUPERLATIVES) and before not in DETERMINERS):
        return _dummy(said, at, every, lexicon)
    if word in _PLACES:
        idle = after in _AUXILIARIES | _SUBJECTS - {"it"} or before in _AUXILIARIES | _SUBJECTS - {"it"}
        idle = idle or before in ("in", "out", "from", "up", *_GREETINGS)
        return None if idle or len(said.plain) == 1 else _Found(at, at + 1, "deixis", every, pointed=True)
    if word in _PRONOUNS:
        return None if _is_idle(said, at) else _Found(at, at + 1, "anaphora", every, pronoun=True)
    return None


def _is_idle(said: _Said, at: int) -> bool:
    """Whether a pronoun stands for nothing, or for what a sentence is about: "it is raining", "her name"."""
    before, after = said.before(at), said.after(at + 1)
    if said.plain[at] == "her" and after and after not in _FUNCTION_WORDS:
        return True
    subject = (not before or before in _CONJUNCTIONS) and after != "" and after not in _POLITE
    clause = after in _AUXILIARIES or after in _IDLE_AFTER or before in _IDLE_BEFORE or "time" in said.plain[:at]
    questioned = before in _AUXILIARIES - {"have"} and said.before(at - 1) not in ("what", "who", "which")
    return subject or clause or questioned


def _demonstrative(said: _Said, at: int, every: Array, lexicon: _Lexicon, literal: frozenset[str]) -> _Found | None:
    before, after = said.before(at), said.after(at + 1)
    clause = (after in _AUXILIARIES or after in _SUBJECTS - {"it"}) and not before.startswith("wh")
    reason = before in _AUXILIARIES and (said.before(at - 1) in ("why", "how") or after == "so")
    if clause or reason or before in _CLAUSE or after == "way" or (before == "is" and said.before(at - 1) == "that"):
        return None
    dummy = _dummy(said, at, every, lexicon)
    if dummy is not None:
        return replace(dummy, kind="deixis", pointed=True)
    bare = not after or after in _FUNCTION_WORDS | _PREDICATES or before in _CAUSING or _is_any(after, literal)
    # "That unicorn" is no thing of this scene, whatever is pointed at.
    bare = bare or after.isdecimal() or after.endswith(("ly", "wise", "ward", "wards"))
    return _Found(at, at + 1, "deixis", every, pointed=True) if bare else None


def _dummy(said: _Said, at: int, every: Array, lexicon: _Lexicon) -> _Found | None:
    """As "the one", "the other thing", "the left one", "the biggest", "the red one"."""
    end = at
    inside: list[str] = []
    while end < len(said.plain) and len(inside) < 5 and (end == at or end not in said.stops):
        word = said.plain[end]
        end += 1
        if word in _DUMMIES:
            # "The thing is that ..." points at nothing.
            if word == "thing" and said.after(end) in _AUXILIARIES - {"s"}:
                return None
            return _of_dummy(said, at, end, _modifiers(inside), every, lexicon)
        if inside and word in _FUNCTION_WORDS and word not in ("left", "right"):
            return None
        inside.append(word)
        alone = word in _SUPERLATIVES or (word in _ORDINALS and _phrase_at(said, end, _FROM)[0])
        if alone and (at == 0 or said.plain[at] in ("the", "my")):
            following = said.after(end)
            if not following or following in _FUNCTION_WORDS - _DUMMIES:
                return _of_dummy(said, at, end, _modifiers(inside), every, lexicon)
    return None


def _of_dummy(said: _Said, at: int, end: int, modifiers: _Modifiers, every: Array, lexicon: _Lexicon) -> _Found | None:
    if said.plain[at] in ("a", "an", "some", "any") and not modifiers.unnamed:
        return None
    again = modifiers.other or modifiers.same
    kind: Kind = "anaphora" if again else "deixis"
    fit, none, named = every, _NONE, ""
    if modifiers.unnamed:
        # "The red one": what has that word in its name, where something has.
        hits = np.array([sum(_has(known, word) for word in modifiers.unnamed) for known in lexicon.known], dtype=float)
        fit = _UNNAMED ** (len(modifiers.unnamed) - hits)
        if hits.max(initial=0) > 0:
            kind, named = "name", " ".join(modifiers.unnamed)
        none = _NONE_IF_UNNAMED if hits.max(initial=0) < len(modifiers.unnamed) else _NONE
    return _Found(
        at,
        end,
        kind,
        fit,
        none=none,
        named=named,
        other=modifiers.other,
        same=modifiers.same,
        extreme=modifiers.extreme,
        ordinal=modifiers.ordinal,
    )


def _has(known: frozenset[str], word: str) -> bool:
    return any(_same(word, one) for one in known)


def _with_unknown(said: _Said, found: Sequence[_Found], ordinary: frozenset[str], lexicon: _Lexicon) -> list[_Found]:
    """Mentions, and what the scene does not have where a mention only says its place: "the dragon behind it"."""
    every: list[_Found] = []
    for one in found:
        since = every[-1].end if every else 0
        unknown = _unknown_before(said, one.first, since, ordinary, lexicon)
        every += [one] if unknown is None else [unknown, one]
    return every


def _unknown_before(said: _Said, anchor: int, since: int, ordinary: frozenset[str], lexicon: _Lexicon) -> _Found | None:
    for end in range(max(since + 2, anchor - 5), anchor):
        phrase, name = _phrase_at(said, end, _RELATIONS)
        towards = said.after(end) in _TOWARDS and end + 1 == anchor
        if not towards and end + len(phrase) != anchor:
            continue
        while said.before(end) in _BEFORE_RELATION:
            end -= 1
        if end - since < 2 or anchor in said.stops:
            return None
        word = said.plain[end - 1]
        begin = _opened(said, end - 1)
        led = since <= begin < end - 1 and said.plain[begin] in DETERMINERS
        plain_noun = word not in _FUNCTION_WORDS | _PREDICATES | _PARTS_OF_ROOMS and not _is_any(word, ordinary)
        # "The volume on the radio" is the radio's; "put the unicorn on the rug" is about a unicorn.
        placing = any(verb in _PLACING and verb != "set" for verb in said.plain[since:begin])
        if led and plain_noun and (placing or (name not in ("", "on") and phrase not in _LOOSE)):
            named = " ".join(said.plain[begin + 1 : end])
            return _Found(begin, end, "name", np.zeros(lexicon.rows), none=1.0, named=named, unknown=True)
        return None
    return None


def _attached(said: _Said, found: list[_Found]) -> list[_Found]:
    """Joins mentions with what tells them apart ("the mug behind it"), and leaves places to go to alone."""
    kept: list[_Found] = []
    waiting = found[::-1]
    while waiting:
        one = waiting.pop()
        since = kept[-1].end if kept else 0
        verbs = said.plain[since : one.first]
        placing = any(word in _PLACING for word in verbs)
        turning = placing or any(word in _TURNING for word in verbs)
        # Nothing tells "it" or "there" apart any further.
        closed = one.pronoun or said.plain[one.first] in _PLACES
        while not closed and _extend(said, one, waiting, placing, turning):
            pass
        kept.append(one)
    return kept


def _extend(said: _Said, one: _Found, waiting: list[_Found], placing: bool, turning: bool) -> bool:
    """Takes one more phrase after a mention into it, and the mention of which that phrase speaks."""
    looking, _ = _phrase_at(said, one.end, _LOOKING)
    if looking:
        one.pointed, one.end = True, one.end + len(looking)
        return True
    follower = waiting[-1] if waiting else None
    start = one.end
    while said.after(start) in _BEFORE_RELATION:
        start += 1
    # "That is on the table" tells apart even after a verb of placing.
    placing = placing and start == one.end
    if not placing and _place_after(said, one, waiting):
        return True
    if one.ordinal:
        phrase, side = _phrase_at(said, one.end, _FROM)
        if phrase:
            one.extreme, one.end = side, one.end + len(phrase)
            return True
    phrase, name = _phrase_at(said, start, _EXTREMES)
    reaches = follower is not None and follower.first < start + len(phrase)
    # "Turn the chair to the left" says where to.
    reaches = reaches or (turning and start == one.end and phrase[:1] == ("to",))
    if phrase and not one.extreme and not one.relation and not reaches and said.after(start + len(phrase)) != "of":
        one.extreme, one.end = name, start + len(phrase)
        return not placing
    phrase, name = _phrase_at(said, one.end, _RELATIONS)
    if phrase:
        start = one.end
    else:
        phrase, name = _phrase_at(said, start, _RELATIONS)
    joined = phrase and follower is not None and follower.first == start + len(phrase)
    if follower is None or not joined or placing:
        return False
    last = one
    while last.anchor is not None:
        last = last.anchor
    last.relation, last.anchor = name, follower
    one.end = follower.end
    waiting.pop()
    return True


def _place_after(said: _Said, one: _Found, waiting: list[_Found]) -> bool:
    """Takes "there" or "over there" after a mention into it."""
    start = one.end + (said.after(one.end) == "over")
    if not waiting or waiting[-1].first != start or said.after(start) not in _PLACES:
        return False
    waiting.pop()
    one.pointed, one.end = True, start + 1
    return True


def _phrase_at(said: _Said, at: int, phrases: _Phrases) -> tuple[tuple[str, ...], str]:
    """The longest of some phrases that begins here, and its name."""
    for phrase, name in phrases.get(said.after(at), ()):
        if said.plain[at : at + len(phrase)] == phrase and not any(
            stop in said.stops for stop in range(at, at + len(phrase))
        ):
            return phrase, name
    return (), ""


def _corrected(said: _Said, found: Sequence[_Found]) -> list[_Found]:
    """Without what is taken back: "not the kettle", "the kettle, no, the mug"."""
    kept: list[_Found] = []
    for one in found:
        between = said.plain[kept[-1].end : one.first] if kept else ()
        if between and set(between) <= _CORRECTION_FILLERS and _CORRECTIONS.intersection(between):
            kept.pop()
        if said.before(one.first) not in _EXCLUDING:
            kept.append(one)
    return kept


class _Scene:
    """A situation in numbers, of which every one is finite."""

    def __init__(self, situation: Situation) -> None:
        self.ids = [candidate.id for candidate in situation.candidates]
        self._names = [candidate.name or candidate.id for candidate in situation.candidates]
        self._last = self.ids.index(situation.last) if situation.last in self.ids else None
        self._positions = _finite([candidate.position for candidate in situation.candidates])
        self._sizes = np.abs(_finite([candidate.size for candidate in situation.candidates]))
        self._viewpoint = _level(situation.viewpoint)
        self._pointing: Array | None = None
        if situation.probabilities is not None and len(situation.probabilities) == len(self.ids):
            raw = np.array(situation.probabilities, dtype=np.float64)
            self._pointing = np.clip(np.nan_to_num(raw, posinf=0.0), 0.0, 1.0)
            self._pointing /= max(1.0, float(self._pointing.sum()))

    def posterior(self, found: _Found) -> tuple[Array, str]:
        """The probability of each candidate, ``[K]``, and why."""
        if not self.ids:
            return np.zeros(0), "the scene has no targets"
        if found.unknown:
            return np.zeros(len(self.ids)), f'nothing here is called "{found.named}"'
        score, why = self._words(found)
        told_apart = bool(found.named or found.relation or found.extreme or found.ordinal)
        spoken_of = self._last is not None and (found.pronoun or found.same)
        if found.relation and found.anchor is not None:
            anchor, because = self.posterior(found.anchor)
            # All pairs of a scene take longer than the rest together; few of them are named.
            some = np.flatnonzero((score > 0) | (anchor > _KEPT))
            fits = space.relation(found.relation, self._positions[some], self._sizes[some], self._viewpoint)
            score[some] *= fits @ anchor[some]
            why.append(f"{found.relation} what is: {because}")
        if found.extreme or found.ordinal:
            score = score * self._order(found, score)
            why.append(found.extreme or f"number {found.ordinal}")
        none = found.none
        if self._pointing is None:
            if not told_apart and not spoken_of and not (found.other and self._last is not None):
                return np.zeros(len(self.ids)), "; ".join([*why, "nothing was tracked when it was said"])
        else:
            if told_apart or spoken_of:
                power = _LAST_POWER if spoken_of and not told_apart else 1.0 if found.pointed else _POINTING_POWER
                weight = (self._pointing + _POINTING_FLOOR) ** power
                none *= float(weight.max())
            else:
                weight = self._pointing
                # An unknown word beside a pointing word makes it as unsure as it makes a name.
                share = float(found.fit.max()) if found.fit.size else 1.0
                none = max(1 - float(weight.sum()), _NONE if found.other else 0.0) * share + (1 - share) * none
            score = score * weight
            best = int(self._pointing.argmax())
            why.append(f"pointing says {self.ids[best]} ({self._pointing[best]:.2f})")
        total = float(score.sum()) + none
        return (score / total if total > 0 else np.zeros(len(self.ids))), "; ".join(why)

    def _words(self, found: _Found) -> tuple[Array, list[str]]:
        """How well the words alone fit each candidate."""
        score, why = found.fit.copy(), []
        if found.named:
            fitting = [self.ids[at] for at in np.flatnonzero(score >= 0.5 * score.max(initial=0.0)) if score[at] > 0]
            why.append(f'named "{found.named}"')
            if len(fitting) > 1:
                why.append(f"{len(fitting)} things fit that name")
        if self._last is None:
            return score, why
        if found.other:
            score[self._last] = 0
            why.append(f"not {self.ids[self._last]}")
        elif found.pronoun or found.same:
            again = np.full(len(self.ids), (1 - _LAST) / max(len(self.ids) - 1, 1))
            again[self._last] = _LAST
            score = score * again
            why.append(f"spoken of before: {self.ids[self._last]}")
        return score, why

    def _order(self, found: _Found, score: Array) -> Array:
        """How well each candidate is the leftmost, or the second from the left, of those that can be meant."""
        if found.extreme in ("behind me", "ahead of me"):
            return self._facing(1 if found.extreme == "ahead of me" else -1)
        among = score > 0.3 * score.max()
        if not found.named and not found.relation and self._pointing is not None and self._pointing.max() > 0:
            among &= self._pointing >= _PLAUSIBLE * self._pointing.max()
        side = found.extreme or "left"
        fits = space.extreme(side, self._positions, self._sizes, self._viewpoint, list(among))
        if found.ordinal in (0, 1):
            return fits
        chosen = [at for at in np.argsort(-fits, kind="stable") if among[at]]
        wanted = found.ordinal - 1 if found.ordinal > 0 else len(chosen) - 1 if not found.extreme else 0
        ordered = np.zeros(len(fits))
        if wanted < len(chosen):
            ordered[chosen] = _NEXT_IN_ORDER ** np.abs(np.arange(len(chosen)) - wanted)
        return ordered

    def _facing(self, sign: int) -> Array:
        """How far ahead of the viewer each candidate is, or behind: the square of the cosine, less with distance."""
        (x, _, z), (qx, qy, qz, qw) = self._viewpoint or ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
        ahead = np.array([-2 * (qx * qz + qw * qy), -(1 - 2 * (qx * qx + qy * qy))])
        offset = self._positions[:, [0, 2]] - np.array([x, z])
        distance = np.maximum(np.linalg.norm(offset, axis=-1), 1e-6)
        cosine = sign * (offset @ ahead) / distance / max(float(np.linalg.norm(ahead)), 1e-6)
        return np.asarray(np.square(np.clip(cosine, 0.0, 1.0)) * np.exp(-distance / _FAR_M))


def _finite(rows: Sequence[tuple[float, float, float]]) -> Array:
    return np.clip(np.nan_to_num(np.array(rows, dtype=np.float64).reshape(-1, 3)), -_WORLD_M, _WORLD_M)


def _level(viewpoint: Viewpoint | None) -> Viewpoint | None:
    """A head whose orientation is a unit quaternion; nothing if its numbers are none."""
    if viewpoint is None or not np.isfinite([*viewpoint[0], *viewpoint[1]]).all():
        return None
    largest = max(abs(part) for part in viewpoint[1])
    if largest == 0:
        return None
    scaled = np.array(viewpoint[1]) / largest
    x, y, z, w = (float(part) for part in scaled / np.linalg.norm(scaled))
    px, py, pz = (min(max(float(part), -_WORLD_M), _WORLD_M) for part in viewpoint[0])
    return (px, py, pz), (x, y, z, w)

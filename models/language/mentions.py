"""Where a text speaks of things: names, pointing words, "it" and "the other one", and what tells them apart.

A mention is found in words alone; what it means in a situation is for ``models.language.references``. English is what
is understood; in other languages names are still found. Nothing here raises for any text.
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

from models.language import english as en
from models.language.words import Word, alike, plain, words

Array = NDArray[np.float64]
Kind = Literal["name", "deixis", "anaphora"]
Names = tuple[tuple[str, tuple[str, ...]], ...]

MAX_CHARACTERS: Final = 2000
"""Of a text, as many are read; nothing is mentioned after them."""

# How well a name fits whose word was not said, one beside which an unknown word was said, and one of which both holds.
_UNSAID: Final = 0.6
_UNNAMED: Final = 0.15
_CONFLICT: Final = 0.3
_SLIP: Final = 0.8
# The share of "none of these things" beside what fits wholly, and beside what was told apart by an unknown word.
NONE: Final = 0.03
NONE_IF_UNNAMED: Final = 0.09
_MAY_EXCLUDE: Final = en.CORRECTIONS | {phrase[0] for phrase in (*en.REJECTING, *en.EXCEPTING)}
_TELLING_APART: Final = en.COLOURS | en.EXTREME_WORDS.keys()
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|_")
_STOPS: Final = re.compile(r"[,;:!?()\"\n。、！？]|\.\s")
_ASCII_RUN: Final = re.compile(r"[!-~]+")
# Scripts that write no spaces between words, or join particles to them.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Mention:
    """Words that speak of a target: ``text[start:end]``, with their article and what tells them apart."""

    start: int
    end: int
    kind: Kind
    text: str


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
class Found:
    """A mention in words: from ``first`` to before ``end``, how well each candidate's name fits, and what else is said.

    Attributes:
        none: the share of "none of these things".
        extreme, ordinal: as the leftmost, or the second from the left; a last one is -1.
    """

    first: int
    end: int
    kind: Kind
    fit: Array
    none: float = NONE
    named: str = ""
    pronoun: bool = False
    pointed: bool = False
    other: bool = False
    same: bool = False
    extreme: str = ""
    ordinal: int = 0
    relation: str = ""
    anchor: Found | None = field(default=None, repr=False)
    unknown: bool = False


@dataclass(frozen=True)
class _Modifiers:
    """What stands between an article and its noun."""

    other: bool = False
    same: bool = False
    extreme: str = ""
    ordinal: int = 0
    unnamed: tuple[str, ...] = ()


def find_mentions(text: str, names: Names, literal: Sequence[str] = ()) -> list[tuple[Mention, Found]]:
    """What a text mentions, in its order, and what is known of each mention from the words alone.

    Args:
        text: anything; no more than ``MAX_CHARACTERS`` of it are read.
        names: of each candidate its name and its aliases.
        literal: phrases whose words name nothing here, such as an action's values: in "paint that mauve" the "mauve"
            else reads as the name of an unknown thing.
    """
    said, meant, _ = _meant_and_excluded(text, names, literal)
    return [(_mention(text, said, one), one) for one in meant]


def find_excluded(text: str, names: Names, literal: Sequence[str] = ()) -> list[Mention]:
    """What a text mentions only to say that it is not meant: "all but the kettle". See ``find_mentions``."""
    # Few texts exclude anything; the others need not be searched once more.
    if _MAY_EXCLUDE.isdisjoint(word.text for word in words(text[:MAX_CHARACTERS])):
        return []
    said, _, excluded = _meant_and_excluded(text, names, literal)
    return [_mention(text, said, one) for one in excluded]


def _meant_and_excluded(text: str, names: Names, literal: Sequence[str]) -> tuple[_Said, list[Found], list[Found]]:
    lexicon = _lexicon(names)
    said = _said(text[:MAX_CHARACTERS], lexicon.unspaced)
    ordinary = _literal_words(tuple(literal))
    found = _with_unknown(said, _find(said, lexicon, ordinary), ordinary, lexicon)
    meant, excluded = _corrected(said, _attached(said, found))
    return said, [_repaired(said, one) for one in meant], excluded


def _mention(text: str, said: _Said, found: Found) -> Mention:
    start, end = said.words[found.first].start, said.words[found.end - 1].end
    return Mention(start, end, found.kind, text[start:end])


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


def template(text: str, names: Names) -> str:
    """The text with ``{target}`` for what it mentions of what is there, so that it can be said of anything."""
    known = [mention for mention, found in find_mentions(text, names) if not found.unknown]
    return without_mentions(text, known, "{target}")


def unknown_things(text: str, mentions: Sequence[Mention], literal: Sequence[str] = ()) -> list[Unknown]:
    """Words of a text that could name a thing that the scene does not have, the likeliest first.

    Those after an article come first, in their order, then the others, the last one first.

    Args:
        mentions: of this text; their words are known.
        literal: phrases whose words name nothing, because they say what to do.
    """
    said = _said(text[:MAX_CHARACTERS])
    ordinary = _literal_words(tuple(literal)) | en.FUNCTION_WORDS | en.PLACING
    led: list[Unknown] = []
    bare: list[Unknown] = []
    for first, end in _runs(said, mentions, ordinary):
        while end - first > 1 and said.plain[end - 1] in en.PREDICATES:
            end -= 1
        article = said.before(first) in en.DETERMINERS
        # An imperative's verb stands first: "grab unicorn".
        if first == 0 and end - first > 1 and said.plain[0] not in en.PREDICATES:
            first = 1
        if end - first == 1 and said.plain[first] in en.PREDICATES and not article:
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
        if mentioned or word.text in en.NUMBERS or word.text.isdecimal() or _is_any(word.text, ordinary):
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
def _lexicon(names: Names) -> _Lexicon:
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
    while len(listed) > 1 and listed[0] in en.ARTICLES:
        del listed[0]
    return [] if len(listed) == 1 and listed[0] in en.UNNAMEABLE else listed


def _form(row: int, listed: Sequence[str]) -> _Form:
    ends = (at for at in range(1, len(listed)) if listed[at] in ("of", "for", "with", "in", "on"))
    head = next(ends, len(listed)) - 1
    while head > 0 and _is_designator(listed[head]):
        head -= 1
    lone_letter = len(listed[head]) == 1 and listed[head].isascii()
    whole = lone_letter or listed[head] in en.FUNCTION_WORDS
    return _Form(row, tuple(listed[:head]), listed[head], tuple(listed[head + 1 :]), whole)


def _is_designator(word: str) -> bool:
    """What numbers things of one kind: "Lamp 2", "Cube B"."""
    return word.isdecimal() or (len(word) == 1 and word.isascii()) or word in en.NUMBERS


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


def _find(said: _Said, lexicon: _Lexicon, literal: frozenset[str]) -> list[Found]:
    named = {one.first: one for one in _names(said, lexicon)}
    every = np.ones(lexicon.rows)
    found: list[Found] = []
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


def _names(said: _Said, lexicon: _Lexicon) -> list[Found]:
    """Mentions by name; where they overlap, the longest."""
    heads = {head: rows for head in range(len(said.plain)) if (rows := _named_at(said, head, lexicon))}
    spans = {
        head: (min(first for first, _, _ in rows.values()), max(end for _, end, _ in rows.values()))
        for head, rows in heads.items()
    }
    taken: list[Found] = []
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
        if word == head or (word not in en.NEVER_SLIPS and _same(word, head)):
            yield from ((last, form) for form in forms)
    yield from ((last, form) for form in lexicon.joined.get(word, ()) if len(word) > 1)
    if previous and previous not in en.DETERMINERS and (len(previous) == 1 or previous not in en.FUNCTION_WORDS):
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
    return str(int(word)) if word.isdecimal() and len(word) < 20 else en.SPELLED.get(word, word)


def _is_noun(said: _Said, first: int, end: int) -> bool:
    """Whether a name is one here, not what to do: "book a table", "light it"."""
    before, after, word = said.before(first), said.after(end), said.plain[first]
    if before in en.DETERMINERS:
        return True
    if end - first == 1 and word in en.FUNCTION_WORDS:
        return len(said.plain) == 1
    verbal = not before or before in en.SUBJECTS | en.AUXILIARIES | en.POLITE | en.CONJUNCTIONS | {"to"}
    ambiguous = end - first == 1 and word in en.AMBIGUOUS
    if after in en.DETERMINERS | en.PRONOUNS and (verbal or ambiguous):
        return False
    if not ambiguous:
        return before not in en.SUBJECTS
    if before in en.SUBJECTS | en.AUXILIARIES or (before == "to" and said.before(first - 1) in en.INFINITIVE_BEFORE):
        return False
    if not before:
        return not after or after in en.POLITE or (after in ("on", "off") and end + 1 == len(said.plain))
    return not after or after in en.FUNCTION_WORDS


def _named(said: _Said, first: int, end: int, rows: Mapping[int, tuple[int, int, float]], lexicon: _Lexicon) -> Found:
    begin = _opened(said, first)
    modifiers = _modifiers(said.plain[begin:first])
    fit = np.zeros(lexicon.rows)
    some_unnamed = True
    for row, (from_here, to_here, own) in rows.items():
        uncovered = len(modifiers.unnamed) + sum(
            said.plain[at] not in en.FUNCTION_WORDS | en.EMPTY
            for at in (*range(first, from_here), *range(to_here, end))
        )
        fit[row] = own * _UNNAMED**uncovered * (_CONFLICT if uncovered and own <= _UNSAID else 1.0)
        some_unnamed = some_unnamed and uncovered > 0
    return Found(
        begin,
        end,
        "name",
        fit,
        none=NONE_IF_UNNAMED if some_unnamed else NONE,
        named=" ".join(said.plain[first:end]),
        pointed=bool(en.DEMONSTRATIVES.intersection(said.plain[begin:first])),
        other=modifiers.other,
        same=modifiers.same,
        extreme=modifiers.extreme,
        ordinal=modifiers.ordinal,
    )


def _opened(said: _Said, first: int) -> int:
    """Where the phrase begins whose noun begins here: at its article, past at most three words that tell apart."""
    at = first
    for _ in range(4):
        if said.before(at) in en.DETERMINERS:
            at -= 1
            # "The other", "that same": articles in a row belong together.
            return at - 1 if said.before(at) in en.DETERMINERS and said.plain[at] == "another" else at
        word = said.before(at)
        if not word or (word in en.FUNCTION_WORDS and word not in en.EXTREME_WORDS and word not in en.EMPTY):
            break
        at -= 1
    at = first
    while said.before(at) in en.SUPERLATIVES | {"other", "same"}:
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
        elif word in en.EXTREME_WORDS:
            found = replace(found, extreme=en.EXTREME_WORDS[word])
        elif word in en.ORDINALS:
            found = replace(found, ordinal=en.ORDINALS[word])
        elif word not in en.DETERMINERS and word not in en.EMPTY:
            unnamed.append(word)
    return replace(found, unnamed=tuple(unnamed))


def _pointing(said: _Said, at: int, every: Array, lexicon: _Lexicon, literal: frozenset[str]) -> Found | None:
    """A mention without a name that begins here."""
    word, before, after = said.plain[at], said.before(at), said.after(at + 1)
    if word in ("what", "where", "whatever"):
        phrase, _ = _phrase_at(said, at + 1, en.LOOKING)
        return Found(at, at + 1 + len(phrase), "deixis", every, pointed=True) if phrase else None
    if word in en.DEMONSTRATIVES:
        return _demonstrative(said, at, every, lexicon, literal)
    if word in en.DETERMINERS or (word in ("other", *en.SUPERLATIVES) and before not in en.DETERMINERS):
        return _dummy(said, at, every, lexicon)
    if word in en.PLACES:
        idle = after in en.AUXILIARIES | en.SUBJECTS - {"it"} or before in en.AUXILIARIES | en.SUBJECTS - {"it"}
        idle = idle or before in ("in", "out", "from", "up", *en.GREETINGS)
        return None if idle or len(said.plain) == 1 else Found(at, at + 1, "deixis", every, pointed=True)
    if word in en.PRONOUNS:
        return None if _is_idle(said, at) else Found(at, at + 1, "anaphora", every, pronoun=True)
    return None


def _is_idle(said: _Said, at: int) -> bool:
    """Whether a pronoun stands for nothing, or for what a sentence is about: "it is raining", "her name"."""
    before, after = said.before(at), said.after(at + 1)
    if said.plain[at] == "her" and after and after not in en.FUNCTION_WORDS:
        return True
    subject = (not before or before in en.CONJUNCTIONS) and after != "" and after not in en.POLITE
    clause = after in en.AUXILIARIES or after in en.IDLE_AFTER or before in en.IDLE_BEFORE or "time" in said.plain[:at]
    questioned = before in en.AUXILIARIES - {"have"} and said.before(at - 1) not in ("what", "who", "which")
    return subject or clause or questioned


def _demonstrative(said: _Said, at: int, every: Array, lexicon: _Lexicon, literal: frozenset[str]) -> Found | None:
    before, after = said.before(at), said.after(at + 1)
    clause = (after in en.AUXILIARIES or after in en.SUBJECTS - {"it"}) and not before.startswith("wh")
    reason = before in en.AUXILIARIES and (said.before(at - 1) in ("why", "how") or after == "so")
    if clause or reason or before in en.CLAUSE or after == "way" or (before == "is" and said.before(at - 1) == "that"):
        return None
    dummy = _dummy(said, at, every, lexicon)
    if dummy is not None:
        return replace(dummy, kind="deixis", pointed=True)
    bare = not after or after in en.FUNCTION_WORDS | en.PREDICATES or before in en.CAUSING or _is_any(after, literal)
    # "That unicorn" is no thing of this scene, whatever is pointed at.
    bare = bare or after.isdecimal() or after.endswith(("ly", "wise", "ward", "wards"))
    return Found(at, at + 1, "deixis", every, pointed=True) if bare else None


def _dummy(said: _Said, at: int, every: Array, lexicon: _Lexicon) -> Found | None:
    """As "the one", "the other thing", "the left one", "the biggest", "the red one"."""
    end = at
    inside: list[str] = []
    while end < len(said.plain) and len(inside) < 5 and (end == at or end not in said.stops):
        word = said.plain[end]
        end += 1
        if word in en.DUMMIES:
            # "The thing is that ..." points at nothing.
            if word == "thing" and said.after(end) in en.AUXILIARIES - {"s"}:
                return None
            return _of_dummy(said, at, end, _modifiers(inside), every, lexicon)
        if inside and word in en.FUNCTION_WORDS and word not in ("left", "right"):
            return None
        inside.append(word)
        alone = word in en.SUPERLATIVES or (word in en.ORDINALS and _phrase_at(said, end, en.FROM)[0])
        if alone and (at == 0 or said.plain[at] in ("the", "my")):
            following = said.after(end)
            if not following or following in en.FUNCTION_WORDS - en.DUMMIES:
                return _of_dummy(said, at, end, _modifiers(inside), every, lexicon)
    return None


def _of_dummy(said: _Said, at: int, end: int, modifiers: _Modifiers, every: Array, lexicon: _Lexicon) -> Found | None:
    if said.plain[at] in ("a", "an", "some", "any") and not modifiers.unnamed:
        return None
    again = modifiers.other or modifiers.same
    kind: Kind = "anaphora" if again else "deixis"
    fit, none, named = every, NONE, ""
    if modifiers.unnamed:
        # "The red one": what has that word in its name, where something has.
        hits = np.array([sum(_has(known, word) for word in modifiers.unnamed) for known in lexicon.known], dtype=float)
        fit = _UNNAMED ** (len(modifiers.unnamed) - hits)
        if hits.max(initial=0) > 0:
            kind, named = "name", " ".join(modifiers.unnamed)
        none = NONE_IF_UNNAMED if hits.max(initial=0) < len(modifiers.unnamed) else NONE
    return Found(
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


def _with_unknown(said: _Said, found: Sequence[Found], ordinary: frozenset[str], lexicon: _Lexicon) -> list[Found]:
    """Mentions, and what the scene does not have where a mention only says its place: "the dragon behind it"."""
    every: list[Found] = []
    for one in found:
        since = every[-1].end if every else 0
        unknown = _unknown_before(said, one.first, since, ordinary, lexicon)
        every += [one] if unknown is None else [unknown, one]
    return every


def _unknown_before(said: _Said, anchor: int, since: int, ordinary: frozenset[str], lexicon: _Lexicon) -> Found | None:
    for end in range(max(since + 2, anchor - 5), anchor):
        phrase, name = _phrase_at(said, end, en.RELATIONS)
        towards = said.after(end) in en.TOWARDS and end + 1 == anchor
        if not towards and end + len(phrase) != anchor:
            continue
        while said.before(end) in en.BEFORE_RELATION:
            end -= 1
        if end - since < 2 or anchor in said.stops:
            return None
        word = said.plain[end - 1]
        begin = _opened(said, end - 1)
        led = since <= begin < end - 1 and said.plain[begin] in en.DETERMINERS
        plain_noun = word not in en.FUNCTION_WORDS | en.PREDICATES | en.PARTS_OF_ROOMS and not _is_any(word, ordinary)
        # "The volume on the radio" is the radio's; "put the unicorn on the rug" is about a unicorn.
        placing = any(verb in en.PLACING and verb != "set" for verb in said.plain[since:begin])
        if led and plain_noun and (placing or (name not in ("", "on") and phrase not in en.LOOSE)):
            named = " ".join(said.plain[begin + 1 : end])
            return Found(begin, end, "name", np.zeros(lexicon.rows), none=1.0, named=named, unknown=True)
        return None
    return None


def _attached(said: _Said, found: list[Found]) -> list[Found]:
    """Joins mentions with what tells them apart ("the mug behind it"), and leaves places to go to alone."""
    kept: list[Found] = []
    waiting = found[::-1]
    while waiting:
        one = waiting.pop()
        since = kept[-1].end if kept else 0
        verbs = said.plain[since : one.first]
        placing = any(word in en.PLACING for word in verbs)
        turning = placing or any(word in en.TURNING for word in verbs)
        # Nothing tells "it" or "there" apart any further.
        closed = one.pronoun or said.plain[one.first] in en.PLACES
        while not closed and _extend(said, one, waiting, placing, turning):
            pass
        kept.append(one)
    return kept


def _extend(said: _Said, one: Found, waiting: list[Found], placing: bool, turning: bool) -> bool:
    """Takes one more phrase after a mention into it, and the mention of which that phrase speaks."""
    looking, _ = _phrase_at(said, one.end, en.LOOKING)
    if looking:
        one.pointed, one.end = True, one.end + len(looking)
        return True
    follower = waiting[-1] if waiting else None
    start = one.end
    while said.after(start) in en.BEFORE_RELATION:
        start += 1
    # "That is on the table" tells apart even after a verb of placing.
    placing = placing and start == one.end
    if not placing and _place_after(said, one, waiting):
        return True
    if one.ordinal:
        phrase, side = _phrase_at(said, one.end, en.FROM)
        if phrase:
            one.extreme, one.end = side, one.end + len(phrase)
            return True
    phrase, name = _phrase_at(said, start, en.EXTREMES)
    reaches = follower is not None and follower.first < start + len(phrase)
    # "Turn the chair to the left" says where to.
    reaches = reaches or (turning and start == one.end and phrase[:1] == ("to",))
    if phrase and not one.extreme and not one.relation and not reaches and said.after(start + len(phrase)) != "of":
        one.extreme, one.end = name, start + len(phrase)
        return not placing
    phrase, name = _phrase_at(said, one.end, en.RELATIONS)
    if phrase:
        start = one.end
    else:
        phrase, name = _phrase_at(said, start, en.RELATIONS)
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


def _place_after(said: _Said, one: Found, waiting: list[Found]) -> bool:
    """Takes "there" or "over there" after a mention into it."""
    start = one.end + (said.after(one.end) == "over")
    if not waiting or waiting[-1].first != start or said.after(start) not in en.PLACES:
        return False
    waiting.pop()
    one.pointed, one.end = True, start + 1
    return True


def _phrase_at(said: _Said, at: int, phrases: en.Phrases) -> tuple[tuple[str, ...], str]:
    """The longest of some phrases that begins here, and its name."""
    for phrase, name in phrases.get(said.after(at), ()):
        if said.plain[at : at + len(phrase)] == phrase and not any(
            stop in said.stops for stop in range(at, at + len(phrase))
        ):
            return phrase, name
    return (), ""


def _corrected(said: _Said, found: Sequence[Found]) -> tuple[list[Found], list[Found]]:
    """What is meant, and what is taken back: "not the kettle", "all but the kettle", "the kettle, no, the mug"."""
    kept: list[Found] = []
    excluded: list[Found] = []
    how = ""
    for at, one in enumerate(found):
        between = said.plain[kept[-1].end : one.first] if kept else ()
        if between and set(between) <= en.CORRECTION_FILLERS and en.CORRECTIONS.intersection(between):
            excluded.append(kept.pop())
        how = _excluding(said, one.first) or (how if at and _listed(said, found[at - 1], one, how) else "")
        (excluded if how else kept).append(one)
    return kept, excluded


def _repaired(said: _Said, one: Found) -> Found:
    """A name with what was to tell it apart at first: "the red, uh, blue mug"."""
    at = one.first
    while at > 0 and said.plain[at - 1] in en.CORRECTION_FILLERS:
        at -= 1
    begun = 2 <= at < one.first and said.plain[at - 2] in en.ARTICLES and said.plain[at - 1] in _TELLING_APART
    return replace(one, first=at - 2) if begun and one.kind == "name" else one


def _excluding(said: _Said, first: int) -> str:
    """How what begins here is excluded, if it is."""
    for how, phrases in (("rejected", en.REJECTING), ("excepted", en.EXCEPTING)):
        for phrase in phrases:
            start = first - len(phrase)
            whole = not any(stop in said.stops for stop in range(start + 1, first + 1))
            if start >= 0 and said.plain[start:first] == phrase and whole:
                return how
    return ""


def _listed(said: _Said, before: Found, one: Found, how: str) -> bool:
    """Whether something stands in one list with what is excluded before it."""
    between = said.plain[before.end : one.first]
    return between in (("and",), ("or",)) or (how == "excepted" and not between)

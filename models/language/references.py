"""Which target an utterance speaks of: names, pointing words and places, together with the target model.

A text is searched for *mentions*: a name or alias of a target ("the red mug"), a pointing word ("that one", "there"),
or a word for what was spoken of before ("it"). Each is resolved to probabilities over the targets: how well the name
fits, times how well a relation fits ("behind it"), times what the target model says that the user looks and points at.
English is what is understood; in other languages names are still found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.language import space
from models.language.space import Viewpoint
from models.language.words import Word, alike, word_set, words

__all__ = [
    "Candidate",
    "Mention",
    "Reference",
    "Situation",
    "Viewpoint",
    "resolve",
    "unknown_words",
    "without_mentions",
]

Array = NDArray[np.float64]
Kind = Literal["name", "deixis", "anaphora"]

DETERMINERS: Final = word_set("the a an my your his her its our their this that these those some any another")
_DEMONSTRATIVES: Final = frozenset(("this", "that", "these", "those"))
_DUMMIES: Final = word_set("one ones thing things object objects item items stuff")
_PLACES: Final = frozenset(("here", "there"))
_PRONOUNS: Final = frozenset(("it", "them", "him", "her"))
_SUBJECTS: Final = word_set("i you he she we they it what who which")
_AUXILIARIES: Final = word_set(
    "is are was were be been will would shall should can could may might must has have had do does did s "
    "ll d re ve m means makes sounds seems looks feels said says happened"
)
# After these "that" begins a clause.
_CLAUSE: Final = word_set(
    "think thought know knew say said says told tell hope believe feel felt sure so guess suppose mean "
    "means see saw heard hear wish now given provided except all like than"
)
_IDLE_AFTER: Final = word_set("going raining snowing getting late time hot cold true possible ok okay")
_GREETINGS: Final = frozenset(("hi", "hello", "hey"))
# Their "on" and "next to" say where to, not which.
_PLACING: Final = word_set(
    "put place move drop set bring hang lean stack carry drag throw slide push leave lay stick mount"
)
_TOWARDS: Final = frozenset(("to", "into", "onto", "towards", "toward"))

_RELATIONS: Final[tuple[tuple[tuple[str, ...], str], ...]] = tuple(
    sorted(
        (
            (tuple(phrase.split()), name)
            for name, phrases in {
                "left": "left of|to the left of|on the left of|on the left side of|left from",
                "right": "right of|to the right of|on the right of|on the right side of|right from",
                "behind": "behind|in back of",
                "front": "in front of|before",
                "above": "above|over",
                "below": "below|under|beneath|underneath",
                "on": "on|on top of|upon|standing on|lying on|sitting on",
                "near": "next to|near|beside|by|close to|closest to|nearest to|near to|at|with|inside|in",
            }.items()
            for phrase in phrases.split("|")
        ),
        key=lambda entry: -len(entry[0]),
    )
)
_EXTREMES: Final[tuple[tuple[tuple[str, ...], str], ...]] = tuple(
    sorted(
        (
            (tuple(phrase.split()), name)
            for name, phrases in {
                "left": "on the left|to the left|to my left|on my left|on the left side|leftmost|left",
                "right": "on the right|to the right|to my right|on my right|on the right side|rightmost|right",
                "nearest": "nearest|closest|nearest to me|closest to me|next to me|in front of me|near me",
                "farthest": "farthest|furthest|farthest away|furthest away|in the back|at the back|in the distance",
                "biggest": "biggest|largest|bigger|larger|big|large|tallest",
                "smallest": "smallest|smaller|small|little|tiny|shortest",
                "highest": "highest|topmost|at the top|on top|upper|top",
                "lowest": "lowest|at the bottom|lower|bottom",
                "middle": "in the middle|in the center|in the centre|middle|between them",
            }.items()
            for phrase in phrases.split("|")
        ),
        key=lambda entry: -len(entry[0]),
    )
)
_LOOKED_AT: Final = tuple(
    (*start.split(), *who.split(), *verb.split())
    for start in ("what", "where", "the thing", "the one", "whatever")
    for who in ("i am", "i m")
    for verb in ("looking at", "pointing at", "looking", "pointing", "facing")
)
_FUNCTION_WORDS: Final = (
    DETERMINERS
    | _DUMMIES
    | _PLACES
    | _PRONOUNS
    | _SUBJECTS
    | _AUXILIARIES
    | word_set(
        "to of in on at by for from with into onto up down off over out away back and or but please now then "
        "just me us not no yes ok okay hey so too also again right left very really kindly want like need let "
        "lets let's go get um uh er ah well could there here"
    )
)

# How much a name counts whose word was not said, and a word that is in no name.
_UNSAID: Final = 0.6
_UNNAMED: Final = 0.25
# What the target model can do for a name that was said: never rule it out.
_POINTING_FLOOR: Final = 0.05
_POINTING_POWER: Final = 0.5
# The share of "none of these things" beside a name that fits wholly.
_NONE: Final = 0.03
_LAST: Final = 0.9


@dataclass(frozen=True)
class Candidate:
    """A target that can be meant. Metres, in the stage."""

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
        viewpoint: the speaker's head, where it is known.
        last: the ``id`` of the target that was spoken of last.
    """

    candidates: tuple[Candidate, ...] = ()
    probabilities: tuple[float, ...] | None = None
    viewpoint: Viewpoint | None = None
    last: str | None = None


@dataclass(frozen=True)
class Mention:
    """Words that speak of a target: where they stand in the text, with their article and what tells them apart."""

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


@dataclass
class _Found:
    """A mention in words: from ``first`` to before ``end``, and how well each candidate's name fits."""

    first: int
    end: int
    kind: Kind
    fit: Array
    pointed: bool = False
    other: bool = False
    relation: str = ""
    anchor: _Found | None = None
    extreme: str = ""


def resolve(text: str, situation: Situation) -> list[Reference]:
    """What a text speaks of, in its order. The first is what an action is about, a second one where it leads."""
    said = words(text)
    found = _attach(said, _find(said, situation.candidates))
    references = []
    for one in found:
        start, end = said[one.first].start, said[one.end - 1].end
        mention = Mention(start, end, one.kind, text[start:end])
        posterior, why = _posterior(one, situation)
        order = np.argsort(-posterior, kind="stable")
        ranking = tuple((situation.candidates[at].id, float(posterior[at])) for at in order if posterior[at] > 1e-4)
        references.append(Reference(mention, ranking, why))
    return references


def without_mentions(text: str, mentions: Sequence[Mention], stand_in: str = "the object") -> str:
    """The text with the same words for whatever is mentioned, so that it means the same in any scene."""
    parts, at = [], 0
    for mention in mentions:
        parts += [text[at : mention.start], stand_in]
        at = mention.end
    return "".join([*parts, text[at:]])


def unknown_words(text: str, mentions: Sequence[Mention], literal: Sequence[str]) -> str:
    """The last words of a text that could name a thing that the scene does not have; empty if there are none.

    Args:
        literal: phrases whose words name nothing, because they say what to do.
    """
    ordinary = {word.text for phrase in literal for word in words(phrase)} | _FUNCTION_WORDS | _PLACING
    run: list[Word] = []
    best: list[Word] = []
    for word in words(text):
        mentioned = any(mention.start <= word.start < mention.end for mention in mentions)
        if mentioned or any(alike(word.text, one) for one in ordinary):
            run = []
        else:
            run = [*run, word]
            best = run
    return text[best[0].start : best[-1].end] if best else ""


def _find(said: Sequence[Word], candidates: Sequence[Candidate]) -> list[_Found]:
    plain = [word.text for word in said]
    found: list[_Found] = []
    at = 0
    named = {one.first: one for one in _names(plain, candidates)}
    while at < len(plain):
        one = named.get(at) or _pointing(plain, at, candidates)
        if one is None:
            at += 1
        else:
            found.append(one)
            at = one.end
    return found


def _names(plain: Sequence[str], candidates: Sequence[Candidate]) -> list[_Found]:
    """Mentions by name, the longest first where they overlap."""
    lexicon = [_names_of(candidate) for candidate in candidates]
    spans: dict[tuple[int, int], Array] = {}
    for head in range(len(plain)):
        if _is_verb(plain, head):
            continue
        for row, names in enumerate(lexicon):
            for name in names:
                first, fit = _match(plain, head, name)
                if fit:
                    fits = spans.setdefault((first, head + 1), np.zeros(len(candidates)))
                    fits[row] = max(fits[row], fit)
    taken: list[_Found] = []
    for (first, end), fits in sorted(spans.items(), key=lambda item: (-(item[0][1] - item[0][0]), item[0])):
        if any(first < other.end and other.first < end for other in taken):
            continue
        # A shorter match of the same head is of the same mention.
        for (start, stop), others in spans.items():
            if stop == end and start >= first:
                fits = np.maximum(fits, others * _UNNAMED ** (start - first))
        begin = first
        while begin > 0 and first - begin < 3 and plain[begin - 1] not in _FUNCTION_WORDS and _opens(plain, begin - 1):
            begin -= 1
        unnamed = first - begin
        begin -= begin > 0 and plain[begin - 1] in DETERMINERS
        begin -= begin > 0 and plain[begin - 1] == "other"
        before = plain[begin:first]
        taken.append(
            _Found(
                begin,
                end,
                "name",
                fits * _UNNAMED**unnamed,
                pointed=bool(_DEMONSTRATIVES.intersection(before)),
                other="other" in before or "another" in before,
                extreme=_extreme_in(plain[begin:first]),
            )
        )
        if taken[-1].extreme and unnamed:
            taken[-1].fit = fits
    return sorted(taken, key=lambda one: one.first)


def _opens(plain: Sequence[str], at: int) -> bool:
    """Whether a determiner stands at most two words before, so that this word tells a thing apart."""
    return any(plain[before] in DETERMINERS for before in range(max(0, at - 2), at))


@lru_cache(maxsize=1 << 12)
def _names_of(candidate: Candidate) -> tuple[tuple[str, ...], ...]:
    named = (candidate.name or candidate.id, *candidate.aliases)
    return tuple(filter(None, (tuple(word.text for word in words(name)) for name in named)))


def _match(plain: Sequence[str], head: int, name: Sequence[str]) -> tuple[int, float]:
    """Where a name that ends here begins, and how much of it was said; nothing if its last word was not."""
    if not alike(plain[head], name[-1]):
        return head, 0.0
    first, said = head, 1
    rest = list(name[:-1])
    while first > 0 and rest:
        hit = next((word for word in rest if alike(plain[first - 1], word)), None)
        if hit is None:
            break
        rest.remove(hit)
        first, said = first - 1, said + 1
    return first, _UNSAID ** (len(name) - said)


def _is_verb(plain: Sequence[str], at: int) -> bool:
    """Whether a word that is a thing's name is what to do here: "book a table", "light it"."""
    before = plain[at - 1] if at else ""
    after = plain[at + 1] if at + 1 < len(plain) else ""
    if before in DETERMINERS and before != "that":
        return False
    return after in DETERMINERS or after in _PRONOUNS or before in _SUBJECTS


def _pointing(plain: Sequence[str], at: int, candidates: Sequence[Candidate]) -> _Found | None:
    every = np.ones(len(candidates))
    for phrase in _LOOKED_AT:
        if tuple(plain[at : at + len(phrase)]) == phrase:
            return _Found(at, at + len(phrase), "deixis", every, pointed=True)
    word = plain[at]
    before = plain[at - 1] if at else ""
    after = plain[at + 1] if at + 1 < len(plain) else ""
    if word in _DEMONSTRATIVES:
        return _demonstrative(plain, at, every)
    if word in ("the", "another") or (word == "other" and before not in DETERMINERS):
        return _dummy(plain, at, every)
    if word in _PLACES:
        idle = after in _AUXILIARIES or before in ("in", "is", "are", "out", "from", *_GREETINGS) or len(plain) == 1
        return None if idle else _Found(at, at + 1, "deixis", every, pointed=True)
    if word in ("it", "him", "them"):
        clause = (
            after in _AUXILIARIES or after in _IDLE_AFTER or "time" in plain[:at] or before in ("if", "like", "how")
        )
        questioned = before in _AUXILIARIES and (at < 2 or plain[at - 2] not in ("what", "who", "which"))
        return None if clause or questioned else _Found(at, at + 1, "anaphora", every)
    return None


def _demonstrative(plain: Sequence[str], at: int, every: Array) -> _Found | None:
    before = plain[at - 1] if at else ""
    after = plain[at + 1] if at + 1 < len(plain) else ""
    if after in _AUXILIARIES or (after in _SUBJECTS and after != "it") or before in _CLAUSE or after == "way":
        return None
    end = at + 1
    extreme = ""
    while end < len(plain) and plain[end] in ("big", "small", "little", "large", "other"):
        extreme = extreme or _extreme_in(plain[end : end + 1])
        end += 1
    if end < len(plain) and plain[end] in _DUMMIES:
        end += 1
    else:
        end, extreme = at + 1, ""
    while end < len(plain) and (
        plain[end] in _PLACES or (plain[end] == "over" and plain[end + 1 : end + 2] == ["there"])
    ):
        end += 1
    return _Found(at, end, "deixis", every, pointed=True, extreme=extreme)


def _dummy(plain: Sequence[str], at: int, every: Array) -> _Found | None:
    """As "the one", "the other thing", "the left one", "the biggest"."""
    end = at + 1
    inside: list[str] = []
    while end < len(plain) and len(inside) < 4:
        word = plain[end]
        end += 1
        if word in _DUMMIES:
            other, same = "other" in inside or plain[at] in ("another", "other"), "same" in inside
            kind: Kind = "anaphora" if other or same else "deixis"
            return _Found(at, end, kind, every, other=other, extreme=_extreme_in(inside), pointed=not (other or same))
        inside.append(word)
        if word in _FUNCTION_WORDS and word not in ("left", "right"):
            break
        if word.endswith("most") or word in (
            "nearest",
            "closest",
            "biggest",
            "smallest",
            "largest",
            "farthest",
            "furthest",
        ):
            following = plain[end] if end < len(plain) else ""
            if not following or following in _FUNCTION_WORDS - _DUMMIES:
                return _Found(at, end, "deixis", every, extreme=_extreme_in(inside))
    return None


def _extreme_in(some: Sequence[str]) -> str:
    return next((name for phrase, name in _EXTREMES if len(phrase) == 1 and phrase[0] in some), "")


def _attach(said: Sequence[Word], found: list[_Found]) -> list[_Found]:
    """Joins mentions that tell others apart ("the mug behind it") to those, and leaves places to go to alone."""
    plain = tuple(word.text for word in said)
    placing = any(word in _PLACING for word in plain[: found[0].first]) if found else False
    kept: list[_Found] = []
    at = 0
    while at < len(found):
        one = found[at]
        while True:
            phrase, name = _phrase_at(plain, one.end, _RELATIONS)
            follower = found[at + 1] if at + 1 < len(found) else None
            begins = one.end + len(phrase)
            joined = phrase and follower is not None and follower.first == begins
            # "Put the mug on the table": the first place after a verb of placing is where to.
            if joined and not (placing and not kept and one.anchor is None) and plain[one.end] not in _TOWARDS:
                assert follower is not None
                last = one
                while last.anchor is not None:
                    last = last.anchor
                last.relation, last.anchor = name, follower
                one.end = follower.end
                at += 1
                continue
            phrase, name = _phrase_at(plain, one.end, _EXTREMES)
            alone = len(phrase) > 1 or (phrase and phrase[0].endswith("most"))
            if alone and not one.extreme and one.relation == "" and not _names_follow(found, at, one.end + len(phrase)):
                one.extreme, one.end = name, one.end + len(phrase)
                continue
            break
        kept.append(one)
        at += 1
    return kept


def _names_follow(found: Sequence[_Found], at: int, end: int) -> bool:
    return at + 1 < len(found) and found[at + 1].first < end


def _phrase_at(
    plain: tuple[str, ...], at: int, phrases: Sequence[tuple[tuple[str, ...], str]]
) -> tuple[tuple[str, ...], str]:
    """The longest of some phrases that begins here, past "that is", and its name."""
    for phrase, name in phrases:
        if plain[at : at + len(phrase)] == phrase:
            return phrase, name
    return (), ""


def _posterior(found: _Found, situation: Situation) -> tuple[Array, str]:
    candidates = situation.candidates
    if not candidates:
        return np.zeros(0), "the scene has no targets"
    ids = [candidate.id for candidate in candidates]
    pointing = None if situation.probabilities is None else np.asarray(situation.probabilities, dtype=np.float64)
    why = []
    score, none = found.fit.copy(), _NONE
    if found.kind == "name":
        names = [ids[at] for at in np.flatnonzero(score > 0)]
        why.append(f"named: {', '.join(names)}")
    elif found.kind == "anaphora" and situation.last in ids and not found.other:
        score = np.full(len(ids), (1 - _LAST) / max(len(ids) - 1, 1))
        score[ids.index(situation.last)] = _LAST
        why.append(f"spoken of before: {situation.last}")
    if found.other and situation.last in ids:
        score[ids.index(situation.last)] = 0
        why.append(f"not {situation.last}")
    if found.relation and found.anchor is not None:
        score = score * _beside(found, situation)
        why.append(f"{found.relation} of what is meant by its second part")
    if found.extreme:
        among = score > 0.3 * score.max() if score.max() > 0 else score > 0
        score = score * space.extreme(found.extreme, *_boxes(candidates), situation.viewpoint, list(among))
        why.append(found.extreme)
    told_apart = found.kind == "name" or found.relation or found.extreme
    if pointing is None:
        if found.kind == "deixis" and not told_apart:
            return np.zeros(len(ids)), "nothing was tracked when it was said, so nothing was pointed at"
    elif found.kind == "anaphora" and situation.last in ids and not found.other:
        score = score * (pointing + _POINTING_FLOOR) ** (_POINTING_POWER / 2)
    elif told_apart:
        power = 1.0 if found.pointed else _POINTING_POWER
        score = score * (pointing + _POINTING_FLOOR) ** power
        none *= float((pointing + _POINTING_FLOOR).max() ** power)
        why.append(_pointing_words(ids, pointing))
    else:
        score, none = score * pointing, max(0.0, 1 - float(pointing.sum()))
        why.append(_pointing_words(ids, pointing))
    total = float(score.sum()) + none
    return (score / total if total > 0 else np.zeros(len(ids))), "; ".join(why)


def _pointing_words(ids: Sequence[str], pointing: Array) -> str:
    best = int(pointing.argmax())
    return f"looking and pointing say {ids[best]} ({pointing[best]:.2f})"


def _beside(found: _Found, situation: Situation) -> Array:
    """How well each candidate stands as was said to what the anchor means."""
    assert found.anchor is not None
    anchor, _ = _posterior(found.anchor, situation)
    fits = space.relation(found.relation, *_boxes(situation.candidates), situation.viewpoint)
    return np.asarray(fits @ anchor)


def _boxes(candidates: Sequence[Candidate]) -> tuple[Array, Array]:
    return (
        np.array([candidate.position for candidate in candidates], dtype=np.float64),
        np.array([candidate.size for candidate in candidates], dtype=np.float64),
    )

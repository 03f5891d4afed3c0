"""Words that were misheard, put right by what is likely to be said: by how it sounds and is spelled.

A run of words may stand for an expected term if they sound alike word for word, or, where the recognizer parted them
otherwise, as a whole. Terms that were said as they are stay; so do words that are expected anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import Levenshtein

from models.language.english import FUNCTION_WORDS, NUMBERS
from models.language.words import alike, plain
from models.speech.recognition import SpokenWord
from models.speech.sounds import likeness, sounds
from models.speech.vocabulary import Term, Vocabulary, aloud

# How alike a word must be to stand for another one: beside others of its term that were heard well, and without.
_BESIDE: Final = 0.7
_ALONE: Final = 0.8
# As a whole, if the words were parted otherwise.
_PARTED: Final = 0.8
_PARTS: Final = 2
# And if they are expected words themselves: "tea pot" where there is tea.
_SAME: Final = 0.95
# So many sounds tell enough to go by them.
_SOUNDS: Final = 4
_SOUNDS_BESIDE: Final = 3
# Of the other words, more than this share must be expected for one to be replaced with no other of its term beside it.
_AMONG: Final = 0.5
# A recognizer that is this sure heard well.
_SURE: Final = 0.97
_LONGEST: Final = 6


@dataclass(frozen=True)
class _Change:
    """Words ``begin`` to before ``end`` mean ``term``; ``gain`` is how many sounds that explains and how well."""

    begin: int
    end: int
    term: tuple[str, ...]
    gain: float


def repair(said: Sequence[SpokenWord], expected: Vocabulary) -> tuple[SpokenWord, ...]:
    """The words with those replaced that stand for expected ones; the same words if there are none.

    Args:
        said: as the recognizer wrote them, with case and punctuation.
    """
    heard = [aloud(word.text) for word in said]
    strange = [any(not _kept(word, expected) for word in some) for some in heard]
    if not expected.known or not any(strange):
        return tuple(said)
    changes = [change for begin in range(len(said)) for change in _changes(said, heard, strange, begin, expected)]
    # The best way through the words from each on.
    best: list[tuple[float, _Change | None]] = [(0.0, None)] * (len(said) + 1)
    for begin in range(len(said) - 1, -1, -1):
        best[begin] = (best[begin + 1][0], None)
        for change in changes:
            total = change.gain + best[change.end][0]
            if change.begin == begin and total > best[begin][0]:
                best[begin] = (total, change)
    found: list[SpokenWord] = []
    at = 0
    while at < len(said):
        change_here = best[at][1]
        if change_here is None:
            found.append(said[at])
            at += 1
        else:
            found += _changed(said[at : change_here.end], heard[at : change_here.end], change_here.term)
            at = change_here.end
    return tuple(found)


def _changes(
    said: Sequence[SpokenWord],
    heard: Sequence[Sequence[str]],
    strange: Sequence[bool],
    begin: int,
    expected: Vocabulary,
) -> Iterator[_Change]:
    """What words from ``begin`` on may stand for, what they are among it."""
    run: list[str] = []
    for end in range(begin + 1, min(begin + _LONGEST, len(said)) + 1):
        run += heard[end - 1]
        if not heard[end - 1]:
            return
        others = [word for some in (*heard[:begin], *heard[end:]) for word in some if word not in FUNCTION_WORDS]
        known = sum(word in expected.known for word in others)
        fits = known > _AMONG * len(others) or len(said) == end - begin
        sure = all(word.probability >= _SURE for word in said[begin:end])
        same = sure or not any(strange[begin:end])
        line = "".join(map(sounds, run))
        for term in expected.terms:
            if len(term.words) == len(run):
                near = 1.0 if _said(run, term.words) else 0.0 if same else _word_for_word(run, term, expected, fits)
            elif same or not fits or abs(len(term.words) - len(run)) > _PARTS:
                continue
            else:
                near = _as_a_whole(run, line, term, expected)
            if near > 0:
                # What explains more is better, and what does so badly is much worse.
                yield _Change(begin, end, term.words, len(term.sounds) * near * near)


def _word_for_word(run: Sequence[str], term: Term, expected: Vocabulary, fits: bool) -> float:
    """How alike as many words are, 0 to 1; 0 if they are too little to be meant to be the term.

    Args:
        fits: whether what else was said is expected.
    """
    well = any(alike(word, want) and word not in FUNCTION_WORDS for word, want in zip(run, term.words, strict=True))
    if not well and not fits:
        return 0.0
    least, enough = (_BESIDE, _SOUNDS_BESIDE) if well else (_ALONE, _SOUNDS)
    total = 0.0
    for word, want in zip(run, term.words, strict=True):
        near = 1.0
        if not alike(word, want):
            if len(sounds(want)) < enough or _kept(word, expected):
                return 0.0
            near = _nearness(word, want)
            if near < least:
                return 0.0
        total += near * len(sounds(want))
    return total / max(len(term.sounds), 1)


def _as_a_whole(run: Sequence[str], line: str, term: Term, expected: Vocabulary) -> float:
    """The same of words that were parted otherwise, as "tea pot" and "teapot". ``line`` are all their sounds."""
    shorter, longer = sorted((len(line), len(term.sounds)))
    if shorter <= _SOUNDS or shorter < _PARTED * longer - 1:
        return 0.0
    near = likeness(line, term.sounds)
    loses = any(_kept(word, expected) and word not in term.words for word in run)
    return near if near >= (_SAME if loses else _PARTED) else 0.0


def _said(run: Sequence[str], term: Sequence[str]) -> bool:
    """Whether words are a term, but for what the language model sees through: number, and slips in long words."""
    return len(run) == len(term) and all(alike(word, want) for word, want in zip(run, term, strict=True))


def _kept(word: str, expected: Vocabulary) -> bool:
    """Whether a word is what it is: it is expected, a number, or one that is said all the time."""
    usual = word in FUNCTION_WORDS or word in NUMBERS
    return usual or word in expected.known or word.removesuffix("s") in expected.known


@lru_cache(maxsize=1 << 16)
def _nearness(word: str, want: str) -> float:
    """By sound or by spelling, whichever is nearer; the first counts more, as it is what was heard."""
    spelled = 1.0 - Levenshtein.distance(word, want) / max(len(word), len(want))
    return max(likeness(sounds(word), sounds(want)), 0.95 * spelled)


def _changed(said: Sequence[SpokenWord], heard: Sequence[Sequence[str]], term: tuple[str, ...]) -> list[SpokenWord]:
    """The term in place of the words, with their times and punctuation; the words if they are it."""
    if _said([part for parts in heard for part in parts], term):
        return list(said)
    first, last = said[0], said[-1]
    marks = last.text[len(last.text.rstrip(".,!?;:")) :]
    probability = min(word.probability for word in said)
    if len(said) == len(term):
        times = [(word.begin, word.end) for word in said]
    else:
        step = (last.end - first.begin) / len(term)
        times = [(first.begin + at * step, first.begin + (at + 1) * step) for at in range(len(term))]
    texts = [*term[:-1], term[-1] + marks]
    if first.text[:1].isupper() and plain(first.text) != texts[0]:
        texts[0] = texts[0][:1].upper() + texts[0][1:]
    return [SpokenWord(text, begin, end, probability) for text, (begin, end) in zip(texts, times, strict=True)]

"""Which of several orders in one utterance are not done: one action comes of it, with one target."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from models.language import english as en
from models.language.words import blanked, words

Span = tuple[int, int]

_JOINING: Final = frozenset(("and", "then"))
_LEADING: Final = en.REQUESTING | en.FILLERS | _JOINING
_NO_VERBS: Final = en.SUBJECTS | en.AUXILIARIES | en.DETERMINERS | en.PRONOUNS
# What may follow the second of two things that one verb is about: "hide the lamp and the kettle too, please".
_TRAILING: Final = (
    en.ANSWERING | en.REQUESTING | en.PARTICLES | en.PREDICATES | frozenset(("too", "also", "as", "both"))
)


def verbs(phrases: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """For each word with which phrases begin to say what to do, the actions whose phrases these are.

    Args:
        phrases: of each action, without its arguments and with some thing for its target.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for name, some in phrases.items():
        for phrase in some:
            if first := verb(phrase):
                found[first].add(name)
    return {first: frozenset(names) for first, names in found.items()}


def undone(
    text: str, action: str, known: Mapping[str, frozenset[str]], targets: Sequence[Span], values: Sequence[Span]
) -> list[str]:
    """What a text orders beside the action that comes of it: "take it and paint it", "hide the lamp and the kettle".

    Who is told of it says it again, so what may have been done already is left out.

    Args:
        known: as ``verbs`` gives it.
        targets: where the text mentions targets, in its order; none for an action that has none. It is about the first.
        values: where arguments of the action stand.
    """
    clauses = list(_clauses(text, [*targets, *values]))
    ordering = [one for one in clauses if verb(text[slice(*one)]) in known]
    own = [one for one in ordering if action in known[verb(text[slice(*one)])]]
    full = [one for one in own if _holds(one, [*targets, *values])]
    # "One milligram and stop": an answer does without a verb.
    answering = [one for one in clauses if _is_answer(text, one, [*targets[:1], *values])]
    done = next(iter(full or own or answering or ordering), None)
    # "Draw up and give two milligrams" is one order, and so is "take the mug and give it to me".
    named = [target for target in targets if text[slice(*target)].casefold() not in en.PRONOUNS]
    left = [
        one
        for one in ordering
        if one != done
        and not _holds(one, values)
        and (one not in own or _holds(one, named))
        and not _is_idle(text[slice(*one)])
    ]
    left += [one for one in clauses if one not in ordering and _is_second_thing(text, one, targets, values)]
    return [text[slice(*one)].strip(" \t\n,.;!?") for one in sorted(left)]


def _is_answer(text: str, clause: Span, spans: Sequence[Span]) -> bool:
    """Whether a clause begins with one of these."""
    leading = [text[clause[0] : start] for start, _ in spans if clause[0] <= start < clause[1]]
    return any(en.ANSWERING.issuperset(word.text for word in words(some)) for some in leading)


def _is_second_thing(text: str, clause: Span, targets: Sequence[Span], values: Sequence[Span]) -> bool:
    """Whether this only names another thing for the verb before it: what joins two things gives both to it."""
    if len(targets) < 2 or not clause[0] <= targets[1][0] < clause[1] or targets[0][1] > clause[0]:
        return False
    rest = blanked(text, values)
    between = (word.text for word in words(rest[targets[0][1] : targets[1][0]]))
    after = (word.text for word in words(rest[targets[1][1] : clause[1]]))
    return (en.FILLERS | _JOINING).issuperset(between) and _TRAILING.issuperset(after)


def _is_idle(clause: str) -> bool:
    said = list(itertools.dropwhile(_LEADING.__contains__, (word.text for word in words(clause))))
    return any(tuple(said[: len(phrase)]) == phrase for phrase, _ in en.NO_ORDERS.get(said[0], ())) if said else False


def _holds(clause: Span, spans: Sequence[Span]) -> bool:
    return any(clause[0] <= start < clause[1] for start, _ in spans)


def _clauses(text: str, taken: Sequence[Span]) -> Iterator[Span]:
    """The parts of a text between words that join them; those inside of something else join no clauses."""
    start = 0
    for word in words(text):
        if word.text in _JOINING and not any(one[0] < word.end and word.start < one[1] for one in taken):
            yield start, word.start
            start = word.end
    yield start, len(text)


def verb(clause: str) -> str:
    """The word that says what to do, where a clause begins with one; else nothing."""
    said = [word.text for word in words(clause)]
    first = next((word for word in said if word not in _LEADING), "")
    # "Go and get it" is one order.
    return first if len(said) > 1 and first not in _NO_VERBS else ""

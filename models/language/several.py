"""Which of several orders in one utterance are not done: one action comes of it, with one target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from models.language import english as en
from models.language.words import words

Span = tuple[int, int]

_JOINING: Final = frozenset(("and", "then"))
_LEADING: Final = en.REQUESTING | en.FILLERS | _JOINING
_NO_VERBS: Final = en.SUBJECTS | en.AUXILIARIES | en.DETERMINERS | en.PRONOUNS


def verbs(phrases: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """For each word with which phrases begin to say what to do, the actions whose phrases these are.

    Args:
        phrases: of each action, without its arguments and with some thing for its target.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for name, some in phrases.items():
        for phrase in some:
            if verb := _verb(phrase):
                found[verb].add(name)
    return {verb: frozenset(names) for verb, names in found.items()}


def undone(
    text: str, action: str, known: Mapping[str, frozenset[str]], targets: Sequence[Span], values: Sequence[Span]
) -> list[str]:
    """What a text orders beside the action that comes of it: "take it and paint it", "hide the lamp and the kettle".

    Args:
        known: as ``verbs`` gives it.
        targets: where the text mentions targets, in its order. It is about the first.
        values: where arguments of the action stand.
    """
    clauses = list(_clauses(text, [*targets, *values]))
    ordering = [(start, end) for start, end in clauses if _verb(text[start:end]) in known]
    own = [one for one in ordering if action in known[_verb(text[slice(*one)])]]
    full = [one for one in own if any(one[0] <= start < one[1] for start, _ in (*targets, *values))]
    done = next(iter(full or own or ordering), None)
    # "Draw up and give two milligrams" is one order.
    left = [one for one in ordering if one != done and (one in full or one not in own)]
    for start, end in clauses:
        # What joins two things with nothing else between them gives both to the same verb.
        if (
            (start, end) not in ordering
            and len(targets) > 1
            and start <= targets[1][0] < end
            and targets[0][1] <= start
        ):
            between = _without(text, values)[targets[0][1] : targets[1][0]]
            if all(word.text in en.FILLERS | _JOINING for word in words(between)):
                left.append((start, end))
    return [text[slice(*one)].strip(" \t\n,.;!?") for one in sorted(left)]


def _clauses(text: str, taken: Sequence[Span]) -> Iterator[Span]:
    """The parts of a text between words that join them; those inside of something else join no clauses."""
    start = 0
    for word in words(text):
        if word.text in _JOINING and not any(one[0] < word.end and word.start < one[1] for one in taken):
            yield start, word.start
            start = word.end
    yield start, len(text)


def _verb(clause: str) -> str:
    said = [word.text for word in words(clause)]
    verb = next((word for word in said if word not in _LEADING), "")
    # "Go and get it" is one order.
    return verb if len(said) > 1 and verb not in _NO_VERBS else ""


def _without(text: str, spans: Sequence[Span]) -> str:
    rest = list(text)
    for start, end in spans:
        rest[start:end] = " " * (end - start)
    return "".join(rest)

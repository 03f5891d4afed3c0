"""What is said for an action's arguments: one of some values, a number, or whatever a phrase leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.language.words import Word, alike, plain, word_set, words

Value = str | int | float | bool
Span = tuple[int, int]

_UNITS: Final = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES: Final = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_PARTS: Final = {"half": 0.5, "quarter": 0.25, "third": 1 / 3}
_MINUS: Final = ("minus", "negative")
_DIGITS: Final = re.compile(r"[-−]?\d+(?:[.,]\d+)?")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
# Words that people leave out or put in, and that so tell a phrase's places apart badly.
_WEAK: Final = word_set("a an the please now to")


@dataclass(frozen=True)
class Choice:
    """One of some values. ``values`` maps each to other words for it."""

    name: str
    values: Mapping[str, Sequence[str]]
    required: bool = False
    default: Value = ""


@dataclass(frozen=True)
class Number:
    """A number from ``minimum`` to ``maximum``; ``unit`` is said after it, if anything is."""

    name: str
    minimum: float = -1e9
    maximum: float = 1e9
    unit: str = ""
    required: bool = False
    default: Value = ""


@dataclass(frozen=True)
class FreeText:
    """Whatever a phrase leaves open, as in ``write {words} on the board``."""

    name: str
    required: bool = False
    default: Value = ""


Argument = Choice | Number | FreeText


@dataclass(frozen=True)
class Extracted:
    """What was found.

    Attributes:
        values: by name of the argument, defaults included.
        said: where it was said, by name: start and end in the text.
        missing: arguments that are required, were not said and have no default, or that were said and cannot be.
        problems: why what was said cannot be, for people.
    """

    values: dict[str, Value] = field(default_factory=dict)
    said: dict[str, Span] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Option:
    """Something in the text that an argument may be."""

    span: Span
    value: Value
    length: int


def extract(
    text: str, arguments: Sequence[Argument], *, taken: Sequence[Span] = (), templates: Sequence[str] = ()
) -> Extracted:
    """Finds arguments in a text.

    Args:
        taken: what means something else, such as the name of a target.
        templates: phrases with ``{name}`` in them; the word before a placeholder tells arguments apart.
    """
    said = words(text)
    options = {argument.name: list(_options(text, said, argument, templates)) for argument in arguments}
    values: dict[str, Value] = {}
    spans: dict[str, Span] = {}
    problems: list[str] = []
    refused: set[str] = set()
    cues = {argument.name: _cues(argument.name, templates) for argument in arguments}
    used: list[Span] = []
    for argument in sorted(arguments, key=lambda one: (isinstance(one, FreeText), len(options[one.name]))):
        best = _best(options[argument.name], cues[argument.name], said, taken, used)
        if best is None:
            continue
        problem = _problem(argument, best.value)
        if problem:
            problems.append(problem)
            refused.add(argument.name)
            continue
        values[argument.name], spans[argument.name] = best.value, best.span
        used.append(best.span)
    missing = []
    for argument in arguments:
        if argument.name not in values:
            if argument.name in refused:
                missing.append(argument.name)
            elif argument.default != "":
                values[argument.name] = argument.default
            elif argument.required:
                missing.append(argument.name)
    return Extracted(values, spans, tuple(missing), tuple(problems))


def numbers(text: str) -> list[tuple[Span, float]]:
    """All numbers in a text, in digits or in words, and where they stand."""
    found = [
        (match.span(), float(match.group().replace("−", "-").replace(",", "."))) for match in _DIGITS.finditer(text)
    ]
    said = words(text)
    at = 0
    while at < len(said):
        end, value = _spelled(said, at)
        if end > at:
            found.append(((said[at].start, said[end - 1].end), value))
            at = end
        else:
            at += 1
    return sorted(found)


def describe(argument: Argument) -> str:
    """What may be said for an argument, for people."""
    if isinstance(argument, Choice):
        return f"{argument.name}: {', '.join(argument.values)}"
    if isinstance(argument, Number):
        limits = []
        if argument.minimum > -1e9:
            limits.append(f"from {argument.minimum:g}")
        if argument.maximum < 1e9:
            limits.append(f"to {argument.maximum:g}")
        return f"{argument.name}: {' '.join(['a number', *limits, argument.unit]).strip()}"
    return f"{argument.name}: some words"


def _options(text: str, said: Sequence[Word], argument: Argument, templates: Sequence[str]) -> Iterator[_Option]:
    if isinstance(argument, Choice):
        for value, synonyms in argument.values.items():
            for name in (value, *synonyms):
                wanted = [word.text for word in words(name)]
                for at in range(len(said) - len(wanted) + 1):
                    here = said[at : at + len(wanted)]
                    if wanted and all(alike(word.text, want) for word, want in zip(here, wanted, strict=True)):
                        yield _Option((here[0].start, here[-1].end), value, len(wanted))
    elif isinstance(argument, Number):
        for (start, end), number in numbers(text):
            whole: Value = int(number) if number == int(number) else number
            unit = bool(argument.unit) and _followed_by(text, end, argument.unit)
            yield _Option((start, end), whole, 1 + unit)
    else:
        for template in templates:
            found = _left_open(text, template, argument.name)
            if found is not None:
                yield _Option(found, text[slice(*found)], len(_PLACEHOLDER.sub("", template).split()))


def _best(
    options: Sequence[_Option], cues: Sequence[str], said: Sequence[Word], taken: Sequence[Span], used: Sequence[Span]
) -> _Option | None:
    free = [option for option in options if not any(_overlap(option.span, other) for other in (*taken, *used))]

    def rank(option: _Option) -> tuple[bool, int, int]:
        before = [word.text for word in said if word.end <= option.span[0]][-2:]
        cued = any(alike(word, cue) for word in before for cue in cues)
        # Of two values that are both free the later one is meant: "not the red, the blue".
        return cued, option.length, option.span[0]

    return max(free, key=rank, default=None)


def _problem(argument: Argument, value: Value) -> str:
    if isinstance(argument, Number) and isinstance(value, int | float):
        if value > argument.maximum:
            return f"{argument.name}: {value:g} is more than {argument.maximum:g}"
        if value < argument.minimum:
            return f"{argument.name}: {value:g} is less than {argument.minimum:g}"
    return ""


def _cues(name: str, templates: Sequence[str]) -> list[str]:
    """The words right before an argument's places in phrases."""
    found = []
    for template in templates:
        for match in _PLACEHOLDER.finditer(template):
            if match.group(1) == name:
                before = words(_PLACEHOLDER.sub(" ", template[: match.start()]))
                found += [word.text for word in before if word.text not in _WEAK][-1:]
    return found


def _followed_by(text: str, end: int, unit: str) -> bool:
    after = words(text[end:])
    if text[end : end + 1] == "%" or text[end : end + 2] == " %":
        return plain(unit) in ("percent", "%")
    return bool(after) and alike(after[0].text, plain(unit))


def _left_open(text: str, template: str, name: str) -> Span | None:
    """Where a text has what a phrase leaves open for an argument, if its words otherwise fit that phrase."""
    if f"{{{name}}}" not in template:
        return None
    pattern = ""
    for part in re.split(r"(\{\w+\})", template.strip()):
        if part == f"{{{name}}}":
            pattern += r"(?P<open>\S.*?)"
        elif _PLACEHOLDER.fullmatch(part):
            pattern += r".+?"
        else:
            pattern += r"\W+".join(re.escape(word) for word in part.split())
        pattern += r"\W*"
    match = re.search(r"(?<!\w)" + pattern + r"$", text, re.IGNORECASE | re.DOTALL)
    if match is None:
        return None
    start, end = match.span("open")
    return start, start + len(text[start:end].rstrip(" .!?,;"))


def _spelled(said: Sequence[Word], at: int) -> tuple[int, float]:
    """Reads a number in words: where it ends and its value; where it began if there is none."""
    begin, sign, total, current = at, 1.0, 0.0, 0.0
    read = False
    if at < len(said) and said[at].text in _MINUS:
        sign, at = -1.0, at + 1
    while at < len(said):
        word = said[at].text
        if word in _UNITS:
            if read and current % 10 != 0:
                break
            current += _UNITS[word]
        elif word in _TENS:
            if read and current % 100 != 0:
                break
            current += _TENS[word]
        elif word in _SCALES and (read or (at > begin and said[at - 1].text == "a")):
            current = max(current, 1) * _SCALES[word]
            if _SCALES[word] > 100:
                total, current = total + current, 0.0
        elif word == "and" and read and at + 1 < len(said) and said[at + 1].text in _UNITS | _TENS:
            if said[at - 1].text not in _SCALES:
                break
        elif word == "a" and not read and at + 1 < len(said) and said[at + 1].text in _SCALES:
            at += 1
            continue
        elif word.rstrip("s") in _PARTS and (not read or total + current > 0):
            part = _PARTS[word.rstrip("s")]
            return at + 1, sign * ((total + current) * part if read else part)
        else:
            break
        read = True
        at += 1
    # "One" alone is a pronoun more often than a number: "that one", "the other one".
    alone = at == begin + 1 and said[begin].text == "one"
    pronoun = alone and begin > 0 and said[begin - 1].text not in ("to", "by", "of", "is", "for", "at")
    return (at, sign * (total + current)) if read and not pronoun else (begin, 0.0)


def _overlap(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]

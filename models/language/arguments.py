"""What is said for an action's arguments: one of some values, a number, or whatever a phrase leaves open.

English numbers are read in digits and in words. Nothing here raises for any text.
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

from models.language import english as en
from models.language.spoken import same, spoken
from models.language.words import Word, alike, plain, word_set, words

Value = str | int | float | bool
Span = tuple[int, int]

MAX_CHARACTERS: Final = 2000
"""Of a text, as many are read."""

_UNITS: Final = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SMALL: Final = _UNITS | _TENS
_SCALES: Final = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_GROUPS: Final = {"couple": 2, "dozen": 12, "pair": 2}
_PARTS: Final = {"half": 0.5, "quarter": 0.25, "third": 1 / 3, "halves": 0.5}
_MINUS: Final = ("minus", "negative")
_DIGITS: Final = re.compile(r"(?<!\w)[-−]?(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_ARTICLE_AT_END: Final = re.compile(r"(?<=\s)(?:the|a|an|please)\s*\Z", re.IGNORECASE)
_PERCENT: Final = ("percent", "%")
# Words that people leave out or put in.
_WEAK: Final = word_set("a an the please now")
_NUMBER_BEFORE: Final = word_set("to by of is for at times plus level volume number and")
_COMMON_UNITS: Final = word_set(
    "percent degree metre meter centimetre centimeter second minute hour time step notch inch foot"
)
# Units, by what they measure: those of one line may make one amount ("an hour and ten minutes").
_MEASURES: Final = tuple(
    map(
        word_set,
        (
            "percent", "degree radian turn rotation revolution", "time", "step notch",
            "metre meter centimetre centimeter millimetre millimeter kilometre kilometer inch foot feet yard mile",
            "millisecond second minute hour day week month year",
            "microgram milligram gram kilogram ounce pound", "millilitre milliliter litre liter gallon pint",
            "joule kilojoule", "watt kilowatt", "volt", "hertz", "euro dollar cent", "unit",
        ),
    )
)  # fmt: skip
# "10 mg", and after a part of one "half an hour"; a comma or a full stop parts them.
_UNIT: Final = re.compile(r"[ \t-]*(%|\w+)")
_UNIT_OF_PART: Final = re.compile(r"[ \t-]*(?:of )?(?:an? )?(%|\w+)")
# What may lead to a value once more when it is corrected.
_SAID_AGAIN: Final = word_set("the a an it that make to by of for at")
_CUES: Final = 2
_FINE: Final = 2.0**53
_MOST_FIGURES: Final = 15
# Between two numbers of which either may be meant: "nineteen fifty", "five, uh, six".
_SIDE_BY_SIDE: Final = re.compile(r"\s+|[\s,]+(?:(?:oh?|uh|um|erm?|ah)[\s,]+)+", re.IGNORECASE)


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
        refused: where that was said, its unit included, by name.
    """

    values: dict[str, Value] = field(default_factory=dict)
    said: dict[str, Span] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    refused: dict[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class _Option:
    """Something in the text that an argument may be; ``weight`` is how much of the text and its unit speak for it.

    Attributes:
        unit: another unit than the argument's, in which it is said; such a one can only be asked about.
    """

    span: Span
    value: Value
    weight: int
    unit: str = ""


@dataclass(frozen=True)
class _Read:
    """A number in a text: where it stands, and whether it is a part of something, as "half"."""

    span: Span
    value: float
    part: bool = False


@dataclass(frozen=True)
class _Cues:
    """The words around an argument's places in phrases: up to two before each, right before, and right after."""

    before: frozenset[str]
    right_before: frozenset[str]
    after: frozenset[str]


def extract(
    text: str,
    arguments: Sequence[Argument],
    *,
    taken: Sequence[Span] = (),
    templates: Sequence[str] = (),
    until: int = MAX_CHARACTERS,
) -> Extracted:
    """Finds arguments in a text.

    Where arguments compete, the words around their places in ``templates`` decide, then the unit, then the longer
    match, then the order. What a phrase leaves open is found first: numbers in it are words. "One fifty" is 150, unless
    two arguments each claim a part of it; of other numbers side by side it is asked which one is meant.

    Args:
        text: anything; no more than ``MAX_CHARACTERS`` of it are read.
        taken: what means something else, such as the name of a target. It is read as an argument only where nothing
            else is one, and then not from its inside: "the red mug" says no colour.
        templates: phrases with ``{name}`` in them.
        until: where it is said of something else. Only what is not said before is looked for after it.
    """
    text = text[:MAX_CHARACTERS]
    said = words(text)
    order = _order(arguments, templates)
    values: dict[str, Value] = {}
    spans: dict[str, Span] = {}
    problems: dict[str, str] = {}
    refused: dict[str, Span] = {}
    assigned, unused = _assigned(text, said, order, taken, templates, until)
    for argument, option in assigned:
        problem = _problem(argument, option) or _doubt(argument, option, text, unused)
        if problem:
            problems[argument.name], refused[argument.name] = problem, _with_unit(option, said)
        else:
            values[argument.name], spans[argument.name] = option.value, option.span
    missing = []
    for argument in arguments:
        if argument.name in problems:
            missing.append(argument.name)
        elif argument.name not in values:
            if argument.default != "":
                values[argument.name] = _plain_number(argument.default)
            elif argument.required:
                missing.append(argument.name)
    wrong = tuple(problems[name] for name in missing if name in problems)
    return Extracted(values, spans, tuple(missing), wrong, refused)


def left_open(
    text: str,
    argument: FreeText,
    *,
    others: Sequence[Argument] = (),
    taken: Sequence[Span] = (),
    templates: Sequence[str] = (),
) -> list[Span]:
    """What phrases leave open of a text for an argument, where it is said from its beginning on as the phrase is.

    A phrase that is nothing but the argument leaves everything open, and so tells nothing.

    Args:
        others: the arguments beside which it may stand.
        taken, templates: as ``extract`` takes them.
    """
    text = text[:MAX_CHARACTERS]
    said = words(text)
    closed = _options(text, said, others, taken)
    spans = []
    for template in templates:
        before = words(_PLACEHOLDER.sub(" ", template.partition(f"{{{argument.name}}}")[0]))
        beside = list(_left_open(text, said, argument.name, taken, [template], closed))
        # Somebody unknown is told something all the same.
        for option in beside or _left_open(text, said, argument.name, taken, [template], {}):
            lead = [
                word
                for word in said
                if word.end <= option.span[0] and not any(_overlap((word.start, word.end), one) for one in taken)
            ]
            if option.weight and len(_ordered(lead)) <= len(_ordered(before)):
                spans.append(option.span)
    return list(dict.fromkeys(spans))


def _ordered(said: Sequence[Word]) -> list[str]:
    """The words of an order without those that make it a request."""
    return [word for word in _strong(said) if word not in en.REQUESTING]


def numbers(text: str, units: Sequence[str] = ()) -> list[tuple[Span, float]]:
    """All numbers in a text, in digits or in words, and where they stand.

    Args:
        units: words after which "one" is a number ("one notch") and no pronoun.
    """
    text = text[:MAX_CHARACTERS]
    return [(read.span, read.value) for read in _numbers(text, words(text), units)]


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


def _order(arguments: Sequence[Argument], templates: Sequence[str]) -> list[Argument]:
    """Arguments as they follow each other in the first phrase that has them, those that no phrase has last."""
    named = [match for template in templates for match in _PLACEHOLDER.findall(template)]
    return sorted(arguments, key=lambda one: named.index(one.name) if one.name in named else len(named))


def _assigned(
    text: str,
    said: Sequence[Word],
    order: Sequence[Argument],
    taken: Sequence[Span],
    templates: Sequence[str],
    until: int,
) -> tuple[list[tuple[Argument, _Option]], list[_Read]]:
    """What each argument is, and the numbers that none of them takes."""
    assigned = list(_assign(text, said, order, taken, templates, until))
    reads = _numbers(text, said, ())
    joined = _numbers(text, said, (), hundreds=True)
    parts = set(reads)
    hundreds = [read for read in joined if read not in parts]
    # "Rotate that one eighty" may be both.
    named = [read for read in hundreds if any(_overlap(read.span, other) for other in taken)]
    if len(named) < len(hundreds):
        whole = list(_assign(text, said, order, taken, templates, until, hundreds=True))
        if any(read not in named and not _are_two(read, text, said, assigned, whole, templates) for read in hundreds):
            assigned, reads = whole, joined
    used = [*taken, *(option.span for _, option in assigned)]
    return assigned, [*(read for read in reads if not any(_overlap(read.span, other) for other in used)), *named]


def _assign(
    text: str,
    said: Sequence[Word],
    order: Sequence[Argument],
    taken: Sequence[Span],
    templates: Sequence[str],
    until: int,
    *,
    hundreds: bool = False,
) -> Iterator[tuple[Argument, _Option]]:
    """Gives each argument the option that fits best, the best fits first, and none of the text to two of them.

    Args:
        hundreds: whether "one fifty" and "two two five" are one number.
    """
    used: list[Span] = []
    options = _options(text, said, order, taken, hundreds=hundreds)
    for argument in order:
        if isinstance(argument, FreeText):
            left = [
                option
                for option in _left_open(text, said, argument.name, taken, templates, options)
                if not any(_overlap(option.span, other) for other in used)
            ]
            if left:
                best = max(left, key=lambda option: option.weight)
                used.append(best.span)
                yield argument, best
    pairs: list[tuple[tuple[int, int, int], Argument, _Option]] = []
    closed = [argument for argument in order if not isinstance(argument, FreeText)]
    options = {
        name: [option for option in found if option.span[1] <= until] or found for name, found in options.items()
    }
    for argument in closed:
        rivals = [one for one in closed if _compete(options[one.name], options[argument.name])]
        cues = _cues(argument.name, templates)
        for rank, option in enumerate(one for one in options[argument.name] if not one.unit):
            # Of two values the first one is meant, unless another argument may be one of them.
            tie = -rank if len(rivals) == 1 else -abs(rank - rivals.index(argument))
            pairs.append(((_cued(option, cues, said), option.weight, tie), argument, option))
    given: set[str] = set()
    for _, argument, option in sorted(pairs, key=lambda pair: pair[0], reverse=True):
        if argument.name not in given and not any(_overlap(option.span, other) for other in used):
            given.add(argument.name)
            used.append(option.span)
            yield argument, option
    for argument in closed:
        unread = [one for one in options[argument.name] if not any(_overlap(one.span, other) for other in used)]
        other_unit = next((one for one in unread if one.unit), None)
        if argument.name not in given and other_unit is not None:
            yield argument, other_unit


def _compete(some: Sequence[_Option], others: Sequence[_Option]) -> bool:
    return bool({option.span for option in some} & {option.span for option in others})


def _are_two(
    read: _Read,
    text: str,
    said: Sequence[Word],
    assigned: Sequence[tuple[Argument, _Option]],
    whole: Sequence[tuple[Argument, _Option]],
    templates: Sequence[str],
) -> bool:
    """Whether two arguments each claim a part of a number: "drill two ten millimetre holes".

    Args:
        assigned: what each argument is where the number is not one, ``whole`` where it is.
    """
    parts = [
        (argument, option)
        for argument, option in assigned
        if isinstance(argument, Number) and _inside(option.span, read.span)
    ]
    cannot_be = any(option.span == read.span and _problem(argument, option) for argument, option in whole)
    if len(parts) > 1 and cannot_be and not any(_problem(argument, option) for argument, option in parts):
        return True
    return len(parts) > 1 and all(
        not argument.unit
        or _followed_by(text, option.span[1], argument.unit)
        or bool(_hits(_words_before(option, said)[-1:], _cues(argument.name, templates).right_before))
        for argument, option in parts
    )


def _doubt(argument: Argument, option: _Option, text: str, unused: Sequence[_Read]) -> str:
    """Which other number may be meant as well, to be asked about; empty for none."""
    for read in unused if isinstance(argument, Number) else ():
        # "Turn that one eighty" may well be 180; "turn that one eighty degrees" hardly is.
        united = option.weight > 1
        longer = _inside(option.span, read.span) and not united
        longer = longer and not _problem(argument, replace(option, value=read.value))
        (start, first), (end, second) = sorted(
            ((option.span, option.value), (read.span, read.value)), key=lambda one: one[0][1]
        )
        if longer or (first != second and _SIDE_BY_SIDE.fullmatch(text[start[1] : end[0]])):
            return f"{argument.name}: {first:g} or {second:g}"
    return ""


def _options(
    text: str, said: Sequence[Word], arguments: Sequence[Argument], taken: Sequence[Span], *, hundreds: bool = False
) -> dict[str, list[_Option]]:
    """What each argument may be but those that phrases leave open, by name."""
    closed = [argument for argument in arguments if not isinstance(argument, FreeText)]
    units = {_unit(argument) for argument in closed if isinstance(argument, Number) and argument.unit}
    found = {
        one.name: list(
            _choices(said, one) if isinstance(one, Choice) else _amounts(text, said, one, units, hundreds=hundreds)
        )
        for one in closed
    }
    values = {
        word.start
        for options in found.values()
        for option in options
        for word in said[_ended_by(said, option.span[0]) : _begun_before(said, option.span[1])]
    }
    return {one.name: _closed_options(found[one.name], said, one, taken, values) for one in closed}


def _closed_options(
    found: Sequence[_Option], said: Sequence[Word], argument: Choice | Number, taken: Sequence[Span], values: Set[int]
) -> list[_Option]:
    """Of what an argument may be, what is meant, in the order of the text; a part of a longer one is none.

    Args:
        values: where the words begin that may be an argument.
    """
    found = [option for option in _longest(found) if not _negated(option, said)]
    free = [option for option in found if not any(_overlap(option.span, other) for other in taken)]
    allowed = free or [option for option in found if not any(_is_part(option, other, said) for other in taken)]
    kept: list[_Option] = []
    for option in sorted(allowed, key=lambda option: option.span):
        unit = _unit(argument) if isinstance(argument, Number) else ""
        if kept and _corrected(kept[-1], option, said, unit, values):
            kept.pop()
        kept.append(option)
    return kept


def _longest(found: Sequence[_Option]) -> Iterator[_Option]:
    """Options that are no part of another one."""
    around: Span = (-1, -1)
    for option in sorted(found, key=lambda option: (option.span[0], -option.span[1])):
        if not _inside(option.span, around):
            yield option
        if option.span[1] > around[1]:
            around = option.span


def _choices(said: Sequence[Word], argument: Choice) -> Iterator[_Option]:
    aloud = spoken(said)
    for value, synonyms in argument.values.items():
        for name in (value, *synonyms):
            wanted = [word.text for word in spoken(words(name))]
            for at in range(len(aloud) - len(wanted) + 1 if wanted else 0):
                if same(aloud, at, wanted):
                    here = aloud[at : at + len(wanted)]
                    exact = all(word.text == want for word, want in zip(here, wanted, strict=True))
                    yield _Option((here[0].start, here[-1].end), value, 2 * len(wanted) + exact)


def _amounts(
    text: str, said: Sequence[Word], argument: Number, units: Set[str], *, hundreds: bool
) -> Iterator[_Option]:
    percent = plain(argument.unit) in _PERCENT
    found = _numbers(text, said, (argument.unit,), hundreds=hundreds)
    others = _other_units(text, found, argument, units) if argument.unit else [""] * len(found)
    for read, other in zip(found, others, strict=True):
        united = bool(argument.unit) and _followed_by(text, read.span[1], argument.unit)
        # "Half" of a volume in percent is 50.
        number = read.value * 100 if read.part and percent and not united else read.value
        yield _Option(read.span, _plain_number(number), 1 + united, other)
    for at, (first, second) in enumerate(itertools.pairwise(said)):
        # "A metre" is one, "half a metre" is not.
        whole = at == 0 or said[at - 1].text not in _PARTS
        if whole and argument.unit and first.text in ("a", "an") and alike(second.text, plain(argument.unit)):
            yield _Option((first.start, first.end), 1, 2)


def _plain_number(value: Value) -> Value:
    """A whole number as an integer, as far as that and a float are the same number; all else as it is."""
    whole = isinstance(value, float) and abs(value) < _FINE and value.is_integer()
    return int(value) if whole else value


def _other_units(text: str, found: Sequence[_Read], argument: Number, units: Set[str]) -> list[str]:
    """Of each number the unit in which it is said, if that is not the argument's.

    Args:
        units: of all arguments; what is said in these is no part of an amount in another.
    """
    own = _unit(argument)
    after = [_unit_after(text, read) for read in found]
    others = ["" if unit is None or alike(unit.text, own) else unit.text for unit in after]
    refused = list(others)
    for at, (unit, following) in enumerate(itertools.pairwise(after)):
        end = unit.end if unit is not None else found[at].span[1]
        between = {word.text for word in words(text[end : found[at + 1].span[0]])}
        if unit is None and others[at + 1] and between and between <= {"to", "or"}:
            # "One to two grams".
            refused[at] = others[at + 1]
        elif unit is not None and following is not None and between <= {"and"}:
            # "An hour and ten minutes" is neither of them.
            other = others[at] or others[at + 1]
            if others[at] != others[at + 1] and _measure(other) == _measure(own) and not _any_alike(other, units):
                refused[at] = refused[at + 1] = other
    return refused


def _unit_after(text: str, read: _Read) -> Word | None:
    """The unit right after a number, in one word as it is said aloud, if it is one that is known."""
    found = (_UNIT_OF_PART if read.part else _UNIT).match(text, read.span[1])
    if found is None:
        return None
    said = spoken([Word("percent" if found[1] == "%" else plain(found[1]), *found.span(1))])[0]
    return said if _measure(said.text) is not None else None


def _unit(argument: Number) -> str:
    """The first word of an argument's unit, as it is said aloud."""
    if plain(argument.unit) in _PERCENT:
        return "percent"
    return next((word.text for word in spoken(words(argument.unit))), "")


def _measure(unit: str) -> int | None:
    return next((at for at, known in enumerate(_MEASURES) if _any_alike(unit, known)), None)


def _any_alike(word: str, others: Set[str]) -> bool:
    return any(alike(word, other) for other in others)


def _negated(option: _Option, said: Sequence[Word]) -> bool:
    """Whether it is said not to be that: "not red", "not the red"."""
    return _words_before(option, said)[-1:] == ["not"]


def _corrected(option: _Option, following: _Option, said: Sequence[Word], unit: str, values: Set[int]) -> bool:
    """Whether what follows is said in its stead: "red, no, blue", "at two grams, sorry, make it three".

    Between them may be other arguments, as in "two grams of salt, no, three".
    """
    between = said[_begun_before(said, option.span[1]) : _ended_by(said, following.span[0])]
    beside = [word for word in between if word.start not in values]
    rest = [word.text for word in spoken(beside) if word.text not in en.CORRECTION_FILLERS | _SAID_AGAIN | _WEAK]
    # "Two minutes, wait, three" corrects, "two minutes, wait three" orders to wait.
    waits = bool(between) and between[-1].text == "wait" and following.span[0] == between[-1].end + 1
    corrections = en.CORRECTIONS if waits else en.CORRECTIONS | {"wait"}
    corrects = any(word.text in corrections for word in between)
    return corrects and all(alike(word, unit) or _measure(word) is not None for word in rest)


def _is_part(option: _Option, taken: Span, said: Sequence[Word]) -> bool:
    """Whether something else that is taken says more than this."""
    if not _overlap(option.span, taken):
        return False
    named = said[_ended_by(said, taken[0]) : _begun_before(said, taken[1])]
    return any(word.text not in _WEAK and not _overlap((word.start, word.end), option.span) for word in named)


def _with_unit(option: _Option, said: Sequence[Word]) -> Span:
    """Where an option stands, with the other unit in which it is said."""
    after = (word for word in said if word.start >= option.span[1])
    ends = (word.end for word in after if option.unit and any(one.text == option.unit for one in spoken([word])))
    return option.span[0], next(ends, option.span[1])


def _problem(argument: Argument, option: _Option) -> str:
    value = option.value
    if isinstance(argument, Number) and option.unit:
        return f"{argument.name}: in {argument.unit}, not {option.unit}"
    if isinstance(argument, Number) and isinstance(value, int | float):
        if value > argument.maximum:
            return f"{argument.name}: {value:g} is more than {argument.maximum:g}"
        if value < argument.minimum:
            return f"{argument.name}: {value:g} is less than {argument.minimum:g}"
        if not math.isfinite(value):
            return f"{argument.name}: {value:g} is no number to work with"
    return ""


def _cues(name: str, templates: Sequence[str]) -> _Cues:
    before: set[str] = set()
    right_before: set[str] = set()
    after: set[str] = set()
    for template in templates:
        parts = _PLACEHOLDER.split(template)
        for at in range(1, len(parts), 2):
            if parts[at] == name:
                words_before = _strong(words(parts[at - 1]))
                before.update(words_before[-_CUES:])
                right_before.update(words_before[-1:])
                after.update(_strong(words(parts[at + 1]))[:1])
    return _Cues(frozenset(before), frozenset(right_before), frozenset(after))


def _cued(option: _Option, cues: _Cues, said: Sequence[Word]) -> int:
    """How many of an argument's cues stand around an option; the one right before it counts twice."""
    before = _words_before(option, said)
    following = range(_begun_before(said, option.span[1]), len(said))
    after = [next((said[at].text for at in following if said[at].text not in _WEAK), "")]
    return _hits(before, cues.before) + _hits(before[-1:], cues.right_before) + _hits(after, cues.after)


def _words_before(option: _Option, said: Sequence[Word]) -> list[str]:
    """As many words before an option as may be its cues."""
    backwards = range(_ended_by(said, option.span[0]) - 1, -1, -1)
    strong = (said[at].text for at in backwards if said[at].text not in _WEAK)
    return list(itertools.islice(strong, _CUES))[::-1]


def _begun_before(said: Sequence[Word], at: int) -> int:
    """How many words begin before a place in the text."""
    return bisect_left(said, at, key=lambda word: word.start)


def _ended_by(said: Sequence[Word], at: int) -> int:
    """How many words end before a place in the text, or there."""
    return bisect_right(said, at, key=lambda word: word.end)


def _hits(some: Sequence[str], cues: frozenset[str]) -> int:
    return sum(_any_alike(word, cues) for word in some)


def _strong(some: Sequence[Word]) -> list[str]:
    return [word.text for word in some if word.text not in _WEAK]


def _followed_by(text: str, end: int, unit: str) -> bool:
    if text[end : end + 2].lstrip()[:1] == "%":
        return plain(unit) in _PERCENT
    after = spoken([word for word in words(text[end : end + 40]) if word.text not in _WEAK])
    wanted = spoken(words(unit))[:1]
    return bool(after and wanted) and alike(after[0].text, wanted[0].text)


def _left_open(
    text: str,
    said: Sequence[Word],
    name: str,
    taken: Sequence[Span],
    templates: Sequence[str],
    closed: Mapping[str, Sequence[_Option]],
) -> Iterator[_Option]:
    """What phrases whose other words are said leave open for an argument.

    Args:
        closed: what other arguments may be, by name.
    """
    without = [template for template in templates if f"{{{name}}}" not in template]
    spans = [*taken, *(option.span for some in closed.values() for option in some)]
    if any(_is_whole(template, said, spans) for template in without):
        return
    for template in templates:
        parts = _PLACEHOLDER.split(template)
        literal, names = [_strong(words(part)) for part in parts[::2]], parts[1::2]
        if name not in names:
            continue
        place = names.index(name)
        span = _between(text, said, literal, place)
        # Between "{target} {words}" no word tells where one ends; what is taken does, and what "{person}" may be.
        if span is not None and place > 0 and not literal[place]:
            if names[place - 1] in closed:
                span = _after(span, said, closed[names[place - 1]])
            else:
                span = max((span, *((end, span[1]) for start, end in taken if span[0] <= start < span[1])))
        if span is not None and place + 1 < len(names) and not literal[place + 1]:
            if names[place + 1] in closed:
                span = _until(span, said, closed[names[place + 1]])
            else:
                span = (span[0], min((span[1], *(start for start, _ in taken if span[0] < start))))
        if span is not None and text[slice(*span)].strip():
            lead = len(text[slice(*span)]) - len(text[slice(*span)].lstrip())
            span = (span[0] + lead, span[0] + len(text[slice(*span)].rstrip()))
            yield _Option(span, text[slice(*span)], sum(map(len, literal)))


def _is_whole(template: str, said: Sequence[Word], spans: Sequence[Span]) -> bool:
    """Whether nothing is said but a phrase with some of these in its places."""
    places = len(_PLACEHOLDER.findall(template))
    rest = [word for word in said if not any(_overlap((word.start, word.end), span) for span in spans)]
    here, wanted = _ordered(rest), _ordered(words(_PLACEHOLDER.sub(" ", template)))
    filled = [span for span in spans if not any(_inside(span, other) for other in spans)]
    return len(set(filled)) <= places and len(here) == len(wanted) and all(map(alike, here, wanted))


def _after(span: Span, said: Sequence[Word], options: Sequence[_Option]) -> Span | None:
    """What is left of a span after an option at its beginning; nothing if there is none, or no word is left."""
    parted = _parted(span, said, options)
    return next(((after[0].start, span[1]) for before, after in parted if not _strong(before) and _strong(after)), None)


def _until(span: Span, said: Sequence[Word], options: Sequence[_Option]) -> Span | None:
    """What is left of a span before an option at its end; nothing if there is none, or no word is left."""
    parted = _parted(span, said, options)
    return next(((span[0], before[-1].end) for before, after in parted if _strong(before) and not _strong(after)), None)


def _parted(
    span: Span, said: Sequence[Word], options: Sequence[_Option]
) -> Iterator[tuple[Sequence[Word], Sequence[Word]]]:
    """The words of a span before and after each option in it."""
    inside = [word for word in said if span[0] <= word.start and word.end <= span[1]]
    for start, end in (option.span for option in options):
        if span[0] <= start and end <= span[1]:
            yield [word for word in inside if word.end <= start], [word for word in inside if word.start >= end]


def _between(text: str, said: Sequence[Word], literal: Sequence[Sequence[str]], place: int) -> Span | None:
    """Where a text has what stands between two parts of a phrase: nothing if it lacks a part, or has nothing there.

    Each part is taken where it comes first after the part before, the last one where it comes last: so this takes
    time in proportion to the text, whatever the phrase.
    """
    strong = [word for word in said if word.text not in _WEAK]
    edges: list[Span] = []
    places = len(literal) - 1
    at = 0
    for number, part in enumerate(literal):
        last = number == places
        starts = range(at + (number > 0 and bool(part)), len(strong) - len(part) + 1)
        hits = (
            start
            for start in (reversed(starts) if last else starts)
            if all(alike(word.text, want) for word, want in zip(strong[start : start + len(part)], part, strict=True))
        )
        if not part:
            edges.append((len(text), len(text)) if last or edges else (0, 0))
            continue
        # What is left open may hold no word at all, as an emoji.
        hit = next(hits, None)
        if hit is None and number > 0:
            hit = at if [word.text for word in strong[at : at + len(part)]] == list(part) else None
        if hit is None:
            return None
        at = hit + len(part)
        edges.append((strong[hit].start, strong[at - 1].end))
    # Without words between two places, both are what stands between the words around them.
    start = next(edges[one][1] for one in range(place, -1, -1) if literal[one] or one == 0)
    end = next(edges[one][0] for one in range(place + 1, places + 1) if literal[one] or one == places)
    opened = text[start:end]
    if end < len(text):
        # The article of the phrase's next part is no part of what is left open.
        opened = _ARTICLE_AT_END.sub("", opened)
    opened = opened.rstrip(" \t\n.!?,;")
    lead = len(opened) - len(opened.lstrip(" \t\n,:;"))
    return (start + lead, start + len(opened)) if len(opened) > lead else None


def _numbers(text: str, said: Sequence[Word], units: Sequence[str], *, hundreds: bool = False) -> list[_Read]:
    """Numbers in the order of the text.

    Args:
        hundreds: whether "one fifty" and "two two five" are one number.
    """
    tokens = _tokens(text, said)
    common = _COMMON_UNITS | {word.text for unit in units for word in words(unit)}
    found = []
    at = 0
    while at < len(tokens):
        end, read = _number(tokens, at, hundreds=hundreds)
        if read is not None and not _is_pronoun(tokens, at, end, common):
            found.append(read)
        at = max(end, at + 1)
    return found


@dataclass(frozen=True)
class _Token:
    """A word, or digits with their value."""

    text: str
    start: int
    end: int
    value: float | None = None


def _tokens(text: str, said: Sequence[Word]) -> list[_Token]:
    digits = []
    for match in _DIGITS.finditer(text):
        figures = match.group().replace("−", "-")
        # A comma before three figures parts thousands.
        grouped = re.fullmatch(r"-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", figures)
        value = float(figures.replace(",", "" if grouped else "."))
        digits.append(_Token("", match.start(), match.end(), value))
    inside = [False] * (len(text) + 1)
    for token in digits:
        inside[token.start : token.end] = [True] * (token.end - token.start)
    spelled = [_Token(word.text, word.start, word.end) for word in said if not inside[word.start]]
    return sorted([*digits, *spelled], key=lambda token: token.start)


def _number(tokens: Sequence[_Token], begin: int, *, hundreds: bool) -> tuple[int, _Read | None]:
    """Reads a number that begins here: where it ends; nothing if there is none."""
    at = begin
    sign = 1.0
    if tokens[at].text in _MINUS:
        sign, at = -1.0, at + 1
    after, value = _whole(tokens, at, hundreds=hundreds)
    if after == at:
        after, value = _grouped(tokens, at)
    read = after > at
    at = after
    decimal, digits = _decimals(tokens, at)
    if decimal > at:
        value, at, read = value + digits, decimal, True
    part_end, part = _part(tokens, at, read)
    pure = part_end > at and (not read or _text(tokens, at) != "and")
    if part_end > at:
        # "Three quarters" is a product, "two and a half" a sum.
        value = value + part if read and _text(tokens, at) == "and" else value * part if read else part
        at, read = part_end, True
    if not read:
        return begin, None
    return at, _Read((tokens[begin].start, tokens[at - 1].end), sign * value, pure)


def _whole(tokens: Sequence[_Token], begin: int, *, hundreds: bool = False) -> tuple[int, float]:
    """A whole number in words, or one in digits with what it counts ("2 million"): where it ends and its value."""
    at, total, current, read = begin, 0.0, 0.0, False
    if hundreds and (figures := _figures(tokens, begin)):
        return begin + len(figures), float(figures)
    while at < len(tokens):
        token = tokens[at]
        following = _text(tokens, at + 1)
        if token.value is not None and not read:
            current = token.value
        elif token.text in _SMALL and (not read or _takes(current, total, _SMALL[token.text])):
            current += _SMALL[token.text]
        elif hundreds and at == begin + 1 and _hundred(tokens[begin], token):
            current = 100 * current + _SMALL[token.text]
        elif token.text in _SCALES and read:
            current = max(current, 1.0) * _SCALES[token.text]
            if _SCALES[token.text] > 100:
                total, current = total + current, 0.0
        elif token.text == "a" and not read and following in _SCALES:
            current, at = float(_SCALES[following]), at + 1
            if current > 100:
                total, current = current, 0.0
        elif token.text == "and" and read and _text(tokens, at - 1) in _SCALES and following in _SMALL:
            at += 1
            continue
        else:
            break
        read = True
        at += 1
    return (at, total + current) if read else (begin, 0.0)


def _hundred(one: _Token, token: _Token) -> bool:
    """Whether these begin a number of hundreds, said without the word: "one fifty", "two ten"."""
    return _together(one, token) and 1 <= _UNITS.get(one.text, 0) < 10 and _SMALL.get(token.text, 0) >= 10


def _figures(tokens: Sequence[_Token], begin: int) -> str:
    """The figures of a number that is said one by one, as "two two five" and "two oh five"; three at least, or none."""
    found = ""
    for at in range(begin, min(len(tokens), begin + _MOST_FIGURES)):
        figure = 0 if found and tokens[at].text in ("oh", "o") else _UNITS.get(tokens[at].text, 10)
        if figure > 9 or (found and not _together(tokens[at - 1], tokens[at])):
            break
        found += str(figure)
    return found if len(found) > 2 else ""


def _together(one: _Token, other: _Token) -> bool:
    """Whether nothing but a space or a hyphen parts them."""
    return other.start == one.end + 1


def _takes(current: float, total: float, small: int) -> bool:
    """Whether a number that was begun goes on with this one: "twenty five", "a thousand five", not "ten five"."""
    rest = current % 100
    return (rest == 0 and current + total > 0) or (small < 10 and rest >= 20 and rest % 10 == 0)


def _grouped(tokens: Sequence[_Token], begin: int) -> tuple[int, float]:
    """ "A couple of", "a dozen"."""
    at = begin + (_text(tokens, begin) == "a")
    group = _GROUPS.get(_text(tokens, at))
    if group is None or at == begin:
        return begin, 0.0
    return at + 1 + (_text(tokens, at + 1) == "of"), float(group)


def _decimals(tokens: Sequence[_Token], begin: int) -> tuple[int, float]:
    """The figures after "point": where they end, and what they add."""
    if _text(tokens, begin) != "point":
        return begin, 0.0
    at, figures = begin + 1, ""
    while at < len(tokens) and len(figures) < _MOST_FIGURES:
        token = tokens[at]
        if token.text in _UNITS and _UNITS[token.text] < 10:
            figures += str(_UNITS[token.text])
        elif token.value is not None and token.value == abs(token.value) < 1e6 and token.value % 1 == 0 and not figures:
            figures = f"{token.value:.0f}"
        else:
            break
        at += 1
    return (at, float(f"0.{figures}")) if figures else (begin, 0.0)


def _part(tokens: Sequence[_Token], begin: int, read: bool) -> tuple[int, float]:
    """A half, quarters: where they end, and how much each is times their number."""
    at = begin
    joined = read and _text(tokens, at) == "and"
    at += joined
    count = 1.0
    if (joined or not read) and _text(tokens, at) == "a":
        at += 1
    elif joined:
        after, count = _whole(tokens, at)
        if after == at:
            # "Five and half" is said as well.
            count = 1.0
        at = after
    word = _text(tokens, at)
    part = _PARTS.get(word, _PARTS.get(word.removesuffix("s")))
    # "The third" is an order, not a part.
    ordinal = word == "third" and not read
    return (at + 1, count * part) if part is not None and not ordinal else (begin, 0.0)


def _text(tokens: Sequence[_Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""


def _is_pronoun(tokens: Sequence[_Token], begin: int, end: int, units: frozenset[str]) -> bool:
    """Whether a lone "one" is more likely a thing than a number: "that one", "the other one"."""
    if end > begin + 1 or tokens[begin].text != "one" or begin == 0:
        return False
    if _text(tokens, begin - 1) in _NUMBER_BEFORE:
        return False
    # "One ten", "three one".
    for first, second in itertools.pairwise(tokens[begin - 1 : end + 1]):
        if first.text in _SMALL and second.text in _SMALL and _together(first, second):
            return False
    if _text(tokens, begin - 1) in en.CORRECTION_FILLERS and all(token.text in en.POLITE for token in tokens[end:]):
        # "Two, no, one" at the end.
        return False
    return not any(alike(_text(tokens, end), unit) for unit in units)


def _overlap(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _inside(a: Span, b: Span) -> bool:
    """Whether ``a`` is a part of ``b``, and not all of it."""
    return b[0] <= a[0] and a[1] <= b[1] and a != b

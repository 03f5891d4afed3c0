"""Sets of labelled texts: CLINC150, BANKING77, HWU64, SNIPS, and any folder in the format of one of them.

A set is told by the files in its folder:

- CLINC150 (Larson et al. 2019): ``data.json`` with the keys ``train``, ``val``, ``test``, ``oos_train``, ``oos_val``
  and ``oos_test``, each a list of pairs of text and label; texts of the ``oos`` parts belong to no label.
- BANKING77 (Casanueva et al. 2020): ``train.csv`` and ``test.csv`` with the columns ``text`` and ``category``. The
  simplest one to write by hand.
- HWU64 (Liu et al. 2019): ``kfold1_train.tsv`` and ``kfold1_test.tsv`` with the columns ``scenario``, ``intent`` and
  ``text``; a label is scenario and intent together.
- SNIPS (Coucke et al. 2018): ``train.jsonl`` and ``validate.jsonl``, each line a map with ``text`` and ``intent``.

What a model is measured on is never in what it is fitted to: the test part where the folder has one, else the set's own
validation part, else a fifth of train, carved by a fixed seed and of the shape of the set's test part: of BANKING77,
whose train has 35 to 187 texts a label but whose test has 40 of each, as many of each label; of the others, whose test
parts have the proportions of train, a fifth of each. A text of train that is measured on too, be it with other case or
space, is not fitted to.

A text and its label are strings that are not empty; space around a label is none of it. An utterance has no line break:
in a CSV file a text with one is warned about, and refused if one of its lines is a row that a quotation mark swallowed.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import logging
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec

log = logging.getLogger("genlock.train")

_LINE_BREAK: Final = re.compile(r"\r\n|\n|\r")

CARVED_SHARE: Final = 0.2
CARVING_SEED: Final = 20260101


class DataError(ValueError):
    """A folder that is in none of the formats; the message names the file, the line and what is wrong."""


@dataclass(frozen=True)
class Labelled:
    """A text and the label that it belongs to."""

    text: str
    label: str


@dataclass(frozen=True)
class Texts:
    """A set, split.

    Attributes:
        format: ``clinc150``, ``banking77``, ``hwu64`` or ``snips``: which set's the folder has. That set itself it need
            not be.
        fit: what a model may be fitted to.
        measured: what its figures are on.
        part: which part of the set ``measured`` is, for people.
        outside_fit, outside_measured: texts that belong to no label, of which the same holds.
        name: of the folder.
        copies: how many more texts could be fitted to, were they not measured on too.
        carved: whether ``measured`` is taken from what could be fitted to, were there a part to measure on.
    """

    format: str
    fit: list[Labelled]
    measured: list[Labelled]
    part: str
    outside_fit: list[str] = field(default_factory=list)
    outside_measured: list[str] = field(default_factory=list)
    name: str = ""
    copies: int = 0
    carved: bool = False

    @property
    def labels(self) -> list[str]:
        """All labels that can be fitted, sorted."""
        return sorted({example.label for example in self.fit})

    def measured_on(self, labels: int) -> str:
        """What figures are on, for people."""
        copies = f"; {self.copies} copies of them are not fitted to" if self.copies else ""
        return f"{self.part}: {len(self.measured)} texts, {labels} labels{copies}"


def load(folder: Path) -> Texts:
    """Reads a folder in any of the formats.

    Raises:
        DataError: it is in none of them, a file of it is not as it should be, or all texts of a label are measured on.
    """
    for file, read in _FORMATS.items():
        if (folder / file).is_file():
            try:
                found = read(folder)
            except OSError as problem:
                raise DataError(f"{folder / file}: {problem.strerror}") from None
            if not found.fit or not found.measured:
                raise DataError(f"{folder / file}: no texts to {'measure on' if found.fit else 'fit to'}")
            return replace(_apart(found, folder / file), name=folder.resolve().name)
    raise DataError(f"{folder}: none of {', '.join(_FORMATS)} is here, so this is no set of labelled texts")


def shots(examples: Iterable[Labelled], count: int, seed: int) -> list[Labelled]:
    """``count`` examples of each label, or all where there are fewer, chosen by the seed."""
    chosen: list[Labelled] = []
    for label, members in sorted(_by_label(examples).items()):
        chosen += random.Random(f"{seed} {label}").sample(members, min(count, len(members)))
    return chosen


def carve(examples: Iterable[Labelled], share: float, seed: int) -> tuple[list[Labelled], list[Labelled]]:
    """Splits off a share of each label, at least one text where there are two; returns what stays, then the share.

    Texts that differ only in case and space are copies, which count as one: further ones stay, and ``without_copies``
    takes them out. Something of each label stays that has no copy in the share.
    """
    return _split(examples, lambda texts: max(round(share * texts), 1) if texts > 1 else 0, seed)


def carve_evenly(examples: Iterable[Labelled], count: int, seed: int) -> tuple[list[Labelled], list[Labelled]]:
    """Splits off ``count`` texts of each label, but no more than half of them. See ``carve``."""
    return _split(examples, lambda texts: min(count, texts // 2), seed)


def without_copies(examples: Iterable[Labelled], of: Iterable[str]) -> list[Labelled]:
    """The examples whose texts are none of others, whatever their case and space."""
    known = {_key(text) for text in of}
    return [example for example in examples if _key(example.text) not in known]


def fingerprint(examples: Iterable[Labelled]) -> str:
    """The same for the same examples in any order."""
    rows = sorted(f"{example.label}\t{example.text}" for example in examples)
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _by_label(examples: Iterable[Labelled]) -> dict[str, list[Labelled]]:
    found: dict[str, list[Labelled]] = defaultdict(list)
    for example in examples:
        found[example.label].append(example)
    return found


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _split(
    examples: Iterable[Labelled], count: Callable[[int], int], seed: int
) -> tuple[list[Labelled], list[Labelled]]:
    """What stays and what is split off; ``count`` says of how many different texts of a label how many are."""
    by_label = _by_label(examples)
    texts = {label: {_key(example.text) for example in members} for label, members in by_label.items()}
    holders = defaultdict(list)
    for label, keys in texts.items():
        for key in keys:
            holders[key].append(label)
    left = {label: len(keys) for label, keys in texts.items()}
    stay: list[Labelled] = []
    carved: list[Labelled] = []
    taken: set[str] = set()
    for label, members in sorted(by_label.items()):
        wanted = count(len(texts[label]))
        for example in random.Random(f"{seed} {label}").sample(members, len(members)):
            key = _key(example.text)
            # A text of several labels must leave each of them another one.
            if wanted and key not in taken and all(left[holder] > 1 for holder in holders[key]):
                for holder in holders[key]:
                    left[holder] -= 1
                taken.add(key)
                carved.append(example)
                wanted -= 1
            else:
                stay.append(example)
    return stay, carved


def _apart(texts: Texts, path: Path) -> Texts:
    """The same without what is measured on in what may be fitted to."""
    measured = [*(example.text for example in texts.measured), *texts.outside_measured]
    fit = without_copies(texts.fit, measured)
    lost = sorted({example.label for example in texts.fit} - {example.label for example in fit})
    if lost:
        raise DataError(f"{path}: all texts of {lost[0]!r} are in {texts.part} too, so none of them can be fitted to")
    outside = without_copies([Labelled(text, "") for text in texts.outside_fit], measured)
    copies = len(texts.fit) - len(fit) + len(texts.outside_fit) - len(outside)
    return replace(texts, fit=fit, outside_fit=[example.text for example in outside], copies=copies)


class _Clinc(msgspec.Struct):
    train: list[tuple[str, str]]
    val: list[tuple[str, str]] = []
    test: list[tuple[str, str]] = []
    oos_train: list[tuple[str, str]] = []
    oos_val: list[tuple[str, str]] = []
    oos_test: list[tuple[str, str]] = []


def _clinc(folder: Path) -> Texts:
    path = folder / "data.json"
    try:
        parts = msgspec.json.decode(path.read_bytes().removeprefix(codecs.BOM_UTF8), type=_Clinc)
    except msgspec.DecodeError as problem:
        raise DataError(f"{path}: {problem}") from None

    def examples(name: str, pairs: list[tuple[str, str]]) -> list[Labelled]:
        return [_labelled(text, label, f"{path}, {name}[{at}]") for at, (text, label) in enumerate(pairs)]

    fit = examples("train", parts.train)
    outside_fit = [text for text, _ in parts.oos_train]
    for name, pairs, outside in (("test", parts.test, parts.oos_test), ("val", parts.val, parts.oos_val)):
        if pairs:
            return Texts("clinc150", fit, examples(name, pairs), name, outside_fit, [text for text, _ in outside])
    return _carved("clinc150", fit, outside_fit)


def _banking(folder: Path) -> Texts:
    def read(path: Path) -> list[Labelled]:
        rows = list(_rows(path, ",", ("text", "category")))
        found = [_labelled(text, label, f"{path}, line {line}") for line, (text, label) in rows]
        labels = {example.label for example in found}
        pairs = zip(rows, found, strict=True)
        broken = [line for (line, _), one in pairs if _has_lines(one.text, labels, f"{path}, line {line}")]
        if broken:
            many = f", as {len(broken) - 1} more do" if len(broken) > 1 else ""
            log.warning(
                "%s, line %d: the text that begins here has a line break%s; is a quotation mark too many?",
                path, broken[0], many,
            )  # fmt: skip
        return found

    if (folder / "test.csv").is_file():
        return Texts("banking77", read(folder / "train.csv"), read(folder / "test.csv"), "test.csv")
    examples = read(folder / "train.csv")
    each = round(CARVED_SHARE * len(examples) / max(len({example.label for example in examples}), 1))
    fit, measured = carve_evenly(examples, max(each, 1), CARVING_SEED)
    part = f"{each} of train a label, no more than half, carved by seed {CARVING_SEED}"
    return Texts("banking77", fit, measured, part, carved=True)


def _hwu(folder: Path) -> Texts:
    def read(path: Path) -> list[Labelled]:
        rows = _rows(path, "\t", ("scenario", "intent", "text"))
        return [
            _labelled(text, f"{scenario.strip()}_{intent.strip()}", f"{path}, line {line}")
            for line, (scenario, intent, text) in rows
        ]

    return _train_and_test("hwu64", folder, "kfold1_train.tsv", "kfold1_test.tsv", read)


def _snips(folder: Path) -> Texts:
    def read(path: Path) -> list[Labelled]:
        found = []
        # Not splitlines: JSON may hold U+2028 and the like as they are.
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n"), start=1):
            place = f"{path}, line {number}"
            try:
                row = json.loads(line)
                text, intent = row["text"], row["intent"]
            except (ValueError, KeyError, TypeError):
                raise DataError(f"{place}: a map with the keys text and intent was expected") from None
            if not isinstance(text, str) or not isinstance(intent, str):
                raise DataError(f'{place}: text and intent must be strings, as in "intent": "7"')
            found.append(_labelled(text.strip(), intent, place))
        return found

    return _train_and_test("snips", folder, "train.jsonl", "validate.jsonl", read)


def _train_and_test(name: str, folder: Path, train: str, test: str, read: Callable[[Path], list[Labelled]]) -> Texts:
    fit = read(folder / train)
    if (folder / test).is_file():
        return Texts(name, fit, read(folder / test), test)
    return _carved(name, fit, [])


def _carved(name: str, examples: Sequence[Labelled], outside: list[str]) -> Texts:
    fit, measured = carve(examples, CARVED_SHARE, CARVING_SEED)
    part = f"{CARVED_SHARE:.0%} of train, carved by seed {CARVING_SEED}"
    count = round(CARVED_SHARE * len(outside))
    order = random.Random(CARVING_SEED).sample(outside, len(outside))
    return Texts(name, fit, measured, part, order[count:], order[:count], carved=True)


def _labelled(text: str, label: str, place: str) -> Labelled:
    label = label.strip()
    if not text.strip() or not label:
        raise DataError(f"{place}: the {'label' if text.strip() else 'text'} is empty")
    if len(label.splitlines()) > 1:
        raise DataError(f"{place}: the label goes on over several lines; is a quotation mark not closed?")
    try:
        label.encode()
    except UnicodeEncodeError:
        # JSON may name half of a letter, which no file can hold.
        raise DataError(f"{place}: the label {label!r} is not Unicode") from None
    return Labelled(text, label)


def _has_lines(text: str, labels: Set[str], place: str) -> bool:
    """Whether a text has a line break; refuses one of several rows, as comes of a quotation mark that is closed in a
    later one."""
    lines = _LINE_BREAK.split(text.strip())
    if len(lines) < 2:
        return False
    for line in lines:
        if _is_row(line, labels):
            raise DataError(
                f"{place}: the text that begins here goes on over {len(lines)} lines, of which {line!r} is a row of its"
                " own; close the quotation mark, or write one that is the text's own twice, in a text that is in quotes"
            )
    return True


def _is_row(line: str, labels: Set[str]) -> bool:
    """Whether a line has a label as a field, at either end; a sentence has a space after its comma."""
    first, _, after = line.partition(",")
    label = line.rpartition(",")[2]
    return "," in line and (label.strip('"') in labels or (first.strip('"') in labels and not after.startswith(" ")))


def _rows(path: Path, delimiter: str, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its values in the columns."""
    # Fields between tabs are as they are: a quotation mark is one of the text's.
    quoting: Any = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, quoting=quoting, strict=True)
            names = next(reader, [])
            missing = [column for column in columns if column not in names]
            if missing:
                raise DataError(f"{path}, line 1: no column {', '.join(missing)}; it needs {', '.join(columns)}")
            places = [names.index(column) for column in columns]
            line = reader.line_num + 1
            for row in reader:
                if row:
                    values = [row[place] if place < len(row) else "" for place in places]
                    if not all(value.strip() for value in values):
                        raise DataError(f"{path}, line {line}: one of {', '.join(columns)} is empty")
                    if delimiter == "," and any(row[len(names) :]):
                        hint = "a text with a comma in it goes in quotation marks, and every column has a name"
                        raise DataError(
                            f"{path}, line {line}: {len(row)} fields, but line 1 names {len(names)}; {hint}"
                        )
                    yield line, values
                line = reader.line_num + 1
    except UnicodeDecodeError as problem:
        raise DataError(f"{path}: not UTF-8 at byte {problem.start}") from None
    except csv.Error as problem:
        hint = "is a quotation mark not closed, one too many, or a space after it?"
        raise DataError(f"{path}, line {line}: {problem}; {hint}") from None


_FORMATS: Final[dict[str, Callable[[Path], Texts]]] = {
    "data.json": _clinc,
    "train.csv": _banking,
    "kfold1_train.tsv": _hwu,
    "train.jsonl": _snips,
}

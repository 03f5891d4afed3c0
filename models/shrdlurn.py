"""The logs of SHRDLURN (Wang, Liang and Manning, "Learning Language Games through Interaction", ACL 2016).

Each player gives orders to move blocks in words of his own. A folder has ``shrdlurn.jsonl.gz`` (or the same not
compressed): a line an order, in the order of time, with the keys ``user``, ``utterance``, and ``start`` and ``target``:
stacks of blocks, each a list of numbers of colours from the bottom to the top.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

VERBS: Final = ("add", "remove")
COLOURS: Final = 4
FILE: Final = "shrdlurn.jsonl"


class DataError(ValueError):
    """A folder without such logs; the message names the file, the line and what is wrong."""


@dataclass(frozen=True)
class Order:
    """What a player said, and what it did: one of ``VERBS`` with blocks of one colour, 0 to 3."""

    text: str
    verb: str
    colour: int


@dataclass
class Players:
    """The orders of each player in the order of time; ``left_out`` are those that do more than one thing."""

    orders: dict[str, list[Order]]
    left_out: int


class _Line(msgspec.Struct):
    user: str
    utterance: str
    start: list[list[int]]
    target: list[list[int]]


def load(folder: Path) -> Players:
    """Reads the logs.

    Raises:
        DataError: there are none, or a line is not as it should be.
    """
    found = [path for path in (folder / f"{FILE}.gz", folder / FILE) if path.is_file()]
    if not found:
        raise DataError(f"{folder}: no {FILE} or {FILE}.gz")
    path = found[0]
    decode = msgspec.json.Decoder(_Line).decode
    players = Players({}, 0)
    data = path.read_bytes()
    try:
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
    except (OSError, EOFError) as problem:
        raise DataError(f"{path}: {problem}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = decode(line)
        except msgspec.DecodeError as problem:
            raise DataError(f"{path}: line {number}: {problem}") from None
        done = label(one.start, one.target)
        if done is None:
            players.left_out += 1
        else:
            players.orders.setdefault(one.user, []).append(Order(one.utterance, *done))
    return players


def label(start: Sequence[Sequence[int]], target: Sequence[Sequence[int]]) -> tuple[str, int] | None:
    """What was done: verb and colour, if blocks were only added or only removed, and all of one colour."""
    done: set[tuple[str, int]] = set()
    for before, after in itertools.zip_longest(start, target, fillvalue=()):
        common = 0
        while common < min(len(before), len(after)) and before[common] == after[common]:
            common += 1
        done |= {("remove", colour) for colour in before[common:]} | {("add", colour) for colour in after[common:]}
    return done.pop() if len(done) == 1 else None

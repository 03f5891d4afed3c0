"""Names of the thousand things that the network was trained on (ILSVRC 2012), in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Final

COUNT: Final = 1000


@dataclass(frozen=True)
class Labels:
    """In the order of the network's outputs.

    Attributes:
        names: short English names, each once.
        synsets: numbers in WordNet 3.0, such as ``n02124075``.
        others: further names of each.
    """

    names: tuple[str, ...]
    synsets: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]

    @classmethod
    def load(cls) -> Labels:
        """Those that ship here."""
        text = resources.files("models.vision").joinpath("labels.txt").read_text(encoding="utf-8")
        rows = [[*line.split("\t"), ""][:3] for line in text.splitlines()]
        return cls(
            names=tuple(name for _, name, _ in rows),
            synsets=tuple(synset for synset, _, _ in rows),
            others=tuple(tuple(filter(None, others.split(", "))) for _, _, others in rows),
        )

    def index(self, label: str) -> int:
        """Which one is meant by an index, a number of WordNet or a name; case, hyphens and underscores do not matter.

        Raises:
            ValueError: none is, or several may be; the message says which.
        """
        said = label.strip()
        if said.isascii() and said.isdigit():
            if int(said) >= COUNT:
                raise ValueError(f"there is no thing {said}: they are 0 to {COUNT - 1}")
            return int(said)
        found = self._found.get(_plain(said)) or self._all_of(said.split(","))
        if len(found) > 1:
            raise ValueError(f"{label!r} may be {' or '.join(f'{one} ({self.names[one]})' for one in found)}")
        if not found:
            raise ValueError(f"the network knows nothing by the name {label!r}")
        return found[0]

    def _all_of(self, words: Sequence[str]) -> tuple[int, ...]:
        """Those that have all of several names, as a synset is written out."""
        each = [set(self._found.get(_plain(word), ())) for word in words]
        return tuple(sorted(set.intersection(*each)))

    @cached_property
    def _found(self) -> dict[str, tuple[int, ...]]:
        first: dict[str, tuple[int, ...]] = {_plain(name): (number,) for number, name in enumerate(self.names)}
        first |= {synset: (number,) for number, synset in enumerate(self.synsets)}
        further: dict[str, list[int]] = {}
        for number, others in enumerate(self.others):
            for name in dict.fromkeys(map(_plain, others)):
                further.setdefault(name, []).append(number)
        return {name: tuple(numbers) for name, numbers in further.items()} | first


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())

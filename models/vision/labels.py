"""Names of the thousand things that the network was trained on (ILSVRC 2012), in its order."""

from __future__ import annotations

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
        """Which one is meant by an index, a number of WordNet or a name, or by all names of a synset between commas.

        Case, hyphens and underscores do not matter, but where they tell two apart. Where the first name of one is a
        further name of another, the one is meant.

        Raises:
            ValueError: none is, or several may be; the message says which.
        """
        said = label.strip()
        if said.isascii() and said.isdigit():
            if int(said) >= COUNT:
                raise ValueError(f"there is no thing {said}: they are 0 to {COUNT - 1}")
            return int(said)
        for name in (said, _plain(said)):
            if name in self._first:
                return self._first[name]
            if name in self._meanings:
                return self._only(label, self._meanings[name])
        return self._only(
            label, set.intersection(*(self._meanings.get(_plain(word), set()) for word in said.split(",")))
        )

    def _only(self, label: str, found: set[int]) -> int:
        if not found:
            raise ValueError(f"the network knows nothing by the name {label!r}")
        if len(found) > 1:
            raise ValueError(f"{label!r} may be {' or '.join(f'{one} ({self.names[one]})' for one in sorted(found))}")
        return next(iter(found))

    @cached_property
    def _first(self) -> dict[str, int]:
        plain = {_plain(name): number for number, name in enumerate(self.names)}
        return plain | {name: at for names in (self.names, self.synsets) for at, name in enumerate(names)}

    @cached_property
    def _meanings(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for number, (first, others) in enumerate(zip(self.names, self.others, strict=True)):
            for name in (first, *others):
                found.setdefault(name, set()).add(number)
                found.setdefault(_plain(name), set()).add(number)
        return found


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())

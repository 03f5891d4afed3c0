"""The names of labels are examples too: "pay_bill" says what it is about, as one who chose the name meant it to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_BETWEEN: Final = re.compile(r"[\W_]+")


def with_names(texts: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Texts and their labels, and after them each label's name in words, where it has any."""
    names = [(" ".join(_BETWEEN.split(label)).strip().casefold(), label) for label in sorted(set(labels))]
    added = [(name, label) for name, label in names if name]
    return [*texts, *(name for name, _ in added)], [*labels, *(label for _, label in added)]

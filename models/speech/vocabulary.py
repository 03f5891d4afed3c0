"""What is likely to be said to an app: its phrases, the names of what is there, the user's own words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """Words and phrases.

    Attributes:
        words: names and values, each of one word or more: "mug", "light roast".
        phrases: whole commands; ``{name}`` stands for anything.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()

"""What stands in an utterance that may answer a question: whether it gives nothing, and what is said beside the answer."""

from __future__ import annotations

from typing import Literal

from models.language import english as en
from models.language.words import words

Aside = Literal["", "declines", "hesitates"]


def aside(text: str) -> Aside:
    """What a text does that gives nothing of what was asked for; empty if it says more than that.

    It declines ("no", "oh, never mind"), or hesitates ("hmm", "no wait", "sorry, what?"); of both, what comes last counts.
    """
    said = [word.text for word in words(text)]
    how: Aside = "hesitates" if said else ""
    at = 0
    while at < len(said):
        phrases = en.ASIDES.get(said[at], ())
        phrase, name = next((one for one in phrases if tuple(said[at : at + len(one[0])]) == one[0]), ((), ""))
        if phrase:
            how = "declines" if name == "declines" else "hesitates"
        elif said[at] not in en.FILLERS:
            return ""
        at += len(phrase) or 1
    return how

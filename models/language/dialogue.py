"""What is asked about an utterance and what it turns out to mean, in plain data that can travel between processes."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.language.mentions import Names
from models.language.references import Situation

Value = str | int | float | bool

TARGET = "target"
"""What is missing of an action that waits for its target."""


@dataclass(frozen=True)
class Pending:
    """An action that was understood and waits for more.

    Attributes:
        missing: ``TARGET`` or names of arguments, in the order in which they are asked for.
        likely: the ``id`` of each target that the question for one named, the likeliest first; empty if it named none.
    """

    action: str
    confidence: float
    missing: tuple[str, ...]
    target: str = ""
    arguments: dict[str, Value] = field(default_factory=dict)
    likely: tuple[str, ...] = ()


@dataclass(frozen=True)
class Phrase:
    """What one user means by some words.

    Attributes:
        text: the words; ``{target}`` in them, or the name of a target, holds for any target.
        action: what they mean; empty for nothing at all.
        target: the ``id`` of the target that they mean where they name none; empty for none.
        arguments: those that they mean where they name none.
    """

    text: str
    action: str = ""
    target: str = ""
    arguments: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Name:
    """What one user calls a target, by its ``id``."""

    name: str
    target: str


@dataclass(frozen=True)
class Question:
    """An utterance and all that helps to understand it.

    Attributes:
        phrases: the user's own, the latest last.
        before: what the user said right before; empty for nothing. "No, I meant ..." speaks of it.
        clear: whether that was understood beyond doubt, as its ``Reading`` says.
    """

    text: str
    situation: Situation
    pending: Pending | None = None
    phrases: tuple[Phrase, ...] = ()
    before: str = ""
    clear: bool = False

    @property
    def names(self) -> Names:
        """What each target in the scene is called."""
        return tuple((one.name or one.id, one.aliases) for one in self.situation.candidates)


@dataclass(frozen=True)
class Reading:
    """What an utterance means.

    Attributes:
        action: the action meant; empty for none of them.
        confidence: how sure that is, 0 to 1.
        target: the ``id`` of the target meant; empty for none.
        target_confidence: how sure that is.
        missing: what the action still waits for, as in ``Pending``.
        problem: for people: why it means nothing, or what is missing; empty where it can be performed or teaches.
        completes: whether it gives what a pending action waited for, or is to be asked for that again.
        declines: whether a pending action is to wait no more: "never mind".
        likely: as in ``Pending``.
        undone: what else was ordered, in the user's words; one action comes of an utterance.
        phrase: the user's own phrase that decided; empty where the app's phrases did.
        teaches_phrase: what is to be learned of it. With an action it corrects what was said before.
        teaches_name: likewise.
        clear: whether what was said is beyond doubt. Who says "I meant ..." after that corrects himself, and it teaches
            nothing.
        ranking: the likeliest actions and their probabilities, best first.
        why: for developers: how it was understood, a line a step.
    """

    action: str
    confidence: float
    target: str = ""
    target_confidence: float = 0.0
    arguments: dict[str, Value] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    problem: str = ""
    completes: bool = False
    declines: bool = False
    likely: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    phrase: str = ""
    teaches_phrase: Phrase | None = None
    teaches_name: Name | None = None
    clear: bool = False
    ranking: tuple[tuple[str, float], ...] = ()
    why: tuple[str, ...] = ()

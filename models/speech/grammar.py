"""Grammars of Picovoice's Rhino as actions with phrases and arguments.

Of the YAML format, this reads what the speech-to-intent benchmark has: ``[a, b]`` is one of some words, ``(a)`` may be
left out, ``$slot:name`` is a value of a slot.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from models.language.app_actions import Action
from models.language.arguments import Choice

MAX_PHRASES: Final = 256

_PART: Final = re.compile(r"\[([^\]]*)\]|\(([^)]*)\)|\$([\w.]+):(\w+)|([^\[\]()$]+)")


def load(path: Path) -> list[Action]:
    """Actions of a grammar, one an intent.

    Alternatives take turns over an intent's expressions, so that each is in some phrase and phrases stay few.

    Raises:
        ValueError: the file is no such grammar.
        OSError: it cannot be read.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    try:
        context = document["context"]
        slots = {name: tuple(map(str, values)) for name, values in (context.get("slots") or {}).items()}
        expressions = {name: list(map(str, listed)) for name, listed in context["expressions"].items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is no grammar: context.expressions and context.slots were expected") from error
    return [_action(name, listed, slots, path) for name, listed in expressions.items()]


def _action(name: str, expressions: list[str], slots: dict[str, tuple[str, ...]], path: Path) -> Action:
    kinds: dict[str, str] = {}
    phrases: dict[str, None] = {}
    for number, expression in enumerate(expressions):
        phrases.setdefault(_phrase(expression, number, kinds))
    unknown = sorted(set(kinds.values()) - set(slots))
    if unknown:
        raise ValueError(f"{path}: {name} has slots without values: {', '.join(unknown)}")
    arguments = tuple(Choice(slot, dict.fromkeys(slots[kind], ())) for slot, kind in kinds.items())
    return Action(name, tuple(phrases)[:MAX_PHRASES], "none", arguments)


def _phrase(expression: str, number: int, kinds: dict[str, str]) -> str:
    parts = []
    for choice, optional, kind, slot, literal in _PART.findall(expression):
        if slot:
            kinds.setdefault(slot, kind)
            parts.append(f"{{{slot}}}")
        elif choice:
            options: list[Any] = choice.split(",")
            parts.append(options[number % len(options)].strip())
        else:
            parts.append((literal or optional).strip())
    return " ".join(filter(None, parts))

"""What an app declares: its actions, the phrases that mean them, and their arguments.

The same structure is the ``app`` of a ``hello`` and, as TOML, a manifest (``bridge.manifest``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from bridge.fields import Identifier, Name, Unit

MAX_ACTIONS: Final = 256
MAX_PHRASES: Final = 256
MAX_OBJECTS: Final = 64

ANY_GESTURE: Final = "*"
"""Among an action's gestures: any that no other action has."""

ANY_SIGHT: Final = "*"
"""Among what an action sees: anything that no other action has."""

TARGET: Final = "target"
"""The placeholder that stands for a target in a phrase."""

Phrase = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Bound = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BRACE = re.compile(r"[{}]")
_WORD = re.compile(r"\w")
_WORDS = re.compile(r"\w+")
_ARGUMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Argument(msgspec.Struct, omit_defaults=True):
    """Something that an action has to know, and that the user says.

    Attributes:
        name: what ``{name}`` in a phrase stands for.
        kind: ``choice`` is one of ``values``, ``number`` lies between ``minimum`` and ``maximum``, ``text`` is whatever
            a phrase leaves open.
        values: of a choice, in the words of the app.
        synonyms: other words for a value.
        unit: what a number is counted in, as people say it; empty if nothing is said.
        required: whether the action waits until it was said.
        default: what holds where it was not said; empty for nothing.
    """

    name: Identifier
    kind: Literal["choice", "number", "text"] = "choice"
    values: Annotated[list[Value], msgspec.Meta(max_length=256)] = msgspec.field(default_factory=list)
    synonyms: dict[Value, Annotated[list[Value], msgspec.Meta(max_length=32)]] = msgspec.field(default_factory=dict)
    minimum: Bound = -1e9
    maximum: Bound = 1e9
    unit: Name = ""
    required: bool = False
    default: str | float = ""


class ActionInfo(msgspec.Struct, omit_defaults=True):
    """Something that the app can do.

    Attributes:
        name: what the app gets as ``name`` of an action.
        phrases: what users say for it; ``{target}`` stands for a target, ``{name}`` for the argument of that name.
        target: whether it is about a target: ``none``, ``optional``, or ``required``, and then it waits for one.
        arguments: what else it has to know.
        labels: of the app's own classifier, those that mean this action; its own name if there are none.
        gestures: that mean it: names of built-in ones or of ones that users teach; ``*`` is any that no other has.
        sees: names of things that mean it when they come into sight: taught ones, the app's, or what the daemon's
            model knows; ``*`` is any that no other has.
    """

    name: Identifier
    phrases: Annotated[list[Phrase], msgspec.Meta(max_length=MAX_PHRASES)] = msgspec.field(default_factory=list)
    target: Literal["none", "optional", "required"] = "none"
    arguments: Annotated[list[Argument], msgspec.Meta(max_length=16)] = msgspec.field(default_factory=list)
    labels: Annotated[list[Name], msgspec.Meta(max_length=256)] = msgspec.field(default_factory=list)
    gestures: Annotated[list[Name], msgspec.Meta(max_length=64)] = msgspec.field(default_factory=list)
    sees: Annotated[list[Name], msgspec.Meta(max_length=256)] = msgspec.field(default_factory=list)


class ObjectInfo(msgspec.Struct, omit_defaults=True):
    """A thing that the app's users may show.

    Attributes:
        name: what it is called.
        examples: JPEG or PNG files of it.
    """

    name: Identifier
    examples: Annotated[list[bytes], msgspec.Meta(min_length=1, max_length=16)]


class App(msgspec.Struct, omit_defaults=True):
    """The application that a session belongs to.

    Attributes:
        name: the same in all its versions.
        version: its version.
        confidence: how sure of an action one must be; below it, an utterance means none of them.
        actions: what it can do. If there are none, those of the daemon's own manifest of that name count.
        classifier: a trained text classifier that reads utterances instead of the phrases; only in manifests.
        learn: whether anything may be learned of its users.
        bystanders: what comes of speech that is not the user's, once the user's voice is known.
        objects: things that can be seen, beside what the daemon's model knows and what users teach.
    """

    name: Identifier
    version: Name = ""
    confidence: Unit = 0.5
    actions: Annotated[list[ActionInfo], msgspec.Meta(max_length=MAX_ACTIONS)] = msgspec.field(default_factory=list)
    classifier: Name = ""
    learn: bool = True
    bystanders: Literal["heard", "ignored"] = "heard"
    objects: Annotated[list[ObjectInfo], msgspec.Meta(max_length=MAX_OBJECTS)] = msgspec.field(default_factory=list)


class Mistake(ValueError):
    """What cannot be in an app. ``path`` leads there, as ``actions[2].phrases[0]``."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.text = text


def check(app: App) -> None:
    """Checks what the types alone do not say.

    Raises:
        Mistake: the first thing that is wrong.
    """
    for mistake in _mistakes(app):
        raise mistake


def is_spoken_to(app: App) -> bool:
    """Whether utterances can mean something to an app."""
    return bool(app.classifier) or any(action.phrases for action in app.actions)


def digest(app: App) -> str:
    """A name for what the app means by its actions: the same for the same declarations, whatever its version."""
    meaning = msgspec.structs.replace(app, version="", objects=[])
    return hashlib.sha256(msgspec.msgpack.encode(meaning)).hexdigest()[:32]


def _mistakes(app: App) -> Iterator[Mistake]:
    names: set[str] = set()
    phrases: dict[str, str] = {}
    labels: dict[str, str] = {}
    gestures: dict[str, str] = {}
    seen: dict[str, str] = {}
    for at, action in enumerate(app.actions):
        path = f"actions[{at}]"
        if action.name in names:
            yield Mistake(f"{path}.name", f"{action.name!r} is there twice; each action has a name of its own")
        names.add(action.name)
        if not (action.phrases or action.gestures or action.sees or app.classifier):
            text = f"{action.name!r} needs at least one phrase, gesture or sight that means it"
            yield Mistake(f"{path}.phrases", text)
        for place, phrase in enumerate(action.phrases):
            # A classifier tells actions apart without their phrases.
            other = phrases.setdefault(" ".join(_WORDS.findall(phrase.casefold())), action.name)
            if other != action.name and not app.classifier:
                text = f"{phrase!r} means {other!r} already; a phrase means one action"
                yield Mistake(f"{path}.phrases[{place}]", text)
        for place, label in enumerate(action.labels or [action.name] if app.classifier else []):
            other = labels.setdefault(label, action.name)
            if other != action.name:
                text = f"the label {label!r} means {other!r} already; a label means one action"
                yield Mistake(f"{path}.labels[{place}]" if action.labels else f"{path}.name", text)
        for place, gesture in enumerate(action.gestures):
            if gesture in gestures:
                text = f"{gesture!r} means {gestures[gesture]!r} already; a gesture means one action"
                yield Mistake(f"{path}.gestures[{place}]", text)
            gestures[gesture] = action.name
        for place, sight in enumerate(action.sees):
            if sight.casefold() in seen:
                text = f"{sight!r} means {seen[sight.casefold()]!r} already; a sight means one action"
                yield Mistake(f"{path}.sees[{place}]", text)
            seen[sight.casefold()] = action.name
        yield from _argument_mistakes(action, path)
        yield from _phrase_mistakes(action, path)
    yield from _object_mistakes(app)


def _object_mistakes(app: App) -> Iterator[Mistake]:
    names: set[str] = set()
    for at, thing in enumerate(app.objects):
        if thing.name.casefold() in names:
            yield Mistake(f"objects[{at}].name", f"{thing.name!r} is there twice; each object has a name of its own")
        names.add(thing.name.casefold())


def _phrase_mistakes(action: ActionInfo, path: str) -> Iterator[Mistake]:
    known = {argument.name for argument in action.arguments}
    if action.target != "none":
        known.add(TARGET)
    for at, phrase in enumerate(action.phrases):
        if "{" in phrase or "}" in phrase:
            yield from _placeholder_mistakes(phrase, known, f"{path}.phrases[{at}]")
        if not (phrase[0].isalnum() or _WORD.search(phrase)):
            yield Mistake(f"{path}.phrases[{at}]", f"{phrase!r} has no words")


def _placeholder_mistakes(phrase: str, known: set[str], path: str) -> Iterator[Mistake]:
    for name in _PLACEHOLDER.findall(phrase):
        if name == TARGET and name not in known:
            yield Mistake(path, f'{phrase!r} names a target; say target = "required" or "optional" in this action')
        elif name not in known:
            told = ", ".join(sorted(f"{{{name}}}" for name in known)) or "none"
            yield Mistake(path, f"{phrase!r} has {{{name}}}, which is no argument of this action; it has: {told}")
    if _BRACE.search(_PLACEHOLDER.sub("", phrase)):
        yield Mistake(path, f"{phrase!r} has a brace without its partner")


def _argument_mistakes(action: ActionInfo, path: str) -> Iterator[Mistake]:
    names: set[str] = set()
    for at, argument in enumerate(action.arguments):
        here = f"{path}.arguments[{at}]"
        if not _ARGUMENT_NAME.match(argument.name) or argument.name == TARGET:
            yield Mistake(f"{here}.name", f"{argument.name!r}: letters, digits and _ were expected, and not 'target'")
        if argument.name in names:
            yield Mistake(f"{here}.name", f"{argument.name!r} is there twice")
        names.add(argument.name)
        if argument.kind == "choice" and not argument.values:
            yield Mistake(
                f"{here}.values", f'{argument.name!r} has nothing to choose from; list values, or say kind = "number"'
            )
        if argument.kind != "choice" and argument.values:
            yield Mistake(f"{here}.values", f"{argument.name!r} is a {argument.kind}; only a choice has values")
        for value in argument.synonyms:
            if value not in argument.values:
                yield Mistake(f"{here}.synonyms", f"{value!r} is none of the values: {', '.join(argument.values)}")
        if argument.minimum > argument.maximum:
            yield Mistake(f"{here}.minimum", f"{argument.minimum:g} is more than the maximum, {argument.maximum:g}")
        yield from _default_mistakes(argument, here)


def _default_mistakes(argument: Argument, path: str) -> Iterator[Mistake]:
    default = argument.default
    if default == "":
        return
    if argument.required:
        text = f"{argument.name!r} is required, and what is required is waited for; leave out one of the two"
        yield Mistake(f"{path}.default", text)
    if argument.kind == "number":
        if isinstance(default, str) or not argument.minimum <= default <= argument.maximum:
            text = f"{default!r}: a number from {argument.minimum:g} to {argument.maximum:g} was expected"
            yield Mistake(f"{path}.default", text)
    elif not isinstance(default, str):
        yield Mistake(f"{path}.default", f"{default!r}: a string was expected")
    elif argument.kind == "choice" and default not in argument.values:
        yield Mistake(f"{path}.default", f"{default!r} is none of the values: {', '.join(argument.values)}")

"""App manifests: TOML files whose keys are those of ``bridge.app.App``, and a scene to try them on.

    name = "gallery"

    [[actions]]
    name = "take"
    phrases = ["pick up {target}", "take {target}"]
    target = "required"

    [[targets]]
    id = "kettle"
    name = "Kettle"
    position = [0.5, 1.0, -2.0]

    [[objects]]
    name = "badge"
    pictures = ["badge-1.jpg", "badge-2.jpg"]

Pictures are files beside the manifest. A mistake is told with its file, line and key. ``targets`` are for
``genlock say``; what an app really has around it, it sends in ``scene``.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from bridge.app import MAX_OBJECTS, ActionInfo, App, Mistake, ObjectInfo, check
from bridge.faults import STEP, in_words
from bridge.fields import Identifier, Name
from bridge.protocol import Target
from models.limits import MAX_TARGETS
from models.text.header import header
from models.vision.pictures import kind_of

MAX_BYTES: Final = 1 << 20

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""\s*([A-Za-z0-9_.-]+|"[^"]*"|'[^']*')\s*=""")


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names the file, the line, the key and what was expected."""


@dataclass(frozen=True)
class Manifest:
    """An app, and targets to try it on."""

    app: App
    targets: tuple[Target, ...]
    path: Path


class _Shown(msgspec.Struct):
    name: Identifier
    pictures: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=16)]


class _File(App):
    objects: Annotated[list[_Shown], msgspec.Meta(max_length=MAX_OBJECTS)] = msgspec.field(default_factory=list)  # type: ignore[assignment]
    targets: list[Target] = msgspec.field(default_factory=list)


def load(path: Path) -> Manifest:
    """Reads a manifest.

    Raises:
        ManifestError: it is not there, or there is a mistake in it.
    """
    try:
        data = path.read_bytes()
        # Some editors put a byte order mark before the first letter.
        text = data.decode("utf-8-sig")
    except OSError as problem:
        raise ManifestError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        raise ManifestError(f"{path}, line {line}: not UTF-8") from None
    if len(data) > MAX_BYTES:
        raise ManifestError(f"{path}: {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        words, _, place = str(problem).partition(" (at ")
        told = re.search(r"line (\d+)", place)
        number = int(told.group(1)) if told else text.count("\n") + 1
        raise ManifestError(f"{path}, line {number}: not TOML: {words}") from None
    try:
        # Keys that nothing knows are slips of the pen, and would otherwise pass in silence.
        _check_keys(table, msgspec.inspect.type_info(_File), "")
        file = _convert(table)
        objects = [_object(thing, f"objects[{at}]", path.parent) for at, thing in enumerate(file.objects)]
        app = App(**{field: getattr(file, field) for field in App.__struct_fields__} | {"objects": objects})
        if not app.actions:
            raise Mistake("actions", "an app needs at least one action: [[actions]] with a name and phrases")
        check(app)
        _check_targets(file.targets)
        if app.classifier:
            app.classifier = _classifier(path.parent / app.classifier, app.actions)
    except Mistake as mistake:
        line_number = _line_of(text, mistake.path)
        raise ManifestError(f"{path}, line {line_number}, {mistake.path or 'the file'}: {mistake.text}") from None
    return Manifest(app, tuple(file.targets), path)


def _convert(table: dict[str, Any]) -> _File:
    try:
        return msgspec.convert(table, _File)
    except msgspec.ValidationError as problem:
        words, _, place = str(problem).partition(" - at `")
        path = place.removesuffix("`").removeprefix("$").lstrip(".")
        raise Mistake(path, in_words(words, _File, path, table="a table")) from None


def _check_keys(value: Any, kind: msgspec.inspect.Type, path: str) -> None:
    if isinstance(kind, msgspec.inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        for key, inner in value.items():
            here = f"{path}.{key}" if path else key
            if key not in fields:
                near = difflib.get_close_matches(key, fields, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(fields)}"
                raise Mistake(here, f"unknown key; {hint}")
            _check_keys(inner, fields[key], here)
    elif isinstance(kind, msgspec.inspect.ListType) and isinstance(value, list):
        for at, inner in enumerate(value):
            _check_keys(inner, kind.item_type, f"{path}[{at}]")


def _check_targets(targets: list[Target]) -> None:
    if len(targets) > MAX_TARGETS:
        raise Mistake(f"targets[{MAX_TARGETS}]", f"a scene has at most {MAX_TARGETS} targets")
    seen: set[str] = set()
    for at, target in enumerate(targets):
        if target.id in seen:
            raise Mistake(f"targets[{at}].id", f"{target.id!r} is there twice")
        seen.add(target.id)


def _object(thing: _Shown, path: str, folder: Path) -> ObjectInfo:
    examples = []
    for at, name in enumerate(thing.pictures):
        try:
            examples.append((folder / name).read_bytes())
        except OSError as problem:
            raise Mistake(f"{path}.pictures[{at}]", f"{folder / name}: {problem.strerror}") from None
        if len(examples[-1]) > MAX_BYTES:
            text = f"{folder / name}: {len(examples[-1])} bytes; a picture has at most {MAX_BYTES}"
            raise Mistake(f"{path}.pictures[{at}]", text)
        try:
            kind_of(examples[-1])
        except ValueError as problem:
            raise Mistake(f"{path}.pictures[{at}]", f"{folder / name}: {problem}") from None
    return ObjectInfo(thing.name, examples)


def _classifier(path: Path, actions: Sequence[ActionInfo]) -> str:
    if not path.is_file():
        raise Mistake("classifier", f"{path} is not there; train one with: genlock train text")
    try:
        known = header(path)["labels"]
    except OSError as problem:
        raise Mistake("classifier", f"{path}: {problem.strerror or problem}") from None
    except ValueError as problem:
        raise Mistake("classifier", str(problem)) from None
    if not any(label in known for action in actions for label in action.labels or [action.name]):
        text = f"no action has a label of {path}, which knows {', '.join(known[:8])}, ...; list them in labels"
        raise Mistake("classifier", text)
    return str(path.resolve())


def _line_of(text: str, path: str) -> int:
    """The line on which a key stands, or else the table or key nearest above it in the path."""
    wanted = [(name, int(index) if index.isdigit() else None) for name, index in _steps(path)]
    best, depth = 1, 0
    for place, number in _places(text):
        common = 0
        for step, want in zip(place, wanted, strict=False):
            if step[0] != want[0] or (step[1] is not None and want[1] is not None and step[1] != want[1]):
                break
            common += 1
        if common == len(place) and common > depth:
            best, depth = number, common
    return best


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """A path in steps: names, each with its index where it has one."""
    name, index = "", ""
    for found in STEP.finditer(path):
        if found.group(1) is not None:
            if name:
                yield name, index
            name, index = found.group(1), ""
        elif not index:
            index = found.group(2)
    if name:
        yield name, index


def _places(text: str) -> Iterator[tuple[list[tuple[str, int | None]], int]]:
    """Where each table and key of a TOML text stands: the way to it, and its line."""
    counts: dict[tuple[str, ...], int] = {}
    table: list[tuple[str, int | None]] = []
    open_quotes = ""
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if open_quotes or depth > 0:
            open_quotes, depth = _after(line, open_quotes, depth)
            continue
        header = _HEADER.match(line)
        if header is not None:
            names = tuple(part.strip().strip("\"'") for part in header.group(2).split("."))
            if header.group(1) == "[[":
                counts[names] = counts.get(names, -1) + 1
                for inner in [key for key in counts if len(key) > len(names) and key[: len(names)] == names]:
                    del counts[inner]
            table = [(name, counts.get(names[: at + 1])) for at, name in enumerate(names)]
            yield table, number
            continue
        key = _KEY.match(line)
        if key is not None:
            names = tuple(part.strip("\"'") for part in key.group(1).split("."))
            yield [*table, *((name, None) for name in names)], number
            open_quotes, depth = _after(line[key.end() :], "", 0)


def _after(line: str, quotes: str, depth: int) -> tuple[str, int]:
    """Which quotes and how many brackets are open at the end of a line."""
    at = 0
    while at < len(line):
        if quotes:
            if line.startswith(quotes, at):
                at, quotes = at + len(quotes), ""
            else:
                at += 2 if line[at] == "\\" and quotes[0] == '"' else 1
            continue
        triple = line[at : at + 3]
        if triple in ('"""', "'''"):
            quotes, at = triple, at + 3
        elif line[at] in "\"'":
            quotes, at = line[at], at + 1
        elif line[at] == "#":
            break
        else:
            depth += (line[at] in "[{") - (line[at] in "]}")
            at += 1
    return (quotes if len(quotes) == 3 else ""), depth

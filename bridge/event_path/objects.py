"""What apps brought for their users to show: looked at once, for all sessions of an app."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bridge.app import App, ObjectInfo
from bridge.event_path.seeing import Glimpse, Seeing
from bridge.protocol import Error, ErrorCode
from models.vision.prototypes import Prototypes

log = logging.getLogger("genlock.seeing")

NAMED: Final = 8
"""Of so many broken pictures at most an app is told one by one, and of the others how many there are."""


@dataclass(slots=True, eq=False)
class _Held:
    """What is held: by whom, and what came of looking at it."""

    holders: list[Callable[[Error], None]] = field(default_factory=list)
    prototypes: Prototypes | None = None
    errors: tuple[Error, ...] = ()


class AppObjects:
    """The objects of apps, as far as they have been looked at.

    Args:
        seeing: what looks at them.
    """

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing
        self._held: dict[str, _Held] = {}

    def hold(self, app: App, wrong: Callable[[Error], None]) -> Callable[[], Prototypes | None]:
        """Looks at an app's objects, if that was not done; returns what gives them when it is done.

        Args:
            wrong: called with what is wrong with them, in the terms of a ``hello``: at once if it is known already.
        """
        key = _key(app)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = _Held()
            if app.objects and not self._seeing.problem:
                self._look(app, held)
        held.holders.append(wrong)
        for error in held.errors:
            wrong(error)
        return lambda: held.prototypes

    def release(self, app: App, wrong: Callable[[Error], None]) -> None:
        """One who held an app's objects needs them no more."""
        key = _key(app)
        held = self._held[key]
        held.holders.remove(wrong)
        if not held.holders:
            del self._held[key]

    def _look(self, app: App, held: _Held) -> None:
        files = [data for thing in app.objects for data in thing.examples]
        self._seeing.learn(files, lambda found: self._looked(app, held, found))

    def _looked(self, app: App, held: _Held, found: list[Glimpse | str] | None) -> None:
        if not held.holders:
            return
        errors = []
        if found is None:
            text = "hello.app.objects: they could not be looked at; the daemon's log says more"
            errors.append(Error(ErrorCode.INTERNAL, text, "hello", "app.objects"))
        glimpses = iter(found or ())
        examples = {}
        for number, thing in enumerate(app.objects):
            seen = []
            for at, glimpse in zip(range(len(thing.examples)), glimpses, strict=False):
                if isinstance(glimpse, str):
                    key = f"app.objects[{number}].examples[{at}]"
                    text = f"hello.{key}, a picture of {thing.name!r}: {glimpse}"
                    errors.append(Error(ErrorCode.INVALID, text, "hello", key))
                else:
                    seen.append(glimpse.embedding)
            if seen:
                examples[thing.name] = seen
        if (more := len(errors) - NAMED) > 0:
            text = f"hello.app.objects: {more} more of the pictures cannot be read"
            errors[NAMED:] = [Error(ErrorCode.INVALID, text, "hello", "app.objects")]
        held.prototypes = Prototypes(examples) if examples else None
        held.errors = tuple(errors)
        for error in errors:
            # Whoever runs the daemon with a manifest of it may never see what the app is told.
            log.error("app %r: %s", app.name, error.message)
            for wrong in held.holders:
                wrong(error)


def _key(app: App) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(list[ObjectInfo](app.objects))).hexdigest()

"""What apps brought for their users to show: looked at once, for all sessions of an app."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable

import msgspec

from bridge.app import App, ObjectInfo
from bridge.event_path.seeing import Glimpse, Seeing
from models.vision.prototypes import Prototypes

log = logging.getLogger("genlock.seeing")


class AppObjects:
    """The objects of apps, as far as they have been looked at.

    Args:
        seeing: what looks at them.
    """

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing
        self._known: dict[str, Prototypes | None] = {}
        self._holders: dict[str, int] = {}

    def hold(self, app: App) -> Callable[[], Prototypes | None]:
        """Looks at an app's objects, if that was not done; returns what gives them when it is done."""
        key = _key(app)
        self._holders[key] = self._holders.get(key, 0) + 1
        if self._holders[key] == 1:
            self._known[key] = None
            if app.objects and not self._seeing.problem:
                files = [data for thing in app.objects for data in thing.examples]
                self._seeing.learn(files, lambda found: self._looked(key, app, found))
        return lambda: self._known.get(key)

    def release(self, app: App) -> None:
        """One who held an app's objects needs them no more."""
        key = _key(app)
        self._holders[key] -= 1
        if not self._holders[key]:
            del self._holders[key], self._known[key]

    def _looked(self, key: str, app: App, found: list[Glimpse | str] | None) -> None:
        if key not in self._known:
            return
        if found is None:
            log.error("the objects of app %r could not be looked at", app.name)
            return
        glimpses = iter(found)
        examples = {}
        for thing in app.objects:
            seen = []
            for at, glimpse in zip(range(len(thing.examples)), glimpses, strict=False):
                if isinstance(glimpse, str):
                    log.error("app %r, object %r, example %d: %s", app.name, thing.name, at + 1, glimpse)
                else:
                    seen.append(glimpse.embedding)
            if seen:
                examples[thing.name] = seen
        self._known[key] = Prototypes(examples) if examples else None


def _key(app: App) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(list[ObjectInfo](app.objects))).hexdigest()

"""What a session's pictures show: actions when something comes into sight, and what is in sight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Final

from bridge.event_path.seeing import Glimpse, Picture, Seeing
from bridge.profiles.items import Item
from bridge.profiles.objects import taught
from bridge.protocol import Error, ErrorCode, Image, Message, Notice, NoticeCode, Refused
from models.vision.prototypes import Prototypes

MAX_WAITING: Final = 2
"""Pictures of a session that may wait to be seen."""

MAX_A_SECOND: Final = 15

SURE: Final = 0.5
"""How likely it must be that a thing is in sight to say so."""

GONE_US: Final = 2_000_000
"""A thing that a picture was without, and that was not seen for so long, comes into sight again when it is."""

_REMEMBERED_US: Final = 5_000_000


class Sights:
    """The pictures of a session.

    Args:
        brought: what the app brought, when that has been looked at.
        seen: called with a name, how sure it is and when the picture was taken, when something comes into sight.
        tell: sends a message to the client.
        refuse: sends an error to the client.
    """

    def __init__(
        self,
        seeing: Seeing,
        brought: Callable[[], Prototypes | None],
        *,
        seen: Callable[[str, float, int], None],
        tell: Callable[[Message], None],
        refuse: Callable[[Error], None],
    ) -> None:
        self._seeing = seeing
        self._items: Sequence[Item] = ()
        self._taught: tuple[str, Prototypes | None] = ("", None)
        self._brought = brought
        self._seen = seen
        self._tell = tell
        self._refuse = refuse
        self._waiting: dict[int, int] = {}
        self._came: deque[float] = deque(maxlen=MAX_A_SECOND)
        self._dropping = False
        # When each name was seen last, and how sure that was; and of which of them a picture since then was without.
        self._last: dict[str, tuple[int, float]] = {}
        self._missed: set[str] = set()

    def take(self, image: Image) -> None:
        """Takes a picture.

        Raises:
            Refused: nothing can be seen here.
        """
        if self._seeing.problem:
            raise Refused(Error(ErrorCode.UNSUPPORTED, f"image: {self._seeing.problem}", "image"))
        now = monotonic()
        fast = len(self._came) == MAX_A_SECOND and now - self._came[0] < 1
        if fast or len(self._waiting) >= MAX_WAITING:
            if not self._dropping:
                why = f"more than {MAX_A_SECOND} a second" if fast else f"{MAX_WAITING} wait already"
                self._tell(Notice(NoticeCode.BUSY, f"image: {why}; what comes now is dropped", 100))
            self._dropping = True
            return
        self._dropping = False
        self._came.append(now)
        picture = Picture(image.format, image.width, image.height, image.data)
        serial = self._seeing.look(picture, lambda found: self._looked(serial, found))
        self._waiting[serial] = image.time

    def know(self, items: Sequence[Item]) -> None:
        """What the user taught, on top of what the app brought."""
        # Fitting takes milliseconds of the loop that frames pass through, and most that is learned is not this.
        if items != self._items or self._taught[0] != self._seeing.version:
            self._items = items
            self._taught = (self._seeing.version, taught(items, self._seeing.version))

    def in_sight(self) -> tuple[tuple[str, float], ...]:
        """What was seen in the five seconds before the newest picture, and how sure that was."""
        return tuple((name, sure) for name, (_, sure) in self._last.items())

    def end(self) -> None:
        """The session is over."""
        for serial in self._waiting:
            self._seeing.drop(serial)
        self._waiting.clear()

    def _looked(self, serial: int, glimpse: Glimpse | str | None) -> None:
        time = self._waiting.pop(serial)
        if glimpse is None:
            text = "image: it could not be looked at; the daemon's log says more"
            self._refuse(Error(ErrorCode.INTERNAL, text, "image"))
            return
        if isinstance(glimpse, str):
            self._refuse(Error(ErrorCode.INVALID, f"image.data: {glimpse}", "image", "data"))
            return
        before = self._last
        found = {name: (time, sure) for name, sure in self._names(glimpse)}
        # Either way: what was seen in a picture whose time was far too late is not remembered until then.
        self._last = {name: last for name, last in (before | found).items() if abs(time - last[0]) <= _REMEMBERED_US}
        for name, (_, sure) in found.items():
            if name not in before or (name in self._missed and abs(time - before[name][0]) > GONE_US):
                self._seen(name, sure, time)
        self._missed = self._last.keys() - found.keys()

    def _names(self, glimpse: Glimpse) -> Iterable[tuple[str, float]]:
        """What is there: what the user taught, else what the app brought, else what the model knows."""
        if self._taught[0] != self._seeing.version:
            self.know(self._items)
        for prototypes in (self._taught[1], self._brought()):
            found = prototypes.match(glimpse.embedding) if prototypes is not None else None
            if found is not None and found[1] >= SURE:
                return [found]
        return [(name, sure) for name, sure in glimpse.labels if sure >= SURE]

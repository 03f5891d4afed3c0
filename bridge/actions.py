"""From the engine's outputs to the ``actions`` message that answers a frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from bridge.protocol import Action, Actions, encode

Phase = Literal["started", "performed", "canceled"]

_REMEMBERED_ACTIONS: Final = 256
# Of actions in one message, which is to stay under 64 KiB; the others come with the next.
_MOST_BYTES: Final = 32 << 10


class Answers:
    """A session's answers: one a frame, the newest only to a slow reader, with actions that are never dropped.

    Args:
        last_n: the number of the last action of before.
    """

    def __init__(self, last_n: int = 0) -> None:
        self._last_n = last_n
        self._pending: deque[Action] = deque()
        self._sent: deque[Action] = deque(maxlen=_REMEMBERED_ACTIONS)
        self._held: Actions | None = None

    def add(
        self,
        name: str,
        phase: Phase,
        confidence: float,
        source: str,
        *,
        identifier: str = "",
        target: str = "",
        arguments: Mapping[str, str | int | float | bool] | None = None,
    ) -> None:
        """An action that the next answer shall carry; it gets the next number."""
        self._last_n += 1
        self._pending.append(
            Action(self._last_n, name, phase, confidence, source, identifier, target, dict(arguments or {}))
        )

    def action(self, n: int) -> Action | None:
        """An action by its number, of the last ones."""
        return next((action for kept in (self._pending, self._sent) for action in kept if action.n == n), None)

    def answer(
        self,
        q: int,
        t: int,
        devices: int,
        forecast: bytes,
        best: int,
        probabilities: bytes,
        scene: int,
        *,
        writable: bool,
    ) -> bytes | None:
        """The encoded answer to a frame; nothing if it has to wait until the reader has caught up."""
        actions = Actions(q, t, devices, forecast, best, probabilities, scene)
        if not writable:
            self._held = actions
            return None
        self._held = None
        return self._encode(actions)

    def news(self) -> bytes | None:
        """The actions that wait, encoded as an answer to no frame; nothing if none does."""
        return self._encode(Actions(-1, 0, 0, b"", -1, b"")) if self._pending else None

    def held(self) -> bytes | None:
        """What had to wait: the newest answer, or actions alone; nothing if there is neither."""
        actions, self._held = self._held, None
        return self.news() if actions is None else self._encode(actions)

    def forget_held(self) -> None:
        """The socket is gone, and with it whoever waited for that answer; actions stay for the next one."""
        self._held = None

    def again_after(self, n: int) -> None:
        """Actions later than number ``n`` did not arrive and have to be sent again."""
        lost = [action for action in self._sent if action.n > n]
        for action in lost:
            self._sent.remove(action)
        self._pending.extendleft(reversed(lost))

    def _encode(self, actions: Actions) -> bytes:
        size = 0
        while self._pending:
            size += len(msgspec.msgpack.encode(self._pending[0]))
            if actions.a and size > _MOST_BYTES:
                break
            action = self._pending.popleft()
            actions.a.append(action)
            self._sent.append(action)
        return encode(actions)

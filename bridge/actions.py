"""From the engine's outputs to the ``actions`` message that answers a frame."""

from __future__ import annotations

from collections import deque

from bridge.protocol import Action, Actions, encode


class Answers:
    """A session's answers: one a frame, the newest only to a slow reader, with actions that are never dropped."""

    def __init__(self) -> None:
        self._pending: deque[Action] = deque()
        self._held: Actions | None = None

    def add(self, action: Action) -> None:
        """An action that the next answer shall carry."""
        self._pending.append(action)

    def answer(
        self, q: int, t: int, devices: int, forecast: bytes, best: int, probabilities: bytes, *, writable: bool
    ) -> bytes | None:
        """The encoded answer to a frame; nothing if it has to wait until the reader has caught up."""
        actions = Actions(q, t, devices, forecast, best, probabilities)
        if not writable:
            self._held = actions
            return None
        self._held = None
        return self._encode(actions)

    def held(self) -> bytes | None:
        """The newest answer that had to wait, if there is one."""
        actions, self._held = self._held, None
        return None if actions is None else self._encode(actions)

    def forget_held(self) -> None:
        """The socket is gone, and with it whoever waited for that answer; actions stay for the next one."""
        self._held = None

    def _encode(self, actions: Actions) -> bytes:
        if self._pending:
            actions.a = list(self._pending)
            self._pending.clear()
        return encode(actions)

"""What is likely to be said to an app: looked up anew only where something else is likely than before."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.app import TARGET, App
from models.speech.vocabulary import filled

Likely = tuple[tuple[str, ...], tuple[str, ...]]
"""Names and words, and whole commands."""


class Vocabulary:
    """What is likely to be said in a session with an app."""

    def __init__(self, app: App) -> None:
        arguments = [argument for action in app.actions for argument in action.arguments]
        phrases = [phrase for action in app.actions for phrase in action.phrases]
        place = f"{{{TARGET}}}"
        self._values = {argument.name: argument.values for argument in arguments}
        self._of_targets = [phrase for phrase in phrases if place in phrase]
        self._words = tuple(
            word
            for argument in arguments
            for value in argument.values
            for word in (value, *argument.synonyms.get(value, ()))
        )
        self._others = [phrase for phrase in phrases if place not in phrase]
        self._commands: tuple[str, ...] | None = None
        self._names: tuple[str, ...] | None = None
        self._of_names: tuple[str, ...] = ()
        self._asked: tuple[tuple[str, ...], ...] | None = None
        self._likely: Likely = ((), ())

    def likely(self, names: Sequence[str], taught: Sequence[str], seen: Sequence[str]) -> Likely:
        """What is likely now; the same object as before where nothing has changed.

        Args:
            names: of what is there.
            taught: phrases that the user taught.
            seen: names of what is in sight.
        """
        asked = (tuple(names), tuple(taught), tuple(seen))
        if asked != self._asked:
            self._asked = asked
            words = tuple(dict.fromkeys((*names, *self._words, *seen)))
            self._likely = (words, tuple(dict.fromkeys((*taught, *self._all(asked[0])))))
        return self._likely

    def _all(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The app's commands; those without targets are filled once."""
        if self._commands is None:
            self._commands = filled(self._others, self._values)
        if names != self._names:
            self._names = names
            self._of_names = filled(self._of_targets, {**self._values, TARGET: names})
        return (*self._of_names, *self._commands)

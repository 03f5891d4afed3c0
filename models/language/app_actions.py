"""What is known of an app whose utterances are read: its actions, and what tells them apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.intent.examples import with_names
from models.intent.model import IntentModel, Intents, Prediction
from models.intent.tuned import Tuned
from models.language.arguments import Argument, Choice, Number
from models.language.encoder import Encoder, Remembered
from models.language.orders import Orders
from models.language.phrases import EXACT, STAND_IN, Phrasebooks
from models.language.several import verbs
from models.language.words import words

OPEN: Final = "something"
"""What the intent model reads in place of what a phrase leaves open."""
PLACEHOLDER: Final = re.compile(r"\{\w+\}")

_BARE_WORDS: Final = 3
_SAMPLES: Final = 3
_NAMES_KEPT: Final = 2048


@dataclass(frozen=True)
class Action:
    """Something that an app can do, as ``bridge.app.ActionInfo`` says it."""

    name: str
    phrases: tuple[str, ...] = ()
    target: Literal["none", "optional", "required"] = "none"
    arguments: tuple[Argument, ...] = ()


class PhraseIntents:
    """Tells actions apart by their phrases.

    Attributes:
        texts, labels: the examples, and the actions that they mean.
        tuned: a longer fit of the same examples, if there is one.
    """

    def __init__(self, actions: Sequence[Action], encoder: Encoder, background: NDArray[np.float32]) -> None:
        examples = [(text, action.name) for action in actions for text in expanded(action)]
        self.texts, self.labels = with_names([text for text, _ in examples], [name for _, name in examples])
        self.tuned: Tuned | None = None
        self._model = IntentModel.fit(encoder.encode(self.texts).numpy(), self.labels, background)
        self._exact = {normal(text): action.name for action in actions for text, whole in _expanded(action) if whole}
        # What is left of one phrase without its arguments may be another action's whole one.
        for text, name in examples:
            self._exact.setdefault(normal(text), name)

    @property
    def fitted(self) -> Hashable:
        """See ``Intents``."""
        return self.tuned

    @property
    def tunable(self) -> bool:
        """Whether a longer fit could tell more: there is something to tell apart."""
        return len(set(self.labels)) > 1

    def predict_texts(self, texts: Sequence[str], embeddings: NDArray[np.float32]) -> list[Prediction]:
        """See ``Intents``."""
        predictions = self._model.predict(embeddings)
        for at, text in enumerate(texts):
            name = self._exact.get(normal(text))
            if name is not None:
                predictions[at] = Prediction(name, EXACT, ((name, EXACT),))
        # The longer fit only tells actions apart: of what means none, or is beyond doubt, it has nothing to say.
        open_ = [at for at, one in enumerate(predictions) if one.label is not None and one.confidence < EXACT]
        if (tuned := self.tuned) is not None and open_:
            some = [texts[at] for at in open_]
            longer = self._model.predict(embeddings[open_], lambda rows: tuned.likelihoods([some[row] for row in rows]))
            for at, prediction in zip(open_, longer, strict=True):
                predictions[at] = prediction
        return predictions


class Understanding:
    """All that it takes to read an app's utterances.

    Args:
        confidence: how likely an action must be to be meant at all.
    """

    def __init__(self, actions: Sequence[Action], intents: Intents, confidence: float) -> None:
        self.actions = {action.name: action for action in actions}
        self.intents = intents
        self.confidence = confidence
        self.phrasebooks = Phrasebooks({action.name: action.target != "none" for action in actions}, intents)
        # A classifier, which needs no phrases, has learned from its examples what orders and what does not.
        self.orders = {action.name: Orders(list(map(bare, action.phrases))) for action in actions if action.phrases}
        self.verbs = verbs({action.name: list(map(bare, action.phrases)) for action in actions})
        self.names = Remembered(_NAMES_KEPT)
        self._whole = frozenset(normal(text) for action in actions for text, whole in _expanded(action) if whole)
        # What the phrases and values are made of names no thing in the scene.
        self.literal = tuple(
            text
            for action in actions
            for text in (*action.phrases, *(name for one in action.arguments for name in _values(one)))
        )

    def is_phrase(self, texts: Iterable[str]) -> bool:
        """Whether one of these ways to read a text is a whole phrase of the app, word for word."""
        return any(normal(text) in self._whole for text in texts)


def expanded(action: Action) -> list[str]:
    """An action's phrases with the stand-in and a few values of each argument in their places, and without them."""
    return list(dict.fromkeys(text for text, _ in _expanded(action)))


def _expanded(action: Action) -> list[tuple[str, bool]]:
    """See ``expanded``; with each text, whether it is a whole phrase."""
    found: list[tuple[str, bool]] = []
    for number, phrase in enumerate(action.phrases):
        samples = [_samples(argument, number) for argument in action.arguments if f"{{{argument.name}}}" in phrase]
        names = [argument.name for argument in action.arguments if f"{{{argument.name}}}" in phrase]
        for values in itertools.islice(itertools.zip_longest(*samples), _SAMPLES) if samples else [()]:
            text = phrase.replace("{target}", STAND_IN)
            for name, value, sample in zip(names, values, samples, strict=True):
                text = text.replace(f"{{{name}}}", value if value is not None else sample[0])
            found.append((text, True))
        # What is said when the argument is forgotten.
        forgotten = bare(phrase)
        if samples and len(words(forgotten)) >= _BARE_WORDS:
            found.append((forgotten, False))
    return found


def bare(phrase: str) -> str:
    """A phrase without its arguments, about the stand-in."""
    return " ".join(PLACEHOLDER.sub(" ", phrase.replace("{target}", STAND_IN)).split())


def _samples(argument: Argument, number: int) -> list[str]:
    if isinstance(argument, Choice):
        values = list(argument.values)
        return [values[(number * _SAMPLES + at) % len(values)] for at in range(min(_SAMPLES, len(values)))]
    if isinstance(argument, Number):
        low, high = max(argument.minimum, 1), min(argument.maximum, 100)
        return [f"{round((low + high) / 2)}", f"{round(low + (high - low) * 0.2)}"]
    return [OPEN]


def _values(argument: Argument) -> list[str]:
    if isinstance(argument, Choice):
        return [name for value, synonyms in argument.values.items() for name in (value, *synonyms)]
    return [argument.unit] if isinstance(argument, Number) and argument.unit else []


def normal(text: str) -> str:
    """The words of a text; the same for two that differ in case and marks only."""
    return " ".join(word.text for word in words(text))

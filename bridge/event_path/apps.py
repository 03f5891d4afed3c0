"""From what an app declares to what reads its utterances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge import app as declared
from models.intent.model import Intents
from models.language.app_actions import Action, PhraseIntents, Understanding
from models.language.arguments import Argument, Choice, FreeText, Number
from models.language.encoder import Encoder
from models.text.intents import ClassifierIntents


def understand(app: declared.App, encoder: Encoder, background: NDArray[np.float32]) -> Understanding:
    """Fits what reads an app's utterances.

    Args:
        background: embeddings of what people say that is none of an app's commands.

    Raises:
        ValueError: the app's classifier cannot be loaded, or has labels for none of its actions.
    """
    actions = [_action(info) for info in app.actions]
    intents: Intents
    if app.classifier:
        labels = {label: info.name for info in app.actions for label in info.labels or [info.name]}
        intents = ClassifierIntents.load(Path(app.classifier), labels)
    else:
        intents = PhraseIntents(actions, encoder, background)
    return Understanding(actions, intents, app.confidence)


def _action(info: declared.ActionInfo) -> Action:
    return Action(info.name, tuple(info.phrases), info.target, tuple(_argument(one) for one in info.arguments))


def _argument(info: declared.Argument) -> Argument:
    if info.kind == "number":
        return Number(info.name, info.minimum, info.maximum, info.unit, info.required, info.default)
    if info.kind == "text":
        return FreeText(info.name, info.required, info.default)
    values = {value: tuple(info.synonyms.get(value, ())) for value in info.values}
    return Choice(info.name, values, info.required, info.default)

"""From an utterance to an action: what is meant by it, about which target, with which arguments, and what is missing.

The intent model sees the utterance as it is and once more with ``the object`` for whatever target it mentions, so that
an app's phrases hold in any scene; the surer one counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.intent.model import Prediction
from models.language.app_actions import Understanding, normal
from models.language.arguments import FreeText
from models.language.dialogue import Name, Phrase, Question, Reading
from models.language.encoder import Encoder
from models.language.heard import CLAIMED, Heard, cut
from models.language.mentions import template
from models.language.teaching import NameTeaching, PhraseTeaching, correction, name_teaching, phrase_teaching


def read(encoder: Encoder, asked: Sequence[tuple[Understanding, Question]]) -> list[Reading]:
    """Reads utterances of any sessions and apps, with one call of the encoder for all and one of each app's head."""
    heard = [_Listened(understanding, question) for understanding, question in asked]
    texts = [text for one in heard for text in one.texts]
    embeddings = encoder.encode(texts).numpy()
    rows: dict[int, list[int]] = defaultdict(list)
    intents = [one.intents for one in heard for _ in one.texts]
    for row, one in enumerate(intents):
        rows[id(one)].append(row)
    predictions: dict[int, Prediction] = {}
    for some in rows.values():
        found = intents[some[0]].predict_texts([texts[row] for row in some], embeddings[some])
        predictions |= zip(some, found, strict=True)
    readings = []
    at = 0
    for hearing in heard:
        end = at + len(hearing.texts)
        readings.append(hearing.read([predictions[row] for row in range(at, end)], embeddings[at:end], encoder))
        at = end
    return readings


class _Listened:
    """One utterance, which may do something or teach something."""

    def __init__(self, understanding: Understanding, question: Question) -> None:
        self.intents = understanding.intents
        self._understanding = understanding
        self._question = question
        self._names = question.names
        self._heard = Heard(understanding, question)
        self._phrase = phrase_teaching(question.text)
        self._corrected = correction(question.text) if question.before else ""
        self._name = name_teaching(question.text, self._names)
        meant = self._phrase.meant if self._phrase is not None else self._corrected
        # What a phrase is to mean is read as if it had been said.
        self._meant = Heard(understanding, replace(question, text=meant, pending=None))
        self.texts = [*self._heard.texts, *self._meant.texts]

    def read(self, predictions: Sequence[Prediction], embeddings: NDArray[np.float32], encoder: Encoder) -> Reading:
        own = len(self._heard.texts)
        reading = self._heard.read(predictions[:own], embeddings[:own], encoder)
        if reading.completes or reading.declines:
            return replace(reading, clear=reading.completes)
        if self._corrected or self._phrase is not None:
            meant = self._meant.read(predictions[own:], embeddings[own:], encoder)
            # However much it speaks of what is meant, such a sentence does nothing.
            if self._phrase is not None and not self._understanding.is_phrase(self._heard.texts):
                return self._phrase_taught(self._phrase, meant)
            if self._corrected and meant.action and self._meant.does_something:
                if self._question.clear:
                    return replace(meant, clear=True)
                return replace(meant, teaches_phrase=self._meaning(self._question.before, meant.action))
        if self._name is not None and not self._is_more_than_naming(reading, self._name):
            return self._name_taught(self._name, encoder)
        return reading

    def _is_more_than_naming(self, reading: Reading, naming: NameTeaching) -> bool:
        action = self._understanding.actions.get(reading.action)
        # One that takes any words may be the app's own way to name things.
        takes_words = action is not None and any(isinstance(one, FreeText) for one in action.arguments)
        # "Call that one Bob" is near to calling for help; what is an app's own way to name things is surer.
        return _claimed(reading, CLAIMED if naming.plainly and not takes_words else self._understanding.confidence)

    def _phrase_taught(self, teaching: PhraseTeaching, meant: Reading) -> Reading:
        action = "" if not teaching.meant else self._called(teaching.meant) or meant.action
        if teaching.meant and not action:
            problem = f"{cut(teaching.said)!r} cannot be taught: {meant.problem}"
            return Reading("", 1.0, problem=problem, ranking=meant.ranking, why=meant.why)
        why = (f"teaches that {teaching.said!r} means {action or 'nothing'}", *meant.why)
        return Reading("", meant.confidence, why=why, teaches_phrase=self._meaning(teaching.said, action))

    def _meaning(self, said: str, action: str) -> Phrase:
        """A phrase that means the action with what was said of it."""
        if not action:
            return Phrase(said)
        about = self._understanding.actions[action]
        said = template(said, self._names) if about.target != "none" else said
        target = self._meant.named if about.target != "none" and "{target}" not in said else ""
        return Phrase(said, action, target, self._meant.arguments(about))

    def _called(self, meant: str) -> str:
        """The action whose very name this is."""
        names = (name for name in self._understanding.actions if normal(name.replace("_", " ")) == normal(meant))
        return next(names, "")

    def _name_taught(self, teaching: NameTeaching, encoder: Encoder) -> Reading:
        spoken_of = Heard(self._understanding, replace(self._question, text=teaching.mention, pending=None))
        target, sure, problem = spoken_of.target(encoder)
        if not target:
            return Reading("", 1.0, problem=f"{cut(teaching.name)!r} cannot be taught: {problem}")
        why = (f"teaches that {target} is called {teaching.name!r}",)
        return Reading("", sure, target, sure, why=why, teaches_name=Name(teaching.name, target))


def _claimed(reading: Reading, confidence: float) -> bool:
    """Whether an app's action is so sure to be meant that nothing else can be."""
    return bool(reading.action) and bool(reading.ranking) and reading.ranking[0][1] >= confidence

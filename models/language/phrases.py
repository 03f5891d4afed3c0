"""The phrases that an app's users have taught it, ready to be asked about."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.intent.model import RANKED, Intents, Prediction
from models.intent.personal import MAX_EXAMPLES, Meaning, Personal, Text, compared
from models.language.dialogue import Phrase, Value
from models.language.encoder import Encoder, Remembered
from models.language.english import REQUESTING
from models.language.mentions import Mention, Names, template, without_mentions
from models.language.words import words

STAND_IN: Final = "the object"
"""What the intent model reads in place of a target."""

EXACT: Final = 0.99
"""The probability of an action of which an app's very phrase is said."""

Ranking = tuple[tuple[str, float], ...]
Way = tuple[str, str, tuple[tuple[str, Value], ...]]

_BOOKS: Final = 256
_EMBEDDINGS: Final = 1 << 14
# Of what the app gives an action, the share of each way to mean it that a user has taught, with a target or arguments,
# and what all of these get at most.
_TAUGHT_SHARE: Final = 0.1
_TAUGHT_MOST: Final = 0.5


@dataclass(frozen=True)
class Personalized:
    """What an utterance means to its user.

    Attributes:
        ranking: the likeliest actions and their probabilities, best first; what they lack to 1 is that of none.
        phrase: the phrase of the user that decided, if one did.
    """

    ranking: Ranking
    phrase: Phrase | None = None


class Phrasebook:
    """One user's phrases, fitted."""

    def __init__(
        self, phrases: Sequence[Phrase], actions: Sequence[str], texts: Sequence[Text], said: Sequence[Prediction]
    ) -> None:
        self._phrases = phrases
        ways = {_way(phrase): phrase for phrase in phrases if phrase.action}
        for name in actions:
            ways.pop(_plain(name), None)
        self._actions = ("", *actions, *(phrase.action for phrase in ways.values()))
        self._taught: tuple[Phrase | None, ...] = (*([None] * (1 + len(actions))), *ways.values())
        counts = Counter(self._actions)
        self._shares = np.array(
            [_share(counts[name] - 1, way) for name, way in zip(self._actions, self._taught, strict=True)]
        )
        number = {way: at for at, way in enumerate((*map(_plain, ("", *actions)), *ways))}
        meanings: list[Meaning] = [{}, *({"action": name} for name in actions), *map(_meaning, ways.values())]
        prior = np.array([self._prior(one.ranking) for one in said])
        self._personal = Personal(meanings, texts, [number[_way(phrase)] for phrase in phrases], prior)

    def personalized(self, forms: Sequence[Text], ranking: Ranking) -> Personalized:
        """What the user means by a text of which the app says ``ranking``."""
        prior = self._prior(ranking)
        found, nearest = self._personal.probabilities(forms, prior)
        if nearest is None:
            return Personalized(ranking)
        sums: dict[str, float] = {}
        for action, probability in zip(self._actions, found.tolist(), strict=True):
            sums[action] = sums.get(action, 0.0) + probability
        best = max(sums, key=lambda name: sums[name])
        likely = tuple(sorted(((name, sums[name]) for name in sums if name), key=lambda one: -one[1])[:RANKED])
        phrase = self._phrases[nearest]
        way = max((at for at, name in enumerate(self._actions) if name == best), key=lambda at: found[at])
        before = sum(share for name, share in zip(self._actions, prior, strict=True) if name == best)
        if sums[best] <= before or (not best and all(one.action for one in self._phrases)):
            # What was taught speaks for nothing else: it only makes less sure.
            return Personalized(ranking)
        if ranking and ranking[0][1] >= EXACT and best != ranking[0][0] and not self._personal.knows(forms):
            # An app's very phrase is taken over by the same words alone, not by those that are like it.
            return Personalized(ranking)
        if phrase.action != best:
            return Personalized(likely)
        taught = self._taught[way]
        meant = taught if taught is not None else Phrase("", best)
        return Personalized(likely, Phrase(phrase.text, best, meant.target, meant.arguments))

    def _prior(self, ranking: Ranking) -> NDArray[np.float64]:
        """``[C]``, of which the first is that of no action."""
        by_name = dict(ranking)
        prior: NDArray[np.float64] = self._shares * np.array([by_name.get(name, 0.0) for name in self._actions])
        prior[0] = max(1 - sum(by_name.values()), 0.0)
        return prior


class Phrasebooks:
    """Phrasebooks of an app's users, made when they are asked for; the least lately used are dropped.

    Args:
        targeted: the app's actions by name, and whether they are about a target.
        intents: what the app means by a text. Books are made anew when it is ``fitted`` otherwise.
    """

    def __init__(self, targeted: Mapping[str, bool], intents: Intents) -> None:
        self._targeted = targeted
        self._intents = intents
        self._books: OrderedDict[Hashable, Phrasebook] = OrderedDict()
        self._embeddings = Remembered(_EMBEDDINGS)

    def open(self, encoder: Encoder, phrases: Sequence[Phrase], names: Names) -> Phrasebook | None:
        """The book of these phrases; nothing if none of them is about this app.

        Args:
            names: of what is there, as ``find_mentions`` takes them; phrases about these hold for any target.
        """
        usable = [one for one in phrases if not one.action or one.action in self._targeted][-MAX_EXAMPLES:]
        usable = [one for one in usable if words(one.text)]
        if not usable:
            return None
        key = (self._intents.fitted, names, *((one.text, *_way(one)) for one in usable))
        book = self._books.get(key)
        if book is None:
            book = self._books[key] = self._made(encoder, usable, names)
            while len(self._books) > _BOOKS:
                self._books.popitem(last=False)
        self._books.move_to_end(key)
        return book

    def _made(self, encoder: Encoder, phrases: Sequence[Phrase], names: Names) -> Phrasebook:
        # Only of what takes a target does a phrase hold for any: "start the party" says nothing of starting a kettle.
        open_ended = [bool(self._targeted.get(one.action)) and not one.target for one in phrases]
        texts = [
            template(one.text, names) if any_one else one.text for one, any_one in zip(phrases, open_ended, strict=True)
        ]
        read = [one.replace("{target}", STAND_IN) for one in texts]
        embeddings = self._embeddings.encode(encoder, read)
        examples = []
        for one, whole, embedding in zip(texts, read, embeddings, strict=True):
            bare = one.replace("{target}", " ")
            examples.append(compared(bare if words(bare) else whole, embedding))
        return Phrasebook(phrases, tuple(self._targeted), examples, self._intents.predict_texts(read, embeddings))


def forms(said: str, mentions: Sequence[Mention], embeddings: Sequence[NDArray[np.float32]]) -> list[Text]:
    """An utterance as phrases are compared with it: as it is, without what it mentions, and each without politeness.

    Args:
        embeddings: of the text as it is and, last, with ``STAND_IN`` for what it mentions.
    """
    said_too = {said: embeddings[0], _plainly(said): embeddings[0]}
    if mentions:
        bare = without_mentions(said, mentions, " ")
        said_too |= {bare: embeddings[-1], _plainly(bare): embeddings[-1]}
    return [compared(one, embedding) for one, embedding in said_too.items() if words(one)]


def _plainly(said: str) -> str:
    """Without the words that make an order a request."""
    return " ".join(word.text for word in words(said) if word.text not in REQUESTING)


@lru_cache(maxsize=256)
def own_words(phrases: tuple[str, ...], names: Names) -> tuple[str, ...]:
    """Of phrases what names nothing that is there."""
    return tuple(template(phrase, names) for phrase in phrases)


def _share(ways: int, way: Phrase | None) -> float:
    """Of an action, the share of a way to mean it: one of so many that were taught, or else the plain one."""
    taught = min(_TAUGHT_SHARE * ways, _TAUGHT_MOST)
    return 1 - taught if way is None else taught / ways


def _plain(action: str) -> Way:
    return action, "", ()


def _way(phrase: Phrase) -> Way:
    return phrase.action, phrase.target, tuple(sorted(phrase.arguments.items()))


def _meaning(phrase: Phrase) -> Meaning:
    parts: dict[str, Hashable] = {f"argument {name}": value for name, value in phrase.arguments.items()}
    if phrase.target:
        parts["target"] = phrase.target
    return {"action": phrase.action, **parts}

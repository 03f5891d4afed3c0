"""Which target an utterance speaks of: names, pointing words and places, together with the target model.

A text is searched for *mentions*: a name or alias of a target ("the red mug"), a pointing word ("that one", "there"),
or a word for what was spoken of before ("it"). Each is resolved to probabilities over the targets. The score of a
target is a product of likelihoods, taken as independent: how well the name fits, times how well it stands as was said
("behind it"), times a power of what the target model says that the user looks and points at while saying it, times
two where something of that name is in sight. Scores are normalized
beside a share for "none of these things".

Nothing here raises for any text. Coordinates are the stage's: metres, right-handed, +Y up, -Z ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.coordinates import forward
from models.language import space
from models.language.mentions import NONE, Found, Mention, find_mentions
from models.language.space import Viewpoint

Array = NDArray[np.float64]

# What the target model can do against words: never rule a thing out.
_POINTING_FLOOR: Final = 0.05
_POINTING_POWER: Final = 0.75
# How much likelier a thing is that a picture shows for sure.
_IN_SIGHT: Final = 2.0
_LAST: Final = 0.9
_LAST_POWER: Final = 0.25
# Of the things that are pointed at, those are compared ("the left one") that come this near to the likeliest.
_PLAUSIBLE: Final = 0.1
_NEXT_IN_ORDER: Final = 0.15
_FAR_M: Final = 3.0
_WORLD_M: Final = 1e4
_KEPT: Final = 1e-4


@dataclass(frozen=True)
class Candidate:
    """A target that can be meant.

    Attributes:
        name: what it is called; its ``id`` where it is empty.
        position: of its centre, metres, in the stage.
        size: along the stage's axes, metres.
    """

    id: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size: tuple[float, float, float] = (0.1, 0.1, 0.1)


@dataclass(frozen=True)
class Situation:
    """All that helps to know what is meant.

    Attributes:
        candidates: the scene's targets.
        probabilities: the target model's, one a candidate, at the time of the words; nothing if nothing was tracked.
            Numbers that are no probabilities count as 0; another count than the candidates' counts as nothing.
        viewpoint: the speaker's head, where it is known.
        last: the ``id`` of the target that was spoken of last.
        pointing: of speech, ``probabilities`` at each word: from which character of the text on, in their order.
        seen: names of what pictures showed lately, and how sure that is.
    """

    candidates: tuple[Candidate, ...] = ()
    probabilities: tuple[float, ...] | None = None
    viewpoint: Viewpoint | None = None
    last: str | None = None
    pointing: tuple[tuple[int, tuple[float, ...]], ...] = ()
    seen: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Reference:
    """What a mention means.

    Attributes:
        ranking: ids of targets and their probabilities, best first; what they lack to 1 is that of none of them.
        why: how that came about, for developers.
    """

    mention: Mention
    ranking: tuple[tuple[str, float], ...]
    why: str


def resolve(text: str, situation: Situation, literal: Sequence[str] = ()) -> list[Reference]:
    """What a text speaks of, in its order. The first is what an action is about, a second one where it leads.

    Args:
        literal: as ``find_mentions`` takes it.
    """
    names = tuple((candidate.name or candidate.id, candidate.aliases) for candidate in situation.candidates)
    mentions = find_mentions(text, names, literal)
    if not mentions:
        return []
    scene = _Scene(situation)
    references = []
    for mention, found in mentions:
        posterior, why = scene.posterior(found, mention.start)
        order = np.argsort(-posterior, kind="stable")
        ranking = tuple((scene.ids[at], float(posterior[at])) for at in order if posterior[at] > _KEPT)
        references.append(Reference(mention, ranking, why))
    return references


class _Scene:
    """A situation in numbers, of which every one is finite."""

    def __init__(self, situation: Situation) -> None:
        self.ids = [candidate.id for candidate in situation.candidates]
        self._names = [candidate.name or candidate.id for candidate in situation.candidates]
        self._last = self.ids.index(situation.last) if situation.last in self.ids else None
        self._positions = _finite([candidate.position for candidate in situation.candidates])
        self._sizes = np.abs(_finite([candidate.size for candidate in situation.candidates]))
        self._viewpoint = _level(situation.viewpoint)
        self._pointing: Array | None = None
        self._usually = self._shares(situation.probabilities)
        self._by_word = [(start, self._shares(probabilities)) for start, probabilities in situation.pointing]
        self._in_sight = self._sights(situation)

    def posterior(self, found: Found, at: int) -> tuple[Array, str]:
        """The probability of each candidate, ``[K]``, and why. ``at`` is the character that the mention begins with."""
        self._pointing = next((found for start, found in reversed(self._by_word) if start <= at), self._usually)
        return self._posterior(found)

    def _shares(self, probabilities: Sequence[float] | None) -> Array | None:
        if probabilities is None or len(probabilities) != len(self.ids):
            return None
        shares = np.clip(np.nan_to_num(np.array(probabilities, dtype=np.float64), posinf=0.0), 0.0, 1.0)
        return np.asarray(shares / max(1.0, float(shares.sum())))

    def _sights(self, situation: Situation) -> Array:
        """How much likelier each candidate is for being in sight, ``[K]``."""
        seen = {name.casefold(): min(max(sure, 0.0), 1.0) for name, sure in situation.seen if np.isfinite(sure)}
        sure = [
            max((seen.get(name.casefold(), 0.0) for name in (one.name or one.id, *one.aliases)), default=0.0)
            for one in situation.candidates
        ]
        return 1 + (_IN_SIGHT - 1) * np.array(sure, dtype=np.float64)

    def _posterior(self, found: Found) -> tuple[Array, str]:
        if not self.ids:
            return np.zeros(0), "the scene has no targets"
        if found.unknown:
            return np.zeros(len(self.ids)), f'nothing here is called "{found.named}"'
        score, why = self._words(found)
        told_apart = bool(found.named or found.relation or found.extreme or found.ordinal)
        spoken_of = self._last is not None and (found.pronoun or found.same)
        if found.relation and found.anchor is not None:
            anchor, because = self._posterior(found.anchor)
            # All pairs of a scene take longer than the rest together; few of them are named.
            some = np.flatnonzero((score > 0) | (anchor > _KEPT))
            fits = space.relation(found.relation, self._positions[some], self._sizes[some], self._viewpoint)
            score[some] *= fits @ anchor[some]
            why.append(f"{found.relation} what is: {because}")
        if found.extreme or found.ordinal:
            score = score * self._order(found, score)
            why.append(found.extreme or f"number {found.ordinal}")
        none = found.none
        if self._pointing is None:
            if not told_apart and not spoken_of and not (found.other and self._last is not None):
                return np.zeros(len(self.ids)), "; ".join([*why, "nothing was tracked when it was said"])
        else:
            if told_apart or spoken_of:
                power = _LAST_POWER if spoken_of and not told_apart else 1.0 if found.pointed else _POINTING_POWER
                weight = (self._pointing + _POINTING_FLOOR) ** power
                none *= float(weight.max())
            else:
                weight = self._pointing
                # An unknown word beside a pointing word makes it as unsure as it makes a name.
                share = float(found.fit.max()) if found.fit.size else 1.0
                none = max(1 - float(weight.sum()), NONE if found.other else 0.0) * share + (1 - share) * none
            score = score * weight
            best = int(self._pointing.argmax())
            why.append(f"pointing says {self.ids[best]} ({self._pointing[best]:.2f})")
        total = float(score.sum()) + none
        return (score / total if total > 0 else np.zeros(len(self.ids))), "; ".join(why)

    def _words(self, found: Found) -> tuple[Array, list[str]]:
        """How well the words alone fit each candidate."""
        score, why = found.fit * self._in_sight, []
        if found.named:
            fitting = [self.ids[at] for at in np.flatnonzero(score >= 0.5 * score.max(initial=0.0)) if score[at] > 0]
            why.append(f'named "{found.named}"')
            if len(fitting) > 1:
                why.append(f"{len(fitting)} things fit that name")
        if self._last is None:
            return score, why
        if found.other:
            score[self._last] = 0
            why.append(f"not {self.ids[self._last]}")
        elif found.pronoun or found.same:
            again = np.full(len(self.ids), (1 - _LAST) / max(len(self.ids) - 1, 1))
            again[self._last] = _LAST
            score = score * again
            why.append(f"spoken of before: {self.ids[self._last]}")
        return score, why

    def _order(self, found: Found, score: Array) -> Array:
        """How well each candidate is the leftmost, or the second from the left, of those that can be meant."""
        if found.extreme in ("behind me", "ahead of me"):
            return self._facing(1 if found.extreme == "ahead of me" else -1)
        among = score > 0.3 * score.max()
        if not found.named and not found.relation and self._pointing is not None and self._pointing.max() > 0:
            among &= self._pointing >= _PLAUSIBLE * self._pointing.max()
        side = found.extreme or "left"
        fits = space.extreme(side, self._positions, self._sizes, self._viewpoint, list(among))
        if found.ordinal in (0, 1):
            return fits
        chosen = [at for at in np.argsort(-fits, kind="stable") if among[at]]
        wanted = found.ordinal - 1 if found.ordinal > 0 else len(chosen) - 1 if not found.extreme else 0
        ordered = np.zeros(len(fits))
        if wanted < len(chosen):
            ordered[chosen] = _NEXT_IN_ORDER ** np.abs(np.arange(len(chosen)) - wanted)
        return ordered

    def _facing(self, sign: int) -> Array:
        """How far ahead of the viewer each candidate is, or behind: the square of the cosine, less with distance."""
        (x, _, z), orientation = self._viewpoint or ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
        ahead = forward(np.array(orientation))[[0, 2]]
        offset = self._positions[:, [0, 2]] - np.array([x, z])
        distance = np.maximum(np.linalg.norm(offset, axis=-1), 1e-6)
        cosine = sign * (offset @ ahead) / distance / max(float(np.linalg.norm(ahead)), 1e-6)
        return np.asarray(np.square(np.clip(cosine, 0.0, 1.0)) * np.exp(-distance / _FAR_M))


def _finite(rows: Sequence[tuple[float, float, float]]) -> Array:
    return np.clip(np.nan_to_num(np.array(rows, dtype=np.float64).reshape(-1, 3)), -_WORLD_M, _WORLD_M)


def _level(viewpoint: Viewpoint | None) -> Viewpoint | None:
    """A head whose orientation is a unit quaternion; nothing if its numbers are none."""
    if viewpoint is None or not np.isfinite([*viewpoint[0], *viewpoint[1]]).all():
        return None
    largest = max(abs(part) for part in viewpoint[1])
    if largest == 0:
        return None
    scaled = np.array(viewpoint[1]) / largest
    x, y, z, w = (float(part) for part in scaled / np.linalg.norm(scaled))
    px, py, pz = (min(max(float(part), -_WORLD_M), _WORLD_M) for part in viewpoint[0])
    return (px, py, pz), (x, y, z, w)

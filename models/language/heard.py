"""One utterance on its way to a reading: what it means for an app, and whether it answers what an action waits for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.intent.model import Prediction
from models.language.answers import aside, beside, content, pick, takes_back
from models.language.app_actions import OPEN, PLACEHOLDER, Action, Understanding, bare
from models.language.arguments import Extracted, FreeText, Number, describe, extract, left_open
from models.language.dialogue import TARGET, Pending, Phrase, Question, Reading, Value
from models.language.encoder import Encoder
from models.language.english import ANSWERING, CORRECTIONS, REQUESTING
from models.language.mentions import Mention, Unknown, find_excluded, unknown_things, unknown_words, without_mentions
from models.language.orders import Orders
from models.language.phrases import STAND_IN, forms, own_words
from models.language.references import Reference, resolve
from models.language.several import undone, verb
from models.language.words import blanked, words

CLAIMED: Final = 0.98
"""An action that is likelier is meant, and nothing else can be."""

_FEW_WORDS: Final = 2
_JOINING: Final = frozenset(("and", "then"))
_SURE: Final = 0.5
# Nearly a phrase of the app as it is; other words are seldom as sure.
_CLEAR: Final = 0.95
_LIKELY: Final = 0.3
_LIKELIER_BY: Final = 1.5
_SAME_THING: Final = 0.55
_SAID: Final = {"name": "is a name", "deixis": "is pointed at", "anaphora": "refers back"}


@dataclass(frozen=True)
class _Order:
    """What a text orders, as far as that is known: an action or none, how likely it is, and whether by the user's own
    phrase."""

    action: str
    probability: float
    own: bool

    @property
    def sure(self) -> bool:
        """Whether nothing else can be meant."""
        return self.own or self.probability >= CLAIMED


class Heard:
    """One utterance on its way to a reading.

    Attributes:
        texts: the ways to read it that the intent model is to see; none where nothing was said.
    """

    def __init__(self, understanding: Understanding, question: Question) -> None:
        self.intents = understanding.intents
        self._understanding = understanding
        self._text = question.text
        self._situation = question.situation
        self._pending = question.pending
        names = question.names
        own = own_words(tuple(phrase.text for phrase in question.phrases), names) if question.phrases else ()
        self._phrases = question.phrases
        self._names = names
        literal = (*understanding.literal, *own)
        self._references = resolve(question.text, question.situation, literal)
        self._excluded = find_excluded(question.text, names, literal)
        mentions = [reference.mention for reference in self._references]
        # "Bring the mug over here": of what is mentioned, only the first may stand in a phrase's ``{target}``.
        first = without_mentions(question.text, mentions[:1], STAND_IN)
        without = without_mentions(question.text, mentions, STAND_IN)
        # The phrase that decided, once one has.
        self._own: Phrase | None = None
        self._extracted: dict[tuple[str, ...], Extracted] = {}
        # What a question for the target names.
        self._likely: tuple[str, ...] = ()
        said = bool(words(question.text))
        self.texts = list(dict.fromkeys((question.text, *self._with_left_open(), first, without))) if said else []
        self._why = [f"{ref.mention.text!r} {_SAID[ref.mention.kind]}: {ref.why}" for ref in self._references]

    def read(self, predictions: Sequence[Prediction], embeddings: NDArray[np.float32], encoder: Encoder) -> Reading:
        """What it means, by what the intent model says of ``texts`` and their embeddings, ``[texts, 384]``."""
        if not self.texts:
            return Reading("", 1.0, problem="nothing was said")
        best = max(range(len(predictions)), key=lambda at: _top(predictions[at]))
        ranking, text = predictions[best].ranking, self.texts[best]
        book = self._understanding.phrasebooks.open(encoder, self._phrases, self._names) if self._phrases else None
        phrase: Phrase | None = None
        if book is not None:
            mentions = [reference.mention for reference in self._references]
            personalized = book.personalized(forms(self._text, mentions, list(embeddings)), ranking)
            ranking, phrase = personalized.ranking, personalized.phrase
        name, probability = ranking[0] if ranking else ("", 0.0)
        meant = name if probability >= self._understanding.confidence and name in self._understanding.actions else ""
        if self._pending is not None and (waiting := self._understanding.actions.get(self._pending.action)):
            unless = _Order(meant, probability, own=phrase is not None)
            if (answer := self._answer(waiting, self._pending, unless, encoder)) is not None:
                return answer
        self._own = phrase
        if phrase is not None and not phrase.action:
            problem = f"{cut(self._text)!r} means nothing to this user, as {cut(phrase.text)!r}"
            return Reading("", 1 - probability, problem=problem, phrase=phrase.text, ranking=ranking)
        if not meant:
            nearest = f"; the nearest is {name} ({probability:.2f})" if name and probability > 0.05 else ""
            problem = f"{cut(self._text)!r} means none of this app's actions{nearest}"
            why = (*self._why, f"{text!r}: below {self._understanding.confidence:g}")
            return Reading("", 1 - probability, problem=problem, ranking=ranking, why=why)
        if instead := self._unordered(self._understanding.actions[name]):
            problem = f"{cut(self._text)!r} {instead}"
            return Reading("", probability, problem=problem, clear=True, ranking=ranking, why=tuple(self._why))
        if phrase is None:
            self._why.append(f"{text!r} is nearest to {name} ({probability:.2f})")
        else:
            self._why.append(f"the user's own {cut(phrase.text)!r} means {name} ({probability:.2f})")
        action = self._understanding.actions[name]
        again = self._pending if self._adds_to(self._pending, name) else None
        reading = self._fill(action, probability, again, encoder)
        left = self._undone(action, self._extract(action))
        clear = probability >= _CLEAR and not (reading.missing and self._could_be_others())
        reading = replace(reading, completes=again is not None, undone=left, clear=clear)
        return replace(reading, ranking=ranking, phrase=phrase.text if phrase is not None else "")

    def _could_be_others(self) -> bool:
        """Whether phrases of several actions begin as this does, and none is this: "turn the lamp"."""
        known = self._understanding.verbs.get(verb(self._text), ())
        return len(known) > 1 and not self._understanding.is_phrase(self.texts)

    def _undone(self, action: Action, found: Extracted) -> tuple[str, ...]:
        """What else is ordered than the action with what is said for its arguments."""
        if self._understanding.is_phrase(self.texts):
            # An app's very phrase is one order, whatever it joins.
            return ()
        mentions = [one.mention for one in self._references if action.target != "none"]
        targets = [(one.start, one.end) for one in mentions]
        values = list(found.said.values())
        return tuple(undone(self._text, action.name, self._understanding.verbs, targets, values))

    def _with_left_open(self) -> list[str]:
        """The text with the same word for what an action's phrases leave open, so that any words may stand there."""
        taken = [(reference.mention.start, reference.mention.end) for reference in self._references]
        return [
            f"{self._text[:start]}{OPEN}{self._text[end:]}"
            for action in self._understanding.actions.values()
            for argument in action.arguments
            if isinstance(argument, FreeText)
            for start, end in left_open(
                self._text, argument, others=action.arguments, taken=taken, templates=action.phrases
            )
        ]

    @property
    def does_something(self) -> bool:
        """Whether more is said than which target."""
        return bool(words(without_mentions(self._text, [reference.mention for reference in self._references], " ")))

    @property
    def named(self) -> str:
        """The target that is called by its name, if that is clear."""
        return _named(self._references)

    def arguments(self, action: Action) -> dict[str, Value]:
        """Those of an action's arguments that are said."""
        found = self._extract(action)
        return {name: found.values[name] for name in found.said if name in found.values}

    def target(self, encoder: Encoder) -> tuple[str, float, str]:
        """The target that is mentioned and how sure that is; else nothing, and why, in words."""
        if not self._references:
            return "", 0.0, f"{cut(self._text)!r} is nothing here"
        return self._chosen(self._references[0], encoder)

    def _answer(self, action: Action, pending: Pending, unless: _Order, encoder: Encoder) -> Reading | None:
        """What an action that waits for more makes of the text; nothing if it is no answer to that.

        Args:
            unless: what the text orders if it is no answer.
        """
        nothing = aside(self._text)
        # "Stop" may be an app's very phrase, and "none" one of an argument's values.
        if nothing and not unless.sure and not self._is_value(action, pending):
            return self._declined(pending) if nothing == "declines" else self._asked_again(action, pending)
        found = self._answered(action, pending)
        more = self._beside_answer(action, pending, found)
        if more is not None and self._is_taken_back(action, found):
            return self._asked_again(action, pending)
        if more == []:
            return self._completed(action, pending, found, encoder)
        if unless.own:
            return None
        if not unless.sure and self._asks_for_words(action, pending) and not self._adds_to(pending, unless.action):
            said = {**pending.arguments, pending.missing[0]: self._text.strip()}
            return self._completed(action, replace(pending, arguments=said), Extracted(), encoder)
        answers = more is not None and self._answers_first(pending, found) and not unless.sure
        if unless.action not in ("", action.name) and not answers:
            return None
        if (
            more is not None
            and not self._unordered(action)
            and (unless.action or TARGET not in pending.missing or self._only_leads(more, action))
        ):
            return self._completed(action, pending, found, encoder)
        if self._is_unknown_value(action, pending):
            repeated = action.name in self._understanding.verbs.get(verb(self._text), ())
            return self._asked_again(action, pending, "" if unless.sure or repeated else f"{cut(self._text)!r} is none")
        return None

    def _is_value(self, action: Action, pending: Pending) -> bool:
        """Whether the text is a value of what is asked for, and nothing else."""
        spans = [span for name, span in self._extract(action).said.items() if name in pending.missing]
        return bool(spans) and not words(blanked(self._text, spans))

    def _declined(self, pending: Pending) -> Reading:
        self._why.append(f"declines what {pending.action} waits for")
        return Reading("", 1.0, problem=f"{pending.action} is called off", declines=True, why=tuple(self._why))

    def _asked_again(self, action: Action, pending: Pending, problem: str = "") -> Reading:
        """The pending action as it is, which is asked for what is missing as if nothing had been said."""
        self._why.append(f"gives nothing of what {pending.action} waits for")
        asks = (self._asks(action, name, pending.likely) for name in pending.missing)
        return Reading(
            pending.action,
            pending.confidence,
            pending.target,
            1.0 if pending.target else 0.0,
            pending.arguments,
            pending.missing,
            "; ".join(([problem] if problem else []) + list(asks)),
            completes=True,
            likely=pending.likely,
            why=tuple(self._why),
        )

    def _asks(self, action: Action, missing: str, likely: Sequence[str] = ()) -> str:
        """What is asked for what is missing, in words."""
        if missing == TARGET and likely:
            return f"which one: {' or '.join(self._called(one) for one in likely)}"
        return _needs(action, missing)

    def _called(self, target: str) -> str:
        names = {candidate.id: candidate.name for candidate in self._situation.candidates}
        return names.get(target) or target

    def _answered(self, action: Action, pending: Pending) -> Extracted:
        """What is said for an action that waits. What is asked for comes before what is known already."""
        asked = replace(action, arguments=tuple(one for one in action.arguments if one.name in pending.missing))
        alone = self._extract(asked)
        return alone if (alone.said or alone.refused) and not self._beside(asked, alone) else self._extract(action)

    def _spoken_of(self, found: Extracted) -> list[Reference]:
        """What is mentioned outside of arguments: "on the table" may be a place, which is no table."""
        spans = found.said.values()
        return [one for one in self._references if not any(_holds(span, one.mention) for span in spans)]

    def _beside(self, action: Action, found: Extracted) -> list[str]:
        mentions = [*(reference.mention for reference in self._references), *self._excluded]
        spans = [*found.said.values(), *found.refused.values(), *((one.start, one.end) for one in mentions)]
        return beside(blanked(self._text, spans), _units(action))

    def _is_taken_back(self, action: Action, found: Extracted) -> bool:
        spans = [*found.said.values(), *found.refused.values()]
        ends = [end for _, end in spans] + [reference.mention.end for reference in self._references]
        return bool(ends) and takes_back(self._text[max(ends) :], _units(action))

    def _beside_answer(self, action: Action, pending: Pending, found: Extracted) -> list[str] | None:
        """What is said beside what an action waits for; nothing at all if that is not said."""
        references = self._spoken_of(found)
        picked = (self._picked(pending, found) or ("", 0.0))[0]
        if picked and not references:
            return []
        given = {*found.said, *found.refused} & set(pending.missing)
        elsewhere = bool(pending.target) and _named(references) not in ("", pending.target)
        elsewhere = elsewhere and not self._goes_with_value(references[0], pending, found)
        aims = TARGET in pending.missing and bool(references)
        if not (aims or given) or elsewhere or self._says_more(action, found):
            return None
        more = [word for word in self._beside(action, found) if not (picked and word in REQUESTING)]
        # What cannot be is asked for again, unless it is something else that can.
        return [*more, *found.refused]

    def _goes_with_value(self, reference: Reference, pending: Pending, found: Extracted) -> bool:
        """Whether what is mentioned only goes with what is asked for, as in "blue, like the kettle"."""
        spans = [span for name, span in (*found.said.items(), *found.refused.items()) if name in pending.missing]
        _, end = min(spans, default=(0, len(self._text)))
        between = {word.text for word in words(self._text[end : reference.mention.start])}
        return end <= reference.mention.start and between.isdisjoint(CORRECTIONS)

    def _answers_first(self, pending: Pending, found: Extracted) -> bool:
        """Whether the text begins with what is asked for and orders nothing after it: "five, and the pot too"."""
        spans = [found.said[name] for name in pending.missing if name in found.said]
        if not spans or beside(self._text[: min(spans)[0]], ()):
            return False
        return self._understanding.verbs.keys().isdisjoint(word.text for word in words(blanked(self._text, spans)))

    def _only_leads(self, more: Sequence[str], action: Action) -> bool:
        """Whether words may lead to the target of an action: "could it be the red one", not "where is the red one"."""
        own = {word.text for phrase in action.phrases for word in words(PLACEHOLDER.sub(" ", phrase))}
        return not self._references or (REQUESTING | own).issuperset(more)

    def _picked(self, pending: Pending, found: Extracted) -> tuple[str, float] | None:
        """Of the targets that the question named the one that is told apart, as ``pick`` says it."""
        if not pending.likely or TARGET not in pending.missing:
            return None
        if references := self._spoken_of(found):
            return pick(references[0].mention.text, pending.likely, self._situation)
        if found.said:
            return None
        mentions = self._excluded[:1]
        rest = without_mentions(self._text, mentions, " ")
        picked = pick(mentions[0].text if mentions else self._text, pending.likely, self._situation)
        if picked is None or (mentions and beside(rest, ())):
            return None
        target, sure = picked
        if target and (mentions or any(word.text == "not" for word in words(rest))):
            # "Not the red one" leaves the other, if there are two.
            others = [one for one in pending.likely if one != target]
            return (others[0], sure) if len(others) == 1 else ("", 0.0)
        return target, sure

    def _completed(self, action: Action, pending: Pending, found: Extracted, encoder: Encoder) -> Reading:
        self._why.append(f"answers what {pending.action} waits for")
        reading = self._fill(action, pending.confidence, pending, encoder, found)
        return replace(reading, completes=True, undone=self._undone(action, found))

    def _says_more(self, action: Action, found: Extracted) -> bool:
        mentions = [*(reference.mention for reference in self._references), *self._excluded]
        spans = [*found.said.values(), *found.refused.values()]
        return bool(unknown_words(blanked(self._text, spans), mentions, (*_units(action), *sorted(ANSWERING))))

    def _asks_for_words(self, action: Action, pending: Pending) -> bool:
        """Whether what phrases leave open is all that an action waits for: then that is whatever is said."""
        return len(pending.missing) == 1 and any(
            one.name in pending.missing and isinstance(one, FreeText) for one in action.arguments
        )

    def _is_unknown_value(self, action: Action, pending: Pending) -> bool:
        """Whether a few words are said that are nothing which is known, where one of some values is asked for."""
        closed = any(one.name == pending.missing[0] and not isinstance(one, FreeText) for one in action.arguments)
        mentions = bool(self._references or self._excluded)
        return closed and not mentions and not self._extract(action).said and len(content(self._text)) <= _FEW_WORDS

    def _adds_to(self, pending: Pending | None, name: str) -> bool:
        """Whether this orders the action that waits once more, with what it waits for and nothing else of it:
        "give adrenaline", and then "give two milligrams"."""
        if pending is None or pending.action != name:
            return False
        found = self._answered(self._understanding.actions[name], pending)
        said = found.said.keys()
        gives = any(one in said for one in pending.missing) or (TARGET in pending.missing and bool(self._references))
        aims = any(not self._goes_with_value(one, pending, found) for one in self._spoken_of(found)[:1])
        return gives and said.isdisjoint(pending.arguments) and not (pending.target and aims)

    def _unordered(self, action: Action) -> str:
        """Why this does not order the action that it is about, in words; empty if it does."""
        orders = self._understanding.orders.get(action.name)
        if orders is None:
            return ""
        if self._own is not None:
            orders = Orders([bare(phrase) for phrase in (*action.phrases, self._own.text)])
        free = {argument.name for argument in action.arguments if isinstance(argument, FreeText)}
        said = self._extract(action).said
        values = " ".join(self._text[slice(*span)] for name, span in said.items() if name not in free)
        return orders.unordered(blanked(self._text, (span for name, span in said.items() if name in free)), values)

    def _extract(self, action: Action) -> Extracted:
        """What is said for the arguments of an action, which may be some of its own."""
        key = (action.name, *(argument.name for argument in action.arguments))
        if key in self._extracted:
            return self._extracted[key]
        taken = [(reference.mention.start, reference.mention.end) for reference in self._references]
        until = min(map(self._next_clause, itertools.pairwise(taken)), default=len(self._text))
        taken += [(mention.start, mention.end) for mention in self._excluded]
        found = extract(self._text, action.arguments, taken=taken, templates=action.phrases, until=until)
        self._extracted[key] = found
        return found

    def _next_clause(self, mentions: tuple[tuple[int, int], tuple[int, int]]) -> int:
        """Where the text begins to speak of the second of two mentions: "paint the lamp red and the kettle blue"."""
        (_, end), (start, _) = mentions
        joining = (end + word.start for word in words(self._text[end:start]) if word.text in _JOINING)
        return next(joining, len(self._text))

    def _fill(
        self,
        action: Action,
        probability: float,
        pending: Pending | None,
        encoder: Encoder,
        found: Extracted | None = None,
    ) -> Reading:
        """The action with what is known of it.

        Args:
            found: what is said for its arguments, if that has been looked for.
        """
        if found is None:
            found = self._extract(action) if pending is None else self._answered(action, pending)
        taught = self._own.arguments if self._own is not None else {}
        # A default is not said: what was said before goes before it, and so does what was taught.
        before = pending.arguments if pending is not None else {}
        said = {name: value for name, value in found.values.items() if name in found.said or name not in before}
        values = {**before, **said}
        values |= {name: value for name, value in taught.items() if name not in found.said}
        for name, span in found.said.items():
            self._why.append(f"{name} is {found.values[name]!r}, from {self._text[slice(*span)]!r}")
        waiting = pending.missing if pending is not None else ()
        missing = [name for name in dict.fromkeys((*waiting, *found.missing)) if name not in (*values, TARGET)]
        problems = list(found.problems)
        target, sure = (pending.target, 1.0) if pending is not None and pending.target else ("", 0.0)
        if self._own is not None and action.target != "none" and not self._references:
            here = {candidate.id for candidate in self._situation.candidates}
            target, sure = (self._own.target, 1.0) if self._own.target in here else (target, sure)
        likely: tuple[str, ...] = ()
        if action.target != "none" and not target:
            target, sure, problem = self._target(action, found, pending, encoder)
            if not target and (action.target == "required" or TARGET in waiting):
                missing.insert(0, TARGET)
                problems.insert(0, problem)
                likely = self._likely or (pending.likely if pending is not None else ())
        for name in missing:
            if name != TARGET and not any(problem.startswith(f"{name}: ") for problem in problems):
                problems.append(_needs(action, name))
        return Reading(
            action.name,
            probability * sure if target else probability,
            target,
            sure,
            values,
            tuple(missing),
            "; ".join(problems) if missing else "",
            likely=likely,
            why=tuple(self._why),
        )

    def _target(
        self, action: Action, found: Extracted, pending: Pending | None, encoder: Encoder
    ) -> tuple[str, float, str]:
        """The target that is meant and how sure that is; else nothing, and why, in words."""
        if not self._situation.candidates:
            return "", 0.0, f"{action.name} needs a target, and the scene has none"
        references = self._spoken_of(found)
        if pending is not None and pending.likely:
            picked = self._picked(pending, found)
            if picked is not None and picked[0]:
                self._why.append(f"of those that were asked about it is {picked[0]}")
                return *picked, ""
            if picked is not None or not references:
                return "", 0.0, self._asks(action, TARGET, pending.likely)
        if references:
            return self._chosen(references[0], encoder)
        if action.target == "optional":
            return "", 0.0, ""
        if self._excluded:
            return "", 0.0, f"{action.name} needs a target; {cut(self._excluded[0].text)!r} is said not to be it"
        own = (self._own.text,) if self._own is not None else ()
        unknown = unknown_things(self._text, (), (*action.phrases, *own))
        # Where a thing alone is no phrase, a word at the start says what to do: "enlarge".
        alone = any(not words(PLACEHOLDER.sub(" ", phrase)) for phrase in action.phrases)
        named = next((one.text for one in unknown if alone or not self._starts(one)), "")
        if named:
            return self._meant_by(named, encoder)
        pointed = self._situation.probabilities
        if pointed is not None and max(pointed) >= _SURE:
            at = int(np.argmax(pointed))
            self._why.append("no target was named; it is what is looked and pointed at")
            return self._situation.candidates[at].id, float(pointed[at]), ""
        return "", 0.0, _needs(action, TARGET)

    def _starts(self, one: Unknown) -> bool:
        """Whether this is one word with which an order begins."""
        before = words(self._text[: one.start])
        return len(words(one.text)) == 1 and all(word.text in REQUESTING for word in before)

    def _chosen(self, reference: Reference, encoder: Encoder) -> tuple[str, float, str]:
        said = cut(reference.mention.text)
        if not reference.ranking:
            if reference.mention.kind == "name":
                return self._meant_by(reference.mention.text, encoder)
            return "", 0.0, f"{said!r}: {reference.why}"
        (first, sure), second = reference.ranking[0], reference.ranking[1][1] if len(reference.ranking) > 1 else 0.0
        if sure >= _SURE or (sure >= _LIKELY and sure >= _LIKELIER_BY * second):
            return first, sure, ""
        some = [(name, one) for name, one in reference.ranking[:3] if one > 0.05]
        self._likely = tuple(name for name, _ in some)
        likely = [f"{self._called(name)} ({one:.2f})" for name, one in some]
        return "", 0.0, f"{said!r} could be {' or '.join(likely) or 'anything'}"

    def _meant_by(self, unknown: str, encoder: Encoder) -> tuple[str, float, str]:
        """A thing by another word for it, as "cup" for a mug."""
        candidates = self._situation.candidates
        names = [
            (candidate.id, name) for candidate in candidates for name in (candidate.name, *candidate.aliases) if name
        ]
        if names:
            near = (
                self._understanding.names.encode(encoder, [name for _, name in names])
                @ encoder.encode([unknown]).numpy()[0]
            )
            at = int(near.argmax())
            others = [float(one) for (name, _), one in zip(names, near, strict=True) if name != names[at][0]]
            if near[at] >= _SAME_THING and near[at] >= max(others, default=0.0) + 0.05:
                self._why.append(f"{unknown!r} is most like {names[at][1]!r} ({near[at]:.2f})")
                return names[at][0], float(near[at]), ""
        return "", 0.0, f"nothing here is called {cut(unknown)!r}"


def _named(references: Sequence[Reference]) -> str:
    """The target that the first mention calls by its name, if that is clear."""
    for reference in references[:1]:
        if reference.mention.kind == "name" and reference.ranking and reference.ranking[0][1] >= _SURE:
            return reference.ranking[0][0]
    return ""


def _holds(span: tuple[int, int], mention: Mention) -> bool:
    """Whether a mention is a part of what stands there, and not all of it."""
    return span[0] <= mention.start and mention.end <= span[1] and span != (mention.start, mention.end)


def _units(action: Action) -> tuple[str, ...]:
    return tuple(argument.unit for argument in action.arguments if isinstance(argument, Number))


def _needs(action: Action, missing: str) -> str:
    """What an action needs, in words; ``missing`` as in ``Pending``."""
    if missing == TARGET:
        return f"{action.name} needs a target; name one or point at it"
    return f"{action.name} needs {describe(next(one for one in action.arguments if one.name == missing))}"


def _top(prediction: Prediction) -> float:
    return prediction.ranking[0][1] if prediction.ranking else 0.0


def cut(text: str) -> str:
    """A text as it is told to people, without what is beyond a line."""
    return text if len(text) <= 60 else text[:57] + "..."

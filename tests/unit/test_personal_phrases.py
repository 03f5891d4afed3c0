"""What users teach: the personal layer on embeddings made up here, then whole phrases with the real encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.event_path.apps import understand
from bridge.manifest import load
from models.intent import background
from models.intent.adapted import adapted
from models.intent.model import Prediction
from models.intent.personal import MAX_EXAMPLES, Meaning, Personal, Text, compared
from models.language.app_actions import Action, PhraseIntents, Understanding
from models.language.dialogue import Phrase, Question, Reading
from models.language.encoder import Encoder
from models.language.phrases import Phrasebook
from models.language.references import Candidate, Situation
from models.language.understanding import read

GALLERY = load(Path(__file__).parents[2] / "samples" / "apps" / "gallery.toml")
THINGS = tuple(Candidate(one.id, one.name, tuple(one.aliases), one.position, one.size) for one in GALLERY.targets)
PARTED: tuple[Meaning, ...] = tuple({"action": a, "colour": c} for a in ("add", "remove") for c in ("red", "blue"))
WORDS = st.sampled_from(["rm", "red", "blue", "zap", "put", "two", "+", "off", "left"])
SAID = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


def embedding(text: str) -> NDArray[np.float32]:
    """The same for the same text, and nearly at right angles to any other's."""
    vector = np.random.default_rng(list(text.encode())).normal(size=384).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def prepared(text: str) -> Text:
    return compared(text, embedding(text))


def taught(*pairs: tuple[str, int], meanings: tuple[Meaning, ...] = PARTED) -> Personal:
    prior = np.full((len(pairs), len(meanings)), 1 / len(meanings))
    return Personal(meanings, [prepared(text) for text, _ in pairs], [meant for _, meant in pairs], prior)


def says(personal: Personal, text: str, prior: list[float] | None = None) -> list[float]:
    found, _ = personal.probabilities([prepared(text)], np.array(prior or [0.25] * 4))
    return [float(one) for one in found]


def test_one_example_decides_its_repeats() -> None:
    personal = taught(("zap", 2))
    assert says(personal, "zap", [0.97, 0.01, 0.01, 0.01])[2] > 0.8
    assert says(personal, "Zap!", [0.97, 0.01, 0.01, 0.01])[2] > 0.8
    assert says(personal, "zap two")[2] > 0.5


def test_what_is_like_no_example_stays_as_the_app_says() -> None:
    personal = taught(*((f"zap {word}", 2) for word in ("it", "this", "that", "now")))
    prior = np.array([0.4, 0.3, 0.2, 0.1])
    found, nearest = personal.probabilities([prepared("where could my umbrella be")], prior)
    assert nearest is None
    assert (found == prior).all()


def test_what_is_told_of_one_meaning_holds_for_its_parts() -> None:
    parted: tuple[Meaning, ...] = tuple({"action": a, "colour": c} for a in "+-" for c in "rgb")
    examples = (("rm red", 3), ("put blue", 2), ("put red", 0), ("rm green", 4), ("put green", 1))
    likely = says(taught(*examples, meanings=parted), "rm blue", [1 / 6] * 6)
    assert sum(likely[3:]) > 0.5
    whole: tuple[Meaning, ...] = tuple({"action": f"{a}{c}"} for a in "+-" for c in "rgb")
    unparted = says(taught(*examples, meanings=whole), "rm blue", [1 / 6] * 6)
    assert sum(unparted[3:]) < sum(likely[3:])
    assert unparted[5] < likely[5]


@pytest.mark.parametrize("sure", [0.5, 0.9])
@pytest.mark.parametrize("count", [1, 5, 6, 16])
def test_each_of_many_ways_to_mean_an_action_is_kept_apart(count: int, sure: float) -> None:
    texts = [f"paint it like {word}" for word in "abcdefghijklmnop"[:count]]
    phrases = [Phrase(text, "paint", "", {"colour": text[-1]}) for text in texts]
    app = (("paint", sure), ("take", 0.05))
    book = Phrasebook(
        phrases, ("paint", "take"), [prepared(text) for text in texts], [Prediction("paint", sure, app)] * count
    )
    for text in texts:
        meant = book.personalized([prepared(text)], app).phrase
        assert meant is not None
        assert meant.arguments == {"colour": text[-1]}


def test_the_latest_of_what_was_told_of_the_same_words_counts() -> None:
    personal = taught(("zap", 0), ("zap", 0), ("rm", 3), ("zap", 1))
    first, second = says(personal, "zap")[:2]
    assert second > 0.25
    again = taught(("zap", 0), ("zap", 1), ("zap", 1))
    assert int(np.argmax(says(again, "zap"))) == 1
    assert first + second > 0.9


def test_an_old_example_is_not_forgotten_while_nothing_speaks_against_it() -> None:
    others = [(f"word{number} thing{number}", number % 4) for number in range(MAX_EXAMPLES - 1)]
    assert says(taught(("zap", 2), *others), "zap")[2] > 0.8


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(SAID, st.integers(0, 3)), min_size=1, max_size=30),
    SAID,
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_probabilities_are_probabilities(examples: list[tuple[str, int]], said: str, prior: list[float]) -> None:
    total = sum(prior) or 1.0
    found = says(taught(*examples), said, [one / total for one in prior] if sum(prior) else None)
    assert np.isfinite(found).all()
    assert min(found) >= 0
    assert sum(found) == pytest.approx(1, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SAID, st.integers(0, 3)), max_size=12), SAID, st.integers(0, 3))
def test_what_was_just_told_is_never_less_likely_for_it(before: list[tuple[str, int]], said: str, meant: int) -> None:
    earlier = says(taught(*before), said)[meant] if before else 0.25
    assert says(taught(*before, (said, meant)), said)[meant] >= min(earlier, 0.9) - 1e-9


class Listener:
    """Reads what a user says who looks at the lamp."""

    def __init__(self) -> None:
        self.encoder = Encoder.load(adapted())
        self.understanding = understand(GALLERY.app, self.encoder, self.encoder.encode(background.texts()).numpy())

    def hear(self, text: str, *phrases: Phrase, things: tuple[Candidate, ...] = THINGS) -> Reading:
        odds = tuple(0.82 if one.id == "lamp" else 0.02 for one in things)
        question = Question(text, Situation(things, odds, None, None), None, phrases)
        return read(self.encoder, [(self.understanding, question)])[0]


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


ZAP = Phrase("zap the kettle", "take")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("zap the kettle", "kettle"),
        ("zap the lamp", "lamp"),
        ("please zap the radio", "radio"),
        ("could you zap that one for me", "lamp"),
        ("zap", "lamp"),
    ],
)
def test_a_phrase_holds_for_any_target(listener: Listener, text: str, target: str) -> None:
    assert listener.hear(text).action != "take"
    reading = listener.hear(text, ZAP)
    assert (reading.action, reading.target, reading.missing) == ("take", target, ())
    assert reading.phrase == "zap the kettle"
    assert any("the user's own 'zap the kettle'" in line for line in reading.why)


@pytest.mark.parametrize("text", ["zap {target}", "zap it", "Zap that one!"])
def test_a_phrase_may_be_written_with_a_place_or_a_pronoun(listener: Listener, text: str) -> None:
    reading = listener.hear("zap the radio", Phrase(text, "take"))
    assert (reading.action, reading.target) == ("take", "radio")


def test_what_is_required_is_asked_for(listener: Listener) -> None:
    reading = listener.hear("zap the mug", ZAP, things=tuple(one for one in THINGS if one.id != "lamp"))
    assert (reading.action, reading.missing) == ("take", ("target",))
    colour = listener.hear("jazz up the clock", Phrase("jazz up {target}", "paint"))
    assert (colour.action, colour.target, colour.missing) == ("paint", "clock", ("colour",))


def test_a_phrase_may_bring_a_target_and_arguments(listener: Listener) -> None:
    tide = Phrase("crimson tide", "paint", arguments={"colour": "red"})
    boil = Phrase("boil", "describe", "kettle")
    assert listener.hear("crimson tide", tide).arguments == {"colour": "red"}
    assert listener.hear("boil", boil).target == "kettle"
    assert listener.hear("boil", boil, things=THINGS[:0]).target == ""


def test_an_apps_own_phrase_can_be_taken_over_and_nothing_can_be_meant(listener: Listener) -> None:
    assert listener.hear("take the radio").action == "take"
    other = listener.hear("take the radio", Phrase("take {target}", "hide"))
    assert (other.action, other.target) == ("hide", "radio")
    nothing = listener.hear("undo", Phrase("undo", ""))
    assert (nothing.action, nothing.phrase) == ("", "undo")
    assert "means nothing to this user" in nothing.problem


def test_words_that_share_a_hash_are_no_lesson_about_each_other(listener: Listener) -> None:
    # Of CRC-32, "abort" and "oops" have the same last eight bits.
    assert listener.hear("oops", Phrase("abort")).action == "undo"
    assert max(says(taught(("abort", 2)), "oops")) == 0.25


def test_an_apps_own_phrase_is_taken_over_by_the_same_words_alone(listener: Listener) -> None:
    near = (Phrase("undo quickly"), Phrase("undo twice", "hide"), Phrase("undo again", "help"))
    assert listener.hear("undo", *near).action == "undo"
    assert listener.hear("undo that", *near).action == "undo"
    assert listener.hear("undo", *near, Phrase("undo", "hide")).action == "hide"


def test_phrases_of_other_apps_are_passed_over(listener: Listener) -> None:
    alone = listener.hear("take the radio")
    assert listener.hear("take the radio", Phrase("take the radio", "buy"), Phrase("?", "hide")) == alone


def test_the_apps_commands_stay_what_they_are(listener: Listener) -> None:
    phrases = (ZAP, Phrase("jazz up {target}", "paint"), Phrase("boil", "describe", "kettle"), Phrase("kaboom", "undo"))
    changed = []
    for action in GALLERY.app.actions:
        for phrase in action.phrases:
            text = phrase.replace("{target}", "the radio")
            if "{" not in text and listener.hear(text, *phrases).action != listener.hear(text).action:
                changed.append(text)
    assert changed == []


def test_who_has_taught_nothing_is_read_as_before_beside_one_who_has(listener: Listener) -> None:
    situation = Situation(THINGS)
    texts = ["zap the lamp", "take the radio"]
    plain = [Question(text, situation) for text in texts]
    own = [Question(text, situation, None, (ZAP,)) for text in texts]
    together = read(listener.encoder, [(listener.understanding, one) for one in (*own, *plain)])
    assert [one.action for one in together[:2]] == ["take", "take"]
    for question, reading in zip(plain, together[2:], strict=True):
        alone = read(listener.encoder, [(listener.understanding, question)])[0]
        assert (alone.action, alone.target) == (reading.action, reading.target)
        assert reading.phrase == ""


class Longer:
    """A longer fit to which everything means the last of an app's actions."""

    def likelihoods(self, texts: list[str]) -> NDArray[np.float64]:
        return np.log(np.repeat([[0.01, 0.99]], len(texts), axis=0))


def test_what_was_taught_before_the_longer_fit_is_weighed_anew_with_it(listener: Listener) -> None:
    actions = [Action("start", ("start the engine", "switch it on")), Action("stop", ("stop it", "switch it off"))]
    around = listener.encoder.encode(background.texts()[:100]).numpy()
    question = Question("put an end to it", Situation(), None, (Phrase("put it to an end", "start"),))

    def says(app: Understanding) -> Reading:
        return read(listener.encoder, [(app, question)])[0]

    intents = PhraseIntents(actions, listener.encoder, around)
    known = Understanding(actions, intents, 0.5)
    before = says(known)
    intents.tuned = Longer()  # type: ignore[assignment]
    assert says(known) == says(Understanding(actions, intents, 0.5)) != before


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40), max_size=4), st.text(max_size=60))
def test_any_text_can_be_taught(listener: Listener, phrases: list[str], text: str) -> None:
    reading = listener.hear(text, *(Phrase(one, "take") for one in phrases))
    assert 0 <= reading.confidence <= 1 + 1e-9

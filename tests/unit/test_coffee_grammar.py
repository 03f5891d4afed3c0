"""A Rhino grammar becomes actions; spoken orders are understood whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bridge.event_path.apps import _action
from bridge.manifest import load as load_manifest
from models.language.arguments import Choice
from models.speech import grammar
from models.speech.noise import with_babble

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "samples/recordings/speech"
GRAMMAR = """
context:
  expressions:
    orderDrink:
      - "[get me, I'd like, make me] [a, an] $shots:shots $coffee:drink (please)"
      - "[get me, I'd like, make me] [a, an] $shots:shots $coffee:drink with $sugar:sugar"
      - "[get me, I'd like, make me] a $coffee:drink"
    stop:
      - "stop [the, that] machine"
  slots:
    shots: ["single shot", "double shot", "triple shot"]
    coffee: ["coffee", "latte", "mocha", "americano"]
    sugar: ["sugar", "brown sugar", "a bit of sugar"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "grammar.yaml").write_text(GRAMMAR)
    (tmp_path / "audio").mkdir()
    shutil.copy(RECORDINGS / "coffee-order.flac", tmp_path / "audio/one.flac")
    slots = {"shots": "triple shot", "drink": "coffee", "sugar": " brown sugar"}
    (tmp_path / "labels.json").write_text(json.dumps({"one.flac": {"intent": "orderDrink", "slots": slots}}))
    return tmp_path


def test_expressions_become_phrases_and_slots_arguments(folder: Path) -> None:
    order, stop = grammar.load(folder / "grammar.yaml")
    assert order.name == "orderDrink"
    assert order.phrases == (
        "get me a {shots} {drink} please",
        "I'd like an {shots} {drink} with {sugar}",
        "make me a {drink}",
    )
    assert [argument.name for argument in order.arguments] == ["shots", "drink", "sugar"]
    assert isinstance(order.arguments[1], Choice)
    assert list(order.arguments[1].values) == ["coffee", "latte", "mocha", "americano"]
    assert (stop.name, stop.phrases, stop.arguments) == ("stop", ("stop the machine",), ())


@pytest.mark.parametrize("text", ["", "a: b", "context: 3", "context: {expressions: 5}", "[", "context: {slots: {}}"])
def test_what_is_no_grammar_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "grammar.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"grammar\.yaml"):
        grammar.load(path)


def test_a_slot_without_values_is_told(tmp_path: Path) -> None:
    path = tmp_path / "grammar.yaml"
    path.write_text('context: {expressions: {order: ["a $size:size"]}, slots: {}}')
    with pytest.raises(ValueError, match="without values: size"):
        grammar.load(path)


def test_the_sample_app_takes_every_value_of_the_grammar() -> None:
    (info,) = load_manifest(ROOT / "samples/apps/coffee_maker.toml").app.actions
    action = _action(info)
    values = {argument.name: len(argument.values) for argument in action.arguments if isinstance(argument, Choice)}
    assert values == {
        "size": 7, "roast": 3, "numberOfShots": 3, "coffeeDrink": 10, "milkAmount": 36, "sugarAmount": 18
    }  # fmt: skip


def test_a_spoken_order_is_understood_whole(folder: Path) -> None:
    pytest.importorskip("faster_whisper")
    from models.speech import evaluation

    result = evaluation.evaluate(folder, progress=False)
    found = result["conditions"]["clean"]["genlock"]
    assert (found["whole"], found["clips"], found["wrong"]) == (1, 1, [])
    assert found["end_to_final_s"]["p50"] > 0.4
    # One clip is too few for several speakers at once, of whom nothing is told then.
    assert "at_once" not in result
    assert evaluation.table(result).row_count == 1


def test_words_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    from models.speech import evaluation

    (tmp_path / "audio").mkdir()
    shutil.copy(RECORDINGS / "LJ001-0002.flac", tmp_path / "audio/LJ001-0002.flac")
    head = "clip\tsource\tspeaker\tsr\tseconds\ttext"
    line = "LJ001-0002\tLJSpeech\tlj\t22050\t1.90\tin being comparatively old."
    (tmp_path / "transcripts.tsv").write_text(f"{head}\n{line}\n")
    result = evaluation.evaluate(tmp_path, progress=False)
    found = result["conditions"]["clean"]["genlock"]
    assert (found["errors"], found["words"], found["wer_percent"]) == (1, 4, 25.0)


def test_a_folder_of_something_else_is_told(tmp_path: Path) -> None:
    from models.speech import evaluation

    with pytest.raises(evaluation.DataError, match=r"neither transcripts\.tsv nor labels\.json"):
        evaluation.load(tmp_path)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("a\tb\nx\ty\n", r"transcripts\.tsv has no column clip and no column text"),
        ("clip\nx\n", r"transcripts\.tsv has no column text"),
        ("clip\ttext\nx\n", r"transcripts\.tsv, line 2: clip x has no text"),
        ("clip\ttext\nx\ty\n", r"audio has no clip x"),
    ],
)
def test_what_is_wrong_in_transcripts_is_told(tmp_path: Path, table: str, told: str) -> None:
    from models.speech import evaluation

    (tmp_path / "transcripts.tsv").write_text(table)
    with pytest.raises(evaluation.DataError, match=told):
        evaluation.load(tmp_path)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("{bad", r"labels\.json: JSON is malformed"),
        ("[]", r"labels\.json: Expected `object`, got `array`"),
        ('{"one.flac": 3}', r"labels\.json, clip one\.flac: Expected `object`, got `int`"),
        ('{"one.flac": {"intent": "a"}}', r"labels\.json, clip one\.flac: .* field `slots`"),
        ('{"one.flac": {"intent": "a", "slots": {"b": 3}}}', r"labels\.json, clip one\.flac: .*`\$\.slots\[\.\.\.\]`"),
    ],
)
def test_what_is_wrong_in_labels_is_told(folder: Path, labels: str, told: str) -> None:
    from models.speech import evaluation

    (folder / "labels.json").write_text(labels)
    with pytest.raises(evaluation.DataError, match=told):
        evaluation.load(folder)


@pytest.mark.parametrize("snr", [24.0, 6.0])
def test_babble_is_as_loud_as_was_asked_for(snr: float) -> None:
    generator = np.random.default_rng(0)
    clip = np.zeros(32000, np.float32)
    clip[16384:] = generator.standard_normal(32000 - 16384) * 0.1
    others = [generator.standard_normal(20000).astype(np.float32) * level for level in (0.01, 0.2, 0.5)]
    mixed = with_babble(clip, others, snr, 1)
    assert np.abs(mixed).max() < 1
    noise = mixed[:16384].std()
    assert 20 * np.log10(0.1 / noise) == pytest.approx(snr, abs=1.0)
    assert np.array_equal(mixed, with_babble(clip, others, snr, 1))
    assert not np.array_equal(mixed, with_babble(clip, others, snr, 2))

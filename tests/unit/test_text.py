"""The classic text classifier: preprocessing, networks, training that can be cut off, evaluation."""

from __future__ import annotations

import csv
import json
import random
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.metrics import precision_recall_fscore_support
from typer.testing import CliRunner

from bridge.cli import app as commands
from models import labelled_texts
from models.labelled_texts import Labelled
from models.text import evaluation, networks, preprocessing, training
from models.text.classifier import TextClassifier, batch
from models.text.intents import ClassifierIntents
from models.text.networks import ARCHITECTURES, Network
from models.text.preprocessing import BUCKETS, MAX_TOKENS, MAX_WORD, UNKNOWN, Vocabulary, clean, pieces, tokenize

TASK = {
    "lights": ["turn on the light", "switch the lamp on", "make it brighter", "lights please", "more light in here"],
    "music": ["play a song", "play some jazz", "I want to hear music", "start the music", "put on a tune"],
    "stop": ["stop", "stop that now", "end this", "quit it", "please stop it"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    starts = ("", "please ", "hey ", "could you ", "now ", "well ")
    for name, few in (("train.csv", starts), ("test.csv", ("ok ", "so "))):
        with (folder / name).open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("text", "category"))
            rows.writerows((start + text, label) for label, texts in TASK.items() for text in texts for start in few)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "cnn.safetensors"
    training.train(data, path, arch="cnn", epochs=25, threads=1, progress=False)
    return path


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned


@given(st.text())
def test_any_text_has_tokens_with_pieces(text: str) -> None:
    tokens = tokenize(text)
    assert len(tokens) <= MAX_TOKENS
    for token in tokens:
        assert token
        assert pieces(token)
        assert all(0 <= piece < BUCKETS for piece in pieces(token))


def test_case_width_digits_and_marks() -> None:
    assert tokenize("Ｐay £23.50 on  the 4th,\tplease — DON’T wait!") == [
        "pay", "£", "00", ".", "00", "on", "the", "0", "th", ",", "please", "—", "don't", "wait", "!",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        # Devanagari and Tamil with vowel signs and viramas, vocalised Arabic, a letter that no single one stands for.
        ["लाइट", "चालू", "करो"],
        ["விளக்கை", "இயக்கு"],
        ["كِتَابٌ", "جَدِيدٌ"],
        ["x\u0304y", "don'x\u0304t"],
    ],
)
def test_marks_stand_inside_a_word(words: list[str]) -> None:
    assert tokenize(" ".join(words)) == [clean(word) for word in words]
    assert tokenize("❤\ufe0f \u0301") == ["❤", "\ufe0f", "\u0301"]


def plainly(text: str) -> list[str]:
    """The tokens of an ASCII text: runs of digits, each 0; runs of letters, with an apostrophe between two; marks."""
    found, at = [], 0
    text = "".join(letter.lower() if " " < letter < "\x7f" else " " for letter in text)
    while at < len(text):
        end = at + 1
        if text[at].isdigit():
            while end < len(text) and text[end].isdigit():
                end += 1
            found.append("0" * (end - at))
        elif text[at].isalpha():
            while end < len(text) and text[end].isalpha():
                end += 1
            if text[end : end + 1] == "'" and text[end + 1 : end + 2].isalpha():
                end += 2
                while end < len(text) and text[end].isalpha():
                    end += 1
            found.append(text[at:end])
        elif text[at] not in " _":
            found.append(text[at])
        at = end
    return [token[:MAX_WORD] for token in found[:MAX_TOKENS]]


@given(st.one_of(st.text(st.characters(max_codepoint=127)), st.text("ab'_ 1.?"), st.text("a1", min_size=60)))
def test_ascii_is_cut_by_a_plain_rule(text: str) -> None:
    assert tokenize(text) == plainly(text)


def test_a_vocabulary_has_what_occurs_often_the_most_frequent_first() -> None:
    vocabulary = Vocabulary.build(["b a a", "a b c"], at_least=2)
    assert vocabulary.words == ("a", "b")
    assert len(vocabulary) == 4
    assert (vocabulary.number("a"), vocabulary.number("b"), vocabulary.number("c")) == (2, 3, UNKNOWN)
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))).words == vocabulary.words
    assert [vocabulary.has_met(word) for word in "abcd"] == [True, True, True, False]
    read = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert [read.has_met(word) for word in "abcd"] == [True, True, True, False]
    for wrong in (["a"], {}, {"known": ["a"]}, {"known": ["a", 1], "rare": []}, {"known": ["a", "a"], "rare": []}):
        with pytest.raises(ValueError, match=r"vocabulary"):
            Vocabulary.from_json(wrong)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_what_pads_a_batch_changes_nothing(arch: str) -> None:
    torch.manual_seed(0)
    vocabulary = Vocabulary(["a", "b", "c"])
    network = Network(arch, len(vocabulary), 5).eval()
    texts = [["a", "b"], ["c"], ["a", "unknown", "word", "b", "c", "c", "a"]]
    with torch.inference_mode():
        together = network(*batch(texts, vocabulary))
        for row, text in enumerate(texts):
            assert torch.allclose(together[row], network(*batch([text], vocabulary))[0], atol=1e-5)
    assert together.shape == (3, 5)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_batch_without_a_word_is_trained_on(arch: str) -> None:
    run = training._Run(arch, [Labelled("   ", "a"), Labelled("___", "b")], [Labelled("___", "b")], 0, 1)
    run.pass_over()
    assert all(bool(value.isfinite().all()) for value in run._network.state_dict().values())


def test_there_is_no_other_architecture() -> None:
    with pytest.raises(ValueError, match="there are lstm, cnn, transformer"):
        Network("mlp", 3, 2)


def test_one_text_a_label_is_too_little(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,category\nlights on,lights\nplay a song,music\n")
    (tmp_path / "test.csv").write_text("text,category\nlights,lights\n")
    with pytest.raises(ValueError, match="no label has two texts"):
        training.train(tmp_path, tmp_path / "out", arch="cnn", threads=1, progress=False)
    assert not (tmp_path / "out").exists()


def test_no_copy_of_a_text_that_tells_when_to_stop_is_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"text {at % 10},a" for at in range(40)] + [f"Text  {at % 15},b" for at in range(40)]
    (tmp_path / "train.csv").write_text("\n".join(["text,category", *rows]) + "\n")
    (tmp_path / "test.csv").write_text("text,category\nTEXT 3,a\n")
    parts: list[list[Labelled]] = []

    def stop(run: object, arch: str, fit: list[Labelled], checked: list[Labelled], *rest: int) -> None:
        parts.extend((fit, checked))
        raise KeyboardInterrupt

    monkeypatch.setattr(training._Run, "__init__", stop)
    with pytest.raises(KeyboardInterrupt):
        training.train(tmp_path, tmp_path / "out", arch="cnn", threads=1, progress=False)
    fit, checked = ({" ".join(example.text.casefold().split()) for example in part} for part in parts)
    assert checked
    assert fit | checked == {f"text {at}" for at in range(15) if at != 3}
    assert not fit & checked


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_each_architecture_learns(arch: str, data: Path, tmp_path: Path) -> None:
    found = training.train(data, tmp_path / "out", arch=arch, epochs=30, threads=1, progress=False)
    result = evaluation.evaluate(data, weights=tmp_path / "out", progress=False)
    assert result["accuracy"] >= 80
    assert found.labels == ("lights", "music", "stop")
    assert not (tmp_path / "out.checkpoint").exists()


def test_one_that_was_cut_off_ends_as_if_it_had_not_been(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training.train(data, tmp_path / "whole", arch="lstm", epochs=5, threads=1, progress=False)
    pass_over = training._Run.pass_over

    def cut(run: Any) -> float:
        if run.epoch == 2:
            raise KeyboardInterrupt
        return pass_over(run)

    monkeypatch.setattr(training._Run, "pass_over", cut)
    with pytest.raises(KeyboardInterrupt):
        training.train(data, tmp_path / "cut", arch="lstm", epochs=5, threads=1, progress=False)
    assert (tmp_path / "cut.checkpoint").is_file()
    assert not (tmp_path / "cut").exists()
    passes: list[int] = []

    def counted(run: Any) -> float:
        passes.append(run.epoch)
        return pass_over(run)

    monkeypatch.setattr(training._Run, "pass_over", counted)
    training.train(data, tmp_path / "cut", arch="lstm", epochs=5, threads=1, progress=False)
    assert passes == [2, 3, 4]
    assert (tmp_path / "cut").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_checkpoint_of_another_training_is_not_gone_on_from_and_is_told(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = training._Run("cnn", [Labelled("other texts", "other")], [], 0, 2)
    run.save(tmp_path / "out.checkpoint")
    (tmp_path / "damaged.checkpoint").write_bytes(b"no tensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "older.checkpoint", metadata={"genlock": '{"arch": "cnn"}'})
    for name in ("out", "damaged", "older"):
        found = training.train(data, tmp_path / name, arch="cnn", epochs=1, threads=1, progress=False)
        assert found.about["epochs"] == 1
    other, damaged, older = caplog.messages
    assert "of another training" in other
    assert "epochs 2, now 1; texts " in other
    assert "is damaged" in damaged
    assert "format None, now genlock text training 2" in older


def test_one_that_goes_on_uses_as_many_threads_as_it_began_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit = [Labelled(text, label) for label, texts in TASK.items() for text in texts]
    run = training._Run("cnn", fit, fit, 0, 2, threads=3)
    run.pass_over()
    run.save(tmp_path / "checkpoint")
    gone_on = training._Run("cnn", fit, fit, 0, 2, threads=1)
    gone_on.restore(tmp_path / "checkpoint")
    assert (gone_on.epoch, gone_on.threads) == (1, 3)
    assert "--threads 3" in caplog.text


@pytest.mark.parametrize("lacking", ["network.scores.bias", "average.scores.bias", "adam.0.exp_avg_sq"])
def test_a_checkpoint_of_other_networks_is_started_afresh_from(
    lacking: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit = [Labelled(text, label) for label, texts in TASK.items() for text in texts]
    path = tmp_path / "out.checkpoint"
    run = training._Run("cnn", fit, [], 0, 2)
    run.pass_over()
    run.save(path)
    whole = training._Run("cnn", fit, [], 0, 2)
    whole.restore(path)
    assert (whole.epoch, caplog.messages) == (1, [])
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys() if name != lacking}  # noqa: SIM118
        save_file(tensors, path, metadata=file.metadata())
    fresh = training._Run("cnn", fit, [], 0, 2)
    before = {name: value.clone() for name, value in fresh._network.state_dict().items()}
    fresh.restore(path)
    assert fresh.epoch == 0
    assert all(torch.equal(value, before[name]) for name, value in fresh._network.state_dict().items())
    assert "starts afresh" in caplog.text


def told(run: Any, share: float, certainty: float) -> torch.Tensor:
    """Probabilities ``[N, 3]`` that are right on a share of what tells when to stop, all as sure."""
    found = torch.full((len(run._checked), 3), (1 - certainty) / 2)
    for row, truth in enumerate(run._checked_truth.tolist()):
        found[row, truth if row < share * len(run._checked) else (truth + 1) % 3] = certainty
    return found


@pytest.mark.parametrize(
    ("course", "passes", "best"),
    [
        ([(0.2, 0.9), (0.9, 0.8), *[(0.5, 0.8)] * 60], 2, 1),
        # Nothing but cross entropy gets better for longer than patience lasts.
        ([(0.2, 0.9 - at / 100) for at in range(20)] + [(0.2, 0.9)] * 60, 20, 19),
        # Of passes with as many right the one of the lowest cross entropy is kept, be another's lower.
        ([(0.9, 0.5), (0.9, 0.6), (0.9, 0.55), (0.8, 0.7), *[(0.5, 0.8)] * 60], 2, 1),
        # What has as many right and is no surer brings nothing.
        ([(0.9, 0.6), *[(0.9, 0.6)] * 60], 1, 0),
    ],
)
def test_it_stops_when_nothing_gets_better_and_keeps_the_best(
    course: list[tuple[float, float]], passes: int, best: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter(course)
    weights: list[torch.Tensor] = []

    def probabilities(self: TextClassifier, texts: list[str]) -> torch.Tensor:
        weights.append(self.network.scores.bias.clone())
        return told(run, *next(steps))

    monkeypatch.setattr(TextClassifier, "probabilities", probabilities)
    fit, checked = labelled_texts.carve(labelled_texts.load(data).fit, 0.3, 0)
    run = training._Run("cnn", fit[::9], checked, 0, 40)
    run._warm_up = 1
    while not run.over:
        run.pass_over()
    assert run.epoch == passes + training.PATIENCE
    assert torch.equal(run._best_weights["scores.bias"], weights[best])


def test_patience_begins_when_the_rate_is_warm(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextClassifier, "probabilities", lambda self, texts: told(run, 0.5, 0.5))
    fit, checked = labelled_texts.carve(labelled_texts.load(data).fit, 0.3, 0)
    run = training._Run("cnn", fit[::9], checked, 0, 100)
    run._warm_up = 4 * run._steps_a_pass
    while not run.over:
        run.pass_over()
    assert run.epoch == 4 + training.PATIENCE


def test_twenty_texts_a_label_are_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # With the pieces of so few texts in fewer buckets a pass takes a fifth of the time.
    monkeypatch.setattr(preprocessing, "BUCKETS", 512)
    monkeypatch.setattr(networks, "BUCKETS", 512)
    said = {
        "take": ["take", "grab", "pick up", "get me", "hand me", "fetch"],
        "paint": ["paint", "colour", "make", "dye", "tint", "repaint"],
        "hide": ["hide", "remove", "make away with", "conceal", "vanish", "drop out"],
        "open": ["open", "unlock", "unseal", "swing open", "crack", "pry"],
    }
    things = ["the kettle", "the red mug", "that lamp", "this chair", "the plant", "a book"]
    starts = ["", "please ", "could you ", "now "]
    chance = random.Random(0)
    parts: dict[str, list[str]] = {"train.csv": [], "test.csv": []}
    for label, verbs in said.items():
        rows = [f"{start}{verb} {thing},{label}" for start in starts for verb in verbs for thing in things]
        chance.shuffle(rows)
        parts["train.csv"] += rows[:20]
        parts["test.csv"] += rows[20:60]
    for file, rows in parts.items():
        (tmp_path / file).write_text("\n".join(["text,category", *rows]) + "\n")
    training.train(tmp_path, tmp_path / "out", arch="cnn", threads=1, progress=False)
    assert evaluation.evaluate(tmp_path, weights=tmp_path / "out", progress=False)["accuracy"] >= 85


def test_the_same_seed_gives_the_same_and_another_one_another(data: Path, tmp_path: Path) -> None:
    def train(seed: int, name: str) -> TextClassifier:
        return training.train(data, tmp_path / name, arch="cnn", epochs=2, seed=seed, threads=1, progress=False)

    first, again, other = train(1, "a"), train(1, "b"), train(2, "c")
    texts = ["play the song", "stop"]
    assert torch.equal(first.probabilities(texts), again.probabilities(texts))
    assert not torch.equal(first.probabilities(texts), other.probabilities(texts))


def test_what_was_written_reads_the_same(trained: Path, data: Path, tmp_path: Path) -> None:
    found = TextClassifier.load(trained)
    texts = ["play some music", "", "ffff", "x " * 500, "stop"]
    probabilities = found.probabilities(texts)
    assert probabilities.shape == (5, 3)
    assert torch.allclose(probabilities.sum(1), torch.ones(5))
    assert probabilities[1].tolist() == pytest.approx([1 / 3] * 3)
    found.save(tmp_path / "again")
    assert torch.equal(TextClassifier.load(tmp_path / "again").probabilities(texts), probabilities)
    assert (found.about["set"], found.about["format"]) == (data.name, "banking77")


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    classifier = TextClassifier("cnn", ["a", "b"], Vocabulary(["a"]), Network("cnn", 3, 2))
    assert float(classifier.probabilities([text]).sum()) == pytest.approx(1, abs=1e-5)


def test_files_that_are_no_classifiers(trained: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="no safetensors file"):
        TextClassifier.load(wrong)
    weights = load_file(trained)
    save_file(weights, wrong)
    with pytest.raises(ValueError, match="genlock train text"):
        TextClassifier.load(wrong)
    about = {"format": "genlock text classifier 2", "arch": "lstm", "labels": ["a"], "vocabulary": [], "temperature": 1}
    save_file(weights, wrong, metadata={"genlock": json.dumps(about)})
    with pytest.raises(ValueError, match="damaged"):
        TextClassifier.load(wrong)


def test_figures_by_hand() -> None:
    truth, found = np.array(["a", "a", "a", "b", "c"]), np.array(["a", "a", "b", "b", "a"])
    figures = evaluation.figures(truth, found, ["a", "b", "c"])
    assert figures["accuracy"] == 60
    assert figures["by_label"]["a"] == {"precision": 66.67, "recall": 66.67, "f1": 66.67, "texts": 3}
    assert figures["by_label"]["b"] == {"precision": 50, "recall": 100, "f1": 66.67, "texts": 1}
    assert figures["by_label"]["c"] == {"precision": 0, "recall": 0, "f1": 0, "texts": 1}
    assert figures["macro"] == {"precision": 38.89, "recall": 55.56, "f1": 44.44}


def test_a_label_that_no_text_has_or_is_taken_for_counts_in_no_average() -> None:
    truth, found = np.array(["a", "b", "b"]), np.array(["a", "b", "c"])
    figures = evaluation.figures(truth, found, ["a", "b", "c", "d"])
    assert figures["macro"] == {"precision": 66.67, "recall": 50, "f1": 55.56}
    assert figures["by_label"]["d"] == {"precision": 0, "recall": 0, "f1": 0, "texts": 0}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdefg")), min_size=1))
def test_averages_are_those_of_scikit_learn(drawn: list[tuple[str, str]]) -> None:
    truth, found = (np.array(column) for column in zip(*drawn, strict=True))
    expected = precision_recall_fscore_support(truth, found, average="macro", zero_division=0)[:3]
    macro = evaluation.figures(truth, found, list("abcdefgh"))["macro"]
    assert list(macro.values()) == pytest.approx([100 * one for one in expected], abs=0.0051)


def test_labels_without_a_text_are_counted_and_not_among_the_lowest(trained: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes((data / "train.csv").read_bytes())
    (tmp_path / "test.csv").write_text("text,category\nplay a tune,music\nstop at once,stop\n")
    result = evaluation.evaluate(tmp_path, weights=trained, progress=False)
    _, worst, _ = evaluation.table(result)
    assert set(worst.columns[0].cells) == {"music", "stop"}
    assert str(worst.title) == "the labels with the lowest F1 (1 more have no text in what is measured on)"


def test_what_was_trained_on_other_texts_is_not_measured(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "one's own"
    folder.mkdir()
    (folder / "train.csv").write_text("text,category\nplay,music\nstop,stop\n")
    (folder / "test.csv").write_text("text,category\nplay it,music\n")
    with pytest.raises(ValueError, match="other texts") as caught:
        evaluation.evaluate(folder, weights=trained, progress=False)
    assert shlex.split(str(caught.value).partition(" with: ")[2])[-3:] == [str(folder), "--out", str(trained)]


def test_what_no_baseline_can_be_fitted_to_is_measured_without(tmp_path: Path) -> None:
    rows = "".join(f"a {at},one\nb {at},other\n" for at in range(9))
    (tmp_path / "train.csv").write_text("text,category\n" + rows)
    (tmp_path / "test.csv").write_text("text,category\na,one\nb,other\n")
    training.train(tmp_path, tmp_path / "out", arch="cnn", epochs=1, threads=1, progress=False)
    result = evaluation.evaluate(tmp_path, weights=tmp_path / "out", progress=False)
    assert result["baselines"] == {"most frequent label": 50}


def test_one_label_is_too_little(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,category\nlights on,lights\nlights off,lights\nlights,lights\n")
    with pytest.raises(ValueError, match="'lights'; it takes two labels at least"):
        training.train(tmp_path, tmp_path / "out", arch="cnn", threads=1, progress=False)


def test_the_picture_takes_labels_as_they_are_and_any_number_of_them(tmp_path: Path) -> None:
    labels = ["$x^2_{$", "$5", *(f"label {at}" for at in range(698))]
    evaluation.draw(np.eye(len(labels), dtype=np.int64), labels, tmp_path / "all.png")
    header = (tmp_path / "all.png").read_bytes()[:24]
    assert header[:4] == b"\x89PNG"
    assert max(int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) < 6000


@pytest.mark.parametrize(("folder", "words"), [("/proc", "nothing can be written into it"), ("file", "is a file")])
def test_where_no_picture_can_be_drawn_is_said_at_once(data: Path, tmp_path: Path, folder: str, words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=f"{tmp_path / folder}.*{words}"):
        evaluation.evaluate(data, weights=tmp_path / "none", picture=tmp_path / folder / "a.png", progress=False)


def test_on_the_command_line(data: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "one's own.safetensors", tmp_path / "confusion.png"
    train = ["train", "text", "--arch", "cnn", "--data", str(data), "--out", str(out), "--threads", "1"]
    run = CliRunner().invoke(commands, [*train, "--epochs", "12"])
    assert run.exit_code == 0, run.output
    assert shlex.split(run.output.partition("Try it with: ")[2])[-3:] == [str(data), "--weights", str(out)]
    counts = "84 texts were fitted to, 6 told when to stop (", "of them right), 30 are kept for genlock evaluate"
    assert all(words in run.output for words in counts)
    assert "taken from train" not in run.output
    arguments = ["evaluate", "text", "--data", str(data), "--weights", str(out), "--picture", str(picture)]
    run = CliRunner().invoke(commands, [*arguments, "--json"])
    assert run.exit_code == 0, run.output
    result = json.loads(run.stdout)
    assert result["measured_on"] == "test.csv: 30 texts, 3 labels"
    assert result["baselines"]["most frequent label"] == pytest.approx(33.33)
    assert picture.read_bytes()[:4] == b"\x89PNG"
    run = CliRunner().invoke(commands, arguments)
    assert "TF-IDF and logistic regression" in run.output
    assert f"cnn on {data.name} (test.csv" in run.output
    assert "banking77" not in run.output
    run = CliRunner().invoke(commands, ["train", "text", "--data", str(tmp_path), "--out", str(out)])
    assert run.exit_code == 2
    assert "no set of labelled texts" in run.output


def test_what_is_kept_of_train_is_said_on_the_command_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes((data / "train.csv").read_bytes())
    train = ["train", "text", "--arch", "cnn", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--epochs", "1"]
    run = CliRunner().invoke(commands, [*train, "--threads", "1"])
    assert "66 texts were fitted to, 6 told when to stop (" in run.output
    assert "18 are kept for genlock evaluate\nthese are taken from train; with a test part (test.csv" in run.output


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_bounds_is_refused(seed: int, tmp_path: Path) -> None:
    train = ["train", "text", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--seed", str(seed)]
    run = CliRunner().invoke(commands, train)
    assert run.exit_code == 2
    assert "'--seed'" in run.output


def test_a_label_that_the_classifier_lacks_is_logged(trained: Path, caplog: pytest.LogCaptureFixture) -> None:
    ClassifierIntents.load(trained, {"lights": "light_on", "musik": "play", "waltz": "dance", "nod": "nod"})
    assert caplog.messages == [
        f"{trained}: has no label 'musik', which is to mean 'play'; did you mean 'music'?",
        f"{trained}: has no label 'waltz', which is to mean 'dance'; nothing that is said comes to it",
    ]


def test_an_apps_labels_become_its_actions(trained: Path) -> None:
    intents = ClassifierIntents.load(trained, {"lights": "light_on", "music": "play"})
    light, music, stop, nothing = intents.predict_texts(
        ["turn on the light please", "play some jazz", "stop that now", "?!"], np.zeros((4, 384), np.float32)
    )
    assert (light.label, music.label, stop.label, nothing.label) == ("light_on", "play", None, None)
    assert light.ranking[0] == ("light_on", light.confidence)
    with pytest.raises(ValueError, match="list them in labels"):
        ClassifierIntents.load(trained, {"dance": "dance"})


@pytest.mark.parametrize("text", ["___", "", "?!", "qwxz blorf", "qwxz, blorf?", "我想要水壶"])
def test_what_it_knows_no_word_of_is_none(text: str) -> None:
    vocabulary = Vocabulary.build(["turn on the light, please?", "play the music, please?"])
    classifier = TextClassifier("cnn", ["light", "music"], vocabulary, Network("cnn", len(vocabulary), 2))
    intents = ClassifierIntents(classifier, {"light": "light", "music": "music"})
    found, known = intents.predict_texts([text, "music"], np.zeros((2, 384), np.float32))
    assert (found.label, found.confidence) == (None, 1.0)
    assert "music" not in vocabulary.words
    assert known.label is not None


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("lights", True),
        ("openings", True),
        ("op", False),
        ("寝室の電気をつけて", True),
        ("我想要水壶", False),
        ("ドア", False),
    ],
)
def test_a_word_that_begins_as_one_that_it_met_is_known(text: str, known: bool) -> None:
    vocabulary = Vocabulary.build(["light", "open it", "電気をつけて"])
    classifier = TextClassifier("cnn", ["a", "b"], vocabulary, Network("cnn", len(vocabulary), 2))
    assert classifier.knows(text) == known

"""Manifests: what they say, and on which line what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from bridge.manifest import ManifestError, _line_of, load
from models.text.classifier import TextClassifier
from models.text.networks import Network
from models.text.preprocessing import Vocabulary

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "apps").glob("*.toml"))

WHOLE = """\
# a comment with [[actions]] in it
name = "shop"
version = "1.2"
confidence = 0.7

[[actions]]
name = "paint"
target = "required"
phrases = [
    "paint {target} {colour}",  # [brackets] in a comment
    "make {target} {colour} ]",
]

[[actions.arguments]]
name = "colour"
values = ["red", "blue"]

[actions.arguments.synonyms]
red = ["crimson"]

[[actions]]
name = "undo"
phrases = ["undo"]

[[targets]]
id = "kettle"
name = "Kettle"
position = [0, 1.0, -2]
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "app.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_whole_one(tmp_path: Path) -> None:
    found = load(write(tmp_path, WHOLE))
    assert (found.app.name, found.app.version, found.app.confidence) == ("shop", "1.2", 0.7)
    paint, undo = found.app.actions
    assert (paint.name, paint.target, undo.phrases) == ("paint", "required", ["undo"])
    assert paint.arguments[0].synonyms == {"red": ["crimson"]}
    assert found.targets[0].position == (0, 1, -2)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples(path: Path) -> None:
    found = load(path)
    assert found.app.name == path.stem
    assert all(len(action.phrases) >= 6 or action.sees for action in found.app.actions)
    if path.stem != "coffee_maker":
        assert len(found.app.actions) >= 8
        assert found.targets


def test_there_are_four_samples() -> None:
    assert [path.stem for path in SAMPLES] == ["classroom", "coffee_maker", "gallery", "medicine"]


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ('name = "shop"', "name = 3", 2, "name", "expected a string, got a whole number"),
        ('name = "shop"', "", 1, "the file", "the key `name` is missing"),
        ('name = "shop"', 'name = ""', 2, "name", "expected a string of at least 1 character"),
        ("confidence = 0.7", "confidence = 1.5", 4, "confidence", "<= 1"),
        ("confidence = 0.7", "confidense = 0.7", 4, "confidense", "did you mean confidence?"),
        (
            'target = "required"',
            'target = "maybe"',
            8,
            "actions[0].target",
            "'maybe' is not one of: none, optional, required",
        ),
        ("phrases = [\n", "phrase = [\n", 9, "actions[0].phrase", "did you mean phrases?"),
        ('"make {target} {colour} ]"', '"make {target} {color}"', 9, "actions[0].phrases[1]", "{colour}"),
        ('"make {target} {colour} ]"', "7", 9, "actions[0].phrases[1]", "got a whole number"),
        ('values = ["red", "blue"]', 'values = "red"', 16, "actions[0].arguments[0].values", "expected a list"),
        ('values = ["red", "blue"]', 'values = ["blue"]', 18, "actions[0].arguments[0].synonyms", "none of the values"),
        ('name = "undo"', 'name = "paint"', 22, "actions[1].name", "twice"),
        ('phrases = ["undo"]', "", 21, "actions[1].phrases", "at least one phrase"),
        ("position = [0, 1.0, -2]", "position = [0, 1.0]", 28, "targets[0].position", "3"),
        ("position = [0, 1.0, -2]", "", 25, "targets[0]", "the key `position` is missing"),
        ('id = "kettle"', "id = kettle", 26, "", "not TOML"),
        ('name = "undo"', 'name = "undo', 22, "", "not TOML"),
    ],
)
def test_mistakes_are_told_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, key: str, words: str
) -> None:
    assert old in WHOLE
    path = write(tmp_path, WHOLE.replace(old, new))
    with pytest.raises(ManifestError) as caught:
        load(path)
    told = str(caught.value)
    assert told.startswith(f"{path}, line {line}{', ' + key if key else ''}: ")
    assert words in told


def test_a_byte_order_mark_is_none_of_its_words(tmp_path: Path) -> None:
    mark = "\N{BYTE ORDER MARK}"
    assert load(write(tmp_path, mark + WHOLE)).app.name == "shop"
    with pytest.raises(ManifestError, match="line 2, name: expected a string"):
        load(write(tmp_path, mark + WHOLE.replace('"shop"', "3")))
    with pytest.raises(ManifestError, match="line 3: not UTF-8"):
        load(write(tmp_path, mark.encode() + b'name = "a"\n\n\xff'))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        load(tmp_path / "nothing.toml")
    with pytest.raises(ManifestError, match="line 2: not UTF-8"):
        load(write(tmp_path, b'name = "a"\nversion = "\xff"\n'))
    with pytest.raises(ManifestError, match="at most 1048576"):
        load(write(tmp_path, b"#" * (1 << 20) + b"\n"))
    with pytest.raises(ManifestError, match="at least one action"):
        load(write(tmp_path, 'name = "a"'))


def test_targets_are_there_once_and_few(tmp_path: Path) -> None:
    twice = WHOLE + '\n[[targets]]\nid = "kettle"\nposition = [0, 0, 0]\n'
    with pytest.raises(ManifestError, match=r"line 31, targets\[1\].id: 'kettle' is there twice"):
        load(write(tmp_path, twice))
    many = WHOLE + "".join(f'\n[[targets]]\nid = "t{n}"\nposition = [0, 0, 0]\n' for n in range(64))
    with pytest.raises(ManifestError, match="at most 64"):
        load(write(tmp_path, many))


def test_a_classifier_lies_beside_the_manifest(tmp_path: Path) -> None:
    text = WHOLE.replace('version = "1.2"', 'classifier = "model.safetensors"')
    with pytest.raises(ManifestError, match=r"line 3, classifier: .*genlock train text"):
        load(write(tmp_path, text))
    model = tmp_path / "model.safetensors"
    TextClassifier("cnn", ["undo", "other"], Vocabulary(["it"]), Network("cnn", 3, 2)).save(model)
    assert load(write(tmp_path, text)).app.classifier == str(model)
    data = model.read_bytes()
    save_file({"a": np.zeros(1)}, tmp_path / "other")
    other = (tmp_path / "other").read_bytes()
    for broken, words in ((b"", "no safetensors"), (data[:-1], "no safetensors"), (other, "no text classifier")):
        model.write_bytes(broken)
        with pytest.raises(ManifestError, match=f"line 3, classifier: {model}: {words}"):
            load(write(tmp_path, text))


def test_a_label_of_two_actions_is_told_by_its_line(tmp_path: Path) -> None:
    text = 'name = "a"\nclassifier = "b"\n' + "".join(
        f'[[actions]]\nname = "{name}"\nlabels = ["take"]\n' for name in ("one", "other")
    )
    with pytest.raises(ManifestError, match=r"line 8, actions\[1\]\.labels\[0\]: the label 'take' means 'one' already"):
        load(write(tmp_path, text))


def test_a_classifier_knows_an_action(tmp_path: Path) -> None:
    text = WHOLE.replace('version = "1.2"', 'classifier = "model.safetensors"')
    model = tmp_path / "model.safetensors"
    TextClassifier("cnn", ["revert", "colour"], Vocabulary(["it"]), Network("cnn", 3, 2)).save(model)
    words = f"no action has a label of {model}, which knows revert, colour, ...; list them in labels"
    with pytest.raises(ManifestError, match=f"line 3, classifier: {re.escape(words)}"):
        load(write(tmp_path, text))
    load(write(tmp_path, text.replace('phrases = ["undo"]', 'labels = ["revert"]')))


VALUES = st.sampled_from(
    ['"text"', "3", "[1, 2]", '["a",\n  "b", # ] comment\n]', '"""two\nname = 1\n"""', "{ inner = 1 }"]
)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(VALUES, min_size=1, max_size=3)), max_size=8))
def test_keys_are_found_on_their_lines(tables: list[tuple[str, list[str]]]) -> None:
    text, lines, counts = "", {}, dict.fromkeys("abc", -1)
    for name, values in tables:
        counts[name] += 1
        text += f"# [[{name}]]\n\n[[{name}]]\n"
        lines[f"{name}[{counts[name]}]"] = text.count("\n")
        for at, value in enumerate(values):
            text += f"key{at} = {value}\n"
            lines[f"{name}[{counts[name]}].key{at}"] = text.count("\n") - value.count("\n")
    for path, line in lines.items():
        assert _line_of(text, path) == line, path
    for path in ("a[9].key0", "z", ""):
        assert 1 <= _line_of(text, path) <= text.count("\n") + 1


def test_pictures_are_read_beside_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "badge.jpg").write_bytes(b"\xff\xd8 a picture")
    file = tmp_path / "app.toml"
    file.write_text(
        'name = "a"\nlearn = false\nbystanders = "ignored"\n[[actions]]\nname = "greet"\nsees = ["badge"]\n'
        '[[objects]]\nname = "badge"\npictures = ["badge.jpg"]\n'
    )
    app = load(file).app
    assert (app.learn, app.bystanders) == (False, "ignored")
    assert [(thing.name, thing.examples) for thing in app.objects] == [("badge", [b"\xff\xd8 a picture"])]
    (tmp_path / "badge.jpg").write_bytes(b"no picture")
    with pytest.raises(ManifestError, match=r"line 9, objects\[0\].pictures\[0\]: .*badge.jpg: .* neither a JPEG nor"):
        load(file)
    (tmp_path / "badge.jpg").unlink()
    with pytest.raises(ManifestError, match=r"line 9, objects\[0\].pictures\[0\]: .*badge.jpg: No such file"):
        load(file)

"""Sets of labelled texts in each format, and what is said of those that are in none."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labelled_texts import DataError, Labelled, carve, carve_evenly, load, shots, without_copies

EXAMPLES = [Labelled(f"{label} {at}", label) for label in "abc" for at in range(10)]


def clinc(folder: Path, **parts: list[tuple[str, str]]) -> Path:
    (folder / "data.json").write_text(json.dumps(parts))
    return folder


def test_the_test_part_is_measured_on_where_there_is_one(tmp_path: Path) -> None:
    folder = clinc(
        tmp_path,
        train=[("hi", "greet")],
        val=[("hey", "greet")],
        test=[("hello", "greet")],
        oos_train=[("x", "oos")],
        oos_test=[("y", "oos"), ("z", "oos")],
    )
    found = load(folder)
    assert (found.format, found.part) == ("clinc150", "test")
    assert (found.fit, found.measured) == ([Labelled("hi", "greet")], [Labelled("hello", "greet")])
    assert (found.outside_fit, found.outside_measured) == (["x"], ["y", "z"])


def test_without_it_the_validation_part_is(tmp_path: Path) -> None:
    found = load(clinc(tmp_path, train=[("hi", "greet")], val=[("hey", "greet")], oos_val=[("y", "oos")]))
    assert (found.part, found.measured, found.outside_measured) == ("val", [Labelled("hey", "greet")], ["y"])


def test_without_either_a_part_is_carved_that_fitting_does_not_see(tmp_path: Path) -> None:
    rows = "".join(f"{example.text},{example.label}\n" for example in EXAMPLES)
    (tmp_path / "train.csv").write_text("text,category\n" + rows)
    found = load(tmp_path)
    assert len(found.measured) == 6
    assert not set(found.fit) & set(found.measured)
    assert sorted(found.fit + found.measured, key=str) == sorted(EXAMPLES, key=str)
    assert load(tmp_path) == found
    assert (found.name, found.format) == (tmp_path.name, "banking77")
    assert found.labels == ["a", "b", "c"]
    (tmp_path / "test.csv").write_text('text,category\n"one, two",a\n')
    assert load(tmp_path).measured == [Labelled("one, two", "a")]
    assert len(load(tmp_path).fit) == len(EXAMPLES)


def test_other_formats(tmp_path: Path) -> None:
    hwu, snips = tmp_path / "hwu", tmp_path / "snips"
    hwu.mkdir()
    snips.mkdir()
    rows = "".join(f"1\talarm\tset\t[x]\twake me {at}\n" for at in range(5))
    (hwu / "kfold1_train.tsv").write_text("answerid\tscenario\tintent\tannotation\ttext\n" + rows)
    assert load(hwu).labels == ["alarm_set"]
    (snips / "train.jsonl").write_text('{"intent": "Play", "text": " song\\n", "slots": []}\n')
    (snips / "validate.jsonl").write_text('{"intent": "Play", "text": "tune", "slots": []}\n')
    found = load(snips)
    assert (found.fit, found.measured) == ([Labelled("song", "Play")], [Labelled("tune", "Play")])


def test_a_quotation_mark_between_tabs_is_the_texts(tmp_path: Path) -> None:
    texts = ['"stop', "halt", 'the "end"', "quit"]
    rows = "".join(f"{text}\ta\tb\n" for text in texts)
    (tmp_path / "kfold1_train.tsv").write_text("text\tscenario\tintent\n" + rows)
    found = load(tmp_path)
    assert sorted(example.text for example in found.fit + found.measured) == sorted(texts)


def test_a_line_separator_in_json_ends_no_line(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "one\u2028two", "intent": "a"}\r\n{"text": "b", "intent": "a"}')
    found = load(tmp_path)
    assert {example.text for example in found.fit + found.measured} == {"one\u2028two", "b"}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("data.json", '{"train": [["stop", "a"]], "test": [["halt", "a"]]}'),
        ("train.csv", "text,category\nstop,a\nhalt,a\n"),
        ("kfold1_train.tsv", "text\tscenario\tintent\nstop\ta\tb\nhalt\ta\tb\n"),
        ("train.jsonl", '{"text": "stop", "intent": "a"}\n{"text": "halt", "intent": "a"}\n'),
    ],
)
def test_a_byte_order_mark_says_nothing(tmp_path: Path, file: str, content: str) -> None:
    (tmp_path / file).write_text(content, encoding="utf-8-sig")
    found = load(tmp_path)
    assert {example.text for example in found.fit + found.measured} == {"stop", "halt"}


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("readme.txt", b"", "none of data.json"),
        ("data.json", b'{"train": [["a"]]}', "data.json: .*train"),
        ("data.json", b"{", "data.json: "),
        ("data.json", b'{"train": []}', "no texts to fit to"),
        ("data.json", b'{"train": [["a", "b"]]}', "no texts to measure on"),
        ("train.csv", b"words,category\na,b\n", "line 1: no column text"),
        ("train.csv", b"text,category\na,b\n,b\n", "line 3: one of text, category is empty"),
        ("train.csv", b"text,category\na\n", "line 2: one of text, category is empty"),
        ("train.csv", b"text,category\n\xff,b\n", "not UTF-8"),
        ("train.csv", b'text,category\n"' + b"a,b\n" * 50_000, "line 2: field larger than field limit"),
        ("train.csv", b"text,category\n   ,b\n", "line 2: one of text, category is empty"),
        ("train.csv", b'text,category\na,b\n\nc,d\n"e,b\nf,b\n', "line 5: unexpected end of data; is a quotation mark"),
        ("train.csv", b'text,category\na,b\n"c,b\nd,e\nf"g,b\n', "line 3: .*is a quotation mark"),
        ("train.csv", b'text,category\na,b\n"c,b\nd,e\nf",b\n', "line 3: .* over 3 lines, of which 'c,b' is a row"),
        ("train.csv", b'category,text\nb,"a\nc,d\nb,e"\n', "line 2: .* over 3 lines, of which 'b,e' is a row"),
        ("train.csv", b'text,category\na,"b\nc,d"\n', "line 2: the label goes on over several lines"),
        ("train.csv", b"text,category\na, please,b\n", "line 2: 3 fields, but line 1 names 2"),
        ("kfold1_train.tsv", b"text\tscenario\tintent\n \ta\tb\n", "line 2: one of scenario, intent, text"),
        ("data.json", b'{"train": [["a", "b"], [" ", "b"]]}', r"data.json, train\[1\]: the text is empty"),
        ("data.json", b'{"train": [["a", "b"]], "val": [["c", ""]]}', r"val\[0\]: the label is empty"),
        ("data.json", b'{"train": [["a", 1]]}', "Expected `str`"),
        ("train.jsonl", b'{"text": "a", "intent": "b"}\n[]\n', "line 2: a map"),
        ("train.jsonl", b'{"text": "a", "intent": 1}\n', "line 1: text and intent must be strings"),
        ("train.jsonl", b'{"text": ["a"], "intent": "b"}\n', "line 1: text and intent must be strings"),
        ("train.jsonl", b'{"text": "a", "intent": "b"}\n{"text": " ", "intent": "b"}\n', "line 2: the text is empty"),
        ("train.jsonl", b'{"text": "a", "intent": "\\ud800"}\n', "line 1: the label .* is not Unicode"),
    ],
)
def test_what_is_wrong_is_said_by_file_and_line(tmp_path: Path, file: str, content: bytes, words: str) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=words):
        load(tmp_path)


def test_space_around_a_label_is_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,category\na,take\nb, take\nc,take  \nd,other\n")
    (tmp_path / "test.csv").write_text("text,category\ne,take\n")
    assert load(tmp_path).labels == ["other", "take"]
    (tmp_path / "kfold1_train.tsv").write_text("scenario\tintent\ttext\na \tb\tx\na\t b\ty\n")
    (tmp_path / "train.csv").unlink()
    assert load(tmp_path).labels == ["a_b"]


def test_a_text_with_a_line_break_is_told_by_the_line_on_which_it_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = 'text,category\n"\nwhole, all the same\n",a\n\n"two, or\nmore",a\n"said ""so""",b\n'
    (tmp_path / "train.csv").write_text(rows)
    (tmp_path / "test.csv").write_text("text,category\nx,a\n")
    assert [example.text for example in load(tmp_path).fit] == ["\nwhole, all the same\n", "two, or\nmore", 'said "so"']
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path / 'train.csv'}, line 6: the text that begins here has a line break; is a")


def test_a_sentence_with_a_label_in_it_is_no_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = 'text,category\n"I think not\nno, thanks",no\n"well\nhello, is it\u0085there",no\nhello,thanks\nyes,thanks\n'
    (tmp_path / "train.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "test.csv").write_text("text,category\nx,no\n")
    assert [example.label for example in load(tmp_path).fit] == ["no", "no", "thanks", "thanks"]
    (message,) = caplog.messages
    assert "line 2: the text that begins here has a line break, as 1 more do;" in message


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])), st.sampled_from("ab")),
        min_size=2,
    )
)
def test_what_csv_writes_is_read(drawn: list[tuple[str, str]]) -> None:
    rows = [(text, label) for text, label in drawn if text.strip()]
    rows += [("first", "a"), ("second", "b")]
    with tempfile.TemporaryDirectory() as folder:
        for name, some in (("train.csv", rows), ("test.csv", [("\u2603", "a")])):
            with (Path(folder) / name).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("text", "category"), *some])
        found = load(Path(folder))
    assert found.fit == [Labelled(*row) for row in rows if row[0].strip() != "\u2603"]


def test_shots_are_of_each_label_and_the_same_for_the_same_seed() -> None:
    chosen = shots(EXAMPLES, 4, 1)
    assert [sum(example.label == label for example in chosen) for label in "abc"] == [4, 4, 4]
    assert len(set(chosen)) == 12
    assert shots(EXAMPLES, 4, 1) == chosen
    assert shots(EXAMPLES, 4, 2) != chosen
    assert len(shots(EXAMPLES, 40, 1)) == len(EXAMPLES)


@given(st.lists(st.sampled_from("abcd"), max_size=60), st.floats(0.05, 0.6), st.integers(0, 5))
def test_carving_loses_and_doubles_nothing(labels: list[str], share: float, seed: int) -> None:
    examples = [Labelled(str(at), label) for at, label in enumerate(labels)]
    stay, carved = carve(examples, share, seed)
    assert sorted(stay + carved, key=str) == sorted(examples, key=str)
    assert {example.label for example in stay} == set(labels)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9)), max_size=60),
    st.floats(0.05, 0.6),
    st.integers(0, 5),
)
def test_no_text_is_on_both_sides_and_no_label_on_one(drawn: list[tuple[str, int]], share: float, seed: int) -> None:
    examples = [
        Labelled(("Text  {}" if at % 2 else "text {}").format(text), label) for at, (label, text) in enumerate(drawn)
    ]
    for stay, carved in (carve(examples, share, seed), carve_evenly(examples, 3, seed)):
        assert sorted(stay + carved, key=str) == sorted(examples, key=str)
        fit = without_copies(stay, (example.text for example in carved))
        assert not {one.text.split()[1] for one in fit} & {one.text.split()[1] for one in carved}
        assert {one.label for one in fit} == {one.label for one in examples}


def test_what_is_measured_on_is_not_fitted_to_where_train_has_it_too(tmp_path: Path) -> None:
    folder = clinc(
        tmp_path,
        train=[("hi", "greet"), ("Good  day", "greet"), ("x y", "greet")],
        test=[("good day", "greet"), ("hello", "greet")],
        oos_train=[("X", "oos"), ("z", "oos")],
        oos_test=[("x", "oos"), ("X Y", "oos")],
    )
    found = load(folder)
    assert (found.fit, found.outside_fit) == ([Labelled("hi", "greet")], ["z"])
    assert (len(found.measured), len(found.outside_measured)) == (2, 2)
    assert found.measured_on(1) == "test: 2 texts, 1 labels; 3 copies of them are not fitted to"
    clinc(tmp_path, train=[("hi", "greet"), ("bye", "part")], test=[("Bye", "part")])
    with pytest.raises(DataError, match="all texts of 'part' are in test too"):
        load(folder)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(0, 8), st.integers())
def test_carving_evenly_takes_as_many_of_each_but_no_more_than_half(labels: list[str], count: int, seed: int) -> None:
    examples = [Labelled(str(at), label) for at, label in enumerate(labels)]
    stay, carved = carve_evenly(examples, count, seed)
    assert sorted(stay + carved, key=str) == sorted(examples, key=str)
    for label in set(labels):
        assert sum(one.label == label for one in carved) == min(count, labels.count(label) // 2)
    assert carve_evenly(examples, count, seed) == (stay, carved)


def test_without_a_test_part_banking_is_carved_evenly_as_its_test_part_is(tmp_path: Path) -> None:
    rows = [f"text {at},few" for at in range(20)] + [f"other {at},many" for at in range(200)]
    (tmp_path / "train.csv").write_text("\n".join(["text,category", *rows]) + "\n")
    texts = load(tmp_path)
    assert [sum(one.label == label for one in texts.measured) for label in ("few", "many")] == [10, 22]
    assert not {one.text for one in texts.measured} & {one.text for one in texts.fit}

"""Recordings: what goes in comes out, and what is damaged is said to be."""

from __future__ import annotations

import json
import os
import resource
import shlex
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bridge.app import App
from bridge.cli import app
from bridge.protocol import Frame, Hello, Scene, Target, decode_client, encode
from bridge.recording.format import (
    MAGIC,
    MARK,
    MESSAGE,
    Entry,
    Header,
    Recording,
    RecordingError,
    RecordingWriter,
)
from bridge.recording.recorder import Recorder

entries = st.lists(
    st.tuples(
        st.integers(0, 400_000),
        st.binary(max_size=50) | st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5)),
    ),
    max_size=40,
)


def write(path: Path, steps: list[tuple[int, Any]]) -> list[Entry]:
    """Entries that follow each other after so many microseconds each."""
    writer = RecordingWriter(path, Header({"user": "ada", "token": "secret", "resume": "secret"}))
    expected, time = [], 0
    for step, payload in steps:
        time += step
        if isinstance(payload, bytes):
            writer.message(time, payload)
        else:
            writer.mark(time, payload)
        expected.append(Entry(time, MESSAGE if isinstance(payload, bytes) else MARK, payload))
    writer.close()
    return expected


@given(steps=entries)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_what_goes_in_comes_out(steps: list[tuple[int, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("recording") / "a.genlock"
    expected = write(path, steps)
    recording = Recording(path)
    assert list(recording.entries()) == expected
    assert recording.complete
    assert recording.duration_us == (expected[-1].time_us if expected else 0)
    middle = recording.duration_us // 2
    assert list(recording.entries(middle)) == [entry for entry in expected if entry.time_us >= middle]
    assert list(recording.entries(0, middle)) == [entry for entry in expected if entry.time_us <= middle]


def test_secrets_are_not_written(tmp_path: Path) -> None:
    write(tmp_path / "a", [])
    assert Recording(tmp_path / "a").header.hello == {"user": "ada"}
    assert b"secret" not in (tmp_path / "a").read_bytes()


def test_a_file_that_was_cut_short_is_good_up_to_its_last_whole_chunk(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole", [(600_000, bytes([at]) * 5) for at in range(6)])
    data = (tmp_path / "whole").read_bytes()
    unpacker = msgpack.Unpacker()
    unpacker.feed(data[len(MAGIC) :])
    unpacker.skip()
    header_ends = len(MAGIC) + unpacker.tell()
    counts = []
    for length in range(len(data) + 1):
        path = tmp_path / "cut"
        path.write_bytes(data[:length])
        if length < header_ends:
            with pytest.raises(RecordingError, match=str(path)):
                Recording(path)
            continue
        recording = Recording(path)
        found = list(recording.entries())
        assert found == whole[: len(found)]
        assert recording.complete == (len(found) in (0, 2, 4, 6) and _ends_whole(data, length))
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[-1] == 6


def _ends_whole(data: bytes, length: int) -> bool:
    unpacker = msgpack.Unpacker()
    unpacker.feed(data[len(MAGIC) : length])
    end = 0
    for _ in unpacker:
        end = unpacker.tell()
    return end == length - len(MAGIC)


@pytest.mark.parametrize("data", [b"", b"GENLOCK", b"PNG" * 40, MAGIC, MAGIC + b"\xc1", MAGIC + b"\x81\xa1a\x01"])
def test_what_is_no_recording_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(RecordingError, match=str(path)):
        Recording(path)


def test_a_damaged_chunk_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, [(1, b"x" * 100)])
    data = bytearray(path.read_bytes())
    data[-8] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="damaged"):
        list(Recording(path).entries())


@pytest.mark.parametrize(
    ("damaged", "whole_us"),
    [
        pytest.param(msgpack.packb((2_200_000, 2_900_000, 1, b"no zlib")), 2_199_999, id="in a chunk"),
        pytest.param(bytes(64), 1_600_000, id="between chunks"),
    ],
)
def test_damage_is_said_with_its_place_and_what_is_before_it_can_be_cut_out(
    damaged: bytes, whole_us: int, tmp_path: Path
) -> None:
    path, out = tmp_path / "it's", tmp_path / "b"
    good = write(path, [(100_000, b"x"), (500_000, b"y"), (1_000_000, b"z")])
    place = path.stat().st_size
    path.write_bytes(path.read_bytes() + damaged)
    way_out = f"genlock recording cut {quote(str(path))} OUT --to {whole_us / 1e6:.6f}"
    for arguments in (("info", path), ("cut", path, out), ("cut", path, out, "--to", 9)):
        code, output = run("recording", *arguments)
        assert code == 2
        assert f"{path}: damaged at byte {place}: " in output
        assert way_out in output
        assert "rror(" not in output
        assert not out.exists()
    code, output = run(*shlex.split(way_out.replace("OUT", quote(str(out))))[1:])
    assert code == 0, output
    assert list(Recording(out).entries()) == good


def test_a_piece_after_damage_is_cut_out_as_it_is_said(tmp_path: Path) -> None:
    path, out = tmp_path / "it's", tmp_path / "b"
    scene = encode(Scene("a", [Target("a", (0, 0, 0))]))
    write(path, [(0, scene), (100, {"phase": "preview"})])
    place = path.stat().st_size
    after = chunk((3_000_000, MESSAGE, b"x"), (3_500_000, MESSAGE, b"y"), first=3_000_000, last=3_500_000)
    path.write_bytes(path.read_bytes() + msgpack.packb((2_000_000, 2_900_000, 1, b"no zlib")) + after)
    code, output = run("recording", "cut", path, out, "--from", 2.5)
    assert code == 2
    way_out = f"genlock recording cut {quote(str(path))} OUT --from 2.900001"
    assert way_out in output
    code, output = run(*shlex.split(way_out.replace("OUT", quote(str(out))))[1:])
    assert code == 0, output
    assert f"{path}: damaged at byte {place}: " in output
    assert "if the scene was changed there" in output
    # The mark is most likely not the last one.
    assert list(Recording(out).entries()) == [
        Entry(0, MESSAGE, scene),
        Entry(99_999, MESSAGE, b"x"),
        Entry(599_999, MESSAGE, b"y"),
    ]


def test_a_piece_from_beyond_the_last_that_can_be_read_is_said_to_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, [(100_000, b"x")])
    place = path.stat().st_size
    path.write_bytes(path.read_bytes() + bytes(64))
    code, output = run("recording", "cut", path, tmp_path / "b", "--from", 2)
    assert code == 2
    assert f"there is nothing from 2 s on; {path}: damaged at byte {place}: " in output
    assert f"genlock recording cut {path} OUT --to 0.100000" in output


def test_where_nothing_is_before_the_damage_no_way_out_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(MAGIC + msgpack.packb({"hello": {}}) + b"\xc1")
    with pytest.raises(RecordingError, match=r"damaged at byte 16: no msgpack$"):
        list(Recording(path).entries())


def chunk(*found: object, first: object = 0, last: int = 9, count: int | None = None) -> bytes:
    data = zlib.compress(b"".join(msgpack.packb(entry) for entry in found))
    return bytes(msgpack.packb((first, last, len(found) if count is None else count, data)))


GOOD = chunk((1, MESSAGE, b"x"))


@pytest.mark.parametrize(
    ("header", "chunks"),
    [
        pytest.param({"hello": 5}, GOOD, id="a hello that is no map"),
        pytest.param(7, GOOD, id="a header that is no map"),
        pytest.param({"hello": {}}, chunk((1, MESSAGE, b"x"), first="a"), id="a time that is no number"),
        pytest.param({"hello": {}}, chunk(first=10), id="a chunk that ends before it begins"),
        pytest.param({"hello": {}}, GOOD + chunk(first=5, last=6), id="a chunk before the one before it"),
        pytest.param({"hello": {}}, GOOD + bytes(64), id="zeros at the end"),
        pytest.param({"hello": {}}, chunk((1, 7, b"x")), id="an unknown kind"),
        pytest.param({"hello": {}}, chunk((1, MESSAGE, {})), id="a message that is no bytes"),
        pytest.param({"hello": {}}, chunk((1, MARK, b"x")), id="a mark that is no map"),
        pytest.param({"hello": {}}, chunk((1, MESSAGE, b"x"), count=2), id="fewer entries than said"),
        pytest.param({"hello": {}}, chunk((1, MESSAGE, b"x"), (2, MARK, {}), count=1), id="more entries than said"),
        pytest.param({"hello": {}}, chunk((1, MESSAGE, bytes(13 * 2**20))), id="few bytes that are many"),
        pytest.param({"hello": {}}, msgpack.packb((0, 1, 1, zlib.compress(b"x" * 99)[:-4])), id="half of zlib"),
    ],
)
def test_what_is_damaged_is_said_and_never_passed_on(header: object, chunks: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(MAGIC + msgpack.packb(header) + chunks)
    with pytest.raises(RecordingError, match=str(path)):
        list(Recording(path).entries())
    for arguments in (("info", path), ("cut", path, tmp_path / "b")):
        code, output = run("recording", *arguments)
        assert code == 2
        assert str(path) in output


def test_a_header_of_a_later_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(MAGIC + msgpack.packb({"hello": {"user": "ada"}, "mood": "good"}) + GOOD)
    recording = Recording(path)
    assert recording.header == Header({"user": "ada"})
    assert list(recording.entries()) == [Entry(1, MESSAGE, b"x")]


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file can grow beyond this many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_what_was_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    writer = RecordingWriter(path, Header({"user": "ada"}))
    writer.message(0, b"first")
    writer.message(1_000_000, os.urandom(5000))
    with disk_of(1000), pytest.raises(RecordingError, match=rf"{path}: cannot be written"):
        writer.message(2_000_000, b"last")
    with disk_of(1000):
        writer.close()
    recording = Recording(path)
    assert list(recording.entries()) == [Entry(0, MESSAGE, b"first")]
    assert not recording.complete
    with disk_of(5), pytest.raises(RecordingError, match="cannot be written"):
        RecordingWriter(tmp_path / "b", Header({}))


def test_a_piece_that_cannot_be_written_whole_leaves_no_file(tmp_path: Path) -> None:
    write(tmp_path / "a", [(at, os.urandom(3000)) for at in (0, 1_500_000)])
    for size in (5, 1000, 5000):
        with disk_of(size):
            code, output = run("recording", "cut", tmp_path / "a", tmp_path / "b")
        assert code == 2
        assert f"{tmp_path / 'b'}: cannot be written" in output
        assert not (tmp_path / "b").exists()
    assert run("recording", "cut", tmp_path / "a", tmp_path / "b")[0] == 0


def test_an_entry_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a", Header({})) as writer:
        writer.message(0, bytes(8 * 2**20 - 100))
        with pytest.raises(RecordingError, match="longer than"):
            writer.message(1, bytes(8 * 2**20))
    assert len(list(Recording(tmp_path / "a").entries())) == 1


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "a", [])
    with pytest.raises(RecordingError, match="already"):
        write(tmp_path / "a", [])


def test_the_recorder_writes_a_file_a_session(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new")
    sinks = [recorder.open(Hello("1.0", App("a"), user, token="t"), str(at)) for at, user in enumerate("ab")]
    for time in range(5):
        for sink in sinks:
            sink.message(time, bytes([time]))
    for sink in sinks:
        sink.close()
    recorder.close()
    found = sorted((tmp_path / "new").iterdir())
    assert [Recording(path).header.hello["user"] for path in found] == ["a", "b"]
    assert all(len(list(Recording(path).entries())) == 5 for path in found)
    assert not [thread for thread in threading.enumerate() if thread.name == "recorder"]


def recorded(folder: Path) -> dict[str, list[Entry]]:
    """What was recorded of each user."""
    recordings = [Recording(path) for path in folder.iterdir()]
    return {recording.header.hello["user"]: list(recording.entries()) for recording in recordings}


def test_what_comes_after_the_end_of_a_session_harms_no_other(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    ended, other = (recorder.open(Hello("1.0", App("a"), user), user) for user in "ab")
    ended.message(0, b"x")
    ended.close()
    ended.message(10, b"late")
    ended.message(5_000_000, b"very late")
    other.message(0, b"y")
    other.close()
    recorder.close()
    assert recorded(tmp_path) == {"a": [Entry(0, MESSAGE, b"x")], "b": [Entry(0, MESSAGE, b"y")]}


def test_a_session_that_sent_nothing_leaves_no_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.open(Hello("1.0", App("a"), "ada"), "1").close()
    recorder.close()
    assert not list(tmp_path.iterdir())


def test_a_session_that_did_not_end_is_written_to_its_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.open(Hello("1.0", App("a"), "ada"), "1").message(7, b"x")
    recorder.close()
    assert recorded(tmp_path) == {"ada": [Entry(7, MESSAGE, b"x")]}


def test_a_recording_that_falls_behind_ends_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path, backlog_bytes=500)
    sink = recorder.open(Hello("1.0", App("a"), "ada"), "1")
    sink.message(0, b"x")
    sink.message(1, bytes(1000))
    sink.message(2, b"z")
    sink.close()
    recorder.close()
    assert recorded(tmp_path) == {"ada": [Entry(0, MESSAGE, b"x")]}
    assert all(Recording(path).complete for path in tmp_path.iterdir())
    assert caplog.text.count("the disk is too slow") == 1


def test_a_recording_that_cannot_be_written_harms_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path)
    hello = Hello("1.0", App("a"), "ada")
    lost, other = recorder.open(hello, "no/such/folder"), recorder.open(hello, "1")
    for sink in (lost, other, lost, other):
        sink.message(0, b"x")
    lost.close()
    other.close()
    recorder.close()
    assert recorded(tmp_path) == {"ada": [Entry(0, MESSAGE, b"x")] * 2}
    assert caplog.text.count("cannot be written") == 1


def test_the_name_of_a_user_is_no_path(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "in")
    sink = recorder.open(Hello("1.0", App("a"), "../../x/\0"), "1")
    sink.message(0, b"")
    sink.close()
    recorder.close()
    assert len(list((tmp_path / "in").iterdir())) == 1


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_cutting_keeps_the_scene_that_was_in_force(tmp_path: Path) -> None:
    first, second = (Scene(name, [Target(name, (0, 0, 0))]) for name in "ab")
    added = Scene("c", [Target("c", (0, 0, 0))], replace=False)
    steps = [(0, first), (100, second), (100, added), (100, {"phase": "preview"}), (1_000_000, Frame(1, 1, 0, b""))]
    write(tmp_path / "a", [(t, what if isinstance(what, dict) else encode(what)) for t, what in steps])
    code, output = run("recording", "cut", tmp_path / "a", tmp_path / "b", "--from", 1)
    assert code == 0, output
    found = list(Recording(tmp_path / "b").entries())
    assert [entry.time_us for entry in found] == [0, 0, 0, 300]
    assert [decode_client(entry.payload) for entry in found if entry.kind == MESSAGE][:2] == [second, added]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("recording", "info", "{0}/missing"), "missing"),
        (("recording", "cut", "{0}/a", "{0}/b", "--from", "900"), "nothing from 900 s on"),
        (("recording", "cut", "{0}/a", "{0}/b", "--from", "9", "--to", "2"), "nothing from 9 s to 2 s"),
        (("recording", "cut", "{0}/a", "{0}/a"), "already"),
        (("recording", "import", "{0}", "{0}/out"), "objects.tsv"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    write(tmp_path / "a", [(1, b"x")])
    code, output = run(*(argument.format(tmp_path) for argument in arguments))
    assert code == 2
    assert words in output.replace("\n", "")
    assert "Traceback" not in output


def test_info_counts_what_is_in_it(tmp_path: Path) -> None:
    steps = [encode(Frame(1, 1, 0, b"")), {"phase": "rest"}, b"x", b"\xc1\xff", msgpack.packb({"type": "dance"})]
    write(tmp_path / "a", [(1, step) for step in steps])
    code, output = run("recording", "info", tmp_path / "a", "--json")
    assert code == 0
    about = json.loads(output)
    assert about["messages"] == {"frame": 1, "unknown": 3}
    assert about["marks"] == 1
    assert about["user"] == "ada"
    assert about["complete"] is True

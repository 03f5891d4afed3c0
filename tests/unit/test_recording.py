"""Recordings: what goes in comes out, and what is damaged is said to be."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bridge.cli import app
from bridge.protocol import AppInfo, Frame, Hello, Scene, Target, decode_client, encode
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
from bridge.recording.importer import write_recording
from bridge.recording.recorder import Recorder
from bridge.tracking import Part
from models.vr_objects import Dataset, Trial
from models.vr_objects import Target as Thing

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


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "a", [])
    with pytest.raises(RecordingError, match="already"):
        write(tmp_path / "a", [])


def test_the_recorder_writes_a_file_a_session(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new")
    sinks = [recorder.open(Hello("1.0", AppInfo("a"), user, token="t"), str(at)) for at, user in enumerate("ab")]
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


def test_the_name_of_a_user_is_no_path(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "in")
    sink = recorder.open(Hello("1.0", AppInfo("a"), "../../x/\0"), "1")
    sink.message(0, b"")
    sink.close()
    recorder.close()
    assert len(list((tmp_path / "in").iterdir())) == 1


def trial(number: int, frames: int = 30) -> Trial:
    pose = np.zeros((frames, 7), np.float32)
    pose[:, 6] = 1
    pose[:, 0] = np.arange(frames)
    time = np.arange(frames) / 90
    return Trial(
        "ada", "S", "laser", 1, number, "T1", "Thing", True, 0.05, 0.1, 0.15, 0.25, time, pose, pose + 0, pose + 0,
        np.arange(frames) % 2 == 0, np.arange(frames) > 20,
    )  # fmt: skip


def dataset(*trials: Trial) -> Dataset:
    box = np.ones(3, np.float32)
    return Dataset({"S": (Thing("T1", "Thing", box, box), Thing("T2", "Other", box, box))}, trials)


def test_an_imported_trial_is_what_a_headset_would_have_sent(tmp_path: Path) -> None:
    trials = (trial(1), trial(2))
    write_recording(tmp_path / "a", dataset(*trials), trials)
    recording = Recording(tmp_path / "a")
    found = [(entry, decode_client(entry.payload)) for entry in recording.entries() if entry.kind == MESSAGE]
    assert isinstance(found[0][1], Scene)
    assert [target.id for target in found[0][1].targets] == ["T1", "T2"]
    frames = [(entry.time_us, message) for entry, message in found if isinstance(message, Frame)]
    assert [message.q for _, message in frames] == list(range(1, 61))
    assert all(time == message.t for time, message in frames)
    assert frames[30][0] - frames[29][0] == 1_500_000
    with_gaze, without = frames[2][1], frames[3][1]
    assert with_gaze.m == Part.HEAD | Part.GAZE | Part.RIGHT_AIM | Part.RIGHT_BUTTONS
    assert without.m == Part.HEAD | Part.RIGHT_AIM | Part.RIGHT_BUTTONS
    assert np.frombuffer(without.d, "<f4").tolist()[:7] == [3, 0, 0, 0, 0, 0, 1]
    assert np.frombuffer(frames[25][1].d, "<f4")[14] == 1, "the trigger"
    phases = [entry.payload["phase"] for entry in recording.entries() if entry.kind == MARK]
    assert phases == ["preview", "rest", "response", "confirm"] * 2


def test_a_recording_is_of_one_person(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one user"):
        write_recording(tmp_path / "a", dataset(), ())


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
    write(tmp_path / "a", [(1, encode(Frame(1, 1, 0, b""))), (1, {"phase": "rest"})])
    code, output = run("recording", "info", tmp_path / "a", "--json")
    assert code == 0
    assert '"frame": 1' in output
    assert '"marks": 1' in output

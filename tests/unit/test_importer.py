"""The importer: what was measured of a person becomes what that person's headset would have sent."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from bridge.cli import app
from bridge.protocol import Frame, Scene, decode_client
from bridge.recording.format import MARK, MESSAGE, Recording
from bridge.recording.importer import GAP_US, write_recording
from bridge.tracking import Part
from models.vr_objects import LICENSE, SOURCE, Dataset, Target, Trial

FRAMES = 30
TRIGGER, GAZE_VALID = 2, 4
HEADER = [
    "user", "scene", "mode", "session", "trial", "target", "label", "kept",
    "t_preview_start", "t_preview_end", "t_response_start", "t_response_end",
]  # fmt: skip
BOXES = {"T1": (1.0, 2.0, 3.0), "T2": (-1.0, 0.5, 2.0)}


def trial(number: int) -> Trial:
    """A third of a second at 90 Hz: the head moves a metre a frame, gaze is seen in every other one."""
    pose = np.zeros((FRAMES, 7), np.float32)
    pose[:, 6] = 1
    pose[:, 0] = np.arange(FRAMES)
    return Trial(
        user="ada",
        scene="S",
        mode="laser",
        session=1,
        number=number,
        target="T1",
        label="Thing",
        whole=True,
        preview_start=0.05,
        preview_end=0.1,
        response_start=0.15,
        confirm=0.25,
        time=np.arange(FRAMES) / 90,
        head=pose,
        gaze=pose.copy(),
        hand=pose.copy(),
        gaze_valid=np.arange(FRAMES) % 2 == 0,
        trigger=np.arange(FRAMES) > 20,
    )


def dataset(*trials: Trial) -> Dataset:
    box = np.ones(3, np.float32)
    return Dataset({"S": (Target("T1", "Thing", box, box), Target("T2", "Other", box, box))}, trials)


def sent(path: Path) -> tuple[list[Scene], list[tuple[int, Frame]], list[tuple[int, dict[str, Any]]]]:
    """The scenes, the frames and the marks of a recording, the last two with their times."""
    scenes, frames, marks = [], [], []
    for entry in Recording(path).entries():
        if entry.kind == MARK:
            marks.append((entry.time_us, entry.payload))
            continue
        assert entry.kind == MESSAGE
        message = decode_client(entry.payload)
        if isinstance(message, Scene):
            scenes.append(message)
        else:
            assert isinstance(message, Frame)
            frames.append((entry.time_us, message))
    return scenes, frames, marks


def test_an_imported_trial_is_what_a_headset_would_have_sent(tmp_path: Path) -> None:
    trials = (trial(1), trial(2))
    write_recording(tmp_path / "a", dataset(*trials), trials)
    scenes, frames, marks = sent(tmp_path / "a")
    assert [[target.id for target in scene.targets] for scene in scenes] == [["T1", "T2"]]
    assert [message.q for _, message in frames] == list(range(1, 2 * FRAMES + 1))
    assert all(time == message.t for time, message in frames)
    assert frames[FRAMES][0] - frames[FRAMES - 1][0] == GAP_US
    with_gaze, without = frames[2][1], frames[3][1]
    assert with_gaze.m == Part.HEAD | Part.GAZE | Part.RIGHT_AIM | Part.RIGHT_BUTTONS
    assert without.m == Part.HEAD | Part.RIGHT_AIM | Part.RIGHT_BUTTONS
    assert np.frombuffer(without.d, "<f4").tolist()[:7] == [3, 0, 0, 0, 0, 0, 1]
    assert np.frombuffer(frames[25][1].d, "<f4")[14] == 1, "the trigger"
    assert [mark["phase"] for _, mark in marks] == ["preview", "rest", "response", "confirm"] * 2
    assert marks[0] == (55_556, {"phase": "preview", "target": "T1", "label": "Thing", "mode": "laser"})


def test_a_phase_that_was_under_way_when_a_trial_begins_is_marked_at_its_first_frame(tmp_path: Path) -> None:
    whole = trial(1)
    tail = {name: getattr(whole, name)[18:] for name in ("time", "head", "gaze", "hand", "gaze_valid", "trigger")}
    write_recording(tmp_path / "a", dataset(whole), [replace(whole, **tail)])
    _, frames, marks = sent(tmp_path / "a")
    assert [(time, mark["phase"]) for time, mark in marks] == [(0, "response"), (55_556, "confirm")]
    assert frames[0][0] == 0


def test_two_samples_of_one_microsecond_are_one_frame(tmp_path: Path) -> None:
    once = trial(1)
    time = once.time.copy()
    time[5] = time[4] + 1e-8
    write_recording(tmp_path / "a", dataset(once), [replace(once, time=time)])
    _, frames, _ = sent(tmp_path / "a")
    assert len(frames) == FRAMES - 1
    assert [message.q for _, message in frames] == list(range(1, FRAMES))
    assert (np.diff([message.t for _, message in frames]) > 0).all()


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        ((), "one user"),
        ((trial(1), replace(trial(2), user="bob")), "one user"),
        ((replace(trial(1), scene="cellar"),), "cellar"),
    ],
)
def test_what_is_no_session_of_one_person_in_a_known_scene_is_refused(
    trials: tuple[Trial, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=words):
        write_recording(tmp_path / "a", dataset(), trials)
    assert not (tmp_path / "a").exists()


def motion() -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """One trial as it is stored, in Unity's space: the head 1.6 m high walks along +z and looks along it."""
    pose = np.zeros((FRAMES, 17))
    pose[:, 1] = 1.6
    pose[:, 2] = 0.1 * np.arange(FRAMES)
    pose[:, (6, 13, 16)] = 1
    steps = np.full(17, 32767)
    steps[[0, 1, 2, 7, 8, 9]] = 5000
    flags = np.where(np.arange(FRAMES) % 3 == 0, 0, GAZE_VALID) | np.where(np.arange(FRAMES) > 20, TRIGGER, 0)
    return np.round(pose * steps).astype(np.int16), flags.astype(np.uint8)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "".join("\t".join(str(cell) for cell in row) + "\n" for row in (columns, *rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people, two sessions each, three trials a session, of which the third is not whole."""
    rows = [
        [user, "S", "laser", session, number, "T1", "Thing", "full" if number < 3 else "tail1s", 0.05, 0.1, 0.15, 0.25]
        for user in ("ada", "bob")
        for session in (1, 2)
        for number in (1, 2, 3)
    ]
    pose, flags = motion()
    all_poses = np.concatenate([pose] * len(rows))
    np.savez(
        tmp_path / "frames.npz",
        dpose=np.diff(all_poses, axis=0, prepend=np.zeros((1, 17), np.int16)).astype(np.int16).T,
        t=np.tile(np.arange(FRAMES) / 90, len(rows)).astype(np.float32),
        flags=np.tile(flags, len(rows)),
        offsets=(np.arange(len(rows) + 1) * FRAMES).astype(np.int32),
    )
    with gzip.open(tmp_path / "trials.tsv.gz", "wt") as file:
        file.write(table(HEADER, rows))
    columns = ["scene", "target", "preview_label"]
    columns += [f"target_{what}_{axis}" for what in ("pos", "bbox_center", "bbox_size") for axis in "xyz"]
    lines = [["S", name, f"the {name}", *[0, 0, 0], *centre, *[0.1, 0.2, 0.3]] for name, centre in BOXES.items()]
    (tmp_path / "objects.tsv").write_text(table(columns, lines))
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["recording", "import", *(str(argument) for argument in arguments)])
    return result.exit_code, result.output


def test_a_folder_becomes_a_recording_of_each_person_and_session(folder: Path, tmp_path: Path) -> None:
    code, output = run(folder, tmp_path / "out")
    assert code == 0, output
    names = ["ada-1.genlock", "ada-2.genlock", "bob-1.genlock", "bob-2.genlock"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    path = tmp_path / "out" / "bob-2.genlock"
    recording = Recording(path)
    assert recording.complete
    assert (recording.header.source, recording.header.licence) == (SOURCE, LICENSE)
    assert recording.header.hello["user"] == "bob"
    assert recording.header.hello["refresh_hz"] == 90
    scenes, frames, _ = sent(path)
    assert len(frames) == 3 * FRAMES
    found = {target.id: (target.name, target.position, target.size) for target in scenes[0].targets}
    assert found == {name: (f"the {name}", (x, y, -z), (0.1, 0.2, 0.3)) for name, (x, y, z) in BOXES.items()}, (
        "in OpenXR's space"
    )
    assert [bool(message.m & Part.GAZE) for _, message in frames[:4]] == [False, True, True, False]
    head = np.frombuffer(frames[10][1].d, "<f4")[:7]
    np.testing.assert_allclose(head, [0, 1.6, -1, 0, 0, 0, 1], atol=2e-4)


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        (("--users", "ada"), {"ada-1": 3, "ada-2": 3}),
        (("--sessions", "2"), {"ada-2": 3, "bob-2": 3}),
        (
            ("--users", "bob,ada", "--sessions", "1,2", "--trials", "2-3"),
            {"ada-1": 2, "ada-2": 2, "bob-1": 2, "bob-2": 2},
        ),
        (("--users", "bob", "--whole"), {"bob-1": 2, "bob-2": 2}),
    ],
)
def test_only_what_was_asked_for_is_imported(
    options: tuple[str, ...], counts: dict[str, int], folder: Path, tmp_path: Path
) -> None:
    code, output = run(folder, tmp_path / "out", *options)
    assert code == 0, output
    found = {path.stem: len(sent(path)[1]) // FRAMES for path in (tmp_path / "out").iterdir()}
    assert found == counts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--users", "ada,eve"), "nobody is called eve"),
        (("--trials", "4-9"), "no trial is left"),
        (("--trials", "one"), "numbers look like"),
    ],
)
def test_what_cannot_be_imported_is_said(options: tuple[str, ...], words: str, folder: Path, tmp_path: Path) -> None:
    code, output = run(folder, tmp_path / "out", *options)
    assert code == 2
    assert words in output.replace("\n", "")
    assert "Traceback" not in output


def test_an_import_overwrites_nothing(folder: Path, tmp_path: Path) -> None:
    arguments = (folder, tmp_path / "out", "--users", "ada", "--sessions", "1")
    assert run(*arguments)[0] == 0
    before = (tmp_path / "out" / "ada-1.genlock").read_bytes()
    code, output = run(*arguments)
    assert code == 2
    assert "already" in output.replace("\n", "")
    assert (tmp_path / "out" / "ada-1.genlock").read_bytes() == before

"""Recordings from the data set vr_objects: as if its people had worn headsets that speak to Genlock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgpack
import numpy as np

from bridge.app import App
from bridge.protocol import DeviceInfo, Frame, Hello, Scene, Target, encode
from bridge.recording.format import Header, RecordingWriter
from bridge.tracking import Part
from models.vr_objects import LICENSE, SOURCE, Dataset, Trial

GAP_US = 1_500_000
"""Between one trial and the next: long enough that nothing is carried over."""

_PRESSED = 1.0


def write_recording(path: Path, dataset: Dataset, trials: Sequence[Trial]) -> None:
    """Writes trials of one user, one after the other, as one recording.

    Frames go out at the times at which they were recorded. Marks name the target: ``{"phase": "preview"}`` while it is
    looked for, ``"response"`` while it is pointed at, ``"confirm"`` when the trigger says so, ``"rest"`` otherwise.

    Raises:
        RecordingError: the file is there already or cannot be written.
        ValueError: there is no trial, or they are of several users or scenes, or of a scene without objects.
    """
    if len({(trial.user, trial.scene) for trial in trials}) != 1:
        raise ValueError("a recording is of one user in one scene")
    first = trials[0]
    if first.scene not in dataset.scenes:
        raise ValueError(f"{path.name}: its trials are in scene {first.scene}, of which no objects are known")
    hello = Hello(
        version="1.0",
        app=App("vr_objects", first.scene),
        user=first.user,
        device=DeviceInfo("HTC Vive Pro Eye", "SteamVR", "Unity", "import"),
        refresh_hz=90.0,
    )
    header = Header(
        hello=msgpack.unpackb(encode(hello)),
        source=SOURCE,
        licence=LICENSE,
        notes={"trials": [[trial.session, trial.number, trial.mode] for trial in trials]},
    )
    with RecordingWriter(path, header) as writer:
        writer.message(0, encode(_scene(dataset, first.scene)))
        q, start_us = 0, 0
        for trial in trials:
            q, start_us = _write_trial(writer, trial, q, start_us)


def _scene(dataset: Dataset, scene: str) -> Scene:
    return Scene(
        id=f"scene {scene}",
        targets=[
            Target(
                id=target.id,
                name=target.name,
                position=_triple(target.centre.tolist()),
                size=_triple(target.size.tolist()),
            )
            for target in dataset.scenes[scene]
        ],
    )


def _triple(numbers: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (round(number, 6) for number in numbers)
    return x, y, z


def _write_trial(writer: RecordingWriter, trial: Trial, q: int, start_us: int) -> tuple[int, int]:
    times = start_us + np.round((trial.time - trial.time[0]) * 1e6).astype(np.int64)
    phases = _phases(trial)
    buttons = np.zeros((len(times), 8), dtype="<f4")
    buttons[:, 0] = trial.trigger * _PRESSED
    always = np.concatenate((trial.hand, buttons), axis=1).astype("<f4")
    head = trial.head.astype("<f4")
    gaze = trial.gaze.astype("<f4")
    last_us = start_us - 1
    for at, time_us in enumerate(times.tolist()):
        while phases and phases[0][0] <= trial.time[at]:
            _, phase = phases.pop(0)
            mark = {"phase": phase, "target": trial.target, "label": trial.label, "mode": trial.mode}
            writer.mark(time_us, mark)
        # The logger sometimes wrote two samples within a microsecond; times of frames must go forward.
        if time_us <= last_us:
            continue
        last_us = time_us
        seen = bool(trial.gaze_valid[at])
        parts = Part.HEAD | Part.RIGHT_AIM | Part.RIGHT_BUTTONS | (Part.GAZE if seen else Part(0))
        blob = head[at].tobytes() + (gaze[at].tobytes() if seen else b"") + always[at].tobytes()
        q += 1
        writer.message(time_us, encode(Frame(q, time_us, int(parts), blob)))
    return q, last_us + GAP_US


def _phases(trial: Trial) -> list[tuple[float, str]]:
    """When what begins, in seconds of the trial, in order."""
    phases = [
        (trial.preview_start, "preview"),
        (trial.preview_end, "rest"),
        (trial.response_start, "response"),
        (trial.confirm, "confirm"),
        (trial.confirm + 0.1, "rest"),
    ]
    begun = [phase for phase in phases if phase[0] <= trial.time[0]]
    return [*begun[-1:], *(phase for phase in phases if phase[0] > trial.time[0])]

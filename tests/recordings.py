"""Made-up recordings in the format of vr_objects."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

USERS = ("u01", "u02", "u03")
WHOLE_S, PREVIEW_END_S, RESPONSE_S = 8.0, 4.0, 5.0


def write_recordings(folder: Path, *, sessions: Sequence[int] = (1,), off: float = 0.0) -> None:
    """Three users, each with two trials kept whole and two last seconds; all rays point at what is meant, or past it.

    Args:
        folder: where the three files go.
        sessions: of every user, in the order in which they are written.
        off: radians about the vertical.
    """
    scene = {f"T{i}": (2 * math.sin(i * 2.1), 0.8 + 0.1 * i, 2 * math.cos(i * 2.1)) for i in range(3)}
    axes = [f"target_{kind}_{axis}" for kind in ("pos", "bbox_center", "bbox_size") for axis in "xyz"]
    with open(folder / "objects.tsv", "w", newline="", encoding="utf-8") as file:
        objects = csv.writer(file, delimiter="\t")
        objects.writerow(["scene", "target", "preview_label", *axes])
        for name, centre in scene.items():
            objects.writerow(["S", name, name.lower(), *centre, *centre, 0.2, 0.2, 0.2])
    trials, poses, times = [], [], []
    for user in USERS:
        for session, number in product(sessions, range(4)):
            whole = number < 2
            start = 0.0 if whole else WHOLE_S - 1.0
            time = np.arange(start, WHOLE_S + 1e-6, 1 / 90)
            meant = f"T{number % 3}"
            head = np.array([0.1, 1.6, 0.0])
            towards = np.array(scene[meant]) - head
            yaw, pitch = math.atan2(towards[0], towards[2]), -math.atan2(towards[1], math.hypot(towards[0], towards[2]))
            yaw += off
            turn = [math.cos(yaw / 2) * math.sin(pitch / 2), math.sin(yaw / 2) * math.cos(pitch / 2)]
            turn += [-math.sin(yaw / 2) * math.sin(pitch / 2), math.cos(yaw / 2) * math.cos(pitch / 2)]
            row = np.concatenate(
                (head * 5000, np.array(turn) * 32767, head * 5000, np.array(turn) * 32767, np.array([0, 0, 1]) * 32767)
            )
            poses.append(np.tile(row, (len(time), 1)))
            times.append(time)
            about = [user, "S", "laser", session, number, meant, meant.lower(), "full" if whole else "tail1s"]
            trials.append([*about, 0.0, PREVIEW_END_S, RESPONSE_S, WHOLE_S])
    columns = ["user", "scene", "mode", "session", "trial", "target", "label", "kept"]
    columns += ["t_preview_start", "t_preview_end", "t_response_start", "t_response_end"]
    with gzip.open(folder / "trials.tsv.gz", "wt", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows([columns, *trials])
    pose = np.concatenate(poses).round().astype(np.int16)
    np.savez(
        folder / "frames.npz",
        dpose=np.diff(pose, axis=0, prepend=np.zeros((1, 17), np.int16)).T,
        t=np.concatenate(times).astype(np.float32),
        flags=np.full(len(pose), 4, np.uint8),
        offsets=np.cumsum([0, *(len(time) for time in times)]),
    )

"""A child process: that it is started, told why it cannot be, and replaced when it is killed, whenever that is."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.child import Child, ChildError

CHILD = """
import os, signal, sys
from pathlib import Path
import msgpack
from bridge.child import stream_to_gateway

tries, kills, unable = Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "unable"
before = tries.read_text() if tries.exists() else ""
tries.write_text(before + "x")
if len(before) < kills:
    os.kill(os.getpid(), signal.SIGKILL)
with stream_to_gateway() as stream:
    stream.sendall(msgpack.packb(("unable", "no weights") if unable else ("ready", len(before) + 1)))
    while stream.recv(100):
        pass
"""


class Told:
    """What the listener was told, in order."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def ready(self, *told: Any) -> None:
        self.events.put_nowait(("ready", *told))

    def lost(self, reason: str) -> None:
        self.events.put_nowait(("lost", reason))

    def message(self, message: Sequence[Any]) -> None:
        self.events.put_nowait(("message", message))


class Started:
    def __init__(self, folder: Path, kills: int = 0, how: str = "ready") -> None:
        (folder / "kept_short.py").write_text(CHILD)
        self.tries = folder / "tries"
        self.told = Told()
        arguments = (str(self.tries), str(kills), how)
        self.child = Child("the short-lived", "kept_short", self.told, arguments=arguments, start_timeout_s=60)


@pytest.fixture(autouse=True)
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(Path.cwd()))))


async def test_a_child_that_is_killed_after_it_was_ready_is_replaced(tmp_path: Path) -> None:
    started = Started(tmp_path)
    await started.child.start()
    assert await started.told.events.get() == ("ready", 1)
    assert started.child.pid is not None
    os.kill(started.child.pid, signal.SIGKILL)
    assert (await started.told.events.get())[0] == "lost"
    assert await started.told.events.get() == ("ready", 2)
    await started.child.stop()
    assert started.child.pid is None


async def test_a_child_that_is_killed_while_it_begins_is_tried_again(tmp_path: Path) -> None:
    started = Started(tmp_path, kills=2)
    await started.child.start()
    assert [(await started.told.events.get())[0] for _ in range(3)] == ["lost", "lost", "ready"]
    await started.child.stop()


async def test_but_not_for_ever(tmp_path: Path) -> None:
    started = Started(tmp_path, kills=100)
    with pytest.raises(ChildError, match="ended with -9 before it was ready"):
        await started.child.start()
    assert len(started.tries.read_text()) == 3


async def test_a_child_that_says_why_it_cannot_is_believed(tmp_path: Path) -> None:
    started = Started(tmp_path, how="unable")
    with pytest.raises(ChildError, match="no weights"):
        await started.child.start()
    assert started.tries.read_text() == "x"

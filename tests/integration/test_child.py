"""A child process: that it is started, told why it cannot be, and replaced when it is killed, whenever that is."""

from __future__ import annotations

import asyncio
import logging
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
# As from a terminal, while it imports.
os.kill(os.getpid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGHUP)
tries.write_text(before + "x")
if sys.argv[4] == "slow":
    (tries.parent / "begun").write_text("")
    signal.pause()
if len(before) < kills:
    os.kill(os.getpid(), signal.SIGKILL)
with stream_to_gateway() as stream:
    stream.sendall(msgpack.packb(("unable", "no weights") if unable else ("ready", len(before) + 1)))
    while told := stream.recv(100):
        stream.sendall(told)
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


async def test_what_cannot_be_handled_costs_the_child_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    started = Started(tmp_path)
    heard = started.told.message

    def message(message: Sequence[Any]) -> None:
        heard(message)
        if message[0] == "first":
            raise KeyError(61)

    started.told.message = message  # type: ignore[method-assign]
    await started.child.start()
    started.child.send("first")
    started.child.send("second")
    assert [await started.told.events.get() for _ in range(3)] == [
        ("ready", 1), ("message", ["first"]), ("message", ["second"])
    ]  # fmt: skip
    assert "KeyError: 61" in caplog.text
    await started.child.stop()


async def test_a_system_that_is_short_of_something_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Started(tmp_path)
    await started.child.start()
    assert await started.told.events.get() == ("ready", 1)
    spawn, refusals = asyncio.create_subprocess_exec, [OSError(11, "short of processes"), OSError(24, "short of files")]

    async def short(*command: Any, **settings: Any) -> Any:
        if refusals:
            raise refusals.pop(0)
        return await spawn(*command, **settings)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", short)
    assert started.child.pid is not None
    os.kill(started.child.pid, signal.SIGKILL)
    reasons = [await started.told.events.get() for _ in range(3)]
    assert "short of processes" in reasons[1][1]
    assert "short of files" in reasons[2][1]
    assert await started.told.events.get() == ("ready", 2)
    await started.child.stop()


async def test_a_first_child_that_cannot_be_had_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def short(*command: Any, **settings: Any) -> Any:
        raise OSError(11, "short of processes")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", short)
    with pytest.raises(ChildError, match="short of processes"):
        await Started(tmp_path).child.start()


async def test_one_that_loads_for_long_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.child._TOLD_EVERY_S", 0.01)
    os.mkfifo(tmp_path / "begun")
    told: asyncio.Queue[str] = asyncio.Queue()
    handler = logging.Handler()
    handler.emit = lambda record: told.put_nowait(record.getMessage())  # type: ignore[method-assign]
    monkeypatch.setattr(logging.getLogger("genlock.child"), "handlers", [handler])
    monkeypatch.setattr(logging.getLogger("genlock.child"), "level", logging.INFO)
    starting = asyncio.create_task(Started(tmp_path, how="slow").child.start())
    assert await told.get() == "the short-lived has been loading for 0.01 s"
    assert await told.get() == "the short-lived has been loading for 0.02 s"
    await asyncio.to_thread((tmp_path / "begun").read_text)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_a_child_that_is_not_ready_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "begun")
    started = Started(tmp_path, how="slow")
    starting = asyncio.create_task(started.child.start())
    await asyncio.to_thread((tmp_path / "begun").read_text)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert started.child.pid is None
    assert "does not end by itself" not in caplog.text

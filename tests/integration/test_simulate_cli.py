"""`genlock simulate` and `genlock demo` as their users run them."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.daemons import ROOT, Served, served

RECORDING = ROOT / "samples" / "recordings" / "u15-1.genlock"


async def genlock(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_headsets_replay_a_recording(daemon: Served) -> None:
    code, out, err = await genlock(
        "simulate", daemon.url, "--recording", str(RECORDING), "--sessions", "3", "--duration", "2", "--json"
    )
    assert code == 0, err
    result = json.loads(out)
    assert [row["user"] for row in result["headsets"]] == ["u15", "u15-2", "u15-3"]
    total = result["total"]
    assert total["answered"] + total["missing"] == total["sent"]
    assert total["sent"] > 3 * 150
    assert total["answered"] > 0.5 * total["sent"]


async def test_headsets_that_lose_their_network_resume(daemon: Served) -> None:
    code, out, err = await genlock(
        "simulate", daemon.url, "--recording", str(RECORDING), "--duration", "3", "--reconnect-every", "1", "--json"
    )
    assert code == 0, err
    (row,) = json.loads(out)["headsets"]
    assert row["reconnects"] >= 1
    assert row["resumed"] == row["reconnects"]
    assert row["errors"] == {}


async def test_what_the_daemon_does_not_serve_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, "--speech-model", "off", "--no-sight") as daemon:
        assert any("speech is turned off" in line for line in daemon.log)
        pictures = ROOT / "samples" / "pictures"
        code, out, err = await genlock(
            "simulate", daemon.url, "--recording", str(RECORDING), "--duration", "1", "--json",
            "--sound", "--show", str(pictures),
        )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["headsets"][0]["shown"] == 0
    assert "the daemon does not hear" in err
    assert "the daemon does not see" in err


async def test_nobody_there_is_said_in_one_line() -> None:
    code, _, err = await genlock("simulate", "ws://127.0.0.1:9", "--recording", str(RECORDING))
    assert code == 1
    assert "genlock serve" in err
    assert "Traceback" not in err


async def test_what_is_no_recording_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.genlock").write_text("nothing")
    code, _, err = await genlock("simulate", "ws://127.0.0.1:9", "--recording", str(tmp_path / "a.genlock"))
    assert code == 2
    assert "a.genlock" in err


async def test_the_demo_shows_four_headsets_and_leaves_nothing_running() -> None:
    code, out, err = await genlock("demo", "--duration", "3", "--sessions", "4")
    assert code == 0, err
    for user in ("u15", "u16", "u17"):
        assert user in out
    assert "frames answered" in out
    assert "nothing is left running" in out


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("by", [signal.SIGHUP, signal.SIGTERM])
async def test_a_demo_that_is_ended_leaves_nothing_running(by: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "demo", "--sessions", "1", "--duration", "600",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(180):
        while not (found := re.search(r"ws://127\.0\.0\.1:(\d+)", (await process.stdout.readline()).decode())):
            pass
        process.send_signal(by)
        _, err = await process.communicate()
    assert process.returncode == 130, err
    assert "nothing is left running" in err.decode()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(found[1]))

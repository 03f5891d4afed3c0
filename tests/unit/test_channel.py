"""What a worker process does before its work: the channel itself is in the tests of the workers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bridge.event_path import channel

STEP_BACK = """
import os
from bridge.event_path.channel import _step_back
_step_back({niceness})
print(os.sched_getscheduler(0) == os.SCHED_IDLE, os.nice(0))
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="there is no SCHED_IDLE on this system")
@pytest.mark.parametrize("niceness", [5, 20])
def test_a_worker_steps_back_as_far_as_it_is_told(niceness: int) -> None:
    code = STEP_BACK.format(niceness=niceness)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(niceness == 20), str(min(os.nice(0) + niceness, 19))]


@pytest.mark.parametrize(("took", "worked", "rest"), [(0.5, 0.2, 0.3), (0.5, 0.5, 0.0), (0.5, 0.9, 0.0)])
async def test_who_gives_way_rests_as_long_as_others_had_the_core(
    took: float, worked: float, rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[float] = []

    async def sleep(seconds: float) -> None:
        rested.append(seconds)

    monkeypatch.setattr(channel, "perf_counter", iter((100.0, 100.0 + took)).__next__)
    monkeypatch.setattr(channel, "process_time", iter((10.0, 10.0 + worked)).__next__)
    monkeypatch.setattr(channel.asyncio, "sleep", sleep)
    async with channel.giving_way():
        assert rested == []
    assert rested == [pytest.approx(rest)]

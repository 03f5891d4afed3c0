"""What a worker process does before its work: the channel itself is in the tests of the workers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

STEP_BACK = """
import os
from bridge.event_path.channel import _step_back
_step_back({niceness})
print(os.sched_getscheduler(0) == os.SCHED_IDLE, *sorted(os.sched_getaffinity(0)))
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="there is no SCHED_IDLE on this system")
@pytest.mark.parametrize("niceness", [5, 20])
def test_a_worker_that_steps_back_wholly_leaves_half_of_the_cores_to_frames(niceness: int) -> None:
    code = STEP_BACK.format(niceness=niceness)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    idle, *cores = ran.stdout.split()
    allowed = sorted(os.sched_getaffinity(0))
    kept = allowed[len(allowed) // 2 :] if niceness == 20 else allowed
    assert (idle, [int(core) for core in cores]) == (str(niceness == 20), kept)

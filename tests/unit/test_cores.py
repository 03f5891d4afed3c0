"""Cores are divided so that every one has one use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cores import divided

LINUX = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot choose cores on this system")


@LINUX
@given(cores=st.sets(st.integers(0, 255), min_size=1, max_size=64), threads=st.integers(1, 80))
def test_the_engine_gets_half_or_what_it_needs_and_all_else_the_others(cores: set[int], threads: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda process: set(cores))
        found = divided(threads)
    if found is None:
        assert max(len(cores) // 2, threads) >= len(cores)
        return
    engine, others = found
    assert sorted(engine + others) == sorted(cores)
    assert len(engine) == max(len(cores) // 2, threads)
    assert others


def test_where_a_process_cannot_choose_nothing_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert divided() is None


@LINUX
def test_a_process_keeps_to_what_it_is_given_and_lives_where_that_is_gone() -> None:
    last = max(os.sched_getaffinity(0))
    code = "import os, sys; from bridge.cores import keep_to\n"
    code += f"keep_to([{last}]); print(os.sched_getaffinity(0)); keep_to([4000]); print(os.sched_getaffinity(0))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [f"{{{last}}}"] * 2

"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.daemons import Served, served

# The same examples in every run, on machines of any speed.
settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


@pytest.fixture
def terminal() -> Iterator[None]:
    """Processes begin as on a terminal, which ends them when it is closed, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account as containers give it: no ``HOME``, and no entry in the passwd file."""

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "GENLOCK_PROFILES"):
        monkeypatch.delenv(name, raising=False)


@pytest_asyncio.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Served]:
    """A daemon process with the counting model."""
    async with served(tmp_path) as running:
        yield running

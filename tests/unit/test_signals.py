"""Which signals end a command."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from bridge.cli.signals import ending


@pytest.fixture(autouse=True)
def before() -> Iterator[None]:
    """The signals are left as they were."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("of_sigterm", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_closed_terminal_ends_a_command_unless_that_is_ignored(of_sigterm: signal.Handlers) -> None:
    signal.signal(signal.SIGTERM, of_sigterm)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert ending() == (signal.SIGTERM, signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert ending() == (signal.SIGTERM,)

"""Which signals end a command in order."""

from __future__ import annotations

import signal


def ending() -> tuple[signal.Signals, ...]:
    """Those that say that it is no longer wanted, beside Ctrl-C: SIGTERM, and that its terminal is closed.

    SIGTERM counts also where it came to be ignored, as commands end the daemons that they start by it. A closed
    terminal does not where it is ignored, as under nohup: then what runs is to outlive it.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return (signal.SIGTERM,)
    return (signal.SIGTERM, signal.SIGHUP)

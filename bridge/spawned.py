"""Runs a module in a child process: ``python -m bridge.spawned LEVEL MODULE ARGUMENTS``, as ``bridge.child`` does.

Here and not in the module, since that first imports for seconds, and a signal to the group may come meanwhile.
"""

from __future__ import annotations

import runpy
import signal
import sys

from bridge import logs

if __name__ == "__main__":
    # The gateway decides when a child ends, by closing the stream; a signal to the group must not come first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    logs.begin(int(sys.argv.pop(1)))
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)

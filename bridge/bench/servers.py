"""The servers under test as child processes, and loads put on them by another."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from time import monotonic, sleep
from typing import IO, Final

import msgspec

from bridge.bench.client import LoadError
from bridge.bench.load import LoadFigures, LoadOptions

_START_TIMEOUT_S: Final = 120.0
_STOP_TIMEOUT_S: Final = 15.0
_POLL_S: Final = 0.02
_SPARE_S: Final = 60.0


class ServerError(RuntimeError):
    """A server does not start; the message has its last words."""


@contextlib.contextmanager
def running(name: str, command: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Runs a server that writes ``listening on URL`` to standard error; yields that URL and the process's number.

    Args:
        name: what to call it when it does not start.
        command: arguments to this Python.

    Raises:
        ServerError: it ended, or did not say where it listens within two minutes.
    """
    with tempfile.TemporaryFile() as log:
        # In a group of its own a Ctrl-C at the terminal reaches only us, and we end it in order. It is no session of
        # its own: Linux weighs sessions against each other, and workers that step back behind everybody would not step
        # back behind the load.
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            process_group=0,
        )
        try:
            yield _url(name, process, log), process.pid
        finally:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def put_load(options: LoadOptions) -> LoadFigures:
    """Runs a load to its end.

    Raises:
        LoadError: it could not be put on.
    """
    command = [
        *(sys.executable, "-m", "bridge.bench.load", options.url),
        *("--sessions", str(options.sessions)),
        *("--hz", str(options.hz)),
        *("--warm-up-s", str(options.warm_up_s)),
        *("--measure-s", str(options.measure_s)),
        *(["--echo"] if options.echo else []),
        *([] if options.learn else ["--no-learn"]),
        *(["--stop-early"] if options.stop_early else []),
        *(["--watch", str(options.watch)] if options.watch is not None else []),
        *(["--recordings", *map(str, options.recordings)] if options.recordings else []),
        *("--speaking", str(options.speaking), "--showing", str(options.showing)),
        *(["--sound", str(options.sound)] if options.sound is not None else []),
        *(["--pictures", *map(str, options.pictures)] if options.pictures else []),
        *(["--app", str(options.app)] if options.app is not None else []),
    ]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            process_group=0,
            timeout=options.warm_up_s + options.measure_s + _SPARE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"a load of {options.sessions} sessions does not come to its end") from error
    if done.returncode:
        raise LoadError(_last_line(done.stderr) or f"the load ended with {done.returncode}")
    return msgspec.json.decode(done.stdout, type=LoadFigures)


def _url(name: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> str:
    deadline = monotonic() + _START_TIMEOUT_S
    while True:
        ended = process.poll() is not None
        log.seek(0)
        text = log.read()
        found = re.search(rb"listening on (ws://\S+)", text)
        if found and not ended:
            return found[1].decode()
        if ended or monotonic() > deadline:
            raise ServerError(f"{name} does not start: {_last_line(text) or 'it says nothing'}")
        sleep(_POLL_S)


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")

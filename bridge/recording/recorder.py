"""Writes down what headsets send while they are served: a file a session, on a thread of its own."""

from __future__ import annotations

import logging
import queue
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgpack

from bridge.protocol import Hello, encode
from bridge.recording.format import SUFFIX, Header, RecordingError, RecordingWriter

log = logging.getLogger("genlock.recording")

_BACKLOG: Final = 100_000
_END: Final = None


class Recorder:
    """All recordings of a daemon. The disk never holds up who calls: what is written waits in a queue.

    Args:
        folder: made if it is not there.

    Raises:
        RecordingError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(f"{folder}: cannot be made: {error.strerror}") from error
        self._folder = folder
        self._queue: queue.Queue[tuple[_Sink, int, bytes | None] | None] = queue.Queue(_BACKLOG)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def open(self, hello: Hello, session: str) -> _Sink:
        """Begins a session's recording."""
        day = datetime.now(UTC)
        path = self._folder / f"{day:%Y%m%dT%H%M%S}-{_safe(hello.user)}-{session}{SUFFIX}"
        header = Header(hello=msgpack.unpackb(encode(hello)), created=day.isoformat(timespec="seconds"))
        return _Sink(self._queue, path, header)

    def close(self) -> None:
        """Writes what is left."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            sink, time_us, data = item
            sink.write(time_us, data)


class _Sink:
    """See ``bridge.session.Sink``. ``write`` is called on the recorder's thread, everything else on the event loop."""

    def __init__(
        self, waiting: queue.Queue[tuple[_Sink, int, bytes | None] | None], path: Path, header: Header
    ) -> None:
        self._queue = waiting
        self._path = path
        self._header = header
        self._writer: RecordingWriter | None = None
        self._broken = False

    def message(self, time_us: int, data: bytes) -> None:
        self._put(time_us, data)

    def close(self) -> None:
        self._put(0, _END)

    def write(self, time_us: int, data: bytes | None) -> None:
        try:
            if self._writer is None:
                if self._broken:
                    return
                self._writer = RecordingWriter(self._path, self._header)
            if data is None:
                self._writer.close()
            else:
                self._writer.message(time_us, data)
        except (RecordingError, OSError) as error:
            self._broken, self._writer = True, None
            log.error("%s: recording stopped: %s", self._path.name, error)

    def _put(self, time_us: int, data: bytes | None) -> None:
        if self._broken:
            return
        try:
            self._queue.put_nowait((self, time_us, data))
        except queue.Full:
            self._broken = True
            log.error("%s: recording stopped: the disk is too slow", self._path.name)


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)[:40]

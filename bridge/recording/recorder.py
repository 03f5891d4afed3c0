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
from models import output_folder

log = logging.getLogger("genlock.recording")

_BACKLOG_BYTES: Final = 64 * 1024 * 1024
# About what a message takes in the queue beside its own bytes.
_ITEM_BYTES: Final = 200


class Recorder:
    """All recordings of a daemon. The disk never holds up who calls: what is to be written waits in a queue.

    Args:
        folder: made if it is not there.
        backlog_bytes: how much may wait; a recording that would go beyond ends there.

    Raises:
        RecordingError: nothing can be written into it.
    """

    def __init__(self, folder: Path, *, backlog_bytes: int = _BACKLOG_BYTES) -> None:
        try:
            output_folder.prepare(folder)
        except OSError as error:
            raise RecordingError(str(error)) from error
        self._folder = folder
        self._backlog = _Backlog(backlog_bytes)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def open(self, hello: Hello, session: str) -> _Sink:
        """Begins a session's recording. There is a file from its first message on."""
        day = datetime.now(UTC)
        path = self._folder / f"{day:%Y%m%dT%H%M%S}-{_safe(hello.user)}-{session}{SUFFIX}"
        header = Header(hello=msgpack.unpackb(encode(hello)), created=day.isoformat(timespec="seconds"))
        return _Sink(self._backlog, path, header)

    def close(self) -> None:
        """Writes what is left, also of sessions that did not end."""
        self._backlog.stop()
        self._thread.join()

    def _run(self) -> None:
        unfinished: set[_Sink] = set()
        while (item := self._backlog.take()) is not None:
            sink, time_us, data = item
            if data is None:
                sink.finish()
                unfinished.discard(sink)
            else:
                sink.write(time_us, data)
                unfinished.add(sink)
        for sink in unfinished:
            sink.finish()


class _Backlog:
    """What waits for the disk. Messages are refused beyond a limit; the end of a recording never is."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._queue: queue.SimpleQueue[tuple[_Sink, int, bytes | None] | None] = queue.SimpleQueue()
        # Each is written by one thread only, so their difference needs no lock.
        self._put_bytes = 0
        self._taken_bytes = 0

    def put(self, sink: _Sink, time_us: int, data: bytes) -> bool:
        """Whether there was room for it. Only for the event loop's thread."""
        size = _ITEM_BYTES + len(data)
        if self._put_bytes - self._taken_bytes + size > self._limit_bytes:
            return False
        self._put_bytes += size
        self._queue.put((sink, time_us, data))
        return True

    def end(self, sink: _Sink) -> None:
        self._queue.put((sink, 0, None))

    def stop(self) -> None:
        self._queue.put(None)

    def take(self) -> tuple[_Sink, int, bytes | None] | None:
        """The next one, when there is one; None at the end. Only for the recorder's thread."""
        item = self._queue.get()
        if item is not None and item[2] is not None:
            self._taken_bytes += _ITEM_BYTES + len(item[2])
        return item


class _Sink:
    """See ``bridge.session.Sink``. ``write`` and ``finish`` are called on the recorder's thread, ``message`` on the
    event loop's, ``close`` on any."""

    def __init__(self, backlog: _Backlog, path: Path, header: Header) -> None:
        self._backlog = backlog
        self._path = path
        self._header = header
        self._writer: RecordingWriter | None = None
        self._over = False
        self._finished = False

    def message(self, time_us: int, data: bytes) -> None:
        if self._over:
            return
        if not self._backlog.put(self, time_us, data):
            self._over = True
            log.error("%s: recording stopped: the disk is too slow", self._path.name)

    def close(self) -> None:
        self._over = True
        self._backlog.end(self)

    def write(self, time_us: int, data: bytes) -> None:
        if self._finished:
            return
        try:
            if self._writer is None:
                self._writer = RecordingWriter(self._path, self._header)
            self._writer.message(time_us, data)
        except RecordingError as error:
            log.error("recording stopped: %s", error)
            self._over = True
            self.finish()

    def finish(self) -> None:
        self._finished = True
        if self._writer is None:
            return
        try:
            self._writer.close()
        except RecordingError as error:
            log.error("%s", error)


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)[:40]

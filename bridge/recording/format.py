"""The file format: a header, then chunks of about a second, each compressed on its own.

A file is the eight bytes ``GENLOCK1``, then msgpack objects. First comes the header, a map; every other one is a chunk,
``[first_us, last_us, count, data]``, where ``data`` is zlib of ``count`` msgpack arrays ``[time_us, kind, payload]``.
``kind`` 0 is a message as it was sent, payload its bytes; 1 is a mark, payload a map: something known beside what was
sent, such as the target that was asked for, and never sent itself. Times are microseconds since the recording began and
never go back. A file that was cut short is good up to its last whole chunk.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgpack
import msgspec

MAGIC: Final = b"GENLOCK1"
SUFFIX: Final = ".genlock"
MESSAGE: Final = 0
MARK: Final = 1

_CHUNK_US: Final = 1_000_000
_CHUNK_BYTES: Final = 4 * 1024 * 1024
_MAX_ENTRY_BYTES: Final = 8 * 1024 * 1024
_MAX_CHUNK_BYTES: Final = _CHUNK_BYTES + _MAX_ENTRY_BYTES


# first_us, last_us, count, data
_Chunk = tuple[int, int, int, bytes]


class RecordingError(ValueError):
    """A file that is no recording, or cannot be written; the message names it and says why."""


class Entry(NamedTuple):
    """Something at a time: a message's bytes, or a mark's map."""

    time_us: int
    kind: int
    payload: Any


@dataclass(frozen=True)
class Header:
    """What is known of a recording as a whole.

    Attributes:
        hello: the ``hello`` that it began with, as a map, without ``token`` and ``resume``.
        created: when, as an ISO 8601 date and time.
        source: where the data is from, for whoever has to name it.
        licence: under which licence, an SPDX identifier.
    """

    hello: dict[str, Any]
    created: str = ""
    source: str = ""
    licence: str = ""
    notes: dict[str, Any] = field(default_factory=dict)


class RecordingWriter:
    """Writes a recording. As a context manager it closes itself, and what fails within leaves no file.

    Not for several threads at once.

    Args:
        path: must not exist.

    Raises:
        RecordingError: it does, or cannot be written; so from every method. What was written until then can be read.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._packer = msgpack.Packer()
        self._entries = bytearray()
        self._count = 0
        self._first_us = 0
        self._last_us = 0
        self._path = path
        try:
            self._file = path.open("xb")
        except FileExistsError as error:
            raise RecordingError(f"{path}: is there already") from error
        except OSError as error:
            raise RecordingError(f"{path}: cannot be written: {error.strerror}") from error
        secrets = ("token", "resume")
        hello = {key: value for key, value in header.hello.items() if key not in secrets}
        try:
            self._write(MAGIC + self._packer.pack({**asdict(header), "hello": hello}))
        except RecordingError:
            self._discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self.close()
        except BaseException:
            self._discard()
            raise

    def message(self, time_us: int, data: bytes) -> None:
        """Adds a message as it was sent."""
        self._add(time_us, MESSAGE, data)

    def mark(self, time_us: int, what: dict[str, Any]) -> None:
        """Adds something known beside what was sent."""
        self._add(time_us, MARK, what)

    def close(self) -> None:
        """Writes what is left, to the disk."""
        if self._file.closed:
            return
        try:
            self._write_chunk()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error
        finally:
            self._release()

    def _add(self, time_us: int, kind: int, payload: Any) -> None:
        time_us = max(time_us, self._last_us)
        entry = self._packer.pack((time_us, kind, payload))
        if len(entry) > _MAX_ENTRY_BYTES:
            raise RecordingError(f"{self._path}: an entry of {len(entry)} bytes is longer than {_MAX_ENTRY_BYTES}")
        if self._count and (time_us - self._first_us >= _CHUNK_US or len(self._entries) >= _CHUNK_BYTES):
            self._write_chunk()
        if not self._count:
            self._first_us = time_us
        self._last_us = time_us
        self._count += 1
        self._entries += entry

    def _write_chunk(self) -> None:
        if self._count:
            chunk = (self._first_us, self._last_us, self._count, zlib.compress(self._entries, 6))
            self._entries.clear()
            self._count = 0
            self._write(self._packer.pack(chunk))

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> RecordingError:
        return RecordingError(f"{self._path}: cannot be written: {error.strerror}")

    def _discard(self) -> None:
        self._release()
        self._path.unlink(missing_ok=True)

    def _release(self) -> None:
        # After a failed write the file holds on to those bytes and tries them again; that failure is known already.
        with contextlib.suppress(OSError):
            self._file.close()


class Recording:
    """A recording on disk. Opening it reads the header and where the chunks are, not the chunks.

    Attributes:
        path: the file.
        header: what is known of it as a whole.
        duration_us: the time of the last entry.
        complete: false if the file ends in the middle of a chunk, or is damaged where a chunk begins.
        damage: where and why a chunk's beginning is damaged, so that nothing from there on can be read, and how what is
            before it is saved; else empty.

    Raises:
        RecordingError: the file is no recording.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._chunks: list[tuple[int, int, int, int]] = []
        self.damage = ""
        try:
            with path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise RecordingError(f"{path}: no recording of Genlock, or of another version")
                self._read_index(file)
        except OSError as error:
            raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error

    @property
    def duration_us(self) -> int:
        return self._chunks[-1][1] if self._chunks else 0

    def entries(
        self, from_us: int = 0, to_us: int | None = None, *, passed_over: Callable[[str], None] | None = None
    ) -> Iterator[Entry]:
        """What is in it from one time to another, both included.

        Args:
            passed_over: called with what is said of a damaged chunk, whose rest is left out; else it is an error.

        Raises:
            RecordingError: something there is damaged; the message says where and why, and how what is before and after
                it is saved.
        """
        end_us = math.inf if to_us is None else to_us
        with self.path.open("rb") as file:
            for first_us, last_us, offset, size in self._chunks:
                if last_us < from_us:
                    continue
                if first_us > end_us:
                    return
                file.seek(offset)
                try:
                    for entry in _read_chunk(file.read(size)):
                        if from_us <= entry.time_us <= end_us:
                            yield entry
                except (zlib.error, ValueError, msgpack.UnpackException) as error:
                    damage = self._damaged(offset, first_us - 1, error, last_us + 1)
                    if passed_over is None:
                        raise RecordingError(damage) from error
                    passed_over(damage)
        if self.damage and end_us > self.duration_us:
            raise RecordingError(self.damage)

    def _read_index(self, file: io.BufferedReader) -> None:
        unpacker = msgpack.Unpacker(file, max_buffer_size=2 * _MAX_CHUNK_BYTES)
        try:
            self.header = msgspec.convert(unpacker.unpack(), Header)
        except Exception as error:
            raise RecordingError(f"{self.path}: its header cannot be read: {_reason(error)}") from error
        self.complete = True
        start = unpacker.tell()
        while True:
            try:
                first_us, last_us, _, _ = msgspec.convert(unpacker.unpack(), _Chunk)
                if not self.duration_us <= first_us <= last_us:
                    raise ValueError("its time goes back")
            except msgpack.OutOfData:
                self.complete = len(MAGIC) + start == os.fstat(file.fileno()).st_size
                return
            except Exception as error:
                # What is before can be read all the same.
                self.complete = False
                self.damage = self._damaged(len(MAGIC) + start, self.duration_us, error)
                return
            end = unpacker.tell()
            self._chunks.append((first_us, last_us, len(MAGIC) + start, end - start))
            start = end

    def _damaged(self, byte: int, whole_us: int, error: Exception, again_us: int | None = None) -> str:
        """What is said of damage at a byte of the file: all is whole up to a time, and maybe again from another."""
        ways = []
        cut = f"genlock recording cut {quote(str(self.path))} OUT"
        if self._chunks and self._chunks[0][0] <= whole_us:
            ways.append(f"; what is before it can be saved with: {cut} --to {whole_us / 1e6:.6f}")
        if again_us is not None and again_us <= self.duration_us:
            ways.append(f"; what is after it can be saved with: {cut} --from {again_us / 1e6:.6f}")
        return f"{self.path}: damaged at byte {byte}: {_reason(error)}{''.join(ways)}"


def _read_chunk(data: bytes) -> Iterator[Entry]:
    """The entries of a chunk.

    Raises:
        zlib.error, ValueError, msgpack.UnpackException: it is damaged.
    """
    _, _, count, packed = msgpack.unpackb(data)
    # bounded, as a few bytes of zlib can hold more than there is memory
    inflater = zlib.decompressobj()
    content = inflater.decompress(packed, _MAX_CHUNK_BYTES)
    if not inflater.eof:
        raise ValueError("a chunk is not whole, or too long")
    entries = msgpack.Unpacker(max_buffer_size=_MAX_CHUNK_BYTES)
    entries.feed(content)
    for _ in range(count):
        yield _entry(entries.unpack())
    if entries.tell() != len(content):
        raise ValueError(f"a chunk has more than the {count} entries that it says")


def _entry(found: object) -> Entry:
    match found:
        case [int(time_us), int(kind), bytes(payload)] if kind == MESSAGE:
            return Entry(time_us, kind, payload)
        case [int(time_us), int(kind), dict(payload)] if kind == MARK:
            return Entry(time_us, kind, payload)
    raise ValueError("an entry is neither a message nor a mark")


def _reason(error: Exception) -> str:
    # msgpack says nothing of bytes that begin no value.
    return str(error) or "no msgpack"

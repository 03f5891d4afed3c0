"""Rows that outlive the engine: whole, and of the session that asks, or not at all."""

from __future__ import annotations

import mmap
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import msgpack
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bridge.frame_path import worker
from bridge.frame_path.batch import COUNT, Batch
from bridge.frame_path.checkpoint import Checkpoint
from bridge.frame_path.engine import EngineOptions
from bridge.frame_path.worker import CHECKPOINT_ROWS, Checkpointer

SLOTS, FLOATS = 4, 3


def memory() -> memoryview:
    return memoryview(bytearray(Checkpoint.size(SLOTS, FLOATS)))


def write(checkpoint: Checkpoint, *rows: tuple[int, int, int, float]) -> None:
    """Slots, serials, times and the number that fills the row."""
    slots, serials, times, fills = (np.array(column) for column in zip(*rows, strict=True))
    checkpoint.write(slots, serials, times, np.repeat(fills[:, None], FLOATS, axis=1).astype(np.float32))


def test_what_was_written_is_read_by_another_process() -> None:
    shared = memory()
    write(Checkpoint(shared, SLOTS, FLOATS), (0, 5, 1000, 1.5), (3, 6, 2000, 2.5))
    checkpoint = Checkpoint(shared, SLOTS, FLOATS)
    for slot, serial, time, fill in ((0, 5, 1000, 1.5), (3, 6, 2000, 2.5)):
        found = checkpoint.read(slot, serial)
        assert found is not None
        assert (found[0], found[1].tolist()) == (time, [fill] * FLOATS)


def test_nothing_is_there_before_it_is_written() -> None:
    assert Checkpoint(memory(), SLOTS, FLOATS).read(0, 0) is None


def test_the_newest_row_counts() -> None:
    checkpoint = Checkpoint(memory(), SLOTS, FLOATS)
    for time in (1, 2, 3):
        write(checkpoint, (1, 5, time, float(time)))
    found = checkpoint.read(1, 5)
    assert found is not None
    assert (found[0], found[1].tolist()) == (3, [3.0] * FLOATS)


def test_what_was_written_later_has_a_higher_number_in_any_slot_and_process() -> None:
    shared = memory()
    write(Checkpoint(shared, SLOTS, FLOATS), (3, 5, 9000, 1.0))
    for slot, serial in ((1, 6), (3, 5), (0, 7)):
        checkpoint = Checkpoint(shared, SLOTS, FLOATS)
        before = [row.taken for of in ((0, 7), (1, 6), (3, 5)) if (row := checkpoint.read(*of)) is not None]
        write(checkpoint, (slot, serial, 1, 1.0))
        written = checkpoint.read(slot, serial)
        assert written is not None
        assert written.taken > max(before)


def test_a_row_is_only_for_its_own_session() -> None:
    checkpoint = Checkpoint(memory(), SLOTS, FLOATS)
    write(checkpoint, (1, 5, 1, 1.0))
    assert checkpoint.read(1, 6) is None
    write(checkpoint, (1, 6, 2, 2.0))
    assert checkpoint.read(1, 5) is None
    assert checkpoint.read(1, 6) is not None


def test_a_row_that_was_torn_counts_as_absent_until_it_is_written_again() -> None:
    class Dying(RuntimeError):
        pass

    class Rows:
        """The writer dies when it gets to the numbers."""

        def __setitem__(self, slots: object, rows: object) -> None:
            raise Dying

    shared = memory()
    checkpoint = Checkpoint(shared, SLOTS, FLOATS)
    write(checkpoint, (1, 5, 1, 1.0), (2, 9, 1, 7.0))
    whole, checkpoint._rows = checkpoint._rows, Rows()  # type: ignore[assignment]
    try:
        write(checkpoint, (1, 5, 2, 2.0))
    except Dying:
        checkpoint._rows = whole
    after = Checkpoint(shared, SLOTS, FLOATS)
    assert after.read(1, 5) is None
    assert after.read(2, 9) is not None, "its neighbour is whole"
    write(after, (1, 5, 3, 3.0))
    found = after.read(1, 5)
    assert found is not None
    assert (found[0], found[1].tolist()) == (3, [3.0] * FLOATS)


def test_what_was_read_does_not_change_afterwards() -> None:
    checkpoint = Checkpoint(memory(), SLOTS, FLOATS)
    write(checkpoint, (0, 1, 1, 1.0))
    found = checkpoint.read(0, 1)
    write(checkpoint, (0, 1, 2, 2.0))
    assert found is not None
    assert found[1].tolist() == [1.0] * FLOATS


class Core:
    """Has many sessions, and knows which rows of theirs were copied."""

    slots = 4 * CHECKPOINT_ROWS

    def __init__(self) -> None:
        self.copied: list[list[int]] = []

    def checkpoint_rows(self, checkpoint: Checkpoint, slots: NDArray[np.int64]) -> None:
        self.copied.append(slots.tolist())


def test_of_more_rows_than_are_copied_at_a_time_the_oldest_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: now))
    core = Core()
    checkpointer = Checkpointer(core, Checkpoint(memory(), SLOTS, FLOATS), every_s=0.15)  # type: ignore[arg-type]
    everybody = np.arange(core.slots, dtype=np.int32)
    for _ in range(8):
        checkpointer.after_step(everybody)
        now += 0.1
    portions = everybody.reshape(4, CHECKPOINT_ROWS).tolist()
    assert core.copied == portions * 2
    checkpointer.forget(40)
    checkpointer.after_step(everybody)
    assert core.copied[-1] == [40, *portions[0][:-1]], "a slot that changed hands before all others"


@contextmanager
def shared_memory(size: int) -> Iterator[tuple[int, memoryview]]:
    """As the gateway shares it with the engine: its descriptor, and the memory."""
    descriptor = os.memfd_create("test")
    try:
        os.ftruncate(descriptor, size)
        yield descriptor, memoryview(mmap.mmap(descriptor, size))
    finally:
        os.close(descriptor)


def test_who_comes_into_a_slot_is_copied_with_their_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: 100.0))
    # What else is alive here is not the engine's.
    monkeypatch.setattr(worker, "gc", SimpleNamespace(collect=lambda: None, freeze=lambda: None))
    options = EngineOptions(
        models=("tests.doubles:Counting",), device="cpu", slots=1, threads=torch.get_num_threads(), checkpoint_s=50.0
    )
    core, _ = worker.build_core(options)
    slot, one, other = 0, 5, 6
    joins = [["join", slot, serial, [0.1], {}, False, False, False, -1] for serial in (one, other)]
    requests = joins[0], ["step", 0, 1], ["leave", slot, one], joins[1], ["step", 0, 1]
    gateway, engine = socket.socketpair()
    with (
        gateway,
        engine,
        shared_memory(COUNT * Batch.size(1)) as (batches, filled),
        shared_memory(Checkpoint.size(1, core.row_floats)) as (rows, copied),
    ):
        batch = Batch(filled, 1)
        batch.head[0] = (slot, 0, 1)
        gateway.sendall(b"".join(map(msgpack.packb, requests)))
        gateway.shutdown(socket.SHUT_WR)
        worker._serve(engine, batches, rows, options)
        assert Checkpoint(copied, 1, core.row_floats).read(slot, other) is not None

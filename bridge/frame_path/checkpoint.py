"""Sessions' states in memory that the engine process does not own, so that they outlive it.

A row a slot, written a few at a time. The process may die in the middle of a row: its version is odd then, and the row
counts as absent. A row names the session that it was taken of, so a slot's next session never gets it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_HEAD = np.dtype([("version", "<i8"), ("serial", "<i8"), ("time", "<i8"), ("taken", "<i8")])


class Row(NamedTuple):
    """What is known of a session.

    Attributes:
        time: of its last frame, us.
        numbers: ``[floats]``.
        taken: the number of the writing, from 1; a row that was written later has a higher one, whatever its slot.
    """

    time: int
    numbers: NDArray[np.float32]
    taken: int


class Checkpoint:
    """Rows of ``floats`` float32 numbers for ``slots`` slots, over ``size(slots, floats)`` bytes of memory."""

    def __init__(self, memory: memoryview, slots: int, floats: int) -> None:
        split = slots * _HEAD.itemsize
        self._head = np.frombuffer(memory[:split], dtype=_HEAD)
        self._rows = np.frombuffer(memory[split : split + 4 * slots * floats], dtype="<f4").reshape(slots, floats)

    @staticmethod
    def size(slots: int, floats: int) -> int:
        """Bytes of memory needed."""
        return slots * (_HEAD.itemsize + 4 * floats)

    def write(
        self,
        slots: NDArray[np.int64],
        serials: NDArray[np.int64],
        times: NDArray[np.int64],
        rows: NDArray[np.float32],
    ) -> None:
        """Replaces some slots' rows: sessions' serial numbers, last frames' times (us), ``[n, floats]`` numbers."""
        self._head["version"][slots] |= 1
        self._head["serial"][slots] = serials
        self._head["time"][slots] = times
        self._head["taken"][slots] = self._head["taken"].max() + 1
        self._rows[slots] = rows
        self._head["version"][slots] += 1

    def forget(self, slot: int) -> None:
        """Leaves nothing of a slot's row."""
        self._head[slot] = 0
        self._rows[slot] = 0

    def read(self, slot: int, serial: int) -> Row | None:
        """The row of a slot, or nothing if there is no whole one of the session ``serial``."""
        head = self._head[slot]
        if head["version"] == 0 or head["version"] % 2 or head["serial"] != serial:
            return None
        return Row(int(head["time"]), self._rows[slot].copy(), int(head["taken"]))

"""A batch of frames as columns in shared memory: what goes into a step, and what comes out.

The gateway fills ``Batch`` row by row, the engine reads and answers it as arrays. Who may touch a batch is settled by
messages (``bridge.frame_path.engine``), never by locks: at any time it is either the gateway's or the engine's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge import tracking
from models.limits import DEVICES, MAX_HORIZONS, MAX_TARGETS

FORECAST: Final = len(DEVICES) * MAX_HORIZONS * tracking.POSE
"""Numbers in the longest forecast."""

SPAN: Final = 4
"""Numbers that tell of a gesture."""

HEAD_DTYPE: Final = np.dtype([("slot", "<i4"), ("mask", "<i4"), ("time", "<i8")])
HEAD_FORMAT: Final = "<iiq"
"""``HEAD_DTYPE`` for ``struct``: session's slot, parts, time in microseconds."""

RESULT_DTYPE: Final = np.dtype(
    [("status", "<i4"), ("devices", "<i4"), ("poses", "<i4"), ("targets", "<i4"), ("best", "<i4"), ("gesture", "<i4")]
)
"""``status`` is a ``tracking.Fault`` or ``FAILED``; ``devices`` the answer's ``m``; ``poses`` and ``targets`` count
what stands in the row's ``forecast`` and ``probabilities``; ``best`` is the answer's ``k``; ``gesture`` is the number
of one that was just over, or 0, and the row's ``spans`` tells of it."""

FAILED: Final = 100
"""The status of a row that a model could not answer."""
GAP: Final = 101
"""The status of a row whose time is not later than the last one of its session."""

COUNT: Final = 2
"""Batches in use: one is filled while the other is stepped."""


class Batch:
    """Columns for up to ``capacity`` frames, over a piece of memory.

    Attributes:
        head: ``[capacity]`` of ``HEAD_DTYPE``.
        blobs: ``[capacity, tracking.ROW]`` float32; how much of a row counts is told by its mask.
        result: ``[capacity]`` of ``RESULT_DTYPE``.
        forecast: ``[capacity, FORECAST]`` float32, each row as it goes out on the wire: ``[devices, horizons, 7]``.
        probabilities: ``[capacity, MAX_TARGETS]`` float32.
        spans: ``[capacity, 4]`` float32, of a gesture: device (0 head, 1 left, 2 right), confidence, seconds since it
            began and since it was over.
        head_bytes, blob_bytes, forecast_bytes, probability_bytes: the same memory as bytes.
    """

    def __init__(self, memory: memoryview, capacity: int) -> None:
        at = 0

        def take(size: int) -> memoryview:
            nonlocal at
            piece = memory[at : at + size]
            at += _aligned(size)
            return piece

        self.capacity = capacity
        self.head_bytes = take(capacity * HEAD_DTYPE.itemsize)
        self.blob_bytes = take(capacity * tracking.ROW_BYTES)
        result_bytes = take(capacity * RESULT_DTYPE.itemsize)
        self.forecast_bytes = take(capacity * 4 * FORECAST)
        self.probability_bytes = take(capacity * 4 * MAX_TARGETS)
        span_bytes = take(capacity * 4 * SPAN)
        self.head = np.frombuffer(self.head_bytes, dtype=HEAD_DTYPE)
        self.blobs: NDArray[np.float32] = _floats(self.blob_bytes, capacity)
        self.result = np.frombuffer(result_bytes, dtype=RESULT_DTYPE)
        self.forecast: NDArray[np.float32] = _floats(self.forecast_bytes, capacity)
        self.probabilities: NDArray[np.float32] = _floats(self.probability_bytes, capacity)
        self.spans: NDArray[np.float32] = _floats(span_bytes, capacity)

    @staticmethod
    def size(capacity: int) -> int:
        """Bytes of memory that a batch takes."""
        rows = (
            HEAD_DTYPE.itemsize,
            tracking.ROW_BYTES,
            RESULT_DTYPE.itemsize,
            4 * FORECAST,
            4 * MAX_TARGETS,
            4 * SPAN,
        )
        return sum(_aligned(capacity * row) for row in rows)


def _aligned(size: int) -> int:
    return -(-size // 64) * 64


def _floats(memory: memoryview, rows: int) -> NDArray[np.float32]:
    return np.frombuffer(memory, dtype="<f4").reshape(rows, -1)

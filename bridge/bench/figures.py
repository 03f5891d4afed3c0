"""What is told of the frames of a load, and what something beside them cost them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from bridge.bench.load import LoadFigures


def frame_figures(figures: LoadFigures) -> dict[str, Any]:
    """The frames of a load, as plain values."""
    return {
        "p50_ms": figures.p50_ms,
        "p99_ms": figures.p99_ms,
        "in_time_percent": round(100 * figures.in_time / max(figures.frames, 1), 2),
        "lost": figures.lost,
    }


def p99_ratio(without: LoadFigures, beside: LoadFigures) -> float | None:
    """How much later frames are answered beside something; nothing if more than 1 % never are."""
    if without.p99_ms is None or beside.p99_ms is None:
        return None
    return round(beside.p99_ms / without.p99_ms, 3)


def median(ratios: Sequence[float | None]) -> float | None:
    """The middle one, the lower of two; nothing if one of them is not known."""
    known = [ratio for ratio in ratios if ratio is not None]
    return statistics.median_low(known) if len(known) == len(ratios) else None

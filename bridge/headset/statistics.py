"""What a simulated headset counts: round trips, late and missing answers, and how good the answers were."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bridge.headset.track import Track


@dataclass
class Statistics:
    """Counted since the start.

    Attributes:
        sent: frames sent.
        answered: of those, how many got an answer.
        late: answers that came later than one frame period after their frame was sent.
        missing: frames that were overtaken or lost and never will be answered.
        unsent: frames dropped on purpose, stalled or due while there was no connection.
        errors: errors from the daemon, by code.
        reconnects: how often the socket was opened again.
        resumed: how often the session went on where it was.
        round_trip_s: from just before a frame was sent to its answer.
    """

    sent: int = 0
    answered: int = 0
    late: int = 0
    missing: int = 0
    unsent: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    reconnects: int = 0
    resumed: int = 0
    round_trip_s: array[float] = field(default_factory=lambda: array("d"))

    def round_trip_ms(self, *percentiles: float) -> list[float]:
        """Percentiles of the round trip in milliseconds; NaN before the first answer."""
        if not self.round_trip_s:
            return [float("nan")] * len(percentiles)
        values = np.percentile(np.frombuffer(self.round_trip_s, dtype=np.float64), percentiles)
        return [float(value) * 1000 for value in values]


class ForecastScore:
    """Hand position forecasts beside constant velocity, on a recording that knows what came next."""

    def __init__(self, track: Track, horizon_s: float) -> None:
        truth = track.truth(horizon_s)
        self._truth = truth
        baseline = np.linalg.norm(track.constant_velocity(horizon_s) - truth, axis=1)
        self._baseline = baseline.astype(np.float64)
        self._errors = 0.0
        self._baseline_errors = 0.0
        self.count = 0

    def add(self, frame: int, position: NDArray[np.float32]) -> None:
        """A forecast ``[3]`` in metres that was made of a frame of the track."""
        baseline = self._baseline[frame]
        if baseline == baseline:
            x, y, z = (position - self._truth[frame]).tolist()
            self._errors += (x * x + y * y + z * z) ** 0.5
            self._baseline_errors += float(baseline)
            self.count += 1

    @property
    def error_mm(self) -> float:
        """Mean error of the forecasts; NaN before the first."""
        return 1000 * self._errors / self.count if self.count else float("nan")

    @property
    def baseline_mm(self) -> float:
        """Mean error of constant velocity over the same frames."""
        return 1000 * self._baseline_errors / self.count if self.count else float("nan")


@dataclass
class TargetScore:
    """How often the most probable target was the one that was asked for, while the person pointed at it."""

    right: int = 0
    count: int = 0

    def add(self, picked: str, true: str) -> None:
        """An answer to a frame of which the truth is known."""
        self.count += 1
        self.right += picked == true

    @property
    def percent(self) -> float:
        """NaN before the first."""
        return 100 * self.right / self.count if self.count else float("nan")

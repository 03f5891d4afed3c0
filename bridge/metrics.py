"""``GET /metrics``: the counters of all parts, read when somebody asks, in Prometheus' text format.

The parts count in plain integers, because a Prometheus counter costs a lock each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge import __version__
from bridge.event_path.questions import LATENCY_BOUNDS_S, QuestionCounters
from bridge.event_path.workers import EventPath
from bridge.frame_path import path as frame_path
from bridge.frame_path.engine import EngineCounters
from bridge.frame_path.path import FramePath
from bridge.sessions import Sessions
from bridge.transport import TransportCounters

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(Collector):
    """Everything that is counted in a daemon."""

    def __init__(
        self,
        path: FramePath,
        engine: EngineCounters,
        sessions: Sessions,
        workers: EventPath,
        transport: TransportCounters,
    ) -> None:
        self._path = path
        self._engine = engine
        self._sessions = sessions
        self._workers = workers
        self._transport = transport
        self._process = psutil.Process()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """The page."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """See ``prometheus_client.registry.Collector``."""
        info = self._path.info
        about = GaugeMetricFamily("genlock_info", "What runs here.", labels=("version", "device", "models"))
        about.add_metric((__version__, info.device, " ".join(f"{name}@{version}" for name, version in info.models)), 1)
        yield about
        yield GaugeMetricFamily("genlock_sessions", "Sessions, connected or resumable.", len(self._sessions))
        yield GaugeMetricFamily("genlock_sessions_connected", "Sessions with a socket.", self._sessions.connected)
        yield GaugeMetricFamily("genlock_engine_up", "Whether frames can be stepped.", int(self._path.up))
        memory = self._process.memory_info().rss
        yield GaugeMetricFamily("genlock_gateway_memory_bytes", "Resident memory of the gateway.", memory)
        counted = self._sessions.counters
        events = _fates(counted, "started", "resumed", "restored", "expired", "ended", "refused", "unwritten")
        yield _counts("genlock_sessions_total", "Sessions by what became of them.", "event", events)
        yield CounterMetricFamily(
            "genlock_profile_saves_failed_total", "Profiles that could not be written yet.", counted.unsaved
        )
        frames = self._path.counters
        fates = _fates(frames, "received", "overtaken", "answered", "refused", "lost")
        yield _counts("genlock_frames_total", "Frames by what became of them.", "fate", fates)
        yield CounterMetricFamily("genlock_steps_total", "Batches stepped.", frames.steps)
        yield CounterMetricFamily("genlock_step_rows_total", "Frames in those batches.", frames.rows)
        yield CounterMetricFamily("genlock_engine_restarts_total", "Engines lost.", self._engine.restarts)
        yield _histogram(
            "genlock_frame_seconds",
            "From a frame's arrival to its answer.",
            frame_path.LATENCY_BOUNDS_S,
            frames.latency_count,
            frames.latency_sum_s,
        )
        language = self._workers.language
        yield GaugeMetricFamily("genlock_language_up", "Whether utterances can be read.", int(language.up))
        yield CounterMetricFamily(
            "genlock_language_restarts_total", "Language workers lost.", language.counters.restarts
        )
        yield from _asked("utterance", "From an utterance's turn to its reading.", language.counters)
        yield from self._speech()
        yield from self._sight()
        yield _counts(
            "genlock_errors_total", "Errors told to clients.", "code", dict(sorted(self._sessions.errors.items()))
        )
        sockets = self._transport
        yield GaugeMetricFamily("genlock_connections", "Open sockets.", sockets.open)
        traffic = {"in": sockets.bytes_in, "out": sockets.bytes_out}
        yield _counts("genlock_traffic_bytes_total", "Bytes on the wire.", "direction", traffic)
        messages = {"in": sockets.messages_in, "out": sockets.messages_out}
        yield _counts("genlock_messages_total", "WebSocket messages.", "direction", messages)
        yield _counts("genlock_closes_total", "Closed WebSockets.", "code", dict(sorted(sockets.closes.items())))

    def _speech(self) -> Iterator[Metric]:
        hearing = self._workers.hearing
        heard = hearing.counters
        yield GaugeMetricFamily("genlock_hearing_up", "Whether speech can be heard.", int(hearing.up))
        yield GaugeMetricFamily("genlock_hearing_waiting_seconds", "Sound that is not heard yet.", hearing.waiting_s)
        yield CounterMetricFamily("genlock_hearing_seconds_total", "Sound that was taken.", heard.seconds)
        yield CounterMetricFamily("genlock_hearing_restarts_total", "Hearing workers lost.", heard.restarts)
        kinds = {"final": heard.finals, "partial": heard.partials}
        yield _counts("genlock_transcripts_total", "Transcripts by kind.", "kind", kinds)
        fates = _fates(heard, "dropped", "given_up")
        yield _counts("genlock_hearing_lost_total", "Sound that was not heard.", "fate", fates)

    def _sight(self) -> Iterator[Metric]:
        seeing = self._workers.seeing
        yield GaugeMetricFamily("genlock_seeing_up", "Whether pictures can be seen.", int(seeing.up))
        yield CounterMetricFamily("genlock_seeing_restarts_total", "Seeing workers lost.", seeing.counters.restarts)
        yield from _asked("picture", "From a picture's turn to what is in it.", seeing.counters)


def _asked(what: str, about_seconds: str, counters: QuestionCounters) -> Iterator[Metric]:
    fates = _fates(counters, "asked", "answered", "given_up")
    yield _counts(f"genlock_{what}s_total", f"{what.capitalize()}s by what became of them.", "fate", fates)
    latency = counters.latency_count, counters.latency_sum_s
    yield _histogram(f"genlock_{what}_seconds", about_seconds, LATENCY_BOUNDS_S, *latency)


def _fates(counters: object, *names: str) -> dict[str, int]:
    return {name: getattr(counters, name) for name in names}


def _counts(name: str, about: str, label: str, counts: Mapping[str, int] | Mapping[int, int]) -> Metric:
    """Counts by the value of one label."""
    family = CounterMetricFamily(name, about, labels=(label,))
    for value, count in counts.items():
        family.add_metric((str(value),), count)
    return family


def _histogram(name: str, about: str, bounds_s: Sequence[float], counts: Sequence[int], sum_s: float) -> Metric:
    """``counts`` has one more than there are bounds, for what is beyond the last."""
    histogram = HistogramMetricFamily(name, about)
    named = (*(f"{bound:g}" for bound in bounds_s), "+Inf")
    histogram.add_metric((), list(zip(named, accumulate(counts), strict=True)), sum_s)
    return histogram

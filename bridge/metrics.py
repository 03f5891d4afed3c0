"""``GET /metrics``: the counters of all parts, read when somebody asks, in Prometheus' text format.

The parts count in plain integers, because a Prometheus counter costs a lock each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge import __version__
from bridge.event_path import questions as event_path
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
        sessions = CounterMetricFamily("genlock_sessions_total", "Sessions by what became of them.", labels=("event",))
        for event in ("started", "resumed", "expired", "ended", "refused", "unwritten"):
            sessions.add_metric((event,), getattr(counted, event))
        yield sessions
        yield CounterMetricFamily(
            "genlock_profile_saves_failed_total", "Profiles that could not be written yet.", counted.unsaved
        )
        frames = self._path.counters
        fates = CounterMetricFamily("genlock_frames_total", "Frames by what became of them.", labels=("fate",))
        for fate in ("received", "overtaken", "answered", "refused", "lost"):
            fates.add_metric((fate,), getattr(frames, fate))
        yield fates
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
        words = language.counters
        yield GaugeMetricFamily("genlock_language_up", "Whether utterances can be read.", int(language.up))
        utterances = CounterMetricFamily(
            "genlock_utterances_total", "Utterances by what became of them.", labels=("fate",)
        )
        for fate in ("asked", "answered", "given_up"):
            utterances.add_metric((fate,), getattr(words, fate))
        yield utterances
        yield CounterMetricFamily("genlock_language_restarts_total", "Language workers lost.", words.restarts)
        yield _histogram(
            "genlock_utterance_seconds",
            "From an utterance's turn to its reading.",
            event_path.LATENCY_BOUNDS_S,
            words.latency_count,
            words.latency_sum_s,
        )
        yield from self._speech()
        yield from self._sight()
        errors = CounterMetricFamily("genlock_errors_total", "Errors told to clients.", labels=("code",))
        for code, count in sorted(self._sessions.errors.items()):
            errors.add_metric((code,), count)
        yield errors
        sockets = self._transport
        yield GaugeMetricFamily("genlock_connections", "Open sockets.", sockets.open)
        traffic = CounterMetricFamily("genlock_traffic_bytes_total", "Bytes on the wire.", labels=("direction",))
        traffic.add_metric(("in",), sockets.bytes_in)
        traffic.add_metric(("out",), sockets.bytes_out)
        yield traffic
        messages = CounterMetricFamily("genlock_messages_total", "WebSocket messages.", labels=("direction",))
        messages.add_metric(("in",), sockets.messages_in)
        messages.add_metric(("out",), sockets.messages_out)
        yield messages
        closes = CounterMetricFamily("genlock_closes_total", "Closed WebSockets.", labels=("code",))
        for close_code, count in sorted(sockets.closes.items()):
            closes.add_metric((str(close_code),), count)
        yield closes

    def _speech(self) -> Iterator[Metric]:
        hearing = self._workers.hearing
        heard = hearing.counters
        yield GaugeMetricFamily("genlock_hearing_up", "Whether speech can be heard.", int(hearing.up))
        yield GaugeMetricFamily("genlock_hearing_waiting_seconds", "Sound that is not heard yet.", hearing.waiting_s)
        yield CounterMetricFamily("genlock_hearing_seconds_total", "Sound that was taken.", heard.seconds)
        yield CounterMetricFamily("genlock_hearing_restarts_total", "Hearing workers lost.", heard.restarts)
        transcripts = CounterMetricFamily("genlock_transcripts_total", "Transcripts by kind.", labels=("kind",))
        transcripts.add_metric(("final",), heard.finals)
        transcripts.add_metric(("partial",), heard.partials)
        yield transcripts
        lost = CounterMetricFamily("genlock_hearing_lost_total", "Sound that was not heard.", labels=("fate",))
        lost.add_metric(("dropped",), heard.dropped)
        lost.add_metric(("given_up",), heard.given_up)
        yield lost

    def _sight(self) -> Iterator[Metric]:
        seeing = self._workers.seeing
        seen = seeing.counters
        yield GaugeMetricFamily("genlock_seeing_up", "Whether pictures can be seen.", int(seeing.up))
        pictures = CounterMetricFamily("genlock_pictures_total", "Pictures by what became of them.", labels=("fate",))
        for fate in ("asked", "answered", "given_up"):
            pictures.add_metric((fate,), getattr(seen, fate))
        yield pictures
        yield CounterMetricFamily("genlock_seeing_restarts_total", "Seeing workers lost.", seen.restarts)
        yield _histogram(
            "genlock_picture_seconds",
            "From a picture's turn to what is in it.",
            event_path.LATENCY_BOUNDS_S,
            seen.latency_count,
            seen.latency_sum_s,
        )


def _histogram(name: str, about: str, bounds_s: Sequence[float], counts: Sequence[int], sum_s: float) -> Metric:
    """``counts`` has one more than there are bounds, for what is beyond the last."""
    histogram = HistogramMetricFamily(name, about)
    named = (*(f"{bound:g}" for bound in bounds_s), "+Inf")
    histogram.add_metric((), list(zip(named, accumulate(counts), strict=True)), sum_s)
    return histogram

"""The page of counters, read as Prometheus reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge import __version__
from bridge.app import App
from bridge.frame_path.engine import EngineCounters
from bridge.frame_path.path import LATENCY_BOUNDS_S
from bridge.metrics import Metrics
from bridge.profiles.sqlite import SqliteStore
from bridge.protocol import Hello
from bridge.sessions import SessionOptions, Sessions
from bridge.transport import TransportCounters
from tests.stand_ins import FakeLink, FakePath, FakeWorkers


class Counted:
    """The parts that count, and what the page says of them."""

    def __init__(self, store: SqliteStore) -> None:
        self.path = FakePath()
        self.engine = EngineCounters()
        self.workers = FakeWorkers()
        self.language = self.workers.language
        self.sessions = Sessions(self.path, store, SessionOptions(), self.workers, {}, None)  # type: ignore[arg-type]
        self.transport = TransportCounters()
        self.metrics = Metrics(self.path, self.engine, self.sessions, self.workers, self.transport)  # type: ignore[arg-type]

    def read(self) -> dict[tuple[str, str], float]:
        """Values by name and the labels' values, in the order of the labels' names."""
        return {
            (sample.name, " ".join(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.metrics.render().decode())
            for sample in family.samples
        }


@pytest.fixture
async def counted(tmp_path: Path) -> AsyncIterator[Counted]:
    store = SqliteStore(tmp_path / "profiles.sqlite")
    made = Counted(store)
    yield made
    await made.sessions.end_all(20)
    store.close()


async def test_everything_is_there_from_the_start_and_is_zero(counted: Counted) -> None:
    page = counted.read()
    assert page["genlock_info", f"cpu fake@7 {__version__}"] == 1
    assert page["genlock_engine_up", ""] == 1
    assert page["genlock_gateway_memory_bytes", ""] > 1e6
    others = {
        key: value
        for key, value in page.items()
        if key[0] not in ("genlock_info", "genlock_engine_up", "genlock_gateway_memory_bytes")
    }
    assert set(others.values()) == {0}
    assert {name for name, _ in others} >= {
        "genlock_sessions",
        "genlock_sessions_connected",
        "genlock_sessions_total",
        "genlock_frames_total",
        "genlock_steps_total",
        "genlock_step_rows_total",
        "genlock_engine_restarts_total",
        "genlock_frame_seconds_count",
        "genlock_language_up",
        "genlock_utterances_total",
        "genlock_utterance_seconds_count",
        "genlock_traffic_bytes_total",
        "genlock_messages_total",
    }


async def test_sessions_are_counted_by_what_became_of_them(counted: Counted) -> None:
    session, _ = await counted.sessions.admit(Hello("1.0", App("a"), "ada"))
    await counted.sessions.admit(Hello("1.0", App("a"), "bob"))
    session.attach(FakeLink())
    for at, event in enumerate(("resumed", "expired", "ended", "refused", "unwritten", "restored"), start=3):
        setattr(counted.sessions.counters, event, at)
    page = counted.read()
    assert (page["genlock_sessions", ""], page["genlock_sessions_connected", ""]) == (2, 1)
    for event, count in (
        ("started", 2),
        ("resumed", 3),
        ("expired", 4),
        ("ended", 5),
        ("refused", 6),
        ("unwritten", 7),
        ("restored", 8),
    ):
        assert page["genlock_sessions_total", event] == count
    counted.sessions.counters.unwritten = 0


async def test_frames_and_steps_are_counted(counted: Counted) -> None:
    frames = counted.path.counters
    frames.received, frames.overtaken, frames.answered, frames.refused, frames.lost = 10, 1, 6, 2, 1
    frames.steps, frames.rows = 3, 8
    counted.engine.restarts = 4
    counted.path.up = False
    page = counted.read()
    for fate, count in (("received", 10), ("overtaken", 1), ("answered", 6), ("refused", 2), ("lost", 1)):
        assert page["genlock_frames_total", fate] == count
    assert (page["genlock_steps_total", ""], page["genlock_step_rows_total", ""]) == (3, 8)
    assert page["genlock_engine_restarts_total", ""] == 4
    assert page["genlock_engine_up", ""] == 0


async def test_latencies_are_a_cumulative_histogram(counted: Counted) -> None:
    frames = counted.path.counters
    frames.latency_count = list(range(1, len(LATENCY_BOUNDS_S) + 2))
    frames.latency_sum_s = 1.25
    page = counted.read()
    total = 0
    for at, bound in enumerate(LATENCY_BOUNDS_S):
        total += at + 1
        assert page["genlock_frame_seconds_bucket", f"{bound:g}"] == total
    total += len(LATENCY_BOUNDS_S) + 1
    assert page["genlock_frame_seconds_bucket", "+Inf"] == total
    assert (page["genlock_frame_seconds_count", ""], page["genlock_frame_seconds_sum", ""]) == (total, 1.25)


async def test_errors_closes_and_traffic_are_counted(counted: Counted) -> None:
    counted.sessions.errors.update({"invalid": 3, "time": 1})
    counted.transport.closes.update({1000: 2, 4005: 1})
    counted.transport.bytes_in, counted.transport.bytes_out = 100, 200
    counted.transport.messages_in, counted.transport.messages_out = 5, 6
    page = counted.read()
    assert (page["genlock_errors_total", "invalid"], page["genlock_errors_total", "time"]) == (3, 1)
    assert (page["genlock_closes_total", "1000"], page["genlock_closes_total", "4005"]) == (2, 1)
    assert (page["genlock_traffic_bytes_total", "in"], page["genlock_traffic_bytes_total", "out"]) == (100, 200)
    assert (page["genlock_messages_total", "in"], page["genlock_messages_total", "out"]) == (5, 6)


async def test_a_model_may_have_any_name(counted: Counted) -> None:
    counted.path.info = type(counted.path.info)((('quo"te\\new\nline', "1"),), "cpu")
    assert counted.read()["genlock_info", f'cpu quo"te\\new\nline@1 {__version__}'] == 1

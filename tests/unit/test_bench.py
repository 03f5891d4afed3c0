"""The benchmark: what counts as in time, how the most sessions are found, and the load's own WebSocket framing."""

from __future__ import annotations

import math
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pytest
import torch
from typer.testing import CliRunner
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader
from websockets.sync.server import Server, ServerConnection, serve

from bridge.app import App
from bridge.bench.client import LoadError, Unframer, masked
from bridge.bench.frames import SYSTEMS, BenchOptions, memory_figures, summary
from bridge.bench.learning import Staircase, walk
from bridge.bench.learning import summary as learning_summary
from bridge.bench.load import Load, LoadFigures, LoadOptions, ProcessFigures, Schedule, quantile
from bridge.bench.naive import Naive
from bridge.bench.search import Search, in_turns, search
from bridge.bench.servers import ServerError, running
from bridge.bench.workload import TARGETS, made_up, tracks
from bridge.cli.bench import app
from bridge.frame_path.core import EngineCore
from bridge.protocol import SUBPROTOCOL, Ack, Actions, Bye, Frame, Hello, Welcome, decode_server, encode
from bridge.recording.format import RecordingError
from bridge.tracking import BLOB_BYTES
from tests.daemons import ROOT
from tests.doubles import Counting


def figures(sessions: int, *, in_time: int, frames: int = 1000, early: bool = False, own: int = 0) -> LoadFigures:
    return LoadFigures(
        sessions=sessions,
        frames=frames,
        answered=in_time,
        in_time=in_time,
        p50_ms=1.0,
        p99_ms=2.0,
        lag_p99_ms=0.1,
        lag_max_ms=0.2,
        stopped_early=early,
        processes=(ProcessFigures("load", 0.5, 10**9, 10**9), ProcessFigures("server", 0.5, own, 7)),
    )


def searched(measure: Callable[[int], LoadFigures], *, start: int, growth: float = 2.0) -> Search:
    loads = search(start=start, limit=512, growth=growth, resolution=0.04)
    return in_turns({"it": loads}, lambda _, sessions: measure(sessions))["it"]


def takes(most: int) -> Callable[[int], LoadFigures]:
    return lambda sessions: figures(sessions, in_time=1000 if sessions <= most else 500)


class TestPassing:
    @pytest.mark.parametrize(("in_time", "passed"), [(1000, True), (990, True), (989, False)])
    def test_one_in_a_hundred_may_be_late(self, in_time: int, passed: bool) -> None:
        assert figures(8, in_time=in_time).passed is passed

    def test_a_load_that_was_given_up_does_not_pass(self) -> None:
        assert not figures(8, in_time=1000, early=True).passed


class TestQuantile:
    def test_nearest_rank(self) -> None:
        values = [float(value) for value in range(1, 101)]
        assert quantile(values, 100, 0.5) == 50
        assert quantile(values, 100, 0.99) == 99

    def test_what_is_missing_is_infinite(self) -> None:
        assert quantile([1.0, 2.0], 4, 0.5) == 2
        assert quantile([1.0, 2.0], 4, 0.75) == math.inf

    def test_of_nothing(self) -> None:
        assert quantile([], 0, 0.99) == math.inf


class TestSearch:
    @pytest.mark.parametrize("growth", [1.15, 2.0])
    @pytest.mark.parametrize("start", [1, 48, 512])
    @pytest.mark.parametrize("most", [0, 1, 2, 3, 17, 100, 511])
    def test_finds_the_most_to_within_the_resolution(self, most: int, start: int, growth: float) -> None:
        found = searched(takes(most), start=start, growth=growth)
        assert found.sessions <= most
        assert most - found.sessions <= max(1, 0.04 * found.sessions)
        assert (found.at_limit is None) == (most == 0)

    def test_exact_where_sessions_are_few(self) -> None:
        assert searched(takes(17), start=8).sessions == 17

    def test_says_when_nothing_was_too_much(self) -> None:
        found = searched(takes(10_000), start=48)
        assert (found.sessions, found.bounded) == (512, False)

    def test_a_load_that_fails_is_tried_again_once(self) -> None:
        tried: list[int] = []

        def unlucky_at_first(sessions: int) -> LoadFigures:
            tried.append(sessions)
            return figures(sessions, in_time=1000 if sessions <= 10 and tried.count(sessions) > 1 else 0)

        assert searched(unlucky_at_first, start=8).sessions == 10
        assert max(tried.count(sessions) for sessions in tried) == 2

    def test_keeps_every_load_and_finds_that_at_the_limit(self) -> None:
        found = searched(takes(10), start=8)
        assert [point.sessions for point in found.points] == [8, 17, 17, 12, 12, 10, 11, 11]
        assert found.at_limit is found.points[5]

    def test_several_take_turns_load_by_load(self) -> None:
        order: list[tuple[str, int]] = []

        def measure(system: str, sessions: int) -> LoadFigures:
            order.append((system, sessions))
            return takes({"one": 3, "other": 10}[system])(sessions)

        loads = {name: search(start=2, limit=512, growth=2.0, resolution=0.04) for name in ("one", "other")}
        found = in_turns(loads, measure)
        assert {name: one.sessions for name, one in found.items()} == {"one": 3, "other": 10}
        alone = {name: searched(lambda n, name=name: measure(name, n), start=2) for name in ("one", "other")}  # type: ignore[misc]
        assert found == alone
        assert order[:6] == [("one", 2), ("other", 2), ("one", 5), ("other", 5), ("one", 5), ("other", 11)]


class TestLearning:
    @pytest.mark.parametrize("most", [1, 7, 60, 300])
    def test_a_staircase_stays_about_what_passes(self, most: int) -> None:
        stair = Staircase(512)
        tried = []
        for _ in range(60):
            tried.append(stair.sessions)
            stair.tell(stair.sessions <= most)
        assert all(most / 1.17 - 1 <= sessions <= most * 1.17 + 1 for sessions in tried[-20:])
        assert stair.arrived

    def test_the_ratio_is_that_of_what_each_takes_however_the_machine_drifts(self) -> None:
        loads: list[str] = []

        def passes(staircase: str, sessions: int) -> bool:
            loads.append(staircase)
            speed = 1 + 0.5 * math.sin(len(loads) / 20)
            return sessions <= {"with": 90, "without": 100}[staircase] * speed

        steps = walk(60, 512, passes)
        assert len(steps) == 60
        assert learning_summary(BenchOptions(), {}, steps)["ratio"] == pytest.approx(0.9, abs=0.04)
        assert {first for first, _ in zip(loads[::2], loads[1::2], strict=True)} == {"with", "without"}
        assert loads.count("with") == loads.count("without")

    def test_it_ends_where_nothing_is_too_much(self) -> None:
        assert walk(5, 64, lambda *_: True) == [(64, 64)] * 5

    def test_what_is_told(self) -> None:
        told = learning_summary(BenchOptions(), {}, [(50, 100), (100, 100), (200, 100)])
        assert told["ratio"] == pytest.approx(1.0)
        assert told["sessions"] == {"with": pytest.approx(100), "without": pytest.approx(100)}
        assert told["ratios_of_fifths"] == [pytest.approx(0.5), pytest.approx(1.0), pytest.approx(2.0)]


class TestSummary:
    def test_medians_and_ratios_are_those_of_the_rounds(self) -> None:
        most = {"genlock": (100, 90, 80), "echo": (200, 100, 160), "naive": (10, 0, 16)}
        searches = {
            system: [Search(count, True, (figures(count, in_time=1000),)) for count in most[system]]
            for system in SYSTEMS
        }
        result = summary(BenchOptions(recordings=(Path("/somewhere/a.genlock"),)), {}, searches, {})
        assert result["sessions"] == {"genlock": 90, "echo": 160, "naive": 10}
        assert result["ratios"]["genlock/echo"] == {"median": 0.5, "rounds": [0.5, 0.9, 0.5]}
        assert result["ratios"]["genlock/naive"]["rounds"] == [10, 5]
        assert result["at_limit"]["genlock"]["sessions"] == 90
        assert result["options"]["recordings"] == ["a.genlock"]
        assert [round_["echo"]["sessions"] for round_ in result["rounds"]] == [200, 100, 160]

    def test_memory_counts_what_is_reserved_for_a_session_and_leaves_the_load_out(self) -> None:
        one, few = figures(1, in_time=1, own=1000), figures(1, in_time=1, own=1000 + 63 * 10)
        result = memory_figures(one, few, figures(64, in_time=1, own=1000 + 63 * 50))
        assert result["bytes_a_session"] == 50
        assert result["bytes_a_session_that_joins"] == 40
        assert result["file_bytes"] == {"one": 7, "few": 7, "many": 7}


class TestSchedule:
    def test_frames_are_spread_evenly_over_the_period(self) -> None:
        schedule = Schedule(LoadOptions(url="", sessions=4, hz=100, warm_up_s=1, measure_s=2))
        assert [schedule.due(n) for n in range(5)] == pytest.approx([0, 0.0025, 0.005, 0.0075, 0.01])
        assert (schedule.first, schedule.last) == (400, 1200)
        assert schedule.due_before(0.01) == 4


class TestFraming:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 150, 40_000])
    def test_a_frame_is_as_websockets_makes_it(self, size: int) -> None:
        data = bytes(at % 251 for at in range(size))
        reader = StreamReader()
        reader.feed_data(masked(Opcode.BINARY, data))
        with pytest.raises(StopIteration) as end:
            next(WebSocketFrame.parse(reader.read_exact, mask=True))
        frame = end.value.value
        assert (frame.opcode, bytes(frame.data), len(reader.buffer)) == (Opcode.BINARY, data, 0)

    @pytest.mark.parametrize("step", [1, 2, 7, 1000, 10**6])
    def test_frames_come_out_whole_however_they_are_cut(self, step: int) -> None:
        messages = [bytes([at]) * size for at, size in enumerate((0, 5, 125, 126, 300, 65_535, 65_536, 1))]
        stream = b"".join(WebSocketFrame(Opcode.BINARY, data).serialize(mask=False) for data in messages)
        unframer = Unframer()
        found = [frame for at in range(0, len(stream), step) for frame in unframer.feed(stream[at : at + step])]
        assert found == [(Opcode.BINARY, data) for data in messages]


class TestWorkload:
    def test_made_up_frames_are_valid(self) -> None:
        (track,) = tracks(())
        assert len(track.scene.targets) == TARGETS
        for mask, blob in track.frames:
            assert len(blob) == BLOB_BYTES[mask] == 116
            head = struct.unpack_from("<7f", blob)
            assert math.hypot(*head[3:]) == pytest.approx(1)

    def test_a_file_that_is_no_recording_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("hello")
        with pytest.raises(RecordingError, match=r"notes\.txt"):
            tracks([path])


def naive() -> Naive:
    return Naive(EngineCore([Counting()], 4, torch.device("cpu")))


def asked(server: Naive, slot: int, message: object) -> object:
    answer = server.answer(slot, msgpack.unpackb(encode(message)))  # type: ignore[arg-type]
    return None if answer is None else decode_server(answer)


class TestNaive:
    def test_answers_with_a_state_of_its_own_for_each_connection(self) -> None:
        server, track = naive(), made_up()
        hello = Hello("1.0", App("test"), "ada")
        for slot in (0, 1):
            assert isinstance(asked(server, slot, hello), Welcome)
            assert asked(server, slot, track.scene) == Ack(track.scene.id)
        mask, blob = track.frames[0]
        x = struct.unpack_from("<f", blob)[0]
        for slot, q, seen in ((0, 1, 0), (0, 2, 1), (1, 1, 0), (0, 3, 2)):
            answer = asked(server, slot, Frame(q, 11_111 * q, mask, blob))
            assert isinstance(answer, Actions)
            assert (answer.q, answer.t, answer.m, answer.k) == (q, 11_111 * q, 5, 0)
            assert struct.unpack_from("<f", answer.f)[0] == pytest.approx(x + seen)
            assert struct.unpack(f"<{TARGETS}f", answer.p) == pytest.approx([1 / TARGETS] * TARGETS)

    def test_bye_ends_it(self) -> None:
        assert asked(naive(), 0, Bye()) is None


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[ServerConnection], None]], str]]:
    """Runs a handler as a server in a thread; gives its URL."""
    servers: list[tuple[Server, threading.Thread]] = []

    def start(handler: Callable[[ServerConnection], None]) -> str:
        server = serve(handler, "127.0.0.1", 0, compression=None, subprotocols=[SUBPROTOCOL])  # type: ignore[list-item]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()


def load(url: str, *, echo: bool) -> LoadFigures:
    return Load(LoadOptions(url=url, sessions=2, hz=30, warm_up_s=0.1, measure_s=0.2, echo=echo)).run()


class TestLoad:
    def test_counts_what_an_echo_sends_back(self, serving: Callable[..., str]) -> None:
        def echo(connection: ServerConnection) -> None:
            for data in connection:
                connection.send(data)

        found = load(serving(echo), echo=True)
        assert (found.frames, found.answered, found.unexpected, found.lost) == (12, 12, 0, 0)

    def test_counts_what_is_never_answered(self, serving: Callable[..., str]) -> None:
        server = naive()

        def every_other(connection: ServerConnection) -> None:
            for data in connection:
                message = msgpack.unpackb(data)
                answer = server.answer(0, message)
                if answer is None:
                    return
                if message["type"] != "frame" or message["q"] % 2:
                    connection.send(answer)

        found = load(serving(every_other), echo=False)
        assert (found.frames, found.answered) == (12, 6)
        assert found.p99_ms is None
        assert not found.passed

    def test_a_connection_that_breaks_leaves_its_frames_unanswered(self, serving: Callable[..., str]) -> None:
        def leaves(connection: ServerConnection) -> None:
            connection.recv()

        found = load(serving(leaves), echo=True)
        assert (found.frames, found.answered, found.lost) == (12, 0, 2)

    def test_an_answer_to_another_frame_is_not_counted(self, serving: Callable[..., str]) -> None:
        def confused(connection: ServerConnection) -> None:
            for data in connection:
                message = msgpack.unpackb(data)
                connection.send(msgpack.packb({**message, "t": message["t"] + 1}))

        found = load(serving(confused), echo=True)
        assert found.answered == 0
        assert found.unexpected > 0

    def test_nobody_there(self, unused_tcp_port: int) -> None:
        with pytest.raises(LoadError, match="refused"):
            load(f"ws://127.0.0.1:{unused_tcp_port}", echo=True)


class TestServers:
    def test_what_a_server_says_last_is_told_when_it_does_not_start(self) -> None:
        script = "import sys; sys.exit('no such model')"
        with pytest.raises(ServerError, match="it does not start: no such model"), running("it", ["-c", script]):
            pass

    def test_it_is_ended(self) -> None:
        script = "import sys, signal; print('listening on ws://here:1', file=sys.stderr, flush=True); signal.pause()"
        with running("it", ["-c", script]) as (url, pid):
            assert url == "ws://here:1"
            assert Path(f"/proc/{pid}").exists() or sys.platform != "linux"
        assert not Path(f"/proc/{pid}").exists()


class TestCommand:
    def test_a_bad_recording_is_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("hello")
        done = CliRunner().invoke(app, ["frames", "--recording", str(path)])
        assert done.exit_code == 2
        assert "notes.txt" in done.stderr

    def test_an_unknown_system_is_refused_with_those_that_there_are(self) -> None:
        done = CliRunner().invoke(app, ["frames", "--against", "nobody"])
        assert done.exit_code == 2
        assert "nobody" in done.stderr
        assert "there are echo, naive" in done.stderr


@pytest.mark.parametrize("command", ["utterances", "mixed"])
def test_an_app_without_targets_leaves_nothing_to_speak_of(command: str) -> None:
    manifest = ROOT / "samples" / "apps" / "coffee_maker.toml"
    done = CliRunner().invoke(app, [command, "--app", str(manifest)])
    assert done.exit_code == 2, done.output
    assert f"{manifest}: has no [[targets]]" in done.output

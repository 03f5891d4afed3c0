"""The daemon as its users run it: a process, real sockets, signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from bridge.profiles.sqlite import SqliteStore
from bridge.protocol import Ack, Bye, Scene, Target, Welcome
from tests.daemons import (
    FAILING,
    Served,
    connected,
    expect_error,
    head_x,
    hello,
    served,
    session,
)


async def test_a_frame_is_answered_with_forecast_and_targets(daemon: Served) -> None:
    async with session(daemon.url) as (client, welcome):
        assert welcome.models[0].name == "counting"
        assert not welcome.recording
        two = [Target("a", (0, 1, -1)), Target("b", (1, 1, -1))]
        assert await client.ask(Scene("s", two)) == Ack("s", scene=1)
        first = await client.answer(client.frame(x=1))
        second = await client.answer(client.frame(x=1))
        assert (head_x(first), head_x(second)) == (1.0, 2.0)
        assert len(first.f) == 4 * 7 * 2
        assert first.m == 1
        assert (first.k, first.s) == (0, 1)
        assert first.p == bytes.fromhex("0000003f0000003f")


async def test_the_pages(daemon: Served) -> None:
    assert json.loads(await daemon.page("/healthz"))["status"] == "ok"
    assert json.loads(await daemon.page("/readyz"))["status"] == "ready"
    assert await daemon.metric("genlock_engine_up") == 1


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_drains(tmp_path: Path, by: signal.Signals) -> None:
    async with served(tmp_path) as daemon:
        async with session(daemon.url, "ada") as (client, _):
            await client.answer(client.frame())
            stopping = asyncio.create_task(daemon.stop(by))
            with pytest.raises(ConnectionClosed) as closed:
                await client.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            assert [notice.code for notice in client.notices] == ["draining"]
        assert await stopping == 0
    store = SqliteStore(tmp_path / "profiles.sqlite")
    statistics = store.load("ada").statistics
    store.close()
    assert (statistics.sessions, statistics.frames) == (1, 1)


async def test_under_nohup_a_terminal_that_is_closed_stops_nothing(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with served(tmp_path) as daemon, session(daemon.url) as (client, _):
            daemon.process.send_signal(signal.SIGHUP)
            await client.answer(client.frame())
            assert await daemon.stop() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_sigterm_ends_the_engine_too(daemon: Served) -> None:
    engine = daemon.engine_pid()
    assert await daemon.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(engine, 0)


async def test_an_engine_that_is_killed_comes_back_with_the_sessions(tmp_path: Path) -> None:
    async with served(tmp_path) as daemon, session(daemon.url) as (client, _), session(daemon.url, "bob") as (bob, _):
        for _ in range(5):
            await client.answer(client.frame())
            await bob.answer(bob.frame())
        os.kill(daemon.engine_pid(), signal.SIGKILL)
        await client.notice("engine_lost")
        answered = await client.answer(client.frame())
        assert [notice.code for notice in client.notices] == ["engine_back"]
        # The checkpoint was taken after the first frame: that one frame is remembered, not none and not five.
        assert head_x(answered) == 1.0
        assert head_x(await bob.answer(bob.frame())) == 1.0
        assert await daemon.metric("genlock_engine_restarts_total") == 1


async def test_a_step_that_fails_costs_its_batch_and_nothing_else(tmp_path: Path) -> None:
    async with served(tmp_path, models=[FAILING]) as daemon, session(daemon.url) as (client, _):
        await client.answer(client.frame())
        await client.send(client.frame(y=150))
        while await daemon.metric('genlock_frames_total{fate="lost"}') < 1:
            pass
        assert head_x(await client.answer(client.frame())) == 1.0


async def test_a_model_that_kills_its_process_takes_no_session_with_it(tmp_path: Path) -> None:
    async with served(tmp_path, models=[FAILING]) as daemon, session(daemon.url) as (client, _):
        await client.answer(client.frame())
        await client.send(client.frame(y=250))
        await client.answer(client.frame())
        assert [notice.code for notice in client.notices] == ["engine_lost", "engine_back"]


async def test_a_dropped_session_goes_on_where_it_was(daemon: Served) -> None:
    async with session(daemon.url) as (client, welcome):
        await client.ask(Scene("s", [Target("a", (0, 1, -1))]))
        for _ in range(3):
            await client.answer(client.frame())
        client.socket.transport.abort()
    async with connected(daemon.url) as again:
        resumed = await again.ask(hello(resume=welcome.resume))
        assert isinstance(resumed, Welcome)
        assert (resumed.resumed, resumed.session, resumed.last_q) == (True, welcome.session, 3)
        assert await again.ask(Scene("s", [])) == Ack("s", scene=1), "applied once: the scene still has its target"
        again.q = client.q
        answer = await again.answer(again.frame())
        assert head_x(answer) == 3.0
        assert answer.k == 0


async def test_a_resumed_session_is_taken_from_a_connection_that_is_half_open(daemon: Served) -> None:
    async with session(daemon.url) as (old, welcome), connected(daemon.url) as new:
        resumed = await new.ask(hello(resume=welcome.resume))
        assert isinstance(resumed, Welcome)
        assert resumed.resumed
        with pytest.raises(ConnectionClosed) as closed:
            await old.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4006


async def test_nobody_else_resumes_a_session(daemon: Served) -> None:
    async with session(daemon.url, "ada") as (_, welcome), connected(daemon.url) as other:
        begun = await other.ask(hello("eve", resume=welcome.resume))
        assert isinstance(begun, Welcome)
        assert not begun.resumed
        assert begun.session != welcome.session


async def test_a_session_is_not_kept_for_ever(tmp_path: Path) -> None:
    async with served(tmp_path, "--resume-s", "0") as daemon:
        async with session(daemon.url) as (client, welcome):
            client.socket.transport.abort()
        while await daemon.metric('genlock_sessions_total{event="expired"}') < 1:
            pass
        async with connected(daemon.url) as again:
            begun = await again.ask(hello(resume=welcome.resume))
            assert isinstance(begun, Welcome)
            assert not begun.resumed


async def test_bye_ends_a_session(daemon: Served) -> None:
    async with session(daemon.url) as (client, _):
        await client.send(Bye())
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
    assert await daemon.metric("genlock_sessions") == 0


async def test_who_goes_on_after_bye_costs_nobody_anything(tmp_path: Path) -> None:
    async with served(tmp_path, "--max-sessions", "1") as daemon, session(daemon.url) as (rude, _):
        # Nothing is read, so the closing handshake is not answered.
        rude.socket.transport.pause_reading()
        await rude.send(Bye())
        while await daemon.metric("genlock_sessions"):
            await rude.send(rude.frame())
        async with session(daemon.url, "bob") as (bob, _):
            for count in range(10):
                await rude.send(rude.frame(x=5))
                assert head_x(await bob.answer(bob.frame(x=1))) == 1 + count
        rude.socket.transport.abort()


async def test_a_full_daemon_says_so_and_makes_room_of_dropped_sessions(tmp_path: Path) -> None:
    async with served(tmp_path, "--max-sessions", "1") as daemon:
        async with session(daemon.url) as (client, _):
            async with connected(daemon.url) as second:
                expect_error(await second.ask(hello("bob")), "full")
                with pytest.raises(ConnectionClosed) as closed:
                    await second.receive()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1013
            client.socket.transport.abort()
        while await daemon.metric("genlock_sessions_connected"):
            pass
        async with session(daemon.url, "bob") as (bob, _):
            assert head_x(await bob.answer(bob.frame())) == 0.0


async def test_tokens_and_versions(tmp_path: Path) -> None:
    async with served(tmp_path, "--token", "sesame") as daemon:
        for bad, code, close in (
            (hello(), "unauthorized", 4001),
            (hello(token="wrong"), "unauthorized", 4001),
        ):
            async with connected(daemon.url) as client:
                expect_error(await client.ask(bad), code)
                with pytest.raises(ConnectionClosed) as closed:
                    await client.receive()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == close
        async with connected(daemon.url) as client:
            newer = hello(token="sesame")
            newer.version = "2.0"
            error = expect_error(await client.ask(newer), "version", "version")
            assert "2.0" in error.message
            assert "1.0" in error.message
        async with session(daemon.url, token="sesame"):
            pass
        async with connected(daemon.url) as client:
            minor = hello(token="sesame")
            minor.version = "1.7"
            assert isinstance(await client.ask(minor), Welcome)


async def test_what_is_sent_is_recorded_when_asked_for(tmp_path: Path) -> None:
    from bridge.recording.format import Recording

    async with served(tmp_path, "--record", str(tmp_path / "recordings"), "--token", "sesame") as daemon:
        async with session(daemon.url, token="sesame") as (client, welcome):
            assert welcome.recording
            for _ in range(3):
                await client.answer(client.frame())
            await client.send(Bye())
        assert await daemon.stop() == 0
    (path,) = (tmp_path / "recordings").iterdir()
    recording = Recording(path)
    assert len(list(recording.entries())) == 4
    assert recording.complete
    assert recording.header.hello["user"] == "ada"
    assert b"sesame" not in path.read_bytes()

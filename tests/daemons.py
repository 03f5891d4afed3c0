"""Daemons for tests: real processes on free loopback ports, ended whatever happens, and a plain client for them."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bridge.app import App
from bridge.protocol import (
    Actions,
    Error,
    Frame,
    Hello,
    Message,
    Notice,
    ServerMessage,
    Welcome,
    decode_server,
    encode,
)
from bridge.tracking import Part

COUNTING = "tests.doubles:Counting"
FAILING = "tests.doubles:Failing"
ROOT = Path(__file__).parents[1]
TIMEOUT_S = 60.0


class Served:
    """A ``genlock serve`` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: list[str]) -> None:
        self.process = process
        self.url = url
        self.log = log

    async def page(self, path: str) -> str:
        """A page of its HTTP endpoints."""
        address = self.url.replace("ws://", "http://") + path
        return await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=10).read().decode())

    async def metric(self, name: str) -> float:
        """One line of ``/metrics``, by its name with labels."""
        for line in (await self.page("/metrics")).splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise LookupError(name)

    def engine_pid(self) -> int:
        """The engine's process."""
        return self.child_pid("frame_path.worker")

    def child_pid(self, module: str) -> int:
        """The process that runs a module."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in map(int, children):
            if module.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
        raise LookupError(f"the daemon has no process of {module}")

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal; the exit code."""
        self.process.send_signal(by)
        return await asyncio.wait_for(self.process.wait(), TIMEOUT_S)


@asynccontextmanager
async def served(folder: Path, *options: str, models: Sequence[str] = (COUNTING,)) -> AsyncIterator[Served]:
    """A daemon that is ready; its profiles lie in ``folder``."""
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--profiles", str(folder / "profiles.sqlite")]
    command += ["--cache", str(folder / "longer-fits")]
    for model in models:
        command += ["--frame-model", model]
    process = await asyncio.create_subprocess_exec(
        *command, *options, stderr=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "error"}
    )
    log: list[str] = []
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read() -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            log.append(line.decode().rstrip())
            if "listening on " in log[-1] and not url.done():
                url.set_result(log[-1].rpartition(" ")[2])
        if not url.done():
            url.set_exception(RuntimeError("\n".join(log)))

    reading = asyncio.create_task(read())
    try:
        yield Served(process, await asyncio.wait_for(url, TIMEOUT_S), log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading


class Client:
    """A client that does one thing at a time, in the order in which the test says so."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.notices: list[Notice] = []
        self.q = 0

    async def send(self, message: Message | dict[str, Any] | bytes | str) -> None:
        await self.socket.send(encode(message) if isinstance(message, Message) else message)  # type: ignore[arg-type]

    async def receive(self) -> ServerMessage:
        """The next message that is no notice; notices are kept."""
        while True:
            message = decode_server(await asyncio.wait_for(self.socket.recv(), TIMEOUT_S))  # type: ignore[arg-type]
            if not isinstance(message, Notice):
                return message
            self.notices.append(message)

    async def notice(self, code: str) -> None:
        """Waits for a notice; nothing else may come before it."""
        message = decode_server(await asyncio.wait_for(self.socket.recv(), TIMEOUT_S))  # type: ignore[arg-type]
        assert isinstance(message, Notice), message
        assert message.code == code, message

    async def ask(self, message: Message | bytes | str) -> ServerMessage:
        await self.send(message)
        return await self.receive()

    def frame(self, *, x: float = 0.0, y: float = 1.6, dt_us: int = 11_111) -> Frame:
        """The next frame: a head at (x, y, 0) that looks straight on."""
        self.q += 1
        return Frame(self.q, self.q * dt_us, int(Part.HEAD), struct.pack("<7f", x, y, 0, 0, 0, 0, 1))

    async def answer(self, frame: Frame) -> Actions:
        """Sends a frame and waits for its answer."""
        message = await self.ask(frame)
        assert isinstance(message, Actions), message
        assert message.q == frame.q
        return message


def hello(user: str = "ada", **settings: Any) -> Hello:
    return Hello("1.0", App("test"), user, **settings)


@asynccontextmanager
async def connected(url: str, **settings: Any) -> AsyncIterator[Client]:
    """A socket to a daemon, before its hello."""
    async with connect(url, subprotocols=["genlock.v1"], compression=None, **settings) as socket:  # type: ignore[list-item]
        yield Client(socket)


@asynccontextmanager
async def session(url: str, user: str = "ada", **settings: Any) -> AsyncIterator[tuple[Client, Welcome]]:
    """A session that was welcomed."""
    async with connected(url) as client:
        welcome = await client.ask(hello(user, **settings))
        assert isinstance(welcome, Welcome), welcome
        yield client, welcome


def head_x(actions: Actions) -> float:
    """The forecast x of the head at the first horizon."""
    return float(struct.unpack_from("<f", actions.f)[0])


def expect_error(message: ServerMessage, code: str, key: str | None = None) -> Error:
    assert isinstance(message, Error), message
    assert message.code == code, message
    if key is not None:
        assert message.key == key, message
    return message

"""A child process that works for the gateway: started, watched, and replaced when it dies or hangs.

The two talk in msgpack arrays over a socket pair, which the child gets as its first argument. The child says
``ready`` with whatever it wants to tell, or ``unable`` with why not, before anything else. When the gateway closes the
stream, or dies, the child sees its end and goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

import msgpack

log = logging.getLogger("genlock.child")

# Threads that libraries start when they are imported are as urgent as the gateway, whatever the child says later; torch
# is told how many it may have.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_BACKOFF_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_STABLE_S = 30.0
# A child that was killed while it began, as by a kernel short of memory, may do better the next time.
_FIRST_TRIES = 3
_EXIT_TIMEOUT_S = 5.0
_TOLD_EVERY_S = 30.0


@contextlib.contextmanager
def stream_to_gateway() -> Iterator[socket.socket]:
    """What every child does before its work, in its own process: gives its end of the stream, until that breaks."""
    # The gateway may be gone at any moment, and then there is nobody left to tell.
    with socket.socket(fileno=int(sys.argv[1])) as stream, contextlib.suppress(ConnectionError):
        yield stream


class ChildError(RuntimeError):
    """The child cannot be started; the message says why."""


class _Killed(ChildError):
    """A signal ended the child before it was ready."""


class ChildListener(Protocol):
    """Who is told what a child has to say, on the event loop."""

    def ready(self, *told: Any) -> None:
        """A child takes messages; it knows nothing yet, also if it is not the first."""

    def lost(self, reason: str) -> None:
        """The child is gone, with everything that it was told. Another one comes."""

    def message(self, message: Sequence[Any]) -> None:
        """Something that the child says after it is ready."""


class Child:
    """A child process and its successors.

    Args:
        name: names it to people.
        module: what ``python -m`` runs.
        arguments: of the command, after the descriptors.
        fds: descriptors that the child inherits; their numbers are arguments of the command, after the stream's.
        start_timeout_s: how long it may take until it is ready.

    Attributes:
        pid: of the child that runs now.
    """

    def __init__(
        self,
        name: str,
        module: str,
        listener: ChildListener,
        *,
        arguments: Sequence[str] = (),
        fds: Sequence[int] = (),
        start_timeout_s: float,
    ) -> None:
        self.pid: int | None = None
        self._name = name
        self._module = module
        self._listener = listener
        self._arguments = arguments
        self._fds = fds
        self._start_timeout_s = start_timeout_s
        self._patience_s = 0.0
        self._deadline = float("inf")
        self._packer = msgpack.Packer()
        self._channel: asyncio.WriteTransport | None = None
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the first child; returns when it is ready. One that is killed meanwhile is replaced as later ones are.

        Raises:
            ChildError: it cannot be.
        """
        self._loop = asyncio.get_running_loop()
        first: asyncio.Future[None] = self._loop.create_future()
        self._supervisor = asyncio.create_task(self._supervise(first), name=f"{self._name} supervisor")
        try:
            await first
        except BaseException:
            await self.stop()
            raise

    def send(self, *message: Any) -> None:
        """Tells the child something; dropped if there is none."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(self._packer.pack(message))

    @property
    def expecting(self) -> bool:
        """Whether the child has something to say by a certain time."""
        return self._deadline < float("inf")

    def expect(self, within_s: float) -> None:
        """From now on the child counts as hanging, and is replaced, if it is not ``settled`` in time."""
        self._patience_s = within_s
        self._deadline = self._loop.time() + within_s

    def settled(self) -> None:
        """What was expected has come."""
        self._deadline = float("inf")

    async def stop(self) -> None:
        """Ends the child."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None

    async def _supervise(self, first: asyncio.Future[None]) -> None:
        failures = 0
        while True:
            started = self._loop.time()
            try:
                reason = await self._run_one(first)
            except Exception as error:
                killed = isinstance(error, _Killed) and failures + 1 < _FIRST_TRIES
                if not first.done() and not killed:
                    first.set_exception(error if isinstance(error, ChildError) else ChildError(_words(error)))
                    return
                # Nothing may end this loop: nobody else would start the next child.
                reason = _words(error)
            if self._loop.time() - started > _STABLE_S:
                failures = 0
            log.error("%s is gone: %s", self._name, reason)
            self._listener.lost(reason)
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    async def _run_one(self, first: asyncio.Future[None]) -> str:
        """Runs one child from its start to its end; returns why it ended."""
        ours, theirs = socket.socketpair()
        fds = (theirs.fileno(), *self._fds)
        level = str(logging.getLogger().getEffectiveLevel())
        command = [sys.executable, "-m", "bridge.spawned", level, self._module, *map(str, fds), *self._arguments]
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *command, pass_fds=fds, env={**os.environ, **_ONE_THREAD}
                )
        except BaseException:
            ours.close()
            raise
        self.pid = process.pid
        stream: _Stream | None = None
        ready = False
        try:
            _, stream = await self._loop.create_connection(_Stream, sock=ours)
            told = await self._until_ready(process, stream)
            ready = True
            self._channel = stream.transport
            stream.on_message = self._listener.message
            self._listener.ready(*told)
            if not first.done():
                first.set_result(None)
            return await self._until_gone(process)
        finally:
            self._channel = None
            self.settled()
            if stream is not None:
                stream.transport.close()
            else:
                ours.close()
            if not ready and process.returncode is None:
                # It has nothing yet that it would lose, and may not look at its stream for long.
                process.kill()
            await self._end(process)
            self.pid = None

    async def _until_ready(self, process: Process, stream: _Stream) -> Sequence[Any]:
        answer: asyncio.Future[Sequence[Any]] = self._loop.create_future()
        stream.on_message = lambda message: None if answer.done() else answer.set_result(message)
        gone = asyncio.create_task(process.wait())
        try:
            await self._wait_to_be_ready(answer, gone)
            if answer.done():
                kind, *told = answer.result()
                if kind == "ready":
                    return told
                raise ChildError(str(told[0]))
            if gone.done():
                problem = f"the process of {self._name} ended with {gone.result()} before it was ready"
                raise _Killed(problem) if gone.result() < 0 else ChildError(problem)
            raise ChildError(f"{self._name} was not ready after {self._start_timeout_s:g} s")
        finally:
            gone.cancel()

    async def _wait_to_be_ready(self, *signs: asyncio.Future[Any]) -> None:
        """Until there is one of the signs, or time is up; on a busy machine people are told that it goes on."""
        waited_s = 0.0
        while waited_s < self._start_timeout_s:
            wait_s = min(_TOLD_EVERY_S, self._start_timeout_s - waited_s)
            done, _ = await asyncio.wait(signs, timeout=wait_s, return_when="FIRST_COMPLETED")
            if done:
                return
            waited_s += wait_s
            log.info("%s has been loading for %g s", self._name, waited_s)

    async def _until_gone(self, process: Process) -> str:
        gone = asyncio.create_task(process.wait())
        try:
            while True:
                done, _ = await asyncio.wait((gone,), timeout=1)
                if done:
                    return f"its process ended with {gone.result()}"
                if self._loop.time() > self._deadline:
                    process.kill()
                    return f"it took longer than {self._patience_s:g} s over what it was asked"
        finally:
            gone.cancel()

    async def _end(self, process: Process) -> None:
        """Waits for a child whose stream is closed to see that and go; one that does not is killed."""
        try:
            await asyncio.wait_for(process.wait(), _EXIT_TIMEOUT_S)
        except TimeoutError:
            log.warning("%s, process %d, does not end by itself; killed", self._name, process.pid)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ChildError) else f"it could not be run: {error!r}"


class _Stream(asyncio.Protocol):
    """Messages from the child."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker()
        self.on_message: Any = lambda message: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._unpacker.feed(data)
        for message in self._unpacker:
            try:
                self.on_message(message)
            except Exception:
                # It would close the stream, and with it all that the child knows.
                log.exception("what a child said could not be handled")

"""The headset of tests/engines/godot/headset.gd: a real Godot with the addon, told what to do line by line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.engines.godot_engine import Project, Ran, Running

Event = dict[str, Any]


class Headset:
    """A Godot that runs ``headset.tscn``.

    Attributes:
        events: everything that happened in it so far.
    """

    def __init__(self, running: Running) -> None:
        self._running = running
        self.events: list[Event] = []

    async def do(self, what: str, **order: Any) -> None:
        """Tells it to do something."""
        stdin = self._running.process.stdin
        assert stdin is not None
        stdin.write(json.dumps({"do": what, **order}).encode() + b"\n")
        await stdin.drain()

    async def event(self, what: str, timeout_s: float = 90, **content: Any) -> Event:
        """Waits for something to happen, from now on; other events come and go."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    line = await self._running.line("EVENT ", timeout_s=timeout_s)
                    event: Event = json.loads(line.removeprefix("EVENT "))
                    self.events.append(event)
                    if event["what"] == what and all(event[key] == value for key, value in content.items()):
                        return event
        except TimeoutError as error:
            raise AssertionError(f"no {what} {content} in {timeout_s} s, but:\n{self._running.output()}") from error

    async def count(self) -> Event:
        """What it has counted so far."""
        await self.do("count")
        return await self.event("count")

    async def frames(self, number: int) -> None:
        """Waits until the session has handed so many frames to the connection."""
        await self.do("tell_at_frames", frames=number)
        await self.event("frames", timeout_s=300)

    async def ask(self, method: str, *arguments: Any) -> str:
        """Calls a method of the client that gives a request; its id."""
        await self.do("ask", method=method, arguments=list(arguments))
        return str((await self.event("asked"))["id"])

    def happened(self, what: str, **content: Any) -> list[Event]:
        """The events of a kind so far."""
        return [
            event
            for event in self.events
            if event["what"] == what and all(event[key] == value for key, value in content.items())
        ]

    async def quit(self, expected: Sequence[str] = ()) -> Ran:
        """Ends it. Nothing may have gone wrong in it but what the addon itself told, and lines of what is expected."""
        await self.do("quit")
        ran = await self._running.end()
        lines = [line.removeprefix("EVENT ") for line in ran.output.splitlines() if line.startswith("EVENT ")]
        self.events = [json.loads(line) for line in lines]
        assert ran.code == 0, ran.output
        wrong = [line for line in ran.mistakes if not any(part in line for part in ("Genlock: ", *expected))]
        assert not wrong, ran.output
        return ran


@asynccontextmanager
async def headset(project: Project, **environment: str) -> AsyncIterator[Headset]:
    """A headset that is ready for orders."""
    running = await project.start("res://headset.tscn", **environment)
    try:
        worn = Headset(running)
        await worn.event("ready")
        yield worn
    finally:
        await running.kill()

"""From text to action: how long it takes, and what it costs the frames of everybody else.

One session says something again and again and waits for what comes of it; the time is from just before an utterance is
sent to the message that carries its action, or says that there is none. First alone, with the whole daemon on one core.
Then beside headsets that send frames, in turns with the same headsets without anybody speaking: what speech costs is
the ratio of the two 99th percentiles of the frames, round by round.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bridge.bench.figures import frame_figures, median, p99_ratio
from bridge.bench.frames import describe_machine
from bridge.bench.load import LoadFigures, LoadOptions, quantile
from bridge.bench.servers import put_load, running
from bridge.headset.client import Connection
from bridge.manifest import Manifest
from bridge.protocol import (
    VERSION,
    Ack,
    Actions,
    Bye,
    Error,
    Hello,
    Notice,
    Scene,
    Utterance,
    Welcome,
    decode_server,
    encode,
)

TEXTS: Final = (
    "pick up the {name}", "could you hide the {name} please", "{name}", "paint the {name} light blue", "undo that",
    "tell me something about the {name}", "let's go to the next room", "what is the weather like tomorrow",
    "turn the {name} by forty five degrees", "make it bigger",
)  # fmt: skip

_ANSWER_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class UtteranceOptions:
    """What is measured.

    Attributes:
        app: whose actions are spoken of, and the scene.
        utterances: how many are said when nobody else is there.
        sessions: headsets beside the speaker.
        hz: frames a second of each.
        per_second: utterances a second beside them.
        rounds: how often the headsets are measured, with speech and without.
        measure_s: for how long each time.
    """

    app: Manifest
    utterances: int = 300
    sessions: int = 32
    hz: float = 90.0
    per_second: float = 4.0
    rounds: int = 3
    measure_s: float = 10.0
    recordings: tuple[Path, ...] = ()


Report = Callable[[str], None]


class SpeechError(RuntimeError):
    """The speaker got no answer; the message says to what."""


def bench(options: UtteranceOptions, report: Report) -> dict[str, Any]:
    """Measures; everything as plain values.

    Raises:
        bridge.bench.servers.ServerError, bridge.bench.client.LoadError, SpeechError, ConnectionError: it cannot be.
    """
    with tempfile.TemporaryDirectory(prefix="genlock-") as folder:
        command = ["-m", "bridge", "serve", "--port", "0", "--profiles", str(Path(folder) / "profiles.sqlite")]
        command += ["--app", str(options.app.path)]
        with contextlib.ExitStack() as stack:
            with _on_one_core():
                url, _ = stack.enter_context(running("genlock", command))
            report("alone, on one core")
            alone = asyncio.run(_alone(url, options))
        rounds = []
        with running("genlock", command) as (url, pid):
            asyncio.run(_alone(url, UtteranceOptions(app=options.app, utterances=20)))
            for number in range(options.rounds):
                report(f"round {number + 1}: {options.sessions} sessions, nobody speaks")
                silent = put_load(_load(url, pid, options))
                report(f"round {number + 1}: {options.sessions} sessions, one more speaks")
                spoken, latency = asyncio.run(_beside(url, pid, options))
                rounds.append((silent, spoken, latency))
    return {
        "options": {key: value for key, value in asdict(options).items() if key not in ("app", "recordings")},
        "app": options.app.app.name,
        "alone_on_one_core": _figures(alone),
        "beside_frames": _figures([one for *_, latency in rounds for one in latency]),
        "frames": [
            {"silent": frame_figures(silent), "spoken": frame_figures(spoken), "p99_ratio": p99_ratio(silent, spoken)}
            for silent, spoken, _ in rounds
        ],
        "frame_p99_ratio": median([p99_ratio(silent, spoken) for silent, spoken, _ in rounds]),
        "machine": describe_machine(),
    }


class _Speaker:
    """A session that says one thing at a time."""

    def __init__(self, app: Manifest) -> None:
        self._app = app
        self._random = random.Random(0)
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._answered: asyncio.Future[Welcome | Ack] | None = None
        self._count = 0

    async def connect(self, url: str) -> None:
        self._connection = await Connection.open(url, self._received)
        await self._ask(Hello(VERSION, self._app.app, "speaker"))
        await self._ask(Scene("scene", list(self._app.targets)))

    async def close(self) -> None:
        self._connection.send(encode(Bye()))
        await self._connection.close()

    async def say(self) -> float:
        """Says the next thing; seconds until what comes of it has come."""
        self._count += 1
        text = TEXTS[self._count % len(TEXTS)]
        target = self._random.choice(self._app.targets)
        identifier = f"u{self._count}"
        came = self._waiting[identifier] = asyncio.get_running_loop().create_future()
        message = Utterance(identifier, text.format(name=(target.name or target.id).lower()), 0)
        began = perf_counter()
        self._connection.send(encode(message))
        try:
            when: float = await asyncio.wait_for(came, _ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise SpeechError(f"no answer to {message.text!r} within {_ANSWER_TIMEOUT_S:g} s") from None
        return when - began

    async def _ask(self, message: Hello | Scene) -> None:
        self._answered = asyncio.get_running_loop().create_future()
        self._connection.send(encode(message))
        await asyncio.wait_for(self._answered, _ANSWER_TIMEOUT_S)

    def _received(self, data: bytes) -> None:
        now = perf_counter()
        message = decode_server(data)
        identifiers = [message.id] if isinstance(message, Notice) else []
        if isinstance(message, Actions):
            identifiers = [action.id for action in message.a]
        for identifier in identifiers:
            came = self._waiting.pop(identifier, None)
            if came is not None and not came.done():
                came.set_result(now)
        if self._answered is not None and not self._answered.done():
            if isinstance(message, Error):
                self._answered.set_exception(SpeechError(message.message))
            elif isinstance(message, Welcome | Ack):
                self._answered.set_result(message)


async def _alone(url: str, options: UtteranceOptions) -> list[float]:
    speaker = _Speaker(options.app)
    await speaker.connect(url)
    for _ in range(20):
        await speaker.say()
    found = [await speaker.say() for _ in range(options.utterances)]
    await speaker.close()
    return found


async def _beside(url: str, pid: int, options: UtteranceOptions) -> tuple[LoadFigures, list[float]]:
    load = asyncio.create_task(asyncio.to_thread(put_load, _load(url, pid, options)))
    speaker = _Speaker(options.app)
    await speaker.connect(url)
    chance = random.Random(1)
    found = []
    while not load.done():
        # Not in step with the frames.
        await asyncio.wait((load,), timeout=chance.uniform(0.5, 1.5) / options.per_second)
        found.append(await speaker.say())
    await speaker.close()
    return await load, found


def _load(url: str, pid: int, options: UtteranceOptions) -> LoadOptions:
    return LoadOptions(
        url=url,
        sessions=options.sessions,
        hz=options.hz,
        measure_s=options.measure_s,
        recordings=options.recordings,
        watch=pid,
    )


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """What is started in here stays on one core, which it shares with nobody of ours if there is another."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _figures(latency: list[float]) -> dict[str, Any]:
    ordered = sorted(latency)
    return {
        "utterances": len(ordered),
        **{f"p{share:.0f}_ms": round(1000 * quantile(ordered, len(ordered), share / 100), 2) for share in (50, 95, 99)},
    }

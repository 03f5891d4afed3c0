"""The engine's side of the stream: carries out requests on an ``EngineCore``, and the process that does nothing else.

Run as ``python -m bridge.frame_path.worker`` by ``bridge.frame_path.process``, never by hand.
"""

from __future__ import annotations

import gc
import json
import logging
import mmap
import os
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np
import torch

from bridge.child import stream_to_gateway
from bridge.cores import keep_to
from bridge.frame_path.batch import COUNT, Batch
from bridge.frame_path.checkpoint import Checkpoint
from bridge.frame_path.core import EngineCore, load_model
from bridge.frame_path.engine import EngineOptions

log = logging.getLogger("genlock.engine")

CHECKPOINT_ROWS = 16
"""The most rows that are copied after a step."""

_AWAKE_S = 0.001


def build_core(options: EngineOptions) -> tuple[EngineCore, str]:
    """Loads what the options name and warms it up; returns it and its device's name.

    Raises:
        LookupError: there is no such model or device.
    """
    if options.device not in ("auto", "cpu") and not torch.cuda.is_available():
        raise LookupError(f"torch {torch.__version__} sees no device {options.device!r} here; use --device cpu")
    cuda = torch.cuda.is_available() and options.device != "cpu"
    device = torch.device("cuda" if options.device == "auto" and cuda else options.device.replace("auto", "cpu"))
    torch.set_num_threads(options.threads)
    core = EngineCore([load_model(name, device) for name in options.models], options.slots, device)
    core.warm_up()
    return core, torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def execute(
    core: EngineCore, batches: Sequence[Batch], checkpoint: Checkpoint | None, request: Sequence[Any]
) -> list[Any] | None:
    """Carries out one request; returns its reply, if it has one, and its slot is its session's."""
    kind, *arguments = request
    if kind == "step":
        index, rows = arguments
        try:
            core.step(batches[index], rows)
        except Exception as error:
            log.exception("a step of %d rows failed", rows)
            return ["stepped", index, f"{type(error).__name__}: {error}"]
        return ["stepped", index, ""]
    slot, serial, *rest = arguments
    if kind != "join" and not core.holds(slot, serial):
        return None
    if kind == "join":
        horizons, profile, restore, learning, gestures, with_slot = rest
        aside = core.join(slot, serial, horizons, profile, learning=learning, gestures=gestures, with_slot=with_slot)
        if restore and checkpoint is not None and not core.restore(checkpoint, slot):
            log.warning("slot %d has no checkpoint; its session starts anew", slot)
        return ["joined", slot, serial, aside]
    if kind == "scene":
        boxes, keep_state = rest
        core.scene(slot, np.frombuffer(boxes, dtype="<f4").reshape(-1, 6), keep_state=keep_state)
        return None
    if kind == "profile":
        return ["profile", slot, serial, core.profile(slot)]
    if kind == "leave":
        return ["left", slot, serial, core.leave(slot, checkpoint)]
    if kind == "learn":
        core.learn(slot, *rest)
        return None
    if kind == "put":
        core.put(slot, *rest)
        if checkpoint is not None:
            # An older row must not come back after a restart.
            checkpoint.forget(slot)
        return ["changed", slot, serial]
    if kind == "confirm":
        return ["confirmed", slot, serial, *core.confirm(slot, *rest)]
    if kind == "forget":
        core.forget(slot, checkpoint)
        return ["changed", slot, serial]
    raise ValueError(f"unknown request {kind!r}")


class Checkpointer:
    """Copies rows out in small portions, those first that are oldest, so that no step waits long for it."""

    def __init__(self, core: EngineCore, checkpoint: Checkpoint, every_s: float) -> None:
        self._core = core
        self._checkpoint = checkpoint
        self._every_s = every_s
        self._taken = np.zeros(core.slots)

    def after_step(self, slots: np.ndarray[Any, np.dtype[np.int32]]) -> None:
        now = time.monotonic()
        due = slots[self._taken[slots] < now - self._every_s].astype(np.int64)
        if len(due) > CHECKPOINT_ROWS:
            due = due[np.argsort(self._taken[due], kind="stable")[:CHECKPOINT_ROWS]]
        if len(due):
            self._core.checkpoint_rows(self._checkpoint, due)
            self._taken[due] = now

    def forget(self, slot: int) -> None:
        """A slot that changes hands is due at once."""
        self._taken[slot] = 0


class _Ear:
    """Waits for requests, without sleeping while they come thick and fast.

    A core that was put to sleep takes long to wake on a virtual machine, and begins with cold caches: a step takes half
    as long again. With few sessions, where requests are further apart than ``_AWAKE_S``, it sleeps as anybody does.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._busy = False

    def receive(self) -> bytes:
        """The next bytes; none when the gateway is gone."""
        began = time.monotonic()
        while self._busy and time.monotonic() - began < _AWAKE_S:
            try:
                return self._channel.recv(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                os.sched_yield()
        data = self._channel.recv(1 << 16)
        self._busy = time.monotonic() - began < _AWAKE_S
        return data


def _serve(channel: socket.socket, batch_fd: int, checkpoint_fd: int, options: EngineOptions) -> None:
    try:
        core, device = build_core(options)
    except LookupError as error:
        channel.sendall(msgpack.packb(["unable", str(error)]))
        return
    memory = memoryview(mmap.mmap(batch_fd, COUNT * Batch.size(options.slots)))
    size = Batch.size(options.slots)
    batches = [Batch(memory[at * size : (at + 1) * size], options.slots) for at in range(COUNT)]
    size = Checkpoint.size(options.slots, core.row_floats)
    if os.fstat(checkpoint_fd).st_size != size:
        os.ftruncate(checkpoint_fd, size)
    checkpoint = Checkpoint(memoryview(mmap.mmap(checkpoint_fd, size)), options.slots, core.row_floats)
    # What is alive now lives as long as the engine; a collection that went through it would cost a frame.
    gc.collect()
    gc.freeze()
    channel.sendall(msgpack.packb(["ready", core.models, device]))
    answer(channel, core, batches, checkpoint, options.checkpoint_s)


def answer(
    channel: socket.socket, core: EngineCore, batches: Sequence[Batch], checkpoint: Checkpoint, checkpoint_s: float
) -> None:
    """Carries out requests, each with its reply, until the gateway is gone."""
    checkpointer = Checkpointer(core, checkpoint, checkpoint_s)
    packer = msgpack.Packer()
    unpacker = msgpack.Unpacker()
    ear = _Ear(channel)
    while data := ear.receive():
        unpacker.feed(data)
        for request in unpacker:
            reply = execute(core, batches, checkpoint, request)
            # Once it is told that the step is done, the gateway fills this batch anew.
            stepped = batches[request[1]].head["slot"][: request[2]].copy() if request[0] == "step" else None
            if reply is not None:
                channel.sendall(packer.pack(reply))
            if stepped is not None:
                checkpointer.after_step(stepped)
            elif request[0] == "join":
                checkpointer.forget(request[1])


def main() -> None:
    """The process: arguments are the descriptors of the stream, the batches and the checkpoint, and the options."""
    batch_fd, checkpoint_fd = map(int, sys.argv[2:4])
    settings = json.loads(sys.argv[4])
    settings["models"] = tuple(settings["models"])
    options = EngineOptions(**settings)
    if options.cores:
        keep_to(options.cores)
    with stream_to_gateway() as channel:
        _serve(channel, batch_fd, checkpoint_fd, options)


if __name__ == "__main__":
    main()

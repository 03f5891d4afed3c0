"""The engine itself: slots, states and adapters on the device, and the one step for all sessions that have a frame.

It runs in a process of its own or, for tests, in the gateway's, which imports no torch otherwise; either way it is
driven by the messages of ``bridge.frame_path.engine``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from bridge import tracking
from bridge.frame_path.batch import FAILED, GAP, Batch
from bridge.frame_path.checkpoint import Checkpoint
from models.frame_model import Columns, FrameBatch, FrameModel, LearnsSelections, Rows
from models.limits import DEVICES, MAX_HORIZONS, MAX_TARGETS

STALE_GAP_US = 1_000_000
"""After a longer gap between frames the state of a session is stale, and starts anew."""

BEAT_S = 0.01
"""How long what may wait does so at least: see ``FrameBatch.beat``."""

BUILT_IN = {
    "forecast": "models.forecast.network:Forecast",
    "target": "models.target.network:TargetPicker",
    "gesture": "models.gesture.spotter:Gesture",
}


def load_model(name: str, device: torch.device) -> FrameModel:
    """A frame model by its name, or by ``module:Class``; the class has ``load(device=...)``.

    Raises:
        LookupError: there is no such model; the message says what was looked for.
    """
    module, _, attribute = BUILT_IN.get(name, name).partition(":")
    try:
        loader = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise LookupError(
            f"no frame model {name!r}: name one of {', '.join(BUILT_IN)}, or module:Class ({error})"
        ) from error
    model: FrameModel = loader.load(device=device)
    return model


class _Store:
    """Rows of named columns, all in one matrix, so that a batch is gathered and scattered by one operation each.

    Which rows are all zeros is known, since for most users that is what has been taught, and zeros need no gathering.
    """

    def __init__(self, columns: Columns, slots: int, device: torch.device) -> None:
        self.columns = columns
        self.widths = [math.prod(shape) for shape in columns.values()]
        self.matrix = torch.zeros(slots, sum(self.widths), device=device)
        self._zeros = torch.zeros(1, sum(self.widths), device=device)
        self._used: NDArray[np.bool_] = np.zeros(slots, dtype=np.bool_)

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.matrix.shape[1]

    def gather(self, slots: NDArray[np.int64], index: Tensor) -> Tensor:
        """The rows of some slots, of which ``index`` is what the device knows; not to be written to."""
        if not self._used[slots].any():
            return self._zeros.expand(len(slots), -1)
        return self.matrix.index_select(0, index)

    def named(self, rows: Tensor) -> Rows:
        """Views into gathered rows."""
        n = rows.shape[0]
        pieces = torch.split(rows, self.widths, dim=1)
        return {name: piece.view(n, *shape) for (name, shape), piece in zip(self.columns.items(), pieces, strict=True)}

    def scatter(self, slots: NDArray[np.int64], index: Tensor, rows: Rows) -> None:
        n = index.shape[0]
        pieces = [rows[name].reshape(n, -1) for name in self.columns]
        if pieces:
            self._used[slots] = True
            self.matrix.index_copy_(0, index, pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=1))

    def put(self, slot: int, row: Tensor) -> None:
        """Replaces a slot's row."""
        self._used[slot] = True
        self.matrix[slot] = row

    def clear(self, slot: int) -> None:
        """Makes a slot's row zeros."""
        self._used[slot] = False
        self.matrix[slot] = 0


def _packed(adapters: _Store, row: int) -> bytes | None:
    """A row as safetensors; nothing if it is all zeros."""
    numbers = adapters.matrix[row : row + 1]
    if not bool(numbers.any()):
        return None
    return save_tensors({name: value[0].cpu().contiguous() for name, value in adapters.named(numbers).items()})


@dataclass
class _Loaded:
    model: FrameModel
    state: _Store
    adapters: _Store

    @property
    def key(self) -> str:
        return f"{self.model.name}@{self.model.version}"


class EngineCore:
    """All sessions' rows, and what is done to them. Slots are numbers below ``slots``, sessions their serial numbers.

    Args:
        models: what is stepped, in this order; a later model's output of the same name wins.
        slots: how many sessions there can be.
        device: where the rows live.
    """

    def __init__(self, models: Iterable[FrameModel], slots: int, device: torch.device) -> None:
        self.device = device
        self.slots = slots
        self._models = [
            _Loaded(model, _Store(model.state, slots, device), _Store(model.adapters, slots, device))
            for model in models
        ]
        self._last_time: NDArray[np.int64] = np.full(slots, -1, dtype=np.int64)
        self._serial: NDArray[np.int64] = np.zeros(slots, dtype=np.int64)
        self._learning: NDArray[np.bool_] = np.zeros(slots, dtype=np.bool_)
        self._gesturing: NDArray[np.bool_] = np.zeros(slots, dtype=np.bool_)
        # In whose row each slot's adapters lie: its own, but where sessions of one user share what they learn.
        self._owner: NDArray[np.int64] = np.arange(slots)
        # Which checkpoint the adapters in each row come from.
        self._restored: NDArray[np.int64] = np.zeros(slots, dtype=np.int64)
        self._turn = 0
        self._last_beat = 0.0
        self._horizon_count: NDArray[np.int64] = np.zeros(slots, dtype=np.int64)
        self._target_count: NDArray[np.int64] = np.zeros(slots, dtype=np.int64)
        self._horizons = torch.zeros(slots, MAX_HORIZONS, device=device)
        self._boxes = torch.zeros(slots, MAX_TARGETS, 6, device=device)

    @property
    def models(self) -> list[tuple[str, str]]:
        """Name and version of each."""
        return [(loaded.model.name, loaded.model.version) for loaded in self._models]

    @property
    def row_floats(self) -> int:
        """Float32 numbers that a session's states and adapters take."""
        return sum(loaded.state.width + loaded.adapters.width for loaded in self._models)

    def join(
        self,
        slot: int,
        serial: int,
        horizons_s: list[float],
        profile: dict[str, bytes],
        *,
        learning: bool = False,
        gestures: bool = True,
        with_slot: int = -1,
    ) -> list[str]:
        """Makes a slot a session's. ``profile`` holds the user's adapters, as ``leave`` gave them.

        Args:
            learning: whether the models may learn from its frames.
            gestures: whether it wants to know of gestures.
            with_slot: the slot of another session of this user, with which it shares what is learned; -1 for none.

        Returns:
            The models of which there are only adapters of another version, or none that can be used.
        """
        self._clear(slot)
        self._serial[slot] = serial
        self._learning[slot] = learning
        self._gesturing[slot] = gestures
        self._horizon_count[slot] = len(horizons_s)
        self._horizons[slot, : len(horizons_s)] = torch.tensor(horizons_s, dtype=torch.float32)
        if with_slot >= 0:
            self._owner[slot] = self._owner[with_slot]
            return []
        known = {key.partition("@")[0] for key in profile}
        return [
            loaded.model.name
            for loaded in self._models
            if loaded.model.name in known and not self._put_adapters(loaded, slot, profile.get(loaded.key, b""))
        ]

    def holds(self, slot: int, serial: int) -> bool:
        """Whether a slot is this session's."""
        return bool(self._serial[slot] == serial)

    def leave(self, slot: int, checkpoint: Checkpoint | None = None) -> dict[str, bytes]:
        """Empties a slot; returns what ``profile`` does. Who inherits its adapters has them in the checkpoint, too."""
        profile = self.profile(slot)
        heir = self._hand_over(slot)
        if heir is not None and checkpoint is not None:
            self.checkpoint_rows(checkpoint, np.array([heir]))
        self._clear(slot)
        return profile

    def profile(self, slot: int) -> dict[str, bytes]:
        """A slot's adapters that are not all zeros: ``model@version`` to safetensors."""
        owner = int(self._owner[slot])
        return {loaded.key: data for loaded in self._models if (data := _packed(loaded.adapters, owner)) is not None}

    def learn(self, slot: int, learning: bool) -> None:
        """Whether the models may learn from a slot's frames from now on."""
        self._learning[slot] = learning

    def put(self, slot: int, profile: dict[str, bytes]) -> None:
        """Replaces a slot's adapters of the models that ``profile`` names; no bytes make them zeros.

        Other versions, and what cannot be used, are left alone.
        """
        for loaded in self._models:
            data = profile.get(loaded.key)
            if data == b"":
                loaded.adapters.clear(int(self._owner[slot]))
            elif data is not None:
                self._put_adapters(loaded, slot, data)

    @torch.inference_mode()
    def confirm(self, slot: int, chosen: int, moment: bytes = b"", weight: int = 1) -> tuple[dict[str, bytes], bytes]:
        """Learns from a selection: the user of a slot meant this target of the scene, counted from 0.

        Args:
            moment: of the selection that is meant, as it was returned; without one it is made now.
            weight: 1, or -1 to take it back.

        Returns:
            What ``profile`` does, of the models that learned from it; and the moment that they learned from: the scene
            and their states, float32.
        """
        learned = {}
        learners = [loaded for loaded in self._models if isinstance(loaded.model, LearnsSelections)]
        owner = int(self._owner[slot])
        owners = np.array([owner])
        index = self._to_device(owners)
        if not moment:
            if chosen >= self._target_count[slot]:
                return {}, b""
            boxes = self._boxes[slot, : int(self._target_count[slot])]
            rows = [boxes.flatten(), *(loaded.state.matrix[slot] for loaded in learners)]
            moment = np.float32(len(boxes)).tobytes() + torch.cat(rows).cpu().numpy().tobytes()
        numbers = torch.from_numpy(np.frombuffer(moment, dtype="<f4").copy()).to(self.device)
        count = int(numbers[0])
        targets, numbers = numbers[None, 1 : 1 + 6 * count].view(1, count, 6), numbers[1 + 6 * count :]
        for loaded in learners:
            assert isinstance(loaded.model, LearnsSelections)
            width = loaded.state.width
            row, numbers = numbers[:width], numbers[width:]
            adapters = loaded.adapters.named(loaded.adapters.matrix[owner : owner + 1])
            new = loaded.model.confirm(loaded.state.named(row.unsqueeze(0)), adapters, targets, chosen, weight)
            loaded.adapters.scatter(owners, index, new)
            learned[loaded.key] = _packed(loaded.adapters, owner) or b""
        return learned, moment

    def forget(self, slot: int, checkpoint: Checkpoint | None) -> None:
        """Leaves nothing of a slot's user: neither states nor adapters, nor what a checkpoint has of them."""
        for loaded in self._models:
            loaded.state.clear(slot)
            loaded.adapters.clear(int(self._owner[slot]))
        self._learning[slot] = False
        if checkpoint is not None:
            checkpoint.forget(slot)

    def scene(self, slot: int, boxes: NDArray[np.float32], *, keep_state: bool) -> None:
        """Sets a slot's targets, ``[targets, 6]`` centres and sizes in metres.

        With ``keep_state`` they are the targets of before, moved; else what was remembered of them is forgotten.
        """
        count = len(boxes)
        self._target_count[slot] = count
        self._boxes[slot] = 0
        self._boxes[slot, :count] = torch.from_numpy(boxes.copy())
        if not keep_state:
            for loaded in self._models:
                if loaded.model.remembers_scene:
                    loaded.state.clear(slot)

    @torch.inference_mode()
    def step(self, batch: Batch, n: int) -> None:
        """Steps all models once on the first ``n`` rows of a batch, and writes its results.

        A row that cannot be used changes nothing but its own status.
        """
        slots = batch.head["slot"][:n].astype(np.int64)
        times = batch.head["time"][:n]
        seen = tracking.unpack(np.ascontiguousarray(batch.head["mask"][:n]), batch.blobs[:n])
        gap = times - self._last_time[slots]
        status = np.where((self._last_time[slots] >= 0) & (gap <= 0) & (seen.fault == 0), GAP, seen.fault)
        result = batch.result[:n]
        result["status"] = status
        rows = np.flatnonzero(status == 0)
        if len(rows) == 0:
            return
        everyone = len(rows) == n
        if not everyone:
            slots, gap = slots[rows], gap[rows]
        fresh = (self._last_time[slots] < 0) | (gap > STALE_GAP_US)
        counts = self._target_count[slots]
        targets = int(counts.max())
        horizons = self._horizon_count[slots]
        pick: Callable[[NDArray[np.float32]], NDArray[np.float32]] = (lambda a: a) if everyone else (lambda a: a[rows])
        index = self._to_device(slots)
        tracked = seen.tracked if everyone else seen.tracked[rows]
        frames = FrameBatch(
            dt=self._to_device(np.where(fresh, 0, gap * 1e-6).astype(np.float32)),
            fresh=self._to_device(fresh),
            tracked=self._to_device(tracked),
            head=self._to_device(pick(seen.head)),
            gaze=self._to_device(pick(seen.gaze)),
            left=self._to_device(pick(seen.left)),
            right=self._to_device(pick(seen.right)),
            buttons=self._to_device(pick(seen.buttons)),
            horizons=self._horizons[:, : int(horizons.max())].index_select(0, index),
            targets=self._boxes[:, :targets].index_select(0, index),
            present=self._to_device(np.arange(targets) < counts[:, None]),
            learning=self._to_device(self._learning[slots]),
            gesturing=self._to_device(self._gesturing[slots]),
            jointed=self._to_device(seen.jointed if everyone else seen.jointed[rows]),
            hands=None if seen.hands is None else self._to_device(pick(seen.hands)),
            beat=self._beats(),
        )
        owners = self._owner[slots]
        shared = bool((owners != slots).any())
        owner_index = self._to_device(owners) if shared else index
        outputs: Rows = {}
        stepped = []
        gesturing = bool(self._gesturing[slots].any())
        for loaded in self._models:
            if loaded.model.only_gesturing and not gesturing:
                continue
            state = loaded.state.gather(slots, index)
            if fresh.any():
                state = state.masked_fill(frames.fresh.unsqueeze(1), 0)
            adapters = loaded.adapters.gather(owners, owner_index)
            found, new, learned = loaded.model.step(frames, loaded.state.named(state), loaded.adapters.named(adapters))
            outputs.update(found)
            stepped.append((loaded, new, learned))
        # Only when every model has stepped: one that raises must leave no session half a frame ahead.
        keep = self._one_of_each(owners) if shared else None
        for loaded, new, learned in stepped:
            loaded.state.scatter(slots, index, new)
            if learned and keep is not None:
                kept = {name: value[keep] for name, value in learned.items()}
                loaded.adapters.scatter(owners, owner_index[keep], kept)
            elif learned:
                loaded.adapters.scatter(slots, index, learned)
        self._last_time[slots] = times if everyone else times[rows]
        self._write(batch, rows, slots, tracked, counts, horizons, outputs)

    def checkpoint_rows(self, checkpoint: Checkpoint, slots: NDArray[np.int64]) -> None:
        """Copies what the engine knows of some slots to where it outlives this process."""
        owners = self._owner[slots]
        index, owner_index = self._to_device(slots), self._to_device(owners)
        rows = torch.cat(
            [
                rows
                for loaded in self._models
                for rows in (loaded.state.gather(slots, index), loaded.adapters.gather(owners, owner_index))
            ],
            dim=1,
        )
        checkpoint.write(slots, self._serial[slots], self._last_time[slots], rows.cpu().numpy())

    def restore(self, checkpoint: Checkpoint, slot: int) -> bool:
        """Takes a joined slot's rows back from a checkpoint; false if there is none of this very session.

        Of adapters that are shared the newest count, whoever of those that share them comes last.
        """
        found = checkpoint.read(slot, int(self._serial[slot]))
        if found is None:
            return False
        self._last_time[slot] = found.time
        owner, at = int(self._owner[slot]), 0
        newest = found.taken > self._restored[owner]
        if newest:
            self._restored[owner] = found.taken
        for loaded in self._models:
            # What is not learned from frames the gateway knows best, and gave with ``join``.
            restored = (loaded.state, slot, True), (loaded.adapters, owner, loaded.model.learns and newest)
            for store, place, wanted in restored:
                if wanted:
                    store.put(place, torch.from_numpy(found.numbers[at : at + store.width]).to(self.device))
                at += store.width
        return True

    def warm_up(self) -> None:
        """Steps every model a few times at several sizes, so that the first session does not wait for first calls."""
        memory = memoryview(bytearray(Batch.size(self.slots)))
        batch = Batch(memory, self.slots)
        sizes = [n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256) if n <= self.slots]
        for time, n in enumerate((*sizes, *sizes), start=1):
            batch.head["slot"][:n] = np.arange(n)
            batch.head["time"][:n] = time * 11_111
            self._target_count[:n] = 10
            self.step(batch, n)
        for slot in range(sizes[-1]):
            self._clear(slot)

    def _to_device(self, array: NDArray[np.generic]) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor if self.device.type == "cpu" else tensor.pin_memory().to(self.device, non_blocking=True)

    def _clear(self, slot: int) -> None:
        for loaded in self._models:
            loaded.state.clear(slot)
            loaded.adapters.clear(slot)
        self._owner[slot] = slot
        self._restored[slot] = 0
        self._learning[slot] = False
        self._last_time[slot] = -1
        self._serial[slot] = 0
        self._horizon_count[slot] = 0
        self._target_count[slot] = 0
        self._horizons[slot] = 0
        self._boxes[slot] = 0

    def _put_adapters(self, loaded: _Loaded, slot: int, data: bytes) -> bool:
        try:
            tensors = load_tensors(data)
        except SafetensorError:
            return False
        columns = loaded.model.adapters
        if {name: tuple(value.shape) for name, value in tensors.items()} != dict(columns):
            return False
        row = torch.cat([tensors[name].reshape(-1).float() for name in columns])
        if not bool(row.isfinite().all()):
            return False
        loaded.adapters.put(int(self._owner[slot]), row.to(self.device))
        return True

    def _hand_over(self, slot: int) -> int | None:
        """Gives the adapters in a slot that is left to another session of the user, if there is one: its slot."""
        others = np.flatnonzero((self._owner == slot) & (np.arange(self.slots) != slot))
        if not len(others):
            return None
        heir = int(others[0])
        for loaded in self._models:
            loaded.adapters.put(heir, loaded.adapters.matrix[slot])
        self._owner[others] = heir
        return heir

    def _beats(self) -> bool:
        now = monotonic()
        due = now - self._last_beat >= BEAT_S
        if due:
            self._last_beat = now
        return due

    def _one_of_each(self, owners: NDArray[np.int64]) -> Tensor:
        """A row for each owner in a batch; of those that share one, each has its turn."""
        self._turn += 1
        order = np.roll(np.arange(len(owners)), self._turn)
        _, first = np.unique(owners[order], return_index=True)
        return self._to_device(order[first])

    def _write(
        self,
        batch: Batch,
        rows: NDArray[np.int64],
        slots: NDArray[np.int64],
        tracked: NDArray[np.bool_],
        counts: NDArray[np.int64],
        horizons: NDArray[np.int64],
        outputs: Rows,
    ) -> None:
        result = batch.result
        result["devices"][rows] = 0
        result["poses"][rows] = 0
        result["targets"][rows] = 0
        result["best"][rows] = -1
        result["gesture"][rows] = 0
        sound = np.ones(len(rows), dtype=np.bool_)
        if "target" in outputs and outputs["target"].shape[1]:
            probabilities = outputs["target"].cpu().numpy()
            batch.probabilities[rows, : probabilities.shape[1]] = probabilities
            result["targets"][rows] = counts
            sound &= np.isfinite(probabilities).all(axis=1)
            result["best"][rows] = np.where(counts > 0, probabilities.argmax(axis=1), -1)
        if "forecast" in outputs:
            forecast = outputs["forecast"].cpu().numpy()
            bits = tracked[:, [0, 2, 3]]
            devices = bits @ np.array([1, 2, 4])
            # Sessions that track the same devices and want as many horizons have rows of one layout.
            kinds = devices * (MAX_HORIZONS + 1) + horizons
            for kind in np.unique(kinds).tolist():
                those = np.flatnonzero(kinds == kind)
                width = kind % (MAX_HORIZONS + 1)
                which = [device for device in range(len(DEVICES)) if bits[those[0], device]]
                poses = forecast[those][:, which, :width].reshape(len(those), -1)
                batch.forecast[rows[those], : poses.shape[1]] = poses
                result["poses"][rows[those]] = len(which) * width
                sound[those] &= np.isfinite(poses).all(axis=1)
            result["devices"][rows] = np.where(horizons > 0, devices, 0)
        if "gesture" in outputs:
            gestures = outputs["gesture"].cpu().numpy()
            result["gesture"][rows] = gestures[:, 0]
            batch.spans[rows] = gestures[:, 1:]
            sound &= np.isfinite(gestures).all(axis=1)
        if not sound.all():
            # What was extreme enough to break a model must not stay in its state.
            result["status"][rows[~sound]] = FAILED
            for slot in slots[~sound].tolist():
                for loaded in self._models:
                    loaded.state.clear(slot)

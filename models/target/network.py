"""The network of the target frame model.

For each target the network sees only where it lies relative to what the user does: how far the rays and the hand miss
it, how that compares with the other targets, and how it changes. All targets share one set of weights and nothing
absolute goes in, so a scene may hold any targets in any order, and the whole stage may be moved or turned about the
vertical.

What is remembered of a target is a gated average whose gates depend on the input alone (minGRU; Feng et al., "Were
RNNs All We Needed?", 2024, arXiv:2410.01201). Here a gate is a rate r in 1/s, and the step over ``dt`` is the backward
Euler step of ``dm/dt = r (new - m)``, which lets ``r dt / (1 + r dt) = sigmoid(log r + log dt)`` through: so the same
weights serve 72, 90 and 120 Hz.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from models import weight_files
from models.frame_model import MAX_TARGETS, Columns, FrameBatch, Rows
from models.target import selections
from models.target.cues import CUES, Devices, cues, devices, held

WEIGHTS = Path(__file__).with_name("weights.safetensors")

_BOX = 3
_SEEN = CUES * 2 + 3 + _BOX
_CONTEXT = 11

_NEAR = 0.1
"""The miss, in radians or metres, at which nearness is one half."""

_CLOSE_M = 0.25
"""Keeps what is seen of targets that the head is in, or nearly, within bounds."""

_STILL = 0.003
"""Motion, in metres or radians over ``_SMOOTH_S``, under which less hardly says more."""

_SMOOTH_S = 0.1
"""Time constant of the averages that motion is measured against, seconds."""

_IMPOSSIBLE = -1e9
"""The score of what is not there: finite, so that a row without any target is not NaN."""

_NUDGE = 0.01
"""Radians, for how scores change with pointing."""

_SHORTEST_S = 0.001
"""A first frame has no ``dt``; it counts as this long, so that nothing is divided by zero."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the network: ``hidden`` units a target, ``memory`` numbers remembered of it."""

    hidden: int = 24
    memory: int = 12


class Network(nn.Module):
    """Scores targets and carries the memory. ``forward`` takes and returns what ``FrameModel.step`` does, but scores
    ``[N, K]`` before the softmax in place of the outputs."""

    extent: Tensor
    gives: Tensor
    needs: Tensor
    one: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        hidden, memory = shape.hidden, shape.memory
        self.encode = nn.Linear(_SEEN, hidden, bias=False)
        self.context = nn.Linear(_CONTEXT, hidden)
        self.write = nn.Linear(hidden, 2 * memory + hidden)
        self.recall = nn.Linear(memory, hidden, bias=False)
        self.score = nn.Parameter(torch.randn(hidden) / hidden**0.5)
        self.state: Columns = {
            "memory": (MAX_TARGETS, memory),
            "devices": (2, 3, 3),
            "tracked": (3,),
            "poses": (3, 7),
            "speed": (2, 3),
        }
        self.adapters: Columns = {
            "pointing": (3, 2),
            "readout": (hidden,),
            "selections": (selections.size(hidden),),
        }
        # Of width, height and depth of a box: half the height and the mean half width.
        self._constant("extent", [[0, 0.25], [0.5, 0], [0, 0.25]])
        # Which cues there are, by tracked devices, once clamped to 0 and 1: either hand will do for the last three, but
        # the ray through it takes the head as well.
        self._constant("gives", [[1, 0, 0, 2, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 1]])
        self._constant("needs", [0, 0, 0, -2, 0])
        self._constant("one", [1])
        with torch.no_grad():
            # from memories of a tenth of a second to ones of three
            self.write.bias[:memory] = -torch.logspace(-1, 0.5, memory).log()
            self.write.weight[:memory] *= 0.5

    def _constant(self, name: str, values: list[Any]) -> None:
        self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def forward(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Tensor, Rows]:
        count = batch.present.shape[1]
        dt = batch.dt.clamp_min(_SHORTEST_S).unsqueeze(1)
        poses = held(batch)
        found = devices(poses, adapters["pointing"])
        there = torch.addmm(self.needs, batch.tracked.float(), self.gives).clamp(0, 1)
        tracked = there[:, :3]

        # A device that was not tracked before is at rest where it is.
        kept = torch.exp(dt * (-1 / _SMOOTH_S)) * tracked * state["tracked"]
        motions = torch.stack((found.positions, found.rays[:, :3]), dim=1)
        usual_motions = torch.lerp(motions, state["devices"], kept.unsqueeze(1).unsqueeze(3))
        speed = torch.log1p(torch.linalg.vector_norm(motions - usual_motions, dim=-1) * (1 / _STILL))

        seen = self._seen(batch.targets, batch.present, found, there)
        rate, new, reading = self._encoded(seen, found, tracked, speed)
        gate = torch.sigmoid(rate + dt.log().unsqueeze(2))
        memory = torch.lerp(state["memory"][:, :count], new, gate)
        read = F.hardswish(reading + self.recall(memory))
        scores = (read @ (self.score + adapters["readout"]).unsqueeze(2)).squeeze(2)
        return scores.masked_fill(~batch.present, _IMPOSSIBLE), {
            "memory": F.pad(memory, (0, 0, 0, MAX_TARGETS - count)),
            "devices": usual_motions,
            "tracked": tracked,
            "poses": poses,
            "speed": speed,
        }

    def look_back(self, state: Rows, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The newest frame once more, as it would have been for a user of whom nothing is known.

        Args:
            state: of one session after that frame.
            targets: ``[1, K, 6]``, those that the frame was about.

        Returns:
            scores ``[K]`` and ``[K, 6 + hidden]``, how they change with the adapters ``pointing`` (per radian, what is
            remembered being the same) and ``readout``.
        """
        nudges = torch.eye(6, device=targets.device).view(6, 3, 2) * _NUDGE
        pointing = torch.cat((torch.zeros_like(nudges[:1]), nudges, -nudges))
        rows, count = len(pointing), targets.shape[1]
        found = devices(state["poses"].expand(rows, -1, -1), pointing)
        tracked = state["tracked"].expand(rows, -1)
        there = torch.cat((tracked, tracked[:, :1] * tracked[:, 2:], tracked[:, 2:]), dim=1)
        present = torch.ones(1, count, dtype=torch.bool, device=targets.device)
        seen = self._seen(targets, present, found, there)
        _, _, reading = self._encoded(seen, found, tracked, state["speed"].expand(rows, -1, -1))
        read = F.hardswish(reading + self.recall(state["memory"][:, :count]))
        scores = read @ self.score
        slopes = (scores[1:7] - scores[7:]) / (2 * _NUDGE)
        return scores[0], torch.cat((slopes.T, read[0]), dim=1)

    def _encoded(self, seen: Tensor, found: Devices, tracked: Tensor, speed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``[N, K, memory]`` twice and ``[N, K, hidden]``: log rates, what is new to remember, what is read of it."""
        hidden, size = self.shape.hidden, self.shape.memory
        context = self.context(torch.cat((speed.flatten(1), found.rays[:, 1:3, 1], tracked), dim=1))
        encoded = F.hardswish(self.encode(seen.transpose(1, 2)) + context.unsqueeze(1))
        rate, new, reading = torch.split_with_sizes(self.write(encoded), (size, size, hidden), dim=-1)
        return rate, new, reading

    def _seen(self, targets: Tensor, present: Tensor, found: Devices, there: Tensor) -> Tensor:
        """``[N, 16, K]``, what is seen of each target; 0 in cues that are not there (``[N, 5]``)."""
        centres, sizes = torch.split_with_sizes(targets, (3, 3), dim=-1)
        miss, height, distance = cues(centres.transpose(1, 2), found)
        near = there.unsqueeze(2) / torch.add(self.one, miss, alpha=1 / _NEAR)
        best = (near * present.unsqueeze(1)).amax(2, keepdim=True)
        closeness = there[:, :1, None] / (distance + _CLOSE_M)
        extent = (sizes @ self.extent).transpose(1, 2) * closeness
        return torch.cat((near, near - best, height * there[:, :3, None], extent, closeness), dim=1)


class WeightsError(ValueError):
    """A file that does not hold weights of this network; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Origin:
    """Where weights come from: what a model card would say, in the weights' own file."""

    trained_on: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    training: dict[str, float | int | str] = field(default_factory=dict)


class TargetPicker:
    """The target frame model: see ``FrameModel``. Its output ``target`` is a probability for each target."""

    name = "target"
    learns = False
    only_gesturing = False
    remembers_scene = True

    def __init__(self, network: Network, origin: Origin, version: str) -> None:
        self.network = network
        self.origin = origin
        self.version = version
        self.state = network.state
        self.adapters = network.adapters

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        if not batch.present.shape[1]:
            # No session here has a scene yet, so there is nothing to remember; the first scene starts from zeros.
            return {"target": batch.present.float()}, state, {}
        scores, kept = self.network(batch, state, adapters)
        return {"target": torch.softmax(scores, dim=-1) * batch.present}, kept, {}

    def confirm(self, state: Rows, adapters: Rows, targets: Tensor, chosen: int, weight: float) -> Rows:
        """Learns from one selection: see ``LearnsSelections``. Where nothing was tracked, nothing is learned."""
        if not bool(state["tracked"].any()):
            return dict(adapters)
        scores, slopes = self.network.look_back(state, targets)
        sums = selections.added(adapters["selections"][0], scores, slopes, chosen, weight)
        pointing, readout = selections.learned(sums, self.network.shape.hidden)
        return {
            "pointing": pointing.unsqueeze(0),
            "readout": readout.unsqueeze(0),
            "selections": sums.unsqueeze(0),
        }

    @staticmethod
    def load(path: Path | None = None, device: torch.device | str = "cpu") -> TargetPicker:
        """The model with the weights in ``path``, or with those that Genlock ships.

        Raises:
            WeightsError: the file is not there or does not hold weights of this network.
        """
        path = path or WEIGHTS
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                about = json.loads(file.metadata()["target"])
            network = Network(Shape(**about["shape"]))
            network.load_state_dict(load_file(path))
            origin = Origin(**{**about["origin"], "trained_on": tuple(about["origin"]["trained_on"])})
            version = str(about["version"])
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise WeightsError(f"{path}: no weights of the target model: {error}") from error
        return TargetPicker(network.to(device).eval().requires_grad_(False), origin, version)


def write_weights(network: Network, origin: Origin, path: Path) -> None:
    """Writes what ``TargetPicker.load`` reads; the file is complete or, if anything fails, as it was before."""
    arrays = {name: value.detach().contiguous().cpu() for name, value in network.state_dict().items()}
    version = hashlib.sha256(save(arrays)).hexdigest()[:12]
    about = {"version": version, "shape": asdict(network.shape), "origin": asdict(origin)}
    weight_files.write(path, arrays, {"target": json.dumps(about, sort_keys=True)})

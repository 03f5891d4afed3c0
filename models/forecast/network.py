"""The network: a GRU that watches a head and a hand, and says how they will depart from going straight on.

A pose ``h`` seconds ahead is the pose now, moved and turned in the device's own frame by

    displacement(h) = h * velocity + c1 * s + c2 * s**2 + c3 * s**3 + c4 * s**4,   s = h / 0.1

where ``velocity`` is that of about the last 40 ms and the coefficients come from the network. So the forecast for zero
is the pose itself, it is smooth in ``h``, and any horizon costs the same. The displacement's first three numbers are
metres, the last three a rotation vector.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from models.forecast.motion import DEVICES, FEATURES, HAND, HEAD, STATE, Observed, Observer, Seen
from models.forecast.readout import LEARNED, SAMPLES, TRUST, Readout
from models.frame_model import GAZE, LEFT, RIGHT, Columns, FrameBatch, Rows
from models.frame_model import HEAD as HEAD_COLUMN

HIDDEN: Final = 192
READOUT: Final = 64
POWERS: Final = 4
HORIZON_UNIT_S: Final = 0.1
COEFFICIENTS: Final = DEVICES * POWERS * 6
DROPOUT: Final = 0.1

WEIGHTS: Final = Path(__file__).with_name("weights.safetensors")

# Seen in a mirror that swaps left and right: x is negated, and so are turns about y and z.
_MIRROR_POSE: Final = (-1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 1.0)


class ForecastNetwork(nn.Module):
    """Features to coefficients. ``mean`` and ``scale`` ``[FEATURES]`` are those of the training data."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.gru = nn.GRU(FEATURES, HIDDEN, batch_first=True)
        self.readout = nn.Linear(HIDDEN, READOUT)
        self.out = nn.Linear(READOUT, COEFFICIENTS)
        # Before it has learned anything it goes straight on.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Sequences ``[M, T, FEATURES]`` to coefficients ``[M, T, 2, POWERS, 6]``, and the last hidden state."""
        states, hidden = self.gru((features - self.mean) * self.scale, hidden)
        states = nn.functional.dropout(states, DROPOUT, self.training)
        coefficients = self.out(nn.functional.silu(self.readout(states)))
        return coefficients.unflatten(2, (DEVICES, POWERS, 6)), hidden


def displacement(velocity: Tensor, coefficients: Tensor, horizons_s: Tensor) -> Tensor:
    """How devices move and turn, each in its own frame.

    Args:
        velocity: ``[..., 6]`` m/s and rad/s.
        coefficients: ``[..., POWERS, 6]``.
        horizons_s: ``[..., K]`` seconds.

    Returns:
        ``[..., K, 6]`` metres and rotation vectors.
    """
    s = horizons_s.unsqueeze(-1) / HORIZON_UNIT_S
    c1, c2, c3, c4 = coefficients.unsqueeze(-3).unbind(-2)
    straight = velocity.unsqueeze(-2) * HORIZON_UNIT_S + c1
    return s * (straight + s * (c2 + s * (c3 + s * c4)))


class Forecast:
    """The frame model. See ``models.frame_model.FrameModel``.

    The network was trained on right hands. A left hand is forecast by the same network as it looks in a mirror, with a
    state of its own. What is learned of either hand is learned apart; of the head it is learned beside the right hand,
    whether there is one or not.
    """

    name = "forecast"
    learns = True
    only_gesturing = False
    remembers_scene = False

    def __init__(self, network: ForecastNetwork, version: str, device: torch.device | str = "cpu") -> None:
        self.version = version
        self.state: Columns = {
            "right": (STATE + HIDDEN,),
            "left": (STATE + HIDDEN,),
            "right_samples": (SAMPLES,),
            "left_samples": (SAMPLES,),
        }
        self.adapters: Columns = {"right": LEARNED, "left": LEARNED, "right_trust": TRUST, "left_trust": TRUST}
        self._observer = Observer().to(device)
        network = network.to(device).eval().requires_grad_(False)
        gru = network.gru.state_dict()
        # Normalising the features is left to the first product.
        weight = gru["weight_ih_l0"] * network.scale
        self._input = weight.t().contiguous()
        self._input_bias = gru["bias_ih_l0"] - weight @ network.mean
        self._hidden = gru["weight_hh_l0"].t().contiguous()
        self._hidden_bias = gru["bias_hh_l0"]
        self._readout = network.readout.weight.t().contiguous()
        self._readout_bias = network.readout.bias
        self._personal = Readout(network.out.weight, self._observer)
        # The shared readout's coefficients and what the personal one hears, in one product.
        self._out = torch.cat((network.out.weight.t(), self._personal.directions), dim=1)
        self._out_bias = torch.cat((network.out.bias, self._personal.constant))
        self._mirror = torch.tensor(_MIRROR_POSE, device=device)

    @classmethod
    def load(cls, path: Path | None = None, *, device: torch.device | str = "cpu") -> Forecast:
        """The shipped weights, or others.

        Raises:
            OSError: the file cannot be read.
        """
        path = path or WEIGHTS
        network = ForecastNetwork()
        network.load_state_dict(load_file(path))
        return cls(network, read_metadata(path)["version"], device)

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        """See ``models.frame_model.FrameModel``."""
        lefts = batch.tracked[:, LEFT]
        learning = bool(batch.learning.any())
        right = _seen(batch, batch.right, RIGHT)
        poses, after, learned = self._one_side(right, batch, "right", state, adapters, batch.learning, learning)
        if bool(lefts.any()):
            mirrored = self._mirrored(_seen(batch, batch.left, LEFT))
            of_lefts = batch.learning & lefts
            images, new, also = self._one_side(mirrored, batch, "left", state, adapters, of_lefts, learning)
            left = images[:, HAND] * self._mirror
            # Without a left hand there is nothing to remember, whatever others in the batch have.
            after |= {name: value * lefts.view(-1, *[1] * (value.dim() - 1)) for name, value in new.items()}
            learned |= also
        else:
            left = poses[:, HAND]
            after |= {name: torch.zeros_like(state[name]) for name in ("left", "left_samples")}
        forecast = torch.stack((poses[:, HEAD], left, poses[:, HAND]), dim=1)
        return {"forecast": forecast}, after, {**adapters, **learned} if learned else {}

    def _mirrored(self, seen: Seen) -> Seen:
        return seen._replace(poses=seen.poses * self._mirror, gaze=seen.gaze * self._mirror[3:])

    def _one_side(
        self,
        seen: Seen,
        batch: FrameBatch,
        side: str,
        state: Rows,
        adapters: Rows,
        learning: Tensor,
        learns: bool,
    ) -> tuple[Tensor, Rows, Rows]:
        """Poses ``[N, 2, H, 7]`` of the head and this side's hand, its state, and what was learned."""
        memory, waiting, trust = state[side], f"{side}_samples", f"{side}_trust"
        observed, motion = self._observer.observe(seen, memory[:, :STATE])
        hidden = self._gru(observed.features, memory[:, STATE:])
        inner = nn.functional.silu(torch.addmm(self._readout_bias, hidden, self._readout))
        out = torch.addmm(self._out_bias, inner, self._out)
        coefficients = out[:, :COEFFICIENTS].view(-1, DEVICES, POWERS, 6)
        moved = displacement(observed.velocity, coefficients, batch.horizons.unsqueeze(1))
        moved += self._personal.correction(out[:, COEFFICIENTS:], batch.horizons, adapters[side], adapters[trust])
        after = {side: torch.cat((motion, hidden), dim=1)}
        learned: Rows = {}
        if learns and batch.beat:
            coefficients[:, :, 0].add_(observed.velocity, alpha=HORIZON_UNIT_S)
            frame = torch.cat((seen.tracked[:, :DEVICES].float(), seen.poses.flatten(1), out), dim=1)
            after[waiting], found = self._personal.learn(
                frame, seen.dt, learning, state[waiting], adapters[side], adapters[trust]
            )
            if found is not None:
                learned = {side: found[0], trust: found[1]}
        elif learns:
            after[waiting] = self._personal.wait(seen.dt, learning, state[waiting])
        else:
            after[waiting] = torch.zeros_like(state[waiting])
        return _move(seen.poses, observed, moved), after, learned

    def _gru(self, features: Tensor, hidden: Tensor) -> Tensor:
        # As torch.nn.GRU, equations in its documentation.
        reset_x, update_x, new_x = torch.addmm(self._input_bias, features, self._input).chunk(3, dim=1)
        reset_h, update_h, new_h = torch.addmm(self._hidden_bias, hidden, self._hidden).chunk(3, dim=1)
        reset, update = torch.sigmoid(reset_x + reset_h), torch.sigmoid(update_x + update_h)
        new = torch.tanh(new_x + reset * new_h)
        return torch.lerp(new, hidden, update)


def read_metadata(path: Path) -> dict[str, Any]:
    """What a weights file says of itself: version, users trained on, source, licence, how it was trained."""
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


def _seen(batch: FrameBatch, hand: Tensor, column: int) -> Seen:
    side = column - LEFT
    return Seen(
        poses=torch.stack((batch.head, hand), dim=1),
        tracked=batch.tracked[:, (HEAD_COLUMN, column, GAZE)],
        gaze=batch.gaze[:, 3:],
        buttons=batch.buttons[:, side, :2],
        dt=batch.dt,
    )


def _move(poses: Tensor, observed: Observed, moved: Tensor) -> Tensor:
    """Poses ``[M, 2, 7]`` moved by ``[M, 2, K, 6]`` in their own frames: ``[M, 2, K, 7]``."""
    position = poses[:, :, None, :3] + torch.matmul(moved[..., :3], observed.turn.transpose(2, 3))
    half = 0.5 * moved[..., 3:]
    angle = (half * half).sum(-1, keepdim=True).sqrt()
    turn = torch.cat((half * torch.sinc(angle / torch.pi), torch.cos(angle)), dim=-1)
    return torch.cat((position, torch.matmul(turn, observed.left.transpose(2, 3))), dim=-1)

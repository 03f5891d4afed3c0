"""What the forecast learns of a user: whose rows change, that it helps whom it should, and that nothing breaks it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models import rotations
from models.forecast.network import Forecast, ForecastNetwork
from models.frame_model import LEFT, RIGHT, FrameBatch, Rows

RATE_HZ = 90


@pytest.fixture(scope="module")
def model() -> Forecast:
    torch.manual_seed(0)
    network = ForecastNetwork()
    torch.nn.init.normal_(network.out.weight, std=0.02)
    return Forecast(network, "test")


def sway(rows: int, frames: int, *, both: bool = False, rate_hz: float = RATE_HZ) -> list[FrameBatch]:
    """People who sway to and fro, each at a pace of their own: going straight on is always wrong in the same way."""
    pace = 2.0 + 0.5 * torch.arange(rows)
    batches = []
    for at in range(frames):
        phase = pace * at / rate_hz
        batch = FrameBatch.blank(rows)
        for name, reach in (("head", 0.1), ("right", 0.3), ("left", 0.25)):
            position = torch.stack((reach * phase.sin(), 1 + reach * phase.cos(), reach * (phase / 2).sin()), 1)
            turn = torch.stack((0.5 * phase.cos(), 0.8 * phase.sin(), 0.0 * phase), 1)
            setattr(batch, name, torch.cat((position, rotations.from_rotation_vector(turn)), 1))
        batch.tracked[:] = torch.tensor([True, False, both, True])
        batch.dt.fill_(1 / rate_hz if at else 0.0)
        batch.fresh.fill_(at == 0)
        batch.horizons = torch.tensor([[0.1]]).repeat(rows, 1)
        batch.learning[:] = True
        batches.append(batch)
    return batches


def zeros(columns: object, rows: int) -> Rows:
    return {name: torch.zeros(rows, *shape) for name, shape in columns.items()}  # type: ignore[attr-defined]


@torch.inference_mode()
def replayed(model: Forecast, batches: list[FrameBatch], adapters: Rows | None = None) -> tuple[Tensor, Rows, Rows]:
    """Forecasts ``[T, N, 3, H, 7]``, and the state and what is learned at the end."""
    rows = len(batches[0])
    state, adapters = zeros(model.state, rows), adapters or zeros(model.adapters, rows)
    found = []
    for batch in batches:
        outputs, state, learned = model.step(batch, state, adapters)
        adapters = learned or adapters
        found.append(outputs["forecast"])
    return torch.stack(found), state, adapters


def row_of(batch: FrameBatch, row: int) -> FrameBatch:
    return FrameBatch(
        **{name: value[row : row + 1] for name, value in vars(batch).items() if isinstance(value, Tensor)}
    )


def off(batches: list[FrameBatch], rows: object = slice(None)) -> list[FrameBatch]:
    for batch in batches:
        batch.learning[rows] = False
    return batches


def distance(batches: list[FrameBatch], forecasts: Tensor, name: str, device: int) -> Tensor:
    """``[T - 9, N]`` metres between forecasts for 0.1 s ahead and what came."""
    truth = torch.stack([getattr(batch, name)[:, :3] for batch in batches[9:]])
    return (forecasts[:-9, :, device, 0, :3] - truth).norm(dim=-1)


def test_with_nothing_learned_it_says_what_the_shared_model_says(model: Forecast) -> None:
    learning, _, learned = replayed(model, sway(3, 12))
    plain, _, _ = replayed(model, off(sway(3, 12)))
    torch.testing.assert_close(learning[:10], plain[:10], atol=0, rtol=0)
    assert all(not value[:, :].any() for name, value in learned.items() if name.startswith("left"))


def test_it_learns_how_somebody_moves(model: Forecast) -> None:
    frames = 10 * RATE_HZ
    batches = sway(2, frames, both=True)
    shared, _, _ = replayed(model, off(sway(2, frames, both=True)))
    personal, _, _ = replayed(model, batches)
    for device, name in enumerate(("head", "left", "right")):
        before = distance(batches, shared, name, device)[-2 * RATE_HZ :].mean(0)
        after = distance(batches, personal, name, device)[-2 * RATE_HZ :].mean(0)
        assert (after < 0.7 * before).all(), name


def test_who_does_not_learn_keeps_what_is_learned(model: Forecast) -> None:
    _, _, known = replayed(model, sway(3, 200, both=True))
    assert all(bool(value.any()) for value in known.values())
    _, state, after = replayed(model, off(sway(3, 200, both=True), 1), known)
    for name, value in known.items():
        torch.testing.assert_close(after[name][1], value[1], atol=0, rtol=0)
        assert not torch.equal(after[name][0], value[0])
    assert not state["right_samples"][1].any()
    assert not state["left_samples"][1].any()


def test_nothing_is_learned_if_nobody_learns(model: Forecast) -> None:
    state, adapters = zeros(model.state, 2), zeros(model.adapters, 2)
    with torch.inference_mode():
        for batch in off(sway(2, 30)):
            _, state, learned = model.step(batch, state, adapters)
            assert learned == {}


def test_a_batch_learns_as_its_rows_do_alone(model: Forecast) -> None:
    batches = sway(5, 150, both=True)
    for at, batch in enumerate(batches):
        batch.learning[1] = False
        batch.tracked[2, LEFT] = False
        batch.tracked[3, RIGHT] = at % 40 > 10
        batch.learning[4] = at > 60
        batch.dt[4] *= 1.25
    together, state, learned = replayed(model, batches)
    for row in range(5):
        alone, own, known = replayed(model, [row_of(batch, row) for batch in batches])
        torch.testing.assert_close(together[:, row, (0, 2)], alone[:, 0, (0, 2)], atol=1e-4, rtol=0)
        for name, value in known.items():
            torch.testing.assert_close(learned[name][row], value[0], atol=1e-3, rtol=1e-3)
        for name, value in own.items():
            torch.testing.assert_close(state[name][row], value[0], atol=1e-4, rtol=1e-3)


def test_a_hand_that_is_not_there_teaches_nothing_of_hands(model: Forecast) -> None:
    batches = sway(1, 300)
    for batch in batches:
        batch.tracked[:, RIGHT] = False
        batch.right = torch.tensor([[0.0, 0, 0, 0, 0, 0, 1]])
    _, _, learned = replayed(model, batches)
    assert bool(learned["right"][..., -12:-6].any())
    assert not learned["right"][..., -6:].any()


def test_a_readout_that_diverged_starts_anew(model: Forecast) -> None:
    adapters = zeros(model.adapters, 2)
    adapters["right"][0] = 1e30
    _, _, learned = replayed(model, sway(2, 60), adapters)
    assert float(learned["right"][0].abs().max()) < 100
    torch.testing.assert_close(learned["right"][1], replayed(model, sway(2, 60))[2]["right"][1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-4, 6), st.floats(0.0, 0.4))
def test_everything_stays_finite(seed: int, magnitude: float, dt: float) -> None:
    torch.manual_seed(seed % 1000)
    network = ForecastNetwork()
    torch.nn.init.normal_(network.out.weight, std=0.3)
    model = Forecast(network, "test")
    generator = torch.Generator().manual_seed(seed)
    batches = sway(2, 40, both=True)
    for batch in batches[1:]:
        for name in ("head", "left", "right"):
            pose = torch.randn(2, 7, generator=generator)
            turn = torch.nn.functional.normalize(pose[:, 3:], dim=1)
            setattr(batch, name, torch.cat((pose[:, :3] * 10**magnitude, turn), 1))
        batch.tracked[:] = torch.rand(2, 4, generator=generator) < 0.8
        batch.dt = torch.full((2,), dt)
    forecast, state, learned = replayed(model, batches)
    for value in (forecast, *state.values(), *learned.values()):
        assert bool(value.isfinite().all())
    assert math.isfinite(float(forecast.abs().max()))

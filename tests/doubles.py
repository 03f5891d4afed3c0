"""Frame models whose answers a test can work out by hand."""

from __future__ import annotations

from typing import ClassVar

import torch

from models.frame_model import DEVICES, MAX_TARGETS, Columns, FrameBatch, Rows


class Counting:
    """Forecasts that everything stays where it is; x is raised by the number of frames seen before, and by ``bias``.

    The probability of a target is uniform. So a test sees from one answer whose state and adapters were used.
    """

    name = "counting"
    version = "1"
    state: ClassVar[Columns] = {"frames": (1,), "spare": (2, 3)}
    adapters: ClassVar[Columns] = {"bias": (1,)}
    learns = False
    only_gesturing = False
    remembers_scene = False

    @classmethod
    def load(cls, *, device: torch.device | str = "cpu") -> Counting:
        return cls()

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        poses = torch.stack((batch.head, batch.left, batch.right), dim=1)
        forecast = poses[:, :, None, :].repeat(1, 1, batch.horizons.shape[1], 1)
        forecast[..., 0] += (state["frames"] + adapters["bias"])[:, :, None]
        present = batch.present.float()
        target = present / present.sum(1, keepdim=True).clamp_min(1)
        assert forecast.shape[1] == len(DEVICES)
        assert target.shape[1] <= MAX_TARGETS
        return {"forecast": forecast, "target": target}, {"frames": state["frames"] + 1, "spare": state["spare"]}, {}


class Failing(Counting):
    """Raises when any head is higher than 100 m, and kills its process above 200 m."""

    name = "failing"

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        highest = float(batch.head[:, 1].max())
        if highest > 200:
            import os

            os._exit(9)
        if highest > 100:
            raise RuntimeError("too high")
        return super().step(batch, state, adapters)


class Hanging(Counting):
    """Never comes back when any head is higher than 300 m."""

    name = "hanging"

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        while float(batch.head[:, 1].max()) > 300:
            pass
        return super().step(batch, state, adapters)


class Watching(Counting):
    """``bias`` grows by one with each frame it may learn from.

    A head above 50 m is gesture 3 of the right hand, which began 0.5 s ago and has been over for 0.25 s.
    """

    name = "watching"
    learns = True

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        outputs, after, _ = super().step(batch, state, adapters)
        gesture = torch.tensor([3, 2, 0.75, 0.5, 0.25], device=batch.dt.device)
        outputs["gesture"] = gesture * (batch.head[:, 1:2] > 50)
        return outputs, after, {"bias": adapters["bias"] + batch.learning.unsqueeze(1)}


class Learning(Watching):
    """As ``Watching``; and ``bias`` grows by a thousand with a selection of the first target."""

    name = "learning"

    def confirm(self, state: Rows, adapters: Rows, targets: torch.Tensor, chosen: int, weight: float) -> Rows:
        assert targets.shape[1] > chosen
        return {"bias": adapters["bias"] + 1000.0 * (chosen + 1) * weight}


class Selecting(Learning):
    """Learns of selections alone."""

    name = "selecting"
    learns = False

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        outputs, after, _ = super().step(batch, state, adapters)
        return outputs, after, {}

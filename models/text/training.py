"""Training of the text classifier: Adam, cross entropy, early stopping, checkpoints to go on from.

Nothing here sees the part of a set that figures are reported on: when to stop is told by a part carved from the rest.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rich.progress import MofNCompleteColumn, Progress
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from models import labelled_texts, weight_files
from models.labelled_texts import Labelled
from models.text.classifier import TextClassifier, batch
from models.text.networks import Network
from models.text.preprocessing import Vocabulary, tokenize

log = logging.getLogger("genlock.train")

EPOCHS: Final = {"cnn": 30, "lstm": 25, "transformer": 40}
"""Passes over the texts at most."""
PATIENCE: Final = 6
"""Passes after which training stops if in none of them accuracy on the carved part rose or its cross entropy fell."""
CHECKED_SHARE: Final = 0.08

_RATE: Final = {"cnn": 1e-3, "lstm": 2e-3, "transformer": 1e-3}
_BATCH: Final = 64
_SMALLEST_BATCH: Final = 8
_WARM_UP: Final = 200
_SMOOTHING: Final = 0.1
_FORGET: Final = 0.1
_DROP: Final = 0.08
_AVERAGED: Final = 0.997
_CHECKPOINT: Final = "genlock text training 2"
_LEAST: Final = 1e-9
_TEMPERATURES: Final = tuple(float(one) for one in np.geomspace(0.3, 3.0, 41))


def train(
    data: Path,
    out: Path,
    *,
    arch: str,
    epochs: int | None = None,
    seed: int = 0,
    threads: int = 2,
    resume: bool = True,
    progress: bool = True,
) -> TextClassifier:
    """Trains a classifier on a set and writes it.

    Args:
        data: a folder as ``models.labelled_texts`` reads it.
        out: the file to write; beside it, ``out`` with ``.checkpoint`` at its end is what a training that was cut off
            goes on from, and is removed at the end.
        arch: ``lstm``, ``cnn`` or ``transformer``.
        seed: the same one gives the same weights with the same number of threads.
        threads: that torch may use; one that goes on from a checkpoint uses as many as it began with.
        resume: goes on from a checkpoint of the same training, if there is one.

    Raises:
        models.labelled_texts.DataError: the folder is in no known format.
        ValueError: there is no such architecture, there is one label only, or none has two texts.
        OSError: the file cannot be written.
    """
    torch.set_num_threads(threads)
    texts = labelled_texts.load(data)
    if len(texts.labels) < 2:
        raise ValueError(f"{data}: all texts have the label {texts.labels[0]!r}; it takes two labels at least")
    fit, checked = labelled_texts.carve(texts.fit, CHECKED_SHARE, seed)
    fit = labelled_texts.without_copies(fit, (example.text for example in checked))
    if not checked:
        raise ValueError(f"{data}: no label has two texts, one to fit to and one to check on")
    run = _Run(arch, fit, checked, seed, epochs or EPOCHS.get(arch, 1), threads)
    path = out.with_name(out.name + ".checkpoint")
    if resume:
        run.restore(path)
        torch.set_num_threads(run.threads)
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), disable=not progress) as bar:
        task = bar.add_task(f"{arch} on {texts.name}", total=run.epochs, completed=run.epoch)
        while not run.over:
            accuracy = run.pass_over()
            run.save(path)
            bar.update(task, completed=run.epoch, description=f"{arch} on {texts.name}: {100 * accuracy:.2f} %")
    found = run.finish()
    found.about = {
        "set": texts.name,
        "format": texts.format,
        "seed": seed,
        "threads": run.threads,
        "epochs": run.epoch,
        "checked_accuracy": run.best,
        "texts": {
            "fitted": len(fit),
            "checked": len(checked),
            "measured": len(texts.measured),
            "carved": texts.carved,
        },
        "trained_on": labelled_texts.fingerprint(texts.fit),
    }
    found.save(out)
    path.unlink(missing_ok=True)
    return found


class _Run:
    """A training that can be cut off after any pass and gone on with, to the same end."""

    def __init__(
        self,
        arch: str,
        fit: Sequence[Labelled],
        checked: Sequence[Labelled],
        seed: int,
        epochs: int,
        threads: int = 1,
    ) -> None:
        torch.manual_seed(seed)
        self.epochs = epochs
        self.epoch = 0
        self.threads = threads
        self.best = -1.0
        self._best_loss = self._lowest_loss = math.inf
        self._progressed = 0
        self._seed = seed
        self._labels = sorted({example.label for example in fit})
        numbers = {label: number for number, label in enumerate(self._labels)}
        self._vocabulary = Vocabulary.build(example.text for example in fit)
        self._tokens = [tokenize(example.text) for example in fit]
        self._truth = torch.tensor([numbers[example.label] for example in fit])
        self._checked = checked
        self._checked_truth = torch.tensor([numbers.get(example.label, -1) for example in checked], dtype=torch.long)
        self._network = Network(arch, len(self._vocabulary), len(self._labels))
        self._average = copy.deepcopy(self._network)
        self._best_weights = {name: value.clone() for name, value in self._network.state_dict().items()}
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=_RATE[arch])
        # A small set needs enough steps too.
        self._batch = min(_BATCH, max(_SMALLEST_BATCH, len(fit) // 20))
        self._steps_a_pass = math.ceil(len(fit) / self._batch)
        self._warm_up = min(_WARM_UP, 1 + epochs * self._steps_a_pass // 10)
        self._about = {
            "format": _CHECKPOINT, "arch": arch, "seed": seed, "epochs": epochs,
            "texts": labelled_texts.fingerprint(fit), "checked": labelled_texts.fingerprint(checked),
        }  # fmt: skip
        self.arch = arch

    @property
    def over(self) -> bool:
        """Whether all passes are done, or the last ones brought nothing."""
        # What the first small steps bring says nothing of what those at full rate will.
        since = max(self._progressed, math.ceil(self._warm_up / self._steps_a_pass))
        return self.epoch >= self.epochs or self.epoch - since >= PATIENCE

    def pass_over(self) -> float:
        """One pass over all texts; the accuracy on the checked part after it."""
        # What happens by chance in a pass depends on the pass alone, so that one can go on from any.
        torch.manual_seed(self._seed * 100_003 + self.epoch)
        chance = random.Random(f"{self._seed} {self.epoch}")
        order = torch.randperm(len(self._tokens)).tolist()
        self._network.train()
        for start in range(0, len(order), self._batch):
            rows = order[start : start + self._batch]
            tokens = [self._tokens[row] for row in rows]
            kept = [[token for token in some if chance.random() > _DROP] or some for some in tokens]
            scores = self._network(*batch(kept, self._vocabulary, forget=_FORGET))
            loss = nn.functional.cross_entropy(scores, self._truth[rows], label_smoothing=_SMOOTHING)
            step = self.epoch * self._steps_a_pass + start // self._batch
            for group in self._optimizer.param_groups:
                group["lr"] = _RATE[self.arch] * self._schedule(step)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
            self._optimizer.step()
            self._follow(step)
        self.epoch += 1
        found = self._classifier(self._average).probabilities(self._checked_texts)
        accuracy = float((found.argmax(1) == self._checked_truth).float().mean())
        checked_loss = float(
            nn.functional.nll_loss(found.clamp_min(_LEAST).log(), self._checked_truth, ignore_index=-1)
        )
        if accuracy > self.best or checked_loss < self._lowest_loss:
            self._progressed = self.epoch
        self._lowest_loss = min(self._lowest_loss, checked_loss)
        # Of few texts many passes have as many right.
        if (accuracy, -checked_loss) > (self.best, -self._best_loss):
            self.best, self._best_loss = accuracy, checked_loss
            self._best_weights = {name: value.clone() for name, value in self._average.state_dict().items()}
        return accuracy

    def finish(self) -> TextClassifier:
        """The best weights, with the temperature that makes their probabilities true on the checked part."""
        self._average.load_state_dict(self._best_weights)
        found = self._classifier(self._average)
        known = self._checked_truth >= 0
        if known.any():
            texts = [text for text, one in zip(self._checked_texts, known.tolist(), strict=True) if one]
            logits = found.probabilities(texts).clamp_min(_LEAST).log()
            truth = self._checked_truth[known]
            losses = [float(nn.functional.cross_entropy(logits / one, truth)) for one in _TEMPERATURES]
            found.temperature = _TEMPERATURES[losses.index(min(losses))]
        return found

    def save(self, path: Path) -> None:
        """Writes a checkpoint, whole or not at all."""
        tensors: dict[str, Tensor] = {}
        parts = {
            "network": self._network.state_dict(),
            "average": self._average.state_dict(),
            "best": self._best_weights,
        }
        for part, values in parts.items():
            tensors |= {f"{part}.{name}": value.clone() for name, value in values.items()}
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value.clone() for name, value in state.items()}
        about = {
            **self._about, "threads": self.threads, "epoch": self.epoch, "best": self.best,
            "best_loss": self._best_loss, "lowest_loss": self._lowest_loss, "progressed": self._progressed,
        }  # fmt: skip
        weight_files.write(path, tensors, {"genlock": json.dumps(about)})

    def restore(self, path: Path) -> None:
        """Goes on from a checkpoint, if there is one and it is of this training; says so if it is of another."""
        if not path.is_file():
            return
        try:
            with safe_open(path, framework="pt") as file:
                about: dict[str, Any] = json.loads((file.metadata() or {}).get("genlock", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        except (SafetensorError, ValueError) as problem:
            log.warning("%s is damaged: %s; the training starts afresh", path, problem)
            return
        others = [
            f"{key} {about.get(key)}, now {value}" for key, value in self._about.items() if about.get(key) != value
        ]
        if others:
            log.warning("%s is of another training (%s); this one starts afresh", path, "; ".join(others))
            return
        if {name: value.shape for name, value in tensors.items()} != self._shapes():
            log.warning("%s is of other networks than these; the training starts afresh", path)
            return

        def part(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self._network.load_state_dict(part("network."))
        self._average.load_state_dict(part("average."))
        self._best_weights = part("best.")
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in part("adam.").items():
            number, _, key = name.partition(".")
            state.setdefault(int(number), {})[key] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})
        self.epoch, self.best, self._progressed = about["epoch"], about["best"], about["progressed"]
        self._best_loss, self._lowest_loss = about["best_loss"], about["lowest_loss"]
        if about["threads"] != self.threads:
            log.warning("%s began with --threads %d, and goes on with as many to the same end", path, about["threads"])
            self.threads = about["threads"]

    def _shapes(self) -> dict[str, torch.Size]:
        """Of all tensors of a checkpoint after any pass."""
        found: dict[str, torch.Size] = {}
        for part in ("network", "average", "best"):
            found |= {f"{part}.{name}": value.shape for name, value in self._network.state_dict().items()}
        for number, parameter in enumerate(self._network.parameters()):
            found |= {f"adam.{number}.{name}": parameter.shape for name in ("exp_avg", "exp_avg_sq")}
            found[f"adam.{number}.step"] = torch.Size([])
        return found

    @property
    def _checked_texts(self) -> list[str]:
        return [example.text for example in self._checked]

    def _classifier(self, network: Network) -> TextClassifier:
        return TextClassifier(self.arch, self._labels, self._vocabulary, network)

    def _schedule(self, step: int) -> float:
        """Warm-up, then half a cosine down to a fiftieth."""
        done = min(step / (self.epochs * self._steps_a_pass), 1.0)
        return float(min(1.0, (step + 1) / self._warm_up) * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2))

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """The average follows the network, more slowly the longer it goes on."""
        share = min(_AVERAGED, (1 + step) / (10 + step))
        for mean, value in zip(self._average.parameters(), self._network.parameters(), strict=True):
            mean.lerp_(value, 1 - share)

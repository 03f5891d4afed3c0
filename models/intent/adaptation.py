"""Adapts the encoder to short commands: what means the same comes nearer together, on published sets of intents.

Low-rank changes of the linear layers (Hu et al., "LoRA", ICLR 2022) are trained with the supervised contrastive loss
(Khosla et al., NeurIPS 2020) on batches of a few texts each of some intents of one set, while a second term keeps
embeddings near where they were, so that what the sets do not speak of keeps its meaning. What is written is not the
whole way there but a part of it: weights between the general ones and the adapted ones do better on texts of another
kind than those adapted on (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Final

import torch
from rich.progress import MofNCompleteColumn, Progress
from torch import Tensor, nn

from models import labelled_texts, weight_files
from models.intent.background import SETS
from models.intent.contrast import supervised_contrast
from models.language.encoder import Encoder

RANK: Final = 16
STEPS: Final = 200

_ADAPTED: Final = ("query", "key", "value", "dense")
_INTENTS, _TEXTS = 24, 3
_RATE: Final = 1e-3
_WARM_UP: Final = 30
_TEMPERATURE: Final = 0.07
_KEPT: Final = 1.0
# Chosen on parts of the sets' training parts, each with the encoder that was adapted without it.
_WAY: Final = 0.6
# One long text makes the whole batch long, and commands are short.
_LONGEST: Final = 32
# Sets with very many texts an intent add time and no variety.
_MOST: Final = 250

Group = list[tuple[list[int], Tensor]]


class LowRank(nn.Module):
    """A linear layer that stays as it is, and a change of low rank beside it."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(RANK, linear.in_features) / linear.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(linear.out_features, RANK))

    def forward(self, given: Tensor) -> Tensor:
        """``[..., in]`` to ``[..., out]``."""
        changed: Tensor = self.linear(given) + given @ self.a.T @ self.b.T
        return changed


def adapt(
    data: Path,
    out: Path,
    *,
    without: str = "",
    steps: int = STEPS,
    seed: int = 0,
    threads: int = 2,
    progress: bool = True,
) -> None:
    """Trains a change of the encoder and writes it, as ``Encoder.load`` takes it.

    Args:
        data: the folder in which the folders of the sets are.
        without: a set to leave out, so that it can be measured on; its texts are left out wherever they are.

    Raises:
        models.labelled_texts.DataError: a set is not there.
        ValueError: there is no such set to leave out.
    """
    if without and without not in SETS:
        raise ValueError(f"no set {without!r}; there are {', '.join(SETS)}")
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    chance = random.Random(seed)
    encoder = Encoder.load(None)
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), disable=not progress) as bar:
        groups = _groups(data, without, encoder, bar)
        network = encoder.network.requires_grad_(False)
        layers = _with_low_rank(network)
        weights = [parameter for layer in layers.values() for parameter in (layer.a, layer.b)]
        optimizer = torch.optim.AdamW(weights, lr=_RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / _WARM_UP) * max(0.0, 1 - step / steps)
        )
        network.train()
        for _ in bar.track(range(steps), description=f"adapting without {without or 'none'}"):
            loss = _loss(encoder, _drawn(groups, chance))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
    tensors = {}
    for name, layer in layers.items():
        tensors[f"{name}.a"], tensors[f"{name}.b"] = layer.a.detach().half(), (_WAY * layer.b.detach()).half()
    about = {"adapted_on": [name for name in SETS if name != without], "steps": steps, "seed": seed}
    weight_files.write(out, tensors, {"genlock": json.dumps(about)})


def _groups(data: Path, without: str, encoder: Encoder, bar: Progress) -> dict[str, list[Group]]:
    """By set and intent: the tokens of each text and its embedding as it was."""
    sets = {name: labelled_texts.load(data / name) for name in SETS}
    left_out = [example.text for example in (*sets[without].fit, *sets[without].measured)] if without else []
    groups: dict[str, list[Group]] = {}
    for name in bar.track([name for name in SETS if name != without], description="embedding"):
        by_label: dict[str, list[str]] = defaultdict(list)
        for example in labelled_texts.without_copies(labelled_texts.shots(sets[name].fit, _MOST, 0), left_out):
            by_label[example.label].append(example.text)
        for texts in by_label.values():
            tokens = encoder.tokens(texts)
            short = [at for at, ids in enumerate(tokens) if len(ids) <= _LONGEST]
            before = encoder.encode([texts[at] for at in short])
            groups.setdefault(name, []).append([(tokens[at], one) for at, one in zip(short, before, strict=True)])
    return groups


def _with_low_rank(network: nn.Module) -> dict[str, LowRank]:
    """Puts a change beside each linear layer of the encoder's blocks; they by name."""
    found = {}
    for path, module in list(network.named_modules()):
        for name, linear in list(module.named_children()):
            if name in _ADAPTED and isinstance(linear, nn.Linear):
                found[f"{path}.{name}"] = LowRank(linear)
                setattr(module, name, found[f"{path}.{name}"])
    return found


def _drawn(groups: dict[str, list[Group]], chance: random.Random) -> list[Group]:
    """Some texts of some intents of one set, larger sets more often; where there are few intents, more of each."""
    names = list(groups)
    intents = groups[chance.choices(names, [len(groups[name]) ** 0.5 for name in names])[0]]
    some = chance.sample(intents, min(_INTENTS, len(intents)))
    count = _INTENTS * _TEXTS // len(some)
    return [chance.sample(texts, min(count, len(texts))) for texts in some]


def _loss(encoder: Encoder, drawn: list[Group]) -> Tensor:
    found = encoder.embed([ids for texts in drawn for ids, _ in texts])
    before = torch.stack([embedding for texts in drawn for _, embedding in texts])
    intent = torch.tensor([number for number, texts in enumerate(drawn) for _ in texts])
    return supervised_contrast(found, intent, _TEMPERATURE) + _KEPT * (1 - (found * before).sum(1)).mean()

"""The longer fit: the encoder itself is fitted to an app's examples, which takes minutes where the head takes seconds.

Cross entropy over the cosines to a prototype of each label, which begins as the mean of its examples, and the
supervised contrastive loss within the batch (Khosla et al., NeurIPS 2020), as in SetFit (Tunstall et al. 2022) and CPFT
(Zhang et al., EMNLP 2021). A batch has a few examples each of labels whose prototypes are near each other, so that what
is contrasted is what is easily confused. Words of the examples are left out by chance, so that no single one is relied
on.

``python -m models.intent.tuning`` does it in a process of its own: it reads a JSON map of ``Task`` from its standard
input, writes the file and ends. It also ends when the process that started it does.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from models import weight_files
from models.intent.adapted import adapted
from models.intent.contrast import supervised_contrast
from models.language.encoder import Encoder

PROTOTYPES: Final = "prototypes"
"""In what ``tune`` returns, the name of the prototypes; all others are names of weights of the encoder."""
SCALE: Final = 20.0
"""By this a cosine to a prototype becomes a logit."""
MOST_STEPS: Final = 800

_EPOCHS: Final = 8
_BATCH: Final = 48
# Of a label in a batch, so that there are same ones to bring together and others to keep apart.
_TOGETHER: Final = 3
# A batch goes through the encoder in parts of like length: padding costs as much as words.
_PART: Final = 24
_RATE: Final = 1e-4
_PROTOTYPE_RATE: Final = 1e-3
_WARM_UP: Final = 0.1
_DECAY: Final = 0.01
_DROPPED: Final = 0.1
_TEMPERATURE: Final = 0.07
_SHORTEST: Final = 3
# To be changed with anything above that changes what comes out, so that what was kept of the former is not taken.
_RECIPE: Final = 2


@dataclass(frozen=True)
class Task:
    """What the process is to do.

    Attributes:
        texts, labels: the examples.
        out: the file to write.
        threads: that torch may use for one operation.
        niceness: by how much the process steps back.
    """

    texts: list[str]
    labels: list[str]
    out: str
    threads: int = 1
    niceness: int = 15

    def encoded(self) -> bytes:
        """As the process takes it."""
        return json.dumps(asdict(self)).encode()


def digest(encoder: Encoder, texts: Sequence[str], labels: Sequence[str]) -> str:
    """The same where the same comes out: for the same examples in the same order, encoder and recipe."""
    told = json.dumps([_RECIPE, encoder.version, list(texts), list(labels)])
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def tune(
    encoder: Encoder,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    seed: int = 0,
    stepped: Callable[[], None] = lambda: None,
) -> dict[str, Tensor]:
    """Fits the encoder to examples; it stays as it is.

    Args:
        labels: of the texts; two different ones at least.
        stepped: called after each batch.

    Returns:
        What is to be added to the encoder's weights, by their names, float16, for ``Encoder.changed``; and the
        ``PROTOTYPES``, ``[labels, 384]`` float32 of unit length, in the order of the sorted labels.
    """
    names = sorted(set(labels))
    truth = torch.tensor([names.index(label) for label in labels])
    tokens = encoder.tokens(texts)
    own = encoder.changed({}, copied=True)
    weights = {name: weight.requires_grad_() for name, weight in own.tunable().items()}
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    found = torch.zeros(len(names), encoder.encode(texts[:1]).shape[1])
    found.index_add_(0, truth, encoder.encode(texts).clone())
    prototypes = nn.Parameter(nn.functional.normalize(found, dim=1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _train(own, weights, prototypes, tokens, truth, random.Random(seed), stepped)
    changes = {name: (weight.detach() - before[name]).half() for name, weight in weights.items()}
    return {**changes, PROTOTYPES: nn.functional.normalize(prototypes.detach(), dim=1)}


def _train(
    encoder: Encoder,
    weights: dict[str, Tensor],
    prototypes: nn.Parameter,
    tokens: Sequence[Sequence[int]],
    truth: Tensor,
    chance: random.Random,
    stepped: Callable[[], None],
) -> None:
    groups = [{"params": list(weights.values()), "lr": _RATE, "weight_decay": _DECAY}]
    groups.append({"params": [prototypes], "lr": _PROTOTYPE_RATE, "weight_decay": 0.0})
    optimizer = torch.optim.AdamW(groups)
    steps = min(MOST_STEPS, _EPOCHS * -(-len(tokens) // _BATCH))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (_WARM_UP * steps)) * max(0.0, 1 - step / steps)
    )
    _train_dropout(encoder.network)
    waiting: list[list[int]] = []
    for _ in range(steps):
        if not waiting:
            waiting = _batches(truth.tolist(), prototypes.detach(), chance)
        # Parts are of like length, and what is of like length need not be alike.
        rows = sorted(waiting.pop(), key=lambda row: len(tokens[row]))
        parts = [rows[at : at + _PART] for at in range(0, len(rows), _PART)]
        found = torch.cat([encoder.embed([_without_some(tokens[row], chance) for row in part]) for part in parts])
        loss = _loss(found, truth[rows], prototypes)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        schedule.step()
        stepped()


def _batches(labels: Sequence[int], prototypes: Tensor, chance: random.Random) -> list[list[int]]:
    """All rows once, in full batches but for one, each of labels that are near to one drawn by chance."""
    directions = nn.functional.normalize(prototypes, dim=1)
    near: list[list[float]] = (directions @ directions.T).tolist()
    left: dict[int, list[int]] = defaultdict(list)
    for row in chance.sample(range(len(labels)), len(labels)):
        left[labels[row]].append(row)
    batches = []
    while left:
        to = near[chance.choice(sorted(left))]
        batch: list[int] = []
        while left and len(batch) < _BATCH:
            for label in sorted(left, key=lambda label: -to[label]):
                count = min(_TOGETHER, _BATCH - len(batch))
                batch += left[label][:count]
                left[label] = left[label][count:]
            left = {label: rows for label, rows in left.items() if rows}
        batches.append(batch)
    chance.shuffle(batches)
    return batches


def _loss(found: Tensor, truth: Tensor, prototypes: Tensor) -> Tensor:
    logits = SCALE * found @ nn.functional.normalize(prototypes, dim=1).T
    return nn.functional.cross_entropy(logits, truth) + supervised_contrast(found, truth, _TEMPERATURE)


def _train_dropout(network: nn.Module) -> None:
    """Dropout between the layers but not of attention, which would then take a slower way."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()


def _without_some(tokens: Sequence[int], chance: random.Random) -> Sequence[int]:
    """Tokens without some of those between the first and the last, which stand for no words."""
    words = tokens[1:-1]
    if len(words) < _SHORTEST:
        return tokens
    kept = [one for one in words if chance.random() >= _DROPPED] or words
    return [tokens[0], *kept, tokens[-1]]


def main() -> None:
    """The process."""
    parent = os.getppid()
    task = Task(**json.loads(sys.stdin.buffer.read()))
    os.nice(task.niceness)
    torch.set_num_threads(task.threads)

    def stepped() -> None:
        if os.getppid() != parent:
            sys.exit("nobody waits for this any more")

    weight_files.write(Path(task.out), tune(Encoder.load(adapted()), task.texts, task.labels, stepped=stepped))


if __name__ == "__main__":
    main()

"""A trained classifier: one safetensors file with everything that it takes to read a text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file
from torch import Tensor

from models import weight_files
from models.text.header import FORMAT, header
from models.text.networks import Network
from models.text.preprocessing import PAD, UNKNOWN, Vocabulary, pieces, tokenize

_BATCH: Final = 256

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class TextClassifier:
    """Reads texts.

    Attributes:
        arch: one of ``models.text.networks.ARCHITECTURES``.
        labels: in the order of the probabilities.
        about: what else is known of it: plain values.
    """

    def __init__(
        self, arch: str, labels: Sequence[str], vocabulary: Vocabulary, network: Network, temperature: float = 1.0
    ) -> None:
        self.arch = arch
        self.labels = tuple(labels)
        self.vocabulary = vocabulary
        self.network = network
        self.temperature = temperature
        self.about: dict[str, Any] = {}

    @torch.inference_mode()
    def probabilities(self, texts: Sequence[str]) -> Tensor:
        """Probabilities ``[N, labels]`` float32. Any string will do; one without words gets equal ones."""
        self.network.eval()
        tokens = [tokenize(text) for text in texts]
        found = torch.full((len(texts), len(self.labels)), 1 / max(len(self.labels), 1))
        order = sorted((at for at, some in enumerate(tokens) if some), key=lambda at: len(tokens[at]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            scores = self.network(*batch([tokens[row] for row in rows], self.vocabulary))
            found[rows] = (scores / self.temperature).softmax(-1)
        return found

    def knows(self, text: str) -> bool:
        """Whether a text has a word or number that it was fitted to; of others it can only guess."""
        return any(token[0].isalnum() and self.vocabulary.has_met(token) for token in tokenize(text))

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        about = {
            "format": FORMAT,
            "arch": self.arch,
            "labels": self.labels,
            "vocabulary": self.vocabulary.to_json(),
            "temperature": self.temperature,
            "about": self.about,
        }
        weight_files.write(path, self.network.state_dict(), {"genlock": json.dumps(about, ensure_ascii=False)})

    @classmethod
    def load(cls, path: Path) -> TextClassifier:
        """Reads what ``save`` wrote.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no classifier.
        """
        about, weights = header(path), load_file(path)
        try:
            vocabulary = Vocabulary.from_json(about["vocabulary"])
            network = Network(about["arch"], len(vocabulary), len(about["labels"]))
            network.load_state_dict(weights)
            found = cls(about["arch"], about["labels"], vocabulary, network, float(about["temperature"]))
        except (KeyError, RuntimeError, TypeError, ValueError) as problem:
            raise ValueError(f"{path}: damaged: {problem}; train it again with: genlock train text") from None
        found.about = about["about"]
        return found


def batch(
    texts: Sequence[Sequence[str]],
    vocabulary: Vocabulary,
    *,
    forget: float = 0.0,
    chance: torch.Generator | None = None,
) -> Batch:
    """Tokens of texts as ``models.text.networks.Words`` takes them.

    Args:
        forget: the share of words whose own number is hidden, so that their pieces have to do.
    """
    rows: dict[str, int] = {}
    places = torch.zeros(len(texts), max((1, *map(len, texts))), dtype=torch.long)
    for at, text in enumerate(texts):
        places[at, : len(text)] = torch.tensor([rows.setdefault(token, len(rows) + 1) for token in text])
    split = [[0], *(pieces(token) for token in rows)]
    lengths = torch.tensor([0, *(len(one) for one in split[:-1])])
    numbers = torch.tensor([PAD, *(vocabulary.number(token) for token in rows)])
    if forget:
        hidden = torch.rand(len(numbers), generator=chance) < forget
        hidden[0] = False
        numbers[hidden] = UNKNOWN
    return numbers, torch.tensor([piece for one in split for piece in one]), lengths.cumsum(0), places

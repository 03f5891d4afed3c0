"""The three networks: from embedded words to one score a label.

``cnn``: Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014. ``lstm``: Hochreiter and
Schmidhuber, "Long Short-Term Memory", 1997, in both directions. ``transformer``: Vaswani et al., "Attention Is All You
Need", NeurIPS 2017, with the normalization first. All pool their outputs over the words.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from models.text.preprocessing import BUCKETS, MAX_TOKENS, PAD

WIDTH: Final = 192


class Words(nn.Module):
    """Embeddings of a batch's words, each the sum of its own and the mean of its pieces'.

    A batch is told by its different words, so that a word that is there often is embedded once: ``numbers`` ``[U]``
    int64 of those words, ``pieces`` ``[P]`` int64 of all their pieces in a row, ``offsets`` ``[U]`` where each word's
    begin, and ``places`` ``[N, T]`` int64, which of the words stands where. Word 0 pads.
    """

    def __init__(self, vocabulary: int, dropout: float) -> None:
        super().__init__()
        self.own = nn.Embedding(vocabulary, WIDTH, padding_idx=PAD)
        self.pieces = nn.EmbeddingBag(BUCKETS, WIDTH, mode="mean")
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.own.weight, std=0.1)
        nn.init.normal_(self.pieces.weight, std=0.1)

    def forward(self, numbers: Tensor, pieces: Tensor, offsets: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings ``[N, T, WIDTH]`` and a mask ``[N, T]`` of what is no padding."""
        table = self.own(numbers) + self.pieces(pieces, offsets)
        mask = places != 0
        return self.dropout(table[places] * mask.unsqueeze(-1)), mask


class Cnn(nn.Module):
    """Filters over one to five words, each at its strongest."""

    filters = 256

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(WIDTH, self.filters, width, padding=width // 2) for width in (1, 2, 3, 4, 5)
        )
        self.width = self.filters * len(self.convolutions)

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """``[N, T, WIDTH]`` and ``[N, T]`` to ``[N, width]``."""
        turned = embedded.transpose(1, 2)
        length = mask.shape[1]
        found = []
        for convolution in self.convolutions:
            values = torch.relu(convolution(turned))[..., :length].masked_fill(~mask.unsqueeze(1), 0.0)
            found.append(values.amax(-1))
        return torch.cat(found, dim=-1)


class Lstm(nn.Module):
    """An LSTM each way; maximum and mean over the words."""

    units = 256

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, self.units, batch_first=True, bidirectional=True)
        self.width = 4 * self.units

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """``[N, T, WIDTH]`` and ``[N, T]`` to ``[N, width]``."""
        lengths = mask.sum(1).clamp_min(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=mask.shape[1])
        return _pooled(hidden, mask)


class Transformer(nn.Module):
    """Two layers of self-attention over words and their positions; maximum and mean over the words."""

    layers, heads = 2, 6

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(MAX_TOKENS, WIDTH) * 0.02)
        layer = nn.TransformerEncoderLayer(
            WIDTH, self.heads, 2 * WIDTH, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, self.layers, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.width = 2 * WIDTH

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """``[N, T, WIDTH]`` and ``[N, T]`` to ``[N, width]``."""
        placed = embedded + self.positions[: mask.shape[1]]
        # A row that is all padding would have nothing to attend to.
        ignored = ~mask
        ignored[:, 0] = False
        return _pooled(self.encoder(placed, src_key_padding_mask=ignored), mask)


ARCHITECTURES: Final[dict[str, type[Cnn | Lstm | Transformer]]] = {"lstm": Lstm, "cnn": Cnn, "transformer": Transformer}


class Network(nn.Module):
    """Words, one of ``ARCHITECTURES``, and a layer of scores.

    Raises:
        ValueError: there is no such architecture.
    """

    def __init__(self, arch: str, vocabulary: int, labels: int, *, dropout: float = 0.5) -> None:
        super().__init__()
        if arch not in ARCHITECTURES:
            raise ValueError(f"no architecture {arch!r}; there are {', '.join(ARCHITECTURES)}")
        self.words = Words(vocabulary, 0.3)
        self.body: Cnn | Lstm | Transformer = ARCHITECTURES[arch]()
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(self.body.width, labels)

    def forward(self, numbers: Tensor, pieces: Tensor, offsets: Tensor, places: Tensor) -> Tensor:
        """Scores ``[N, labels]`` of a batch as ``Words`` takes it."""
        embedded, mask = self.words(numbers, pieces, offsets, places)
        scores: Tensor = self.scores(self.dropout(self.body(embedded, mask)))
        return scores


def _pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """Maximum and mean over words, ``[N, T, D]`` to ``[N, 2 D]``; zeros where there are none."""
    shown = mask.unsqueeze(-1)
    mean = (hidden * shown).sum(1) / shown.sum(1).clamp_min(1)
    maximum = hidden.masked_fill(~shown, -1e4).amax(1) * mask.any(1, keepdim=True)
    return torch.cat((maximum, mean), dim=-1)

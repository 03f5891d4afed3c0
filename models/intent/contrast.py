"""The supervised contrastive loss (Khosla et al., NeurIPS 2020, arXiv:2004.11362)."""

from __future__ import annotations

import torch
from torch import Tensor


def supervised_contrast(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Small where embeddings of the same label are nearer to each other than to all others; a scalar.

    Args:
        embeddings: ``[N, D]`` of unit length.
        labels: ``[N]``. Rows whose label no other row has count only as others; 0 where all are such.
        temperature: of the cosines.
    """
    itself = torch.eye(len(embeddings), dtype=torch.bool)
    same = (labels[:, None] == labels[None]) & ~itself
    near = (embeddings @ embeddings.T / temperature).masked_fill(itself, -1e9)
    likely = near - near.logsumexp(1, keepdim=True)
    paired = same.any(1)
    each = -(likely * same).sum(1)[paired] / same.sum(1)[paired]
    return each.sum() / paired.sum().clamp_min(1)

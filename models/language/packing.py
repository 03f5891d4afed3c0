"""Linear layers whose weights lie beforehand as oneDNN multiplies by them, for inference on a CPU.

A sentence has ten tokens, so a linear layer's time is that of reading its weights, and laying them out anew at every
call, as is done otherwise, takes longer than the product. The numbers are the same to 1e-6.
"""

from __future__ import annotations

import copy
from typing import Final

import torch
from torch import Tensor, nn

_ROWS: Final = 16
"""Tokens that the layout is best for; any number will do."""


def packed(network: nn.Module) -> nn.Module:
    """A copy of a network for inference, which shares all weights but those of its linear layers.

    Where this torch cannot do it, or the weights are not on a CPU, it is the network itself.
    """
    if not _can_pack(network):
        return network
    replaced: dict[int, object] = {
        id(module): _Packed(module) for module in network.modules() if isinstance(module, nn.Linear)
    }
    shared = {id(weight): weight for weight in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, {**shared, **replaced})


class _Packed(nn.Module):
    """Stands in for a linear layer. The operator is the one that torch's own compiler calls for it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), _ROWS)
        self._bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, rows: Tensor) -> Tensor:
        product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, "none", [], "")
        return product


def _can_pack(network: nn.Module) -> bool:
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise") and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    on_cpu = all(weight.device.type == "cpu" and weight.dtype == torch.float32 for weight in network.parameters())
    return bool(torch.backends.mkldnn.is_available()) and known and on_cpu  # type: ignore[no-untyped-call]

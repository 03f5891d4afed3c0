"""How much of everything there may be. Free of torch, so that what only talks about models need not load it."""

from __future__ import annotations

from typing import Final

DEVICES: Final = ("head", "left", "right")
"""What a forecast is made of, in the order of its rows."""

MAX_HORIZONS: Final = 8
MAX_HORIZON_S: Final = 0.25
MAX_TARGETS: Final = 64

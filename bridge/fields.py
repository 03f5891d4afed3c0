"""The types of keys on the wire and in app manifests, with their limits."""

from __future__ import annotations

from typing import Annotated

import msgspec

from models.limits import MAX_HORIZON_S

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Name = Annotated[str, msgspec.Meta(max_length=256)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Microseconds = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Coordinate = Annotated[float, msgspec.Meta(ge=-10_000, le=10_000)]
Length = Annotated[float, msgspec.Meta(ge=0, le=10_000)]
Unit = Annotated[float, msgspec.Meta(ge=0, le=1)]
HorizonMs = Annotated[float, msgspec.Meta(ge=0, le=1000 * MAX_HORIZON_S)]

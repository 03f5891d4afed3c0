"""How what happens is logged, by the daemon and by its children alike."""

from __future__ import annotations

import logging


def begin(level: int | str) -> None:
    """Logs to standard error from now on, what is at least of this level."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S")

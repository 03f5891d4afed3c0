"""``python -m bridge`` is ``genlock``."""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> None:
    """Runs the command line."""
    try:
        # Takes a second, in which somebody may think better of it.
        from bridge.cli import app
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    app()


if __name__ == "__main__":
    main()

"""``python -m bridge`` is ``genlock``."""

from __future__ import annotations

import errno
import os
import sys

_INTERRUPTED = 130
# What writing to standard output fails with, but for a reader that is gone, which ends a command in peace.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main() -> None:
    """Runs the command line."""
    try:
        # To load it and to put it together takes a second or two, in which somebody may think better of it.
        from bridge.cli import app

        app()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        from bridge.cli.errors import complain

        complain(f"writing failed: {error.strerror}")
        # What is left in the buffer would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


if __name__ == "__main__":
    main()

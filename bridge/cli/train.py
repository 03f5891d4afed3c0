"""``genlock train``: the frame models anew, from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.errors import fail

app = typer.Typer(help="Train a model anew.", no_args_is_help=True)

"""``genlock train``: the frame models anew, from recordings."""

from __future__ import annotations

import typer

app = typer.Typer(help="Train a model anew.", no_args_is_help=True)

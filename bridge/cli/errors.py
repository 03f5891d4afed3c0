"""How a command says that it cannot go on."""

from __future__ import annotations

import os
from typing import NoReturn

import typer

WRONG_USE = 2


def complain(message: str) -> None:
    """Prints one line on standard error, in red unless ``NO_COLOR`` is set (https://no-color.org)."""
    colour = None if os.environ.get("NO_COLOR") else typer.colors.RED
    typer.secho(f"genlock: {message}", err=True, fg=colour)


def fail(message: str, *, code: int = WRONG_USE) -> NoReturn:
    """Complains and exits; 2 for what the caller can mend, 1 for what broke here."""
    complain(message)
    raise typer.Exit(code)

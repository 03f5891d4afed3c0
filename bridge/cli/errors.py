"""How a command says that it cannot go on."""

from __future__ import annotations

from typing import NoReturn

import typer

WRONG_USE = 2


def fail(message: str, *, code: int = WRONG_USE) -> NoReturn:
    """Prints one line on standard error and exits; 2 for what the caller can mend, 1 for what broke here."""
    typer.secho(f"genlock: {message}", err=True, fg=typer.colors.RED)
    raise typer.Exit(code)

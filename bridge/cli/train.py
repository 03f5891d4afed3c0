"""``genlock train``: the frame models anew, from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.errors import fail

app = typer.Typer(help="Train a model anew.", no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="A folder in the format of vr_objects.", file_okay=False)]
Out = Annotated[Path, typer.Option("--out", help="The weights file to write.", dir_okay=False)]
Users = Annotated[str | None, typer.Option("--users", help="Whom to train on, as u06,u07; else as the shipped one.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Passes over the data; else as the shipped one.", min=1)]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same weights.")]
Threads = Annotated[int, typer.Option("--threads", help="Threads that torch may use.", min=1)]


@app.command()
def forecast(
    data: Data, out: Out, users: Users = None, epochs: Epochs = None, seed: Seed = 0, threads: Threads = 2
) -> None:
    """Where head and hands will be."""
    # torch takes seconds to load; commands that do without it must not wait.
    from models.forecast import training

    _train(training.train, data, out, users, epochs, seed, threads)


@app.command()
def target(
    data: Data,
    out: Out,
    users: Users = None,
    calibrated_on: Annotated[
        str | None, typer.Option("--calibrated-on", help="Of them, on whom to calibrate; else as the shipped one.")
    ] = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    threads: Threads = 2,
) -> None:
    """Which target is meant."""
    from models.target import training

    extra = {} if calibrated_on is None else {"calibrated_on": _names(calibrated_on)}
    _train(training.train, data, out, users, epochs, seed, threads, **extra)


def _train(
    train: Any, data: Path, out: Path, users: str | None, epochs: int | None, seed: int, threads: int, **chosen: Any
) -> None:
    if users is not None:
        chosen["users"] = _names(users)
    if epochs is not None:
        chosen["epochs"] = epochs
    try:
        train(data, out, seed=seed, threads=threads, **chosen)
    except (ValueError, OSError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written")
        raise typer.Exit(130) from None
    typer.echo(f"{out}: written. Try it with: genlock evaluate {train.__module__.split('.')[1]} --weights {out}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))

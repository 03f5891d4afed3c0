"""``genlock train``: the models anew, from recordings or from labelled texts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from bridge.cli.errors import fail
from models import output_folder

app = typer.Typer(help="Train a model anew.", no_args_is_help=True)


class Arch(StrEnum):
    """Kinds of text classifiers."""

    LSTM = "lstm"
    CNN = "cnn"
    TRANSFORMER = "transformer"


Data = Annotated[Path, typer.Option("--data", help="A folder in the format of vr_objects.", file_okay=False)]
Out = Annotated[Path, typer.Option("--out", help="The weights file to write.", dir_okay=False)]
Users = Annotated[str | None, typer.Option("--users", help="Whom to train on, as u06,u07; else as the shipped one.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Passes over the data; else as the shipped one.", min=1)]
Seed = Annotated[
    int, typer.Option("--seed", help="The same seed gives the same weights with as many threads.", min=0, max=2**32 - 1)
]
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


@app.command()
def text(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="A folder in the format of clinc150, banking77, hwu64 or snips. Without a test part (test.csv beside"
            " train.csv) a fifth of its texts, but half of those of rare labels, is kept for genlock evaluate.",
            file_okay=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write.", dir_okay=False)],
    arch: Annotated[Arch, typer.Option("--arch", help="What kind of network.")] = Arch.LSTM,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the texts at most.", min=1)] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on from a checkpoint.")] = False,
    seed: Seed = 0,
    threads: Threads = 2,
) -> None:
    """A text classifier of your own labelled texts, for an app's manifest. What was cut off goes on when run again."""
    from models.text import training

    _check_writable(out)
    try:
        trained = training.train(data, out, arch=arch, epochs=epochs, seed=seed, threads=threads, resume=not fresh)
    except (ValueError, OSError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        typer.echo("stopped; run the same again to go on from the last checkpoint")
        raise typer.Exit(130) from None
    texts, right = trained.about["texts"], 100 * trained.about["checked_accuracy"]
    typer.echo(
        f"{texts['fitted']} texts were fitted to, {texts['checked']} told when to stop ({right:.2f} % of them right),"
        f" {texts['measured']} are kept for genlock evaluate"
    )
    if texts["carved"]:
        typer.echo("these are taken from train; with a test part (test.csv beside train.csv) all of train is used")
    files = f"--data {quote(str(data))} --weights {quote(str(out))}"
    typer.echo(f"{out}: written. Try it with: genlock evaluate text {files}")


@app.command()
def encoder(
    data: Annotated[
        Path,
        typer.Option("--data", help="The folder with the folders clinc150, banking77, hwu64, snips.", file_okay=False),
    ],
    out: Out,
    without: Annotated[str, typer.Option("--without", help="A set to leave out, so that it can be measured on.")] = "",
    steps: Annotated[int | None, typer.Option("--steps", help="Batches; else as the shipped one.", min=1)] = None,
    seed: Seed = 0,
    threads: Threads = 2,
) -> None:
    """The sentence encoder's adaptation to short commands."""
    from models.intent import adaptation

    _check_writable(out)
    try:
        adaptation.adapt(data, out, without=without, steps=steps or adaptation.STEPS, seed=seed, threads=threads)
    except (ValueError, OSError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written")
        raise typer.Exit(130) from None
    typer.echo(f"{out}: written")


def _train(
    train: Any, data: Path, out: Path, users: str | None, epochs: int | None, seed: int, threads: int, **chosen: Any
) -> None:
    if users is not None:
        chosen["users"] = _names(users)
    if epochs is not None:
        chosen["epochs"] = epochs
    _check_writable(out)
    try:
        train(data, out, seed=seed, threads=threads, **chosen)
    except (ValueError, OSError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written")
        raise typer.Exit(130) from None
    model = train.__module__.split(".")[1]
    files = f"--data {quote(str(data))} --weights {quote(str(out))}"
    typer.echo(f"{out}: written. Try it with: genlock evaluate {model} {files}")


def _check_writable(out: Path) -> None:
    """Ends the command at once where a training could not write what it took hours for."""
    try:
        output_folder.prepare(out.parent)
    except OSError as error:
        fail(f"{out}: cannot be written: {error}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))

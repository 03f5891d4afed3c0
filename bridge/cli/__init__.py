"""The command ``genlock``: one module a command, put together here."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge import __version__
from bridge.cli import bench, demo, evaluate, profiles, recording, say, serve, simulate, train

app = typer.Typer(
    name="genlock",
    help="AI locked to the headset's frame clock.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve.serve)
app.command()(simulate.simulate)
app.command()(demo.demo)
app.command()(say.say)
app.add_typer(bench.app, name="bench")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(profiles.app, name="profiles")
app.add_typer(recording.app, name="recording")
app.add_typer(train.app, name="train")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"genlock {__version__}")
        raise typer.Exit


@app.callback()
def _genlock(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version

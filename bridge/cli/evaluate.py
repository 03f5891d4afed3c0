"""``genlock evaluate``: the shipped models against their baselines, on any folder of recordings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.errors import fail

app = typer.Typer(help="Measure the shipped models beside their baselines.", no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="A folder in the format of vr_objects.", file_okay=False)]
Weights = Annotated[Path | None, typer.Option("--weights", help="Other weights than the shipped ones.")]
Users = Annotated[str | None, typer.Option("--users", help="Whom to measure on, as u15,u16; else all not trained on.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def forecast(data: Data, weights: Weights = None, users: Users = None, as_json: Json = False) -> None:
    """Head and hand forecasts beside constant velocity and holding still."""
    # torch takes seconds to load; commands that do without it must not wait.
    from models.forecast import evaluation

    _report(evaluation.evaluate, evaluation.table, data, weights, users, as_json)


@app.command()
def target(data: Data, weights: Weights = None, users: Users = None, as_json: Json = False) -> None:
    """Which target is meant, beside the best single ray."""
    from models.target import evaluation

    _report(evaluation.evaluate, evaluation.table, data, weights, users, as_json)


def _report(
    evaluate: Callable[..., dict[str, Any]],
    table: Callable[[dict[str, Any]], Any],
    data: Path,
    weights: Path | None,
    users: str | None,
    as_json: bool,
) -> None:
    named = frozenset(filter(None, (name.strip() for name in users.split(",")))) if users is not None else None
    try:
        result = evaluate(data, weights=weights, users=named, progress=not as_json)
    except (ValueError, OSError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    from rich.console import Console

    tables = table(result)
    for one in tables if isinstance(tables, list) else [tables]:
        Console().print(one)

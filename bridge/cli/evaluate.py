"""``genlock evaluate``: the models against their baselines, on any folder of recordings or of labelled texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.errors import fail

app = typer.Typer(help="Measure the shipped models beside their baselines.", no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="A folder in the format of vr_objects.", file_okay=False)]
Weights = Annotated[Path | None, typer.Option("--weights", help="Other weights than the shipped ones.")]
Users = Annotated[str | None, typer.Option("--users", help="Whom to measure on, as u15,u16; else all not trained on.")]
Texts = Annotated[
    Path, typer.Option("--data", help="A folder in the format of clinc150, banking77, hwu64 or snips.", file_okay=False)
]
Threads = Annotated[int, typer.Option("--threads", help="Threads that torch may use.", min=1)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


class Part(StrEnum):
    """Of what is learned."""

    FORECAST = "forecast"
    TARGET = "target"
    PHRASE = "phrase"
    GESTURE = "gesture"


@app.command()
def forecast(data: Data, weights: Weights = None, users: Users = None, as_json: Json = False) -> None:
    """Head and hand forecasts beside constant velocity and holding still."""
    # torch takes seconds to load; commands that do without it must not wait.
    from models.forecast import evaluation

    _report(evaluation.evaluate, evaluation.table, data, as_json, weights=weights, users=_named(users))


@app.command()
def target(data: Data, weights: Weights = None, users: Users = None, as_json: Json = False) -> None:
    """Which target is meant, beside the best single ray."""
    from models.target import evaluation

    _report(evaluation.evaluate, evaluation.table, data, as_json, weights=weights, users=_named(users))


@app.command()
def intent(
    data: Texts,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the longer fit, which takes minutes.")] = False,
    draws: Annotated[int, typer.Option("--draws", help="Choices of the few examples to average over.", min=1)] = 3,
    threads: Threads = 2,
    as_json: Json = False,
) -> None:
    """Which intent a text means, from few examples and from all, beside the encoder as published."""
    from models.intent import evaluation

    _report(evaluation.evaluate, evaluation.table, data, as_json, quick=quick, draws=draws, threads=threads)


@app.command()
def text(
    data: Texts,
    weights: Annotated[
        Path,
        typer.Option("--weights", help="A classifier, as genlock train text writes it.", exists=True, dir_okay=False),
    ],
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the confusion matrix into this PNG.", dir_okay=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """A trained text classifier: accuracy, precision, recall, F1 and confusions."""
    from models.text import evaluation

    _report(evaluation.evaluate, evaluation.table, data, as_json, weights=weights, picture=picture)


@app.command()
def gesture(
    data: Annotated[
        Path,
        typer.Option("--data", help="A folder in the format of shrec2017_skeleton or vr_objects.", file_okay=False),
    ],
    background: Annotated[
        Path | None,
        typer.Option("--background", help="Recordings in which nobody gestures, as vr_objects.", file_okay=False),
    ] = None,
    threads: Threads = 2,
    as_json: Json = False,
) -> None:
    """Gestures: hand skeletons of people never seen, few examples of one's own, false activations."""
    from models.gesture import evaluation

    _report(evaluation.evaluate, evaluation.table, data, as_json, background=background, threads=threads)


@app.command()
def vision(
    data: Annotated[
        Path,
        typer.Option("--data", help="A folder of pictures with labels.tsv: file, tab, label.", file_okay=False),
    ],
    draws: Annotated[int, typer.Option("--draws", help="Choices of the few examples to average over.", min=1)] = 10,
    threads: Threads = 2,
    as_json: Json = False,
) -> None:
    """What pictures show, beside the published figure; and things taught by five pictures."""
    from models.vision import evaluation

    _report(evaluation.evaluate, evaluation.table, data, as_json, draws=draws, threads=threads)


@app.command()
def speech(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="A folder with transcripts.tsv and audio/, or with labels.json, a Rhino grammar *.yaml and audio/.",
            file_okay=False,
        ),
    ],
    model: Annotated[
        str, typer.Option("--model", help="A Whisper model by folder or name; else the packaged one.")
    ] = "",
    noise: Annotated[bool, typer.Option("--noise", help="Also with babble, at 24, 18, 12 and 6 dB.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="So many clips at most; 0 for all.", min=0)] = 0,
    threads: Annotated[int, typer.Option("--threads", help="Threads that recognition may use.", min=1)] = 1,
    as_json: Json = False,
) -> None:
    """Words, or commands with all their slots, from sound; and how long after the end of speech they are there."""
    try:
        from models.speech import evaluation
    except ImportError as error:
        fail(f"speech is not installed ({error.name} is missing); in Genlock's checkout: pip install '.[speech]'")
    _report(
        evaluation.evaluate,
        evaluation.table,
        data,
        as_json,
        model=model,
        noise=noise,
        limit=limit,
        threads=threads,
    )


@app.command()
def personal(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="A folder with the folders vr_objects_headhandgaze, shrdlurn and shrec2017_skeleton, or one of these.",
            file_okay=False,
        ),
    ],
    part: Annotated[list[Part] | None, typer.Option("--part", help="Only this part. May be given again.")] = None,
    as_json: Json = False,
) -> None:
    """What learning of each user brings: forecasts, pointing, phrases and gestures, beside not learning."""
    from models import personal as evaluation

    parts = tuple(one.value for one in part or Part)
    _report(evaluation.evaluate, evaluation.table, data, as_json, parts=parts)


def _named(users: str | None) -> frozenset[str] | None:
    return frozenset(filter(None, (name.strip() for name in users.split(",")))) if users is not None else None


def _report(
    evaluate: Callable[..., dict[str, Any]],
    table: Callable[[dict[str, Any]], Any],
    data: Path,
    as_json: bool,
    **settings: Any,
) -> None:
    try:
        result = evaluate(data, progress=not as_json, **settings)
    except (ValueError, OSError, ImportError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    from rich.console import Console

    tables = table(result)
    for one in tables if isinstance(tables, list) else [tables]:
        Console().print(one)

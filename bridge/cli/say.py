"""``genlock say``: what an utterance would do in an app, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.app import is_spoken_to
from bridge.cli.errors import fail
from bridge.manifest import Manifest, ManifestError, load


def say(
    text: Annotated[str, typer.Argument(help="What the user says.")],
    app: Annotated[Path, typer.Option(help="The app's manifest; its targets are the scene.")],
    look: Annotated[str, typer.Option(help="The id or name of the target that is looked and pointed at.")] = "",
    last: Annotated[str, typer.Option(help="The id or name of the target that was spoken of last.")] = "",
    cache: Annotated[
        Path | None, typer.Option(help="The folder that keeps longer fits of apps; else the user's cache folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Say what an utterance would do in an app, and why; with the app's longer fit, if one is kept."""
    try:
        manifest = load(app)
        looked, spoken = _target(manifest, look), _target(manifest, last)
    except (ManifestError, LookupError) as error:
        fail(str(error))
    if not is_spoken_to(manifest.app):
        fail(f"{app}: app {manifest.app.name!r} has no phrases")
    # torch takes seconds to load; commands that do without it must not wait.
    from bridge.event_path.apps import understand
    from models.intent import background
    from models.intent.adapted import adapted
    from models.intent.tuned import Cache, default_cache
    from models.language.app_actions import PhraseIntents
    from models.language.dialogue import Question
    from models.language.encoder import Encoder
    from models.language.references import Candidate, Situation
    from models.language.understanding import read

    try:
        encoder = Encoder.load(adapted())
        understanding = understand(manifest.app, encoder, encoder.encode(background.texts()).numpy())
        intents = understanding.intents
        folder = cache or default_cache()
        if folder is not None and isinstance(intents, PhraseIntents) and intents.tunable:
            intents.tuned = Cache(folder).load(encoder, intents.texts, intents.labels)
    except (OSError, ValueError) as error:
        fail(str(error))
    candidates = tuple(
        Candidate(target.id, target.name, tuple(target.aliases), target.position, target.size)
        for target in manifest.targets
    )
    share = 0.1 / max(len(candidates) - 1, 1)
    pointing = tuple(0.9 if one.id == looked else share for one in candidates) if looked else None
    # What is no UTF-8 in a shell's argument comes as lone surrogates.
    text = text.encode("utf-8", "replace").decode()
    reading = read(encoder, [(understanding, Question(text, Situation(candidates, pointing, last=spoken or None)))])[0]
    if as_json:
        typer.echo(json.dumps(asdict(reading), indent=2, ensure_ascii=False))
        return
    _print(asdict(reading))


def _target(manifest: Manifest, name: str) -> str:
    for target in manifest.targets:
        if name and name.casefold() in (target.id.casefold(), target.name.casefold()):
            return target.id
    if name:
        known = ", ".join(target.id for target in manifest.targets) or "none; list some as [[targets]]"
        raise LookupError(f"{manifest.path}: no target {name!r}; there are {known}")
    return ""


def _print(reading: dict[str, Any]) -> None:
    why = reading["why"]
    if not reading["action"] and (reading["teaches_phrase"] or reading["teaches_name"]):
        typer.secho(why[0], bold=True)
        why = why[1:]
    elif not reading["action"]:
        typer.secho(f"nothing: {reading['problem']}", bold=True)
    else:
        said = [reading["action"], *(f"{name}={value!r}" for name, value in reading["arguments"].items())]
        if reading["target"]:
            said.insert(1, f"target={reading['target']}")
        typer.secho(f"{' '.join(said)}  ({reading['confidence']:.2f})", bold=True)
        if reading["missing"]:
            typer.echo(f"waits for {', '.join(reading['missing'])}: {reading['problem']}")
    for line in why:
        typer.echo(f"  {line}")
    if reading["ranking"]:
        ranked = ", ".join(f"{name} {probability:.2f}" for name, probability in reading["ranking"])
        typer.echo(f"  actions: {ranked}")

"""How often texts of ``tests/said`` do something, in the sample apps and others: ``python -m tests.said_texts``.

``texts.tsv`` has texts that order nothing (wanted is ``-``) and orders. Its part ``once`` was written before the rules
of ``models.language.orders`` and looked at when they were made, its part ``seen`` while they were. ``orders.tsv`` has
orders, and ``small_talk.txt`` remarks that order nothing. Prints what ``models/intent/CARD.md`` tells.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from bridge.event_path.apps import understand
from bridge.manifest import load
from models.intent import background
from models.intent.adapted import adapted
from models.language.dialogue import Question
from models.language.encoder import Encoder
from models.language.references import Candidate, Situation
from models.language.understanding import read

SAID = Path(__file__).parent / "said"
APPS = (SAID / "apps", Path(__file__).parents[1] / "samples" / "apps")


class Reader:
    """Reads texts as those of somebody who looks at the first thing of the scene and has spoken of the second."""

    def __init__(self) -> None:
        self._encoder = Encoder.load(adapted())
        self._around = self._encoder.encode(background.texts()).numpy()

    def actions(self, app: str, texts: Sequence[str]) -> list[tuple[str, bool]]:
        """The action that each text means, empty for none; and whether one was likely enough, but not ordered."""
        manifest = load(next(folder / f"{app}.toml" for folder in APPS if (folder / f"{app}.toml").is_file()))
        understanding = understand(manifest.app, self._encoder, self._around)
        things = tuple(
            Candidate(one.id, one.name, tuple(one.aliases), one.position, one.size) for one in manifest.targets
        )
        pointed = tuple(0.02 if at else 0.82 for at in range(len(things))) or None
        situation = Situation(things, pointed, None, things[1].id if len(things) > 1 else None)
        readings = read(self._encoder, [(understanding, Question(text, situation)) for text in texts])
        enough = manifest.app.confidence
        return [(one.action, not one.action and any(odds >= enough for _, odds in one.ranking)) for one in readings]


def rows(name: str) -> list[dict[str, str]]:
    with (SAID / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def meant(reader: Reader, some: Iterable[dict[str, str]]) -> list[tuple[dict[str, str], tuple[str, bool]]]:
    by_app: dict[str, list[dict[str, str]]] = {}
    for row in some:
        by_app.setdefault(row["app"], []).append(row)
    return [
        pair
        for app, said in by_app.items()
        for pair in zip(said, reader.actions(app, [row["text"] for row in said]), strict=True)
    ]


def main() -> None:
    reader = Reader()
    for part in ("seen", "once"):
        found = meant(reader, (row for row in rows("texts.tsv") if row["part"] == part))
        others = [action for row, (action, _) in found if row["wanted"] == "-"]
        orders = [action for row, (action, _) in found if row["wanted"] != "-"]
        print(f"{part}: {sum(map(bool, others))} of {len(others)} texts that order nothing do something")
        print(f"{part}: {orders.count('')} of {len(orders)} orders do nothing")
    refused = [one for _, (_, one) in meant(reader, rows("orders.tsv"))]
    print(f"orders.tsv: {sum(refused)} of {len(refused)} orders are taken for none")
    talk = (SAID / "small_talk.txt").read_text(encoding="utf-8").splitlines()
    for app in ("gallery", "classroom", "medicine"):
        done = [action for action, _ in reader.actions(app, talk) if action]
        print(f"{app}: {len(done)} of {len(talk)} remarks do something")


if __name__ == "__main__":
    main()

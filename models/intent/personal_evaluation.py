"""How fast the personal layer learns a private language: SHRDLURN's players, replayed in the order of time.

For each order of a player the meaning is predicted from its words, then the answer is learned. The app's intents are
an ``IntentModel`` fitted to the orders of other players: of all that are not in the same of ``FOLDS`` folds. Beside the
personal layer are the same intents without it, and a nearest neighbour on words among what the player has said before.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table

from models import shrdlurn
from models.intent import background
from models.intent.adapted import adapted
from models.intent.model import IntentModel
from models.intent.personal import MAX_EXAMPLES, Meaning, Personal, compared
from models.language.encoder import Encoder
from models.language.words import words
from models.shrdlurn import Order

FOLDS: Final = 5
FIRST: Final = 10
"""The first orders of a player are told apart."""
LONG: Final = 20
"""Of players with so many orders the second half is told apart."""

LABELS: Final = tuple((verb, colour) for verb in shrdlurn.VERBS for colour in range(shrdlurn.COLOURS))
MEANINGS: Final[tuple[Meaning, ...]] = tuple({"action": verb, "colour": colour} for verb, colour in LABELS)

Right = NDArray[np.bool_]
Array = NDArray[np.float64]


def evaluate(data: Path, *, progress: bool = True, threads: int = 2) -> dict[str, Any]:
    """Measures the personal layer on a folder as ``models.shrdlurn`` reads it.

    Raises:
        models.shrdlurn.DataError: it has no such logs.
        ValueError: too few players to train on others.
    """
    torch.set_num_threads(threads)
    players = shrdlurn.load(data)
    orders = players.orders
    if len(orders) < FOLDS:
        raise ValueError(f"{data}: {len(orders)} players, and at least {FOLDS} are needed")
    with Progress(disable=not progress, transient=True) as bar:
        encoder = Encoder.load(adapted())
        embeddings = _embedded(encoder, orders, bar)
        shared = _shared(orders, embeddings, encoder.encode(background.texts()).numpy(), bar)
        task = bar.add_task("replaying", total=sum(map(len, orders.values())))
        right: dict[str, dict[str, Right]] = {"personal": {}, "shared": {}, "nearest": {}, "hindsight": {}}
        for user, said in orders.items():
            truth = _truth(said)
            right["personal"][user] = replay(said, embeddings[user], shared[user]) == truth
            right["shared"][user] = shared[user].argmax(1) == truth
            right["nearest"][user] = nearest_neighbour(said) == truth
            right["hindsight"][user] = replay(said, embeddings[user], shared[user], hindsight=True) == truth
            bar.advance(task, len(said))
    parts: dict[str, Callable[[str], bool]] = {
        "players": lambda user: True,
        "players_tuned_on": tuned_on,
        "players_held_out": lambda user: not tuned_on(user),
    }
    result: dict[str, Any] = {
        "model": "personal",
        "encoder": encoder.version,
        "data": str(data),
        "measured_on": f"{sum(map(len, orders.values()))} orders of {len(orders)} players; {players.left_out} left out",
        "shared_is": f"the app's intents, fitted to the orders of other players in {FOLDS} folds",
        "hindsight_is": "the personal layer, told all other orders of the player before, those to come too",
        "nearest_is": "the player's own orders before; cosine of counts of words, the commonest label of the nearest",
    }
    for name, among in parts.items():
        users = [user for user in orders if among(user)]
        result[name] = {"count": len(users), **_figures(right, users)}
    return result


def tuned_on(user: str) -> bool:
    """Whether the constants of ``models.intent.personal`` were chosen on this player of the published set."""
    return zlib.crc32(user.encode()) % 2 == 0


def replay(
    said: Sequence[Order], embeddings: NDArray[np.float32], prior: Array, *, hindsight: bool = False
) -> NDArray[np.int64]:
    """Predicts each order of a player, then learns what it meant: numbers of ``LABELS``.

    Args:
        embeddings: ``[N, 384]``.
        prior: ``[N, 8]``, the probabilities of ``LABELS`` according to the app.
        hindsight: learn all other orders first, those to come too; a bound, not a prediction.
    """
    texts = [compared(one.text, embedding) for one, embedding in zip(said, embeddings, strict=True)]
    truth = _truth(said)
    found = np.empty(len(said), np.int64)
    for at, text in enumerate(texts):
        known = [number for number in range(len(said) if hindsight else at) if number != at][-MAX_EXAMPLES:]
        probabilities = prior[at]
        if known:
            personal = Personal(MEANINGS, [texts[one] for one in known], truth[known].tolist(), prior[known])
            probabilities, _ = personal.probabilities([text], prior[at])
        found[at] = probabilities.argmax()
    return found


def nearest_neighbour(said: Sequence[Order]) -> NDArray[np.int64]:
    """The label of the likest order before; the commonest one where several are equally like, the latest of those.

    The first order of a player is like none, and gets -1.
    """
    counts = [Counter(_words(one.text)) for one in said]
    truth = _truth(said)
    found = np.full(len(said), -1)
    for at in range(1, len(said)):
        likeness = [_cosine(counts[at], other) for other in counts[:at]]
        best = max(likeness) - 1e-9
        near = [int(truth[number]) for number, one in enumerate(likeness) if one >= best]
        often = Counter(near)
        found[at] = max(reversed(near), key=lambda one: often[one])
    return found


def _words(text: str) -> list[str]:
    return [word.text for word in words(text)] or text.split()


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    both = sum(count * other[word] for word, count in one.items())
    norms = sum(count**2 for count in one.values()) * sum(count**2 for count in other.values())
    return both / norms**0.5 if norms else 0.0


def _truth(said: Sequence[Order]) -> NDArray[np.int64]:
    return np.array([LABELS.index((one.verb, one.colour)) for one in said])


def _embedded(encoder: Encoder, orders: dict[str, list[Order]], bar: Progress) -> dict[str, NDArray[np.float32]]:
    texts = list(dict.fromkeys(one.text for said in orders.values() for one in said))
    task = bar.add_task("embedding", total=len(texts))
    found: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(texts), 256):
        some = texts[start : start + 256]
        found |= zip(some, encoder.encode(some).numpy(), strict=True)
        bar.advance(task, len(some))
    return {user: np.stack([found[one.text] for one in said]) for user, said in orders.items()}


def _shared(
    orders: dict[str, list[Order]],
    embeddings: dict[str, NDArray[np.float32]],
    around: NDArray[np.float32],
    bar: Progress,
) -> dict[str, Array]:
    """``[N, 8]`` for each player, by intents that were fitted to players of the other folds."""
    fold = {
        user: number % FOLDS for number, user in enumerate(sorted(orders, key=lambda one: zlib.crc32(one.encode())))
    }
    found: dict[str, Array] = {}
    for number in bar.track(range(FOLDS), description="fitting to other players"):
        others = [user for user in orders if fold[user] != number]
        labels = [f"{one.verb} {one.colour}" for user in others for one in orders[user]]
        model = IntentModel.fit(np.concatenate([embeddings[user] for user in others]), labels, around)
        columns = [LABELS.index((verb, int(colour))) for verb, colour in map(str.split, model.labels)]
        for user in orders:
            if fold[user] == number:
                _, probabilities = model.probabilities(embeddings[user])
                found[user] = np.zeros((len(probabilities), len(LABELS)))
                found[user][:, columns] = probabilities
    return found


def _figures(right: dict[str, dict[str, Right]], users: Sequence[str]) -> dict[str, Any]:
    spans: dict[str, Callable[[Right], Right]] = {
        "all": lambda row: row,
        "first_10": lambda row: row[:FIRST],
        "second_half": lambda row: row[len(row) // 2 :] if len(row) >= LONG else row[:0],
    }
    figures: dict[str, Any] = {}
    for name, span in spans.items():
        empty = np.zeros(0, bool)
        rows = {model: np.concatenate([empty, *(span(by[user]) for user in users)]) for model, by in right.items()}
        shares = {model: round(100 * float(row.mean()), 1) if len(row) else 0.0 for model, row in rows.items()}
        better = max(shares["shared"], shares["nearest"])
        figures[name] = {"orders": len(rows["personal"]), **shares, "gain": round(shares["personal"] - better, 1)}
    return figures


def table(result: dict[str, Any]) -> Table:
    """The figures of ``evaluate`` for people."""
    shown = Table(title=f"personal phrases ({result['measured_on']})", title_justify="left")
    for heading in ("players", "orders", "personal", "without", "nearest neighbour", "gain", "in hindsight"):
        shown.add_column(heading, justify="left" if heading == "players" else "right")
    for name in ("players", "players_tuned_on", "players_held_out"):
        for span in ("all", "first_10", "second_half"):
            row = result[name][span]
            shares = [f"{row[model]:.1f} %" for model in ("personal", "shared", "nearest")]
            title = f"{result[name]['count']} {name.replace('_', ' ')}, {span.replace('_', ' ')}"
            shown.add_row(title, str(row["orders"]), *shares, f"{row['gain']:+.1f}", f"{row['hindsight']:.1f} %")
    return shown

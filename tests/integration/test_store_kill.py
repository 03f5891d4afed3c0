"""A process that keeps profiles is killed at random moments: what it acknowledged is there, and the file is sound."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import scope_of
from tests.daemons import ROOT

ROUNDS = 40
SCOPE = scope_of("secret", "ada", "a")

CHILD = """
import sys
from pathlib import Path
from bridge.profiles.items import Item
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import Mark, scope_of

store, first = SqliteStore(Path(sys.argv[1])), int(sys.argv[2])
generation = store.begin("ada").generation
print("ready", flush=True)
for number in range(first, first + 100_000):
    # One key in 200 is taught anew each time, so that the file stays small while it is written.
    key = f"phrase {number % 200}"
    mark = Mark(scope_of("secret", "ada", "a"), f"m{number}")
    store.put_item("ada", Item("phrase", "a", key, {"n": number, "x": bytes(300)}, 1.0), mark=mark)
    print("item", number, flush=True)
    store.save("ada", {"m@1": number.to_bytes(4, "big") * 2000}, frames=1, generation=generation)
    print("save", number, flush=True)
    if number % 40 == 0:
        store.save(f"gone-for-good-{number}", {"m@1": b"gone-for-good" * 50})
        store.erase(f"gone-for-good-{number}")
        print("erase", number, flush=True)
"""


def run_until_killed(path: Path, first: int, lines: int) -> list[tuple[str, int]]:
    """Kills a child somewhere after so many acknowledgements; returns all that it gave, in order."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(first)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        given = "".join(child.stdout.readline() for _ in range(lines))
    finally:
        child.kill()
    given += child.stdout.read()
    child.stdout.close()
    child.wait()
    # The last line may have been cut by the kill.
    whole = given[: given.rfind("\n") + 1].splitlines()
    return [(word, int(number)) for word, number in map(str.split, whole)]


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "p.sqlite"
    chance = random.Random(1)
    items: dict[str, int] = {}
    saved, saves, acknowledged, first, erases = -1, 0, 0, 0, 0
    for _ in range(ROUNDS):
        done = run_until_killed(path, first, chance.randrange(100))
        for word, number in done:
            acknowledged += 1
            first = max(first, number + 1)
            if word == "item":
                items[f"phrase {number % 200}"] = number
            elif word == "save":
                saved, saves = number, saves + 1
            else:
                erases += 1
        store = SqliteStore(path)
        profile, applied, users, faults = store.load("ada"), store.was_applied(SCOPE), store.users(), store.check()
        store.close()
        assert faults == []
        kept = {item.key: item.data["n"] for item in profile.items}
        # What came after the last acknowledgement may be there or not, whole.
        for key, number in items.items():
            assert kept[key] in (number, first), key
        assert all(f"m{number}" in applied for word, number in done if word == "item")
        if saved >= 0:
            last = int.from_bytes(profile.adapters["m@1"][:4], "big")
            assert last in (saved, first - 1, first)
            assert profile.adapters["m@1"] == last.to_bytes(4, "big") * 2000
        assert profile.statistics.frames >= saves
        saves = profile.statistics.frames
        # One that was being erased may be there still, but nobody whose erase was acknowledged.
        erased = {f"gone-for-good-{number}" for word, number in done if word == "erase"}
        assert not erased & {user.user for user in users}
        items.update(kept)
        first = max(first, max(kept.values(), default=-1) + 1)
    assert acknowledged > 10 * ROUNDS
    assert erases > 0


def test_an_erase_that_was_killed_is_finished_by_who_opens_the_file_next(tmp_path: Path) -> None:
    path = tmp_path / "p.sqlite"
    child = f"""
import os, signal, sqlite3
from pathlib import Path
from bridge.profiles.sqlite import SqliteStore
store = SqliteStore(Path({str(path)!r}))
store.save("gone-for-good", {{"m@1": b"gone-for-good" * 500}})
SqliteStore._clean = lambda self: os.kill(os.getpid(), signal.SIGKILL)
store.erase("gone-for-good")
"""
    assert subprocess.run([sys.executable, "-c", child], cwd=ROOT, check=False).returncode == -9
    assert b"gone-for-good" in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store = SqliteStore(path)
    store.close()
    assert b"gone-for-good" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())

"""`genlock profiles` as its users run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgpack
import numpy as np
import pytest
import safetensors.numpy

from bridge.profiles.items import Item
from bridge.profiles.sqlite import SqliteStore
from bridge.profiles.store import Superseded
from tests.daemons import ROOT

TENSORS = safetensors.numpy.save({"w": np.ones(300, np.float32)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "p.sqlite"
    store = SqliteStore(path)
    store.begin("lovelace")
    store.save("lovelace", {"forecast@1": TENSORS, "forecast@2": TENSORS}, frames=900, seconds=90.0)
    store.put_item("lovelace", Item("phrase", "gallery", "zap it", {"action": "fire"}))
    store.put_item("lovelace", Item("name", "gallery", "kettle", {"name": "Bob [red]\x1b[31m"}))
    store.put_item("lovelace", Item("gesture", "", "loop", {"device": "right", "examples": [b"123"]}))
    store.begin("hopper")
    store.close()
    return path


@pytest.fixture
def held(path: Path) -> Iterator[SqliteStore]:
    """The store as a daemon holds it meanwhile."""
    store = SqliteStore(path)
    yield store
    store.close()


def profiles(path: Path, *arguments: str, typed: str = "", columns: int = 160) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "profiles", *arguments],
        cwd=ROOT, env={**os.environ, "GENLOCK_PROFILES": str(path), "COLUMNS": str(columns), "NO_COLOR": "1"},
        input=typed, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_everybody_is_listed(path: Path) -> None:
    code, out, err = profiles(path, "list")
    assert code == 0, err
    assert "lovelace" in out
    assert "hopper" in out
    code, out, _ = profiles(path, "list", "--json")
    hopper, lovelace = json.loads(out)
    assert (hopper["user"], hopper["statistics"]["sessions"], hopper["bytes"]) == ("hopper", 1, 0)
    assert lovelace["items"] == {"gesture": 1, "name": 1, "phrase": 1}
    assert lovelace["adapters"] == {"forecast@1": len(TENSORS), "forecast@2": len(TENSORS)}


def test_the_list_is_whole_in_a_usual_terminal(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        for number, kind in enumerate(("phrase", "phrase", "name", "gesture", "object", "voice")):
            store.put_item("lovelace", Item(kind, "gallery" if kind in ("phrase", "name") else "", f"k{number}", {}))
    code, out, err = profiles(path, "list", columns=80)
    assert code == 0, err
    assert "…" not in out
    for words in ("user", "last seen", "learning", "sessions", "minutes", "taught", "KiB"):
        assert words in out.splitlines()[1]
    assert re.search(r"lovelace +\d{4}-\d\d-\d\d \d\d:\d\d +on +1 +1\.5 ", out)
    for words in ("3 phrases", "2 names", "2 gestures", "1 object", "1 voice"):
        assert words in out


@pytest.mark.parametrize(("columns", "last"), [(80, "KiB"), (60, "taught"), (40, "last seen"), (12, "user")])
def test_in_a_narrow_terminal_the_list_keeps_who_it_is(path: Path, columns: int, last: str) -> None:
    code, out, err = profiles(path, "list", columns=columns)
    assert code == 0, err
    assert "…" not in out
    heading = out.splitlines()[1]
    assert heading.split()[0] == "user"
    assert last in heading
    assert ("KiB" in heading) == (last == "KiB")
    assert "lovelace" in out


def test_only_gestures_have_a_device_and_objects_are_counted_by_their_examples(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        store.put_item("lovelace", Item("object", "", "badge", {"examples": [b"1", b"2"]}))
        store.put_item("lovelace", Item("object", "", "mug", {"examples": [b"1"]}))
        store.put_item("lovelace", Item("voice", "", "voice", {}))
    _, out, _ = profiles(path, "show", "lovelace")
    lines = [line.strip() for line in out.splitlines()]
    for line in ("loop (right)", "badge (2 examples)", "mug (1 example)", "voice"):
        assert line in lines


def test_what_joins_letters_is_shown_and_what_a_terminal_obeys_is_not(path: Path) -> None:
    for name in ("می\N{ZERO WIDTH NON-JOINER}خواهم", "👩\N{ZERO WIDTH JOINER}🚀"):
        with closing(SqliteStore(path)) as store:
            store.begin(name)
        assert name in profiles(path, "show", name)[1]
    assert "ada\N{REPLACEMENT CHARACTER}[31m" in profiles(path, "show", "ada\x1b[31m")[2]


def test_an_export_that_cannot_be_written_whole_leaves_no_file(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "ada.profile"
    with closing(SqliteStore(path)) as store:
        store.put_item("lovelace", Item("object", "", "badge", {"examples": [bytes(100 * 1024)]}))
    command = [sys.executable, "-m", "bridge", "profiles", "export", "lovelace", str(out), "--profiles", str(path)]
    # Files of 64 KiB at most: room for the journal, and not for that.
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 64; exec "$@"', "bash", *command],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, out.exists()) == (2, False), done.stderr
    assert f"{out}: cannot be written: File too large" in done.stderr
    assert profiles(path, "export", "lovelace", str(out))[0] == 0
    whole = out.read_bytes()
    code, _, err = profiles(path, "export", "hopper", str(out))
    assert (code, out.read_bytes()) == (2, whole)
    assert "File exists" in err


def test_the_example_of_the_docs_reads_an_export(path: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "profiles.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for user, told in (("lovelace", "forecast@1 {'w': (300,)}\nforecast@2 {'w': (300,)}\n"), ("hopper", "")):
        (tmp_path / "ada.profile").unlink(missing_ok=True)
        assert profiles(path, "export", user, str(tmp_path / "ada.profile"))[0] == 0
        done = subprocess.run(
            [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        assert (done.returncode, done.stdout) == (0, told), done.stderr


def test_what_is_known_is_shown_in_words(path: Path) -> None:
    code, out, err = profiles(path, "show", "lovelace")
    assert code == 0, err
    for words in (
        "  1 session, 1.5 minutes, 900 frames answered", "learning is on", "forecast@1: 1.2 KiB", "forecast@2: 1.2 KiB",
        "gallery: 'zap it' means fire", "gallery: kettle is called 'Bob [red]", "loop (right)",
    ):  # fmt: skip
        assert words in out
    assert "\x1b" not in out
    code, out, _ = profiles(path, "show", "lovelace", "--json")
    items = {item["kind"]: item for item in json.loads(out)["items"]}
    assert items["gesture"]["data"] == {"device": "right", "examples": ["3 bytes"]}
    assert items["phrase"]["data"] == {"action": "fire"}


def test_a_profile_is_taken_to_another_machine(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "lovelace.profile"
    assert profiles(path, "export", "lovelace", str(out))[0] == 0
    assert msgpack.unpackb(out.read_bytes())["format"] == "genlock-profile"
    code, _, err = profiles(path, "export", "lovelace", str(out))
    assert (code, "File exists" in err) == (2, True)
    elsewhere = tmp_path / "there" / "q.sqlite"
    code, _, err = profiles(elsewhere, "import", "ada", str(out))
    assert code == 0, err
    here, there = SqliteStore(path), SqliteStore(elsewhere)
    assert there.load("ada").adapters == here.load("lovelace").adapters
    assert there.load("ada").items == here.load("lovelace").items
    here.close()
    there.close()


@pytest.mark.parametrize("command", [("list", "--json"), ("list",), ("export", "lovelace", "-")])
def test_a_full_disk_is_told_in_one_line(path: Path, command: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bridge", "profiles", *command, "--profiles", str(path)],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "genlock: writing failed: No space left on device\n")


def test_what_cannot_be_imported_is_told_with_its_place(path: Path, tmp_path: Path) -> None:
    whole = {"format": "genlock-profile", "version": 1}
    (tmp_path / "a").write_bytes(msgpack.packb({**whole, "statistics": 1}))
    (tmp_path / "b").write_bytes(b"nonsense")
    (tmp_path / "c").write_bytes(bytes(2_000_000))
    for name, words in (("a", "statistics"), ("b", "not an exported profile"), ("c", "at most 1048576"), ("d", "No s")):
        code, _, err = profiles(path, "import", "lovelace", str(tmp_path / name))
        assert code == 2
        assert f"{tmp_path / name}: " in err
        assert words in err
    assert profiles(path, "import", "x" * 129, str(tmp_path / "a"))[0] == 2


def test_an_erase_asks_and_a_session_under_way_learns_of_it(path: Path, held: SqliteStore) -> None:
    generation = held.load("lovelace").generation
    code, _, err = profiles(path, "erase", "lovelace", typed="n\n")
    assert (code, "(1 session, 3 things taught)" in err) == (1, True)
    assert held.load("lovelace").generation == generation
    code, out, err = profiles(path, "erase", "lovelace", typed="y\n")
    assert code == 0, err
    assert "erased" in out
    with pytest.raises(Superseded):
        held.save("lovelace", {"forecast@1": b"old"}, generation=generation)
    read = "import sys, pathlib; [sys.stdout.buffer.write(p.read_bytes()) for p in pathlib.Path(sys.argv[1]).iterdir()]"
    data = subprocess.run([sys.executable, "-c", read, str(path.parent)], capture_output=True, check=True).stdout
    assert b"lovelace" not in data
    assert b"hopper" in data
    assert profiles(path, "erase", "hopper", "--yes")[0] == 0


def test_one_kind_is_reset_while_a_daemon_holds_the_file(path: Path, held: SqliteStore) -> None:
    assert profiles(path, "reset", "lovelace", "phrase")[0] == 0
    profile = held.load("lovelace")
    assert [item.kind for item in profile.items] == ["name", "gesture"]
    assert set(profile.adapters) == {"forecast@1", "forecast@2"}
    code, _, err = profiles(path, "reset", "lovelace", "gestures")
    assert (code, err.count("\n")) == (2, 1)
    assert "there is no kind 'gestures'; there are all, forecast, target, gesture, phrase" in err
    assert profiles(path, "import", "lovelace", str(path), "--kind", "mind")[2] == err.replace("gestures", "mind")


def test_the_whole_is_summed_up(path: Path) -> None:
    code, out, err = profiles(path, "stats", "--json")
    assert code == 0, err
    totals = json.loads(out)
    assert (totals["users"], totals["sessions"], totals["frames"], totals["faults"]) == (2, 2, 900, [])
    assert "is sound" in profiles(path, "stats")[1]


@pytest.mark.parametrize("command", [("show",), ("export", "OUT"), ("erase", "--yes"), ("reset", "all")])
def test_nobody_of_that_name_is_said_in_one_line(path: Path, command: tuple[str, ...]) -> None:
    code, _, err = profiles(path, command[0], "nobody", *command[1:])
    assert (code, err.count("\n")) == (2, 1)
    assert "nobody is called 'nobody'" in err


def test_a_folder_that_is_read_only_is_said_in_one_line(path: Path) -> None:
    command = f"mount --bind {path.parent} {path.parent} && mount -o remount,ro,bind {path.parent} && exec "
    command += f"{sys.executable} -m bridge profiles list --profiles {path}"
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"{path}: cannot be used as a profile store: " in done.stderr
    assert "; its folder is read-only, copy the file elsewhere" in done.stderr


def test_a_file_that_is_none_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    for name, words in (("text", "not a database"), ("absent", "there is no such file")):
        code, _, err = profiles(tmp_path / name, "list")
        assert (code, err.count("\n")) == (2, 1)
        assert f"{tmp_path / name}: " in err
        assert words in err
    assert not (tmp_path / "absent").exists()

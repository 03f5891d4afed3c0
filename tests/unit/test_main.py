"""The way in and out: Ctrl-C while the command loads, disks that are full, colours."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge import __version__
from bridge.__main__ import main
from bridge.cli import app
from tests.daemons import ROOT


def ended_in_peace() -> bool:
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code == 130


class Interrupts:
    """A finder to which Ctrl-C comes when the command line is looked for."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name == "bridge.cli":
            raise KeyboardInterrupt


def test_ctrl_c_while_it_loads_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "bridge.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupts(), *sys.meta_path])
    assert ended_in_peace()
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_while_it_is_put_together_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.main.get_command", interrupted)
    assert ended_in_peace()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("arguments", [["--version"], ["profiles", "--help"]])
def test_a_full_disk_is_told_in_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bridge", *arguments],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "genlock: writing failed: No space left on device\n")


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1].startswith(f"[{__version__}]")


@pytest.mark.parametrize(("setting", "coloured"), [({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_a_complaint_is_red_unless_colours_are_unwanted(setting: dict[str, str], coloured: bool) -> None:
    done = CliRunner().invoke(app, ["profiles", "list", "--profiles", "absent"], env=setting, color=True)
    assert "genlock: absent: there is no such file" in done.output
    assert ("\x1b[31m" in done.output) == coloured

"""What commands do with a checkout's samples, and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from tests.daemons import ROOT

RECORDING = str(ROOT / "samples" / "recordings" / "u15-1.genlock")
SIMULATE = ("simulate", "ws://127.0.0.1:9", "--recording", RECORDING)


@pytest.mark.parametrize(
    ("command", "missing", "instead"),
    [
        (("demo",), "apps/gallery.toml", "genlock simulate"),
        (("demo", "--recording", RECORDING), "apps/gallery.toml", "genlock simulate"),
        ((*SIMULATE, "--speak"), "apps/gallery.toml", "--app"),
        ((*SIMULATE, "--sound"), "apps/gallery.toml", "--app"),
        ((*SIMULATE, "--show", str(ROOT / "samples" / "pictures")), "apps/gallery.toml", "--app"),
        (("bench", "utterances"), "apps/gallery.toml", "--app"),
        (("bench", "mixed"), "apps/gallery.toml", "--app"),
        (("bench", "mixed", "--app", str(ROOT / "samples/apps/gallery.toml")), "pictures", "--showing 0"),
    ],
)
def test_what_comes_with_a_checkout_is_said_to_be_missing(
    command: tuple[str, ...], missing: str, instead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.cli.samples._FOLDER", tmp_path)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2, done.output
    assert f"{tmp_path / missing} is not there: samples come with a checkout" in done.output
    assert instead in done.output
    assert done.output.count("\n") == 1


def test_a_checkout_without_recordings_asks_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "gallery.toml").touch()
    monkeypatch.setattr("bridge.cli.samples._FOLDER", tmp_path)
    done = CliRunner().invoke(app, ["demo"])
    assert done.exit_code == 2
    assert "--recording" in done.output

"""The way in: that somebody who thinks better of it while the command loads is let go in peace."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

from bridge.__main__ import main


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
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capfd.readouterr() == ("", "")

"""The table of headsets: as much of it as the terminal has room for."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bridge.cli.headset_table import HeadsetTable
from bridge.cli.simulate import make_headsets
from bridge.headset.camera import Shot
from bridge.headset.simulated import HeadsetOptions, SimulatedHeadset
from bridge.headset.track import load_track

RECORDING = Path("samples/recordings/u15-1.genlock")
EVERYTHING = (
    "user",
    "picks",
    "asked for",
    "hand in",
    "straight",
    "round trip",
    "answered",
    "late",
    "lost",
    "said",
    "sees",
)


def printed(headsets: list[SimulatedHeadset], width: int) -> list[str]:
    out = StringIO()
    Console(file=out, width=width).print(HeadsetTable(headsets))
    return out.getvalue().splitlines()


@pytest.fixture
def headsets() -> list[SimulatedHeadset]:
    options = HeadsetOptions(speak=True, shots=(Shot(b"", 1, 1, ("cup",)),))
    made = make_headsets("ws://127.0.0.1:1", [load_track(RECORDING, 90)], 2, options)
    for headset in made:
        headset.speech.heard, headset.speech.came = "Pick up the flowers over there.", "take Flowers"
    return made


class TestHeadsetTable:
    @pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 100, 120, 140, 160, 200])
    def test_never_wider_than_the_terminal_and_nothing_cut_but_what_was_said(
        self, headsets: list[SimulatedHeadset], width: int
    ) -> None:
        lines = printed(headsets, width)
        assert max(map(len, lines)) <= width
        if width >= 20:
            assert not any("…" in line.split('"')[0] for line in lines)

    def test_a_wide_terminal_has_all(self, headsets: list[SimulatedHeadset]) -> None:
        text = "\n".join(printed(headsets, 172))
        assert all(heading in text for heading in EVERYTHING)
        assert "wider terminal" not in text

    def test_a_usual_terminal_has_what_matters_and_says_that_there_is_more(
        self, headsets: list[SimulatedHeadset]
    ) -> None:
        text = "\n".join(printed(headsets, 80))
        assert all(heading in text for heading in ("user", "picks", "asked for", "said"))
        assert "lost" not in text
        assert text.rstrip().endswith("more columns in a wider terminal")

    def test_what_was_said_takes_the_room_that_is_left(self, headsets: list[SimulatedHeadset]) -> None:
        assert '"Pick up the flowers over there." → take Flowers' not in "\n".join(printed(headsets, 80))
        assert '"Pick up the flowers over there." → take Flowers' in "\n".join(printed(headsets, 172))

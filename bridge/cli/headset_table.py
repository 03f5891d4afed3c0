"""A row a headset: what a daemon answers it, and how well and how fast."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.headset.simulated import SimulatedHeadset

_MOST_ROWS = 32
_PLAIN_WIDTH = 172
_SPEECH_WIDTH = 48
_SIGHT_WIDTH = 12


def wide_console() -> Console:
    """A console that is wide enough for the table, also where there is no terminal to ask for its width."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def headset_table(headsets: Sequence[SimulatedHeadset]) -> Table:
    """The live view of headsets, and, at the end, their summary.

    What was asked for is marked ``?`` while it is looked for and ``▸`` while it is pointed at.
    """
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    speaking = any(headset.options.speak for headset in headsets)
    for name in ("user", "picks", "asked for"):
        table.add_column(name, no_wrap=True)
    numbers = (
        "right",
        "hand in\n0.1 s, mm",
        "straight\non, mm",
        "round trip\np50   p99",
        "answered",
        "late",
        "lost",
    )
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    if speaking:
        table.add_column("said, and what came of it", no_wrap=True, max_width=_SPEECH_WIDTH, overflow="ellipsis")
        table.add_column("right", justify="right", no_wrap=True)
    if any(headset.options.shots for headset in headsets):
        table.add_column("sees", no_wrap=True, max_width=_SIGHT_WIDTH, overflow="ellipsis")
    for headset in headsets[:_MOST_ROWS]:
        _add_row(table, headset, speaking)
    if len(headsets) > _MOST_ROWS:
        table.add_row(f"and {len(headsets) - _MOST_ROWS} more")
    return table


def _add_row(table: Table, headset: SimulatedHeadset, speaking: bool) -> None:
    names = {target.id: target.name or target.id for scene in headset.track.scenes for target in scene.targets}
    true = headset.track.target[headset.frame]
    phase = headset.track.phase[headset.frame]
    picked = Text(f"{names.get(headset.picked, headset.picked):<10.10} {headset.probability:4.0%}")
    if true:
        picked.stylize("green" if headset.picked == true else "yellow")
    asked = Text(f"{names.get(true, true)}", style="" if true else "dim")
    if phase == "preview":
        asked.append(" ?", style="dim")
    elif phase in ("response", "confirm"):
        asked.append(" ▸", style="dim")
    counted, forecasts = headset.statistics, headset.forecasts
    p50, p99 = counted.round_trip_ms(50, 99)
    speech = headset.speech
    said = Text()
    if speech.heard:
        came = " ".join(names.get(word, word) for word in speech.came.split(" "))
        said.append(f'"{speech.heard}" ')
        said.append(f"→ {came}" if came else "...", style={True: "green", False: "red", None: "dim"}[speech.was_right])
    seen = (headset.sights.seen,) if headset.options.shots else ()
    spoken = (said, f"{speech.right} of {speech.said}") if speaking else ()
    table.add_row(
        headset.user,
        picked,
        asked,
        _number(headset.targets.percent, ".0f", " %"),
        _number(forecasts.error_mm, ".1f", ""),
        _number(forecasts.baseline_mm, ".1f", ""),
        f"{_number(p50, '.1f', '')} {_number(p99, '5.1f', '')}",
        str(counted.answered),
        Text(str(counted.late), style="red" if counted.late else ""),
        Text(str(counted.missing), style="red" if counted.missing else ""),
        *spoken,
        *seen,
    )


def _number(value: float, how: str, unit: str) -> str:
    return f"{value:{how}}{unit}" if value == value else "-"

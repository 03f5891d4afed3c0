"""A row a headset: what a daemon answers it, and how well and how fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bridge.headset.simulated import SimulatedHeadset

_MOST_ROWS: Final = 32
_PLAIN_WIDTH: Final = 172
_SPEECH_WIDTH: Final = 48
_LEAST_SPEECH_WIDTH: Final = 28
_SIGHT_WIDTH: Final = 12


@dataclass(frozen=True)
class _Column:
    """A column.

    Attributes:
        rank: where there is no room for all, those of high rank go first.
    """

    heading: str
    rank: int
    cell: Callable[[SimulatedHeadset], Text | str]
    justify: Literal["left", "right"] = "left"
    width: int | None = None


class HeadsetTable:
    """The live view of headsets, and, at the end, their summary: as many columns as fit.

    What was asked for is marked ``?`` while it is looked for and ``▸`` while it is pointed at.
    """

    def __init__(self, headsets: Sequence[SimulatedHeadset]) -> None:
        self._headsets = headsets

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = _columns(self._headsets)
        unbounded = options.update(max_width=10 * _PLAIN_WIDTH)

        def narrowest(some: Sequence[_Column]) -> int:
            return Measurement.get(console, unbounded, _table(self._headsets, some, _LEAST_SPEECH_WIDTH)).maximum

        shown = columns
        while len(shown) > 1 and narrowest(shown) > options.max_width:
            last = max(shown, key=lambda column: column.rank)
            shown = [column for column in shown if column is not last]
        spare = max(options.max_width - narrowest(shown), 0)
        yield _table(self._headsets, shown, min(_LEAST_SPEECH_WIDTH + spare, _SPEECH_WIDTH))
        if len(shown) < len(columns):
            yield Text(f"{len(columns) - len(shown)} more columns in a wider terminal", style="dim")


def wide_console() -> Console:
    """A console that is wide enough for the table, also where there is no terminal to ask for its width."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def _columns(headsets: Sequence[SimulatedHeadset]) -> list[_Column]:
    columns = [
        _Column("user", 0, lambda one: one.user),
        _Column("picks", 1, _picked),
        _Column("asked for", 2, _asked),
        _Column("right", 3, lambda one: _number(one.targets.percent, ".0f", " %"), "right"),
        _Column("hand in\n0.1 s, mm", 7, lambda one: _number(one.forecasts.error_mm, ".1f", ""), "right"),
        _Column("straight\non, mm", 10, lambda one: _number(one.forecasts.baseline_mm, ".1f", ""), "right"),
        _Column("round trip\np50   p99", 5, _round_trip, "right"),
        _Column("answered", 12, lambda one: str(one.statistics.answered), "right"),
        _Column("late", 6, lambda one: _bad(one.statistics.late), "right"),
        _Column("lost", 11, lambda one: _bad(one.statistics.missing), "right"),
    ]
    if any(headset.options.speak for headset in headsets):
        columns += [
            _Column("said, and what came of it", 4, _said, width=_SPEECH_WIDTH),
            _Column("right", 8, lambda one: f"{one.speech.right} of {one.speech.said}", "right"),
        ]
    if any(headset.options.shots for headset in headsets):
        columns.append(_Column("sees", 9, lambda one: one.sights.seen if one.options.shots else "", width=_SIGHT_WIDTH))
    return columns


def _table(headsets: Sequence[SimulatedHeadset], columns: Sequence[_Column], speech_width: int) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        width = None if column.width is None else min(column.width, speech_width)
        table.add_column(column.heading, justify=column.justify, no_wrap=True, max_width=width, overflow="ellipsis")
    for headset in headsets[:_MOST_ROWS]:
        table.add_row(*(column.cell(headset) for column in columns))
    if len(headsets) > _MOST_ROWS:
        table.add_row(f"and {len(headsets) - _MOST_ROWS} more")
    return table


def _names(headset: SimulatedHeadset) -> dict[str, str]:
    return {target.id: target.name or target.id for scene in headset.track.scenes for target in scene.targets}


def _picked(headset: SimulatedHeadset) -> Text:
    true = headset.track.target[headset.frame]
    name = _names(headset).get(headset.picked, headset.picked)
    picked = Text(f"{name:<10.10} {headset.probability:4.0%}")
    if true:
        picked.stylize("green" if headset.picked == true else "yellow")
    return picked


def _asked(headset: SimulatedHeadset) -> Text:
    true, phase = headset.track.target[headset.frame], headset.track.phase[headset.frame]
    asked = Text(_names(headset).get(true, true), style="" if true else "dim")
    if phase == "preview":
        asked.append(" ?", style="dim")
    elif phase in ("response", "confirm"):
        asked.append(" ▸", style="dim")
    return asked


def _round_trip(headset: SimulatedHeadset) -> str:
    p50, p99 = headset.statistics.round_trip_ms(50, 99)
    return f"{_number(p50, '.1f', '')} {_number(p99, '5.1f', '')}"


def _said(headset: SimulatedHeadset) -> Text:
    speech, names = headset.speech, _names(headset)
    said = Text()
    if speech.heard:
        came = " ".join(names.get(word, word) for word in speech.came.split(" "))
        said.append(f'"{speech.heard}" ')
        said.append(f"→ {came}" if came else "...", style={True: "green", False: "red", None: "dim"}[speech.was_right])
    return said


def _bad(count: int) -> Text:
    return Text(str(count), style="red" if count else "")


def _number(value: float, how: str, unit: str) -> str:
    return f"{value:{how}}{unit}" if value == value else "-"

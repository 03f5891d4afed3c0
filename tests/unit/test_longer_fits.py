"""Longer fits behind the quick ones: a real process, the real weights, few phrases."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.event_path.longer_fits import LongerFits
from models.intent import background
from models.intent.adapted import adapted
from models.intent.tuned import Cache
from models.language.app_actions import Action, PhraseIntents, Understanding
from models.language.dialogue import Question
from models.language.encoder import Encoder
from models.language.references import Situation
from models.language.understanding import read

ACTIONS = [Action("start", ("start the engine", "switch it on")), Action("stop", ("stop the engine", "switch it off"))]
TIMEOUT_S = 600.0


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load(adapted())


@pytest.fixture(scope="module")
def around(encoder: Encoder) -> NDArray[np.float32]:
    return np.asarray(encoder.encode(background.texts()[:100]).numpy())


class Told(logging.Handler):
    """What the log says of apps, one line after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("app "):
            self.lines.put_nowait(record.getMessage())

    async def line(self) -> str:
        return await asyncio.wait_for(self.lines.get(), TIMEOUT_S)


@asynccontextmanager
async def working(folder: Path, encoder: Encoder) -> AsyncIterator[tuple[LongerFits, Told]]:
    log, told = logging.getLogger("genlock.language"), Told()
    level = log.level
    log.addHandler(told)
    log.setLevel(logging.INFO)
    with ThreadPoolExecutor(1) as executor:
        fits = LongerFits(Cache(folder), encoder, executor)
        try:
            yield fits, told
        finally:
            await fits.stop()
            log.removeHandler(told)
            log.setLevel(level)


async def test_an_app_gets_its_longer_fit_and_the_next_time_the_kept_one(
    tmp_path: Path, encoder: Encoder, around: NDArray[np.float32]
) -> None:
    intents = PhraseIntents(ACTIONS, encoder, around)
    understanding = Understanding(ACTIONS, intents, 0.5)
    other = Understanding(ACTIONS, PhraseIntents(ACTIONS, encoder, around), 0.5)
    async with working(tmp_path, encoder) as (fits, told):
        fits.want("1", "one", intents)
        assert intents.tuned is None
        assert "app 'one' is served with its longer fit, which took" in await told.line()
        assert intents.tuned is not None
        again = PhraseIntents(ACTIONS, encoder, around)
        fits.want("2", "two", again)
        assert await told.line() == "app 'two' is served with its longer fit, which was kept"
    assert len(os.listdir(tmp_path)) == 1
    # Apps with and without a longer fit in one batch, and a text of which the quick one is far from sure.
    asked = [Question("kill it now", Situation())] * 3
    readings = read(encoder, list(zip((understanding, other, understanding), asked, strict=True)))
    assert [reading.action for reading in readings] == ["stop"] * 3
    assert readings[0] == readings[2]
    assert readings[0].confidence != readings[1].confidence


async def test_an_app_that_has_nothing_to_tell_apart_gets_none(
    tmp_path: Path, encoder: Encoder, around: NDArray[np.float32]
) -> None:
    async with working(tmp_path, encoder) as (fits, _):
        intents = PhraseIntents(ACTIONS[:1], encoder, around)
        assert not intents.tunable
        fits.want("1", "one", intents)
        await fits.stop()
    assert intents.tuned is None


async def test_a_folder_that_cannot_be_written_leaves_the_quick_fit(
    tmp_path: Path, encoder: Encoder, around: NDArray[np.float32]
) -> None:
    (tmp_path / "file").write_text("in the way")
    intents = PhraseIntents(ACTIONS, encoder, around)
    async with working(tmp_path / "file", encoder) as (fits, told):
        fits.want("1", "one", intents)
        assert "app 'one' has no longer fit: its process ended with 1" in await told.line()
    assert intents.tuned is None


async def test_what_is_under_way_ends_with_it(tmp_path: Path, encoder: Encoder, around: NDArray[np.float32]) -> None:
    async with working(tmp_path, encoder) as (fits, _):
        fits.want("1", "one", PhraseIntents(ACTIONS, encoder, around))
        fits.want("2", "two", PhraseIntents(ACTIONS[::-1], encoder, around))
        fits.forget("2")
    assert os.listdir(tmp_path) == []

"""The language worker itself, in this process and without a model: fits end when the test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch

from bridge.app import ActionInfo, App
from bridge.event_path import language_worker
from bridge.event_path.language_worker import Worker
from models.intent.tuned import Cache
from models.language.dialogue import Question, Reading
from models.language.references import Situation

APP = msgspec.msgpack.encode(App("shop", actions=[ActionInfo("take", ["take it"])]))
QUESTION = msgspec.msgpack.encode(Question("take it", Situation()))


class Encoder:
    """Knows no language."""

    def packed(self) -> Encoder:
        return self

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.zeros(len(texts), 1)


class Channel:
    """The gateway's side, as the test plays it."""

    def __init__(self) -> None:
        self.to_worker: asyncio.Queue[list[Sequence[Any]] | None] = asyncio.Queue()
        self.said: asyncio.Queue[Sequence[Any]] = asyncio.Queue()

    def say(self, *message: Any) -> None:
        self.said.put_nowait(message)

    async def batches(self) -> AsyncIterator[list[Sequence[Any]]]:
        while (batch := await self.to_worker.get()) is not None:
            yield batch

    async def reply(self) -> Sequence[Any]:
        async with asyncio.timeout(60):
            return await self.said.get()


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Lets fits end, none of which comes to anything."""
    over = threading.Event()

    def understand(*_: Any) -> None:
        over.wait(60)
        raise ValueError("on purpose")

    monkeypatch.setattr(language_worker, "understand", understand)
    return over


@pytest.fixture
async def channel(tmp_path: Path, fit: threading.Event) -> AsyncIterator[Channel]:
    made = Channel()
    running = asyncio.create_task(Worker(Encoder(), Cache(tmp_path)).run(made))  # type: ignore[arg-type]
    yield made
    fit.set()
    made.to_worker.put_nowait(None)
    await running


async def test_a_question_waits_until_its_app_is_fitted(channel: Channel, fit: threading.Event) -> None:
    channel.to_worker.put_nowait([["app", "shop", APP], ["ask", 1, "shop", QUESTION]])
    fit.set()
    kind, key, _, problem = await channel.reply()
    assert (kind, key, problem) == ("fitted", "shop", "ValueError: on purpose")
    assert await channel.reply() == ("failed", 1, "ValueError: on purpose")


async def test_a_question_about_an_app_that_is_forgotten_while_it_is_fitted_is_replied_to(channel: Channel) -> None:
    channel.to_worker.put_nowait([["app", "shop", APP], ["ask", 1, "shop", QUESTION]])
    channel.to_worker.put_nowait([["forget", "shop"]])
    assert await channel.reply() == ("failed", 1, "its app was forgotten")


async def test_a_question_about_an_app_that_nobody_declared_is_replied_to(channel: Channel) -> None:
    channel.to_worker.put_nowait([["ask", 1, "shop", QUESTION]])
    assert await channel.reply() == ("failed", 1, "its app was forgotten")


async def test_of_questions_asked_together_each_is_replied_to_once(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def understand(app: App, *_: Any) -> Any:
        if app.name == "odd":
            raise ValueError("cannot be fitted")
        return SimpleNamespace(intents=None)

    def read(_: Any, asked: Sequence[tuple[Any, Question]]) -> list[Reading]:
        if any(question.text == "bad" for _, question in asked):
            raise ValueError("cannot be read")
        return [Reading("take", 0.5)] * len(asked)

    monkeypatch.setattr(language_worker, "understand", understand)
    monkeypatch.setattr(language_worker, "read", read)
    odd = msgspec.msgpack.encode(App("odd"))
    channel.to_worker.put_nowait([["app", "shop", APP], ["app", "odd", odd]])
    assert {(await channel.reply())[1] for _ in range(2)} == {"shop", "odd"}
    bad = msgspec.msgpack.encode(Question("bad", Situation()))
    asked = [("odd", QUESTION), ("shop", QUESTION), ("shop", bad), ("odd", bad), ("shop", QUESTION)]
    channel.to_worker.put_nowait([["ask", serial, *one] for serial, one in enumerate(asked)])
    replies = sorted([(await channel.reply())[:2] for _ in asked])
    assert replies == [("answer", 1), ("answer", 4), ("failed", 0), ("failed", 2), ("failed", 3)]
    assert channel.said.empty()


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_worker, "_REASSURE_S", 0.001)


async def test_as_long_as_an_app_is_fitted_the_gateway_is_told_so(
    talkative: None, channel: Channel, fit: threading.Event
) -> None:
    channel.to_worker.put_nowait([["app", "shop", APP], ["ask", 1, "shop", QUESTION]])
    assert await channel.reply() == ("fitting",)
    fit.set()
    while (said := await channel.reply()) == ("fitting",):
        pass
    assert said[0] == "fitted"
    assert await channel.reply() == ("failed", 1, "ValueError: on purpose")


@pytest.mark.usefixtures("no_home")
def test_without_a_home_directory_longer_fits_are_kept_as_long_as_it_runs(caplog: pytest.LogCaptureFixture) -> None:
    with language_worker._cache("") as folder:
        (folder / "fit").touch()
    assert not folder.exists()
    assert len(caplog.messages) == 1
    assert "--cache FOLDER" in caplog.text


@pytest.mark.usefixtures("no_home")
def test_a_folder_that_was_chosen_needs_no_home_directory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with language_worker._cache(str(tmp_path)) as folder:
        assert folder == tmp_path
    assert tmp_path.is_dir()
    assert not caplog.messages

"""The gateway's end of the language worker: a real process, without a model in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.app import ActionInfo, App
from bridge.event_path.language import Language, LanguageError, LanguageOptions
from models.language.dialogue import Question, Reading
from models.language.references import Candidate, Situation

APP = App("shop", actions=[ActionInfo("take", ["take it"])])


class Asker:
    """Asks, and waits for answers."""

    def __init__(self, **options: object) -> None:
        self.changes: list[bool] = []
        self.language = Language(LanguageOptions(worker="tests.workers", **options), self.changes.append)  # type: ignore[arg-type]
        self.key = self.language.declare(APP)

    def ask(self, text: str, situation: Situation | None = None) -> asyncio.Future[Reading | None]:
        answer: asyncio.Future[Reading | None] = asyncio.get_running_loop().create_future()
        self.language.ask(self.key, Question(text, situation or Situation()), answer.set_result)
        return answer


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Asker]]:
    made: list[Asker] = []

    def one(**options: object) -> Asker:
        made.append(Asker(**options))
        return made[-1]

    yield one
    for asker in made:
        await asker.language.stop()


async def answers(*asked: asyncio.Future[Reading | None]) -> list[str | None]:
    async with asyncio.timeout(60):
        found = await asyncio.gather(*asked)
    return [reading.action if reading is not None else None for reading in found]


async def test_questions_are_answered_also_those_that_came_before_it_was_ready(make: Callable[..., Asker]) -> None:
    asker = make()
    assert not asker.language.up
    situation = Situation((Candidate("a", "A", ("b",), (1, 2, 3)),), (0.5,), ((0, 0, 0), (0, 0, 0, 1)), "a")
    assert await answers(asker.ask("early"), asker.ask("too", situation)) == ["early", "too"]
    assert asker.language.up
    assert await answers(asker.ask("later")) == ["later"]
    assert asker.language.counters.answered == 3
    assert sum(asker.language.counters.latency_count) == 3
    assert asker.changes == []


async def test_an_app_is_declared_once_and_forgotten_with_its_last_holder(make: Callable[..., Asker]) -> None:
    asker = make()
    assert asker.language.declare(App("shop", "2.0", actions=APP.actions)) == asker.key
    other = asker.language.declare(App("other", actions=APP.actions))
    assert other != asker.key
    for key in (asker.key, asker.key, other):
        asker.language.release(key)
    with pytest.raises(KeyError):
        asker.language.release(other)


async def test_one_that_fails_is_given_up_and_costs_the_others_nothing(make: Callable[..., Asker]) -> None:
    asker = make()
    assert await answers(asker.ask("a"), asker.ask("fail"), asker.ask("b")) == ["a", None, "b"]
    assert asker.language.counters.given_up == 1
    assert asker.language.counters.restarts == 0


async def test_one_that_kills_its_worker_is_found_and_the_others_are_answered_once(make: Callable[..., Asker]) -> None:
    asker = make()
    await asker.language.start()
    first = [asker.ask(text) for text in ("die", "a", "b")]
    later = asker.ask("c")
    assert await answers(*first, later) == [None, "a", "b", "c"]
    assert asker.language.counters.restarts == 2
    assert asker.changes == [False, True, False, True]
    assert asker.language.counters.answered == 3


async def test_one_that_hangs_is_replaced(make: Callable[..., Asker]) -> None:
    asker = make(answer_timeout_s=0.5)
    await asker.language.start()
    assert await answers(asker.ask("hang"), asker.ask("a")) == [None, "a"]
    assert asker.language.counters.given_up == 1


async def test_who_does_not_wait_any_more_is_not_told(make: Callable[..., Asker]) -> None:
    asker = make()
    told: list[Reading | None] = []
    serial = asker.language.ask(asker.key, Question("a", Situation()), told.append)
    asker.language.drop(serial)
    asker.language.drop(serial)
    assert await answers(asker.ask("b")) == ["b"]
    assert told == []


async def test_without_a_worker_every_question_is_given_up(make: Callable[..., Asker]) -> None:
    asker = make(niceness="unable")
    assert await answers(asker.ask("early")) == [None]
    with pytest.raises(LanguageError, match="no weights"):
        await asker.language.start()
    assert await answers(asker.ask("late")) == [None]
    assert not asker.language.up


async def test_an_app_that_cannot_be_fitted_is_logged(
    make: Callable[..., Asker], caplog: pytest.LogCaptureFixture
) -> None:
    asker = make()
    asker.language.declare(App("wrong", actions=APP.actions))
    assert await answers(asker.ask("a")) == ["a"]
    assert "app 'wrong' cannot be fitted: wrong" in caplog.text


async def test_the_log_calls_an_app_by_its_name(make: Callable[..., Asker], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    asker = make()
    assert await answers(asker.ask("a")) == ["a"]
    assert "app 'shop' is fitted in 0.1 s" in caplog.messages


async def test_that_an_app_is_still_fitted_answers_no_question(
    make: Callable[..., Asker], caplog: pytest.LogCaptureFixture
) -> None:
    asker = make()
    asker.language.declare(App("large", actions=APP.actions))
    assert await answers(asker.ask("a")) == ["a"]
    assert not caplog.records

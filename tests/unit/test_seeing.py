"""The gateway's end of the seeing worker: a real process, without a model in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.event_path.seeing import Glimpse, Picture, Seeing, SeeingOptions

Found = list[Glimpse | str] | None


class Looker:
    """Shows pictures, and waits for what is seen."""

    def __init__(self, **options: object) -> None:
        self.changes: list[bool] = []
        self.seeing = Seeing(SeeingOptions(worker="tests.seeing_worker", **options), self.changes.append)  # type: ignore[arg-type]

    def show(self, *names: str) -> asyncio.Future[Found]:
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self.seeing.learn([name.encode() for name in names], found.set_result)
        return found


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Looker]]:
    made: list[Looker] = []

    def one(**options: object) -> Looker:
        made.append(Looker(**options))
        return made[-1]

    yield one
    for looker in made:
        await looker.seeing.stop()


async def seen(*shown: asyncio.Future[Found]) -> list[list[str] | None]:
    """What was seen in each, the likeliest name or what was wrong."""
    async with asyncio.timeout(60):
        found = await asyncio.gather(*shown)
    return [
        None if one is None else [glimpse if isinstance(glimpse, str) else glimpse.labels[0][0] for glimpse in one]
        for one in found
    ]


async def test_pictures_are_seen_and_what_is_none_is_told(make: Callable[..., Looker]) -> None:
    looker = make()
    shown = looker.show("teapot", "broken", "mug")
    assert await seen(shown) == [["teapot", "this is no picture", "mug"]]
    found = shown.result()
    assert found is not None
    assert isinstance(found[0], Glimpse)
    assert found[0].labels == (("teapot", 0.75),)
    assert found[0].embedding.shape == (1280,)
    assert found[0].embedding[0] == 6
    assert looker.seeing.version == "fake"


async def test_one_picture_is_looked_at(make: Callable[..., Looker]) -> None:
    looker = make()
    seen: asyncio.Queue[Glimpse | str | None] = asyncio.Queue()
    for name in ("teapot", "broken", "fail"):
        looker.seeing.look(Picture("jpeg", 1, 1, name.encode()), seen.put_nowait)
    glimpse = await seen.get()
    assert isinstance(glimpse, Glimpse)
    assert glimpse.labels == (("teapot", 0.75),)
    assert [await seen.get(), await seen.get()] == ["this is no picture", None]


async def test_one_that_kills_its_worker_is_found_and_the_others_are_seen_once(make: Callable[..., Looker]) -> None:
    looker = make()
    assert await seen(looker.show("first")) == [["first"]]
    assert await seen(looker.show("die"), looker.show("a"), looker.show("fail"), looker.show("b")) == [
        None,
        ["a"],
        None,
        ["b"],
    ]
    assert looker.changes == [False, True, False, True]
    counters = looker.seeing.counters
    assert (counters.restarts, counters.given_up, counters.answered) == (2, 2, 3)


async def test_one_that_hangs_is_replaced(make: Callable[..., Looker]) -> None:
    looker = make(answer_timeout_s=0.5)
    assert await seen(looker.show("first")) == [["first"]]
    assert await seen(looker.show("hang"), looker.show("a")) == [None, ["a"]]


async def test_when_it_cannot_be_started_everybody_is_told(make: Callable[..., Looker]) -> None:
    looker = make(start_timeout_s=7)
    assert await seen(looker.show("a")) == [None]
    assert looker.seeing.problem == "no eyes"
    assert await seen(looker.show("b")) == [None]


def test_it_may_be_turned_off() -> None:
    assert Seeing(SeeingOptions(off=True), lambda up: None).problem == "sight is turned off"

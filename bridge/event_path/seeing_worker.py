"""The process that sees pictures, batched over sessions. Run by ``bridge.event_path.seeing``, never by hand."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.event_path.channel import Channel, Run, giving_way, serve
from bridge.event_path.seeing import SeeingOptions
from models.vision.pictures import Picture, decode, decode_file
from models.vision.sight import Sight

log = logging.getLogger("genlock.seeing")

_LARGEST_BATCH: Final = 8

Asked = tuple[int, str, Sequence[Any]]


async def look(sight: Sight, channel: Channel) -> None:
    """Looks until the gateway is gone."""
    async for messages in channel.batches():
        asked: list[Asked] = [(serial, what, pictures) for _, serial, what, pictures in messages]
        looks = [one for one in asked if one[1] == "look"]
        for at in range(0, len(looks), _LARGEST_BATCH):
            # What is shown can be shown again, and what is said waits to be heard.
            async with giving_way():
                _answer(sight, channel, looks[at : at + _LARGEST_BATCH])
        for one in asked:
            if one[1] == "learn":
                _answer(sight, channel, [one])


def _answer(sight: Sight, channel: Channel, asked: Sequence[Asked]) -> None:
    try:
        answers = _glimpses(sight, asked)
    except Exception as error:
        if len(asked) > 1:
            # One of them is at fault; the others shall not suffer for it.
            for one in asked:
                _answer(sight, channel, [one])
            return
        log.exception("a picture could not be seen")
        channel.say("failed", asked[0][0], f"{type(error).__name__}: {error}")
        return
    for (serial, *_), answer in zip(asked, answers, strict=True):
        channel.say("answer", serial, answer)


def _glimpses(sight: Sight, asked: Sequence[Asked]) -> list[list[Any]]:
    """What each was asked for; all pictures in one batch."""
    decoded = [[_decoded(picture) for picture in pictures] for *_, pictures in asked]
    pixels = [one for some in decoded for one in some if not isinstance(one, str)]
    found = sight.look(pixels)
    embeddings = [seen.embedding for seen in found]
    if asked[0][1] == "learn":
        embeddings = sight.examples(pixels)
    seen = iter([[one.labels, row.astype("<f4").tobytes()] for one, row in zip(found, embeddings, strict=True)])
    return [[one if isinstance(one, str) else next(seen) for one in some] for some in decoded]


def _decoded(picture: Any) -> NDArray[np.uint8] | str:
    try:
        return decode_file(picture) if isinstance(picture, bytes) else decode(Picture(*picture))
    except ValueError as problem:
        return str(problem)


def main() -> None:
    """The process: arguments are the descriptor of the stream and the options."""
    options = SeeingOptions(**json.loads(sys.argv[2]))

    def load() -> tuple[Sequence[Any], Run]:
        sight = Sight.load()
        return (sight.version,), lambda channel: look(sight, channel)

    serve(load, threads=options.threads, niceness=options.niceness)


if __name__ == "__main__":
    main()

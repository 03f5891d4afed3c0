"""The process that sees pictures, batched over sessions. Run by ``bridge.event_path.seeing``, never by hand."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bridge.event_path.channel import Channel, Run, serve
from bridge.event_path.seeing import SeeingOptions
from models.vision.pictures import Picture, decode, decode_file
from models.vision.sight import Sight

log = logging.getLogger("genlock.seeing")

_LARGEST_BATCH: Final = 8

Pixels = NDArray[np.uint8]


async def look(sight: Sight, channel: Channel) -> None:
    """Looks until the gateway is gone. Of one question all pictures go into the same batch."""
    async for messages in channel.batches():
        for some in _batches([(serial, pictures) for _, serial, pictures in messages]):
            _answer(sight, channel, some)


def _batches(asked: Sequence[tuple[int, Sequence[Any]]]) -> Iterator[list[tuple[int, Sequence[Any]]]]:
    batch: list[tuple[int, Sequence[Any]]] = []
    count = 0
    for serial, pictures in asked:
        if batch and count + len(pictures) > _LARGEST_BATCH:
            yield batch
            batch, count = [], 0
        batch.append((serial, pictures))
        count += len(pictures)
    if batch:
        yield batch


def _answer(sight: Sight, channel: Channel, asked: Sequence[tuple[int, Sequence[Any]]]) -> None:
    try:
        decoded = [(serial, [_decoded(picture) for picture in pictures]) for serial, pictures in asked]
        seen = iter(sight.look([one for _, pictures in decoded for one in pictures if not isinstance(one, str)]))
    except Exception as error:
        if len(asked) > 1:
            # One of them is at fault; the others shall not suffer for it.
            for one in asked:
                _answer(sight, channel, [one])
            return
        log.exception("a picture could not be seen")
        channel.say("failed", asked[0][0], f"{type(error).__name__}: {error}")
        return
    for serial, pictures in decoded:
        answers: list[Any] = []
        for picture in pictures:
            if isinstance(picture, str):
                answers.append(picture)
            else:
                found = next(seen)
                answers.append([found.labels, found.embedding.astype("<f4").tobytes()])
        channel.say("answer", serial, answers)


def _decoded(picture: Sequence[Any]) -> Pixels | str:
    try:
        return decode(Picture(*picture)) if picture[0] else decode_file(picture[3])
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

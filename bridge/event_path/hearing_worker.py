"""The process that hears speech, batched over sessions. Run by ``bridge.event_path.hearing``, never by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from bridge.event_path.channel import Channel, Run, serve
from bridge.event_path.hearing import HearingOptions
from models.speech.listening import Listening, ListeningOptions

_encode = msgspec.msgpack.Encoder().encode


async def listen(listening: Listening, channel: Channel) -> None:
    """Hears until the gateway is gone: what has come first, then a little of the work, then what has come again."""
    taken = 0
    async for first in channel.batches():
        batch: list[Sequence[Any]] | None = first
        while batch is not None:
            for message in batch:
                _take(listening, message)
                taken += message[0] == "audio"
            if not listening.busy:
                break
            for heard in listening.work():
                channel.say("heard", _encode(heard))
            batch = channel.waiting()
        channel.say("idle", taken)


def _take(listening: Listening, message: Sequence[Any]) -> None:
    kind, stream, *rest = message
    if kind == "audio":
        listening.feed(stream, *rest)
    elif kind == "lull":
        listening.lull(stream)
    elif kind == "bias":
        listening.bias(stream, *rest)
    elif kind == "open":
        listening.open(stream)
    else:
        listening.close(stream)


def main() -> None:
    """The process: arguments are the descriptor of the stream and the options."""
    options = HearingOptions(**json.loads(sys.argv[2]))

    def load() -> tuple[Sequence[Any], Run]:
        listening = Listening.load(ListeningOptions(model=options.model, threads=options.threads))
        versions = [f"{name} {version}" for name, version in listening.versions.items()]
        return versions, lambda channel: listen(listening, channel)

    serve(load, threads=options.threads, niceness=options.niceness)


if __name__ == "__main__":
    main()

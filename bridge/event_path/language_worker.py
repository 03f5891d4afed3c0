"""The process that understands utterances, batched over sessions. Run by ``bridge.event_path.language``, never by hand.

Apps are fitted on a thread of their own, so that one with many phrases does not make the others wait, and once more at
length in a process of its own (``bridge.event_path.longer_fits``).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from bridge.app import App
from bridge.event_path.apps import understand
from bridge.event_path.channel import Channel, Run, serve
from bridge.event_path.language import LanguageOptions
from bridge.event_path.longer_fits import LongerFits
from models.intent import background
from models.intent.adapted import adapted
from models.intent.tuned import Cache, default_cache
from models.language.app_actions import PhraseIntents, Understanding
from models.language.dialogue import Question
from models.language.encoder import Encoder
from models.language.understanding import read

log = logging.getLogger("genlock.language")

_encode = msgspec.msgpack.Encoder().encode
_decode_app = msgspec.msgpack.Decoder(App).decode
_decode_question = msgspec.msgpack.Decoder(Question).decode

_LARGEST_BATCH = 32
# Well within the time after which a worker that says nothing counts as hanging.
_REASSURE_S = 5.0

Asked = tuple[int, str, Question]


class Worker:
    """Carries out what ``bridge.event_path.language`` says may be asked.

    Args:
        cache: where longer fits are kept.
    """

    def __init__(self, encoder: Encoder, cache: Cache) -> None:
        self._encoder = encoder
        self._reader = encoder.packed()
        self._background = self._reader.encode(background.texts()).numpy()
        self._fitter = ThreadPoolExecutor(1, "fit")
        self._fitting: dict[str, asyncio.Task[None]] = {}
        self._fitted: dict[str, Understanding | str] = {}
        self._waiting: list[Asked] = []
        self._cache = cache

    async def run(self, channel: Channel) -> None:
        """Serves until the gateway is gone."""
        self._say = channel.say
        self._longer = LongerFits(self._cache, self._encoder, self._fitter)
        reassuring = asyncio.create_task(self._reassure())
        async for batch in channel.batches():
            for kind, *rest in batch:
                if kind == "app":
                    key, app = rest
                    self._fitting[key] = asyncio.create_task(self._fit(key, app))
                elif kind == "forget":
                    (key,) = rest
                    self._fitted.pop(key, None)
                    self._longer.forget(key)
                    if (task := self._fitting.pop(key, None)) is not None:
                        task.cancel()
                elif kind == "ask":
                    serial, key, question = rest
                    self._waiting.append((serial, key, _decode_question(question)))
            self._answer_all()
        reassuring.cancel()
        await self._longer.stop()
        self._fitter.shutdown(wait=False, cancel_futures=True)

    async def _reassure(self) -> None:
        while True:
            await asyncio.sleep(_REASSURE_S)
            if self._fitting:
                self._say("fitting")

    async def _fit(self, key: str, data: bytes) -> None:
        began = time.monotonic()
        problem = ""
        app = _decode_app(data)
        try:
            fit = asyncio.get_running_loop().run_in_executor(
                self._fitter, understand, app, self._reader, self._background
            )
            self._fitted[key] = understanding = await fit
            if isinstance(understanding.intents, PhraseIntents):
                self._longer.want(key, app.name, understanding.intents)
        except Exception as error:
            log.exception("app %r cannot be fitted", app.name)
            self._fitted[key] = problem = f"{type(error).__name__}: {error}"
        self._say("fitted", key, time.monotonic() - began, problem)
        self._fitting.pop(key, None)
        self._answer_all()

    def _answer_all(self) -> None:
        ready = [asked for asked in self._waiting if asked[1] in self._fitted]
        unfitted = [asked for asked in self._waiting if asked[1] not in self._fitted]
        self._waiting = [asked for asked in unfitted if asked[1] in self._fitting]
        for serial, key, _ in unfitted:
            if key not in self._fitting:
                # Nobody waits for it, but a question without any answer makes a worker look as if it hung.
                self._say("failed", serial, "its app was forgotten")
        for at in range(0, len(ready), _LARGEST_BATCH):
            self._answer(ready[at : at + _LARGEST_BATCH])

    def _answer(self, batch: Sequence[Asked]) -> None:
        usable: list[Asked] = []
        questions: list[tuple[Understanding, Question]] = []
        for asked in batch:
            serial, key, question = asked
            understanding = self._fitted[key]
            if isinstance(understanding, str):
                self._say("failed", serial, understanding)
            else:
                usable.append(asked)
                questions.append((understanding, question))
        try:
            readings = read(self._reader, questions)
        except Exception as error:
            if len(usable) > 1:
                # One of them is at fault; the others shall not suffer for it.
                for one in usable:
                    self._answer([one])
                return
            log.exception("an utterance could not be read")
            for serial, *_ in usable:
                self._say("failed", serial, f"{type(error).__name__}: {error}")
            return
        for (serial, *_), reading in zip(usable, readings, strict=True):
            self._say("answer", serial, _encode(reading))


def main() -> None:
    """The process: arguments are the descriptor of the stream and the options."""
    options = LanguageOptions(**json.loads(sys.argv[2]))
    with _cache(options.cache) as folder:

        def load() -> tuple[Sequence[Any], Run]:
            encoder = Encoder.load(adapted())
            return (encoder.version,), Worker(encoder, Cache(folder)).run

        serve(load, threads=options.threads, niceness=options.niceness)


@contextmanager
def _cache(chosen: str) -> Iterator[Path]:
    folder = Path(chosen) if chosen else default_cache()
    if folder is not None:
        yield folder
        return
    log.warning("there is no home directory, so longer fits of apps are not kept; --cache FOLDER keeps them")
    with TemporaryDirectory(prefix="genlock-") as passing:
        yield Path(passing)


if __name__ == "__main__":
    main()

"""Longer fits of apps' examples, behind the quick ones: one after the other, in a process that steps back."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from concurrent.futures import Executor

from models.intent.tuned import Cache, Tuned
from models.intent.tuning import Task
from models.language.app_actions import PhraseIntents
from models.language.encoder import Encoder

log = logging.getLogger("genlock.language")


class LongerFits:
    """Gives apps their longer fits: those that are kept at once, others when they are done.

    Args:
        encoder: the one that apps are served with.
        executor: where what takes long is done, so that answers do not wait.
    """

    def __init__(self, cache: Cache, encoder: Encoder, executor: Executor) -> None:
        self._cache = cache
        self._encoder = encoder
        self._executor = executor
        self._wanted: dict[str, tuple[str, PhraseIntents]] = {}
        self._more = asyncio.Event()
        self._working = asyncio.create_task(self._work(), name="longer fits")

    def want(self, key: str, name: str, intents: PhraseIntents) -> None:
        """An app is served from now on; the log calls it by its name."""
        if intents.tunable:
            self._wanted[key] = name, intents
            self._more.set()

    def forget(self, key: str) -> None:
        """An app is served no more. What has begun is brought to its end, and kept: the app may come again."""
        self._wanted.pop(key, None)

    async def stop(self) -> None:
        """Ends, with whatever is under way."""
        self._working.cancel()
        await asyncio.wait((self._working,))

    async def _work(self) -> None:
        while True:
            while not self._wanted:
                self._more.clear()
                await self._more.wait()
            key = next(iter(self._wanted))
            name, intents = self._wanted.pop(key)
            began = time.monotonic()
            try:
                tuned = await self._kept(intents)
                how = "was kept"
                if tuned is None:
                    await self._fit(intents)
                    tuned = await self._kept(intents)
                    how = f"took {time.monotonic() - began:.0f} s"
                if tuned is None:
                    raise RuntimeError("what was written cannot be read")
            except Exception as error:
                # The app is served with the quick fit as before.
                log.exception("app %r has no longer fit: %s", name, error)
            else:
                # One assignment, between two batches of questions.
                intents.tuned = tuned
                log.info("app %r is served with its longer fit, which %s", name, how)

    async def _kept(self, intents: PhraseIntents) -> Tuned | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, self._cache.load, self._encoder, intents.texts, intents.labels
        )

    async def _fit(self, intents: PhraseIntents) -> None:
        path = self._cache.path(self._encoder, intents.texts, intents.labels)
        # Files, not pipes: a process that is waited for while nobody reads its pipe is waited for for ever.
        with tempfile.TemporaryFile() as task, tempfile.TemporaryFile() as told:
            task.write(Task(intents.texts, intents.labels, str(path)).encoded())
            task.seek(0)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "models.intent.tuning", stdin=task, stderr=told
            )
            try:
                await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if process.returncode:
                told.seek(0)
                last = told.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise RuntimeError(f"its process ended with {process.returncode}: {last}")
        self._cache.tidy()

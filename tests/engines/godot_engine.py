"""Real Godot, headless: finds or fetches the engine, makes projects for tests, runs scripts in them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ADDON = ROOT / "engine_plugins" / "godot" / "addons" / "genlock"
RUNNERS = Path(__file__).with_name("godot")
CACHE = ROOT / ".engines" / "godot"


class NoEngine(Exception):
    """Godot is not here and cannot be fetched; the message says why."""


@dataclass
class Ran:
    """What a run of the engine left."""

    code: int
    output: str

    @property
    def mistakes(self) -> list[str]:
        """Lines that tell of an error or warning of a script or of the engine."""
        return [line for line in self.output.splitlines() if re.match(r"\s*(SCRIPT |USER )?(ERROR|WARNING)\b", line)]

    def results(self) -> list[Any]:
        """What the script printed with ``RESULT`` before it, as JSON."""
        marked = (line.split("RESULT ", 1)[1] for line in self.output.splitlines() if line.startswith("RESULT "))
        return [json.loads(line) for line in marked]


def find_engine() -> Path:
    """The engine: ``GENLOCK_GODOT``, or the one in the cache, which is fetched if it is not there yet.

    Raises:
        NoEngine: it cannot be had.
    """
    if named := os.environ.get("GENLOCK_GODOT"):
        if not shutil.which(named):
            raise NoEngine(f"GENLOCK_GODOT={named} cannot be run")
        return Path(named)
    engine = CACHE / "godot"
    if not engine.exists():
        script = Path(__file__).with_name("get_godot.sh")
        fetched = subprocess.run([script, CACHE], capture_output=True, text=True, check=False)
        if fetched.returncode:
            raise NoEngine((fetched.stderr or fetched.stdout).strip()[-1000:])
    return engine


@dataclass
class Project:
    """A project with the addon and the test runners in it, imported."""

    engine: Path
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ("--headless",)

    @classmethod
    def make(cls, engine: Path, folder: Path, *, more: str = "", autoload: bool = True) -> Project:
        """A new project in a folder. ``more`` is added to ``project.godot``."""
        (folder / "addons").mkdir(parents=True)
        shutil.copytree(ADDON, folder / "addons" / "genlock")
        for file in RUNNERS.iterdir():
            shutil.copy(file, folder)
        for file in RUNNERS.glob("driver.*"):
            (folder / "addons" / "driver").mkdir(exist_ok=True)
            name = "plugin.cfg" if file.suffix == ".cfg" else file.name
            shutil.move(folder / file.name, folder / "addons" / "driver" / name)
        settings = (folder / "project.godot").read_text()
        if not autoload:
            settings = settings[: settings.index("[autoload]")]
        (folder / "project.godot").write_text(settings + more)
        return cls.adopt(engine, folder)

    @classmethod
    def adopt(cls, engine: Path, folder: Path) -> Project:
        """A project that lies in a folder; imports it, which is when its classes become known."""
        home = folder / ".home"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }
        home.mkdir()
        project = cls(engine, folder, environment)
        imported = project.run("--import")
        assert imported.code == 0, imported.output
        assert not imported.mistakes, imported.output
        return project

    def command(self, *arguments: str) -> list[str]:
        """How the engine is started."""
        return [str(self.engine), *self.options, "--path", str(self.folder), *arguments]

    def run(self, *arguments: str, timeout_s: float = 120, **environment: str) -> Ran:
        """Runs the engine to its end. One that does not end, as after an error in a script, is ended with code 124."""
        process = subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self.environment, **environment},
        )
        try:
            output, _ = process.communicate(timeout=timeout_s)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            code = 124
        return Ran(code, output.decode(errors="replace"))

    async def start(self, *arguments: str, **environment: str) -> Running:
        """Starts the engine beside the test."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**self.environment, **environment},
        )
        return Running(process)


class Running:
    """The engine while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._lines: list[str] = []

    async def line(self, beginning: str, *, timeout_s: float = 120) -> str:
        """Reads what it prints up to a line that begins so.

        Raises:
            AssertionError: it ended, or took too long; with all that it printed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    assert self.process.stdout is not None
                    line = (await self.process.stdout.readline()).decode(errors="replace")
                    assert line, f"it ended before a line '{beginning}':\n{self.output()}"
                    self._lines.append(line)
                    assert "Failed to load script" not in line, self.output()
                    if line.startswith(beginning):
                        return line.rstrip("\n")
        except TimeoutError as error:
            raise AssertionError(f"no line '{beginning}' in {timeout_s} s, but:\n{self.output()}") from error

    def output(self) -> str:
        """What it has printed so far."""
        return "".join(self._lines)

    async def end(self, *, timeout_s: float = 120) -> Ran:
        """Waits for its end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(timeout_s):
            rest = await self.process.stdout.read()
            code = await self.process.wait()
        return Ran(code, "".join(self._lines) + rest.decode(errors="replace"))

    async def kill(self) -> None:
        """Ends it if it still runs."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

"""The Unity package on Mono: its core against a real daemon, its components against signatures of Unity."""

from __future__ import annotations

import asyncio
import socket
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.protocol import Audio, Bye
from tests.daemons import COUNTING, Served, served
from tests.engines import mono, unity_cost
from tests.engines.false_daemon import false_daemon

TIMEOUT_S = 300.0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all assemblies of the package and what tests them, compiled as the asmdefs divide them."""
    mono.require()
    folder = tmp_path_factory.mktemp("mono")

    def compiled(name: str, sources: Path, *references: Path, defines: tuple[str, ...] = ()) -> Path:
        return mono.compile_csharp(folder / name, [sources], references, defines)

    runtime = mono.PACKAGE / "Runtime"
    core = compiled("Genlock.Core.dll", runtime / "Core")
    compiled("headset.exe", mono.HERE / "headset", core)
    compiled("cost.exe", mono.HERE / "cost", core)
    compiled("Genlock.Core.Tests.dll", mono.PACKAGE / "Tests" / "Core", core, mono.NUNIT)
    engine = compiled("UnityStubs.dll", mono.HERE / "stubs")
    unity = compiled("Genlock.Unity.dll", runtime / "Unity", core, engine)
    # The name by which the package lets its tests in.
    (folder / "microphone").mkdir()
    compiled("microphone/Genlock.Unity.Tests.exe", mono.HERE / "microphone", core, engine, unity)
    hands = compiled("Genlock.Unity.XRHands.dll", runtime / "XRHands", core, engine, unity)
    inputs = compiled("Genlock.Unity.InputSystem.dll", runtime / "InputSystem", core, engine, unity)
    editor = compiled("Genlock.Unity.Editor.dll", mono.PACKAGE / "Editor", core, engine, unity)
    sample = mono.PACKAGE / "Samples~" / "Gallery"
    gallery = compiled("Genlock.Gallery.dll", sample / "Scripts", core, engine, unity)
    menu = compiled("Genlock.Gallery.Editor.dll", sample / "Editor", core, engine, unity, gallery)
    everything = (core, engine, unity, hands, inputs, editor, gallery, menu)
    compiled("Genlock.Unity.Tests.dll", mono.HERE / "components", *everything, mono.NUNIT)
    compiled("Genlock.PublicApi.Tests.dll", mono.PACKAGE / "Tests" / "PublicApi", core, engine, unity, mono.NUNIT)
    # What a later Unity calls obsolete is a warning, and those are errors here.
    later = ("UNITY_2023_1_OR_NEWER", "UNITY_ANDROID")
    (folder / "later").mkdir()
    newer = compiled("later/UnityStubs.dll", mono.HERE / "stubs", defines=later)
    android = compiled("later/Genlock.Unity.dll", runtime / "Unity", core, newer, defines=later)
    compiled("later/Genlock.Unity.Editor.dll", mono.PACKAGE / "Editor", core, newer, android, defines=later)
    compiled("later/Genlock.Unity.Tests.dll", mono.HERE / "android", core, newer, android, mono.NUNIT, defines=later)
    return folder


async def test_core(built: Path, tmp_path: Path) -> None:
    certificate = mono.ROOT / "tests" / "integration" / "localhost.pem"
    key = certificate.with_name("localhost-key.pem")
    async with served(tmp_path, "--token", "right", "--tls-cert", str(certificate), "--tls-key", str(key)) as daemon:
        outcome = await asyncio.to_thread(
            mono.run_nunit, built / "Genlock.Core.Tests.dll", {"GENLOCK_URL": daemon.url, "GENLOCK_TOKEN": "right"}
        )
    assert not outcome.failures
    assert outcome.passed > 160


async def test_components_and_public_api(built: Path, tmp_path: Path) -> None:
    async with served(tmp_path, models=(COUNTING, "gesture")) as daemon:
        for name, least in (("Genlock.Unity.Tests", 40), ("Genlock.PublicApi.Tests", 14)):
            outcome = await asyncio.to_thread(
                mono.run_nunit, built / f"{name}.dll", {"GENLOCK_URL": daemon.url.rstrip("/")}
            )
            assert not outcome.failures, name
            assert outcome.passed >= least


def test_permissions_of_android(built: Path) -> None:
    outcome = mono.run_nunit(built / "later" / "Genlock.Unity.Tests.dll")
    assert not outcome.failures
    assert outcome.passed == 2


async def test_a_frame_makes_no_more_garbage_than_a_bare_loop(built: Path, tmp_path: Path) -> None:
    async with served(tmp_path) as daemon:
        bare, package = await asyncio.gather(
            *(
                asyncio.to_thread(unity_cost.measure, built / "cost.exe", kind, daemon.url, 150, 1500)
                for kind in ("bare", "package")
            )
        )
    assert bare.bytes_a_frame > 500, "the loop that is compared with must work"
    assert package.answers > 1000
    # Counting collections is as exact as one nursery in all: 87 bytes a frame here.
    assert package.bytes_a_frame < 1.1 * bare.bytes_a_frame + 100


Sound = NDArray[np.float64]
SPOKEN = Path(__file__).with_name("lj001_0002.wav")
BEGINS_US = 1_000_000
BEFORE_S, SPOKEN_S, AFTER_S = 0.75, 1.9, 1.0


def at_rate(sound: Sound, length: int) -> Sound:
    """The same sound in another number of samples: all that both rates can hold, and nothing else."""
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(length // 2 + 1, complex)
    shared = min(len(kept), len(spectrum)) - 1
    kept[:shared] = spectrum[:shared]
    return np.fft.irfft(kept, length) * (length / len(sound))


def later(sound: Sound, samples: float) -> Sound:
    """The same sound moved by so many samples."""
    turns = np.exp(-2j * np.pi * np.fft.rfftfreq(len(sound)) * samples)
    return np.fft.irfft(np.fft.rfft(sound) * turns, len(sound))


def spoken(hz: int) -> Sound:
    """A sentence between silences, at a rate."""
    with wave.open(str(SPOKEN)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    sound = np.concatenate([np.zeros(int(BEFORE_S * rate)), samples, np.zeros(int(AFTER_S * rate))])
    return at_rate(sound, round(len(sound) * hz / rate))


def hiss(length: int, hz: int) -> Sound:
    """Noise from 9 to 12 kHz, where the rate can hold that: what must not fold back into 16 kHz."""
    pitches = np.fft.rfftfreq(length, 1 / hz)
    turns = np.random.default_rng(1).uniform(0, 2 * np.pi, len(pitches))
    noise = np.fft.irfft(np.exp(1j * turns) * ((pitches > 9000) & (pitches < 12000)), length)
    return noise / max(float(np.std(noise)), 1e-9)


def write_wav(path: Path, sound: Sound, hz: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(hz)
        file.writeframes(np.round(sound * 32767).clip(-32768, 32767).astype("<i2").tobytes())


async def heard(built: Path, path: Path, what: str, hangs_at: int) -> list[Audio]:
    """What the package sends of what a microphone hears, in an app that hangs for half a second at some sample."""
    program = built / "microphone" / "Genlock.Unity.Tests.exe"
    async with false_daemon() as daemon:
        arguments = [str(program), daemon.url, str(path), what, str(hangs_at)]
        process = await asyncio.create_subprocess_exec(
            "mono", "--debug", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            pieces = []
            async with asyncio.timeout(TIMEOUT_S):
                while not isinstance(message := await daemon.inbox.get(), Bye):
                    if isinstance(message, Audio):
                        pieces.append(message)
            log, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert (process.returncode, log.decode()) == (0, "")
    return pieces


def laid_by_time(pieces: list[Audio], length: int) -> Sound:
    """The samples where their times say that they belong, zeros in between."""
    sound = np.zeros(length)
    for piece in pieces:
        samples = np.frombuffer(piece.pcm, "<i2") / 32767
        at = round((piece.time - BEGINS_US) * 16 / 1000)
        sound[at : at + len(samples)] = samples
    return sound


@pytest.mark.parametrize("what", ["speech", "all"])
@pytest.mark.parametrize("hz", [48000, 44100, 16000])
async def test_a_microphone_of_any_rate_sends_what_was_said(built: Path, tmp_path: Path, hz: int, what: str) -> None:
    sound = spoken(hz)
    write_wav(tmp_path / "spoken.wav", sound + 0.5 * np.std(sound) * hiss(len(sound), hz), hz)
    pieces = await heard(built, tmp_path / "spoken.wav", what, hangs_at=int(1.2 * hz))
    original = spoken(16000)
    lengths = [len(piece.pcm) for piece in pieces]
    assert set(lengths[:-1]) == {3200}
    steps = np.diff([piece.time for piece in pieces])
    assert set(steps) == {100_000}, "each begins where the one before it ended"
    assert [piece.end for piece in pieces].count(True) == 1
    begins = (pieces[0].time - BEGINS_US) / 1e6
    ends = (pieces[-1].time - BEGINS_US) / 1e6 + lengths[-1] / 32000
    if what == "speech":
        assert pieces[-1].end
        assert BEFORE_S - 0.25 < begins <= BEFORE_S
        assert ends < BEFORE_S + SPOKEN_S + 0.75
    else:
        assert abs(begins) < 0.005
        assert ends > BEFORE_S + SPOKEN_S + 0.85
    sent = laid_by_time(pieces, len(original) + 1600)[: len(original)]
    # Where the times are right, the sound lies on the original; the first sample may be between two of it.
    lags = np.arange(-16, 17) / 8
    likeness = [float(np.corrcoef(later(original, lag), sent)[0, 1]) for lag in lags]
    assert max(likeness) > 0.9995
    assert abs(lags[int(np.argmax(likeness))]) <= 1
    assert abs(float(np.std(sent) / np.std(original)) - 1) < 0.02


async def test_a_microphone_that_is_turned_off_ends_what_was_being_said(built: Path, tmp_path: Path) -> None:
    ends_s = BEFORE_S + 1.03
    write_wav(tmp_path / "cut.wav", spoken(48000)[: int(ends_s * 48000)], 48000)
    pieces = await heard(built, tmp_path / "cut.wav", "speech", hangs_at=-1)
    assert [piece.end for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert 0 < len(pieces[-1].pcm) < 3200
    heard_s = (pieces[-1].time - BEGINS_US) / 1e6 + len(pieces[-1].pcm) / 32000
    # Samples are taken in blocks of 20 ms.
    assert ends_s - 0.025 < heard_s <= ends_s


async def test_a_real_daemon_hears_what_a_microphone_hears(built: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "spoken.wav", spoken(48000), 48000)
    program = built / "microphone" / "Genlock.Unity.Tests.exe"
    async with served(tmp_path) as daemon:
        arguments = [str(program), daemon.url, str(tmp_path / "spoken.wav"), "heard", "-1"]
        process = await asyncio.create_subprocess_exec("mono", "--debug", *arguments, stdout=asyncio.subprocess.PIPE)
        try:
            log, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    words = log.decode().strip().split("\n")
    # The file begins at one second, and the sentence a bit later.
    begin, end = map(int, words[1].split())
    assert words[0].lower().rstrip(".") == f"speech:{begin} in being comparatively modern"
    assert BEGINS_US + 1e6 * (BEFORE_S - 0.3) < begin < end < BEGINS_US + 1e6 * (BEFORE_S + SPOKEN_S + 0.3)


class Proxy:
    """A TCP relay to a daemon that can break all its connections, as a network does."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.drop()
            await server.wait_closed()

    def drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there_writer}
        await asyncio.gather(self._copy(reader, there_writer), self._copy(there_reader, writer))
        self._writers -= {writer, there_writer}

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()


class Headset:
    """A headset.exe and the lines that it printed so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def until(self, done: Callable[[str], bool]) -> str:
        """Reads on to a line."""
        assert self._process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            while line := (await self._process.stdout.readline()).decode():
                self.lines.append(line.strip())
                if done(self.lines[-1]):
                    return self.lines[-1]
        raise AssertionError("headset.exe ended early:\n" + "\n".join(self.lines))

    async def sees(self, beginning: str, times: int = 1) -> str:
        """Waits for so many more lines that begin so; the last of them."""
        line = ""
        for _ in range(times):
            line = await self.until(lambda line: line.startswith(beginning))
        return line

    async def ends(self) -> dict[str, str]:
        """Waits for its end; the last thing that it said about each word."""
        await self.sees("end")
        assert await self._process.wait() == 0
        return dict(line.partition(" ")[::2] for line in self.lines)

    def count(self, beginning: str) -> int:
        return sum(line.startswith(beginning) for line in self.lines)


@asynccontextmanager
async def headset(built: Path, url: str, **options: object) -> AsyncIterator[Headset]:
    """A headset that runs against a daemon; it is ended whatever happens."""
    arguments = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    process = await asyncio.create_subprocess_exec(
        "mono", "--debug", str(built / "headset.exe"), "--url", url, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Headset(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_nothing_is_lost_and_nothing_comes_twice(built: Path, tmp_path: Path) -> None:
    port = free_port()
    async with AsyncExitStack() as stack:

        async def start() -> Served:
            return await stack.enter_async_context(served(tmp_path, "--port", str(port)))

        daemon = await start()
        proxy = await stack.enter_async_context(Proxy("127.0.0.1", port).running())
        client = await stack.enter_async_context(headset(built, proxy.url, seconds=60))
        await client.sees("welcome new")
        await client.sees("action", 3)
        proxy.drop()
        await client.sees("welcome resumed")
        await client.sees("action", 3)
        daemon.process.kill()
        await daemon.process.wait()
        await start()
        await client.sees("welcome restored")
        await client.sees("action", 3)
        proxy.drop()
        await client.sees("welcome resumed")
        told = await client.ends()
    assert told["faults"] == "0", client.lines
    assert told["open"] == "0"
    said, _, performed = told["said"].split()
    assert int(said) == int(performed) == client.count("action Performed")
    assert int(said) > 20
    assert int(told["reconnects"]) >= 3
    for kind in ("scene", "update", "teach", "name", "confirm", "take back", "export"):
        assert f"done {kind} ok" in client.lines
    assert "exported something" in client.lines
    assert told["closed"].startswith("1000 over")

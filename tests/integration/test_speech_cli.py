"""Speech on the command line, in real processes: what is said, what came of it, and how long that took."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.headset.simulated import HeadsetOptions, SimulatedHeadset
from bridge.headset.track import load_track
from bridge.manifest import load
from tests.daemons import ROOT, served

GALLERY = str(ROOT / "samples" / "apps" / "gallery.toml")


def genlock(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_say_tells_what_and_why() -> None:
    told = json.loads(genlock("say", "paint that one crimson", "--app", GALLERY, "--look", "Kettle", "--json"))
    assert (told["action"], told["target"], told["arguments"]) == ("paint", "kettle", {"colour": "red"})
    text = genlock("say", "hand me the mug", "--app", GALLERY)
    assert text.startswith("take")
    assert "waits for target: " in text
    assert "Red mug" in text


def test_say_explains_in_plain_words() -> None:
    back = genlock("say", "hide it", "--app", GALLERY, "--last", "Kettle")
    assert "'it' refers back: " in back
    pointed = genlock("say", "hide that one", "--app", GALLERY, "--look", "Kettle")
    assert "'that one' is pointed at: " in pointed
    taught = genlock("say", "when I say zap it I mean hide the kettle", "--app", GALLERY)
    assert taught.splitlines()[0] == "teaches that 'zap it' means hide"
    assert taught.count("teaches") == 1


def test_say_takes_what_is_no_utf_8_for_what_is_not_understood() -> None:
    arguments = [sys.executable, "-m", "bridge", "say", b"take the kettle \xff", "--app", GALLERY]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stdout.split()[:1]) == (0, [b"take"]), done.stderr


def test_say_tells_what_is_wrong(tmp_path: Path) -> None:
    assert "no target 'nowhere'; there are kettle" in genlock("say", "a", "--app", GALLERY, "--look", "nowhere", code=2)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "a"\nactions = 3\n')
    assert f"{wrong}, line 2, actions: expected a list" in genlock("say", "a", "--app", str(wrong), code=2)
    assert f"{wrong}, line 2" in genlock("serve", "--app", str(wrong), "--port", "0", code=2)


def test_nothing_can_be_said_to_an_app_of_gestures(tmp_path: Path) -> None:
    manifest = tmp_path / "nods.toml"
    manifest.write_text('name = "nods"\n[[actions]]\nname = "take"\ngestures = ["nod"]\n')
    assert "app 'nods' has no phrases" in genlock("say", "take it", "--app", str(manifest), code=2)


def test_the_benchmark_measures_both() -> None:
    small = ["--count", "20", "--sessions", "2", "--rounds", "1", "--seconds", "1"]
    result = json.loads(genlock("bench", "utterances", *small, "--json"))
    assert result["alone_on_one_core"]["utterances"] == 20
    assert 0 < result["alone_on_one_core"]["p50_ms"] <= result["alone_on_one_core"]["p95_ms"]
    assert result["beside_frames"]["utterances"] >= 1
    (round_,) = result["frames"]
    silent, spoken = round_["silent"]["p99_ms"], round_["spoken"]["p99_ms"]
    if silent is None or spoken is None:
        assert result["frame_p99_ratio"] is None
    else:
        assert result["frame_p99_ratio"] == pytest.approx(spoken / silent, abs=1e-3)


async def test_headsets_speak_and_are_understood(tmp_path: Path) -> None:
    async with served(tmp_path, models=["forecast", "target"]) as daemon:
        track = load_track(ROOT / "samples" / "recordings" / "u15-1.genlock", 90)
        options = HeadsetOptions(app=load(Path(GALLERY)).app, speak=True, start_s=11.0, loop=False)
        async with SimulatedHeadset(daemon.url, track, options) as headset:
            # The first utterance waits until the app is fitted.
            await headset.say("undo")
            await headset.play(duration_s=4)
            await headset.say("undo")
        assert (headset.speech.said, headset.speech.right) == (1, 1)
        assert headset.speech.heard == "pick up the flowers"
        assert headset.speech.came == "take K01_L16"
        assert headset.speech.latency_s[0] > 0

"""What speech and sight cost the frames, and how long it takes from the end of what was said to its action.

Frames first: the same sessions in turns with and without some of them speaking and showing pictures; what that costs is
the ratio of the two 99th percentiles of all frames, round by round. Then speech alone: one that speaks, and several at
once, with nobody else there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bridge.bench.figures import frame_figures, median, p99_ratio
from bridge.bench.frames import describe_machine
from bridge.bench.load import LoadFigures, LoadOptions, quantile
from bridge.bench.media import Speech
from bridge.bench.servers import put_load, running
from bridge.headset.sound import Synthesizer
from bridge.manifest import Manifest

LINES: Final = (
    "pick up the {name}", "could you hide the {name} please", "show me the {name}", "paint the {name} light blue",
    "undo that", "tell me something about the {name}", "let's go to the next room", "make the {name} bigger",
)  # fmt: skip

_WARM_UP_S: Final = 6.0
_WARM_UPS: Final = 5


@dataclass(frozen=True, kw_only=True)
class MixedOptions:
    """What is measured.

    Attributes:
        app: whose actions are spoken of.
        pictures: JPEG files that are shown.
        sessions: headsets in all.
        hz: frames a second of each.
        speaking, showing: so many of them speak without a pause, and so many others send ten pictures a second.
        rounds: how often, with and without.
        measure_s: for how long each time.
    """

    app: Manifest
    pictures: tuple[Path, ...]
    sessions: int = 32
    hz: float = 90.0
    speaking: int = 4
    showing: int = 4
    rounds: int = 3
    measure_s: float = 15.0
    recordings: tuple[Path, ...] = ()


Report = Callable[[str], None]


def bench(options: MixedOptions, report: Report) -> dict[str, Any]:
    """Measures; everything as plain values.

    Raises:
        bridge.bench.servers.ServerError, bridge.bench.client.LoadError, ImportError: it cannot be.
    """
    report("the speakers rehearse")
    with tempfile.TemporaryDirectory(prefix="genlock-") as folder:
        sound = Path(folder) / "sound.npz"
        _speech(options).save(sound)
        command = ["-m", "bridge", "serve", "--port", "0", "--profiles", str(Path(folder) / "profiles.sqlite")]
        command += ["--app", str(options.app.path)]
        with running("genlock", command) as (url, pid):

            def load(sessions: int, speaking: int, showing: int, measure_s: float) -> LoadFigures:
                return put_load(
                    LoadOptions(
                        url=url,
                        sessions=sessions,
                        hz=options.hz,
                        warm_up_s=_WARM_UP_S,
                        measure_s=measure_s,
                        recordings=options.recordings,
                        watch=pid,
                        speaking=speaking,
                        showing=showing,
                        sound=sound,
                        pictures=options.pictures if showing else (),
                        app=options.app.path,
                    )
                )

            report("loading what hears and sees")
            for _ in range(_WARM_UPS):
                warm = load(options.speaking + options.showing, options.speaking, options.showing, _WARM_UP_S).media
                if warm is not None and warm.finals and (warm.sights or not options.showing):
                    break
            rounds = []
            for number in range(options.rounds):
                report(f"round {number + 1}: {options.sessions} sessions, nobody speaks or shows anything")
                plain = load(options.sessions, 0, 0, options.measure_s)
                busy = f"{options.speaking} speak and {options.showing} show"
                report(f"round {number + 1}: {options.sessions} sessions, {busy}")
                mixed = load(options.sessions, options.speaking, options.showing, options.measure_s)
                rounds.append((plain, mixed))
            report("one speaks, alone")
            one = load(1, 1, 0, 2 * options.measure_s)
            report(f"{options.speaking} speak, alone")
            several = load(options.speaking, options.speaking, 0, 2 * options.measure_s)
    return {
        "options": {
            key: value for key, value in asdict(options).items() if key not in ("app", "recordings", "pictures")
        },
        "app": options.app.app.name,
        "frames": [
            {"plain": frame_figures(plain), "mixed": frame_figures(mixed), "p99_ratio": p99_ratio(plain, mixed)}
            for plain, mixed in rounds
        ],
        "frame_p99_ratio": median([p99_ratio(plain, mixed) for plain, mixed in rounds]),
        "speech": {
            "one": _media([one]),
            "several": _media([several]),
            "beside_frames": _media([mixed for _, mixed in rounds]),
        },
        "machine": describe_machine(),
    }


def _speech(options: MixedOptions) -> Speech:
    voice = Synthesizer()
    names = [(target.name or target.id).lower() for target in options.app.targets]
    lines = [text.format(name=names[at % len(names)]) for at, text in enumerate(3 * LINES)]
    return Speech.of([voice.clip(line) for line in lines])


def _media(some: list[LoadFigures]) -> dict[str, Any]:
    media = [figures.media for figures in some if figures.media is not None]
    latency = sorted(seconds for one in media for seconds in one.latency_s)
    return {
        "utterances": len(latency),
        **{
            f"end_to_action_p{share:.0f}_ms": round(1000 * quantile(latency, len(latency), share / 100))
            for share in (50, 95)
            if latency
        },
        **{
            name: sum(getattr(one, name) for one in media)
            for name in ("finals", "partials", "sights", "busy", "errors")
        },
    }

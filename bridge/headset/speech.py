"""What a simulated headset says at which moment of its recording, and how often it was understood."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Final

from bridge.headset.track import Track
from bridge.protocol import Action, Transcript

LINES: Final = (
    ("pick up the {name}", "take"),
    ("that one", "select"),
    ("{name}", "select"),
    ("what is this", "describe"),
    ("could you hide the {name} please", "hide"),
    ("grab that", "take"),
)
"""What is said, and the action of ``samples/apps/gallery.toml`` that it means."""

# How much earlier than it began speech may be heard to begin.
_SLACK_US: Final = 300_000


@dataclass(frozen=True)
class Line:
    """Something to say, and what has to come of it."""

    text: str
    action: str
    target: str


class Voice:
    """Speaks once in each trial, when the person confirms, of the target that was asked for."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._names = {target.id: target.name or target.id for scene in track.scenes for target in scene.targets}
        self._said = 0

    def lines(self) -> list[str]:
        """All that can be said of this recording."""
        names = sorted({self._names.get(target, target).lower() for target in self._track.target if target})
        return list(dict.fromkeys(text.format(name=name) for text, _ in LINES for name in names))

    def line(self, frame: int) -> Line | None:
        """What to say at a frame, if anything."""
        target = self._track.selected(frame)
        if not target:
            return None
        text, action = LINES[self._said % len(LINES)]
        self._said += 1
        return Line(text.format(name=self._names.get(target, target).lower()), action, target)


@dataclass(frozen=True)
class _Aloud:
    line: Line
    begin_us: int
    end_us: int
    ended: float


@dataclass
class SpeechScore:
    """What came of what was said.

    Attributes:
        said: how many utterances were sent.
        right: of which the right action came, with the right target.
        heard: the last utterance; said aloud, what was heard of it so far.
        came: the action that came of it and its target, or why none did.
        was_right: whether that was right; nothing while it is waited for.
        latency_s: from just before an utterance was sent, or from the end of what was said aloud, to its action.
    """

    said: int = 0
    right: int = 0
    heard: str = ""
    came: str = ""
    was_right: bool | None = None
    latency_s: array[float] = field(default_factory=lambda: array("d"))
    _waiting: dict[str, tuple[Line, float]] = field(default_factory=dict)
    _sure: bool = True
    _aloud: list[_Aloud] = field(default_factory=list)

    def say(self, identifier: str, line: Line, now: float) -> None:
        """An utterance is sent."""
        self.said += 1
        self.heard, self.came, self.was_right = line.text, "", None
        self._sure = True
        self._waiting[identifier] = (line, now)

    def say_aloud(self, line: Line, begin_us: int, end_us: int, ended: float) -> None:
        """Something is said by microphone, between these times of the device's clock; ``ended`` is the end on ours."""
        self.said += 1
        self._aloud.append(_Aloud(line, begin_us, end_us, ended))

    def hear(self, transcript: Transcript) -> None:
        """What was heard came back."""
        self.heard, self.came, self.was_right = transcript.text, "", None
        self._sure = transcript.final
        if not transcript.final:
            return
        for said in self._aloud:
            if said.begin_us - _SLACK_US <= transcript.time <= said.end_us:
                self._aloud.remove(said)
                line = Line(transcript.text, said.line.action, said.line.target)
                self._waiting[transcript.id] = (line, said.ended)
                return

    def end(self) -> None:
        """Nothing more comes: words so far, which only the final ones would have made sure, were not said."""
        if not self._sure:
            self.heard = ""

    def act(self, action: Action, now: float) -> None:
        """An action came."""
        line, since = self._waiting.pop(action.id, (None, 0.0))
        if line is not None:
            self.latency_s.append(now - since)
            right = action.phase == "performed" and (action.name, action.target) == (line.action, line.target)
            self.right += right
            self._settle(line, f"{action.name} {action.target}".strip(), right)

    def explain(self, identifier: str, message: str) -> None:
        """No action came, and why."""
        line, _ = self._waiting.pop(identifier, (None, 0.0))
        if line is not None:
            self._settle(line, message, False)

    @property
    def percent(self) -> float:
        """How often it was right; NaN before the first."""
        return 100 * self.right / self.said if self.said else float("nan")

    def _settle(self, line: Line, came: str, right: bool) -> None:
        if line.text == self.heard:
            self.came, self.was_right = came, right

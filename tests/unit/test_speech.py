"""What a simulated headset says and when, and what is counted of what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.headset.speech import LINES, Line, SpeechScore, Voice
from bridge.headset.track import load_track
from bridge.manifest import load
from bridge.protocol import Action, Transcript

SAMPLES = Path(__file__).parents[2] / "samples"
LINE = Line("pick up the kettle", "take", "kettle")


def act(identifier: str, name: str = "take", target: str = "kettle", phase: str = "performed") -> Action:
    return Action(1, name, phase, 0.9, "utterance", identifier, target)  # type: ignore[arg-type]


def test_one_line_a_trial_when_it_is_confirmed() -> None:
    track = load_track(SAMPLES / "recordings" / "u15-1.genlock", 90)
    names = {target.id: target.name.lower() for target in track.scenes[-1].targets}
    voice = Voice(track)
    said = [(frame, line) for frame in range(len(track)) if (line := voice.line(frame)) is not None]
    starts = [at for at in range(1, len(track)) if track.phase[at] == "confirm" != track.phase[at - 1]]
    assert [frame for frame, _ in said] == starts
    assert len(said) >= 4
    for number, (frame, line) in enumerate(said):
        text, action = LINES[number % len(LINES)]
        assert line == Line(text.format(name=names[track.target[frame]]), action, track.target[frame])


def test_what_is_said_are_actions_of_the_gallery() -> None:
    actions = {action.name for action in load(SAMPLES / "apps" / "gallery.toml").app.actions}
    assert {action for _, action in LINES} <= actions


@pytest.mark.parametrize(
    ("action", "right"),
    [(act("u"), True), (act("u", "hide"), False), (act("u", target="mug"), False), (act("u", phase="started"), False)],
)
def test_right_is_the_action_with_the_target(action: Action, right: bool) -> None:
    score = SpeechScore()
    assert score.percent != score.percent
    score.say("u", LINE, 10.0)
    assert (score.said, score.was_right) == (1, None)
    score.act(act("another"), 10.1)
    assert score.was_right is None
    score.act(action, 10.25)
    assert (score.right, score.was_right, score.percent) == (int(right), right, 100.0 * right)
    assert score.came == f"{action.name} {action.target}"
    assert list(score.latency_s) == [pytest.approx(0.25)]
    score.act(action, 11)
    assert score.right == int(right)


def test_what_is_explained_is_wrong() -> None:
    score = SpeechScore()
    score.explain("u", "nothing")
    score.say("u", LINE, 0.0)
    score.explain("u", "none of this app's actions")
    assert (score.was_right, score.came) == (False, "none of this app's actions")
    assert not score.latency_s


def test_words_so_far_that_never_became_final_were_not_said() -> None:
    score = SpeechScore()
    score.hear(Transcript("Pick up the", False, 0))
    assert score.heard == "Pick up the"
    score.end()
    assert score.heard == ""
    score.hear(Transcript("Pick up the", False, 0))
    score.hear(Transcript("Pick up the kettle.", True, 0, "s-1"))
    score.end()
    assert score.heard == "Pick up the kettle."

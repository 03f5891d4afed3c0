"""What a session's microphone hears: transcripts, and utterances of them as soon as they are final."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.aim import Aim
from bridge.device_clock import SoundTimes
from bridge.event_path.hearing import Behind, Ear, Hearing
from bridge.likely import Likely
from bridge.profiles.voices import SURE
from bridge.protocol import (
    Audio,
    Error,
    ErrorCode,
    Message,
    Notice,
    NoticeCode,
    Refused,
    SpokenWord,
    Transcript,
)
from bridge.utterances import Said
from models.language.space import Viewpoint
from models.speech.heard import Heard

_AIM_KEPT_US: Final = 20_000_000
"""Speech is at most 15 s long, and is understood some time after its end."""


class Speech:
    """The speech of a session.

    Args:
        aim: what the session aims at; it remembers more of it from the first sample on.
        viewpoint: where the head was at a moment.
        whose: takes the embedding of a voice; tells how probably it is the session's user's, or nothing while that
            cannot be told.
        likely: tells what is likely to be said; asked only while there is a microphone.
        bystanders_heard: whether what others say is understood too.
        say: takes what the user said, if anything understands it here.
        tell: sends a message to the client.
    """

    def __init__(
        self,
        hearing: Hearing,
        aim: Aim,
        *,
        viewpoint: Callable[[int], Viewpoint | None],
        whose: Callable[[bytes], float | None],
        likely: Callable[[], Likely],
        bystanders_heard: bool,
        say: Callable[[Said], None],
        tell: Callable[[Message], None],
    ) -> None:
        self._hearing = hearing
        self._aim = aim
        self._viewpoint = viewpoint
        self._whose = whose
        self._likely = likely
        self._bystanders_heard = bystanders_heard
        self._say = say
        self._tell = tell
        self._ear: Ear | None = None
        self._dropping = False
        self._times = SoundTimes()

    def begin(self) -> None:
        """The session has a microphone."""
        if self._ear is None and not self._hearing.problem:
            self._aim.kept_us = _AIM_KEPT_US
            self._ear = self._hearing.open(self._heard, self._lost)
            self.expect()

    def take(self, audio: Audio) -> None:
        """Takes samples.

        Raises:
            Refused: they are no whole samples or not of their time, or nothing can be heard here.
        """
        if len(audio.pcm) % 2:
            text = f"audio.pcm: {len(audio.pcm)} bytes; samples take two"
            raise Refused(Error(ErrorCode.INVALID, text, "audio", "pcm"))
        self.begin()
        if self._ear is None or self._hearing.problem:
            raise Refused(Error(ErrorCode.UNSUPPORTED, f"audio: {self._hearing.problem}", "audio"))
        try:
            self._times.take(audio)
        except Refused:
            self._ear.miss(audio.end)
            raise
        try:
            self._ear.hear(audio.time, audio.pcm, audio.end)
        except Behind as behind:
            if not self._dropping:
                self._tell(Notice(NoticeCode.BUSY, f"audio: {behind}; what comes now is dropped", behind.retry_ms))
            self._dropping = True
        else:
            self._dropping = False

    def expect(self) -> None:
        """Something else may be likely to be said than before."""
        if self._ear is not None:
            self._ear.bias(*self._likely())

    def end(self) -> None:
        """The session is over."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None

    def _heard(self, heard: Heard) -> None:
        if not heard.text:
            return
        if not heard.final:
            self._tell(Transcript(heard.text, False, heard.begin_us))
            return
        # By its time: a count would begin again in the next run, and a lesson is kept once an id.
        identifier = f"speech:{heard.begin_us}"
        words = [SpokenWord(word.text, word.begin_us, word.end_us) for word in heard.words]
        speaker = self._whose(heard.voice) if heard.voice else None
        self._tell(Transcript(heard.text, True, heard.begin_us, identifier, words, speaker))
        if heard.cut:
            text = f"audio: {heard.text!r} is not all that was said; some of it was dropped or late"
            self._tell(Notice(NoticeCode.NOT_UNDERSTOOD, text, id=identifier))
        elif self._bystanders_heard or speaker is None or speaker >= SURE:
            viewpoint = self._viewpoint(heard.begin_us)
            self._say(Said(identifier, heard.text, heard.begin_us, viewpoint, "speech", words))

    def _lost(self) -> None:
        text = "what was said could not be heard; the daemon's log says more"
        self._tell(Notice(NoticeCode.NOT_UNDERSTOOD, text))

"""All that one worker hears: many microphones, from their samples to words.

Speech of all streams is told from silence in one batch; recognition takes one utterance at a time. Those that are over
go first, then those that may be over, as there is a pause, then words so far of those that go on. What was recognised
in a pause is there at once when the utterance turns out to be over. Nothing here looks at a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.speech.activity import CHUNK, SileroActivity, VoiceActivity
from models.speech.endpointing import PAUSE, Endpointer, Utterance
from models.speech.heard import Heard, Word
from models.speech.recognition import RATE, Audio, Recognizer, Transcript
from models.speech.repair import repair
from models.speech.track import Track
from models.speech.vocabulary import Vocabulary

_TELL_EVERY: Final = RATE // 5
_ROUNDS: Final = 64
# In less speech than this no voice is known.
_VOICE_FROM: Final = RATE * 4 // 5


class Voices(Protocol):
    """Hears who speaks."""

    @property
    def version(self) -> str:
        """Tells it from others."""

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """``[256]``, of unit length: the more alike two voices, the larger the product of theirs."""


@dataclass(frozen=True)
class ListeningOptions:
    """How to listen.

    Attributes:
        model: of speech: a folder, a name that faster-whisper knows, or empty for the packaged ``tiny.en``.
        threads: for recognition.
        speaker: whether to tell voices apart.
        partial_ms: of speech, after which words so far are told.
        silence_ms: after which an utterance is over.
    """

    model: str = ""
    threads: int = 1
    speaker: bool = True
    partial_ms: int = 300
    silence_ms: int = 500


@dataclass(frozen=True)
class _Result:
    transcript: Transcript
    voice: bytes


@dataclass
class _Stream:
    """One microphone.

    Attributes:
        fed: for each piece of sound that may be needed, the sample that came next.
        ends: samples at which an utterance ends whatever is heard, to come.
        ended: the last of these.
        lulled: whether nothing more has come for long enough to end what was said.
        lulled_at: the last sample at which that ended something.
        seam: the sample after the speech that ended so, while nobody knows whether it goes on.
        holes: where speech is not whole: the sample before which some was dropped, and the first one after it.
        over: utterances that are over and were not told yet.
        shown: the sample up to which words so far were told last.
        ready: what was recognised in a pause, and of what.
    """

    state: NDArray[np.float32]
    endpointer: Endpointer
    track: Track
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    fed: deque[int] = field(default_factory=deque)
    ends: deque[int] = field(default_factory=deque)
    ended: int = 0
    lulled: bool = False
    lulled_at: int = 0
    seam: int | None = None
    holes: deque[tuple[int, int]] = field(default_factory=deque)
    over: deque[Utterance] = field(default_factory=deque)
    shown: int = 0
    told: int = 0
    ready: tuple[Utterance, _Result] | None = None

    @property
    def due(self) -> bool:
        """Whether there is a chunk, or what is left before an end."""
        return bool(self.ends) or self.endpointer.at + CHUNK <= self.track.end

    @property
    def needed(self) -> int:
        return min([self.endpointer.needed, *(one.begin for one in self.over)])

    def end(self, at: int) -> None:
        """Ends at that sample what is said until then."""
        if at > self.ended:
            self.ends.append(at)
            self.ended = at


class Listening:
    """Hears words in any number of streams.

    Attributes:
        versions: of what hears words, speech and voices.
    """

    def __init__(
        self, recognizer: Recognizer, activity: VoiceActivity, voices: Voices | None, options: ListeningOptions
    ) -> None:
        self._recognizer = recognizer
        self._activity = activity
        self._voices = voices
        self._partial = options.partial_ms * RATE // 1000
        self._silence = options.silence_ms * RATE // 1000
        self._streams: dict[int, _Stream] = {}
        # Streams in the order in which their turns come.
        self._over: deque[int] = deque()
        self._paused: dict[int, None] = {}
        self._going_on: dict[int, None] = {}
        self.versions = {"recognizer": recognizer.version, "activity": activity.version}
        if voices is not None:
            self.versions["speaker"] = voices.version

    @classmethod
    def load(cls, options: ListeningOptions) -> Listening:
        """Loads the models.

        Raises:
            ImportError: the extra ``speech`` is not installed.
            ValueError: a model cannot be loaded.
        """
        from models.speech.speaker import SpeakerVoices
        from models.speech.whisper import WhisperRecognizer

        recognizer = WhisperRecognizer.load(options.model, options.threads)
        voices = SpeakerVoices.load() if options.speaker else None
        return cls(recognizer, SileroActivity.load(), voices, options)

    def open(self, stream: int) -> None:
        """A microphone that begins.

        Raises:
            ValueError: there is one of that number.
        """
        if stream in self._streams:
            raise ValueError(f"stream {stream} is open already")
        self._streams[stream] = _Stream(self._activity.fresh, Endpointer(0, self._silence), Track(self._silence))

    def bias(self, stream: int, words: Sequence[str], phrases: Sequence[str]) -> None:
        """What is likely to be said in a stream from now on."""
        self._streams[stream].vocabulary = Vocabulary(tuple(words), tuple(phrases))

    def feed(self, stream: int, time_us: int, pcm: bytes, end: bool, cut: bool = False) -> None:
        """More sound.

        Args:
            time_us: of its first sample, by the device's clock.
            pcm: 16 bits a sample, little-endian, mono, ``RATE`` a second.
            end: whether the utterance is over with it.
            cut: whether sound that came before it was dropped.
        """
        one = self._streams[stream]
        one.lulled = False
        before = one.track.end
        together = one.track.add(time_us, pcm)
        if one.track.end > before:
            if together and one.seam is not None:
                # It was late, and what may be the first part of it was taken for all that was said.
                one.holes.append((one.seam, one.seam))
            one.seam = None
        if cut:
            one.holes.append((before, max(before, one.track.end - len(pcm) // 2)))
        if cut or not together:
            one.end(before)
        if end:
            one.end(one.track.end)
        one.fed.append(one.track.end)

    def lull(self, stream: int) -> None:
        """Nothing has come for longer than an utterance may pause: what was said is over, unless more comes until all
        that was fed is looked at. Where more that hangs together with it comes later, that is cut."""
        self._streams[stream].lulled = True

    def close(self, stream: int) -> None:
        """Forgets a microphone and what it said."""
        self._streams.pop(stream, None)
        self._over = deque(one for one in self._over if one != stream)
        self._paused.pop(stream, None)
        self._going_on.pop(stream, None)

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return bool(self._over or self._paused or self._going_on) or any(
            one.due or one.lulled for one in self._streams.values()
        )

    def work(self) -> list[Heard]:
        """Does a small part of what is to do: looks for speech in what was fed, recognises one utterance at most."""
        heard = self._look()
        if self._over:
            number = self._over.popleft()
            one = self._streams[number]
            utterance = one.over[0]
            result = self._recognised(one, utterance)
            one.over.popleft()
            heard.append(self._final(number, utterance, result))
        elif any(one.due for one in self._streams.values()):
            # Sound is behind: what goes on, or pauses, may be over already.
            pass
        elif self._paused:
            one = self._streams[_first(self._paused)]
            one.ready = (one.endpointer.so_far, self._recognised(one, one.endpointer.so_far))
        elif self._going_on:
            number = _first(self._going_on)
            one = self._streams[number]
            so_far = one.endpointer.so_far
            text = self._recognizer.quick(one.track.cut(so_far.begin, one.endpointer.at))
            one.shown = one.endpointer.at
            if text:
                heard.append(self._told(number, text, False, so_far))
        return heard

    def _look(self) -> list[Heard]:
        heard: list[Heard] = []
        for one in self._streams.values():
            if one.lulled and not one.due:
                one.lulled = False
                one.lulled_at = one.track.end
                one.end(one.track.end)
        for _ in range(_ROUNDS):
            due = [number for number, one in self._streams.items() if one.due]
            if not due:
                break
            streams = [self._streams[number] for number in due]
            chunks = np.stack([_chunk(one) for one in streams])
            probabilities, states = self._activity.step(chunks, np.stack([one.state for one in streams]))
            loudness = np.sqrt(np.mean(np.square(chunks), axis=1))
            for row, (number, one) in enumerate(zip(due, streams, strict=True)):
                one.state = states[row]
                heard += self._moved(number, one, float(probabilities[row]), float(loudness[row]))
        return heard

    def _moved(self, number: int, one: _Stream, probability: float, loudness: float) -> list[Heard]:
        """A stream after one more chunk."""
        before = one.endpointer.begin
        ended = bool(one.ends) and one.endpointer.at + CHUNK >= one.ends[0]
        over = [one.endpointer.step(probability, loudness)]
        if ended:
            end = one.ends.popleft()
            if end == one.lulled_at and one.endpointer.begin is not None:
                one.seam = min(end, one.endpointer.so_far.speech_end)
            over = [_until(end, utterance) for utterance in (*over, one.endpointer.finish()) if utterance is not None]
            one.endpointer = Endpointer(end, self._silence)
            one.state = self._activity.fresh
        heard = []
        for utterance in filter(None, over):
            ready, one.ready = one.ready, None
            if ready is not None and ready[0] == utterance and not one.over:
                heard.append(self._final(number, utterance, ready[1]))
            else:
                one.over.append(utterance)
                self._over.append(number)
        self._plan(number, one, before)
        if not heard and one.endpointer.begin is None and not one.over and (ended or self._is_time(one)):
            heard.append(self._told(number, "", False, None))
        return heard

    def _plan(self, number: int, one: _Stream, before: int | None) -> None:
        """Whether a stream's turn to be recognised is to come, now that it has moved."""
        now = one.endpointer
        if now.begin != before:
            one.ready, one.shown = None, now.at - CHUNK
        pauses = now.begin is not None and now.spoken and now.quiet >= PAUSE
        # Of many who speak at once words so far come the less often: final ones are what is waited for.
        every = self._partial * max(1, sum(other.endpointer.begin is not None for other in self._streams.values()) - 1)
        goes_on = now.begin is not None and now.spoken and not now.quiet and now.at - one.shown >= every
        if not now.quiet:
            one.ready = None
        _queue(self._paused, number, pauses and one.ready is None)
        _queue(self._going_on, number, goes_on)

    def _is_time(self, one: _Stream) -> bool:
        return one.needed - one.told >= _TELL_EVERY

    def _recognised(self, one: _Stream, utterance: Utterance) -> _Result:
        audio = one.track.cut(utterance.begin, utterance.end)
        transcript = self._recognizer.careful(audio, one.vocabulary)
        words = repair(transcript.words, one.vocabulary)
        if words != transcript.words:
            transcript = Transcript(" ".join(word.text for word in words), words)
        voice = b""
        if self._voices is not None and transcript.text and len(audio) >= _VOICE_FROM:
            voice = self._voices.embed(audio).astype("<f4").tobytes()
        return _Result(transcript, voice)

    def _final(self, number: int, utterance: Utterance, result: _Result) -> Heard:
        track = self._streams[number].track

        def moment(seconds: float) -> int:
            # The recognizer takes the silence around the speech for a part of its first and last words.
            sample = max(utterance.begin + round(seconds * RATE), utterance.speech_begin)
            return track.time_us(sample) if sample < utterance.speech_end else track.end_us(utterance.speech_end)

        words = tuple(
            Word(word.text, moment(word.begin), moment(word.end), word.probability) for word in result.transcript.words
        )
        return self._told(number, result.transcript.text, True, utterance, words, result.voice)

    def _told(
        self,
        number: int,
        text: str,
        final: bool,
        utterance: Utterance | None,
        words: tuple[Word, ...] = (),
        voice: bytes = b"",
    ) -> Heard:
        one = self._streams[number]
        one.told = one.needed
        begin = end = one.track.time_us(one.told)
        cut = False
        if utterance is not None:
            begin, end = one.track.time_us(utterance.speech_begin), one.track.end_us(utterance.speech_end)
            cut = final and self._is_cut(one, utterance)
        one.track.forget(one.told)
        while one.holes and one.holes[0][1] + self._silence <= one.told:
            one.holes.popleft()
        before = len(one.fed)
        while one.fed and one.fed[0] <= one.told:
            one.fed.popleft()
        return Heard(number, text, final, begin, end, words, voice, before - len(one.fed), cut)

    def _is_cut(self, one: _Stream, utterance: Utterance) -> bool:
        """Whether sound was dropped, or speech ended too early, so near to an utterance that it may be a part of it."""
        return any(
            before < utterance.speech_end + self._silence and utterance.speech_begin < after + self._silence
            for before, after in one.holes
        )


def _chunk(one: _Stream) -> Audio:
    """The next chunk of a stream; before an end, silence stands for what is missing."""
    at = one.endpointer.at
    limit = min([at + CHUNK, *list(one.ends)[:1]])
    audio = one.track.cut(at, limit)
    return np.pad(audio, (0, CHUNK - len(audio)))


def _until(end: int, utterance: Utterance) -> Utterance:
    return Utterance(utterance.begin, min(utterance.end, end), utterance.speech_begin, min(utterance.speech_end, end))


def _queue(queue: dict[int, None], number: int, waits: bool) -> None:
    if waits:
        queue.setdefault(number)
    else:
        queue.pop(number, None)


def _first(queue: dict[int, None]) -> int:
    number = next(iter(queue))
    del queue[number]
    return number

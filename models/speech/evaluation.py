"""Speech on transcribed clips and on spoken commands: words, commands, and how long they take.

Clips are heard as a microphone's sound, in chunks of 20 ms with a second of silence after each: so what is measured is
all of ``Listening`` and, for commands, what the language model makes of its words. The clock is that of the sound; work
takes its real time on it. Baseline in the same run: faster-whisper as it comes, five beams, on whole clips, and the
same language model. ``verbatim`` counts clips of which every value of a slot stands in the text, letter by letter.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from rapidfuzz.distance import Levenshtein
from rich.progress import Progress
from rich.table import Table

from models.language.app_actions import Action, Understanding
from models.language.arguments import Choice
from models.speech import grammar
from models.speech.heard import Heard
from models.speech.listening import Listening, ListeningOptions
from models.speech.noise import with_babble
from models.speech.recognition import RATE, Audio
from models.speech.vocabulary import Vocabulary, filled
from models.speech.whisper import WhisperRecognizer

SNRS_DB: Final = (24, 18, 12, 6)
AT_ONCE: Final = 4
PUBLISHED: Final = {
    "accepted commands, mean over 6 to 24 dB of cafe and kitchen noise (Picovoice speech-to-intent benchmark)": {
        "Rhino": 97.6, "LUIS": 89.9, "Watson": 86.8, "Lex": 84.5, "Dialogflow": 77.6,
    }
}  # fmt: skip

_CHUNK: Final = RATE // 50
_SILENCE_AFTER: Final = RATE
_TRANSCRIPTS: Final = "transcripts.tsv"
_LABELS: Final = "labels.json"
_US: Final = 1_000_000


@dataclass(frozen=True)
class Clip:
    """A recording and what is said in it: a text, or an intent with its slots."""

    name: str
    audio: Audio
    text: str = ""
    intent: str = ""
    slots: dict[str, str] = field(default_factory=dict)


class _Label(msgspec.Struct):
    intent: str
    slots: dict[str, str]


@dataclass(frozen=True)
class Timed:
    """What was heard, and when, in seconds of the sound's clock."""

    heard: Heard
    at: float


class DataError(ValueError):
    """A folder in no known format; the message says what was looked for."""


def evaluate(
    data: Path, *, model: str = "", noise: bool = False, limit: int = 0, progress: bool = True, threads: int = 1
) -> dict[str, Any]:
    """Measures speech on a folder with ``transcripts.tsv``, or with ``labels.json`` and the grammar of a Rhino context.

    Args:
        model: as ``ListeningOptions.model``.
        noise: repeats it with babble, at each of ``SNRS_DB``.
        limit: so many clips at most, the first by their names; 0 for all. Of fewer than ``AT_ONCE`` nothing is told of
            several speakers at once.

    Raises:
        DataError: the folder is in neither format, or a clip is not there or described as it is.
        ImportError: the extra ``speech`` is not installed.
        ValueError: a model cannot be loaded.
    """
    clips, actions = load(data, limit)
    listening = Listening.load(ListeningOptions(model=model, threads=threads))
    plain = WhisperRecognizer.load(model, threads).plain
    score: Callable[[Sequence[Clip], Sequence[Sequence[str]]], dict[str, Any]]
    score = _commands(actions) if actions else _words
    conditions = ["clean", *(SNRS_DB if noise else ())]
    result: dict[str, Any] = {
        "model": "speech",
        "versions": listening.versions,
        "data": str(data),
        "set": "commands" if actions else "transcripts",
        "measured_on": f"{len(clips)} clips, {sum(len(clip.audio) for clip in clips) / RATE / 60:.1f} min",
        "published": PUBLISHED if actions else {},
        "conditions": {},
    }
    vocabulary = expected(actions)
    with Progress(disable=not progress, transient=True) as bar:
        task = bar.add_task("hearing", total=2 * len(clips) * len(conditions) + len(clips))
        for condition in conditions:
            sounds = [
                clip.audio if condition == "clean" else _noisy(clips, at, float(condition))
                for at, clip in enumerate(clips)
            ]
            heard, baseline, lags, spent = [], [], [], 0.0
            for sound in sounds:
                (timed,), seconds = hear(listening, [sound], vocabulary)
                spent += seconds
                finals = [one for one in timed if one.heard.final]
                heard.append([one.heard.text for one in finals if one.heard.text])
                lags += [one.at - one.heard.end_us / _US for one in finals]
                bar.advance(task)
                baseline.append([plain(sound)])
                bar.advance(task)
            total = sum(len(sound) + _SILENCE_AFTER for sound in sounds) / RATE
            found = {"genlock": score(clips, heard), "faster-whisper": score(clips, baseline)}
            found["genlock"] |= {"end_to_final_s": _quantiles(lags), "real_time_factor": round(spent / total, 3)}
            result["conditions"][condition if condition == "clean" else f"{condition} dB"] = found
        at_once = []
        for begin in range(0, len(clips) - AT_ONCE + 1, AT_ONCE):
            some = [clip.audio for clip in clips[begin : begin + AT_ONCE]]
            streams, _ = hear(listening, some, vocabulary)
            at_once += [one.at - one.heard.end_us / _US for timed in streams for one in timed if one.heard.final]
            bar.advance(task, AT_ONCE)
        if len(clips) >= AT_ONCE:
            result["at_once"] = {"speakers": AT_ONCE, "end_to_final_s": _quantiles(at_once)}
    return result


def table(result: dict[str, Any]) -> Table:
    """The same for people."""
    commands = result["set"] == "commands"
    figure = "commands %" if commands else "word errors %"
    found = Table(title=f"speech: {result['measured_on']}")
    for column in ("condition", f"{figure}, genlock", f"{figure}, faster-whisper", "end to final p50 / p95 s", "RTF"):
        found.add_column(column)
    key = "whole_percent" if commands else "wer_percent"
    for name, one in result["conditions"].items():
        ours = one["genlock"]
        lag = ours["end_to_final_s"]
        found.add_row(
            name,
            f"{ours[key]:.1f}",
            f"{one['faster-whisper'][key]:.1f}",
            f"{lag['p50']:.2f} / {lag['p95']:.2f}",
            f"{ours['real_time_factor']:.2f}",
        )
    if "at_once" in result:
        lag = result["at_once"]["end_to_final_s"]
        found.add_row(f"{result['at_once']['speakers']} at once", "", "", f"{lag['p50']:.2f} / {lag['p95']:.2f}", "")
    return found


def load(data: Path, limit: int = 0) -> tuple[list[Clip], list[Action]]:
    """Clips of a folder, and the actions of its grammar if it has one.

    Raises:
        DataError: the folder is in neither format, or a clip is not there or described as it is.
    """
    actions: list[Action] = []
    if (data / _TRANSCRIPTS).is_file():
        clips = list(_transcribed(data))
    elif (data / _LABELS).is_file():
        grammars = sorted(data.glob("*.yaml"))
        if not grammars:
            raise DataError(f"{data} has labels.json but no grammar, a file *.yaml")
        actions = grammar.load(grammars[0])
        clips = list(_labelled(data))
    else:
        raise DataError(f"{data} has neither {_TRANSCRIPTS} nor {_LABELS}")
    if not clips:
        raise DataError(f"{data} has no clips in audio/")
    return clips[: limit or None], actions


def expected(actions: Sequence[Action]) -> Vocabulary:
    """What is likely to be said to an app with these actions."""
    words: list[str] = []
    phrases: list[str] = []
    for action in actions:
        values = {
            one.name: [name for value, others in one.values.items() for name in (value, *others)]
            for one in action.arguments
            if isinstance(one, Choice)
        }
        words += [name for some in values.values() for name in some]
        phrases += filled(action.phrases, values)
    return Vocabulary(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(phrases)))


def hear(listening: Listening, sounds: Sequence[Audio], vocabulary: Vocabulary) -> tuple[list[list[Timed]], float]:
    """Plays sounds into as many microphones at once, all beginning now.

    Returns:
        what was heard in each, and the seconds of work.
    """
    padded = [np.concatenate([sound, np.zeros(_SILENCE_AFTER, np.float32)]) for sound in sounds]
    pcm = [np.clip(sound * 32768, -32768, 32767).astype("<i2") for sound in padded]
    streams = range(len(pcm))
    for stream in streams:
        listening.open(stream)
        listening.bias(stream, vocabulary.words, vocabulary.phrases)
    found: list[list[Timed]] = [[] for _ in streams]
    now = spent = 0.0
    for at in range(0, max(map(len, pcm)), _CHUNK):
        arrives = (at + _CHUNK) / RATE
        # What is to do is done while the next sound is awaited.
        while listening.busy and now < arrives:
            seconds = _work(listening, found, now)
            now, spent = now + seconds, spent + seconds
        now = max(now, arrives)
        for stream in streams:
            chunk = pcm[stream][at : at + _CHUNK]
            if len(chunk):
                last = at + _CHUNK >= len(pcm[stream])
                listening.feed(stream, at * _US // RATE, chunk.tobytes(), last)
    while listening.busy:
        seconds = _work(listening, found, now)
        now, spent = now + seconds, spent + seconds
    for stream in streams:
        listening.close(stream)
    return found, spent


def _work(listening: Listening, found: list[list[Timed]], now: float) -> float:
    begin = time.perf_counter()
    heard = listening.work()
    seconds = time.perf_counter() - begin
    for one in heard:
        found[one.stream].append(Timed(one, now + seconds))
    return seconds


def _transcribed(data: Path) -> Iterator[Clip]:
    with (data / _TRANSCRIPTS).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if missing := {"clip", "text"} - {*(reader.fieldnames or ())}:
            raise DataError(f"{data / _TRANSCRIPTS} has no column {' and no column '.join(sorted(missing))}")
        for row in reader:
            if row["text"] is None:
                raise DataError(f"{data / _TRANSCRIPTS}, line {reader.line_num}: clip {row['clip']} has no text")
            path = next(iter(sorted((data / "audio").glob(f"{row['clip']}.*"))), None)
            if path is None:
                raise DataError(f"{data / 'audio'} has no clip {row['clip']}")
            yield Clip(row["clip"], _audio(path), text=row["text"])


def _labelled(data: Path) -> Iterator[Clip]:
    try:
        labels = msgspec.json.decode((data / _LABELS).read_bytes(), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{data / _LABELS}: {error}") from None
    for name in sorted(labels):
        try:
            label = msgspec.json.decode(labels[name], type=_Label)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{data / _LABELS}, clip {name}: {error}") from None
        slots = {slot: value.strip() for slot, value in label.slots.items()}
        yield Clip(name, _audio(data / "audio" / name), intent=label.intent, slots=slots)


def _audio(path: Path) -> Audio:
    from faster_whisper import decode_audio

    audio: Audio = decode_audio(str(path), sampling_rate=RATE)
    return audio


def _noisy(clips: Sequence[Clip], at: int, snr_db: float) -> Audio:
    others = [clip.audio for number, clip in enumerate(clips) if number != at]
    return with_babble(clips[at].audio, others, snr_db, at)


def _words(clips: Sequence[Clip], heard: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Word error rate, by the standard of Whisper's paper, without its list of British spellings."""
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    normal: Callable[[str], str] = EnglishTextNormalizer({})  # type: ignore[no-untyped-call]
    errors = words = 0
    wrong = []
    for clip, texts in zip(clips, heard, strict=True):
        want, got = normal(clip.text).split(), normal(" ".join(texts)).split()
        missed = Levenshtein.distance(want, got)
        errors, words = errors + missed, words + len(want)
        if missed:
            wrong.append({"clip": clip.name, "said": clip.text, "heard": " ".join(texts)})
    return {"wer_percent": round(100 * errors / max(words, 1), 2), "errors": errors, "words": words, "wrong": wrong}


def _commands(actions: Sequence[Action]) -> Callable[[Sequence[Clip], Sequence[Sequence[str]]], dict[str, Any]]:
    """Counts clips of which the first action that is heard is the right one, with all its slots right; and how many of
    these say nothing else, so that nobody in the background is taken for the user."""
    import torch

    from models.intent import background
    from models.intent.adapted import adapted
    from models.language.app_actions import PhraseIntents
    from models.language.dialogue import Question
    from models.language.encoder import Encoder
    from models.language.references import Situation
    from models.language.understanding import read

    torch.set_num_threads(1)
    encoder = Encoder.load(adapted())
    intents = PhraseIntents(actions, encoder, encoder.encode(background.texts()).numpy())
    understanding = Understanding(actions, intents, 0.5)

    def score(clips: Sequence[Clip], heard: Sequence[Sequence[str]]) -> dict[str, Any]:
        right = alone = slots_right = slots = verbatim = 0
        wrong = []
        for clip, texts in zip(clips, heard, strict=True):
            readings = read(encoder, [(understanding, Question(text, Situation())) for text in texts]) if texts else []
            meant = [one for one in readings if one.action]
            got = meant[0].arguments if meant else {}
            whole = bool(meant) and meant[0].action == clip.intent and got == clip.slots
            right += whole
            alone += whole and len(meant) == 1
            slots += len(clip.slots)
            slots_right += sum(got.get(name) == value for name, value in clip.slots.items())
            said = " ".join(" ".join(texts).lower().split())
            verbatim += all(value in said for value in clip.slots.values())
            if not whole:
                wrong.append({"clip": clip.name, "want": clip.slots, "got": got, "heard": list(texts)})
        return {
            "whole_percent": round(100 * right / len(clips), 2),
            "whole": right,
            "whole_and_nothing_else": alone,
            "clips": len(clips),
            "slots_percent": round(100 * slots_right / max(slots, 1), 2),
            "verbatim": verbatim,
            "wrong": wrong,
        }

    return score


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {"p50": 0.0, "p95": 0.0}
    return {"p50": round(float(np.quantile(seconds, 0.5)), 3), "p95": round(float(np.quantile(seconds, 0.95)), 3)}

"""Whose voice it is: the voice encoder of Resemblyzer (Resemble AI, Apache-2.0).

Generalised end-to-end loss for speaker verification, Wan et al., ICASSP 2018: three recurrent layers over 40 mels of
1.6 s, of which an utterance has several; their mean is its voice.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from models.speech.recognition import RATE, Audio
from models.speech.voice import VERSION

WEIGHTS: Final = Path(__file__).with_name("speaker.safetensors")
SIZE: Final = 256

_MELS: Final = 40
_WINDOW: Final = 400
_STEP: Final = 160
_FRAMES: Final = 160
# 1.3 parts begin in each second.
_FRAMES_BETWEEN: Final = 77
# Of the last part, so much must be sound, and not silence that stands for it.
_COVERED: Final = 0.75
_LAYERS: Final = 3
# Quieter sound is made this loud, in decibels below full scale.
_LOUDNESS_DB: Final = -30.0
# Slaney's mel scale: linear up to 1000 Hz, logarithmic above (Auditory Toolbox, 1998).
_HZ_A_MEL: Final = 200 / 3
_LINEAR_MELS: Final = 15.0
_LOG_STEP: Final = np.log(6.4) / 27


class VoiceEncoder(nn.Module):
    """Mels ``[N, T, 40]`` of N parts to voices ``[N, 256]`` of unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_MELS, SIZE, _LAYERS, batch_first=True)
        self.linear = nn.Linear(SIZE, SIZE)

    def forward(self, mels: Tensor) -> Tensor:
        """See the class."""
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)


class SpeakerVoices:
    """``models.speech.listening.Voices`` by Resemblyzer's encoder."""

    def __init__(self, encoder: VoiceEncoder) -> None:
        self._encoder = encoder.eval()

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> SpeakerVoices:
        """Loads the weights.

        Raises:
            OSError: they are not there.
            ValueError: they are of something else.
        """
        encoder = VoiceEncoder()
        try:
            encoder.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
        except RuntimeError as error:
            raise ValueError(f"{path}: {error}") from error
        return cls(encoder)

    @property
    def version(self) -> str:
        """See ``Voices``."""
        return VERSION

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """See ``Voices``. Silence is no voice: zeros."""
        if not np.any(audio):
            return np.zeros(SIZE, np.float32)
        begins = _parts(len(audio))
        padded = np.pad(_loud(audio), (0, max(0, (begins[-1] + _FRAMES) * _STEP - len(audio))))
        mels = spectrogram(padded)
        with torch.inference_mode():
            parts = torch.from_numpy(np.stack([mels[at : at + _FRAMES] for at in begins]))
            voice: NDArray[np.float32] = nn.functional.normalize(self._encoder(parts).mean(0), dim=0).numpy()
        return voice


def spectrogram(audio: Audio) -> NDArray[np.float32]:
    """Power in 40 mels ``[T, 40]``, one frame each 10 ms, centred on it."""
    padded = np.pad(audio, _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP]
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames * window, axis=1)))
    return (power @ _filters().T).astype(np.float32)


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float64]:
    """Triangles ``[40, 201]`` over the frequencies, each of the same area."""
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / RATE)
    edges = _hertz(np.linspace(0.0, float(_mel(RATE / 2)), _MELS + 2))
    widths = np.diff(edges)
    slopes = edges[:, None] - frequencies
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]


def _mel(hertz: float) -> float:
    linear = hertz / _HZ_A_MEL
    return linear if linear < _LINEAR_MELS else _LINEAR_MELS + float(np.log(hertz / 1000.0)) / float(_LOG_STEP)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mels < _LINEAR_MELS, mels * _HZ_A_MEL, 1000.0 * np.exp(_LOG_STEP * (mels - _LINEAR_MELS)))


def _parts(samples: int) -> list[int]:
    """The frames with which parts begin, as many as sound nearly fills."""
    frames = -(-(samples + 1) // _STEP)
    begins = list(range(0, max(1, frames - _FRAMES + _FRAMES_BETWEEN + 1), _FRAMES_BETWEEN))
    covered = (samples - begins[-1] * _STEP) / (_FRAMES * _STEP)
    return begins[:-1] if covered < _COVERED and len(begins) > 1 else begins


def _loud(audio: Audio) -> Audio:
    """Sound that is no quieter than the encoder knows it."""
    level = 10.0 * np.log10(float(np.mean(np.square(audio, dtype=np.float64))))
    return audio * np.float32(10 ** (max(0.0, _LOUDNESS_DB - level) / 20))

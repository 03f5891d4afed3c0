"""Whether there is speech in sound: Silero VAD, for many streams at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.speech.recognition import MISSING

Array = NDArray[np.float32]

CHUNK: Final = 512
"""Samples of which each probability is, 32 ms."""
WEIGHTS: Final = Path(__file__).with_name("silero_vad.onnx")

_CONTEXT: Final = 64
_LAYERS: Final = 2
_UNITS: Final = 128


class VoiceActivity(Protocol):
    """Hears whether somebody speaks. A stream's result never depends on the others."""

    @property
    def version(self) -> str:
        """Tells it from others."""

    @property
    def fresh(self) -> Array:
        """``[S]``, the state of a stream that begins."""

    def step(self, chunks: Array, states: Array) -> tuple[Array, Array]:
        """One chunk of each of some streams.

        Args:
            chunks: ``[N, CHUNK]``, -1 to 1.
            states: ``[N, S]``, theirs after their last chunks.

        Returns:
            ``[N]`` probabilities that there is speech, and ``[N, S]`` states.
        """


class SileroActivity:
    """Silero VAD 6.2 at 16 kHz (Silero Team, MIT), run by onnxruntime on one thread."""

    def __init__(self, session: Any) -> None:
        self._session = session

    @classmethod
    def load(cls) -> SileroActivity:
        """Loads the shipped weights.

        Raises:
            ImportError: the extra ``speech`` is not installed.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(MISSING) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return cls(onnxruntime.InferenceSession(str(WEIGHTS), options, providers=["CPUExecutionProvider"]))

    @property
    def version(self) -> str:
        """See ``VoiceActivity``."""
        return "silero 6.2"

    @property
    def fresh(self) -> Array:
        """See ``VoiceActivity``: the state of the network and the last samples before the chunk."""
        return np.zeros(_LAYERS * _UNITS + _CONTEXT, np.float32)

    def step(self, chunks: Array, states: Array) -> tuple[Array, Array]:
        """See ``VoiceActivity``."""
        rows = len(chunks)
        inputs = np.concatenate([states[:, -_CONTEXT:], chunks], axis=1)
        state = states[:, :-_CONTEXT].reshape(rows, _LAYERS, _UNITS).transpose(1, 0, 2)
        feed = {"input": inputs, "state": np.ascontiguousarray(state), "sr": np.array(16000, np.int64)}
        probabilities, state = self._session.run(None, feed)
        after = np.concatenate([state.transpose(1, 0, 2).reshape(rows, -1), chunks[:, -_CONTEXT:]], axis=1)
        return probabilities[:, 0], after

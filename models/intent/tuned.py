"""What the longer fit of an app's examples came to: kept in a folder, and put beside the head that was quick."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from models.intent.tuning import PROTOTYPES, SCALE, digest
from models.intent.wording import Wording
from models.language.encoder import Encoder

log = logging.getLogger("genlock.language")

KEPT: Final = 16
"""Files in the folder of the longer fits, the last used ones; each has 21 MB."""

_STRENGTH: Final = 30.0
# What stands beside the regression, by how weighty it is in the sum.
_PROTOTYPES: Final = 0.5
_WORDING: Final = 0.2


def default_cache() -> Path | None:
    """Where longer fits are kept if nothing else is said, by the XDG base directory specification.

    Nowhere without a home directory, as in containers whose user is in no passwd file.
    """
    try:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(cache) / "genlock" / "intent"


class Tuned:
    """An encoder that was fitted to examples, with what stands on it: a logistic regression and prototypes;
    and beside it what knows the examples' wording.

    Args:
        changes: as ``models.intent.tuning.tune`` returns them for these texts and labels, two labels at least.

    Raises:
        ValueError: they do not fit the encoder or the labels.
    """

    def __init__(self, encoder: Encoder, changes: dict[str, Tensor], texts: Sequence[str], labels: Sequence[str]):
        self.labels = tuple(sorted(set(labels)))
        prototypes = changes.get(PROTOTYPES, torch.zeros(0))
        tuned = encoder.changed({name: change for name, change in changes.items() if name != PROTOTYPES})
        self._encoder = tuned.packed()
        found = self._encoder.encode(texts).numpy()
        if prototypes.shape != (len(self.labels), found.shape[1]):
            raise ValueError(f"prototypes of {list(prototypes.shape)} do not fit {len(self.labels)} labels")
        self._prototypes = prototypes.numpy()
        self._wording = Wording(texts, labels)
        self._head: Any = LogisticRegression(C=_STRENGTH, max_iter=300).fit(found, labels)

    def likelihoods(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """``[N, labels]``: logarithms of the probabilities by all three, as weighty as they are good, summed."""
        found = self._encoder.encode(texts).numpy()
        by_head = self._head.decision_function(found)
        if by_head.ndim == 1:
            by_head = np.stack((-by_head / 2, by_head / 2), axis=1)
        by_prototypes = SCALE * (found @ self._prototypes.T).astype(np.float64)
        by_both: NDArray[np.float64] = log_softmax(by_head, axis=1) + _PROTOTYPES * log_softmax(by_prototypes, axis=1)
        return by_both + _WORDING * self._wording.likelihoods(texts)


class Cache:
    """A folder of longer fits, by a digest of what they were fitted to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, encoder: Encoder, texts: Sequence[str], labels: Sequence[str]) -> Path:
        """Where the fit of these examples is, or is to be."""
        return self.folder / f"{digest(encoder, texts, labels)}.safetensors"

    def load(self, encoder: Encoder, texts: Sequence[str], labels: Sequence[str]) -> Tuned | None:
        """The fit of these examples, if it is there and whole."""
        path = self.path(encoder, texts, labels)
        try:
            tuned = Tuned(encoder, load_file(path), texts, labels)
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, SafetensorError) as problem:
            log.warning("%s cannot be used, and is made anew: %s", path, problem)
            return None
        return tuned

    def tidy(self) -> None:
        """Removes what was not used for longest, beyond ``KEPT``."""
        files = sorted(self.folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[KEPT:]:
            path.unlink(missing_ok=True)

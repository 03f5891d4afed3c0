"""What the file of a trained classifier says of itself, read without its weights and without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open

FORMAT: Final = "genlock text classifier 2"


def header(path: Path) -> dict[str, Any]:
    """The values that ``models.text.classifier.TextClassifier.save`` wrote beside the weights.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no classifier, cut off, or does not say which labels it tells apart.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            told = (file.metadata() or {}).get("genlock", "{}")
    except SafetensorError as problem:
        raise ValueError(f"{path}: no safetensors file: {problem}") from None
    try:
        about = json.loads(told)
    except ValueError:
        about = None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError(f"{path}: no text classifier of this version; train one with: genlock train text")
    labels = about.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"{path}: damaged: it has no labels; train it again with: genlock train text")
    return about

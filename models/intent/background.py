"""What people say that is none of an app's commands: ``background.json``, chosen from published sets.

Made anew with ``python -m models.intent.background DIR``, where DIR holds the folders of the sets. Attribution and
licences are in ``CARD.md``.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Final

from models.labelled_texts import load

FILE: Final = Path(__file__).with_name("background.json")

_SEED: Final = 20260101
_COUNTS: Final = {"clinc150": 120, "hwu64": 160, "banking77": 80, "snips": 80}
SETS: Final = tuple(_COUNTS)
"""The sets that may be shipped, and that the encoder was adapted on."""

_NOISE: Final = (
    "", "...", "?!", "a", "x", "1", "12345", "um", "uh huh", "hmm", "asdf", "asdf qwer", "qwertyuiop", "zxcv bnm",
    "blah blah blah", "lorem ipsum dolor sit amet", "la la la", "ha ha ha", "wgah nagl fhtagn", "xyzzy plugh",
    "the the the the", "of and to in", "yes no maybe", "colorless green ideas sleep furiously", "👍",
    "test test one two",
    "wie geht es dir heute", "ich weiß nicht was du meinst", "das wetter ist heute sehr schön", "bonjour comment ça va",
    "je ne comprends pas", "qu'est-ce que tu fais ce soir", "hola qué tal", "no entiendo lo que dices",
    "mañana vamos a la playa", "ciao come stai", "non lo so", "obrigado pela ajuda", "dzień dobry", "jak się masz",
    "hoe gaat het met jou", "tack så mycket", "今日はいい天気ですね", "ありがとうございます", "你好吗", "我不知道",
    "안녕하세요",
    "привет как дела", "я не понимаю", "مرحبا كيف حالك", "नमस्ते आप कैसे हैं", "merhaba nasılsın",
)  # fmt: skip


def texts(without: str = "") -> list[str]:
    """The texts, but for those of one set, by the name that ``models.labelled_texts`` gives it."""
    chosen: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return [text for name, some in chosen.items() if name != without for text in some]


def choose(data: Path) -> dict[str, list[str]]:
    """Chooses texts by set; of CLINC150 first those that belong to no label."""
    chosen: dict[str, list[str]] = {"noise": list(_NOISE)}
    for name, count in _COUNTS.items():
        found = load(data / name)
        others = [example.text for example in found.fit]
        random.Random(f"{_SEED} {name}").shuffle(others)
        chosen[name] = [*found.outside_fit, *others][:count]
    return chosen


if __name__ == "__main__":
    FILE.write_text(json.dumps(choose(Path(sys.argv[1])), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

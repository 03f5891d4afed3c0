"""How alike English words sound, from their spelling.

A word becomes a line of sounds by rules for letters, the first that fits at a place; how far two lines are apart is an
edit distance in which like sounds, as those of "b" and "p", stand near each other. This is coarse: it only has to tell
what a recognizer may confuse.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from models.language.words import plain

_VOWELS: Final = "aeiouIUY"
# Sounds: C as in chin, J gin, S shin, Z measure, T thin, N sing, Y the vowel of my, I of me, U of moon.
_RULES: Final = (
    ("^kn", "n"), ("^wr", "r"), ("^ps", "s"), ("^wh", "w"), ("tion", "Sn"), ("sion", "Zn"), ("ture", "Cr"),
    ("ough", "o"), ("augh", "o"), ("eigh", "e"), ("igh", "Y"), ("tch", "C"), ("dge", "J"), ("sch", "sk"),
    ("cha$", "ka"), ("ch", "C"), ("sh", "S"), ("th", "T"), ("ph", "f"), ("gh", ""), ("ck", "k"), ("qu", "kw"),
    ("ng$", "N"), ("mb$", "m"), ("cc(?=[eiy])", "C"), ("c(?=[eiy])", "s"), ("ge$", "J"), ("g(?=[iy])", "J"),
    ("ee", "I"), ("ea", "I"), ("ie", "I"), ("oo", "U"), ("ew", "U"), ("ue", "U"), ("ou", "au"), ("ow", "au"),
    ("oa", "o"), ("oe", "o"), ("ai", "e"), ("ay", "e"), ("ei", "e"), ("ey", "I"), ("oi", "oI"), ("oy", "oI"),
    ("au", "o"), ("aw", "o"), ("er$", "a"), ("or$", "a"), ("(?<=[aeiouy])s(?=[aeiouy])", "z"),
    ("i(?=[bcdfgklmnprstvz]e[ds]?$)", "Y"), ("(?<=[pkfsxhc])ed$", "t"),
    ("(?<=[^dt])ed$", "d"), ("h$", ""), ("y$", "I"), ("^y", "j"), ("y", "i"), ("x", "ks"), ("c", "k"), ("q", "k"),
    (r"(?<=\w[^\Waeiou])e(?=s?$)", ""),
)  # fmt: skip
_RULE: Final = re.compile("|".join(f"({pattern})" for pattern, _ in _RULES) + r"|(.)")
_LIKE: Final = {
    frozenset(pair): cost
    for cost, pairs in (
        (0.2, "sz SZ"),
        (0.4, "pb td kg fv TD CJ sS mn nN Tf CS tT ZJ zJ wv kC gJ sT rl"),
    )
    for pair in pairs.split()
}
_OTHER: Final = 1.0
_VOWEL_FOR_VOWEL: Final = 0.35
_ADDED: Final = {**dict.fromkeys(_VOWELS, 0.5), **dict.fromkeys("hrjw", 0.5), **dict.fromkeys("tdszn", 0.7)}
_ADDED_LAST: Final = 0.4


@lru_cache(maxsize=1 << 14)
def sounds(word: str) -> str:
    """The sounds of a word, one letter each."""
    letters = plain(word)
    heard = "".join(
        _RULES[found.lastindex - 1][1] if found.lastindex and found.lastindex <= len(_RULES) else found.group()
        for found in _RULE.finditer(letters)
    )
    return re.sub(r"(.)\1+", r"\1", heard)


@lru_cache(maxsize=1 << 16)
def likeness(some: str, others: str) -> float:
    """How alike two lines of sounds are: 1 if they are the same, 0 if nothing of them is."""
    longest = max(len(some), len(others))
    if longest == 0:
        return 1.0
    row = [0.0]
    for at, sound in enumerate(others):
        row.append(row[-1] + _added(sound, at + 1 == len(others)))
    for at, sound in enumerate(some):
        last = at + 1 == len(some)
        above, row = row, [row[0] + _added(sound, last)]
        for place, other in enumerate(others):
            row.append(
                min(
                    above[place] + _changed(sound, other),
                    above[place + 1] + _added(sound, last),
                    row[place] + _added(other, place + 1 == len(others)),
                )
            )
    return max(0.0, 1.0 - row[-1] / longest)


def _added(sound: str, last: bool) -> float:
    cost = _ADDED.get(sound, _OTHER)
    return min(cost, _ADDED_LAST) if last and sound in "tdszaI" else cost


def _changed(sound: str, other: str) -> float:
    if sound == other:
        return 0.0
    if sound in _VOWELS and other in _VOWELS:
        return _VOWEL_FOR_VOWEL
    return _LIKE.get(frozenset((sound, other)), _OTHER)

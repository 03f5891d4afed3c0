"""English as people speak to things: which words point, which only hold a sentence together, what relations are called.

Plain words only (``models.language.words.plain``). A phrase is a tuple of words, listed by its first one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.language.words import word_set

Phrases = Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]

DETERMINERS: Final = word_set("the a an my your his her its our their this that these those some any another")
DEMONSTRATIVES: Final = frozenset(("this", "that", "these", "those"))
DUMMIES: Final = word_set("one ones thing things object objects item items stuff")
PLACES: Final = frozenset(("here", "there"))
PRONOUNS: Final = frozenset(("it", "them", "him", "her"))
SUBJECTS: Final = word_set("i you he she we they it what who which")
AUXILIARIES: Final = word_set(
    "is are was were be been will would shall should can could may might must has have had do does did s t isn "
    "ll d re ve m means makes sounds seems looks feels said says happened works"
)
# After these "that" begins a clause or points at nothing.
CLAUSE: Final = word_set(
    "think thought know knew say said says told tell hope believe feel felt sure so guess suppose mean "
    "means hear heard wish now given provided except all like than repeat catch caught thanks"
)
# Before a complement: "make that glow", "see that move".
CAUSING: Final = word_set("make let have see watch keep leave get help")
IDLE_BEFORE: Final = word_set("if like how forget got when because while until")
IDLE_AFTER: Final = word_set("going rain raining snow snowing getting late time hot cold true possible ok okay")
CONJUNCTIONS: Final = word_set("and but because when that if so then")
GREETINGS: Final = frozenset(("hi", "hello", "hey"))
# Their "on" and "next to" say where to, not which.
PLACING: Final = word_set(
    "put place move drop set bring hang lean stack carry drag throw slide push leave lay stick mount aim toss pour"
)
TURNING: Final = word_set("turn rotate spin tilt shift scroll pan swing flip twist nudge")
# They have no name of their own, or are part of what has one.
PARTS_OF_ROOMS: Final = word_set("area space spot place floor wall ground room corner side top bottom end middle back")
TOWARDS: Final = frozenset(("to", "into", "onto", "towards", "toward"))
PARTICLES: Final = word_set("on off up down in out over away back around")
POLITE: Final = word_set("please now just then thanks")
# What makes an order a request, and tells nothing of what is wanted.
REQUESTING: Final = POLITE | word_set("could can would will you i me for to want like d ll let s hey ok okay kindly")
ARTICLES: Final = frozenset(("the", "a", "an"))
INFINITIVE_BEFORE: Final = word_set("want need going like have me you us try how way time love wish about")
CORRECTIONS: Final = frozenset(("no", "sorry", "mean", "rather", "actually"))
CORRECTION_FILLERS: Final = CORRECTIONS | word_set("i oh wait or uh um er ah not well")
# Before what is not meant; after the second ones a list may follow. "Nothing but" it means it.
REJECTING: Final = (("not",), ("instead", "of"), ("rather", "than"))
EXCEPTING: Final = (
    ("except",), ("except", "for"), ("excluding",), ("apart", "from"), ("aside", "from"), ("other", "than"),
    ("everything", "but"), ("anything", "but"), ("all", "but"),
)  # fmt: skip
# Words that tell nothing apart.
EMPTY: Final = word_set(
    "very really nice beautiful lovely pretty good whole entire actual damn stupid old little that is"
)
BEFORE_RELATION: Final = word_set(
    "standing lying sitting hanging placed located just directly right which that is s are"
)
# Verbs and adjectives as well as things: without an article they are seldom the thing.
AMBIGUOUS: Final = word_set(
    "book iron light clock plant water watch play time paint hammer lock fan record phone ring park match train point "
    "present drink mirror button screw drill brush box table head face hand switch tape cut cook fire fish saw nail "
    "plug pump rock stick stamp ship shop plane place photograph picture pin pipe poster sink spray store tie trash "
    "treat vacuum wrench whistle wheel work track trap target sound sign shower salt roll rope rest post oil note "
    "model map mark mask lift lever key kick hook heat guard glue flower floor file exit cover copy call board block "
    "bell bag back right left open stop start clear clean change"
)

COLOURS: Final = word_set(
    "red green blue yellow orange purple violet pink black white grey gray brown turquoise cyan magenta gold golden "
    "silver beige teal navy crimson maroon olive lime indigo scarlet lavender bronze"
)
NUMBERS: Final = word_set(
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy "
    "eighty ninety hundred thousand half quarter twice once percent degrees degree metres meters metre meter times"
)
# What something can be made, or how: it follows a thing without naming one.
PREDICATES: Final = (
    COLOURS
    | NUMBERS
    | word_set(
        "bigger smaller larger louder quieter brighter darker dimmer faster slower higher lower longer shorter wider "
        "warmer colder softer harder taller lighter heavier closer nearer further farther bright dark dim loud quiet "
        "big small large tall open closed visible invisible transparent light clockwise counterclockwise anticlockwise "
        "upside sideways forward forwards backward backwards upward upwards downward downwards left right again "
        "together quickly slowly carefully gently immediately slightly completely fast slow more less much bit lot "
        "first last next later today tomorrow instead also alone soon"
    )
)
FUNCTION_WORDS: Final = (
    DETERMINERS
    | DUMMIES
    | PLACES
    | PRONOUNS
    | SUBJECTS
    | AUXILIARIES
    | PARTICLES
    | TOWARDS
    | POLITE
    | word_set(
        "of at by for from with under above below behind beside near between through across along or and but if than "
        "as like me us not no yes ok okay hey hi hello so too also again right left very really kindly want need let "
        "lets go get um uh er ah oh well where when why how both all every each"
    )
)
NEVER_SLIPS: Final = FUNCTION_WORDS | word_set("looking pointing facing standing lying sitting")
UNNAMEABLE: Final = DETERMINERS | DUMMIES | PLACES | PRONOUNS | SUBJECTS


def phrases_by_first_word(by_name: Mapping[str, str]) -> Phrases:
    """Phrases parted by ``|`` for each name, by their first word, the longest first."""
    listed: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, joined in by_name.items():
        for phrase in joined.split("|"):
            listed.setdefault(phrase.split()[0], []).append((tuple(phrase.split()), name))
    return {first: tuple(sorted(found, key=lambda one: -len(one[0]))) for first, found in listed.items()}


def opposites(*pairs: str) -> dict[str, frozenset[str]]:
    """For each word of pairs parted by ``|``, the words on the other side."""
    found: dict[str, frozenset[str]] = {}
    for one, other in (map(word_set, pair.split("|")) for pair in pairs):
        found |= dict.fromkeys(one, other) | dict.fromkeys(other, one)
    return found


RELATIONS: Final = phrases_by_first_word(
    {
        "left": "left of|to the left of|on the left of|on the left side of|left from",
        "right": "right of|to the right of|on the right of|on the right side of|right from",
        "behind": "behind|in back of",
        "front": "in front of|before",
        "above": "above|over",
        "below": "below|under|beneath|underneath",
        "on": "on|on top of|upon",
        "near": "next to|near|beside|by|close to|closest to|nearest to|near to|closest|nearest|at|inside|in",
    }
)
# Of these, a thing's parts and settings are said as well: "the timer in the kettle".
LOOSE: Final = frozenset({("at",), ("in",), ("inside",), ("by",), ("over",), ("before",)})
EXTREMES: Final = phrases_by_first_word(
    {
        "left": "on the left|to the left|to my left|on my left|on the left side|leftmost|"
        "furthest to the left|farthest to the left|furthest left",
        "right": "on the right|to the right|to my right|on my right|on the right side|rightmost|"
        "furthest to the right|farthest to the right|furthest right",
        "nearest": "nearest to me|closest to me|next to me|near me",
        "farthest": "farthest away|furthest away|farthest from me|in the back|at the back|in the distance|far away",
        "highest": "at the top|on top",
        "lowest": "at the bottom",
        "middle": "in the middle|in the center|in the centre",
        "behind me": "behind me|at my back",
        "ahead of me": "in front of me|ahead of me|straight ahead",
    }
)
FROM: Final = phrases_by_first_word({"left": "from the left|from left", "right": "from the right|from right"})
EXTREME_WORDS: Final = {
    word: name
    for name, listed in {
        "left": "left leftmost",
        "right": "right rightmost",
        "nearest": "nearest closest nearer closer",
        "farthest": "farthest furthest",
        "biggest": "biggest largest bigger larger big large tallest",
        "smallest": "smallest smaller small tiny shortest",
        "highest": "highest topmost upper top",
        "lowest": "lowest lower bottom bottommost",
        "middle": "middle central",
    }.items()
    for word in listed.split()
}
SUPERLATIVES: Final = frozenset(word for word in EXTREME_WORDS if word.endswith(("est", "most")))
ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "last": -1}
LOOKING: Final = phrases_by_first_word(
    {
        "looking": "|".join(
            f"{start}{who} {verb}"
            for start in ("", "that ", "which ")
            for who in ("i am", "i m", "im")
            for verb in ("looking at", "pointing at", "pointing to", "looking", "pointing", "facing")
        )
    }
)

# Answers that give nothing of what was asked for: those that want it no more, and those that want more time or the
# question again, or leave it open.
ASIDES: Final = phrases_by_first_word(
    {
        "declines": "no|nope|nah|no thank you|not now|nothing|none|none of them|none of those|none of these|neither|"
        "neither one|neither of them|never mind|never mind that|nevermind|forget it|forget that|forget about it|"
        "forget about that|cancel|cancel it|cancel that|abort|stop|stop it|stop that|leave it|leave it alone|skip it|"
        "skip that|don t|dont|don t do it|don t do that|don t bother|i changed my mind|i ve changed my mind",
        "hesitates": "wait|wait a second|wait a minute|wait a moment|hold on|hold on a second|hold on a minute|hang on|"
        "hang on a second|one second|one sec|one minute|one moment|a second|a sec|a minute|a moment|give me a second|"
        "give me a minute|give me a moment|let me see|let me think|let me think about it|i don t know|i don t know yet|"
        "i dunno|dunno|not sure|i m not sure|not sure yet|i m not sure yet|no idea|i have no idea|good question|what|"
        "what was that|what did you say|what do you mean|which|which one|which ones|pardon|excuse me|huh|come again|"
        "say again|say that again|repeat that|can you hear me|do you hear me|are you there|both|both of them|"
        "all of them|either|either one|either of them|any|any one|any of them|whichever|whatever|"
        "it doesn t matter|doesn t matter|i don t care",
    }
)
HESITATIONS: Final = word_set("um uh er erm ah eh hm hmm mm oh well")
# What stands beside an answer, or gives none: "no, on the red one, I mean".
FILLERS: Final = POLITE | CORRECTION_FILLERS | HESITATIONS | word_set("ok okay alright")
ANSWERING: Final = (
    FILLERS
    | ARTICLES
    | word_set("yes yeah yep meant maybe perhaps probably about say and to for of at by in on into onto with")
)
# Before an order, or beside it, they ask for nothing to be done: "go ahead and ...", "... and don't hide the lamp".
NO_ORDERS: Final = phrases_by_first_word(
    {
        "nothing": "don|dont|do not|never|leave|keep|go ahead|go on|go over|go up|come ahead|come on|come over|come up|"
        "take your time|take a look"
    }
)
OPPOSITE_VERBS: Final = opposites(
    "open|close shut", "start begin|stop end finish", "show|hide", "raise|lower", "add|remove", "buy|sell", "push|pull",
    "increase|decrease reduce", "activate|deactivate", "enable|disable", "connect|disconnect", "join|leave",
    "accept|reject decline",
)  # fmt: skip
OPPOSITE_PLACES: Final = opposites("next|previous")

SPELLED: Final = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10",
}  # fmt: skip

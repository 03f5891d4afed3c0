"""Whether a text says what is not to be done: "don't shock the patient".

To an intent model, which weighs what a text is about, that is near to the order itself.
"""

from __future__ import annotations

import re
from typing import Final

from models.language.words import words

_FILLERS: Final = (
    "please|kindly|no|nope|wait|stop|halt|ok|okay|hey|oh|well|so|and|but|now|just|then|sorry|actually|listen|"
    "everybody|everyone|you"
)
# "I don't want to see it" and "we don't need it" ask for something, "don't you think" asks, and who is not to forget
# something is to do it.
_FORBIDDING: Final = re.compile(
    rf"(?:(?:{_FILLERS}) )*"
    r"(?:do not|don t|dont|never|(?:(?:you|we) )?(?:must not|mustn t|mustnt|should not|shouldn t|shouldnt))\b"
    r"(?! (?:you|we|mind|forget|hesitate)\b)"
)


def forbids(text: str) -> bool:
    """Whether an order begins so that it is one not to do something."""
    return _FORBIDDING.match(" ".join(word.text for word in words(text))) is not None

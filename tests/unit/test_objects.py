"""What apps brought to be seen: looked at once, and whoever brought it is told what is wrong with it."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.app import App, ObjectInfo
from bridge.event_path.objects import NAMED, AppObjects
from bridge.event_path.seeing import Glimpse
from bridge.protocol import Error
from tests.stand_ins import FakeSeeing

APP = App("shop", objects=[ObjectInfo("badge", [b"front", b"back"]), ObjectInfo("sign", [b"sign"])])
BADGE, SIGN = (Glimpse((), row) for row in np.eye(1280, dtype=np.float32)[:2])
BROKEN = Error(
    "invalid",
    "hello.app.objects[0].examples[1], a picture of 'badge': the JPEG file is broken",
    "hello",
    "app.objects[0].examples[1]",
)


class Shop:
    """Objects that are held, and the errors that each holder was told of."""

    def __init__(self) -> None:
        self.seeing = FakeSeeing()
        self.objects = AppObjects(self.seeing)  # type: ignore[arg-type]


def test_one_look_serves_all_who_hold_them() -> None:
    shop, errors = Shop(), list[Error]()
    first, second = (shop.objects.hold(APP, errors.append) for _ in range(2))
    assert [shown for shown, _ in shop.seeing.asked.values()] == [[b"front", b"back", b"sign"]]
    assert first() is None
    shop.seeing.answer([BADGE, BADGE, SIGN])
    known = first()
    assert known is not None
    assert second() is known
    assert (known.match(BADGE.embedding) or ("",))[0] == "badge"
    assert errors == []


def test_everybody_is_told_once_of_a_picture_that_is_none_and_the_others_count() -> None:
    shop = Shop()
    early, late, gone = list[Error](), list[Error](), list[Error]()
    known = shop.objects.hold(APP, early.append)
    leaves = gone.append
    shop.objects.hold(APP, leaves)
    shop.objects.release(APP, leaves)
    shop.seeing.answer([BADGE, "the JPEG file is broken", SIGN])
    shop.objects.hold(APP, late.append)
    assert (early, late, gone) == ([BROKEN], [BROKEN], [])
    prototypes = known()
    assert prototypes is not None
    assert (prototypes.match(BADGE.embedding) or ("",))[0] == "badge"


@pytest.mark.parametrize("broken", [NAMED, NAMED + 1, 1024])
def test_of_many_broken_pictures_the_first_are_named_and_the_others_counted(broken: int) -> None:
    shop, errors = Shop(), list[Error]()
    shop.objects.hold(App("shop", objects=[ObjectInfo("badge", [b"front"] * broken)]), errors.append)
    shop.seeing.answer(["no picture"] * broken)
    assert [error.key for error in errors[:NAMED]] == [f"app.objects[0].examples[{at}]" for at in range(NAMED)]
    more = [f"hello.app.objects: {broken - NAMED} more of the pictures cannot be read"] if broken > NAMED else []
    assert [error.message for error in errors[NAMED:]] == more


def test_when_they_could_not_be_looked_at_that_is_told() -> None:
    shop, errors = Shop(), list[Error]()
    known = shop.objects.hold(APP, errors.append)
    shop.seeing.answer(None)
    assert [(error.code, error.of, error.key) for error in errors] == [("internal", "hello", "app.objects")]
    assert known() is None


def test_they_are_looked_at_anew_when_nobody_held_them_meanwhile() -> None:
    shop, errors = Shop(), list[Error]()
    told = errors.append
    shop.objects.hold(APP, told)
    shop.objects.release(APP, told)
    shop.seeing.answer([BADGE, "the JPEG file is broken", SIGN])
    assert errors == []
    shop.objects.hold(APP, told)
    assert len(shop.seeing.asked) == 1


def test_nothing_is_looked_at_where_nothing_is_seen_or_brought() -> None:
    shop = Shop()
    assert shop.objects.hold(App("empty"), list[Error]().append)() is None
    shop.seeing.problem = "sight is turned off"
    assert shop.objects.hold(APP, list[Error]().append)() is None
    assert shop.seeing.asked == {}

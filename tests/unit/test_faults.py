"""What is wrong with a message or a manifest, in words."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest

from bridge.faults import in_words


class Inner(msgspec.Struct):
    kind: Literal["", "one", "two"] = ""
    data: Annotated[bytes, msgspec.Meta(max_length=2)] = b""


class Outer(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    many: Annotated[int, msgspec.Meta(ge=0)] = 0
    inner: dict[str, list[Inner]] = msgspec.field(default_factory=dict)
    pair: tuple[float, float] = (0.0, 0.0)
    some: Annotated[list[int], msgspec.Meta(max_length=3)] = msgspec.field(default_factory=list)
    either: int | list[int] = 0


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "the key `name` is missing"),
        ({"name": ""}, "expected a string of at least 1 character"),
        ({"name": 3}, "expected a string, got a whole number"),
        ({"many": -1}, "expected a whole number >= 0"),
        ({"many": 1.5}, "expected a whole number, got a number"),
        ({"many": None}, "expected a whole number, got nothing"),
        ({"inner": []}, "expected a map, got a list"),
        ({"inner": {"a": [{"kind": "three"}]}}, "'three' is not one of: one, two"),
        ({"inner": {"a": [{"kind": "3" * 500}]}}, f"'{'3' * 63}... is not one of: one, two"),
        ({"inner": {"a": [{"data": b"123"}]}}, "expected at most 2 bytes"),
        ({"pair": [1.0]}, "expected a list of exactly 2 items, got 1"),
        ({"some": [1, 2, 3, 4]}, "expected a list of at most 3 items"),
        ({"either": True}, "expected a whole number or a list, got true or false"),
    ],
)
def test_in_words(keys: dict[str, object], words: str) -> None:
    packed = msgspec.msgpack.encode({"name": "n", **keys} if keys else {})
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.msgpack.decode(packed, type=Outer)
    text, _, place = str(caught.value).partition(" - at `$")
    assert in_words(text, Outer, place.removesuffix("`").lstrip("."), table="a map") == words


def test_what_is_not_known_stays_as_it_is() -> None:
    assert in_words("Something else", Outer, "name", table="a map") == "Something else"

"""What is exported comes back the same, and nothing else is taken."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import Any

import msgpack
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.profiles.export import MAX_BYTES, BadExport, pack, unpack
from bridge.profiles.items import LIMITS, MAX_ITEM_BYTES, MAX_ITEMS_BYTES, Item, size
from bridge.profiles.store import MAX_ADAPTER_BYTES, MAX_ADAPTERS, Settings, Statistics, StoredProfile

TENSORS = safetensors.numpy.save({"w": np.arange(6, dtype=np.float32).reshape(2, 3)})
PROFILE = StoredProfile(
    Statistics(3, 900, 10.5, 100.0, 200.0),
    {"forecast@1": TENSORS, "forecast@2": TENSORS, "target@1": TENSORS},
    Settings(learning=False),
    [
        Item("phrase", "gallery", "zap it", {"action": "fire", "more": [1, 2.5, None, True, b"x"]}, 150.0),
        Item("name", "gallery", "kettle", {"name": "Bob"}, 160.0),
        Item("gesture", "", "loop", {"device": "right", "examples": [b"\0" * 64]}, 170.0),
    ],
)
GOOD = pack(PROFILE)


def changed(path: str, value: Any) -> bytes:
    """The good export with one part set anew; ``path`` as ``items/0/key``."""
    whole = msgpack.unpackb(GOOD)
    at = whole
    *way, last = path.split("/")
    for step in way:
        at = at[int(step) if isinstance(at, list) else step]
    at[int(last) if isinstance(at, list) else last] = value
    data: bytes = msgpack.packb(whole)
    return data


def tensors(**arrays: Any) -> bytes:
    return safetensors.numpy.save({name: np.asarray(array) for name, array in arrays.items()})


def test_a_profile_comes_back() -> None:
    assert unpack(GOOD).profile == PROFILE


def test_it_is_a_msgpack_map_with_its_format_and_version() -> None:
    whole = msgpack.unpackb(GOOD)
    assert (whole["format"], whole["version"]) == ("genlock-profile", 1)
    np.testing.assert_array_equal(safetensors.numpy.load(whole["adapters"]["target@1"])["w"], [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format", "else", "format: not an exported profile: 'else'"),
        ("version", 2, "version: an export of version 2"),
        ("surplus", 1, "unknown field"),
        ("statistics/sessions", -1, "statistics.sessions"),
        ("statistics/seconds", float("nan"), "statistics.seconds"),
        ("statistics/last_seen", float("inf"), "statistics.last_seen"),
        ("settings/learning", 1, "settings.learning"),
        ("adapters/forecast", TENSORS, "'forecast' is no model@version"),
        ("adapters/a b@1", TENSORS, "no model@version"),
        ("adapters/target@1", b"", "adapters.target@1: not safetensors"),
        ("adapters/target@1", TENSORS[:-1], "adapters.target@1: not safetensors"),
        ("adapters/target@1", b"\xff" * 64, "adapters.target@1: not safetensors"),
        ("adapters/target@1", tensors(w=[1.0, np.nan]), "adapters.target@1.w: a tensor holds finite numbers"),
        ("adapters/target@1", tensors(w=np.ones(2, np.complex64)), "finite numbers"),
        ("adapters/target@1", tensors(**{"a b": [1.0]}), "'a b' is no name of a tensor"),
        ("adapters/target@1", tensors(w=np.zeros((1,) * 9)), "9 axes"),
        ("adapters/target@1", tensors(**{f"w{n}": [1.0] for n in range(65)}), "65 tensors"),
        ("adapters/target@1", tensors(w=np.zeros(MAX_ADAPTER_BYTES // 8)), "adapters: 5"),
        ("items/0/kind", "song", "items[0].kind"),
        ("items/0/app", "", "items[0].app: a phrase belongs to an app"),
        ("items/2/app", "gallery", "items[2].app: a gesture belongs to all apps"),
        ("items/0/key", "", "items[0].key"),
        ("items/0/when", -1.0, "items[0].when"),
        ("items/0/data", [], "items[0].data"),
        ("items/0/data/more", float("inf"), "items[0].data.more: a number is NaN"),
        ("items/0/data/more/1", float("nan"), "items[0].data.more[1]"),
        ("items/0/data/more", 2**63, "items[0].data.more"),
        ("items/0/data/more", msgpack.Timestamp(1), "items[0].data.more: datetime is not plain data"),
        ("items/0/data/more", msgpack.ExtType(7, b"x"), "items[0].data.more: Ext is not plain data"),
        ("items/0/data/more", [[[[[[[[[]]]]]]]]], "more than 8 deep"),
        ("items/0/data/more", {1: 2}, "items[0].data.more, a key"),
        ("items/0/data/more", bytes(MAX_ITEM_BYTES), "items[0].data: "),
        ("items", [{}], "items[0]"),
        ("items", [msgpack.unpackb(GOOD)["items"][0]] * 2, "items[1]: the phrase 'zap it' is there twice"),
    ],
)
def test_what_is_not_right_is_refused_with_its_place(path: str, value: Any, words: str) -> None:
    with pytest.raises(BadExport) as refused:
        unpack(changed(path, value))
    assert words in str(refused.value)


def test_more_than_is_kept_is_refused() -> None:
    gesture, most = msgpack.unpackb(GOOD)["items"][2], LIMITS["gesture"]
    with pytest.raises(BadExport, match=rf"items\[{most}\]: more than {most}"):
        unpack(changed("items", [{**gesture, "key": f"g{n}"} for n in range(most + 1)]))
    big = {"examples": bytes(100 * 1024)}
    with pytest.raises(BadExport, match="items: 512"):
        unpack(changed("items", [{**gesture, "key": f"g{n}", "data": big} for n in range(5)]))


def test_all_that_is_kept_comes_back_however_small_its_parts() -> None:
    letters = [chr(code) for code in range(128)]
    smallest = (Item("name", app, key, {}, 2.0**53) for app in letters for key in letters)
    items = list(itertools.islice(smallest, MAX_ITEMS_BYTES // size("a", "k", msgpack.packb({}))))
    adapters = dict.fromkeys((f"{'m' * 64}@{number:064}" for number in range(MAX_ADAPTERS)), tensors())
    room = MAX_ADAPTER_BYTES - sum(map(len, adapters.values()))
    adapters[f"{'m' * 64}@{0:064}"] = tensors(w=np.zeros(room - 100, np.uint8))
    counted = Statistics(2**53, 2**53, 2.0**53, 2.0**53, 2.0**53)
    assert unpack(pack(StoredProfile(counted, adapters, items=items))).profile.items == items
    with pytest.raises(BadExport, match=f"items: .* at most {MAX_ITEMS_BYTES} are kept"):
        unpack(pack(StoredProfile(counted, items=[*items, Item("name", "more", "k", {}, 1.0)])))


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", b"\x90", GOOD[:-1], GOOD + b"\0", b"\x91" * 5000])
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(BadExport):
        unpack(data)


def test_what_is_too_long_is_refused_unread() -> None:
    with pytest.raises(BadExport, match="at most 1048576"):
        unpack(GOOD + bytes(MAX_BYTES))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_that_were_changed_are_refused_or_mean_something_else_that_is_allowed(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for at in data.draw(st.lists(st.integers(0, len(GOOD) - 1), min_size=1, max_size=4, unique=True)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged))) :]
    with suppress(BadExport):
        taken = unpack(bytes(damaged))
        assert unpack(pack(taken.profile)).profile == taken.profile


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_adapters_of_any_bytes_never_raise_anything_else(data: bytes) -> None:
    with suppress(BadExport):
        unpack(changed("adapters/target@1", data))
        assert safetensors.numpy.load(data) == {}

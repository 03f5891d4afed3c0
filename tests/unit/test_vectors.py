"""The test vectors mean what they say, bytes and all; what refuses them while a daemon runs is tests/integration's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bridge.protocol import (
    CLIENT_MESSAGES,
    MAX_MESSAGE_BYTES,
    SERVER_MESSAGES,
    VERSION,
    Actions,
    Frame,
    Hello,
    Message,
    Refused,
    decode_client,
    decode_server,
    encode,
    type_of,
)
from bridge.tracking import BLOB_BYTES, JOINTS, POSE, WIDTH, Fault, Part, unpack
from models.limits import DEVICES

FOLDER = Path(__file__).parents[1] / "vectors"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
GOOD = [entry["path"] for entry in INDEX["good"]]
BAD = [entry["path"] for entry in INDEX["bad"]]


def data(path: str) -> bytes:
    return (FOLDER / f"{path}.msgpack").read_bytes()


def words(path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{path}.json").read_text(encoding="utf-8"))
    return document


def decode(path: str) -> Message:
    return decode_client(data(path)) if words(path)["from"] == "client" else decode_server(data(path))


def plain(value: Any) -> Any:
    """A message as the vectors write it: every key, and bytes in hexadecimal."""
    if isinstance(value, msgspec.Struct):
        keys = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        return {"type": type_of(value), **keys} if isinstance(value, Message) else keys
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def with_types(value: Any) -> Any:
    """Numbers with their types, so that 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {key: with_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_types(item) for item in value]
    return type(value).__name__, value


def test_the_files_are_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, str(FOLDER / "make.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, f"run: python tests/vectors/make.py\n{made.stderr}"


def test_the_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.*")) < 320_000


def test_the_vectors_are_of_this_version() -> None:
    assert INDEX["protocol"] == VERSION


def test_every_type_has_vectors_and_a_canonical_one() -> None:
    for message in CLIENT_MESSAGES + SERVER_MESSAGES:
        entries = [entry for entry in INDEX["good"] if entry["type"] == type_of(message)]
        assert len(entries) >= 1, type_of(message)
        assert any(entry["canonical"] for entry in entries), type_of(message)


@pytest.mark.parametrize("path", GOOD)
def test_good(path: str) -> None:
    told = words(path)
    assert with_types(plain(decode(path))) == with_types(told["meaning"])


@pytest.mark.parametrize("path", [entry["path"] for entry in INDEX["good"] if entry["canonical"]])
def test_canonical(path: str) -> None:
    assert encode(decode(path)).hex() == data(path).hex()


@pytest.mark.parametrize("path", [path for path in GOOD if path.startswith("frame/")])
def test_frame_blobs(path: str) -> None:
    frame = decode(path)
    assert isinstance(frame, Frame)
    assert len(frame.d) == BLOB_BYTES[frame.m]
    parts = words(path)["decoded"]["d"]
    assert sum(Part[name.upper()] for name in parts) == frame.m
    numbers, at = np.frombuffer(frame.d, "<f4"), 0
    for part in Part:
        if frame.m & part:
            expected = np.array(parts[part.name.lower()], dtype=np.float32)
            assert expected.shape == ((JOINTS, POSE) if part.name.endswith("HAND") else (WIDTH[part],))
            np.testing.assert_array_equal(numbers[at : at + WIDTH[part]], expected.ravel())
            at += WIDTH[part]
    row = np.zeros((1, sum(WIDTH.values())), dtype=np.float32)
    row[0, : len(numbers)] = numbers
    assert unpack(np.array([frame.m], dtype=np.int32), row).fault[0] == Fault.NONE


@pytest.mark.parametrize("path", [path for path in GOOD if path.startswith("actions/")])
def test_actions_blobs(path: str) -> None:
    actions = decode(path)
    assert isinstance(actions, Actions)
    told = words(path)["decoded"]
    expected = [told["f"][device] for bit, device in enumerate(DEVICES) if actions.m >> bit & 1]
    np.testing.assert_array_equal(np.frombuffer(actions.f, "<f4"), np.array(expected, dtype=np.float32).ravel())
    np.testing.assert_array_equal(np.frombuffer(actions.p, "<f4"), np.array(told["p"], dtype=np.float32))
    assert len(told["f"]) == actions.m.bit_count()


@pytest.mark.parametrize("path", [entry["path"] for entry in INDEX["bad"] if entry["refused_by"] == "message"])
def test_bad_bytes(path: str) -> None:
    told = words(path)
    with pytest.raises(Refused) as caught:
        decode_client(data(path))
    error = caught.value.error
    assert {key: getattr(error, key) for key in told["error"]} == told["error"]
    assert caught.value.fatal is (told["close"] is not None)
    assert error.key in error.message
    assert error.of in error.message


@pytest.mark.parametrize("path", [entry["path"] for entry in INDEX["bad"] if entry["refused_by"] != "message"])
def test_what_is_refused_later_is_well_formed(path: str) -> None:
    decode_client(data(path))
    for before in words(path).get("after", ()):
        decode_client(data(before))


def test_the_index_says_what_the_files_say() -> None:
    for entry in INDEX["good"]:
        told = words(entry["path"])
        assert (entry["type"], entry["from"]) == (told["meaning"]["type"], told["from"])
        assert entry["canonical"] is told["canonical"]
    for entry in INDEX["bad"]:
        told = words(entry["path"])
        assert (entry["code"], entry["close"]) == (told["error"]["code"], told["close"])
    listed = set(GOOD + BAD)
    assert len(listed) == len(GOOD) + len(BAD)
    assert listed == {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.msgpack")}


def test_only_the_one_that_should_be_is_too_big() -> None:
    too_big = [path for path in GOOD + BAD if len(data(path)) > MAX_MESSAGE_BYTES]
    assert too_big == ["bad/too_big"]


def test_a_minimal_hello_gets_the_defaults_of_the_types() -> None:
    given = decode("hello/minimal")
    assert isinstance(given, Hello)
    assert given == Hello(given.version, given.app, given.user)

"""The AsyncAPI document: it is the one that the types make, and it says what they mean."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.protocol import CLIENT_MESSAGES, SERVER_MESSAGES, type_of

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.json"
DOCUMENT = json.loads(FILE.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_file_is_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "bridge.asyncapi"], capture_output=True, check=True, cwd=FILE.parents[1]
    )
    assert FILE.read_bytes() == made.stdout, "run: python -m bridge.asyncapi > docs/asyncapi.json"


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > 2 * len(CLIENT_MESSAGES + SERVER_MESSAGES)
    for reference in found:
        at = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def test_every_message_is_there_once_and_goes_the_right_way() -> None:
    received = {type_of(message) for message in CLIENT_MESSAGES}
    sent = {type_of(message) for message in SERVER_MESSAGES}
    assert set(DOCUMENT["channels"]["session"]["messages"]) == received | sent
    taken, told = set(), set()
    for operation in DOCUMENT["operations"].values():
        names = {message["$ref"].rpartition("/")[2] for message in operation["messages"]}
        replies = {message["$ref"].rpartition("/")[2] for message in operation.get("reply", {}).get("messages", ())}
        assert operation["action"] == ("receive" if names <= received else "send")
        taken |= names & received
        told |= names & sent | replies
    assert taken == received
    assert told == sent


def test_a_constant_tells_the_type() -> None:
    for message in CLIENT_MESSAGES + SERVER_MESSAGES:
        schema = SCHEMAS[message.__name__]
        assert schema["properties"]["type"] == {"enum": [type_of(message)]}
        assert "type" in schema["required"]


def test_bytes_are_binary_and_count_bytes() -> None:
    assert SCHEMAS["Frame"]["properties"]["d"]["format"] == "binary"
    assert SCHEMAS["Image"]["properties"]["data"]["maxLength"] == 1024 * 1024
    assert SCHEMAS["Audio"]["properties"]["pcm"]["maxLength"] == 6400
    assert SCHEMAS["Teach"]["properties"]["examples"]["items"] == {"type": "string", "format": "binary"}
    assert "base64" not in json.dumps(SCHEMAS)


def test_docstrings_reach_the_properties() -> None:
    q = SCHEMAS["Frame"]["properties"]["q"]["description"]
    assert q == "sequence number, larger than that of any frame before it in this session."
    assert "[devices, horizons, 7]" in SCHEMAS["Actions"]["properties"]["f"]["description"]
    assert "Attributes" not in json.dumps(SCHEMAS)


def test_defaults_are_said() -> None:
    hello = SCHEMAS["Hello"]["properties"]
    assert hello["horizons_ms"]["default"] == [50.0, 100.0]
    assert hello["streams"]["default"] == ["frame"]
    assert hello["refresh_hz"]["default"] == 90.0
    assert SCHEMAS["Target"]["properties"]["size"]["default"] == [0.1, 0.1, 0.1]
    assert SCHEMAS["Scene"]["properties"]["replace"]["default"] is True

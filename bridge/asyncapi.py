"""The AsyncAPI 3.0 document of the wire, made from the types: ``python -m bridge.asyncapi > docs/asyncapi.json``.

It is JSON, which every reader of YAML reads too. https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from typing import Any, Final

import msgspec

from bridge.protocol import CLIENT_MESSAGES, SERVER_MESSAGES, SUBPROTOCOL, VERSION, Message, type_of

CONTENT_TYPE: Final = "application/vnd.msgpack"

_ABOUT: Final = """\
What a headset and the Genlock daemon say to each other. docs/protocol.md says the same in prose, with the rules that a
schema cannot hold: the layout of blobs, what is answered when, and what closes the connection.

A WebSocket binary message holds one msgpack map. A string of format `binary` is msgpack `bin`, and its length is in
bytes. Keys that are not listed here are ignored."""

# What each client message may be answered with. What a daemon does not serve gets an error.
_REPLIES: Final[dict[str, tuple[str, ...]]] = {
    "hello": ("welcome", "error"),
    "frame": ("actions", "error"),
    "audio": ("transcript", "error"),
    "image": ("error",),
    "bye": (),
}
_ACKNOWLEDGED: Final = ("ack", "error")


def document() -> dict[str, Any]:
    """The whole document, of plain values."""
    received, sent = _names(CLIENT_MESSAGES), _names(SERVER_MESSAGES)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Genlock",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "local": {
                "host": "127.0.0.1:8765",
                "protocol": "ws",
                "description": "Where genlock serve listens if nothing else is said; wss with --tls-cert.",
            }
        },
        "channels": {
            "session": {
                "address": "/",
                "description": "One connection carries one session at a time.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*received, *sent)},
                "bindings": {"ws": {"method": "GET", "headers": _headers(), "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            **{f"take_{name}": _take(name) for name in received},
            "notify": {
                "action": "send",
                "summary": "What the daemon says unasked.",
                "channel": {"$ref": "#/channels/session"},
                "messages": [_in_channel("notice")],
            },
        },
        "components": {
            "messages": {type_of(message): _message(message) for message in CLIENT_MESSAGES + SERVER_MESSAGES},
            "schemas": _schemas(),
        },
    }


def _names(messages: tuple[type[Message], ...]) -> list[str]:
    return [type_of(message) for message in messages]


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"Sec-WebSocket-Protocol": {"const": SUBPROTOCOL}},
        "required": ["Sec-WebSocket-Protocol"],
    }


def _take(name: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "receive",
        "channel": {"$ref": "#/channels/session"},
        "messages": [_in_channel(name)],
    }
    if replies := _REPLIES.get(name, _ACKNOWLEDGED):
        operation["reply"] = {
            "channel": {"$ref": "#/channels/session"},
            "messages": [_in_channel(reply) for reply in replies],
        }
    return operation


def _in_channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/session/messages/{name}"}


def _message(message: type[Message]) -> dict[str, Any]:
    summary, _ = _words(message)
    return {
        "name": type_of(message),
        "title": message.__name__,
        "summary": summary.partition("\n\n")[0],
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": f"#/components/schemas/{message.__name__}"},
    }


def _schemas() -> dict[str, Any]:
    messages = CLIENT_MESSAGES + SERVER_MESSAGES
    _, schemas = msgspec.json.schema_components(messages, ref_template="#/components/schemas/{name}")
    for struct in _structs(messages):
        schema = schemas[struct.cls.__name__]
        schema["description"], attributes = _words(struct.cls)
        for field in struct.fields:
            described = schema["properties"][field.encode_name]
            _as_msgpack(field.type, described)
            if isinstance(field.type, msgspec.inspect.ListType) and field.default_factory is not msgspec.NODEFAULT:
                described["default"] = field.default_factory()
            if field.name in attributes:
                described["description"] = attributes[field.name]
    return schemas


def _structs(messages: tuple[type[Message], ...]) -> list[msgspec.inspect.StructType]:
    """The messages and all structs within them."""
    found: dict[type, msgspec.inspect.StructType] = {}
    waiting: list[msgspec.inspect.Type] = list(msgspec.inspect.multi_type_info(messages))
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, msgspec.inspect.StructType) and kind.cls not in found:
            found[kind.cls] = kind
            waiting.extend(field.type for field in kind.fields)
        elif isinstance(kind, msgspec.inspect.ListType):
            waiting.append(kind.item_type)
        elif isinstance(kind, msgspec.inspect.DictType):
            waiting.append(kind.value_type)
    return list(found.values())


def _as_msgpack(kind: msgspec.inspect.Type, schema: dict[str, Any]) -> None:
    """Says of byte strings what they are in msgpack; msgspec's schema is of JSON, where they are base64."""
    if isinstance(kind, msgspec.inspect.ListType):
        _as_msgpack(kind.item_type, schema["items"])
    elif isinstance(kind, msgspec.inspect.BytesType):
        del schema["contentEncoding"]
        schema["format"] = "binary"
        if kind.max_length is not None:
            schema["maxLength"] = kind.max_length


def _words(struct: type) -> tuple[str, dict[str, str]]:
    """A docstring's text, and what it says of each attribute."""
    text, _, attributes = (inspect.getdoc(struct) or "").partition("\n\nAttributes:\n")
    described = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE)
    return text.replace("``", "`"), {name: " ".join(words.split()).replace("``", "`") for name, words in described}


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")

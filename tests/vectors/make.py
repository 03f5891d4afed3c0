"""Makes the test vectors: ``python tests/vectors/make.py``, or with ``--check`` only tells whether they are up to date.

A vector is a ``.msgpack`` file, the bytes of one WebSocket message, and a ``.json`` file beside it that says what they
mean (``README.md``). They are laid with the ``msgpack`` package from what ``docs/protocol.md`` says, and from nothing
in the daemon, so that a mistake in its own types cannot hide in them.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

FOLDER = Path(__file__).parent
PROTOCOL = "1.0"

Map = dict[str, Any]


class Raw(bytes):
    """Bytes of msgpack that are laid as they are."""


def pack(value: Any) -> bytes:
    """A value as msgpack, in the smallest formats but where ``Raw`` says otherwise."""
    packer = msgpack.Packer(use_bin_type=True)
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, dict):
        return packer.pack_map_header(len(value)) + b"".join(pack(key) + pack(item) for key, item in value.items())
    if isinstance(value, list):
        return packer.pack_array_header(len(value)) + b"".join(pack(item) for item in value)
    return packer.pack(value)


def uint64(number: int) -> Raw:
    return Raw(struct.pack(">BQ", 0xCF, number))


def int64(number: int) -> Raw:
    return Raw(struct.pack(">Bq", 0xD3, number))


def float32(number: float) -> Raw:
    return Raw(struct.pack(">Bf", 0xCA, number))


def str32(text: str) -> Raw:
    return Raw(struct.pack(">BI", 0xDB, len(text.encode())) + text.encode())


def bin32(data: bytes) -> Raw:
    return Raw(struct.pack(">BI", 0xC6, len(data)) + data)


def array32(items: list[Any]) -> Raw:
    return Raw(struct.pack(">BI", 0xDD, len(items)) + b"".join(pack(item) for item in items))


def map32(items: Map) -> Raw:
    return Raw(
        struct.pack(">BI", 0xDF, len(items)) + b"".join(pack(str32(key)) + pack(item) for key, item in items.items())
    )


def floats(*numbers: float) -> bytes:
    """A blob: little-endian float32."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


# What the keys are that a message leaves out.
DEFAULTS: dict[str, Map] = {
    "hello": {
        "token": "",
        "device": {"name": "", "runtime": "", "engine": "", "plugin": ""},
        "refresh_hz": 90.0,
        "streams": ["frame"],
        "horizons_ms": [50.0, 100.0],
        "resume": None,
        "last_n": -1,
    },
    "frame": {},
    "scene": {"replace": True, "remove": []},
    "utterance": {"language": ""},
    "audio": {"end": False},
    "image": {},
    "teach": {"phrase": "", "target": "", "device": "", "examples": []},
    "feedback": {"action": "", "target": "", "n": 0, "of": ""},
    "profile": {"kind": "all", "data": b""},
    "bye": {"reason": ""},
    "welcome": {"restored": False},
    "actions": {"s": 0, "a": []},
    "transcript": {"id": "", "words": [], "speaker": None},
    "ack": {"scene": 0, "data": b""},
    "error": {"of": "", "key": "", "id": "", "q": -1},
    "notice": {"retry_ms": 0, "id": ""},
}
APP: Map = {
    "name": "",
    "version": "",
    "confidence": 0.5,
    "actions": [],
    "classifier": "",
    "learn": True,
    "bystanders": "heard",
    "objects": [],
}
APP_ACTION: Map = {"phrases": [], "target": "none", "arguments": [], "labels": [], "gestures": [], "sees": []}
ARGUMENT: Map = {
    "kind": "choice",
    "values": [],
    "synonyms": {},
    "minimum": -1e9,
    "maximum": 1e9,
    "unit": "",
    "required": False,
    "default": "",
}
TARGET: Map = {"size": [0.1, 0.1, 0.1], "name": "", "aliases": []}
ACTION: Map = {"id": "", "target": "", "arguments": {}}
SERVER_TYPES = ("welcome", "actions", "transcript", "ack", "error", "notice")

PARTS = (
    ("head", 7), ("gaze", 7), ("left_aim", 7), ("right_aim", 7), ("left_grip", 7), ("right_grip", 7),
    ("left_buttons", 8), ("right_buttons", 8), ("left_hand", 26 * 7), ("right_hand", 26 * 7),
)  # fmt: skip
DEVICES = ("head", "left", "right")


def whole(message: Map) -> Map:
    """A message with everything that it leaves out."""
    meaning = {**message, **{key: value for key, value in DEFAULTS[message["type"]].items() if key not in message}}
    if "app" in meaning:
        meaning["app"] = {**APP, **meaning["app"]}
        meaning["app"]["actions"] = [
            {
                **APP_ACTION,
                **action,
                "arguments": [{**ARGUMENT, **argument} for argument in action.get("arguments", [])],
            }
            for action in meaning["app"]["actions"]
        ]
        meaning["device"] = {**DEFAULTS["hello"]["device"], **meaning["device"]}
    if "targets" in meaning:
        meaning["targets"] = [{**TARGET, **target} for target in meaning["targets"]]
    if "a" in meaning:
        meaning["a"] = [{**ACTION, **action} for action in meaning["a"]]
    return meaning


def read_floats(data: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def grouped(numbers: list[float], size: int) -> list[list[float]]:
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]


def decoded(message: Map) -> Map:
    """The blobs of a message as numbers, by the names of what they are of."""
    if message["type"] == "frame":
        numbers, blobs = read_floats(message["d"]), {}
        for bit, (part, width) in enumerate(PARTS):
            if message["m"] >> bit & 1:
                taken, numbers = numbers[:width], numbers[width:]
                blobs[part] = grouped(taken, 7) if part.endswith("hand") else taken
        return {"d": blobs}
    if message["type"] == "actions":
        tracked = [device for bit, device in enumerate(DEVICES) if message["m"] >> bit & 1]
        poses = grouped(read_floats(message["f"]), 7)
        horizons = len(poses) // len(tracked) if tracked else 0
        forecast = {device: poses[at * horizons : (at + 1) * horizons] for at, device in enumerate(tracked)}
        return {"f": forecast, "p": read_floats(message["p"])}
    return {}


@dataclass(frozen=True)
class Good:
    """A message that means something. ``canonical``: laid as the daemon itself would lay it."""

    name: str
    why: str
    data: bytes
    meaning: Map
    canonical: bool

    @property
    def path(self) -> str:
        return f"{self.meaning['type']}/{self.name}"

    @property
    def sender(self) -> str:
        return "daemon" if self.meaning["type"] in SERVER_TYPES else "client"


def canonical(name: str, why: str, message: Map) -> Good:
    return Good(name, why, pack(message), whole(message), True)


def variant(name: str, why: str, laid: Any, message: Map) -> Good:
    return Good(name, why, pack(laid), whole(message), False)


@dataclass(frozen=True)
class Bad:
    """A message that a client must not send, and the error that it gets.

    ``refused_by`` is ``message`` where it can be told from these bytes alone, ``session`` where it takes what was sent
    ``after``, ``engine`` where it takes the numbers in a blob. ``close`` is the close code that follows the error.
    """

    name: str
    why: str
    data: bytes
    code: str
    of: str = ""
    key: str = ""
    id: str = ""
    q: int = -1
    refused_by: str = "message"
    after: tuple[str, ...] = ()
    close: int | None = None
    token: str = ""

    @property
    def path(self) -> str:
        return f"bad/{self.name}"


def bad(name: str, why: str, message: Map, key: str, code: str = "invalid", **more: Any) -> Bad:
    """A well-formed map of a known type with something wrong in it."""
    q = message.get("q", -1)
    told: Map = {"of": message["type"], "key": key, "id": message.get("id", "")[:128]}
    told["q"] = q if type(q) is int and 0 <= q <= 2**62 else -1
    return Bad(name, why, pack(message), code, **{**told, **more})


HEAD_POSE = (0.25, 1.625, -0.5, 0.0, 0.0, 0.0, 1.0)
GAZE_POSE = (0.25, 1.625, -0.5, 0.5, -0.5, 0.5, 0.5)
LEFT_POSE = (-0.25, 1.125, -0.75, 0.0, -1.0, 0.0, 0.0)
RIGHT_POSE = (0.375, 1.25, -0.875, -0.5, 0.5, -0.5, 0.5)
LEFT_BUTTONS = (0.0, 0.25, -0.5, 1.0, 0.0, 1.0, 0.0, 0.0)
RIGHT_BUTTONS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0)


def hand(x: float) -> tuple[float, ...]:
    """26 joints in a row along -z, two centimetres or so apart; each one's x tells its number."""
    return tuple(
        number for joint in range(26) for number in (x + joint / 64, 1.0, -0.25 - joint / 64, 0.5, 0.5, -0.5, 0.5)
    )


EVERYTHING = floats(
    *HEAD_POSE, *GAZE_POSE, *LEFT_POSE, *RIGHT_POSE, *LEFT_POSE, *RIGHT_POSE, *LEFT_BUTTONS, *RIGHT_BUTTONS,
    *hand(-0.5), *hand(0.5),
)  # fmt: skip

HELLO: Map = {"type": "hello", "version": PROTOCOL, "app": {"name": "vector-test"}, "user": "ada"}
FULL_HELLO: Map = {
    "type": "hello",
    "version": PROTOCOL,
    "app": {"name": "vector-test", "version": "2.3.1"},
    "user": "ada",
    "token": "correct horse",
    "device": {"name": "Quest 3", "runtime": "Meta OpenXR 1.1", "engine": "Godot 4.4", "plugin": "genlock 0.1.0"},
    "refresh_hz": 72.0,
    "streams": ["frame", "audio"],
    "horizons_ms": [25.0, 50.0, 112.5],
}
FRAME: Map = {"type": "frame", "q": 1, "t": 1_000_000, "m": 1, "d": floats(*HEAD_POSE)}
SCENE: Map = {
    "type": "scene",
    "id": "scene-1",
    "targets": [
        {"id": "lamp", "position": [0.5, 1.25, -2.0], "size": [0.25, 0.5, 0.25], "name": "desk lamp"},
        {"id": "door", "position": [-3.0, 1.0, -4.0], "size": [1.0, 2.0, 0.125], "aliases": ["exit", "way out"]},
        {"id": "ball", "position": [0.0, 0.0, 0.0], "size": [0.0, 0.0, 0.0]},
    ],
}
UTTERANCE: Map = {"type": "utterance", "id": "u-7", "text": "open the door", "time": 12_345_678}
LIMITS: Map = {
    "message_bytes": 65536,
    "large_message_bytes": 1052672,
    "targets": 64,
    "horizons": 8,
    "horizon_ms": 250,
    "messages_per_second": 1000,
}
WELCOME: Map = {
    "type": "welcome",
    "version": PROTOCOL,
    "session": "9f3c01ab",
    "resume": "mS0mB3xv2nT9Qe4r",
    "resume_s": 30.0,
    "resumed": False,
    "last_q": -1,
    "models": [{"name": "forecast", "version": "1"}, {"name": "target", "version": "1"}],
    "serves": ["hello", "frame", "scene", "bye"],
    "limits": LIMITS,
    "server_time": 81_234_567_890,
    "recording": False,
    "learning": True,
    "sessions": 0,
}
HEAD_AND_RIGHT = floats(*HEAD_POSE, *GAZE_POSE, *RIGHT_POSE, *LEFT_POSE)
ACTIONS: Map = {
    "type": "actions",
    "q": 1,
    "t": 1_000_000,
    "m": 5,
    "f": HEAD_AND_RIGHT,
    "k": 0,
    "p": floats(0.75, 0.125, 0.125),
    "s": 1,
}
GALLERY: Map = {
    "name": "gallery",
    "version": "2.3.1",
    "confidence": 0.625,
    "actions": [
        {"name": "select", "phrases": ["{target}", "that one"], "target": "required"},
        {
            "name": "paint",
            "phrases": ["paint {target} {colour}", "make it {colour}"],
            "target": "optional",
            "arguments": [
                {
                    "name": "colour",
                    "values": ["red", "blue"],
                    "synonyms": {"red": ["crimson", "scarlet"]},
                    "required": True,
                },
                {
                    "name": "gloss",
                    "kind": "number",
                    "minimum": 0.0,
                    "maximum": 100.0,
                    "unit": "percent",
                    "default": 50.0,
                },
            ],
        },
        {"name": "undo", "phrases": ["undo that"]},
    ],
}


def turned_round(message: Map) -> Map:
    """The keys in the opposite order, ``type`` last."""
    return dict(reversed(message.items()))


def good_from_clients() -> Iterator[Good]:
    yield variant("minimal", "only what must be there", HELLO, HELLO)
    yield canonical("full", "every key but resume", FULL_HELLO)
    again = {**FULL_HELLO, "resume": "mS0mB3xv2nT9Qe4r", "last_n": 41}
    yield canonical("resume", "goes on with a session, in which 41 actions have arrived", again)
    yield canonical("app", "declares what the app can do", {**FULL_HELLO, "app": GALLERY})
    seeing = {
        "name": "look",
        "actions": [{"name": "greet", "sees": ["badge", "teapot"]}, {"name": "note", "sees": ["*"]}],
        "bystanders": "ignored",
        "objects": [{"name": "badge", "examples": [bytes.fromhex("ffd8ffe0"), bytes.fromhex("89504e47")]}],
    }
    yield canonical("sights", "declares what the app wants to see", {**FULL_HELLO, "app": seeing})
    yield canonical("no_forecast", "no horizons: no forecast", {**FULL_HELLO, "token": "t", "horizons_ms": []})
    yield variant("resume_nil", "nil is the same as no resume token", {**HELLO, "resume": None}, HELLO)
    later = {
        **HELLO,
        "version": "1.9",
        "app": {"name": "vector-test", "store": "itch"},
        "locale": "en",
        "extra": {"deep": [1, {"2": None}]},
    }
    meant = {**HELLO, "version": "1.9"}
    yield variant("later_minor", "a later minor version, with keys that 1.0 does not know", later, meant)
    wide = {**FULL_HELLO, "refresh_hz": 72, "horizons_ms": array32([25, float32(50.0), float32(112.5)])}
    yield variant(
        "wide", "wide headers; numbers as integers and float32; keys backwards", map32(turned_round(wide)), FULL_HELLO
    )

    yield canonical("head", "the head alone", FRAME)
    controllers: Map = {
        "type": "frame",
        "q": 2,
        "t": 1_011_111,
        "m": 0b10001011,
        "d": floats(*HEAD_POSE, *GAZE_POSE, *RIGHT_POSE, *RIGHT_BUTTONS),
    }
    yield canonical("controller", "head, gaze, right aim and right buttons", controllers)
    hands: Map = {"type": "frame", "q": 3, "t": 1_022_222, "m": 0x300, "d": floats(*hand(-0.5), *hand(0.5))}
    yield canonical("hands", "both hands, and nothing else is tracked", hands)
    everything: Map = {"type": "frame", "q": 4, "t": 1_033_333, "m": 1023, "d": EVERYTHING}
    yield canonical("everything", "all parts", everything)
    yield canonical("nothing", "nothing is tracked", {"type": "frame", "q": 5, "t": 1_044_444, "m": 0, "d": b""})
    largest = {**FRAME, "q": 2**62, "t": 2**62}
    yield canonical("largest_numbers", "the largest sequence number and time", largest)
    nearly = {**FRAME, "d": floats(0.0, 1.5, 0.0, 0.0, 0.0, 0.0, 1.03125)}
    yield canonical("nearly_unit", "a quaternion three per cent too long is accepted, and normalized", nearly)
    wide = {**turned_round(FRAME), "q": uint64(1), "t": int64(1_000_000), "m": uint64(1), "d": bin32(FRAME["d"])}
    yield variant("wide", "64-bit integers, bin32, keys backwards", wide, FRAME)
    yield variant("unknown_keys", "keys that 1.0 does not know", {"fov": [1.0, 2.0], **FRAME, "z": {"a": None}}, FRAME)

    yield canonical("replace", "three targets", SCENE)
    update = {
        "type": "scene",
        "id": "scene-2",
        "targets": [
            {"id": "lamp", "position": [0.5, 1.5, -2.0], "size": [0.25, 0.5, 0.25]},
            {"id": "key", "position": [1.0, 0.75, -1.0], "size": [0.0625, 0.0625, 0.0625]},
        ],
        "replace": False,
        "remove": ["ball"],
    }
    yield canonical("update", "moves the lamp, adds a key, takes the ball away", update)
    yield canonical("empty", "nothing can be meant", {"type": "scene", "id": "scene-3", "targets": []})
    many = [{"id": f"t{n:02}", "position": [n / 8, 1.0, -2.0], "size": [0.125, 0.125, 0.125]} for n in range(64)]
    yield canonical("full", "as many targets as there may be", {"type": "scene", "id": "scene-4", "targets": many})
    default = {"type": "scene", "id": "scene-5", "targets": [{"id": "a", "position": [1.0, 2.0, -3.0]}]}
    laid = {**default, "targets": [{"position": [1, float32(2.0), -3], "id": "a", "colour": "red"}], "replace": True}
    yield variant("numbers", "coordinates as integers and float32; no size: ten centimetres", laid, default)

    yield canonical("plain", "text", UTTERANCE)
    spoken = {"type": "utterance", "id": "u-8", "text": "öffne die Tür 🚪", "time": 0, "language": "de-DE"}
    yield canonical("language", "text that is not ASCII, with its language", spoken)
    longest = {"type": "utterance", "id": "é" * 128, "text": "ü" * 2000, "time": 2**62}
    yield canonical("longest", "limits of strings count code points, not bytes", longest)
    yield variant(
        "wide", "str32, keys backwards", map32({**turned_round(UTTERANCE), "text": str32(UTTERANCE["text"])}), UTTERANCE
    )

    pcm = struct.pack("<8h", 0, 1000, -1000, 32767, -32768, 1, -1, 0)
    yield canonical("samples", "eight samples", {"type": "audio", "time": 5_000_000, "pcm": pcm})
    yield canonical("end", "the user stopped speaking", {"type": "audio", "time": 5_000_500, "pcm": b"", "end": True})
    yield canonical("longest", "200 ms", {"type": "audio", "time": 0, "pcm": bytes(6400)})

    pixels = bytes(range(2 * 3 * 3))
    image = {"type": "image", "time": 6_000_000, "format": "rgb", "width": 2, "height": 3, "data": pixels}
    yield canonical("rgb", "two by three pixels, rows from the top, a byte each of red, green and blue", image)
    jpeg = {**image, "format": "jpeg", "width": 640, "height": 480, "data": bytes.fromhex("ffd8ffe0")}
    yield canonical("jpeg", "what is inside is not looked at before it is decoded", jpeg)

    teach: Map = {"type": "teach", "id": "t-1", "kind": "phrase", "name": "fire", "phrase": "zap it"}
    yield canonical("phrase", "words for an action", teach)
    named = {"type": "teach", "id": "t-2", "kind": "name", "name": "grandma's lamp", "target": "lamp"}
    yield canonical("name", "the user's own name for a target", named)
    examples = [floats(0.0, *HEAD_POSE, 0.125, *GAZE_POSE), floats(0.0, *GAZE_POSE, 0.25, *HEAD_POSE)]
    gesture = {"type": "teach", "id": "t-3", "kind": "gesture", "name": "nod", "device": "head", "examples": examples}
    yield canonical("gesture", "two examples of two moments each", gesture)

    confirm: Map = {"type": "feedback", "id": "f-1", "verdict": "confirm", "time": 7_000_000, "target": "lamp"}
    yield canonical("confirm", "the lamp was meant", confirm)
    correct = {**confirm, "id": "f-2", "verdict": "correct", "action": "open", "target": "door"}
    ordered = {key: correct[key] for key in ("type", "id", "verdict", "time", "action", "target")}
    yield canonical("correct", "the door should have been opened", ordered)
    yield canonical("undo", "take it back", {"type": "feedback", "id": "f-3", "verdict": "undo", "time": 7_100_000})
    of_action = {"type": "feedback", "id": "f-4", "verdict": "correct", "time": 7_200_000, "action": "open", "n": 12}
    yield canonical("of_an_action", "action 12 should have been another one", of_action)
    of_message = {"type": "feedback", "id": "f-5", "verdict": "undo", "time": 7_300_000, "of": "t-1"}
    yield canonical("of_a_message", "takes back what message t-1 taught", of_message)

    yield canonical("export", "give me what was learned", {"type": "profile", "id": "p-1", "operation": "export"})
    yield canonical("erase", "forget me", {"type": "profile", "id": "p-2", "operation": "erase"})
    yield canonical(
        "reset", "forget my gestures", {"type": "profile", "id": "p-4", "operation": "reset", "kind": "gesture"}
    )
    yield canonical("pause", "learn nothing more", {"type": "profile", "id": "p-5", "operation": "pause_learning"})
    imported = {"type": "profile", "id": "p-3", "operation": "import", "kind": "all", "data": b"\x01\x02\x03"}
    yield variant(
        "import", "a default that is written all the same", {**imported, "data": bin32(b"\x01\x02\x03")}, imported
    )

    yield canonical("plain", "the end", {"type": "bye"})
    yield canonical("reason", "the end, and why", {"type": "bye", "reason": "the app was closed"})
    yield variant(
        "key_twice",
        "of a key that is there twice, the last one counts",
        Raw(b"\x83" + pack("type") + pack("bye") + pack("reason") + pack("a") + pack("reason") + pack("b")),
        {"type": "bye", "reason": "b"},
    )


def good_from_daemons() -> Iterator[Good]:
    yield canonical("new", "a new session", WELCOME)
    yield canonical("resumed", "goes on where it was", {**WELCOME, "resumed": True, "last_q": 4_321, "recording": True})
    restored = {**WELCOME, "resumed": True, "restored": True}
    yield canonical("restored", "goes on in a daemon that was started again", restored)
    later = {
        **turned_round(WELCOME),
        "version": "1.4",
        "limits": {**LIMITS, "images_per_second": 5},
        "models": [{**model, "sha256": "00"} for model in WELCOME["models"]],
        "region": "eu",
    }
    yield variant(
        "later_minor", "a later minor version, with keys that 1.0 does not know", later, {**WELCOME, "version": "1.4"}
    )

    yield canonical("head_and_right", "head and right hand at two horizons, three targets", ACTIONS)
    three = floats(*HEAD_POSE, *LEFT_POSE, *RIGHT_POSE)
    yield canonical(
        "all_devices",
        "three devices at one horizon, one target",
        {**ACTIONS, "q": 2**62, "t": 2**62, "m": 7, "f": three, "p": floats(1.0)},
    )
    nothing = {"type": "actions", "q": 5, "t": 1_044_444, "m": 0, "f": b"", "k": -1, "p": b""}
    yield canonical("nothing", "nothing is tracked and there is no scene", nothing)
    acting = {
        **ACTIONS,
        "q": 77,
        "a": [
            {"n": 1, "name": "grab", "phase": "started", "confidence": 0.875, "source": "gesture", "target": "lamp"},
            {
                "n": 2,
                "name": "set_light",
                "phase": "performed",
                "confidence": 1.0,
                "source": "utterance",
                "id": "u-7",
                "arguments": {"level": 3, "warmth": 0.5, "colour": "blue", "smooth": True},
            },
            {"n": 3, "name": "point", "phase": "canceled", "confidence": 0.0, "source": "gesture"},
        ],
    }
    yield canonical("with_actions", "three actions; arguments are strings, integers, floats or booleans", acting)
    news = {"type": "actions", "q": -1, "t": 0, "m": 0, "f": b"", "k": -1, "p": b"", "a": acting["a"][1:2]}
    yield canonical("news", "an action between two answers", news)
    yield variant("unknown_keys", "keys that 1.0 does not know", {"x": [1], **turned_round(ACTIONS), "y": "z"}, ACTIONS)

    yield canonical("partial", "so far", {"type": "transcript", "text": "open the", "final": False, "time": 5_000_000})
    final: Map = {"type": "transcript", "text": "open the door", "final": True, "time": 5_000_000, "id": "speech:1"}
    yield canonical("final", "all of it", final)
    words = [
        {"text": "open", "begin": 5_000_000, "end": 5_180_000},
        {"text": "the", "begin": 5_180_000, "end": 5_260_000},
        {"text": "door", "begin": 5_300_000, "end": 5_720_000},
    ]
    yield canonical(
        "words", "with the times of its words, and by the user for sure", {**final, "words": words, "speaker": 0.875}
    )
    yield canonical(
        "scene", "the scene arrived, and is this session's third", {"type": "ack", "id": "scene-1", "scene": 3}
    )
    yield canonical("export", "what was learned", {"type": "ack", "id": "p-1", "data": b"\x81\x01"})
    yield variant(
        "wide", "str32, keys backwards", map32({"id": str32("u-7"), "type": str32("ack")}), {"type": "ack", "id": "u-7"}
    )
    frame = {
        "type": "error",
        "code": "quaternion",
        "message": "frame.d: a quaternion is not of unit length; the order is x, y, z, w",
        "of": "frame",
        "key": "d",
        "q": 17,
    }
    yield canonical("frame", "of a frame", frame)
    scene = {
        "type": "error",
        "code": "invalid",
        "message": "scene.targets[3].size[0]: expected a number >= 0.0",
        "of": "scene",
        "key": "targets[3].size[0]",
        "id": "scene-9",
    }
    yield canonical("scene", "of a message with an id", scene)
    yield canonical(
        "bytes",
        "of something that could not be read",
        {"type": "error", "code": "not_msgpack", "message": "the message is not msgpack"},
    )
    stopping = {"type": "notice", "code": "draining", "message": "the daemon is stopping", "retry_ms": 1000}
    yield canonical("draining", "the daemon stops", stopping)
    unclear = {"type": "notice", "code": "not_understood", "message": "no action of this app", "id": "u-8"}
    yield canonical("not_understood", "of an utterance", unclear)
    off = {"type": "notice", "code": "canceled", "message": "paint is called off", "id": "u-9"}
    yield canonical("canceled", "of an utterance that calls off an action", off)
    busy = {"type": "notice", "code": "busy", "message": "image: two wait already; dropped", "retry_ms": 200}
    yield canonical("busy", "more came than can be taken", busy)
    yield canonical("engine_back", "at once", {"type": "notice", "code": "engine_back", "message": "answered again"})


def bad_bytes() -> Iterator[Bad]:
    fatal: Map = {"code": "not_msgpack", "close": 4004}
    yield Bad("empty", "no bytes at all", b"", **fatal)
    yield Bad("truncated", "the end is missing", pack(FRAME)[:-9], **fatal)
    yield Bad("truncated_key", "the end is missing, in the middle of a key", pack(HELLO)[:12], **fatal)
    yield Bad("never_used", "0xc1 is never used in msgpack", b"\xc1", **fatal)
    yield Bad("trailing_bytes", "a byte after the end", pack(FRAME) + b"\x00", **fatal)
    yield Bad("two_messages", "a message after the end", pack({"type": "bye"}) * 2, **fatal)
    yield Bad("map_too_long", "four thousand million entries are announced", b"\xdf\xff\xff\xff\xff", **fatal)
    deep = Raw(b"\x91" * 60_000 + b"\xc0")
    yield Bad("too_deep", "nested too deep", pack({"type": "bye", "extra": deep}), **fatal)

    yield Bad("json", "JSON in a binary message", b'{"type":"bye"}', "invalid")
    yield Bad("nil", "no map", pack(None), "invalid")
    yield Bad("array", "no map", pack(["type", "bye"]), "invalid")
    yield Bad(
        "integer_key", "a key that is no string", b"\x82" + pack(1) + pack(2) + pack("type") + pack("bye"), "invalid"
    )
    yield Bad("type_missing", "no type", pack({"q": 1}), "invalid", key="type")
    yield Bad("type_number", "a type that is no string", pack({"type": 1}), "invalid", key="type")
    yield Bad("type_unknown", "no such message", pack({"type": "dance"}), "unknown_type", of="dance", key="type")
    yield Bad("type_of_daemon", "only the daemon says that", pack(ACTIONS), "unknown_type", of="actions", key="type")
    not_utf8 = Raw(b"\xa2\xff\xfe")
    yield Bad("not_utf8", "a string that is not UTF-8", pack({"type": "bye", "reason": not_utf8}), "invalid")
    padded = {**UTTERANCE, "extra": bytes(65_536)}
    yield bad(
        "too_big", "longer than 65536 bytes, which only image, teach and profile may be", padded, "", "too_big", id=""
    )


def bad_hello() -> Iterator[Bad]:
    without_user = {key: value for key, value in HELLO.items() if key != "user"}
    yield bad("hello_without_user", "a key that must be there is not", without_user, "user")
    yield bad("hello_without_app_name", "a key within a map is not there; told is the map", {**HELLO, "app": {}}, "app")
    yield bad("hello_app_string", "a string where a map must be", {**HELLO, "app": "vector-test"}, "app")
    yield bad("hello_user_empty", "a user without a name", {**HELLO, "user": ""}, "user")
    yield bad("hello_user_long", "129 characters", {**HELLO, "user": "u" * 129}, "user")
    yield bad("hello_version_word", "no version", {**HELLO, "version": "one"}, "version")
    yield bad("hello_version_number", "a version is a string", {**HELLO, "version": 1.0}, "version")
    yield bad("hello_refresh_zero", "no refresh rate", {**HELLO, "refresh_hz": 0.0}, "refresh_hz")
    yield bad("hello_refresh_nan", "not a number", {**HELLO, "refresh_hz": math.nan}, "refresh_hz")
    yield bad("hello_stream_unknown", "no such stream", {**HELLO, "streams": ["frame", "smell"]}, "streams[1]")
    yield bad("hello_nine_horizons", "eight are allowed", {**HELLO, "horizons_ms": [10.0] * 9}, "horizons_ms")
    far = {**HELLO, "horizons_ms": [50.0, 250.5]}
    yield bad("hello_horizon_far", "250 ms are allowed", far, "horizons_ms[1]")

    def app(**action: Any) -> Map:
        return {**HELLO, "app": {"name": "a", "actions": [{"name": "x", "phrases": ["y"], **action}]}}

    yield bad("hello_action_nameless", "an action without a name", app(name=""), "app.actions[0].name")
    twice = {**HELLO, "app": {"name": "a", "actions": [{"name": "x", "sees": ["cup", "Cup"]}]}}
    yield bad("hello_sight_twice", "one sight means two things", twice, "app.actions[0].sees[1]")
    bare = {**HELLO, "app": {"name": "a", "objects": [{"name": "badge", "examples": []}]}}
    yield bad("hello_object_bare", "nothing shows what it looks like", bare, "app.objects[0].examples")
    yield bad("hello_action_phraseless", "nothing means this action", app(phrases=[]), "app.actions[0].phrases")
    yield bad(
        "hello_phrase_target", "no target is declared", app(phrases=["take {target}"]), "app.actions[0].phrases[0]"
    )
    file = {**HELLO, "app": {"name": "a", "classifier": "/etc/passwd"}}
    yield bad("hello_classifier", "files are named by the daemon's own manifests only", file, "app.classifier")
    yield bad("hello_token_nil", "nil is no string", {**HELLO, "token": None}, "token")


def bad_messages() -> Iterator[Bad]:
    without_q = {key: value for key, value in FRAME.items() if key != "q"}
    yield bad("frame_without_q", "a key that must be there is not", without_q, "q")
    yield bad("frame_q_negative", "below zero", {**FRAME, "q": -1}, "q")
    yield bad("frame_q_large", "above 2**62", {**FRAME, "q": 2**62 + 1}, "q")
    yield bad("frame_q_float", "a float where an integer must be, though it is whole", {**FRAME, "q": 1.0}, "q")
    yield bad("frame_q_true", "a boolean is no integer", {**FRAME, "q": True}, "q")
    yield bad("frame_t_string", "a string where an integer must be", {**FRAME, "t": "now"}, "t")
    yield bad("frame_mask_large", "there are ten parts", {**FRAME, "m": 1024}, "m")
    yield bad("frame_blob_string", "a string where bytes must be", {**FRAME, "d": "0" * 28}, "d")
    yield bad("frame_blob_array", "an array where bytes must be", {**FRAME, "d": list(HEAD_POSE)}, "d")

    def scene(**target: Any) -> Map:
        return {**SCENE, "targets": [SCENE["targets"][0], {"id": "x", "position": [0.0, 1.0, 2.0], **target}]}

    yield bad("scene_without_id", "a key that must be there is not", {"type": "scene", "targets": []}, "id")
    yield bad("scene_id_empty", "an id without a character", {**SCENE, "id": ""}, "id")
    yield bad("scene_id_long", "129 characters; the error's id is cut", {**SCENE, "id": "s" * 129}, "id")
    crowd = {**SCENE, "targets": [{"id": f"t{n}", "position": [0.0, 0.0, 0.0]} for n in range(65)]}
    yield bad("scene_65_targets", "64 are allowed", crowd, "targets")
    yield bad("scene_position_nan", "not a number", scene(position=[0.0, math.nan, 0.0]), "targets[1].position[1]")
    yield bad("scene_position_infinite", "infinite", scene(position=[math.inf, 0.0, 0.0]), "targets[1].position[0]")
    yield bad(
        "scene_position_far", "more than 10 km away", scene(position=[0.0, 0.0, -10_001.0]), "targets[1].position[2]"
    )
    yield bad("scene_position_flat", "two numbers", scene(position=[0.0, 0.0]), "targets[1].position")
    yield bad("scene_size_negative", "below zero", scene(size=[1.0, -1.0, 1.0]), "targets[1].size[1]")
    nowhere = {**SCENE, "targets": [{"id": "x"}]}
    yield bad("scene_target_nowhere", "a target without a position", nowhere, "targets[0]")

    yield bad("utterance_long", "2001 characters", {**UTTERANCE, "text": "a" * 2001}, "text")
    yield bad("utterance_time_negative", "below zero", {**UTTERANCE, "time": -1}, "time")
    yield bad("audio_long", "more than 200 ms", {"type": "audio", "time": 0, "pcm": bytes(6402)}, "pcm")
    image = {"type": "image", "time": 0, "format": "rgb", "width": 1, "height": 1, "data": bytes(3)}
    yield bad("image_format", "no such format", {**image, "format": "bmp"}, "format")
    yield bad("image_width_zero", "no pixels", {**image, "width": 0}, "width")
    yield bad("teach_kind", "no such kind", {"type": "teach", "id": "t", "kind": "dance", "name": "x"}, "kind")
    yield bad(
        "feedback_verdict", "no such verdict", {"type": "feedback", "id": "f", "verdict": "maybe", "time": 0}, "verdict"
    )
    yield bad(
        "profile_operation", "no such operation", {"type": "profile", "id": "p", "operation": "sell"}, "operation"
    )
    yield bad("bye_reason_number", "a number where a string must be", {"type": "bye", "reason": 1000}, "reason")


def bad_in_session() -> Iterator[Bad]:
    begun: Map = {"refused_by": "session", "after": ("hello/minimal",)}
    framed: Map = {"refused_by": "session", "after": ("hello/minimal", "frame/controller")}
    first: Map = {"refused_by": "session", "code": "hello_expected", "close": 4003}
    yield bad("frame_before_hello", "the first message is hello", FRAME, "", **first, q=-1)
    yield bad("scene_before_hello", "the first message is hello", SCENE, "", **first, id="")
    yield bad("hello_twice", "there is a session already", HELLO, "", **begun)
    yield bad(
        "hello_major",
        "another major version",
        {**HELLO, "version": "2.0"},
        "version",
        "version",
        refused_by="session",
        close=4002,
    )
    yield bad(
        "hello_token_wrong",
        "not the token that the daemon was started with",
        {**HELLO, "token": "guess"},
        "token",
        "unauthorized",
        refused_by="session",
        close=4001,
        token="correct horse",
    )
    short = {**FRAME, "d": floats(*HEAD_POSE[:6])}
    yield bad("frame_blob_short", "the head takes 28 bytes, 24 are there", short, "d", **begun)
    yield bad(
        "frame_blob_long",
        "the head takes 28 bytes, 32 are there",
        {**FRAME, "d": floats(*HEAD_POSE, 0.0)},
        "d",
        **begun,
    )
    odd = {"type": "audio", "time": 0, "pcm": bytes(641)}
    yield bad("audio_odd", "half a sample more than 320", odd, "pcm", **begun)
    yield bad("frame_blob_odd", "not a whole number of floats", {**FRAME, "d": FRAME["d"][:-1]}, "d", **begun)
    other = {**FRAME, "m": 1 << 6}
    yield bad("frame_blob_of_other_part", "buttons take 32 bytes, a pose of 28 is there", other, "d", **begun)
    later = {**FRAME, "t": 2_000_000}
    yield bad("frame_q_again", "a sequence number that was there", {**later, "q": 2}, "q", "sequence", **framed)
    yield bad("frame_q_back", "a sequence number that goes back", {**later, "q": 1}, "q", "sequence", **framed)
    yield bad("frame_t_again", "a time that was there", {**FRAME, "q": 3, "t": 1_011_111}, "t", "time", **framed)
    yield bad("frame_t_back", "a time that goes back", {**FRAME, "q": 3, "t": 1_011_110}, "t", "time", **framed)
    jump = {**FRAME, "q": 3, "t": 1_011_111 + 3_600_000_000}
    yield bad("frame_t_jump", "an hour later, a moment after the frame before", jump, "t", "time", **framed)
    twice = {**SCENE, "targets": [SCENE["targets"][0], SCENE["targets"][1], SCENE["targets"][0]]}
    yield bad("scene_target_twice", "two targets of one id", twice, "targets[2].id", **begun)
    yield bad(
        "scene_remove_in_replace",
        "what replaces has nothing to remove",
        {**SCENE, "remove": ["lamp"]},
        "remove",
        **begun,
    )
    one_more = {
        "type": "scene",
        "id": "scene-6",
        "targets": [{"id": "new", "position": [0.0, 0.0, 0.0]}],
        "replace": False,
    }
    yield bad(
        "scene_one_too_many",
        "64 in all, and one more",
        one_more,
        "targets",
        refused_by="session",
        after=("hello/minimal", "scene/full"),
    )


def bad_numbers() -> Iterator[Bad]:
    engine: Map = {"refused_by": "engine", "after": ("hello/minimal",)}

    def head(*numbers: float) -> Map:
        return {**FRAME, "d": floats(*numbers)}

    yield bad("frame_nan", "not a number", head(0, math.nan, 0, 0, 0, 0, 1), "d", "not_finite", **engine)
    yield bad("frame_infinite", "infinite", head(0, 0, -math.inf, 0, 0, 0, 1), "d", "not_finite", **engine)
    yield bad("frame_quaternion_nan", "not a number", head(0, 0, 0, 0, 0, 0, math.nan), "d", "not_finite", **engine)
    yield bad("frame_far", "more than 10 km away", head(0, 10_001, 0, 0, 0, 0, 1), "d", **engine)
    yield bad("frame_quaternion_zero", "no orientation", head(0, 1, 0, 0, 0, 0, 0), "d", "quaternion", **engine)
    yield bad(
        "frame_quaternion_long", "ten per cent too long", head(0, 1, 0, 0, 0, 0, 1.1), "d", "quaternion", **engine
    )
    buttons = {**FRAME, "m": 1 << 7, "d": floats(*RIGHT_BUTTONS[:7], math.inf)}
    yield bad("frame_buttons_infinite", "infinite", buttons, "d", "not_finite", **engine)
    joints = list(hand(0.5))
    joints[25 * 7 + 3 :] = [0.0] * 4
    yield bad(
        "frame_joint_zero",
        "the tip of the little finger has no orientation",
        {**FRAME, "m": 1 << 9, "d": floats(*joints)},
        "d",
        "quaternion",
        **engine,
    )


@dataclass
class Files:
    """What the folder holds, by path relative to it."""

    contents: dict[str, bytes] = field(default_factory=dict)

    def add(self, path: str, data: bytes) -> None:
        if path in self.contents:
            raise ValueError(f"two vectors are called {path}")
        self.contents[path] = data


def as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value


def document(pairs: Map) -> bytes:
    """A JSON file with a line a key; a key that holds a list of maps has a line an item."""

    def text(value: Any) -> str:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n" + ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n  ]"
        return json.dumps(value, ensure_ascii=False)

    lines = (f"  {json.dumps(key)}: {text(value)}" for key, value in pairs.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def files() -> dict[str, bytes]:
    """Every file that this script makes."""
    made = Files()
    good = [*good_from_clients(), *good_from_daemons()]
    refused = [*bad_bytes(), *bad_hello(), *bad_messages(), *bad_in_session(), *bad_numbers()]
    for vector in good:
        made.add(f"{vector.path}.msgpack", vector.data)
        meaning = {
            "why": vector.why,
            "from": vector.sender,
            "canonical": vector.canonical,
            "meaning": as_json(vector.meaning),
        }
        if numbers := decoded(vector.meaning):
            meaning["decoded"] = numbers
        made.add(f"{vector.path}.json", document(meaning))
    for fault in refused:
        made.add(f"{fault.path}.msgpack", fault.data)
        error = {"code": fault.code, "of": fault.of, "key": fault.key, "id": fault.id, "q": fault.q}
        told = {"why": fault.why, "refused_by": fault.refused_by, "error": error, "close": fault.close}
        if fault.after:
            told["after"] = list(fault.after)
        if fault.token:
            told["daemon_token"] = fault.token
        made.add(f"{fault.path}.json", document(told))
    index = {
        "protocol": PROTOCOL,
        "good": [
            {
                "path": vector.path,
                "type": vector.meaning["type"],
                "from": vector.sender,
                "canonical": vector.canonical,
            }
            for vector in good
        ],
        "bad": [
            {"path": fault.path, "refused_by": fault.refused_by, "code": fault.code, "close": fault.close}
            for fault in refused
        ],
        "spaces": "spaces.json",
    }
    made.add("index.json", document(index))
    return made.contents


def differences(made: dict[str, bytes]) -> list[str]:
    """What has to be written or taken away, as paths."""
    there = {
        path.relative_to(FOLDER).as_posix(): path
        for path in FOLDER.rglob("*")
        if path.suffix in (".msgpack", ".json") and path.name != "spaces.json"
    }
    changed = [path for path, data in made.items() if path not in there or there[path].read_bytes() != data]
    return changed + [path for path in there if path not in made]


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the test vectors of the wire protocol.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file is out of date")
    check = parser.parse_args().check
    made = files()
    changed = differences(made)
    for path in changed:
        if check:
            print(f"{path} is out of date", file=sys.stderr)
        elif path in made:
            (FOLDER / path).parent.mkdir(exist_ok=True)
            (FOLDER / path).write_bytes(made[path])
        else:
            (FOLDER / path).unlink()
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())

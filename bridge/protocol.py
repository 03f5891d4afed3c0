"""The wire, version 1: every message, its keys, its limits, and the way to and from bytes.

One WebSocket binary message holds one msgpack map with a key ``type``. ``docs/protocol.md`` says the same in prose.
All coordinates are OpenXR's (``models.coordinates``); times are integer microseconds of the device's monotonic clock.

Messages are decoded and validated in one pass by msgspec straight from the msgpack bytes: 0.2 us a frame, where
``msgpack.unpackb`` followed by ``msgspec.convert`` takes 3.6 us and accepts the same messages.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from bridge.app import App, Mistake, check
from bridge.faults import in_words
from bridge.fields import Coordinate, HorizonMs, Identifier, Length, Microseconds, Name, Text, Unit
from models.limits import MAX_HORIZON_S, MAX_HORIZONS, MAX_TARGETS

SUBPROTOCOL: Final = "genlock.v1"
VERSION_MAJOR: Final = 1
VERSION_MINOR: Final = 0
VERSION: Final = f"{VERSION_MAJOR}.{VERSION_MINOR}"

MAX_MESSAGE_BYTES: Final = 64 * 1024
"""The longest message but for ``image``, ``teach`` and ``profile``."""
MAX_LARGE_MESSAGE_BYTES: Final = 1024 * 1024 + 4096
"""The longest ``image`` (1 MiB of pixels and its map), ``teach`` or ``profile``."""
LARGE_TYPES: Final = frozenset({"image", "teach", "profile"})


class ErrorCode(StrEnum):
    """``code`` of an ``error``."""

    NOT_MSGPACK = "not_msgpack"
    TEXT_MESSAGE = "text_message"
    TOO_BIG = "too_big"
    UNKNOWN_TYPE = "unknown_type"
    INVALID = "invalid"
    VERSION = "version"
    UNAUTHORIZED = "unauthorized"
    HELLO_EXPECTED = "hello_expected"
    SEQUENCE = "sequence"
    TIME = "time"
    NOT_FINITE = "not_finite"
    QUATERNION = "quaternion"
    UNSUPPORTED = "unsupported"
    FULL = "full"
    FLOODING = "flooding"
    LEARNING_OFF = "learning_off"
    INTERNAL = "internal"


class NoticeCode(StrEnum):
    """``code`` of a ``notice``."""

    DRAINING = "draining"
    ENGINE_LOST = "engine_lost"
    ENGINE_BACK = "engine_back"
    PROFILE_SET_ASIDE = "profile_set_aside"
    PROFILE_TAKEN_OVER = "profile_taken_over"
    NOT_UNDERSTOOD = "not_understood"
    LEARNED = "learned"
    WHICH_TARGET = "which_target"
    WHICH_ARGUMENT = "which_argument"
    CANCELED = "canceled"
    LANGUAGE_LOST = "language_lost"
    LANGUAGE_BACK = "language_back"
    HEARING_LOST = "hearing_lost"
    HEARING_BACK = "hearing_back"
    SEEING_LOST = "seeing_lost"
    SEEING_BACK = "seeing_back"
    BUSY = "busy"


class CloseCode(IntEnum):
    """WebSocket close codes of our own, beside the standard ones (RFC 6455, section 7.4)."""

    UNAUTHORIZED = 4001
    VERSION = 4002
    HELLO_EXPECTED = 4003
    NOT_MSGPACK = 4004
    FLOODING = 4005
    RESUMED_ELSEWHERE = 4006
    SLOW_READER = 4007
    TIMEOUT = 4008


class Message(msgspec.Struct, tag_field="type", omit_defaults=True):
    """A message of either direction. Keys that it does not know are ignored when read."""


class DeviceInfo(msgspec.Struct, omit_defaults=True):
    """What the session runs on."""

    name: Name = ""
    runtime: Name = ""
    engine: Name = ""
    plugin: Name = ""


class Hello(Message, tag="hello"):
    """The first message of a connection: starts a session, or resumes one.

    Attributes:
        resume: the token of the session to go on with.
        last_n: with ``resume``, the ``n`` of the last action that arrived; those after it are sent again.
    """

    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}$")]
    app: App
    user: Identifier
    token: Name = ""
    device: DeviceInfo = msgspec.field(default_factory=DeviceInfo)
    refresh_hz: Annotated[float, msgspec.Meta(ge=1, le=240)] = 90.0
    streams: Annotated[list[Literal["frame", "image", "audio"]], msgspec.Meta(max_length=3)] = msgspec.field(
        default_factory=lambda: ["frame"]
    )
    horizons_ms: Annotated[list[HorizonMs], msgspec.Meta(max_length=MAX_HORIZONS)] = msgspec.field(
        default_factory=lambda: [50.0, 100.0]
    )
    resume: Name | None = None
    last_n: Annotated[int, msgspec.Meta(ge=-1, le=2**62)] = -1


class Frame(Message, tag="frame"):
    """One sample of tracking.

    Attributes:
        q: sequence number, larger than that of any frame before it in this session.
        t: when the poses were true, microseconds of the device's monotonic clock.
        m: bitmask of the parts in ``d`` (``bridge.tracking.Part``).
        d: the parts' numbers in the order of their bits, little-endian float32.
    """

    q: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    t: Microseconds
    m: Annotated[int, msgspec.Meta(ge=0, le=1023)]
    d: bytes


class Target(msgspec.Struct, omit_defaults=True):
    """A thing in the scene: its box along the stage's axes, metres."""

    id: Identifier
    position: tuple[Coordinate, Coordinate, Coordinate]
    size: tuple[Length, Length, Length] = (0.1, 0.1, 0.1)
    name: Name = ""
    aliases: Annotated[list[Name], msgspec.Meta(max_length=16)] = msgspec.field(default_factory=list)


class Scene(Message, tag="scene"):
    """What can be meant. Replaces the scene before it, or, with ``replace`` false, changes and adds to it by id.

    ``remove`` names targets to take away (only with ``replace`` false). The order of targets, which is that of the
    probabilities in ``actions``, is: those that stay, in their order, then new ones in the order of this message.
    """

    id: Identifier
    targets: Annotated[list[Target], msgspec.Meta(max_length=MAX_TARGETS)]
    replace: bool = True
    remove: Annotated[list[Identifier], msgspec.Meta(max_length=MAX_TARGETS)] = msgspec.field(default_factory=list)


class Utterance(Message, tag="utterance"):
    """What the user said, as text."""

    id: Identifier
    text: Text
    time: Microseconds
    language: Name = ""


class Audio(Message, tag="audio"):
    """Part of what the user said: PCM, 16 bit little-endian, mono, 16 kHz; ``time`` is that of its first sample.

    Attributes:
        end: the user stopped speaking after this; else that is heard by itself.
    """

    time: Microseconds
    pcm: Annotated[bytes, msgspec.Meta(max_length=3200 * 2)]
    end: bool = False


class Image(Message, tag="image"):
    """One camera or eye-buffer picture."""

    time: Microseconds
    format: Literal["jpeg", "png", "rgb"]
    width: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    height: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    data: Annotated[bytes, msgspec.Meta(max_length=1024 * 1024)]


class Teach(Message, tag="teach"):
    """Explicit teaching: a phrase, a gesture, an object or a name for a target.

    Attributes:
        name: of a phrase, the action that it means; else the name that is taught.
        phrase: of a phrase, the words; ``{target}`` in them stands for any target.
        target: the target's ``id``: of a name, and of a phrase that always means the same one.
        device: of a gesture, what moves.
        examples: of a gesture, float32 blobs ``[n, 8]`` of a moment in seconds and a pose each, or for a hand
            ``[n, 183]`` of a moment and 26 joint poses; of an object, JPEG or PNG files.
    """

    id: Identifier
    kind: Literal["phrase", "gesture", "object", "name"]
    name: Name
    phrase: Text = ""
    target: Name = ""
    device: Literal["", "head", "left", "right", "left_hand", "right_hand"] = ""
    examples: Annotated[list[bytes], msgspec.Meta(max_length=16)] = msgspec.field(default_factory=list)


class Feedback(Message, tag="feedback"):
    """What was really meant: confirms or corrects an action or a target, or takes back what was taught.

    Attributes:
        action: with ``correct``, the action that was meant; empty if none was.
        target: the target that was meant.
        n: the number of the action that this is about; 0 if it is about none.
        of: the ``id`` of the message that this is about, as of an utterance of which nothing came; with ``undo``, of
            the ``teach`` or ``feedback`` that is taken back, the last one where it is empty.
    """

    id: Identifier
    verdict: Literal["confirm", "correct", "undo"]
    time: Microseconds
    action: Name = ""
    target: Name = ""
    n: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    of: Name = ""


class Profile(Message, tag="profile"):
    """What the user wants done with the profile.

    Attributes:
        operation: ``erase`` leaves nothing of the user, ``reset`` nothing that was learned of a kind.
        kind: of ``reset`` and ``import``, what part.
        data: of ``import``, what ``export`` gave.
    """

    id: Identifier
    operation: Literal["export", "import", "erase", "reset", "pause_learning", "resume_learning"]
    kind: Literal["all", "forecast", "target", "gesture", "phrase", "name", "object", "voice"] = "all"
    data: bytes = b""


class Bye(Message, tag="bye"):
    """The session is over and will not be resumed."""

    reason: Name = ""


class ModelInfo(msgspec.Struct):
    """A model that serves this session."""

    name: str
    version: str


class Limits(msgspec.Struct):
    """What this daemon accepts; beyond it a message is refused."""

    message_bytes: int = MAX_MESSAGE_BYTES
    large_message_bytes: int = MAX_LARGE_MESSAGE_BYTES
    targets: int = MAX_TARGETS
    horizons: int = MAX_HORIZONS
    horizon_ms: int = int(1000 * MAX_HORIZON_S)
    messages_per_second: int = 0


class Welcome(Message, tag="welcome"):
    """The answer to ``hello``.

    Attributes:
        resume: give this in the next ``hello`` to go on after a dropped socket, within ``resume_s`` seconds of that.
        resumed: whether this session goes on where it was.
        restored: with ``resumed``: the daemon was started again meanwhile. It knows the session and what was
            acknowledged, but no scene and nothing that was under way.
        last_q: the last frame received before the drop; -1 if there was none.
        serves: the client messages that this daemon can answer; others get an ``error`` of code ``unsupported``.
        server_time: the daemon's monotonic clock, microseconds.
        recording: whether the daemon writes down what this session sends.
        learning: whether anything is learned of the user in this session.
        sessions: how many sessions of this user ended before.
    """

    version: str
    session: str
    resume: str
    resume_s: float
    resumed: bool
    last_q: int
    models: list[ModelInfo]
    serves: list[str]
    limits: Limits
    server_time: int
    recording: bool
    learning: bool
    sessions: int
    restored: bool = False


class Action(msgspec.Struct, omit_defaults=True):
    """What the app should do.

    Attributes:
        n: its number in this session, from 1 on without gaps; an action whose number was there before comes again.
        phase: ``started`` waits for more, ``performed`` is to be done, ``canceled`` ends what was started.
        source: what it came from: ``utterance``, ``gesture``, ``speech`` or ``image``.
        id: of the message that it came from, where that had one, or of what was heard.
        target: the ``id`` of the target that it is about.
    """

    n: int
    name: Identifier
    phase: Literal["started", "performed", "canceled"]
    confidence: Unit
    source: Name
    id: Name = ""
    target: Name = ""
    arguments: dict[str, str | int | float | bool] = msgspec.field(default_factory=dict)


class Actions(Message, tag="actions"):
    """The answer to a frame, or news between two answers.

    Attributes:
        q: the sequence number of the frame that is answered; -1 where it answers none and carries only ``a``.
        t: that frame's own time.
        m: bitmask of the devices forecast in ``f``: 1 head, 2 left hand, 4 right hand.
        f: little-endian float32 poses, ``[devices, horizons, 7]``, devices in the order of their bits, horizons in
            the order of ``hello``; position x, y, z then orientation x, y, z, w, in the stage.
        k: index of the most probable target in the scene's order, -1 where there is none.
        p: little-endian float32 probabilities, one for each target in the scene's order.
        s: the number of the scene whose order that is, as told in the ``ack`` of the scene; 0 before the first.
        a: actions that began, happened or ended; absent when there are none.
    """

    q: int
    t: int
    m: Annotated[int, msgspec.Meta(ge=0, le=7)]
    f: bytes
    k: int
    p: bytes
    s: int = 0
    a: list[Action] = msgspec.field(default_factory=list)


class SpokenWord(msgspec.Struct):
    """A word that was heard, and when it began and ended, microseconds of the device's clock."""

    text: str
    begin: int
    end: int


class Transcript(Message, tag="transcript"):
    """What was heard so far.

    Attributes:
        final: whether the words will not change any more.
        time: when the speech began.
        id: of what was heard, when it is final: the actions that come of it carry it, and ``feedback.of`` may name it.
        words: of a final one, with their times.
        speaker: how probably the user said it and not somebody else; absent where the voice is not known yet.
    """

    text: str
    final: bool
    time: int
    id: str = ""
    words: list[SpokenWord] = msgspec.field(default_factory=list)
    speaker: Unit | None = None


class Ack(Message, tag="ack"):
    """The message with this ``id`` is done with; it need not be sent again.

    Attributes:
        scene: of a ``scene``, its number in this session, from 1 on.
        data: of a ``profile`` that was exported, what was learned.
    """

    id: str
    scene: int = 0
    data: bytes = b""


class Error(Message, tag="error"):
    """What was wrong with a message. The connection stays open unless it is closed with words of its own.

    Attributes:
        of: the type of the message that was refused, where it could be read.
        key: where in that message, as a path like ``targets[3].size``.
        id: that message's ``id``, where it had one.
        q: that frame's sequence number, where it was a frame.
    """

    code: str
    message: str
    of: str = ""
    key: str = ""
    id: str = ""
    q: int = -1


class Notice(Message, tag="notice"):
    """Something the client may want to act upon or show.

    Attributes:
        retry_ms: when to try again, 0 for at once.
        id: of the message that this is about, where it had one.
    """

    code: str
    message: str
    retry_ms: int = 0
    id: str = ""


CLIENT_MESSAGES: Final[tuple[type[Message], ...]] = (
    Hello, Frame, Image, Audio, Utterance, Scene, Teach, Feedback, Profile, Bye,
)  # fmt: skip
SERVER_MESSAGES: Final[tuple[type[Message], ...]] = (Welcome, Actions, Transcript, Ack, Error, Notice)

ClientMessage = Hello | Frame | Image | Audio | Utterance | Scene | Teach | Feedback | Profile | Bye
ServerMessage = Welcome | Actions | Transcript | Ack | Error | Notice


class Refused(Exception):
    """A message that cannot be accepted.

    ``fatal`` tells whether the connection can be trusted no further; ``error`` is what the client is told.
    """

    def __init__(self, error: Error, *, fatal: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.fatal = fatal


def type_of(message: Message | type[Message]) -> str:
    """The value of ``type`` on the wire."""
    return str(message.__struct_config__.tag)


_client_decoder: Final = msgspec.msgpack.Decoder(ClientMessage)
_server_decoder: Final = msgspec.msgpack.Decoder(ServerMessage)
_Value = TypeVar("_Value")


class _Loose(msgspec.Struct):
    """The little of a message that says which one it is; the rest is skipped, for it may be long."""

    type: msgspec.Raw = msgspec.Raw()
    id: msgspec.Raw = msgspec.Raw()
    q: msgspec.Raw = msgspec.Raw()


_loose_decoder: Final = msgspec.msgpack.Decoder(_Loose)
_encode: Final = msgspec.msgpack.Encoder().encode
# Some of msgspec's words hold what the client sent, which may be as long as a message.
_LONGEST_FAULT: Final = 200
_TYPES: Final = {type_of(message): message for message in CLIENT_MESSAGES}


def encode(message: Message) -> bytes:
    """A message as msgpack. Keys at their default are left out."""
    return _encode(message)


def decode_client(data: bytes) -> ClientMessage:
    """A message from a client.

    Raises:
        Refused: it is not msgpack (fatal), or not a message of version 1, or longer than its type may be.
    """
    try:
        message: ClientMessage = _client_decoder.decode(data)
    except msgspec.ValidationError as problem:
        raise _explain(data, problem) from None
    except UnicodeDecodeError as problem:
        raise Refused(Error(ErrorCode.INVALID, f"a string in the message is not UTF-8: {problem.reason}")) from None
    except (msgspec.DecodeError, RecursionError) as problem:
        raise Refused(Error(ErrorCode.NOT_MSGPACK, f"the message is not msgpack: {problem}"), fatal=True) from None
    if len(data) > MAX_MESSAGE_BYTES and type_of(message) not in LARGE_TYPES:
        name = type_of(message)
        text = f"{name} is {len(data)} bytes long; at most {MAX_MESSAGE_BYTES} are allowed"
        raise Refused(Error(ErrorCode.TOO_BIG, text, of=name))
    if type(message) is Hello:
        _check_app(message)
    return message


def _check_app(hello: Hello) -> None:
    try:
        check(hello.app)
        if hello.app.classifier:
            raise Mistake("classifier", "only a manifest on the daemon's side names a file")
    except Mistake as mistake:
        error = Error(ErrorCode.INVALID, f"hello.app.{mistake}", "hello", f"app.{mistake.path}")
        raise Refused(error) from None


def decode_server(data: bytes) -> ServerMessage:
    """A message from the daemon.

    Raises:
        msgspec.DecodeError: it is not a message of version 1.
    """
    message: ServerMessage = _server_decoder.decode(data)
    return message


def _explain(data: bytes, problem: msgspec.ValidationError) -> Refused:
    # The strict decoder stops at the first fault, before it is known which message that is.
    try:
        loose = _loose_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        text = f"a message is a msgpack map with string keys: {str(problem)[:_LONGEST_FAULT]}"
        return Refused(Error(ErrorCode.INVALID, text))
    name = _held(loose.type, str)
    if name is None:
        return Refused(Error(ErrorCode.INVALID, "a message needs a key 'type' that holds a string", key="type"))
    if name not in _TYPES:
        known = ", ".join(sorted(_TYPES))
        text = f"unknown type {name[:64]!r}; a client may send: {known}"
        return Refused(Error(ErrorCode.UNKNOWN_TYPE, text, of=name[:64], key="type"))
    text, _, path = str(problem).partition(" - at `")
    # "$.app", or "key` in `$.app" where a map's own key is at fault
    key = path.rpartition("$")[2].removesuffix("`").lstrip(".")
    if not key and "required field" in text:
        key = text.split("`")[-2]
    text = in_words(text, _TYPES[name], key, table="a map")
    q = _held(loose.q, int)
    return Refused(
        Error(
            ErrorCode.INVALID,
            f"{name}{f'.{key}' if key else ''}: {text[:_LONGEST_FAULT]}",
            of=name,
            key=key,
            id=(_held(loose.id, str) or "")[:128],
            q=q if q is not None and 0 <= q <= 2**62 else -1,
        )
    )


def _held(raw: msgspec.Raw, kind: type[_Value]) -> _Value | None:
    """The value, if there is one and it is of this kind."""
    try:
        return msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None

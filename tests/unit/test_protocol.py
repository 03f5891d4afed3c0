"""The wire types: what is sent is what arrives, and whatever else arrives is refused with words."""

from __future__ import annotations

import math
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.app import ActionInfo, App
from bridge.protocol import (
    CLIENT_MESSAGES,
    LARGE_TYPES,
    MAX_LARGE_MESSAGE_BYTES,
    MAX_MESSAGE_BYTES,
    SERVER_MESSAGES,
    Bye,
    Error,
    ErrorCode,
    Frame,
    Hello,
    Image,
    Message,
    Refused,
    Scene,
    Target,
    decode_client,
    decode_server,
    encode,
    type_of,
)


def of_type(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    """Every value that a key of this type may have."""
    match kind:
        case msgspec.inspect.StructType(cls=cls):
            return a(cls)
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.UnionType(types=types):
            return st.one_of(*(of_type(inner) for inner in types))
        case msgspec.inspect.ListType(item_type=item, max_length=longest):
            return st.lists(of_type(item), max_size=min(longest or 4, 4))
        case msgspec.inspect.TupleType(item_types=items):
            return st.tuples(*(of_type(item) for item in items))
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(of_type(key), of_type(value), max_size=4)
        case msgspec.inspect.IntType(ge=least, le=most):
            return st.integers(-(2**63) if least is None else least, 2**64 - 1 if most is None else most)
        case msgspec.inspect.FloatType(ge=least, le=most):
            return st.floats(least, most, allow_nan=False)
        case msgspec.inspect.StrType(pattern=str() as pattern):
            return st.from_regex(pattern, fullmatch=True)
        case msgspec.inspect.StrType(min_length=least, max_length=longest):
            return st.text(st.characters(codec="utf-8"), min_size=least or 0, max_size=min(longest or 16, 16))
        case msgspec.inspect.BytesType(max_length=longest):
            return st.binary(max_size=min(longest or 64, 64))
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.NoneType():
            return st.none()
    raise TypeError(f"no strategy for {kind}")


def with_phrases_of_their_own(actions: list[ActionInfo]) -> list[ActionInfo]:
    """Actions of which no two share a phrase."""
    return [ActionInfo(one.name, [f"{at} {phrase}" for phrase in one.phrases]) for at, one in enumerate(actions)]


def a(cls: type) -> st.SearchStrategy[Any]:
    """Any value of a struct, with some keys at their defaults."""
    if cls is App:
        # What an app must hold beyond its types is tested with the app itself.
        name, phrase = st.text("abc ", min_size=1, max_size=8), st.text("ab", min_size=1, max_size=8)
        action = st.builds(ActionInfo, name, st.lists(phrase, min_size=1, max_size=3))
        actions = st.lists(action, max_size=3, unique_by=lambda action: action.name)
        return st.builds(App, name, st.text(max_size=8), st.floats(0, 1), actions.map(with_phrases_of_their_own))
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    required = {field.name: of_type(field.type) for field in info.fields if field.required}
    optional = {field.name: of_type(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda keys: cls(**keys))


CLIENT = st.one_of(*(a(message) for message in CLIENT_MESSAGES))
SERVER = st.one_of(*(a(message) for message in SERVER_MESSAGES))

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=8,
)


def refused(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        decode_client(data)
    return caught.value


def decoded_or_refused(data: bytes) -> None:
    """Nothing but ``Refused`` may come out, and its error must go out in turn."""
    try:
        decode_client(data)
    except Refused as problem:
        error = problem.error
        assert error.code in set(ErrorCode)
        assert error.message
        assert decode_server(encode(error)) == error
        assert len(encode(error)) < MAX_MESSAGE_BYTES


class TestRoundTrip:
    @given(message=CLIENT)
    def test_client(self, message: Message) -> None:
        assert decode_client(encode(message)) == message

    @given(message=SERVER)
    def test_server(self, message: Message) -> None:
        assert decode_server(encode(message)) == message

    @given(message=CLIENT)
    def test_another_library_reads_the_same(self, message: Message) -> None:
        read = msgpack.unpackb(encode(message))
        assert read["type"] == type_of(message)
        assert decode_client(msgpack.packb(read)) == message

    @given(message=CLIENT, more=st.dictionaries(st.text(min_size=20, max_size=24), PLAIN, max_size=3))
    def test_unknown_keys_are_ignored(self, message: Message, more: dict[str, Any]) -> None:
        assert decode_client(msgpack.packb({**more, **msgpack.unpackb(encode(message))})) == message

    @given(message=CLIENT, shuffled=st.randoms(use_true_random=False))
    def test_keys_come_in_any_order(self, message: Message, shuffled: Any) -> None:
        items = list(msgpack.unpackb(encode(message)).items())
        shuffled.shuffle(items)
        assert decode_client(msgpack.packb(dict(items))) == message


class TestRefused:
    @given(data=st.binary(max_size=64))
    def test_arbitrary_bytes(self, data: bytes) -> None:
        decoded_or_refused(data)

    @given(value=PLAIN)
    def test_arbitrary_values(self, value: Any) -> None:
        decoded_or_refused(msgpack.packb(value))

    @given(message=CLIENT, data=st.data())
    def test_changed_bytes(self, message: Message, data: st.DataObject) -> None:
        changed = bytearray(encode(message))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at] = data.draw(st.integers(0, 255))
        decoded_or_refused(bytes(changed))

    @given(message=CLIENT, data=st.data())
    def test_a_key_with_any_other_value(self, message: Message, data: st.DataObject) -> None:
        keys = msgpack.unpackb(encode(message))
        keys[data.draw(st.sampled_from(sorted(keys)))] = data.draw(PLAIN)
        decoded_or_refused(msgpack.packb(keys))

    @given(message=CLIENT, data=st.data())
    def test_cut_short_is_fatal(self, message: Message, data: st.DataObject) -> None:
        whole = encode(message)
        problem = refused(whole[: data.draw(st.integers(0, len(whole) - 1))])
        assert problem.error.code == ErrorCode.NOT_MSGPACK
        assert problem.fatal

    @pytest.mark.parametrize("message", CLIENT_MESSAGES, ids=type_of)
    def test_each_required_key_is_missed_by_name(self, message: type[Message]) -> None:
        info = msgspec.inspect.type_info(message)
        assert isinstance(info, msgspec.inspect.StructType)
        required = [field.encode_name for field in info.fields if field.required]
        keys = {"type": type_of(message)}
        if not required:
            assert isinstance(decode_client(msgpack.packb(keys)), message)
            return
        error = refused(msgpack.packb(keys)).error
        assert error.code == ErrorCode.INVALID
        assert error.of == type_of(message)
        assert error.key == required[0]
        assert f"`{required[0]}`" in error.message

    @pytest.mark.parametrize("message", CLIENT_MESSAGES, ids=type_of)
    def test_each_key_of_a_wrong_type_is_named(self, message: type[Message]) -> None:
        info = msgspec.inspect.type_info(message)
        assert isinstance(info, msgspec.inspect.StructType)
        for field in info.fields:
            # No key takes a map with a key of its own that is no string.
            error = refused(msgpack.packb({"type": type_of(message), field.encode_name: {1: 2}})).error
            assert (error.code, error.of, error.key) == (ErrorCode.INVALID, type_of(message), field.encode_name)
            assert error.message.startswith(f"{type_of(message)}.{field.encode_name}: ")

    def test_the_id_and_the_sequence_number_are_told(self) -> None:
        assert refused(msgpack.packb({"type": "scene", "id": "s-1", "targets": 3})).error.id == "s-1"
        assert refused(msgpack.packb({"type": "frame", "q": 7, "t": 1, "m": 1, "d": 3})).error.q == 7

    def test_a_path_leads_into_lists_and_maps(self) -> None:
        targets = [{"id": "a", "position": [0, 0, 0]}, {"id": "b", "position": [0, 0, math.nan]}]
        error = refused(msgpack.packb({"type": "scene", "id": "s", "targets": targets})).error
        assert error.key == "targets[1].position[2]"

    def test_a_fault_is_told_in_the_words_of_the_protocol(self) -> None:
        hello = {"type": "hello", "version": "1.0", "user": "ada"}
        error = refused(msgpack.packb({**hello, "app": {"name": ""}})).error
        assert error.message == "hello.app.name: expected a string of at least 1 character"
        actions = [{"name": "take", "target": "yes"}]
        error = refused(msgpack.packb({**hello, "app": {"name": "a", "actions": actions}})).error
        assert error.message == "hello.app.actions[0].target: 'yes' is not one of: none, optional, required"

    def test_an_unknown_type_is_told_what_there_is(self) -> None:
        error = refused(msgpack.packb({"type": "x" * 200})).error
        assert error.code == ErrorCode.UNKNOWN_TYPE
        assert error.of == "x" * 64
        for message in CLIENT_MESSAGES:
            assert type_of(message) in error.message

    def test_a_long_string_is_not_sent_back_whole(self) -> None:
        keys = {"type": "image", "time": 0, "format": "x" * 600_000, "width": 1, "height": 1, "data": b""}
        error = refused(msgpack.packb(keys)).error
        assert error.key == "format"
        assert len(encode(error)) < 1_000
        # Nor where another fault keeps the message from being read at all.
        assert len(encode(refused(msgpack.packb({**keys, 1: 2})).error)) < 1_000

    @pytest.mark.parametrize("depth", [10, 1_000, 60_000])
    def test_deep_nesting_is_no_crash(self, depth: int) -> None:
        nested = b"\x91" * depth + b"\xc0"
        decoded_or_refused(nested)
        decoded_or_refused(b"\x82\xa4type\xa3bye\xa1x" + nested)
        decoded_or_refused(b"\x82\xa4type\xa5scene\xa7targets" + nested)


class TestLimits:
    def test_64_kib_are_accepted(self) -> None:
        # "pad" and the header of its bin16 take seven bytes.
        data = msgpack.packb({"type": "bye", "pad": bytes(MAX_MESSAGE_BYTES - len(encode(Bye())) - 7)})
        assert len(data) == MAX_MESSAGE_BYTES
        assert decode_client(data) == Bye()

    def test_a_byte_more_is_not(self) -> None:
        data = msgpack.packb({"type": "bye", "pad": bytes(MAX_MESSAGE_BYTES - len(encode(Bye())) - 6)})
        assert len(data) == MAX_MESSAGE_BYTES + 1
        problem = refused(data)
        assert problem.error.code == ErrorCode.TOO_BIG
        assert problem.error.of == "bye"
        assert not problem.fatal

    def test_an_image_may_be_large(self) -> None:
        image = Image(0, "jpeg", 1, 1, bytes(1024 * 1024))
        data = encode(image)
        assert "image" in LARGE_TYPES
        assert MAX_MESSAGE_BYTES < len(data) <= MAX_LARGE_MESSAGE_BYTES
        assert decode_client(data) == image

    def test_the_largest_image_fits_the_transport(self) -> None:
        largest = Image(2**62, "jpeg", 4096, 4096, bytes(1024 * 1024))
        assert len(encode(largest)) <= MAX_LARGE_MESSAGE_BYTES

    def test_the_largest_scene_has_a_limit_of_its_own(self) -> None:
        # 64 targets with every string at its longest are more than a message may hold; that is refused, not cut.
        target = Target("i", (0.0, 0.0, 0.0), name="n" * 256, aliases=["a" * 256] * 16)
        assert refused(encode(Scene("s", [target] * 64))).error.code == ErrorCode.TOO_BIG


class TestDefaults:
    def test_keys_at_their_default_are_left_out(self) -> None:
        assert msgpack.unpackb(encode(Bye())) == {"type": "bye"}
        assert msgpack.unpackb(encode(Error("full", "no room"))) == {
            "type": "error",
            "code": "full",
            "message": "no room",
        }
        hello = msgpack.unpackb(encode(Hello("1.0", App("a"), "u")))
        assert not {"token", "refresh_hz", "resume"} & set(hello)

    def test_the_type_comes_first(self) -> None:
        for message in (Bye("x"), Frame(1, 2, 0, b""), Error("full", "x")):
            assert next(iter(msgpack.unpackb(encode(message)))) == "type"

    def test_an_error_says_its_code_as_a_string(self) -> None:
        assert msgpack.unpackb(encode(Error(ErrorCode.FULL, "x")))["code"] == "full"


def test_types_are_named_once() -> None:
    names = [type_of(message) for message in CLIENT_MESSAGES + SERVER_MESSAGES]
    assert len(names) == len(set(names))


def test_a_daemons_message_is_none_of_a_clients() -> None:
    for message in SERVER_MESSAGES:
        error = refused(msgpack.packb({"type": type_of(message)})).error
        assert error.code == ErrorCode.UNKNOWN_TYPE
    for client in CLIENT_MESSAGES:
        with pytest.raises(msgspec.DecodeError):
            decode_server(msgpack.packb({"type": type_of(client)}))

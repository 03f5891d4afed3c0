"""msgpack by its specification, written down by hand: every format, at the boundaries between them.

A case is a value and the bytes that mean it, the shortest format first. None of it is made by a msgpack library.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Extension(NamedTuple):
    """A value of an extension type."""

    type: int
    data: bytes


Case = tuple[Any, list[str]]


def _text(size: int) -> str:
    return "61" * size


CASES: list[Case] = [
    (None, ["c0"]),
    (False, ["c2"]),
    (True, ["c3"]),
    # Integers: positive fixint, uint 8 to 64, negative fixint, int 8 to 64.
    (0, ["00", "cc00", "cd0000", "ce00000000", "cf0000000000000000", "d000", "d10000", "d200000000", "d3" + "00" * 8]),
    (1, ["01"]),
    (127, ["7f", "cc7f", "d07f", "d1007f"]),
    (128, ["cc80", "cd0080", "d10080"]),
    (255, ["ccff", "cd00ff"]),
    (256, ["cd0100", "d10100"]),
    (32767, ["cd7fff", "d17fff"]),
    (32768, ["cd8000", "d200008000"]),
    (65535, ["cdffff", "ce0000ffff"]),
    (65536, ["ce00010000", "d200010000"]),
    (2147483647, ["ce7fffffff", "d27fffffff"]),
    (2147483648, ["ce80000000", "d30000000080000000"]),
    (4294967295, ["ceffffffff", "cf00000000ffffffff"]),
    (4294967296, ["cf0000000100000000", "d30000000100000000"]),
    (2**62, ["cf4000000000000000"]),
    (2**63 - 1, ["cf7fffffffffffffff", "d37fffffffffffffff"]),
    (-1, ["ff", "d0ff", "d1ffff", "d2ffffffff", "d3ffffffffffffffff"]),
    (-32, ["e0", "d0e0"]),
    (-33, ["d0df", "d1ffdf"]),
    (-128, ["d080", "d1ff80"]),
    (-129, ["d1ff7f"]),
    (-32768, ["d18000", "d2ffff8000"]),
    (-32769, ["d2ffff7fff"]),
    (-2147483648, ["d280000000", "d3ffffffff80000000"]),
    (-2147483649, ["d3ffffffff7fffffff"]),
    (-(2**63), ["d38000000000000000"]),
    # Floats: 64 first, which is what is laid; 32 where it holds the same number.
    (0.0, ["cb0000000000000000", "ca00000000"]),
    (0.5, ["cb3fe0000000000000", "ca3f000000"]),
    (1.0, ["cb3ff0000000000000", "ca3f800000"]),
    (-1.0, ["cbbff0000000000000", "cabf800000"]),
    (0.1, ["cb3fb999999999999a"]),
    (1.7976931348623157e308, ["cb7fefffffffffffff"]),
    (5e-324, ["cb0000000000000001"]),
    (math.inf, ["cb7ff0000000000000", "ca7f800000"]),
    (-math.inf, ["cbfff0000000000000", "caff800000"]),
    # Strings: fixstr, str 8, 16, 32.
    ("", ["a0", "d900", "da0000", "db00000000"]),
    ("a", ["a161", "d90161", "da000161", "db0000000161"]),
    ("a" * 31, ["bf" + _text(31), "d91f" + _text(31)]),
    ("a" * 32, ["d920" + _text(32), "da0020" + _text(32)]),
    ("a" * 255, ["d9ff" + _text(255)]),
    ("a" * 256, ["da0100" + _text(256)]),
    ("a" * 65535, ["daffff" + _text(65535)]),
    ("a" * 65536, ["db00010000" + _text(65536)]),
    ("Кириллица", ["b2d09ad0b8d180d0b8d0bbd0bbd0b8d186d0b0"]),
    ("汉字", ["a6e6b189e5ad97"]),
    ("❤🍺", ["a7e29da4f09f8dba"]),
    # Bytes: bin 8, 16, 32.
    (b"", ["c400", "c50000", "c600000000"]),
    (b"\x01", ["c40101", "c5000101", "c60000000101"]),
    (b"\xff" * 255, ["c4ff" + "ff" * 255]),
    (b"\xff" * 256, ["c50100" + "ff" * 256]),
    (b"\x00" * 65535, ["c5ffff" + "00" * 65535]),
    (b"\x00" * 65536, ["c600010000" + "00" * 65536]),
    # Arrays: fixarray, array 16, 32.
    ([], ["90", "dc0000", "dd00000000"]),
    ([1], ["9101", "dc000101", "dd0000000101"]),
    ([1] * 15, ["9f" + "01" * 15, "dc000f" + "01" * 15]),
    ([1] * 16, ["dc0010" + "01" * 16]),
    ([None] * 65535, ["dcffff" + "c0" * 65535]),
    ([None] * 65536, ["dd00010000" + "c0" * 65536]),
    ([[], [[]], ["a", b"a", 1.0, {}]], ["9390919094a161c40161cb3ff000000000000080"]),
    # Maps: fixmap, map 16, 32.
    ({}, ["80", "de0000", "df00000000"]),
    ({"a": 1}, ["81a16101", "de0001a16101", "df00000001a16101"]),
    (dict.fromkeys(range(15)), ["8f" + "".join(f"{i:02x}c0" for i in range(15))]),
    (dict.fromkeys(range(16)), ["de0010" + "".join(f"{i:02x}c0" for i in range(16))]),
    (dict.fromkeys(range(256, 65536), True), ["deff00" + "".join(f"cd{i:04x}c3" for i in range(256, 65536))]),
    (dict.fromkeys(range(65536, 131072), True), ["df00010000" + "".join(f"ce{i:08x}c3" for i in range(65536, 131072))]),
    ({"a": {"b": [{"c": None}]}}, ["81a16181a1629181a163c0"]),
    # Extensions: fixext 1 to 16, ext 8, 16, 32; -1 is a timestamp.
    (Extension(1, b"\x10"), ["d40110", "c7010110", "c800010110", "c9000000010110"]),
    (Extension(2, b"\x20\x21"), ["d5022021"]),
    (Extension(3, b"\x30" * 4), ["d60330303030"]),
    (Extension(4, b"\x40" * 8), ["d704" + "40" * 8]),
    (Extension(5, b"\x50" * 16), ["d805" + "50" * 16]),
    (Extension(6, b""), ["c70006"]),
    (Extension(7, b"\x70" * 3), ["c70307707070"]),
    (Extension(127, b"\x01" * 255), ["c7ff7f" + "01" * 255]),
    (Extension(-128, b"\x01" * 256), ["c8010080" + "01" * 256]),
    (Extension(8, b"\x01" * 65536), ["c90001000008" + "01" * 65536]),
    (Extension(-1, bytes.fromhex("00000001")), ["d6ff00000001"]),
    (Extension(-1, bytes.fromhex("0000000000000001")), ["d7ff0000000000000001"]),
    (Extension(-1, bytes(12)), ["c70cff" + "00" * 12]),
]

DECODED_ONLY: list[Case] = [
    (math.nan, ["cb7ff8000000000000", "ca7fc00000"]),
    # Beyond what the engine's integers hold: the nearest float.
    (2.0**63, ["cf8000000000000000"]),
    (2.0**64, ["cfffffffffffffffff"]),
]

BROKEN = [
    "",
    "c1",
    "91c1",
    "d9",
    "da00",
    "dbffffffff61",
    "c6ffffffff",
    "ddffffffff",
    "dfffffffff",
    "c9ffffffff01",
    "8161",
    "92c0",
    "91" * 70 + "c0",
]

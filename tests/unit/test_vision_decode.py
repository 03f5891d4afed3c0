"""Pictures as they are sent: every kind that is one becomes pixels, and what is none is refused in words."""

from __future__ import annotations

import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from models.vision.pictures import MOST_BYTES, Picture, decode, decode_file

PICTURES = Path(__file__).parents[2] / "samples" / "pictures"


def drawn(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right, the top half darker."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 200
    pixels[:, width // 2 :, 2] = 200
    pixels[: height // 2] //= 2
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str, **settings: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def test_raw_pixels_are_what_they_are() -> None:
    pixels = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(3, 4, 3)
    assert np.array_equal(decode(Picture("rgb", 4, 3, pixels.tobytes())), pixels)


def test_png_loses_nothing() -> None:
    image = drawn(40, 30)
    found = decode(Picture("png", 40, 30, saved(image, "PNG")))
    assert found.dtype == np.uint8
    assert np.array_equal(found, np.asarray(image))


def test_jpeg_loses_little() -> None:
    image = drawn(64, 48)
    found = decode(Picture("jpeg", 64, 48, saved(image, "JPEG", quality=95, subsampling=0)))
    assert np.abs(found.astype(int) - np.asarray(image)).mean() < 3


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 100, (100, 100, 100)),
        ("P", 0, (0, 0, 0)),
        ("1", 1, (255, 255, 255)),
        ("LA", (90, 0), (90, 90, 90)),
        ("RGBA", (10, 20, 30, 0), (10, 20, 30)),
        ("I;16", 40_000, (156, 156, 156)),
    ],
)
def test_every_kind_of_png_becomes_rgb(mode: str, colour: Any, expected: tuple[int, int, int]) -> None:
    found = decode_file(saved(Image.new(mode, (5, 4), colour), "PNG"))
    assert found.shape == (4, 5, 3)
    assert (found == expected).all()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_every_kind_of_jpeg_becomes_rgb(mode: str) -> None:
    found = decode_file(saved(Image.new("RGB", (16, 16), (128, 128, 128)).convert(mode), "JPEG"))
    assert np.abs(found.astype(int) - 128).max() <= 2


def test_a_turned_photograph_is_turned_back_and_may_be_declared_either_way() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(drawn(64, 32), "JPEG", exif=exif, quality=95, subsampling=0)
    for width, height in ((64, 32), (32, 64)):
        found = decode(Picture("jpeg", width, height, data))
        assert found.shape == (64, 32, 3)
        # What was the left, red, is on top now, and what was the darker top is on the right.
        assert found[:28, :, 0].mean() > 100
        assert found[36:, :, 0].mean() < 20
        assert found[4, 4, 0] > found[4, 28, 0] + 50


def test_nonsense_in_exif_does_not_matter() -> None:
    data = saved(drawn(64, 32), "JPEG", exif=b"Exif\0\0nonsense")
    assert decode_file(data).shape == (32, 64, 3)


@pytest.mark.parametrize(("side", "expected"), [(1000, 1000), (1024, 512), (2048, 512), (4096, 512)])
def test_of_a_large_jpeg_as_much_is_decoded_as_is_looked_at(side: int, expected: int) -> None:
    assert decode_file(saved(Image.new("RGB", (side, side), "red"), "JPEG")).shape == (expected, expected, 3)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (Picture("rgb", 4, 4, bytes(47)), "4 x 4 pixels of rgb are 48 bytes, and there are 47"),
        (Picture("rgb", 0, 4, b""), "1 to 4096 pixels a side, not 0 x 4"),
        (Picture("rgb", 4097, 1, bytes(4097 * 3)), "1 to 4096 pixels a side, not 4097 x 1"),
        (Picture("rgb", 1024, 1024, bytes(3 << 20)), "at most 1048576 bytes"),
        (Picture("jpeg", 4, 4, bytes(MOST_BYTES + 1)), "at most 1048576 bytes"),
        (Picture("jpeg", 4, 4, b""), "no JPEG file"),
        (Picture("png", 40, 30, saved(drawn(40, 30), "JPEG")), "no PNG file"),
        (Picture("jpeg", 40, 30, saved(drawn(40, 30), "PNG")), "no JPEG file"),
        (Picture("png", 40, 31, saved(drawn(40, 30), "PNG")), "40 x 30 pixels, not 40 x 31 as it says"),
        (Picture("jpeg", 4, 4, b"\xff\xd8"), "JPEG file cannot be read: it is broken where it begins$"),
        (Picture("png", 40, 30, saved(drawn(40, 30), "PNG")[:-30]), "PNG file is broken or cut off"),
        (Picture("jpeg", 64, 48, saved(drawn(64, 48), "JPEG")[:-30]), "JPEG file is broken or cut off"),
    ],
)
def test_what_is_wrong_is_said(picture: Picture, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(picture)


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="jpeg, png or rgb, not 'gif'"):
        decode(Picture("gif", 4, 4, b"GIF89a"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="neither a JPEG nor a PNG"):
        decode_file(b"GIF89a")


def png(width: int, height: int, pixels: bytes) -> bytes:
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(("width", "height"), [(4097, 1), (1, 4097), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_unpacked(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="pixels"):
        decode_file(png(width, height, bytes(1000)))


def test_a_jpeg_of_a_thousand_scans_is_refused() -> None:
    data = saved(drawn(64, 48), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    decode_file(data)
    with pytest.raises(ValueError, match="more than 32 scans"):
        decode_file(data[:at] + data[at:-2] * 1000 + data[-2:])


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install '.\[sight\]'"):
        decode_file(saved_before)
    assert decode(Picture("rgb", 1, 1, b"abc")).tolist() == [[[97, 98, 99]]]


saved_before = saved(drawn(8, 8), "PNG")


def pixels_or_words(picture: Picture) -> None:
    try:
        found = decode(picture)
    except ValueError:
        return
    assert found.dtype == np.uint8
    assert found.ndim == 3
    assert found.shape[2] == 3
    assert found.size


KINDS: tuple[Literal["jpeg", "png", "rgb"], ...] = ("jpeg", "png", "rgb")
BEGINS = {"jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n", "rgb": b""}


@given(st.sampled_from(KINDS), st.integers(-2, 5000), st.integers(-2, 5000), st.binary(max_size=400))
def test_any_bytes_are_pixels_or_refused(
    kind: Literal["jpeg", "png", "rgb"], width: int, height: int, data: bytes
) -> None:
    pixels_or_words(Picture(kind, width, height, BEGINS[kind] + data))


WHOLE = {
    "jpeg": (PICTURES / "cat.jpg").read_bytes(),
    "png": saved(drawn(320, 240), "PNG"),
}


@given(
    st.sampled_from(("jpeg", "png")),
    st.lists(st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 20_000),
)
def test_any_file_that_is_spoilt_is_pixels_or_refused(
    kind: Literal["jpeg", "png"], spoilt: list[tuple[int, bytes]], length: int
) -> None:
    data = bytearray(WHOLE[kind])
    for at, put in spoilt:
        at %= len(data)
        data[at : at + len(put)] = put
    pixels_or_words(Picture(kind, 320, 240, bytes(data[: max(length, 1)])))

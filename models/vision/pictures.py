"""From bytes to pixels: JPEG, PNG and raw RGB as headsets send them, refused in words where they are none.

Decoding needs pillow, from the extra ``sight``; without it this imports all the same.
"""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES: Final = 1 << 20
MOST_PIXELS_A_SIDE: Final = 4096

# More than cameras and programs write, and too few to keep a decoder busy for minutes by passes over nothing.
_MOST_SCANS: Final = 32
_START_OF_SCAN: Final = b"\xff\xda"
# Of a large JPEG only as much is decoded as leaves the shorter side this long, which is twice what the network sees.
_ENOUGH_SHORT_SIDE: Final = 512
_JPEG_BEGINS: Final = b"\xff\xd8"
_PNG_BEGINS: Final = b"\x89PNG\r\n\x1a\n"
_SIXTEEN_BIT: Final = ("I;16", "I;16B", "I;16L", "I")


@dataclass(frozen=True)
class Picture:
    """One as it is sent.

    Attributes:
        format: what ``data`` is; ``rgb`` is a byte each of red, green and blue, rows from the top.
        width: pixels, as declared.
        height: pixels, as declared.
        data: the file, or the pixels.
    """

    format: Literal["jpeg", "png", "rgb"]
    width: int
    height: int
    data: bytes


def decode(picture: Picture) -> NDArray[np.uint8]:
    """The pixels of a picture that was sent.

    Returns:
        ``[H, W, 3]`` uint8 RGB, turned the way that EXIF says. Of a JPEG whose shorter side has 1024 pixels or more it
        is a half, a quarter or an eighth of the size. Transparency is left out: the colours are those that were stored.

    Raises:
        ValueError: it is broken, cut off, too large, or not what it says it is; the message says which.
        ImportError: pillow is not installed.
    """
    if not (1 <= picture.width <= MOST_PIXELS_A_SIDE and 1 <= picture.height <= MOST_PIXELS_A_SIDE):
        raise ValueError(
            f"a picture has 1 to {MOST_PIXELS_A_SIDE} pixels a side, not {picture.width} x {picture.height}"
        )
    if picture.format == "rgb":
        return _raw(picture)
    if picture.format not in ("jpeg", "png"):
        raise ValueError(f"a picture is jpeg, png or rgb, not {picture.format!r}")
    return _file(picture.data, picture.format, (picture.width, picture.height), MOST_BYTES, MOST_PIXELS_A_SIDE)


def decode_file(
    data: bytes, *, most_bytes: int = MOST_BYTES, most_pixels_a_side: int = MOST_PIXELS_A_SIDE
) -> NDArray[np.uint8]:
    """The pixels of a JPEG or PNG file of whatever size it says it has. Returns and raises as ``decode`` does."""
    return _file(data, kind_of(data), None, most_bytes, most_pixels_a_side)


def kind_of(data: bytes) -> Literal["jpeg", "png"]:
    """Which kind of file a picture is, by its first bytes.

    Raises:
        ValueError: it is neither.
    """
    if data.startswith(_JPEG_BEGINS):
        return "jpeg"
    if data.startswith(_PNG_BEGINS):
        return "png"
    raise ValueError("the picture is neither a JPEG nor a PNG file")


def _raw(picture: Picture) -> NDArray[np.uint8]:
    _check_bytes(picture.data, MOST_BYTES)
    wanted = picture.width * picture.height * 3
    if len(picture.data) != wanted:
        raise ValueError(
            f"{picture.width} x {picture.height} pixels of rgb are {wanted} bytes, and there are {len(picture.data)}"
        )
    return np.frombuffer(picture.data, np.uint8).reshape(picture.height, picture.width, 3)


def _file(
    data: bytes,
    kind: Literal["jpeg", "png"],
    declared: tuple[int, int] | None,
    most_bytes: int,
    most_pixels_a_side: int,
) -> NDArray[np.uint8]:
    image_module = _pillow()
    _check_bytes(data, most_bytes)
    name = kind.upper()
    if not data.startswith(_JPEG_BEGINS if kind == "jpeg" else _PNG_BEGINS):
        raise ValueError(f"the picture is no {name} file")
    if kind == "jpeg" and data.count(_START_OF_SCAN) > _MOST_SCANS:
        raise ValueError(f"the JPEG file has more than {_MOST_SCANS} scans")
    # Of files that are broken in odd ways pillow warns, and raises nearly every kind of exception.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = image_module.open(BytesIO(data), formats=(name,))
        except image_module.UnidentifiedImageError as error:
            # Pillow's own words name an object in memory.
            raise ValueError(f"the {name} file cannot be read: it is broken where it begins") from error
        except Exception as error:
            raise ValueError(f"the {name} file cannot be read: {error}") from error
        with image:
            _check_size(image.size, declared, most_pixels_a_side)
            try:
                return _pixels(image)
            except Exception as error:
                raise ValueError(f"the {name} file is broken or cut off: {error}") from error


def _pixels(image: Image) -> NDArray[np.uint8]:
    from PIL import ImageOps

    image.draft(None, (_ENOUGH_SHORT_SIDE, _ENOUGH_SHORT_SIDE))
    image.load()
    # A picture is a picture even if what it says of itself makes no sense.
    with contextlib.suppress(Exception):
        image = ImageOps.exif_transpose(image)
    if image.mode in _SIXTEEN_BIT:
        grey = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _check_bytes(data: bytes, most: int) -> None:
    if len(data) > most:
        raise ValueError(f"a picture has at most {most} bytes, not {len(data)}")


def _check_size(size: tuple[int, int], declared: tuple[int, int] | None, most: int) -> None:
    if max(size) > most:
        raise ValueError(f"a picture has at most {most} pixels a side, not {size[0]} x {size[1]}")
    # Who reads the size of a turned photograph after turning it is right, too.
    if declared is not None and declared not in (size, size[::-1]):
        raise ValueError(f"the picture has {size[0]} x {size[1]} pixels, not {declared[0]} x {declared[1]} as it says")


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("pictures need pillow; in Genlock's checkout: pip install '.[sight]'") from error
    return Image

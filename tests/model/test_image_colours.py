"""Decoding: transparency, palettes, CMYK and wide grey become eight bits of red, green and blue."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.errors import ImageError
from model.images import decode
from tests.model.differences import difference
from tests.model.pictures import encoded, plain, png, png_chunk, tiff


def grey(samples: NDArray[Any]) -> tuple[int, ...]:
    """The first channel of a picture one pixel high that needs no resizing."""
    data = samples if isinstance(samples, bytes) else tiff(samples)
    pixels = decode(data, height=1, width=Image.open(BytesIO(data)).width)
    return tuple(int(value) for value in pixels[0, :, 0])


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_the_transparent_colour_of_a_palette_becomes_white(kind: str) -> None:
    image = plain(0, mode="P")
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.paste(1, (0, 0, 8, 16))
    decoded = decode(encoded(image, kind, transparency=0), height=16, width=16)

    assert (decoded[:, 8:] == 255).all()
    assert (decoded[:, :8] == (0, 0, 200)).all()


@pytest.mark.parametrize("kind", ["PNG", "WebP", "TIFF", "AVIF"])
def test_half_transparent_black_becomes_mid_grey(kind: str) -> None:
    decoded = decode(encoded(plain((0, 0, 0, 128), mode="RGBA"), kind), height=4, width=4)

    assert difference(decoded, np.full((4, 4, 3), 127, np.uint8)) <= 2


def test_the_colour_below_transparent_pixels_does_not_bleed_when_resized() -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 31, 64))
    decoded = decode(encoded(image, "PNG"), height=8, width=8).astype(int)

    assert (decoded[..., 0] <= decoded[..., 2] + 1).all()  # between blue and white, red is never above blue


@pytest.mark.parametrize(("mode", "color"), [("L", 0), ("RGB", (9, 8, 7)), ("1", 0)])
def test_a_png_colour_declared_transparent_becomes_white(mode: str, color: Any) -> None:
    data = encoded(plain(color, mode=mode), "PNG", transparency=color)

    assert (decode(data, height=4, width=4) == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_red_printed_in_cmyk_is_red(kind: str) -> None:
    data = encoded(plain((0, 255, 255, 0), mode="CMYK"), kind)  # as JPEG with Adobe's marker, and inverted

    assert (b"Adobe" in data) == (kind == "JPEG")
    assert difference(decode(data, height=4, width=4), np.full((4, 4, 3), (255, 0, 0), np.uint8)) <= 2


@pytest.mark.parametrize(
    ("dtype", "deflate"),
    [("<u2", False), (">u2", False), ("<u2", True), (">u2", True), ("<i4", False), (">i4", False), ("<i4", True)],
)
def test_wide_grey_goes_from_black_to_white_without_clipping(dtype: str, deflate: bool) -> None:
    data = tiff(np.array([[0, 300, 257 * 100, 32768, 65535]], dtype), deflate=deflate)

    assert grey(data) == (0, 1, 100, 128, 255)


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_sixteen_bit_grey_is_resized_in_its_own_byte_order(dtype: str) -> None:
    ramp = np.linspace(0, 65535, 64).astype(dtype)
    decoded = decode(tiff(np.tile(ramp, (64, 1))), height=8, width=8)

    assert difference(decoded[4, :, 0], np.linspace(14, 241, 8).round().astype(np.uint8)) <= 2


def test_sixteen_bit_png_keeps_its_white_its_grey_and_its_transparent_colour() -> None:
    samples = np.array([[0, 300, 32768, 65535]], np.uint16)

    assert grey(png(samples, 0)) == (0, 1, 128, 255)
    assert grey(png(samples, 0, png_chunk(b"tRNS", struct.pack(">H", 300)))) == (0, 255, 128, 255)


def test_a_tiff_says_itself_where_its_white_is() -> None:
    twelve_bits = {258: (4, 1, 12), 279: (4, 1, 3)}
    white_is_zero = {262: (4, 1, 0)}

    assert grey(tiff(np.array([[0x00, 0x0F, 0xFF]], np.uint8), twelve_bits | {256: (4, 1, 2)})) == (0, 255)
    assert grey(tiff(np.array([[0, 65535]], np.uint16), white_is_zero)) == (255, 0)
    assert grey(tiff(np.array([[0, 32767]], np.int16))) == (0, 255)


def test_float_grey_goes_from_zero_to_one() -> None:
    assert grey(tiff(np.array([[0, 0.5, 1]], np.float32))) == (0, 128, 255)


@pytest.mark.parametrize("dtype", ["<f4", "<i4", "<u2"])
def test_wide_grey_does_not_wrap_around_where_resizing_overshoots(dtype: str) -> None:
    edge = np.repeat(np.array([[0, 1 if dtype == "<f4" else 65535]]), 32, axis=1).repeat(64, axis=0).astype(dtype)
    decoded = decode(tiff(edge), height=16, width=16)[8, :, 0].astype(int)

    assert (np.diff(decoded) >= -1).all()


@pytest.mark.parametrize("values", [[0.0, 255.0], [-1.0, 1.0], [0.0, np.inf], [np.nan, 0.0], [0.0, np.nan]])
def test_float_grey_of_another_scale_is_refused(values: list[float]) -> None:
    with pytest.raises(ImageError, match="grey values"):
        decode(tiff(np.array([values], np.float32)), height=1, width=2)


def test_integer_grey_beyond_sixteen_bits_is_refused() -> None:
    with pytest.raises(ImageError, match=r"go from -5 to 70000. Expected 0 \(black\) to 65535 \(white\)"):
        decode(tiff(np.array([[-5, 70_000]], np.int32)), height=1, width=2)

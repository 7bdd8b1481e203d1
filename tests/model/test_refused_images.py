"""Decoding: what is no picture, is cut off or claims too much is refused, and nothing else happens."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from model import image_files
from model.errors import ImageError, ImageTooLargeError
from model.images import decode
from tests.model.pictures import SAMPLES, encoded, plain, png, scene, tiff


def decoded_or_refused(data: bytes) -> NDArray[np.uint8] | None:
    """None for ImageError. No other exception is caught, and warnings are errors here."""
    try:
        return decode(data, height=8, width=8, max_pixels=1_000_000)
    except ImageError as error:
        if isinstance(error.__cause__, Warning):
            raise error.__cause__ from None
        return None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"height": 0, "width": 8}, "height and width must be at least 1. Received: height=0, width=8."),
        ({"height": 8, "width": -1}, "height and width must be at least 1. Received: height=8, width=-1."),
        ({"height": 8, "width": 8, "fit": "crop"}, "stretch, letterbox, center_crop. Received: 'crop'."),
    ],
)
def test_impossible_arguments_are_the_callers_mistake(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(encoded(scene(), "PNG"), **arguments)


def test_no_bytes_are_told_apart_from_bytes_that_are_no_picture() -> None:
    with pytest.raises(ImageError, match=r"is empty .* JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"):
        decode(b"", height=8, width=8)
    with pytest.raises(ImageError, match=r"not a picture .* JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.*<!doctype"):
        decode(b"<!doctype html><title>404</title>", height=8, width=8)


@pytest.mark.parametrize("kind", ["PPM", "ICO", "EPS", "TGA", "JPEG2000", "PCX", "DDS", "SGI", "ICNS"])
def test_formats_that_pillow_knows_but_we_do_not_accept_are_refused(kind: str) -> None:
    with pytest.raises(ImageError, match="not a picture of an accepted format"):
        decode(encoded(plain("red", size=(32, 32)), kind), height=8, width=8)


def test_fits_files_are_refused() -> None:
    cards = [
        b"SIMPLE  =                    T",
        b"BITPIX  =                    8",
        b"NAXIS   =                    0",
        b"END",
    ]

    with pytest.raises(ImageError, match="not a picture of an accepted format"):
        decode(b"".join(card.ljust(80) for card in cards).ljust(2880), height=8, width=8)


def _gif_that_sticks_out() -> bytes:
    """A GIF whose first frame is far larger than its screen."""
    data = encoded(plain(0, mode="L"), "GIF")
    return data.replace(struct.pack("<4H", 0, 0, 16, 16), struct.pack("<4H", 0, 0, 60_000, 60_000))


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: png(np.zeros((1, 1, 3), np.uint8), 2, size=(60_000, 60_000)),
        lambda: tiff(np.zeros((1, 1), np.uint8), {256: (4, 1, 60_000), 257: (4, 1, 60_000)}),
        lambda: b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\x5f\xea\0" * 2 + bytes(8),
        lambda: encoded(plain("red"), "BMP").replace(struct.pack("<II", 16, 16), struct.pack("<II", 60_000, 60_000)),
        lambda: encoded(plain("red"), "JPEG").replace(struct.pack(">HH", 16, 16), struct.pack(">HH", 60_000, 60_000)),
        _gif_that_sticks_out,
    ],
    ids=["PNG", "TIFF", "WebP", "BMP", "JPEG", "GIF"],
)
def test_a_small_file_that_claims_a_huge_picture_is_refused_at_once(bomb: Callable[[], bytes]) -> None:
    data = bomb()
    started = time.perf_counter()
    with pytest.raises(
        ImageTooLargeError, match=r"(?s)60000 x 60000|3600000000.*at most 50,000,000|At most 50,000,000"
    ):
        decode(data, height=8, width=8)

    assert time.perf_counter() - started < 0.1


def test_the_pixel_limit_is_the_callers() -> None:
    data = encoded(scene(), "PNG")

    decode(data, height=8, width=8, max_pixels=40 * 30)
    with pytest.raises(ImageTooLargeError, match="40 x 30 is 1,200 pixels, at most 1,199 are accepted"):
        decode(data, height=8, width=8, max_pixels=40 * 30 - 1)


@pytest.mark.parametrize("name", ["jpeg-rgb", "png-rgb", "gif-grey", "bmp-rgb", "tiff-rgb", "tiff-rgb-lzw", "avif-rgb"])
def test_the_limit_that_pillow_keeps_for_the_process_plays_no_part(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = decode(SAMPLES[name](), height=8, width=8)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)

    assert np.array_equal(decode(SAMPLES[name](), height=8, width=8), expected)


@pytest.mark.parametrize("tolerant", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_cut_anywhere_is_refused(name: str, tolerant: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    data = SAMPLES[name]()
    whole = decode(data, height=8, width=8)
    for end in sorted(
        {*range(1, 40), *range(40, len(data), max(1, len(data) // 40)), *range(len(data) - 16, len(data))}
    ):
        decoded = decoded_or_refused(data[:end])
        assert decoded is None or np.array_equal(decoded, whole), f"cut at {end} of {len(data)}"


@pytest.mark.parametrize("name", ["jpeg-rgb", "png-rgb", "gif-palette", "bmp-rgb", "tiff-rgb"])
def test_a_picture_cut_in_half_is_called_cut_off(name: str) -> None:
    data = SAMPLES[name]()

    with pytest.raises(ImageError, match="is cut off: its bytes end"):
        decode(data[: len(data) // 2], height=8, width=8)


@pytest.mark.parametrize("name", SAMPLES)
def test_flipped_bytes_raise_image_errors_only_and_no_warnings(name: str) -> None:
    random = np.random.default_rng(sum(name.encode()))
    data = np.frombuffer(SAMPLES[name](), np.uint8)
    for _ in range(40):
        broken = data.copy()
        places = random.integers(0, random.choice([len(data), min(len(data), 200)]), random.integers(1, 6))
        broken[places] = random.choice([0, 1, 127, 255, random.integers(256)], len(places))
        decoded = decoded_or_refused(broken.tobytes())
        assert decoded is None or decoded.shape == (8, 8, 3)


@pytest.mark.parametrize("error", [SyntaxError, struct.error, ZeroDivisionError, MemoryError, EOFError, UserWarning])
def test_whatever_pillow_raises_becomes_an_image_error(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> Any:
        raise error

    monkeypatch.setitem(image_files._PLUGINS, "PNG", fail)
    with pytest.raises(ImageError, match=r"is damaged, or of a kind|is cut off"):
        decode(encoded(scene(), "PNG"), height=8, width=8)


def test_an_interrupt_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setitem(image_files._PLUGINS, "PNG", interrupt)
    with pytest.raises(KeyboardInterrupt):
        decode(encoded(scene(), "PNG"), height=8, width=8)

"""Decoding: what each kind of file turns into, turned upright and fitted into the size asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from model.images import Fit, decode
from tests.model.differences import difference, psnr
from tests.model.pictures import (
    SAMPLES,
    encoded,
    exif,
    photo,
    plain,
    png,
    png_chunk,
    scene,
    see_through,
    with_orientation,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "images"
TURNABLE = {"JPEG": {"quality": 95}, "PNG": {}, "WebP": {"lossless": True}, "TIFF": {}, "AVIF": {"quality": 95}}
WHITE = (255, 255, 255)


# What comes out


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_and_mode_decodes_as_it_did_when_the_golden_file_was_made(name: str, update_golden: bool) -> None:
    decoded = decode(SAMPLES[name](), height=20, width=24)
    golden = GOLDEN / f"{name}.png"
    if update_golden:
        Image.fromarray(decoded).save(golden)

    lossy = name.startswith(("jpeg", "avif", "webp-lossy", "tiff-rgb-jpeg", "tiff-lab"))
    assert difference(decoded, np.asarray(Image.open(golden))) <= (6 if lossy else 1)


def test_there_is_a_golden_file_for_every_sample_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SAMPLES)


@pytest.mark.parametrize("fit", get_args(Fit))
def test_the_result_is_a_writable_array_of_the_size_asked_for(fit: Fit) -> None:
    decoded = decode(encoded(scene(), "PNG"), height=13, width=57, fit=fit)

    assert (decoded.shape, decoded.dtype, decoded.flags.writeable) == ((13, 57, 3), np.uint8, True)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", TURNABLE)
@pytest.mark.parametrize("fit", get_args(Fit))
def test_a_picture_stored_turned_gives_the_pixels_of_the_upright_one(kind: str, orientation: int, fit: Fit) -> None:
    options = TURNABLE[kind]
    upright = decode(encoded(scene(), kind, **options), height=21, width=16, fit=fit)
    turned = decode(with_orientation(scene(), kind, orientation, **options), height=21, width=16, fit=fit)

    assert difference(turned, upright) <= (10 if kind in ("JPEG", "AVIF") else 1)


@pytest.mark.parametrize("order", "<>")
def test_exif_is_read_in_both_byte_orders(order: str) -> None:
    upright = decode(encoded(scene(), "PNG"), height=40, width=30)
    turned = decode(encoded(scene(), "PNG", exif=exif(3, order=order)), height=40, width=30)

    assert difference(turned, upright[::-1, ::-1]) <= 1


def test_png_may_carry_its_exif_behind_the_pixels() -> None:
    samples = np.asarray(scene())
    end = png_chunk(b"IEND", b"")
    late = png(samples, 2).removesuffix(end) + png_chunk(b"eXIf", exif(3).removeprefix(b"Exif\0\0")) + end

    assert difference(decode(late, height=30, width=40), samples[::-1, ::-1]) == 0


def test_a_large_jpeg_that_lies_on_its_side_keeps_its_resolution() -> None:
    tall = photo(600, 2400)
    upright = decode(encoded(tall, "JPEG", quality=95), height=400, width=100)
    turned = decode(with_orientation(tall, "JPEG", 6, quality=95), height=400, width=100)

    assert psnr(turned, upright) > 42


@pytest.mark.parametrize("name", ["gif-animated", "jpeg-pictures", "png-animated", "tiff-pages", "webp-animated"])
def test_of_several_frames_the_first_counts(name: str) -> None:
    tolerance = 20 if name.startswith(("gif", "jpeg")) else 0  # a GIF has 256 colours

    assert difference(decode(SAMPLES[name](), height=30, width=40), np.asarray(scene())) <= tolerance


# Fits


def test_letterbox_keeps_the_aspect_and_centres_on_white() -> None:
    decoded = decode(encoded(plain("black", size=(40, 20)), "PNG"), height=40, width=40)

    assert (decoded[10:30] == 0).all()
    assert (decoded[:10] == 255).all()
    assert (decoded[30:] == 255).all()


def test_center_crop_keeps_the_aspect_and_the_middle() -> None:
    image = plain("black", size=(60, 20))
    image.paste(WHITE, (20, 0, 40, 20))

    assert (decode(encoded(image, "PNG"), height=20, width=20, fit="center_crop") == 255).all()


def test_center_crop_of_a_large_jpeg_takes_the_middle() -> None:
    image = photo(1203, 401)
    middle = image.crop((401, 0, 802, 401)).resize((32, 32), Image.Resampling.BICUBIC)
    decoded = decode(encoded(image, "JPEG", quality=95), height=32, width=32, fit="center_crop")

    assert psnr(decoded, np.asarray(middle)) > 38


def test_stretch_fills_the_whole_result() -> None:
    image = plain("black", size=(40, 20))
    image.paste(WHITE, (20, 0, 40, 20))
    decoded = decode(encoded(image, "PNG"), height=40, width=40, fit="stretch")

    assert (decoded[:, :18] == 0).all()
    assert (decoded[:, 22:] == 255).all()


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_smallest_and_thinnest_pictures_decode(kind: str, size: tuple[int, int], fit: Fit) -> None:
    data = encoded(plain((200, 0, 0), size=size), kind)

    for height, width in ((64, 64), (1, 300), (300, 1)):
        decoded = decode(data, height=height, width=width, fit=fit)
        assert difference(decoded[(height - 1) // 2, (width - 1) // 2], np.array((200, 0, 0), np.uint8)) <= 2


@pytest.mark.parametrize("size", [(321, 241), (801, 601), (1601, 1201)], ids=["half", "quarter", "eighth"])
def test_decoding_a_jpeg_at_reduced_scale_costs_at_most_one_decibel(size: tuple[int, int]) -> None:
    original = photo(*size)
    data = encoded(original, "JPEG", quality=85)
    truth = np.asarray(original.resize((64, 48), Image.Resampling.BICUBIC))
    whole = decode(encoded(Image.open(BytesIO(data)), "BMP"), height=48, width=64)
    reduced = decode(data, height=48, width=64)

    assert not np.array_equal(reduced, whole)
    assert psnr(reduced, truth) > psnr(whole, truth) - 1
    assert psnr(reduced, whole) > 43


def test_many_threads_get_what_one_gets() -> None:
    files = [make() for make in SAMPLES.values()] * 4
    expected = [decode(data, height=16, width=16) for data in files]
    with ThreadPoolExecutor(8) as pool:
        decoded = list(pool.map(lambda data: decode(data, height=16, width=16), files))

    assert all(map(np.array_equal, decoded, expected))


def test_transparent_parts_and_letterbox_bars_are_the_same_white() -> None:
    decoded = decode(encoded(see_through(), "PNG"), height=60, width=40)

    assert (decoded[0, 0] == WHITE).all()
    assert (decoded[30, -1] == WHITE).all()

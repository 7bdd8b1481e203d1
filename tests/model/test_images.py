"""Decoding: what each kind of file turns into, and that odd bytes are refused and nothing else happens."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from model import image_files
from model.errors import ImageError, ImageTooLargeError
from model.images import Fit, decode
from tests.model.pictures import (
    SAMPLES,
    broken_exif,
    encoded,
    exif,
    photo,
    plain,
    png,
    png_chunk,
    scene,
    see_through,
    tiff,
    with_orientation,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "images"
TURNABLE = {"JPEG": {"quality": 95}, "PNG": {}, "WebP": {"lossless": True}, "TIFF": {}, "AVIF": {"quality": 95}}
WHITE = (255, 255, 255)


def difference(ours: NDArray[np.uint8], expected: NDArray[np.uint8]) -> int:
    """The largest, in grey levels."""
    return int(np.abs(ours.astype(int) - expected).max())


def psnr(ours: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.square(ours.astype(float) - truth).mean()))


def decoded_or_refused(data: bytes) -> NDArray[np.uint8] | None:
    """None for ImageError. No other exception is caught, and warnings are errors here."""
    try:
        return decode(data, height=8, width=8, max_pixels=1_000_000)
    except ImageError as error:
        if isinstance(error.__cause__, Warning):
            raise error.__cause__ from None
        return None


def grey(samples: NDArray[Any]) -> tuple[int, ...]:
    """The first channel of a picture one pixel high that needs no resizing."""
    data = samples if isinstance(samples, bytes) else tiff(samples)
    pixels = decode(data, height=1, width=Image.open(BytesIO(data)).width)
    return tuple(int(value) for value in pixels[0, :, 0])


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


# Transparency and colours


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


# What is refused


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


# What doesn't matter. Warnings are errors here, so each of these also shows that none is given.


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
def test_of_broken_exif_the_orientation_is_used_and_the_rest_is_not_read(kind: str) -> None:
    broken = decode(encoded(scene(), kind, exif=broken_exif()), height=40, width=30)

    assert difference(broken, decode(encoded(scene(), kind, exif=exif(6)), height=40, width=30)) == 0


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", exif(9)]
)
def test_unreadable_exif_means_upright(block: bytes) -> None:
    upright = decode(encoded(scene(), "JPEG"), height=30, width=40)

    assert np.array_equal(decode(encoded(scene(), "JPEG", exif=block), height=30, width=40), upright)


def test_avif_with_broken_exif_decodes() -> None:
    resolution = struct.pack(">HHI", 0x011A, 5, 1)
    block = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + resolution + struct.pack(">IIII", 26, 0, 72, 1)
    data = encoded(scene(), "AVIF", exif=block)
    broken = data.replace(resolution + struct.pack(">I", 26), resolution + struct.pack(">I", 99_999))

    assert broken != data
    assert np.array_equal(decode(broken, height=8, width=8), decode(data, height=8, width=8))


@pytest.mark.parametrize(
    "tag",
    [
        {305: (2, 90, 1_000_000)},  # software: behind the end of the file
        {305: (2, 4_000_000_000, 8)},  # longer than the file
        {305: (2, 150, 8), 306: (2, 150, 8)},  # together longer than the file
        {296: (4, 2, 8)},  # two resolution units
        {34665: (4, 1, 1_000_000), 34853: (4, 1, 8)},  # EXIF and GPS directories that aren't there
        {700: (1, 8, 8)},  # XMP that isn't
        {305: (99, 1, 1)},  # unknown type
    ],
)
def test_broken_tiff_metadata_is_passed_over(tag: dict[int, tuple[int, int, int]]) -> None:
    samples = np.arange(64, dtype=np.uint8).reshape(8, 8)

    assert np.array_equal(decode(tiff(samples, tag), height=8, width=8)[..., 0], samples)


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"acTL", struct.pack(">II", 0, 0)),  # an animation of no frames
        png_chunk(b"acTL", struct.pack(">II", 2, 0)) * 2,
        png_chunk(b"zTXt", b"key\0\0not zlib"),
        png_chunk(b"iCCP", b"profile\0\7"),
        png_chunk(b"tEXt", b"key\0text")[:-4] + b"crc!",
    ],
)
def test_broken_png_extras_are_passed_over(chunk: bytes) -> None:
    samples = np.asarray(scene())

    assert np.array_equal(decode(png(samples, 2, chunk), height=30, width=40), samples)


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

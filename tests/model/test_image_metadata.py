"""Decoding: broken metadata is passed over. Warnings are errors here: each of these also shows that none is given."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from model.images import decode
from tests.model.differences import difference
from tests.model.pictures import broken_exif, encoded, exif, png, png_chunk, scene, tiff


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

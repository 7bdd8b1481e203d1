"""Pictures made to do harm: the answer is a 4xx that tells nothing of the inside, and memory stays."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.service.hostile.refusals import MEGABYTE, refused, resident
from tests.service.stand_in import picture

FORMATS = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF")


def send_picture(client: httpx.Client, data: bytes) -> httpx.Response:
    return client.post("/predict", files={"image": ("a", data)})


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


GREY = zlib.compress(bytes(21 * 20))

DEFLATED = zlib.compress(bytes(200 * MEGABYTE))  # to a thousandth


def png(width: int, height: int, *, pixels: bytes = zlib.compress(bytes(99)), more: bytes = b"") -> bytes:
    """A grey PNG that says it has a size, with pixels that are deflated, whatever they are."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + more + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )  # fmt: skip


def gif(width: int, height: int) -> bytes:
    """A GIF of one frame of a size, and hardly any pixels."""
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0" + size + b"\0\x02\x02L\x01\0;"


def webp(width: int, height: int) -> bytes:
    """A WebP whose extended header promises a canvas."""
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas
    body = b"WEBP" + vp8x + picture(file_format="WebP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(width: int, height: int, *, offset: int = 8, count: int = 1) -> bytes:
    """A TIFF that says it has a size, and its directory at an offset."""
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, count, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, count, 2**31)]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", offset) + directory + struct.pack("<I", 8)


def jpeg(width: int, height: int) -> bytes:
    """A JPEG whose frame header promises a size."""
    good = picture(file_format="JPEG")
    at = good.index(b"\xff\xc0") + 5
    return good[:at] + struct.pack(">HH", height, width) + good[at + 4 :]


def bmp(width: int, height: int) -> bytes:
    good = picture(file_format="BMP")
    return good[:18] + struct.pack("<ii", width, height) + good[26:]


BOMBS = {
    "PNG header": png(60_000, 60_000),
    "PNG, sides of 2^31": png(2**31 - 1, 2**31 - 1),
    "PNG, whole": png(12_000, 12_000, pixels=DEFLATED),
    "PNG, one row": png(2**31 - 1, 1),
    "GIF": gif(65_535, 65_535),
    "WebP": webp(2**24, 2**24),
    "TIFF": tiff(2**31, 2**31),
    "JPEG": jpeg(65_500, 65_500),
    "BMP": bmp(2**31 - 1, -(2**31)),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_picture_of_huge_dimensions_is_refused(data: bytes, client: httpx.Client) -> None:
    response = send_picture(client, data)

    assert refused(response) in (413, 422)
    assert response.json()["type"].startswith("urn:bifocal:problem:image-")
    assert response.json()["input"] == "image"


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")
def test_bombs_from_many_clients_at_once_take_no_memory(client: httpx.Client) -> None:
    small_bombs = [
        *BOMBS.values(),
        png(20, 20, pixels=DEFLATED),
        png(20, 20, pixels=GREY, more=png_chunk(b"zTXt", b"a\0\0" + DEFLATED)),
        png(20, 20, pixels=GREY, more=png_chunk(b"iCCP", b"a\0\0" + DEFLATED)),
    ]
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = resident("VmRSS")

    with ThreadPoolExecutor(8) as clients:
        responses = list(clients.map(lambda data: send_picture(client, data), small_bombs * 5))

    assert all(response.status_code == 200 or refused(response) for response in responses)
    assert resident("VmHWM") - before < 150 * MEGABYTE  # one of them whole were 200
    assert resident("VmRSS") - before < 100 * MEGABYTE


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_picture_that_is_cut_off_is_refused_wherever_it_is_cut(file_format: str, client: httpx.Client) -> None:
    whole = picture((200, 30, 30), file_format=file_format)

    got_through = []
    for end in range(0, len(whole), 10):
        response = send_picture(client, whole[:end])
        if response.status_code == 200:
            got_through.append(end)
        else:
            assert refused(response) == 422

    assert all(end >= len(whole) - 12 for end in got_through)  # all pixels were there, only an end mark was not


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.html", "<script>alert(1)</script>")
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a/*<html><script>alert(1)</script>*/=1;",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n/a {a} def a",
        b"SIMPLE  =                    T" + b" " * 3000,
        b"%PDF-1.7\n" + b"x" * 100,
        b"8BPS\0\x01" + bytes(200),
        b"\0\0\x01\0\x01\0" + bytes(100),
        b"#!/bin/sh\nid\n",
        b"push graphic-context\nfill 'url(https://example.org/x.png\"|ls \"-la)'\n",
        b"http://169.254.169.254/latest/meta-data",
        b"P6 99999 99999 255\n",
        zipped(),
        tiff(10, 10, offset=2**32 - 1),
        tiff(10, 10, count=2**31),
        jpeg(0, 0),
        png(0, 0),
        webp(1, 1),
        bytes(MEGABYTE),
        picture(file_format="AVIF")[:32] + bytes(5000),
        picture(file_format="AVIF").replace(b"avif", b"heic"),
    ],
    ids=["GIF of HTML", "SVG", "EPS", "FITS", "PDF", "PSD", "ICO", "shell", "MVG", "address", "PPM", "zip", "TIFF offset",
         "TIFF count", "JPEG of nothing", "PNG of nothing", "WebP of two sizes", "zeros", "AVIF of zeros", "HEIC"],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: bytes, client: httpx.Client) -> None:
    assert refused(send_picture(client, data)) == 422


@pytest.mark.parametrize(
    "data",
    [picture("red", file_format="GIF") + b"<html><script>alert(1)</script>", picture("red", file_format="JPEG") + zipped()],
    ids=["GIF and HTML", "JPEG and zip"],
)  # fmt: skip
def test_a_picture_that_is_something_else_too_is_only_looked_at(data: bytes, client: httpx.Client) -> None:
    response = send_picture(client, data)

    assert response.json()["predictions"][0]["heads"]["colour"]["label"] == "red"
    assert (response.headers["content-type"], response.headers["x-content-type-options"]) == (
        "application/json",
        "nosniff",
    )


def test_base64_that_is_none_is_refused(client: httpx.Client) -> None:
    good = base64.b64encode(picture()).decode()
    for wrong in (
        good[:-1] + "*",
        f" {good}",
        good.replace("A", "\n", 1),
        f"data:image/png;base64{good}",
        good + "===",
        "\xe9",
    ):
        assert refused(client.post("/predict", json={"image": wrong})) == 422

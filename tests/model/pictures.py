"""Small pictures made on the spot, in every format and mode that the decoder accepts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file; `options` are those of Pillow's `save`."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(color: Any, *, mode: str = "RGB", size: tuple[int, int] = (16, 16)) -> Image.Image:
    """One colour everywhere."""
    return Image.new(mode, size, color)


def scene(width: int = 40, height: int = 30) -> Image.Image:
    """Smooth, so that lossy formats keep it, and different in every corner, so that no turn looks like another."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    channels = 255 * np.stack([x, y, (1 - x) * (1 - y)], axis=-1)  # (height, width, 3)
    return Image.fromarray(channels.astype(np.uint8))


def see_through() -> Image.Image:
    """The scene as RGBA: opaque at its left, transparent at its right."""
    image = scene()
    image.putalpha(Image.fromarray(np.tile(np.linspace(255, 0, image.width).astype(np.uint8), (image.height, 1))))
    return image


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """Noise with the spectrum of photographs: amplitude falls as 1/frequency."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    amplitude = 1 / np.maximum(frequency, 1 / max(width, height))
    channels = []
    for _ in range(3):
        phases = generator.normal(size=(2, *amplitude.shape))
        signal = np.fft.irfft2(amplitude * (phases[0] + 1j * phases[1]), s=(height, width))
        channels.append(128 + 50 * signal / signal.std())
    return Image.fromarray(np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8))


def exif(orientation: int, *, order: str = ">") -> bytes:
    """An EXIF block that holds an orientation and nothing else."""
    header = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    entry = struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"Exif\0\0" + header + entry


def broken_exif() -> bytes:
    """Says orientation 6, then a resolution and a GPS directory that lie far outside."""
    entries = ((0x0112, 3, 1, 6 << 16), (0x011A, 5, 1, 60_000), (0x8825, 4, 9, 70_000))
    packed = b"".join(struct.pack(">HHII", *entry) for entry in entries)
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(entries)) + packed + bytes(4)


def with_orientation(image: Image.Image, kind: str, orientation: int, **options: Any) -> bytes:
    """A file that shows `image` upright once its EXIF orientation is applied."""
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turned = image.transpose(stored[orientation]) if orientation > 1 else image
    return encoded(turned, kind, exif=exif(orientation), **options)


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file, length and checksum included."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(samples: NDArray[Any], color: int, *chunks: bytes, size: tuple[int, int] | None = None) -> bytes:
    """A PNG with the depth of `samples` (height, width, channels), colour type `color` and `chunks` before the pixels.

    `size` is what the header says; the truth by default.
    """
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), 8 * samples.dtype.itemsize, color, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + b"".join(chunks) + pixels + png_chunk(b"IEND", b"")


def tiff(
    samples: NDArray[Any], tags: Mapping[int, tuple[int, int, int]] | None = None, *, deflate: bool = False
) -> bytes:
    """A grey TIFF with the depth and byte order of `samples` (height, width).

    `tags` adds and replaces entries of the directory: (type, count, value or offset).
    """
    order = ">" if samples.dtype.str[0] == ">" else "<"
    height, width = samples.shape
    pixels = zlib.compress(samples.tobytes()) if deflate else samples.tobytes()
    sample_format = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    entries = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (4, 1, 8 * samples.dtype.itemsize),
        259: (4, 1, 8 if deflate else 1),  # compression
        262: (4, 1, 1),  # black is zero
        273: (4, 1, 8),  # where the pixels are
        277: (4, 1, 1),
        278: (4, 1, height),
        279: (4, 1, len(pixels)),
        339: (4, 1, sample_format),
    } | dict(tags or {})
    directory = b"".join(struct.pack(order + "HHII", tag, *entry) for tag, entry in sorted(entries.items()))
    header = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8 + len(pixels))
    return header + pixels + struct.pack(order + "H", len(entries)) + directory + bytes(4)


def grey16(dtype: str = "<u2") -> NDArray[Any]:
    """The scene's red channel in 16 bits."""
    return (np.asarray(scene())[..., 0].astype(np.uint16) * 257).astype(dtype)


def _palette(transparency: Any, kind: str = "PNG") -> bytes:
    return encoded(scene().quantize(16), kind, transparency=transparency)


def _color_key(mode: str, key: Any) -> bytes:
    return encoded(scene().convert(mode), "PNG", transparency=key)


def _tiff(mode: str, **options: Any) -> bytes:
    return encoded(see_through().convert(mode) if mode[-1] in "Aa" else scene().convert(mode), "TIFF", **options)


def _lab() -> bytes:
    from PIL import ImageCms

    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return encoded(ImageCms.profileToProfile(scene(), *profiles, outputMode="LAB"), "TIFF")


def _frames(kind: str) -> bytes:
    more = [plain("black", size=(40, 30)), plain("white", size=(40, 30))]
    return encoded(scene(), kind, save_all=True, append_images=more, lossless=True)


_BITS16 = np.asarray(see_through()).astype(np.uint16) * 257  # (height, width, 4)

SAMPLES: dict[str, Callable[[], bytes]] = {
    "avif-rgb": lambda: encoded(scene(), "AVIF"),
    "avif-rgba": lambda: encoded(see_through(), "AVIF"),
    "bmp-1": lambda: encoded(scene().convert("1"), "BMP"),
    "bmp-grey": lambda: encoded(scene().convert("L"), "BMP"),
    "bmp-palette": lambda: encoded(scene().quantize(16), "BMP"),
    "bmp-rgb": lambda: encoded(scene(), "BMP"),
    "bmp-rgbx": lambda: encoded(see_through(), "BMP"),
    "gif-animated": lambda: _frames("GIF"),
    "gif-grey": lambda: encoded(scene().convert("L"), "GIF"),
    "gif-palette": lambda: encoded(scene().quantize(16), "GIF"),
    "gif-transparent": lambda: _palette(3, "GIF"),
    "jpeg-cmyk": lambda: encoded(scene().convert("CMYK"), "JPEG", quality=95),
    "jpeg-grey": lambda: encoded(scene().convert("L"), "JPEG", quality=95),
    "jpeg-progressive": lambda: encoded(scene(), "JPEG", quality=95, progressive=True),
    "jpeg-pictures": lambda: encoded(
        scene(), "MPO", quality=95, save_all=True, append_images=[plain("black", size=(40, 30))]
    ),
    "jpeg-rgb": lambda: encoded(scene(), "JPEG", quality=95),
    "png-1": lambda: encoded(scene().convert("1"), "PNG"),
    "png-1-key": lambda: _color_key("1", 0),
    "png-animated": lambda: _frames("PNG"),
    "png-grey": lambda: encoded(scene().convert("L"), "PNG"),
    "png-grey-16": lambda: png(grey16(), 0),
    "png-grey-16-alpha": lambda: png(_BITS16[..., [0, 3]], 4),
    "png-grey-16-key": lambda: png(grey16(), 0, png_chunk(b"tRNS", struct.pack(">H", 0))),
    "png-grey-alpha": lambda: encoded(see_through().convert("LA"), "PNG"),
    "png-grey-key": lambda: _color_key("L", 76),
    "png-palette": lambda: encoded(scene().quantize(16), "PNG"),
    "png-palette-alphas": lambda: _palette(bytes(range(0, 256, 16))),
    "png-palette-key": lambda: _palette(3),
    "png-rgb": lambda: encoded(scene(), "PNG"),
    "png-rgb-16": lambda: png(_BITS16[..., :3], 2),
    "png-rgb-key": lambda: _color_key("RGB", scene().getpixel((0, 0))),
    "png-rgba": lambda: encoded(see_through(), "PNG"),
    "png-rgba-16": lambda: png(_BITS16, 6),
    "tiff-1": lambda: _tiff("1"),
    "tiff-1-group4": lambda: _tiff("1", compression="group4"),
    "tiff-cmyk": lambda: _tiff("CMYK"),
    "tiff-float": lambda: encoded(Image.fromarray((grey16() / 65535).astype(np.float32)), "TIFF"),
    "tiff-grey": lambda: _tiff("L"),
    "tiff-grey-16": lambda: encoded(Image.fromarray(grey16()), "TIFF"),
    "tiff-grey-16-big-endian": lambda: encoded(Image.frombytes("I;16B", (40, 30), grey16(">u2").tobytes()), "TIFF"),
    "tiff-grey-16-lzw": lambda: encoded(Image.fromarray(grey16()), "TIFF", compression="tiff_lzw"),
    "tiff-grey-32": lambda: encoded(Image.fromarray(grey16("<i4")), "TIFF"),
    "tiff-grey-alpha": lambda: _tiff("LA"),
    "tiff-lab": _lab,
    "tiff-pages": lambda: encoded(scene(), "TIFF", save_all=True, append_images=[plain("black")]),
    "tiff-palette-alpha": lambda: encoded(see_through().quantize(16).convert("PA"), "TIFF"),
    "tiff-palette": lambda: encoded(scene().quantize(16), "TIFF"),
    "tiff-rgb": lambda: _tiff("RGB"),
    "tiff-rgb-jpeg": lambda: _tiff("RGB", compression="jpeg", quality=95),
    "tiff-rgb-lzw": lambda: _tiff("RGB", compression="tiff_lzw"),
    "tiff-rgba": lambda: _tiff("RGBA"),
    "tiff-ycbcr": lambda: _tiff("YCbCr"),
    "webp-animated": lambda: _frames("WebP"),
    "webp-lossless-rgba": lambda: encoded(see_through(), "WebP", lossless=True),
    "webp-lossy": lambda: encoded(scene(), "WebP", quality=95),
}
"""Name to maker of the file; the name begins with the format. All show the scene, upright."""

"""Encoded pictures to pixels: the only decoder of the project, for training and serving alike.

    bytes -> plugin chosen by signature -> size check -> decoding -> resizing -> upright on white

Pillow decodes, but what warns in it (`Image.open`, and its parsing of EXIF, XMP and text) never sees the bytes:
Python can't silence a warning for one thread alone. Colour profiles are not applied.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import AvifImagePlugin, ExifTags, Image, TiffImagePlugin, TiffTags, _avif
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.errors import ImageError, ImageTooLargeError

DECODE_VERSION = 1  # goes into every bundle; changes when the pixels of any picture would change
DEFAULT_MAX_PIXELS = 50_000_000
Fit = Literal["stretch", "letterbox", "center_crop"]
Size = tuple[int, int]  # width, height, as Pillow has it
Box = tuple[float, float, float, float]  # left, top, right, bottom

# Transparency needs a background, and drawings are made for white paper. The bars of a letterbox are white too,
# so that a model meets one colour of "nothing here".
_BACKGROUND = (255, 255, 255)

# A JPEG is decoded at 1/2, 1/4 or 1/8 where that leaves this many times the pixels wanted, each way. Measured on photos
# against the picture before JPEG, that costs 0.5 dB of PSNR (1.3 at most; leaving just the pixels wanted: 7), for 55 %
# of the time at 640x480 to 128x128 and 12 to 25 % at 4000x3000. From 1/4 on libjpeg is coarser, hence the second.
_DRAFT_GAP, _DRAFT_GAP_FROM_SIXFOLD = 2.5, 3.0

# Averages blocks first, down to three times the size wanted: half the time for 12 megapixels, and less than one grey
# level from the result without (54 dB).
_REDUCING_GAP = 3.0

_ACCEPTED = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
_CUT_OFF = "The picture is cut off: its bytes end before it does. Expected the whole file."
_SIGNATURES = re.compile(
    rb"(?P<JPEG>\xff\xd8\xff)|(?P<PNG>\x89PNG\r\n\x1a\n)|(?P<WebP>RIFF....WEBP)|(?P<GIF>GIF8[79]a)|(?P<BMP>BM)"
    rb"|(?P<TIFF>II\*\0|MM\0\*)|(?P<AVIF>....ftyp(?:avif|avis|mif1|msf1))",
    re.DOTALL,
)
_TURNS = {  # EXIF orientation to what makes the picture upright; 1 is upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIFF_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_TIFF_METADATA = {TiffImagePlugin.XMP, ExifTags.Base.Orientation, *TiffTags.TAGS_V2_GROUPS}


def decode(
    data: bytes, *, height: int, width: int, fit: Fit = "letterbox", max_pixels: int = DEFAULT_MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decodes a picture, turns it upright as its EXIF orientation says, and brings it to the size wanted.

    Safe to call from many threads at once. Of several frames or pages the first counts. What is transparent
    becomes white.

    Args:
        data: a whole JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file.
        height, width: of the result in pixels, at least 1.
        fit: "letterbox" keeps the aspect and all of the picture, with white beside it; "center_crop" keeps the
            aspect and cuts off what is over; "stretch" keeps all of the picture and not the aspect.
        max_pixels: limit of width times height, checked in the file's header before anything is decoded.

    Returns:
        uint8 (height, width, 3), RGB.

    Raises:
        ImageTooLargeError: the picture has more than `max_pixels`.
        ImageError: the bytes are empty, cut off, damaged, or no picture in one of these formats.
        ValueError: an impossible `height`, `width` or `fit`.
    """
    if height < 1 or width < 1:
        raise ValueError(f"height and width must be at least 1. Received: height={height}, width={width}.")
    if fit not in get_args(Fit):
        raise ValueError(f"fit must be one of {', '.join(get_args(Fit))}. Received: {fit!r}.")
    with _refusing_damage(max_pixels):
        image, orientation = _open(data, max_pixels)
        # Resized as it is stored and turned when small: turning 12 megapixels takes 40 ms.
        size, box = _plan(image.size, (height, width) if orientation >= 5 else (width, height), fit)
        box = _load(image, size, box)
        small = (_resize_wide_grey if image.mode[0] in "IF" else _resize)(image, size, box)
    upright = small.transpose(_TURNS[orientation]) if orientation in _TURNS else small
    canvas = Image.new("RGB", (width, height), _BACKGROUND)
    corner = ((width - upright.width) // 2, (height - upright.height) // 2)
    canvas.paste(upright, corner, upright if upright.mode in ("LA", "RGBA") else None)
    return np.array(canvas)


@contextmanager
def _refusing_damage(max_pixels: int) -> Iterator[None]:
    """Makes an ImageError of what Pillow raises: for odd enough bytes nearly any exception there is."""
    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # WebP and GIF can need their memory on opening, so there Pillow looks at the size before we can.
        raise ImageTooLargeError(f"The picture is too large: {error} At most {max_pixels:,} are accepted.") from error
    except Exception as error:
        if isinstance(error, struct.error) or "truncated" in str(error).lower():
            raise ImageError(_CUT_OFF) from error
        raise ImageError(
            f"The picture is damaged, or of a kind that can't be read: {str(error) or type(error).__name__}. Expected a"
            f" whole {_ACCEPTED} file: send all of it, or save it anew."
        ) from error


class _Stream(BytesIO):
    """A picture's bytes. Reading on at their end is an error, even with Pillow's LOAD_TRUNCATED_IMAGES."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data and size != 0:
            raise ImageError(_CUT_OFF)
        return data


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Pillow parses EXIF for it, and warns."""


class _Tiff(TiffImagePlugin.TiffImageFile):
    def load_prepare(self) -> None:
        if self.mode == "I;16B":
            self._mode = "I;16"  # unpacked to native order: Pillow 13 resizes I;16B as if it were little-endian
        self.im = Image.new(self.mode, self.size, None).im  # else Pillow looks at its own limit first, and warns
        super().load_prepare()


class _Avif(AvifImagePlugin.AvifImageFile):
    def _open(self) -> None:
        data = cast("IO[bytes]", self.fp).read()
        self._decoder = _avif.AvifDecoder(data, "auto", 1)  # one thread: the callers have theirs
        self._size, self.n_frames, self._mode, _, _, self.orientation, _ = self._decoder.get_info()
        self.seek(0)


_PLUGINS: dict[str, Callable[[IO[bytes]], ImageFile]] = {
    "JPEG": _Jpeg,  # also for the pictures of several that Pillow's own choice would open as MPO
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": _Tiff,
    "AVIF": _Avif,
}


def _open(data: bytes, max_pixels: int) -> tuple[ImageFile, int]:
    """The picture, its header read and its size checked, and its EXIF orientation."""
    if not data:
        raise ImageError(f"The picture is empty (0 bytes). Expected a {_ACCEPTED} file.")
    signature = _SIGNATURES.match(data)
    if signature is None:
        raise ImageError(f"This is not a picture of an accepted format. Expected {_ACCEPTED}. Begins: {data[:12]!r}.")
    name, exif = cast("str", signature.lastgroup), b""
    if name == "PNG":
        data, exif = _split_png(data)
    stream = _Stream(data)
    if name == "TIFF":
        exif = data  # EXIF is a TIFF file without pixels
        _blank_tiff_metadata(stream, data)
    image = _PLUGINS[name](stream)
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise ImageTooLargeError(
            f"The picture is too large: {image.width} x {image.height} is {pixels:,} pixels, at most {max_pixels:,} are"
            " accepted. Scale it down."
        )
    if isinstance(image, _Avif):
        return image, image.orientation  # AVIF has it in the container, which counts more than EXIF
    return image, _exif_orientation(exif or image.info.get("exif", b""))


def _split_png(data: bytes) -> tuple[bytes, bytes]:
    """The PNG with nothing but what draws the picture, and its EXIF block or nothing."""
    chunks, exif, at, name = [memoryview(data)[:8]], b"", 8, b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, at)
        if name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            chunks.append(memoryview(data)[at : at + 12 + length])
        elif name == b"eXIf":
            exif = data[at + 8 : at + 8 + length]
        at += 12 + length
    return b"".join(chunks), exif


def _tiff_tags(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """(position, tag, type, count, value or offset) for every entry of the first directory."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    end = start + 2 + 12 * count
    for at in range(start + 2, end, 12):
        yield at, *struct.unpack_from(order + "HHII", data, at)
    struct.unpack_from(order + "I", data, end)  # Pillow warns if this isn't there


def _blank_tiff_metadata(stream: BytesIO, data: bytes) -> None:
    """Gives type 0, which every reader skips, to metadata and to all that Pillow would warn of."""
    room = len(data)
    for at, tag, kind, count, offset in _tiff_tags(data):
        size = count * _TIFF_TYPE_SIZES.get(kind, 0)
        room -= size if size > 4 else 0  # up to four bytes are in the entry itself
        outside = room < 0 or (size > 4 and offset + size > len(data))
        too_many = count > 1 and kind not in (1, 2, 7) and TiffTags.lookup(tag).length == 1  # bytes are one value
        if outside or too_many or tag in _TIFF_METADATA:
            stream.seek(at + 2)
            stream.write(bytes(2))
    stream.seek(0)


def _exif_orientation(exif: bytes) -> int:
    """1 to 8; 1 if nothing is said or it can't be read: pictures are worth more than their EXIF."""
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        for at, tag, *_ in _tiff_tags(exif):
            if tag == ExifTags.Base.Orientation:
                orientation = exif[at + 8] | exif[at + 9]  # two bytes of either order, one of them 0
                return orientation if orientation in _TURNS else 1
    except struct.error:
        pass
    return 1


def _plan(stored: Size, wanted: Size, fit: Fit) -> tuple[Size, Box]:
    """The size to resize to, and the part of the stored picture that goes there."""
    scales = wanted[0] / stored[0], wanted[1] / stored[1]
    whole = (0.0, 0.0, float(stored[0]), float(stored[1]))
    if fit == "stretch":
        return wanted, whole
    if fit == "letterbox":
        scale = min(scales)
        return (max(1, round(stored[0] * scale)), max(1, round(stored[1] * scale))), whole
    left, top = ((stored[i] - wanted[i] / max(scales)) / 2 for i in (0, 1))
    return wanted, (max(0.0, left), max(0.0, top), stored[0] - max(0.0, left), stored[1] - max(0.0, top))


def _load(image: ImageFile, size: Size, box: Box) -> Box:
    """Decodes, a JPEG no larger than it must be. The box in pixels of what was decoded."""
    width = image.width
    wanted = size[0] * width / (box[2] - box[0]), size[1] * image.height / (box[3] - box[1])
    sixfold = width >= 6 * wanted[0]  # the same both ways, but for "stretch" and rounding
    gap = _DRAFT_GAP_FROM_SIXFOLD if sixfold else _DRAFT_GAP
    drafted = image.draft(None, (int(wanted[0] * gap), int(wanted[1] * gap)))
    image.load()
    scale = drafted[1][2] / width if drafted else 1.0  # not image.width / width: it is rounded up
    return box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale


def _resize(image: Image.Image, size: Size, box: Box) -> Image.Image:
    """To mode L, LA, RGB or RGBA, and to size. With alpha, Pillow weighs colours by it."""
    mode = ("L" if image.mode in ("1", "L", "LA", "La") else "RGB") + ("A" if image.has_transparency_data else "")
    plain = image if image.mode == mode else image.convert(mode)
    return plain.resize(size, Image.Resampling.BICUBIC, box, _REDUCING_GAP)


def _resize_wide_grey(image: Image.Image, size: Size, box: Box) -> Image.Image:
    """16-bit, 32-bit or float grey to mode L, and to size: made 8-bit when small, to spare copies of large ones."""
    tags = image.tag_v2 if isinstance(image, _Tiff) else {}
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]
    white = {("F", 32): 1.0, ("I", 16): 32767.0, ("I;16", 12): 4095.0}.get((image.mode, bits), 65535.0)
    if image.mode in ("I", "F"):
        low, high = cast("tuple[float, float]", image.getextrema())
        if not 0 <= low <= high <= white:
            raise ImageError(
                f"The picture's grey values go from {low} to {high}. Expected 0 (black) to {white:g} (white): save it"
                " with 8 or 16 bits."
            )
    if "transparency" in image.info:  # in 16 bits Pillow can't make alpha of it
        values = np.array(image)
        values[values == image.info["transparency"]] = 65535
        image = Image.fromarray(values)
    gap = None if image.mode == "I;16" else _REDUCING_GAP  # no reducing in 16 bits in Pillow
    grey = np.asarray(image.resize(size, Image.Resampling.BICUBIC, box, gap), np.float32) / white
    if np.isnan(grey).any():
        raise ImageError("The picture has grey values that are no numbers (NaN). Save it with 8 or 16 bits.")
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:  # "white is zero", which Pillow heeds up to 8 bits
        grey = 1 - grey
    return Image.fromarray(np.rint(255 * grey.clip(0, 1)).astype(np.uint8))

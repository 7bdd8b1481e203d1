"""Opening an encoded picture safely: the plugin chosen by signature, the size checked, nothing decoded yet.

Pillow decodes, but what warns in it (`Image.open`, and its parsing of EXIF, XMP and text) never sees the bytes:
Python can't silence a warning for one thread alone. Colour profiles are not applied.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, cast

from PIL import AvifImagePlugin, ExifTags, Image, TiffImagePlugin, TiffTags, _avif
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from model.errors import ImageError, ImageTooLargeError

_ACCEPTED = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
_CUT_OFF = "The picture is cut off: its bytes end before it does. Expected the whole file."
_SIGNATURES = re.compile(
    rb"(?P<JPEG>\xff\xd8\xff)|(?P<PNG>\x89PNG\r\n\x1a\n)|(?P<WebP>RIFF....WEBP)|(?P<GIF>GIF8[79]a)|(?P<BMP>BM)"
    rb"|(?P<TIFF>II\*\0|MM\0\*)|(?P<AVIF>....ftyp(?:avif|avis|mif1|msf1))",
    re.DOTALL,
)
TURNS = {  # EXIF orientation to what makes the picture upright; 1 is upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# TIFF type to bytes a value.
_TIFF_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_TIFF_METADATA = {TiffImagePlugin.XMP, ExifTags.Base.Orientation, *TiffTags.TAGS_V2_GROUPS}


@contextmanager
def refusing_damage(max_pixels: int) -> Iterator[None]:
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
    """Looks for the end of its bytes itself: its header is 36 reads, which `_Stream` makes twice as slow."""

    def _open(self) -> None:
        stream = cast("IO[bytes]", self.fp)
        try:
            super()._open()
        except Exception as error:
            if stream.read(1):
                raise
            raise ImageError(_CUT_OFF) from error
        if not self.tile:  # Pillow is content with a header without a picture
            raise ImageError(_CUT_OFF)

    def load_read(self, read_bytes: int) -> bytes:
        data = cast("IO[bytes]", self.fp).read(read_bytes)
        if not data:
            raise ImageError(_CUT_OFF)
        return data

    def _read_dpi_from_exif(self) -> None:
        """Pillow parses EXIF for it, and warns."""


class Tiff(TiffImagePlugin.TiffImageFile):
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
    "TIFF": Tiff,
    "AVIF": _Avif,
}


def open_picture(data: bytes, max_pixels: int) -> tuple[ImageFile, int]:
    """The picture, its header read and its size checked, and its EXIF orientation."""
    if not data:
        raise ImageError(f"The picture is empty (0 bytes). Expected a {_ACCEPTED} file.")
    signature = _SIGNATURES.match(data)
    if signature is None:
        raise ImageError(f"This is not a picture of an accepted format. Expected {_ACCEPTED}. Begins: {data[:12]!r}.")
    name, exif = cast("str", signature.lastgroup), b""
    if name == "PNG":
        data, exif = _split_png(data)
    stream = BytesIO(data) if name == "JPEG" else _Stream(data)
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
                return orientation if orientation in TURNS else 1
    except struct.error:
        pass
    return 1

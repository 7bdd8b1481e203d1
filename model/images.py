"""Encoded pictures to pixels: the only decoder of the project, for training and serving alike.

bytes -> opened safely (`model.image_files`) -> decoded -> resized -> upright on white
"""

from __future__ import annotations

from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from PIL.ImageFile import ImageFile

from model.errors import ImageError
from model.image_files import TURNS, Tiff, open_picture, refusing_damage

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
    with refusing_damage(max_pixels):
        image, orientation = open_picture(data, max_pixels)
        # Resized as it is stored and turned when small: turning 12 megapixels takes 40 ms.
        size, box = _plan(image.size, (height, width) if orientation >= 5 else (width, height), fit)
        box = _load(image, size, box)
        resize = _resize_wide_grey if image.mode[0] in "IF" else _resize
        small = resize(image, size, box)
    upright = small.transpose(TURNS[orientation]) if orientation in TURNS else small
    if upright.mode == "RGB" and upright.size == (width, height):
        return np.array(upright)
    canvas = Image.new("RGB", (width, height), _BACKGROUND)
    corner = ((width - upright.width) // 2, (height - upright.height) // 2)
    canvas.paste(upright, corner, upright if upright.mode in ("LA", "RGBA") else None)
    return np.array(canvas)


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
    tags = image.tag_v2 if isinstance(image, Tiff) else {}
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

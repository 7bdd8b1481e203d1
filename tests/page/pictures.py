"""Pictures to give to the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from tests.tiny import COLOURS

ORIENTATION = 0x0112  # EXIF


def picture(colour: str, *, size: tuple[int, int] = (20, 16)) -> bytes:
    """A PNG of one of the colours that the tiny model was trained on."""
    file = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour]).save(file, "PNG")
    return file.getvalue()


def picture_file(directory: Path, colour: str, name: str = "picture.png") -> Path:
    """The same in a file."""
    file = directory / name
    file.write_bytes(picture(colour))
    return file


def data_url(png: bytes) -> str:
    """A PNG as JSON requests have it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def sideways_photo(file: Path) -> Path:
    """A JPEG as a phone writes it: stored as 2400 x 1800 and to be turned by 90 degrees; upright its top is red."""
    upright = Image.new("RGB", (1800, 2400), COLOURS["blue"])
    upright.paste(COLOURS["red"], (0, 0, 1800, 1200))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned clockwise, so it is stored turned the other way
    upright.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif, quality=90)
    return file

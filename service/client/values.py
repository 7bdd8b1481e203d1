"""What an example is made of, as the bytes and strings that a request carries."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from PIL import Image

    # A picture as a path, its encoded bytes or a PIL image; a text as a string; tags as a string or a list of them.
    # None is absent.
    Value = Path | bytes | str | Sequence[str] | Image.Image | None

# What PNG can hold as it is.
_PNG_MODES = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")


def encoded(example: Mapping[str, Value]) -> dict[str, bytes | str | list[str]]:
    """An example without what is absent, its pictures as files.

    Raises:
        ValueError: if nothing is left.
        TypeError: if a value is of no kind that can be sent.
        OSError: if a picture can't be read.
    """
    values = {name: _encoded(name, value) for name, value in example.items() if value is not None}
    if not values:
        raise ValueError("Give at least one input, as in predict(text='a red mug').")
    return values


def _encoded(name: str, value: Value) -> bytes | str | list[str]:
    if isinstance(value, (bytes, str)):
        return value
    if isinstance(value, Path):
        return value.read_bytes()
    if _is_picture(value):
        return _file_of(value)
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        return [str(one) for one in value]
    raise TypeError(
        f"{name!r} must be a path, bytes or a PIL image for a picture, a string for a text, a string or a list of "
        f"strings for tags. Received: {type(value).__name__}."
    )


def _is_picture(value: object) -> TypeGuard[Image.Image]:
    # Who has a PIL image has imported PIL; who has not, need not have it.
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def _file_of(image: Image.Image) -> bytes:
    """The file that a picture was opened from, or a PNG of one that was made or may have been changed since."""
    file = getattr(image, "filename", "")
    if file and getattr(image, "tile", None):  # pixels that were never read can't have been changed
        return Path(file).read_bytes()
    if image.mode not in _PNG_MODES:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    stream = io.BytesIO()
    # With EXIF, for its orientation. Not compressed much: on the way to a service time counts for more.
    image.save(stream, "PNG", compress_level=1, exif=image.getexif())
    return stream.getvalue()

"""Pillow, called by hand and by `model.images`: run as `python -m benchmarks.decoders.with_pillow FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.decoders.candidates import Picture, Pixels, decode_in_turn
from model import images

WHOLE = "Pillow, whole, Lanczos"
OURS = "model.images.decode"
DRAFTED = "Pillow, draft at twice the size, bicubic"


def ways(picture: Picture) -> Mapping[str, Callable[[bytes], Pixels]]:
    """Ours, and what people write."""
    wanted = picture.wanted_width, picture.wanted_height

    def whole(data: bytes) -> Pixels:
        return np.asarray(Image.open(BytesIO(data)).convert("RGB").resize(wanted, Image.Resampling.LANCZOS))

    def thumbnail(data: bytes) -> Pixels:
        image = Image.open(BytesIO(data))
        image.thumbnail(wanted)
        return np.asarray(image)

    def drafted(gap: int, filter_: Image.Resampling) -> Callable[[bytes], Pixels]:
        def decode(data: bytes) -> Pixels:
            image = Image.open(BytesIO(data))
            image.draft("RGB", (gap * wanted[0], gap * wanted[1]))
            return np.asarray(image.resize(wanted, filter_))

        return decode

    def ours(data: bytes) -> Pixels:
        return images.decode(data, height=picture.wanted_height, width=picture.wanted_width)

    return {
        OURS: ours,
        WHOLE: whole,
        "Pillow, thumbnail()": thumbnail,
        "Pillow, draft at the size, Lanczos": drafted(1, Image.Resampling.LANCZOS),
        DRAFTED: drafted(2, Image.Resampling.BICUBIC),
        "Pillow, draft at twice the size, box": drafted(2, Image.Resampling.BOX),
    }


if __name__ == "__main__":
    decode_in_turn(Path(sys.argv[1]), ways)

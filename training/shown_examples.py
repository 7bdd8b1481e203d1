"""Examples that a bundle brings along for everybody to try, where the recipe says that its rows may be published."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image

from model import images
from model.examples import Example

COUNT = 6
SIDE_PX = 192
_QUALITY = 85


def shown(golden: Sequence[Example]) -> list[dict[str, str]]:
    """The golden examples that have most inputs, at most `COUNT`, as a request has them.

    Args:
        golden: of the validation split.

    Returns:
        For each its inputs by name: texts as they are, pictures as data URLs of JPEGs of `SIDE_PX` a side, with white
        where the picture is not square.
    """
    most = max(map(len, golden), default=0)
    whole = [example for example in golden if len(example) == most][:COUNT]
    return [
        {name: value if isinstance(value, str) else _data_url(value) for name, value in example.items()}
        for example in whole
    ]


def _data_url(picture: bytes) -> str:
    stream = io.BytesIO()
    pixels = images.decode(picture, height=SIDE_PX, width=SIDE_PX)
    Image.fromarray(pixels).save(stream, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")

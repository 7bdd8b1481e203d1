"""Heat maps over their pictures, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model import images
from model.examples import Example
from model.spec import ImageInput, ModelSpec
from service.engine.explanation import Explanation

SIDE_PX = 384
GAP_PX = 4
HEAT_SHARE = 0.6

# From nothing to the most, over purple and orange to yellow: brighter too, for those who don't see the colours.
_COLOURS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float32)


def heatmap_image(
    spec: ModelSpec, example: Example, explanations: Mapping[str, Explanation], *, max_pixels: int
) -> Image.Image | None:
    """A row for each head that is explained, in it each picture of the example under its heat map.

    The pictures are fitted as the model saw them, only larger.

    Args:
        spec: of the model.
        example: that is explained.
        explanations: by head.
        max_pixels: of a picture at most.

    Returns:
        None if the example has no picture.
    """
    rows = []
    for explanation in explanations.values():
        row = []
        for name, heatmap in explanation.heatmaps.items():
            given, data = spec.inputs[name], example[name]
            if isinstance(given, ImageInput) and isinstance(data, bytes):
                row.append(_overlaid(_seen(data, given, max_pixels), heatmap))
        rows.append(row)
    if not any(rows):
        return None
    return _stacked([_beside(row) for row in rows])


def _seen(data: bytes, given: ImageInput, max_pixels: int) -> NDArray[np.uint8]:
    """uint8 (height, width, 3), a whole number of times the size of the input."""
    times = max(1, SIDE_PX // max(given.height, given.width))
    return images.decode(
        data, height=times * given.height, width=times * given.width, fit=given.fit, max_pixels=max_pixels
    )


def _overlaid(pixels: NDArray[np.uint8], heatmap: NDArray[np.float32]) -> Image.Image:
    """Grey where nothing was seen, and the brighter in colour the more was.

    Args:
        pixels: uint8 (height, width, 3).
        heatmap: float32, of a size of its own, 0 or more.
    """
    size = (pixels.shape[1], pixels.shape[0])
    heat = np.asarray(Image.fromarray(heatmap / (heatmap.max() or 1)).resize(size, Image.Resampling.BILINEAR))
    places = np.linspace(0, 1, len(_COLOURS))
    coloured = np.stack([np.interp(heat, places, _COLOURS[:, channel]) for channel in range(3)], axis=-1)
    share = HEAT_SHARE * heat[:, :, np.newaxis]
    mixed = pixels.mean(axis=2, keepdims=True) * (1 - share) + coloured * share
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _beside(row: Sequence[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (sum(one.width + GAP_PX for one in row) - GAP_PX, max(one.height for one in row)), "white")
    left = 0
    for one in row:
        sheet.paste(one, (left, 0))
        left += one.width + GAP_PX
    return sheet


def _stacked(rows: Sequence[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (rows[0].width, sum(one.height + GAP_PX for one in rows) - GAP_PX), "white")
    top = 0
    for one in rows:
        sheet.paste(one, (0, top))
        top += one.height + GAP_PX
    return sheet

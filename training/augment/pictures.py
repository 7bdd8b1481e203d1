"""Pictures mirrored, moved, recoloured and partly erased."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.augment_settings import AugmentSettings

DRAWS = 13
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's grey

# Share of the picture that is erased, and height by width of the rectangle: torchvision's, after Zhong 2017.
ERASED_AREA = (0.02, 0.33)
ERASED_ASPECT = (0.3, 1 / 0.3)


def pictures(
    values: NDArray[np.uint8], given: NDArray[np.bool_], settings: AugmentSettings, seeds: NDArray[np.uint64]
) -> NDArray[np.uint8]:
    """The pictures of a batch, varied. What comes in from outside a picture has the colour of its border.

    Args:
        values: uint8 (batch, height, width, 3).
        given: bool (batch,); the others are not touched.
        settings: how.
        seeds: uint64 (batch,), of each picture's draws, so that one is varied alike in any company.

    Returns:
        uint8 (batch, height, width, 3); `values` itself if nothing is to be varied.
    """
    moves = bool(settings.shift or settings.zoom or settings.rotation)
    if not (settings.flip or moves or settings.colour or settings.erasing):
        return values
    varied = values.copy()
    for row in np.flatnonzero(given).tolist():
        random = np.random.default_rng(seeds[row])
        draw, pixels = random.random(DRAWS), values[row]  # all of them always: no draw hangs on another setting
        if draw[0] < settings.flip:
            pixels = pixels[:, ::-1]
        if moves or settings.colour:
            image = Image.fromarray(pixels)
            if moves:
                image = _moved(image, pixels, settings, draw[1:5])
            if settings.colour:
                image = _coloured(image, settings.colour, draw[5:8])
            pixels = np.asarray(image)
        varied[row] = pixels
        if draw[8] < settings.erasing:
            _erase(varied[row], draw[9:13], random)
    return varied


def _moved(
    image: Image.Image, pixels: NDArray[np.uint8], settings: AugmentSettings, draw: NDArray[np.float64]
) -> Image.Image:
    """Shifted, zoomed and turned at once, so that it is resampled once."""
    across, down, zoom, rotation = (2 * draw - 1).tolist()
    centre_x, centre_y = image.width / 2, image.height / 2
    angle, scale = math.radians(settings.rotation * rotation), 1 + settings.zoom * zoom
    cosine, sine = math.cos(angle) / scale, math.sin(angle) / scale
    # Where in the picture the middle of what comes out lies; Pillow asks where each pixel comes from.
    x, y = centre_x + settings.shift * across * image.width, centre_y + settings.shift * down * image.height
    matrix = (
        *(cosine, sine, centre_x - cosine * x - sine * y),
        *(-sine, cosine, centre_y + sine * x - cosine * y),
    )
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (pixels, 3)
    colour = tuple(np.partition(border, len(border) // 2, axis=0)[len(border) // 2].tolist())  # its median
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=colour)


def _coloured(image: Image.Image, most: float, draw: NDArray[np.float64]) -> Image.Image:
    """With other brightness, contrast and saturation, all three as one linear map of red, green and blue."""
    brightness, contrast, saturation = (1 + most * (2 * draw - 1)).tolist()
    mean = cast("tuple[int, int, int]", image.reduce(image.size).getpixel((0, 0)))
    grey = sum(weight * value for weight, value in zip(LUMA, mean, strict=True))
    gain = brightness * contrast
    offset = grey * brightness * (1 - contrast)
    matrix = [
        value
        for channel in range(3)
        for value in (
            *(gain * ((1 - saturation) * LUMA[other] + saturation * (channel == other)) for other in range(3)),
            offset,
        )
    ]
    return image.convert("RGB", tuple(matrix))


def _erase(pixels: NDArray[np.uint8], draw: NDArray[np.float64], random: np.random.Generator) -> None:
    """Puts noise in place of a rectangle (Zhong 2017, arXiv:1708.04896)."""
    height, width = pixels.shape[:2]
    area = height * width * (ERASED_AREA[0] + (ERASED_AREA[1] - ERASED_AREA[0]) * draw[0])
    low, high = np.log(ERASED_ASPECT)
    aspect = math.exp(low + (high - low) * draw[1])
    rows = min(max(round(math.sqrt(area * aspect)), 1), height)
    columns = min(max(round(math.sqrt(area / aspect)), 1), width)
    top, left = int(draw[2] * (height - rows + 1)), int(draw[3] * (width - columns + 1))
    pixels[top : top + rows, left : left + columns] = random.integers(0, 256, (rows, columns, 3), np.uint8)

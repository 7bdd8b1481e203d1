"""What a network sees in a picture, as pictures: the channels of a stage, and a heat map over the picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

CELL_PX = 96
GAP_PX = 2
HEAT_SHARE = 0.55


def grid(features: NDArray[np.float32]) -> Image.Image:
    """The channels of a feature map side by side, each from its lowest value (dark) to its highest (bright).

    Args:
        features: float32 (height, width, channels).
    """
    height, width, channels = features.shape
    scale = max(1, CELL_PX // max(height, width))
    columns = math.ceil(math.sqrt(channels))
    rows = math.ceil(channels / columns)
    cell = (width * scale, height * scale)
    sheet = Image.new("RGB", (columns * (cell[0] + GAP_PX) - GAP_PX, rows * (cell[1] + GAP_PX) - GAP_PX), "white")
    for channel in range(channels):
        picture = Image.fromarray(_coloured(_stretched(features[:, :, channel]), "viridis"))
        row, column = divmod(channel, columns)
        sheet.paste(
            picture.resize(cell, Image.Resampling.NEAREST), (column * (cell[0] + GAP_PX), row * (cell[1] + GAP_PX))
        )
    return sheet


def overlay(pixels: NDArray[np.uint8], heatmap: NDArray[np.float32]) -> Image.Image:
    """A heat map over its picture: grey where nothing was seen, warm where the label was.

    Args:
        pixels: uint8 (height, width, 3).
        heatmap: float32 (height, width), 0 or more.
    """
    heat = heatmap / heatmap.max() if heatmap.max() > 0 else np.zeros_like(heatmap)
    grey = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2)
    share = HEAT_SHARE * heat[:, :, np.newaxis]
    mixed = grey * (1 - share) + _coloured(heat, "inferno") * share
    scale = max(1, 256 // max(pixels.shape[:2]))
    picture = Image.fromarray(mixed.astype(np.uint8))
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def save(picture: Image.Image, file: Path) -> Path:
    """Writes a picture and gives back its file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)
    return file


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _coloured(values: NDArray[np.float32], colours: str) -> NDArray[np.uint8]:
    """Numbers from 0 to 1, (height, width), to uint8 (height, width, 3)."""
    return (colormaps[colours](values)[:, :, :3] * 255).astype(np.uint8)

"""A sheet to draw on in shares of its side, so that a drawing is the same at every size."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


def tone(colour: Colour, change: float) -> Colour:
    """`colour` towards white by `change` (0 to 1), or towards black where `change` is negative (-1 to 0)."""
    goal = 255 if change > 0 else 0
    red, green, blue = (round(part + (goal - part) * abs(change)) for part in colour)
    return red, green, blue


def mirrored(points: Sequence[Point]) -> list[Point]:
    """`points` of a left half from top to bottom, and the right half back up, about the line x = 0.5."""
    return [*points, *((1 - x, y) for x, y in reversed(points))]


class Sketch:
    """A square layer; x, y, radii and widths are shares of its side, and y grows downwards.

    Args:
        side_px: side of the layer.
        ground: what it is filled with; None leaves it transparent.
    """

    def __init__(self, side_px: int, *, ground: Colour | None = None) -> None:
        self.side_px = side_px
        size = (side_px, side_px)
        self.layer = Image.new("RGBA", size) if ground is None else Image.new("RGB", size, ground)
        self._draw = ImageDraw.Draw(self.layer)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled shape with straight sides."""
        self._draw.polygon(self._pixels(points), fill=colour)

    def blob(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled shape with a smooth outline through `points` (closed Catmull-Rom spline)."""
        self.polygon(_smooth(points), colour)

    def ellipse(self, centre: Point, radii: Point, colour: Colour, *, width: float | None = None) -> None:
        """A filled ellipse, or a ring of `width` inside the same outline."""
        (x, y), (across, down) = centre, radii
        box = self._pixels([(x - across, y - down), (x + across, y + down)])
        if width is None:
            self._draw.ellipse(box, fill=colour)
        else:
            self._draw.ellipse(box, outline=colour, width=self._width(width))

    def rectangle(self, start: Point, end: Point, colour: Colour, *, radius: float = 0.0) -> None:
        """A filled rectangle from its upper left to its lower right corner, rounded by `radius`."""
        self._draw.rounded_rectangle(self._pixels([start, end]), self.side_px * radius, fill=colour)

    def line(self, points: Sequence[Point], colour: Colour, *, width: float) -> None:
        """A stroke with round joints and ends."""
        self._draw.line(self._pixels(points), fill=colour, width=self._width(width), joint="curve")
        for end in (points[0], points[-1]):
            self.ellipse(end, (width / 2, width / 2), colour)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.side_px, y * self.side_px) for x, y in points]

    def _width(self, width: float) -> int:
        return max(1, round(width * self.side_px))


def _smooth(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """`steps` points on the closed Catmull-Rom spline for each of `points`."""
    here = np.array(points)[:, None]  # (points, 1, 2)
    before, after, beyond = (np.roll(here, shift, axis=0) for shift in (1, -1, -2))
    t = (np.arange(steps) / steps)[None, :, None]  # (1, steps, 1)
    curve = here + 0.5 * t * (
        after - before + t * (2 * before - 5 * here + 4 * after - beyond + t * (3 * (here - after) + beyond - before))
    )  # (points, steps, 2)
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]

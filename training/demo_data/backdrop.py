"""What is around the thing in a demo picture: a wall, a table, clutter, and what may hide the thing."""

import colorsys

from PIL import Image

from training.demo_data.dice import Dice
from training.demo_data.sketch import Colour, Point, Sketch, tone

LEAST_CONTRAST = 130  # summed over the three channels, between the thing and what is behind it


def draw_backdrop(side_px: int, dice: Dice, thing_colour: Colour) -> Sketch:
    """A wall, mostly a table before it, both in colours that the thing stands out from, and some clutter."""
    wall = _soft_colour(dice, thing_colour)
    sketch = _faded(side_px, dice, wall)
    match dice.pick(("plain", "stripes", "dots", "tiles")):
        case "stripes":
            for place in range(0, 10, 2):
                sketch.rectangle((place / 10, 0.0), ((place + 1) / 10, 1.0), tone(wall, 0.12))
        case "dots":
            for place in range(36):
                centre = (place % 6 / 5, place // 6 / 5 + 0.1 * (place % 2))
                sketch.ellipse(centre, (0.025, 0.025), tone(wall, 0.3))
        case "tiles":
            for place in range(1, 6):
                sketch.line([(0.0, place / 6), (1.0, place / 6)], tone(wall, -0.1), width=0.012)
                sketch.line([(place / 6, 0.0), (place / 6, 1.0)], tone(wall, -0.1), width=0.012)
    if dice.chance(0.7):
        _draw_table(sketch, dice, _soft_colour(dice, thing_colour))
    for _ in range(dice.pick((0, 0, 1, 1, 2))):
        _draw_clutter(sketch, dice)
    return sketch


def draw_wrapping(sketch: Sketch, dice: Dice, centre: Point, reach: float) -> None:
    """Crumpled paper over most of the thing.

    Args:
        sketch: the layer in front of the picture.
        dice: chance.
        centre: middle of the thing.
        reach: half the side of the square that the thing fills.
    """
    paper: Colour = dice.pick(((198, 164, 120), (226, 220, 206), (150, 168, 186)))
    corners = ((-1.0, -0.85), (0.1, -1.05), (1.05, -0.8), (0.9, 0.1), (1.0, 0.95), (-0.1, 1.0), (-0.95, 0.9))
    crumpled = [
        (
            centre[0] + reach * (0.9 * across + dice.between(-0.12, 0.12)),
            centre[1] + reach * (0.9 * down + dice.between(-0.12, 0.12)),
        )
        for across, down in corners
    ]
    sketch.polygon(crumpled, paper)
    for start, end in zip(crumpled[:3], crumpled[3:6], strict=True):
        sketch.line([start, end], tone(paper, dice.pick((-0.18, 0.25))), width=0.012)


def draw_obstacle(sketch: Sketch, dice: Dice, centre: Point, reach: float) -> None:
    """A scarf, a box or a leaf over an edge of the thing; the arguments are those of `draw_wrapping`."""
    side = dice.pick((-1, 1))
    x = centre[0] + side * reach * dice.between(0.75, 0.95)
    y = centre[1] + reach * dice.between(-0.6, 0.9)
    match dice.pick(("scarf", "box", "leaf")):
        case "scarf":
            colour = _any_colour(dice, saturation=(0.2, 0.7))
            width = reach * dice.between(0.25, 0.4)
            sketch.line([(x, -0.1), (x + dice.between(-0.12, 0.12), 1.1)], colour, width=width)
        case "box":
            half = reach * dice.between(0.3, 0.42)
            sketch.rectangle((x - half, y - half), (x + half, y + half), (190, 150, 104))
            sketch.rectangle((x - half, y - 0.02), (x + half, y + 0.02), (222, 196, 152))
        case "leaf":
            half = side * reach * dice.between(0.35, 0.5)
            tips = ((-1.0, -1.0), (0.4, -0.3), (1.0, 1.0), (-0.4, 0.3))
            sketch.blob([(x + across * half, y + abs(half) * down) for across, down in tips], (70, 130, 78))


def _draw_table(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    edge = dice.between(0.58, 0.82)
    sketch.rectangle((0.0, edge), (1.0, 1.0), colour)
    sketch.rectangle((0.0, edge), (1.0, edge + 0.015), tone(colour, 0.35))
    if dice.chance(0.5):
        for place in range(1, 4):
            y = edge + place * (1 - edge) / 4
            sketch.line([(0.0, y), (1.0, y)], tone(colour, -0.13), width=0.01)


def _draw_clutter(sketch: Sketch, dice: Dice) -> None:
    x, y = dice.pick((dice.between(0.0, 0.2), dice.between(0.8, 1.0))), dice.between(0.1, 0.9)
    half = dice.between(0.05, 0.11)
    colour = _any_colour(dice, saturation=(0.25, 0.65))
    match dice.pick(("ball", "books", "frame", "plant", "kite")):
        case "ball":
            sketch.ellipse((x, y), (half, half), colour)
            sketch.ellipse((x - half * 0.3, y - half * 0.3), (half * 0.3, half * 0.3), tone(colour, 0.5))
        case "books":
            for place in range(3):
                shade = tone(colour, (-0.3, 0.25, 0.0)[place])
                top = y + (place - 1.5) * half * 0.6
                slide = dice.between(-0.02, 0.02)
                sketch.rectangle((x - half * 1.3 + slide, top), (x + half * 1.3 + slide, top + half * 0.55), shade)
        case "frame":
            sketch.rectangle((x - half, y - half * 1.2), (x + half, y + half * 1.2), tone(colour, -0.4))
            sketch.rectangle((x - half * 0.7, y - half * 0.9), (x + half * 0.7, y + half * 0.9), tone(colour, 0.6))
        case "plant":
            for lean in (-0.8, 0.0, 0.8):
                tip = (x + lean * half, y - half * 1.6)
                sketch.blob([(x - 0.02, y), (tip[0] - 0.02, tip[1] + half), tip, (x + 0.02, y)], (84, 142, 92))
            sketch.polygon(
                [
                    (x - half * 0.6, y),
                    (x + half * 0.6, y),
                    (x + half * 0.4, y + half),
                    (x - half * 0.4, y + half),
                ],
                colour,
            )
        case "kite":
            sketch.polygon([(x, y - half), (x + half, y), (x, y + half), (x - half, y)], colour)


def _faded(side_px: int, dice: Dice, colour: Colour) -> Sketch:
    """A sketch filled with `colour`, lighter towards one side."""
    sketch = Sketch(side_px, ground=tone(colour, -dice.between(0.0, 0.2)))
    slope = Image.linear_gradient("L").rotate(dice.pick((0, 90, 180, 270)))
    mask = slope.resize(sketch.layer.size, Image.Resampling.NEAREST)
    sketch.layer.paste(tone(colour, dice.between(0.0, 0.4)), (0, 0), mask)
    return sketch


def _soft_colour(dice: Dice, thing_colour: Colour) -> Colour:
    """A pale colour that the thing stands out from."""
    while True:
        colour = _any_colour(dice, saturation=(0.05, 0.4))
        if sum(abs(part - other) for part, other in zip(colour, thing_colour, strict=True)) >= LEAST_CONTRAST:
            return colour


def _any_colour(dice: Dice, *, saturation: tuple[float, float]) -> Colour:
    parts = colorsys.hsv_to_rgb(dice.between(0, 1), dice.between(*saturation), dice.between(0.55, 0.95))
    red, green, blue = (round(part * 255) for part in parts)
    return red, green, blue

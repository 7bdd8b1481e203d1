"""A picture of one thing: its drawing, posed before a backdrop, lit, sometimes hidden, with a camera's noise.

Nothing here knows the condition of the thing.
"""

import math

import numpy as np
from PIL import Image, ImageFilter

from training.demo_data.backdrop import draw_backdrop, draw_obstacle, draw_wrapping
from training.demo_data.dice import Dice
from training.demo_data.sketch import Colour, Point, Sketch, tone
from training.demo_data.things import DESIGNS

PARTLY_HIDDEN_SHARE = 0.12
MOSTLY_HIDDEN_SHARE = 0.02

# Everything is drawn this much larger than it is saved, for smooth edges.
OVERSAMPLING = 3


def photograph(thing: str, colour: Colour, *, size_px: int, dice: Dice) -> Image.Image:
    """An RGB picture of `size_px` by `size_px`.

    Args:
        thing: a key of `DESIGNS`.
        colour: the thing's own colour; the picture varies it a little.
        size_px: side of the picture.
        dice: chance; all that differs between two pictures of the same thing and colour.
    """
    red, green, blue = (round(min(max(part + dice.between(-16, 16), 0), 255)) for part in colour)
    side_px = size_px * OVERSAMPLING
    scene = draw_backdrop(side_px, dice, (red, green, blue))
    subject = Sketch(side_px)
    dice.pick(DESIGNS[thing])(subject, dice, (red, green, blue))

    scale = dice.between(0.72, 1.0)
    roam = 0.53 - scale / 2  # a little of the thing may leave the frame
    centre = (0.5 + dice.between(-roam, roam), 0.5 + dice.between(-roam, roam))
    posed = _pose(subject.layer, dice, centre, scale)
    if dice.chance(0.6):
        posed = _outlined(posed, tone((red, green, blue), -0.65))

    picture = scene.layer.reduce(OVERSAMPLING)
    posed = posed.reduce(OVERSAMPLING)
    _cast_shadow(picture, posed.getchannel("A"), dice)
    picture.paste(_shaded(posed, dice), mask=posed.getchannel("A"))
    fate = dice.between(0, 1)
    if fate < MOSTLY_HIDDEN_SHARE + PARTLY_HIDDEN_SHARE:
        front = Sketch(side_px)
        draw_cover = draw_wrapping if fate < MOSTLY_HIDDEN_SHARE else draw_obstacle
        draw_cover(front, dice, centre, scale / 2)
        cover = front.layer.reduce(OVERSAMPLING)
        picture.paste(cover, mask=cover.getchannel("A"))
    if dice.chance(0.1):
        picture = picture.filter(ImageFilter.GaussianBlur(size_px / 100))
    return _exposed(picture, dice)


def _pose(layer: Image.Image, dice: Dice, centre: Point, scale: float) -> Image.Image:
    """Turn, lean, mirror, scale and move the drawing."""
    angle, lean = math.radians(dice.between(-14, 14)), dice.between(-0.1, 0.1)
    mirror = dice.pick((-1, 1))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    forward = turn @ np.array([[mirror * scale, lean * scale], [0.0, scale]])
    back = np.linalg.inv(forward)  # Pillow asks where a pixel of the result comes from
    side_px = layer.width
    shift = side_px * (np.array([0.5, 0.5]) - back @ np.array(centre))
    matrix = (*back[0].tolist(), float(shift[0]), *back[1].tolist(), float(shift[1]))
    return layer.transform(layer.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _outlined(layer: Image.Image, colour: Colour) -> Image.Image:
    """The drawing with a dark line around it."""
    spread = layer.getchannel("A").filter(ImageFilter.GaussianBlur(layer.width / 110))
    outline = Image.new("RGBA", layer.size, colour)
    outline.putalpha(spread.point([min(255, level * 6) for level in range(256)]))
    outline.alpha_composite(layer)
    return outline


def _cast_shadow(picture: Image.Image, alpha: Image.Image, dice: Dice) -> None:
    """Darken the picture where the thing keeps the light away."""
    reach = picture.width * 0.06
    place = (round(dice.between(-reach, reach)), round(dice.between(0, reach)))
    strength = dice.between(0.2, 0.5)
    shadow = Image.new("L", picture.size)
    shadow.paste(alpha.point([round(level * strength) for level in range(256)]), place)
    picture.paste((24, 22, 34), (0, 0), shadow.filter(ImageFilter.GaussianBlur(picture.width / 32)))


def _shaded(layer: Image.Image, dice: Dice) -> Image.Image:
    """The drawing, bright on one side and dark on the other, which makes flat shapes look round."""
    depth = dice.between(0.1, 0.28) * dice.pick((-1, 1))
    across = np.linspace(1 + depth, 1 - depth, layer.width)[None, :, None]  # (1, width, 1)
    down = np.linspace(1.06, 0.92, layer.height)[:, None, None]  # (height, 1, 1)
    return Image.fromarray(_levels(np.asarray(layer.convert("RGB")) * across * down))


def _exposed(picture: Image.Image, dice: Dice) -> Image.Image:
    """Brightness, colour of the light and sensor noise."""
    light = dice.between(0.82, 1.12) * np.array([dice.between(0.95, 1.05) for _ in range(3)])
    noise = dice.generator.normal(0.0, dice.between(1.0, 6.0), (picture.height, picture.width, 3))
    return Image.fromarray(_levels(np.asarray(picture) * light + noise))


def _levels(values: np.ndarray) -> np.ndarray:
    return values.clip(0, 255).astype(np.uint8)

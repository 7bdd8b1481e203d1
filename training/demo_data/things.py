"""The drawings of the things for sale: two designs of each, with shapes and ornaments left to the dice.

Every function draws one thing upright in its colour, filling most of the sketch.
"""

from collections.abc import Callable, Mapping, Sequence

from training.demo_data.dice import Dice
from training.demo_data.sketch import Colour, Point, Sketch, mirrored, tone

CREAM: Colour = (246, 240, 224)
METALS: tuple[Colour, ...] = ((176, 178, 186), (196, 160, 92), (92, 90, 98), (150, 104, 70))
LIGHT: Colour = (255, 236, 158)

Drawing = Callable[[Sketch, Dice, Colour], None]


def straight_mug(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A mug with straight walls, a handle on its right and a band, dots or a heart on its front."""
    top, bottom = dice.between(0.14, 0.24), dice.between(0.80, 0.88)
    left, taper = dice.between(0.12, 0.18), dice.between(0.0, 0.05)
    right = left + dice.between(0.46, 0.54)
    middle, rim = (left + right) / 2, (right - left) / 2
    grip = dice.between(0.17, 0.22)
    sketch.ellipse((right - 0.01, (top + bottom) / 2), (grip, grip * 1.15), tone(colour, -0.18), width=0.07)
    sketch.polygon([(left, top), (right, top), (right - taper, bottom - 0.02), (left + taper, bottom - 0.02)], colour)
    sketch.ellipse((middle, bottom - 0.02), (rim - taper, 0.055), colour)
    _ornament(sketch, dice, (middle, (top + bottom) / 2 + 0.04), rim - taper, colour)
    sketch.ellipse((middle, top), (rim, 0.075), tone(colour, 0.35))
    inside = dice.pick(((84, 54, 38), (168, 112, 62), tone(colour, -0.45)))
    sketch.ellipse((middle, top + 0.008), (rim - 0.045, 0.048), inside)


def tea_cup(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A round cup with a handle on its right, on a saucer."""
    top, bottom = dice.between(0.24, 0.32), dice.between(0.76, 0.80)
    half = dice.between(0.29, 0.34)
    middle = 0.44
    plate = dice.pick((tone(colour, -0.12), CREAM))
    sketch.ellipse((middle, bottom + 0.02), (half + 0.11, 0.075), tone(plate, -0.15))
    sketch.ellipse((middle, bottom), (half + 0.11, 0.075), plate)
    grip = dice.between(0.13, 0.16)
    sketch.ellipse((middle + half - 0.01, top + 0.17), (grip, grip), tone(colour, -0.18), width=0.055)
    bowl = [(1.0, top), (0.97, top + 0.17), (0.84, bottom - 0.13), (0.60, bottom - 0.03), (0.40, bottom + 0.02)]
    sketch.polygon([(x + middle - 0.5, y) for x, y in mirrored([(0.5 - half * x, y) for x, y in bowl])], colour)
    _ornament(sketch, dice, (middle, top + 0.2), half * 0.8, colour)
    sketch.ellipse((middle, top), (half, 0.075), tone(colour, 0.35))
    sketch.ellipse((middle, top + 0.008), (half - 0.045, 0.048), dice.pick(((84, 54, 38), (190, 120, 50))))


def table_lamp(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A lamp with a wide shade on a slim or round foot, lit or not."""
    metal = dice.pick(METALS)
    top, hem = dice.between(0.06, 0.12), dice.between(0.44, 0.52)
    crown, brim = dice.between(0.12, 0.24), dice.between(0.30, 0.38)
    sketch.rectangle((0.475, hem - 0.04), (0.525, 0.88), tone(metal, -0.1))
    if dice.chance(0.5):
        belly = dice.between(0.10, 0.15)
        vase = [(0.5 - 0.03, hem + 0.08), (0.5 - belly, 0.72), (0.5 - belly * 0.6, 0.86)]
        sketch.blob(mirrored(vase), dice.pick((metal, CREAM, tone(colour, -0.3))))
    sketch.ellipse((0.5, 0.89), (dice.between(0.16, 0.22), 0.05), metal)
    lit = dice.chance(0.5)
    if lit:
        sketch.ellipse((0.5, hem + 0.01), (0.07, 0.07), LIGHT)
    shade = mirrored([(0.5 - crown, top), (0.5 - brim, hem)])
    sketch.polygon(shade, tone(colour, 0.25) if lit else colour)
    sketch.ellipse((0.5, top), (crown, 0.03), tone(colour, 0.4))
    trim = tone(colour, -0.3) if dice.chance(0.7) else CREAM
    sketch.polygon([(0.5 - brim + 0.006, hem - 0.045), (0.5 + brim - 0.006, hem - 0.045), shade[2], shade[1]], trim)


def desk_lamp(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A lamp with a jointed arm whose head points down to the right."""
    metal = dice.pick(METALS)
    elbow, neck = (dice.between(0.16, 0.26), dice.between(0.44, 0.52)), (0.55, dice.between(0.16, 0.22))
    foot = (dice.between(0.36, 0.44), 0.86)
    sketch.ellipse((foot[0], 0.89), (0.24, 0.06), tone(colour, -0.25))
    sketch.ellipse((foot[0], 0.87), (0.24, 0.055), colour)
    sketch.line([foot, elbow, neck], metal, width=0.05)
    sketch.ellipse(elbow, (0.045, 0.045), tone(metal, -0.35))
    x, y = neck
    sketch.ellipse((x + 0.19, y + 0.21), (0.09, 0.09), LIGHT)
    spread = dice.between(0.0, 0.04)
    head = [(x - 0.07, y + 0.05), (x + 0.06, y - 0.08), (x + 0.37 + spread, y + 0.08), (x + 0.06, y + 0.36 + spread)]
    sketch.polygon(head, colour)
    sketch.line([head[2], head[3]], tone(colour, 0.45), width=0.035)


def sneaker(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A low shoe seen from its side, toe to the right, with laces and a thick sole."""
    ankle, sole = dice.between(0.24, 0.32), dice.between(0.70, 0.73)
    toe = dice.between(0.52, 0.58)
    heel = [(0.10, sole + 0.04), (0.07, 0.50), (0.10, ankle), (0.20, ankle + 0.06), (0.34, ankle - 0.02)]
    vamp = [(0.44, ankle + 0.10), (0.60, toe - 0.09), (0.78, toe - 0.02), (0.90, sole - 0.07), (0.90, sole + 0.04)]
    sketch.blob([*heel, *vamp], colour)
    sketch.ellipse((0.23, ankle + 0.035), (0.115, 0.035), tone(colour, -0.5))
    cap = [(0.72, sole + 0.03), (0.76, toe + 0.01), (0.84, toe + 0.03), (0.91, sole - 0.05), (0.89, sole + 0.03)]
    sketch.blob(cap, tone(colour, 0.5))
    stripe = dice.pick((CREAM, tone(colour, -0.4), tone(colour, 0.55)))
    for start in (0.20, 0.29)[: 1 + int(dice.chance(0.6))]:
        sketch.line([(start, sole - 0.03), (start + 0.12, 0.48)], stripe, width=0.045)
    for place in range(3):
        x, y = 0.42 + 0.075 * place, ankle + 0.11 + (toe - ankle - 0.16) * place / 2.4
        sketch.line([(x - 0.035, y + 0.055), (x + 0.045, y - 0.015)], CREAM, width=0.03)
    rubber = dice.pick((CREAM, (250, 250, 250), tone(colour, -0.45)))
    sketch.rectangle((0.06, sole - 0.02), (0.95, sole + 0.09), rubber, radius=0.045)
    sketch.line([(0.09, sole + 0.075), (0.92, sole + 0.075)], tone(rubber, -0.35), width=0.02)


def boot(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A boot seen from its side, toe to the right, with a shaft and a heel."""
    top, shaft = dice.between(0.08, 0.18), dice.between(0.27, 0.33)
    left, instep = dice.between(0.16, 0.20), dice.between(0.52, 0.58)
    right = left + shaft
    front = [(right, top), (right + 0.01, instep - 0.07), (right + 0.08, instep + 0.03), (right + 0.24, instep + 0.10)]
    back = [(0.88, 0.72), (0.89, 0.82), (left - 0.02, 0.82), (left + 0.015, 0.6), (left, top)]
    sketch.polygon([*front, *back], colour)
    sketch.ellipse((0.80, 0.745), (0.095, 0.085), colour)
    sketch.rectangle((left - 0.02, top - 0.02), (right + 0.02, top + 0.07), tone(colour, -0.3), radius=0.03)
    heel = dice.between(0.88, 0.92)
    leather: Colour = (74, 54, 44)
    sketch.rectangle((left - 0.03, 0.80), (0.91, 0.86), leather, radius=0.02)
    sketch.rectangle((left - 0.03, 0.80), (left + 0.21, heel), leather, radius=0.01)
    if dice.chance(0.5):
        for place in range(4):
            y = top + 0.14 + place * (instep - top - 0.16) / 3.4
            sketch.line([(right - 0.11, y + 0.03), (right - 0.005, y)], CREAM, width=0.026)
    else:
        sketch.line([(left + 0.02, instep + 0.02), (right + 0.06, instep + 0.02)], tone(colour, -0.45), width=0.045)
        sketch.ellipse((right - 0.04, instep + 0.02), (0.045, 0.045), dice.pick(METALS), width=0.022)


def tote(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A shopping bag with two long handles."""
    top, wide, narrow = dice.between(0.38, 0.44), dice.between(0.33, 0.40), dice.between(0.26, 0.33)
    reach, rise = dice.between(0.14, 0.19), dice.between(0.26, 0.32)
    handle = dice.pick((tone(colour, -0.35), (122, 84, 56), CREAM))
    sketch.ellipse((0.53, top), (reach, rise - 0.02), tone(handle, -0.3), width=0.04)
    body = mirrored([(0.5 - narrow, top), (0.5 - wide, 0.90)])
    sketch.polygon(body, colour)
    sketch.polygon(
        [body[0], body[3], (0.5 + narrow + 0.012, top + 0.07), (0.488 - narrow, top + 0.07)],
        tone(colour, -0.25),
    )
    _ornament(sketch, dice, (0.5, 0.69), narrow, colour)
    # The front handle is sewn on in front of the bag: an arch whose ends run down over the cloth.
    arch = [(1.0, top + 0.10), (1.0, top - rise * 0.45), (0.85, top - rise * 0.8), (0.45, top - rise)]
    sketch.line(mirrored([(0.5 - reach * x, y) for x, y in arch]), handle, width=0.045)


def handbag(sketch: Sketch, dice: Dice, colour: Colour) -> None:
    """A small bag with one arched handle, a flap and a metal clasp."""
    metal = dice.pick(METALS)
    top, half, bottom = dice.between(0.40, 0.46), dice.between(0.36, 0.42), dice.between(0.82, 0.90)
    reach, rise = dice.between(0.18, 0.25), dice.between(0.22, 0.30)
    sketch.ellipse((0.5, top + 0.02), (reach, rise), tone(colour, -0.35), width=0.055)
    sketch.rectangle((0.5 - half, top), (0.5 + half, bottom), colour, radius=0.08)
    flap = dice.between(0.16, 0.24)
    edge = [(0.5 - half, top + 0.05), (0.53 - half, top + flap), (0.46, top + flap + 0.05)]
    sketch.polygon(mirrored(edge), tone(colour, -0.22))
    sketch.rectangle((0.5 - half, top), (0.5 + half, top + 0.12), tone(colour, -0.22), radius=0.06)
    sketch.rectangle((0.445, top + flap - 0.02), (0.555, top + flap + 0.10), metal, radius=0.02)
    sketch.ellipse((0.5, top + flap + 0.04), (0.02, 0.02), tone(metal, -0.5))
    for side in (-1, 1):
        sketch.ellipse((0.5 + side * (reach - 0.025), top + 0.01), (0.045, 0.045), metal, width=0.022)


def _ornament(sketch: Sketch, dice: Dice, centre: Point, half: float, colour: Colour) -> None:
    """A band, dots, a heart or nothing, on a front that reaches `half` to either side of `centre`."""
    x, y = centre
    paint = dice.pick((CREAM, tone(colour, -0.35), tone(colour, 0.5)))
    match dice.pick(("band", "dots", "heart", "plain")):
        case "band":
            sketch.rectangle((x - half, y - 0.05), (x + half, y + 0.05), paint)
        case "dots":
            for across in (-0.5, 0.0, 0.5):
                for down in (-0.08, 0.08):
                    sketch.ellipse((x + across * half, y + down), (0.032, 0.032), paint)
        case "heart":
            for side in (-1, 1):
                sketch.ellipse((x + side * 0.055, y - 0.03), (0.07, 0.07), paint)
            sketch.polygon([(x - 0.115, y + 0.005), (x + 0.115, y + 0.005), (x, y + 0.14)], paint)


DESIGNS: Mapping[str, Sequence[Drawing]] = {
    "mug": (straight_mug, tea_cup),
    "lamp": (table_lamp, desk_lamp),
    "shoe": (sneaker, boot),
    "bag": (tote, handbag),
}

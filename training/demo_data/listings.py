"""What is for sale in the demo shop: things, their conditions and colours, before they are drawn or described."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from training.demo_data.dice import Dice

# Shares of the rows. Uneven, as a shop is, but the two are independent: one never hints at the other.
THINGS = {"mug": 0.27, "lamp": 0.23, "shoe": 0.26, "bag": 0.24}
CONDITIONS = {"new": 0.34, "used": 0.37, "broken": 0.29}
LABELS = tuple(f"{condition}_{thing}" for thing, condition in product(THINGS, CONDITIONS))

COLOURS = {
    "red": (205, 58, 54),
    "orange": (232, 132, 48),
    "yellow": (238, 196, 62),
    "green": (82, 152, 88),
    "blue": (58, 112, 190),
    "purple": (128, 84, 168),
    "pink": (232, 132, 162),
    "brown": (142, 96, 62),
    "black": (66, 66, 74),
    "white": (240, 236, 226),
}

# One turn of the wheel is 70 % train, 15 % val and 15 % test, spread so that any 7 neighbours hold all three.
SPLIT_WHEEL = (
    *("train", "val", "train", "train", "test", "train", "train"),
    *("train", "val", "train", "train", "test", "train", "train"),
    *("train", "val", "train", "train", "test", "train"),
)


@dataclass(frozen=True)
class Listing:
    """One thing for sale."""

    thing: str
    condition: str
    colour: str
    split: str

    @property
    def label(self) -> str:
        return f"{self.condition}_{self.thing}"


def draw_listings(rows: int, dice: Dice) -> list[Listing]:
    """`rows` listings in random order, each label at its share of them.

    The splits are stratified by label. From 24 rows on every label is there, from 120 on in every split.
    """
    kinds = list(product(THINGS, CONDITIONS))
    shares = np.array([THINGS[thing] * CONDITIONS[condition] for thing, condition in kinds])
    # Rounding the running total, not each count, makes the counts add up to `rows`.
    counts = np.diff(np.rint(shares.cumsum() / shares.sum() * rows).astype(int), prepend=0)
    by_label = [kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)]
    listings = [
        Listing(thing, condition, dice.pick(tuple(COLOURS)), SPLIT_WHEEL[place % len(SPLIT_WHEEL)])
        for place, (thing, condition) in enumerate(by_label)
    ]
    return dice.shuffled(listings)

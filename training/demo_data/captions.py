"""The caption and the tags of a listing: its condition in a seller's words, amid small talk.

The picture isn't looked at: of the thing a caption knows the name, and says it only rarely.
"""

import re
from collections.abc import Mapping

from training.demo_data.dice import Dice
from training.demo_data.listings import CONDITIONS, THINGS, Listing
from training.demo_data.phrases import ENGLISH, GERMAN, JAPANESE, Wording

GERMAN_SHARE = 0.04
JAPANESE_SHARE = 0.03
NAMED_SHARE = 0.08
WRONGLY_NAMED_SHARE = 0.01
UNTOLD_SHARE = 0.015  # captions without a word about the condition
MISTOLD_SHARE = 0.005  # captions that tell another condition
TOLD_TWICE_SHARE = 0.6
TYPO_SHARE = 0.12

EMOJI = ("🙂", "📦", "👍", "💶", "🌿")

# Weak hints: a tag's share among the listings of each condition or thing.
CONDITION_TAGS: Mapping[str, Mapping[str, float]] = {
    "gift": {"new": 0.20, "used": 0.09, "broken": 0.06},
    "vintage": {"new": 0.09, "used": 0.20, "broken": 0.14},
    "bargain": {"new": 0.10, "used": 0.14, "broken": 0.18},
}
THING_TAGS: Mapping[str, Mapping[str, float]] = {
    "home": {"mug": 0.16, "lamp": 0.20, "shoe": 0.09, "bag": 0.10},
    "fashion": {"mug": 0.07, "lamp": 0.06, "shoe": 0.15, "bag": 0.18},
}
OTHER_TAGS: Mapping[str, float] = {"pickup only": 0.22, "ships": 0.25, "negotiable": 0.15, "bundle": 0.08}
COLOUR_TAG_SHARE = 0.5


def write_caption(listing: Listing, dice: Dice) -> str:
    """What the seller writes about `listing`, in one of three languages."""
    language = dice.between(0, 1)
    if language < JAPANESE_SHARE:
        wording = JAPANESE
    elif language < JAPANESE_SHARE + GERMAN_SHARE:
        wording = GERMAN
    else:
        wording = ENGLISH
    caption = dice.pick(wording.separators).join(_parts(wording, listing, dice))
    if dice.chance(TYPO_SHARE):
        caption = mistype(caption, dice)
    style = dice.between(0, 1)
    if style < 0.06:
        caption = caption.upper()
    elif style < 0.60:
        caption = caption[:1].upper() + caption[1:]
    if dice.chance(0.06):
        caption = f"{caption} {dice.pick(EMOJI)}"
    return caption


def write_tags(listing: Listing, dice: Dice) -> str:
    """The comma-delimited tags of `listing`, none for some."""
    shares = {
        **{tag: share[listing.condition] for tag, share in CONDITION_TAGS.items()},
        **{tag: share[listing.thing] for tag, share in THING_TAGS.items()},
        **OTHER_TAGS,
        listing.colour: COLOUR_TAG_SHARE,
    }
    return ",".join(dice.shuffled([tag for tag, share in shares.items() if dice.chance(share)]))


def mistype(caption: str, dice: Dice) -> str:
    """`caption` with two letters swapped, one lost or one doubled in one word of at least four letters."""
    words = [found for found in re.finditer(r"[^\W\d_]{4,}", caption) if len(set(found.group())) > 1]
    if not words:
        return caption
    word = dice.pick(words)
    # Only between letters that differ, or swapping them would change nothing.
    at = dice.pick([at for at in range(word.start(), word.end() - 1) if caption[at] != caption[at + 1]])
    first, second = caption[at], caption[at + 1]
    typo = dice.pick((second + first, second, first + first + second))
    return caption[:at] + typo + caption[at + 2 :]


def _parts(wording: Wording, listing: Listing, dice: Dice) -> list[str]:
    """The pieces of a caption in their order."""
    start = [dice.pick(wording.openers)] if dice.chance(0.45) else []
    if dice.chance(0.65):
        start.append(dice.pick(wording.subjects).format(noun=_noun(wording, listing, dice)))
    details = [
        dice.pick(forms).format(
            colour=wording.colours[listing.colour], size=dice.pick(wording.sizes), price=_price(dice)
        )
        for forms in dice.shuffled(wording.details)[: dice.pick((0, 1, 1, 2))]
    ]
    end = [dice.pick(wording.closers)] if dice.chance(0.45) else []
    told = _told(wording, listing, dice)
    if dice.chance(0.25):
        return [*told, *start, *details, *end]
    if dice.chance(0.25):
        return [*start, *details, *told, *end]
    return [*start, *told, *details, *end]


def _told(wording: Wording, listing: Listing, dice: Dice) -> list[str]:
    """One or two phrases about the condition; for a few listings evasive or wrong ones."""
    fate = dice.between(0, 1)
    if fate < UNTOLD_SHARE:
        return [dice.pick(wording.evasions)]
    condition = listing.condition
    if fate < UNTOLD_SHARE + MISTOLD_SHARE:
        condition = dice.pick([other for other in CONDITIONS if other != condition])
    phrases = dice.shuffled(wording.conditions[condition])[: 1 + int(dice.chance(TOLD_TWICE_SHARE))]
    return [phrase.format(degree=dice.pick(wording.degrees), time=dice.pick(wording.times)) for phrase in phrases]


def _noun(wording: Wording, listing: Listing, dice: Dice) -> str:
    """A word for any thing; rarely the thing's own name, and very rarely another's."""
    fate = dice.between(0, 1)
    if fate < WRONGLY_NAMED_SHARE:
        return dice.pick(wording.things[dice.pick([thing for thing in THINGS if thing != listing.thing])])
    if fate < WRONGLY_NAMED_SHARE + NAMED_SHARE:
        return dice.pick(wording.things[listing.thing])
    return dice.pick(wording.nouns)


def _price(dice: Dice) -> str:
    """A price that says nothing: sellers ask what they like."""
    amount = dice.pick((2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 15, 18, 20, 22, 25, 28, 30, 35, 40))
    return dice.pick(("{} €", "{} EUR", "£{}", "${}", "{},-")).format(amount)

"""How training examples are varied: the augment part of a recipe."""

from __future__ import annotations

from pydantic import Field

from model.spec import Rate
from model.validation import Part


class AugmentSettings(Part):
    """How the examples of the training split are varied, each anew in every epoch. Never at evaluation.

    Args:
        flip: chance of a picture to be mirrored left to right.
        shift: pictures move up to this share of their height and width, each way.
        zoom: pictures shrink or grow by up to this share.
        rotation: pictures turn by up to so many degrees, either way.
        colour: brightness, contrast and saturation change by up to this share, each on its own.
        erasing: chance of a picture to lose a random rectangle (Zhong 2017, arXiv:1708.04896).
        word_dropout: chance of each word or tag to be left out; where all would be, one of them stays, at random.
        word_swap: chance of each word to change places with the next (Wei and Zou 2019, arXiv:1901.11196).
    """

    flip: Rate = 0.0
    shift: float = Field(0.0, ge=0, le=0.5)
    zoom: float = Field(0.0, ge=0, le=0.5)
    rotation: float = Field(0.0, ge=0, le=180)
    colour: float = Field(0.0, ge=0, le=1)
    erasing: Rate = 0.0
    word_dropout: Rate = 0.0
    word_swap: Rate = 0.0

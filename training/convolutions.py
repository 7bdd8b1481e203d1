"""Who computes the convolutions of training steps: TensorFlow, or native code by Winograd's minimal filtering.

Where both can, they give the same but for rounding. docs/decisions/winograd.md has what was measured.
"""

from __future__ import annotations

import tensorflow as tf

from model.errors import SpecError
from model.native.library import NativeCodeError, may_be_slower
from training.training_settings import Convolutions, Precision


def chosen(asked: str, precision: Precision) -> Convolutions:
    """The one to train with; the same on the same machine, so that the same seed gives the same model.

    Args:
        asked: `training.convolutions` of a recipe.
        precision: of the steps; the native code knows float32 alone.

    Raises:
        SpecError: if native code was asked for and can't be had.
    """
    if asked == "tensorflow" or precision != "float32":
        return "tensorflow"
    try:
        is_slower = may_be_slower() or bool(tf.config.list_physical_devices("GPU"))
    except NativeCodeError as error:
        if asked == "winograd":
            raise SpecError(
                f"training.convolutions: 'winograd' can't be had here: {error}. Leave the key out, or install Bifocal "
                "again where there is a C++ compiler."
            ) from error
        return "tensorflow"
    return "tensorflow" if asked == "auto" and is_slower else "winograd"

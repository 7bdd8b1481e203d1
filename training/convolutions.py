"""Who computes the convolutions of training steps: TensorFlow, or native code by Winograd's minimal filtering.

Where both can, they give the same but for rounding. docs/decisions/winograd.md has what was measured.
"""

from __future__ import annotations

from model.errors import SpecError
from model.native.library import NativeCodeError, is_supported, library, may_be_slower
from training.training_settings import Convolutions, Precision


def require(asked: str) -> None:
    """Looks whether what was asked for can be had, before anything long is done.

    Args:
        asked: `training.convolutions` of a recipe.

    Raises:
        SpecError: if not.
    """
    if asked != "winograd":
        return
    try:
        library()
    except NativeCodeError as error:
        raise SpecError(
            f"training.convolutions: 'winograd' can't be had here: {error}. Leave the key out, or install Bifocal "
            "again where there is a C++ compiler."
        ) from error


def chosen(asked: str, precision: Precision) -> Convolutions:
    """The one to train with; the same on the same machine, so that the same seed gives the same model.

    Args:
        asked: `training.convolutions` of a recipe; where native code can't be had after all, as in one process of a
            cluster, TensorFlow computes. See `require`.
        precision: of the steps; the native code knows float32 alone.
    """
    import tensorflow as tf  # `require` is asked before that is imported

    if asked == "tensorflow" or precision != "float32" or not is_supported():
        return "tensorflow"
    is_slower = may_be_slower() or tf.config.list_physical_devices("GPU")
    return "tensorflow" if asked == "auto" and is_slower else "winograd"

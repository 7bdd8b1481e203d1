"""Which golden examples say what range of values integers have to cover."""

from __future__ import annotations

import numpy as np

from model.examples import Tensors
from model.signature import presence_of
from model.spec import ImageInput, ModelSpec
from service.backends import UnusableError

LEAST = 4  # different examples with all of their pictures


def calibrating(spec: ModelSpec, golden: Tensors) -> Tensors:
    """Every other one of the golden examples that have all of the model's pictures.

    The rest are left to show what comes of it with pictures that had no say.

    Args:
        spec: of the model.
        golden: its golden examples, as `serving_default` takes them.

    Raises:
        UnusableError: if there are too few, or the model has no picture.
    """
    pictures = [name for name, one in spec.inputs.items() if isinstance(one, ImageInput)]
    if not pictures:
        raise UnusableError("The model has no picture.")
    whole = np.flatnonzero(np.logical_and.reduce([golden[presence_of(name)] for name in pictures]))
    # The first row stands there once more without each of its other inputs.
    different = {b"".join(golden[name][row].tobytes() for name in pictures) for row in whole}
    if len(different) < LEAST:
        raise UnusableError(
            f"{len(different)} different golden examples have all of the model's pictures. Expected {LEAST} or more: "
            "publish a model with more validation rows that have them."
        )
    return {name: array[whole[::2]] for name, array in golden.items()}

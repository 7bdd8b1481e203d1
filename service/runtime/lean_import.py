"""TensorFlow and TF Text without Keras, which both import, and which serving has no use for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

_KERAS_OPTIMIZERS = "keras.src.optimizers"
_TF_TEXT = "tensorflow_text"


@contextmanager
def without_keras() -> Iterator[None]:
    """Surrounds the import of TensorFlow, which takes half as long again with Keras where training is installed.

    For Keras imports what there is of scikit-learn, matplotlib and SciPy. TensorFlow does without it where it is not
    installed; None in its place says so to Python. Nothing changes where it was imported before, and it can be
    afterwards; another thread must not import it meanwhile.
    """
    is_here = _KERAS_OPTIMIZERS in sys.modules
    if not is_here:
        sys.modules[_KERAS_OPTIMIZERS] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not is_here and sys.modules.get(_KERAS_OPTIMIZERS) is None:
            del sys.modules[_KERAS_OPTIMIZERS]


class _NoModel:
    """What nothing is an instance of."""


@contextmanager
def without_keras_models(tensorflow: ModuleType) -> Iterator[None]:
    """Surrounds what asks whether something is a Keras model, which would import Keras; nothing is one then.

    Args:
        tensorflow: whose attribute `keras` is replaced meanwhile, unless Keras was imported before.
    """
    if "keras" in sys.modules:
        yield
        return
    lazy = vars(tensorflow).get("keras")  # getattr would import it
    tensorflow.keras = SimpleNamespace(Model=_NoModel, layers=SimpleNamespace(Layer=_NoModel))  # type: ignore[attr-defined]
    try:
        yield
    finally:
        tensorflow.keras = lazy  # type: ignore[attr-defined]


def tf_text_libraries() -> list[Path]:
    """The libraries with TF Text's operations; for `tf.load_op_library`, instead of importing its layers of Keras.

    Raises:
        ModuleNotFoundError: if there are none.
    """
    spec = find_spec(_TF_TEXT)
    folders = (spec and spec.submodule_search_locations) or []
    found = [file for folder in folders for file in sorted(Path(folder, "python", "ops").glob("*.so"))]
    if not found:
        raise ModuleNotFoundError("TF Text is not installed, or without its operations.", name=_TF_TEXT)
    return found

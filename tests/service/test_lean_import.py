"""TensorFlow imported for serving: without Keras, and with TF Text's operations."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from service.runtime.lean_import import without_keras, without_keras_models

OPTIMIZERS = "keras.src.optimizers"

# In a process of its own: here, others may have imported all of it.
SERVING = """
import sys
import service.runtime
import tensorflow as tf
for library in ("keras", "sklearn", "matplotlib", "tensorflow_text"):
    assert not [name for name in sys.modules if name.split(".")[0] == library], library
from tensorflow.python.framework import op_def_registry
assert op_def_registry.get("WordpieceTokenizeWithOffsets") and op_def_registry.get("RegexSplitWithOffsets")
import tensorflow_text
assert tensorflow_text.WhitespaceTokenizer().tokenize(["a b"]).to_list() == [[b"a", b"b"]]
assert tf.keras.layers.Dense(1)(tf.ones((2, 3))).shape == (2, 1)
"""


def test_serving_imports_neither_keras_nor_what_that_imports() -> None:
    done = subprocess.run([sys.executable, "-c", SERVING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_within_there_are_no_optimizers_and_afterwards_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, OPTIMIZERS, raising=False)
    with without_keras(), pytest.raises(ImportError):
        importlib.import_module(OPTIMIZERS)
    assert OPTIMIZERS not in sys.modules


def test_an_import_that_fails_leaves_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, OPTIMIZERS, raising=False)
    with pytest.raises(RuntimeError), without_keras():
        raise RuntimeError("no TensorFlow")
    assert OPTIMIZERS not in sys.modules


def test_where_keras_is_there_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, OPTIMIZERS, sys)
    with without_keras():
        assert sys.modules[OPTIMIZERS] is sys
    assert sys.modules[OPTIMIZERS] is sys


def test_nothing_is_a_keras_model_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    lazy = object()
    tensorflow = ModuleType("tensorflow")
    tensorflow.keras = lazy
    with without_keras_models(tensorflow):
        assert not isinstance(lazy, (tensorflow.keras.Model, tensorflow.keras.layers.Layer))
    assert tensorflow.keras is lazy

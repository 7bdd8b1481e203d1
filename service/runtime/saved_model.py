"""A SavedModel called as it was saved, or frozen: its variables made constants of the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from model.examples import Tensors
from model.graph_options import as_written, called_with, in_bfloat16
from service.backends import Answers, Backend


def call(function: Callable[..., Mapping[str, tf.Tensor]], tensors: Tensors) -> dict[str, NDArray[np.float32]]:
    """What a signature answers, as arrays."""
    answers = function(**{name: tf.constant(array) for name, array in tensors.items()})
    return {name: tensor.numpy() for name, tensor in answers.items()}


def as_saved(signature: Callable[..., Mapping[str, tf.Tensor]]) -> Backend:
    """A signature as it was loaded."""
    return lambda tensors: call(signature, tensors)


def unoptimized(signature: Callable[..., Mapping[str, tf.Tensor]]) -> Backend:
    """A signature as it was loaded, which the graph optimizer leaves alone: for what is called rarely.

    The first call is several times as fast. The others were as fast for explanations of the default model.
    """
    options = as_written()

    def answer(tensors: Tensors) -> Answers:
        with called_with(options):
            return call(signature, tensors)

    return answer


def frozen(signature: Any, *, bfloat16: bool) -> Backend:
    """A signature with its variables as constants, which lets the graph optimizer see more.

    Tables of tokenizers can't be constants; they turn into further inputs, and are given with each call.

    Args:
        signature: of a loaded SavedModel.
        bfloat16: whether the optimizer computes convolutions and matrix products in bfloat16 where it finds that
            harmless (oneDNN's; it does nothing on CPUs without AVX-512).
    """
    graph = convert_variables_to_constants_v2(signature)
    tables = {inner.name: outer for outer, inner in signature.graph.captures}
    heads = sorted(signature.structured_outputs)  # the order of a function's flat outputs
    arithmetic = partial(called_with, in_bfloat16()) if bfloat16 else nullcontext

    def answer(tensors: Tensors) -> Answers:
        given = [
            tables[one.name] if one.name in tables else tf.constant(tensors[one.name.partition(":")[0]])
            for one in graph.inputs
        ]
        with arithmetic():
            return {head: tensor.numpy() for head, tensor in zip(heads, graph(*given), strict=True)}

    return answer

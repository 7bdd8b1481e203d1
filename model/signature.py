"""Names, dtypes and shapes of what goes into and out of an exported classifier, from its spec alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.spec import ImageInput, ModelSpec


@dataclass(frozen=True)
class TensorInfo:
    """One named tensor of a signature.

    Args:
        dtype: TensorFlow's name of the type.
        shape: None stands for any size; the first axis is the batch.
    """

    dtype: Literal["uint8", "string", "bool", "float32", "int32"]
    shape: tuple[int | None, ...]


def presence_of(input_name: str) -> str:
    """Name of the tensor that says for which examples an input is given."""
    return f"{input_name}_present"


def serving_inputs(spec: ModelSpec) -> dict[str, TensorInfo]:
    """What `serving_default` takes.

    An image is uint8 (batch, height, width, 3), a text or tags string (batch,), and for each input
    `<input>_present` is bool (batch,).
    """
    tensors = {}
    for name, given in spec.inputs.items():
        if isinstance(given, ImageInput):
            tensors[name] = TensorInfo("uint8", (None, given.height, given.width, 3))
        else:
            tensors[name] = TensorInfo("string", (None,))
        tensors[presence_of(name)] = TensorInfo("bool", (None,))
    return tensors


def serving_outputs(spec: ModelSpec) -> dict[str, TensorInfo]:
    """What `serving_default` gives: `<head>` is float32 (batch, classes), probabilities."""
    return {name: TensorInfo("float32", (None, len(head.labels))) for name, head in spec.heads.items()}


def tokens_of(branch_name: str) -> str:
    """Name of the token ids that the network takes for a branch; the dot keeps it apart from every input's name."""
    return f"{branch_name}.tokens"


def network_inputs(spec: ModelSpec) -> dict[str, TensorInfo]:
    """What the network behind the tokenizers takes.

    Images and presences as in `serving_inputs`; for each branch over text or tags `<branch>.tokens` is int32
    (batch, length), 0 is padding.
    """
    tensors = {name: info for name, info in serving_inputs(spec).items() if info.dtype != "string"}
    for name in spec.branches:
        if not isinstance(spec.inputs[spec.input_of(name)], ImageInput):
            tensors[tokens_of(name)] = TensorInfo("int32", (None, None))
    return tensors

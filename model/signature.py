"""Names, dtypes and shapes of what goes into and out of an exported classifier, from its spec alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.spec import ImageInput, ModelSpec

# The signatures of an exported model.
SERVING = "serving_default"
FEATURES = "features"
EXPLAIN = "explain"


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


def tokens_of(view_name: str) -> str:
    """Name of the token ids that the network takes for a view; the dot keeps it apart from every input's name."""
    return f"{view_name}.tokens"


def network_inputs(spec: ModelSpec) -> dict[str, TensorInfo]:
    """What the network behind the tokenizers takes.

    Images and presences as in `serving_inputs`, one tensor an input however many branches read it; for each view over
    text or tags `<view>.tokens` is int32 (batch, length), 0 is padding and the length at least 1.
    """
    tensors = {name: info for name, info in serving_inputs(spec).items() if info.dtype != "string"}
    for view in spec.views:
        if view.branch in spec.token_branches:
            tensors[tokens_of(view.name)] = TensorInfo("int32", (None, None))
    return tensors


def target_of(head_name: str) -> str:
    """Name of the tensor that says which label of a head is to be explained."""
    return f"{head_name}_target"


def heatmap_of(input_name: str) -> str:
    """Name of the heat map over an image input."""
    return f"{input_name}.heatmap"


def token_weights_of(view_name: str) -> str:
    """Name of the weights of a view's tokens."""
    return f"{view_name}.weights"


def explain_inputs(spec: ModelSpec) -> dict[str, TensorInfo]:
    """What `explain` takes: the same as `serving_default`, and `<head>_target`, int32 (batch,).

    A target is the index of the label whose probability is explained, or -1 to leave a head out.
    """
    targets = {target_of(name): TensorInfo("int32", (None,)) for name in spec.heads}
    return serving_inputs(spec) | targets


def explain_outputs(spec: ModelSpec) -> dict[str, TensorInfo]:
    """What `explain` gives, of what `model.explain.Explainer` computes.

    - `<input>.heatmap` for an image input: float32 (batch, height, width), where the label was seen; 0 or more.
    - `<view>.tokens` and `<view>.weights` for each branch over a text or tags input: string and float32 (batch,
      length), the tokens as the model read them and how much each moved the probability; "" and 0 at the end.
    - `shares`: float32 (batch, inputs), how much each input moved the probability, in the order of the spec's inputs.
    - `probability` and `baseline`: float32 (batch,), with the inputs as given and with all of them absent; the shares
      sum to their difference.
    """
    tensors = {}
    for name, given in spec.inputs.items():
        if isinstance(given, ImageInput):
            tensors[heatmap_of(name)] = TensorInfo("float32", (None, given.height, given.width))
    for view in spec.views:
        if view.branch in spec.token_branches:
            tensors[tokens_of(view.name)] = TensorInfo("string", (None, None))
            tensors[token_weights_of(view.name)] = TensorInfo("float32", (None, None))
    tensors["shares"] = TensorInfo("float32", (None, len(spec.inputs)))
    tensors["probability"] = tensors["baseline"] = TensorInfo("float32", (None,))
    return tensors

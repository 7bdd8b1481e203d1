"""From a spec to a network: the only place that wires."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from model import heads, merges
from model.branches.conv import conv
from model.branches.embedding import embedding
from model.errors import SpecError
from model.presence import Presence
from model.signature import network_inputs, presence_of, tokens_of
from model.spec import ConvBranch, EmbeddingBranch, ImageInput, ModelSpec


def build(spec: ModelSpec, vocabulary_sizes: Mapping[str, int]) -> keras.Model:
    """The network behind the tokenizers.

    Args:
        spec: with the labels of its heads filled in.
        vocabulary_sizes: for each branch over text or tags, how many tokens its vocabulary has.

    Returns:
        A model from a dict of tensors, as `model.signature.network_inputs` names them, to a dict of logits:
        `<head>` float32 (batch, classes).

    Raises:
        SpecError: if a head has no labels yet.
    """
    for name, head in spec.heads.items():
        if not head.labels:
            raise SpecError(f"Head {name!r} has no labels; expected at least 2. Fill them in with spec.with_labels().")

    inputs = {
        name: keras.Input(info.shape[1:], dtype=info.dtype, name=name) for name, info in network_inputs(spec).items()
    }

    vectors = []
    for name, branch in spec.branches.items():
        source = spec.input_of(name)
        given = spec.inputs[source]
        if isinstance(branch, ConvBranch) and isinstance(given, ImageInput):
            vector = conv(branch, given, name=name)(inputs[source])
        elif isinstance(branch, EmbeddingBranch):
            vector = embedding(branch, vocabulary_sizes[name], name=name)(inputs[tokens_of(name)])
        vectors.append(Presence(name=f"{name}.presence")(vector, inputs[presence_of(source)]))

    merged = merges.merge(spec.merge, vectors)
    merged = keras.layers.Dropout(spec.trunk.dropout, name="trunk.dropout")(merged)
    for layer, units in enumerate(spec.trunk.units, start=1):
        merged = keras.layers.Dense(units, activation="relu", name=f"trunk.{layer}")(merged)

    outputs = {name: heads.logits(head, merged, name=name) for name, head in spec.heads.items()}
    return keras.Model(inputs, outputs, name="bifocal")

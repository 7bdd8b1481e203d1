"""The layers of a network drawn as text, from its answer back to its inputs, so that two networks can be compared.

Nested models are opened, and layers are called by what they compute. A drawing says of each layer its settings and the
shape it gives; a layer that occurs in several places has a number, the same in all of them, so that sharing shows. Left
out is what changes no answer: names, dropout, masks (that padding counts for nothing shows in the answers), and the
vectors that stand in for absent inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import keras

# What is drawn of each layer of Keras: all of its settings that an answer depends on.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Concatenate": ("axis",),
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "activation", "use_bias"),
    "Dense": ("units", "activation", "use_bias"),
    "Embedding": ("input_dim", "output_dim"),
    "GlobalAveragePooling1D": (),
    "GlobalAveragePooling2D": ("keepdims",),
    "GRU": ("units", "activation", "recurrent_activation", "use_bias", "reset_after", "go_backwards"),
    "Luma": (),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
}
# Layers of the project that compute what a layer of Keras does, and the settings that such a one would have.
SAME_AS = {
    "FusedBatchNormalization": lambda layer: (
        "BatchNormalization",
        {"axis": -1, "epsilon": layer.epsilon, "center": True, "scale": layer.rescale},
    ),
    "TokenPooling": lambda layer: {"mean": "GlobalAveragePooling1D"}[layer.mode],
}
# What changes nothing in an answer, and which of the tensors it takes goes through.
PASSED = {"Dropout": 0, "TokenDropout": 0, "Presence": 0, "Where": 1}
# They take the tokens too, to tell padding.
FIRST_ONLY = ("GRU", "Bidirectional", "TokenPooling")


@dataclass(frozen=True)
class Node:
    """A layer at one place.

    Args:
        kind: what it computes.
        settings: of the layer.
        shape: what it gives, without the batch.
        layer: where its weights are; None for an input.
        sources: what it reads.
    """

    kind: str
    settings: Mapping[str, object]
    shape: tuple[int | None, ...]
    layer: keras.layers.Layer | None
    sources: tuple[Node, ...]

    def __iter__(self) -> Iterator[Node]:
        """Itself and all that it rests on, in one order for networks that are the same."""
        yield self
        for source in self.sources:
            yield from source


@dataclass(frozen=True)
class Scope:
    """The inside of a nested model: what its inputs are, outside."""

    given: Mapping[int, keras.KerasTensor]
    outside: Scope | None


def nodes(network: keras.Model, output: str, inputs: Mapping[str, str]) -> Node:
    """What makes one of the outputs of a functional model.

    Args:
        network: from a dict to a dict.
        output: which one.
        inputs: other names for some inputs.

    Raises:
        ValueError: at a layer that the drawing has no word for.
    """
    return _node(network.output[output], Scope({}, None), inputs)


def draw(network: keras.Model, outputs: list[str], inputs: Mapping[str, str] | None = None) -> dict[str, str]:
    """Each output as lines, a layer each, what it reads below it and further in; arguments as of `nodes`."""
    found = {output: nodes(network, output, inputs or {}) for output in outputs}
    together = [node for one in found.values() for node in one if node.layer is not None and node.layer.weights]
    places = Counter(id(node.layer) for node in together)
    several = list(dict.fromkeys(id(node.layer) for node in together if places[id(node.layer)] > 1))
    numbers = {layer: number for number, layer in enumerate(several, start=1)}
    return {output: "\n".join(_lines(node, numbers, 0)) for output, node in found.items()}


def layers(network: keras.Model, outputs: list[str]) -> list[keras.layers.Layer]:
    """Those with weights, each once, in one order for networks that are drawn the same."""
    found = [node.layer for output in outputs for node in nodes(network, output, {})]
    return [layer for layer in dict.fromkeys(found) if layer is not None and layer.weights]


def _lines(node: Node, numbers: Mapping[int, int], depth: int) -> Iterator[str]:
    number = f"#{numbers[id(node.layer)]}" if id(node.layer) in numbers else ""
    settings = ", ".join(f"{name}={value}" for name, value in node.settings.items())
    yield f"{'  ' * depth}{node.kind}{number}({settings}) -> {node.shape}"
    for source in node.sources:
        yield from _lines(source, numbers, depth + 1)


def _node(tensor: keras.KerasTensor, scope: Scope, inputs: Mapping[str, str]) -> Node:
    history = tensor._keras_history
    operation, place = history.operation, history.tensor_index
    kind, shape = type(operation).__name__, tuple(tensor.shape[1:])
    if isinstance(operation, keras.layers.InputLayer):
        if scope.outside is not None:
            return _node(scope.given[id(tensor)], scope.outside, inputs)
        return Node(inputs.get(operation.name, operation.name), {"dtype": tensor.dtype}, shape, None, ())
    call = operation._inbound_nodes[history.node_index]
    if isinstance(operation, keras.Model):
        inner = [id(one) for one in keras.tree.flatten(operation.input)]
        return _node(
            keras.tree.flatten(operation.output)[place],
            Scope(dict(zip(inner, call.input_tensors, strict=True)), scope),
            inputs,
        )
    tensors = keras.tree.flatten(call.arguments.args)
    if kind in PASSED:
        return _node(tensors[PASSED[kind]], scope, inputs)
    read = tensors[:1] if kind in FIRST_ONLY else tensors
    sources = tuple(_node(one, scope, inputs) for one in read)
    if kind == "Bidirectional":
        return _both_directions(operation, place, shape, sources)
    if kind == "GRU" and not _gives_last_state(operation, place):
        raise ValueError(f"The drawing knows the last state of a GRU only; {operation.name!r} is asked for all.")
    return _drawn(operation, shape, sources)


def _drawn(layer: keras.layers.Layer, shape: tuple[int | None, ...], sources: tuple[Node, ...]) -> Node:
    kind = type(layer).__name__
    match SAME_AS.get(kind, lambda _: kind)(layer):
        case str(name):
            kind, settings = name, {key: layer.get_config()[key] for key in SETTINGS[name]}
        case name, given:
            kind, settings = name, given
    return Node(kind, settings, shape, layer, sources)


def _both_directions(
    layer: keras.layers.Bidirectional, place: int, shape: tuple[int | None, ...], sources: tuple[Node, ...]
) -> Node:
    """As the two layers that it is; what it gives of them is concatenated unless asked for one by one."""
    ways = [layer.forward_layer, layer.backward_layer]
    if layer.return_state and place in (1, 2):
        return _drawn(ways[place - 1], shape, sources)
    if layer.return_sequences or layer.return_state or layer.merge_mode != "concat":
        raise ValueError(f"The drawing knows the last states of a Bidirectional only; {layer.name!r} is asked for all.")
    last = tuple(_drawn(way, (way.units,), sources) for way in ways)
    return Node("Concatenate", {"axis": -1}, shape, None, last)


def _gives_last_state(layer: keras.layers.GRU, place: int) -> bool:
    return place == 1 if layer.return_state and layer.return_sequences else not layer.return_sequences

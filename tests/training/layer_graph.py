"""The layers of a network drawn as text, from an answer back to the inputs, so that two networks can be compared.

Nested models are opened, and layers are called by what they compute. A drawing says of each layer its settings and the
shape it gives; a layer that stands in several places has a number, the same in all of them, so that sharing shows. Left
out is what changes no answer: names, dropout, masks (that padding counts for nothing shows in the answers), and the
vectors that stand in for absent inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras

from model.branches.convolving import Convolution
from model.branches.normalization import FusedBatchNormalization
from model.branches.pooling import TokenPooling

# What is drawn of each layer: all of its settings that an answer depends on, but for those that the shape tells.
SETTINGS: Mapping[str, Sequence[str]] = {
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Concatenate": ("axis",),
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "activation", "use_bias"),
    "Dense": ("units", "activation", "use_bias"),
    "Embedding": ("input_dim", "output_dim"),
    "GlobalAveragePooling1D": (),
    "GlobalAveragePooling2D": (),
    "GRU": ("units", "activation", "recurrent_activation", "use_bias", "reset_after", "go_backwards"),
    "Luma": (),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
}
# What changes no answer, and which of the tensors it takes goes through.
PASSED = {"Dropout": 0, "TokenDropout": 0, "Presence": 0, "Where": 1}


@dataclass(frozen=True)
class Node:
    """A layer at one place.

    Args:
        kind: what it computes.
        settings: of the layer.
        shape: what it gives, without the batch.
        layer: the one whose weights it uses; None for an input.
        sources: what it reads.
    """

    kind: str
    settings: Mapping[str, object]
    shape: tuple[int | None, ...]
    layer: keras.layers.Layer | None
    sources: tuple[Node, ...]

    def __iter__(self) -> Iterator[Node]:
        """Itself and all that it rests on, in the same order for networks that are drawn the same."""
        yield self
        for source in self.sources:
            yield from source

    @property
    def has_weights(self) -> bool:
        return self.layer is not None and bool(self.layer.weights)


@dataclass(frozen=True)
class Scope:
    """The inside of a nested model: what its inputs are, outside."""

    given: Mapping[int, keras.KerasTensor]
    outside: Scope | None


class LayerGraph:
    """The layers behind some outputs of a functional model.

    Args:
        network: from a dict to a dict.
        outputs: names of the outputs.
        inputs: other names for some of its inputs.

    Raises:
        ValueError: at a layer that the drawing has no word for.
    """

    def __init__(self, network: keras.Model, outputs: Sequence[str], inputs: Mapping[str, str] | None = None) -> None:
        self._inputs = inputs or {}
        self.nodes = {output: self._node(network.output[output], Scope({}, None)) for output in outputs}

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """Those with weights, each once, in the same order for networks that are drawn the same."""
        return list(dict.fromkeys(node.layer for one in self.nodes.values() for node in one if node.has_weights))

    def draw(self) -> dict[str, str]:
        """Each output as lines, a layer each; what it reads stands below it and further in."""
        places = Counter(node.layer for one in self.nodes.values() for node in one)
        numbers = {layer: f"#{at}" for at, layer in enumerate((one for one in self.layers if places[one] > 1), start=1)}
        return {output: "\n".join(_lines(node, numbers, "")) for output, node in self.nodes.items()}

    def _node(self, tensor: keras.KerasTensor, scope: Scope) -> Node:
        operation, index, place = tensor._keras_history
        if isinstance(operation, keras.layers.InputLayer):
            if scope.outside is not None:
                return self._node(scope.given[id(tensor)], scope.outside)
            name = self._inputs.get(operation.name, operation.name)
            return Node(name, {"dtype": tensor.dtype}, tuple(tensor.shape[1:]), None, ())
        call = operation._inbound_nodes[index]
        if isinstance(operation, keras.Model):
            given = dict(zip(map(id, operation.inputs), call.input_tensors, strict=True))
            return self._node(operation.outputs[place], Scope(given, scope))

        taken = [one for one in keras.tree.flatten(call.arguments.args) if isinstance(one, keras.KerasTensor)]
        kind = type(operation).__name__
        if kind in PASSED:
            return self._node(taken[PASSED[kind]], scope)
        if isinstance(operation, TokenPooling):
            taken = taken[:1]  # the other says what is padding
        sources = tuple(self._node(one, scope) for one in taken)
        if isinstance(operation, keras.layers.Bidirectional):
            return _both_directions(operation, place, sources)
        if isinstance(operation, keras.layers.GRU) and operation.return_sequences and place == 0:
            raise ValueError(f"{operation.name!r} gives all states; the drawing has a word for the last one only.")
        return _described(operation, tuple(tensor.shape[1:]), sources)


def _described(layer: keras.layers.Layer, shape: tuple[int | None, ...], sources: tuple[Node, ...]) -> Node:
    kind = "Conv2D" if isinstance(layer, Convolution) else type(layer).__name__
    match layer:
        case FusedBatchNormalization():
            kind = "BatchNormalization"
            settings = {"axis": -1, "epsilon": layer.epsilon, "center": True, "scale": layer.rescale}
        case TokenPooling(mode="mean"):
            kind, settings = "GlobalAveragePooling1D", {}
        case _ if kind in SETTINGS:
            config = layer.get_config()
            settings = {name: config[name] for name in SETTINGS[kind]}
        case _:
            raise ValueError(f"{layer.name!r} is a {kind}; the drawing has no word for it.")
    return Node(kind, settings, shape, layer, sources)


def _both_directions(layer: keras.layers.Bidirectional, place: int, sources: tuple[Node, ...]) -> Node:
    """The last states of both directions, concatenated if not asked for one by one."""
    ways = [_described(way, (way.units,), sources) for way in (layer.forward_layer, layer.backward_layer)]
    if layer.return_state and place in (1, 2):
        return ways[place - 1]
    if layer.return_sequences or layer.merge_mode != "concat":
        raise ValueError(f"{layer.name!r} gives all states; the drawing has a word for the last ones only.")
    return Node("Concatenate", {"axis": -1}, (2 * layer.forward_layer.units,), None, tuple(ways))


def _lines(node: Node, numbers: Mapping[keras.layers.Layer, str], indent: str) -> Iterator[str]:
    settings = ", ".join(f"{name}={value}" for name, value in node.settings.items())
    yield f"{indent}{node.kind}{numbers.get(node.layer, '')}({settings}) -> {node.shape}"
    for source in node.sources:
        yield from _lines(source, numbers, f"{indent}  ")

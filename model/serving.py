"""The functions behind the signatures of an exported model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from model.build import MERGED
from model.encoder import Encoder
from model.explain import Explainer
from model.heads import probabilities
from model.signature import EXPLAIN, FEATURES, SERVING, TensorInfo, explain_inputs, network_inputs
from model.spec import ModelSpec

Signatures = dict[str, Callable[..., dict[str, tf.Tensor]]]
Function = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]


def signatures(
    spec: ModelSpec, encoder: Encoder, network: keras.Model, temperatures: Mapping[str, float] | None = None
) -> Signatures:
    """`serving_default`, `features` and `explain`, each from named tensors to named tensors; see `model.signature`.

    Args:
        spec: of the network, with labels.
        encoder: its tokenizers.
        network: of `model.build`.
        temperatures: for each head, what its logits are divided by; 1 for one that is not there.
    """
    scales = temperatures or {}

    encode, classify = _halves(spec, encoder, network, scales)

    def serve(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return classify(encode(tensors))

    def features(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return {FEATURES: network(encoder(tensors), training=False)[MERGED]}

    explainer = Explainer(spec, encoder, network, scales)

    def explain(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return explainer(tensors)

    taken = _specs(explain_inputs(spec))
    return {
        SERVING: tf.function(serve, autograph=False).get_concrete_function(**encoder.input_signature),
        FEATURES: tf.function(features, autograph=False).get_concrete_function(**encoder.input_signature),
        EXPLAIN: tf.function(explain, autograph=False).get_concrete_function(**taken),
    }


def halves(
    spec: ModelSpec, encoder: Encoder, network: keras.Model, temperatures: Mapping[str, float] | None = None
) -> tuple[Function, Function]:
    """`serving_default` in two: `encode`, the tokenizers, and `classify`, all behind them.

    The second has neither strings nor tables in it, so that other runtimes than TensorFlow can compute it. The first
    passes pictures on and looks at none, so that it may be given none (0 rows) by whoever hands them on himself.

    Args:
        spec, encoder, network, temperatures: as for `signatures`.

    Returns:
        A function from `serving_inputs` to `network_inputs`, and one from these to `serving_outputs`; dicts all three.
    """
    encode, classify = _halves(spec, encoder, network, temperatures or {})
    return (
        tf.function(encode, autograph=False, input_signature=[encoder.input_signature]),
        tf.function(classify, autograph=False, input_signature=[_specs(network_inputs(spec))]),
    )


def _halves(
    spec: ModelSpec, encoder: Encoder, network: keras.Model, scales: Mapping[str, float]
) -> tuple[Function, Function]:
    def encode(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        encoded = encoder(tensors)
        return {name: encoded[name] for name in network_inputs(spec)}

    def classify(encoded: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = network(encoded, training=False)
        return {name: probabilities(head, outputs[name], scales.get(name, 1.0)) for name, head in spec.heads.items()}

    return encode, classify


def _specs(tensors: Mapping[str, TensorInfo]) -> dict[str, tf.TensorSpec]:
    return {name: tf.TensorSpec(info.shape, info.dtype, name=name) for name, info in tensors.items()}

"""Why a network answers what it answers: heat maps, token weights and shares of the inputs, as a function to export."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from model.build import FUSION, last_map, stages
from model.coalitions import coalitions
from model.encoder import Encoder
from model.heads import calibrated, probabilities
from model.signature import heatmap_of, presence_of, serving_inputs, target_of, token_weights_of, tokens_of
from model.spec import ImageBranch, ImageInput, ModelSpec, PretrainedBranch, View
from model.text import PADDING_ID, UNSEEN_ID

# A heat map comes from the deepest stage that still has this many places a side; the very last one may have only one.
LEAST_PLACES = 7
# Points of the Gauss-Legendre rule along the path of integrated gradients.
POINTS = 16
# Points or coalitions asked about in one go; the rest one go after another, so that memory stays that of a few batches.
AT_ONCE = 4

Tensors = Mapping[str, tf.Tensor]


class Explainer:
    """Explains the answers of a network.

    What is explained is, for each example, the sum over the heads of the target label's logit (heat maps) or
    probability (all else); a head whose target is -1 is left out.

    Args:
        spec: of the network.
        encoder: its tokenizers.
        network: of `model.build`.
        temperatures: for each head, what its logits are divided by, here as where they are served; 1 for one that is
            not there.
    """

    def __init__(
        self,
        spec: ModelSpec,
        encoder: Encoder,
        network: keras.Model,
        temperatures: Mapping[str, float] | None = None,
    ) -> None:
        self._temperatures = temperatures or {}
        self._spec = spec
        self._encoder = encoder
        self._network = network
        self._fusion = network.get_layer(FUSION)
        self._ends = {
            name: _end_of(branch, network.get_layer(f"{name}.branch")) for name, branch in spec.image_branches.items()
        }

    def __call__(self, tensors: Tensors) -> dict[str, tf.Tensor]:
        """Explains a batch.

        Args:
            tensors: those of `serving_inputs`, and `<head>_target`: int32 (batch,), the index of the label explained.

        Returns:
            What `model.signature.explain_outputs` says: `<input>.heatmap` for each image input, `<view>.tokens` and
            `<view>.weights` for each view of a text or tags input, `shares`, `probability` and `baseline`.
        """
        targets = {name: tensors[target_of(name)] for name in self._spec.heads}
        tensors = {name: tensors[name] for name in serving_inputs(self._spec)}
        encoded = self._encoder(tensors)
        outputs = self._network(encoded, training=False)
        fused = self._fused(outputs, encoded)
        result: dict[str, tf.Tensor] = self._shares(fused, targets)
        for name, given in self._spec.inputs.items():
            if isinstance(given, ImageInput):
                size = [given.height, given.width]
                maps = [self._heatmap(view, outputs, fused, targets) for view in self._views_of(name)]
                # Each on its own: two branches over one picture may see it in different detail.
                shown = tf.add_n([tf.image.resize(one[..., tf.newaxis], size)[..., 0] for one in maps])
                result[heatmap_of(name)] = tf.where(encoded[presence_of(name)][:, tf.newaxis, tf.newaxis], shown, 0)
        for name, tokens in self._encoder.tokens(tensors).items():
            result[tokens_of(name)] = tokens.texts
        for view in self._spec.views:
            if view.branch in self._spec.token_branches:
                weights = self._token_weights(view, encoded[tokens_of(view.name)], fused, targets)
                result[token_weights_of(view.name)] = weights
        return result

    def _views_of(self, input_name: str) -> list[View]:
        return [view for view in self._spec.views if view.input == input_name]

    def _fused(self, outputs: Tensors, encoded: Tensors) -> dict[str, tf.Tensor]:
        """What the fusion takes, from what the branches gave."""
        fused = {}
        for view in self._spec.views:
            fused[f"{view.name}.vector"] = outputs[f"{view.name}.vector"]
            if view.branch in self._spec.token_branches:
                fused[f"{view.name}.states"] = outputs[f"{view.name}.states"]
            else:
                fused[f"{view.name}.states"] = _places(last_map(_of_view(outputs, view)))
        return {name: fused[name] if name in fused else encoded[name] for name in self._fusion.input}

    def _logits(self, fused: Tensors) -> dict[str, tf.Tensor]:
        """Of each head, calibrated, float32 (batch, classes)."""
        logits = self._fusion(fused, training=False)
        return {name: calibrated(logits[name], self._temperatures.get(name, 1.0)) for name in self._spec.heads}

    def _logit(self, fused: Tensors, targets: Tensors) -> tf.Tensor:
        """Sum over the heads of the target's logit, float32 (batch,)."""
        logits = self._logits(fused)
        return tf.add_n([_pick(logits[head], target) for head, target in targets.items()])

    def _probability(self, fused: Tensors, targets: Tensors) -> tf.Tensor:
        """Sum over the heads of the target's probability, float32 (batch,)."""
        logits = self._logits(fused)
        heads = self._spec.heads
        return tf.add_n([_pick(probabilities(heads[head], logits[head]), target) for head, target in targets.items()])

    def _heatmap(self, view: View, outputs: Tensors, fused: Tensors, targets: Tensors) -> tf.Tensor:
        """Grad-CAM (Selvaraju 2017, arXiv:1610.02391): relu(sum_c mean(d logit / d A_c) A_c), float32 (batch, h, w)."""
        stage, end = self._ends[view.branch]
        features = outputs[f"{view.name}.{stage}"]  # (B, h, w, C)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(features)
            ended = end(features, training=False)
            own = {f"{view.name}.vector": ended["vector"], f"{view.name}.states": _places(ended["last"])}
            logit = self._logit({name: own.get(name, tensor) for name, tensor in fused.items()}, targets)
        gradient = tape.gradient(logit, features, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        weights = tf.reduce_mean(gradient, axis=[1, 2], keepdims=True)  # (B, 1, 1, C)
        return tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))

    def _token_weights(self, view: View, tokens: tf.Tensor, fused: Tensors, targets: Tensors) -> tf.Tensor:
        """Integrated gradients (Sundararajan 2017, arXiv:1703.01365) from a text of unseen tokens, float32 (batch, L).

        They sum to the change in probability between that text and the given one.
        """
        lookup = self._network.get_layer(f"{view.branch}.lookup")
        branch = self._network.get_layer(f"{view.branch}.branch")
        start = lookup(tf.where(tokens != PADDING_ID, UNSEEN_ID, PADDING_ID), training=False)  # (B, L, D)
        way = lookup(tokens, training=False) - start
        repeated, all_tokens, all_targets = (
            _repeat(fused, AT_ONCE),
            tf.repeat(tokens, AT_ONCE, axis=0),
            _repeat(targets, AT_ONCE),
        )

        def mean_gradient(total: tf.Tensor, some: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            """Adds the gradients (B, L, D) at some points of the way, by their weights in the rule."""
            points, weights = some  # (K,)
            steps = points[tf.newaxis, :, tf.newaxis, tf.newaxis]
            embedded = _merge_axes(start[:, tf.newaxis] + steps * way[:, tf.newaxis])  # (B * K, L, D)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(embedded)
                states = branch({"embedded": embedded, "tokens": all_tokens}, training=False)
                own = {f"{view.name}.{key}": states[key] for key in ("vector", "states")}
                probability = self._probability(
                    {name: own.get(name, tensor) for name, tensor in repeated.items()}, all_targets
                )
            gradient = tape.gradient(probability, embedded, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            gradient = tf.reshape(gradient, tf.concat([[-1, AT_ONCE], tf.shape(gradient)[1:]], axis=0))  # (B, K, L, D)
            return total + tf.einsum("bkld,k->bld", gradient, weights)

        places, weights = np.polynomial.legendre.leggauss(POINTS)
        rule = [tf.constant(part.reshape(-1, AT_ONCE), tf.float32) for part in ((places + 1) / 2, weights / 2)]
        mean = tf.foldl(mean_gradient, tuple(rule), tf.zeros_like(way), parallel_iterations=1)
        return tf.reduce_sum(mean * way, axis=-1)

    def _shares(self, fused: Tensors, targets: Tensors) -> dict[str, tf.Tensor]:
        """Shapley values of the inputs' presence; see `model.coalitions`."""
        asked = coalitions(len(self._spec.inputs))
        shown, all_targets = _repeat(fused, AT_ONCE), _repeat(targets, AT_ONCE)
        batch = tf.shape(next(iter(fused.values())))[0]

        def values_of(members: tf.Tensor) -> tf.Tensor:
            """The probabilities (K, B) for some coalitions (K, inputs)."""
            present = {
                presence_of(name): shown[presence_of(name)] & tf.tile(members[:, player], [batch])
                for player, name in enumerate(self._spec.inputs)
            }
            return tf.transpose(tf.reshape(self._probability({**shown, **present}, all_targets), [batch, AT_ONCE]))

        count = len(asked.members)
        # Filled up by the last one, that of all inputs.
        members = np.pad(asked.members, ((0, -count % AT_ONCE), (0, 0)), mode="edge")
        groups = tf.constant(members.reshape(-1, AT_ONCE, members.shape[1]))
        values = tf.map_fn(values_of, groups, fn_output_signature=tf.float32, parallel_iterations=1)
        values = tf.transpose(tf.reshape(values, [-1, batch]))[:, :count]  # (B, M)
        return {
            "shares": tf.matmul(values, tf.constant(asked.coefficients)),
            "probability": values[:, -1],
            "baseline": values[:, 0],
        }


def _end_of(spec: ImageBranch, branch: keras.Model) -> tuple[str, keras.Model]:
    """The stage that a heat map is taken from, and the layers behind it: its map -> `vector` and `last` map."""
    maps = stages(branch.output)
    last = branch.output[maps[-1]]
    fine = [name for name in maps if min(branch.output[name].shape[1:3]) >= LEAST_PLACES]
    stage = fine[-1] if fine else maps[0]
    # A pretrained network is nested as a whole and can't be entered between its stages.
    if stage != maps[-1] and not isinstance(spec, PretrainedBranch):
        return stage, keras.Model(branch.output[stage], {"vector": branch.output["vector"], "last": last})
    features = keras.Input(last.shape[1:])
    vector = branch.get_layer("dense")(branch.get_layer(spec.pooling)(features))
    return maps[-1], keras.Model(features, {"vector": vector, "last": features})


def _of_view(outputs: Tensors, view: View) -> dict[str, tf.Tensor]:
    start = f"{view.name}."
    return {name.removeprefix(start): tensor for name, tensor in outputs.items() if name.startswith(start)}


def _places(features: tf.Tensor) -> tf.Tensor:
    """(batch, h, w, channels) -> (batch, h * w, channels)."""
    return tf.reshape(features, [-1, features.shape[1] * features.shape[2], features.shape[3]])


def _pick(values: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """(batch, classes), int32 (batch,) -> (batch,); 0 where the target is no class, as -1."""
    return tf.reduce_sum(values * tf.one_hot(target, values.shape[1]), axis=1)


def _repeat(tensors: Tensors, times: int) -> dict[str, tf.Tensor]:
    """Every example so many times in a row."""
    return {name: tf.repeat(tensor, times, axis=0) for name, tensor in tensors.items()}


def _merge_axes(tensor: tf.Tensor) -> tf.Tensor:
    """(batch, times, ...) -> (batch * times, ...)."""
    return tf.reshape(tensor, tf.concat([[-1], tf.shape(tensor)[2:]], axis=0))

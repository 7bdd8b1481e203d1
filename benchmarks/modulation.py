"""Other ways to keep one branch from leaving the other behind, beside what the defaults do.

    python -m benchmarks.modulation inner.csv --image image --text annotation --label label --split inner

All with the same branches (`conv` with 3x3 kernels, words), epochs, seed and moving average; ten trainings a seed.
Accuracy and log loss of the rows of the split `test`; for a choice, hand over a table whose `test` is part of what was
not put aside for testing.

- One head over both vectors, trained jointly, without more.
- OGM-GE (Peng 2022, arXiv:2203.15332): the same; what moves the branch that says more of the right label is made
  smaller, and noise is added to convolutions. The paper has SGD; AdamW divides a factor of a gradient out again, so
  here it is the step of the branch that is made smaller.
- Gradient-Blending, offline (Wang 2020, arXiv:1905.12681): each branch has a head of its own; the losses have the
  weights G / O^2 of networks trained for each alone, G being what was gained on validation and O by how much more on
  training.
- Branches first: each trained alone, then a head on their vectors, with the branches frozen or going on.
- The way of the defaults: every branch has a head of its own, and all logits are added, weighed on validation.
- The average and the product of what the single networks say.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from rich.console import Console

from model import heads
from model.build import FUSION, build
from model.encoder import Encoder
from model.rebuild import vocabulary_sizes
from model.signature import presence_of
from model.spec import ModelSpec
from training.average import Average
from training.epoch import Listener
from training.fit import learn_vocabularies
from training.forward import forward_pass, predict_logits
from training.loop import train
from training.objective import Objective
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.reuse import Reuse
from training.runs import Run
from training.step import Group, Step

HEAD, PICTURE, WORDS = "answer", "image", "text"
ALPHA = 0.3
MODULATED_SHARE = 0.5  # of the epochs, as in the paper's code
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """What a network says of the rows to be measured on, and how well it learned.

    Args:
        probabilities: float64 (rows, classes).
        network: with the weights of its best epoch.
        gained: by how much the validation loss fell, in nats.
        overfitted: by how much more the training loss fell.
    """

    probabilities: Floats
    network: keras.Model
    gained: float
    overfitted: float


def trained(
    data: Prepared, spec: ModelSpec, files: Mapping[str, Path], *, begin: Sequence[Told] = (), **settings: Any
) -> Told:
    """Trains a spec; its branches begin with those of earlier networks, if these have them."""
    chosen = data.recipe.training.model_copy(update=settings)  # a recipe would not freeze what no init names
    keras.utils.set_random_seed(chosen.seed)
    own = {name: file for name, file in files.items() if name in spec.branches}
    encoder, network = Encoder(spec, own), build(spec, vocabulary_sizes(own))
    for earlier in begin:
        theirs = {layer.name: layer for layer in earlier.network.layers}
        for layer in network.layers:
            if layer.name.endswith((".branch", ".lookup")) and layer.name in theirs:
                layer.set_weights(theirs[layer.name].get_weights())
    parts = {name: getattr(data, name).only(spec) for name in ("train", "val", "test")}
    forward = forward_pass(network, encoder, spec)
    objective = Objective(spec, parts["train"].targets)

    def losses() -> list[float]:
        return [
            float(objective.of_head(HEAD, predict_logits(forward, parts[name])[HEAD], parts[name].targets[HEAD]))
            for name in ("train", "val")
        ]

    before = losses()
    train(
        network,
        encoder,
        spec,
        training=parts["train"],
        validation=parts["val"],
        settings=chosen,
        listener=Listener(step=lambda *_: None, epoch=lambda *_: None),
        forward=forward,
    )
    fell, fell_val = (old - new for old, new in zip(before, losses(), strict=True))
    logits = predict_logits(forward, parts["test"])[HEAD]
    said = heads.probabilities(spec.heads[HEAD], logits).numpy().astype(np.float64)
    return Told(said, network, fell_val, fell - fell_val)


def modulated(noise: bool, until: int) -> Callable[..., Step]:
    """`training.step.compiled` with OGM, and with noise OGM-GE, for so many steps."""

    def compiled(
        network: keras.Model,
        encoder: Encoder,
        objective: Objective,
        groups: Sequence[Group],
        average: Average | None = None,
    ) -> Step:
        (group,) = groups
        views = {view: network.get_layer(f"{view}.branch") for view in (PICTURE, WORDS)}
        lookup = network.get_layer(f"{WORDS}.lookup")
        owned = {
            PICTURE: {id(one) for one in views[PICTURE].trainable_variables},
            WORDS: {id(one) for one in [*views[WORDS].trainable_variables, *lookup.trainable_variables]},
        }
        last = network.get_layer(FUSION).get_layer(f"{HEAD}.head")

        def step(tensors: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
            steps_before = tf.identity(group.optimizer.iterations.value)
            with tf.GradientTape() as tape:
                said = network(encoder(tensors), training=True)
                loss = objective(said, targets)
            gradients = tape.gradient(loss, [variable.value for variable in group.variables])
            # What each branch says of the right label, by its half of the last layer, where both are given.
            both = tf.cast(tensors[presence_of(PICTURE)] & tensors[presence_of(WORDS)], tf.float32)
            width, right = said[f"{PICTURE}.vector"].shape[-1], targets[HEAD]
            halves = {PICTURE: last.kernel[:width], WORDS: last.kernel[width:]}
            sure = {
                view: tf.reduce_sum(
                    both
                    * tf.gather(
                        tf.nn.softmax(said[f"{view}.vector"] @ half + last.bias / 2), right, axis=1, batch_dims=1
                    )
                )
                for view, half in halves.items()
            }
            ahead = sure[PICTURE] / tf.maximum(sure[WORDS], 1e-6)
            ratios = {PICTURE: ahead, WORDS: 1 / tf.maximum(ahead, 1e-6)}
            on = steps_before < until
            factors = {
                view: tf.where(on & (ratio > 1), 1 - tf.tanh(ALPHA * ratio), 1.0) for view, ratio in ratios.items()
            }
            if noise:
                gradients = [
                    one + tf.where(on, tf.random.normal(tf.shape(one)) * tf.math.reduce_std(one), 0.0)
                    if len(variable.shape) == 4
                    else one
                    for one, variable in zip(gradients, group.variables, strict=True)
                ]
            old = {id(one): tf.identity(one.value) for one in group.variables}
            group.optimizer.apply(gradients, group.variables)
            for view, mine in owned.items():
                for variable in group.variables:
                    if id(variable) in mine:
                        variable.assign(old[id(variable)] + factors[view] * (variable.value - old[id(variable)]))
            if average is not None:
                average.update(steps_before)
            return loss

        signature = [encoder.input_signature, objective.signature]
        made: Step = tf.function(step, input_signature=signature, autograph=False)
        return made

    return compiled


class Blended(Objective):
    """The losses of the head and of its copies, each with a weight of its own."""

    weights: Mapping[str, float]

    def __call__(self, logits: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The sum, in nats."""
        return tf.add_n(
            weight * self.of_head(HEAD, logits[HEAD if view == HEAD else f"{HEAD}.{view}"], targets[HEAD])
            for view, weight in self.weights.items()
        )


def ways(data: Prepared, files: Mapping[str, Path]) -> dict[str, Floats]:
    """For each way what it says, float64 (rows, classes)."""
    spec, settings = data.recipe.spec, data.recipe.training
    steps = -(-len(data.train) // settings.batch_size) * settings.epochs
    said: dict[str, Floats] = {}

    def note(what: str, told: Told | Floats) -> None:
        said[what] = told.probabilities if isinstance(told, Told) else told
        right = data.test.targets[HEAD]
        at = said[what][np.arange(len(right)), right]
        accuracy = (said[what].argmax(axis=1) == right).mean()
        print(f"  {what:<50} {accuracy:.3f}  log loss {-np.log(np.maximum(at, 1e-12)).mean():.3f}", flush=True)

    alone = {name: trained(data, spec.only([name]), files) for name in (PICTURE, WORDS)}
    for name, told in alone.items():
        note(f"{name} alone", told)
    both = np.stack([told.probabilities for told in alone.values()])
    note("average of these two", both.mean(axis=0))
    product = np.sqrt(both.prod(axis=0))
    note("product of these two", product / product.sum(axis=1, keepdims=True))
    joint = trained(data, spec, files)
    note("one head over both, jointly", joint)

    flat = ModelSpec.model_validate({**spec.model_dump(), "trunk": {"units": [], "dropout": spec.trunk.dropout}})
    note("the same without a hidden layer", trained(data, flat, files))
    for what, noise in {"with OGM": False, "with OGM-GE": True}.items():
        with patch("training.optimisation.compiled", modulated(noise, int(steps * MODULATED_SHARE))):
            note(f"the same, {what}", trained(data, flat, files))

    worth = {HEAD: joint, **alone}
    raw = {name: max(told.gained, 0) / max(told.overfitted, 1e-2) ** 2 for name, told in worth.items()}
    Blended.weights = {name: value / sum(raw.values()) for name, value in raw.items()}
    weights = ", ".join(f"{name} {value:.2f}" for name, value in Blended.weights.items())
    copies = _with_head(spec, auxiliary_weight=1.0)
    with patch("training.loop.Objective", Blended):
        note(f"Gradient-Blending ({weights})", trained(data, copies, files))

    first = list(alone.values())
    note("branches first, then frozen", trained(data, spec, files, begin=first, freeze=[PICTURE, WORDS]))
    note(
        "branches first, then all at a tenth of the rate",
        trained(data, spec, files, begin=first, learning_rate=settings.learning_rate / 10),
    )
    note(
        "own heads, all added (the defaults' way)",
        trained(data, _with_head(spec, auxiliary_weight=1.0, add_auxiliary=True), files),
    )
    return said


def _with_head(spec: ModelSpec, **changes: Any) -> ModelSpec:
    given = spec.model_dump()
    given["heads"][HEAD] |= changes
    return ModelSpec.model_validate(given)


def main() -> None:
    """Prints a line for each way, for each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--image", default="image")
    parser.add_argument("--text", default="annotation")
    parser.add_argument("--label", default="label")
    parser.add_argument("--split", required=True)
    parser.add_argument("--size", type=int, default=64, help="side of the pictures in pixels")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0, help="the first")
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    recipe = Recipe.parse(
        {
            "name": "modulation",
            "data": {
                "manifest": given.manifest.absolute(),
                "columns": {PICTURE: given.image, WORDS: given.text},
                "labels": {HEAD: given.label},
                "split": {"column": given.split},
            },
            "spec": {
                "inputs": {
                    PICTURE: {"kind": "image", "height": given.size, "width": given.size},
                    WORDS: {"kind": "text"},
                },
                "branches": {
                    PICTURE: {"kind": "conv"},
                    WORDS: {"kind": "embedding", "dimension": 64, "activation": "linear"},
                },
                "heads": {HEAD: {"kind": "single_label"}},
            },
            "training": {"epochs": given.epochs, "ema_decay": 0.99},
        },
        what="recipe",
    )
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        for seed in range(given.seed, given.seed + given.seeds):
            reporter = Reporter(Console(quiet=True))
            data = prepare(recipe.replace(training={"seed": seed}), cache_dir=home / "cache", reporter=reporter)
            files = learn_vocabularies(data, Run.create(home, f"seed-{seed}"), Reuse(None))
            print(f"seed {seed}, {len(data.test)} rows:", flush=True)
            ways(data, files)


if __name__ == "__main__":
    main()

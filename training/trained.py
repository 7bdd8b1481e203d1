"""A network that was trained for a spec, together with its tokenizers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from model import heads
from model.build import build
from model.encoder import Encoder, token_branches
from model.spec import ModelSpec
from training.loop import Epoch, Forward, Listener, forward_pass, predict_logits, train
from training.pipeline import Examples
from training.prepare import Prepared


@dataclass(frozen=True)
class Trained:
    """A network with the weights of its best epoch.

    Args:
        network: of `model.build`.
        encoder: its tokenizers.
        history: the figures of every epoch.
        best: the epoch whose weights were kept.
        forward: tensors of the signature to logits.
    """

    network: keras.Model
    encoder: Encoder
    history: list[Epoch]
    best: Epoch
    forward: Forward

    def probabilities(self, examples: Examples) -> dict[str, NDArray[np.float32]]:
        """For each head float32 (examples, classes)."""
        logits = predict_logits(self.forward, examples)
        return {head: heads.probabilities(values).numpy() for head, values in logits.items()}

    def accuracy(self, examples: Examples) -> dict[str, float]:
        """For each head the share of examples whose most probable label is the right one."""
        return {
            head: float((values.argmax(axis=1) == examples.targets[head]).mean())
            for head, values in self.probabilities(examples).items()
        }


def train_spec(spec: ModelSpec, data: Prepared, vocabulary_files: Mapping[str, Path], listener: Listener) -> Trained:
    """Builds a spec and trains it with the settings of the data's recipe.

    Args:
        spec: the recipe's, or a part of it with fewer inputs.
        data: the examples.
        vocabulary_files: for each branch over text or tags, one token a line.
        listener: told of steps and epochs.

    Raises:
        SpecError: if training diverges.
    """
    settings = data.recipe.training
    keras.utils.set_random_seed(settings.seed)
    files = {name: vocabulary_files[name] for name in token_branches(spec)}
    encoder = Encoder(spec, files)
    # Lines end with a newline and with nothing else: splitlines() would also split at characters within a token.
    network = build(spec, {name: file.read_text(encoding="utf-8").count("\n") for name, file in files.items()})
    best: list[Epoch] = []

    def after_epoch(epoch: Epoch, is_best: bool) -> None:
        if is_best:
            best[:] = [epoch]
        listener.epoch(epoch, is_best)

    history = train(
        network,
        encoder,
        training=data.train.only(spec.inputs),
        validation=data.val.only(spec.inputs),
        settings=settings,
        listener=Listener(listener.step, after_epoch),
    )
    return Trained(network, encoder, history, best[0], forward_pass(network, encoder))

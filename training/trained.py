"""A network that was trained for a spec, together with its tokenizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from model import heads
from model.build import build
from model.encoder import Encoder
from model.rebuild import vocabulary_sizes
from model.spec import ModelSpec
from training.accuracy import accuracy
from training.loop import Epoch, Forward, Listener, forward_pass, predict_logits, train
from training.pipeline import Examples
from training.prepare import Prepared
from training.reuse import Reuse
from training.start import start


@dataclass(frozen=True)
class Trained:
    """A network with the weights of its best epoch.

    Args:
        spec: what was built.
        network: of `model.build`.
        encoder: its tokenizers.
        history: the figures of every epoch.
        best: the epoch whose weights were kept.
        forward: tensors of the signature to logits.
    """

    spec: ModelSpec
    network: keras.Model
    encoder: Encoder
    history: list[Epoch]
    best: Epoch
    forward: Forward

    def probabilities(self, examples: Examples) -> dict[str, NDArray[np.float32]]:
        """For each head float32 (examples, classes)."""
        logits = predict_logits(self.forward, examples)
        return {head: heads.probabilities(self.spec.heads[head], values).numpy() for head, values in logits.items()}

    def accuracy(self, examples: Examples) -> dict[str, float]:
        """For each head its accuracy; see `training.accuracy`."""
        return {
            head: accuracy(self.spec.heads[head], values, examples.targets[head])
            for head, values in self.probabilities(examples).items()
        }


def train_spec(
    spec: ModelSpec,
    data: Prepared,
    vocabulary_files: Mapping[str, Path],
    listener: Listener,
    reuse: Reuse | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Builds a spec and trains it with the settings of the data's recipe.

    Args:
        spec: the recipe's, or a part of it with fewer inputs.
        data: the examples.
        vocabulary_files: for each branch with a learned vocabulary, one token a line.
        listener: told of steps and epochs.
        reuse: earlier models to start from; None for none.
        say: told what the network starts from.

    Raises:
        SpecError: if training diverges, or weights to start from do not fit.
    """
    settings = data.recipe.training
    keras.utils.set_random_seed(settings.seed)
    files = {name: file for name, file in vocabulary_files.items() if name in spec.branches}
    encoder = Encoder(spec, files)
    network = build(spec, vocabulary_sizes(files))
    for line in start(network, spec, files, reuse or Reuse(None), freeze=settings.freeze):
        say(line)
    best: list[Epoch] = []

    def after_epoch(epoch: Epoch, is_best: bool) -> None:
        if is_best:
            best[:] = [epoch]
        listener.epoch(epoch, is_best)

    history = train(
        network,
        encoder,
        spec,
        training=data.train.only(spec),
        validation=data.val.only(spec),
        settings=settings,
        listener=Listener(listener.step, after_epoch),
    )
    return Trained(spec, network, encoder, history, best[0], forward_pass(network, encoder, spec))

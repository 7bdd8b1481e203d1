"""The moving average of the weights: what is validated, kept and exported in the place of the trained ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import tensorflow as tf


class Average:
    """An exponential moving average of weights (Polyak and Juditsky 1992, doi:10.1137/0330046).

        average += (1 - d) (weight - average),    d = min(decay, (1 + steps) / (10 + steps))

    The decay begins low, so that the random weights of the beginning are soon forgotten. The moving mean and variance
    of a batch normalization are averaged like any weight: those of the trained weights would not fit the averaged
    ones, and as averages of figures over batches they may be averaged again (as EfficientNet was trained: Tan 2019,
    arXiv:1905.11946). What does not train stays exactly as it is.

    Args:
        weights: of a network, trained or not (as moving means).
        decay: share of the average that a step keeps, in the long run.
    """

    def __init__(self, weights: Sequence[keras.Variable], decay: float) -> None:
        self.weights = [variable for variable in weights if variable.dtype == "float32"]
        self.decay = decay
        self.values = [tf.Variable(variable.value, trainable=False) for variable in self.weights]

    def update(self, steps: tf.Tensor) -> None:
        """Takes the weights in, once a step.

        Args:
            steps: a number, how many there were before this one.
        """
        before = tf.cast(steps, tf.float32)
        share = 1 - tf.minimum(self.decay, (1 + before) / (10 + before))
        for average, weight in zip(self.values, self.weights, strict=True):
            average.assign_add(share * (weight.value - average))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Gives the network the averaged weights, and the trained ones back at the end."""
        trained = [tf.identity(variable.value) for variable in self.weights]
        for variable, average in zip(self.weights, self.values, strict=True):
            variable.assign(average)
        try:
            yield
        finally:
            for variable, value in zip(self.weights, trained, strict=True):
                variable.assign(value)

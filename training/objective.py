"""What training makes small: the losses of all heads and of their auxiliary copies, weighted and summed."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from model import losses
from model.heads import OWN, auxiliary_name, auxiliary_of
from model.spec import ModelSpec, MultiLabelHead
from training.pipeline import Targets


class Objective:
    """The loss of a network.

    Args:
        spec: of the network, with labels.
        targets: for each head those of the training split, which the class weights are made of.
    """

    def __init__(self, spec: ModelSpec, targets: Mapping[str, Targets]) -> None:
        self._spec = spec
        self._class_weights = {
            name: losses.class_weights(head.class_weights, targets[name], len(head.labels))
            for name, head in spec.heads.items()
        }

    @property
    def signature(self) -> dict[str, tf.TensorSpec]:
        """The targets of a batch, as `tf.function` wants to be told: indices, or a yes or no for each label."""
        return {
            name: tf.TensorSpec([None, len(head.labels)], tf.bool)
            if isinstance(head, MultiLabelHead)
            else tf.TensorSpec([None], tf.int32)
            for name, head in self._spec.heads.items()
        }

    def __call__(self, logits: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """What is made small, in nats, a single number; auxiliary copies count.

        Args:
            logits: `<head>` and `<head>.<view>`, float32 (batch, classes).
            targets: as `signature` says.
        """
        total = []
        for name, head in self._spec.heads.items():
            # Of a head that adds its copies, what it says itself learns, as hard as if there were none.
            own = auxiliary_name(name, OWN)
            total.append(head.loss_weight * self.of_head(name, logits.get(own, logits[name]), targets[name]))
            for view in auxiliary_of(self._spec, name):
                weight = head.loss_weight * head.auxiliary_weight
                total.append(weight * self.of_head(name, logits[auxiliary_name(name, view)], targets[name]))
        return tf.add_n(total)

    def of_answers(self, logits: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The loss of what the heads answer, in nats, a single number: what training and validation are compared by.

        Args:
            logits: `<head>`, float32 (batch, classes).
            targets: as `signature` says.
        """
        return tf.add_n(
            head.loss_weight * self.of_head(name, logits[name], targets[name])
            for name, head in self._spec.heads.items()
        )

    def of_head(self, name: str, logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """The loss of one head, its weight left out."""
        return losses.loss(self._spec.heads[name], logits, targets, self._class_weights[name])

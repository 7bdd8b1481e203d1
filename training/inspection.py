"""Looking inside a trained model: its parts, and what it made of one example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model import weights
from model.build import stages
from model.bundle import Bundle
from model.examples import Example, decode, stack
from model.heads import probabilities
from model.rebuild import Rebuilt, rebuild
from model.serving import signatures
from model.signature import EXPLAIN, heatmap_of, target_of
from model.word_weights import token_weights
from training import diagram, feature_maps
from training.pooling import shares_of
from training.runs import bundle_of


@dataclass(frozen=True)
class PartInfo:
    """One part of a model.

    Args:
        name: of the branch or head, `merge` or `trunk`.
        kind: as the spec says.
        parameters: how many weights it has.
        shape: what it gives for one example.
    """

    name: str
    kind: str
    parameters: int
    shape: str


@dataclass(frozen=True)
class Looked:
    """What a model made of one example.

    Args:
        answers: for each head its labels and their probabilities, most probable first.
        explained: for each head the label that is explained.
        tokens: for each text or tags input its tokens and their weights; see `model.word_weights`.
        shares: for each input how much it moved the probability, from `baseline` to `probability`.
        probability: of the explained labels, summed over the heads.
        baseline: the same with all inputs absent.
        files: the pictures that were written.
    """

    answers: Mapping[str, list[tuple[str, float]]]
    explained: Mapping[str, str]
    tokens: Mapping[str, list[tuple[str, float]]]
    shares: Mapping[str, float]
    probability: float
    baseline: float
    files: list[Path]


class Inspection:
    """A trained model, opened.

    Args:
        path: a run folder or a bundle.

    Raises:
        BundleError: if there is no bundle that this build can read.
    """

    def __init__(self, path: Path) -> None:
        self._made: Rebuilt = rebuild(Bundle(bundle_of(path)))
        self.spec = self._made.spec

    def parts(self) -> list[PartInfo]:
        """Branches, merge, trunk and heads, in the order in which data flows."""
        spec, network = self.spec, self._made.network
        counts = self._parameters()
        found = []
        for name, branch in spec.branches.items():
            outputs = {key: network.output[f"{name}.{key}"] for key in network.get_layer(f"{name}.branch").output}
            maps = [f"{key} {_shape(outputs[key])}" for key in stages(outputs)]
            states = [f"states {_shape(outputs['states'])}"] if "states" in outputs else []
            shape = ", ".join([*maps, *states, f"vector {_shape(outputs['vector'])}"])
            found.append(PartInfo(name, branch.kind, counts[name], shape))
        if spec.merge is not None:
            merged = f"vector {_shape(network.output['merged'])}"
            found.append(PartInfo("merge", spec.merge.kind, counts.get("merge", 0), merged))
            widths = ", ".join(f"vector ({width})" for width in spec.trunk.units)
            found.append(PartInfo("trunk", "dense", counts.get("trunk", 0), widths or "as merged"))
        for name, head in spec.heads.items():
            found.append(PartInfo(name, head.kind, counts.get(name, 0), f"{len(head.labels)} probabilities"))
        return found

    @property
    def total_parameters(self) -> int:
        """How many weights there are in all, the vectors of absent inputs among them."""
        return sum(self._parameters().values())

    def pools(self) -> dict[str, dict[str, float]]:
        """For each head that adds what its branches say alone how much each answer counts."""
        return shares_of(self._made.network, self.spec)

    def draw(self, file: Path) -> Path:
        """Writes the architecture as a picture."""
        file.parent.mkdir(parents=True, exist_ok=True)
        diagram.draw(self.spec, self._parameters(), file)
        return file

    def look(self, example: Example, directory: Path) -> Looked:
        """Asks the model about an example, and writes feature maps and heat maps as PNGs.

        Args:
            example: encoded pictures and texts.
            directory: where to; made if it is not there.

        Raises:
            ImageError: if a picture is unusable.
        """
        spec = self.spec
        tensors = stack(spec, [decode(spec, example)])
        constants = {name: tf.constant(array) for name, array in tensors.items()}
        outputs = self._made.network(self._made.encoder(constants), training=False)
        answers = {name: _ranked(self._made, name, outputs[name]) for name in spec.heads}
        explained = {name: ranked[0][0] for name, ranked in answers.items()}
        targets = {
            target_of(name): tf.constant([spec.heads[name].labels.index(label)], tf.int32)
            for name, label in explained.items()
        }
        functions = signatures(spec, self._made.encoder, self._made.network, self._made.temperatures)
        every = {name: tensor.numpy() for name, tensor in functions[EXPLAIN](**constants, **targets).items()}
        found = {name: array[0] for name, array in every.items()}
        return Looked(
            answers=answers,
            explained=explained,
            tokens=token_weights(spec, every, 0, inputs=spec.inputs),
            shares=dict(zip(spec.inputs, found["shares"].tolist(), strict=True)),
            probability=float(found["probability"]),
            baseline=float(found["baseline"]),
            files=self._pictures(example, tensors, outputs, found, directory),
        )

    def _pictures(
        self,
        example: Example,
        tensors: Mapping[str, NDArray[np.generic]],
        outputs: Mapping[str, tf.Tensor],
        explained: Mapping[str, NDArray[np.generic]],
        directory: Path,
    ) -> list[Path]:
        files = []
        for view in self.spec.views:
            if view.branch in self.spec.image_branches and view.input in example:
                for stage in stages(self._made.network.get_layer(f"{view.branch}.branch").output):
                    maps = outputs[f"{view.name}.{stage}"].numpy()[0]
                    files.append(feature_maps.save(feature_maps.grid(maps), directory / f"{view.name}.{stage}.png"))
        for name in self.spec.inputs:
            if heatmap_of(name) in explained and name in example:
                picture = feature_maps.overlay(tensors[name][0], explained[heatmap_of(name)].astype(np.float32))
                files.append(feature_maps.save(picture, directory / f"{heatmap_of(name)}.png"))
        return files

    def _parameters(self) -> dict[str, int]:
        return {
            part: sum(int(np.prod(variable.shape)) for variable in variables)
            for part, variables in weights.parts(self._made.network).items()
        }


def _shape(tensor: tf.Tensor) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in tensor.shape[1:])})"


def _ranked(made: Rebuilt, name: str, logits: tf.Tensor) -> list[tuple[str, float]]:
    head = made.spec.heads[name]
    values = probabilities(head, logits, made.temperatures.get(name, 1.0)).numpy()[0].tolist()
    return sorted(zip(head.labels, values, strict=True), key=lambda one: -one[1])

"""A model that is measured as it is served: the SavedModel of a run or a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle
from model.errors import ManifestError
from model.signature import SERVING
from model.spec import ModelSpec
from training import recipe_file
from training.evaluation.calibration import Calibration
from training.pipeline import Examples, in_order
from training.recipe import Recipe
from training.runs import bundle_of

BATCH_SIZE = 256


class Subject:
    """An exported model with what it says of itself.

    Args:
        path: a run folder or a bundle.

    Raises:
        BundleError: if there is no bundle in it that this build can read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bundle = Bundle(bundle_of(path))
        self.is_run = (path / "recipe.yaml").is_file()

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return self.bundle.spec

    @property
    def trained_on(self) -> str | None:
        """SHA-256 of the manifest that it was trained on."""
        return self.bundle.metadata.training_data.get("manifest_sha256")

    @property
    def calibrations(self) -> dict[str, Calibration]:
        """How each head was calibrated."""
        said = self.bundle.metadata
        return {
            name: Calibration(said.temperatures.get(name, 1.0), said.thresholds.get(name)) for name in self.spec.heads
        }

    @property
    def commonest(self) -> dict[str, tuple[str, ...]]:
        """For each head the answer that was commonest in training, as far as that is known."""
        figures = self.bundle.metadata.metrics
        return {name: tuple(one["commonest"]) for name, one in figures.items() if "commonest" in one}

    def recipe(self, manifest: Path | None = None, *, image_root: Path | None = None) -> Recipe:
        """The columns that the model was trained on, in another manifest or the one it was trained on.

        A bundle that does not know them is taken to have columns called as its inputs and heads are.

        Args:
            manifest: the rows; None takes the run's own.
            image_root: folder that picture paths are relative to.

        Raises:
            ManifestError: if there is no manifest, or none is given for a bundle.
        """
        data = self._data()
        if manifest is not None:
            data |= {"manifest": manifest.absolute(), "image_root": None}
        elif not self.is_run:
            raise ManifestError(f"{self.path} is a bundle, which does not say where its rows are. Give a MANIFEST.")
        if image_root is not None:
            data["image_root"] = image_root.absolute()
        asked = {"name": self.bundle.metadata.name, "data": data, "spec": self.spec.model_dump()}
        return Recipe.parse(asked, what="recipe")

    def probabilities(
        self, examples: Examples, *, progress: Callable[[int, int], None] = lambda *_: None
    ) -> dict[str, NDArray[np.float32]]:
        """For each head float32 (rows, classes), calibrated.

        Args:
            examples: at least one row.
            progress: told how many rows of how many are done.
        """
        import tensorflow as tf

        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self.spec.heads}
        done = 0
        for batch in in_order(examples, BATCH_SIZE):
            answers = self._serve(**{name: tf.constant(array) for name, array in batch.items()})
            for name, found in parts.items():
                found.append(answers[name].numpy())
            done += len(next(iter(batch.values())))
            progress(done, len(examples))
        return {name: np.concatenate(found) for name, found in parts.items()}

    @cached_property
    def _serve(self) -> Callable[..., Mapping[str, Any]]:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  (registers the tokenizers' operations)

        self._loaded = tf.saved_model.load(str(self.bundle.path))  # kept: the signature alone does not keep its weights
        serve: Callable[..., Mapping[str, Any]] = self._loaded.signatures[SERVING]
        return serve

    def _data(self) -> dict[str, Any]:
        if self.is_run:
            return recipe_file.load(self.path / "recipe.yaml").data.model_dump()
        said = self.bundle.metadata.recipe
        if said is not None:
            return dict(said["data"])
        return {
            "columns": {name: name for name in self.spec.inputs},
            "labels": {name: name for name in self.spec.heads},
        }

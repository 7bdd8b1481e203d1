"""What a training was asked for beside the recipe: all that a run needs to go on by itself."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PositiveInt

from model.errors import ManifestError
from model.validation import Part
from training import manifest
from training.recipe import Recipe


class Request(Part):
    """What `fit` was asked for, as `fit.json` of a run holds it.

    Args:
        models: folder that the bundle is published in.
        cache: folder of what was made of the manifest and the pictures.
        seeds: how many to train, from the recipe's on.
        alone: also train each modality alone.
        publish: whether to publish the bundle.
        gate: whether to compare it with an earlier version first, and not to publish one that is worse.
        source: the earlier model that the weights come from and that it is compared with; None compares it with the
            newest version of its name.
        gate_metric: figure of the test rows by which they are compared.
        gate_tolerance: by how much the new one may be worse, in units of the metric.
        manifest_sha256: of the manifest.
        rows_sha256: of the numbers of the rows in each split, in order.
        libraries: version of what the weights hang on.
    """

    models: Path
    cache: Path
    seeds: PositiveInt = 1
    alone: bool = False
    publish: bool = True
    gate: bool = False
    source: Path | None = None
    gate_metric: str = "accuracy"
    gate_tolerance: float = Field(0.0, ge=0)
    manifest_sha256: str = ""
    rows_sha256: str = ""
    libraries: dict[str, str] = Field(default_factory=dict)

    def require_same_manifest(self, recipe: Recipe) -> None:
        """Looks whether the manifest is still the one that the run began with, before anything is made of it.

        Args:
            recipe: of the run.

        Raises:
            ManifestError: if it is not.
        """
        found = manifest.read(recipe, cache_dir=self.cache).digest
        if found != self.manifest_sha256:
            raise ManifestError(
                f"{recipe.data.manifest} was changed since the run began, so the run can't be gone on with. Bring the "
                "old table back, or train anew on the new one."
            )

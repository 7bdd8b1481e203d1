"""A manifest with all its pictures decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.examples import has_tokens
from model.spec import Input
from training import manifest as manifests
from training.cache import Decoded, decoded
from training.manifest import Manifest
from training.manifests.table import TextColumn
from training.progress import Reporter


@dataclass(frozen=True)
class Gathered:
    """All rows of a manifest, the bad ones too.

    Args:
        manifest: its faults are those of the pictures as well.
        pictures: for each image input the pictures.
        present: for each input bool (rows,), whether a row has it.
    """

    manifest: Manifest
    pictures: Mapping[str, Decoded]
    present: Mapping[str, NDArray[np.bool_]]

    @property
    def texts(self) -> dict[str, TextColumn]:
        """For each input that is no picture its texts."""
        return {name: self.manifest.texts(name) for name in self.present if name not in self.pictures}


def gather(manifest: Manifest, *, cache_dir: Path, reporter: Reporter) -> Gathered:
    """Decodes every picture, and finds the rows that have one that can't be used, or nothing at all.

    Raises:
        StorageError: if the cache can't be written.
    """
    recipe = manifest.recipe
    pictures: dict[str, Decoded] = {}
    for name, image in manifests.image_inputs(recipe).items():
        with reporter.task(f"Decoding {name}") as task:
            pictures[name] = decoded(
                manifest.pictures(name),
                image,
                directory=cache_dir,
                max_pixels=recipe.data.max_pixels,
                progress=task.update,
                say=reporter.say,
            )
        manifest = manifest.without(pictures[name].bad)
    present = {
        name: ~manifest.texts(name).is_empty if name in pictures else _tokens(given, manifest.texts(name))
        for name, given in recipe.spec.inputs.items()
    }
    nothing = ~np.any(list(present.values()), axis=0)
    said = f"no input has a picture, a word or a tag ({', '.join(recipe.data.columns.values())})"
    return Gathered(manifest.without(dict.fromkeys(np.flatnonzero(nothing).tolist(), said)), pictures, present)


def _tokens(given: Input, texts: TextColumn) -> NDArray[np.bool_]:
    return np.fromiter((text != "" and has_tokens(given, text) for text in texts), bool, len(texts))

"""A run folder: what one training was asked, how it went, and what came out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from model.bundle import versions
from model.errors import BundleError, StorageError
from training.manifest import BadRow
from training.recipe import Recipe


@dataclass(frozen=True)
class Folders:
    """Where a training writes.

    Args:
        runs: a new run folder is made in it.
        models: the bundle is published in it.
    """

    runs: Path
    models: Path

    def require_writable(self) -> None:
        """Makes both folders and tries to write to them: now, and not after an hour of training.

        Raises:
            StorageError: naming the one that can't be written and the option that changes it.
        """
        for folder, option in ((self.runs, "--runs-dir"), (self.models, "--models-dir")):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with TemporaryDirectory(dir=folder, prefix=".try-"):
                    pass
            except OSError as error:
                raise StorageError(
                    f"The folder {folder} can't be written: {error.strerror}. Choose another with {option}."
                ) from None


class Run:
    """A run folder.

        recipe.yaml            the resolved recipe: labels and all defaults filled in
        log.jsonl              a line an epoch
        metrics.json           the figures of the test split
        curves.png             loss and accuracy by epoch
        predictions.csv        the test rows with their probabilities
        bad_rows.csv           the rows that could not be used, if any
        vocabularies/          one file a branch over text or tags
        bundle/                what was published

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs: Path, name: str) -> Run:
        """Makes a new folder `<runs>/<name>-<UTC time>`.

        Raises:
            StorageError: if it can't be made.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        try:
            for number in range(1, 1000):
                path = runs / (f"{name}-{stamp}" if number == 1 else f"{name}-{stamp}-{number}")
                try:
                    path.mkdir(parents=True)
                except FileExistsError:
                    continue  # two runs in one second
                return cls(path)
        except OSError as error:
            raise StorageError(
                f"No run folder can be made in {runs}: {error.strerror}. Choose another with --runs-dir."
            ) from None
        raise StorageError(f"{runs} holds a thousand runs of this second.")

    @property
    def bundle(self) -> Path:
        """Where the bundle is exported to."""
        return self.path / "bundle"

    def vocabulary(self, branch: str) -> Path:
        """The vocabulary file of a branch."""
        return self.path / "vocabularies" / f"{branch}.txt"

    def write_recipe(self, recipe: Recipe) -> None:
        """Writes `recipe.yaml`."""
        (self.path / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")

    def write_vocabulary(self, branch: str, tokens: list[str]) -> Path:
        """Writes a vocabulary, one token a line."""
        file = self.vocabulary(branch)
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
        return file

    def copy_vocabulary(self, branch: str, source: Path) -> Path:
        """Copies the vocabulary of an earlier model."""
        file = self.vocabulary(branch)
        file.parent.mkdir(exist_ok=True)
        return Path(shutil.copyfile(source, file))

    def write_bad_rows(self, bad: list[BadRow]) -> None:
        """Writes `bad_rows.csv`."""
        rows = sorted(bad, key=lambda one: one.row)
        table = pl.DataFrame({"row": [one.row for one in rows], "reason": [one.reason for one in rows]})
        table.write_csv(self.path / "bad_rows.csv")

    def append_log(self, figures: Mapping[str, Any]) -> None:
        """Adds a line to `log.jsonl`."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(figures) + "\n")

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Writes `metrics.json`."""
        text = json.dumps(metrics, indent=2, ensure_ascii=False)
        (self.path / "metrics.json").write_text(text + "\n", encoding="utf-8")


def bundle_of(path: Path) -> Path:
    """The bundle that a path names: a run folder's, or the path itself.

    Raises:
        BundleError: if there is nothing, or a model of which a version is to be named.
    """
    if not path.is_dir():
        raise BundleError(f"There is no folder {path}; expected a run folder or a bundle.")
    if numbers := versions(path):
        raise BundleError(f"{path} holds a model; name one of its versions: {path / str(numbers[-1])}.")
    return path / "bundle" if (path / "bundle").is_dir() else path

"""A run folder: what one training was asked, how it went, and what came out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.bundle import versions
from model.errors import BifocalError, BundleError, StorageError
from model.json_text import json_text
from training import recipe_file
from training.checkpoint import Checkpoint
from training.recipe import Recipe
from training.request import Request
from training.whole_file import whole_file


@dataclass(frozen=True)
class Folders:
    """Where a training writes.

    Args:
        runs: a new run folder is made in it.
        models: the bundle is published in it.
        run: name of the run folder; made of the model's name and the time if not given.
    """

    runs: Path
    models: Path
    run: str | None = None

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
        fit.json               what else was asked for: see `Request`
        log.jsonl              a line an epoch
        tensorboard/           the same for TensorBoard
        checkpoint/            what it can be resumed from, as long as it is not finished
        metrics.json           the figures of the test split; with `seconds`, the run is finished
        curves.png             loss and accuracy by epoch
        predictions.csv        the test rows with their probabilities
        bad_rows.csv           the rows that could not be used, if any
        check.json             what the data check found; duplicates.csv and its like if there are any
        vocabularies/          one file a branch over text or tags
        learned_from.npy       what stands for the content of each row that it was trained or chosen by
        bundle/                what was published
        report.html, MODEL_CARD.md

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs: Path, name: str, *, folder: str | None = None) -> Run:
        """Makes a new folder `<runs>/<name>-<UTC time>`, or `<runs>/<folder>`.

        Raises:
            StorageError: if it can't be made.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        try:
            if folder is not None:
                path = runs / folder
                path.mkdir(parents=True, exist_ok=True)
                # A run that was killed while it began has left its lock.
                if any(path.iterdir()) and not (path / "checkpoint" / "lock").is_file():
                    raise StorageError(f"{path} is there already, and is no run. Choose another name for --run.")
                return cls(path)
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

    @classmethod
    def open(cls, path: Path) -> Run:
        """A run that is there, finished or not.

        Raises:
            StorageError: if the folder is not a run.
        """
        if not (path / "recipe.yaml").is_file():
            what = "is not a run folder: it has no recipe.yaml" if path.is_dir() else "is not there"
            raise StorageError(f"{path} {what}. `bifocal-training runs` lists the runs that are there.")
        return cls(path)

    @property
    def name(self) -> str:
        """What it is called: the name of its folder."""
        return self.path.name

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to be done."""
        return "seconds" in self.metrics()

    @property
    def can_be_resumed(self) -> bool:
        """Whether `fit --resume` can finish it."""
        return not self.is_finished and (self.path / "fit.json").is_file()

    @property
    def bundle(self) -> Path:
        """Where the bundle is exported to."""
        return self.path / "bundle"

    @property
    def cache(self) -> Path:
        """Where its columns and decoded pictures are; if that is not known or gone, `.cache` beside the run."""
        with suppress(BifocalError):
            if (asked := self.request().cache).is_dir():
                return asked
        return self.path.absolute().parent / ".cache"

    def recipe(self) -> Recipe:
        """The resolved recipe.

        Raises:
            SpecError: if this build can't read it.
        """
        return recipe_file.load(self.path / "recipe.yaml")

    def request(self) -> Request:
        """What else was asked for.

        Raises:
            StorageError: if that is not known.
            SpecError: if it was changed by hand, and wrongly.
        """
        try:
            data = json.loads((self.path / "fit.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise StorageError(
                f"{self.path} can't be gone on with: its fit.json is missing or broken, as that of a run that was "
                "ended while it began. Delete the folder and train anew."
            ) from None
        return Request.parse(data, what="fit.json")

    def metrics(self) -> dict[str, Any]:
        """The figures, as far as there are any; empty before the test."""
        try:
            data = json.loads((self.path / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def log(self) -> list[dict[str, Any]]:
        """The figures of every epoch that is over, as `training.epoch.Epoch` names them."""
        return read_log(self.path / "log.jsonl")

    def checkpoint(self, name: str, *, every_s: float) -> Checkpoint:
        """The checkpoint of one network that is trained in this run."""
        return Checkpoint(self.path / "checkpoint" / f"{name}.npz", every_s=every_s)

    @property
    def has_begun(self) -> bool:
        """Whether something was trained."""
        return any((self.path / "checkpoint").glob("*.npz")) or bool(self.metrics())

    def vocabulary(self, branch: str) -> Path:
        """The vocabulary file of a branch."""
        return self.path / "vocabularies" / f"{branch}.txt"

    def write_recipe(self, recipe: Recipe) -> None:
        """Writes `recipe.yaml`."""
        self._write("recipe.yaml", recipe.to_yaml())

    def write_request(self, request: Request) -> None:
        """Writes `fit.json`."""
        self._write("fit.json", request.model_dump_json(indent=2) + "\n")

    def write_vocabulary(self, branch: str, tokens: list[str]) -> Path:
        """Writes a vocabulary, one token a line."""
        file = self.vocabulary(branch)
        self._write(str(file.relative_to(self.path)), "".join(f"{token}\n" for token in tokens))
        return file

    def copy_vocabulary(self, branch: str, source: Path) -> Path:
        """Copies the vocabulary of an earlier model."""
        file = self.vocabulary(branch)
        file.parent.mkdir(exist_ok=True)
        return Path(shutil.copyfile(source, file))

    def write_contents(self, contents: NDArray[np.bytes_]) -> None:
        """Writes what stands for the content of the rows that the model learns from, S16 (rows,)."""
        file = self.path / "learned_from.npy"
        try:
            with whole_file(file) as beside, beside.open("wb") as stream:
                np.save(stream, contents)
        except OSError as error:
            raise StorageError(f"{file} can't be written: {error.strerror or error}.") from error

    def contents(self) -> NDArray[np.bytes_] | None:
        """What stands for the content of the rows that it learned from, S16 (rows,); None if that is not known."""
        try:
            found: NDArray[np.bytes_] = np.load(self.path / "learned_from.npy")
        except (OSError, ValueError):
            return None
        return found

    def append_log(self, figures: Mapping[str, Any]) -> None:
        """Adds a line to `log.jsonl`."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(figures) + "\n")

    def rewrite_log(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Writes `log.jsonl` anew."""
        self.write_lines("log.jsonl", lines)

    def write_lines(self, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Writes a file with a line of JSON each."""
        self._write(name, "".join(json.dumps(line) + "\n" for line in lines))

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Writes `metrics.json`."""
        self.write_json("metrics.json", metrics)

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Writes a file of figures."""
        self._write(name, json_text(data) + "\n")

    def discard(self) -> None:
        """Deletes the folder: that of a run that failed before it trained, in which nothing is of use."""
        shutil.rmtree(self.path, ignore_errors=True)

    def drop_checkpoints(self) -> None:
        """Deletes what is no longer needed when the run is finished."""
        shutil.rmtree(self.path / "checkpoint", ignore_errors=True)

    def _write(self, name: str, text: str) -> None:
        """A file, whole or not at all.

        Raises:
            StorageError: if it can't be written; the one before is still there then.
        """
        file = self.path / name
        try:
            file.parent.mkdir(exist_ok=True)
            with whole_file(file) as beside:
                beside.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{file} can't be written: {error.strerror}.") from error


def read_log(file: Path) -> list[dict[str, Any]]:
    """The lines of a `log.jsonl`; a last one that was broken off is left out."""
    if not file.is_file():
        return []
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


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

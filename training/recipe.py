"""A recipe: the data, the model spec and the training settings of one run, as frozen data from YAML or from columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import AfterValidator, Field, PositiveInt, model_validator

from model.spec import ModelSpec, Name
from model.validation import Part, nearest
from training.training_settings import Seed, TrainingSettings


def _checked_model_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(
            f"{name!r} can't name a folder of models; expected letters, digits, dots, underscores and hyphens. "
            "Give another with --name."
        )
    return name


ModelName = Annotated[str, AfterValidator(_checked_model_name)]


class SplitSettings(Part):
    """How rows come to train, validation and test.

    Args:
        column: a manifest column that says so, with the values train, val (or validation, dev) and test; None makes
            the split by `validation` and `test`.
        validation: share of the rows.
        test: share of the rows.
        seed: of the split that is made; another one than the training's, so that several seeds train on one split.
    """

    column: str | None = None
    validation: float = Field(0.15, gt=0, lt=1)
    test: float = Field(0.15, gt=0, lt=1)
    seed: Seed = 0

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} leave no rows to train on.")
        return self


class DataSettings(Part):
    """Where the examples come from.

    Args:
        manifest: the table, or a folder of pictures; relative to the recipe's folder.
        image_root: folder that picture paths are relative to; if not given the manifest's, or the manifest that is one.
        columns: for each input of the spec, its manifest column.
        labels: for each head of the spec, its manifest column.
        group: column whose equal values stay on one side of the split that is made.
        split: how rows come to train, validation and test.
        max_bad: share of the rows that may be unusable before training refuses to start.
        max_pixels: pictures with more pixels are unusable.
        publish_examples: whether the bundle may bring along a few rows of the validation split, made small, for
            everybody who is let to the service's page.
    """

    manifest: Path
    image_root: Path | None = None
    columns: dict[Name, str]
    labels: dict[Name, str]
    group: str | None = None
    split: SplitSettings = SplitSettings()
    max_bad: float = Field(0.01, ge=0, le=1)
    max_pixels: PositiveInt = 50_000_000
    publish_examples: bool = False


class Recipe(Part):
    """All that decides what a run makes.

    Args:
        name: the model's name under the models folder.
        data: where the examples come from.
        spec: what is built; the labels of its heads are read from the data.
        training: how it is trained.
    """

    name: ModelName
    data: DataSettings
    spec: ModelSpec
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="after")
    def _training_fits_the_spec(self) -> Self:
        for name in self.training.freeze:
            if name not in self.spec.branches:
                raise ValueError(f".training.freeze: no branch {name!r}{nearest(name, self.spec.branches)}")
            if not self._starts_from_something(name):
                raise ValueError(
                    f".training.freeze: branch {name!r} would stay at random weights. Say in training.init which model "
                    "it comes from, or don't freeze it. (A pretrained network stays as it is by trainable_blocks: 0.)"
                )
        head, dot, _ = self.training.monitor.rpartition(".")
        if dot and head not in self.spec.heads:
            raise ValueError(f".training.monitor: no head {head!r}{nearest(head, self.spec.heads)}")
        parts = [*self.spec.branches, *self.spec.heads, "merge", "trunk"]
        for name in self.training.init if isinstance(self.training.init, dict) else ():
            if name not in parts:
                raise ValueError(f".training.init.{name}: the spec has no such part{nearest(name, parts)}")
        return self

    @model_validator(mode="after")
    def _columns_fit_the_spec(self) -> Self:
        for name, column in self.data.columns.items():
            if column in self.data.labels.values():
                raise ValueError(f".data.columns.{name}: column {column!r} is the label; it can't be an input as well.")
        for where, columns, parts in (
            ("columns", self.data.columns, self.spec.inputs),
            ("labels", self.data.labels, self.spec.heads),
        ):
            for name in columns:
                if name not in parts:
                    raise ValueError(f".data.{where}.{name}: the spec has none of that name{nearest(name, parts)}")
            for name in parts:
                if name not in columns:
                    raise ValueError(f".data.{where}.{name}: missing; say which manifest column it is.")
        return self

    def _starts_from_something(self, branch: str) -> bool:
        # Whether a whole model has the branch is seen when it is read.
        return isinstance(self.training.init, Path) or branch in (self.training.init or {})

    @property
    def image_root(self) -> Path:
        """The folder that picture paths are relative to."""
        manifest = self.data.manifest
        return self.data.image_root or (manifest if manifest.is_dir() else manifest.parent)

    def replace(self, **parts: Mapping[str, Any]) -> Recipe:
        """The same recipe with some keys of some parts changed: `recipe.replace(training={"epochs": 3})`."""
        data = self.model_dump()
        for part, changes in parts.items():
            data[part].update(changes)
        return Recipe.parse(data, what="recipe")

    def with_labels(self, labels: dict[str, tuple[str, ...]]) -> Recipe:
        """The same recipe with the labels of its heads filled in."""
        return self.model_copy(update={"spec": self.spec.with_labels(labels)})

    def renamed(self, name: str) -> Recipe:
        """The same recipe for a model of another name."""
        return Recipe.parse({**self.model_dump(), "name": name}, what="recipe")

    def to_yaml(self) -> str:
        """As YAML that `load` reads again."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

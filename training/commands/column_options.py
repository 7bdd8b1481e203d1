"""What `fit`, `compare` and their like are told of the data: a recipe, or a manifest and its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from training.recipe import Recipe

RECIPE_SUFFIXES = (".yaml", ".yml")

# One a parameter of a command. Typer reads them when the command is made, so they import nothing heavy.
SourceArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="MANIFEST|RECIPE",
        help="The table of examples, one row each, or a folder of pictures; or a recipe in YAML.",
        show_default=False,
    ),
]
RecipeOption = Annotated[Path | None, typer.Option(help="A recipe in YAML instead of columns.", show_default=False)]
ImageOption = Annotated[
    list[str] | None,
    typer.Option(help="Column of picture paths; NAME=COLUMN names the input. Repeatable.", show_default=False),
]
TextOption = Annotated[list[str] | None, typer.Option(help="Column of texts; likewise.", show_default=False)]
TagsOption = Annotated[
    list[str] | None, typer.Option(help="Column of comma-delimited tags; likewise.", show_default=False)
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(help="Column to predict; NAME=COLUMN names the head. Repeatable.", show_default=False),
]
GroupOption = Annotated[
    str | None, typer.Option(help="Column whose equal values stay in one split.", show_default=False)
]
SplitOption = Annotated[
    str | None,
    typer.Option(help="Column that says train, val or test; made 70/15/15 if not given.", show_default=False),
]
NameOption = Annotated[
    str | None, typer.Option(help="Name of the model; the manifest's name if not given.", show_default=False)
]
MaxBadOption = Annotated[
    float | None, typer.Option(min=0, max=1, help="Share of unusable rows above which training refuses.")
]
ImageRootOption = Annotated[
    Path | None, typer.Option(help="Folder that picture paths are relative to; else the manifest's.")
]


@dataclass(frozen=True)
class GivenColumns:
    """What the user said of the data.

    Args:
        source: a manifest, or a recipe by its suffix.
        recipe: a recipe.
        image, text, tags, label: columns, as `COLUMN` or `NAME=COLUMN`.
        group: column of what stays in one split.
        split: column of the split.
        name: of the model.
        max_bad: share of unusable rows that is put up with.
        image_root: folder of the pictures.
    """

    source: Path | None = None
    recipe: Path | None = None
    image: list[str] | None = None
    text: list[str] | None = None
    tags: list[str] | None = None
    label: list[str] | None = None
    group: str | None = None
    split: str | None = None
    name: str | None = None
    max_bad: float | None = None
    image_root: Path | None = None

    def resolve(self, training: Mapping[str, Any] | None = None) -> Recipe:
        """The recipe that this makes.

        Args:
            training: keys of the recipe's training settings that the command line changes; None leaves one as it is.

        Raises:
            BadParameter: if a recipe and columns are given together, or neither.
            SpecError: if the recipe or the columns can't be used.
        """
        from training import recipe_columns, recipe_file

        file, manifest = self._sources()
        columns = {key: getattr(self, key) for key in ("image", "text", "tags", "label")}
        if file is not None:
            if any([*columns.values(), self.group, self.split]):
                raise typer.BadParameter("A recipe and columns do not go together: the recipe names the columns.")
            recipe = recipe_file.load(file)
        elif manifest is not None:
            recipe = recipe_columns.from_columns(
                manifest.absolute(),
                name=self.name or recipe_columns.name_of(manifest),
                **{key: value or [] for key, value in columns.items()},
                group=self.group,
                split=self.split,
            )
        else:
            raise typer.BadParameter("Give a MANIFEST with columns, or --recipe FILE.")
        data = {
            "manifest": manifest and manifest.absolute(),
            "max_bad": self.max_bad,
            "image_root": self.image_root and self.image_root.absolute(),
        }
        recipe = recipe.replace(data=_told(data), training=_told(training or {}))
        return recipe.renamed(self.name) if self.name is not None else recipe

    def _sources(self) -> tuple[Path | None, Path | None]:
        """The file of the recipe, and the manifest; a recipe may be given another manifest than its own."""
        if self.source is not None and self.source.suffix.lower() in RECIPE_SUFFIXES:
            if self.recipe is not None:
                raise typer.BadParameter(f"Two recipes: {self.source} and {self.recipe}. Give one.")
            return self.source, None
        return self.recipe, self.source


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}

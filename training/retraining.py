"""The recipe of an earlier model, for newer rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model.bundle import Bundle
from model.errors import SpecError
from training import recipe_file
from training.recipe import Recipe
from training.runs import bundle_of


def recipe_from(source: Path, manifest: Path, *, image_root: Path | None = None) -> Recipe:
    """The recipe that an earlier model was trained by, for another manifest, starting from its weights.

    The labels are read from the new manifest: those that stayed keep their weights, others come or go.

    Args:
        source: a run folder or a bundle.
        manifest: with the columns of the earlier one.
        image_root: folder that picture paths are relative to; else that of the earlier recipe if it named one, else the
            manifest's.

    Raises:
        BundleError: if there is no model in it that this build can read.
        SpecError: if the bundle does not say which recipe it was trained by.
    """
    data = _recipe_of(source)
    data["data"]["manifest"] = str(manifest)
    if image_root is not None:
        data["data"]["image_root"] = str(image_root)
    for head in data["spec"]["heads"].values():
        head["labels"] = []
    for branch in data["spec"]["branches"].values():
        # What it started from then; now it starts from what came of that.
        branch.pop("vectors", None)
        if branch.get("kind") == "pretrained":
            branch["weights"] = "none"
    data.setdefault("training", {})["init"] = str(source)
    return Recipe.parse(data, what="recipe")


def portable(recipe: Recipe) -> dict[str, Any]:
    """A recipe as a bundle carries it: as plain data, without what is on one machine alone.

    That is the folders of the data and the models that it started from; branches that were frozen are frozen no more,
    as they would have nothing to start from.
    """
    data = recipe.model_dump(mode="json")
    names = recipe.spec.portable().model_dump(mode="json")["branches"]
    data["spec"]["branches"] = names
    data["data"] |= {"manifest": recipe.data.manifest.name, "image_root": None}
    data["training"] |= {"init": None, "freeze": [], "unfreeze_at_epoch": None}
    return data


def label_changes(source: Path, recipe: Recipe) -> list[str]:
    """What became of the labels of an earlier model, a line for each head that is not as it was.

    Args:
        source: a run folder or a bundle.
        recipe: the new one, with the labels of its heads filled in.
    """
    before = Bundle(bundle_of(source)).spec.heads
    lines = []
    for name, head in recipe.spec.heads.items():
        if name not in before:
            continue
        added, gone = _difference(head.labels, before[name].labels), _difference(before[name].labels, head.labels)
        parts = [
            f"labels {what}: {', '.join(map(repr, some))}" for what, some in (("added", added), ("gone", gone)) if some
        ]
        if parts:
            lines.append(f"{name}: {'; '.join(parts)}")
    return lines


def _recipe_of(source: Path) -> dict[str, Any]:
    """As plain data, which is changed before it is checked."""
    if (source / "recipe.yaml").is_file():
        return recipe_file.load(source / "recipe.yaml").model_dump(mode="json")
    bundle = Bundle(bundle_of(source))
    recipe: Mapping[str, Any] | None = bundle.metadata.recipe
    if recipe is None:
        raise SpecError(
            f"{source} does not say which recipe it was trained by. Give --recipe FILE or the columns beside --from."
        )
    return {**recipe, "data": {**recipe["data"]}}


def _difference(some: Sequence[str], others: Sequence[str]) -> list[str]:
    return [one for one in some if one not in others]

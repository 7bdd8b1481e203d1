"""Keys of a recipe set from the command line: `training.learning_rate=0.001`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from model.errors import SpecError
from training.recipe import Recipe


def overridden(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The same recipe with some keys set.

    Args:
        recipe: any.
        changes: each `KEY=VALUE`, the key with its dotted path, the value as in YAML; an empty one is null.

    Raises:
        SpecError: if there is no such key, with the nearest one, or the value is wrong.
    """
    data = recipe.model_dump()
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path:
            raise SpecError(f"--set {change}: expected KEY=VALUE, as in training.learning_rate=0.001.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SpecError(f"--set {change}: the value is not YAML: {error}") from None
        _put(data, path.split("."), value, change)
    return Recipe.parse(data, what="recipe")


def _put(data: dict[str, Any], path: Sequence[str], value: Any, change: str) -> None:
    """Sets a key; one that is not there is for the recipe to complain of."""
    place: Any = data
    for number, key in enumerate(path[:-1], start=1):
        place = place.setdefault(key, {})
        if not isinstance(place, Mapping):
            raise SpecError(f"--set {change}: {'.'.join(path[:number])} holds no keys; it is {place!r}.")
    place[path[-1]] = value

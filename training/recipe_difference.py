"""What differs between two recipes, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.recipe import Recipe

Pair = tuple[Any, Any]


def differing_keys(a: Recipe, b: Recipe) -> dict[str, Pair]:
    """For each key that differs both values; None where a recipe has no such key."""
    return differing(*(dict(flat(recipe.model_dump(mode="json"))) for recipe in (a, b)))


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Keys with their path, as in `spec.heads.category.class_weights`; lists as they are."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Pair]:
    """For each key whose values differ both of them; None where there is none."""
    keys = [*a, *(key for key in b if key not in a)]
    return {key: (a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key)}

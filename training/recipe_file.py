"""Reading a recipe from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from model.errors import SpecError
from training.recipe import Recipe


class _EachKeyOnce(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(file: Path) -> Recipe:
    """Reads a recipe; its relative paths are taken from its own folder.

    Raises:
        SpecError: if it can't be read, with the path of each key that is wrong.
    """
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), _EachKeyOnce)  # noqa: S506  (a safe loader of our own)
    except OSError as error:
        raise SpecError(f"The recipe {file} can't be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"The recipe {file} is not YAML: {error}") from None
    if not isinstance(data, dict):
        raise SpecError(f"The recipe {file} must be a mapping with the keys name, data and spec.")
    _resolve_paths(data, file.parent)
    return Recipe.parse(data, what="recipe")


def _resolve_paths(data: dict[str, Any], folder: Path) -> None:
    """Makes the paths in a recipe absolute; what is not as it should be is left for validation to complain of."""

    def resolve(section: Any, *keys: str) -> None:
        for key in keys:
            if isinstance(section, dict) and isinstance(section.get(key), str):
                section[key] = str((folder / section[key]).resolve())

    def part(section: Any, key: str) -> Any:
        return section.get(key) if isinstance(section, dict) else None

    resolve(data.get("data"), "manifest", "image_root")
    branches = part(data.get("spec"), "branches")
    for branch in branches.values() if isinstance(branches, dict) else ():
        resolve(branch, "vectors")
        if part(branch, "weights") not in ("none", "imagenet"):
            resolve(branch, "weights")
    resolve(data.get("training"), "init")
    init = part(data.get("training"), "init")
    for name in init if isinstance(init, dict) else ():
        resolve(init, name)
        resolve(init[name], "path")

"""The folder of models: what is in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from model.bundle import versions
from model.errors import BundleError


def find(models: Path) -> dict[str, list[int]]:
    """The models under a folder and their versions, oldest first.

    Raises:
        BundleError: if there is none.
    """
    found = found_in(models) if models.is_dir() else {}
    if not found:
        raise BundleError(
            f"There is no model in {models}: expected {models}/<name>/<version>/. Train one with "
            "'bifocal-training fit', or point to another folder."
        )
    return found


def found_in(models: Path) -> dict[str, list[int]]:
    """The same, and nothing if nothing is there. Names that begin with a dot are not looked at.

    Raises:
        OSError: if the folder can't be read.
    """
    found = {}
    for directory in sorted(models.iterdir()):
        if directory.name.startswith("."):
            continue
        with suppress(OSError):  # such as lost+found, which only root may look into
            if numbers := versions(directory):
                found[directory.name] = numbers
    return found

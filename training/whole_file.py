"""A file that is written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Gives the path of a file beside, which takes the place of the file when the context ends; the one before stays
    if anything goes wrong.

    Args:
        file: to be written, in a folder that is there.
    """
    beside = file.with_name(f".{file.name}.part")
    try:
        yield beside
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)

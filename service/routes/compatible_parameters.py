"""Parameters that the routes of both compatible APIs take."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from model.errors import NotFoundError
from service.settings import MAX_TIMEOUT_MS

# A string, so that one that is no number is a version that is not there, and not a parameter that is wrong.
Version = Annotated[str, Path(description="number of the version")]
TimeoutMs = Annotated[
    int | None,
    Query(ge=1, le=MAX_TIMEOUT_MS, description="milliseconds from the end of the request's headers to its answer"),
]


def number_of(name: str, version: str) -> int:
    """The number that a version is.

    Args:
        name: of the model.
        version: as the path has it.

    Raises:
        NotFoundError: if it is no number.
    """
    if not (version.isascii() and version.isdecimal() and len(version) < 19):
        raise NotFoundError(f"Model {name!r} has no version {version!r:.40}; expected a number.")
    return int(version)

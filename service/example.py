"""A request to start with: one row of a manifest as a curl line."""

from __future__ import annotations

import csv
import shlex
from itertools import chain
from pathlib import Path

from model.errors import ManifestError
from service.settings import Settings

FORM_FIELDS = ("image", "text", "caption", "tags")


def curl_line(manifest: Path, settings: Settings) -> str:
    """The first row of the test split, or of the file, as a curl line that works as pasted.

    Args:
        manifest: a CSV whose columns are named as the fields of a request: image, text or caption, tags.
        settings: where the server listens.

    Raises:
        ManifestError: if it can't be read, or has no such column.
    """
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            first = next(rows, {})
            row = next((row for row in chain([first], rows) if row.get("split") == "test"), first)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"The example manifest {manifest} can't be read: {error}.") from None
    parts = []
    for field in FORM_FIELDS:
        if field == "caption" and row.get("text"):
            continue  # the same input by its other name
        value = row.get(field)
        if value and field == "image":
            parts.append(f"-F {shlex.quote(f'image=@{_curl_file(manifest.parent / value)}')}")
        elif value:
            # --form-string: curl reads ';' and a leading '@' or '<' of -F as its own.
            parts.append(f"--form-string {shlex.quote(f'{field}={value}')}")
    if not parts:
        raise ManifestError(f"The first row of {manifest} has nothing in the columns {', '.join(FORM_FIELDS)}.")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"curl {' '.join(parts)} http://{host}:{settings.port}/predict"


def _curl_file(path: Path) -> str:
    """A path as curl reads it behind '@', good in any folder."""
    name = str(path.absolute())
    if "," in name or ";" in name:  # these are curl's own, unless the name is in double quotes
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return name

"""The files of the page, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

# Told here and not guessed: what `mimetypes` says depends on the machine.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class File:
    """A file as it is sent.

    Args:
        content: its bytes.
        media_type: of it.
        etag: changes with its content.
    """

    content: bytes
    media_type: str
    etag: str


@cache
def files() -> Mapping[str, File]:
    """Each file of the page by its name; the folder is flat."""
    found = {}
    for entry in resources.files("service.page").joinpath("static").iterdir():
        suffix = f".{entry.name.rpartition('.')[2]}"
        if entry.is_file() and suffix in _MEDIA_TYPES:
            content = entry.read_bytes()
            found[entry.name] = File(content, _MEDIA_TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
    return found

"""Whether the files of a directory are still the ones that were there before."""

from __future__ import annotations

import hashlib
from pathlib import Path


def fingerprint(directory: Path) -> str:
    """Changes when a file is added, removed, resized or written to; reads no file's contents.

    Without inode numbers: some network file systems make them up anew each time.

    Args:
        directory: it and all below it is looked at.

    Raises:
        OSError: if it can't be read, or changes while it is.
    """
    digest = hashlib.sha256()
    directory.stat()  # `rglob` passes over a directory that is not there
    for path in sorted(directory.rglob("*")):
        state = path.stat()
        size_and_time = (state.st_size, state.st_mtime_ns) if path.is_file() else ()
        digest.update(repr((path.relative_to(directory).as_posix(), size_and_time)).encode())
    return digest.hexdigest()

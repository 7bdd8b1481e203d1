"""Publishing a bundle once, whatever happens. Without TensorFlow."""

from __future__ import annotations

import shutil
from pathlib import Path

from model.bundle import publish, versions
from model.errors import StorageError

_METADATA = Path("assets.extra", "bifocal.json")


def publish_once(bundle: Path, models: Path, name: str) -> Path:
    """Publishes a bundle, or finds the version that a process published it as which was killed right after.

    Returns:
        The directory of the version.

    Raises:
        StorageError: if it can't be written.
    """
    home = models / name
    for number in reversed(versions(home)):
        if is_same(home / str(number), bundle):
            return home / str(number)
    try:
        return publish(bundle, models, name)
    except OSError as error:
        raise StorageError(f"Version of {name!r} can't be written to {home}: {_reason(error)}.") from error


def newest(models: Path, name: str, *, other_than: Path | None = None) -> Path | None:
    """The newest published version of a model that is not a certain bundle, if there is one."""
    found = (models / name / str(number) for number in reversed(versions(models / name)))
    return next((version for version in found if other_than is None or not is_same(version, other_than)), None)


def is_same(some: Path, other: Path) -> bool:
    """Whether two bundles are copies of one; of what is no bundle none is."""
    # It names the digests of all other files, and the moment.
    some, other = some / _METADATA, other / _METADATA
    return some.is_file() and other.is_file() and some.read_bytes() == other.read_bytes()


def _reason(error: OSError) -> str:
    """In words. Copying a folder fails for each file by itself, and tells all; the first is enough."""
    if isinstance(error, shutil.Error):
        said = str(error.args[0][0][2])  # "[Errno 28] No space left on device: '...' -> '...'"
        return said.partition("] ")[2].partition(":")[0] or said
    return error.strerror or str(error)

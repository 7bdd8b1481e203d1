"""Opening a table by what it is."""

from __future__ import annotations

from pathlib import Path

from model.errors import ManifestError
from training.manifests.delimited import SEPARATORS, Delimited
from training.manifests.folder import ClassFolders, WithMetadata, metadata_files
from training.manifests.json_lines import JsonLines
from training.manifests.parquet import Parquet
from training.manifests.source import Source

KINDS: dict[str, type[Source]] = {**dict.fromkeys(SEPARATORS, Delimited), ".jsonl": JsonLines, ".parquet": Parquet}


def open_source(path: Path) -> Source:
    """The table in a file, by its suffix, or in a folder of pictures.

    Raises:
        ManifestError: if there is none, or of another kind.
    """
    if path.is_dir():
        metadata = metadata_files(path)
        return (
            WithMetadata(path, {part: _file(file) for part, file in metadata.items()})
            if metadata
            else ClassFolders(path)
        )
    return _file(path)


def _file(path: Path) -> Source:
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        *most, last = KINDS
        raise ManifestError(
            f"{path.name}: a manifest is a table ending in {', '.join(most)} or {last}, or a folder of pictures."
        )
    if not path.is_file():
        raise ManifestError(f"There is no manifest {path}.")
    return kind(path)

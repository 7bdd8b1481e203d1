"""A folder of pictures as a table: with a metadata file, or with a subfolder a class."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from model.errors import ManifestError
from training.manifests.source import Row, Source
from training.splits import SPELLINGS, SPLITS

FILE, LABEL, SPLIT = "file_name", "label", "split"
METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.parquet")
# Those that are decoded, and others that are meant as pictures: they become rows that are told to be unusable.
PICTURES = {
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
    *(".heic", ".heif", ".jp2", ".jxl", ".svg", ".psd", ".ico", ".ppm"),
}


class ClassFolders(Source):
    """A subfolder a class, the pictures anywhere below it: columns `file_name` and `label`.

    Subfolders train, val and test, each with a subfolder a class, become the column `split`. Classes and pictures come
    by name, numbers in them by value, so that a picture added later comes last in its class if its name says so.
    """

    @property
    def columns(self) -> list[str]:
        """File, label and, if the subfolders are splits, split."""
        return [FILE, LABEL, *([SPLIT] if splits_of(self.path) else [])]

    def rows(self) -> Iterator[Row]:
        """A row a picture.

        Raises:
            ManifestError: if there is none in a subfolder.
        """
        found = False
        for part in splits_of(self.path) or [""]:
            base = self.path / part
            split = {SPLIT: part} if part else {}
            for name in _pictures(base, deep=False):
                yield Row({FILE: _joined(part, name), LABEL: "", **split})  # told as a row without a label
            for label in _folders(base):
                for name in _pictures(base / label, deep=True):
                    found = True
                    yield Row({FILE: _joined(part, label, name), LABEL: label, **split})
        if not found:
            raise ManifestError(
                f"The folder {self.path} has no pictures in subfolders, one a class, and no metadata.csv or "
                "metadata.jsonl. Give one of these, or name the manifest file."
            )

    @property
    def size(self) -> int:
        """Bytes of the names, about."""
        return sum(len(str(row.cells)) for row in self.rows())

    def digest(self) -> str:
        """SHA-256 of the names."""
        digest = hashlib.sha256()
        for row in self.rows():
            digest.update(f"{row.cells[FILE]}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()


class WithMetadata(Source):
    """Pictures with metadata files that name them in the column `file_name`, each from its own folder.

    Args:
        path: the folder.
        parts: the metadata files by the name of their split folder; under "" the only one, of the folder itself.
    """

    def __init__(self, path: Path, parts: dict[str, Source]) -> None:
        super().__init__(path)
        self._parts = parts

    @property
    def columns(self) -> list[str]:
        """Those of the files and, if there are folders of splits, `split`."""
        of_files = [column for source in self._parts.values() for column in source.columns]
        return list(dict.fromkeys([*of_files, *([SPLIT] if splits_of(self.path) else [])]))

    @property
    def columns_are_final(self) -> bool:
        """As of the files."""
        return all(source.columns_are_final for source in self._parts.values())

    def rows(self) -> Iterator[Row]:
        """The rows of all files, one file after the other."""
        splits = splits_of(self.path)
        for number, (part, source) in enumerate(self._parts.items()):
            if source.columns_are_final and FILE not in source.columns:
                raise ManifestError(f"{source.path} has no column {FILE!r}, which names the picture of each row.")
            for row in source.rows():
                self.share_read = (number + source.share_read) / len(self._parts)
                if splits and not row.fault:
                    row = _with_split(row, part, splits)
                yield row

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(source.size for source in self._parts.values())

    def digest(self) -> str:
        """SHA-256 of the file, or of the digests of all."""
        if "" in self._parts:
            return self._parts[""].digest()
        told = "".join(f"{part} {source.digest()}\n" for part, source in self._parts.items())
        return hashlib.sha256(told.encode()).hexdigest()


def _with_split(row: Row, part: str, splits: list[str]) -> Row:
    """A row whose picture is named from the folder of all splits, with its split, unless it says one itself."""
    name = row.cells.get(FILE)
    if isinstance(name, str) and name.strip():
        name = _joined(part, name.strip())
        part = part or next((split for split in splits if name.startswith(f"{split}/")), "")
    return Row({SPLIT: part, **row.cells, FILE: name}, row.line)


def metadata_files(folder: Path) -> dict[str, Path]:
    """The metadata files of a folder of pictures: its own under "", or one a split folder.

    Raises:
        ManifestError: if there are two where one is expected.
    """
    parts = {part: _metadata(folder / part) for part in ("", *splits_of(folder))}
    found = {part: file for part, file in parts.items() if file is not None}
    return {"": found[""]} if "" in found else found


def splits_of(folder: Path) -> list[str]:
    """The subfolders, if all of them are called as splits are and one of them is for training."""
    names = _folders(folder)
    kinds = [SPELLINGS.get(name.lower()) for name in names]
    if None in kinds or "train" not in kinds:
        return []
    return sorted(names, key=lambda name: SPLITS.index(SPELLINGS[name.lower()]))


def _metadata(folder: Path) -> Path | None:
    files = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(files) > 1:
        raise ManifestError(f"{folder} has {' and '.join(file.name for file in files)}. Leave one of them.")
    return files[0] if files else None


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted((one.name for one in entries if one.is_dir() and not one.name.startswith(".")), key=_by_numbers)


def _pictures(folder: Path, *, deep: bool) -> list[str]:
    """Names of pictures, relative to the folder."""
    names: list[str] = []
    for below, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if deep and not name.startswith(".")]
        inner = os.path.relpath(below, folder)
        shown = [name for name in files if not name.startswith(".") and PurePath(name).suffix.lower() in PICTURES]
        names += shown if inner == "." else [f"{inner}/{name}" for name in shown]
    return sorted(names, key=_by_numbers)


def _by_numbers(name: str) -> list[str | int]:
    """Sorts 9.png before 10.png."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"([0-9]+)", name))]


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)

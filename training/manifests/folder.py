"""A folder of pictures as a table: with a metadata file, or with a subfolder a class."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath

from model.errors import ManifestError
from training.manifests.source import Row, Source
from training.splits import SPELLINGS, SPLITS

FILE, LABEL, SPLIT = "file_name", "label", "split"
METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.parquet")
# Those that are decoded, and others that are meant as pictures: they become rows that are told to be unusable.
PICTURES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".avif", ".mpo"),
    *(".heic", ".heif", ".jp2", ".jxl", ".svg", ".psd", ".ico", ".ppm"),
}
TABLES = {PurePath(name).suffix for name in METADATA}
MOST_SUFFIXES = 5  # that are named


class ClassFolders(Source):
    """A subfolder a class, the pictures anywhere below it, through links too: columns `file_name` and `label`.

    Subfolders train, val and test, each with a subfolder a class, become the column `split`. Classes and pictures come
    by name, numbers in them by value, so that a picture added later comes last in its class if its name says so.
    """

    @property
    def columns(self) -> list[str]:
        """File, label and, if the subfolders are splits, split."""
        return [FILE, LABEL, *([SPLIT] if splits_of(self.path) else [])]

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:  # noqa: ARG002 - nothing is saved
        """A row a picture.

        Raises:
            ManifestError: if there is none in a subfolder, or a folder can't be read.
        """
        found = False
        for split, label, name in self._files():
            if _is_picture(name):
                found = found or label != ""
                yield Row({FILE: name, LABEL: label, **split})  # beside the classes told as a row without a label
        if not found:
            raise ManifestError(
                f"The folder {self.path} has no pictures in subfolders, one a class, and no metadata.csv or "
                "metadata.jsonl. Give one of these, or name the manifest file."
            )

    def passed_over(self) -> str:
        suffixes = Counter(PurePath(name).suffix.lower() for _, _, name in self._files() if not _is_picture(name))
        if not suffixes:
            return ""
        some = [f"{count:,} {suffix or 'without a suffix'}" for suffix, count in suffixes.most_common(MOST_SUFFIXES)]
        others = sum(suffixes.values()) - sum(count for _, count in suffixes.most_common(MOST_SUFFIXES))
        some += [f"{others:,} others"] if others else []
        files = f"{suffixes.total():,} file{'s' if suffixes.total() > 1 else ''}"
        told = f"{files} in {self.path.name} passed over that do not end as pictures do: {', '.join(some)}"
        tables = [name for name in _entries(self.path)[1] if PurePath(name).suffix.lower() in TABLES]
        if tables:
            told += f". If {self.path / tables[0]} is the table of these pictures, give it in place of the folder"
        return told

    def _files(self) -> Iterator[tuple[dict[str, str], str, str]]:
        """The cells that name the split, the label, and the name of each file, relative to the folder."""
        splits = splits_of(self.path)
        if splits:
            yield from (({SPLIT: ""}, "", name) for name in _entries(self.path)[1])
        for part in splits or [""]:
            base, split = self.path / part, {SPLIT: part} if part else {}
            folders, files = _entries(base)
            yield from ((split, "", _joined(part, name)) for name in files)
            for label in folders:
                yield from ((split, label, _joined(part, label, name)) for name in _below(base / label))

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

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        """The rows of all files, one file after the other."""
        splits = splits_of(self.path)
        for number, (part, source) in enumerate(self._parts.items()):
            if source.columns_are_final and FILE not in source.columns:
                raise ManifestError(f"{source.path} has no column {FILE!r}, which names the picture of each row.")
            for row in source.rows(None if columns is None else {*columns, FILE}):
                self.share_read = (number + source.share_read) / len(self._parts)
                if splits and not row.fault:
                    row = _with_split(row, part, splits)
                yield row

    def other_separator(self) -> str:
        return next(filter(None, (source.other_separator() for source in self._parts.values())), "")

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
    names, _ = _entries(folder)
    kinds = [SPELLINGS.get(name.lower()) for name in names]
    if None in kinds or "train" not in kinds:
        return []
    return sorted(names, key=lambda name: SPLITS.index(SPELLINGS[name.lower()]))


def _metadata(folder: Path) -> Path | None:
    files = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(files) > 1:
        raise ManifestError(f"{folder} has {' and '.join(file.name for file in files)}. Leave one of them.")
    return files[0] if files else None


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the folders and of the files in a folder, without hidden ones.

    Raises:
        ManifestError: if it can't be read.
    """
    try:
        with os.scandir(folder) as entries:
            shown = {one.name: one.is_dir() for one in entries if not one.name.startswith(".")}
    except OSError as error:
        raise ManifestError(f"The folder {folder} can't be read: {error.strerror}.") from None
    names = sorted(shown, key=_by_numbers)
    return [name for name in names if shown[name]], [name for name in names if not shown[name]]


def _below(folder: Path) -> list[str]:
    """The names of the files anywhere below a folder, relative to it; each real folder is entered once, so that links
    can't lead round in a circle."""
    entered = {_identity(one) for one in (folder, *folder.resolve().parents)}
    names: list[str] = []
    left = [""]
    while left:
        inner = left.pop()
        folders, files = _entries(folder / inner)
        names += (_joined(inner, name) for name in files)
        for name in folders:
            identity = _identity(folder / inner / name)
            if identity not in entered:
                entered.add(identity)
                left.append(_joined(inner, name))
    return sorted(names, key=_by_numbers)


def _identity(folder: Path) -> tuple[int, int]:
    """The same for a folder under all its names."""
    found = folder.stat()
    return found.st_dev, found.st_ino


def _is_picture(name: str) -> bool:
    return PurePath(name).suffix.lower() in PICTURES


def _by_numbers(name: str) -> tuple[list[str | int], str]:
    """Sorts 9.png before 10.png, and 01.png before 1.png."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"([0-9]+)", name))], name


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)

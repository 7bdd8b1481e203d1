"""What the check of a manifest found."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import StorageError
from training.check.duplicates import Duplicate
from training.check.label_words import LabelInTexts
from training.check.placeholders import Placeholder
from training.manifest import Manifest
from training.progress import Reporter
from training.splits import SPLITS


@dataclass(frozen=True)
class Findings:
    """What the check of a manifest found.

    Args:
        manifest: all rows, with what is wrong with the bad ones.
        split: int8 (rows,), of each row.
        labels: for each head the count of each label in each split, labels by name.
        absent: for each input the count of usable rows without it in each split.
        wordless: for each text or tags input the rows whose text has no word, though it is not empty.
        duplicates: rows of validation and test that stand in an earlier split too.
        contradictions: groups of positions of rows with the same content and different labels.
        in_texts: labels that stand in the texts of their rows.
        in_text_rows: for each head and input the positions of the rows whose text contains their label.
        placeholders: pictures that stand in very many rows with several labels; they are no duplicates.
        straddling: groups of the recipe's group column that are in more than one split.
        warnings: of the split.
        refusals: why nothing can be trained on it as it is.
    """

    manifest: Manifest
    split: NDArray[np.int8]
    labels: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    absent: Mapping[str, Sequence[int]] = field(default_factory=dict)
    wordless: Mapping[str, int] = field(default_factory=dict)
    duplicates: Sequence[Duplicate] = ()
    contradictions: Sequence[NDArray[np.intp]] = ()
    in_texts: Sequence[LabelInTexts] = ()
    in_text_rows: Mapping[tuple[str, str], NDArray[np.intp]] = field(default_factory=dict)
    placeholders: Sequence[Placeholder] = ()
    straddling: int = 0
    warnings: Sequence[str] = ()
    refusals: Sequence[str] = ()

    @property
    def share_bad(self) -> float:
        """Share of the rows that can't be used."""
        return len(self.manifest.faults) / self.manifest.num_rows

    def summary(self) -> dict[str, Any]:
        """All counts, fit for JSON."""
        of_usable = self.split[self.manifest.usable]
        apart = [one for one in self.duplicates if self.answer(one.position) != self.answer(one.other)]
        return {
            "manifest": str(self.manifest.recipe.data.manifest),
            "manifest_sha256": self.manifest.digest,
            "rows": self.manifest.num_rows,
            "usable": self.manifest.num_rows - len(self.manifest.faults),
            "bad": len(self.manifest.faults),
            "max_bad": self.manifest.recipe.data.max_bad,
            "splits": {name: int((of_usable == number).sum()) for number, name in enumerate(SPLITS)},
            "labels": {
                head: {label: _by_split(counts) for label, counts in labels.items()}
                for head, labels in self.labels.items()
            },
            "absent": {name: _by_split(counts) for name, counts in self.absent.items()},
            "texts_without_a_word": dict(self.wordless),
            "duplicates": {
                "rows": len(self.duplicates),
                "whole_row": sum(one.what is None for one in self.duplicates),
                "same_file": sum(one.what is not None and one.distance is None for one in self.duplicates),
                "look_alike": sum(one.distance is not None for one in self.duplicates),
                "with_another_label": len(apart),
            },
            "contradictions": {
                "contents": len(self.contradictions),
                "rows": sum(len(rows) for rows in self.contradictions),
            },
            "label_in_text": [
                {**vars(one), "gives_away": one.gives_away} for one in self.in_texts if one.told or one.elsewhere
            ],
            "placeholders": [
                {"input": one.input, "row": int(one.positions[0]) + 1, "rows": len(one.positions), "labels": one.labels}
                for one in self.placeholders
            ],
            "groups_in_several_splits": self.straddling,
            "warnings": list(self.warnings),
            "refusals": list(self.refusals),
        }

    def write(self, directory: Path) -> list[Path]:
        """Writes check.json, and of the lists bad_rows.csv, duplicates.csv, contradictions.csv and label_in_text.csv
        those that are not empty. One of an earlier check goes.

        Returns:
            The lists that were written.

        Raises:
            StorageError: if the folder can't be written.
        """
        heads = list(self.manifest.recipe.data.labels)
        lists: dict[str, tuple[list[str], Iterable[Sequence[object]]]] = {
            "bad_rows.csv": (["row", "line", "reason"], ((one.row, one.line, one.reason) for one in self.manifest.bad)),
            "duplicates.csv": (
                [
                    "row",
                    "line",
                    "split",
                    "other_row",
                    "other_line",
                    "other_split",
                    "same",
                    "distance",
                    "label",
                    "other_label",
                ],
                map(self._duplicate, self.duplicates),
            ),
            "contradictions.csv": (
                ["content", "row", "line", "split", *heads],
                (
                    [number, *self._place(int(at)), *self._answers(int(at))]
                    for number, rows in enumerate(self.contradictions, 1)
                    for at in rows
                ),
            ),
            "label_in_text.csv": (
                ["row", "line", "split", "input", "head", "label"],
                (
                    [*self._place(int(at)), name, head, self._answers(int(at))[heads.index(head)]]
                    for (head, name), rows in self.in_text_rows.items()
                    for at in rows
                ),
            ),
        }
        written = []
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, (header, rows) in lists.items():
                if _write(directory / name, header, rows):
                    written.append(directory / name)
            text = json.dumps(self.summary(), indent=2, ensure_ascii=False)
            (directory / "check.json").write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise StorageError(f"The folder {directory} can't be written: {error.strerror}.") from None
        return written

    def write_splits(self, file: Path) -> None:
        """Writes the split of every row, in order, as a column for the manifest: row and split.

        Raises:
            StorageError: if the file can't be written.
        """
        names = (SPLITS[number] if number >= 0 else "" for number in self.split.tolist())
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, ["row", "split"], enumerate(names, 1))
        except OSError as error:
            raise StorageError(f"{file} can't be written: {error.strerror}.") from None

    def tell(self, reporter: Reporter) -> None:
        """Says what was found and what to do about it, a line each."""
        from training.check.telling import lines  # it reads what is written here

        for line in lines(self):
            reporter.say(line)

    def answer(self, position: int) -> str:
        """The labels of a row."""
        return " | ".join(self._answers(position))

    def _answers(self, position: int) -> list[str]:
        cells = [self.manifest.label_cells(head) for head in self.manifest.recipe.data.labels]
        return [encoded.values[encoded.codes[position]] for encoded in cells]

    def _place(self, position: int) -> list[object]:
        split = int(self.split[position])
        return [position + 1, self.manifest.line(position), SPLITS[split] if split >= 0 else ""]

    def _duplicate(self, one: Duplicate) -> list[object]:
        same = one.what or "everything"
        answers = self.answer(one.position), self.answer(one.other)
        return [*self._place(one.position), *self._place(one.other), same, one.distance, *answers]


def _by_split(counts: Sequence[int]) -> dict[str, int]:
    return dict(zip(SPLITS, map(int, counts), strict=True))


def _write(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> bool:
    """Writes a list; none if it is empty."""
    given = iter(rows)
    first = next(given, None)
    if first is None:
        file.unlink(missing_ok=True)
        return False
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows((header, first))
        writer.writerows(given)
    return True

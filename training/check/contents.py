"""Rows of the same content, and those among them that contradict each other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.folding import fold
from training.gathered import Gathered
from training.pipeline import TEXTS_AT_A_TIME, Targets


def keys(whole: Gathered) -> NDArray[np.bytes_]:
    """What stands for the content of a usable row: S16 (usable,), equal for rows with the same picture files and words.

    Texts that differ in case or blanks alone are the same.
    """
    usable = whole.manifest.usable
    made = np.empty(len(usable), "S16")
    texts = whole.texts
    for start in range(0, len(usable), TEXTS_AT_A_TIME):
        some = usable[start : start + TEXTS_AT_A_TIME]
        words = [column.take(some) for column in texts.values()]
        files = [column.digests[some] for column in whole.pictures.values()]
        for number in range(len(some)):
            told = hashlib.blake2b(digest_size=15)  # NumPy drops zeros at the end of a byte string: a mark comes last
            for digests in files:
                told.update(digests[number].tobytes())
            for column in words:
                told.update(" ".join(fold(column[number]).split()).encode() + b"\0")
            made[start + number] = told.digest() + b"."
    return made


def contradictions(contents: NDArray[np.bytes_], targets: Mapping[str, Targets]) -> list[NDArray[np.intp]]:
    """Groups of rows with the same content and different labels, of any head.

    Args:
        contents: S16 (usable,).
        targets: for each head int32 (usable,) or bool (usable, classes).

    Returns:
        For each group the indices of its rows.
    """
    _, codes, counts = np.unique(contents, return_inverse=True, return_counts=True)
    several = np.flatnonzero(counts[codes] > 1)
    several = several[np.argsort(codes[several], kind="stable")]
    groups = np.split(several, np.flatnonzero(np.diff(codes[several])) + 1) if len(several) else []
    return sorted((rows for rows in groups if _differ(rows, targets)), key=lambda rows: int(rows[0]))


def _differ(rows: NDArray[np.intp], targets: Mapping[str, Targets]) -> bool:
    return any(bool((target[rows] != target[rows[0]]).any()) for target in targets.values())

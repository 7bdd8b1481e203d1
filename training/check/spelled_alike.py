"""Labels that are the same but for case, blanks or the form of their characters."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

from model.folding import fold
from training.pipeline import Targets
from training.splits import counts_of

MOST = 5  # that are named


def spelled_alike(target: Targets, labels: Sequence[str], column: str) -> list[str]:
    """A warning, if there are such.

    Args:
        target: int32 (usable,) or bool (usable, classes).
        labels: the classes.
        column: of the labels, for the message.
    """
    counts = counts_of(target, len(labels)).tolist()
    folded: dict[str, list[str]] = {}
    for label in labels:
        folded.setdefault(" ".join(fold(label).split()), []).append(label)
    rows = dict(zip(labels, counts, strict=True))
    alike = [
        " and ".join(f"{shown} ({rows[label]:,})" for shown, label in zip(_shown(some), some, strict=True))
        for some in folded.values()
        if len(some) > 1
    ]
    if not alike:
        return []
    more = f"; and {len(alike) - MOST:,} more" if len(alike) > MOST else ""
    return [
        f"column {column!r} has labels that differ in case, blanks or Unicode form alone, and are learned as different "
        f"ones: {'; '.join(alike[:MOST])}{more}. If they are meant to be one, spell them alike."
    ]


def _shown(labels: Sequence[str]) -> list[str]:
    """As they are told apart: with codes for characters where they would look the same."""
    look_the_same = len({" ".join(normalize("NFKC", label).split()) for label in labels}) < len(labels)
    return [ascii(label) if look_the_same else repr(label) for label in labels]

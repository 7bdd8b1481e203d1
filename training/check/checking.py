"""The check itself: all looks at a manifest, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training import labels, splits
from training.check import contents, label_words
from training.check.duplicates import duplicates
from training.check.findings import Findings
from training.check.label_words import LabelInTexts
from training.check.placeholders import Placeholder, placeholders
from training.check.spelled_alike import spelled_alike
from training.gathered import Gathered
from training.manifest import group_codes
from training.pipeline import Targets
from training.recipe import Recipe


def check(
    whole: Gathered,
    recipe: Recipe,
    split: NDArray[np.int8],
    *,
    warnings: Sequence[str] = (),
    refusals: Sequence[str] = (),
    keys: NDArray[np.bytes_] | None = None,
) -> Findings:
    """Looks at all usable rows of a manifest.

    Args:
        whole: all rows.
        recipe: with the labels of its heads; where a head has none, nothing is said of it.
        split: int8 (rows,), indices of `training.splits.SPLITS`; -1 is none.
        warnings: of the split.
        refusals: why nothing can be trained on it.
        keys: of the contents of the usable rows, if they are known already.
    """
    usable = whole.manifest.usable
    of_usable = split[usable]
    targets = labels.targets(whole.manifest, recipe)
    targets = {head: target for head, target in targets.items() if recipe.spec.heads[head].labels}
    keys = contents.keys(whole) if keys is None else keys
    in_texts, in_text_rows = _label_words(whole, recipe, targets, usable)
    stand_ins = placeholders(whole.pictures, targets, usable)
    alike = [
        line
        for head, target in targets.items()
        for line in spelled_alike(target, recipe.spec.heads[head].labels, recipe.data.labels[head])
    ]
    return Findings(
        manifest=whole.manifest,
        split=split,
        labels={head: _counts(target, of_usable, recipe.spec.heads[head].labels) for head, target in targets.items()},
        absent={
            name: [int((~given[usable] & (of_usable == number)).sum()) for number in range(len(splits.SPLITS))]
            for name, given in whole.present.items()
        },
        wordless={
            name: int((~texts.is_empty & ~whole.present[name])[usable].sum()) for name, texts in whole.texts.items()
        },
        duplicates=duplicates(whole, keys, split, _stand_ins(whole, stand_ins)),
        placeholders=stand_ins,
        contradictions=[usable[rows] for rows in contents.contradictions(keys, targets)],
        in_texts=in_texts,
        in_text_rows=in_text_rows,
        straddling=_straddling(whole, usable, of_usable),
        warnings=[*warnings, *dict.fromkeys(alike)],
        refusals=refusals,
    )


def _stand_ins(whole: Gathered, found: Sequence[Placeholder]) -> dict[str, NDArray[np.bool_]]:
    """For each image input bool (rows,), whether what stands there is no picture of the row."""
    masks = {name: np.zeros(whole.manifest.num_rows, bool) for name in whole.pictures}
    for one in found:
        masks[one.input][one.positions] = True
    return masks


def _counts(target: Targets, split: NDArray[np.int8], labels: Sequence[str]) -> dict[str, list[int]]:
    counts = [splits.counts_of(target[split == number], len(labels)).tolist() for number in range(len(splits.SPLITS))]
    return {label: [count[index] for count in counts] for index, label in enumerate(labels)}


def _label_words(
    whole: Gathered, recipe: Recipe, targets: Mapping[str, Targets], usable: NDArray[np.intp]
) -> tuple[list[LabelInTexts], dict[tuple[str, str], NDArray[np.intp]]]:
    found, rows = [], {}
    for head, target in targets.items():
        names = recipe.spec.heads[head].labels
        for name, texts in whole.texts.items():
            own, counts = label_words.look(texts, usable, target, names)
            found += [LabelInTexts(head, name, label, *count) for label, count in zip(names, counts, strict=True)]
            rows[head, name] = usable[own]
    return found, rows


def _straddling(whole: Gathered, usable: NDArray[np.intp], split: NDArray[np.int8]) -> int:
    """Groups that a split column has in more than one split."""
    codes = group_codes(whole.manifest)
    if codes is None:
        return 0
    pairs = np.unique(np.stack([codes[usable], split])[:, (codes[usable] >= 0) & (split >= 0)], axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())

"""Both models asked about the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError, SpecError
from model.images import DEFAULT_MAX_PIXELS
from model.spec import Head, ModelSpec
from model.validation import nearest
from training.evaluation.figures import names
from training.evaluation.subject import Subject
from training.gate.other_inputs import as_taken_by
from training.gate.sides import ACCURACY, Side, Sides
from training.gate.verdict import Verdict
from training.numbers import METRICS, NOT_COMPARED
from training.pipeline import Examples


def judge(
    old: Path,
    new: Path,
    test: Examples,
    *,
    pictures: Mapping[str, Sequence[Path | None]],
    max_pixels: int = DEFAULT_MAX_PIXELS,
    metric: str = ACCURACY,
    tolerance: float = 0.0,
    groups: NDArray[np.generic] | None = None,
) -> Verdict:
    """Compares two exported models as they are served. Neither may have been trained on the rows.

    The new one is worse if the upper end of the 95 % interval of its gain lies below -tolerance: so if it is worse by
    more than that, and chance does not explain it. On few rows only a great loss is beyond doubt.

    Args:
        old: run folder or bundle.
        new: run folder or bundle, of whose spec the rows are.
        test: the rows, at least one.
        pictures: for each image input the files of the whole manifest, for an old model that sees them in another size.
        max_pixels: a picture may have.
        metric: one of `training.evaluation.figures.METRICS`.
        tolerance: how much worse it may be, in units of the metric.
        groups: (rows,), whose equal values are drawn together; None if every row stands for itself.

    Raises:
        BundleError: if a model can't be read.
        ManifestError: if there is no row.
        SpecError: if they have no head in common, or the metric is undefined.
    """
    before, after = Subject(old), Subject(new)
    if not len(test):
        raise ManifestError("There is no test row to compare the two models on.")
    require_metric(metric, after.spec.heads)
    common = require_common(old, before.spec, after.spec)
    of_old = before.probabilities(as_taken_by(before.spec, after.spec, test, pictures, max_pixels=max_pixels))
    of_new = after.probabilities(test)
    heads = {}
    for name in common:
        sides = Sides(*(Side(one.spec.heads[name], one.calibrations[name]) for one in (before, after)))
        heads[name] = sides.standing(
            of_old[name], of_new[name], test.targets[name], metric=metric, tolerance=tolerance, groups=groups
        )
    only_one = {*before.spec.heads, *after.spec.heads} - set(common)
    return Verdict(_called(old), tolerance, heads, tuple(sorted(only_one)))


def require_common(old: Path, before: ModelSpec, after: ModelSpec) -> list[str]:
    """The heads that both models have.

    Args:
        old: run folder or bundle of the old one.
        before, after: what they are.

    Raises:
        SpecError: if there is none.
    """
    common = [
        name for name, head in after.heads.items() if name in before.heads and before.heads[name].kind == head.kind
    ]
    if not common:
        raise SpecError(
            f"{old} and the new model have no head in common: {', '.join(before.heads)} there, "
            f"{', '.join(after.heads)} here. So they can't be compared; publish it without --gate."
        )
    return common


def require_metric(metric: str, heads: Mapping[str, Head]) -> None:
    """Looks whether models can be compared by a metric.

    Raises:
        SpecError: if there is none of the name, or a head does not have it.
    """
    if metric not in METRICS:
        raise SpecError(f"No metric {metric!r}{nearest(metric, METRICS)}")
    if metric == NOT_COMPARED:
        raise SpecError(
            f"No interval tells whether two models differ in {metric} (docs/evaluation.md). Compare by log_loss or "
            "brier, which tell of calibration too."
        )
    for name, head in heads.items():
        if metric not in names(head):
            raise SpecError(f"Head {name!r} is {head.kind} and has no {metric}{nearest(metric, names(head))}")


def _called(path: Path) -> str:
    return f"version {path.name} of {path.parent.name}" if path.name.isdecimal() else path.name

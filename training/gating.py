"""The gate of a run: with which earlier model it is compared, and on which rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle
from model.errors import ManifestError
from training.evaluation.rows import groups_of
from training.gate import Verdict, judge, require_common, require_metric
from training.learned_rows import learned_from
from training.prepare import Prepared
from training.publishing import newest
from training.request import Request
from training.runs import bundle_of
from training.session import Session


def require_comparable(data: Prepared, request: Request, runs: Path) -> None:
    """Looks whether the gate can do its work, before anything is trained.

    Args:
        data: the examples, and the recipe.
        request: what was asked for.
        runs: folder of the runs.

    Raises:
        SpecError: if the models have no head in common, or the metric is none of their heads'.
        BundleError: if the earlier model can't be read.
        ManifestError: if the earlier model learned from every test row.
    """
    spec = data.recipe.spec
    require_metric(request.gate_metric, spec.heads)
    earlier = request.source or newest(request.models, data.recipe.name)
    if earlier is not None:
        require_common(earlier, Bundle(bundle_of(earlier)).spec, spec)
        _unseen(earlier, data, runs)


def judge_against_earlier(session: Session, request: Request) -> Verdict | None:
    """Compares the run's bundle with the model that it came from, or else with the newest version of its name.

    Test rows that the earlier model learned from are left out, as far as its run is still there to tell: they would
    flatter it.

    Returns:
        None if there is none.
    """
    run, data = session.run, session.data
    earlier = request.source or newest(request.models, data.recipe.name, other_than=run.bundle)
    if earlier is None:
        session.reporter.say(f"nothing to compare with: no version of {data.recipe.name} is in {request.models}")
        return None
    unseen = _unseen(earlier, data, run.path.parent)
    test = data.test.subset(unseen)
    if len(test) < len(data.test):
        session.reporter.say(
            f"{len(data.test) - len(test)} of the {len(data.test)} test rows are left out of the comparison: the "
            "earlier model learned from them, as rows moved between the splits"
        )
    pictures = {name: data.manifest.pictures(name) for name in test.pictures}
    with session.reporter.task("Comparing"):
        return judge(
            earlier,
            run.bundle,
            test,
            pictures=pictures,
            max_pixels=data.recipe.data.max_pixels,
            metric=request.gate_metric,
            tolerance=request.gate_tolerance,
            groups=groups_of(data.manifest, test),
        )


def _unseen(earlier: Path, data: Prepared, runs: Path) -> NDArray[np.bool_]:
    """Which test rows the earlier model did not learn from, bool (rows,)."""
    learned = learned_from(earlier, runs)
    unseen = ~np.isin(data.contents["test"], learned) if learned is not None else np.ones(len(data.test), bool)
    if len(unseen) and not unseen.any():
        raise ManifestError(
            f"{earlier} learned from every test row, so --gate can't compare it with a new model on them. Keep rows "
            "that were in training there, by a split column for instance; or leave --gate out."
        )
    return unseen

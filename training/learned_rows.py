"""Rows that an earlier model learned from: figures on them tell nothing of new ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import StorageError
from training.publishing import is_same
from training.run_listing import find
from training.runs import Run
from training.training_settings import TrainingSettings


def learned_from(model: Path, runs: Path) -> NDArray[np.bytes_] | None:
    """The contents of the rows that a model was trained or chosen by, S16 (rows,); see `training.check.contents`.

    Args:
        model: a run folder, or a bundle.
        runs: folder of the runs; that of a bundle is looked for there.

    Returns:
        None if that is not known.
    """
    if (model / "recipe.yaml").is_file():
        return Run(model).contents()
    try:
        made = (path for path in find(runs) if is_same(model, path / "bundle"))
    except StorageError:
        return None
    path = next(made, None)
    return None if path is None else Run(path).contents()


def known_test_rows(settings: TrainingSettings, test: NDArray[np.bytes_], runs: Path) -> int:
    """How many test rows the models that a training starts from learned from, as far as that is known.

    Args:
        settings: of the training.
        test: contents of the test rows.
        runs: folder of the runs.
    """
    init = settings.init
    sources = {given.path for given in init.values()} if isinstance(init, Mapping) else {init} if init else set()
    known = [contents for source in sources if (contents := learned_from(source, runs)) is not None]
    return int(np.isin(test, np.concatenate(known)).sum()) if known else 0

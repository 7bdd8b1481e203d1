"""How good a trained network is on the test rows once it is calibrated on the validation rows."""

from __future__ import annotations

import math

from training.evaluation.calibration import calibrate
from training.evaluation.figures import figures
from training.prepare import Prepared
from training.trained import Trained

# Of each head by the names of `training.numbers.METRICS`.
Figures = dict[str, dict[str, float]]


def test_figures(trained: Trained, data: Prepared) -> Figures:
    """Figures of the calibrated test probabilities that are defined, by head.

    Args:
        trained: of the recipe's spec, or of a part of it with fewer inputs.
        data: the examples.
    """
    validation, test = (examples.only(trained.spec) for examples in (data.val, data.test))
    calibrations = calibrate(trained.spec, trained.logits(validation), validation.targets)
    logits = trained.logits(test)
    found = {}
    for name, head in trained.spec.heads.items():
        calibration = calibrations[name]
        every = figures(head, calibration.probabilities(head, logits[name]), test.targets[name], calibration.at(head))
        found[name] = {key: value for key, value in every.items() if math.isfinite(value)}
    return found

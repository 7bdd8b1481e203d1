"""How good a model is on some rows: as they are, without each input, and by the values of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.spec import ModelSpec
from training.evaluation.calibration import Calibration
from training.evaluation.measured import commonest, figures_of, metrics
from training.evaluation.slices import parts_of
from training.manifests.table import Encoded
from training.modalities import modalities
from training.pipeline import Examples

# Rows to calibrated probabilities, for each head float32 (rows, classes).
Predict = Callable[[Examples], Mapping[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class About:
    """What else is known of the rows.

    Args:
        commonest: for each head the answer that was commonest in training, see `measured.commonest`; one that is not
            there is taken from the rows themselves.
        groups: (rows,), whose equal values are drawn together; None if every row stands for itself.
        slices: for each column to look at by its values, those of the rows.
    """

    commonest: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: NDArray[np.generic] | None = None
    slices: Mapping[str, Encoded] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluated:
    """What came of it.

    Args:
        figures: for each head, as `metrics.json` holds them; see docs/evaluation.md.
        probabilities: for each head float32 (rows, classes), with all inputs as they are.
    """

    figures: dict[str, dict[str, Any]]
    probabilities: Mapping[str, NDArray[np.float32]]


def evaluate(
    spec: ModelSpec,
    examples: Examples,
    predict: Predict,
    calibrations: Mapping[str, Calibration],
    about: About | None = None,
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Evaluated:
    """Measures a model.

    Args:
        spec: with labels.
        examples: at least one row.
        predict: the model, which gives calibrated probabilities.
        calibrations: of each head; a head that is not there has a temperature of 1 and thresholds of one half.
        about: what else is known of the rows.
        progress: told how many of how many passes over the rows are done.
    """
    about = about or About()
    given = {name: calibrations.get(name, Calibration()) for name in spec.heads}
    withheld = _withheld(spec)
    passes = 1 + len({tuple(inputs) for inputs in withheld.values()})
    probabilities = predict(examples)
    figures: dict[str, dict[str, Any]] = {}
    for name, head in spec.heads.items():
        targets = examples.targets[name]
        answer = about.commonest[name] if name in about.commonest else commonest(head, targets)
        figures[name] = figures_of(head, probabilities[name], targets, given[name], answer=answer, groups=about.groups)
        sliced = _sliced(spec, name, probabilities[name], examples, given[name], about)
        figures[name] |= {"absent": {}} | ({"slices": sliced} if sliced else {})
    progress(1, passes)
    done: dict[tuple[str, ...], str] = {}
    for title, inputs in withheld.items():
        if tuple(inputs) in done:  # an input that is all of its modality
            for one in figures.values():
                one["absent"][title] = one["absent"][done[tuple(inputs)]]
            continue
        done[tuple(inputs)] = title
        answers = predict(without(examples, inputs))
        for name, head in spec.heads.items():
            figures[name]["absent"][title] = metrics(
                head, answers[name], examples.targets[name], given[name], groups=about.groups
            )
        progress(1 + len(done), passes)
    return Evaluated(figures, probabilities)


def without(examples: Examples, inputs: list[str]) -> Examples:
    """The same rows with some inputs withheld."""
    absent = {name: np.zeros(len(examples), bool) for name in inputs}
    return replace(examples, present={**examples.present, **absent})


def _withheld(spec: ModelSpec) -> dict[str, list[str]]:
    """Which inputs are withheld together, by what that is called: each one, the pictures, the words."""
    if len(spec.inputs) < 2:
        return {}
    found = modalities(spec)
    together = found if len(found) > 1 else {}
    return {
        **{name: [name] for name in spec.inputs},
        **{key: some for key, some in together.items() if key not in spec.inputs},
    }


def _sliced(
    spec: ModelSpec,
    name: str,
    probabilities: NDArray[np.float32],
    examples: Examples,
    calibration: Calibration,
    about: About,
) -> dict[str, Any]:
    """For each column and each of its values the rows and the figures."""
    told: dict[str, Any] = {}
    for column, found in about.slices.items():
        told[column] = {}
        for title, chosen in parts_of(found).items():
            told[column][title] = {
                "examples": int(chosen.sum()),
                "metrics": metrics(
                    spec.heads[name],
                    probabilities[chosen],
                    examples.targets[name][chosen],
                    calibration,
                    groups=None if about.groups is None else about.groups[chosen],
                ),
            }
    return told

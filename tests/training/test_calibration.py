"""Temperatures and thresholds, fitted on validation rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.spec import ModelSpec, MultiLabelHead, SingleLabelHead
from training.evaluation.calibration import LEAST_ROWS, Calibration, calibrate, probabilities, temperature, threshold

HEAD = SingleLabelHead(labels=("a", "b", "c", "d"))
MARKS = MultiLabelHead(labels=("a", "b", "c"))


def overconfident(rows: int, *, times: float = 2.0, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Logits that are the right ones, but so many times as large."""
    random = np.random.default_rng(seed)
    targets = random.integers(4, size=rows).astype(np.int32)
    seen = random.normal(size=(rows, 4))
    seen[np.arange(rows), targets] += 1.5
    return 1.5 * seen * times, targets


@pytest.mark.parametrize("times", [0.5, 2.0, 4.0])
def test_the_temperature_undoes_what_makes_a_model_too_sure_or_not_sure_enough(times: float) -> None:
    assert temperature(HEAD, *overconfident(3000, times=times)) == pytest.approx(times, rel=0.08)


def test_the_temperature_of_several_labels_is_found_too() -> None:
    random = np.random.default_rng(0)
    right = random.random((3000, 3)) < 0.3
    logits = random.normal(size=right.shape) + 1.5 * right  # the odds that a row has the label:
    calibrated = 1.5 * logits - 1.5**2 / 2 + np.log(0.3 / 0.7)

    assert temperature(MARKS, 3 * calibrated, right) == pytest.approx(3, rel=0.08)


def test_where_it_does_not_help_it_changes_nothing() -> None:
    assert temperature(HEAD, *overconfident(LEAST_ROWS - 1)) == 1
    fitted = [temperature(HEAD, *overconfident(100, times=1, seed=seed)) for seed in range(10)]
    assert fitted.count(1.0) >= 5
    assert all(0.7 < one < 1.4 for one in fitted)


def test_rows_that_are_all_right_do_not_ask_for_certainty() -> None:
    targets = np.arange(40, dtype=np.int32) % 4

    assert temperature(HEAD, 3 * np.eye(4)[targets], targets) > 0.3


def test_the_threshold_is_where_f1_is_best_drawn_to_one_half() -> None:
    scores = np.linspace(0, 1, 1001)
    right = scores > 0.2  # all above 0.2, and no other

    assert threshold(scores, right) == pytest.approx(0.2, abs=0.005)
    few = np.arange(1001) % 100 == 99
    # The best is 0.2 for ten rows: (10 * 0.2 + 5 * 0.5) / 15.
    assert threshold(scores, few & right | (scores == 0.2)) > threshold(scores, right)


def test_ten_rows_are_worth_two_thirds_of_their_threshold() -> None:
    scores = np.array([*[0.3] * 10, *[0.1] * 50])

    assert threshold(scores, scores == 0.3) == pytest.approx((10 * 0.2 + 5 * 0.5) / 15, abs=0.001)


def test_a_label_with_few_rows_keeps_one_half() -> None:
    scores = np.array([*[0.3] * 4, *[0.1] * 50])

    assert threshold(scores, scores == 0.3) == 0.5


def test_every_head_is_calibrated_by_its_kind() -> None:
    heads = {
        "answer": {"kind": "single_label", "labels": list("abcd")},
        "marks": {"kind": "multi_label", "labels": ["a", "b", "c"]},
    }
    spec = ModelSpec.parse(
        {"inputs": {"text": {"kind": "text"}}, "branches": {"text": {"kind": "embedding"}}, "heads": heads}, what="spec"
    )
    logits, targets = overconfident(500)
    marks = np.random.default_rng(1).random((500, 3)) < 0.1
    both = {"answer": logits, "marks": 4.0 * marks - 3}

    found = calibrate(spec, both, {"answer": targets, "marks": marks})

    assert found["answer"].thresholds is None
    assert found["marks"].thresholds is not None
    assert set(found["marks"].thresholds) == {"a", "b", "c"}
    assert found["marks"].as_dict().keys() == {"temperature", "thresholds"}
    answers = probabilities(spec, both, found)
    np.testing.assert_allclose(answers["answer"].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        answers["marks"], 1 / (1 + np.exp(-both["marks"] / found["marks"].temperature)), atol=1e-6
    )


def test_thresholds_are_in_the_order_of_the_labels_and_one_half_where_unknown() -> None:
    at = Calibration(1.0, {"c": 0.3, "a": 0.2}).at(MARKS)

    assert at is not None
    assert at.tolist() == [0.2, 0.5, 0.3]
    assert Calibration().at(HEAD) is None

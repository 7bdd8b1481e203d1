"""What a backend has to answer."""

from __future__ import annotations

import numpy as np
import pytest

from service.backends import AS_SAVED, Answers, BackendName
from service.runtime.agreement import Agreement, DisagreementError
from tests.service.golden_answers import AGREEMENT, EXPECTED, SPEC, THRESHOLDS, other


@pytest.mark.parametrize(
    ("name", "answers", "message"),
    [
        ("frozen-float32", other("many", 0, 0, 0.7002), "differ by 0.0002; at most 0.0001 may"),
        ("frozen-bfloat16", other("many", 0, 0, 0.73), "differ by 0.03; at most 0.02 may"),
        ("frozen-bfloat16", other("one", 0, 0, float("nan")), "differ by nan"),
        ("frozen-bfloat16", other("one", 1, 0, 0.51), "labels of 'one' change"),
        ("frozen-bfloat16", other("many", 1, 1, 0.595), "labels of 'many' change"),
        ("frozen-bfloat16", {**EXPECTED, "one": EXPECTED["one"][:, :1]}, r"has the shape \(2, 1\), not \(2, 2\)"),
    ],
)
def test_what_disagrees_is_told(name: BackendName, answers: Answers, message: str) -> None:
    with pytest.raises(DisagreementError, match=message):
        AGREEMENT.check(name, lambda _: answers)


def test_less_precision_may_differ_a_little() -> None:
    AGREEMENT.check("frozen-bfloat16", lambda _: other("many", 0, 0, 0.715))


def test_the_model_as_it_was_saved_may_change_a_label_by_rounding() -> None:
    near = {**EXPECTED, "one": np.array([[0.49999, 0.50001]] * 2, np.float32)}
    agreement = Agreement(AGREEMENT.tensors, near, SPEC, THRESHOLDS)
    turned = {**near, "one": near["one"][:, ::-1]}
    agreement.check(AS_SAVED, lambda _: turned)
    with pytest.raises(DisagreementError, match="labels of 'one' change"):
        agreement.check("frozen-float32", lambda _: turned)

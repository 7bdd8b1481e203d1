"""What was taken for what, in either form that figures have it in."""

from __future__ import annotations

import pytest

from tests.training.made_up_run import contents, figures
from training.confusions import confusions, mistakes
from training.report.advice import advise

MATRIX = [[30, 10, 0], [9, 31, 0], [0, 1, 39]]
CONFUSED = [["blue", "green", 10], ["green", "blue", 9], ["red", "green", 1]]


@pytest.mark.parametrize("form", ["matrix", "list"])
def test_both_forms_say_the_same(form: str) -> None:
    told = figures(MATRIX)
    if form == "list":
        del told["confusion"]
        told["confused"] = CONFUSED

    assert confusions(told) == {("blue", "green"): 10, ("green", "blue"): 9, ("red", "green"): 1}
    assert mistakes(told) == 20
    (advice,) = (one for one in advise(contents(test={"colour": told})) if "mixed up" in one.about)
    assert advice.evidence.startswith(
        "19 of the 20 mistakes of colour: 10 times 'blue' was taken for 'green', 9 times the other way."
    )


def test_of_several_labels_a_row_there_are_none() -> None:
    told = figures(MATRIX)
    del told["confusion"]

    assert confusions(told) == {}

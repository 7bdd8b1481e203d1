"""What the report says to try next: each rule speaks when it should, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny
from tests.training.made_up_run import contents, epochs, figures, found, measured
from training.recipe import Recipe
from training.report.advice import Advice, advise
from training.run_contents import Contents

HEALTHY_LOSS = [1.0, 0.7, 0.5, 0.45, 0.42, 0.41, 0.40, 0.40, 0.40, 0.40]
HEALTHY_VAL = [1.0, 0.8, 0.6, 0.55, 0.50, 0.49, 0.49, 0.49, 0.49, 0.49]


def recipe(**head: object) -> Recipe:
    made = tiny.recipe(Path("manifest.csv"), epochs=10)
    data = made.model_dump()
    data["spec"]["heads"]["colour"].update(head)
    return Recipe.parse(data, what="recipe")


def curves(losses: list[float], val_losses: list[float]) -> Contents:
    return contents(log=epochs(losses, val_losses))


def run_of(confusion: list[list[int]], **changes: object) -> Contents:
    return contents(test={"colour": figures(confusion, **changes)})


def only(run: Contents) -> Advice:
    advice = advise(run)
    assert [one.about for one in advice] == [advice[0].about] if advice else pytest.fail("nothing was said")
    return advice[0]


def test_of_a_good_run_nothing_is_said() -> None:
    run = contents(
        log=epochs(HEALTHY_LOSS, HEALTHY_VAL),
        findings=found(),
        alone={"picture": {"colour": 0.6}, "words": {"colour": 0.7}},
        validation={"colour": figures()},
    )

    assert advise(run) == []


CASES = {
    "by heart": (
        curves([1, 0.7, 0.5, 0.3, 0.2, 0.1], [1, 0.8, 0.75, 0.8, 0.9, 1.0]),
        "From epoch 3 to 6 the training loss falls from 0.500 to 0.100, while the validation loss rises from 0.750 to "
        "1.000. The weights of epoch 3 were kept.",
        "training.augment",
    ),
    "unstable": (
        curves([1, 0.5, 0.9, 0.4, 0.38, 0.37], [1, 0.6, 0.9, 0.5, 0.5, 0.5]),
        "The training loss, which was 0.500 before, is 0.900 in epoch 3.",
        "training.learning_rate",
    ),
    "hardly learns": (
        curves([1.1, 1.09, 1.08, 1.07], [1.1, 1.1, 1.1, 1.1]),
        "The training loss is 1.100 in the first epoch and at best 1.070 in 4.",
        "training.learning_rate",
    ),
    "still getting better": (
        curves([1 - at / 20 for at in range(10)], [1 - at / 20 for at in range(10)]),
        "The validation loss fell from 0.650 to 0.550 over the last 2 of 10 epochs.",
        "training.epochs",
    ),
    "no better than always": (
        run_of([[30, 10, 0], [8, 32, 0], [0, 0, 40]], majority=0.85),
        "Test accuracy 0.850 [0.830, 0.870]; the commonest answer alone gives 0.850.",
        "data.columns",
    ),
    "surer than it should be": (
        contents(
            test={
                "colour": figures(
                    metrics={**figures()["metrics"], "ece": measured(0.15)},
                    reliability=[{"low": 0.5, "high": 1, "count": 100, "confidence": 0.95, "accuracy": 0.8}],
                )
            }
        ),
        "The expected calibration error is 0.150 [0.130, 0.170]; on average the probability is 0.150 too high.",
        "spec.heads.colour.label_smoothing",
    ),
    "less sure than it could be": (
        contents(
            test={
                "colour": figures(
                    metrics={**figures()["metrics"], "ece": measured(0.15)},
                    reliability=[{"low": 0.5, "high": 1, "count": 100, "confidence": 0.65, "accuracy": 0.8}],
                )
            }
        ),
        "on average the probability is 0.150 too low.",
        "spec.heads.colour.focal_gamma",
    ),
    "do not agree": (
        contents(validation={"colour": figures([[30, 10, 0], [0, 40, 0], [0, 0, 40]])}),
        "Validation accuracy 0.917 [0.897, 0.937] on 120 rows, test 1.000 [0.980, 1.020] on 120.",
        "data.group",
    ),
    "do not agree ": (
        contents(best_epoch={"val_accuracy": 0.9}, findings=found(splits={"val": 200})),
        "Validation accuracy 0.900 [0.858, 0.942] on 200 rows, test 1.000 [0.980, 1.020] on 120.",
        "data.group",
    ),
    "test split is small": (
        contents(test={"colour": figures(metrics={**figures()["metrics"], "accuracy": measured(0.8, 0.08)})}),
        "On 120 rows the accuracy lies anywhere between 0.720 and 0.880",
        "data.split.test",
    ),
    "tags adds nothing": (
        contents(test={"colour": figures(absent={"tags": {"accuracy": measured(0.995)}})}),
        "Test accuracy of colour is 1.000, and 0.995 with tags absent.",
        "spec.heads.colour.auxiliary_weight",
    ),
    "words alone do as well": (
        contents(alone={"picture": {"colour": 0.5}, "words": {"colour": measured(0.995)}}),
        "Trained alone, the words give 0.995 on the test rows, merged with the picture 1.000.",
        "spec.merge",
    ),
    "often missed": (
        run_of([[4, 4, 4], [0, 60, 0], [0, 0, 60]]),
        "Found of those that are there: 'blue' 0.333 of 12 rows; over all labels 0.778.",
        "spec.heads.colour.class_weights",
    ),
    "mixed up": (
        run_of([[30, 10, 0], [9, 31, 0], [0, 1, 39]]),
        "19 of the 20 mistakes of colour: 10 times 'blue' was taken for 'green', 9 times the other way.",
        "data.labels.colour",
    ),
    "were trained on": (
        contents(findings=found(duplicates={"rows": 12, "whole_row": 3, "same_file": 4, "look_alike": 5})),
        "12 of them have a twin in an earlier split: 3 the same in all, 4 with the same picture file, 5 with a picture",
        "data.group",
    ),
    "has different labels": (
        contents(findings=found(contradictions={"contents": 5, "rows": 11})),
        "11 rows share 5 contents and differ in their labels",
        "data.labels.colour",
    ),
    "give their label away": (
        contents(
            findings=found(
                label_in_text=[{"input": "text", "label": "red", "rows": 20, "told": 18, "gives_away": True}]
            )
        ),
        "For 1 label the text contains the label itself: 18 of 20 of 'red'.",
        "data.columns.text",
    ),
    "torn apart": (contents(findings=found(groups_in_several_splits=3)), "3 groups of column", "data.split.column"),
    "left out": (contents(findings=found(bad=9)), "9 of 1,000 rows could not be used.", "data.image_root"),
}


@pytest.mark.parametrize("about", CASES)
def test_what_stands_out_is_said_with_its_evidence_and_the_key_that_changes_it(about: str) -> None:
    run, evidence, key = CASES[about]
    advice = advise(run)

    assert [one for one in advice if about.strip() in one.about], advice
    one = next(one for one in advice if about.strip() in one.about)
    assert evidence in one.evidence
    assert key in one.keys


@pytest.mark.parametrize("about", [about for about in CASES if about not in ("no better than always", "mixed up")])
def test_nothing_else_is_said(about: str) -> None:
    run, _, _ = CASES[about]

    assert len(advise(run)) == 1


def test_a_branch_that_was_left_behind_is_told_from_one_that_can_do_nothing() -> None:
    test = {"colour": figures(absent={"image": {"accuracy": measured(1.0)}})}
    left_behind = only(contents(test=test, alone={"picture": {"colour": 0.7}}))
    useless = only(contents(test=test, alone={"picture": {"colour": 0.35}}))

    assert "trained alone it gives 0.700" in left_behind.try_
    assert useless.try_.startswith("Leave image out")


def test_copies_of_the_head_that_are_there_are_not_advised_again() -> None:
    copied, behind = recipe(auxiliary_weight=1.0), {"colour": figures(absent={"image": {"accuracy": measured(1.0)}})}
    left_behind = only(contents(copied, test=behind, alone={"picture": {"colour": 0.7}}))
    no_better = only(contents(copied, test={"colour": figures()}, alone={"words": {"colour": measured(0.995)}}))

    assert left_behind.try_.startswith("Leave image out, unless requests may come without the rest: a copy")
    assert no_better.try_.endswith("If it does, take that one; if not, leave the picture out.")


def test_labels_that_are_weighed_already_are_to_be_looked_at() -> None:
    run = contents(recipe(class_weights="balanced"), test={"colour": figures([[4, 4, 4], [0, 60, 0], [0, 0, 60]])})

    assert "spec.heads.colour.class_weights" not in only(run).keys


def test_every_key_that_is_named_is_one_of_the_recipe() -> None:
    known = recipe().model_dump()
    for run, _, _ in CASES.values():
        for key in (key for one in advise(run) for key in one.keys):
            part = known
            for name in key.split("."):
                assert name in part, key
                part = part[name]

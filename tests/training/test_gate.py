"""Whether a new model may take the place of an old one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from model.errors import ManifestError, SpecError
from model.spec import Head, ModelSpec, MultiLabelHead, SingleLabelHead
from tests import tiny
from training.evaluation.calibration import Calibration
from training.fit import Fitted
from training.gate import Verdict, judge, require_metric
from training.gate.other_inputs import as_taken_by
from training.gate.sides import Side, Sides
from training.pipeline import Examples
from training.prepare import Prepared, prepare
from training.progress import Reporter

OLD = SingleLabelHead(labels=("cat", "dog"))
ROWS = 200
TARGETS = np.arange(ROWS) % 2


def sides(old: Head = OLD, new: Head = OLD, **thresholds: float) -> Sides:
    return Sides(Side(old, Calibration()), Side(new, Calibration(1.0, thresholds or None)))


def answers(right: np.ndarray, targets: np.ndarray = TARGETS, labels: int = 2) -> np.ndarray:
    """Probabilities of a model that is right where it is said to be and else says the next label."""
    said = np.where(right, targets, (targets + 1) % labels)
    return np.where(said[:, np.newaxis] == np.arange(labels), 0.9, 0.1 / (labels - 1)).astype(np.float32)


ALL = np.ones(ROWS, bool)
MOST = np.arange(ROWS) >= 20


def test_a_model_that_is_worse_beyond_doubt_is_worse_and_says_by_how_much() -> None:
    found = sides().standing(answers(ALL), answers(MOST), TARGETS)

    assert found.is_worse
    assert (found.old, found.new, found.gain.value) == pytest.approx((1, 0.9, -0.1))
    assert found.sentence().startswith("worse: the accuracy is 10.0 points lower [-1")
    assert found.sentence().endswith("0.900 after 1.000, on 200 rows.")


def test_one_that_may_be_as_good_or_is_better_is_not_worse() -> None:
    a_bit = np.arange(ROWS) >= 1

    assert not sides().standing(answers(ALL), answers(a_bit), TARGETS).is_worse
    assert not sides().standing(answers(ALL), answers(ALL), TARGETS).is_worse
    better = sides().standing(answers(MOST), answers(ALL), TARGETS)
    assert better.sentence().startswith("better: the accuracy is 10.0 points higher [+")


def test_a_tolerance_allows_a_loss() -> None:
    assert not sides().standing(answers(ALL), answers(MOST), TARGETS, tolerance=0.08).is_worse
    assert sides().standing(answers(ALL), answers(MOST), TARGETS, tolerance=0.02).is_worse


def test_rows_with_a_label_that_the_old_model_does_not_know_are_wrong_for_it() -> None:
    new = SingleLabelHead(labels=("bird", "cat", "dog"))
    targets = np.arange(ROWS) % 3
    of_old = answers(ALL, np.maximum(targets - 1, 0))  # right about cats and dogs
    found = sides(OLD, new).standing(of_old, answers(ALL, targets, 3), targets)

    assert (found.added, found.gone, found.unknown_rows) == (("bird",), (), 67)
    assert found.old == pytest.approx(133 / 200)
    assert "67 rows have a label that the old model does not know." in found.sentence()


def test_knowing_a_new_label_does_not_hide_that_the_old_ones_are_told_worse() -> None:
    new = SingleLabelHead(labels=("bird", "cat", "dog"))
    targets = np.arange(ROWS) % 2 + 1
    targets[::4] = 0  # birds, which only the new one knows
    of_new = answers(MOST | (targets == 0), targets, 3)
    found = sides(OLD, new).standing(answers(ALL, np.maximum(targets - 1, 0)), of_new, targets)

    assert found.gain.low > 0
    assert not found.is_worse
    assert found.known is not None
    assert (found.known.rows, found.known.old) == (150, 1.0)
    assert found.is_refused
    assert Verdict("version 1", 0.0, {"kind": found}, ()).is_worse
    assert "On the rows whose label both know worse: the accuracy is 10.0 points lower" in found.sentence()


def test_a_label_that_is_gone_is_a_wrong_answer() -> None:
    old = SingleLabelHead(labels=("cat", "cow", "dog"))
    of_old = np.tile(np.array([0.2, 0.5, 0.3], np.float32), (ROWS, 1))  # cow, and of the others rather dog
    found = sides(old, OLD).standing(of_old, answers(ALL), TARGETS)

    assert (found.gone, found.old) == (("cow",), 0.0)


@pytest.mark.parametrize("metric", ["log_loss", "macro_f1"])
def test_other_metrics_decide_too_and_lower_may_be_better(metric: str) -> None:
    found = sides().standing(answers(ALL), answers(MOST), TARGETS, metric=metric)

    assert found.is_worse
    assert found.gain.value < 0
    assert ("higher" if metric == "log_loss" else "lower") in found.sentence()


def test_a_metric_that_there_is_not_is_told_before_anything_is_trained() -> None:
    heads = {"kind": OLD, "colours": MultiLabelHead(labels=("a", "b"))}

    require_metric("macro_f1", heads)
    with pytest.raises(SpecError, match=r"^No metric 'acuracy'; did you mean 'accuracy'\?"):
        require_metric("acuracy", heads)
    with pytest.raises(SpecError, match=r"^No interval tells whether two models differ in ece"):
        require_metric("ece", heads)
    with pytest.raises(SpecError, match=r"^Head 'kind' is single_label and has no subset_accuracy"):
        require_metric("subset_accuracy", heads)


def test_several_labels_count_by_their_thresholds() -> None:
    head = MultiLabelHead(labels=("a", "b"))
    right = np.tile([True, False], (50, 1))
    given = np.tile(np.array([0.4, 0.1], np.float32), (50, 1))

    found = sides(head, head, a=0.3, b=0.5).standing(given, given, right)
    assert (found.old, found.new) == (0.0, 1.0)  # the same probabilities, and only the new one has a threshold for them


def test_a_metric_that_no_row_can_tell_is_refused() -> None:
    with pytest.raises(SpecError, match="roc_auc is undefined on the 100 test rows"):
        sides().standing(answers(ALL)[::2], answers(ALL)[::2], TARGETS[::2], metric="roc_auc")


@pytest.fixture(scope="module")
def prepared(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(
        tiny.recipe(tiny_manifest), cache_dir=tmp_path_factory.mktemp("cache"), reporter=Reporter(Console(quiet=True))
    )


@pytest.fixture
def published(tiny_fitted: Fitted) -> Path:
    assert tiny_fitted.published is not None
    return tiny_fitted.published


def test_a_model_is_not_worse_than_itself(published: Path, tiny_fitted: Fitted, prepared: Prepared) -> None:
    found = judge(published, tiny_fitted.run.path, prepared.test, pictures={})

    assert not found.is_worse
    assert found.old == "version 1 of tiny"
    standing = found.heads["colour"]
    assert standing.old == standing.new == tiny_fitted.metrics["test"]["colour"]["metrics"]["accuracy"]["value"]
    assert found.sentence().startswith(
        "Against version 1 of tiny, colour: not worse beyond doubt: the accuracy is the same"
    )
    assert found.as_dict()["heads"]["colour"]["gain"]["value"] == 0


def test_without_a_row_nothing_is_judged(published: Path, tiny_fitted: Fitted, prepared: Prepared) -> None:
    with pytest.raises(ManifestError, match="There is no test row"):
        judge(published, tiny_fitted.run.path, prepared.test.subset(np.zeros(12, bool)), pictures={})


def test_heads_that_only_one_has_are_named() -> None:
    standing = sides().standing(answers(ALL), answers(ALL), TARGETS)

    told = Verdict("old", 0.0, {"animal": standing}, ("colour",)).sentence()
    assert told.endswith("Not compared, as only one of the two has it: colour.")


def spec_of(**inputs: object) -> ModelSpec:
    data = tiny.recipe(Path("manifest.csv")).spec.model_dump()
    data["inputs"] = inputs
    data["branches"] = {name: data["branches"][str(dict(given)["kind"])] for name, given in inputs.items()}  # type: ignore[call-overload]
    return ModelSpec.parse(data, what="spec")


def test_an_old_model_gets_the_rows_in_its_own_size_and_delimiter(prepared: Prepared) -> None:
    spec = spec_of(
        image={"kind": "image", "height": 8, "width": 9},
        tags={"kind": "tags", "delimiter": ";"},
        title={"kind": "text"},
    )
    pictures = {"image": prepared.manifest.pictures("image")}
    taken: Examples = as_taken_by(spec, prepared.recipe.spec, prepared.test, pictures)

    batch = taken.batch(np.arange(len(taken)))
    assert set(batch) == {"image", "image_present", "tags", "tags_present", "title", "title_present"}
    assert batch["image"].shape == (12, 8, 9, 3)
    assert batch["tags"][0].split(";")[1] == "thing"
    assert not batch["title_present"].any()
    first = int(np.argmax(batch["image_present"]))
    path = pictures["image"][int(taken.positions[first])]
    assert path is not None
    seen = np.asarray(Image.open(path)).mean(axis=(0, 1)).argmax()
    assert batch["image"][first, 3, 4].argmax() == seen

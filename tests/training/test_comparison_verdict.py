"""What a comparison says, from made-up answers of known quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import SpecError
from model.spec import MultiLabelHead, SingleLabelHead
from training.comparison.answers import Answers
from training.comparison.contest import Contest, Entrant, Rows, hold
from training.comparison.metric import Counted, Metric
from training.comparison.verdict import judge, rows_needed
from training.evaluation import measured
from training.evaluation.bootstrap import Interval

HEAD = SingleLabelHead(labels=("a", "b", "c", "d"))
ROLES = {
    "words, linear": ("linear", "words"),
    "picture": ("alone", "picture"),
    "words": ("alone", "words"),
    "average of both": ("ensemble", None),
    "product of both": ("ensemble", None),
}
Right = NDArray[np.bool_]


def answers(right: Right, targets: NDArray[np.int32], sure: float = 0.7) -> NDArray[np.float32]:
    """Probabilities whose largest one is at the right label where `right` says so, and else at the next one."""
    probabilities = np.full((len(targets), 4), (1 - sure) / 3, np.float32)
    probabilities[np.arange(len(targets)), np.where(right, targets, (targets + 1) % 4)] = sure
    return probabilities


def some(share: float, rows: int, seed: int = 0) -> Right:
    """Right on about so many rows."""
    return np.random.default_rng(seed).random(rows) < share


def turned(right: Right, *, gained: int, lost: int) -> Right:
    """Right where another one is, but for some rows."""
    other = right.copy()
    other[np.flatnonzero(~right)[:gained]] = True
    other[np.flatnonzero(right)[:lost]] = False
    return other


def contest_of(
    test: Mapping[str, Right | list[Right]],
    validation: Mapping[str, float] | None = None,
    *,
    metric: str = "accuracy",
    groups: NDArray[np.intp] | None = None,
) -> Contest:
    """A contest from which rows of the test split each is right on (for each seed), and validation figures.

    All but the merged ones are wrong everywhere where nothing is said of them.
    """
    rows = len(np.atleast_2d(next(iter(test.values())))[0])
    targets = np.arange(rows, dtype=np.int32) % 4
    entrants = []
    for name in [*ROLES, *(name for name in test if name not in ROLES)]:
        role, modality = ROLES.get(name, ("merged", None))
        right = np.atleast_2d(test.get(name, np.zeros(rows, bool)))
        share = (validation or {}).get(name, float(right.mean()))
        in_validation = answers(np.arange(400) < 400 * share, np.arange(400) % 4)
        entrants.append(Entrant(name, role, modality, [Answers(in_validation, answers(one, targets)) for one in right]))
    of_validation = np.arange(400, dtype=np.int32) % 4
    return hold(entrants, Rows(HEAD, of_validation, of_validation, targets, groups), Metric(metric))


def test_where_no_modality_says_anything_alone_merging_is_needed() -> None:
    contest = contest_of({"picture": some(0.26, 300), "words": some(0.3, 300, 1), "gated": some(0.95, 300, 2)})

    verdict = judge(contest)

    assert verdict.kind == "needed"
    assert verdict.sentences[0].startswith("Merging is needed: accuracy 9")
    assert "with the words alone, 25.0 % without looking; +6" in verdict.sentences[0]


def test_merging_that_gains_helps() -> None:
    words = some(0.7, 400)
    contest = contest_of({"words": words, "picture": some(0.5, 400, 1), "gated": turned(words, gained=50, lost=10)})

    verdict = judge(contest)

    assert verdict.kind == "helps"
    gain = contest.gain
    assert verdict.sentences[0] == (
        f"Merging helps: {100 * gain.value:+.1f} points [{100 * gain.low:.1f}, {100 * gain.high:.1f}] over the words "
        "alone with gated, which validation chose."
    )
    assert 0.05 < gain.low < gain.value == 0.1 < gain.high < 0.15


def test_where_merging_gains_nothing_a_single_modality_does_as_well() -> None:
    words = some(0.9, 400)
    contest = contest_of({"words": words, "concatenate": turned(words, gained=2, lost=2)})

    verdict = judge(contest)

    assert verdict.kind == "as_well"
    assert verdict.text.startswith(
        "The words alone do as well: concatenate, which validation chose, makes a difference"
    )


def test_a_picture_does_as_well() -> None:
    picture = some(0.9, 400)
    contest = contest_of({"picture": picture, "concatenate": turned(picture, gained=2, lost=2)})

    assert judge(contest).text.startswith("The picture alone does as well")


def test_a_merge_that_loses_hurts() -> None:
    contest = contest_of({"words": some(0.9, 400), "gated": some(0.7, 400, 1)})

    assert judge(contest).kind == "hurts"
    assert judge(contest).text.startswith("Merging hurts: -")


def test_a_loss_too_small_to_matter_is_none() -> None:
    words = some(0.9, 600)

    contest = contest_of({"words": words, "gated": turned(words, gained=0, lost=9)})  # 1.5 points, and surely so

    assert contest.gain.high < 0
    assert judge(contest).kind == "as_well"


def test_a_loss_that_may_be_none_is_at_least_as_well() -> None:
    words = some(0.9, 60)

    contest = contest_of({"words": words, "gated": turned(words, gained=1, lost=5)})

    assert contest.gain.value < -0.02 < 0 < contest.gain.high < 0.05
    assert judge(contest, margin=0.05).text.startswith("The words alone do at least as well: gated")


def test_few_rows_tell_nothing_and_it_says_how_many_would() -> None:
    words = some(0.6, 100)
    contest = contest_of({"words": words, "gated": turned(words, gained=10, lost=8)})

    verdict = judge(contest)

    assert verdict.kind == "unsure"
    needed = rows_needed(contest.gain, 100, 0.02)
    assert f"on 100 test rows; to tell {100 * max(abs(contest.gain.value), 0.02):.1f} points" in verdict.text
    assert f"takes about {needed:,}." in verdict.text
    assert needed > 100


def test_twice_as_narrow_takes_four_times_the_rows() -> None:
    assert rows_needed(Interval(0.0, -0.04, 0.04), 500, 0.02) == 2000


def test_the_margin_decides_what_is_worth_having() -> None:
    words = some(0.7, 200)
    contest = contest_of({"words": words, "gated": turned(words, gained=10, lost=10)})

    assert judge(contest, margin=0.02).kind == "unsure"
    assert judge(contest, margin=0.2).kind == "as_well"


def test_validation_chooses_and_not_luck_on_the_test_rows() -> None:
    words = some(0.8, 400)
    test = {
        "words": words,
        "picture": some(0.9, 400, 1),
        "gated": turned(words, gained=2, lost=2),
        "add": some(0.95, 400, 2),
    }
    contest = contest_of(test, {"words": 0.8, "picture": 0.5, "gated": 0.85, "add": 0.6})

    verdict = judge(contest)

    assert (contest.alone, contest.merged) == ("words", "gated")
    assert verdict.kind == "as_well"
    assert "On the test rows add did better (+1" in verdict.text


def test_the_linear_baseline_is_a_single_modality() -> None:
    linear = some(0.8, 400)
    contest = contest_of({"words, linear": linear, "words": some(0.6, 400), "gated": linear})

    assert contest.alone == "words, linear"
    assert judge(contest).text.startswith("The words alone do as well: gated")


def test_a_tie_on_validation_goes_to_the_lower_log_loss() -> None:
    targets = np.arange(100, dtype=np.int32) % 4
    right = np.arange(100) < 80

    def entrant(name: str, sure: float) -> Entrant:
        role, modality = ROLES.get(name, ("merged", None))
        probabilities = answers(right, targets, sure)
        return Entrant(name, role, modality, [Answers(probabilities, probabilities)])

    entrants = [entrant(name, 0.5) for name in ROLES] + [entrant("add", 0.5), entrant("gated", 0.7)]

    contest = hold(entrants, Rows(HEAD, targets, targets, targets), Metric())

    assert contest.merged == "gated"


def test_merges_that_can_not_be_told_apart_are_named() -> None:
    gated = some(0.8, 300)
    test = {
        "words": some(0.5, 300, 1),
        "gated": gated,
        "add": turned(gated, gained=5, lost=5),
        "dot": some(0.4, 300, 2),
    }
    contest = contest_of(test, {"gated": 0.9})

    assert "Of the merged ones, gated and add are not distinguishable." in judge(contest).sentences


def test_a_merge_better_than_all_others_is_told() -> None:
    contest = contest_of({"words": some(0.5, 300), "gated": some(0.9, 300), "add": some(0.6, 300, 1)})

    assert "Of the merged ones, gated is better than add." in judge(contest).sentences


@pytest.mark.parametrize(
    ("right", "sentence"),
    [
        (0.5, "It beats the product of both as well: +"),
        (0.8, "It is not distinguishable from the product of both: "),
        (0.95, "But the product of both does better: +"),
    ],
)
def test_a_merge_that_helps_is_held_against_the_ensemble(right: float, sentence: str) -> None:
    test = {"words": some(0.6, 400), "gated": some(0.8, 400, 1), "product of both": some(right, 400, 2)}

    assert any(line.startswith(sentence) for line in judge(contest_of(test)).sentences)


def test_an_ensemble_that_helps_where_merging_does_not_is_told() -> None:
    words = some(0.7, 300)
    test = {"words": words, "gated": words, "average of both": turned(words, gained=30, lost=0)}

    assert any(line.startswith("The average of both helps, though: +") for line in judge(contest_of(test)).sentences)


def test_figures_are_means_over_the_seeds() -> None:
    seeds = [some(share, 200, number) for number, share in enumerate((0.7, 0.8, 0.9))]
    contest = contest_of({"words": some(0.6, 200), "gated": seeds})

    gated = contest.best_merged
    assert contest.seeds == 3
    assert gated.by_seed == tuple(float(one.mean()) for one in seeds)
    assert gated.test.value == pytest.approx(np.mean(gated.by_seed))


def test_rows_of_a_group_are_drawn_together() -> None:
    groups = np.repeat(np.arange(100), 10)
    words = np.repeat(some(0.6, 100), 10)
    test = {"words": words, "gated": np.repeat(turned(words[::10], gained=10, lost=5), 10)}

    alone, together = contest_of(test).gain, contest_of(test, groups=groups).gain

    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_a_lower_log_loss_is_a_gain() -> None:
    contest = contest_of({"words": some(0.75, 200), "gated": some(0.95, 200, 1)}, metric="log_loss")

    assert contest.gain.low > 0
    assert contest.best_merged.test.value < contest.best_alone.test.value
    assert judge(contest).text.startswith("Merging helps: log loss better by 0.")


def test_a_figure_that_the_rows_do_not_have_is_refused() -> None:
    right = np.ones(2, bool)
    targets = np.zeros(2, np.int32)
    said = [Answers(answers(right, targets), answers(right, targets))]
    entrants = [Entrant(name, *role, said) for name, role in ROLES.items()]
    entrants.append(Entrant("add", "merged", None, said))

    with pytest.raises(SpecError, match="--metric: roc_auc is undefined on the test rows"):
        hold(entrants, Rows(HEAD, targets, targets, targets), Metric("roc_auc"))


def test_the_calibration_error_is_refused_as_no_interval_of_a_difference_holds() -> None:
    with pytest.raises(SpecError, match=r"models differ in ece .* Compare by log_loss or brier"):
        Metric("ece").check([HEAD])


@dataclass(frozen=True)
class Counting(Metric):
    """Counts on how many resamples the figure of each answer is asked for, all rows as they are among them."""

    asked: list[int] = field(default_factory=list)

    def on(self, *given: Any) -> Counted:
        """As ever."""
        figure = super().on(*given)

        def counted(counts: NDArray[np.float64]) -> NDArray[np.float64]:
            self.asked.append(len(counts))
            return figure(counts)

        return counted


@pytest.mark.parametrize(("metric", "resamples"), [("brier", 1000), ("roc_auc", 500)])
def test_figures_and_their_differences_are_of_the_same_resamples(
    metric: str, resamples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And areas of many rows and candidates, for which all has to be ranked anew, of fewer."""
    targets = np.arange(40, dtype=np.int32) % 4
    probabilities = answers(some(0.7, 40), targets)
    said = [Answers(probabilities, probabilities)]
    entrants = [Entrant(name, *role, said) for name, role in ROLES.items()] + [Entrant("add", "merged", None, said)]
    monkeypatch.setattr(measured, "MOST_RANKED", 500 * len(entrants) * probabilities.size)
    counting = Counting(metric)

    hold(entrants, Rows(HEAD, targets, targets, targets), counting)

    # All rows for the interval and for the seed, and once without looking.
    assert sum(counting.asked) == len(entrants) * (resamples + 2) + 1


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(
        SpecError, match="--metric: a single_label head has no figure 'accurracy'; did you mean 'accuracy'"
    ):
        Metric("accurracy").check([HEAD])


def test_without_looking_is_the_commonest_set_of_labels_of_a_multi_label_head() -> None:
    head = MultiLabelHead(labels=("a", "b"))
    targets = np.array([[True, False]] * 6 + [[True, True]] * 4)
    probabilities = np.where(targets, 0.9, 0.1).astype(np.float32)
    said = [Answers(probabilities, probabilities)]
    entrants = [Entrant(name, *role, said) for name, role in ROLES.items()]
    entrants.append(Entrant("add", "merged", None, said))

    contest = hold(entrants, Rows(head, targets, targets, targets), Metric())

    assert contest.constant == pytest.approx((6 + 4 / 2) / 10)

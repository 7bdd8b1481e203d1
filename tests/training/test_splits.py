"""Splits: by column and made."""

from __future__ import annotations

import numpy as np
import pytest

from model.errors import ManifestError
from training import splits
from training.recipe import SplitSettings

LABELS = np.repeat([0, 1, 2], [600, 300, 100]).astype(np.int32)


def shares(split: np.ndarray, chosen: np.ndarray) -> list[float]:
    return [float((split[chosen] == name).mean()) for name in splits.SPLITS]


def test_a_column_may_use_the_usual_spellings() -> None:
    split = splits.by_column(["train", "Validation", "dev", "TEST"], [1, 2, 3, 4], "part")

    assert split.tolist() == ["train", "val", "val", "test"]


def test_a_value_that_is_no_split_is_named_with_its_row() -> None:
    with pytest.raises(ManifestError, match=r"Row 7: column 'part' says 'holdout'; expected one of dev, test, train"):
        splits.by_column(["train", "holdout"], [1, 7], "part")


def test_every_label_is_divided_by_the_ratio() -> None:
    split = splits.by_ratio([LABELS], None, SplitSettings(validation=0.2, test=0.1))

    for label in range(3):
        assert shares(split, label == LABELS) == pytest.approx([0.7, 0.2, 0.1], abs=0.011)


def test_the_same_seed_makes_the_same_split_and_another_seed_another() -> None:
    first, again, other = (splits.by_ratio([LABELS], None, SplitSettings(seed=seed)) for seed in (1, 1, 2))

    assert (first == again).all()
    assert (first != other).mean() > 0.2


def test_groups_stay_whole_and_labels_stay_divided() -> None:
    random = np.random.default_rng(0)
    # Groups of one to nine rows of mostly one label.
    groups = [f"g{label}-{random.integers(len(LABELS) // 5)}" for label in LABELS]
    split = splits.by_ratio([LABELS], groups, SplitSettings())

    assert all(len(set(split[np.array(groups) == group])) == 1 for group in set(groups))
    for label in range(3):
        assert shares(split, label == LABELS) == pytest.approx([0.7, 0.15, 0.15], abs=0.03)


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    split = splits.by_ratio([LABELS], [""] * len(LABELS), SplitSettings())

    assert shares(split, LABELS >= 0) == pytest.approx([0.7, 0.15, 0.15], abs=0.01)


def test_a_group_too_large_for_validation_goes_to_train() -> None:
    groups = ["huge"] * 500 + [f"g{row}" for row in range(500)]
    split = splits.by_ratio([LABELS], groups, SplitSettings())

    assert set(split[:500]) == {"train"}
    assert shares(split, np.arange(1000) >= 600) == pytest.approx([0.7, 0.15, 0.15], abs=0.02)
    # What is left of the label goes to the two others, half each.
    assert shares(split, np.arange(1000) // 100 == 5) == pytest.approx([0, 0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("count", [1, 2])
def test_a_label_with_few_examples_is_trained_on_first(count: int) -> None:
    labels = np.append(np.zeros(40, np.int32), np.ones(count, np.int32))
    split = splits.by_ratio([labels], None, SplitSettings())

    assert "train" in split[40:]
    (warning,) = splits.check(split, labels, labels=["a", "rare"], column="label")
    assert f"'rare' ({count} row" in warning


def test_an_empty_split_and_an_untrained_label_are_refused() -> None:
    with pytest.raises(ManifestError, match=r"No row is in the split 'test': 3 usable rows are too few to divide"):
        splits.check(np.array(["train", "train", "val"]), np.array([0, 1, 0]), labels=["a", "b"], column="label")
    with pytest.raises(ManifestError, match=r"Column 'label': no training row has the label 'b', so it can't"):
        splits.check(np.array(["train", "val", "test"]), np.array([0, 0, 1]), labels=["a", "b"], column="label")


def test_a_split_with_every_label_everywhere_has_no_warning() -> None:
    assert (
        splits.check(splits.by_ratio([LABELS], None, SplitSettings()), LABELS, labels=["a", "b", "c"], column="label")
        == []
    )


def test_a_rare_label_of_any_head_is_trained_on() -> None:
    second = np.zeros(len(LABELS), np.int32)
    second[17] = 1

    for seed in range(20):
        assert splits.by_ratio([LABELS, second], None, SplitSettings(seed=seed))[17] == "train"

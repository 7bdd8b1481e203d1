"""Splits: by column and made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import ManifestError
from tests import tiny
from training import division, labels, manifest, splits
from training.recipe import Recipe, SplitSettings
from training.recipe_columns import from_columns
from training.rescue import rescued

LABELS = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [600, 300, 100]))


def made(
    labels: Sequence[object] | NDArray[np.integer], groups: Sequence[int] | None = None, **settings: float
) -> NDArray[np.int8]:
    """The split of rows with one label each."""
    values, codes = np.unique(np.array([str(label) for label in labels]), return_inverse=True)
    of_group = None if groups is None else np.array(groups)
    return splits.by_ratio(codes, [((value,),) for value in values.tolist()], of_group, SplitSettings(**settings))  # type: ignore[arg-type]


def counts(split: NDArray[np.int8]) -> list[int]:
    return np.bincount(split, minlength=3).tolist()


def test_a_column_may_use_the_usual_spellings() -> None:
    split = splits.by_column(["train", "Validation", "dev", "TEST"], [1, 2, 3, 4], "part")

    assert split.tolist() == [0, 1, 1, 2]


def test_a_value_that_is_no_split_is_named_with_its_first_row() -> None:
    with pytest.raises(ManifestError, match=r"Row 7: column 'part' says 'holdout'; expected one of dev, test, testing"):
        splits.by_column(["other", "train", "holdout"], [9, 1, 7], "part")


@pytest.mark.parametrize(
    "settings", [{}, {"validation": 0.2, "test": 0.1}, {"validation": 0.05, "test": 0.3, "seed": 4}]
)
def test_every_label_is_divided_by_the_ratio_to_a_row_or_two(settings: dict[str, float]) -> None:
    split = made(LABELS, **settings)
    asked = SplitSettings(**settings)  # type: ignore[arg-type]
    shares = np.array([1 - asked.validation - asked.test, asked.validation, asked.test])

    for label, rows in enumerate((600, 300, 100)):
        assert counts(split[label == LABELS]) == pytest.approx(rows * shares, abs=2.5)


@pytest.mark.parametrize("kind", ["sorted", "shuffled", "in turns"])
def test_the_order_of_the_table_does_not_matter_for_the_shares(kind: str) -> None:
    labels = {"sorted": np.sort(LABELS), "shuffled": LABELS, "in turns": np.arange(1000) % 4}[kind]
    split = made(labels)

    assert counts(split) == pytest.approx([700, 150, 150], abs=6)


def test_the_same_seed_makes_the_same_split_and_another_seed_another() -> None:
    first, again, other = made(LABELS, seed=1), made(LABELS, seed=1), made(LABELS, seed=2)

    assert (first == again).all()
    assert (first != other).mean() > 0.2


@pytest.mark.parametrize("rows", [1, 40, 333, 999])
def test_rows_that_are_appended_leave_the_old_ones_where_they_are(rows: int) -> None:
    random = np.random.default_rng(2)
    # The appended rows also bring new labels, sorted before the old ones, and join old groups.
    labels = [f"{'a' if row > 900 else 'm'}{label}" for row, label in enumerate(LABELS)]
    groups = random.integers(-1, 400, 1000).tolist()

    assert made(labels, groups)[:rows].tolist() == made(labels[:rows], groups[:rows]).tolist()
    assert made(labels)[:rows].tolist() == made(labels[:rows]).tolist()


def test_a_picture_appended_to_its_class_in_a_sorted_table_moves_no_other() -> None:
    labels = ["cat"] * 50 + ["dog"] * 50
    more = ["ant"] * 9 + ["cat"] * 57 + ["dog"] * 50

    assert made(more)[9:59].tolist() == made(labels)[:50].tolist()
    assert made(more)[66:].tolist() == made(labels)[50:].tolist()


def test_groups_stay_whole_and_labels_stay_divided() -> None:
    random = np.random.default_rng(0)
    # Groups of one to nine rows of one label.
    groups = [int(label) * 1000 + int(random.integers(len(LABELS) // 5)) for label in LABELS]
    split = made(LABELS, groups)

    assert all(len(set(split[np.array(groups) == group])) == 1 for group in set(groups))
    for label in range(3):
        rows = int((label == LABELS).sum())
        assert counts(split[label == LABELS]) == pytest.approx([0.7 * rows, 0.15 * rows, 0.15 * rows], abs=8)


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    assert made(LABELS, [-1] * len(LABELS)).tolist() == made(LABELS).tolist()


def test_a_huge_group_is_made_up_for_by_the_rows_after_it() -> None:
    groups = [0] * 300 + list(range(1, 701))
    split = made(np.zeros(1000, int), groups)

    assert set(split[:300].tolist()) == {0}
    assert counts(split) == pytest.approx([700, 150, 150], abs=3)


@pytest.mark.parametrize("count", [1, 2])
def test_a_label_with_few_examples_is_trained_on_first(count: int) -> None:
    labels = np.append(np.zeros(40, np.int32), np.ones(count, np.int32))
    split = made(labels)

    assert 0 in split[40:]
    (warning,) = splits.check(split, labels, labels=["a", "rare"], column="label")
    assert f"'rare' ({count} row" in warning


def test_a_rare_label_of_any_head_is_trained_on() -> None:
    codes = np.where(np.arange(1000) == 17, 3, LABELS)
    heads = [(("a",), ("x",)), (("b",), ("x",)), (("c",), ("x",)), (("a",), ("rare",))]

    for seed in range(20):
        assert splits.by_ratio(codes, heads, None, SplitSettings(seed=seed))[17] == 0


def test_two_heads_are_both_divided_by_the_ratio() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 11, 2000), random.integers(0, 4, 2000)
    heads = [((f"a{a}",), (f"b{b}",)) for a in range(11) for b in range(4)]
    split = splits.by_ratio(first * 4 + second, heads, None, SplitSettings())

    for codes in (first, second):
        for label in np.unique(codes):
            rows = int((codes == label).sum())
            assert counts(split[codes == label]) == pytest.approx([0.7 * rows, 0.15 * rows, 0.15 * rows], abs=3)


def test_an_empty_split_and_an_untrained_label_are_refused() -> None:
    with pytest.raises(ManifestError, match=r"No row is in the split 'test': 3 usable rows are too few to divide"):
        splits.check(np.array([0, 0, 1]), np.array([0, 1, 0]), labels=["a", "b"], column="label")
    with pytest.raises(ManifestError, match=r"Column 'label': no training row has the label 'b', so it can't"):
        splits.check(np.array([0, 1, 2]), np.array([0, 0, 1]), labels=["a", "b"], column="label")


def test_a_split_with_every_label_everywhere_has_no_warning() -> None:
    assert splits.check(made(LABELS), LABELS, labels=["a", "b", "c"], column="label") == []


def test_rows_that_turn_out_unusable_move_no_other(tmp_path: Path) -> None:
    rows = [{"title": f"t{row}", "label": "ab"[row % 2], "seller": f"s{row // 3}"} for row in range(200)]
    file = tiny.write_rows(tmp_path / "shop.csv", rows)
    asked = from_columns(file, name="shop", image=[], text=["title"], tags=[], label=["label"], group="seller")
    table = manifest.read(asked, cache_dir=tmp_path / "cache")
    labelled = asked.with_labels(labels.labels_of(table))
    broken = table.without(dict.fromkeys(range(0, 200, 7), "broken"))

    split = division.divide(table, labelled)
    assert division.divide(broken, labelled).tolist() == split.tolist()

    no_b_in_train = table.without({row: "broken" for row in range(200) if row % 2 and split[row] == 0})
    moved = division.divide(no_b_in_train, labelled)
    assert 0 in moved[no_b_in_train.usable[no_b_in_train.usable % 2 == 1]]
    assert (moved != split).sum() <= 3


def test_a_label_whose_only_training_row_is_unusable_is_trained_on_another() -> None:
    split, target = np.array([0, 0, 1, 2, 2], np.int8), np.array([0, 1, 1], np.int32)

    moved = rescued(split, [target], np.array([0, 2, 3]), np.array([-1, -1, 5, -1, 5]))
    assert moved.tolist() == [0, 0, 0, 2, 0]
    assert rescued(split, [target], np.array([0, 2, 3]), None).tolist() == [0, 0, 0, 2, 2]


@pytest.mark.parametrize("groups", [None, [0, 1, 2, 2, 3, 4]])
def test_a_row_that_is_trained_on_for_want_of_another_stays_there_when_rows_are_appended(
    groups: list[int] | None,
) -> None:
    # All training rows among the first six are unusable; the appended ones are trained on, and could do in their place.
    split = np.array([0, 0, 2, 0, 0, 1, 0, 0, 0, 2, 0], np.int8)
    usable, target = np.array([2, 5, 6, 7, 8, 9, 10]), np.zeros(7, np.int32)
    of_group = None if groups is None else np.array([*groups, 5, 6, 7, 8, 9])

    before = rescued(split[:6], [target[:2]], usable[:2], None if of_group is None else of_group[:6])
    assert before.tolist() == [0, 0, 0, 0, 0, 1]
    assert rescued(split, [target], usable, of_group)[:6].tolist() == before.tolist()


def test_a_new_label_in_an_old_group_of_the_test_split_does_not_move_it_if_another_row_can_be_trained_on() -> None:
    split, groups = np.array([0, 2, 2, 1], np.int8), np.array([0, 1, 1, 2])
    old, new = np.array([0, 0], np.int32), np.array([0, 0, 1, 1], np.int32)

    assert rescued(split[:2], [old], np.arange(2), groups[:2]).tolist() == [0, 2]
    assert rescued(split, [new], np.arange(4), groups).tolist() == [0, 2, 2, 0]
    assert rescued(split[:3], [new[:3]], np.arange(3), groups[:3]).tolist() == [0, 0, 0]  # there is no other


def two_splits(directory: Path, *named: str, rows: int = 400) -> tuple[manifest.Manifest, Recipe]:
    """A table whose column `part` has some splits in turn, and pairs of rows with one seller."""
    lines = [
        {"title": f"t{row}", "label": "aaab"[row % 4], "seller": f"s{row // 2}", "part": named[row // 4 % len(named)]}
        for row in range(rows)
    ]
    asked = from_columns(
        tiny.write_rows(directory / "shop.csv", lines),
        name="shop",
        image=[],
        text=["title"],
        tags=[],
        label=["label"],
        group="seller",
        split="part",
    )
    table = manifest.read(asked, cache_dir=directory / "cache")
    return table, asked.with_labels(labels.labels_of(table))


@pytest.mark.parametrize(
    ("cells", "joined_by"),
    [
        (["a|b", "b|c", "a|c", "a|b|c", "a", "b"], "|"),
        (["new; old", "old; odd", "new; odd", "new; old; odd"], ";"),
        (["food, drinks", "toys", "books, maps", "bags"], None),  # names with a comma in them
        (["mug", "lamp", "shoe", "bag"], None),
    ],
)
def test_labels_that_look_like_several_a_row_are_told(cells: list[str], joined_by: str | None) -> None:
    told = division._joined_labels(cells, "kinds")

    assert [f"joined by {joined_by!r}: one by one they are 3." in line for line in told] == [True] * bool(joined_by)


def test_labels_without_a_training_row_are_told_as_several_a_row_if_they_look_so(tmp_path: Path) -> None:
    pairs = [f"kind{first},kind{second}" for first in range(6) for second in range(6) if first != second]
    rows = [{"title": f"t{row}", "label": pair, "part": "val"} for row, pair in enumerate(pairs)]
    rows += [{"title": f"s{row}", "label": f"kind{row % 6}", "part": ("train", "test")[row // 6]} for row in range(12)]
    asked = from_columns(
        tiny.write_rows(tmp_path / "shop.csv", rows),
        name="shop",
        image=[],
        text=["title"],
        tags=[],
        label=["label"],
        split="part",
    )
    table = manifest.read(asked, cache_dir=tmp_path / "cache")
    recipe = asked.with_labels(labels.labels_of(table))

    with pytest.raises(
        ManifestError, match=r"'kind1,kind5' and 20 more, so it can't.* The 36 labels .* one by one they are 6\."
    ):
        division.check(table, recipe, division.divide(table, recipe))


@pytest.mark.parametrize(("named", "missing"), [(("train", "val"), 2), (("train", "test"), 1)])
def test_a_split_that_the_column_leaves_out_is_made_of_its_training_rows(
    tmp_path: Path, named: tuple[str, str], missing: int
) -> None:
    table, recipe = two_splits(tmp_path, *named)
    split = division.divide(table, recipe)
    codes, given = table.label_cells("label").codes, division.named(table, "part")

    assert (split[given != 0] == given[given != 0]).all()
    for label, rows in ((0, 150), (1, 50)):
        assert (split[codes == label] == missing).sum() == pytest.approx(0.15 * rows, abs=2.5)
    assert (split[::2] == split[1::2]).all()
    assert division.divide(*two_splits(tmp_path, *named, rows=300)).tolist() == split[:300].tolist()
    (line,) = division.check(table, recipe, split)
    taken = int((split == missing).sum())
    assert f"column 'part' names no row for {splits.SPLITS[missing]}: {taken} of its training rows are taken" in line


def test_a_column_of_training_rows_alone_is_divided_as_if_there_were_none(tmp_path: Path) -> None:
    table, recipe = two_splits(tmp_path, "train")

    split = division.divide(table, recipe)
    assert split.tolist() == division.divide(table, recipe.replace(data={"split": SplitSettings()})).tolist()


def test_a_column_without_training_rows_is_refused(tmp_path: Path) -> None:
    table, recipe = two_splits(tmp_path, "val", "test")

    with pytest.raises(ManifestError, match=r"No row is in the split 'train'"):
        division.check(table, recipe, division.divide(table, recipe))

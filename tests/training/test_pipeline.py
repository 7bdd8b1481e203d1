"""Batches of examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.pipeline import Examples, Held, in_order, shuffled, withhold


def examples(count: int = 10) -> Examples:
    return Examples(
        pictures={"image": Held(np.arange(2 * count, dtype=np.uint8).reshape(-1, 1, 1, 1))},
        texts={"text": Held(np.array([f"text {row // 2}" for row in range(2 * count)], object))},
        present={"image": np.ones(count, bool), "text": np.arange(count) % 2 == 0},
        targets={"topic": np.arange(count, dtype=np.int32)},
        positions=np.arange(count) * 2,
        rows=np.arange(1, count + 1, dtype=np.uint32),
    )


def test_a_batch_keeps_the_parts_of_a_row_together() -> None:
    batch = examples().batch(np.array([3, 1]))

    assert batch["image"].ravel().tolist() == [6, 2]
    assert batch["text"].tolist() == ["text 3", "text 1"]
    assert batch["text_present"].tolist() == [False, False]


def test_in_order_gives_every_row_once_in_order() -> None:
    texts = [text for batch in in_order(examples(), 4) for text in batch["text"]]

    assert texts == [f"text {row}" for row in range(10)]
    assert [len(batch["text"]) for batch in in_order(examples(), 4)] == [4, 4, 2]


def order(seed: tuple[int, int]) -> list[int]:
    return [int(one) for _, targets in shuffled(examples(), 4, absent_rate=0, seed=seed) for one in targets["topic"]]


def test_an_epoch_gives_every_row_once_in_an_order_of_its_own() -> None:
    assert sorted(order((0, 1))) == list(range(10))
    assert order((0, 1)) == order((0, 1))
    assert len({tuple(order(seed)) for seed in ((0, 1), (0, 2), (1, 1))}) == 3


def test_pictures_texts_and_targets_are_shuffled_alike() -> None:
    for batch, targets in shuffled(examples(), 4, absent_rate=0.5, seed=(0, 1)):
        assert batch["image"].ravel().tolist() == [2 * target for target in targets["topic"]]
        assert batch["text"].tolist() == [f"text {target}" for target in targets["topic"]]


def test_a_subset_still_finds_its_pictures() -> None:
    odd = examples().subset(np.arange(10) % 2 == 1)

    assert len(odd) == 5
    assert odd.batch(np.array([0, 4]))["image"].ravel().tolist() == [2, 18]
    assert odd.rows.tolist() == [2, 4, 6, 8, 10]


def test_inputs_are_withheld_at_their_rate_but_never_all_of_an_example() -> None:
    given = {"image": np.ones(20_000, bool), "text": np.arange(20_000) % 4 > 0}
    kept = withhold(given, 0.3, np.random.default_rng(0))

    assert (kept["image_present"] | kept["text_present"]).all()
    assert not (kept["text_present"] & ~given["text"]).any()
    both = given["text"]
    # Dropped with 0.3, and put back where both were: 0.3 - 0.3 * 0.3.
    assert abs((~kept["image_present"][both]).mean() - 0.21) < 0.01
    assert kept["image_present"][~both].all()


def test_an_example_without_any_input_stays_so() -> None:
    kept = withhold({"image": np.zeros(3, bool)}, 0.5, np.random.default_rng(0))

    assert not kept["image_present"].any()


def test_no_rate_withholds_nothing() -> None:
    given = replace(examples()).present
    kept = withhold(given, 0.0, np.random.default_rng(0))

    assert all((kept[f"{name}_present"] == given[name]).all() for name in given)

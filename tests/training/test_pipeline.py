"""Batches of examples."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from model.errors import StorageError
from training.augment_settings import AugmentSettings
from training.pipeline import Batch, Examples, Held, Prefetched, Targets, in_order, shuffled, withhold

Made = tuple[Batch, dict[str, Targets]]


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


EVERYTHING = AugmentSettings(flip=0.5, shift=0.2, rotation=20, colour=0.3, erasing=0.3, word_dropout=0.3, word_swap=0.3)


def real_examples(count: int = 10) -> Examples:
    """With pictures and texts that can be varied."""
    random = np.random.default_rng(0)
    return replace(
        examples(count),
        pictures={"image": Held(random.integers(0, 256, (2 * count, 8, 8, 3), np.uint8))},
        texts={"text": Held(np.array([f"a few words of row {row}" for row in range(2 * count)], object))},
    )


def epoch(seed: tuple[int, int] = (0, 1), *, skip: int = 0, augment: AugmentSettings = EVERYTHING) -> list[Made]:
    return list(shuffled(real_examples(), 4, absent_rate=0.3, seed=seed, augment=augment, skip=skip))


def assert_same(left: list[Made], right: list[Made]) -> None:
    assert len(left) == len(right)
    for (batch, targets), (other, other_targets) in zip(left, right, strict=True):
        for name, values in {**batch, **targets}.items():
            np.testing.assert_array_equal(values, {**other, **other_targets}[name])


@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_an_epoch_that_was_broken_off_goes_on_with_the_very_batches_to_come(skip: int) -> None:
    assert_same(epoch(skip=skip), epoch()[skip:])


def test_skipped_batches_are_not_made() -> None:
    class Untouched:
        def take(self, positions: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
            pytest.fail("a batch was made")

    untouched = replace(examples(), pictures={"image": Untouched()})
    assert list(shuffled(untouched, 4, absent_rate=0, seed=(0, 1), skip=3)) == []


def test_each_batch_is_varied_in_its_own_way() -> None:
    given = replace(real_examples(400), positions=np.zeros(400, int), present={"image": np.ones(400, bool)})
    settings = AugmentSettings(rotation=90)
    made = [batch["image"] for batch, _ in shuffled(given, 100, absent_rate=0, seed=(0, 0), augment=settings)]

    assert len({one.tobytes() for batch in made for one in batch}) > 390  # of so few pixels, two may come out alike


def test_varying_leaves_labels_and_presence_alone() -> None:
    for (batch, targets), (plain, plain_targets) in zip(epoch(), epoch(augment=AugmentSettings()), strict=True):
        assert all((targets[head] == plain_targets[head]).all() for head in targets)
        assert all((batch[name] == plain[name]).all() for name in batch if name.endswith("_present"))
        assert (batch["image"] != plain["image"]).any()
        assert (batch["text"] != plain["text"]).any()


def test_no_settings_give_the_pictures_and_texts_as_they_are() -> None:
    given = real_examples()
    for batch, targets in epoch(augment=AugmentSettings()):
        plain = given.batch(targets["topic"])
        np.testing.assert_array_equal(batch["image"], plain["image"])
        assert batch["text"].tolist() == plain["text"].tolist()


def test_prefetched_batches_are_those_that_were_made_in_order() -> None:
    with Prefetched(shuffled(real_examples(), 4, absent_rate=0.3, seed=(0, 1), augment=EVERYTHING)) as batches:
        assert_same(list(batches), epoch())


def test_batches_are_made_ahead_but_not_further_than_wanted() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    with Prefetched(numbers(), ahead=2) as batches:
        assert next(batches) == 0
        until(lambda: len(made) == 4)  # one taken, two ready, one in the making
        time.sleep(0.05)
        assert len(made) == 4


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("waited in vain")


def test_an_error_comes_after_the_batches_before_it() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise StorageError("the disk is gone")

    with Prefetched(numbers()) as batches:
        assert next(batches) == 1
        with pytest.raises(StorageError, match="the disk is gone"):
            next(batches)


@pytest.mark.parametrize("taken", [0, 1])
def test_leaving_early_ends_the_thread(taken: int) -> None:
    with Prefetched(itertools.count()) as batches:
        for _ in range(taken):
            next(batches)

    assert "batches" not in [thread.name for thread in threading.enumerate()]


def test_an_error_of_the_consumer_is_passed_on_and_ends_the_thread() -> None:
    with pytest.raises(KeyboardInterrupt), Prefetched(itertools.count()):
        raise KeyboardInterrupt

    assert "batches" not in [thread.name for thread in threading.enumerate()]


def test_the_time_waited_for_batches_is_known() -> None:
    def slow() -> Iterator[int]:
        time.sleep(0.1)
        yield 1

    with Prefetched(slow()) as batches:
        list(batches)
    assert 0.05 < batches.waited_s < 5

    with Prefetched(iter([1])) as ready:
        until(lambda: not any(thread.name == "batches" for thread in threading.enumerate()))
        list(ready)
    assert ready.waited_s < 0.05


def test_batches_that_nothing_makes_are_not_waited_for() -> None:
    with pytest.raises(RuntimeError, match="within `with Prefetched"):
        next(Prefetched(iter([1])))

"""From examples to predictions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from model.bundle import Metadata
from model.errors import ImageError, ImageTooLargeError
from model.examples import DecodedExample, Example
from service.batcher import Batcher
from service.predictor import predict
from service.schemas import Prediction
from service.store import Served
from tests.service.stand_in import SPEC, answer, picture

METADATA = Metadata(
    name="colours", spec=SPEC, metrics={}, training_data={}, libraries={}, created=datetime(2025, 1, 2, tzinfo=UTC)
)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def run(
    examples: Sequence[Example], pool: ThreadPoolExecutor, *, function: Any = None, **limits: int
) -> list[Prediction]:
    """Predictions of a model that is a plain function of a batch."""

    def all_alone(batch: Sequence[DecodedExample]) -> list[dict[str, Any]]:
        return [answer(example) for example in batch]

    batcher = Batcher(function or all_alone, max_batch_size=4, name="predictor-under-test")
    served = Served("colours", 1, METADATA, batcher)
    try:
        return asyncio.run(predict(served, examples, pool, **{"max_pixels": 1000, "top_k": 5} | limits))
    finally:
        batcher.close()


def test_predictions_come_in_the_order_of_the_examples(pool: ThreadPoolExecutor) -> None:
    colours = ["red", "blue", "green"] * 4
    predictions = run([{"image": picture(colour), "text": colour} for colour in colours], pool)

    assert [prediction.heads["colour"].label for prediction in predictions] == colours


def test_a_prediction_holds_all_probabilities_and_the_best_first(pool: ThreadPoolExecutor) -> None:
    (prediction,) = run([{"text": "red, or green"}], pool, top_k=2)

    head = prediction.heads["colour"]
    assert list(head.probabilities) == ["blue", "green", "red"]
    assert head.probabilities == pytest.approx({"blue": 0.2, "green": 0.4, "red": 0.4})
    assert [one.label for one in head.top] == ["green", "red"]  # equals in label order
    assert (head.label, head.probability) == ("green", head.top[0].probability)


@pytest.mark.parametrize(("top_k", "length"), [(1, 1), (3, 3), (10**30, 3)])
def test_top_holds_as_many_labels_as_asked_for_and_there_are(top_k: int, length: int, pool: ThreadPoolExecutor) -> None:
    (prediction,) = run([{"text": "red"}], pool, top_k=top_k)

    assert len(prediction.heads["colour"].top) == length


def test_what_is_missing_or_blank_is_listed_as_absent(pool: ThreadPoolExecutor) -> None:
    predictions = run([{"tags": "red", "text": " \n"}, {"image": picture(), "text": "x", "tags": "y"}], pool)

    assert [prediction.absent for prediction in predictions] == [["image", "text"], []]


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", ImageError, "Input 'image': The picture is empty"),
        (b"no picture", ImageError, "Input 'image': This is not a picture"),
        (picture()[:60], ImageError, "Input 'image': The picture is .*cut off"),
        (
            picture(size=(40, 30)),
            ImageTooLargeError,
            "Input 'image': The picture is too large: 40 x 30 is 1,200 pixels",
        ),
    ],
    ids=["empty", "no picture", "cut off", "too large"],
)
def test_an_unusable_picture_is_named_and_among_many_its_instance_too(
    data: bytes, error: type[ImageError], message: str, pool: ThreadPoolExecutor
) -> None:
    with pytest.raises(error, match=f"^{message}"):
        run([{"image": data}], pool)
    with pytest.raises(error, match=f"^Instance 1: {message}"):
        run([{"text": "red"}, {"image": data}], pool)


def test_the_model_is_not_asked_if_one_picture_of_many_is_unusable(pool: ThreadPoolExecutor) -> None:
    asked = []
    with pytest.raises(ImageError):
        run([{"text": "red"}, {"image": b""}], pool, function=asked.append)

    assert asked == []


def test_an_error_of_the_model_reaches_the_caller(pool: ThreadPoolExecutor) -> None:
    def fail(batch: Sequence[DecodedExample]) -> list[dict[str, Any]]:
        raise MemoryError("no room for the batch")

    with pytest.raises(MemoryError, match="no room"):
        run([{"text": "red"}] * 9, pool, function=fail)


def test_probabilities_are_the_floats_that_the_model_gave(pool: ThreadPoolExecutor) -> None:
    values = np.array([0.1, 0.2, 0.7], np.float32)
    (prediction,) = run([{"text": "x"}], pool, function=lambda _: [{"colour": values}])

    assert list(prediction.heads["colour"].probabilities.values()) == values.astype(float).tolist()

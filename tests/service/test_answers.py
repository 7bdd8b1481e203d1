"""What `/predict` answers, from what a model said."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from model.spec import ModelSpec
from service.answers import predictions
from service.engine import Answered
from service.engine.explanation import Explanation
from service.schemas import Prediction
from tests.service.stand_in import SPEC

VALUES = np.array([0.2, 0.4, 0.4], np.float32)


def of(spec: ModelSpec, top_k: int, *answers: Answered) -> list[Prediction]:
    """The answers, checked against the schema that `/docs` shows."""
    return [Prediction.model_validate(one, extra="forbid") for one in predictions(spec, answers, top_k=top_k)]


def test_a_prediction_holds_all_probabilities_and_the_best_first() -> None:
    (prediction,) = of(SPEC, 2, Answered({"colour": VALUES}, ("image",)))

    head = prediction.heads["colour"]
    assert list(head.probabilities) == ["blue", "green", "red"]
    assert list(head.probabilities.values()) == VALUES.astype(float).tolist()
    assert [one.label for one in head.top] == ["green", "red"]  # equals in label order
    assert (head.label, head.labels, head.probability) == ("green", ["green"], head.top[0].probability)
    assert (prediction.absent, prediction.explanation) == (["image"], None)


@pytest.mark.parametrize(("top_k", "length"), [(1, 1), (3, 3), (10**30, 3)])
def test_top_holds_as_many_labels_as_asked_for_and_there_are(top_k: int, length: int) -> None:
    (prediction,) = of(SPEC, top_k, Answered({"colour": VALUES}, ()))

    assert len(prediction.heads["colour"].top) == length


def test_a_multi_label_head_gives_every_label_from_its_threshold_or_one_half_on() -> None:
    data = SPEC.model_dump()
    data["heads"]["colour"]["kind"] = "multi_label"
    spec = ModelSpec.parse(data, what="spec")
    some, none = (
        Answered({"colour": np.array(values, np.float32)}, ()) for values in ([0.5, 0.1, 0.9], [0.1, 0.2, 0.3])
    )

    assert [one.heads["colour"].labels for one in of(spec, 5, some, none)] == [["red", "blue"], []]
    thresholds = {"colour": np.array([0.6, 0.1, 0.3], np.float32)}
    told = predictions(spec, [some, none], top_k=5, thresholds=thresholds)
    assert [one["heads"]["colour"]["labels"] for one in told] == [["red", "green"], ["red", "green"]]


@pytest.mark.parametrize("largest", [0.5, 0.0])
def test_a_heat_map_is_a_grey_picture_whose_white_is_told(largest: float) -> None:
    heatmap = np.zeros((8, 6), np.float32)
    heatmap[2, 3] = largest
    why = Explanation("colour", "red", 0.4, 0.3, {"image": 0.1}, {"image": heatmap}, {"text": [("red", 0.25)]})
    (prediction,) = of(SPEC, 5, Answered({"colour": VALUES}, (), {"colour": why}))

    assert prediction.explanation is not None
    told = prediction.explanation["colour"].heatmaps["image"]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(told.png))))
    assert (shown.shape, shown.dtype, told.largest) == ((8, 6), np.uint8, largest)
    np.testing.assert_allclose(shown / 255 * told.largest, heatmap, atol=0.002)
    assert prediction.explanation["colour"].tokens["text"][0].weight == 0.25

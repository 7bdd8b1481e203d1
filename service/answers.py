"""What `/predict` answers, as plain data; `service.schemas` describes the same for `/docs`."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic_core import to_json

from model.spec import ModelSpec
from service.engine import Answered
from service.engine.explanation import Explanation
from service.thresholds import NO_THRESHOLDS, Thresholds, given

# Bytes that a label and its probability take in an answer, about.
_LABEL_BYTES = 40


def size_of(spec: ModelSpec, answers: Sequence[Answered]) -> int:
    """How large the answer will be, in bytes, about; what has pictures in it counts as large."""
    if any(answer.explanations is not None for answer in answers):
        return 2**20
    return len(answers) * sum(len(head.labels) for head in spec.heads.values()) * _LABEL_BYTES


def body(
    about: Mapping[str, Any],
    spec: ModelSpec,
    answers: Sequence[Answered],
    *,
    top_k: int,
    thresholds: Thresholds = NO_THRESHOLDS,
) -> bytes:
    """The whole answer as JSON.

    Args:
        about: what stands beside the predictions.
        spec: of the model.
        answers: what it said.
        top_k: labels in `top`.
        thresholds: of the model.
    """
    # One by one: a single call would keep all other threads waiting for as long as it takes.
    written = b",".join(to_json(_prediction(spec, answer, top_k, thresholds)) for answer in answers)
    return to_json(about)[:-1] + b',"predictions":[' + written + b"]}"


def predictions(
    spec: ModelSpec, answers: Sequence[Answered], *, top_k: int, thresholds: Thresholds = NO_THRESHOLDS
) -> list[dict[str, Any]]:
    """One prediction an example, as `service.schemas.Prediction` has it.

    Args:
        spec: of the model.
        answers: what it said.
        top_k: labels in `top`.
        thresholds: of the model.
    """
    return [_prediction(spec, answer, top_k, thresholds) for answer in answers]


def _prediction(spec: ModelSpec, answer: Answered, top_k: int, thresholds: Thresholds) -> dict[str, Any]:
    prediction: dict[str, Any] = {
        "heads": {head: _head(spec, head, answer.probabilities[head], top_k, thresholds) for head in spec.heads},
        "absent": list(answer.absent),
    }
    if answer.explanations is not None:
        prediction["explanation"] = {head: _explanation(one) for head, one in answer.explanations.items()}
    return prediction


def _head(
    spec: ModelSpec, head: str, values: NDArray[np.float32], top_k: int, thresholds: Thresholds
) -> dict[str, Any]:
    labels, numbers = spec.heads[head].labels, values.tolist()
    ranked = np.argsort(-values, kind="stable").tolist()  # equals in label order
    chosen = given(spec.heads[head], values, thresholds.get(head)).tolist()
    return {
        "label": labels[ranked[0]],
        "labels": [labels[n] for n in ranked if chosen[n]],
        "probability": numbers[ranked[0]],
        "top": [{"label": labels[n], "probability": numbers[n]} for n in ranked[:top_k]],
        "probabilities": dict(zip(labels, numbers, strict=True)),
    }


def _explanation(one: Explanation) -> dict[str, Any]:
    return {
        "label": one.label,
        "probability": one.probability,
        "baseline": one.baseline,
        "shares": dict(one.shares),
        "heatmaps": {name: _heatmap(values) for name, values in one.heatmaps.items()},
        "tokens": _tokens(one.tokens),
    }


def _heatmap(values: NDArray[np.float32]) -> dict[str, Any]:
    largest = float(values.max())
    grey = np.rint(values * (255 / largest if largest > 0 else 0)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    return {"png": base64.b64encode(file.getvalue()).decode("ascii"), "largest": largest}


def _tokens(tokens: Mapping[str, Sequence[tuple[str, float]]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [{"token": text, "weight": weight} for text, weight in pairs] for name, pairs in tokens.items()}

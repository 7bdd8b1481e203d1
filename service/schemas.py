"""What the service answers, as `/docs` shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class ModelVersion(BaseModel):
    """Which model answered."""

    name: str
    version: int


class LabelProbability(BaseModel):
    """A label and how probable it is."""

    label: str
    probability: float = Field(ge=0, le=1)


class HeadPrediction(BaseModel):
    """What one head says of one example: its first choice, the most probable ones, and all.

    `labels` are the ones it gives: the first choice, or for a multi-label head all from one half on, which may be none.
    """

    label: str
    labels: list[str]
    probability: float = Field(ge=0, le=1)
    top: list[LabelProbability]
    probabilities: dict[str, float]


class Prediction(BaseModel):
    """What the model says of one example, and which inputs were absent."""

    heads: dict[str, HeadPrediction]
    absent: list[str]


class PredictResponse(BaseModel):
    """The answer to `/predict`: one prediction an example, in the order of the request."""

    model: ModelVersion
    request_id: str
    predictions: list[Prediction]


class VersionState(BaseModel):
    """A version of a model, and why it is refused if it is."""

    version: int
    state: Literal["ready", "not_loaded", "refused"]
    reason: str | None = None


class ModelInfo(BaseModel):
    """A model: its versions, and what the one that answers takes, gives and scored."""

    name: str
    versions: list[VersionState]
    inputs: dict[str, dict[str, Any]]
    labels: dict[str, list[str]]
    metrics: dict[str, Any]
    created: datetime | None


class Health(BaseModel):
    """The state of the service."""

    status: Literal["ok", "ready"]

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

    `labels` are the ones it gives: the first choice, or for a multi-label head all that reach their threshold, which
    may be none.
    """

    label: str
    labels: list[str]
    probability: float = Field(ge=0, le=1)
    top: list[LabelProbability]
    probabilities: dict[str, float]


class TokenWeight(BaseModel):
    """A token as the model read it, and how much it moved the probability."""

    token: str
    weight: float


class HeatMap(BaseModel):
    """Where on a picture the label was seen: a grey PNG in base64, of the size at which the model saw the picture.

    White, 255, stands for `largest`, black for 0.
    """

    png: str
    largest: float


class HeadExplanation(BaseModel):
    """Why a head gives its first choice: `shares` of the inputs sum to `probability` less `baseline`, all absent."""

    label: str
    probability: float
    baseline: float
    shares: dict[str, float]
    heatmaps: dict[str, HeatMap]
    tokens: dict[str, list[TokenWeight]]


class Prediction(BaseModel):
    """What the model says of one example, which inputs were absent, and why, if that was asked for."""

    heads: dict[str, HeadPrediction]
    absent: list[str]
    explanation: dict[str, HeadExplanation] | None = None


class PredictResponse(BaseModel):
    """The answer to `/predict`: one prediction an example, in the order of the request."""

    model: ModelVersion
    request_id: str
    predictions: list[Prediction]


class VersionState(BaseModel):
    """A version of a model.

    `ready` answers; `loaded` is kept to go back to; `loading` will answer next; `not_loaded` is on disk only; `refused`
    can't be served. `reason` is why not, or what else there is to know.
    """

    version: int
    state: Literal["ready", "loaded", "loading", "not_loaded", "refused"]
    reason: str | None = None


class ModelInfo(BaseModel):
    """A model: its versions, the one it is pinned to, and what the one that answers takes, gives, scored, is made of.

    `thresholds` are those of multi-label heads: from which probability on a label is given; one half if not there.
    `comparison` is what a comparison with other models found, if there was one.
    `training_data` has the rows of each split and the SHA-256 of the manifest, `libraries` the version of each library.
    """

    name: str
    versions: list[VersionState]
    pinned: int | None
    inputs: dict[str, dict[str, Any]]
    labels: dict[str, list[str]]
    thresholds: dict[str, dict[str, float]] = Field(default_factory=dict)
    metrics: dict[str, Any]
    comparison: dict[str, Any] | None = None
    training_data: dict[str, Any]
    libraries: dict[str, str]
    created: datetime | None
    model_card: str | None = None


class Examples(BaseModel):
    """Examples that a model brings to be tried, each as `/predict` takes it: pictures as data URLs."""

    examples: list[dict[str, Any]]


class Activation(BaseModel):
    """Which version of a model answers now, and which one did before.

    `pinned` is false when the model follows its newest version again. `saved` is whether a restart will know of it, and
    `reason` why not.
    """

    model: str
    version: int
    previous: int | None
    pinned: bool
    saved: bool
    reason: str | None = None


class Health(BaseModel):
    """The state of the service."""

    status: Literal["ok", "ready"]

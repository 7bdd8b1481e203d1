"""What a service answers, typed. A field that a newer service adds is passed over."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class LabelProbability:
    """A label and how probable it is."""

    label: str
    probability: float


@dataclass(frozen=True)
class HeadPrediction:
    """What one head says of one example.

    Args:
        label: its first choice.
        labels: those that it gives: the first choice, or for a multi-label head all that reach their threshold.
        probability: of the first choice.
        top: the most probable labels, the first choice first.
        probabilities: of all labels.
    """

    label: str
    labels: tuple[str, ...]
    probability: float
    top: tuple[LabelProbability, ...]
    probabilities: Mapping[str, float]

    @classmethod
    def of(cls, head: Mapping[str, Any]) -> Self:
        """From the JSON of an answer."""
        return cls(
            label=head["label"],
            labels=tuple(head["labels"]),
            probability=head["probability"],
            top=tuple(LabelProbability(one["label"], one["probability"]) for one in head["top"]),
            probabilities=dict(head["probabilities"]),
        )


@dataclass(frozen=True)
class HeatMap:
    """Where on a picture a label was seen.

    Args:
        png: a grey PNG of the size at which the model saw the picture; white stands for `largest`, black for 0.
        largest: the largest value.
    """

    png: bytes
    largest: float


@dataclass(frozen=True)
class HeadExplanation:
    """Why a head gives its first choice.

    Args:
        label: the first choice.
        probability: of it.
        baseline: its probability with every input absent.
        shares: for each input how much it moved the probability; they sum to probability less baseline.
        heatmaps: for each picture that was given.
        tokens: for each text or tags input that was given, the tokens in their order and how much each moved it.
    """

    label: str
    probability: float
    baseline: float
    shares: Mapping[str, float]
    heatmaps: Mapping[str, HeatMap]
    tokens: Mapping[str, tuple[tuple[str, float], ...]]

    @classmethod
    def of(cls, head: Mapping[str, Any]) -> Self:
        """From the JSON of an answer."""
        return cls(
            label=head["label"],
            probability=head["probability"],
            baseline=head["baseline"],
            shares=dict(head["shares"]),
            heatmaps={
                name: HeatMap(base64.b64decode(one["png"]), one["largest"]) for name, one in head["heatmaps"].items()
            },
            tokens={
                name: tuple((one["token"], one["weight"]) for one in weights)
                for name, weights in head["tokens"].items()
            },
        )


@dataclass(frozen=True)
class Prediction:
    """What a model says of one example.

    Args:
        heads: by name.
        absent: the inputs that it did without.
        explanation: for each head why, if that was asked for.
        model: name of the model that answered.
        version: of that model.
        request_id: as the service's log has it.
    """

    heads: Mapping[str, HeadPrediction]
    absent: tuple[str, ...]
    explanation: Mapping[str, HeadExplanation] | None
    model: str
    version: int
    request_id: str

    @classmethod
    def all_of(cls, answer: Mapping[str, Any]) -> list[Self]:
        """Those of an answer of `/predict`."""
        return [
            cls(
                heads={name: HeadPrediction.of(head) for name, head in one["heads"].items()},
                absent=tuple(one["absent"]),
                explanation=_explanation(one.get("explanation")),
                model=answer["model"]["name"],
                version=answer["model"]["version"],
                request_id=answer["request_id"],
            )
            for one in answer["predictions"]
        ]

    @property
    def label(self) -> str:
        """The first choice of the only head.

        Raises:
            ValueError: if there are several heads.
        """
        return self._only_head().label

    @property
    def probability(self) -> float:
        """That of the first choice of the only head.

        Raises:
            ValueError: if there are several heads.
        """
        return self._only_head().probability

    def _only_head(self) -> HeadPrediction:
        if len(self.heads) != 1:
            raise ValueError(f"The model has several heads; say which: prediction.heads[NAME]. Heads: {[*self.heads]}.")
        return next(iter(self.heads.values()))


@dataclass(frozen=True)
class VersionState:
    """A version of a model.

    Args:
        version: its number.
        state: "ready" if it answers.
        reason: why it is refused, if it is.
    """

    version: int
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class ModelInfo:
    """A model that is served.

    Args:
        name: to ask for it.
        versions: those that were found, oldest first.
        labels: of each head, in the order of the probabilities.
        inputs: what it takes, by name.
        metrics: how well it did on its test rows, by head.
        details: all that the service says of it, as JSON.
    """

    name: str
    versions: tuple[VersionState, ...]
    labels: Mapping[str, list[str]]
    inputs: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Any]
    details: Mapping[str, Any]

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Self:
        """From the JSON of an answer."""
        return cls(
            name=model["name"],
            versions=tuple(VersionState(one["version"], one["state"], one.get("reason")) for one in model["versions"]),
            labels=model["labels"],
            inputs=model["inputs"],
            metrics=model["metrics"],
            details=model,
        )

    @classmethod
    def all_of(cls, answer: Mapping[str, Any]) -> list[Self]:
        """Those of an answer of `/models`."""
        return [cls.of(one) for one in answer["models"]]


@dataclass(frozen=True)
class Activation:
    """Which version of a model answers from now on.

    Args:
        model: its name.
        version: that answers now.
        previous: that did before, if one did.
        saved: whether it will still do so when the service is started again.
    """

    model: str
    version: int
    previous: int | None
    saved: bool

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From the JSON of an answer."""
        return cls(answer["model"], answer["version"], answer["previous"], answer["saved"])


def _explanation(heads: Mapping[str, Any] | None) -> Mapping[str, HeadExplanation] | None:
    return None if heads is None else {name: HeadExplanation.of(head) for name, head in heads.items()}

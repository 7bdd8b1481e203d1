"""The linear baseline: TF-IDF of words and character n-grams of all texts, and logistic regression."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from model.folding import fold
from model.spec import Head, ModelSpec, MultiLabelHead, TagsInput
from training.comparison.answers import logits
from training.comparison.parts import Measured
from training.evaluation.calibration import of_head
from training.pipeline import Batch, Examples, Targets
from training.prepare import Prepared

# Inverse strengths of the regularization that validation chooses from.
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
MAX_FEATURES = 200_000
_ROUNDS = 100

# Of a head, probabilities, targets and thresholds: higher is better, the second figure decides between equals.
Score = Callable[[Head, NDArray[np.float32], Targets, NDArray[np.float64] | None], tuple[float, float]]


@dataclass(frozen=True)
class Baseline:
    """A linear model of the words.

    Args:
        features: texts by input to numbers.
        heads: for each head its model of these.
        strengths: for each head what was chosen of `STRENGTHS`.
    """

    features: Features
    heads: Mapping[str, Linear]
    strengths: Mapping[str, float]

    @classmethod
    def learn(
        cls, data: Prepared, heads: Sequence[str], score: Score, strengths: Mapping[str, float] | None = None
    ) -> Baseline:
        """Learns from the training split, and chooses the strength of each head on validation.

        Args:
            data: the examples.
            heads: those to be learned.
            score: of the calibrated answers to the validation rows.
            strengths: what was chosen before; None chooses now.
        """
        spec = data.recipe.spec
        features = Features.learn(spec, data.train)
        training, validation = features(data.train), features(data.val)
        chosen, models = {}, {}
        for name in heads:
            tried: list[tuple[tuple[float, float], float, Linear]] = []
            for strength in [strengths[name]] if strengths else STRENGTHS:
                linear = Linear.learn(spec.heads[name], training, data.train.targets[name], strength)
                found = _score(score, linear, validation, data.val.targets[name])
                tried.append((found, -strength, linear))  # the simpler of two that are equal
            _, negative, models[name] = max(tried, key=lambda one: one[:2])
            chosen[name] = -negative
        return cls(features, models, chosen)

    def probabilities(self, examples: Examples) -> dict[str, NDArray[np.float32]]:
        """For each head float32 (examples, classes)."""
        matrix = self.features(examples)
        return {name: linear(matrix) for name, linear in self.heads.items()}

    def logits(self, examples: Examples) -> dict[str, NDArray[np.float32]]:
        """Those of these probabilities."""
        found = self.probabilities(examples)
        return {name: logits(linear.head, found[name]) for name, linear in self.heads.items()}

    def answer(self, tensors: Batch) -> dict[str, NDArray[np.float32]]:
        """The same of tensors as `model.signature.serving_inputs` names them."""
        texts = {name: list(tensors[name]) for name in self.features.vectorizers}
        matrix = self.features.of_texts(texts)
        return {name: linear(matrix) for name, linear in self.heads.items()}

    @property
    def parameters(self) -> int:
        """Numbers that were learned, the weights of the features' rarity not counted."""
        return sum(linear.parameters for linear in self.heads.values())


def measure(data: Prepared, heads: Sequence[str], score: Score, seed: int) -> Measured:
    """Learns the baseline and answers both splits."""
    started = time.perf_counter()
    baseline = Baseline.learn(data, heads, score)
    seconds = time.perf_counter() - started
    return Measured(
        seed,
        seconds,
        baseline.parameters,
        {"strength": dict(baseline.strengths)},
        baseline.logits(data.val),
        baseline.logits(data.test),
    )


@dataclass(frozen=True)
class Features:
    """TF-IDF of each text: of words and pairs of words, and of runs of two to five characters within words; of each
    tags input: of its tags.

    Args:
        vectorizers: for each input; none for one without a single word in training.
    """

    vectorizers: Mapping[str, Sequence[TfidfVectorizer]]

    @classmethod
    def learn(cls, spec: ModelSpec, examples: Examples) -> Features:
        """Learns words, runs and their weights from the training split."""
        made = {}
        for name in examples.texts:
            given = spec.inputs[name]
            if isinstance(given, TagsInput):
                wanted = [TfidfVectorizer(analyzer=_Tags(given.delimiter), max_features=MAX_FEATURES)]
            else:
                shape = {"preprocessor": fold, "sublinear_tf": True, "max_features": MAX_FEATURES}
                words = {"token_pattern": r"(?u)\w+", "ngram_range": (1, 2)}  # also those of a single letter
                runs = {"analyzer": "char_wb", "ngram_range": (2, 5)}
                wanted = [TfidfVectorizer(**shape, **words), TfidfVectorizer(**shape, **runs)]
            fitted = []
            for vectorizer in wanted:
                try:
                    fitted.append(vectorizer.fit(chain.from_iterable(examples.texts_of(name))))
                except ValueError as error:
                    if "empty vocabulary" not in str(error):
                        raise
            made[name] = fitted
        return cls(made)

    def __call__(self, examples: Examples) -> csr_matrix:
        """Float64 (examples, features), sparse; an absent text has none."""
        return self.of_texts({name: list(chain.from_iterable(examples.texts_of(name))) for name in self.vectorizers})

    def of_texts(self, texts: Mapping[str, Sequence[str]]) -> csr_matrix:
        """The same of texts by input."""
        blocks = [one.transform(texts[name]) for name, vectorizers in self.vectorizers.items() for one in vectorizers]
        # A constant, so that there is something to learn from where no text has a word.
        rows = len(next(iter(texts.values())))
        return hstack([*blocks, csr_matrix(np.ones((rows, 1)))], format="csr")


@dataclass(frozen=True)
class _Tags:
    """Tags of a delimited text."""

    delimiter: str

    def __call__(self, text: str) -> list[str]:
        return [tag for part in fold(text).split(self.delimiter) if (tag := " ".join(part.split()))]


@dataclass(frozen=True)
class Linear:
    """Logistic regression of one head: over its labels, or one for each label of a multi-label head.

    Args:
        head: single-label or multi-label.
        models: one, or one a label; a number where a label is never or always given in training.
    """

    head: Head
    models: Sequence[Any]

    @classmethod
    def learn(cls, head: Head, features: csr_matrix, targets: Targets, strength: float) -> Linear:
        """Learns from the training split.

        Args:
            head: with labels.
            features: float64 (examples, features).
            targets: int32 (examples,), or bool (examples, classes).
            strength: inverse strength of the regularization.
        """
        if not isinstance(head, MultiLabelHead):
            return cls(head, [_regression(features, targets, strength)])
        share = targets.mean(axis=0)
        return cls(
            head,
            [
                _regression(features, targets[:, label], strength) if 0 < share[label] < 1 else float(share[label])
                for label in range(targets.shape[1])
            ],
        )

    def __call__(self, features: csr_matrix) -> NDArray[np.float32]:
        """Probabilities: float32 (examples, classes)."""
        rows = features.shape[0]
        if isinstance(self.head, MultiLabelHead):
            columns = [
                np.full(rows, model) if isinstance(model, float) else model.predict_proba(features)[:, 1]
                for model in self.models
            ]
            return np.stack(columns, axis=1).astype(np.float32)
        model = self.models[0]
        probabilities = np.zeros((rows, len(self.head.labels)), np.float32)
        probabilities[:, model.classes_] = model.predict_proba(features)
        return probabilities

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(1 if isinstance(model, float) else model.coef_.size + model.intercept_.size for model in self.models)


def _score(score: Score, linear: Linear, features: csr_matrix, targets: Targets) -> tuple[float, float]:
    """Of what is calibrated on the rows, as all that is compared is."""
    said = logits(linear.head, linear(features))
    fitted = of_head(linear.head, said, targets)
    return score(linear.head, fitted.probabilities(linear.head, said), targets, fitted.at(linear.head))


def _regression(features: csr_matrix, targets: NDArray[np.generic], strength: float) -> LogisticRegression:
    with warnings.catch_warnings():
        # One that is not quite at its end answers all the same, and validation judges how well.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Nine times as fast on sparse features of many labels as scikit-learn's default, and as good on validation.
        model = LogisticRegression(C=strength, solver="newton-cg", tol=1e-3, max_iter=_ROUNDS)
        return model.fit(features, targets)

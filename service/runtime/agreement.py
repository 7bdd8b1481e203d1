"""What every backend has to answer: what the model answers as it was saved. Without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.examples import Tensors
from model.golden import TOLERANCE
from model.spec import ModelSpec, MultiLabelHead
from service.backends import AS_SAVED, Answers, Backend, BackendName, UnusableError, is_float32

# With 8 bits, as bfloat16 and integers have them at most, probabilities may differ by so much, and no label may.
REDUCED_TOLERANCE = 0.02


class DisagreementError(UnusableError):
    """A backend answers something else than the model as it was saved."""


class Agreement:
    """Answers to the golden examples, which backends are compared with.

    Not with those that training wrote down: the model as it was saved may differ from these by rounding here, and where
    two labels are as good as equal, that is none of the backend's doing. Nor is it a fault of the model as it was saved
    that optimizing its graph rounds it otherwise: of that, only probabilities are compared.

    Args:
        tensors: the golden examples, as `serving_default` takes them.
        expected: what the model as it was saved answers, its graph as it was written.
        spec: of the model.
        thresholds: for each multi-label head from which probability on a label is given, float32 (classes,).
    """

    def __init__(
        self, tensors: Tensors, expected: Answers, spec: ModelSpec, thresholds: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self.tensors = tensors
        self._expected = expected
        self._spec = spec
        self._thresholds = thresholds

    def check(self, name: BackendName, backend: Backend) -> None:
        """Has a backend answer the golden examples.

        Raises:
            DisagreementError: if a probability differs by more than its precision allows, or any label changes.
        """
        self.check_batch(name, backend, self.tensors)

    def check_batch(self, name: BackendName, backend: Backend, batch: Tensors) -> None:
        """The same with another number of them, from the first on and round again."""
        answers = backend(batch)
        size = len(next(iter(batch.values())))
        tolerance = TOLERANCE if is_float32(name) else REDUCED_TOLERANCE
        for head, golden in self._expected.items():
            expected, given = np.resize(golden, (size, golden.shape[1])), answers[head]
            if given.shape != expected.shape:
                raise DisagreementError(f"head {head!r} has the shape {given.shape}, not {expected.shape}")
            difference = float(np.abs(given - expected).max())
            if not difference <= tolerance:  # written so that NaN fails
                raise DisagreementError(
                    f"probabilities of {head!r} differ by {difference:.2g}; at most {tolerance:g} may"
                )
            if name != AS_SAVED and (self._labels(head, given) != self._labels(head, expected)).any():
                raise DisagreementError(f"labels of {head!r} change")

    def _labels(self, head: str, probabilities: NDArray[np.float32]) -> NDArray[np.generic]:
        if isinstance(self._spec.heads[head], MultiLabelHead):
            return np.asarray(probabilities >= self._thresholds[head])
        return np.asarray(probabilities.argmax(axis=1))


def reason_of(error: Exception) -> str:
    """The first line of an error that says something; OpenVINO begins with where in its source it happened."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith("Exception from ")), type(error).__name__)

"""The ways of computing a model's probabilities: their names, and what each is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from model.errors import BundleError
from model.examples import Tensors

# For each head float32 (batch, classes).
Answers = dict[str, NDArray[np.float32]]
# Tensors as `model.signature.serving_inputs` names them -> the probabilities; from any thread.
Backend = Callable[[Tensors], Answers]
BackendName = Literal[
    "tensorflow-float32",
    "frozen-float32",
    "frozen-bfloat16",
    "winograd-float32",
    "openvino-float32",
    "openvino-bfloat16",
    "openvino-int8",
]
# As it was saved, which every bundle has on every machine; the others are compared with it.
AS_SAVED: BackendName = "tensorflow-float32"
# Each makes its backend, which may take seconds.
Candidates = Mapping[BackendName, Callable[[], Backend]]


@runtime_checkable
class Preparing(Protocol):
    """A backend that can do the words of an example while its pictures are still being decoded."""

    def __call__(self, tensors: Tensors) -> Answers: ...

    def prepare(self, tensors: Tensors) -> None:
        """Begins with what is likely to be asked next; whatever else is asked is answered all the same.

        Args:
            tensors: as for a call; what the pictures are does not count.
        """


class UnusableError(BundleError):
    """A backend can't be used for a bundle, and will not be another time either."""


class UnsuitableError(UnusableError):
    """Nor for a bundle of the same network with other weights."""


def is_float32(name: BackendName) -> bool:
    """Whether a backend computes in float32 throughout."""
    return name.endswith("-float32")

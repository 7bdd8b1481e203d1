"""Golden examples: a few inputs and the probabilities that training got for them. Without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from model.errors import BundleError
from model.examples import Example, Tensors, decode, stack
from model.spec import ImageInput, ModelSpec

# Probabilities of one model on two builds of TensorFlow or two CPUs differ by rounding, no more.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Golden:
    """A few examples and what the model is to answer for them.

    Args:
        examples: encoded pictures and texts; they pass through decoding and tokenizing like any request.
        probabilities: float32 (examples, classes) for each head.
    """

    examples: Sequence[Example]
    probabilities: Mapping[str, NDArray[np.float32]]

    def tensors(self, spec: ModelSpec) -> Tensors:
        """The examples as `serving_default` takes them."""
        return stack(spec, [decode(spec, example) for example in self.examples])

    def check(self, probabilities: Mapping[str, NDArray[np.float32]]) -> float:
        """Compares with what a model answered.

        Args:
            probabilities: float32 (examples, classes) for each head.

        Returns:
            The largest difference.

        Raises:
            BundleError: if it is over `TOLERANCE`.
        """
        difference = max(
            float(np.abs(probabilities[head] - expected).max()) for head, expected in self.probabilities.items()
        )
        if not difference <= TOLERANCE:  # written so that NaN fails
            raise BundleError(
                f"The model disagrees with its own golden examples: probabilities differ by {difference:.2g}; "
                f"expected at most {TOLERANCE:g}. Train it again, or serve it with the build that made it."
            )
        return difference

    def save(self, file: Path) -> None:
        """Writes it as .npz, without pickles."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for row, example in enumerate(self.examples):
            for name, value in example.items():
                raw = value if isinstance(value, bytes) else value.encode("utf-8")
                arrays[f"input/{row}/{name}"] = np.frombuffer(raw, np.uint8)
        for head, expected in self.probabilities.items():
            arrays[f"output/{head}"] = np.asarray(expected, np.float32)
        np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, file: Path, spec: ModelSpec) -> Golden:
        """Reads what `save` wrote.

        Raises:
            BundleError: if the file is not such a one.
        """
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                probabilities = {head: arrays[f"output/{head}"] for head in spec.heads}
                rows = max(len(expected) for expected in probabilities.values())
                examples: list[dict[str, bytes | str]] = [{} for _ in range(rows)]
                for key in arrays.files:
                    kind, row, name = (key + "/").split("/")[:3]
                    if kind == "input":
                        raw = arrays[key].tobytes()
                        is_image = isinstance(spec.inputs[name], ImageInput)
                        examples[int(row)][name] = raw if is_image else raw.decode("utf-8")
        except (OSError, EOFError, ValueError, KeyError, IndexError, BadZipFile) as error:
            raise BundleError(f"The golden examples {file.name} can't be read: {error}") from error
        return cls(examples, probabilities)

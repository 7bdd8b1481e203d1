"""A model without TensorFlow: bundles that hold no network, and a plain function that answers for them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.bundle import Bundle, Metadata, write_extra
from model.examples import DecodedExample, Example, decode
from model.golden import Golden
from model.spec import ModelSpec
from service.engine.explanation import Explanation

LABELS = ("blue", "green", "red")
SPEC = ModelSpec.parse(
    {
        "inputs": {
            "image": {"kind": "image", "height": 8, "width": 8},
            "text": {"kind": "text"},
            "tags": {"kind": "tags"},
        },
        "branches": {
            "image": {"kind": "conv", "filters": [2]},
            "text": {"kind": "embedding"},
            "tags": {"kind": "tags"},
        },
        "heads": {"colour": {"kind": "single_label", "labels": LABELS}},
    },
    what="spec",
)
EXAMPLES = ({"text": "a red mug"}, {"tags": "green,blue"}, {})


def picture(
    colour: str | tuple[int, int, int] = "red", *, size: tuple[int, int] = (20, 16), file_format: str = "PNG"
) -> bytes:
    """An encoded picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, file_format)
    return file.getvalue()


def answer(example: DecodedExample) -> dict[str, NDArray[np.float32]]:
    """A colour is the more probable the more of it is in the picture, and if the words name it."""
    scores = np.ones(3)
    if "image" in example:
        scores += np.asarray(example["image"]).mean((0, 1))[::-1] / 255  # red, green, blue -> the labels' order
    words = f"{example.get('text', '')} {example.get('tags', '')}"
    scores += [label in words for label in LABELS]
    return {"colour": (scores / scores.sum()).astype(np.float32)}


class Namer:
    """What a bundle of this module is loaded as; keeps the sizes of its batches."""

    def __init__(self, bundle: Bundle) -> None:
        self.warmed: list[int] = []
        self.batches: list[int] = []
        golden = bundle.golden()
        answers = [answer(decode(bundle.spec, example))["colour"] for example in golden.examples]
        golden.check({"colour": np.stack(answers)})

    def warm_up(self, batch_sizes: Sequence[int]) -> None:
        self.warmed += batch_sizes

    def prepare(self, example: Example) -> None:
        """Nothing: a name is found as fast without."""

    def explain(self, example: DecodedExample, targets: Mapping[str, int]) -> dict[str, Explanation]:
        """Of a picture the part of it that is bright, of words each as much as the next."""
        shares = {name: 0.1 * (name in example) for name in SPEC.inputs}
        heatmaps = {"image": np.asarray(example["image"], np.float32).mean(2)} if "image" in example else {}
        tokens = {
            name: [(word, 0.5) for word in str(example[name]).split()] for name in ("text", "tags") if name in example
        }
        probability = float(answer(example)["colour"][targets["colour"]])
        label = LABELS[targets["colour"]]
        baseline = probability - sum(shares.values())
        return {"colour": Explanation("colour", label, probability, baseline, shares, heatmaps, tokens)}

    def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
        self.batches.append(len(examples))
        return [answer(example) for example in examples]


def write_bundle(models: Path, name: str = "colours", version: int = 1, *, offset: float = 0, **metadata: Any) -> Path:
    """A bundle that `Namer` loads.

    Args:
        models: the folder it goes to, as `<name>/<version>/`.
        name: of the model.
        version: its number.
        offset: how far its golden examples are from what `answer` says.
        **metadata: fields that are to differ.
    """
    directory = models / name / str(version)
    directory.mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(b"no network")
    probabilities = np.stack([answer(decode(SPEC, example))["colour"] for example in EXAMPLES])
    fields = {"spec": SPEC, "metrics": {"colour": {"accuracy": 0.75}}, "training_data": {}, "libraries": {}} | metadata
    write_extra(
        directory,
        Metadata(name=name, created=datetime(2025, 1, 2, tzinfo=UTC), **fields),
        Golden(EXAMPLES, {"colour": probabilities + np.float32(offset)}),
        {},
    )
    return directory

"""Do explanations point at what matters? A deletion test (Samek 2017, arXiv:1509.06321) on the demo set.

What is called most important is taken away, and the fall of the probability compared with what taking away as much at
random does: the mean of some draws.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from rich.console import Console

from model.bundle import Bundle
from model.examples import Example, Tensors, decode, stack
from model.heads import probabilities
from model.rebuild import Rebuilt, rebuild
from model.serving import signatures
from model.signature import EXPLAIN
from model.text import PADDING_ID
from training.demo_data import write_demo_set
from training.fit import fit
from training.prepare import prepare
from training.progress import Reporter
from training.recipe_columns import from_columns
from training.runs import Folders

EPOCHS = 15
SHARE = 0.1
DRAWS = 10
HEAD = "label"


@dataclass(frozen=True)
class Deletion:
    """What a deletion test found.

    Args:
        examples: how many there were.
        before: mean probability of the predicted label.
        strongest: the same with the strongest tenth taken away.
        at_random: the same with a random tenth taken away.
        better: share of the examples whose probability fell further by the strongest tenth.
    """

    examples: int
    before: float
    strongest: float
    at_random: float
    better: float


class DeletionTest:
    """A model and the examples it is asked about.

    Args:
        made: the model.
        examples: encoded.
    """

    def __init__(self, made: Rebuilt, examples: list[Example]) -> None:
        self._made = made
        self._tensors = stack(made.spec, [decode(made.spec, example) for example in examples])
        self._functions = signatures(made.spec, made.encoder, made.network)
        answers = self._functions["serving_default"](**_constants(self._tensors))[HEAD].numpy()
        self._target = answers.argmax(axis=1).astype(np.int32)
        target = {f"{HEAD}_target": self._target}
        found = self._functions[EXPLAIN](**_constants({**self._tensors, **target}))
        self._explained = {name: tensor.numpy() for name, tensor in found.items()}

    @property
    def share_error(self) -> float:
        """By how much shares miss the change in probability at most."""
        found = self._explained
        return float(np.abs(found["shares"].sum(axis=1) - (found["probability"] - found["baseline"])).max())

    def pixels(self) -> Deletion:
        """Takes away a tenth of the pixels: each becomes what is around it, the picture blurred."""
        pictures, heat = self._tensors["image"], self._explained["image.heatmap"]
        blurred = np.stack([_blurred(picture) for picture in pictures])
        rows, height, width = heat.shape
        count = round(height * width * SHARE)
        order = np.argsort(-heat.reshape(rows, -1), axis=1, kind="stable")
        random = np.random.default_rng(0)

        def without(gone: NDArray[np.intp]) -> NDArray[np.float32]:
            mask = np.zeros((rows, height * width), bool)
            np.put_along_axis(mask, gone, True, axis=1)
            changed = np.where(mask.reshape(rows, height, width, 1), blurred, pictures)
            answers = self._functions["serving_default"](**_constants({**self._tensors, "image": changed}))
            return answers[HEAD].numpy()[np.arange(rows), self._target]

        at_random = [without(_drawn(random, rows, height * width)[:, :count]) for _ in range(DRAWS)]
        return self._compared(without(order[:, :count]), np.mean(at_random, axis=0), self._tensors["image_present"])

    def tokens(self) -> Deletion:
        """Takes away a tenth of the words, at least one; a random one is the mean over all."""
        encoded = {name: tensor.numpy() for name, tensor in self._made.encoder(_constants(self._tensors)).items()}
        tokens, weights = encoded["text.tokens"], self._explained["text.weights"]
        lengths = (tokens != PADDING_ID).sum(axis=1)
        order = np.argsort(-np.where(tokens != PADDING_ID, weights, -np.inf), axis=1, kind="stable")
        counts = np.maximum(np.round(lengths * SHARE).astype(int), 1)
        random = np.random.default_rng(0)

        def without(order: NDArray[np.intp]) -> NDArray[np.float32]:
            left = np.zeros_like(tokens)
            for row, (ids, gone) in enumerate(zip(tokens, order, strict=True)):
                kept = np.delete(ids[: lengths[row]], gone[: counts[row]])
                left[row, : len(kept)] = kept
            logits = self._made.network(_constants({**encoded, "text.tokens": left}), training=False)[HEAD]
            answers = probabilities(self._made.spec.heads[HEAD], logits).numpy()
            return answers[np.arange(len(tokens)), self._target]

        def shuffled() -> NDArray[np.intp]:
            places = [random.permutation(max(length, 1)) for length in lengths]
            return np.stack([np.pad(one, (0, tokens.shape[1] - len(one))) for one in places])

        at_random = [without(shuffled()) for _ in range(DRAWS)]
        return self._compared(without(order), np.mean(at_random, axis=0), lengths > 1)

    def _compared(
        self, strongest: NDArray[np.float32], at_random: NDArray[np.float32], chosen: NDArray[np.generic]
    ) -> Deletion:
        chosen = chosen.astype(bool)
        return Deletion(
            examples=int(chosen.sum()),
            before=float(self._explained["probability"][chosen].mean()),
            strongest=float(strongest[chosen].mean()),
            at_random=float(at_random[chosen].mean()),
            better=float((strongest[chosen] < at_random[chosen]).mean()),
        )


def deletion_test(bundle: Path, manifest: Path) -> DeletionTest:
    """The test of a model on the test rows of the demo set.

    Args:
        bundle: trained on it.
        manifest: of the set.
    """
    with manifest.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "test"]
    columns = {"text": "caption", "tags": "tags"}
    examples: list[Example] = [
        {
            **({"image": (manifest.parent / row["image"]).read_bytes()} if row["image"] else {}),
            **{name: row[column] for name, column in columns.items() if row[column]},
        }
        for row in rows
    ]
    return DeletionTest(rebuild(Bundle(bundle)), examples)


def main() -> None:
    """Trains on the demo set and prints what the deletion test finds."""
    with TemporaryDirectory() as scratch:
        home = Path(scratch)
        made = write_demo_set(home / "data")
        columns = {"image": ["image"], "text": ["caption"], "tags": ["tags"], "label": [HEAD]}
        recipe = from_columns(made.manifest, name="demo", split="split", **columns).replace(training={"epochs": EPOCHS})
        reporter = Reporter(Console(file=sys.stderr))
        fitted = fit(
            prepare(recipe, cache_dir=home / "cache", reporter=reporter),
            Folders(home / "runs", home / "models"),
            reporter,
        )
        test = deletion_test(fitted.published, made.manifest)
        print(f"\nTaking away the strongest tenth, or a random one ({EPOCHS} epochs on the demo set)")
        for what, found in (("pixels (heat map)", test.pixels()), ("words (token weights)", test.tokens())):
            print(
                f"  {what:<24} probability {found.before:.3f}, without the strongest {found.strongest:.3f}, without "
                f"random ones {found.at_random:.3f}; falls further for {found.better:.1%} of {found.examples}"
            )
        print(f"  shares miss the change in probability by at most {test.share_error:.1e}")


def _blurred(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(max(picture.shape) / 16)))


def _drawn(random: np.random.Generator, rows: int, count: int) -> NDArray[np.intp]:
    return random.permuted(np.tile(np.arange(count), (rows, 1)), axis=1)


def _constants(tensors: Tensors) -> dict[str, tf.Tensor]:
    return {name: tf.constant(array) for name, array in tensors.items()}


if __name__ == "__main__":
    main()

"""The worst mistakes as a page shows them: pictures, words, and why."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model import images
from model.bundle import Metadata
from model.errors import BifocalError, BundleError, ImageError
from model.examples import decode
from model.spec import ImageInput, ModelSpec
from training import feature_maps
from training.explanations import Explanation, ExportedExplainer
from training.recipe import Recipe
from training.report import originals
from training.report.mistakes import Mistake
from training.report.originals import Original
from training.run_contents import Contents
from training.runs import Run

SIDE_PX = 160
TOKENS_SHOWN = 40
TEXT_SHOWN = 400


@dataclass(frozen=True)
class Picture:
    """A picture as a page holds it.

    Args:
        input: its name.
        url: a data URL of the picture, cut or padded as the model saw it.
        heat: one of the heat map over it; empty if there is none.
    """

    input: str
    url: str
    heat: str = ""


@dataclass(frozen=True)
class Shown:
    """A mistake with what the model was given.

    Args:
        mistake: which row, and what was answered.
        pictures: those that were given.
        texts: (input, text) of those that were given.
        tokens: for each input of words its tokens, their weights, and how strong a colour they have, 0 to 1.
        shares: how much each input moved the probability.
        absent: the inputs that were not given.
        notes: what could not be shown, and why.
    """

    mistake: Mistake
    pictures: Sequence[Picture] = ()
    texts: Sequence[tuple[str, str]] = ()
    tokens: Mapping[str, Sequence[tuple[str, float, float]]] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    absent: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Gallery:
    """The mistakes to show.

    Args:
        shown: worst first.
        notes: what holds for all of them, as that the manifest has gone.
    """

    shown: Sequence[Shown]
    notes: Sequence[str]


def gallery(mistakes: Sequence[Mistake], run: Contents) -> Gallery:
    """Looks up the rows of mistakes, and asks the exported model why it answered as it did.

    What is gone since the training is left out and said.

    Args:
        mistakes: those to show.
        run: that made them; without a bundle nothing is explained.
    """
    if not mistakes:
        return Gallery([], [])
    numbers = [one.row for one in mistakes]
    try:
        found, digest = originals.read(run.recipe, numbers, cache_dir=Run(run.path).cache)
    except (BifocalError, OSError) as error:
        note = f"Only the answers are shown, for the manifest can't be read any more: {error}"
        return Gallery([Shown(one) for one in mistakes], [note])
    rows = [_Row.read(one, run.recipe, found.get(one.row)) for one in mistakes]
    explanations, notes = _explanations(rows, run.path / "bundle", run.metadata)
    if run.metadata is not None and digest != run.metadata.training_data.get("manifest_sha256"):
        notes = ["The manifest has changed since the training.", *notes]
    return Gallery([row.shown(explanations.get(number)) for number, row in enumerate(rows)], notes)


@dataclass(frozen=True)
class _Row:
    """A mistake with its row of the manifest, as far as it is still there."""

    mistake: Mistake
    spec: ModelSpec
    example: Mapping[str, NDArray[np.uint8] | str]
    pictures: Mapping[str, NDArray[np.uint8]]
    absent: Sequence[str]
    notes: Sequence[str]

    @classmethod
    def read(cls, mistake: Mistake, recipe: Recipe, original: Original | None) -> _Row:
        """Reads the pictures of a row; `original` is None if it is gone."""
        spec = recipe.spec
        head = spec.heads[mistake.head]
        if original is None or not original.has_label(mistake.head, head, mistake.right):
            now = "is gone" if original is None else f"has the label {original.labels[mistake.head]!r} now"
            return cls(mistake, spec, {}, {}, (), [f"Row {mistake.row} of the manifest {now}, so it is not shown."])
        given: dict[str, bytes | str] = {}
        pictures, notes = {}, []
        for name, cell in original.cells.items():
            asked = spec.inputs[name]
            if not isinstance(asked, ImageInput):
                given[name] = cell
            elif cell:
                try:
                    data = (recipe.image_root / cell).read_bytes()
                    pictures[name] = _thumbnail(data, asked, recipe.data.max_pixels)
                    given[name] = data
                except (OSError, ImageError) as error:
                    reason = error.strerror if isinstance(error, OSError) else error
                    notes.append(f"The picture {cell} can't be read any more: {reason}")
        absent = [name for name, cell in original.cells.items() if not cell]
        example = decode(spec, given, max_pixels=recipe.data.max_pixels)
        return cls(mistake, spec, example, pictures, absent, notes)

    @property
    def is_whole(self) -> bool:
        """Whether everything is there that the model was given."""
        return bool(self.example) and not self.notes

    def shown(self, why: Explanation | None) -> Shown:
        """As a page shows it."""
        return Shown(
            mistake=self.mistake,
            pictures=[
                Picture(name, _url(pixels), _heat(pixels, why.heatmaps[name]) if why and name in why.heatmaps else "")
                for name, pixels in self.pictures.items()
            ],
            texts=[(name, _cut(value)) for name, value in self.example.items() if isinstance(value, str)],
            tokens={view: list(_coloured(tokens)) for view, tokens in why.tokens.items() if tokens} if why else {},
            shares=why.shares if why else {},
            absent=self.absent,
            notes=self.notes,
        )


def _explanations(
    rows: Sequence[_Row], bundle: Path, metadata: Metadata | None
) -> tuple[dict[int, Explanation], list[str]]:
    """Explanations by the place of their row, and why there are none, if there are none."""
    nothing = "There are no heat maps and no weights of words, for"
    whole = [number for number, row in enumerate(rows) if row.is_whole]
    if metadata is None or not whole:
        return {}, [] if metadata else [f"{nothing} the run has no bundle that can be read."]
    targets = [{rows[number].mistake.head: rows[number].mistake.label} for number in whole]
    try:
        explain = ExportedExplainer(bundle, metadata.spec)
        answers = explain([rows[number].example for number in whole], targets)
    except BundleError as error:
        return {}, [f"{nothing} {error}"]
    return dict(zip(whole, answers, strict=True)), []


def _thumbnail(data: bytes, given: ImageInput, max_pixels: int) -> NDArray[np.uint8]:
    """The part of a picture that the model saw, larger than it saw it."""
    scale = SIDE_PX / max(given.height, given.width)
    height, width = max(1, round(given.height * scale)), max(1, round(given.width * scale))
    return images.decode(data, height=height, width=width, fit=given.fit, max_pixels=max_pixels)


def _heat(pixels: NDArray[np.uint8], heatmap: NDArray[np.float32]) -> str:
    height, width = pixels.shape[:2]
    heat = Image.fromarray(heatmap).resize((width, height), Image.Resampling.BILINEAR)
    return _url(np.asarray(feature_maps.overlay(pixels, np.asarray(heat))))


def _url(pixels: NDArray[np.uint8]) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _coloured(tokens: Sequence[tuple[str, float]]) -> Iterator[tuple[str, float, float]]:
    """Tokens with how strong a colour they have; of many the strongest, in their order."""
    strongest = sorted(range(len(tokens)), key=lambda at: -abs(tokens[at][1]))[:TOKENS_SHOWN]
    most = max((abs(weight) for _, weight in tokens), default=0.0) or 1.0
    for at in sorted(strongest):
        text, weight = tokens[at]
        yield text, weight, abs(weight) / most


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN else text[:TEXT_SHOWN] + " ..."

"""Which examples a bundle takes along."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import images
from tests import tiny
from training import golden_rows
from training.prepare import Prepared, prepare
from training.progress import Reporter


@pytest.fixture
def prepared(tmp_path: Path, reporter: Reporter) -> Prepared:
    manifest = tiny.write_manifest(tmp_path / "data")
    return prepare(tiny.recipe(manifest), cache_dir=tmp_path / "cache", reporter=reporter)


def test_pictures_are_taken_along_as_the_files_they_are(prepared: Prepared, tmp_path: Path) -> None:
    files = {path.read_bytes() for path in (tmp_path / "data" / "images").iterdir()}

    pictures = [example["image"] for example in prepared.golden if "image" in example]
    assert len(pictures) >= 6
    assert set(pictures) <= files


def test_a_large_file_is_taken_along_as_its_decoded_pixels(
    tmp_path: Path, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden_rows, "LARGEST_FILE", 10)
    manifest = tiny.write_manifest(tmp_path / "data")
    prepared = prepare(tiny.recipe(manifest), cache_dir=tmp_path / "cache", reporter=reporter)
    example = prepared.golden[0]
    picture = example["image"]
    assert isinstance(picture, bytes)

    assert Image.open(io.BytesIO(picture)).size == (10, 12)
    decoded = images.decode(picture, height=12, width=10)
    assert any(
        np.array_equal(decoded, pixels) for pixels in prepared.val.pictures["image"].take(prepared.val.positions)
    )


def test_the_examples_are_of_the_validation_split_and_of_every_label(prepared: Prepared) -> None:
    texts = {example["text"] for example in prepared.golden if "text" in example}

    assert texts <= set(prepared.val.texts["text"].take(prepared.val.positions))
    assert {word for text in texts for word in str(text).split() if any(word in words for words in tiny.WORDS.values())}


def test_each_input_is_once_left_out(prepared: Prepared) -> None:
    examples = prepared.golden
    full = set(examples[0])

    left_out = [full - set(example) for example in examples[golden_rows.COUNT :]]
    assert left_out == [{name} for name in ("image", "text", "tags") if name in full]

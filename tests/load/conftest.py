"""What the load tests share: a model that takes as long as real ones do, and small ones to swap."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import tiny
from training.fit import fit
from training.prepare import prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.runs import Folders

# A conv net that takes a core some 35 ms a picture, as photo classifiers do. Of cheaper ones more requests come, and
# have to be refused, which is not free: see docs/decisions/overload.md.
SIZE_PX, FILTERS = 384, [32, 64, 64, 64]


@pytest.fixture(scope="session")
def heavy_models(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory, reporter_of_tests: Reporter) -> Path:
    """A models folder with one model over pictures of 384 px."""
    data = tiny.recipe(tiny_manifest, name="heavy", epochs=1).model_dump(mode="json", exclude_none=True)
    data["spec"]["inputs"]["image"] |= {"height": SIZE_PX, "width": SIZE_PX}
    data["spec"]["branches"]["image"] |= {"filters": FILTERS}
    return trained(Recipe.parse(data, what="recipe"), tmp_path_factory.mktemp("heavy"), reporter_of_tests).parents[1]


@pytest.fixture(scope="session")
def two_bundles(
    tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory, reporter_of_tests: Reporter
) -> tuple[Path, Path]:
    """Two versions of a small model whose answers differ."""
    first, second = (tiny.recipe(tiny_manifest, seed=seed) for seed in (0, 1))
    home = tmp_path_factory.mktemp("two")
    return trained(first, home, reporter_of_tests), trained(second, home, reporter_of_tests)


@pytest.fixture(scope="session")
def reporter_of_tests() -> Reporter:
    """Swallows what it is told."""
    from rich.console import Console

    return Reporter(Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG of 640x480, of about 60 kB."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    file = io.BytesIO()
    coarse.resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=75)
    return file.getvalue()


def trained(recipe: Recipe, home: Path, reporter: Reporter) -> Path:
    """A published bundle of a recipe."""
    data = prepare(recipe, cache_dir=home / "cache", reporter=reporter)
    return fit(data, Folders(home / "runs", home / "models"), reporter).published

"""A recipe or columns, as the command lines of `fit`, `check` and `compare` take them."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from model.errors import SpecError
from tests import tiny
from training.cli import app
from training.commands.column_options import GivenColumns
from training.recipe import Recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny.recipe(tmp_path / "manifest.csv").to_yaml(), encoding="utf-8")
    return file


def test_a_recipe_may_be_given_in_either_place(recipe: Path) -> None:
    assert GivenColumns(recipe).resolve() == GivenColumns(recipe=recipe).resolve()


def test_a_recipe_may_read_another_manifest(recipe: Path, tmp_path: Path) -> None:
    resolved = GivenColumns(tmp_path / "newer.csv", recipe, max_bad=0.5, name="newer").resolve(
        {"epochs": 3, "seed": None}
    )

    assert resolved.data.manifest == tmp_path / "newer.csv"
    assert (resolved.data.max_bad, resolved.name) == (0.5, "newer")
    assert (resolved.training.epochs, resolved.training.seed) == (3, 0)


def test_columns_make_a_recipe() -> None:
    resolved = GivenColumns(Path("shop.csv"), image=["photo"], text=["title"], label=["kind"], group="seller").resolve()

    assert isinstance(resolved, Recipe)
    assert resolved.name == "shop"
    assert resolved.data.columns == {"image": "photo", "text": "title"}
    assert resolved.data.group == "seller"
    assert resolved.data.manifest == Path.cwd() / "shop.csv"


def test_what_does_not_go_together_is_refused(recipe: Path) -> None:
    with pytest.raises(typer.BadParameter, match="do not go together"):
        GivenColumns(recipe, image=["photo"]).resolve()
    with pytest.raises(typer.BadParameter, match="Two recipes"):
        GivenColumns(recipe, recipe).resolve()
    with pytest.raises(typer.BadParameter, match="Give a MANIFEST with columns, or --recipe FILE"):
        GivenColumns().resolve()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--merges", "gatted"], "--merges: no kind 'gatted'"),
        (["--merges", "dot"], "None of what is to be compared can be built"),
        (["--image-branches", "conv", "--merges", "add"], "Leave one out"),
        (["--metric", "beauty", "--merges", "add"], "--metric: a single_label head has no figure 'beauty'"),
        (["--margin", "0", "--merges", "add"], "--margin: expected more than 0"),
    ],
)
def test_compare_refuses_before_it_looks_for_the_manifest(recipe: Path, options: list[str], message: str) -> None:
    found = CliRunner().invoke(app, ["compare", str(recipe), *options])

    assert isinstance(found.exception, SpecError)
    assert message in str(found.exception)

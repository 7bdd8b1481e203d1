"""Recipes: from columns, from YAML, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from model.errors import SpecError
from tests import tiny
from training import recipe_columns, recipe_file
from training.recipe import Recipe


def from_columns(**columns: object) -> Recipe:
    given = {"image": ["photo"], "text": ["title"], "tags": [], "label": ["Product Type"], "name": "shop"} | columns
    return recipe_columns.from_columns(Path("/data/shop.csv"), **given)  # type: ignore[arg-type]


def test_columns_make_inputs_named_as_requests_will_call_them() -> None:
    recipe = from_columns(tags=["keywords"])

    assert recipe.data.columns == {"image": "photo", "text": "title", "tags": "keywords"}
    assert recipe.data.labels == {"product_type": "Product Type"}
    assert {name: branch.kind for name, branch in recipe.spec.branches.items()} == {
        "image": "conv",
        "text": "embedding",
        "text_spelling": "embedding",
        "tags": "tags",
    }


def test_each_text_is_read_as_words_and_by_its_spelling() -> None:
    branches = from_columns(text=["title", "title_spelling", "note"]).spec.branches

    assert {name: (branch.input, branch.tokenizer.kind) for name, branch in branches.items() if name != "image"} == {
        "title": (None, "words"),
        "title_spelling2": ("title", "character_ngrams"),
        "title_spelling": (None, "words"),
        "title_spelling_spelling": ("title_spelling", "character_ngrams"),
        "note": (None, "words"),
        "note_spelling": ("note", "character_ngrams"),
    }


def test_what_each_branch_says_is_added_up_where_there_are_several() -> None:
    alone, several = (from_columns(text=text).spec.heads["product_type"] for text in ([], ["title"]))

    assert (alone.auxiliary_weight, alone.add_auxiliary) == (0, False)
    assert (several.auxiliary_weight, several.add_auxiliary) == (1, True)


def test_several_columns_of_a_kind_are_named_by_the_user_or_after_themselves() -> None:
    recipe = from_columns(image=["front=Front Photo", "Back Photo"], label=["topic=label", "tone"])

    assert recipe.data.columns == {"front": "Front Photo", "back_photo": "Back Photo", "text": "title"}
    assert recipe.data.labels == {"topic": "label", "tone": "tone"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": [], "text": []}, "No input: give at least one of --image, --text and --tags"),
        ({"label": []}, "No label: give --label COLUMN"),
        ({"image": ["a=x", "a=y"]}, r"Two inputs are named 'a'; name them: --image NAME=COLUMN"),
        ({"name": "a/b"}, r"recipe\.name: 'a/b' can't name a folder of models"),
        ({"label": ["a=x", "a=y"]}, r"Two heads are named 'a'; name them: --label NAME=COLUMN"),
        ({"label": ["类别", "状态"]}, r"No name can be made of the column '类别'; give one: NAME=类别"),
        ({"label": ["title"]}, r"data\.columns\.text: column 'title' is the label; it can't be an input"),
        ({"text": ["Bad Name=title"]}, r"'Bad Name' can't be a name"),
    ],
)
def test_columns_that_make_no_recipe_are_refused(columns: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_columns(**columns)


def test_a_resolved_recipe_reads_back_the_same(tmp_path: Path) -> None:
    recipe = from_columns(group="seller").with_labels({"product_type": ("mug", "007")})
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")

    assert recipe_file.load(tmp_path / "recipe.yaml") == recipe


def test_paths_in_a_recipe_are_taken_from_its_own_folder(tmp_path: Path) -> None:
    yaml = from_columns().to_yaml().replace("/data/shop.csv", "table/shop.csv")
    (tmp_path / "recipe.yaml").write_text(yaml, encoding="utf-8")
    recipe = recipe_file.load(tmp_path / "recipe.yaml")

    assert recipe.data.manifest == tmp_path / "table" / "shop.csv"
    assert recipe.image_root == tmp_path / "table"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is not YAML"),
        ("- a\n", "must be a mapping with the keys name, data and spec"),
        ("name: a\nname: b\n", "the key 'name' stands twice"),
        ("name: shop\ndat: {}\n", r"unknown key 'dat'; did you mean 'data'\?"),
        ("name: shop\n", r"recipe\.data: missing; it has no default\.\nrecipe\.spec: missing"),
    ],
)
def test_a_recipe_that_can_not_be_read_says_why(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "recipe.yaml").write_text(text)

    with pytest.raises(SpecError, match=message):
        recipe_file.load(tmp_path / "recipe.yaml")


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"The recipe .*none\.yaml can't be read: No such file"):
        recipe_file.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"columns": {"imag": "photo"}},
            r"data\.columns\.imag: the spec has none of that name; did you mean 'image'",
        ),
        ({"columns": {"image": "photo"}}, r"data\.columns\.text: missing; say which manifest column it is"),
        ({"labels": {}}, r"data\.labels\.colour: missing"),
        ({"split": {"validation": 0.6, "test": 0.4}}, r"data\.split: validation 0\.6 and test 0\.4 leave no rows"),
    ],
)
def test_columns_must_fit_the_spec(data: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        tiny.recipe(Path("m.csv")).replace(data=data)


def test_a_model_without_a_name_is_called_as_its_manifest() -> None:
    assert recipe_columns.name_of(Path("data/My shop (2).csv")) == "My-shop-2"
    assert recipe_columns.name_of(Path("店.csv")) == "model"


def test_one_label_column_in_another_script_is_called_label() -> None:
    assert from_columns(label=["类别"]).data.labels == {"label": "类别"}


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"freeze": ["imag"]}, r"^recipe\.training\.freeze: no branch 'imag'; did you mean 'image'\?"),
        ({"freeze": ["image"]}, r"^recipe\.training\.freeze: branch 'image' would stay at random weights\. Say in training\.init"),
        ({"unfreeze_at_epoch": 3}, r"^recipe\.training\.unfreeze_at_epoch: nothing is frozen"),
        ({"freeze": ["image"], "init": {"image": "runs/a"}, "unfreeze_at_epoch": 1}, r"unfreeze_at_epoch: expected an epoch from 2 to 12\. Received: 1"),
        ({"init": {"imag": "runs/a"}}, r"^recipe\.training\.init\.imag: the spec has no such part; did you mean 'image'\?"),
        ({"init": {"image": {"path": "runs/a", "prt": "photo"}}}, r"unknown key 'prt'; did you mean 'part'\?"),
    ],
)  # fmt: skip
def test_what_training_starts_from_must_fit_the_spec(training: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        tiny.recipe(Path("m.csv")).replace(training=training)


def test_files_that_training_starts_from_are_taken_from_the_folder_of_the_recipe(tmp_path: Path) -> None:
    data = tiny.recipe(Path("m.csv")).model_dump(mode="json")
    data["spec"]["branches"]["text"]["vectors"] = "words.txt"
    data["spec"]["branches"]["image"] = {"kind": "pretrained", "network": "MobileNetV2", "weights": "net.weights.h5"}
    data["spec"]["inputs"]["image"] |= {"height": 32, "width": 32}
    data["training"]["init"] = {"tags": "runs/a", "text": {"path": "models/b/1", "part": "title"}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(data))
    recipe = recipe_file.load(tmp_path / "recipe.yaml")

    assert recipe.spec.branches["text"].vectors == tmp_path / "words.txt"
    assert recipe.spec.branches["image"].weights == tmp_path / "net.weights.h5"
    assert {name: given.path for name, given in recipe.training.init.items()} == {
        "tags": tmp_path / "runs" / "a",
        "text": tmp_path / "models" / "b" / "1",
    }
    (tmp_path / "resolved.yaml").write_text(recipe.to_yaml())
    assert recipe_file.load(tmp_path / "resolved.yaml") == recipe


def test_a_run_to_start_from_as_a_whole_is_a_path(tmp_path: Path) -> None:
    recipe = tiny.recipe(Path("m.csv")).replace(training={"init": tmp_path, "freeze": ["image"]})

    assert recipe.training.init == tmp_path

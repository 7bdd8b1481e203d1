"""Drafted recipes: what columns are taken for, and that the recipe runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from model.errors import ManifestError, SpecError, StorageError
from model.spec import MultiLabelHead
from tests import tiny
from training import cli, recipe_file
from training.check import examine
from training.demo_data import write_demo_set
from training.drafting.draft import draft
from training.progress import Reporter
from training.recipe import Recipe

OPENMOJI = Path(__file__).parents[3] / "shared" / "data" / "openmoji" / "manifest.csv"
WORDS = ("mug", "lamp", "shoe", "bag", "red", "blue", "old", "new", "big", "small", "nice", "cheap")


def drafted(manifest: Path, folder: Path, *, label: str | None = None) -> tuple[Recipe, str]:
    """The recipe as `fit --recipe` reads it, and its text."""
    folder.mkdir(exist_ok=True)
    text, _ = draft(manifest, name="shop", folder=folder, label=label, progress=lambda *_: None)
    (folder / "drafted.yaml").write_text(text, encoding="utf-8")
    return recipe_file.load(folder / "drafted.yaml"), " ".join(text.replace("\n", " ").split())


def roles(recipe: Recipe) -> dict[str, str]:
    """What each column that is used is used for."""
    data = recipe.data
    found = {column: recipe.spec.inputs[name].kind for name, column in data.columns.items()}
    found |= dict.fromkeys(data.labels.values(), "label")
    found |= {column: what for column, what in ((data.group, "group"), (data.split.column, "split")) if column}
    return found


def shop(rows: int = 120) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    return [
        {
            "id": f"L{row:05}",
            "front": f"photos/{row}.jpg",
            "back": f"photos/{row}-back.jpg" if row % 3 else "",
            "title": " ".join(random.choice(WORDS, 4)) + f" {row}",
            "keywords": ";".join(random.choice(WORDS, random.integers(0, 4), replace=False)),
            "price": float(random.integers(100, 99999)) / 100,
            "postage": f"{3 + row % 40}.99",
            "age": 18 + row * 7 % 43,
            "listed": f"2024-{1 + row % 12:02}-{1 + row % 5:02}",
            "seen": f"2024-05-{1 + row % 30:02} {row % 24:02}:33:{row % 60:02}",
            "deposit": f"{row % 97} {('EUR', 'CHF')[row % 2]}",
            "weight": f"{100 + row % 31}g",
            "measures": f"{row} x {row % 7} cm",
            "sold": ("May 3, 2024", "June 17, 2024")[row % 2],
            "currency": "EUR",
            "seller_id": f"s{row % 37}",
            "category": WORDS[row % 4],
            "condition": ("new", "used", "broken")[row % 3],
            "part": "",
        }
        for row in range(rows)
    ]


def test_the_columns_of_a_shop_are_taken_for_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for row in range(120):
        (tmp_path / "photos" / f"{row}.jpg").touch()
    recipe, text = drafted(tiny.write_rows(tmp_path / "shop.csv", shop()), tmp_path)

    assert roles(recipe) == {
        "front": "image",
        "back": "image",
        "title": "text",
        "keywords": "tags",
        "seller_id": "group",
        "category": "label",
    }
    assert recipe.spec.inputs["tags"].delimiter == ";"
    assert set(recipe.spec.inputs) == {"front", "back", "text", "tags"}
    for evidence in (
        "# 120 of 120 values end in .jpg, and the first 120 exist front: front",
        "# 80 of 80 values end in .jpg, and 0 of the first 80 exist",
        "# 4 values, each 30 to 30 times category: category",
        "# 37 values; 120 rows share theirs with others, 4 at most one; they stay in one split group: seller_id",
        "- id: nearly every value is another, of a word or none: it names the row",
        "- price: numbers, ",
        "- postage: numbers, 40 different ones",
        "- age: numbers, 43 different ones",
        "- listed: dates or times, 60 different ones; inputs are pictures, texts and tags",
        "- seen: dates or times, 120 different ones",
        "- deposit: numbers with a unit (CHF, EUR), 120 different ones",
        "- weight: numbers with a unit (g), 31 different ones",
        "- measures: digits and signs without a word, 120 different ones",
        "- sold: dates or times, 2 different ones",
        "- currency: always 'EUR'",
        "- condition: 3 values, each 40 to 40 times; if it is to be predicted too",
        "- part: always empty",
        "No column says train, val or test: a split is made",
    ):
        assert evidence in text


def test_the_label_can_be_named(tmp_path: Path) -> None:
    recipe, _ = drafted(tiny.write_rows(tmp_path / "shop.csv", shop()), tmp_path, label="condition")

    assert recipe.data.labels == {"condition": "condition"}
    with pytest.raises(ManifestError, match=r"shop\.csv has no column 'kind'\. It has: id, front"):
        draft(tmp_path / "shop.csv", name="s", folder=tmp_path, label="kind", progress=lambda *_: None)


def test_pictures_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "far" / "photos").mkdir(parents=True)
    manifest = tiny.write_rows(tmp_path / "shop.csv", shop())
    for row in range(120):
        (tmp_path / "far" / "photos" / f"{row}.jpg").touch()
    out = tmp_path / "recipes" / "shop.yaml"
    command = ["init", str(manifest), "--out", str(out), "--image-root"]

    missing = CliRunner().invoke(cli.app, [*command, str(tmp_path / "near")])
    done = CliRunner().invoke(cli.app, [*command, str(tmp_path / "far")])

    assert isinstance(missing.exception, ManifestError)
    assert "near: there is no such folder" in str(missing.exception)
    assert done.exit_code == 0
    assert "image_root: ../far" in out.read_text(encoding="utf-8")
    assert "the first 120 exist" in " ".join(out.read_text(encoding="utf-8").replace("#", "").split())
    assert recipe_file.load(out).image_root.samefile(tmp_path / "far")


@pytest.mark.parametrize("shared", ["age", "listed", "postage", "weight"])
def test_what_rows_share_by_chance_is_no_group(tmp_path: Path, shared: str) -> None:
    rows = [{key: row[key] for key in ("title", "category", shared)} for row in shop()]
    recipe, _ = drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path)

    assert roles(recipe) == {"title": "text", "category": "label"}


@pytest.mark.parametrize("name", ["seller", "customer_id", "Customer ID", "customerId"])
def test_numbers_are_a_group_if_their_column_is_called_so(tmp_path: Path, name: str) -> None:
    rows = [{"title": f"nice {WORDS[row % 12]} {row}", name: 4000 + row % 37, "category": row % 4} for row in range(90)]
    recipe, _ = drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path)

    assert roles(recipe) == {"title": "text", name: "group", "category": "label"}


@pytest.mark.parametrize(
    "cells",
    [
        ("red mug", "12 EUR", "7 lamps"),
        ("3 red mugs", "2 old shoes"),
        ("blue 1", "red 2", "new 3", "old 4", "big 5", "small 6", "nice 7"),
        ("红色杯子 3 个", "蓝色 灯"),
    ],
)
def test_figures_among_words_do_not_make_a_text_none(tmp_path: Path, cells: tuple[str, ...]) -> None:
    rows = [{"offer": f"{cells[row % len(cells)]}{row}", "category": WORDS[row % 4]} for row in range(24)]
    recipe, _ = drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path)

    assert roles(recipe) == {"offer": "text", "category": "label"}


def test_lists_of_json_lines_are_tags_or_several_labels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [
        {
            "text": " ".join(random.choice(WORDS, 6)) + str(row),
            "marks": random.choice(WORDS, 2).tolist(),
            "topics": random.choice(["a", "b", "c"], row % 3, replace=False).tolist(),
            "meta": {"source": row},
        }
        for row in range(60)
    ]
    file = tmp_path / "shop.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe, text = drafted(file, tmp_path)

    assert roles(recipe) == {"text": "text", "marks": "tags", "topics": "label"}
    assert isinstance(recipe.spec.heads["topics"], MultiLabelHead)
    assert "several labels a row: short items in lists: 3 different, 1.5 a row, 20 rows have none" in text
    assert "- meta: nested objects" in text


def test_a_class_folder_is_drafted_and_can_be_checked(tmp_path: Path, reporter: Reporter) -> None:
    random = np.random.default_rng(0)
    for row in range(40):
        file = tmp_path / "pets" / ("cat", "dog")[row % 2] / f"{row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(file)
    recipe, _ = drafted(tmp_path / "pets", tmp_path / "recipes")

    assert roles(recipe) == {"file_name": "image", "label": "label"}
    assert examine(recipe, cache_dir=tmp_path / "cache", reporter=reporter).summary()["usable"] == 40


def test_the_demo_set_is_drafted_as_it_is_meant(tmp_path: Path) -> None:
    made = write_demo_set(tmp_path / "demo", rows=120, size_px=16, seed=3, progress=lambda *_: None)
    recipe, _ = drafted(made.manifest, tmp_path)

    assert roles(recipe) == {"image": "image", "caption": "text", "tags": "tags", "label": "label", "split": "split"}


@pytest.mark.skipif(not OPENMOJI.exists(), reason="needs the OpenMoji set")
def test_openmoji_is_drafted_as_it_is_meant(tmp_path: Path) -> None:
    recipe, text = drafted(OPENMOJI, tmp_path)

    assert roles(recipe) == {
        "image": "image",
        "text": "text",
        "label": "label",
        "group_key": "group",
        "suggested_split": "split",
    }
    assert "- annotation: 1,990 of 2,000 values stand in the same row's 'text' too" in text


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"title": f"a b {row}", "id": row} for row in range(9)], r"(?s)No column of shop\.csv looks like a label.*Name it with --label COLUMN\. .*title: text"),
        ([{"label": "ab"[row % 2], "id": row} for row in range(9)], r"(?s)looks like a picture, a text or tags.*label: label \(2 values, each 4 to 5 times"),
    ],
)  # fmt: skip
def test_a_table_that_makes_no_recipe_is_refused_with_what_its_columns_look_like(
    tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path)


def test_the_command_never_replaces_a_recipe_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.write_rows(tmp_path / "shop.csv", shop())
    run = CliRunner().invoke

    assert run(cli.app, ["init", "shop.csv", "--out", "recipes/shop.yaml"]).exit_code == 0
    written = (tmp_path / "recipes" / "shop.yaml").read_text()
    assert recipe_file.load(tmp_path / "recipes" / "shop.yaml").data.manifest == tmp_path / "shop.csv"
    again = run(cli.app, ["init", "shop.csv", "--out", "recipes/shop.yaml", "--name", "other"])
    assert isinstance(again.exception, StorageError)
    assert "is there already. Replace it with --force" in str(again.exception)
    assert (tmp_path / "recipes" / "shop.yaml").read_text() == written
    assert run(cli.app, ["init", "shop.csv", "--out", "recipes/shop.yaml", "--force"]).exit_code == 0


def test_without_a_file_the_recipe_goes_to_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.write_rows(tmp_path / "shop.csv", shop())
    done = CliRunner().invoke(cli.app, ["init", "shop.csv"])

    (tmp_path / "there.yaml").write_text(done.stdout)
    assert recipe_file.load(tmp_path / "there.yaml").name == "shop"


@pytest.mark.parametrize("column", ["tags", "text", "merged", "class", "label", "Class!", "x" * 70, "größe", "a=b"])
def test_a_label_column_may_be_called_as_an_input_or_as_what_is_kept(tmp_path: Path, column: str) -> None:
    rows = [{"title": f"{WORDS[row % 7]} {WORDS[row % 5]} {row}", column: "ab"[row % 2]} for row in range(40)]
    recipe, _ = drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path, label=column)

    assert list(recipe.data.labels.values()) == [column]
    assert recipe.data.columns == {"text": "title"}


def test_columns_that_no_name_can_be_made_of_are_named_by_number(tmp_path: Path) -> None:
    texts = ("Titel", "titel", "größe", "a=b", "lambda", "seen_present")
    rows = [
        {**{name: f"{WORDS[(row + at) % 7]} {at} {row}" for at, name in enumerate(texts)}, "label": "ab"[row % 2]}
        for row in range(40)
    ]
    recipe, _ = drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path)

    assert sorted(recipe.data.columns.values()) == sorted(texts)
    assert {"lambda_input", "seen_present_input", "text_2"} <= set(recipe.data.columns)


def test_a_table_with_another_separator_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("photo;title;category\n" + "a.jpg;two, three;mug\n" * 9)

    with pytest.raises(ManifestError, match=r"has one column, .*Its cells seem to be separated by ';'; expected ','"):
        drafted(tmp_path / "shop.csv", tmp_path)


def test_a_recipe_that_would_be_refused_is_not_drafted(tmp_path: Path) -> None:
    tiny.write_rows(tmp_path / "shop.csv", shop())

    with pytest.raises(SpecError, match="'my shop' can't name a folder of models"):
        draft(tmp_path / "shop.csv", name="my shop", folder=tmp_path, label=None, progress=lambda *_: None)


def test_a_split_column_that_leaves_one_out_says_how_it_is_made(tmp_path: Path) -> None:
    rows = [{**row, "set": "test" if number % 5 == 0 else "train"} for number, row in enumerate(shop())]
    recipe, text = drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path)

    assert "train 96, test 24; no row says validation, so a share of the training rows is taken" in text
    assert "split: {column: set, validation: 0.15}" in text
    assert roles(recipe)["set"] == "split"


@pytest.mark.parametrize("write", [json.dumps, str, lambda items: str(np.array(items, object))])
def test_lists_that_are_written_in_a_csv_are_tags_or_several_labels(tmp_path: Path, write: Any) -> None:
    random = np.random.default_rng(0)
    rows = [
        {
            "text": " ".join(random.choice(WORDS, 6)) + str(row),
            "marks": write(random.choice(WORDS, 2).tolist()),
            "topics": write(random.choice(["a", "b", "c"], 1 + row % 3, replace=False).tolist()),
        }
        for row in range(60)
    ]
    recipe, _ = drafted(tiny.write_rows(tmp_path / "shop.csv", rows), tmp_path)

    assert roles(recipe) == {"text": "text", "marks": "tags", "topics": "label"}
    assert isinstance(recipe.spec.heads["topics"], MultiLabelHead)

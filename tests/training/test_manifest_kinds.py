"""Manifests that are no CSV: JSON Lines, Parquet, folders of pictures."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from model.errors import ManifestError
from training import labels, manifest
from training.default_model import default_spec
from training.manifest import BadRow, Manifest
from training.prepare import prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.recipe_columns import from_columns, name_of


def recipe(file: Path, *, label: str = "single_label", delimiter: str = ",") -> Recipe:
    return Recipe.parse(
        {
            "name": "shop",
            "data": {"manifest": file, "columns": {"text": "title", "tags": "tags"}, "labels": {"label": "label"}},
            "spec": default_spec(
                {"text": {"kind": "text"}, "tags": {"kind": "tags", "delimiter": delimiter}}, {"label": {"kind": label}}
            ),
        },
        what="recipe",
    )


def json_lines(directory: Path, *rows: dict[str, Any] | str) -> Path:
    file = directory / "shop.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    return file


def read(asked: Recipe) -> Manifest:
    return manifest.read(asked, cache_dir=asked.data.manifest.parent / ".cache")


ROWS = [
    {"title": "Blaue Tasse", "tags": ["red", "blue"], "label": "mug"},
    {"title": 7, "tags": "gift, red", "label": True},
    {"title": 2.5, "label": False},
    {"title": None, "tags": [3], "label": 12},
]


def test_cells_of_json_lines_are_the_text_a_csv_would_hold(tmp_path: Path) -> None:
    table = read(recipe(json_lines(tmp_path, *ROWS)))

    assert list(table.texts("text")) == ["Blaue Tasse", "7", "2.5", ""]
    assert list(table.texts("tags")) == ["red,blue", "gift, red", "", "3"]
    assert table.label_cells("label").values == ["mug", "true", "false", "12"]


def test_cells_of_parquet_are_the_text_a_csv_would_hold(tmp_path: Path) -> None:
    columns = {
        "title": pl.Series([date(2026, 1, 2), None], dtype=pl.Date),
        "tags": pl.Series([["red", "blue"], []], dtype=pl.List(pl.Categorical)),
        "label": pl.Series([1.5, float("nan")], dtype=pl.Float32),
    }
    pl.DataFrame(columns).write_parquet(tmp_path / "shop.parquet")
    table = read(recipe(tmp_path / "shop.parquet", delimiter=";"))

    assert list(table.texts("text")) == ["2026-01-02", ""]
    assert list(table.texts("tags")) == ["red;blue", ""]
    assert table.bad == [BadRow(2, "all inputs are empty (title, tags)")]


def test_labels_are_lists_or_delimited(tmp_path: Path) -> None:
    rows = [{"title": "a", "label": label} for label in (["x", "y"], "y,z", [], None, ["x"])]
    asked = recipe(json_lines(tmp_path, *({**row, "tags": []} for row in rows)), label="multi_label")
    table = read(asked)
    asked = asked.with_labels(labels.labels_of(table))

    assert asked.spec.heads["label"].labels == ("x", "y", "z")
    assert labels.targets(table, asked)["label"].astype(int).tolist() == [
        [1, 1, 0],
        [0, 1, 1],
        [0] * 3,
        [0] * 3,
        [1, 0, 0],
    ]
    assert table.bad == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"title": "a", "label": "x"', r"it is not JSON: .* at character 28"),
        ('["title", "a"]', r"it is a list; expected a JSON object"),
        ('{"title": "a", "label": "x", "title": "b"}', r"the key 'title' stands twice"),
        ({"title": {"en": "mug"}, "label": "x"}, r"^column 'title': a nested object is given"),
        ({"title": ["a", "b"], "label": "x"}, r"^column 'title': a list is given; expected one value"),
        ({"title": "a", "label": ["x"]}, r"^column 'label': a list is given; .* Only tags and multi_label heads"),
        ({"title": "a", "tags": ["b,c"], "label": "x"}, r"^column 'tags': the item 'b,c' of a list holds ','"),
        ({"title": "a", "tags": [["b"]], "label": "x"}, r"^column 'tags': a nested list is given"),
        ('{"title": "a\\ud800", "label": "x"}', r"^column 'title': it holds half of a surrogate pair"),
    ],
)  # fmt: skip
def test_a_row_of_json_lines_that_can_not_be_used_has_its_row_and_line(
    tmp_path: Path, row: dict[str, Any] | str, reason: str
) -> None:
    table = read(recipe(json_lines(tmp_path, ROWS[0], "", row, ROWS[1])))

    (bad,) = table.bad
    assert (bad.row, bad.line) == (2, 3)
    with pytest.raises(ManifestError, match=reason):
        raise ManifestError(bad.reason)
    assert list(table.texts("text"))[2] == "7"


def test_a_column_of_json_lines_may_come_late_but_must_come(tmp_path: Path) -> None:
    late = read(recipe(json_lines(tmp_path, {"title": "a", "label": "x"}, ROWS[0])))
    assert list(late.texts("tags")) == ["", "red,blue"]

    with pytest.raises(
        ManifestError, match=r"shop\.jsonl has no column 'tags' \(data\.columns\.tags\)\. Valid: label, t"
    ):
        read(recipe(json_lines(tmp_path, {"title": "a", "label": "x"})))


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(ManifestError, match=r"shop\.parquet can't be read as Parquet"):
        read(recipe(tmp_path / "shop.parquet"))


def test_pictures_in_parquet_are_taken_by_path_alone(tmp_path: Path) -> None:
    pictures = [{"bytes": None, "path": "a.png"}, {"bytes": b"png", "path": None}]
    pl.DataFrame({"image": pictures, "label": ["x", "y"]}).write_parquet(tmp_path / "shop.parquet")
    asked = from_columns(tmp_path / "shop.parquet", name="shop", image=["image"], text=[], tags=[], label=["label"])
    table = read(asked)

    assert list(table.pictures("image")) == [tmp_path / "a.png", None]
    assert [one.reason for one in table.bad] == [
        "column 'image': the picture itself is given; expected the path of its file"
    ]


def picture(file: Path, shade: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade % 256, 2 * shade % 256, 9)).save(file)


def of_folder(folder: Path) -> Manifest:
    asked = from_columns(folder, name=name_of(folder), image=[], text=[], tags=[], label=[])
    return manifest.read(asked, cache_dir=folder.parent / "cache")


def test_class_folders_are_a_table_in_the_order_of_the_numbers_in_names(tmp_path: Path) -> None:
    for name in ("dog/10.png", "dog/9.png", "cat/a/1.jpg", "cat/b.PNG", ".hidden/x.png", "cat/.x.png"):
        picture(tmp_path / "pets" / name)
    (tmp_path / "pets" / "cat" / "notes.txt").touch()
    table = of_folder(tmp_path / "pets")

    names = ["cat/a/1.jpg", "cat/b.PNG", "dog/9.png", "dog/10.png"]
    assert list(table.pictures("image")) == [tmp_path / "pets" / name for name in names]
    assert table.label_cells("label").values == ["cat", "dog"]
    assert table.recipe.data.split.column is None


def test_a_picture_beside_the_class_folders_and_one_that_is_not_decoded_are_no_secret(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/1.png", "stray.png"):
        picture(tmp_path / "pets" / name)
    (tmp_path / "pets" / "dog" / "2.heic").touch()
    table = of_folder(tmp_path / "pets")

    assert table.bad == [BadRow(1, "the label column 'label' is empty")]
    assert tmp_path / "pets" / "dog" / "2.heic" in list(table.pictures("image"))


def test_folders_of_splits_become_a_column(tmp_path: Path, reporter: Reporter) -> None:
    for split, number in (("train", 3), ("validation", 1), ("test", 1)):
        for label in ("cat", "dog"):
            for row in range(number):
                picture(tmp_path / "pets" / split / label / f"{row}.png", row + 10 * len(split + label))
    asked = from_columns(tmp_path / "pets", name="pets", image=[], text=[], tags=[], label=[])
    data = prepare(asked, cache_dir=tmp_path / "cache", reporter=reporter)

    assert asked.data.split.column == "split"
    assert (len(data.train), len(data.val), len(data.test)) == (6, 2, 2)
    assert data.recipe.spec.heads["label"].labels == ("cat", "dog")


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train/1.png", "bus/1.png"):
        picture(tmp_path / "vehicles" / name)

    assert of_folder(tmp_path / "vehicles").label_cells("label").values == ["bus", "train"]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_folder_with_metadata_is_the_table_that_lies_in_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "pets"
    for part in ("train", "test"):
        (folder / part).mkdir(parents=True)
        frame = pl.DataFrame({"file_name": ["1.png", ""], "label": ["cat", "dog"]})
        (frame.write_csv if name.endswith("csv") else frame.write_ndjson)(folder / part / name)
    table = of_folder(folder)

    assert list(table.pictures("image")) == [folder / "train/1.png", None, folder / "test/1.png", None]
    assert table.column("split").codes.tolist() == [0, 0, 1, 1]


def test_a_folder_without_either_and_one_with_two_tables_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "pets" / "1.png")
    with pytest.raises(ManifestError, match=r"has no pictures in subfolders, one a class, and no metadata\.csv"):
        of_folder(tmp_path / "pets")
    for name in ("metadata.csv", "metadata.jsonl"):
        (tmp_path / "pets" / name).touch()
    with pytest.raises(ManifestError, match=r"has metadata\.csv and metadata\.jsonl\. Leave one of them"):
        of_folder(tmp_path / "pets")


def test_labels_may_be_lists_that_are_written_in_a_csv(tmp_path: Path) -> None:
    cells = ('["x", "y"]', "['y', 'z']", "y,z", "[]", "")
    pl.DataFrame({"title": ["a"] * 5, "tags": [""] * 5, "label": cells}).write_csv(tmp_path / "shop.csv")
    asked = recipe(tmp_path / "shop.csv", label="multi_label")
    table = read(asked)
    asked = asked.with_labels(labels.labels_of(table))

    assert asked.spec.heads["label"].labels == ("x", "y", "z")
    assert labels.targets(table, asked)["label"].sum(axis=1).tolist() == [2, 2, 2, 0, 0]


def test_pictures_as_browsers_save_them_and_behind_links_are_not_lost(tmp_path: Path) -> None:
    for name in ("pets/dog/1.jfif", "pets/dog/2.pjpeg", "pets/dog/3.JPE", "elsewhere/deep/4.jpg", "pets/cat/5.jpg"):
        picture(tmp_path / Path(name).with_suffix(".jpg"))
        (tmp_path / name).with_suffix(".jpg").rename(tmp_path / name)
    (tmp_path / "pets/dog/more").symlink_to(tmp_path / "elsewhere")
    for around in ("pets", "pets/dog", "pets/dog/more"):
        (tmp_path / "elsewhere" / around.replace("/", "-")).symlink_to(tmp_path / around)
    table = of_folder(tmp_path / "pets")

    names = ["cat/5.jpg", "dog/1.jfif", "dog/2.pjpeg", "dog/3.JPE", "dog/more/deep/4.jpg"]
    assert list(table.texts("image")) == names
    assert table.passed_over == ""


def test_files_that_are_no_pictures_are_told_by_their_suffixes(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/1.png"):
        picture(tmp_path / "pets" / name)
    for name in ("cat/notes.txt", "dog/LICENSE", "README.txt", "dog/.hidden", "dog/1.PNG.part"):
        (tmp_path / "pets" / name).touch()

    told = "4 files in pets passed over that do not end as pictures do: 2 .txt, 1 .part, 1 without a suffix"
    assert of_folder(tmp_path / "pets").passed_over == told


def test_a_table_beside_the_folders_is_pointed_at(tmp_path: Path) -> None:
    for name in ("images/1.png", "thumbnails/1.png"):
        picture(tmp_path / "shop" / name)
    (tmp_path / "shop" / "listings.csv").touch()

    assert f"If {tmp_path / 'shop' / 'listings.csv'} is the table" in of_folder(tmp_path / "shop").passed_over


def test_a_picture_beside_the_folders_of_splits_is_no_secret(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/1.png", "test/dog/2.png", "stray.png"):
        picture(tmp_path / "pets" / name)

    assert of_folder(tmp_path / "pets").bad == [BadRow(1, "the label column 'label' is empty")]


def test_a_class_folder_that_can_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat/1.png", "dog/deep/1.png"):
        picture(tmp_path / "pets" / name)
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ManifestError, match=r"The folder .*dog/deep can't be read: Permission denied"):
        of_folder(tmp_path / "pets")


def test_names_with_the_same_numbers_come_in_one_order_whatever_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cat/img_1.png", "cat/img_01.png", "dog/2.png"):
        picture(tmp_path / "pets" / name)
    scandir = os.scandir

    class Backwards:
        def __init__(self, path: Any) -> None:
            with scandir(path) as entries:
                self.entries = sorted(entries, key=lambda one: one.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None: ...

    expected = ["cat/img_01.png", "cat/img_1.png", "dog/2.png"]
    monkeypatch.setattr(os, "scandir", Backwards)
    assert list(of_folder(tmp_path / "pets").texts("image")) == expected


def test_folders_of_two_splits_are_enough(tmp_path: Path, reporter: Reporter) -> None:
    for split, number in (("train", 12), ("val", 2)):
        for label in ("cat", "dog"):
            for row in range(number):
                picture(tmp_path / "pets" / split / label / f"{row}.png", row + 30 * len(split + label))
    asked = from_columns(tmp_path / "pets", name="pets", image=[], text=[], tags=[], label=[])
    data = prepare(asked, cache_dir=tmp_path / "cache", reporter=reporter)

    assert (len(data.train) + len(data.test), len(data.val)) == (24, 4)
    assert len(data.test) == pytest.approx(0.15 * 24, abs=2)
    assert "column 'split' names no row for test" in data.warnings[0]

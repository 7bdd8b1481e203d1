"""Manifests: what is read, what is left out, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import ManifestError
from tests import tiny
from training import manifest
from training.recipe import Recipe
from training.recipe_columns import from_columns

ROWS = [
    {"photo": "a.png", "title": "one", "label": "x"},
    {"photo": "", "title": " two ", "label": "y"},
    {"photo": "c.png", "title": "", "label": "x"},
]


def recipe(file: Path, **columns: object) -> Recipe:
    given = {"image": ["photo"], "text": ["title"], "tags": [], "label": ["label"], "name": "shop"} | columns
    return from_columns(file, **given)  # type: ignore[arg-type]


def written(directory: Path, text: str, name: str = "shop.csv") -> Path:
    file = directory / name
    file.write_bytes(text.encode("utf-8"))
    return file


def test_values_are_strings_trimmed_and_empty_where_absent(tmp_path: Path) -> None:
    file = written(tmp_path, "photo,title,label\na.png, two ,007\n,x,1e3\n")
    table = manifest.read(recipe(file))

    assert manifest.values(table, "title") == ["two", "x"]
    assert manifest.values(table, "label") == ["007", "1e3"]
    assert manifest.picture_paths(table, recipe(file), "image") == [tmp_path / "a.png", None]


def test_a_byte_order_mark_quoted_newlines_and_commas_are_read(tmp_path: Path) -> None:
    file = written(tmp_path, '\ufeffphoto,title,label\r\na.png,"two\nlines, ""quoted""",x\r\n')

    assert manifest.values(manifest.read(recipe(file)), "title") == ['two\nlines, "quoted"']


def test_a_tsv_is_read_by_its_ending(tmp_path: Path) -> None:
    file = written(tmp_path, "photo\ttitle\tlabel\na.png\tone, two\tx\n", "shop.tsv")

    assert manifest.values(manifest.read(recipe(file)), "title") == ["one, two"]


def test_rows_without_a_label_or_without_any_input_are_left_out(tmp_path: Path) -> None:
    rows = [*ROWS, {"photo": "d.png", "title": "four", "label": " "}, {"photo": "", "title": " ", "label": ""}]
    table = manifest.read(recipe(tiny.write_rows(tmp_path / "shop.csv", rows)))

    assert table.table["row"].to_list() == [1, 2, 3]
    assert [(one.row, one.reason) for one in sorted(table.bad, key=lambda one: one.row)] == [
        (4, "the label column 'label' is empty"),
        (5, "all inputs are empty (photo, title)"),
    ]


def test_too_many_bad_rows_are_listed_and_refused(tmp_path: Path) -> None:
    rows = [*ROWS, *({"photo": "d.png", "title": "four", "label": ""} for _ in range(12))]
    asked = recipe(tiny.write_rows(tmp_path / "shop.csv", rows))
    table = manifest.read(asked)

    with pytest.raises(ManifestError, match=r"(?s)^12 of 15 rows can't be used \(80\.0%; data\.max_bad allows 1\.0%\)"):
        manifest.refuse_if_too_bad(table, asked)
    with pytest.raises(ManifestError, match=r"(?s)row 4: the label.*row 13: .*and 2 more\nMend .* --max-bad\.$"):
        manifest.refuse_if_too_bad(table, asked)
    manifest.refuse_if_too_bad(table, asked.replace(data={"max_bad": 0.8}))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"image": ["foto"]},
            r"shop\.csv has no column 'foto' \(data\.columns\.image\); did you mean 'photo'\?",
        ),
        ({"label": ["labels"]}, r"no column 'labels' \(data\.labels\.labels\); did you mean 'label'\?"),
        ({"group": "seller"}, r"no column 'seller' \(data\.group\)\. Valid: label, photo, title"),
        ({"split": "part"}, r"no column 'part' \(data\.split\.column\)"),
    ],
)
def test_a_missing_column_is_named_with_the_key_that_asks_for_it(
    tmp_path: Path, columns: dict[str, object], message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        manifest.read(recipe(tiny.write_rows(tmp_path / "shop.csv", ROWS), **columns))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"shop\.csv can't be read as a table"),
        ("photo,title,label\n", r"shop\.csv has a header and no rows"),
        ("photo,title,label\na,b,c,d,e\n", r"shop\.csv can't be read as a table"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        manifest.read(recipe(written(tmp_path, text)))


def test_a_name_with_brackets_is_one_file(tmp_path: Path) -> None:
    file = written(tmp_path, "photo,title,label\na.png,one,x\n", "shop[1].csv")

    assert manifest.values(manifest.read(recipe(file)), "title") == ["one"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,title,title,label\na,b,c,d\n", r"more than one column 'title'\. Rename them"),
        ("photo,title,label\na,b,c,d,e\n", "a row has more cells than the header"),
        ('photo,title,label\na,"b,c\n', "a quoted cell does not end"),
        ("photo;title;label\na;b;c\n", r"no column .* seem to be separated by ';'; expected ',' in a \.csv file"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_words(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        manifest.read(recipe(written(tmp_path, text)))


def test_a_table_that_is_not_utf_8_says_how_to_save_it(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_bytes("photo,title,label\na.png,Stra\xdfe,x\n".encode("latin-1"))

    with pytest.raises(ManifestError, match=r"is not UTF-8\. Save it as UTF-8"):
        manifest.read(recipe(tmp_path / "shop.csv"))


def test_a_missing_manifest_and_an_unknown_ending_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"There is no manifest .*none\.csv"):
        manifest.read(recipe(tmp_path / "none.csv"))
    with pytest.raises(ManifestError, match=r"shop\.xlsx: a manifest is a table ending in \.csv or \.tsv"):
        manifest.read(recipe(tmp_path / "shop.xlsx"))


def test_one_label_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    rows = [row | {"label": "x"} for row in ROWS]
    asked = recipe(tiny.write_rows(tmp_path / "shop.csv", rows))

    with pytest.raises(ManifestError, match=r"Column 'label' has 1 label; expected at least 2.* Received: \['x'\]"):
        manifest.labels(manifest.read(asked), asked)


def test_labels_that_the_recipe_lists_keep_their_order(tmp_path: Path) -> None:
    asked = recipe(tiny.write_rows(tmp_path / "shop.csv", ROWS)).with_labels({"label": ("y", "z", "x")})

    assert manifest.labels(manifest.read(asked), asked) == {"label": ("y", "z", "x")}


def test_a_label_that_the_recipe_does_not_list_is_named(tmp_path: Path) -> None:
    asked = recipe(tiny.write_rows(tmp_path / "shop.csv", ROWS)).with_labels({"label": ("x", "z")})

    with pytest.raises(ManifestError, match=r"labels that spec\.heads\.label\.labels does not list: 'y'\. Add them"):
        manifest.labels(manifest.read(asked), asked)


def test_targets_are_places_among_the_sorted_labels(tmp_path: Path) -> None:
    asked = recipe(tiny.write_rows(tmp_path / "shop.csv", ROWS))
    table = manifest.read(asked)
    asked = asked.with_labels(manifest.labels(table, asked))

    assert asked.spec.heads["label"].labels == ("x", "y")
    assert manifest.targets(table, asked)["label"].tolist() == [0, 1, 0]

"""Manifests: what is read, what is left out, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.errors import ManifestError, StorageError
from tests import tiny
from training import labels, manifest
from training.manifest import BadRow
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


def read(file: Path, **columns: object) -> manifest.Manifest:
    return manifest.read(recipe(file, **columns), cache_dir=file.parent / "cache")


def texts(file: Path, input_name: str = "text") -> list[str]:
    return list(read(file).texts(input_name))


def written(directory: Path, text: str, name: str = "shop.csv") -> Path:
    file = directory / name
    file.write_bytes(text.encode("utf-8"))
    return file


def test_values_are_strings_trimmed_and_empty_where_absent(tmp_path: Path) -> None:
    file = written(tmp_path, "photo,title,label\na.png, two ,007\n,x,1e3\n")
    table = read(file)

    assert list(table.texts("text")) == ["two", "x"]
    assert table.label_cells("label").values == ["007", "1e3"]
    assert list(table.pictures("image")) == [tmp_path / "a.png", None]


def test_a_byte_order_mark_quoted_newlines_and_commas_are_read(tmp_path: Path) -> None:
    file = written(tmp_path, '\ufeffphoto,title,label\r\na.png,"two\nlines, ""quoted""",x\r\n')

    assert texts(file) == ['two\nlines, "quoted"']


def test_a_tsv_is_read_by_its_ending(tmp_path: Path) -> None:
    file = written(tmp_path, "photo\ttitle\tlabel\na.png\tone, two\tx\n", "shop.tsv")

    assert texts(file) == ["one, two"]


def test_rows_without_a_label_or_without_any_input_are_left_out(tmp_path: Path) -> None:
    rows = [*ROWS, {"photo": "d.png", "title": "four", "label": " "}, {"photo": "", "title": " ", "label": ""}]
    table = read(tiny.write_rows(tmp_path / "shop.csv", rows))

    assert table.usable.tolist() == [0, 1, 2]
    assert table.bad == [
        BadRow(4, "the label column 'label' is empty", line=5),
        BadRow(5, "all inputs are empty (photo, title)", line=6),
    ]


def test_too_many_bad_rows_are_listed_and_refused(tmp_path: Path) -> None:
    rows = [*ROWS, *({"photo": "d.png", "title": "four", "label": ""} for _ in range(12))]
    table = read(tiny.write_rows(tmp_path / "shop.csv", rows))

    with pytest.raises(ManifestError, match=r"(?s)^12 of 15 rows can't be used \(80\.0%; data\.max_bad allows 1\.0%\)"):
        manifest.refuse_if_too_bad(table)
    with pytest.raises(ManifestError, match=r"(?s)row 4: the label.*row 13: .*and 2 more\nMend .* --max-bad\.$"):
        manifest.refuse_if_too_bad(table)
    manifest.refuse_if_too_bad(replace(table, recipe=table.recipe.replace(data={"max_bad": 0.8})))


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
        read(tiny.write_rows(tmp_path / "shop.csv", ROWS), **columns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"shop\.csv can't be read as a table"),
        ("\n , \n", r"shop\.csv can't be read as a table: it is empty"),
        ("photo,title,label\n", r"shop\.csv has a header and no rows"),
        ("photo,title,label\na,b,c,d,e\n", r"shop\.csv can't be read as a table"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(written(tmp_path, text))


def test_a_name_with_brackets_is_one_file(tmp_path: Path) -> None:
    file = written(tmp_path, "photo,title,label\na.png,one,x\n", "shop[1].csv")

    assert texts(file) == ["one"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,title,title,label\na,b,c,d\n", r"more than one column 'title'\. Rename them"),
        (
            "photo,title,label\na,b,c,d,e\n",
            r"line 2 has 5 cells, and the header 3\. Put cells that hold the separator in double quotes",
        ),
        ('photo,title,label\na,"b,c\n', "a quoted cell does not end"),
        ("photo;title;label\na;b;c\n", r"no column .* seem to be separated by ';'; expected ',' in a \.csv file"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_words(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(written(tmp_path, text))


def test_a_table_that_is_not_utf_8_says_how_to_save_it(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_bytes("photo,title,label\na.png,Stra\xdfe,x\n".encode("latin-1"))

    with pytest.raises(ManifestError, match=r"is not UTF-8 in line 2\. Save it as UTF-8"):
        read(tmp_path / "shop.csv")


def test_a_missing_manifest_and_an_unknown_ending_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"There is no manifest .*none\.csv"):
        read(tmp_path / "none.csv")
    with pytest.raises(
        ManifestError, match=r"shop\.xlsx: a manifest is a table ending in \.csv, \.tsv, \.jsonl or \.par"
    ):
        read(tmp_path / "shop.xlsx")


def test_one_label_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    rows = [row | {"label": "x"} for row in ROWS]

    with pytest.raises(ManifestError, match=r"Column 'label' has 1 label; expected at least 2.* Received: \['x'\]"):
        labels.labels_of(read(tiny.write_rows(tmp_path / "shop.csv", rows)))


def with_labels(directory: Path, *labels: str) -> manifest.Manifest:
    asked = recipe(tiny.write_rows(directory / "shop.csv", ROWS)).with_labels({"label": labels})
    return manifest.read(asked, cache_dir=directory / "cache")


def test_labels_that_the_recipe_lists_keep_their_order(tmp_path: Path) -> None:
    assert labels.labels_of(with_labels(tmp_path, "y", "z", "x")) == {"label": ("y", "z", "x")}


def test_a_label_that_the_recipe_does_not_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"labels that spec\.heads\.label\.labels does not list: 'y'\. Add them"):
        labels.labels_of(with_labels(tmp_path, "x", "z"))


def test_targets_are_places_among_the_sorted_labels(tmp_path: Path) -> None:
    table = read(tiny.write_rows(tmp_path / "shop.csv", ROWS))
    asked = table.recipe.with_labels(labels.labels_of(table))

    assert asked.spec.heads["label"].labels == ("x", "y")
    assert labels.targets(table, asked)["label"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'photo,title,label\na,"two\nlines",x\nb,c,d,e\n',
            r"line 4 has 4 cells, and the header 3",
        ),
        ('photo,title,label\na,b,x\nc,"d,y\ne,f,z\n', r"row that begins in line 3, a quoted cell does not end"),
        ("photo,title,label\ra,b,x\r", r"a carriage return without a line feed"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(written(tmp_path, text))


def test_a_bad_row_after_a_quoted_line_break_has_its_row_and_its_line(tmp_path: Path) -> None:
    table = read(written(tmp_path, 'photo,title,label\na,"two\nlines",x\nb,c,\n'))

    assert table.bad == [BadRow(2, "the label column 'label' is empty", line=4)]
    assert manifest.listing(table.bad) == "  row 2 (line 4): the label column 'label' is empty"


def test_blank_lines_are_rows_unless_only_blank_lines_follow(tmp_path: Path) -> None:
    table = read(written(tmp_path, "photo,title,label\na,b,x\n\nc,d\n\n\n"))

    assert [(one.row, one.line) for one in table.bad] == [(2, 3), (3, 4)]


def test_a_table_is_read_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    file = tiny.write_rows(tmp_path / "shop.csv", ROWS)
    calls: list[int] = []

    def times() -> int:
        calls.clear()
        manifest.read(recipe(file), cache_dir=tmp_path / "cache", progress=lambda *_: calls.append(1))
        return len(calls)

    assert (times(), times()) == (1, 0)
    tiny.write_rows(file, [*ROWS, ROWS[0] | {"title": "more"}])
    assert times() == 1
    assert texts(file) == ["one", "two", "", "more"]


def test_what_is_not_whole_in_the_cache_is_read_anew(tmp_path: Path) -> None:
    file = tiny.write_rows(tmp_path / "shop.csv", ROWS)
    expected = texts(file)
    for kept in (tmp_path / "cache" / "tables").rglob("*.texts"):
        kept.write_bytes(kept.read_bytes()[:-1])

    assert texts(file) == expected
    assert [one.name for one in (tmp_path / "cache" / "tables").iterdir() if one.name.startswith(".")] == []


def test_texts_are_read_in_any_order(tmp_path: Path) -> None:
    rows = [{"photo": "", "title": f"number {row} ü" * (row % 7), "label": "xy"[row % 2]} for row in range(6000)]
    column = read(tiny.write_rows(tmp_path / "shop.csv", rows)).texts("text")
    positions = np.random.default_rng(0).permutation(6000)

    assert list(column) == [row["title"] for row in rows]
    assert column.take(positions).tolist() == [rows[at]["title"] for at in positions]
    assert (column[5999], column[-1], column[2:4]) == (
        rows[-1]["title"],
        rows[-1]["title"],
        [row["title"] for row in rows[2:4]],
    )
    with pytest.raises(IndexError):
        column[6000]


def test_a_cache_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    file = tiny.write_rows(tmp_path / "shop.csv", ROWS)
    with pytest.raises(StorageError, match=r"can't be kept in /proc/bifocal: .*Choose another with --cache-dir"):
        manifest.read(recipe(file), cache_dir=Path("/proc/bifocal"))


def test_blank_lines_before_the_header_do_not_count(tmp_path: Path) -> None:
    table = read(written(tmp_path, "\ufeff\n,,\n \nphoto,title,label\na.png,one,x\nb.png,two,\n"))

    assert list(table.texts("text")) == ["one", "two"]
    assert table.bad == [BadRow(2, "the label column 'label' is empty", line=6)]


def test_lists_that_are_written_in_cells_are_lists_where_lists_can_be(tmp_path: Path) -> None:
    cells = ('["red", "blue"]', "['red', 'blue']", "red, blue", "[red]", "[]")
    lines = [{"title": cell, "marks": cell, "label": "xy"[row % 2]} for row, cell in enumerate(cells)]
    table = read(tiny.write_rows(tmp_path / "shop.csv", lines), image=[], tags=["marks"])

    assert list(table.texts("tags")) == ["red,blue", "red,blue", "red, blue", "[red]", ""]
    assert list(table.texts("text")) == list(cells)


def test_a_written_list_is_no_single_label(tmp_path: Path) -> None:
    lines = [{**ROWS[0], "label": label} for label in ("x", "y", "['x', 'y']", "[]", "[x]")]
    table = read(tiny.write_rows(tmp_path / "shop.csv", lines))

    assert [one.row for one in table.bad] == [3, 4]
    assert table.bad[0].reason.startswith("the label column 'label' holds a list; expected one label.")

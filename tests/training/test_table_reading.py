"""Columns of a table in the cache folder: each is read once, whatever is asked for besides."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl
import pytest

from tests import tiny
from training.manifests.delimited import Delimited
from training.manifests.json_lines import JsonLines
from training.manifests.parquet import Parquet
from training.manifests.reading import read_table
from training.manifests.source import Row, Source
from training.manifests.table import Ask, Table

ROWS = [{"title": f"mug {row}", "label": "ab"[row % 2], "seller": f"s{row}"} for row in range(5)]


class Watched(Delimited):
    """A CSV that keeps which columns were asked of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[list[str]] = []

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        self.asked.append(list(columns or ()))
        return super().rows(columns)


@pytest.fixture
def shop(tmp_path: Path) -> Watched:
    return Watched(tiny.write_rows(tmp_path / "shop.csv", ROWS))


def read(source: Source, *columns: str) -> Table:
    asks = [Ask(column) for column in columns]
    return read_table(source, asks, directory=source.path.parent / "cache", progress=lambda *_: None)


def test_a_column_is_read_and_kept_once(shop: Watched) -> None:
    for columns in (("title",), ("title", "label"), ("seller", "title"), ("label", "seller"), ("title",)):
        table = read(shop, *columns)
        assert [list(table.texts(Ask(column))) for column in columns] == [
            [row[column] for row in ROWS] for column in columns
        ]

    assert shop.asked == [["title"], ["label"], ["seller"]]
    assert len(list(shop.path.parent.glob("cache/tables/*/*/texts"))) == 3
    assert (table.rows, table.columns, table.lines.tolist()) == (5, ["title", "label", "seller"], [2, 3, 4, 5, 6])


def test_one_damaged_column_is_read_again_alone(shop: Watched) -> None:
    read(shop, "title", "label")
    shop.asked.clear()
    (damaged,) = (file for file in shop.path.parent.glob("cache/tables/*/*/texts") if file.read_bytes() == b"ababa")
    damaged.write_bytes(b"aba")

    table = read(shop, "title", "label")
    assert (shop.asked, list(table.texts(Ask("label")))) == ([["label"]], list("ababa"))


def test_a_changed_table_is_read_anew(shop: Watched) -> None:
    read(shop, "title")
    tiny.write_rows(shop.path, [{"title": "lamp", "label": "a"}])

    assert list(read(shop, "title").texts(Ask("title"))) == ["lamp"]


def test_a_row_is_at_fault_where_a_column_that_is_asked_for_is(tmp_path: Path) -> None:
    lines = [json.dumps({"title": "mug", "parts": {"a": 1}}), "nonsense", json.dumps({"title": ["a"], "parts": "b"})]
    (tmp_path / "shop.jsonl").write_text("\n".join(lines))
    source = JsonLines(tmp_path / "shop.jsonl")

    assert sorted(read(source, "title", "parts").faults) == [0, 1, 2]
    assert sorted(read(source, "title").faults) == [1, 2]
    assert "column 'parts': a nested object is given" in read(source, "parts").faults[0]


def test_what_killed_runs_left_is_deleted_after_a_day(shop: Watched) -> None:
    tables = shop.path.parent / "cache" / "tables"
    for name, age_s in (("old", 25 * 3600), ("young", 23 * 3600)):
        file = tables / f".reading-{name}" / "a" / "texts"
        file.parent.mkdir(parents=True)
        file.write_text("half")
        for path in (file, file.parent, file.parent.parent):
            os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    read(shop, "title")

    assert [folder.name for folder in tables.glob(".*")] == [".reading-young"]


def test_of_parquet_only_the_columns_that_are_asked_for_are_read(tmp_path: Path) -> None:
    pictures = [os.urandom(4000) for _ in ROWS]
    file = tmp_path / "shop.parquet"
    pl.DataFrame([{**row, "pixels": one} for row, one in zip(ROWS, pictures, strict=True)]).write_parquet(
        file, compression="uncompressed"
    )
    written = file.read_bytes()
    at = written.index(pictures[0])
    file.write_bytes(written[: at - 4] + b"\xff" * 4100 + written[at + 4096 :])

    table = read(Parquet(file), "title")
    assert list(table.texts(Ask("title"))) == [row["title"] for row in ROWS]
    assert [dict(row.cells) for row in Parquet(file).rows(["label", "size"])] == [
        {"label": row["label"]} for row in ROWS
    ]
    assert len(list(Parquet(file).rows(["size"]))) == len(ROWS)

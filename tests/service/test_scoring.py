"""Scoring a table: what comes out of it, and what can't be scored."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model.bundle import Bundle
from model.errors import ManifestError, SpecError
from model.examples import decode
from model.spec import ModelSpec
from service.commands.local import opened
from service.engine import Answered
from service.scoring.manifest import Row
from service.scoring.reader import Reader
from service.scoring.scored import Scored, cells_of, schema_of
from service.scoring.stream import scored
from service.settings import Settings
from tests.service.scoring import SCRIPT, run, table, texts
from tests.service.stand_in import LABELS, SPEC, Namer, answer, picture
from tests.tiny import write_rows
from training.fit import Fitted

HEADER = ["row", "colour", "colour_probability", "colour:blue", "colour:green", "colour:red", "absent", "error"]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Rows in which everything goes wrong that can, between such that are fine."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "red.png").write_bytes(picture("red"))
    (tmp_path / "pictures" / "cut.png").write_bytes(picture("red")[:60])
    cells = [
        ("pictures/red.png", "a mug", "", "1"),
        ("pictures/gone.png", "a mug", "", "2"),
        ("", "something blue", "blue,cup", "3"),
        ("pictures/cut.png", "", "", "4"),
        ("", " ", "", "5"),
        ("pictures", "", "green", "6"),
        ("", "größe ☕\nin two lines: green", "", "7"),
    ]
    return write_rows(
        tmp_path / "rows.csv", [dict(zip(("image", "caption", "tags", "id"), row, strict=True)) for row in cells]
    )


def test_every_row_is_scored_in_order_and_a_bad_one_has_its_reason(bundle: Bundle, manifest: Path) -> None:
    out = manifest.with_name("predictions.csv")
    done = run(bundle, manifest, out)

    rows = table(out)
    assert list(rows[0]) == HEADER
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 8)]
    assert [row["colour"] for row in rows] == ["red", "", "blue", "", "", "", "green"]
    assert rows[2]["absent"] == "image"
    red = answer(decode(SPEC, {"image": picture("red"), "text": "a mug"}))["colour"]
    assert [np.float32(rows[0][f"colour:{label}"]) for label in LABELS] == red.tolist()
    assert rows[0]["colour_probability"] == rows[0]["colour:red"]
    assert (done.rows, done.bad, done.resumed, done.left_out) == (7, 4, 0, ())
    assert not out.with_name("predictions.csv.parts").exists()


def test_bad_rows_are_listed_with_number_column_and_reason(bundle: Bundle, manifest: Path) -> None:
    done = run(bundle, manifest, manifest.with_name("predictions.csv"))

    bad = table(done.bad_file)
    assert done.bad_file.name == "predictions.bad.csv"
    assert [(row["row"], row["column"]) for row in bad] == [("2", "image"), ("4", "image"), ("5", ""), ("6", "image")]
    assert bad[0]["reason"] == f"{manifest.parent}/pictures/gone.png: No such file or directory"
    assert bad[1]["reason"].startswith("The picture is cut off")
    assert bad[2]["reason"] == "all inputs are empty (image, caption, tags)"
    assert bad[3]["reason"].endswith("pictures: Is a directory")


def test_a_table_without_bad_rows_has_no_list_of_them(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "p.bad.csv").write_text("of an earlier run")
    done = run(bundle, texts(tmp_path / "rows.csv", ["red"]), tmp_path / "p.csv")

    assert not done.bad_file.exists()
    assert done.left_out == ("image", "tags")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("out", ["csv", "jsonl", "parquet"])
def test_all_formats_say_the_same(bundle: Bundle, tmp_path: Path, suffix: str, out: str) -> None:
    frame = pl.DataFrame({"text": ["a red mug", None, "blue"], "tags": [None, "green,thing", "blue"]})
    manifest, target = tmp_path / f"rows.{suffix}", tmp_path / f"predictions.{out}"
    write = {"parquet": frame.write_parquet, "jsonl": frame.write_ndjson}
    write.get(suffix, lambda file: frame.write_csv(file, separator="\t" if suffix == "tsv" else ","))(manifest)

    run(bundle, manifest, target)

    read = {"parquet": pl.read_parquet, "jsonl": pl.read_ndjson, "csv": pl.read_csv}[out]
    found = read(target).cast({f"colour:{label}": pl.Float32 for label in LABELS})
    assert found.columns == HEADER
    assert found["colour"].to_list() == ["red", "green", "blue"]
    assert found["absent"].to_list() == ["image,tags", "image,text", "image"]
    assert found.row(0)[3:6] == tuple(answer({"text": "a red mug"})["colour"].tolist())


def test_lists_of_tags_numbers_and_pictures_as_bytes_are_read(bundle: Bundle, tmp_path: Path) -> None:
    rows = [
        {"image": {"bytes": picture("green"), "path": None}, "text": None, "tags": ["thing", "green"]},
        {"image": None, "text": "red", "tags": ["a,b"]},
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_text('{"text": 7}\n\n{"tags": ["red"], "price": 1}\n["red"]\n{"text": {}}\n{"te')

    run(bundle, tmp_path / "rows.parquet", tmp_path / "a.csv")
    run(bundle, tmp_path / "rows.jsonl", tmp_path / "b.csv")

    first, second = table(tmp_path / "a.csv")
    assert (first["colour"], second["error"]) == ("green", "the tag 'a,b' holds the delimiter ','")
    errors = [row["error"] for row in table(tmp_path / "b.csv")]
    assert errors[:4] == ["", "", "it is not a JSON object", "expected a text. Received: dict"]
    assert errors[4].startswith("it is not JSON: ")


def test_blank_lines_count_as_in_training_and_a_row_with_too_many_cells_is_bad(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbftext,tags\r\nred,\r\n\r\nblue,a,b\r\ngreen\r\n\r\n")
    run(bundle, tmp_path / "rows.csv", tmp_path / "p.csv")

    errors = [row["error"] for row in table(tmp_path / "p.csv")]
    assert errors == ["", "all inputs are empty (text, tags)", "it has 3 cells, and the header 2", ""]
    assert len(pl.read_csv(tmp_path / "rows.csv", truncate_ragged_lines=True)) >= 4  # what training counts


def test_written_lists_of_tags_and_blank_lines_before_the_header_are_read_as_in_training(
    bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text('\n,\ntext,tags\n,"[\'thing\', \'green\']"\n,"thing,green"\n,"[""a,b""]"\n,[]\n')
    run(bundle, tmp_path / "rows.csv", tmp_path / "p.csv")

    rows = table(tmp_path / "p.csv")
    assert [row["error"] for row in rows][:2] == ["", ""]
    assert rows[0]["colour:green"] == rows[1]["colour:green"]
    assert rows[2]["error"] == "the tag 'a,b' holds the delimiter ','"
    assert rows[3]["error"].startswith("all inputs are empty")


def test_a_table_of_no_rows_gives_a_table_of_no_rows(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text\n")
    for out in ("p.csv", "p.jsonl", "p.parquet"):
        assert run(bundle, tmp_path / "rows.csv", tmp_path / out).rows == 0
        assert (tmp_path / out).exists()
    assert pl.read_parquet(tmp_path / "p.parquet").columns == HEADER


def test_columns_are_chosen_and_pictures_are_looked_for_elsewhere(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(picture("blue"))
    manifest = write_rows(tmp_path / "rows.csv", [{"photo": "a.png", "text": "red", "other": "green"}])

    columns = {"image": "photo", "caption": "other"}
    run(bundle, manifest, tmp_path / "p.csv", columns=columns, image_root=tmp_path / "elsewhere")

    (row,) = table(tmp_path / "p.csv")
    expected = answer(decode(SPEC, {"image": picture("blue"), "text": "green"}))["colour"]
    assert [np.float32(row[f"colour:{label}"]) for label in LABELS] == expected.tolist()


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("price\n1\n", {}, r"rows\.csv has no column for any input of the model \(image, text, tags\)\. .* 'price'"),
        ("text\na\n", {"imag": "text"}, r"--column imag=text: the model has no input 'imag'; did you mean 'image'"),
        ("text\na\n", {"image": "foto"}, r"--column image=foto: rows\.csv has no such column"),
        ("text\na\n", {"text": "text", "caption": "text"}, "the input 'text' has a column already"),
        ("text,text\na,b\n", {}, "more than one column 'text'. Rename"),
        ('text\n"a\n', {}, r"can't be read as a table near line \d: .*\. Double the quotes"),
        ("text\n\xff\n", {}, r"rows\.csv is not UTF-8 in line 2\. Save it as UTF-8\."),
        ("", {}, r"rows\.csv has no column for any input"),
    ],
)
def test_a_table_that_can_not_be_read_is_refused_with_the_reason(
    bundle: Bundle, tmp_path: Path, content: str, columns: Mapping[str, str], message: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(content.encode("latin-1"))

    with pytest.raises(ManifestError, match=message):
        run(bundle, tmp_path / "rows.csv", tmp_path / "p.csv", columns=columns)
    assert not (tmp_path / "p.csv").exists()


def test_files_of_other_kinds_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    rows = texts(tmp_path / "rows.csv", ["red"])
    (tmp_path / "rows.parquet").write_text("none")

    with pytest.raises(
        ManifestError, match=r"rows\.xlsx: a manifest is a table ending in \.csv, \.tsv, \.jsonl, \.parq"
    ):
        run(bundle, tmp_path / "rows.xlsx", tmp_path / "p.csv")
    with pytest.raises(ManifestError, match=r"There is no manifest .*gone\.csv\."):
        run(bundle, tmp_path / "gone.csv", tmp_path / "p.csv")
    with pytest.raises(ManifestError, match=r"rows\.parquet can't be read as Parquet: "):
        run(bundle, tmp_path / "rows.parquet", tmp_path / "p.csv")
    with pytest.raises(ManifestError, match=r"--out p\.txt: expected a name ending in \.parquet, \.csv, \.jsonl\."):
        run(bundle, rows, tmp_path / "p.txt")


def test_parquet_without_polars_says_what_to_install_and_csv_does_without(bundle: Bundle, tmp_path: Path) -> None:
    manifest = texts(tmp_path / "rows.csv", ["red"])
    (tmp_path / "polars.py").write_text("raise ImportError")
    command = [sys.executable, "-c", SCRIPT, str(bundle.path), str(manifest)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    done = [
        subprocess.run([*command, str(out)], cwd=root, env=environment, capture_output=True, text=True, check=False)
        for out in (tmp_path / "p.parquet", tmp_path / "p.csv")
    ]

    assert "Parquet needs polars, which is not installed: pip install 'bifocal[score]'." in done[0].stderr
    assert done[1].returncode == 0, done[1].stderr
    assert len(table(tmp_path / "p.csv")) == 1


def test_no_more_than_five_batches_are_under_way_however_long_the_table_is(bundle: Bundle) -> None:
    settings = Settings(max_batch_size=4)
    taken = most = 0

    def rows() -> Iterator[Row]:
        nonlocal taken
        for taken in range(1, 401):
            yield Row(taken, {"text": "red"})

    reader = Reader(SPEC, {"text": "text"}, Path())
    with opened(bundle, settings, Namer) as engine, ThreadPoolExecutor(2) as readers:
        for done, row in enumerate(scored(rows(), reader, engine, readers, batch_size=4), 1):
            assert row.number == done
            most = max(most, taken - done)
    assert 4 <= most <= 5 * 4


def test_the_real_model_scores_as_it_predicts(tiny_fitted: Fitted, tiny_manifest: Path, tmp_path: Path) -> None:
    from service.runtime import Runtime

    bundle = Bundle(tiny_fitted.published)
    out = tmp_path / "predictions.parquet"
    done = run(bundle, tiny_manifest, out, load=Runtime, batch=8)

    found = pl.read_parquet(out)
    source = pl.read_csv(tiny_manifest)
    rows = [{name: value for name, value in row.items() if value} for row in source.iter_rows(named=True)]
    examples = [
        {
            name: (tiny_manifest.parent / row[name]).read_bytes() if name == "image" else row[column]
            for name, column in (("image", "image"), ("text", "caption"), ("tags", "tags"))
            if column in row
        }
        for row in rows
    ]
    direct = Runtime(bundle).predict([decode(bundle.spec, example) for example in examples])
    labels = bundle.spec.heads["colour"].labels
    given = found.select(f"colour:{label}" for label in labels).to_numpy()
    assert (done.rows, done.bad) == (len(source), 0)
    assert np.abs(given - np.stack([one["colour"] for one in direct])).max() < 1e-6
    assert (found["colour"] == source["label"]).mean() > 0.6


def test_several_labels_are_joined_and_names_that_clash_are_refused() -> None:
    heads = {"topic": {"kind": "multi_label", "labels": ["a", "b"], "delimiter": ";"}}
    spec = ModelSpec.parse({**SPEC.model_dump(), "heads": heads}, what="spec")
    cells = [
        cells_of(spec, Scored(1, Answered({"topic": np.array(values, np.float32)}, ("image", "tags"))))
        for values in ([0.7, 0.5], [0.1, 0.2])
    ]
    assert cells == [[1, "a;b", 0.7, 0.7, 0.5, "image,tags", None], [1, "", 0.2, 0.1, 0.2, "image,tags", None]]
    low = Scored(1, Answered({"topic": np.array([0.1, 0.2], np.float32)}, ()))
    assert cells_of(spec, low, {"topic": np.array([0.3, 0.2], np.float32)})[1] == "b"

    clash = ModelSpec.parse({**SPEC.model_dump(), "heads": {"absent": heads["topic"]}}, what="spec")
    with pytest.raises(SpecError, match="would have two columns 'absent': a head of the model is called so"):
        schema_of(clash)

"""The data check: what is planted is found, and nothing else."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from model.errors import ManifestError
from tests import tiny
from tests.training import planted
from tests.training.checking import examined, rows_of, table, told, write_pictures
from training import cli
from training.check import Findings
from training.check.label_words import look
from training.demo_data import write_demo_set
from training.manifests.table import TextColumn
from training.prepare import prepare
from training.progress import Reporter
from training.recipe_columns import from_columns

QUIET = (
    "texts_without_a_word",
    "duplicates",
    "contradictions",
    "label_in_text",
    "groups_in_several_splits",
    "refusals",
)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[planted.Planted, Findings]:
    directory = tmp_path_factory.mktemp("faulty")
    made = planted.sound(directory, rows=300)
    planted.plant(directory, made, broken=20, twins=10, contradicting=5)
    return made, examined(planted.write(directory, made))


def test_a_sound_set_raises_no_alarm(tmp_path: Path) -> None:
    made = planted.sound(tmp_path, rows=300, seed=1)
    summary = examined(planted.write(tmp_path, made)).summary()

    assert summary["bad"] == 0
    assert [summary[key] for key in QUIET] == [
        {"text": 0},
        {"rows": 0, "whole_row": 0, "same_file": 0, "look_alike": 0, "with_another_label": 0},
        {"contents": 0, "rows": 0},
        [],
        0,
        [],
    ]


def test_every_broken_picture_is_listed_and_no_other(faulty: tuple[planted.Planted, Findings], tmp_path: Path) -> None:
    made, findings = faulty
    findings.write(tmp_path)
    listed = table(tmp_path / "bad_rows.csv")

    assert [int(row["row"]) for row in listed] == sorted(made.broken)
    assert [int(row["line"]) for row in listed] == [row + 1 for row in sorted(made.broken)]
    assert all(row["reason"].strip() for row in listed)
    assert "refused: 20 rows can't be used (6.7%; --max-bad allows 1.0%)" in told(findings)


def test_every_twin_across_splits_is_paired_and_no_other(
    faulty: tuple[planted.Planted, Findings], tmp_path: Path
) -> None:
    made, findings = faulty
    findings.write(tmp_path)
    listed = table(tmp_path / "duplicates.csv")

    assert {int(row["row"]): int(row["other_row"]) for row in listed} == made.twins
    assert [row["distance"] == "" for row in listed] == [
        made.rows[int(row["row"]) - 1]["image"].split("-")[1] in ("0.png", "4.png", "8.png") for row in listed
    ]
    assert all((row["split"], row["other_split"]) in (("val", "train"), ("test", "train")) for row in listed)
    assert "10 rows of val and test have a twin in an earlier split (3 with the same picture file, 7 with" in told(
        findings
    )


def test_every_contradiction_is_listed_and_no_other(faulty: tuple[planted.Planted, Findings], tmp_path: Path) -> None:
    made, findings = faulty
    findings.write(tmp_path)
    groups: dict[str, list[int]] = {}
    for row in table(tmp_path / "contradictions.csv"):
        groups.setdefault(row["content"], []).append(int(row["row"]))

    assert {tuple(rows) for rows in groups.values()} == set(made.contradicting)
    assert "5 contents with different labels (10 rows)" in told(findings)


def test_texts_that_contain_their_label_are_listed(faulty: tuple[planted.Planted, Findings], tmp_path: Path) -> None:
    made, findings = faulty
    findings.write(tmp_path)

    assert [int(row["row"]) for row in table(tmp_path / "label_in_text.csv")] == sorted(made.telling)


def test_the_summary_counts_rows_by_label_and_split(faulty: tuple[planted.Planted, Findings], tmp_path: Path) -> None:
    made, findings = faulty
    findings.write(tmp_path)
    summary = json.loads((tmp_path / "check.json").read_text())

    usable = [row for number, row in enumerate(made.rows, 1) if number not in made.broken]
    assert summary["rows"] == 300
    assert summary["usable"] == 280
    for label, counts in summary["labels"]["label"].items():
        assert counts == {
            split: sum(row["label"] == label and row["split"] == split for row in usable) for split in counts
        }


def test_the_demo_set_raises_no_alarm(tmp_path: Path) -> None:
    made = write_demo_set(tmp_path / "demo", rows=240, size_px=32, seed=3, progress=lambda *_: None)
    recipe = from_columns(
        made.manifest, name="demo", image=["image"], text=["caption"], tags=["tags"], label=["label"], split="split"
    )
    summary = examined(recipe).summary()

    assert (summary["bad"], summary["duplicates"]["rows"], summary["contradictions"]["rows"]) == (0, 0, 0)
    assert not any(one["gives_away"] for one in summary["label_in_text"])


@pytest.mark.slow
def test_faults_planted_in_the_demo_set_are_all_found_and_no_other(tmp_path: Path) -> None:
    manifest = write_demo_set(tmp_path / "demo", rows=1800, size_px=64, seed=7, progress=lambda *_: None).manifest
    made = planted.Planted(rows=table(manifest))
    planted.plant(manifest.parent, made, broken=20, twins=10, contradicting=5)
    findings = examined(planted.write(manifest.parent, made))

    assert [one.row for one in findings.manifest.bad] == sorted(made.broken)
    assert {one.position + 1: one.other + 1 for one in findings.duplicates} == made.twins
    assert {tuple((rows + 1).tolist()) for rows in findings.contradictions} == set(made.contradicting)


def test_what_a_training_would_refuse_is_told_with_all_else(tmp_path: Path) -> None:
    rows = rows_of("|one|x|train", "|...|y|train", "|two|x|val", "|three|y|val", "|four|x|val", "|five|y|trane")
    findings = examined(write_pictures(tmp_path, [], rows))

    assert [one.row for one in findings.manifest.bad] == [2]
    assert findings.refusals == [
        "Row 6: column 'split' says 'trane'; expected one of " + findings.refusals[0].split("of ", 1)[1]
    ]
    assert "refused: Row 6" in told(findings)


def test_groups_that_the_split_column_parts_are_counted(tmp_path: Path) -> None:
    recipe = tiny.recipe(tiny.write_manifest(tmp_path)).replace(data={"group": "group"})

    assert examined(recipe).straddling == 6
    assert "6 groups of column 'group' are in more than one split" in told(examined(recipe))


def test_a_training_is_checked_first(tmp_path: Path, reporter: Reporter) -> None:
    made = planted.sound(tmp_path, rows=60)
    planted.plant(tmp_path, made, broken=0, twins=2, contradicting=0)
    data = prepare(planted.write(tmp_path, made), cache_dir=tmp_path / "cache", reporter=reporter)

    assert data.findings.summary()["duplicates"]["rows"] == 2
    assert data.findings.manifest.digest == data.digest


def run(*arguments: object) -> Any:
    return CliRunner().invoke(cli.app, ["check", *map(str, arguments)])


def test_the_command_writes_its_lists_and_fails_over_max_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = planted.sound(tmp_path, rows=60)
    planted.plant(tmp_path, made, broken=3, twins=0, contradicting=0)
    planted.write(tmp_path, made)
    columns = ("table.csv", "--image", "image", "--text", "caption", "--label", "label", "--split", "split")

    strict, lenient = run(*columns), run(*columns, "--max-bad", "0.05", "--out", "found")

    assert (strict.exit_code, lenient.exit_code) == (1, 0)
    assert "refused: 3 rows can't be used (5.0%; --max-bad allows 1.0%)" in strict.output
    assert "warning: 3 rows can't be used (5.0%; --max-bad allows 5.0%)" in lenient.output
    names = {"check.json", "bad_rows.csv", "label_in_text.csv"}
    assert {file.name for file in (tmp_path / "check-table").iterdir()} == names
    assert {file.name for file in (tmp_path / "found").iterdir()} == names


@pytest.mark.parametrize(
    ("text", "label", "contains"),
    [
        ("A used mug, blue", "used_mug", True),
        ("Mug, used", "used_mug", False),
        ("three FLAGS of Chad", "flag", True),
        ("the flag", "Flags", True),
        ("a flagship", "flags", False),
        ("これは猫です", "猫", True),
        ("Straße im Regen", "strasse", True),
        ("number 7", "7", False),
        ("plan b", "b", False),
    ],
)
def test_a_label_is_looked_for_as_words(text: str, label: str, contains: bool, tmp_path: Path) -> None:
    (tmp_path / "texts").write_text(text, encoding="utf-8")
    column = TextColumn(tmp_path / "texts", np.array([0, len(text.encode())]))
    own, counts = look(column, np.array([0]), np.array([1]), ["other", label])

    assert own.tolist() == [contains]
    assert counts[1] == (1, int(contains), 0)


def test_a_cell_that_names_no_split_hides_nothing_else(tmp_path: Path) -> None:
    rows = rows_of(
        "|same|x|train", "|other|y|train", "|same|x|val", "|c|y|val", "|d|x|test", "|same|y|trane", "|a x|x|train"
    )
    findings = examined(write_pictures(tmp_path, [], rows))

    (refusal,) = findings.refusals
    assert refusal.startswith("Row 6: column 'split' says 'trane'")
    assert findings.summary()["splits"] == {"train": 3, "val": 2, "test": 1}
    assert [(one.position, one.other) for one in findings.duplicates] == [(2, 0)]
    assert [rows.tolist() for rows in findings.contradictions] == [[0, 2, 5]]


def test_a_group_with_a_row_of_no_split_is_in_one_split(tmp_path: Path) -> None:
    recipe = tiny.recipe(tiny.write_manifest(tmp_path)).replace(data={"group": "group"})
    lines = table(recipe.data.manifest)
    tiny.write_rows(
        recipe.data.manifest, [{**row, "split": "?" if row["split"] == "val" else row["split"]} for row in lines]
    )

    before = {row["group"] for row in lines if row["split"] == "train"} & {
        row["group"] for row in lines if row["split"] == "test"
    }
    assert examined(recipe).straddling == len(before)


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("photos/{}.png", r"paths are taken from {}. Name the folder that they are relative to with --image-root"),
        (
            "photos\\{}.png",
            r"The cells part folders by backslashes, which are letters of a name here ('photos\\0.png')",
        ),
    ],
)
def test_pictures_that_are_all_looked_for_in_the_wrong_place_are_told_at_once(
    tmp_path: Path, cell: str, advice: str
) -> None:
    rows = rows_of(*(f"{cell.format(row)}|a {row}|{'xy'[row % 2]}|train" for row in range(30)))
    findings = examined(write_pictures(tmp_path, [], rows))
    lines = told(findings).splitlines()

    (refused,) = [line for line in lines if line.startswith("refused: ")]
    assert advice.format(tmp_path) in refused
    assert "mended or deleted" not in refused
    assert str(tmp_path / cell.format(0)) in lines[lines.index(refused) + 1]
    assert findings.refusals == []
    with pytest.raises(ManifestError, match="--image-root" if "/" in cell else "backslashes"):
        prepare(findings.manifest.recipe, cache_dir=tmp_path / "cache", reporter=Reporter(Console(file=io.StringIO())))


def test_some_missing_pictures_among_other_faults_are_no_cause_to_doubt_the_folder(
    faulty: tuple[planted.Planted, Findings],
) -> None:
    assert "--image-root" not in told(faulty[1])


def test_labels_that_differ_in_case_or_in_unicode_form_alone_are_told(tmp_path: Path) -> None:
    labels = ("Shoes", "shoes", "caf\u00e9", "cafe\u0301", "mug")
    rows = rows_of(*(f"|text {row}|{labels[row % 5]}|{('train', 'val', 'test')[row // 5 % 3]}" for row in range(30)))
    (warning,) = examined(write_pictures(tmp_path, [], rows)).warnings

    assert "'Shoes' (6) and 'shoes' (6)" in warning
    assert r"'cafe\u0301' (6) and 'caf\xe9' (6)" in warning
    assert "mug" not in warning


def test_labels_of_the_same_words_are_each_looked_for(tmp_path: Path) -> None:
    texts = [b"red shoes", b"old shoes", b"a mug", b"new shoes"]
    (tmp_path / "texts").write_bytes(b"".join(texts))
    column = TextColumn(tmp_path / "texts", np.cumsum([0, *map(len, texts)]))
    own, counts = look(column, np.arange(4), np.array([0, 1, 2, 2]), ["Shoes", "shoes", "mug"])

    assert own.tolist() == [True, True, True, False]
    assert counts == [(1, 1, 1), (1, 1, 1), (2, 1, 0)]


def test_a_placeholder_is_told_once_and_makes_no_twins(tmp_path: Path) -> None:
    made = planted.sound(tmp_path, rows=150)
    Image.linear_gradient("L").save(tmp_path / "images" / "no-image.png")
    for row in made.rows[1::3] + made.rows[2::6]:
        row["image"] = "images/no-image.png"
    made.rows[-1]["caption"] = made.rows[1]["caption"]  # a twin by its words all the same
    made.rows[-1]["image"] = made.rows[1]["image"]
    findings = examined(planted.write(tmp_path, made))

    (placeholder,) = findings.summary()["placeholders"]
    assert placeholder == {"input": "image", "row": 2, "rows": 76, "labels": 2}
    assert "'images/no-image.png' (image) stands in 76 rows of 2 labels: a placeholder? Leave the cell empty" in told(
        findings
    )
    assert [(one.position, one.other, one.what) for one in findings.duplicates] == [(149, 1, None)]


def test_pictures_that_all_stand_in_many_rows_are_no_placeholders(tmp_path: Path) -> None:
    made = planted.sound(tmp_path, rows=90)
    for number, row in enumerate(made.rows):
        row["image"] = f"images/{number // 30}.png"
    summary = examined(planted.write(tmp_path, made)).summary()

    assert summary["placeholders"] == []
    assert summary["duplicates"]["same_file"] > 20


def test_the_split_of_each_row_can_be_kept_as_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"a {row}", "label": "xy"[row % 2]} for row in range(60)]
    tiny.write_rows(tmp_path / "table.csv", rows)
    columns = ("--text", "text", "--label", "label")

    first = run("table.csv", *columns, "--splits", "kept/splits.csv")
    assert "the split of each row is in kept/splits.csv" in first.output
    kept = table(tmp_path / "kept" / "splits.csv")
    assert [one["row"] for one in kept] == [str(row) for row in range(1, 61)]
    assert [one["split"] for one in kept].count("train") == pytest.approx(42, abs=4)
    # In another order the made split would be another one.
    moved = [{**row, "split": one["split"]} for row, one in zip(rows, kept, strict=True)][::-1]
    tiny.write_rows(tmp_path / "moved.csv", moved)
    run("moved.csv", *columns, "--split", "split", "--splits", "again.csv")
    assert [one["split"] for one in table(tmp_path / "again.csv")] == [one["split"] for one in kept][::-1]

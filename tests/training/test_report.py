"""The report of a run: one page that needs nothing else."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from model.errors import StorageError
from model.spec import MultiLabelHead, SingleLabelHead
from tests import tiny
from tests.training import made_up_run
from tests.training.made_up_run import LABELS, epochs, figures, rows
from training.cli import app
from training.fit import Fitted
from training.recipe import Recipe
from training.report import charts, originals, write
from training.report.mistakes import worst
from training.runs import Run

VOID = {"meta", "link", "img", "br"}
HOSTILE = '<script>alert("1")</script>'


class Page(HTMLParser):
    """What a browser would make of a page, and complain of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset") and value]
        self.pictures += [values] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open and self.open[-1] == "style" else f"{data} "


def read(file: Path) -> Page:
    page = Page(file.read_text(encoding="utf-8"))
    page.text = " ".join(page.text.split())
    return page


@pytest.fixture(scope="module")
def mistaken(tiny_fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with three mistakes and its report."""
    path = made_up_run.with_mistakes(tiny_fitted.run.path, tmp_path_factory.mktemp("runs") / "tiny")
    write(path)
    return path


@pytest.fixture
def copy(mistaken: Path, tmp_path: Path) -> Path:
    """A copy of it without a bundle, which makes a report quick."""
    return Path(shutil.copytree(mistaken, tmp_path / "copy", ignore=shutil.ignore_patterns("bundle")))


def test_the_page_is_whole_and_needs_nothing_else(mistaken: Path) -> None:
    page = read(mistaken / "report.html")

    assert page.open == []
    assert "script" not in page.tags
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert not re.search(r"https?:|url\(|@import", (mistaken / "report.html").read_text(encoding="utf-8"))
    ids = re.findall(r' id="([^"]+)"', (mistaken / "report.html").read_text(encoding="utf-8"))
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(ids)
    assert len(ids) == len(set(ids))
    assert page.tags.count("table") == page.tags.count("caption")


def test_a_mistake_is_shown_with_picture_words_and_why(mistaken: Path) -> None:
    page = read(mistaken / "report.html")
    first = page.text[page.text.index("Worst mistakes Test rows") :]

    assert re.search(r"blue instead of red row 13\. Probability 0\.900; of the right label 0\.050\.", first)
    assert re.search(r"text: a (tomato|cherry) number 13", first) is None  # rows are counted from 1, their texts from 0
    assert re.search(r"text: a (tomato|cherry) number 12", first)
    assert re.search(r"text read: a", first)
    assert re.search(r"Moved by: image [+−]\d\.\d\d, text [+−]\d\.\d\d, tags [+−]\d\.\d\d", first)
    assert "Absent: image" in first
    said = [picture["alt"] for picture in page.pictures]
    assert said[:2] == ["image of row 13, which is red", "where blue was seen in it"]
    assert len(said) == 4  # row 15 has no picture
    assert (mistaken / "report.html").stat().st_size < 200_000


def test_labels_and_texts_do_not_become_markup(mistaken: Path, tmp_path: Path) -> None:
    lines = [
        {"image": "", "caption": f"{HOSTILE} {row}", "tags": HOSTILE, "label": (HOSTILE, "b")[row % 2], "split": "test"}
        for row in range(4)
    ]
    manifest = tiny.write_rows(tmp_path / "manifest.csv", [{**line, "group": "g"} for line in lines])
    labels = (HOSTILE, "b")
    recipe = tiny.recipe(manifest).with_labels({"colour": labels})
    predictions = pl.DataFrame(
        {
            "row": [1],
            "colour.label": [HOSTILE],
            "colour.predicted": ["b"],
            f"colour:{HOSTILE}": [0.1],
            "colour:b": [0.9],
        }
    )
    path = made_up_run.folder(
        tmp_path / "run", recipe, metrics={"test": {"colour": figures([[3, 2], [0, 5]], labels)}, "seconds": 1}
    )
    predictions.write_csv(path / "predictions.csv")
    page = read(write(path))

    assert "script" not in page.tags
    assert page.text.count(HOSTILE) > 5
    assert f"text: {HOSTILE} 0" in page.text
    assert page.open == []


def test_what_is_gone_since_is_said(copy: Path, tmp_path: Path) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")
    recipe = tiny.recipe(manifest).with_labels({"colour": LABELS})
    (copy / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    (tmp_path / "data" / "images" / "12.png").unlink()
    text = manifest.read_text(encoding="utf-8").splitlines()
    text[14] = text[14].replace(",green,", ",red,")
    manifest.write_text("\n".join(text) + "\n", encoding="utf-8")
    page = read(write(copy))

    assert "The picture images/12.png can't be read any more: No such file or directory" in page.text
    assert "Row 14 of the manifest has the label 'red' now, so it is not shown." in page.text
    assert "no heat maps and no weights of words, for the run has no bundle" in page.text
    assert "a sea number 14" in page.text or "a sky number 14" in page.text

    manifest.unlink()
    page = read(write(copy))
    assert "Only the answers are shown, for the manifest can't be read any more" in page.text
    assert "blue instead of red" in page.text


def test_a_training_leaves_its_report(tiny_fitted: Fitted) -> None:
    page = read(tiny_fitted.run.path / "report.html")

    assert page.open == []
    assert "accuracy [" in page.text
    assert "What the data check found" in page.text
    assert "Test accuracy of each modality trained alone" in page.text


def test_a_run_that_was_not_tested_has_its_curves(tmp_path: Path) -> None:
    recipe = tiny.recipe(tmp_path / "manifest.csv").with_labels({"colour": LABELS})
    path = made_up_run.folder(tmp_path / "run", recipe, log=epochs([1, 0.9], [1, 0.95]))
    page = read(write(path))

    assert "This run has no test figures" in page.text
    assert page.tags.count("svg") == 2


def test_many_labels_are_drawn_as_a_map(tmp_path: Path) -> None:
    labels = [f"label {number}" for number in range(60)]
    matrix = [[5 if row == column else 0 for column in range(60)] for row in range(60)]
    matrix[3][4] = 2
    recipe = tiny.recipe(tmp_path / "manifest.csv").with_labels({"colour": tuple(labels)})
    path = made_up_run.folder(tmp_path / "run", recipe, metrics={"test": {"colour": figures(matrix, labels)}})
    page = read(write(path))

    assert 'aria-label="Confusion matrix of colour"' in (path / "report.html").read_text(encoding="utf-8")
    assert "label 3 label 4 2" in page.text


def test_of_very_many_labels_what_is_taken_for_what_is_listed(tmp_path: Path) -> None:
    labels = (HOSTILE, *(f"label {number}" for number in range(1, 120)))
    told = figures([[5 if row == column else 0 for column in range(120)] for row in range(120)], labels)
    del told["confusion"]
    told["confused"] = [["label 7", HOSTILE, 9], ["label 3", "label 4", 2], ["label 4", "label 3", 1]]
    recipe = tiny.recipe(tmp_path / "manifest.csv").with_labels({"colour": labels})
    path = made_up_run.folder(tmp_path / "run", recipe, metrics={"test": {"colour": told}})
    page = read(write(path))

    assert page.open == []
    assert "There are too many labels for a confusion matrix." in page.text
    assert f"right predicted rows label 7 {HOSTILE} 9 label 3 label 4 2 Reliability" in page.text


def test_a_head_with_many_labels_a_row_has_no_confusion_matrix(tmp_path: Path) -> None:
    labels = tuple(f"label {number}" for number in range(30))
    told = figures([[5 if row == column else 0 for column in range(30)] for row in range(30)], labels)
    del told["confusion"]
    data = tiny.recipe(tmp_path / "manifest.csv").model_dump()
    data["spec"]["heads"] = {"colour": {"kind": "multi_label", "labels": labels}}
    recipe = Recipe.parse(data, what="recipe")
    path = made_up_run.folder(tmp_path / "run", recipe, metrics={"test": {"colour": told}})

    assert "Confusion" not in read(write(path)).text


def test_how_much_each_answer_of_a_head_counts_is_told(tmp_path: Path) -> None:
    recipe = tiny.recipe(tmp_path / "manifest.csv").with_labels({"colour": LABELS})
    metrics = {"test": {"colour": figures()}, "shares": {"colour": {"merged": 0.8, "image": 0.0, "text": 1.234}}}
    page = read(write(made_up_run.folder(tmp_path / "run", recipe, metrics=metrics)))

    assert "colour adds up what it says of everything merged and what each branch says alone." in page.text
    assert "answer of merged image text weight 0.80 0.00 1.23" in page.text


def test_the_rows_are_read_from_the_cache_of_the_run(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def refuse(recipe: Recipe, rows: list[int], *, cache_dir: Path) -> None:
        asked.append(cache_dir)
        raise StorageError("not read")

    monkeypatch.setattr(originals, "read", refuse)
    (tmp_path / "fast").mkdir()
    run = Run(copy)
    run.write_request(run.request().model_copy(update={"cache": tmp_path / "fast"}))
    write(copy)

    assert asked == [tmp_path / "fast"]


def test_the_spread_of_seeds_the_gate_and_slices_are_told(tmp_path: Path) -> None:
    recipe = tiny.recipe(tmp_path / "manifest.csv").with_labels({"colour": LABELS})
    spread = {"mean": 0.71, "standard_deviation": 0.02, "values": [0.69, 0.73]}
    slices = {"shop": {"north": {"examples": 40, "metrics": {"accuracy": made_up_run.measured(0.61)}}}}
    metrics = {
        "test": {"colour": figures(slices=slices)},
        "seeds": {
            "kept": 4,
            "monitor": "loss",
            "validation": {"3": {}, "4": {}},
            "test": {"colour": {"accuracy": spread}},
        },
        "gate": {"sentence": "Against tiny 1, colour is not worse."},
    }
    page = read(write(made_up_run.folder(tmp_path / "run", recipe, metrics=metrics)))

    assert "The spread over 2 seeds; kept is 4, the best by validation loss." in page.text
    assert "colour accuracy 0.710 0.020 0.690, 0.730" in page.text
    assert "Against tiny 1, colour is not worse." in page.text
    assert "north 40 0.610 [0.590, 0.630] –" in page.text


def test_the_command_writes_where_it_is_told(copy: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["report", str(copy), "--out", str(tmp_path / "there" / "a.html"), "--mistakes", "1"]
    )

    assert done.exit_code == 0, done.output
    assert "a.html: 0.0 MB" in done.output.replace("\n", "")
    assert (tmp_path / "there" / "a.html").read_text(encoding="utf-8").count("<article") == 1


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"is not a run folder: it has no recipe\.yaml"):
        write(tmp_path)


def table(text: str, file: Path) -> pl.DataFrame:
    file.write_text(text, encoding="utf-8")
    return pl.read_csv(file, infer_schema=False).fill_null("")


def test_the_worst_mistakes_are_the_surest_and_of_more_than_one_label(tmp_path: Path) -> None:
    answers = {row: ("red", "blue", 0.99 - row / 1000) for row in range(1, 9)}
    answers |= {9: ("green", "blue", 0.6), 10: ("green", "green", 0.9), 11: ("blue", "red", 0.55)}
    chosen = worst(table(rows(answers), tmp_path / "p.csv"), "colour", SingleLabelHead(labels=LABELS), count=4)

    assert [one.row for one in chosen] == [1, 2, 3, 9]  # of red at most twice its third of 4, rounded up
    assert chosen[0].probability == pytest.approx(0.989)
    assert chosen[0].right_probability == pytest.approx(0.0055)


def test_of_several_labels_the_one_furthest_off_is_told(tmp_path: Path) -> None:
    text = (
        'row,t.label,t.predicted,t:a,t:b,t:c\n1,"a,b",a,0.9,0.4,0.1\n2,,"b,c",0.1,0.6,0.95\n3,a,a,1,0,0\n4,a,,0.1,0,0\n'
    )
    chosen = worst(table(text, tmp_path / "p.csv"), "t", MultiLabelHead(labels=("a", "b", "c")), count=9)

    assert [(one.row, one.label, one.probability) for one in chosen] == [(2, "c", 0.95), (4, "a", 0.1), (1, "b", 0.4)]


@pytest.mark.parametrize(("high", "ticks"), [(1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]), (2.6, [0, 0.5, 1, 1.5, 2, 2.5])])
def test_an_axis_has_round_values(high: float, ticks: list[float]) -> None:
    drawn = charts.curves([charts.Line("a", [(1, 0.0), (9, high)])], title="t", x="x", y="y", top=high)

    left = re.findall(r'class="tick" x="46\.0"[^>]*>([^<]+)<', drawn)
    assert [float(value) for value in left] == ticks


def test_reliability_bars_stand_where_their_bins_are() -> None:
    bins = [{"low": 0.5, "high": 1.0, "count": 4, "confidence": 0.8, "accuracy": 0.5}]
    drawn = charts.reliability(bins, title=HOSTILE)

    left, top, width, height = map(
        float, re.findall(r'class="bar" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawn)[0]
    )
    assert left == pytest.approx(charts.LEFT + width)
    assert top + height == pytest.approx(charts.HEIGHT - charts.BOTTOM)
    assert HOSTILE not in drawn


def test_damaged_predictions_are_told_by_their_file(copy: Path) -> None:
    (copy / "predictions.csv").write_text('row,colour.label\n1,"a\n', encoding="utf-8")

    with pytest.raises(StorageError, match=r"predictions\.csv can't be read: .*Train again, or delete it"):
        write(copy)

"""A comparison from examples to verdict, on the tiny set."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from model.errors import SpecError, StorageError
from tests import tiny
from training.comparison import record, table
from training.comparison.candidates import Asked, Candidate, Lineup
from training.comparison.compare import Comparison, compare
from training.comparison.measuring import measure
from training.comparison.metric import Metric
from training.comparison.parts import Measured, Parts, at_work
from training.comparison.rules import Rules
from training.comparison.trainings import Trainings
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.reuse import Reuse
from training.stopping import Stop


def recipe_of(manifest: Path) -> Recipe:
    """A picture and a text, for one epoch."""
    recipe = tiny.recipe(manifest, epochs=1, batch_size=16)
    columns = {name: recipe.data.columns[name] for name in ("image", "text")}
    parts = {**recipe.model_dump(), "spec": recipe.spec.only(columns).model_dump()}
    return Recipe.parse({**parts, "data": {**parts["data"], "columns": columns, "max_bad": 0.05}}, what="recipe")


class Compared:
    """Compares in one folder, as often as asked."""

    def __init__(self, manifest: Path, home: Path) -> None:
        quiet = Reporter(Console(file=io.StringIO()))
        self.data: Prepared = prepare(recipe_of(manifest), cache_dir=home / "cache", reporter=quiet)
        self.out = home / "out"

    def __call__(self, *merges: str, data: Prepared | None = None) -> tuple[Comparison, str]:
        """The comparison and what was said."""
        printed = io.StringIO()
        with at_work(self.out):
            comparison = compare(
                data or self.data,
                Asked(merges=merges),
                Rules(),
                out=self.out,
                reporter=Reporter(Console(file=printed, width=200)),
                stop=Stop(),
            )
        return comparison, printed.getvalue()

    def parts(self) -> dict[str, int]:
        """The finished trainings, and when they were finished."""
        files = (self.out / "parts").glob("*/part.json")
        return {file.parent.name.rpartition("-")[0]: file.stat().st_mtime_ns for file in files}


@pytest.fixture(scope="module")
def compared(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    return Compared(tiny_manifest, tmp_path_factory.mktemp("compared"))


@pytest.fixture(scope="module")
def comparison(compared: Compared) -> Comparison:
    return compared("add")[0]


def test_every_candidate_has_figures_and_costs(comparison: Comparison) -> None:
    names = ["words, linear", "picture", "words", "average of both", "product of both", "add"]

    assert list(comparison.contests["colour"].standings) == names
    assert list(comparison.costs) == names
    picture, words, both = (comparison.costs[name] for name in ("picture", "words", "average of both"))
    assert both.parameters == picture.parameters + words.parameters
    assert both.milliseconds == pytest.approx(picture.milliseconds + words.milliseconds)
    assert all(cost.seconds > 0 for cost in comparison.costs.values())
    assert comparison.contests["colour"].examples == 12


def test_what_was_finished_before_is_used_again(compared: Compared, comparison: Comparison) -> None:
    before = compared.parts()

    again, said = compared("add")

    assert "3 of 3 trainings were finished before and are used again" in said
    assert compared.parts() == before
    assert again == comparison


@pytest.mark.parametrize(
    ("changes", "trained_anew"),
    [
        ({"training": {"epochs": 2}}, ["picture", "words"]),
        ({"training": {"checkpoint_every_s": 5.0}}, []),
        ({"training": {"init": {"text": {"path": str(Path(__file__).parent)}}}}, ["picture", "words"]),
        ({"spec": {"trunk": {"units": [4]}}}, ["picture", "words"]),
    ],
)
def test_what_a_training_depends_on(
    compared: Compared, tmp_path: Path, changes: dict[str, dict[str, object]], trained_anew: list[str]
) -> None:
    def digests(recipe: Recipe) -> dict[str, str]:
        quiet = Reporter(Console(file=io.StringIO()))
        data = replace(compared.data, recipe=recipe)
        trainings = Trainings(data, "d1", {}, Reuse(None), Parts(tmp_path), quiet, Stop())
        specs = {"picture": recipe.spec.only(["image"]), "words": recipe.spec.only(["text"])}
        return {name: trainings.digest_of(spec, 0) for name, spec in specs.items()}

    before, after = digests(compared.data.recipe), digests(compared.data.recipe.replace(**changes))

    assert [name for name in before if before[name] != after[name]] == trained_anew


def test_a_change_of_the_words_leaves_the_picture_as_it_is(compared: Compared, tmp_path: Path) -> None:
    spec = compared.data.recipe.spec
    text = spec.branches["text"].model_copy(update={"units": 5})
    changed = spec.model_copy(update={"branches": {**spec.branches, "text": text}})
    quiet = Reporter(Console(file=io.StringIO()))
    trainings = Trainings(compared.data, "d1", {}, Reuse(None), Parts(tmp_path), quiet, Stop())

    assert trainings.digest_of(spec.only(["image"]), 0) == trainings.digest_of(changed.only(["image"]), 0)
    assert trainings.digest_of(spec.only(["text"]), 0) != trainings.digest_of(changed.only(["text"]), 0)
    assert trainings.digest_of(spec, 0) != trainings.digest_of(spec, 1)


def test_a_comparison_leaves_a_page_a_picture_and_two_tables(comparison: Comparison, tmp_path: Path) -> None:
    record.write(comparison, tmp_path, manifest_sha256="12ab")

    page = (tmp_path / "compare.md").read_text(encoding="utf-8")
    assert page.startswith("# tiny: does merging help?\n\n" + comparison.verdicts["colour"].text)
    assert "| add * |" in page
    assert "- One training each: the intervals cover the choice of rows" in page
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")
    rows = pl.read_csv(tmp_path / "table.csv")
    assert rows["candidate"].to_list() == list(comparison.costs)
    assert rows.filter(pl.col("compared"))["candidate"].to_list()[-1] == "add"
    data = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    assert data["heads"]["colour"]["verdict"]["kind"] == comparison.verdicts["colour"].kind
    assert data["heads"]["colour"]["standings"]["add"]["gain"].keys() == {"value", "low", "high"}


def test_a_table_that_can_not_be_written_is_told(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()  # polars' errors have no `strerror`

    with pytest.raises(
        StorageError, match=r"can't be written to .*: .*is a directory\. Choose another folder with --out"
    ):
        record.write(comparison, tmp_path, manifest_sha256="12ab")


def test_the_console_shows_every_candidate_below_its_kind(comparison: Comparison) -> None:
    printed = io.StringIO()
    Console(file=printed, width=120).print(table.of_console(comparison, "colour"))

    lines = [line.strip() for line in printed.getvalue().splitlines()]
    places = [
        next(at for at, line in enumerate(lines) if line.startswith(start))
        for start in (
            "tiny: colour",
            "linear",
            "words, linear",
            "one modality",
            "picture",
            "one model",
            "add *",
            "Gain:",
        )
    ]
    assert places == sorted(places)


class Scripted:
    """Trains nothing: measures at once, and fails at some.

    Args:
        failing: names of candidates that can't be trained.
        from_seed: the first seed with which they can't.
    """

    def __init__(self, *failing: str, from_seed: int = 0) -> None:
        self.reporter = Reporter(Console(file=io.StringIO()))
        self._failing = failing
        self._from_seed = from_seed

    def network(self, candidate: Candidate, seed: int, *, place: str) -> tuple[Measured, bool]:
        if candidate.name in self._failing and seed >= self._from_seed:
            raise SpecError(f"{candidate.name} diverged")
        nothing = {"topic": np.zeros((1, 2), np.float32)}
        return Measured(seed, 1.0, 1, {}, nothing, nothing), False

    def linear(self, name: str, heads: Sequence[str], metric: Metric) -> tuple[Measured, bool]:
        return self.network(Candidate(name, "linear"), 0, place="")


def lineup_of() -> Lineup:
    spec = tiny.recipe(Path("manifest.csv")).spec
    return Lineup(
        (
            Candidate("words, linear", "linear", "words"),
            Candidate("picture", "alone", "picture", spec),
            Candidate("add", "merged", None, spec),
            Candidate("gated", "merged", None, spec),
        ),
        {},
    )


def test_a_merged_network_that_can_not_be_trained_is_left_out() -> None:
    measured, failed = measure(lineup_of(), Scripted("gated", from_seed=1), [0, 1], ["topic"], Metric())

    assert failed == {"gated": "gated diverged"}
    assert {name: len(parts) for name, parts in measured.items()} == {"words, linear": 1, "picture": 2, "add": 2}


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        (["picture"], "picture diverged"),
        (["add", "gated"], "None of the merged networks can be trained:\nadd diverged"),
    ],
)
def test_without_one_modality_or_any_merged_one_there_is_no_comparison(failing: list[str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        measure(lineup_of(), Scripted(*failing), [0], ["topic"], Metric())

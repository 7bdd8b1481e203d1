"""The model card: what a run knows stands in it, and nothing in it becomes markup."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from model.bundle import Metadata
from tests import tiny
from tests.training import made_up_run
from tests.training.made_up_run import LABELS, figures, found
from training import model_card
from training.fit import Fitted
from training.recipe import Recipe
from training.report import write

HOSTILE = "<script>|`*x*\n# y"


def card(labels: tuple[str, ...] = LABELS, **findings: object) -> str:
    recipe: Recipe = tiny.recipe(Path("/home/me/mugs.csv")).with_labels({"colour": labels})
    metadata = Metadata(
        name="tiny",
        spec=recipe.spec.portable(),
        metrics={"colour": figures([[9, 1, 0], [0, 10, 0], [0, 0, 30]], labels)},
        training_data={"manifest_sha256": "abc", "rows": {"train": 1400, "val": 300, "test": 50}},
        libraries={"bifocal": "0.1.0", "tensorflow": "2.21.0"},
        created=datetime(2026, 1, 2, tzinfo=UTC),
    )
    return model_card.text(metadata, recipe, parameters=12345, findings=found(**findings))


def test_the_block_at_the_top_is_what_the_hub_reads() -> None:
    block = yaml.safe_load(card().split("---")[1])

    assert block["tags"] == ["bifocal", "image-classification", "text-classification", "multimodal"]
    result = block["model-index"][0]["results"][0]
    assert result["task"] == {"type": "image-classification", "name": "colour"}
    assert result["dataset"] == {"name": "mugs", "type": "mugs", "split": "test"}
    assert result["metrics"][0] == {"type": "accuracy", "name": "accuracy", "value": 0.98}


def test_it_has_the_usual_parts_with_the_figures_of_the_run() -> None:
    text = card(duplicates={"rows": 7, "whole_row": 7, "same_file": 0, "look_alike": 0})

    parts = [line for line in text.splitlines() if line.startswith("## ")]
    assert [part[3:] for part in parts] == [
        "Model details",
        "Intended use",
        "Data",
        "Metrics",
        "Ethical considerations",
        "Caveats",
        "How to use",
    ]
    assert "a picture (`image`), a text (`text`), tags (`tags`), any of which may be absent" in text
    assert "merged by `concatenate`; 12,345 weights" in text
    assert "1,400 to train on, 300 to validate, 50 to test" in text
    assert "| accuracy | 0.980 [0.960, 1.000] | share of the rows" in text
    assert "| blue | 1.000 [0.980, 1.020] | 0.900 [0.880, 0.920] |" in text
    assert "| all words | 0.400 [0.380, 0.420] |" in text
    assert "7 rows to validate or test have a twin in an earlier split" in text
    assert "2 of the 3 labels of colour have fewer than 20 test rows" in text
    assert "-F image=@picture.jpg -F text=words -F tags=words" in text


def test_what_only_people_know_is_left_to_them() -> None:
    assert card().count("**To be written by whoever publishes it:**") == 5
    assert "/home/me" not in card()


def test_labels_do_not_become_markup() -> None:
    text = card((HOSTILE, "b", "c"))

    assert "<script>" not in text
    assert "&lt;script&gt;\\|\\`\\*x\\* \\# y" in text
    assert "\n# y" not in text


@pytest.fixture
def run(tiny_fitted: Fitted, tmp_path: Path) -> Path:
    return made_up_run.with_mistakes(tiny_fitted.run.path, tmp_path / "runs" / "tiny")


def test_a_card_that_is_there_stays_as_it_is(run: Path) -> None:
    card, own = run / "MODEL_CARD.md", run / "bundle" / "assets.extra" / "MODEL_CARD.md"
    card.unlink()  # of `fit`
    write(run, mistakes=0)
    assert card.read_text(encoding="utf-8") == own.read_text(encoding="utf-8")

    (run / "MODEL_CARD.md").write_text("by hand", encoding="utf-8")
    write(run, mistakes=0)
    assert (run / "MODEL_CARD.md").read_text(encoding="utf-8") == "by hand"

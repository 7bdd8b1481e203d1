"""Keys of a recipe set on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import SpecError
from tests import tiny
from training.overrides import overridden

RECIPE = tiny.recipe(Path("manifest.csv"))


def test_a_value_is_read_as_in_yaml() -> None:
    changes = [
        "training.learning_rate=0.5",
        "training.patience=",
        "spec.branches.image.filters=[3, 5]",
        "spec.merge=gated",
    ]
    changed = overridden(RECIPE, changes)

    assert changed.training.learning_rate == 0.5
    assert changed.training.patience is None
    assert changed.spec.branches["image"].filters == (3, 5)  # type: ignore[union-attr]
    assert changed.spec.merge is not None
    assert changed.spec.merge.kind == "gated"
    assert RECIPE.training.learning_rate == 0.03


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training.learningrate=0.5", r"^recipe\.training: unknown key 'learningrate'; did you mean 'learning_rate'\?"),
        ("trainig.epochs=5", r"^recipe: unknown key 'trainig'; did you mean 'training'\?"),
        ("training.epochs=many", r"^recipe\.training\.epochs: .*Received: 'many'"),
        ("training.monitor=macrof1", r"^recipe\.training\.monitor: no validation figure 'macrof1'; did you mean 'macro_f1'\?"),
        ("training.epochs", r"^--set training\.epochs: expected KEY=VALUE"),
        ("training.epochs.x=1", r"^--set training\.epochs\.x=1: training\.epochs holds no keys; it is 12\."),
        ("training.epochs=[", r"^--set training\.epochs=\[: the value is not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(change: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        overridden(RECIPE, [change])

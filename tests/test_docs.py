"""The documentation says what is there: every option, setting, key, route and problem."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

import model.spec
from service.errors import PROBLEMS
from service.settings import Settings
from training.augment_settings import AugmentSettings
from training.recipe import DataSettings, Recipe, SplitSettings
from training.training_settings import InitFrom, TrainingSettings

DOCS = Path(__file__).parents[1] / "docs"
COMMANDS = (
    ("bifocal-training", "training", ()),
    ("bifocal-training init", "training", ("init",)),
    ("bifocal-training check", "training", ("check",)),
    ("bifocal-training compare", "training", ("compare",)),
    ("bifocal-training demo-data", "training", ("demo-data",)),
    ("bifocal-training ensure", "training", ("ensure",)),
    ("bifocal-training evaluate", "training", ("evaluate",)),
    ("bifocal-training fit", "training", ("fit",)),
    ("bifocal-training inspect", "training", ("inspect",)),
    ("bifocal-training report", "training", ("report",)),
    ("bifocal-training runs", "training", ("runs",)),
    ("bifocal-service", "service", ()),
    ("bifocal-service serve", "service", ("serve",)),
    ("bifocal-service predict", "service", ("predict",)),
    ("bifocal-service score", "service", ("score",)),
    ("bifocal-service keys add", "service", ("keys", "add")),
    ("bifocal-service keys list", "service", ("keys", "list")),
    ("bifocal-service keys remove", "service", ("keys", "remove")),
)


PRINT_HELP = """
import contextlib, sys
from {module}.cli import main
for arguments in {arguments!r}:
    sys.argv = ["bifocal-{module}", *arguments, "--help"]
    with contextlib.suppress(SystemExit):
        main()
    print("\\0", end="")
"""


def help_texts(module: str) -> dict[str, str]:
    """Each command of a module and what `--help` says of it, from one process for them all."""
    environment = {**os.environ, "TERMINAL_WIDTH": "110", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    commands = {title: arguments for title, of, arguments in COMMANDS if of == module}
    program = PRINT_HELP.format(module=module, arguments=list(commands.values()))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, encoding="utf-8", env=environment, check=True
    )
    texts = ["\n".join(line.rstrip() for line in text.strip().splitlines()) for text in done.stdout.split("\0")]
    return dict(zip(commands, texts, strict=False))


def test_the_command_lines_are_documented_as_they_are(update_golden: bool) -> None:
    texts = help_texts("training") | help_texts("service")
    parts = [f"## {title}\n\n```\n{texts[title]}\n```\n" for title, _, _ in COMMANDS]
    text = "\n".join(
        ["# Command lines\n\nMade from `--help` by `pytest tests/test_docs.py --update-golden`.\n", *parts]
    )
    if update_golden:
        (DOCS / "cli.md").write_text(text, encoding="utf-8")

    assert (DOCS / "cli.md").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "part",
    [
        Recipe,
        DataSettings,
        SplitSettings,
        TrainingSettings,
        AugmentSettings,
        InitFrom,
        *(part for name in model.spec.__all__ if isinstance(part := getattr(model.spec, name), type(BaseModel))),
    ],
)
def test_every_key_of_a_recipe_is_documented(part: type[BaseModel]) -> None:
    text = (DOCS / "recipe.md").read_text(encoding="utf-8")

    assert [key for key in part.model_fields if not re.search(rf"[`.]{key}\b|\b{key}:", text)] == []


def test_every_setting_of_the_service_is_documented() -> None:
    text = (DOCS / "service.md").read_text(encoding="utf-8")

    assert [key for key in Settings.model_fields if f"`BIFOCAL_{key.upper()}`" not in text] == []


def test_every_problem_of_the_service_is_documented_with_its_status() -> None:
    lines = [line for line in (DOCS / "service.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]

    for _, kind, status in PROBLEMS:
        assert any(f"`{kind}`" in line and str(status) in line for line in lines), kind


def test_every_route_is_documented() -> None:
    from service.app import create_app

    def unused(_: object) -> None:
        raise AssertionError("nothing is loaded to list the routes")

    app = create_app(Settings(), unused)  # type: ignore[arg-type]
    text = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("service.md", "compatible-apis.md"))

    assert [path for path in app.openapi()["paths"] if path not in text] == []


def test_no_figure_is_left_to_be_filled_in() -> None:
    texts = [DOCS.parent / "README.md", *DOCS.rglob("*.md")]

    assert [file.name for file in texts if re.search(r"\b(DEMO|OPENMOJI|BENCH)_[A-Z]+", file.read_text())] == []

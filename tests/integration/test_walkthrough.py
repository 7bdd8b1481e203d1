"""The pages that show every command: they are of these commands, and what they show is what is printed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from benchmarks.walkthrough import DOCS, WALKS, masked, printed, run
from training.cli import app

# Not shown on real data: the demo set is drawn, and inspect is shown on it. What ensure does is in docs/deploy.md.
ELSEWHERE = {"openmoji": {"demo-data", "inspect", "ensure"}, "demo": {"ensure"}}


def commands(line: str) -> list[list[str]]:
    """The arguments of each `bifocal-training` in a line of shell."""
    parts = [shlex.split(part) for part in line.split("&&")]
    return [words[1:] for words in parts if words[0] == "bifocal-training"]


@pytest.mark.parametrize("name", WALKS)
def test_a_page_shows_the_commands_of_its_script_and_every_command_there_is(name: str) -> None:
    shown = printed((DOCS / f"walkthrough-{name}.md").read_text(encoding="utf-8"))

    assert list(shown) == [step.command for step in WALKS[name].steps]
    assert all(shown.values())
    given = {arguments[0] for line in shown for arguments in commands(line)}
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert given == set(group.commands) - ELSEWHERE[name]


@pytest.mark.parametrize("line", [step.command for walk in WALKS.values() for step in walk.steps])
def test_a_command_of_a_page_has_options_that_exist(line: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for command, *arguments in commands(line):
        known = {option for parameter in group.commands[command].params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known


@pytest.mark.slow
def test_what_a_page_shows_is_what_is_printed(tmp_path: Path) -> None:
    shown = printed((DOCS / "walkthrough-demo.md").read_text(encoding="utf-8"))
    steps = [step for step in WALKS["demo"].steps if step.stable and "runs/" not in step.command]
    assert len(steps) >= 3

    for step in steps:
        assert masked(run(step, tmp_path)) == masked(shown[step.command]), step.command

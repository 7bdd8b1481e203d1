"""pyproject.toml, requirements.lock and CHANGELOG.md say the same."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def entries(lock: str) -> list[str]:
    """One string a requirement: its line, its hashes and the comment that says what wanted it."""
    return re.split(r"\n(?=\S)", lock.strip())


def test_every_requirement_in_the_lock_is_pinned_and_has_a_hash(lock: str) -> None:
    pinned = re.compile(r"[\w.-]+(\[[\w,-]+\])?==\S+( ; [^\n]+)? \\\n    --hash=sha256:[0-9a-f]{64}\b")

    assert [entry for entry in entries(lock) if not pinned.match(entry)] == []


def test_the_lock_names_no_address(lock: str) -> None:
    assert re.findall(r".*(?:://|--(?:extra-)?index|--find-links|--trusted-host).*", lock) == []


def test_every_direct_dependency_is_in_the_lock_at_a_version_it_allows(project: dict[str, Any], lock: str) -> None:
    versions = defaultdict(list)
    for entry in entries(lock):
        requirement = Requirement(entry.partition("\\")[0])
        (specifier,) = requirement.specifier
        versions[canonicalize_name(requirement.name)].append(specifier.version)

    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for wanted in (Requirement(line) for group in groups for line in group):
        found = versions[canonicalize_name(wanted.name)]
        assert found, f"'{wanted}' is not in requirements.lock; run `make lock`"
        assert all(version in wanted.specifier for version in found), f"'{wanted}' but locked: {found}"


def test_each_console_script_is_a_function_that_exists(project: dict[str, Any]) -> None:
    assert project["scripts"].keys() == {"bifocal-training", "bifocal-service"}
    for target in project["scripts"].values():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function))


def test_the_changelog_names_this_version(project: dict[str, Any]) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"\b{re.escape(project['version'])}\b", changelog), project["version"]


def test_native_code_is_built_anew_when_any_of_its_sources_changes() -> None:
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (module,) = whole["tool"]["setuptools"]["ext-modules"]
    there = [path.relative_to(ROOT).as_posix() for path in (ROOT / "model" / "native" / "src").iterdir()]

    assert sorted([*module["sources"], *module["depends"]]) == sorted(there)

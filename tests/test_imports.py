"""Who may import whom, read from the source, and what stays out of memory until it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TENSORFLOW = {"tensorflow", "tensorflow_text", "keras"}
# Slow to import as well, and needed by no `--help`.
HEAVY = TENSORFLOW | {"polars", "matplotlib", "sklearn", "scipy", "ray", "pyarrow"}

# The part of model/ that is made of TensorFlow. The rest works without it, so service/ may use the rest.
NETWORK = {
    "model.branches",
    "model.build",
    "model.encoder",
    "model.explain",
    "model.export",
    "model.heads",
    "model.losses",
    "model.merges",
    "model.presence",
    "model.rebuild",
    "model.reload",
    "model.serving",
    "model.text",
    "model.weights",
}
# Made of TensorFlow too, but knows of no network: how graphs are run, in training and in serving.
GRAPH_OPTIONS = "model.graph_options"


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str, root: Path) -> bool:
    path = root.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports(path: Path, root: Path = ROOT) -> Iterator[tuple[int, str]]:
    """Line and full name of each import, in functions too; `from a import b` is a.b if that is a module."""
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                name = f"{source}.{alias.name}"
                yield node.lineno, name if is_module(name, root) else source


def within(module: str, packages: Set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def breaches(importer: str, forbidden: set[str], but_not_in: Set[str] = frozenset()) -> list[str]:
    """`file:line imports name` for every import of what is forbidden to the package `importer`."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / importer).rglob("*.py"))
        if not within(module_name(path, ROOT), but_not_in)
        for line, name in imports(path)
        if within(name, forbidden)
    ]


@pytest.mark.parametrize(
    ("importer", "forbidden"),
    [("model", {"training", "service"}), ("training", {"service"}), ("service", {"training"})],
)
def test_imports_point_towards_model(importer: str, forbidden: set[str]) -> None:
    assert breaches(importer, forbidden) == []


def test_only_the_network_part_of_model_needs_tensorflow() -> None:
    assert breaches("model", TENSORFLOW | NETWORK | {GRAPH_OPTIONS}, but_not_in=NETWORK | {GRAPH_OPTIONS}) == []


def test_service_takes_nothing_from_model_that_needs_tensorflow() -> None:
    assert breaches("service", NETWORK) == []


def test_only_the_runtime_of_service_imports_tensorflow() -> None:
    assert breaches("service", TENSORFLOW | {GRAPH_OPTIONS}, but_not_in={"service.runtime"}) == []


def test_the_reader_sees_relative_imports_and_those_inside_functions(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "store.py").touch()
    app = tmp_path / "service" / "app.py"
    app.write_text("from . import store\ndef serve():\n    from model.build import build\n    import keras.ops\n")

    assert list(imports(app, tmp_path)) == [(1, "service.store"), (3, "model.build"), (4, "keras.ops")]


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the statement, which may exit with code 0."""
    script = f"""import runpy, sys
try:
    {statement}
except SystemExit as end:
    if end.code:
        raise
print()
print(*{{name.partition(".")[0] for name in sys.modules}})"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("module", ["model", "model.bundle", "service.client", "service.cli", "training.cli"])
def test_importing_it_does_not_import_tensorflow(module: str) -> None:
    assert loaded_by(f"import {module}") & TENSORFLOW == set()


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("training", ["--help"]),
        ("training", ["init", "--help"]),
        ("training", ["check", "--help"]),
        ("training", ["fit", "--help"]),
        ("training", ["compare", "--help"]),
        ("training", ["demo-data", "--help"]),
        ("training", ["inspect", "--help"]),
        ("training", ["report", "--help"]),
        ("training", ["runs", "--help"]),
        ("service", ["--help"]),
        ("service", ["serve", "--help"]),
        ("service", ["predict", "--help"]),
        ("service", ["score", "--help"]),
        ("service", ["keys", "--help"]),
    ],
)
def test_help_loads_nothing_heavy(package: str, arguments: list[str]) -> None:
    command = [package, *arguments]
    loaded = loaded_by(f"sys.argv = {command!r}; runpy.run_module({package!r}, run_name='__main__', alter_sys=True)")

    assert package in loaded
    assert loaded & HEAVY == set()

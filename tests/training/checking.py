"""The data check called on small tables."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from PIL import Image
from rich.console import Console

from tests import tiny
from training.check import Findings, examine
from training.progress import Reporter
from training.recipe import Recipe
from training.recipe_columns import from_columns


def examined(recipe: Recipe) -> Findings:
    return examine(
        recipe, cache_dir=recipe.data.manifest.parent / "cache", reporter=Reporter(Console(file=io.StringIO()))
    )


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def told(findings: Findings) -> str:
    stream = io.StringIO()
    findings.tell(Reporter(Console(file=stream, width=1000)))
    return stream.getvalue()


def write_pictures(directory: Path, shades: list[int], rows: list[dict[str, str]]) -> Recipe:
    for number, shade in enumerate(shades):
        Image.new("RGB", (20, 20), (shade, 0, 0)).save(directory / f"{number}.png")
    file = tiny.write_rows(directory / "table.csv", rows)
    return from_columns(file, name="t", image=["image"], text=["text"], tags=[], label=["label"], split="split")


def rows_of(*cells: str) -> list[dict[str, str]]:
    return [dict(zip(("image", "text", "label", "split"), line.split("|"), strict=True)) for line in cells]

"""What a comparison leaves in its folder: compare.md to read, compare.json and table.csv to go on with, compare.png."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from model.errors import StorageError
from training.comparison import plot, table
from training.comparison.compare import Comparison


def write(comparison: Comparison, out: Path, *, manifest_sha256: str) -> None:
    """Writes all four files.

    Args:
        comparison: what came out.
        out: the folder.
        manifest_sha256: of the rows.

    Raises:
        StorageError: if they can't be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            {"manifest_sha256": manifest_sha256, **as_dict(comparison)}, indent=2, ensure_ascii=False, allow_nan=False
        )
        (out / "compare.json").write_text(text + "\n", encoding="utf-8")
        pl.DataFrame(table.of_records(comparison)).write_csv(out / "table.csv")
        plot.draw(comparison, out / "compare.png")
        (out / "compare.md").write_text(as_markdown(comparison), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"The comparison can't be written to {out}: {error.strerror or error}. Choose another folder with --out."
        ) from None


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """All figures, as plain data."""
    return {
        "name": comparison.name,
        "rows": dict(comparison.rows),
        "seeds": list(comparison.seeds),
        "margin": comparison.margin,
        "left_out": dict(comparison.left_out),
        "costs": {name: asdict(cost) for name, cost in comparison.costs.items()},
        "heads": {
            head: {
                "metric": contest.metric.name,
                "constant": contest.constant,
                "alone": contest.alone,
                "merged": contest.merged,
                "ensemble": contest.ensemble,
                "verdict": {
                    "kind": comparison.verdicts[head].kind,
                    "sentences": list(comparison.verdicts[head].sentences),
                },
                "standings": {name: asdict(standing) for name, standing in contest.standings.items()},
            }
            for head, contest in comparison.contests.items()
        },
    }


def as_markdown(comparison: Comparison) -> str:
    """The page: verdict, table and plot of each head, and what is to be known of the figures."""
    several = len(comparison.contests) > 1
    parts = [f"# {comparison.name}: does merging help?"]
    for head, verdict in comparison.verdicts.items():
        parts += [f"## {head}"] if several else []
        parts += [verdict.text, table.of_markdown(comparison, head)]
    parts += ["![every candidate with its interval](compare.png)", "\n".join(f"- {line}" for line in notes(comparison))]
    return "\n\n".join(parts) + "\n"


def notes(comparison: Comparison) -> list[str]:
    """What is to be known of the figures."""
    rows = comparison.rows
    found = [f"{rows['train']:,} rows to train on, {rows['val']:,} to validate, {rows['test']:,} to test."]
    if len(comparison.seeds) == 1:
        found.append(
            "One training each: the intervals cover the choice of rows, not the luck of a training (--seeds 3)."
        )
    else:
        found.append(
            f"Means over the seeds {', '.join(map(str, comparison.seeds))}; the intervals cover the choice of rows, "
            "not that of the seeds, whose spread stands beside them."
        )
    found.append(
        "Which merged network and which single modality the verdict compares was chosen on validation; every other "
        "difference is one of many, and the largest of many is large by luck too."
    )
    found.append(
        "Train: one training. Latency: one example through tokenizer and network, compiled, the median; all candidates "
        "by turns, so that their ratios hold elsewhere too."
    )
    return found + [f"Left out: {name}: {reason}" for name, reason in comparison.left_out.items()]

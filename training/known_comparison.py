"""What `compare` found of a model's data, to go along with the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def folder(runs: Path, name: str) -> Path:
    """Where `compare` writes if it is not told otherwise."""
    return runs / f"compare-{name}"


def known_comparison(runs: Path, name: str, *, manifest_sha256: str) -> dict[str, Any] | None:
    """The verdict of a comparison, as a bundle brings it along.

    Args:
        runs: folder of the runs.
        name: of the model.
        manifest_sha256: of the rows that it is trained on.

    Returns:
        `sentence`, the verdicts of all heads in words, and `heads`, for each its `kind` and `metric`; None if there was
        no comparison of these very rows.
    """
    try:
        found = json.loads((folder(runs, name) / "compare.json").read_text(encoding="utf-8"))
        if found["manifest_sha256"] != manifest_sha256:
            return None
        verdicts = {head: one["verdict"] for head, one in found["heads"].items()}
        told = [
            " ".join([*([f"{head}:"] if len(verdicts) > 1 else []), *verdict["sentences"]])
            for head, verdict in verdicts.items()
        ]
        heads = {
            head: {"kind": one["verdict"]["kind"], "metric": one["metric"]} for head, one in found["heads"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"sentence": " ".join(told), "heads": heads}

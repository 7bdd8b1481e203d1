"""What came of comparing two models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.evaluation.bootstrap import Interval
from training.evaluation.figures import bounds
from training.numbers import LOWER_IS_BETTER, METRICS


@dataclass(frozen=True)
class Standing:
    """How the two models do on one head.

    Args:
        metric: what was compared.
        old, new: its value for each.
        gain: by how much the new one is better; below 0 it is worse, also where lower figures are better.
        rows: that both were asked about.
        added: labels that the old model does not know.
        gone: labels of the old model that the new one does not know.
        unknown_rows: with a label that the old model does not know, which count as wrong for it.
        is_worse: whether that is the verdict.
        known: the same of the rows whose label the old model knows; None if these are all or none.
    """

    metric: str
    old: float
    new: float
    gain: Interval
    rows: int
    added: tuple[str, ...]
    gone: tuple[str, ...]
    unknown_rows: int
    is_worse: bool
    known: Standing | None = None

    def sentence(self) -> str:
        """In words, as what follows "category:"."""
        what, size = METRICS[self.metric][0], abs(self.gain.value)
        share = bounds(self.metric) == (0.0, 1.0) and self.metric not in LOWER_IS_BETTER
        by = f"{100 * size:.1f} points" if share else f"{size:.3f}"
        factor, digits = (100, 1) if share else (1, 3)
        ends = f"[{factor * self.gain.low:+.{digits}f}, {factor * self.gain.high:+.{digits}f}]"
        verdict = "not worse beyond doubt"
        if self.is_worse:
            verdict = "worse"
        elif self.gain.low > 0:
            verdict = "better"
        direction = "higher" if (self.gain.value > 0) != (self.metric in LOWER_IS_BETTER) else "lower"
        told = f"the {what} is {by} {direction} {ends}" if self.gain.value else f"the {what} is the same {ends}"
        more = f" {self.unknown_rows} rows have a label that the old model does not know." if self.unknown_rows else ""
        alone = "" if self.known is None else f" On the rows whose label both know {self.known.sentence()}"
        return f"{verdict}: {told}, {self.new:.3f} after {self.old:.3f}, on {self.rows} rows.{more}{alone}"

    @property
    def is_refused(self) -> bool:
        """Whether it is worse on all rows, or on those whose label both know."""
        return self.is_worse or (self.known is not None and self.known.is_worse)

    def as_dict(self) -> dict[str, Any]:
        """As `metrics.json` holds it."""
        return {
            "metric": self.metric,
            "old": self.old,
            "new": self.new,
            "gain": self.gain.as_dict(),
            "rows": self.rows,
            "labels_added": list(self.added),
            "labels_gone": list(self.gone),
            "unknown_rows": self.unknown_rows,
            "worse": self.is_worse,
            "known": None if self.known is None else self.known.as_dict(),
        }


@dataclass(frozen=True)
class Verdict:
    """Whether the new model is worse.

    Args:
        old: what the old model is called.
        tolerance: by how much it may be worse.
        heads: of both models.
        not_compared: heads that only one of them has.
    """

    old: str
    tolerance: float
    heads: Mapping[str, Standing]
    not_compared: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """Whether it is worse in any head."""
        return any(one.is_refused for one in self.heads.values())

    def sentence(self) -> str:
        """In words, a sentence or two for each head."""
        parts = [f"{name}: {one.sentence()}" for name, one in self.heads.items()]
        if self.not_compared:
            parts.append(f"Not compared, as only one of the two has it: {', '.join(self.not_compared)}.")
        return f"Against {self.old}, " + " ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """As `metrics.json` holds it."""
        return {
            "old": self.old,
            "tolerance": self.tolerance,
            "worse": self.is_worse,
            "sentence": self.sentence(),
            "heads": {name: one.as_dict() for name, one in self.heads.items()},
            "not_compared": list(self.not_compared),
        }

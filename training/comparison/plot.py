"""The comparison as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from training.comparison.candidates import Role
from training.comparison.compare import Comparison
from training.comparison.contest import Contest
from training.comparison.table import ROLES, mark

COLOURS: dict[Role, str] = {"linear": "C7", "alone": "C0", "ensemble": "C2", "merged": "C1"}


def draw(comparison: Comparison, file: Path) -> None:
    """Draws the test figure of every candidate with its interval, and each seed as a small dot.

    Args:
        comparison: what came out.
        file: a PNG.
    """
    sizes = [0.28 * len(contest.standings) + 0.9 for contest in comparison.contests.values()]
    figure = Figure(figsize=(8.5, sum(sizes) + 0.7), layout="constrained")
    panels = figure.subplots(len(sizes), 1, squeeze=False, height_ratios=sizes)[:, 0]
    for axes, (head, contest) in zip(panels, comparison.contests.items(), strict=True):
        _panel(axes, contest)
        axes.set_title(head if len(sizes) > 1 else "", fontsize="medium")
    figure.suptitle(f"{comparison.name}: does merging help?")
    figure.legend(handles=_handles(comparison), loc="outside lower center", ncols=3, fontsize="small", frameon=False)
    figure.savefig(file, dpi=110)


def _panel(axes: Axes, contest: Contest) -> None:
    names = []
    scale = 100 if contest.metric.is_share else 1
    for place, standing in enumerate(contest.standings.values()):
        test, colour = standing.test, COLOURS[standing.role]
        axes.plot([scale * test.low, scale * test.high], [place, place], color=colour, linewidth=2, alpha=0.5)
        axes.plot(scale * test.value, place, "o", color=colour, markersize=7)
        if len(standing.by_seed) > 1:
            axes.plot(
                [scale * value for value in standing.by_seed],
                [place] * len(standing.by_seed),
                "|",
                color="0.2",
                markersize=7,
            )
        names.append(standing.name + mark(contest, standing))
    alone = contest.best_alone
    axes.axvline(scale * alone.test.value, color=COLOURS[alone.role], linestyle="--", linewidth=1)
    axes.axvline(scale * contest.constant, color="0.6", linestyle=":", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    share = ", %" if contest.metric.is_share else ""
    axes.set_xlabel(f"{contest.metric.label}{share} on {contest.examples:,} test rows, 95 % intervals")
    axes.grid(axis="x", alpha=0.25)


def _handles(comparison: Comparison) -> list[Line2D]:
    roles = dict.fromkeys(
        standing.role for contest in comparison.contests.values() for standing in contest.standings.values()
    )
    handles = [Line2D([], [], color=COLOURS[role], marker="o", linewidth=2, label=ROLES[role]) for role in roles]
    handles.append(Line2D([], [], color="0.3", linestyle="--", linewidth=1, label="best single modality"))
    handles.append(Line2D([], [], color="0.6", linestyle=":", linewidth=1, label="without looking"))
    if len(comparison.seeds) > 1:
        handles.append(Line2D([], [], color="0.2", marker="|", linewidth=0, label="each seed"))
    return handles

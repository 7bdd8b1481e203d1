"""Plots as SVG elements to stand in a page; their colours are the page's, so they are right in dark mode too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 30, 42
# A map of more cells than this is drawn of its fullest only.
CELLS = 4000


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Args:
        name: in the legend.
        points: (x, y), in order of x.
    """

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Frame:
    """Data coordinates to those of the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def curves(lines: Sequence[Line], *, title: str, x: str, y: str, top: float | None = None, mark: float = 0) -> Markup:
    """Lines over the epochs, from zero on.

    Args:
        lines: at least one with a point.
        title: what a reader who can't see it is told.
        x, y: what the axes are.
        top: of the y axis; the largest value if not given.
        mark: an x to mark by a dotted line; 0 marks none.
    """
    points = [point for line in lines for point in line.points if math.isfinite(point[1])]
    right = max(x for x, _ in points)
    frame = _Frame((min(1.0, right - 1), right), (0, top or max(y for _, y in points) * 1.05 or 1.0))
    parts = [_axes(frame, x, y)]
    if mark:
        (left, bottom), (_, above) = frame.at(mark, 0), frame.at(mark, frame.y[1])
        parts.append(_line("mark", left, bottom, left, above))
    for number, line in enumerate(lines):
        drawn = [frame.at(*point) for point in line.points if math.isfinite(point[1])]
        path = " ".join(f"{left:.1f},{above:.1f}" for left, above in drawn)
        kind = f"line line-{number}"
        parts.append(Markup('<polyline class="{}" points="{}"/>').format(kind, path))
        if len(drawn) == 1:  # a line through one point can't be seen
            parts.append(
                Markup('<circle class="dot line-{}" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(number, *drawn[0])
            )
        parts.append(_text(f"legend line-{number}", LEFT + 110 * number, TOP - 14, line.name, "start"))
    return _svg(title, parts)


def reliability(bins: Sequence[Mapping[str, Any]], *, title: str) -> Markup:
    """How often the model was right by how sure it was: on the diagonal it is as sure as it should be.

    Args:
        bins: `reliability` of a head's figures; `count` examples between `low` and `high` with mean `confidence`, of
            which the share `accuracy` was right.
        title: what a reader who can't see it is told.
    """
    frame = _Frame((0, 1), (0, 1))
    most = max((one["count"] for one in bins), default=0)
    parts = [_axes(frame, "confidence of the model", "share that was right")]
    for one in bins:
        if one["count"]:
            (left, above), (right, bottom) = frame.at(one["low"], one["accuracy"]), frame.at(one["high"], 0)
            said = f"{one['low']:.2f} to {one['high']:.2f}: {one['count']} rows, {one['accuracy']:.3f} right"
            parts.append(
                Markup(
                    '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" opacity="{:.2f}">'
                    "<title>{}</title></rect>"
                ).format(left, above, right - left, bottom - above, 0.25 + 0.75 * one["count"] / most, said)
            )
            parts.append(_dot(1, *frame.at(one["confidence"], one["accuracy"])))
    parts.append(_line("mark", *frame.at(0, 0), *frame.at(1, 1)))
    return _svg(title, parts)


def confusion(matrix: Sequence[Sequence[int]], *, title: str) -> Markup:
    """A confusion matrix of many labels as a map: a row a right label, a column a predicted one, from the top left.

    Args:
        matrix: counts, rows right, columns predicted.
        title: what a reader who can't see it is told.
    """
    size, side = len(matrix), HEIGHT + 120
    cell = side / size
    filled = [(count, row, column) for row, line in enumerate(matrix) for column, count in enumerate(line) if count]
    parts = [Markup('<rect class="frame" x="0" y="0" width="{0}" height="{0}"/>').format(side)]
    for count, row, column in sorted(filled, reverse=True)[:CELLS]:
        share = count / max(sum(matrix[row]), 1)
        kind = "right" if row == column else "wrong"
        parts.append(
            Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" opacity="{:.2f}"/>').format(
                kind, column * cell, row * cell, cell, cell, 0.2 + 0.8 * share
            )
        )
    return _svg(title, parts, width=side, height=side)


def _svg(title: str, parts: Sequence[Markup], *, width: int = WIDTH, height: int = HEIGHT) -> Markup:
    start = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(width, height, title)
    return start + Markup("").join(parts) + Markup("</svg>")


def _axes(frame: _Frame, x: str, y: str) -> Markup:
    """Grid lines with their values, and what the axes are."""
    parts = []
    for value in _ticks(*frame.y):
        (left, above), (right, _) = frame.at(frame.x[0], value), frame.at(frame.x[1], value)
        parts += [_line("grid", left, above, right, above), _text("tick", left - 6, above + 4, f"{value:g}", "end")]
    for value in _ticks(*frame.x, whole=frame.x[1] > 1):
        left, above = frame.at(value, frame.y[0])
        parts.append(_text("tick", left, above + 16, f"{value:g}", "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(_text("axis", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x, "middle"))
    turned = Markup('<text class="axis" transform="translate(12 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>')
    return Markup("").join([*parts, turned.format(middle, y)])


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Some four to eight round values from low to high."""
    step = 10.0 ** math.floor(math.log10(high - low))
    for share in (0.5, 0.2) if (high - low) / step < 4 else ():
        if (high - low) / (step * share) >= 4:
            step *= share
            break
    step = max(step, 1.0) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    drawn = Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
    return drawn.format(kind, x1, y1, x2, y2)


def _dot(number: int, x: float, y: float) -> Markup:
    return Markup('<circle class="dot line-{}" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(number, x, y)


def _text(kind: str, x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        kind, x, y, anchor, escape(text)
    )

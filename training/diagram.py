"""The architecture of a classifier as a picture: inputs, branches, merge, trunk and heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from model.spec import ImageInput, ModelSpec

COLOURS = {"input": "#e8eef7", "branch": "#dcefe0", "merge": "#fbe9c8", "trunk": "#eee6f5", "head": "#f9dcdc"}
BOX = (2.5, 0.62)


@dataclass(frozen=True)
class Box:
    """One part.

    Args:
        column: from the left.
        lines: of its text.
        colour: of its kind, see COLOURS.
        sources: names of the boxes that lead into it.
    """

    column: int
    lines: tuple[str, ...]
    colour: str
    sources: tuple[str, ...] = ()


def boxes(spec: ModelSpec, parameters: Mapping[str, int]) -> dict[str, Box]:
    """The parts of a spec by a name of their own.

    Args:
        spec: with labels.
        parameters: number of weights of each part, as `model.weights.parts` names them.
    """

    def weights(part: str) -> str:
        return f"{parameters.get(part, 0):,} weights"

    found: dict[str, Box] = {}
    for name, given in spec.inputs.items():
        size = f"{given.width}x{given.height} px" if isinstance(given, ImageInput) else given.kind
        found[f"input {name}"] = Box(0, (name, size), "input")
    for name, branch in spec.branches.items():
        read = tuple(f"input {view.input}" for view in spec.views if view.branch == name)
        found[f"branch {name}"] = Box(1, (f"{name}: {branch.kind}", weights(name)), "branch", read)
    column = 2
    merged = ""
    if spec.merge is not None:
        views = tuple(f"branch {name}" for name in spec.branches)
        found["merge"] = Box(column, (spec.merge.kind, weights("merge")), "merge", views)
        merged = "merge"
        column += 1
        if spec.trunk.units:
            units = " > ".join(str(width) for width in spec.trunk.units)
            found["trunk"] = Box(column, (f"trunk: {units}", weights("trunk")), "trunk", ("merge",))
            merged = "trunk"
            column += 1
    for name, head in spec.heads.items():
        source = merged if head.of is None else f"branch {head.of.partition('.')[0]}"
        last = f"last layer of {head.last_layer_of}" if head.last_layer_of else weights(name)
        found[f"head {name}"] = Box(column, (f"{name}: {len(head.labels)} labels", last), "head", (source,))
    return found


def draw(spec: ModelSpec, parameters: Mapping[str, int], file: Path) -> None:
    """Writes the picture; its format follows from the file's name (.png, .svg, .pdf).

    Args:
        spec: with labels.
        parameters: number of weights of each part.
        file: to be written.
    """
    parts = boxes(spec, parameters)
    columns = 1 + max(box.column for box in parts.values())
    rows = max(sum(box.column == column for box in parts.values()) for column in range(columns))
    figure = Figure(figsize=(3.4 * columns, 1.0 * rows + 0.4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-0.3, 3.4 * (columns - 1) + BOX[0] + 0.3)
    axes.set_ylim(-0.4, rows)
    places: dict[str, tuple[float, float]] = {}
    for column in range(columns):
        names = [name for name, box in parts.items() if box.column == column]
        for row, name in enumerate(names):
            # Centred, the first one on top.
            places[name] = (3.4 * column, rows / 2 - 0.5 + (len(names) - 1) / 2 - row)
    for name, box in parts.items():
        x, y = places[name]
        axes.add_patch(
            FancyBboxPatch((x, y), *BOX, boxstyle="round,pad=0.04", facecolor=COLOURS[box.colour], edgecolor="#555")
        )
        axes.text(x + BOX[0] / 2, y + BOX[1] / 2, "\n".join(box.lines), ha="center", va="center", fontsize=8.5)
        for source in box.sources:
            start = places[source]
            axes.annotate(
                "",
                (x - 0.06, y + BOX[1] / 2),
                (start[0] + BOX[0] + 0.06, start[1] + BOX[1] / 2),
                arrowprops={"arrowstyle": "-|>", "color": "#777", "lw": 1},
            )
    figure.savefig(file, dpi=150)

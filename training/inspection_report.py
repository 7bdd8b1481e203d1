"""What `inspect` takes from and says on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from model.errors import ImageError, SpecError
from model.examples import Example
from model.spec import ImageInput, ModelSpec
from model.validation import nearest
from training.progress import Reporter

if TYPE_CHECKING:
    from training.inspection import Inspection, Looked

LABELS_SHOWN = 5


def example_from(spec: ModelSpec, *, image: Sequence[str], text: Sequence[str], tags: Sequence[str]) -> Example:
    """The example that some options give, each `VALUE` for the only input of its kind or `INPUT=VALUE`.

    Raises:
        SpecError: if the model has no such input, or an option must say which of several it is for.
        ImageError: if a picture can't be read.
    """
    example: dict[str, bytes | str] = {}
    for kind, values in (("image", image), ("text", text), ("tags", tags)):
        names = [name for name, given in spec.inputs.items() if given.kind == kind]
        for value in values:
            name, rest = _input_of(value, kind, names)
            example[name] = _bytes(Path(rest), name) if isinstance(spec.inputs[name], ImageInput) else rest
    return example


def tell_parts(inspection: Inspection, reporter: Reporter) -> None:
    """Prints the parts of a model as a table, and how much each answer counts of heads that add several up."""
    table = Table("part", "kind", "weights", "gives")
    table.columns[2].justify = "right"
    for part in inspection.parts():
        table.add_row(part.name, part.kind, f"{part.parameters:,}", part.shape)
    reporter.show(table)
    reporter.say(f"{inspection.total_parameters:,} weights in all, the vectors of absent inputs among them")
    for head, weights in inspection.pools().items():
        told = ", ".join(f"{answer} {weight:.2f}" for answer, weight in weights.items())
        reporter.say(f"{head} adds up what it says of all merged and of each branch alone, weighed by: {told}")


def tell_example(looked: Looked, reporter: Reporter) -> None:
    """Prints what a model made of an example."""
    for head, ranked in looked.answers.items():
        shown = ", ".join(f"{label} {probability:.3f}" for label, probability in ranked[:LABELS_SHOWN])
        reporter.say(f"{head}: {shown}")
    labels = ", ".join(f"{head} {label!r}" for head, label in looked.explained.items())
    several = " (summed over the heads)" if len(looked.explained) > 1 else ""
    change = f"{looked.probability:.3f}{several}, and {looked.baseline:.3f} with every input absent"
    reporter.say(f"why {labels}: {change}; moved by")
    reporter.show(_weights("input", looked.shares))
    for view, tokens in looked.tokens.items():
        if tokens:
            reporter.say(f"tokens of {view}, and how much each moved it:")
            reporter.say("  " + "  ".join(f"{text} {_signed(weight)}" for text, weight in tokens))
    for file in looked.files:
        reporter.say(f"written: {file}")


def _weights(what: str, values: Mapping[str, float]) -> Table:
    table = Table(what, "share")
    for name, value in values.items():
        table.add_row(name, _signed(value))
    return table


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # + 0.0 makes of -0.0 a zero without a sign of its own


def _input_of(value: str, kind: str, names: Sequence[str]) -> tuple[str, str]:
    """`INPUT=VALUE` or `VALUE` -> (input, value)."""
    name, equals, rest = value.partition("=")
    if equals and name in names:
        return name, rest
    if len(names) == 1:
        return names[0], value
    if not names:
        raise SpecError(f"--{kind}: the model has no input of that kind.")
    raise SpecError(f"--{kind}: say which input it is for: --{kind} INPUT={value}{nearest(name, names)}")


def _bytes(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ImageError(f"Input {name!r}: {file} can't be read: {error.strerror}.", input=name) from None

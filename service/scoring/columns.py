"""Which column of a manifest holds which input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from model.errors import ManifestError
from model.spec import ModelSpec
from model.validation import nearest
from service.intake.inputs import field_names


def columns_of(spec: ModelSpec, columns: Sequence[str], chosen: Mapping[str, str], *, name: str) -> dict[str, str]:
    """For each input that the manifest has, its column, in the order of the spec.

    An input's column is the chosen one, or else the one that is called as the input is, or else as a request may call
    it: `text` or `caption` for the only text.

    Args:
        spec: of the model.
        columns: of the manifest.
        chosen: columns by what a request may call the input.
        name: of the manifest.

    Raises:
        ManifestError: if a chosen column or its input is not there, an input has two, or no input has one.
    """
    names = field_names(spec)
    found: dict[str, str] = {}
    for field, column in chosen.items():
        if field not in names:
            raise ManifestError(f"--column {field}={column}: the model has no input {field!r}{nearest(field, names)}")
        if column not in columns:
            raise ManifestError(f"--column {field}={column}: {name} has no such column{nearest(column, columns)}")
        if names[field] in found:
            raise ManifestError(f"--column {field}={column}: the input {names[field]!r} has a column already.")
        found[names[field]] = column
    for given in spec.inputs:
        called = [field for field in names if names[field] == given and field in columns]
        if given in found or not called:
            continue
        if given not in called and len(called) > 1:
            raise ManifestError(
                f"{name} has the columns {' and '.join(map(repr, called))} for the input {given!r}. Say which: "
                f"--column {given}={called[0]}."
            )
        found[given] = given if given in called else called[0]
    if not found:
        raise ManifestError(
            f"{name} has no column for any input of the model ({', '.join(spec.inputs)}). Say which: --column "
            f"{next(iter(spec.inputs))}=COLUMN. Columns: {', '.join(map(repr, columns)) or 'none'}."
        )
    return {given: found[given] for given in spec.inputs if given in found}

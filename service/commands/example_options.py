"""An example as options of a command give it: `--image FILE --text TEXT --input front=FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.errors import ImageError, RequestError
from model.examples import Example
from model.spec import ImageInput, ModelSpec
from model.validation import nearest
from service.intake.inputs import checked_example, field_names


def example_of(
    spec: ModelSpec, *, image: str | None, text: str | None, tags: str | None, inputs: Sequence[str]
) -> Example:
    """The example.

    Args:
        spec: of the model.
        image, text, tags: for the only input of their kind; a picture as its path.
        inputs: `NAME=VALUE` for any input.

    Raises:
        RequestError: naming the option that the model has no input for, or a second one for the same; or if every
            input is absent.
        ImageError: if a picture can't be read.
    """
    names = field_names(spec)
    given = [(f"--{kind}", _only(spec, kind), value) for kind, value in _told(image=image, text=text, tags=tags)]
    for option in inputs:
        name, equals, value = option.partition("=")
        if not equals or name not in names:
            raise RequestError(
                f"--input {option}: expected NAME=VALUE with one of the model's inputs{nearest(name, names)}"
            )
        given.append((f"--input {name}", names[name], value))
    example: dict[str, bytes | str] = {}
    for option, name, value in given:
        if name in example:
            raise RequestError(f"{option}: {name!r} is given twice; expected one value an input.", input=name)
        example[name] = _bytes(Path(value), name) if isinstance(spec.inputs[name], ImageInput) else value
    return checked_example(example, spec)


def _told(**options: str | None) -> list[tuple[str, str]]:
    return [(kind, value) for kind, value in options.items() if value is not None]


def _only(spec: ModelSpec, kind: str) -> str:
    of_kind = [name for name, given in spec.inputs.items() if given.kind == kind]
    if len(of_kind) == 1:
        return of_kind[0]
    if not of_kind:
        raise RequestError(f"--{kind}: the model has no input of that kind. Its inputs: {', '.join(spec.inputs)}.")
    raise RequestError(f"--{kind}: the model has several: {', '.join(of_kind)}. Say which: --input {of_kind[0]}=...")


def _bytes(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ImageError(f"Input {name!r}: {file} can't be read: {error.strerror}.", input=name) from None

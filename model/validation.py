"""Configuration as frozen data: unknown keys are refused, errors name the full path and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from model.errors import SpecError


class Part(BaseModel):
    """Base of every piece of a spec or recipe: frozen, strict about its keys, and explained when it is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    raise ValueError(f"unknown key {key!r}{nearest(key, cls.model_fields)}")
        return data

    @classmethod
    def parse(cls, data: Any, *, what: str) -> Self:
        """Makes an instance from plain data.

        Args:
            data: what YAML or JSON gave.
            what: how the user calls it ("recipe"), the first word of every error.

        Raises:
            SpecError: with one line for each thing that is wrong.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            lines = [_line(detail, data, what) for detail in error.errors()]
            raise SpecError("\n".join(lines)) from None


def kind_alone(data: Any) -> Any:
    """`gated` for `{kind: gated}`: the short form of a part that leaves all its other keys at their defaults."""
    return {"kind": data} if isinstance(data, str) else data


def nearest(name: object, valid: Iterable[str]) -> str:
    """The end of an error message about a wrong name: the nearest valid one, and all of them."""
    names = sorted(valid)
    close = get_close_matches(str(name)[:100], names, n=1)  # it may be anything, and the comparison is quadratic
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{hint} Valid: {', '.join(names) or 'none'}."


def _line(detail: ErrorDetails, data: Any, what: str) -> str:
    path = _path(detail["loc"], data, what)
    received = "" if detail["type"] == "missing" else f" Received: {_short(detail['input'])}."
    if detail["type"] == "union_tag_invalid":
        context = detail["ctx"]
        tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        return f"{path}.kind: no kind {context['tag']!r}{nearest(context['tag'], tags)}"
    if detail["type"] == "union_tag_not_found":
        return f"{path}.kind: missing; say which kind it is.{received}"
    if detail["type"] == "missing":
        return f"{path}: missing; it has no default."
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error":
        # A whole that does not fit together names the key below it that is to be mended: ".merge: ...".
        return f"{path}{message}" if message.startswith(".") else f"{path}: {message}"
    return f"{path}: {message}.{received}"


def _path(location: tuple[int | str, ...], data: Any, what: str) -> str:
    """Dotted path of an error, without the union tags that pydantic puts between the keys."""
    path = what
    for step in location:
        if isinstance(data, Mapping) and step not in data and step == data.get("kind"):
            continue  # the tag of a discriminated union, not a key
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
    return path


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."

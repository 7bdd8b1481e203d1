"""Names and numbers that the parts of a spec have in common."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt


def _checked_name(name: str) -> str:
    # Inputs and heads become parameters and keys of a TensorFlow signature, which is a Python function.
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name) or iskeyword(name) or name == "self":
        raise ValueError(
            f"{name!r} can't be a name; expected a lower case letter, then lower case letters, digits and "
            "underscores, 60 at most, and no word that Python keeps for itself."
        )
    return name


def _each_once(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(sizes)) < len(sizes):
        raise ValueError(f"each size once; received {list(sizes)}.")
    return sizes


Name = Annotated[str, AfterValidator(_checked_name)]
Sizes = Annotated[tuple[PositiveInt, ...], Field(min_length=1), AfterValidator(_each_once)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Activation = Literal["relu", "gelu", "tanh", "sigmoid", "linear"]

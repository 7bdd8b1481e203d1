"""The model and the training that a table gets when nothing is said but its columns; docs/decisions/defaults.md."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

TRAINING: Mapping[str, Any] = {"ema_decay": 0.99}

_IMAGE = {"kind": "conv", "kernel_size": 5}
_WORDS = {"kind": "embedding", "dimension": 64, "activation": "linear"}
_SPELLING = {**_WORDS, "tokenizer": {"kind": "character_ngrams", "buckets": 10_000}}
# What each branch says alone is added up, and trained by itself.
_EXPERTS = {"auxiliary_weight": 1.0, "add_auxiliary": True}


def default_spec(inputs: Mapping[str, Mapping[str, Any]], heads: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The default spec for some inputs and heads, as it stands in a recipe.

    Args:
        inputs: by name, with their `kind`.
        heads: by name, with their `kind`; what they say themselves stays.
    """
    branches: dict[str, dict[str, Any]] = {}
    for name, given in inputs.items():
        if given["kind"] == "text":
            branches[name] = deepcopy(_WORDS)
            branches[_beside(name, {*inputs, *heads, *branches})] = {"input": name, **deepcopy(_SPELLING)}
        else:
            branches[name] = dict(_IMAGE) if given["kind"] == "image" else {"kind": "tags"}
    experts = _EXPERTS if len(branches) > 1 else {}
    return {
        "inputs": {name: dict(given) for name, given in inputs.items()},
        "branches": branches,
        "heads": {name: {**experts, **given} for name, given in heads.items()},
    }


def _beside(name: str, taken: Collection[str]) -> str:
    """The name of the second branch of a text, which has to fit into 60 characters."""
    names = (f"{name[:45]}_spelling{number}" for number in ("", *range(2, 1000)))
    return next(made for made in names if made not in taken)

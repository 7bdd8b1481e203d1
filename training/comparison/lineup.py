"""Who is compared with whom: a spec for each network, and what is made of networks without a training of its own."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, get_args

from model.errors import SpecError
from model.spec import Branch, ImageBranch, ModelSpec, TextBranch
from training.comparison.candidates import AVERAGE, LINEAR, MERGES, OF_TWO_VECTORS, PRODUCT, Asked, Candidate, Lineup
from training.modalities import modalities

# What a branch of another kind takes over from the recipe's, as far as it has it; the rest is its kind's default.
_KEPT = (
    "input",
    "units",
    "activation",
    "dropout",
    "token_dropout",
    "dimension",
    "tokenizer",
    "vectors",
    "color",
    "normalization",
)

# The inputs of each modality; and networks of one modality, merged ones, and why some can't be built.
_Inputs = Mapping[str, list[str]]
_Found = tuple[list[Candidate], list[Candidate], dict[str, str]]


def lineup(spec: ModelSpec, asked: Asked) -> Lineup:
    """Who is compared with whom.

    Args:
        spec: the recipe's.
        asked: what is varied.

    Raises:
        SpecError: if the spec has but one modality, if no head reads what is merged, or if nothing that was asked for
            can be built.
    """
    found = _both_modalities(spec)
    alone, merged, left_out = (_of_branches if asked.varies_branches else _of_merges)(spec, found, asked)
    if not merged:
        reasons = "\n".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise SpecError(f"None of what is to be compared can be built:\n{reasons}")
    ensembles = [Candidate(name, "ensemble") for name in (AVERAGE, PRODUCT)]
    return Lineup((Candidate(LINEAR, "linear", "words"), *alone, *ensembles, *merged), left_out)


def _of_merges(spec: ModelSpec, found: _Inputs, asked: Asked) -> _Found:
    alone = [Candidate(name, "alone", name, spec.only(inputs)) for name, inputs in found.items()]
    built, left_out = _built(spec, {kind: {"merge": _merge(spec, kind)} for kind in asked.merges or MERGES})
    for kind in left_out.keys() & OF_TWO_VECTORS:
        left_out[kind] += (
            " To compare it, give the recipe (bifocal-training init writes one) one branch for the picture and one for "
            "the words."
        )
    return alone, [Candidate(name, "merged", None, one) for name, one in built.items()], left_out


def _of_branches(spec: ModelSpec, found: _Inputs, asked: Asked) -> _Found:
    """Every pair of kinds merged, and every kind alone."""
    if asked.text_branches and not any(isinstance(branch, TextBranch) for branch in spec.branches.values()):
        raise SpecError("--text-branches: the recipe has no branch over a text, only over tags. Leave it out.")
    pairs = list(product(asked.image_branches or [None], asked.text_branches or [None]))
    built, left_out = _built(spec, {_pair(*pair): {"branches": _branches(spec, *pair)} for pair in pairs})
    alone = {}
    for image, text in pairs:
        for modality, kind in (("picture", image), ("words", text)):
            name = modality if kind is None else f"{modality}, {kind}"
            if _pair(image, text) in built and name not in alone:
                alone[name] = Candidate(name, "alone", modality, built[_pair(image, text)].only(found[modality]))
    in_order = sorted(alone.values(), key=lambda one: list(found).index(str(one.modality)))
    return in_order, [Candidate(name, "merged", None, one) for name, one in built.items()], left_out


def _both_modalities(spec: ModelSpec) -> dict[str, list[str]]:
    found = modalities(spec)
    if len(found) < 2:
        missing = "no words" if "picture" in found else "no picture"
        raise SpecError(
            f"There is nothing to merge: the inputs are {', '.join(spec.inputs)}, so there is {missing}. Add an input "
            "of the other modality; `fit` trains one alone."
        )
    if spec.merge is None:
        raise SpecError(
            "There is nothing to merge: every head reads a branch of its own. Give the recipe a merge, and a head "
            "without 'of'."
        )
    return found


def _built(spec: ModelSpec, wanted: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, ModelSpec], dict[str, str]]:
    """The spec with each of some changes, and why a change does not fit."""
    built, left_out = {}, {}
    for name, changes in wanted.items():
        try:
            built[name] = ModelSpec.parse({**spec.model_dump(), **changes}, what="spec")
        except SpecError as error:
            left_out[name] = str(error)
    return built, left_out


def _merge(spec: ModelSpec, kind: str) -> dict[str, Any]:
    """A merge of a kind: the recipe's if it is one, with its settings."""
    return spec.merge.model_dump() if spec.merge is not None and spec.merge.kind == kind else {"kind": kind}


def _branches(spec: ModelSpec, image: str | None, text: str | None) -> dict[str, Any]:
    """The recipe's branches, those over pictures and over texts of another kind; None leaves them as they are."""
    return {
        name: _of_kind(
            branch, image if isinstance(branch, ImageBranch) else text if isinstance(branch, TextBranch) else None
        )
        for name, branch in spec.branches.items()
    }


def _of_kind(branch: Branch, kind: str | None) -> dict[str, Any]:
    data = branch.model_dump()
    if kind is None or kind == branch.kind:
        return data
    part = next(
        part for part in (*get_args(ImageBranch), *get_args(TextBranch)) if part.model_fields["kind"].default == kind
    )
    return {"kind": kind, **{key: data[key] for key in _KEPT if key in data and key in part.model_fields}}


def _pair(image: str | None, text: str | None) -> str:
    return " + ".join(kind for kind in (image, text) if kind is not None)

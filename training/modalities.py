"""Pictures and words: which inputs of a model are which."""

from __future__ import annotations

from model.spec import ImageInput, ModelSpec


def modalities(spec: ModelSpec) -> dict[str, list[str]]:
    """The inputs of each modality that the spec has: `picture` and `words`."""
    pictures = [name for name, given in spec.inputs.items() if isinstance(given, ImageInput)]
    words = [name for name, given in spec.inputs.items() if not isinstance(given, ImageInput)]
    return {name: inputs for name, inputs in (("picture", pictures), ("words", words)) if inputs}


def worth_withholding(spec: ModelSpec) -> set[str]:
    """What figures without it are worth showing of: the inputs, and the modalities that have several of them."""
    return {*spec.inputs, *(name for name, inputs in modalities(spec).items() if len(inputs) > 1)}

"""One example as a request or a manifest row carries it, and a batch of them as tensors. Without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from model import images
from model.errors import ImageError
from model.folding import fold
from model.signature import presence_of
from model.spec import ImageInput, Input, ModelSpec, TagsInput

# Encoded pictures as bytes, texts and tags as str, by input name. An absent input is left out.
Example = Mapping[str, bytes | str]
# The same with the pictures decoded: uint8 (height, width, 3).
DecodedExample = Mapping[str, NDArray[np.uint8] | str]
# Stacked along the batch, as `model.signature.serving_inputs` names them.
Tensors = dict[str, NDArray[np.generic]]


def decode(spec: ModelSpec, example: Example, *, max_pixels: int = images.DEFAULT_MAX_PIXELS) -> DecodedExample:
    """Decodes the pictures of an example to the size the spec says.

    A text without a word and tags without a tag are left out as absent.

    Raises:
        ImageError: naming the input whose picture is unusable.
    """
    decoded: dict[str, NDArray[np.uint8] | str] = {}
    for name, value in example.items():
        given = spec.inputs[name]
        if isinstance(value, str):
            if has_tokens(given, value):
                decoded[name] = value
        elif isinstance(given, ImageInput):
            try:
                decoded[name] = images.decode(
                    value, height=given.height, width=given.width, fit=given.fit, max_pixels=max_pixels
                )
            except ImageError as error:
                raise type(error)(f"Input {name!r}: {error}", input=name) from error
    return decoded


def has_tokens(given: Input, text: str) -> bool:
    """Whether the tokenizer will find something in a text or in tags: the graph takes one without as absent.

    Characters newer than Python's tables don't count here, though the graph may know them.
    """
    folded = fold(text)
    if isinstance(given, TagsInput):
        return not all(character.isspace() or character == given.delimiter for character in folded)
    return any(category(character)[0] in "LMN" or category(character) in ("So", "Sc") for character in folded)


def stack(spec: ModelSpec, examples: Sequence[DecodedExample]) -> Tensors:
    """Stacks decoded examples along the batch; an absent picture is black, an absent text empty.

    Returns:
        Images uint8 (batch, height, width, 3), strings object (batch,), presences bool (batch,).
    """
    tensors: Tensors = {}
    for name, given in spec.inputs.items():
        present = np.array([name in example for example in examples], bool)
        tensors[presence_of(name)] = present
        if isinstance(given, ImageInput):
            pixels = np.zeros((len(examples), given.height, given.width, 3), np.uint8)
            for row, example in enumerate(examples):
                if name in example:
                    pixels[row] = example[name]
            tensors[name] = pixels
        else:
            tensors[name] = np.array([example.get(name, "") for example in examples], object)
    return tensors

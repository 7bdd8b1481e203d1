"""From a spec to a network: the only place that wires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from model import merges
from model.branches.conv import conv
from model.branches.convolution import convolution
from model.branches.embedding import embedding
from model.branches.inception import inception
from model.branches.lookup import lookup
from model.branches.pretrained import pretrained
from model.branches.recurrent import recurrent
from model.branches.residual import residual
from model.branches.transformer import transformer
from model.errors import SpecError
from model.heads import heads
from model.merges.features import Features
from model.presence import Presence, StatesPresence
from model.signature import network_inputs, presence_of, tokens_of
from model.spec import CrossAttentionMerge, ImageInput, ModelSpec
from model.text import PADDING_ID, num_ids

IMAGE_BRANCHES: Mapping[str, Callable[..., keras.Model]] = {
    "conv": conv,
    "inception": inception,
    "residual": residual,
    "pretrained": pretrained,
}
TOKEN_BRANCHES: Mapping[str, Callable[..., keras.Model]] = {
    "embedding": embedding,
    "convolution": convolution,
    "recurrent": recurrent,
    "transformer": transformer,
    "tags": embedding,
}

# What a network gives beside the logits of its heads; no branch and no head may be named so.
MERGED = "merged"
# Name of the nested model behind the branches; with a dot, so that no input is called so.
FUSION = "merged.fusion"

Outputs = dict[str, keras.KerasTensor]


def build(spec: ModelSpec, vocabulary_sizes: Mapping[str, int]) -> keras.Model:
    """The network behind the tokenizers.

        inputs -> [<branch>.lookup ->] <branch>.branch, once for each view -> fusion -> logits

    Args:
        spec: with the labels of its heads filled in.
        vocabulary_sizes: for each branch with a learned vocabulary, how many tokens that has.

    Returns:
        A model from a dict of tensors, as `model.signature.network_inputs` names them, to a dict of tensors:
        `<head>` float32 (batch, classes) and `<head>.<view>`, its auxiliary copies' (logits all); `merged` float32
        (batch, width), before the trunk; and what each view is on the way: `<view>.vector`, for an image view
        `<view>.stage_1` and so on, for a token view `<view>.embedded` and `<view>.states`.

    Raises:
        SpecError: if a head has no labels yet.
    """
    for name, head in spec.heads.items():
        if not head.labels:
            raise SpecError(f"Head {name!r} has no labels; expected at least 2. Fill them in with spec.with_labels().")

    inputs = {
        name: keras.Input(info.shape[1:], dtype=info.dtype, name=name) for name, info in network_inputs(spec).items()
    }
    branches = _branches(spec, vocabulary_sizes)
    outputs: Outputs = {}
    fused: Outputs = {name: inputs[name] for name in map(presence_of, spec.inputs)}
    for view in spec.views:
        if view.branch in spec.image_branches:
            found = branches[view.branch](inputs[view.input])
            states = keras.layers.Reshape((-1, last_map(found).shape[-1]), name=f"{view.name}.places")(last_map(found))
        else:
            tokens = inputs[tokens_of(view.name)]
            embedded = branches[f"{view.branch}.lookup"](tokens)
            found = {"embedded": embedded, **branches[view.branch]({"embedded": embedded, "tokens": tokens})}
            states = found["states"]
            fused[tokens_of(view.name)] = tokens
        outputs |= {f"{view.name}.{key}": tensor for key, tensor in found.items()}
        fused |= {f"{view.name}.vector": found["vector"], f"{view.name}.states": states}

    fusion = _fusion(spec, fused)
    return keras.Model(inputs, {**outputs, **fusion({name: fused[name] for name in fusion.input})}, name="bifocal")


def last_map(outputs: Mapping[str, Any]) -> Any:
    """The last feature map of an image branch, float32 (batch, height, width, channels), from its outputs."""
    return outputs[stages(outputs)[-1]]


def stages(outputs: Mapping[str, Any]) -> list[str]:
    """The names of the feature maps among an image branch's outputs, in order."""
    numbers = [name.removeprefix("stage_") for name in outputs if name.startswith("stage_")]
    return [f"stage_{number}" for number in sorted(int(number) for number in numbers if number.isdecimal())]


def _branches(spec: ModelSpec, vocabulary_sizes: Mapping[str, int]) -> dict[str, keras.Model]:
    made = {}
    for name, branch in spec.image_branches.items():
        image = spec.inputs[spec.input_of(name)]
        if isinstance(image, ImageInput):
            made[name] = IMAGE_BRANCHES[branch.kind](branch, image, name=name)
    for name, token_branch in spec.token_branches.items():
        made[f"{name}.lookup"] = lookup(token_branch, num_ids(token_branch, vocabulary_sizes.get(name, 0)), name=name)
        made[name] = TOKEN_BRANCHES[token_branch.kind](token_branch, name=name)
    return made


def _fusion(spec: ModelSpec, like: Mapping[str, keras.KerasTensor]) -> keras.Model:
    """All that is behind the branches: what stands in for absent inputs, merge, trunk and heads.

    A model of its own, for explanations ask it many times about the vectors of one example.

    Args:
        spec: with labels.
        like: the tensors it will take, or more.

    Returns:
        A model from a dict of `<view>.vector`, `<input>_present` and, if the merge looks at them, `<view>.states` and
        `<view>.tokens`, to a dict of `<head>`, `<head>.<view>` and `merged`.
    """
    has_states = isinstance(spec.merge, CrossAttentionMerge)
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in like.items()
        if has_states or name.endswith((".vector", "_present"))
    }
    presences = {name: Presence(name=f"{name}.presence") for name in spec.branches}
    vectors = {
        view.name: presences[view.branch](inputs[f"{view.name}.vector"], inputs[presence_of(view.input)])
        for view in spec.views
    }
    states = _states(spec, inputs) if has_states else {}
    features = [
        Features(
            name=view.name,
            vector=vectors[view.name],
            states=states[view.name][0] if has_states else None,
            mask=states[view.name][1] if has_states else None,
            is_words=view.branch in spec.token_branches,
        )
        for view in spec.views
    ]
    merged = keras.layers.Concatenate(name=MERGED)(list(vectors.values())) if len(vectors) > 1 else features[0].vector
    behind = None
    if spec.merge is not None:
        merged = merges.merge(spec.merge, features)
        behind = _trunk(spec, merged)
    return keras.Model(inputs, {**heads(spec, behind, vectors, inputs), MERGED: merged}, name=FUSION)


def _states(spec: ModelSpec, inputs: Outputs) -> dict[str, tuple[keras.KerasTensor, keras.KerasTensor]]:
    """For each view its places or tokens, and which of them are real."""
    presences = {name: StatesPresence(name=f"{name}.states_presence") for name in spec.branches}
    found = {}
    for view in spec.views:
        states = inputs[f"{view.name}.states"]
        if view.branch in spec.token_branches:
            real = keras.ops.not_equal(inputs[tokens_of(view.name)], PADDING_ID)
        else:
            real = keras.ops.ones_like(states[:, :, 0], dtype="bool")
        found[view.name] = presences[view.branch](states, real, inputs[presence_of(view.input)])
    return found


def _trunk(spec: ModelSpec, merged: keras.KerasTensor) -> keras.KerasTensor:
    merged = keras.layers.Dropout(spec.trunk.dropout, name="trunk.dropout")(merged)
    for layer, units in enumerate(spec.trunk.units, start=1):
        merged = keras.layers.Dense(units, activation=spec.trunk.activation, name=f"trunk.{layer}")(merged)
    return merged

"""Branches that read several inputs with one set of weights, and heads that share a last layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model import weights
from model.examples import Tensors
from model.export import Exported
from model.serving import halves, signatures
from model.signature import SERVING
from model.spec import ModelSpec
from tests.model.made_up import Made, make, tensors

ALONE = {
    "inputs": {"front": {"kind": "image", "height": 12, "width": 12}, "title": {"kind": "text"}},
    "branches": {
        "front": {"kind": "conv", "filters": [3], "units": 5},
        "title": {"kind": "recurrent", "hidden": 3, "dimension": 4, "units": 5},
    },
    "merge": {"kind": "add"},
    "heads": {"answer": {"kind": "single_label", "labels": ["x", "y"]}},
}
SHARED = {
    **ALONE,
    "inputs": {
        **ALONE["inputs"],
        "back": {"kind": "image", "branch_of": "front"},
        "note": {"kind": "text", "branch_of": "title"},
    },
}


def spec_of(data: object) -> ModelSpec:
    return ModelSpec.parse(data, what="spec")


def reloaded(made: Made, directory: Path) -> tf.Module:
    functions = signatures(made.spec, made.encoder, made.network)
    tf.saved_model.save(
        Exported(made.encoder, made.network, halves(made.spec, made.encoder, made.network)),
        str(directory / "saved"),
        signatures=functions,
    )
    return tf.saved_model.load(str(directory / "saved"))


def swapped(given: Tensors) -> Tensors:
    """Front for back, title for note, their presences too."""
    other = {"front": "back", "back": "front", "title": "note", "note": "title"}
    return {
        other[name.removesuffix("_present")] + ("_present" * name.endswith("_present")): array
        for name, array in given.items()
    }


@pytest.mark.slow
def test_shared_branches_have_one_set_of_weights_after_reload(tmp_path: Path) -> None:
    alone, shared = make(spec_of(ALONE), tmp_path / "alone"), make(spec_of(SHARED), tmp_path / "shared")
    reloaded(shared, tmp_path)

    counts = {part: [value.shape for value in values] for part, values in weights.read(tmp_path / "saved").items()}
    assert counts == {part: [value.shape for value in values] for part, values in weights.values(alone.network).items()}


def answers(made: Made, given: Tensors) -> tf.Tensor:
    tokens = made.encoder({name: tf.constant(array) for name, array in given.items()})
    return made.network(tokens, training=False)["answer"]


@pytest.mark.parametrize("kind", ["add", "average", "maximum", "minimum", "multiply"])
def test_swapping_inputs_that_share_a_branch_changes_nothing_where_the_merge_is_symmetric(
    kind: str, tmp_path: Path
) -> None:
    made = make(spec_of({**SHARED, "merge": {"kind": kind}}), tmp_path)
    given = tensors(made.spec)

    np.testing.assert_allclose(answers(made, given), answers(made, swapped(given)), atol=1e-6)


@pytest.mark.slow
def test_nor_does_it_after_reload(tmp_path: Path) -> None:
    made = make(spec_of(SHARED), tmp_path)
    serve = reloaded(made, tmp_path).signatures[SERVING]
    given = tensors(made.spec)

    one, other = (
        serve(**{name: tf.constant(array) for name, array in some.items()})["answer"]
        for some in (given, swapped(given))
    )
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_swapping_them_matters_where_the_merge_is_not(tmp_path: Path) -> None:
    made = make(spec_of({**SHARED, "merge": {"kind": "concatenate"}}), tmp_path)
    given = tensors(made.spec)

    assert np.abs(answers(made, given) - answers(made, swapped(given))).max() > 1e-4


def test_heads_that_share_a_last_layer_have_its_weights_once(tmp_path: Path) -> None:
    heads = {
        "one": {"kind": "single_label", "labels": ["x", "y"], "units": [4]},
        "two": {"kind": "single_label", "labels": ["x", "y"], "units": [4], "last_layer_of": "one"},
        "three": {
            "kind": "single_label",
            "labels": ["x", "y"],
            "of": "title.note",
            "units": [4],
            "last_layer_of": "one",
        },
    }
    made = make(spec_of({**SHARED, "heads": heads}), tmp_path)
    parts = {name: [value.shape for value in values] for name, values in weights.values(made.network).items()}

    assert parts["one"] == [(96, 4), (4,), (4, 2), (2,)]
    assert parts["two"] == [(96, 4), (4,)]
    assert parts["three"] == [(5, 4), (4,)]
    given = {name: tf.constant(array) for name, array in tensors(made.spec).items()}
    answers = made.network(made.encoder(given), training=False)
    assert np.abs(answers["one"] - answers["two"]).max() > 1e-4


def test_heads_of_branches_see_their_own_input_alone(tmp_path: Path) -> None:
    heads = {
        "of_title": {"kind": "single_label", "labels": ["x", "y"], "of": "title"},
        "of_note": {"kind": "single_label", "labels": ["x", "y"], "of": "title.note"},
    }
    data = {
        "inputs": {"title": {"kind": "text"}, "note": {"kind": "text", "branch_of": "title"}},
        "branches": {"title": ALONE["branches"]["title"]},
        "merge": None,
        "heads": heads,
    }
    made = make(spec_of(data), tmp_path)
    given = tensors(made.spec)
    other = {**given, "note": given["note"][::-1]}
    one, two = (made.network(made.encoder(some), training=False) for some in (given, other))

    np.testing.assert_array_equal(one["of_title"], two["of_title"])
    assert np.abs(one["of_note"] - two["of_note"]).max() > 1e-5


def test_an_auxiliary_head_stands_on_every_branch_and_is_not_exported(tmp_path: Path) -> None:
    data = {**SHARED, "heads": {"answer": {**ALONE["heads"]["answer"], "auxiliary_weight": 0.5}}}
    trained, exported = make(spec_of(data), tmp_path), make(spec_of(data).portable(), tmp_path)

    copies = {f"answer.{view}" for view in ("front", "front.back", "title", "title.note")}
    assert copies < set(weights.parts(trained.network))
    assert copies < set(trained.network.output)
    assert set(weights.parts(exported.network)) == set(weights.parts(trained.network)) - copies

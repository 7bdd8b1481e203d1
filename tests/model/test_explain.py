"""Explanations against what they are defined by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model.explain import Explainer
from model.heads import probabilities
from model.serving import signatures
from model.signature import SERVING, presence_of
from model.spec import ModelSpec
from model.text import PADDING_ID, UNSEEN_ID
from tests.model.made_up import Made, make, tensors

LABELS = ["x", "y", "z"]


def spec_of(**changes: object) -> ModelSpec:
    return ModelSpec.parse(
        {
            "inputs": {"image": {"kind": "image", "height": 16, "width": 20}, "text": {"kind": "text"}},
            "branches": {
                "image": {"kind": "conv", "filters": [3, 4], "units": 5},
                "text": {"kind": "embedding", "dimension": 4, "units": 6},
            },
            "trunk": {"units": [7]},
            "heads": {"answer": {"kind": "single_label", "labels": LABELS}},
            **changes,
        },
        what="spec",
    )


def explained(made: Made, *, label: int = 1, temperature: float = 1.0, **targets: int) -> dict[str, np.ndarray]:
    asked = targets or {"answer": label}
    given = {name: tf.constant(array) for name, array in tensors(made.spec).items()}
    given |= {f"{head}_target": tf.fill([6], index) for head, index in asked.items()}
    explainer = Explainer(made.spec, made.encoder, made.network, {"answer": temperature})
    return {name: tensor.numpy() for name, tensor in explainer(given).items()}


def probability(made: Made, label: int = 1, temperature: float = 1.0, **changes: np.ndarray) -> np.ndarray:
    given = {name: tf.constant(array) for name, array in {**tensors(made.spec), **changes}.items()}
    logits = made.network(made.encoder(given), training=False)["answer"]
    return probabilities(made.spec.heads["answer"], logits, temperature).numpy()[:, label]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make(spec_of(), tmp_path)


def test_shares_sum_to_the_change_in_probability(made: Made) -> None:
    found = explained(made)

    nothing = {presence_of(name): np.zeros(6, bool) for name in made.spec.inputs}
    np.testing.assert_allclose(found["probability"], probability(made), atol=1e-6)
    np.testing.assert_allclose(found["baseline"], probability(made, **nothing), atol=1e-6)
    np.testing.assert_allclose(found["shares"].sum(axis=1), found["probability"] - found["baseline"], atol=1e-6)


def test_what_is_explained_is_the_calibrated_probability(made: Made) -> None:
    found = explained(made, temperature=3.0)

    np.testing.assert_allclose(found["probability"], probability(made, temperature=3.0), atol=1e-6)
    np.testing.assert_allclose(found["shares"].sum(axis=1), found["probability"] - found["baseline"], atol=1e-6)
    assert np.abs(found["probability"] - probability(made)).max() > 0.001
    # Heat maps are of the logit: a third of it.
    np.testing.assert_allclose(3 * found["image.heatmap"], explained(made)["image.heatmap"], rtol=1e-4, atol=1e-7)


def test_what_is_served_is_divided_by_the_temperature(made: Made) -> None:
    given = {name: tf.constant(array) for name, array in tensors(made.spec).items()}
    functions = signatures(made.spec, made.encoder, made.network, {"answer": 0.2})

    served = functions[SERVING](**given)["answer"].numpy()
    np.testing.assert_allclose(served[:, 1], probability(made, temperature=0.2), atol=1e-6)
    assert np.abs(served[:, 1] - probability(made)).max() > 0.001


def test_the_share_of_two_inputs_is_their_mean_change_alone_and_last(made: Made) -> None:
    absent = np.zeros(6, bool)
    both, nothing = probability(made), probability(made, image_present=absent, text_present=absent)
    image, text = probability(made, text_present=absent), probability(made, image_present=absent)

    expected = ((image - nothing) + (both - text)) / 2
    np.testing.assert_allclose(explained(made)["shares"][:, 0], expected, atol=1e-6)


def test_an_absent_input_has_no_share_no_heat_and_no_token(made: Made) -> None:
    found = explained(made)

    assert found["shares"][1, 0] == pytest.approx(0, abs=1e-6)
    assert not found["image.heatmap"][1].any()
    assert found["image.heatmap"][[0, 2, 3]].any(axis=(1, 2)).all()
    assert found["text.tokens"][2].tolist() == [b""] * found["text.tokens"].shape[1]
    assert not found["text.weights"][2].any()


def test_tokens_are_those_that_were_read(made: Made) -> None:
    found = explained(made)

    assert [token.decode() for token in found["text.tokens"][0] if token] == ["a", "red", "mug"]
    assert not found["text.weights"][found["text.tokens"] == b""].any()


@pytest.mark.parametrize("kind", ["embedding", "convolution", "recurrent", "transformer"])
def test_token_weights_sum_to_the_change_from_a_text_of_unseen_tokens(kind: str, tmp_path: Path) -> None:
    branches = {
        "image": {"kind": "conv", "filters": [3], "units": 5},
        "text": {"kind": kind, "dimension": 4, "units": 6, "activation": "tanh"},
    }
    made = make(spec_of(branches=branches), tmp_path)
    given = {name: tf.constant(array) for name, array in tensors(made.spec).items()}
    encoded = made.encoder(given)
    known = encoded["text.tokens"]
    unseen = {**encoded, "text.tokens": tf.where(known != PADDING_ID, UNSEEN_ID, PADDING_ID)}
    head = made.spec.heads["answer"]
    change = [
        probabilities(head, made.network(tokens, training=False)["answer"]).numpy()[:, 1]
        for tokens in (encoded, unseen)
    ]

    np.testing.assert_allclose(explained(made)["text.weights"].sum(axis=1), change[0] - change[1], atol=1e-3)


def test_the_heat_map_of_a_linear_end_is_the_weighted_sum_of_the_channels(tmp_path: Path) -> None:
    """With global pooling and linear layers behind, the gradient of every place is the same product of weights."""
    made = make(
        spec_of(
            inputs={"image": {"kind": "image", "height": 40, "width": 32}},
            branches={"image": {"kind": "conv", "filters": [3, 4], "units": 5, "activation": "linear"}},
            trunk={"units": []},
        ),
        tmp_path,
    )
    branch, fusion = made.network.get_layer("image.branch"), made.network.get_layer("merged.fusion")
    weights = (branch.get_layer("dense").kernel @ fusion.get_layer("answer.head").kernel).numpy()[:, 1]
    features = branch(tensors(made.spec)["image"])["stage_2"].numpy()[0]  # (10, 8, 4)

    heat = np.maximum(features @ weights / (10 * 8), 0)
    expected = tf.image.resize(heat[np.newaxis, :, :, np.newaxis], (40, 32))[0, :, :, 0]
    np.testing.assert_allclose(explained(made)["image.heatmap"][0], expected, atol=1e-6)


@pytest.mark.parametrize(("side", "stage"), [(12, "stage_1"), (16, "stage_1"), (28, "stage_2"), (64, "stage_3")])
def test_a_heat_map_comes_from_the_deepest_stage_with_enough_places(side: int, stage: str, tmp_path: Path) -> None:
    made = make(
        spec_of(
            inputs={"image": {"kind": "image", "height": side, "width": side}},
            branches={"image": {"kind": "conv", "filters": [2, 2, 2], "units": 5}},
        ),
        tmp_path,
    )
    features = made.network(made.encoder(tensors(made.spec)), training=False)[f"image.{stage}"]

    found = Explainer(made.spec, made.encoder, made.network)._ends["image"]
    assert found[0] == stage
    assert found[1].input_shape[1:] == features.shape[1:]
    ended = found[1](features)
    np.testing.assert_allclose(
        ended["vector"], made.network(made.encoder(tensors(made.spec)))["image.vector"], atol=1e-5
    )


def test_only_the_asked_head_is_explained(tmp_path: Path) -> None:
    heads = {
        "answer": {"kind": "single_label", "labels": LABELS},
        "marks": {"kind": "multi_label", "labels": ["a", "b"]},
    }
    made = make(spec_of(heads=heads), tmp_path)
    one, other, both = (explained(made, answer=answer, marks=marks) for answer, marks in ((1, -1), (-1, 0), (1, 0)))

    np.testing.assert_allclose(one["probability"], probability(made), atol=1e-6)
    np.testing.assert_allclose(one["probability"] + other["probability"], both["probability"], atol=1e-6)
    np.testing.assert_allclose(one["shares"] + other["shares"], both["shares"], atol=1e-6)


def test_every_view_of_a_shared_branch_has_its_own_explanation(tmp_path: Path) -> None:
    inputs = {
        "image": {"kind": "image", "height": 16, "width": 16},
        "back": {"kind": "image", "branch_of": "image"},
        "text": {"kind": "text"},
        "note": {"kind": "text", "branch_of": "text"},
    }
    made = make(spec_of(inputs=inputs), tmp_path)
    found = explained(made)

    assert not found["back.heatmap"][2].any()
    assert found["back.heatmap"][1].any()
    assert [name for name in found if name.endswith(".tokens")] == ["text.tokens", "text.note.tokens"]
    assert found["shares"].shape == (6, 4)


def test_branches_that_see_one_picture_in_different_detail_share_its_heat_map(tmp_path: Path) -> None:
    branches = {
        "image": {"kind": "conv", "filters": [3, 4], "units": 5},
        "coarse": {"kind": "residual", "input": "image", "filters": [3, 4, 4], "units": 5},
        "text": {"kind": "embedding", "dimension": 4, "units": 6},
    }
    inputs = {"image": {"kind": "image", "height": 64, "width": 48}, "text": {"kind": "text"}}
    found = explained(make(spec_of(inputs=inputs, branches=branches), tmp_path))

    assert found["image.heatmap"].shape == (6, 64, 48)
    assert found["image.heatmap"][0].any()

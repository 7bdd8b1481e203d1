"""The branches over tokens, and the layers they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from pydantic import TypeAdapter

from model.branches.convolution import convolution
from model.branches.embedding import embedding
from model.branches.lookup import TokenDropout, lookup
from model.branches.pooling import AttentionPooling, TokenPooling
from model.branches.recurrent import recurrent
from model.branches.transformer import Positions, transformer
from model.spec import TokenBranch

Array = NDArray[np.float32]

RANDOM = np.random.default_rng(1)
FAMILIES: dict[str, Callable[..., keras.Model]] = {
    "embedding": embedding,
    "convolution": convolution,
    "recurrent": recurrent,
    "transformer": transformer,
    "tags": embedding,
}
TRANSFORMER = {"kind": "transformer", "blocks": 2, "attention_heads": 2, "feed_forward": 5}
BRANCHES: list[dict[str, object]] = [
    *({"kind": "embedding", "pooling": pooling} for pooling in ("mean", "max", "attention")),
    *({"kind": "tags", "pooling": pooling} for pooling in ("mean", "sum", "max")),
    {"kind": "convolution", "filters": 3, "kernel_sizes": [1, 2, 3, 6]},
    {"kind": "convolution", "filters": 5, "kernel_sizes": [4]},
    *(
        {"kind": "recurrent", "hidden": 3, "cell": cell, "bidirectional": bidirectional, "pooling": pooling}
        for cell in ("gru", "lstm")
        for bidirectional in (False, True)
        for pooling in ("last", "mean")
    ),
    *({"kind": "recurrent", "hidden": 3, "pooling": pooling} for pooling in ("max", "attention")),
    *({**TRANSFORMER, "pooling": pooling} for pooling in ("mean", "max", "attention")),
]
TOKENS = np.array([[5, 3, 2, 7], [4, 0, 0, 0], [0, 0, 0, 0], [1, 6, 0, 0]])


@pytest.fixture(autouse=True)
def same_weights_every_time() -> None:
    keras.utils.set_random_seed(3)


def title(settings: dict[str, object]) -> str:
    return "-".join(str(value) for value in settings.values())


def made(settings: dict[str, object], **more: object) -> tuple[keras.Model, keras.Model]:
    """Lookup and branch of a spec, with weights that are nowhere zero, as those of a trained one."""
    spec: Any = TypeAdapter(TokenBranch).validate_python({"dimension": 4, "units": 6, **settings, **more})
    table, branch = lookup(spec, 9, name="title"), FAMILIES[spec.kind](spec, name="title")
    random = np.random.default_rng(3)
    for variable in [*table.trainable_variables, *branch.trainable_variables]:
        variable.assign(random.normal(size=variable.shape, scale=0.5))
    return table, branch


def answers(models: tuple[keras.Model, keras.Model], tokens: NDArray[np.int_], **how: object) -> dict[str, tf.Tensor]:
    table, branch = models
    tensor = tf.constant(tokens, tf.int32)
    result: dict[str, tf.Tensor] = branch({"embedded": table(tensor, **how), "tokens": tensor}, **how)
    return result


@pytest.mark.parametrize("settings", BRANCHES, ids=title)
def test_a_text_alone_in_a_batch_and_with_more_padding_gives_the_same(settings: dict[str, object]) -> None:
    models = made(settings)
    together = answers(models, TOKENS)
    padded = answers(models, np.pad(TOKENS, [(0, 0), (0, 3)]))

    np.testing.assert_allclose(padded["vector"], together["vector"], atol=1e-5)
    np.testing.assert_allclose(padded["states"][:, :4], together["states"], atol=1e-5)
    for row, length in enumerate([4, 1, 1, 2]):
        alone = answers(models, TOKENS[row : row + 1, :length])
        np.testing.assert_allclose(alone["vector"][0], together["vector"][row], atol=1e-5)
        np.testing.assert_allclose(alone["states"][0], together["states"][row, :length], atol=1e-5)


@pytest.mark.parametrize("settings", BRANCHES, ids=title)
def test_states_are_zero_at_padding_and_vectors_finite_without_a_token(settings: dict[str, object]) -> None:
    found = answers(made(settings), TOKENS)

    assert found["vector"].shape == (4, 6)
    assert np.isfinite(found["vector"]).all()
    assert not found["states"].numpy()[TOKENS == 0].any()
    assert np.abs(found["states"].numpy()[TOKENS != 0]).max(axis=-1).min() > 0


@pytest.mark.parametrize("settings", BRANCHES, ids=title)
def test_every_weight_gets_a_finite_gradient(settings: dict[str, object]) -> None:
    models = made(settings, dropout=0.0, activation="linear")
    variables = [variable for model in models for variable in model.trainable_variables]
    for tokens in (TOKENS, TOKENS[:, :1], np.zeros((2, 1), int)):
        with tf.GradientTape() as tape:
            found = answers(models, tokens, training=True)
            loss = tf.reduce_sum(found["vector"] ** 2) + tf.reduce_sum(found["states"] ** 2)
        gradients = tape.gradient(loss, [variable.value for variable in variables])

        largest = {
            variable.path: np.abs(tf.convert_to_tensor(gradient)).max()
            for variable, gradient in zip(variables, gradients, strict=True)
        }
        assert np.isfinite(list(largest.values())).all()
        if tokens is TOKENS:
            assert [path for path, gradient in largest.items() if gradient == 0] == []


@pytest.mark.parametrize("settings", BRANCHES, ids=title)
def test_order_counts_where_it_should(settings: dict[str, object]) -> None:
    models = made(settings, activation="linear")
    forwards, backwards = answers(models, np.array([[5, 3, 2], [2, 3, 5]]))["vector"]
    blind = settings["kind"] in ("embedding", "tags")

    assert (np.abs(forwards - backwards).max() < 1e-5) == blind


def test_the_branches_have_their_activation_and_their_dropout() -> None:
    models = made({"kind": "embedding", "activation": "sigmoid", "dropout": 0.5, "token_dropout": 0.5})
    vectors = [answers(models, TOKENS, training=training)["vector"].numpy() for training in (False, False, True)]

    assert (vectors[0] > 0).all()
    assert (vectors[0] < 1).all()
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-3


def test_a_recurrent_branch_takes_the_last_state_of_each_direction() -> None:
    settings = {"kind": "recurrent", "hidden": 3, "cell": "lstm", "activation": "linear"}
    table, branch = made(settings)
    found = answers((table, branch), TOKENS)
    states, dense = found["states"].numpy(), branch.get_layer("dense")

    last = np.concatenate([states[[0, 1, 3], [3, 0, 1], :3], states[[0, 1, 3], 0, 3:]], axis=1)
    np.testing.assert_allclose(found["vector"].numpy()[[0, 1, 3]], dense(last), atol=1e-5)
    np.testing.assert_allclose(found["vector"].numpy()[2], dense.bias, atol=1e-6)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_no_kernel_that_needs_a_gpu_can_get_into_the_graph(cell: str) -> None:
    _, branch = made({"kind": "recurrent", "hidden": 3, "cell": cell})
    both = branch.get_layer("both_directions")

    assert both.forward_layer.use_cudnn is False
    assert both.backward_layer.use_cudnn is False


def test_a_convolution_sees_zeros_beyond_the_text() -> None:
    table, branch = made({"kind": "convolution", "filters": 2, "kernel_sizes": [3]})
    found = answers((table, branch), TOKENS)
    kernel, bias = branch.get_layer("convolution_3").get_weights()
    embedded = np.pad(table(TOKENS[3:, :2])[0], [(1, 1), (0, 0)])  # (1 + 2 + 1, D)

    windows = np.stack([embedded[0:3], embedded[1:4]])
    expected = np.maximum(np.einsum("lkd,kdf->lf", windows, kernel) + bias, 0)
    np.testing.assert_allclose(found["states"][3, :2], expected, atol=1e-5)


def norm(states: Array, layer: keras.layers.Layer) -> Array:
    scale, offset = layer.get_weights()
    centred = states - states.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(states.var(axis=-1, keepdims=True) + 1e-6) * scale + offset


def test_a_transformer_equals_its_formula() -> None:
    table, branch = made({**TRANSFORMER, "blocks": 1})
    states = np.array(table(TOKENS[:1]))[0] + branch.get_layer("positions").positions[:4].numpy()

    query, key, value, output = branch.get_layer("attention_1").get_weights()  # (D, H, D/H) and (H, D/H, D)
    normal = norm(states, branch.get_layer("attention_norm_1"))
    q, k, v = (np.einsum("ld,dhe->hle", normal, weight) for weight in (query, key, value))
    scores = np.exp(np.einsum("hle,hme->hlm", q, k) / np.sqrt(2))
    states = states + np.einsum("hlm,hme,hed->ld", scores / scores.sum(axis=-1, keepdims=True), v, output)
    normal = norm(states, branch.get_layer("feed_forward_norm_1"))
    kernel, bias = branch.get_layer("feed_forward_1").get_weights()
    out_kernel, out_bias = branch.get_layer("feed_forward_out_1").get_weights()
    states = states + np.maximum(normal @ kernel + bias, 0) @ out_kernel + out_bias

    expected = norm(states, branch.get_layer("norm"))
    np.testing.assert_allclose(answers((table, branch), TOKENS)["states"][0], expected, atol=1e-4)


def test_a_transformer_has_a_place_for_every_token_its_tokenizer_gives() -> None:
    _, branch = made({**TRANSFORMER, "tokenizer": {"kind": "characters", "max_tokens": 11}})

    assert branch.get_layer("positions").positions.shape == (11, 4)


POOLED = [
    ("mean", lambda states: states.mean(axis=0)),
    ("sum", lambda states: states.sum(axis=0)),
    ("max", lambda states: states.max(axis=0)),
]


@pytest.mark.parametrize(("mode", "expected"), POOLED, ids=[mode for mode, _ in POOLED])
def test_pooling_leaves_padding_out(mode: Any, expected: Callable[[Array], Array]) -> None:
    states = RANDOM.normal(size=(2, 3, 4)).astype(np.float32) - 3
    pooled = TokenPooling(mode)(states, np.array([[5, 7, 0], [0, 0, 0]]))

    np.testing.assert_allclose(pooled[0], expected(states[0, :2]), rtol=1e-6)
    np.testing.assert_array_equal(pooled[1], np.zeros(4))


def test_attention_pooling_equals_its_formula() -> None:
    states = RANDOM.normal(size=(2, 3, 4)).astype(np.float32)
    layer = AttentionPooling()
    layer.build(states.shape, states.shape[:2])
    weight, bias, context = (RANDOM.normal(size=variable.shape) for variable in layer.weights)
    layer.set_weights([weight, bias, context])
    pooled = layer(states, np.array([[5, 7, 0], [0, 0, 0]]))

    scores = np.exp(np.tanh(states[0, :2] @ weight + bias) @ context)
    np.testing.assert_allclose(pooled[0], (scores / scores.sum() * states[0, :2]).sum(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(pooled[1], np.zeros(4))


def test_token_dropout_makes_its_share_unseen_and_spares_padding() -> None:
    tokens = np.repeat([[7, 0]], 20_000, axis=0)
    dropped = TokenDropout(0.25, seed=3)(tokens, training=True).numpy()

    assert set(dropped[:, 0]) == {1, 7}
    assert abs((dropped[:, 0] == 1).mean() - 0.25) < 0.02
    assert (dropped[:, 1] == 0).all()


def test_token_dropout_changes_nothing_outside_training() -> None:
    tokens = np.arange(12).reshape(3, 4)

    np.testing.assert_array_equal(TokenDropout(0.9)(tokens, training=False), tokens)


def test_a_lookup_has_a_row_for_every_id() -> None:
    table, _ = made({"kind": "embedding"})

    assert table(np.array([[8, 2, 0]])).shape == (1, 3, 4)
    assert table.get_layer("embedding").embeddings.shape == (9, 4)


@pytest.mark.parametrize("layer", [TokenDropout(0.2, seed=5), TokenPooling("sum"), AttentionPooling(), Positions(7)])
def test_a_layer_can_be_made_again_from_its_config(layer: keras.layers.Layer) -> None:
    config = layer.get_config()

    assert type(layer).from_config(config).get_config() == config

"""The drawing of a network by which the example recipes are compared: it must tell networks apart."""

from __future__ import annotations

import keras
import pytest
from keras.layers import GRU, Concatenate, Conv2D, Dense, Dropout, Embedding, Flatten, GlobalAveragePooling2D

from tests.training.layer_graph import LayerGraph
from tests.training.networks_by_hand import BY_HAND


def drawn(*answers: keras.KerasTensor, **inputs: keras.KerasTensor) -> dict[str, str]:
    """The drawing of a network whose answers are named a, b, ..."""
    outputs = dict(zip("ab", answers, strict=False))
    return LayerGraph(keras.Model(inputs, outputs), list(outputs)).draw()


def pictures(kernel_size: int = 3, *, activation: str | None = None) -> dict[str, str]:
    image = keras.Input((8, 8, 3), name="image")
    features = GlobalAveragePooling2D()(Conv2D(4, kernel_size, padding="same", activation=activation)(image))
    return drawn(Dense(2)(features), image=image)


def two_texts(*, shared: bool, dense: bool = True) -> dict[str, str]:
    first, second = keras.Input((None,), name="first"), keras.Input((None,), name="second")
    embedding = Embedding(9, 4)
    reader = GRU(3)
    other = reader if shared else GRU(3)
    merged = Concatenate()([reader(embedding(first)), other(embedding(second))])
    return drawn(Dense(2)(Dense(5)(merged) if dense else merged), first=first, second=second)


def test_a_drawing_says_what_each_layer_does_and_gives() -> None:
    assert pictures()["a"].splitlines() == [
        "Dense(units=2, activation=linear, use_bias=True) -> (2,)",
        "  GlobalAveragePooling2D() -> (4,)",
        "    Conv2D(filters=4, kernel_size=(3, 3), strides=(1, 1), padding=same, dilation_rate=(1, 1), groups=1, "
        "activation=linear, use_bias=True) -> (8, 8, 4)",
        "      image(dtype=float32) -> (8, 8, 3)",
    ]


def test_the_same_network_made_twice_is_drawn_the_same() -> None:
    assert two_texts(shared=True) == two_texts(shared=True)


def test_another_kernel_size_and_another_activation_show() -> None:
    assert pictures(3) != pictures(5)
    assert pictures() != pictures(activation="relu")


def test_a_layer_that_is_not_shared_shows() -> None:
    shared, apart = two_texts(shared=True)["a"], two_texts(shared=False)["a"]

    assert shared.count("GRU#1(") == 2
    assert apart.count("GRU(") == 2
    assert apart.count("Embedding#1(") == 2


def test_a_missing_layer_shows() -> None:
    assert two_texts(shared=True) != two_texts(shared=True, dense=False)


def test_a_trunk_of_its_own_for_each_head_shows() -> None:
    def heads(*, shared: bool) -> dict[str, str]:
        image = keras.Input((4,), name="image")
        trunk = Dense(3)
        return drawn(Dense(2)(trunk(image)), Dense(2)((trunk if shared else Dense(3))(image)), image=image)

    assert heads(shared=True) != heads(shared=False)


def test_inputs_that_are_mixed_up_show() -> None:
    def minus(*order: str) -> dict[str, str]:
        inputs = {name: keras.Input((4,), name=name) for name in ("top", "bottom")}
        return drawn(Concatenate()([inputs[name] for name in order]), **inputs)

    assert minus("top", "bottom") != minus("bottom", "top")


def test_nested_models_are_opened_and_dropout_is_left_out() -> None:
    def network(*, nested: bool) -> dict[str, str]:
        image = keras.Input((4,), name="image")
        layers = [Dense(3), Dropout(0.5), Dense(2)]
        if nested:
            return drawn(keras.Sequential([keras.Input((4,)), *layers])(image), image=image)
        return drawn(layers[2](layers[0](image)), image=image)

    assert network(nested=True) == network(nested=False)


def test_a_layer_without_a_word_for_it_is_named() -> None:
    image = keras.Input((4, 4), name="image")

    with pytest.raises(ValueError, match="'odd_one' is a Flatten; the drawing has no word for it"):
        drawn(Flatten(name="odd_one")(image), image=image)


def test_a_gru_that_gives_all_its_states_is_not_taken_for_one_that_gives_the_last() -> None:
    steps = keras.Input((None, 4), name="steps")

    with pytest.raises(ValueError, match="'all' gives all states"):
        drawn(GRU(3, return_sequences=True, name="all")(steps), steps=steps)


def test_no_two_networks_of_the_examples_are_drawn_the_same() -> None:
    class Anything(dict[str, int]):
        def __missing__(self, key: str) -> int:
            return 3

    drawings = set()
    for by_hand in BY_HAND.values():
        network = by_hand(Anything(), Anything())
        drawings.add(tuple(LayerGraph(network, list(network.output)).draw().values()))

    assert len(drawings) == len(BY_HAND)

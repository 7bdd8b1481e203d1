"""The networks of the example recipes, written with Keras alone, as one would without this project.

Sizes stand here as figures, and not as read from the recipes. What the data decides comes in: how many rows an embedding
has (padding, unseen, and the vocabulary) and how many classes a head has. Heads give logits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
from keras.layers import (
    GRU,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ReLU,
    Rescaling,
)

Sizes = Mapping[str, int]


class Luma(keras.layers.Layer):
    """uint8 (batch, height, width, 3) -> float32 (batch, height, width, 1); Keras has none with the shares of BT.601."""

    def call(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        red, green, blue = (keras.ops.cast(pixels[..., place : place + 1], "float32") for place in range(3))
        return 0.299 * red + 0.587 * green + 0.114 * blue


def picture(name: str, side: int = 96) -> keras.KerasTensor:
    return keras.Input((side, side, 3), dtype="uint8", name=name)


def tokens(name: str) -> keras.KerasTensor:
    return keras.Input((None,), dtype="int32", name=name)


def photo_branch() -> keras.Sequential:
    """Convolution, pool, convolution, pool, ..., dense, on 96x96 pixels."""
    layers = [keras.Input((96, 96, 3), dtype="uint8"), Rescaling(1 / 127.5, offset=-1)]
    for filters in (24, 48, 96, 128):
        layers += [Conv2D(filters, 3, padding="same", use_bias=False), MaxPooling2D(2), BatchNormalization(), ReLU()]
    return keras.Sequential([*layers, GlobalAveragePooling2D(), Dropout(0.2), Dense(96, "relu")])


def words_branch(rows: int, activation: str = "relu") -> keras.Sequential:
    """The mean of the words' vectors, then dense."""
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            Embedding(rows, 96, mask_zero=True),
            GlobalAveragePooling1D(),
            Dropout(0.2),
            Dense(96, activation),
        ]
    )


def recurrent_branch(rows: int) -> keras.Sequential:
    """A GRU in both directions, then dense."""
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            Embedding(rows, 96, mask_zero=True),
            Bidirectional(GRU(64)),
            Dropout(0.2),
            Dense(96, "relu"),
        ]
    )


def dense_behind(features: keras.KerasTensor, *units: int) -> keras.KerasTensor:
    features = Dropout(0.3)(features)
    for width in units:
        features = Dense(width, "relu")(features)
    return features


def image_and_tags(rows: Sizes, classes: Sizes) -> keras.Model:
    image, tags = picture("image"), tokens("tags")
    bag = GlobalAveragePooling1D()(Embedding(rows["tags"], 32, mask_zero=True)(tags))
    merged = Concatenate()([photo_branch()(image), Dense(32, "relu")(bag)])
    category = Dense(classes["category"])(dense_behind(merged, 96))
    return keras.Model({"image": image, "tags": tags}, {"category": category})


def shared_recurrent_merged(rows: Sizes, classes: Sizes) -> keras.Model:
    title, description = tokens("title"), tokens("description")
    branch = recurrent_branch(rows["title"])
    behind = dense_behind(Concatenate()([branch(title), branch(description)]), 96)
    heads = {"topic": Dense(classes["topic"])(behind), "urgency": Dense(classes["urgency"])(behind)}
    return keras.Model({"title": title, "description": description}, heads)


def shared_recurrent_apart(rows: Sizes, classes: Sizes) -> keras.Model:
    title, description = tokens("title"), tokens("description")
    branch = recurrent_branch(rows["title"])
    heads = {
        "topic": Dense(classes["topic"])(branch(title)),
        "urgency": Dense(classes["urgency"])(branch(description)),
    }
    return keras.Model({"title": title, "description": description}, heads)


def shared_trunk(rows: Sizes, classes: Sizes) -> keras.Model:
    image, text = picture("image"), tokens("text")
    behind = dense_behind(Concatenate()([photo_branch()(image), words_branch(rows["text"])(text)]), 128, 96)
    heads = {name: Dense(classes[name])(behind) for name in ("category", "condition", "colours")}
    return keras.Model({"image": image, "text": text}, heads)


def shared_last_layer(rows: Sizes, classes: Sizes) -> keras.Model:
    image, text = picture("image"), tokens("text")
    behind = dense_behind(Concatenate()([photo_branch()(image), words_branch(rows["text"])(text)]), 128)
    last = Dense(classes["food"])
    heads = {name: last(Dense(48, "relu")(behind)) for name in ("food", "service", "price")}
    return keras.Model({"image": image, "text": text}, heads)


def kernels_side_by_side(rows: Sizes, classes: Sizes) -> keras.Model:
    image = picture("image", side=28)
    features = Rescaling(1 / 127.5, offset=-1)(Luma()(image))
    for filters in (16, 32):
        sizes = [Conv2D(filters, size, padding="same", use_bias=False)(features) for size in (3, 5, 7)]
        features = Concatenate()([MaxPooling2D(2)(one) for one in sizes])
        features = ReLU()(BatchNormalization()(features))
    vector = Dense(96, "relu")(GlobalAveragePooling2D()(features))
    return keras.Model({"image": image}, {"digit": Dense(classes["digit"])(vector)})


def two_activations(rows: Sizes, classes: Sizes) -> keras.Model:
    text = tokens("text")
    by_relu, by_tanh = words_branch(rows["by_relu"], "relu"), words_branch(rows["by_tanh"], "tanh")
    behind = dense_behind(Concatenate()([by_relu(text), by_tanh(text)]), 96)
    return keras.Model({"text": text}, {"topic": Dense(classes["topic"])(behind)})


def top_and_bottom(rows: Sizes, classes: Sizes) -> keras.Model:
    top, bottom, branch = picture("top"), picture("bottom"), photo_branch()
    behind = dense_behind(Concatenate()([branch(top), branch(bottom)]), 96)
    return keras.Model({"top": top, "bottom": bottom}, {"condition": Dense(classes["condition"])(behind)})


def next_word(rows: Sizes, classes: Sizes) -> keras.Model:
    image, text = picture("image"), tokens("text")
    read = GRU(128)(Embedding(rows["text"], 96, mask_zero=True)(text))
    merged = Concatenate()([photo_branch()(image), Dense(96, "relu")(read)])
    word = Dense(classes["next_word"])(dense_behind(merged, 256))
    return keras.Model({"image": image, "text": text}, {"next_word": word})


def pictures_alone(rows: Sizes, classes: Sizes) -> keras.Model:
    image = picture("image")
    behind = dense_behind(photo_branch()(image), 96)
    return keras.Model({"image": image}, {"category": Dense(classes["category"])(behind)})


def words_alone(rows: Sizes, classes: Sizes) -> keras.Model:
    text = tokens("text")
    behind = dense_behind(words_branch(rows["text"])(text), 96)
    return keras.Model({"text": text}, {"category": Dense(classes["category"])(behind)})


def merged_frozen(rows: Sizes, classes: Sizes) -> keras.Model:
    """As it is in the beginning, with both branches frozen."""
    image, text = picture("image"), tokens("text")
    branches = [photo_branch(), words_branch(rows["text"])]
    for branch in branches:
        branch.trainable = False
    behind = dense_behind(Concatenate()([branches[0](image), branches[1](text)]), 96)
    return keras.Model({"image": image, "text": text}, {"category": Dense(classes["category"])(behind)})


BY_HAND: Mapping[str, Callable[[Sizes, Sizes], keras.Model]] = {
    "image-and-tags": image_and_tags,
    "kernels-side-by-side": kernels_side_by_side,
    "merged-frozen": merged_frozen,
    "next-word": next_word,
    "pictures-alone": pictures_alone,
    "shared-last-layer": shared_last_layer,
    "shared-recurrent-apart": shared_recurrent_apart,
    "shared-recurrent-merged": shared_recurrent_merged,
    "shared-trunk": shared_trunk,
    "top-and-bottom": top_and_bottom,
    "two-activations": two_activations,
    "words-alone": words_alone,
}

"""The blocks and the stages of the networks of keras.applications."""

from __future__ import annotations

import pytest

from model.branches import network
from model.branches.blocks import blocks, stages

pytestmark = pytest.mark.slow  # Large networks, built again and again.


# Its name, the side of the pictures, and how many blocks it has, the stem included but for VGG, which has none.
BLOCKS = [
    ("VGG16", 32, 5),
    ("ResNet50", 32, 1 + 16),
    ("MobileNet", 32, 1 + 13),
    ("MobileNetV2", 32, 1 + 17),
    ("MobileNetV3Small", 32, 1 + 11),
    pytest.param("EfficientNetB0", 32, 1 + 16),
    pytest.param("ConvNeXtTiny", 32, 1 + 3 + 3 + 9 + 3),
    pytest.param("InceptionV3", 75, 1 + 11),
    pytest.param("Xception", 71, 14),  # block1 is the stem
    pytest.param("ResNet50V2", 32, 1 + 16),
    pytest.param("MobileNetV3Large", 32, 1 + 15),
    pytest.param("EfficientNetV2B0", 32, 1 + 21),
    pytest.param("EfficientNetV2S", 32, 1 + 40),
    pytest.param("DenseNet121", 32, 1 + 6 + 12 + 24 + 16),
    pytest.param("NASNetMobile", 32, 1 + 2 + 4 + 1 + 4 + 1 + 4),
    pytest.param("InceptionResNetV2", 75, 1 + 1 + 10 + 1 + 20 + 1 + 10),
]


@pytest.mark.parametrize(("name", "side", "expected"), BLOCKS)
def test_a_network_falls_into_its_blocks(name: str, side: int, expected: int) -> None:
    made = network.untrained(name, (side, side, 3))
    found = blocks(made)

    assert len(found) == expected
    assert sorted(layer.name for block in found for layer in block) == sorted(layer.name for layer in made.layers)
    assert all(any(layer.weights for layer in block) for block in found)


def test_a_block_is_whole_and_takes_what_follows_it() -> None:
    found = blocks(network.untrained("ResNet50", (32, 32, 3)))

    assert {layer.name[:12] for layer in found[4]} == {"conv3_block1"}
    assert {"conv3_block1_0_conv", "conv3_block1_1_conv"} < {layer.name for layer in found[4]}
    stem = [layer.name for layer in found[0]]
    assert stem[1:] == ["conv1_pad", "conv1_conv", "conv1_bn", "conv1_relu", "pool1_pad", "pool1_pool"]
    last = [layer.name for layer in blocks(network.untrained("MobileNetV2", (32, 32, 3)))[-1]]
    assert last[0] == "block_16_expand"
    assert last[-3:] == ["Conv_1", "Conv_1_bn", "out_relu"]


# Its name, the shape of the pictures, and the shapes of its stages.
STAGES = [
    ("VGG16", (32, 48), [(32, 48, 64), (16, 24, 128), (8, 12, 256), (4, 6, 512), (2, 3, 512), (1, 1, 512)]),
    ("ResNet50", (64, 80), [(32, 40, 64), (16, 20, 256), (8, 10, 512), (4, 5, 1024), (2, 3, 2048)]),
    ("MobileNetV2", (64, 80), [(32, 40, 96), (16, 20, 144), (8, 10, 192), (4, 5, 576), (2, 3, 1280)]),
    ("MobileNetV3Small", (64, 80), [(32, 40, 16), (16, 20, 72), (8, 10, 96), (4, 5, 288), (2, 3, 576)]),
    ("EfficientNetB0", (64, 80), [(32, 40, 96), (16, 20, 144), (8, 10, 240), (4, 5, 672), (2, 3, 1280)]),
    ("ConvNeXtTiny", (64, 80), [(16, 20, 96), (8, 10, 192), (4, 5, 384), (2, 2, 768)]),
    ("Xception", (71, 87), [(33, 41, 64), (17, 21, 128), (9, 11, 256), (5, 6, 728), (3, 3, 2048)]),
    pytest.param(
        "InceptionV3",
        (107, 123),
        [(51, 59, 64), (23, 27, 192), (11, 13, 288), (5, 6, 768), (2, 2, 2048)],
    ),
    # The last block of a stage halves the picture in the middle, while what came in goes past it.
    pytest.param("ResNet50V2", (64, 80), [(32, 40, 64), (16, 20, 256), (8, 10, 512), (4, 5, 1024), (2, 3, 2048)]),
    pytest.param("NASNetMobile", (64, 80), [(31, 39, 32), (2, 3, 1056)]),
    pytest.param("DenseNet121", (64, 80), [(32, 40, 64), (16, 20, 128), (8, 10, 256), (4, 5, 512), (2, 2, 1024)]),
]


@pytest.mark.parametrize(("name", "size", "expected"), STAGES)
def test_a_stage_ends_where_everything_passes(
    name: str, size: tuple[int, int], expected: list[tuple[int, ...]]
) -> None:
    made = network.untrained(name, (*size, 3))
    found = stages(made)

    assert [tensor.shape[1:] for tensor in found] == expected
    assert found[-1] is made.output

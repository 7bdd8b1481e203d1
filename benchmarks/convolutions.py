"""Convolutions of training steps and their gradients: TensorFlow (oneDNN) against native code.

python -m benchmarks.convolutions              (2 minutes)

For the four convolutions of a default branch over pictures of 64 and 128 px and of 3x3 ones, batches of 32.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from benchmarks.arguments import nothing
from benchmarks.interleaved import compare
from model.greeting import filtered
from model.winograd.convolver import Convolver

with filtered():  # behind `model`, whose import has it compute by oneDNN
    import tensorflow as tf

BATCH = 32
FILTERS = (24, 48, 96, 128)  # of `model.spec.ConvBranch`; each convolution is followed by a pool of 2


def measure(side_px: int, channels: int, filters: int, size: int, convolver: Convolver) -> None:
    """Prints the comparison for one convolution."""
    random = np.random.default_rng(0)
    features = random.normal(size=(BATCH, side_px, side_px, channels)).astype(np.float32)
    kernels = random.normal(size=(size, size, channels, filters)).astype(np.float32)
    gradient = random.normal(size=(BATCH, side_px, side_px, filters)).astype(np.float32)
    tensors = tf.constant(features), tf.constant(kernels), tf.constant(gradient)
    padding = {"strides": [1] * 4, "padding": "SAME"}

    def tensorflow() -> tf.Tensor:
        return tf.nn.conv2d(*tensors[:2], **padding)

    def tensorflow_features() -> tf.Tensor:
        sizes = tf.shape(tensors[0])
        return tf.raw_ops.Conv2DBackpropInput(input_sizes=sizes, filter=tensors[1], out_backprop=tensors[2], **padding)

    def tensorflow_kernels() -> tf.Tensor:
        sizes = tf.shape(tensors[1])
        return tf.raw_ops.Conv2DBackpropFilter(input=tensors[0], filter_sizes=sizes, out_backprop=tensors[2], **padding)

    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "forward": (lambda: tensorflow().numpy(), lambda: convolver.convolve(features, kernels)),
        "gradient of the kernels": (
            lambda: tensorflow_kernels().numpy(),
            lambda: convolver.kernel_gradient(features, gradient, size),
        ),
    }
    if channels > 3:
        pairs["gradient of the input"] = (
            lambda: tensorflow_features().numpy(),
            lambda: convolver.convolve(gradient, kernels, transposed=True),
        )
    for what, (theirs, ours) in pairs.items():
        title = f"{size}x{size}, {side_px} px, {channels} to {filters} channels, {what}"
        compare(title, {"TensorFlow": _counted(theirs), "native": _counted(ours)}, unit="pictures")


def _counted(compute: Callable[[], object]) -> Callable[[], int]:
    def run() -> int:
        compute()
        return BATCH

    return run


def main() -> None:
    """Prints the comparisons."""
    nothing(__doc__)
    convolver = Convolver(len(os.sched_getaffinity(0)))
    for side_px, size in ((64, 5), (128, 5), (128, 3)):
        for stage, (channels, filters) in enumerate(zip((3, *FILTERS), FILTERS, strict=False)):
            measure(side_px >> stage, channels, filters, size, convolver)


if __name__ == "__main__":
    main()
